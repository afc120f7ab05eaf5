using System.Collections.Concurrent;
using NativeSync.Protocol;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace NativeSync.Engine.Compression;

/// <summary>
/// zstd for packs of records: each pack is one independent frame. Safe for use by many threads; contexts are kept for reuse and
/// released by <see cref="Dispose"/>.
/// </summary>
internal sealed class PackCodec : IDisposable
{
    /// <summary>The level that stands for none.</summary>
    public const int NoCompression = 0;

    /// <summary>zstd has to win this much to be worth the other side's time.</summary>
    private const double WorthwhileRatio = 0.97;

    /// <summary>From here on a context for a pack of 512 KiB holds 5 MiB and more, 11 at the strongest; below it is one.</summary>
    private const int StrongLevel = 5;

    /// <summary>
    /// So many contexts of that kind has the whole process, whatever the number of lanes, and so many packs are compressed strongly at a time: both ends
    /// are to stay below 150 MiB, and who has more processors than this has a line that is slower still.
    /// </summary>
    private const int MostStrong = 4;

    private static readonly SemaphoreSlim s_strongTurns = new(MostStrong);
    private static readonly ConcurrentBag<Compressor> s_strong = [];
    private static int s_users;

    private readonly ConcurrentBag<Compressor> _compressors = [];
    private readonly ConcurrentBag<Decompressor> _decompressors = [];
    private readonly int _keep = Math.Max(2, Environment.ProcessorCount);
    private volatile bool _disposed;

    public PackCodec() => Interlocked.Increment(ref s_users);

    /// <summary>
    /// Compresses one pack; the length of the frame, or -1 when it is not worth it (a sample or the result says so, the level is
    /// <see cref="NoCompression"/>, or the destination is too small). A destination as long as <paramref name="raw"/> always suffices.
    /// </summary>
    public int Compress(ReadOnlySpan<byte> raw, Span<byte> destination, int level)
    {
        if (level == NoCompression || raw.Length < 64)
        {
            return -1;
        }

        if (level < StrongLevel)
        {
            return Compress(_compressors, raw, destination, level);
        }

        s_strongTurns.Wait();
        try
        {
            return Compress(s_strong, raw, destination, level);
        }
        finally
        {
            s_strongTurns.Release();
        }
    }

    /// <summary>Decompresses into exactly <paramref name="raw"/>; memory is bounded by it whatever the frame says.</summary>
    /// <exception cref="ProtocolException">Not zstd, damaged, or of another length.</exception>
    public void Decompress(ReadOnlySpan<byte> packed, Span<byte> raw)
    {
        Decompressor decompressor = _decompressors.TryTake(out Decompressor? kept) ? kept : new Decompressor();
        bool sound = false;
        try
        {
            sound = decompressor.TryUnwrap(packed, raw, out int written) && written == raw.Length;
        }
        catch (ZstdException)
        {
        }
        finally
        {
            Keep(_decompressors, decompressor);
        }

        if (!sound)
        {
            throw new ProtocolException(ProtocolError.BadCompression, "a compressed pack is damaged");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        Drain(_compressors);
        Drain(_decompressors);
        if (Interlocked.Decrement(ref s_users) == 0)
        {
            Drain(s_strong);
        }
    }

    private int Compress(ConcurrentBag<Compressor> compressors, ReadOnlySpan<byte> raw, Span<byte> destination, int level)
    {
        Compressor compressor = compressors.TryTake(out Compressor? kept) ? kept : NewCompressor();
        try
        {
            if (!Compressibility.Promises(compressor, raw))
            {
                return -1;
            }

            compressor.Level = level;
            int room = Math.Min(destination.Length, (int)(raw.Length * WorthwhileRatio));
            return compressor.TryWrap(raw, destination[..room], out int written) ? written : -1;
        }
        finally
        {
            Keep(compressors, compressor);
        }
    }

    private static Compressor NewCompressor()
    {
        Compressor compressor = new();
        compressor.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 0); // every file has its digest, and SSH its own
        return compressor;
    }

    private static void Drain<T>(ConcurrentBag<T> bag)
        where T : IDisposable
    {
        while (bag.TryTake(out T? context))
        {
            context.Dispose();
        }
    }

    private void Keep<T>(ConcurrentBag<T> bag, T context)
        where T : IDisposable
    {
        if (_disposed || bag.Count >= Math.Max(_keep, MostStrong))
        {
            context.Dispose();
        }
        else
        {
            bag.Add(context);
        }
    }
}
