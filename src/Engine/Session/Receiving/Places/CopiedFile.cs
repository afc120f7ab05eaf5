using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>Makes an entry's file from an open one of this machine: beside its place, with its attributes, and then over it.</summary>
internal static class CopiedFile
{
    /// <param name="context">Of the session.</param>
    /// <param name="tree">Of the receiver.</param>
    /// <param name="directory">Where the entry is.</param>
    /// <param name="index">The entry.</param>
    /// <param name="dirfd">Its directory.</param>
    /// <param name="from">The file that has the content.</param>
    /// <param name="known">What it was when its content was looked at, and must be still.</param>
    /// <returns>0, or -errno: then nothing has changed.</returns>
    public static int Make(
        SyncContext context, ReceiverTree tree, ReceiverDirectory directory, int index, int dirfd, int from, in FileStatus? known = null)
    {
        var name = tree.LocalName(directory, index);
        var fd = tree.Placement.Create(dirfd, name, out var staged);
        if (fd < 0)
        {
            return fd;
        }

        var remote = directory.Remote!.Entries;
        var error = LocalCopy.CopyContent(context.Io, from, fd, known);
        error = error < 0 ? error : LocalCopy.FlushTail(context, fd);
        if (error >= 0)
        {
            tree.Attributes.ApplyToContent(
                fd, dirfd, name, tree.PathOf(directory, index), remote.Metadata(index), remote.Xattrs(index), isNew: true, directory.Umask);
            error = context.Has(JobFlags.Fsync) ? context.Io.Sync(fd) : 0;

            // A copy takes its time, in which the session may have ended and another one put something newer there.
            error = context.Abort.Reason is null ? error : -Errno.ECANCELED;
        }

        if (error >= 0)
        {
            error = tree.Placement.Commit(directory, index, dirfd, staged, fd);
        }
        else
        {
            tree.Placement.Discard(staged);
        }

        context.Io.Close(fd);
        return error;
    }
}
