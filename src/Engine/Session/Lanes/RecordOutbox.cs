using System.Buffers;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// Where the stages of one end put their records, and where the send loops of its lanes take packs of them. Records are appended to
/// an open pack; a send loop takes it as soon as its lane is free, so that packs are small while the line is idle and
/// full while it is busy, without any timer. A stage that has more to append at once may hold back meanwhile, so that thousands
/// of small records do not become as many packs, system calls and wake-ups at both ends.
/// </summary>
/// <remarks>
/// Guarded by its own monitor: the open pack, the queue of full packs, the credit and all ports.
/// Producers wait in <see cref="Enter"/> while too much is queued; send loops wait in <see cref="Take"/> and <see cref="TakeCredit"/>.
/// Receive loops only call what never waits. Packs are numbered as they are taken, and take credit in the order of
/// their numbers: so the one that the peer waits for is never the one that has no credit.
/// </remarks>
internal sealed class RecordOutbox
{
    /// <summary>Bytes of records in a pack: large enough for compression to find what files share, small enough to flow.</summary>
    public const int PackSize = 512 * 1024;

    private const int MaxQueuedPacks = 6;

    /// <summary>What is held back goes when it is as much as this, or as many records: soon enough for the other end to begin.</summary>
    private const int HeldBytes = 2 * 1024;
    private const int HeldRecords = 32;

    [ThreadStatic]
    private static bool t_holds;

    private readonly object _gate = new();
    private readonly Queue<Pack> _full = new();
    private readonly List<Pack> _again = [];
    private readonly SessionAbort _abort;
    private readonly int _packSize;
    private readonly int _maxQueued;
    private Pack? _open;
    private bool _plain;
    private long _credit;
    private long _next;
    private long _turn;
    private int _away;
    private long _waits;

    // The open pack: how many records were held back in it, and whether it may go.
    private int _held;
    private bool _ready;

    public RecordOutbox(SessionAbort abort, int packSize = PackSize, int maxQueued = MaxQueuedPacks)
    {
        _abort = abort;
        _packSize = packSize;
        _maxQueued = maxQueued;
        abort.Token.Register(Wake);
    }

    /// <summary>The port of the first lane.</summary>
    public LanePort First { get; } = new(isFirst: true);

    /// <summary>
    /// Until <see cref="Flush"/>, what this thread appends may wait for more of it. It must not wait for anybody, nor do anything long,
    /// before it has flushed.
    /// </summary>
    public static void Hold() => t_holds = true;

    /// <summary>Lets go what is held back.</summary>
    public void Flush()
    {
        t_holds = false;
        lock (_gate)
        {
            if (_open is { IsEmpty: false } && !_ready)
            {
                _ready = true;
                Monitor.PulseAll(_gate);
            }
        }
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
            if (_full.Count >= _maxQueued)
            {
                _waits++;
            }

            while (_full.Count >= _maxQueued && _abort.Reason is null)
            {
                Monitor.Wait(_gate);
            }

            _abort.ThrowIfAborted();
            if (_open is { } open && Math.Min(open.Buffer.Length, Pack.HeaderRoom + ProtocolLimits.MaxRawRecords) - open.End < bound)
            {
                Close(open);
            }

            _open ??= new Pack(ArrayPool<byte>.Shared.Rent(Math.Max(_packSize, bound + Pack.HeaderRoom))) { Plain = _plain };
            return new Scope(this, _open);
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
            if (_plain == plain)
            {
                return;
            }

            _plain = plain;
            if (_open is { IsEmpty: false } open)
            {
                Close(open);
            }
            else if (_open is { } empty)
            {
                empty.Plain = plain;
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

    /// <summary>The peer grants more.</summary>
    public void AddCredit(long bytes)
    {
        lock (_gate)
        {
            _credit += bytes;
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
    public bool Take(LanePort port, out byte[]? control, out Pack? pack)
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

                if (TryTakeControl(port, out control) || TryTakePack(port, out pack))
                {
                    return true;
                }

                // Nothing is over while a further lane could still be lost with what it carries.
                if (port.IsFirst ? _away == 0 : port.Unconfirmed.Count == 0)
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

                port.Idle = true;
                Monitor.Wait(_gate);
                port.Idle = false;
            }
        }
    }

    /// <summary>
    /// Waits until a pack may go: for its turn and for credit. <see cref="CreditAnswer.Control"/> gives a frame to send first, then ask again.
    /// </summary>
    public CreditAnswer TakeCredit(LanePort port, Pack pack, int payload, out byte[]? control)
    {
        lock (_gate)
        {
            while (true)
            {
                _abort.ThrowIfAborted();
                if (TryTakeControl(port, out control))
                {
                    return CreditAnswer.Control;
                }

                if (port.Lost)
                {
                    return CreditAnswer.GiveBack;
                }

                if (!pack.Paid && _turn == pack.Number && _credit >= payload)
                {
                    _credit -= payload;
                    _turn++;
                    pack.Paid = true;
                    Monitor.PulseAll(_gate);
                }

                if (pack.Paid)
                {
                    if (!port.IsFirst)
                    {
                        port.Unconfirmed.Enqueue(pack);
                        port.UnconfirmedBytes += payload;
                    }

                    return CreditAnswer.Go;
                }

                if (_again.Count > 0 && _again[0].Number < pack.Number)
                {
                    // One that comes before it is on nobody's hands: it has to go first, and somebody has to send it.
                    return CreditAnswer.GiveBack;
                }

                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>A pack that was taken and not sent: another lane, or the same one later, sends it.</summary>
    public void GiveBack(LanePort port, Pack pack)
    {
        lock (_gate)
        {
            _away -= port.IsFirst ? 0 : 1;
            Requeue(pack);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The peer has so many packs of this lane. False when that cannot be.</summary>
    public bool Confirm(LanePort port, ulong packs, ref ulong confirmed)
    {
        lock (_gate)
        {
            while (confirmed < packs)
            {
                if (!port.Unconfirmed.TryDequeue(out var pack))
                {
                    return false;
                }

                confirmed++;
                port.UnconfirmedBytes -= pack.Payload;
                port.Grow(pack.Payload);
                _away--;
                pack.Return();
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
            Monitor.PulseAll(_gate);
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
                _away--;
                Requeue(pack);
            }

            port.UnconfirmedBytes = 0;
            Monitor.PulseAll(_gate);
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

    private static bool TryTakeControl(LanePort port, out byte[]? control)
    {
        if (port.Control.TryDequeue(out control))
        {
            return true;
        }

        if (port.Arrived == port.ArrivedSaid)
        {
            return false;
        }

        port.ArrivedSaid = port.Arrived;
        control = ControlFrames.Encode(new ArrivedFrame(port.Arrived));
        return true;
    }

    /// <summary>An open pack is left to the first lane while that one is free: more takers would only make packs smaller.</summary>
    private bool TryTakePack(LanePort port, out Pack? pack)
    {
        pack = null;
        if (!port.MayTake)
        {
            return false;
        }

        if (_again.Count > 0)
        {
            pack = _again[0];
            _again.RemoveAt(0);
        }
        else if (_full.TryDequeue(out pack))
        {
            Monitor.PulseAll(_gate);
        }
        else if (_open is { IsEmpty: false } open && (_ready || First.Completed) && (port.IsFirst || !First.Idle))
        {
            pack = open;
            _open = null;
            _ready = false;
        }
        else
        {
            return false;
        }

        if (pack.Number < 0)
        {
            pack.Number = _next++;
        }

        _away += port.IsFirst ? 0 : 1;
        return true;
    }

    private void Requeue(Pack pack)
    {
        var at = _again.Count;
        while (at > 0 && _again[at - 1].Number > pack.Number)
        {
            at--;
        }

        _again.Insert(at, pack);
    }

    /// <summary>The open pack is full, or the next must be another.</summary>
    private void Close(Pack open)
    {
        _full.Enqueue(open);
        _open = null;
        _ready = false;
        Monitor.PulseAll(_gate);
    }

    /// <summary>Records were appended to the open pack.</summary>
    private void Appended(Pack pack)
    {
        _held++;
        if (!_ready && (!t_holds || _held >= HeldRecords || pack.End >= Pack.HeaderRoom + HeldBytes))
        {
            _ready = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Exit() => Monitor.Exit(_gate);

    /// <summary>A pack under way: its buffer is rented and belongs to whoever holds the pack.</summary>
    internal sealed class Pack(byte[] buffer)
    {
        /// <summary>Bytes kept free at the start, so that the frame's header can be written in front of the records.</summary>
        public const int HeaderRoom = RecordsFrame.MaxPrefixSize;

        public byte[] Buffer { get; private set; } = buffer;

        /// <summary>The end of the records in <see cref="Buffer"/>.</summary>
        public int End { get; set; } = HeaderRoom;

        public ReadOnlySpan<byte> Records => Buffer.AsSpan(HeaderRoom, End - HeaderRoom);

        public bool IsEmpty => End == HeaderRoom;

        /// <summary>It is sent as it is.</summary>
        public bool Plain { get; set; }

        /// <summary>Its place among all packs; negative until a lane has taken it.</summary>
        public long Number { get; set; } = -1;

        /// <summary>It has its credit.</summary>
        public bool Paid { get; set; }

        /// <summary>What it cost in credit.</summary>
        public int Payload { get; set; }

        /// <summary>The whole frame, in <see cref="Buffer"/>, once it is kept in that form.</summary>
        public ReadOnlyMemory<byte> Frame { get; private set; }

        /// <summary>Keeps the frame in place of the records, in no more room than it needs: it may have to be sent again.</summary>
        public void Seal(ReadOnlyMemory<byte> frame, int payload)
        {
            Payload = payload;
            if (frame.Length <= Buffer.Length / 2 || !frame.Span.Overlaps(Buffer))
            {
                var smaller = ArrayPool<byte>.Shared.Rent(frame.Length);
                frame.Span.CopyTo(smaller);
                Return();
                Buffer = smaller;
                frame = smaller.AsMemory(0, frame.Length);
            }

            Frame = frame;
        }

        public void Return() => ArrayPool<byte>.Shared.Return(Buffer);
    }

    /// <summary>The right to append; holds the outbox until disposed.</summary>
    internal readonly ref struct Scope(RecordOutbox owner, Pack pack)
    {
        /// <summary>Room for at least the bound that was asked for.</summary>
        public Span<byte> Room => pack.Buffer.AsSpan(pack.End);

        /// <summary>Makes the first <paramref name="count"/> bytes of <see cref="Room"/> part of the pack.</summary>
        public void Commit(int count)
        {
            if (count > 0)
            {
                owner._held = pack.IsEmpty ? 0 : owner._held;
                pack.End += count;
                owner.Appended(pack);
            }
        }

        public void Dispose() => owner.Exit();
    }
}

/// <summary>What a send loop is to do with a pack that it holds.</summary>
internal enum CreditAnswer : byte
{
    /// <summary>Send it.</summary>
    Go,

    /// <summary>Send a control frame, then ask again.</summary>
    Control,

    /// <summary>Hand it back: the lane is lost, or another pack has to go first.</summary>
    GiveBack,
}
