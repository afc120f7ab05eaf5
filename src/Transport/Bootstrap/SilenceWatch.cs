using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>Notices that nothing moves any more over the line of a command.</summary>
/// <remarks>
/// It looks four times within the limit and counts the looks in a row that found nothing new, as the session's own keep-alive does: a process
/// that was stopped for a while does not take that for silence.
/// </remarks>
internal sealed class SilenceWatch : IDisposable
{
    private const int LooksPerLimit = 4;

    private readonly IExecLane _lane;
    private readonly TimeSpan _limit;
    private readonly CancellationTokenSource _stop;
    private readonly ITimer? _timer;
    private long _moved = -1;
    private int _inVain;
    private volatile bool _isSilent;

    /// <param name="lane">The command's.</param>
    /// <param name="limit">The silence that is too long; infinite for none.</param>
    /// <param name="clock">Where time comes from.</param>
    /// <param name="ct">Ends what is watched as well.</param>
    public SilenceWatch(IExecLane lane, TimeSpan limit, TimeProvider clock, CancellationToken ct)
    {
        _lane = lane;
        _limit = limit;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (limit != Timeout.InfiniteTimeSpan)
        {
            _timer = clock.CreateTimer(static me => ((SilenceWatch)me!).Look(), this, limit / LooksPerLimit, limit / LooksPerLimit);
        }
    }

    /// <summary>Cancelled by silence, and by who watches.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Throws what silence means, when that was it.</summary>
    public void ThrowIfSilent(string peer, Exception reason)
    {
        if (_isSilent)
        {
            throw new TransportException(ExitCodes.Timeout, $"nothing was heard from {peer} for {_limit.TotalSeconds:0} seconds", "The connection may be dead; run again.", reason);
        }
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _stop.Dispose();
    }

    private void Look()
    {
        long moved = _lane.BytesMoved;
        if (moved != Interlocked.Exchange(ref _moved, moved))
        {
            Volatile.Write(ref _inVain, 0);
        }
        else if (Interlocked.Increment(ref _inVain) >= LooksPerLimit)
        {
            _isSilent = true;
            try
            {
                _stop.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It ended in this very moment.
            }
        }
    }
}
