using System.Buffers;
using System.Runtime.CompilerServices;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>The receiving half of a lane: cuts what comes into frames and hands each on, without waiting for anything but the lane.</summary>
/// <remarks>The loop alone touches the lane's input once it runs; before that the handshake does, after it who lingers.</remarks>
internal sealed class LaneReceiver(ILane lane, LaneGroup group, LanePort port, LanePulse pulse)
{
    /// <summary>Pongs and the like that may wait for the line: a peer which asks for more and takes none is hostile, and bounded by this.</summary>
    private const int MaxQueuedAnswers = 1024;

    private readonly TaskCompletionSource _goodbye = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _received;

    /// <summary>Bytes read from the lane.</summary>
    public long BytesReceived => Volatile.Read(ref _received);

    /// <summary>Completes when the peer said goodbye.</summary>
    public Task Goodbye => _goodbye.Task;

    /// <summary>The bandwidth limit that a client sends while the session runs goes here.</summary>
    public bool TakesLimits { get; set; }

    /// <summary>Bytes that were read before.</summary>
    public void Count(long bytes) => Interlocked.Add(ref _received, bytes);

    /// <summary>Waits for the magic bytes, skipping what a shell may print before them. docs/protocol.md, "Magic".</summary>
    public async ValueTask ReceiveMagicAsync(CancellationToken ct)
    {
        var skipped = 0;
        while (true)
        {
            var result = await lane.Input.ReadAsync(ct).ConfigureAwait(false);
            if (TryFindMagic(result.Buffer, ref skipped, out var position, out var consumed))
            {
                Interlocked.Add(ref _received, consumed);
                lane.Input.AdvanceTo(position);
                return;
            }

            lane.Input.AdvanceTo(position, result.Buffer.End);
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
            var result = await lane.Input.ReadAsync(ct).ConfigureAwait(false);
            if (TryTakeFrame(result.Buffer, out var header, out var payload, out var end))
            {
                var copy = payload.ToArray();
                Interlocked.Add(ref _received, result.Buffer.Slice(0, end).Length);
                lane.Input.AdvanceTo(end);
                return (header.Type, copy);
            }

            lane.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCanceled)
            {
                throw new OperationCanceledException("the lane is being closed");
            }

            if (result.IsCompleted)
            {
                throw new TransportException(ExitCodes.Stream, "the other end closed the connection during the handshake");
            }
        }
    }

    /// <summary>
    /// Runs on the thread that reads the lane, where the lane has one and records are queued for another: on a small stack, and with the lane standing
    /// still meanwhile, nothing else may be done with them. How the loop ends may wake anybody and is left to the pool.
    /// </summary>
    public async Task RunAsync()
    {
        lane.ContinueInline(group.Settings.QueuesRecords);
        try
        {
            await LoopAsync().ConfigureAwait(false);
        }
        finally
        {
            lane.ContinueInline(false);
        }
    }

    private async Task LoopAsync()
    {
        try
        {
            while (true)
            {
                var result = await lane.Input.ReadAsync(group.Abort.Token).ConfigureAwait(false);
                if (result.IsCanceled)
                {
                    await LeaveThread();
                    return;
                }

                var buffer = result.Buffer;
                pulse.Heard();
                var start = buffer.Start;
                while (TryTakeFrame(buffer, out var header, out var payload, out var end))
                {
                    Interlocked.Add(ref _received, buffer.Slice(0, end).Length);
                    buffer = buffer.Slice(end);
                    start = end;
                    if (header.Type == FrameType.Abort)
                    {
                        await LeaveThread();
                    }

                    Dispatch(header.Type, payload);
                }

                lane.Input.AdvanceTo(start, buffer.End);
                if (result.IsCompleted)
                {
                    await LeaveThread();
                    if (port.IsFirst && !_goodbye.Task.IsCompleted)
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
            await LeaveThread();
        }
        catch (Exception e)
        {
            await LeaveThread();
            if (port.IsFirst ? !_goodbye.Task.IsCompleted : !LaneSender.IsTrouble(e))
            {
                group.Abort.Abort(e);
            }
        }
    }

    /// <summary>What follows runs on the thread pool.</summary>
    private static ConfiguredTaskAwaitable LeaveThread() => Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    private void Dispatch(FrameType type, in ReadOnlySequence<byte> payload)
    {
        if (type == FrameType.Records)
        {
            var number = RecordsFrame.NumberOf(payload);
            var length = (int)payload.Length;
            var room = group.Frames.Take(length);
            payload.CopyTo(room.Span);
            group.Receive(new InboundPack(group, room), number, length);
            group.Outbox.Dispatch.NoteArrived(port);
            return;
        }

        var bytes = payload.IsSingleSegment ? payload.FirstSpan : payload.ToArray();
        switch (type)
        {
            case FrameType.Credit when port.IsFirst:
                group.Outbox.Dispatch.AddCredit(CreditFrame.Parse(bytes).Bytes);
                break;
            case FrameType.Arrived:
                if (!group.Outbox.Dispatch.Confirm(port, ArrivedFrame.Parse(bytes).Packs))
                {
                    throw new ProtocolException(ProtocolError.ValueOutOfRange, "the other end says that it got more than was sent");
                }

                break;
            case FrameType.Limit when port.IsFirst && TakesLimits:
                group.Pace.BytesPerSecond = (long)Math.Min(LimitFrame.Parse(bytes).BytesPerSecond, long.MaxValue / 2);
                break;
            case FrameType.Ping:
                if (group.Outbox.Dispatch.QueuedControls(port) >= MaxQueuedAnswers)
                {
                    throw new ProtocolException(ProtocolError.CreditExceeded, "the other end asks on and on and does not take the answers");
                }

                group.Outbox.Dispatch.Control(port, ControlFrames.Encode(new PongFrame(PingFrame.Parse(bytes).Nonce)));
                break;
            case FrameType.Pong:
                pulse.Answered(PongFrame.Parse(bytes).Nonce);
                break;
            case FrameType.Abort:
                var abort = AbortFrame.Parse(bytes);
                group.Abort.Abort(new SessionException((int)abort.Code, ByteText.Escape(abort.Text)));
                break;
            case FrameType.Goodbye when port.IsFirst:
                _goodbye.TrySetResult();
                break;
            default:
                throw new ProtocolException(ProtocolError.UnexpectedFrame, $"a {type} frame is not allowed here");
        }
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
}
