using System.IO.Hashing;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Verify;

/// <summary>
/// XXH3-128 of the content of open files. Holes are not read but hash like the zeros they stand for. One hasher serves one thread.
/// </summary>
internal sealed class ContentHasher(ISystemCalls io)
{
    /// <summary>Large enough that a system call costs nothing beside the copy, small enough for the second-level cache.</summary>
    private const int ReadSize = 512 * 1024;

    private static readonly byte[] Zeros = new byte[64 * 1024];

    private readonly XxHash128 _hash = new();
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(ReadSize);

    /// <summary>Bytes of content hashed since the start, holes included.</summary>
    public long Hashed { get; private set; }

    /// <summary>
    /// Hashes from the start to the end that the file has when it is reached. 0, or -errno of the read.
    /// <paramref name="sparse"/>: ask for holes (a file that takes fewer blocks than its size says).
    /// </summary>
    public int Hash(int fd, bool sparse, out UInt128 digest, CancellationToken ct)
    {
        _hash.Reset();
        long at = 0;
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            long until = long.MaxValue;
            if (sparse && !NextData(fd, ref at, out until))
            {
                break;
            }

            int error = HashData(fd, ref at, until, out bool end, ct);
            if (error < 0)
            {
                digest = default;
                return error;
            }

            if (end)
            {
                break;
            }
        }

        Hashed += at;
        digest = _hash.GetCurrentHashAsUInt128();
        return 0;
    }

    /// <summary>Hashes the hole at <paramref name="at"/>, if there is one, and finds the end of the data behind it; false at the end of the file.</summary>
    private bool NextData(int fd, ref long at, out long until)
    {
        until = long.MaxValue;
        long data = io.Seek(fd, at, SeekKind.Data);
        if (data == -Errno.ENXIO)
        {
            long size = io.Seek(fd, 0, SeekKind.End); // nothing but a hole up to the end
            AppendZeros(size - at);
            at = Math.Max(at, size);
            return false;
        }

        if (data < 0)
        {
            return true; // cannot tell: read everything
        }

        AppendZeros(data - at);
        at = data;
        long hole = io.Seek(fd, data, SeekKind.Hole);
        until = hole > data ? hole : long.MaxValue;
        return true;
    }

    private int HashData(int fd, ref long at, long until, out bool end, CancellationToken ct)
    {
        end = false;
        while (at < until)
        {
            nint n = io.ReadAt(fd, _buffer.AsSpan(0, (int)Math.Min(ReadSize, until - at)), at);
            if (n <= 0)
            {
                end = true;
                return (int)n;
            }

            _hash.Append(_buffer.AsSpan(0, (int)n));
            at += n;
            ct.ThrowIfCancellationRequested();
        }

        return 0;
    }

    private void AppendZeros(long count)
    {
        while (count > 0)
        {
            int now = (int)Math.Min(count, Zeros.Length);
            _hash.Append(Zeros.AsSpan(0, now));
            count -= now;
        }
    }
}
