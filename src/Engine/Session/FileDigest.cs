using System.Buffers;
using System.IO.Hashing;
using NativeSync.Engine.Digests;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session;

/// <summary>XXH3-128 of a file's content, as --checksum compares it.</summary>
internal static class FileDigest
{
    private const int BufferSize = 256 * 1024;

    /// <summary>The digest of an open file; from the index where the file is known there and has not changed.</summary>
    /// <param name="io">The system.</param>
    /// <param name="known">null without an index.</param>
    /// <param name="fd">The file.</param>
    /// <param name="status">What it is.</param>
    /// <param name="digest">Of its content.</param>
    /// <returns>0, or -errno of the read that failed.</returns>
    public static int Compute(ISystemCalls io, DigestIndex? known, int fd, in FileStatus status, out UInt128 digest)
    {
        // What a device holds changes without a trace in its node.
        known = status.IsRegular ? known : null;
        if (known is not null && known.TryGet(status, out digest))
        {
            return 0;
        }

        var began = known?.Now ?? 0;
        var error = Compute(io, fd, status.IsRegular ? status.Size : long.MaxValue, out digest);
        if (known is not null && error >= 0 && io.Stat(fd, out var after) >= 0 && after.IsSameVersion(status))
        {
            known.Put(status, digest, began);
        }

        return error;
    }

    private static int Compute(ISystemCalls io, int fd, long size, out UInt128 digest)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            XxHash128? hash = null;
            for (long offset = 0; ;)
            {
                var count = (int)io.ReadAt(fd, buffer.AsSpan(0, BufferSize), offset);
                if (hash is null && count == size)
                {
                    // Most files are read at once.
                    digest = XxHash128.HashToUInt128(buffer.AsSpan(0, count));
                    return 0;
                }

                hash ??= new XxHash128();
                hash.Append(buffer.AsSpan(0, Math.Max(0, count)));
                offset += count;
                if (count <= 0 || offset >= size)
                {
                    digest = hash.GetCurrentHashAsUInt128();
                    return Math.Min(0, count);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
