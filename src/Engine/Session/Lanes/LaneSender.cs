using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>The sending half of a lane: takes packs and control frames from the outbox, and waits for the lane and for the peer's credit.</summary>
/// <remarks>The thread alone touches the lane's output once it runs; before that the handshake does.</remarks>
internal sealed class LaneSender(ILane lane, LaneGroup group, LanePort port)
{
    /// <summary>How long the end of a session is waited for by what would tell a better reason, or say one.</summary>
    public static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    private long _sent;
    private Task _receiving = Task.CompletedTask;

    /// <summary>What the lane has not taken yet of the frame that is under way.</summary>
    private ReadOnlyMemory<byte> _rest;
    private Thread? _thread;

    /// <summary>Bytes written to the lane.</summary>
    public long BytesSent => Volatile.Read(ref _sent);

    /// <summary>Bytes that were written before.</summary>
    public void Count(long bytes) => Interlocked.Add(ref _sent, bytes);

    /// <summary>Sends frames at once, before the loops run: the handshake.</summary>
    public async ValueTask SendNowAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        await lane.Output.WriteAsync(bytes, ct).ConfigureAwait(false);
        Interlocked.Add(ref _sent, bytes.Length);
    }

    /// <summary>Starts the loop.</summary>
    /// <param name="receiving">The receive loop of the same lane, which may know better why the lane ends.</param>
    public void Start(Task receiving)
    {
        _receiving = receiving;
        _thread = new Thread(Run) { IsBackground = true, Name = "lane-send" };
        _thread.Start();
    }

    /// <summary>Waits until the loop has ended; at once where it was never started.</summary>
    public Task JoinAsync() => _thread is { } thread ? Task.Run(thread.Join) : Task.CompletedTask;

    /// <summary>The same with a limit; false when that came first.</summary>
    public Task<bool> JoinAsync(TimeSpan limit) => _thread is { } thread ? Task.Run(() => thread.Join(limit)) : Task.FromResult(true);

    /// <summary>The line's, not the peer's doing.</summary>
    public static bool IsTrouble(Exception e) => e is TransportException or IOException or InvalidOperationException;

    private void Run()
    {
        using var packer = new PackWriter(group.Settings.CompressLevel, group.Level, group.Clock);
        OutboundPack? held = null;
        try
        {
            while (group.Outbox.Dispatch.Take(port, out var control, out var pack))
            {
                if (control is not null)
                {
                    Write(control);
                    continue;
                }

                held = pack;
                if (group.Settings.Batch is { } batch)
                {
                    batch.Append(pack!.Records);
                    if (group.Settings.BatchOnly)
                    {
                        Batch.RecordedContents.Strip(pack);
                    }
                }

                var frame = packer.Encode(pack!, out var payload);
                if (!port.IsFirst && pack!.Frame.IsEmpty)
                {
                    pack.Seal(frame, payload, group.Frames);
                    frame = pack.Frame;
                }

                var written = port.IsFirst ? null : pack!.Hold();
                try
                {
                    var may = MaySend(pack!, payload);
                    held = may && port.IsFirst ? pack : null;
                    if (!may)
                    {
                        if (pack!.Frame.IsEmpty)
                        {
                            pack.Seal(frame, payload, group.Frames); // a part of a stream is compressed once
                        }

                        group.Outbox.Dispatch.GiveBack(port, pack!);
                        continue;
                    }

                    Write(frame);
                }
                finally
                {
                    written?.Release();
                }

                packer.Written(port.Blocked, port.Overtaken, 1 + group.AtWork);
                port.Blocked = port.Overtaken = 0;
                held?.Return();
                held = null;
            }
        }
        catch (Exception e) when (!port.IsFirst && (IsTrouble(e) || e is OperationCanceledException or SessionAbortedException))
        {
            // The lane is lost, or the session is.
        }
        catch (TransportException e)
        {
            // The peer is gone. What it said last is the better reason: let the receive loop come to it first.
            _receiving.Wait(LastWords);
            group.Abort.Abort(e);
        }
        catch (Exception e)
        {
            group.Abort.Abort(e);
            SayAbort();
        }
        finally
        {
            lane.Output.Complete();
            if (held is not null)
            {
                group.Outbox.Dispatch.GiveBack(port, held);
            }

            if (!port.IsFirst)
            {
                lane.Input.CancelPendingRead();
            }
        }
    }

    /// <summary>Waits for a pack's turn and credit; false when it is to be handed back.</summary>
    private bool MaySend(OutboundPack pack, int payload)
    {
        while (true)
        {
            var answer = group.Outbox.Dispatch.TakeCredit(port, pack, payload, out var urgent);
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
        _rest = bytes;
        while (!_rest.IsEmpty)
        {
            // A writer that is broken off waits no longer; it has taken the bytes all the same.
            var before = _rest.Length;
            var flushing = group.Pace.Write(lane.Output, ref _rest, group.Abort.Token);
            var result = flushing.IsCompleted ? flushing.Result : flushing.AsTask().GetAwaiter().GetResult();
            Interlocked.Add(ref _sent, before - _rest.Length);
            if (result.IsCompleted || (result.IsCanceled && !port.IsFirst))
            {
                throw new TransportException(ExitCodes.Stream, "the connection was closed by the other end");
            }
        }
    }

    /// <summary>Tells the peer why, if the line still takes it.</summary>
    private void SayAbort()
    {
        if (group.Abort.Reason is null or TransportException)
        {
            return;
        }

        try
        {
            var code = group.Abort.Reason switch
            {
                SessionException s => s.ExitCode,
                ProtocolException => ExitCodes.Protocol,
                OperationCanceledException => ExitCodes.Interrupted,
                _ => ExitCodes.Stream,
            };
            var text = ByteText.FromArgument(group.Abort.Reason switch
            {
                SessionException or ProtocolException => group.Abort.Reason.Message,
                OperationCanceledException => "ended by the other end's user",
                var e => $"internal error at the other end: {e.GetType().Name}: {e.Message}",
            });

            // Within half a frame it would be taken for a part of that.
            byte[] words = [.. _rest.Span, .. ControlFrames.Encode(new AbortFrame { Code = code, Text = text })];
            var writing = lane.Output.WriteAsync(words);
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
}
