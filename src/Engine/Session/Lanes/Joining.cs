using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>How an agent takes further lanes into its session. docs/protocol.md, "Further lanes".</summary>
internal sealed class Joining(LaneGroup group, UInt128 session, byte[] secret)
{
    private readonly HashSet<int> _numbers = [];

    /// <summary>Takes a lane that has said its Join; completes when the lane has ended. False when it does not belong here.</summary>
    public async Task<bool> Take(JoinFrame join, ILane lane)
    {
        if (!join.Matches(session, secret))
        {
            return false;
        }

        lock (_numbers)
        {
            if (!_numbers.Add(join.Lane))
            {
                return false;
            }
        }

        try
        {
            await group.WaitForBeginAsync(group.Abort.Token).ConfigureAwait(false);
            var frames = new FrameLane(lane, group, further: true);
            await Handshake.ReadyAsync(frames, default, 0, "", group.Abort.Token).ConfigureAwait(false);
            if (!group.TryAdd(frames))
            {
                return false;
            }

            await frames.Ended.ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is TransportException or IOException or InvalidOperationException or OperationCanceledException)
        {
            // It broke off before it began: the other lanes go on.
            return true;
        }
        finally
        {
            lock (_numbers)
            {
                _numbers.Remove(join.Lane);
            }
        }
    }
}
