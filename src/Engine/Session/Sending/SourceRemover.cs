using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// Removes what arrived (--remove-source-files): only once the receiver has said that it is there, and only what is still the
/// same file with the size and time that were sent.
/// </summary>
internal sealed class SourceRemover(SyncContext context, LinkFollower links)
{
    /// <summary>Removes one entry.</summary>
    /// <param name="dirfd">The directory that holds it, or -errno.</param>
    /// <param name="directory">The same in the transfer.</param>
    /// <param name="index">The entry.</param>
    /// <param name="copy">What the receiver has, when it is on this machine.</param>
    public void Remove(int dirfd, SenderDirectory directory, int index, (ulong Device, ulong Inode) copy)
    {
        var name = directory.Listing.Name(index);
        ref var sent = ref directory.Listing.Metadata(index);
        ref var identity = ref directory.Listing.Identity(index);
        if (sent.IsDirectory || directory.Marks?[index] is not (null or EntryMark.None) )
        {
            return;
        }

        if (copy == (identity.Device, identity.Inode))
        {
            Report(Operation.Remove, Errno.EEXIST, directory, index);
            return;
        }

        if (directory.OriginOf(index).Link is not null)
        {
            // It lies where a link leads, and so perhaps outside of what was given away.
            Report(Operation.Remove, Errno.ELOOP, directory, index);
            return;
        }

        FileStatus now = default;
        var error = dirfd < 0 ? dirfd : context.Io.StatAt(dirfd, name, out now);
        if (error >= 0 && identity.Followed)
        {
            error = links.Stat(dirfd, name, LinkSafety.Depth(directory.Path), ref now, out _);
        }

        if (error >= 0 && (now.Inode != identity.Inode || now.Device != identity.Device || now.Modified != sent.Modified
            || (sent.IsRegular && now.IsRegular && now.Size != sent.Size)))
        {
            Report(Operation.Changed, 0, directory, index);
            return;
        }

        error = error < 0 ? error : context.Io.UnlinkAt(dirfd, name, directory: false);
        if (error < 0)
        {
            Report(Operation.Remove, -error, directory, index);
        }
    }

    private void Report(Operation operation, int errno, SenderDirectory directory, int index) => SenderProblems.Report(
        context, new SyncProblem(operation, errno, PathBytes.Join(directory.Path, directory.Listing.Name(index)), OnSource: true, Warning: false));
}
