using System.IO.Hashing;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Writes a small file that came in one piece. Where there is nothing to replace, straight under its own name: its times come
/// last, so that one that was cut off is not taken for complete by the next run. Otherwise beside the old one, and then over it.
/// </summary>
internal static class WholeFile
{
    /// <summary>What a file system can leave out.</summary>
    private const int Page = 4096;

    public static void Write(
        SyncContext context, ReceiverTree tree, ReceiverDirectory directory, int index, ReadOnlySpan<byte> data, ContentFlags flags, UInt128 digest)
    {
        if (XxHash128.HashToUInt128(data) != digest)
        {
            tree.Contents.Mismatch(directory, index);
            return;
        }

        if ((flags & ContentFlags.Unstable) != 0)
        {
            tree.Contents.SourceChanged(directory, index);
        }

        if (context.Has(JobFlags.DryRun))
        {
            // --only-write-batch: the batch has it.
            tree.Contents.Written(directory, index, error: 0, data.Length, literal: data.Length, matched: 0, digest);
            return;
        }

        var handle = tree.Handles.Take(directory);
        try
        {
            var error = handle.Fd < 0 ? handle.Fd : Write(context, tree, directory, index, handle.Fd, data);
            tree.Contents.Written(directory, index, error, data.Length, literal: data.Length, matched: 0, digest);
        }
        finally
        {
            tree.Handles.Return(handle);
        }
    }

    private static int Write(SyncContext context, ReceiverTree tree, ReceiverDirectory directory, int index, int dirfd, ReadOnlySpan<byte> data)
    {
        var io = context.Io;
        var name = tree.LocalName(directory, index);
        var fd = -Errno.EEXIST;
        Staged? staged = null;
        var isNew = true;
        if (tree.Placement.MayWriteInPlace)
        {
            fd = io.OpenAt(dirfd, name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, tree.Attributes.FirstMode(directory, index));
        }

        if (fd == -Errno.EEXIST && context.InPlace)
        {
            isNew = false;
            fd = OpenExisting(context, tree, directory, index, dirfd, name);
        }

        if (fd is -Errno.EEXIST or -Errno.ELOOP)
        {
            isNew = true;
            fd = tree.Placement.Create(dirfd, name, out var temporary);
            staged = temporary;
        }

        if (fd < 0)
        {
            return fd;
        }

        if (isNew)
        {
            tree.Attributes.Prepare(fd, directory.Remote!.Entries.Metadata(index));
        }

        var sparse = context.Has(JobFlags.Sparse) && isNew;
        var written = data.Length;
        var error = isNew ? Preallocation.Reserve(context, fd, data.Length) : 0;
        if (error >= 0)
        {
            error = sparse ? WriteSparse(io, fd, data, out written) : io.WriteAll(fd, data);
        }

        if (error >= 0 && (!isNew || sparse))
        {
            error = io.Truncate(fd, data.Length);
        }

        if (error >= 0 && written > 0 && (!isNew || written < data.Length) && context.FlushesTails)
        {
            error = io.Sync(fd);
        }

        if (error >= 0)
        {
            var remote = directory.Remote!.Entries;
            tree.Attributes.ApplyToContent(
                fd, staged is null ? -1 : dirfd, name, tree.PathOf(directory, index), remote.Metadata(index), remote.Xattrs(index), isNew, directory.Umask);
            if (context.Has(JobFlags.Fsync))
            {
                error = io.Sync(fd);
            }
        }

        if (staged is { } complete)
        {
            if (error >= 0)
            {
                error = tree.Placement.Commit(directory, index, dirfd, complete, fd);
            }
            else
            {
                tree.Placement.Discard(complete);
            }
        }
        else if (error < 0 && isNew)
        {
            io.UnlinkAt(dirfd, name, directory: false);
        }

        io.Close(fd);
        return error;
    }

    private static int OpenExisting(
        SyncContext context, ReceiverTree tree, ReceiverDirectory directory, int index, int dirfd, ReadOnlySpan<byte> name)
    {
        var io = context.Io;
        // Looked at first: to open a device or a FIFO for writing may do something, or fail in its own way.
        if (io.StatAt(dirfd, name, out var status) >= 0 && !status.IsRegular)
        {
            return -Errno.EEXIST;
        }

        var fd = io.OpenAt(dirfd, name, OpenFlags.ReadWrite | OpenFlags.NonBlocking);
        if (fd >= 0 && (io.Stat(fd, out status) < 0 || !status.IsRegular))
        {
            io.Close(fd);
            return -Errno.EEXIST;
        }

        if (fd >= 0 && tree.Placement.Backups.IsOn
            && tree.Placement.Backups.KeepCopy(tree.PathOf(directory, index), dirfd, name) is < 0 and var error)
        {
            io.Close(fd);
            return error;
        }

        return fd;
    }

    /// <summary>Leaves out whole pages of zeros; the caller sets the length. What follows <paramref name="written"/> is a hole.</summary>
    private static int WriteSparse(ISystemCalls io, int fd, ReadOnlySpan<byte> data, out int written)
    {
        written = 0;
        for (var start = 0; start < data.Length;)
        {
            var zeros = data[start..].IndexOfAnyExcept((byte)0) is var run and >= 0 ? run & ~(Page - 1) : data.Length - start;
            start += zeros;
            var end = start;
            while (end < data.Length)
            {
                var page = data.Slice(end, Math.Min(Page, data.Length - end));
                if (!page.ContainsAnyExcept((byte)0))
                {
                    break;
                }

                end += page.Length;
            }

            if (end > start)
            {
                var position = io.Seek(fd, start, SeekKind.Set);
                var error = position < 0 ? (int)position : io.WriteAll(fd, data[start..end]);
                if (error < 0)
                {
                    return error;
                }

                written = end;
            }

            start = end;
        }

        return 0;
    }
}
