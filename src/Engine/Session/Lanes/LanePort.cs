using System.Diagnostics.CodeAnalysis;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// What one lane's send loop has to do with the outbox: its own control frames, and on a further lane the packs that the peer has not
/// confirmed. Guarded by the outbox's monitor.
/// </summary>
/// <param name="isFirst">The lane of the job: losing it ends the session, so nothing is kept for sending again.</param>
internal sealed class LanePort(bool isFirst)
{
    /// <summary>
    /// Bytes that may be under way on a further lane that nothing is known of yet. A slow lane with much under way holds up what came
    /// over the others, since packs are taken in order.
    /// </summary>
    private const int FirstWindow = 1024 * 1024;

    /// <summary>OpenSSH's window of 2 MiB, and two packs in buffers on the way.</summary>
    private const int LargestWindow = 3 * 1024 * 1024;

    private long _window = FirstWindow;

    public bool IsFirst => isFirst;

    /// <summary>Frames that overtake records.</summary>
    public Queue<byte[]> Control { get; } = new();

    /// <summary>Packs that the peer has not confirmed, oldest first; further lanes alone.</summary>
    public Queue<OutboundPack> Unconfirmed { get; } = new();

    /// <summary>Bytes of <see cref="Unconfirmed"/>.</summary>
    public long UnconfirmedBytes { get; set; }

    /// <summary>The send loop waits for something to send.</summary>
    public bool Idle { get; set; }

    /// <summary>The frame behind everything else; null for none.</summary>
    public byte[]? Last { get; set; }

    /// <summary>No more packs are taken: the loop ends when what was taken is confirmed.</summary>
    public bool Completed { get; set; }

    /// <summary>The lane is dead.</summary>
    public bool Lost { get; set; }

    /// <summary>Packs that came over this lane, and how many of them the peer was told of.</summary>
    public ulong Arrived { get; set; }

    /// <inheritdoc cref="Arrived"/>
    public ulong ArrivedSaid { get; set; }

    /// <summary>Whether another pack may be sent.</summary>
    public bool MayTake => IsFirst || (!Completed && UnconfirmedBytes < _window);

    /// <summary>The next control frame: one that was queued, or how many packs have come.</summary>
    public bool TryTakeControl(out byte[]? control)
    {
        if (Control.TryDequeue(out control))
        {
            return true;
        }

        if (Arrived == ArrivedSaid)
        {
            return false;
        }

        ArrivedSaid = Arrived;
        control = ControlFrames.Encode(new ArrivedFrame(Arrived));
        return true;
    }

    /// <summary>A pack goes over this lane: a further one keeps it until it is confirmed.</summary>
    public void Sends(OutboundPack pack, int payload)
    {
        if (!IsFirst)
        {
            Unconfirmed.Enqueue(pack);
            UnconfirmedBytes += payload;
        }
    }

    /// <summary>The oldest pack that the peer has not confirmed came through; false when there is none.</summary>
    public bool TryConfirm([NotNullWhen(true)] out OutboundPack? pack)
    {
        if (!Unconfirmed.TryDequeue(out pack))
        {
            return false;
        }

        UnconfirmedBytes -= pack.Payload;
        Grow(pack.Payload);
        return true;
    }

    /// <summary>More came through: as TCP's slow start, the window doubles with every round trip up to what such a lane can use.</summary>
    private void Grow(int bytes) => _window = Math.Min(LargestWindow, _window + bytes);
}
