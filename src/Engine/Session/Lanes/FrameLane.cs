using System.Buffers;
using System.IO.Pipelines;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>What the lanes of an end are told when the session begins.</summary>
internal sealed record LaneSettings
{
    /// <summary>Bytes of Records payload which the peer may send before it is granted more: what this end is ready to hold.</summary>
    public const int InitialCredit = 8 * 1024 * 1024;

    /// <summary>The zstd level for what this end sends, 255 to adapt; null for none.</summary>
    public int? CompressLevel { get; init; }

    /// <summary>Bytes per second for what this end sends; 0 for no limit.</summary>
    public long BandwidthLimit { get; init; }

    /// <summary>Records what this end sends; null for nothing.</summary>
    public Batch.BatchWriter? Batch { get; init; }

    /// <summary>Contents go there alone.</summary>
    public bool BatchOnly { get; init; }

    /// <summary>Silence after which the session is given up; zero for never.</summary>
    public TimeSpan Timeout { get; init; }
}

/// <summary>
/// Frames over one lane: a receive loop that never waits for anything but the lane, a send loop that waits for the
/// lane and for the peer's credit, keep-alives. docs/protocol.md, "Lanes and credits".
/// </summary>
/// <remarks>
/// The send loop alone touches <see cref="IDuplexPipe.Output"/>, the receive loop alone <see cref="IDuplexPipe.Input"/>.
/// Counts and clocks are interlocked fields. Trouble of either loop of the first lane becomes the session's abort reason; trouble of a further
/// lane ends that lane, and what it carried goes over the others.
/// </remarks>
internal sealed class FrameLane : IAsyncDisposable
{
    /// <summary>Pongs and the like that may wait for the line: a peer which asks for more and takes none is hostile, and bounded by this.</summary>
    private const int MaxQueuedAnswers = 1024;

    /// <summary>Silence after which a further lane is given up where the session has no time-out: its packs hold up all that came later.</summary>
    private static readonly TimeSpan FurtherTimeout = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A sign of life is asked for so often within the time-out, and so many times in a row there must have been none. Counted and not timed:
    /// a process that was stopped for a while has not heard anything, and its peer may well be there.
    /// </summary>
    private const int AsksPerTimeout = 4;

    private readonly ILane _lane;
    private readonly SessionAbort _abort;
    private readonly TimeProvider _clock;
    private readonly TaskCompletionSource _goodbye = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TimeSpan _timeout;
    private long _shortestRoundTrip = long.MaxValue;
    private ulong _confirmed;
    private int _asked;
    private long _sent;
    private long _received;
    private Task _receiving = Task.CompletedTask;
    private Task _life = Task.CompletedTask;
    private Thread? _sender;
    private ITimer? _keepAlive;

    /// <summary>The first lane of a session.</summary>
    public FrameLane(ILane lane, SessionAbort abort, TimeProvider clock)
        : this(lane, new LaneGroup(abort, clock), further: false)
    {
    }

    public FrameLane(ILane lane, LaneGroup group, bool further)
    {
        _lane = lane;
        Group = group;
        _abort = group.Abort;
        _clock = group.Clock;
        Port = further ? new LanePort(isFirst: false) : group.Outbox.First;
    }

    public LaneGroup Group { get; }

    public LanePort Port { get; }

    public RecordOutbox Outbox => Group.Outbox;

    /// <summary>Bytes written to the lane.</summary>
    public long BytesSent => Volatile.Read(ref _sent);

    /// <summary>Bytes read from the lane.</summary>
    public long BytesReceived => Volatile.Read(ref _received);

    /// <summary>Bytes of this lane and all further ones.</summary>
    public (long Sent, long Received) AllTraffic
    {
        get
        {
            var (sent, received) = Group.Traffic;
            return (sent + BytesSent, received + BytesReceived);
        }
    }

    /// <summary>Completes when the peer said goodbye.</summary>
    public Task Goodbye => _goodbye.Task;

    /// <summary>Completes when a further lane and all that belongs to it have ended.</summary>
    public Task Ended => _life;

    /// <summary>The bandwidth limit that a client sends while the session runs goes here.</summary>
    public bool TakesLimits { get; set; }

    /// <summary>Sends frames at once, before the loops run: the handshake.</summary>
    public async ValueTask SendNowAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        await _lane.Output.WriteAsync(bytes, ct).ConfigureAwait(false);
        Interlocked.Add(ref _sent, bytes.Length);
    }

    /// <summary>Waits for the magic bytes, skipping what a shell may print before them. docs/protocol.md, "Magic".</summary>
    public async ValueTask ReceiveMagicAsync(CancellationToken ct)
    {
        var skipped = 0;
        while (true)
        {
            var result = await _lane.Input.ReadAsync(ct).ConfigureAwait(false);
            if (TryFindMagic(result.Buffer, ref skipped, out var position, out var consumed))
            {
                Interlocked.Add(ref _received, consumed);
                _lane.Input.AdvanceTo(position);
                return;
            }

            _lane.Input.AdvanceTo(position, result.Buffer.End);
            if (result.IsCompleted)
            {
                throw new TransportException(ExitCodes.Stream, "the other end closed the connection before it introduced itself");
            }
        }
    }

    /// <summary>Receives one frame of the handshake, whole.</summary>
    public async ValueTask<(FrameType Type, byte[] Payload)> ReceiveFrameAsync(CancellationToken ct)
    {
        while (true)
        {
            var result = await _lane.Input.ReadAsync(ct).ConfigureAwait(false);
            if (TryTakeFrame(result.Buffer, out var header, out var payload, out var end))
            {
                var copy = payload.ToArray();
                Interlocked.Add(ref _received, result.Buffer.Slice(0, end).Length);
                _lane.Input.AdvanceTo(end);
                return (header.Type, copy);
            }

            _lane.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted)
            {
                throw new TransportException(ExitCodes.Stream, "the other end closed the connection during the handshake");
            }
        }
    }

    /// <summary>Starts the session and both loops of its first lane.</summary>
    /// <param name="settings">What was agreed.</param>
    /// <param name="peerCredit">The credit that the peer's Hello gave.</param>
    /// <param name="onRecords">Takes each pack, on a receive loop: must not wait.</param>
    public void Start(LaneSettings settings, long peerCredit, Action<InboundPack> onRecords)
    {
        Group.Begin(settings, peerCredit, onRecords);
        StartLoops(settings.Timeout);
    }

    /// <summary>Starts the loops of a lane that has joined.</summary>
    public void StartFurther()
    {
        StartLoops(Group.Settings.Timeout > TimeSpan.Zero ? Group.Settings.Timeout : FurtherTimeout);
        _life = LiveAsync();
    }

    /// <summary>Lets the send loop finish what is queued, and waits for it.</summary>
    public async Task FinishSendingAsync()
    {
        Outbox.Complete();
        if (_sender is { } sender)
        {
            await Task.Run(sender.Join).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until the peer has closed its side, or for as long as it is given. What it still sends is dropped.</summary>
    public async Task LingerAsync(TimeSpan limit)
    {
        Outbox.Complete();
        using var timer = new CancellationTokenSource(limit, _clock);
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
            await Task.WhenAny(_life, Task.Delay(limit, _clock)).ConfigureAwait(false);
        }

        _lane.Input.CancelPendingRead();
        await _life.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_keepAlive is { } timer)
        {
            await timer.DisposeAsync().ConfigureAwait(false);
        }

        await Group.CloseFurtherAsync(TimeSpan.Zero).ConfigureAwait(false);
        _lane.Input.CancelPendingRead();
        _lane.Output.CancelPendingFlush();
        Outbox.Complete();
        if (_sender is { } sender)
        {
            // It still says why the session ends; a line that does not take that is not waited for.
            await Task.Run(() => sender.Join(LastWords)).ConfigureAwait(false);
            await _lane.DisposeAsync().ConfigureAwait(false);
            await Task.Run(sender.Join).ConfigureAwait(false);
        }
        else
        {
            await _lane.DisposeAsync().ConfigureAwait(false);
        }

        await _receiving.ConfigureAwait(false);
        Group.Dispose();
    }

    private static bool TryFindMagic(in ReadOnlySequence<byte> buffer, ref int skipped, out SequencePosition position, out long consumed)
    {
        var reader = new SequenceReader<byte>(buffer);
        var found = Magic.TryFind(ref reader, ref skipped);
        position = reader.Position;
        consumed = reader.Consumed;
        return found;
    }

    private static bool TryTakeFrame(
        in ReadOnlySequence<byte> buffer, out FrameHeader header, out ReadOnlySequence<byte> payload, out SequencePosition end)
    {
        var reader = new SequenceReader<byte>(buffer);
        payload = default;
        end = default;
        if (!FrameHeader.TryRead(ref reader, out header) || reader.Remaining < header.Length)
        {
            return false;
        }

        payload = reader.UnreadSequence.Slice(0, header.Length);
        end = payload.End;
        return true;
    }

    private void StartLoops(TimeSpan timeout)
    {
        _receiving = Task.Run(ReceiveLoopAsync);
        _sender = new Thread(SendLoop) { IsBackground = true, Name = "lane-send" };
        _sender.Start();
        if (timeout > TimeSpan.Zero)
        {
            _timeout = timeout;
            _keepAlive = _clock.CreateTimer(_ => KeepAlive(), null, timeout / AsksPerTimeout, timeout / AsksPerTimeout);
        }
    }

    /// <summary>The life of a further lane, from joining to the end of all that belongs to it.</summary>
    private async Task LiveAsync()
    {
        await _receiving.ConfigureAwait(false);
        Outbox.Lose(Port);
        await _keepAlive!.DisposeAsync().ConfigureAwait(false);
        _lane.Output.CancelPendingFlush();
        if (!await Task.Run(() => _sender!.Join(LastWords)).ConfigureAwait(false))
        {
            await _lane.DisposeAsync().ConfigureAwait(false);
            await Task.Run(_sender!.Join).ConfigureAwait(false);
        }

        Outbox.SendAgain(Port);
        await _lane.DisposeAsync().ConfigureAwait(false);
        Group.Remove(this);
    }

    private async Task ReceiveLoopAsync()
    {
        try
        {
            while (true)
            {
                var result = await _lane.Input.ReadAsync(_abort.Token).ConfigureAwait(false);
                if (result.IsCanceled)
                {
                    return;
                }

                var buffer = result.Buffer;
                Volatile.Write(ref _asked, 0);
                var start = buffer.Start;
                while (TryTakeFrame(buffer, out var header, out var payload, out var end))
                {
                    Interlocked.Add(ref _received, buffer.Slice(0, end).Length);
                    buffer = buffer.Slice(end);
                    start = end;
                    Dispatch(header.Type, payload);
                }

                _lane.Input.AdvanceTo(start, buffer.End);
                if (result.IsCompleted)
                {
                    if (Port.IsFirst && !_goodbye.Task.IsCompleted)
                    {
                        throw new TransportException(ExitCodes.Stream, "the connection was closed by the other end before the work was done");
                    }

                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The session is ending; its reason is known already.
        }
        catch (Exception e)
        {
            if (Port.IsFirst ? !_goodbye.Task.IsCompleted : !IsTrouble(e))
            {
                _abort.Abort(e);
            }
        }
    }

    /// <summary>The line's, not the peer's doing.</summary>
    private static bool IsTrouble(Exception e) => e is TransportException or IOException or InvalidOperationException;

    private void Dispatch(FrameType type, in ReadOnlySequence<byte> payload)
    {
        if (type == FrameType.Records)
        {
            var number = RecordsFrame.NumberOf(payload);
            var length = (int)payload.Length;
            var rented = ArrayPool<byte>.Shared.Rent(length);
            payload.CopyTo(rented);
            Group.Receive(new InboundPack(Group, rented, length), number, length);
            if (!Port.IsFirst)
            {
                Outbox.NoteArrived(Port);
            }

            return;
        }

        var bytes = payload.IsSingleSegment ? payload.FirstSpan : payload.ToArray();
        switch (type)
        {
            case FrameType.Credit when Port.IsFirst:
                Outbox.AddCredit(CreditFrame.Parse(bytes).Bytes);
                break;
            case FrameType.Arrived when !Port.IsFirst:
                if (!Outbox.Confirm(Port, ArrivedFrame.Parse(bytes).Packs, ref _confirmed))
                {
                    throw new ProtocolException(ProtocolError.ValueOutOfRange, "the other end says that it got more than was sent");
                }

                break;
            case FrameType.Limit when Port.IsFirst && TakesLimits:
                Group.Pace.BytesPerSecond = (long)Math.Min(LimitFrame.Parse(bytes).BytesPerSecond, long.MaxValue / 2);
                break;
            case FrameType.Ping:
                if (Outbox.QueuedControls(Port) >= MaxQueuedAnswers)
                {
                    throw new ProtocolException(ProtocolError.CreditExceeded, "the other end asks on and on and does not take the answers");
                }

                Outbox.Control(Port, ControlFrames.Encode(new PongFrame(PingFrame.Parse(bytes).Nonce)));
                break;
            case FrameType.Pong:
                NoteAnswer(PongFrame.Parse(bytes).Nonce);
                break;
            case FrameType.Abort:
                var abort = AbortFrame.Parse(bytes);
                _abort.Abort(new SessionException((int)abort.Code, ByteText.Escape(abort.Text)));
                break;
            case FrameType.Goodbye when Port.IsFirst:
                _goodbye.TrySetResult();
                break;
            default:
                throw new ProtocolException(ProtocolError.UnexpectedFrame, $"a {type} frame is not allowed here");
        }
    }

    private void SendLoop()
    {
        using var packer = new PackWriter(Group.Settings.CompressLevel, _clock);
        RecordOutbox.Pack? held = null;
        try
        {
            while (Outbox.Take(Port, out var control, out var pack))
            {
                if (control is not null)
                {
                    Write(control);
                    continue;
                }

                held = pack;
                if (Group.Settings.Batch is { } batch)
                {
                    batch.Append(pack!.Records);
                    if (Group.Settings.BatchOnly)
                    {
                        Batch.RecordedContents.Strip(pack);
                    }
                }

                var frame = packer.Encode(pack!, out var payload);
                if (!Port.IsFirst && pack!.Frame.IsEmpty)
                {
                    pack.Seal(frame, payload);
                    frame = pack.Frame;
                }

                var may = MaySend(pack!, payload);
                held = null;
                if (!may)
                {
                    Outbox.GiveBack(Port, pack!);
                    continue;
                }

                Write(frame);
                packer.Written();
                if (Port.IsFirst)
                {
                    pack!.Return();
                }
            }
        }
        catch (Exception e) when (!Port.IsFirst && (IsTrouble(e) || e is OperationCanceledException or SessionAbortedException))
        {
            // The lane is lost, or the session is.
        }
        catch (TransportException e)
        {
            // The peer is gone. What it said last is the better reason: let the receive loop come to it first.
            _receiving.Wait(LastWords);
            _abort.Abort(e);
        }
        catch (Exception e)
        {
            _abort.Abort(e);
            SayAbort();
        }
        finally
        {
            _lane.Output.Complete();
            if (!Port.IsFirst)
            {
                if (held is not null)
                {
                    Outbox.GiveBack(Port, held);
                }

                _lane.Input.CancelPendingRead();
            }
        }
    }

    /// <summary>Waits for a pack's turn and credit; false when it is to be handed back.</summary>
    private bool MaySend(RecordOutbox.Pack pack, int payload)
    {
        while (true)
        {
            var answer = Outbox.TakeCredit(Port, pack, payload, out var urgent);
            if (answer != CreditAnswer.Control)
            {
                return answer == CreditAnswer.Go;
            }

            Write(urgent!);
        }
    }

    /// <summary>
    /// Writes to the lane and waits while it is full. This thread exists for that; there is nothing else it could do meanwhile.
    /// </summary>
    private void Write(ReadOnlyMemory<byte> bytes)
    {
        var pace = Group.Pace;
        while (!bytes.IsEmpty)
        {
            var slice = bytes[..Math.Min(bytes.Length, pace.Slice)];
            pace.Wait(slice.Length, _abort.Token);
            var flushing = _lane.Output.WriteAsync(slice, _abort.Token);
            var result = flushing.IsCompleted ? flushing.Result : flushing.AsTask().GetAwaiter().GetResult();
            Interlocked.Add(ref _sent, slice.Length);
            if (result.IsCompleted || (result.IsCanceled && !Port.IsFirst))
            {
                throw new TransportException(ExitCodes.Stream, "the connection was closed by the other end");
            }

            bytes = bytes[slice.Length..];
        }
    }

    /// <summary>Tells the peer why, if the line still takes it.</summary>
    private void SayAbort()
    {
        if (_abort.Reason is null or TransportException)
        {
            return;
        }

        try
        {
            var code = _abort.Reason switch
            {
                SessionException s => s.ExitCode,
                ProtocolException => ExitCodes.Protocol,
                OperationCanceledException => ExitCodes.Interrupted,
                _ => ExitCodes.Stream,
            };
            var text = ByteText.FromArgument(_abort.Reason switch
            {
                SessionException or ProtocolException => _abort.Reason.Message,
                OperationCanceledException => "ended by the other end's user",
                var e => $"internal error at the other end: {e.GetType().Name}: {e.Message}",
            });
            var frame = ControlFrames.Encode(new AbortFrame { Code = code, Text = text });
            var writing = _lane.Output.WriteAsync(frame);
            if (!writing.IsCompleted)
            {
                // A full line: the peer notices the end of the stream instead.
                writing.AsTask().Wait(TimeSpan.FromMilliseconds(200));
            }
        }
        catch (Exception)
        {
            // The line is gone: there is nobody to tell.
        }
    }

    private void KeepAlive()
    {
        if (Interlocked.Increment(ref _asked) <= AsksPerTimeout)
        {
            Ping();
        }
        else if (Port.IsFirst)
        {
            _abort.Abort(new SessionException(ExitCodes.Timeout, $"nothing was heard from the other end for {_timeout.TotalSeconds:0} seconds"));
        }
        else
        {
            _lane.Input.CancelPendingRead();
        }
    }

    /// <summary>Asks for an answer, which shows that the other end lives and how far away it is.</summary>
    public void Ping() => Outbox.Control(Port, ControlFrames.Encode(new PingFrame((ulong)_clock.GetTimestamp())));

    /// <summary>The shortest time that an answer has taken so far; endless before there was one.</summary>
    public TimeSpan ShortestRoundTrip => new(Volatile.Read(ref _shortestRoundTrip));

    private void NoteAnswer(ulong asked)
    {
        // What the peer made up is no time at all.
        if (_clock.GetElapsedTime((long)asked).Ticks is >= 0 and var took && took < Volatile.Read(ref _shortestRoundTrip))
        {
            Volatile.Write(ref _shortestRoundTrip, took);
        }
    }
}
