using NativeSync.Engine.Buffers;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// Where the stages of one end put their records. They are appended to an open pack, which a send loop takes as soon as its lane is
/// free (<see cref="PackDispatch"/>), so that packs are small while the line is idle and full while it is busy, without any timer. A
/// stage that has more to append at once may hold back meanwhile, so that thousands of small records do not become as many packs,
/// system calls and wake-ups at both ends.
/// </summary>
/// <remarks>
/// Guarded by its own monitor, which the dispatch shares: the packs that are put together (<see cref="PackAssembly"/>) and what they
/// stand for. Producers wait in <see cref="Enter"/> while too much is queued.
/// </remarks>
internal sealed class RecordOutbox : IDisposable
{
    /// <summary>Bytes of records in a pack: large enough for compression to find what files share, small enough to flow.</summary>
    public const int PackSize = PackBuffers.UsualLength;

    private const int MaxQueuedPacks = 6;

    [ThreadStatic]
    private static bool t_holds;

    /// <summary>This thread has held something back that may still be here: others need not let it go, nor it what is theirs.</summary>
    [ThreadStatic]
    private static bool t_owes;

    private readonly object _gate = new();
    private readonly SessionAbort _abort;
    private readonly PackAssembly _packs;
    private readonly ContentTally _content = new();
    private long _waits;

    public RecordOutbox(SessionAbort abort, int packSize = PackSize, int maxQueued = MaxQueuedPacks, TimeProvider? clock = null)
    {
        _abort = abort;
        _packs = new PackAssembly(packSize, maxQueued);
        Dispatch = new PackDispatch(_gate, abort, _packs, _content, clock ?? TimeProvider.System);
        abort.Token.Register(Dispatch.Wake);
    }

    /// <summary>The lanes' side.</summary>
    public PackDispatch Dispatch { get; }

    /// <summary>
    /// Until <see cref="Flush"/>, what this thread appends may wait for more of it. It must not wait for anybody, nor do anything long,
    /// before it has flushed.
    /// </summary>
    public static void Hold() => t_holds = true;

    /// <summary>This thread is between <see cref="Hold"/> and <see cref="Flush"/>.</summary>
    public static bool IsHolding => t_holds;

    /// <summary>Lets go what is held back.</summary>
    public void Flush()
    {
        t_holds = false;
        if (!t_owes)
        {
            return;
        }

        t_owes = false;
        lock (_gate)
        {
            if (_packs.LetGo())
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <inheritdoc cref="PackAssembly.Compresses"/>
    public bool Compresses
    {
        set => _packs.Compresses = value;
    }

    /// <summary>How often a producer has had to wait because the lanes were behind.</summary>
    public long Waits => Volatile.Read(ref _waits);

    /// <summary>
    /// Begins to append records that take at most <paramref name="bound"/> bytes. Dispose the scope when they are committed.
    /// Waits while the line is behind.
    /// </summary>
    public Scope Enter(int bound)
    {
        Monitor.Enter(_gate);
        try
        {
            if (_packs.IsBehind)
            {
                _waits++;
            }

            while (_packs.IsBehind && _abort.Reason is null)
            {
                Monitor.Wait(_gate);
            }

            _abort.ThrowIfAborted();
            var pack = _packs.WithRoom(bound, out var closed);
            if (closed)
            {
                Monitor.PulseAll(_gate);
            }

            return new Scope(this, pack);
        }
        catch
        {
            Monitor.Exit(_gate);
            throw;
        }
    }

    /// <summary>Whether records from now on go into packs that are not compressed.</summary>
    public void SetPlain(bool plain)
    {
        lock (_gate)
        {
            if (_packs.SetPlain(plain))
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Who is told of content that the peer has used up, in bytes of files; must not wait.</summary>
    public Action<long> ContentArrived
    {
        set => _content.Arrived = value;
    }

    /// <summary>The records that were appended last stand for so many bytes of files.</summary>
    public void CountContent(long bytes)
    {
        lock (_gate)
        {
            _content.Add(bytes, isLate: !_packs.TryCount(bytes));
        }
    }

    /// <summary>The peer has said that it has all.</summary>
    public void AllContentArrived()
    {
        lock (_gate)
        {
            _content.Finish();
        }
    }

    /// <summary>The peer will grant so much without having used up anything.</summary>
    public void WidenCredit(long bytes)
    {
        lock (_gate)
        {
            _content.Widen(bytes);
        }
    }

    /// <summary>Gives back the buffers of what was not sent. No send loop runs any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _packs.Return();
            Dispatch.Return();
        }
    }

    private void Append(int count)
    {
        t_owes |= t_holds;
        if (_packs.Append(count, t_holds))
        {
            Monitor.PulseAll(_gate);
        }
    }

    private void Exit() => Monitor.Exit(_gate);

    /// <summary>The right to append; holds the outbox until disposed.</summary>
    internal readonly ref struct Scope(RecordOutbox owner, OutboundPack pack)
    {
        /// <summary>Room for at least the bound that was asked for.</summary>
        public Span<byte> Room => pack.Buffer.AsSpan(pack.End);

        /// <summary>Makes the first <paramref name="count"/> bytes of <see cref="Room"/> part of the pack.</summary>
        public void Commit(int count)
        {
            if (count > 0)
            {
                owner.Append(count);
            }
        }

        public void Dispose() => owner.Exit();
    }
}
