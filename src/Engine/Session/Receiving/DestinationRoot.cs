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
                return Make(context, parent) with { Rename = name };
            }

            return Open(io, parent.Length == 0 ? "."u8.ToArray() : parent, name, created: false);
        }

        return Make(context, path);
    }

    private static DestinationRoot Make(SyncContext context, byte[] path)
    {
        if (context.Has(JobFlags.DryRun))
        {
            return new DestinationRoot(-1, null, Created: true, path);
        }

        var trimmed = path.AsSpan().TrimEnd((byte)'/').ToArray();
        var error = MakeDirectory(context.Io, trimmed);
        if (error == -Errno.ENOENT && context.Has(JobFlags.MakePath))
        {
            for (var i = 1; i < trimmed.Length; i++)
            {
                if (trimmed[i] == (byte)'/')
                {
                    MakeDirectory(context.Io, trimmed[..i]);
                }
            }

            error = MakeDirectory(context.Io, trimmed);
        }

        if (error < 0 && error != -Errno.EEXIST)
        {
            var hint = error == -Errno.ENOENT ? " (create the directory above it first)" : "";
            throw new SessionException(ExitCodes.FileIo,
                $"cannot create the destination directory \"{ByteText.Escape(path)}\": {Errno.Describe(-error)}{hint}");
        }

        return Open(context.Io, path, null, created: true);
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
