using System.Diagnostics;
using System.Numerics;
using NativeSync.Protocol;
using ZstdSharp.Unsafe;

namespace NativeSync.Engine.Compression;

/// <summary>
/// One stream of zstd, of which each pack is a part that is flushed: it refers back to the packs before it in the stream without anybody looking through these
/// again. So they are compressed one after the other, whichever threads do it, and in the order of their turns.
/// </summary>
/// <param name="index">Its number among those of an end.</param>
/// <param name="stop">Nobody waits for a turn any longer.</param>
internal sealed unsafe class PackStream(int index, CancellationToken stop) : IDisposable
{
    /// <summary>In the byte before the part: it begins anew.</summary>
    public const byte Anew = 0x80;

    /// <summary>From here on the first stream has the larger window, and larger tables for it: it finds 3 % more in the Linux source.</summary>
    private const int FarLevel = 7;

    /// <summary>From here on they look for matches in trees, which in tables of this size reach no further than 512 KiB: 16 MiB bring 0.4 %.</summary>
    private const int TreeLevel = 13;

    /// <summary>
    /// The largest tables (log2 of their entries), and those for the large window. zstd would take tables for what a window of its level can hold, some 20 MiB and
    /// more, for a gain of 1 to 2 %.
    /// </summary>
    private const uint LargestTable = 20;
    private const uint LargestFarTable = 21;

    /// <summary>And of the levels before <see cref="FarLevel"/>: four times as large, they are out of the processor's caches, which takes a quarter longer for 2 %.</summary>
    private const uint LargestNearTable = 18;

    /// <summary>
    /// The weakest levels look back 512 KiB to 1 MiB, by a table of 64 KiB or more, since they are made for the fastest lines. For 1.7 times the time the first finds
    /// 11 % more in the Linux source with the window of the others and with this (log2 of its entries), which is more than the next level finds in the same time.
    /// </summary>
    private const uint LeastTable = 16;

    /// <summary>zstd counts positions in 32 bits, and corrects them every few GiB: nobody has to rely on that.</summary>
    private const long Longest = 1L << 30;

    private static readonly uint s_window = (uint)BitOperations.Log2(ProtocolLimits.MaxWindow);
    private static readonly uint s_farWindow = (uint)BitOperations.Log2(ProtocolLimits.MaxFirstWindow);

    private readonly object _gate = new();
    private ZSTD_CCtx_s* _context;
    private long _given;
    private long _done;
    private int _level = int.MinValue;
    private long _length;
    private bool _busy;
    private bool _disposed;

    /// <summary>Packs that have a turn and are not compressed yet.</summary>
    public long Pending => _given - Volatile.Read(ref _done);

    /// <summary>The turn of a pack that comes after all others. One thread at a time.</summary>
    public long GiveTurn() => _given++;

    /// <summary>The largest window of a stream, in bytes, that a peer may ask memory for.</summary>
    public static int WindowOf(int index) => index == 0 ? ProtocolLimits.MaxFirstWindow : ProtocolLimits.MaxWindow;

    /// <summary>Room that always suffices for a part.</summary>
    public static int RoomFor(int length) => 1 + (int)Methods.ZSTD_compressBound((nuint)length) + 64;

    /// <summary>Waits for a turn; every turn is to be had once, and ended by <see cref="Leave"/>.</summary>
    /// <exception cref="OperationCanceledException">The session ends.</exception>
    public void Enter(long turn)
    {
        lock (_gate)
        {
            while (_done < turn && !_disposed)
            {
                stop.ThrowIfCancellationRequested();
                Monitor.Wait(_gate);
            }

            if (_disposed)
            {
                throw new OperationCanceledException();
            }

            if (_done > turn)
            {
                throw new UnreachableException("a pack has had its turn in a stream");
            }

            _busy = true;
        }
    }

    /// <summary>The next turn has come.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            _busy = false;
            Volatile.Write(ref _done, _done + 1);
            if (_disposed)
            {
                Free();
            }

            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Looks again whether to wait.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The next part, behind a byte that says of which stream. Within a turn.</summary>
    /// <param name="raw">What it is to bring.</param>
    /// <param name="destination">Of <see cref="RoomFor"/>.</param>
    /// <param name="level">zstd's; another than before begins the stream anew.</param>
    /// <returns>Bytes written.</returns>
    public int Compress(ReadOnlySpan<byte> raw, Span<byte> destination, int level)
    {
        var anew = level != _level || _length > Longest;
        if (anew)
        {
            Begin(level);
        }

        // Until the part is whole the stream has not begun: who goes on after a failure begins it anew.
        _level = int.MinValue;

        destination[0] = (byte)(index | (anew ? Anew : 0));
        fixed (byte* from = raw)
        fixed (byte* to = destination[1..])
        {
            var input = new ZSTD_inBuffer_s { src = from, size = (nuint)raw.Length };
            var output = new ZSTD_outBuffer_s { dst = to, size = (nuint)destination.Length - 1 };
            while (Check(Methods.ZSTD_compressStream2(_context, &output, &input, ZSTD_EndDirective.ZSTD_e_flush)) != 0)
            {
                if (output.pos == output.size)
                {
                    throw new UnreachableException("a part of a stream is longer than zstd says it can be");
                }
            }

            _level = level;
            _length += raw.Length;
            return 1 + (int)output.pos;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            if (!_busy)
            {
                Free();
            }

            Monitor.PulseAll(_gate);
        }
    }

    private void Begin(int level)
    {
        if (_context is null)
        {
            _context = Methods.ZSTD_createCCtx();
            if (_context is null)
            {
                throw new InsufficientMemoryException("no memory for compressing");
            }
        }

        Check(Methods.ZSTD_CCtx_reset(_context, ZSTD_ResetDirective.ZSTD_reset_session_and_parameters));
        var wanted = Methods.ZSTD_getCParams(level, 0, 0);
        Set(ZSTD_cParameter.ZSTD_c_compressionLevel, level);
        var (window, least, most) = level switch
        {
            >= TreeLevel => (s_window, LeastTable, LargestTable),
            >= FarLevel when index == 0 => (s_farWindow, LargestFarTable, LargestFarTable),
            >= FarLevel => (s_window, LeastTable, LargestTable),
            _ => (s_window, LeastTable, LargestNearTable),
        };
        Set(ZSTD_cParameter.ZSTD_c_windowLog, window);
        Set(ZSTD_cParameter.ZSTD_c_hashLog, Math.Clamp(wanted.hashLog, least, most));
        Set(ZSTD_cParameter.ZSTD_c_chainLog, Math.Min(wanted.chainLog, most));
        _length = 0;
    }

    private void Free()
    {
        Methods.ZSTD_freeCCtx(_context);
        _context = null;
    }

    private void Set(ZSTD_cParameter parameter, long value) => Check(Methods.ZSTD_CCtx_setParameter(_context, parameter, (int)value));

    /// <summary>Nothing that a line could do: with sound parameters it is memory that there is too little of.</summary>
    private static nuint Check(nuint result)
        => Methods.ZSTD_isError(result) ? throw new InsufficientMemoryException($"zstd: {Methods.ZSTD_getErrorName(result)}") : result;
}
