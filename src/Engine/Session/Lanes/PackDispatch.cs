using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// Where the send loops of a session's lanes take packs of records from, each as soon as its lane is free, and hand back what a lane could
/// not deliver.
/// </summary>
/// <remarks>
/// Guarded by the monitor that it shares with <see cref="RecordOutbox"/>: the packs, their order and the credit (<see cref="PackTurns"/>),
/// what may be under way (<see cref="LineFlow"/>), and all ports. Send loops wait in <see cref="Take"/> and <see cref="TakeCredit"/>;
/// receive loops only call what never waits.
/// </remarks>
internal sealed class PackDispatch(object gate, SessionAbort abort, PackAssembly packs, ContentTally content, TimeProvider clock)
{
    /// <summary>A pack may take two round trips and this part of a second, which routers let it wait, before its lane counts as slow.</summary>
    private const int QueueShare = 10;

    private readonly PackTurns _turns = new();
    private readonly LineFlow _flow = new(clock.TimestampFrequency);

    /// <summary>Clock ticks in which the pack whose turn it was waited for room on the line, or for credit.</summary>
    private long _lineWaits;

    /// <summary>The last records are about to come.</summary>
    private bool _ends;

    /// <summary>The streams that packs are parts of; null where there are none.</summary>
    public PackStreams? Streams { get; set; }

    /// <summary>The port of the first lane.</summary>
    public LanePort First { get; } = new(isFirst: true);

    /// <summary>Queues an encoded control frame on the first lane; it overtakes records.</summary>
    public void Control(byte[] frame) => Control(First, frame);

    /// <summary>The same on any lane.</summary>
    public void Control(LanePort port, byte[] frame)
    {
        lock (gate)
        {
            port.Control.Enqueue(frame);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Control frames that wait: many only when the peer does not take what it asks for.</summary>
    public int QueuedControls(LanePort port)
    {
        lock (gate)
        {
            return port.Control.Count;
        }
    }

    /// <summary>The peer grants more.</summary>
    public void AddCredit(long bytes)
    {
        lock (gate)
        {
            _turns.Grant(bytes);
            content.Grant(bytes);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>The last records are about to come: the first lane takes them if it can, since on another one the last frame would wait until the peer has confirmed them.</summary>
    public void End()
    {
        lock (gate)
        {
            _ends = true;
        }
    }

    /// <summary>No more records will come; after all of them this frame is the last on the first lane.</summary>
    public void CompleteWith(byte[] lastFrame)
    {
        lock (gate)
        {
            First.Last = lastFrame;
            First.Completed = true;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>No more records will come: the first lane's send loop ends when all is sent.</summary>
    public void Complete() => Complete(First, null);

    /// <summary>A lane takes no more packs: its loop ends when all of its own are through, with this frame.</summary>
    public void Complete(LanePort port, byte[]? lastFrame)
    {
        lock (gate)
        {
            if (!port.Completed)
            {
                port.Last = lastFrame;
                port.Completed = true;
            }

            Monitor.PulseAll(gate);
        }
    }

    /// <summary>
    /// Waits for something to send on a lane. A control frame comes first; then a pack of a lost lane, the oldest full one, or the open one.
    /// </summary>
    /// <returns>False when all has been sent and no more will come, or the lane is lost.</returns>
    public bool Take(LanePort port, out byte[]? control, out OutboundPack? pack)
    {
        pack = null;
        lock (gate)
        {
            while (true)
            {
                abort.ThrowIfAborted();
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
                if (port.IsFirst ? _turns.Away == 0 && !_turns.HasAgain && !packs.HasAny(evenHeld: true) : port.Unconfirmed.Count == 0)
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

                var from = !port.MayTake && packs.HasAny(First.Completed) ? clock.GetTimestamp() : 0;
                if (from != 0)
                {
                    _flow.HoldsUpALane();
                }

                port.Idle = true;
                Monitor.Wait(gate);
                port.Idle = false;
                port.Blocked += from == 0 ? 0 : clock.GetTimestamp() - from;
            }
        }
    }

    /// <summary>
    /// Waits until a pack may go: for its turn and for credit. <see cref="CreditAnswer.Control"/> gives a frame to send first, then ask again.
    /// </summary>
    public CreditAnswer TakeCredit(LanePort port, OutboundPack pack, int payload, out byte[]? control)
    {
        lock (gate)
        {
            var from = clock.GetTimestamp();
            var lineWaits = _lineWaits;
            while (true)
            {
                abort.ThrowIfAborted();
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
                    content.Pay(pack, payload);
                    Monitor.PulseAll(gate);
                }

                if (pack.Paid)
                {
                    var now = clock.GetTimestamp();
                    port.Overtaken += Math.Max(0, now - from - (_lineWaits - lineWaits));
                    port.Sends(pack, payload, now, _flow);
                    return CreditAnswer.Go;
                }

                if (_turns.IsBehindAnother(pack))
                {
                    return CreditAnswer.GiveBack;
                }

                var since = _turns.IsNext(pack) ? clock.GetTimestamp() : -1;
                Monitor.Wait(gate);
                _lineWaits += since < 0 ? 0 : clock.GetTimestamp() - since;
            }
        }
    }

    /// <summary>A pack that was taken and not sent: another lane, or the same one later, sends it.</summary>
    public void GiveBack(LanePort port, OutboundPack pack)
    {
        lock (gate)
        {
            _turns.HandBack(port, pack);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>The peer has so many packs of this lane. False when that cannot be.</summary>
    public bool Confirm(LanePort port, ulong count)
    {
        lock (gate)
        {
            if (count > port.Sent)
            {
                return false;
            }

            var now = clock.GetTimestamp();
            var isNew = !port.Window.Confirms;
            while (port.Unconfirmed.TryPeek(out var pack) && pack.Ordinal < count)
            {
                _flow.Forget(pack.Counted);
                _flow.Confirm(pack.Payload, now - pack.SentAt, now);
                port.Confirm(now - pack.SentAt, 2 * _flow.Shortest + clock.TimestampFrequency / QueueShare);
                if (!port.IsFirst)
                {
                    _turns.Confirmed(pack);
                }
            }

            if (isNew && port.Window.Confirms)
            {
                port.CountAll(_flow);
            }

            Monitor.PulseAll(gate);
            return true;
        }
    }

    /// <summary>A pack came over this lane: the peer shall know.</summary>
    public void NoteArrived(LanePort port)
    {
        lock (gate)
        {
            port.Arrived++;
            if (port.Tells)
            {
                Monitor.PulseAll(gate);
            }
        }
    }

    /// <summary>There is a further lane: from now on both ends tell what comes over the first one, too.</summary>
    public void TellOfFirst()
    {
        lock (gate)
        {
            First.Tells = true;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>An answer came after so many clock ticks.</summary>
    public void NoteAnswer(long took)
    {
        lock (gate)
        {
            _flow.Heard(took);
        }
    }

    /// <summary>The lane is dead: its send loop is to end.</summary>
    public void Lose(LanePort port)
    {
        lock (gate)
        {
            port.Lost = true;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>What a lost lane has not delivered goes over the others. Called when its send loop has ended and touches no pack any more.</summary>
    public void SendAgain(LanePort port)
    {
        lock (gate)
        {
            port.Lost = true;
            while (port.Unconfirmed.TryDequeue(out var pack))
            {
                _flow.Forget(pack.Counted);
                _turns.HandBack(port, pack);
            }

            port.Window.Clear();
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Gives back the buffers of what was not sent. Under the monitor; no send loop runs any more.</summary>
    public void Return()
    {
        _turns.Return();
    }

    /// <summary>Wakes everybody who waits here, to look again.</summary>
    public void Wake()
    {
        lock (gate)
        {
            Monitor.PulseAll(gate);
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
            if (packs.TryTakeFull(port.IsFirst ? long.MaxValue : port.Window.Room, out pack))
            {
                Monitor.PulseAll(gate);
            }
            else if (!((port.IsFirst || !((First.Idle || _ends) && First.MayTake)) && packs.TryTakeOpen(First.Completed, out pack)))
            {
                return false;
            }
        }

        if (pack!.Number < 0)
        {
            Streams?.Take(pack);
        }

        _turns.Taken(port, pack);
        return true;
    }
}
