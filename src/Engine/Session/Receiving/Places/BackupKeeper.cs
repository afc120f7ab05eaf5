using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>
/// --backup: keeps what is replaced or deleted, beside it under a suffix, or in a directory of its own under the same path. What
/// cannot be kept is neither replaced nor deleted. Directories are not kept.
/// </summary>
/// <remarks>Used by the dispatcher and by writers: in a directory for backups one at a time, by <c>_gate</c>.</remarks>
internal sealed class BackupKeeper(SyncContext context, ReceiverTree tree) : IDisposable
{
    private const OpenFlags DirectoryFlags = OpenFlags.Read | OpenFlags.Directory;

    private readonly Lock _gate = new();
    private readonly byte[] _suffix = context.Options.BackupSuffix ?? (context.Options.BackupDirectory is null ? "~"u8.ToArray() : []);
    private int _root = -1;

    public bool IsOn => context.Has(JobFlags.Backup);

    /// <summary>Looks before anything is changed whether backups have a place.</summary>
    /// <exception cref="SessionException">1: it is not a directory.</exception>
    public void Check()
    {
        if (IsOn && context.Options.BackupDirectory is { } named)
        {
            _root = OperatorPath.Open(context.Io, tree.Root, named);
            if (_root is -Errno.ENOTDIR or -Errno.ELOOP)
            {
                throw new SessionException(ExitCodes.Syntax, OperatorPath.Describe("backup-dir", named, _root));
            }
        }
    }

    /// <summary>
    /// True when a deleted entry is to be kept. What has the suffix is a backup itself, and really goes; that looks at the path, as
    /// rsync does, to which <c>a/~</c> is a backup and <c>~</c> is not.
    /// </summary>
    public bool KeepsDeleted(ReadOnlySpan<byte> path) =>
        IsOn && (context.Options.BackupDirectory is not null || path.Length <= _suffix.Length || !path.EndsWith(_suffix));

    /// <summary>Keeps what a rename is about to replace: it has both names until then, where that can be. 0, or -errno.</summary>
    /// <param name="path">The entry, relative to the destination.</param>
    /// <param name="dirfd">Its directory.</param>
    /// <param name="name">Its name.</param>
    public int KeepReplaced(ReadOnlySpan<byte> path, int dirfd, ReadOnlySpan<byte> name) => IsPart(dirfd, name) ? 0 : Keep(path, dirfd, name, Link);

    /// <summary>Nothing took the place of what was kept: it gets its name back where it lost it.</summary>
    /// <inheritdoc cref="KeepReplaced"/>
    public void Restore(ReadOnlySpan<byte> path, int dirfd, ReadOnlySpan<byte> name)
    {
        if (context.Io.StatAt(dirfd, name, out _) == -Errno.ENOENT)
        {
            Keep(path, dirfd, name, MoveBack);
        }
    }

    /// <summary>Moves what would be deleted. 0, or -errno.</summary>
    /// <inheritdoc cref="KeepReplaced"/>
    public int KeepDeleted(ReadOnlySpan<byte> path, int dirfd, ReadOnlySpan<byte> name) =>
        Keep(path, dirfd, name, IsPart(dirfd, name) ? MoveUnlessKept : Move);

    /// <summary>Copies a file that is about to be changed in place. 0, or -errno.</summary>
    /// <inheritdoc cref="KeepReplaced"/>
    public int KeepCopy(ReadOnlySpan<byte> path, int dirfd, ReadOnlySpan<byte> name) => IsPart(dirfd, name) ? 0 : Keep(path, dirfd, name, Copy);

    public void Dispose()
    {
        if (_root >= 0)
        {
            context.Io.Close(_root);
        }
    }

    /// <summary>The backup has what was there before a run broke off; what came of that run does not take its place.</summary>
    private bool IsPart(int dirfd, ReadOnlySpan<byte> name) => context.Io.StatAt(dirfd, name, out var there) >= 0 && PartialFiles.IsPart(there);

    private delegate int Way(int dirfd, ReadOnlySpan<byte> name, int target, ReadOnlySpan<byte> kept, ReadOnlySpan<byte> path);

    private int Keep(ReadOnlySpan<byte> path, int dirfd, ReadOnlySpan<byte> name, Way way)
    {
        byte[] kept = [.. name, .. _suffix];
        if (context.Options.BackupDirectory is null)
        {
            return MakeWay(dirfd, kept) is < 0 and var busy ? busy : way(dirfd, name, dirfd, kept, path);
        }

        lock (_gate)
        {
            var slash = path.LastIndexOf((byte)'/');
            var target = OpenDirectory(slash < 0 ? default : path[..slash]);
            if (target < 0)
            {
                return target;
            }

            var error = MakeWay(target, kept);
            error = error < 0 ? error : way(dirfd, name, target, kept, path);
            context.Io.Close(target);
            return error;
        }
    }

    /// <summary>A directory of that name gives way when it is empty, as with rsync.</summary>
    private int MakeWay(int target, byte[] kept)
    {
        if (context.Io.StatAt(target, kept, out var there) < 0 || !there.IsDirectory)
        {
            return 0;
        }

        return context.Io.UnlinkAt(target, kept, directory: true);
    }

    private int Link(int dirfd, ReadOnlySpan<byte> name, int target, ReadOnlySpan<byte> kept, ReadOnlySpan<byte> path)
    {
        var temporary = TemporaryName.For(kept);
        var error = context.Io.LinkAt(dirfd, name, target, temporary);
        if (error == -Errno.EXDEV)
        {
            return Copy(dirfd, name, target, kept, path);
        }

        if (error < 0)
        {
            // No more links, or a file system without them: then it is away until the new one is there.
            return Move(dirfd, name, target, kept, path);
        }

        error = context.Io.RenameAt(target, temporary, target, kept);

        // Renaming one name of a file over another does nothing.
        context.Io.UnlinkAt(target, temporary, directory: false);
        return error;
    }

    private int Move(int dirfd, ReadOnlySpan<byte> name, int target, ReadOnlySpan<byte> kept, ReadOnlySpan<byte> path)
    {
        var error = context.Io.RenameAt(dirfd, name, target, kept);
        if (error == -Errno.EXDEV)
        {
            error = Copy(dirfd, name, target, kept, path);
            error = error < 0 ? error : context.Io.UnlinkAt(dirfd, name, directory: false);
        }

        return error;
    }

    private int MoveUnlessKept(int dirfd, ReadOnlySpan<byte> name, int target, ReadOnlySpan<byte> kept, ReadOnlySpan<byte> path) =>
        context.Io.StatAt(target, kept, out _) >= 0 ? context.Io.UnlinkAt(dirfd, name, directory: false) : Move(dirfd, name, target, kept, path);

    private int MoveBack(int dirfd, ReadOnlySpan<byte> name, int target, ReadOnlySpan<byte> kept, ReadOnlySpan<byte> path) =>
        context.Io.RenameAt(target, kept, dirfd, name);

    private int Copy(int dirfd, ReadOnlySpan<byte> name, int target, ReadOnlySpan<byte> kept, ReadOnlySpan<byte> path) =>
        LocalCopy.Make(context, tree.Attributes, dirfd, name, target, kept, path.ToArray());

    /// <summary>The directory of that path below the root of backups; made like its model in the destination where it is missing.</summary>
    private int OpenDirectory(ReadOnlySpan<byte> path)
    {
        if (_root < 0)
        {
            var named = context.Options.BackupDirectory!;
            _root = OperatorPath.Make(context.Io, tree.Root, named, tree.Attributes.DefaultDirectoryMode);
            if (_root is -Errno.ENOTDIR or -Errno.ELOOP)
            {
                // It was none, and became one meanwhile.
                throw new SessionException(ExitCodes.FileIo, OperatorPath.Describe("backup-dir", named, _root));
            }

            if (_root < 0)
            {
                return _root;
            }
        }

        var fd = context.Io.OpenBeneath(_root, path, DirectoryFlags);
        if (fd is not (-Errno.ENOENT or -Errno.ENOTDIR or -Errno.ELOOP) || path.IsEmpty)
        {
            return fd;
        }

        var slash = path.LastIndexOf((byte)'/');
        var above = OpenDirectory(slash < 0 ? default : path[..slash]);
        if (above < 0)
        {
            return above;
        }

        var name = path[(slash + 1)..];
        if (context.Io.StatAt(above, name, out var inTheWay) >= 0 && !inTheWay.IsDirectory)
        {
            // As with rsync; a link that somebody planted is not followed, but goes.
            context.Io.UnlinkAt(above, name, directory: false);
        }

        var error = context.Io.MakeDirectoryAt(above, name, ModeBits.PrivateDirectory);
        fd = error < 0 ? error : context.Io.OpenAt(above, name, DirectoryFlags);
        context.Io.Close(above);
        if (fd >= 0)
        {
            Resemble(fd, path);
        }

        return fd;
    }

    private void Resemble(int fd, ReadOnlySpan<byte> path)
    {
        var model = tree.Handles.Open(path);
        if (model < 0)
        {
            return;
        }

        if (context.Io.Stat(model, out var status) >= 0)
        {
            // One that is to change has, with rsync, changed by now.
            var goal = tree.Directories.GoalOf(path);
            tree.Attributes.Apply(
                fd, path.ToArray(), goal?.Metadata ?? status.ToMetadata(), goal?.Xattrs ?? tree.Attributes.ReadXattrs(model, "."u8), isNew: true);
        }

        context.Io.Close(model);
    }
}
