using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// Frames over one lane: a receive loop that never waits for anything but the lane, a send loop that waits for the
/// lane and for the peer's credit, keep-alives. docs/protocol.md, "Lanes and credits".
/// </summary>
/// <remarks>
/// Trouble of either loop of the first lane becomes the session's abort reason; trouble of a further lane ends that lane, and what it
/// carried goes over the others.
/// </remarks>
internal sealed class FrameLane : IAsyncDisposable
{
    /// <summary>Silence after which a further lane is given up, unless the time-out of the session is shorter: its packs hold up all that came later.</summary>
    private static readonly TimeSpan FurtherTimeout = TimeSpan.FromSeconds(60);

    private readonly ILane _lane;
    private readonly LanePulse _pulse;
    private readonly LaneSender _sender;
    private readonly LaneReceiver _receiver;
    private Task _receiving = Task.CompletedTask;
    private Task _life = Task.CompletedTask;
    private bool _goesOn;

    /// <summary>The first lane of a session.</summary>
    public FrameLane(ILane lane, SessionAbort abort, TimeProvider clock)
        : this(lane, new LaneGroup(abort, clock), further: false)
    {
    }

    public FrameLane(ILane lane, LaneGroup group, bool further)
    {
        _lane = lane;
        Group = group;
        Port = further ? new LanePort(isFirst: false) : group.Outbox.Dispatch.First;
        _pulse = new LanePulse(group.Clock, group.Outbox, Port);
        _sender = new LaneSender(lane, group, Port);
        _receiver = new LaneReceiver(lane, group, Port, _pulse);
    }

    public LaneGroup Group { get; }

    public LanePort Port { get; }

    public RecordOutbox Outbox => Group.Outbox;

    /// <inheritdoc cref="LaneSender.BytesSent"/>
    public long BytesSent => _sender.BytesSent;

    /// <inheritdoc cref="LaneReceiver.BytesReceived"/>
    public long BytesReceived => _receiver.BytesReceived;

    /// <summary>Bytes of this lane and all further ones.</summary>
    public (long Sent, long Received) AllTraffic
    {
        get
        {
            var (sent, received) = Group.Traffic;
            return (sent + BytesSent, received + BytesReceived);
        }
    }

    /// <inheritdoc cref="LaneReceiver.Goodbye"/>
    public Task Goodbye => _receiver.Goodbye;

    /// <summary>Completes when a further lane and all that belongs to it have ended.</summary>
    public Task Ended => _life;

    /// <inheritdoc cref="LaneReceiver.TakesLimits"/>
    public bool TakesLimits
    {
        get => _receiver.TakesLimits;
        set => _receiver.TakesLimits = value;
    }

    /// <inheritdoc cref="LanePulse.ShortestRoundTrip"/>
    public TimeSpan ShortestRoundTrip => _pulse.ShortestRoundTrip;

    /// <inheritdoc cref="LaneSender.SendNowAsync"/>
    public ValueTask SendNowAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct) => _sender.SendNowAsync(bytes, ct);

    /// <inheritdoc cref="LaneReceiver.ReceiveMagicAsync"/>
    public ValueTask ReceiveMagicAsync(CancellationToken ct) => _receiver.ReceiveMagicAsync(ct);

    /// <inheritdoc cref="LaneReceiver.ReceiveFrameAsync"/>
    public ValueTask<(FrameType Type, byte[] Payload)> ReceiveFrameAsync(CancellationToken ct) => _receiver.ReceiveFrameAsync(ct);

    /// <inheritdoc cref="LanePulse.Ping"/>
    public void Ping() => _pulse.Ping();

    /// <summary>The same lane as the first one of a session, after it was introduced. This one is done with; what it moved counts there.</summary>
    public FrameLane GoOn(LaneGroup group)
    {
        _goesOn = true;
        group.Peer = Group.Peer;
        FrameLane lane = new(_lane, group, further: false);
        lane._sender.Count(BytesSent);
        lane._receiver.Count(BytesReceived);
        return lane;
    }

    /// <summary>Starts the session and both loops of its first lane.</summary>
    /// <param name="settings">What was agreed.</param>
    /// <param name="peerCredit">The credit that the peer's Hello gave.</param>
    /// <param name="onRecords">Takes each pack, on a receive loop: must not wait.</param>
    /// <param name="hearAnswer">Receives the agent's answer to the job, where the session begins before that has come; null where it has.</param>
    public void Start(LaneSettings settings, long peerCredit, Action<InboundPack> onRecords, Func<Task>? hearAnswer = null)
    {
        Group.Begin(settings, peerCredit, onRecords);
        StartLoops(settings.Timeout, hearAnswer);
    }

    /// <summary>Starts the loops of a lane that has joined.</summary>
    public void StartFurther()
    {
        var timeout = Group.Settings.Timeout;
        StartLoops(timeout > TimeSpan.Zero && timeout < FurtherTimeout ? timeout : FurtherTimeout);
        _life = LiveAsync();
        Ping();
    }

    /// <summary>Lets the send loop finish what is queued, and waits for it.</summary>
    public Task FinishSendingAsync()
    {
        Outbox.Dispatch.Complete();
        return _sender.JoinAsync();
    }

    /// <summary>Waits until the peer has closed its side, or for as long as it is given. What it still sends is dropped.</summary>
    public async Task LingerAsync(TimeSpan limit)
    {
        Outbox.Dispatch.Complete();
        using var timer = new CancellationTokenSource(limit, Group.Clock);
        try
        {
            await _receiving.WaitAsync(timer.Token).ConfigureAwait(false);
            while (true)
            {
                var result = await _lane.Input.ReadAsync(timer.Token).ConfigureAwait(false);
                _lane.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or TransportException or IOException or InvalidOperationException)
        {
            // It took too long, or it is gone.
        }
    }

    /// <summary>Ends a further lane, once the peer has closed it or the limit is over.</summary>
    public async Task CloseFurtherAsync(TimeSpan limit)
    {
        if (limit > TimeSpan.Zero)
        {
            await Task.WhenAny(_life, Task.Delay(limit, Group.Clock)).ConfigureAwait(false);
        }

        _lane.Input.CancelPendingRead();
        await _life.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _pulse.DisposeAsync().ConfigureAwait(false);
        if (_goesOn)
        {
            Group.Dispose();
            return;
        }

        await Group.CloseFurtherAsync(TimeSpan.Zero).ConfigureAwait(false);
        _lane.Input.CancelPendingRead();
        _lane.Output.CancelPendingFlush();
        Outbox.Dispatch.Complete();

        // It still says why the session ends; a line that does not take that is not waited for.
        await _sender.JoinAsync(LaneSender.LastWords).ConfigureAwait(false);

        // What it is just taking apart must not be given back under it; it waits for nothing but the read that was cancelled.
        await Task.WhenAny(_receiving, Task.Delay(LaneSender.LastWords)).ConfigureAwait(false);
        await _lane.DisposeAsync().ConfigureAwait(false);
        Outbox.Dispatch.Lose(Port);
        await _sender.JoinAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        await _pulse.DisposeAsync().ConfigureAwait(false);
        Group.Dispose();
    }

    private void StartLoops(TimeSpan timeout, Func<Task>? hearAnswer = null)
    {
        _receiving = Task.Run(() => ReceiveAsync(timeout, hearAnswer));
        _sender.Start(_receiving);
    }

    private async Task ReceiveAsync(TimeSpan timeout, Func<Task>? hearAnswer)
    {
        try
        {
            await (hearAnswer?.Invoke() ?? Task.CompletedTask).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Group.Abort.Abort(e);
            return;
        }

        // An agent that is still reading what the job names answers nobody: it has a patience of its own.
        _pulse.Watch(timeout, () => GiveUp(timeout));
        await _receiver.RunAsync().ConfigureAwait(false);
    }

    /// <summary>Nothing was heard for too long.</summary>
    private void GiveUp(TimeSpan timeout)
    {
        if (Port.IsFirst)
        {
            Group.Abort.Abort(new SessionException(ExitCodes.Timeout, $"nothing was heard from the other end for {timeout.TotalSeconds:0} seconds"));
        }
        else
        {
            _lane.Input.CancelPendingRead();
        }
    }

    /// <summary>The life of a further lane, from joining to the end of all that belongs to it.</summary>
    private async Task LiveAsync()
    {
        await _receiving.ConfigureAwait(false);
        Outbox.Dispatch.Lose(Port);
        await _pulse.DisposeAsync().ConfigureAwait(false);
        _lane.Output.CancelPendingFlush();
        if (!await _sender.JoinAsync(LaneSender.LastWords).ConfigureAwait(false))
        {
            await _lane.DisposeAsync().ConfigureAwait(false);
            await _sender.JoinAsync().ConfigureAwait(false);
        }

        Outbox.Dispatch.SendAgain(Port);
        await _lane.DisposeAsync().ConfigureAwait(false);
        Group.Remove(this);
    }
}
