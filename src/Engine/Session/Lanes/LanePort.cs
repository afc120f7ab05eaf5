using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// What one lane's send loop has to do with the outbox: its own control frames, and the packs that the peer has not confirmed. Guarded by the
/// outbox's monitor.
/// </summary>
/// <param name="isFirst">The lane of the job: losing it ends the session, so nothing is kept for sending again.</param>
internal sealed class LanePort(bool isFirst)
{
    /// <summary>Packs of the first lane that are remembered before the peer has said anything of it, which it may never do.</summary>
    private const int MostUntold = 64;

    public bool IsFirst => isFirst;

    /// <summary>Frames that overtake records.</summary>
    public Queue<byte[]> Control { get; } = new();

    /// <summary>
    /// Packs that the peer has not confirmed, oldest first. Of the first lane they are here for their sizes and times alone, and the last ones only
    /// while the peer confirms none.
    /// </summary>
    public Queue<OutboundPack> Unconfirmed { get; } = new();

    /// <summary>How many of their bytes there may be.</summary>
    public LaneWindow Window { get; } = new(isFirst);

    /// <summary>Packs that went over this lane, the unconfirmed ones included.</summary>
    public ulong Sent { get; private set; }

    /// <summary>The send loop waits for something to send.</summary>
    public bool Idle { get; set; }

    /// <summary>Clock ticks for which the send loop waited although there was something to send: the lane had enough under way.</summary>
    public long Blocked { get; set; }

    /// <summary>Clock ticks since then in which a pack waited for one before it that another lane was still compressing.</summary>
    public long Overtaken { get; set; }

    /// <summary>The frame behind everything else; null for none.</summary>
    public byte[]? Last { get; set; }

    /// <summary>No more packs are taken: the loop ends when what was taken is confirmed.</summary>
    public bool Completed { get; set; }

    /// <summary>The lane is dead.</summary>
    public bool Lost { get; set; }

    /// <summary>The peer is told what has come: on a further lane always, on the first one since there was a further one.</summary>
    public bool Tells { get; set; } = !isFirst;

    /// <summary>Packs that came over this lane, and how many of them the peer was told of.</summary>
    public ulong Arrived { get; set; }

    /// <inheritdoc cref="Arrived"/>
    public ulong ArrivedSaid { get; set; }

    /// <summary>Whether another pack may be sent. The first lane takes what it can get until the peer tells what has come over it.</summary>
    public bool MayTake => IsFirst ? !Window.Confirms || Window.HasRoom : !Completed && Window.HasRoom;

    /// <summary>The next control frame: one that was queued, or how many packs have come.</summary>
    public bool TryTakeControl(out byte[]? control)
    {
        if (Control.TryDequeue(out control))
        {
            return true;
        }

        if (!Tells || Arrived == ArrivedSaid)
        {
            return false;
        }

        ArrivedSaid = Arrived;
        control = ControlFrames.Encode(new ArrivedFrame(Arrived));
        return true;
    }

    /// <summary>A pack goes over this lane now: a further one keeps it until it is confirmed.</summary>
    public void Sends(OutboundPack pack, int payload, long now, LineFlow flow)
    {
        pack.Payload = payload;
        pack.Ordinal = Sent++;
        if (IsFirst && !Window.Confirms && Unconfirmed.Count == MostUntold)
        {
            Window.Forget(Unconfirmed.Dequeue().Payload);
        }

        pack.SentAt = now;
        pack.Counted = IsFirst && !Window.Confirms ? 0 : pack.Payload;
        Unconfirmed.Enqueue(pack);
        Window.Add(pack.Payload);
        flow.Add(pack.Counted);
    }

    /// <summary>The oldest pack is there.</summary>
    /// <param name="took">Clock ticks since it went.</param>
    /// <param name="expected">Clock ticks that it may take where nothing holds it up.</param>
    public void Confirm(long took, long expected) => Window.Confirm(Unconfirmed.Dequeue().Payload, took, expected);

    /// <summary>The peer has begun to confirm: what it has not confirmed is under way.</summary>
    public void CountAll(LineFlow flow)
    {
        foreach (var pack in Unconfirmed)
        {
            flow.Add(pack.Payload - pack.Counted);
            pack.Counted = pack.Payload;
        }
    }
}
