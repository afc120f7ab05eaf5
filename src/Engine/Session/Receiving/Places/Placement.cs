using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>A file that is put together somewhere, to take its place when it is complete.</summary>
/// <param name="Dirfd">The directory that holds it; borrowed.</param>
/// <param name="Name">Its name there.</param>
internal readonly record struct Staged(int Dirfd, byte[] Name);

/// <summary>
/// Where new contents are put together (--temp-dir), and how they take their place: at once or at the end (--delay-updates), what
/// they replace kept or not (--backup).
/// </summary>
/// <remarks>Used by the dispatcher and by writers.</remarks>
internal sealed class Placement : IDisposable
{
    private readonly SyncContext _context;
    private readonly ReceiverTree _tree;
    private readonly int _temporary = -1;

    /// <exception cref="SessionException">1: the directory for temporary files, or for backups, is none.</exception>
    public Placement(SyncContext context, ReceiverTree tree)
    {
        _context = context;
        _tree = tree;
        Backups = new BackupKeeper(context, tree);
        Backups.Check();
        Partials = new PartialPlace(context, tree.Root);
        Parts = new PartialFiles(context, this);
        Flush = new FileSystemFlush(context);
        Resume = new ResumePlace(context, tree.Root.Fd);
        Unflushed = new UnflushedMark(context, Resume, tree.Root.Fd);
        Unflushed.Begin();
        MayWriteInPlace = context.InPlace
            || (context.Options.TempDirectory is not { Length: > 0 }
                && !context.Has(JobFlags.DelayUpdates) && !context.Has(JobFlags.Update) && !context.Has(JobFlags.IgnoreExisting) && !context.Has(JobFlags.SizeOnly));
        if (context.Options.TempDirectory is { Length: > 0 } directory && !context.Has(JobFlags.DryRun))
        {
            _temporary = OperatorPath.Open(context.Io, tree.Root, directory);
            if (_temporary < 0)
            {
                throw new SessionException(ExitCodes.Syntax, OperatorPath.Describe("temp-dir", directory, _temporary));
            }
        }
    }

    public BackupKeeper Backups { get; }

    public PartialPlace Partials { get; }

    /// <summary>What is kept of files that break off.</summary>
    public PartialFiles Parts { get; }

    /// <summary>What must be on the disks at the end.</summary>
    public FileSystemFlush Flush { get; }

    /// <summary>What may not be on the disks.</summary>
    public UnflushedMark Unflushed { get; }

    /// <summary>Where large files are put together, so that the next run goes on with one that broke off.</summary>
    public ResumePlace Resume { get; }

    /// <summary>False when even what replaces nothing may not be written under its own name.</summary>
    /// <remarks>
    /// One that is cut off is replaced by the next run because its size or time differ; where a run may look past them, nothing
    /// incomplete may ever bear the name.
    /// </remarks>
    public bool MayWriteInPlace { get; }

    /// <summary>Makes the file in which the content for a name is put together; its handle, or -errno.</summary>
    public int Create(int dirfd, ReadOnlySpan<byte> name, out Staged staged)
    {
        staged = _temporary >= 0
            ? new Staged(_temporary, TemporaryName.For(name, hidden: false))
            : new Staged(dirfd, TemporaryName.For(name));
        return _context.Io.OpenAt(staged.Dirfd, staged.Name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, ModeBits.PrivateFile);
    }

    public void Discard(in Staged staged) => _context.Io.UnlinkAt(staged.Dirfd, staged.Name, directory: false);

    /// <summary>Copies what is on another file system to where it can be renamed from. 0, or -errno: then there is no copy.</summary>
    /// <param name="fd">The one.</param>
    /// <param name="dirfd">The directory for the copy.</param>
    /// <param name="name">The name that it is to get.</param>
    /// <param name="near">The copy.</param>
    /// <param name="copy">The same, open, for the caller to close.</param>
    public int CopyNear(int fd, int dirfd, ReadOnlySpan<byte> name, out Staged near, out int copy)
    {
        near = new Staged(dirfd, TemporaryName.For(name));
        copy = _context.Io.OpenAt(dirfd, near.Name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, ModeBits.PrivateFile);
        if (copy < 0)
        {
            return copy;
        }

        var error = LocalCopy.CopyContent(_context.Io, fd, copy);
        if (error < 0)
        {
            _context.Io.Close(copy);
            Discard(near);
        }

        return error;
    }

    /// <summary>Puts a complete file in its place, or, with --delay-updates, aside until the end. 0, or -errno: then it is gone.</summary>
    public int Commit(ReceiverDirectory directory, int index, int dirfd, in Staged staged, int fd)
    {
        var name = _tree.LocalName(directory, index);
        var error = IsAcross(staged, dirfd) ? -Errno.EXDEV
            : _context.Has(JobFlags.DelayUpdates) ? SetAside(directory, index, dirfd, staged, name)
            : Replace(_tree.PathOf(directory, index), staged, dirfd, name);
        if (error == -Errno.EXDEV)
        {
            error = CommitAcross(directory, index, dirfd, staged, fd, name);
        }

        if (error < 0)
        {
            Discard(staged);
        }

        return error;
    }

    /// <summary>Gives something complete its name; what has it is kept when asked for. 0, or -errno.</summary>
    public int Replace(byte[] path, in Staged staged, int dirfd, ReadOnlySpan<byte> name)
    {
        var isKept = false;
        if (Backups.IsOn && _context.Io.StatAt(dirfd, name, out var old) is var seen and not -Errno.ENOENT)
        {
            if (seen < 0)
            {
                return seen; // Whether there is something to keep is not known.
            }

            isKept = !old.IsDirectory && (old.IsRegular || Backups.KeepsDeleted(path));
        }

        if (isKept && Backups.KeepReplaced(path, dirfd, name) is < 0 and var unkept)
        {
            return unkept;
        }

        var error = _context.Io.RenameAt(staged.Dirfd, staged.Name, dirfd, name);
        if (error < 0 && isKept)
        {
            Backups.Restore(path, dirfd, name);
        }

        return error;
    }

    /// <summary>A hard link to something that waits for the end waits, too. 0, or -errno.</summary>
    public int LinkAside(ReceiverDirectory directory, int index, int dirfd, int leaderFd, byte[] leaderName)
    {
        var name = _tree.LocalName(directory, index);
        var from = Partials.Open(leaderFd);
        var to = Partials.Make(dirfd);
        var error = from < 0 ? from : to < 0 ? to : 0;
        if (error >= 0)
        {
            _context.Io.UnlinkAt(to, name, directory: false);
            error = _context.Io.LinkAt(from, leaderName, to, name);
        }

        Partials.Close(from);
        Partials.Close(to);
        if (error >= 0)
        {
            _tree.Late.AddUpdate(directory, index, isLink: true);
        }

        return error;
    }

    public void Dispose()
    {
        Backups.Dispose();
        Partials.Dispose();
        Unflushed.Dispose();
        Resume.Dispose();
        Flush.Dispose();
        if (_temporary >= 0)
        {
            _context.Io.Close(_temporary);
        }
    }

    /// <summary>The directory for temporary files is plainly on another file system: no backup is made before a rename that cannot be.</summary>
    /// <param name="staged">What is to be renamed.</param>
    /// <param name="dirfd">To which directory.</param>
    public bool IsAcross(in Staged staged, int dirfd) => staged.Dirfd == _temporary
        && _context.Io.Stat(staged.Dirfd, out var there) >= 0 && _context.Io.Stat(dirfd, out var here) >= 0 && there.Device != here.Device;

    private int SetAside(ReceiverDirectory directory, int index, int dirfd, in Staged staged, ReadOnlySpan<byte> name)
    {
        var place = Partials.Make(dirfd);
        if (place < 0)
        {
            _tree.Report(Operation.MakeDirectory, -place, PathBytes.Join(directory.Path, Partials.Path));
            return place;
        }

        var error = _context.Io.RenameAt(staged.Dirfd, staged.Name, place, name);
        Partials.Close(place);
        if (error < 0)
        {
            Partials.RemoveIfEmpty(dirfd);
            return error;
        }

        directory.Remote!.State(index) = ContentState.Aside;
        _tree.Late.AddUpdate(directory, index, isLink: false);
        return 0;
    }

    /// <summary>--temp-dir on another file system: copied beside its place first, so that it still replaces the old one in one step.</summary>
    private int CommitAcross(ReceiverDirectory directory, int index, int dirfd, in Staged staged, int fd, ReadOnlySpan<byte> name)
    {
        var error = CopyNear(fd, dirfd, name, out var near, out var copy);
        if (error < 0)
        {
            return error;
        }

        var remote = directory.Remote!.Entries;
        error = LocalCopy.FlushTail(_context, copy);
        if (error >= 0)
        {
            _tree.Attributes.ApplyToContent(
                copy, dirfd, name, _tree.PathOf(directory, index), remote.Metadata(index), remote.Xattrs(index), isNew: true, directory.Umask);
            error = _context.Has(JobFlags.Fsync) ? _context.Io.Sync(copy) : 0;
        }

        _context.Io.Close(copy);
        if (error >= 0)
        {
            error = _context.Has(JobFlags.DelayUpdates)
                ? SetAside(directory, index, dirfd, near, name)
                : Replace(_tree.PathOf(directory, index), near, dirfd, name);
        }

        if (error < 0)
        {
            Discard(near);
        }
        else
        {
            Discard(staged);
        }

        return error;
    }
}
