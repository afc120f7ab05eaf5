using System.Collections.Concurrent;
using NativeSync.Protocol;

namespace NativeSync.Engine.Compression;

/// <summary>
/// zstd for packs of records that stand for themselves: each is one frame. Safe for use by many threads; contexts are kept for reuse and
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
    /// So many contexts of that kind has the whole process, and so many streams an end, whatever the number of lanes: both ends
    /// are to stay below 150 MiB, and who has more processors than this has a line that is slower still.
    /// </summary>
    public static readonly int MostStrong = Math.Clamp(Environment.ProcessorCount, 2, ProtocolLimits.MaxStreams);

    private static readonly SemaphoreSlim s_strongTurns = new(MostStrong);
    private static readonly ConcurrentBag<CompressionContext> s_strong = [];
    private static int s_users;

    private readonly ConcurrentBag<CompressionContext> _compressors = [];
    private readonly ConcurrentBag<DecompressionContext> _decompressors = [];
    private readonly int _keep = Math.Max(2, Environment.ProcessorCount);
    private volatile bool _disposed;

    public PackCodec() => Interlocked.Increment(ref s_users);

    /// <summary>
    /// Compresses one pack; the length of the frame, or -1 when it is not worth it (a sample or the result says so, the level is
    /// <see cref="NoCompression"/>, or the destination is too small). A destination as long as <paramref name="raw"/> always suffices.
    /// </summary>
    public int Compress(ReadOnlySpan<byte> raw, Span<byte> destination, int level)
    {
        if (!Promises(raw, level))
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

    /// <summary>Whether there is a level, and a sample says that compressing is likely to win anything.</summary>
    public bool Promises(ReadOnlySpan<byte> raw, int level)
    {
        if (level == NoCompression || raw.Length < 64)
        {
            return false;
        }

        var context = _compressors.TryTake(out CompressionContext? kept) ? kept : new CompressionContext();
        var promises = Compressibility.Promises(context, raw);
        Keep(_compressors, context);
        return promises;
    }

    /// <summary>Decompresses into exactly <paramref name="raw"/>; memory is bounded by it whatever the frame says.</summary>
    /// <param name="packed">The frame.</param>
    /// <param name="raw">Takes the records.</param>
    /// <exception cref="ProtocolException">Not zstd, damaged, or of another length.</exception>
    public void Decompress(ReadOnlySpan<byte> packed, Span<byte> raw)
    {
        var context = _decompressors.TryTake(out DecompressionContext? kept) ? kept : new DecompressionContext();
        bool sound = context.TryDecompress(packed, raw);
        Keep(_decompressors, context);
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

    private int Compress(ConcurrentBag<CompressionContext> contexts, ReadOnlySpan<byte> raw, Span<byte> destination, int level)
    {
        var context = contexts.TryTake(out CompressionContext? kept) ? kept : new CompressionContext();
        try
        {
            var room = destination[..Math.Min(destination.Length, (int)(raw.Length * WorthwhileRatio))];
            int length = context.TryCompress(raw, room, level, out int written) ? written : -1;
            Keep(contexts, context);
            return length;
        }
        catch
        {
            context.Dispose(); // it may stand in the middle of something
            throw;
        }
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
