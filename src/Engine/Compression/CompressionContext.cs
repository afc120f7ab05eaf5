using NativeSync.Engine.Buffers;
using NativeSync.Protocol;
using ZstdSharp.Unsafe;

namespace NativeSync.Engine.Compression;

/// <summary>A context of zstd that compresses, with the tables that it keeps from one call to the next. Of one thread at a time.</summary>
internal sealed unsafe class CompressionContext : IDisposable
{
    /// <summary>
    /// The largest tables (log2 of their entries) for a pack and the window before it. zstd would take tables for what a window of its level can hold, some
    /// 20 MiB and more, for a gain of less than 1 % in what 2.5 MiB can hold.
    /// </summary>
    private const int LargestTable = 20;

    /// <summary>A pack is compressed after so many times its own length at most: more would cost a small one more time than it wins bytes.</summary>
    private const int LongestReach = 4;

    /// <summary>Below this level a pack is compressed after less of the window: to look through all of it again would take more than the rest.</summary>
    private const int FullWindowLevel = 9;
    private const int LesserWindow = 1024 * 1024;

    /// <summary>Room for most packs from the beginning, so that it need not grow with them.</summary>
    private const int UsualPack = 512 * 1024;

    /// <summary>A pack behind what is before it: one piece, since zstd looks faster through one than through two.</summary>
    private byte[] _joined = [];

    private ZSTD_CCtx_s* _context = Methods.ZSTD_createCCtx();

    public CompressionContext()
    {
        if (_context is null)
        {
            throw new InsufficientMemoryException("no memory for compressing");
        }

        // Every file has its digest, and SSH its own.
        Set(ZSTD_cParameter.ZSTD_c_checksumFlag, 0);
    }

    /// <summary>One frame. False when the destination is too small.</summary>
    /// <param name="raw">What it holds.</param>
    /// <param name="before">What it may refer back to, oldest first; nothing for data that stands for itself.</param>
    /// <param name="destination">Takes the frame.</param>
    /// <param name="level">zstd's level.</param>
    /// <param name="written">Bytes of the frame.</param>
    public bool TryCompress(ReadOnlySpan<byte> raw, ReadOnlySpan<SharedSlice> before, Span<byte> destination, int level, out int written)
    {
        Set(ZSTD_cParameter.ZSTD_c_compressionLevel, level);
        if (before.IsEmpty)
        {
            Set(ZSTD_cParameter.ZSTD_c_hashLog, 0);
            Set(ZSTD_cParameter.ZSTD_c_chainLog, 0);
            return TryCompress(raw, destination, out written);
        }

        var window = Join(raw, before, level < FullWindowLevel ? LesserWindow : ProtocolLimits.MaxWindow);
        var prefix = window.Length - raw.Length;
        var wanted = Methods.ZSTD_getCParams(level, (ulong)raw.Length, (nuint)prefix);
        Set(ZSTD_cParameter.ZSTD_c_hashLog, (int)Math.Min(wanted.hashLog, LargestTable));
        Set(ZSTD_cParameter.ZSTD_c_chainLog, (int)Math.Min(wanted.chainLog, LargestTable));
        fixed (byte* start = window)
        {
            // Raw content, whatever it begins with; for this one frame.
            Check(Methods.ZSTD_CCtx_refPrefix(_context, start, (nuint)prefix));
            return TryCompress(window[prefix..], destination, out written);
        }
    }

    public void Dispose()
    {
        Methods.ZSTD_freeCCtx(_context);
        _context = null;
    }

    private ReadOnlySpan<byte> Join(ReadOnlySpan<byte> raw, ReadOnlySpan<SharedSlice> before, int longest)
    {
        var reach = Math.Min(longest, LongestReach * raw.Length);
        if (_joined.Length < reach + raw.Length)
        {
            _joined = GC.AllocateUninitializedArray<byte>(ProtocolLimits.MaxWindow + Math.Max(raw.Length, UsualPack));
        }

        raw.CopyTo(_joined.AsSpan(reach));
        var start = reach;
        for (var i = before.Length - 1; i >= 0 && start > 0; i--)
        {
            ReadOnlySpan<byte> records = before[i].Span;
            records = records[Math.Max(0, records.Length - start)..];
            start -= records.Length;
            records.CopyTo(_joined.AsSpan(start));
        }

        return _joined.AsSpan(start..(reach + raw.Length));
    }

    private bool TryCompress(ReadOnlySpan<byte> raw, Span<byte> destination, out int written)
    {
        fixed (byte* from = raw)
        fixed (byte* to = destination)
        {
            var result = Methods.ZSTD_compress2(_context, to, (nuint)destination.Length, from, (nuint)raw.Length);
            written = Methods.ZSTD_isError(result) ? 0 : (int)result;
            if (written > 0)
            {
                return true;
            }

            // It stands in the middle of a frame otherwise, and would take no prefix for the next.
            Check(Methods.ZSTD_CCtx_reset(_context, ZSTD_ResetDirective.ZSTD_reset_session_only));
            return Methods.ZSTD_getErrorCode(result) == ZSTD_ErrorCode.ZSTD_error_dstSize_tooSmall ? false : throw Failure(result);
        }
    }

    private void Set(ZSTD_cParameter parameter, int value) => Check(Methods.ZSTD_CCtx_setParameter(_context, parameter, value));

    private static void Check(nuint result)
    {
        if (Methods.ZSTD_isError(result))
        {
            throw Failure(result);
        }
    }

    /// <summary>Nothing that a line could do: with sound parameters it is memory that there is too little of.</summary>
    private static InsufficientMemoryException Failure(nuint result) => new($"zstd: {Methods.ZSTD_getErrorName(result)}");
}
