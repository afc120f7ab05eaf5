using NativeSync.Engine.Buffers;
using NativeSync.Engine.Compression;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// What the lanes of one end share: the outbox and its limit, the credit that this end gave, and the order of the packs that come. docs/protocol.md,
/// "Lanes and credits".
/// </summary>
/// <remarks>
/// Guarded by <c>_gate</c>: what came too early, and the list of further lanes. Packs are handed on under it, one at a time and in order; who takes
/// them must not wait.
/// </remarks>
internal sealed class LaneGroup : IDisposable
{
    /// <summary>What a further lane adds to the credit: what OpenSSH lets it have under way.</summary>
    private const int CreditPerLane = 2 * 1024 * 1024;

    /// <summary>Both ends may hold this much several times over, and are to stay well below 150 MiB.</summary>
    private const int LargestCredit = 24 * 1024 * 1024;

    /// <summary>Packs that may be there before the one that is waited for: to hold one takes more than its bytes, of which there may be very few.</summary>
    public const int MostEarly = 256 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, InboundPack> _early = [];
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _creditBatch;
    private Action<InboundPack>? _onRecords;

    /// <summary>Replaced as a whole under the gate, read without: a send loop that counts must not wait for what records bring about.</summary>
    private volatile FrameLane[] _further = [];

    /// <summary>To be read without the gate: who asks may hold the outbox's monitor.</summary>
    private volatile int _lanes = 1;
    private long _next;
    private long _granted;
    private long _expected;
    private long _window;
    private long _toGrant;
    private long _sentBefore;
    private long _receivedBefore;
    private bool _closed;

    public LaneGroup(SessionAbort abort, TimeProvider clock, LaneLimits? limits = null)
    {
        Abort = abort;
        Clock = clock;
        limits ??= LaneLimits.Default;
        Limits = limits;
        _granted = _window = limits.InitialCredit;
        _creditBatch = limits.InitialCredit / 8;
        Outbox = new RecordOutbox(abort, limits.PackSize, limits.QueuedPacks, clock);
        Pace = new RateLimiter(clock);
    }

    public SessionAbort Abort { get; }

    public TimeProvider Clock { get; }

    public LaneLimits Limits { get; }

    public RecordOutbox Outbox { get; }

    /// <summary>Where frames of all lanes are kept, both ways.</summary>
    public FrameStore Frames { get; } = new();

    /// <summary>Paces all lanes together.</summary>
    public RateLimiter Pace { get; }

    /// <summary>Chooses how much what is sent is compressed, where that is left to it.</summary>
    public AdaptiveLevel Level { get; } = new(Environment.ProcessorCount);

    /// <summary>What the other end said that it can do.</summary>
    public Capabilities Peer { get; set; }

    /// <summary>What was agreed when the session began.</summary>
    public LaneSettings Settings { get; private set; } = new();

    /// <summary>Bytes of contents that may have to go: known a round trip or more before the lanes are full.</summary>
    public long Expected => Volatile.Read(ref _expected);

    /// <summary>Further lanes, those that are about to end among them.</summary>
    public int Count => _further.Length;

    /// <summary>Bytes that further lanes carried so far.</summary>
    public (long Sent, long Received) Traffic
    {
        get
        {
            lock (_gate)
            {
                var (sent, received) = (_sentBefore, _receivedBefore);
                foreach (var lane in _further)
                {
                    sent += lane.BytesSent;
                    received += lane.BytesReceived;
                }

                return (sent, received);
            }
        }
    }

    /// <summary>The session begins.</summary>
    public void Begin(LaneSettings settings, long peerCredit, Action<InboundPack> onRecords)
    {
        Settings = settings;
        Pace.BytesPerSecond = settings.BandwidthLimit;
        Outbox.Compresses = settings.CompressLevel is not null;
        if (settings is { CompressLevel: { } level, BatchOnly: false } && (Peer & Capabilities.Streams) != 0)
        {
            var most = level >= PackStreams.Least ? PackCodec.MostStrong : 0;
            Outbox.Dispatch.Streams = new PackStreams(() => level == AdaptiveLevel.Adapt ? Level.Streams : most, () => _lanes, PackCodec.MostStrong, Abort.Token);
        }

        _onRecords = onRecords;
        Outbox.WidenCredit(peerCredit);
        Outbox.Dispatch.AddCredit(peerCredit);
        _begun.TrySetResult();
    }

    /// <summary>The session will not begin, if it has not: nobody waits for it any more.</summary>
    public void BeginNoMore() => _begun.TrySetCanceled();

    /// <summary>So many bytes of contents may have to go.</summary>
    public void Expect(long bytes) => Interlocked.Add(ref _expected, bytes);

    /// <summary>Waits until the session has begun: only then may lanes join.</summary>
    public Task WaitForBeginAsync(CancellationToken ct) => _begun.Task.WaitAsync(ct);

    /// <summary>A further lane takes part from now on. False when the session is over; the lane stays the caller's then.</summary>
    public bool TryAdd(FrameLane lane)
    {
        lock (_gate)
        {
            if (_closed || Abort.Reason is not null)
            {
                return false;
            }

            _further = [.. _further, lane];
            _lanes++;
            var more = Math.Min(CreditPerLane, Limits.Largest(LargestCredit) - _window);
            if (more > 0)
            {
                _window += more;
                Grant(more);

                // The other end does the same.
                Outbox.WidenCredit(more);
            }
        }

        Outbox.Dispatch.TellOfFirst();
        lane.StartFurther();
        return true;
    }

    /// <summary>A further lane has ended.</summary>
    public void Remove(FrameLane lane)
    {
        lock (_gate)
        {
            if (_further.Contains(lane))
            {
                _further = [.. _further.Where(other => other != lane)];
                _lanes--;
                _sentBefore += lane.BytesSent;
                _receivedBefore += lane.BytesReceived;
            }
        }
    }

    /// <summary>Further lanes that are not about to end.</summary>
    public int AtWork => _further.Count(static lane => !lane.Port.Completed);

    /// <summary>Lets the further lanes that joined last end, until no more than so many are at work; what they carry is confirmed first.</summary>
    public void RetireDownTo(int wanted)
    {
        lock (_gate)
        {
            // One that is to end stays in the list until then.
            var atWork = AtWork;
            for (var i = _further.Length - 1; i >= 0 && atWork > wanted; i--)
            {
                if (!_further[i].Port.Completed)
                {
                    Outbox.Dispatch.Complete(_further[i].Port, null);
                    atWork--;
                }
            }
        }
    }

    /// <summary>Ends all further lanes: the session is over. Those whose caller has to close first are waited for, up to a limit.</summary>
    public async Task CloseFurtherAsync(TimeSpan limit)
    {
        FrameLane[] lanes;
        lock (_gate)
        {
            _closed = true;
            lanes = _further;
        }

        await Task.WhenAll(lanes.Select(lane => lane.CloseFurtherAsync(limit))).ConfigureAwait(false);
    }

    /// <summary>A pack came over some lane.</summary>
    /// <exception cref="ProtocolException">It is more than was granted, or what is in it is wrong.</exception>
    public void Receive(InboundPack pack, long number, int length)
    {
        lock (_gate)
        {
            if (number < _next || _early.ContainsKey(number) || _closed)
            {
                // Sent again because a lane was lost, and yet it had come.
                pack.Drop();
                return;
            }

            // What bounds our memory: the peer cannot make us hold more than we said that we would.
            if (Interlocked.Add(ref _granted, -length) < 0)
            {
                pack.Drop();
                throw new ProtocolException(ProtocolError.CreditExceeded, "the other end sends more than it was granted");
            }

            if (number != _next)
            {
                if (_early.Count >= MostEarly)
                {
                    pack.Drop();
                    throw new ProtocolException(ProtocolError.CreditExceeded, "too many packs came before the one that is waited for");
                }

                _early.Add(number, pack);
                return;
            }

            do
            {
                _next++;
                _onRecords!(pack);
            }
            while (_early.Remove(_next, out pack!));
        }
    }

    /// <summary>The bytes of a received pack are used up: the peer may send as many again.</summary>
    public void Consumed(int bytes)
    {
        if (Interlocked.Add(ref _toGrant, bytes) >= _creditBatch && Interlocked.Exchange(ref _toGrant, 0) is > 0 and var grant)
        {
            Grant(grant);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var pack in _early.Values)
            {
                pack.Drop();
            }

            _early.Clear();
        }

        Outbox.Dispose();
        Outbox.Dispatch.Streams?.Dispose();
        Frames.Dispose();
    }

    private void Grant(long bytes)
    {
        Interlocked.Add(ref _granted, bytes);
        Outbox.Dispatch.Control(ControlFrames.Encode(new CreditFrame((int)bytes)));
    }
}

/// <summary>The sizes that bound what an end holds. Tests make them tiny.</summary>
internal sealed record LaneLimits
{
    public static LaneLimits Default { get; } = new();

    /// <summary>Bytes of Records payload which the peer may send before it is granted more.</summary>
    public int InitialCredit { get; init; } = LaneSettings.InitialCredit;

    /// <summary>Bytes of records in a pack.</summary>
    public int PackSize { get; init; } = RecordOutbox.PackSize;

    /// <summary>Full packs that wait for a lane.</summary>
    public int QueuedPacks { get; init; } = 6;

    /// <summary>Credit does not grow with the lanes.</summary>
    public bool FixedCredit { get; init; }

    public long Largest(long usual) => FixedCredit ? InitialCredit : usual;
}
