using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>Copies files and other entries between places of this machine.</summary>
internal static class LocalCopy
{
    private const int ChunkSize = 256 * 1024;

    /// <summary>Copies an entry with its attributes; over something else by a temporary name. 0, or -errno.</summary>
    public static int Make(
        SyncContext context, AttributeWriter attributes, int dirfd, ReadOnlySpan<byte> name, int target, ReadOnlySpan<byte> copy, byte[] path)
    {
        var io = context.Io;
        var error = io.StatAt(dirfd, name, out var status);
        if (error < 0)
        {
            return error;
        }

        var temporary = TemporaryName.For(copy);
        var metadata = status.ToMetadata();
        error = status.IsRegular ? CopyFile(io, dirfd, name, target, temporary) : CopySpecial(io, dirfd, name, metadata, target, temporary);
        if (error < 0)
        {
            return error;
        }

        attributes.ApplyAt(target, temporary, path, metadata, attributes.ReadXattrs(dirfd, name), isNew: true);
        error = io.RenameAt(target, temporary, target, copy);
        if (error < 0)
        {
            io.UnlinkAt(target, temporary, directory: false);
        }

        return error;
    }

    /// <summary>Copies what is in one open file to another one that is empty, holes as holes. 0, or -errno; ESTALE when the first changed meanwhile.</summary>
    /// <param name="io">The system.</param>
    /// <param name="from">The one.</param>
    /// <param name="to">The other.</param>
    /// <param name="known">What the first must be still.</param>
    public static int CopyContent(ISystemCalls io, int from, int to, in FileStatus? known = null)
    {
        var error = io.Stat(from, out var before);
        before = known ?? before;
        if (error < 0 || before.Size == 0)
        {
            return error;
        }

        if (io.Clone(to, from) < 0)
        {
            error = CopyData(io, from, to, before);
        }
        else if (known is null)
        {
            return 0;
        }

        return error < 0 ? error : io.Stat(from, out var after) < 0 || !after.IsSameVersion(before) ? -Errno.ESTALE : 0;
    }

    /// <summary>Brings a copy that has holes to the disk before it gets its times, where <see cref="SyncContext.FlushesTails"/> asks for it. 0, or -errno.</summary>
    public static int FlushTail(SyncContext context, int fd)
    {
        if (!context.FlushesTails)
        {
            return 0;
        }

        var error = context.Io.Stat(fd, out var status);
        return error < 0 ? error : context.Io.Seek(fd, 0, SeekKind.Hole) is >= 0 and var hole && hole < status.Size ? context.Io.Sync(fd) : 0;
    }

    private static int CopyData(ISystemCalls io, int from, int to, in FileStatus status)
    {
        var holes = status.Blocks * 512 < status.Size;
        for (long offset = 0; offset < status.Size;)
        {
            var end = status.Size;
            if (holes)
            {
                var data = io.Seek(from, offset, SeekKind.Data);
                offset = data == -Errno.ENXIO ? end : Math.Min(end, Math.Max(offset, data));
                var hole = io.Seek(from, offset, SeekKind.Hole);
                end = hole <= offset ? end : Math.Min(end, hole);
            }

            while (offset < end && io.CopyRange(from, offset, to, offset, (nint)Math.Min(end - offset, 1 << 30)) is var count and > 0)
            {
                offset += count;
            }

            var error = CopyByHand(io, from, to, offset, end);
            if (error < 0)
            {
                return error;
            }

            offset = end;
        }

        return holes ? io.Truncate(to, status.Size) : 0;
    }

    private static int CopyByHand(ISystemCalls io, int from, int to, long offset, long size)
    {
        if (offset >= size)
        {
            return 0;
        }

        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            while (offset < size)
            {
                var count = (int)io.ReadAt(from, buffer.AsSpan(0, (int)Math.Min(ChunkSize, size - offset)), offset);
                if (count <= 0)
                {
                    return count < 0 ? count : -Errno.ESTALE;
                }

                for (var done = 0; done < count;)
                {
                    var written = (int)io.WriteAt(to, buffer.AsSpan(done, count - done), offset + done);
                    if (written <= 0)
                    {
                        return written < 0 ? written : -Errno.EIO;
                    }

                    done += written;
                }

                offset += count;
            }

            return 0;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static int CopyFile(ISystemCalls io, int dirfd, ReadOnlySpan<byte> name, int target, ReadOnlySpan<byte> copy)
    {
        var from = io.OpenQuietly(dirfd, name);
        if (from < 0)
        {
            return from;
        }

        var to = io.OpenAt(target, copy, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, ModeBits.PrivateFile);
        if (to < 0)
        {
            io.Close(from);
            return to;
        }

        var error = CopyContent(io, from, to);
        io.Close(from);
        var closed = io.Close(to);
        error = error < 0 ? error : closed;
        if (error < 0)
        {
            io.UnlinkAt(target, copy, directory: false);
        }

        return error;
    }

    private static int CopySpecial(ISystemCalls io, int dirfd, ReadOnlySpan<byte> name, in EntryMetadata metadata, int target, ReadOnlySpan<byte> copy)
    {
        if (!metadata.IsSymbolicLink)
        {
            return io.MakeNodeAt(target, copy, (metadata.Mode & ModeBits.TypeMask) | ModeBits.PrivateFile, metadata.Rdev);
        }

        Span<byte> link = stackalloc byte[ProtocolLimits.MaxLinkTarget + 1];
        var length = io.ReadLinkAt(dirfd, name, link);
        return length < 0 ? length : io.SymbolicLinkAt(link[..length], target, copy);
    }
}
