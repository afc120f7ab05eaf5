using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// The directory below which everything is written, opened once. rsync's rules decide what a destination path means:
/// an existing directory receives the sources; a missing one is made (its parent must exist, unless --mkpath); and a single
/// file may be given a new name by a path that is no directory.
/// </summary>
/// <param name="Fd">The open directory; -1 in a dry run whose destination does not exist.</param>
/// <param name="Rename">The name that the single source gets; null to keep names.</param>
/// <param name="Created">True when the directory was (or in a dry run would be) made.</param>
/// <param name="Path">The directory as the operator named it.</param>
internal sealed record DestinationRoot(int Fd, byte[]? Rename, bool Created, byte[] Path)
{
    /// <summary>What was made of it, in the words of rsync; none where it was there.</summary>
    public IReadOnlyList<byte[]> Notes { get; private init; } = [];

    private const OpenFlags DirectoryFlags = OpenFlags.Read | OpenFlags.Directory;

    /// <summary>There is nothing to receive: the directory is neither opened nor made.</summary>
    public static DestinationRoot Nothing { get; } = new(-1, null, Created: false, []);

    /// <summary>True of <see cref="Nothing"/>.</summary>
    public bool IsNothing => ReferenceEquals(this, Nothing);

    /// <exception cref="SessionException">3 or 11, as rsync.</exception>
    public static DestinationRoot Resolve(SyncContext context, byte[] destination, bool singleFile)
    {
        var io = context.Io;
        var path = destination.Length == 0 ? "."u8.ToArray() : destination;
        var error = io.StatPath(path, follow: true, out var status);
        if (error >= 0 && status.IsDirectory)
        {
            return Open(io, path, null, created: false);
        }

        if (error >= 0 && !singleFile)
        {
            throw new SessionException(ExitCodes.FileSelection,
                $"destination \"{ByteText.Escape(path)}\" is a file, and must be a directory when it receives more than one file");
        }

        if (error < 0 && error != -Errno.ENOENT)
        {
            throw new SessionException(ExitCodes.FileIo, $"destination \"{ByteText.Escape(path)}\": {Errno.Describe(-error)}");
        }

        var (parent, name) = PathBytes.Split(path);
        if (singleFile && name.Length > 0)
        {
            if (context.Has(JobFlags.MakePath) && parent.Length > 0 && io.StatPath(parent, follow: true, out _) == -Errno.ENOENT)
            {
                return MakePath(context, parent) with { Rename = name };
            }

            return Open(io, parent.Length == 0 ? "."u8.ToArray() : parent, name, created: false);
        }

        return context.Has(JobFlags.MakePath) ? MakePath(context, path) : Make(context, path);
    }

    private static DestinationRoot Make(SyncContext context, byte[] path)
    {
        var trimmed = path.AsSpan().TrimEnd((byte)'/').ToArray();
        byte[] note = [.. "created directory "u8, .. trimmed];
        if (context.Has(JobFlags.DryRun))
        {
            return new DestinationRoot(-1, null, Created: true, path) { Notes = [note] };
        }

        var error = MakeDirectory(context.Io, trimmed);
        if (error < 0 && error != -Errno.EEXIST)
        {
            var hint = error == -Errno.ENOENT ? " (create the directory above it first)" : "";
            throw new SessionException(ExitCodes.FileIo,
                $"cannot create the destination directory \"{ByteText.Escape(path)}\": {Errno.Describe(-error)}{hint}");
        }

        return Open(context.Io, path, null, created: true) with { Notes = [note] };
    }

    /// <summary>--mkpath: with all that is missing on the way.</summary>
    private static DestinationRoot MakePath(SyncContext context, byte[] path)
    {
        var trimmed = path.AsSpan().TrimEnd((byte)'/').ToArray();
        var made = 0;
        for (var i = 1; i <= trimmed.Length; i++)
        {
            if ((i == trimmed.Length || trimmed[i] == (byte)'/') && context.Io.StatPath(trimmed.AsSpan(0, i), follow: true, out _) == -Errno.ENOENT)
            {
                made++;
                if (!context.Has(JobFlags.DryRun) && MakeDirectory(context.Io, trimmed[..i]) is < 0 and var error)
                {
                    throw new SessionException(ExitCodes.FileIo, $"cannot create the destination directory \"{ByteText.Escape(trimmed.AsSpan(0, i))}\": {Errno.Describe(-error)}");
                }
            }
        }

        byte[] note = [.. ByteText.FromArgument(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"created {made} director{(made == 1 ? "y" : "ies")} for ")), .. trimmed];
        if (!context.Has(JobFlags.DryRun))
        {
            return Open(context.Io, path, null, created: true) with { Notes = [note] };
        }

        // As in rsync: nothing was made, so it is missed once more.
        var dry = Make(context, path);
        return dry with { Notes = [note, .. dry.Notes] };
    }

    private static int MakeDirectory(ISystemCalls io, byte[] path)
    {
        var (parent, name) = PathBytes.Split(path);
        var fd = io.OpenPath(parent.Length == 0 ? "."u8 : parent, DirectoryFlags);
        if (fd < 0)
        {
            return fd;
        }

        var error = io.MakeDirectoryAt(fd, name, 0x1FF);
        io.Close(fd);
        return error;
    }

    private static DestinationRoot Open(ISystemCalls io, byte[] path, byte[]? rename, bool created)
    {
        var fd = io.OpenPath(path, DirectoryFlags);
        return fd >= 0
            ? new DestinationRoot(fd, rename, created, path)
            : throw new SessionException(
                rename is null && fd is -Errno.ENOENT or -Errno.ENOTDIR ? ExitCodes.FileIo : ExitCodes.FileSelection,
                $"cannot open the destination directory \"{ByteText.Escape(path)}\": {Errno.Describe(-fd)}");
    }
}
