using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// Where the stages of one end put their records, and where the send loops of its lanes take packs of them. Records are appended to
/// an open pack; a send loop takes it as soon as its lane is free, so that packs are small while the line is idle and
/// full while it is busy, without any timer. A stage that has more to append at once may hold back meanwhile, so that thousands
/// of small records do not become as many packs, system calls and wake-ups at both ends.
/// </summary>
/// <remarks>
/// Guarded by its own monitor: the packs that are put together (<see cref="PackAssembly"/>), their order and the credit
/// (<see cref="PackTurns"/>), and all ports. Producers wait in <see cref="Enter"/> while too much is queued; send loops wait in
/// <see cref="Take"/> and <see cref="TakeCredit"/>. Receive loops only call what never waits.
/// </remarks>
internal sealed class RecordOutbox : IDisposable
{
    /// <summary>Bytes of records in a pack: large enough for compression to find what files share, small enough to flow.</summary>
    public const int PackSize = 512 * 1024;

    private const int MaxQueuedPacks = 6;

    /// <summary>A pack may take two round trips and this part of a second, which routers let it wait, before its lane counts as slow.</summary>
    private const int QueueShare = 10;

    [ThreadStatic]
    private static bool t_holds;

    /// <summary>This thread has held something back that may still be here: others need not let it go, nor it what is theirs.</summary>
    [ThreadStatic]
    private static bool t_owes;

    private readonly object _gate = new();
    private readonly SessionAbort _abort;
    private readonly PackAssembly _packs;
    private readonly PackTurns _turns = new();
    private readonly ContentTally _content = new();
    private readonly TimeProvider _clock;
    private readonly LineFlow _flow;
    private long _waits;

    /// <summary>Clock ticks in which the pack whose turn it was waited for room on the line, or for credit.</summary>
    private long _lineWaits;

    public RecordOutbox(SessionAbort abort, int packSize = PackSize, int maxQueued = MaxQueuedPacks, TimeProvider? clock = null)
    {
        _abort = abort;
        _clock = clock ?? TimeProvider.System;
        _flow = new LineFlow(_clock.TimestampFrequency);
        _packs = new PackAssembly(packSize, maxQueued);
        abort.Token.Register(Wake);
    }

    /// <summary>The port of the first lane.</summary>
    public LanePort First { get; } = new(isFirst: true);

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

    /// <summary>Queues an encoded control frame on the first lane; it overtakes records.</summary>
    public void Control(byte[] frame) => Control(First, frame);

    /// <summary>The same on any lane.</summary>
    public void Control(LanePort port, byte[] frame)
    {
        lock (_gate)
        {
            port.Control.Enqueue(frame);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Control frames that wait: many only when the peer does not take what it asks for.</summary>
    public int QueuedControls(LanePort port)
    {
        lock (_gate)
        {
            return port.Control.Count;
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

    /// <summary>The peer grants more.</summary>
    public void AddCredit(long bytes)
    {
        lock (_gate)
        {
            _turns.Grant(bytes);
            _content.Grant(bytes);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>No more records will come; after all of them this frame is the last on the first lane.</summary>
    public void CompleteWith(byte[] lastFrame)
    {
        lock (_gate)
        {
            First.Last = lastFrame;
            First.Completed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>No more records will come: the first lane's send loop ends when all is sent.</summary>
    public void Complete() => Complete(First, null);

    /// <summary>A lane takes no more packs: its loop ends when all of its own are through, with this frame.</summary>
    public void Complete(LanePort port, byte[]? lastFrame)
    {
        lock (_gate)
        {
            if (!port.Completed)
            {
                port.Last = lastFrame;
                port.Completed = true;
            }

            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>
    /// Waits for something to send on a lane. A control frame comes first; then a pack of a lost lane, the oldest full one, or the open one.
    /// </summary>
    /// <returns>False when all has been sent and no more will come, or the lane is lost.</returns>
    public bool Take(LanePort port, out byte[]? control, out OutboundPack? pack)
    {
        pack = null;
        lock (_gate)
        {
            while (true)
            {
                _abort.ThrowIfAborted();
                if (port.Lost)
                {
                    control = null;
                    return false;
                }

                if (port.TryTakeControl(out control) || TryTakePack(port, out pack))
                {
                    return true;
                }

                // Nothing is over while a further lane could still be lost with what it carries, nor while this one has too much under way for the rest.
                if (port.IsFirst ? _turns.Away == 0 && !_turns.HasAgain && !_packs.HasAny(evenHeld: true) : port.Unconfirmed.Count == 0)
                {
                    if (port.Last is { } last)
                    {
                        control = last;
                        port.Last = null;
                        return true;
                    }

                    if (port.Completed)
                    {
                        return false;
                    }
                }

                var from = !port.MayTake && _packs.HasAny(First.Completed) ? _clock.GetTimestamp() : 0;
                if (from != 0)
                {
                    _flow.HoldsUpALane();
                }

                port.Idle = true;
                Monitor.Wait(_gate);
                port.Idle = false;
                port.Blocked += from == 0 ? 0 : _clock.GetTimestamp() - from;
            }
        }
    }

    /// <summary>
    /// Waits until a pack may go: for its turn and for credit. <see cref="CreditAnswer.Control"/> gives a frame to send first, then ask again.
    /// </summary>
    public CreditAnswer TakeCredit(LanePort port, OutboundPack pack, int payload, out byte[]? control)
    {
        lock (_gate)
        {
            var from = _clock.GetTimestamp();
            var lineWaits = _lineWaits;
            while (true)
            {
                _abort.ThrowIfAborted();
                if (port.TryTakeControl(out control))
                {
                    return CreditAnswer.Control;
                }

                if (port.Lost)
                {
                    return CreditAnswer.GiveBack;
                }

                if (_flow.HasRoom && _turns.TryPay(pack, payload))
                {
                    _content.Pay(pack, payload);
                    Monitor.PulseAll(_gate);
                }

                if (pack.Paid)
                {
                    var now = _clock.GetTimestamp();
                    port.Overtaken += Math.Max(0, now - from - (_lineWaits - lineWaits));
                    port.Sends(pack, payload, now, _flow);
                    return CreditAnswer.Go;
                }

                if (_turns.IsBehindAnother(pack))
                {
                    return CreditAnswer.GiveBack;
                }

                var since = _turns.IsNext(pack) ? _clock.GetTimestamp() : -1;
                Monitor.Wait(_gate);
                _lineWaits += since < 0 ? 0 : _clock.GetTimestamp() - since;
            }
        }
    }

    /// <summary>A pack that was taken and not sent: another lane, or the same one later, sends it.</summary>
    public void GiveBack(LanePort port, OutboundPack pack)
    {
        lock (_gate)
        {
            _turns.HandBack(port, pack);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The peer has so many packs of this lane. False when that cannot be.</summary>
    public bool Confirm(LanePort port, ulong packs)
    {
        lock (_gate)
        {
            if (packs > port.Sent)
            {
                return false;
            }

            var now = _clock.GetTimestamp();
            var isNew = !port.Window.Confirms;
            while (port.Unconfirmed.TryPeek(out var pack) && pack.Ordinal < packs)
            {
                _flow.Forget(pack.Counted);
                _flow.Confirm(pack.Payload, now - pack.SentAt, now);
                port.Confirm(now - pack.SentAt, 2 * _flow.Shortest + _clock.TimestampFrequency / QueueShare);
                if (!port.IsFirst)
                {
                    _turns.Confirmed(pack);
                }
            }

            if (isNew && port.Window.Confirms)
            {
                port.CountAll(_flow);
            }

            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>A pack came over this lane: the peer shall know.</summary>
    public void NoteArrived(LanePort port)
    {
        lock (_gate)
        {
            port.Arrived++;
            if (port.Tells)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>There is a further lane: from now on both ends tell what comes over the first one, too.</summary>
    public void TellOfFirst()
    {
        lock (_gate)
        {
            First.Tells = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>An answer came after so many clock ticks.</summary>
    public void NoteAnswer(long took)
    {
        lock (_gate)
        {
            _flow.Heard(took);
        }
    }

    /// <summary>The lane is dead: its send loop is to end.</summary>
    public void Lose(LanePort port)
    {
        lock (_gate)
        {
            port.Lost = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>What a lost lane has not delivered goes over the others. Called when its send loop has ended and touches no pack any more.</summary>
    public void SendAgain(LanePort port)
    {
        lock (_gate)
        {
            port.Lost = true;
            while (port.Unconfirmed.TryDequeue(out var pack))
            {
                _flow.Forget(pack.Counted);
                _turns.HandBack(port, pack);
            }

            port.Window.Clear();
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Gives back the buffers of what was not sent. No send loop runs any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _packs.Return();
            _turns.Return();
        }
    }

    /// <summary>Wakes everybody who waits here, to look again.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>An open pack is left to the first lane while that one is free: more takers would only make packs smaller.</summary>
    private bool TryTakePack(LanePort port, out OutboundPack? pack)
    {
        pack = null;
        if (!port.MayTake)
        {
            return false;
        }

        if (!_turns.TryTakeAgain(out pack))
        {
            if (_packs.TryTakeFull(port.IsFirst ? long.MaxValue : port.Window.Room, out pack))
            {
                Monitor.PulseAll(_gate);
            }
            else if (!((port.IsFirst || !(First.Idle && First.MayTake)) && _packs.TryTakeOpen(First.Completed, out pack)))
            {
                return false;
            }
        }

        _turns.Taken(port, pack!);
        return true;
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
