using System.Buffers;
using System.IO.Hashing;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session;

/// <summary>XXH3-128 of a file's content, as --checksum compares it.</summary>
internal static class FileDigest
{
    private const int BufferSize = 256 * 1024;

    /// <returns>0, or -errno of the read that failed.</returns>
    public static int Compute(ISystemCalls io, int fd, out UInt128 digest)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var hash = new XxHash128();
            for (long offset = 0; ;)
            {
                var count = (int)io.ReadAt(fd, buffer.AsSpan(0, BufferSize), offset);
                if (count <= 0)
                {
                    digest = hash.GetCurrentHashAsUInt128();
                    return count;
                }

                hash.Append(buffer.AsSpan(0, count));
                offset += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
