using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// The caller's end opens further lanes: as many as were asked for, or more and more while that raises what comes through. A lane that was lost, or
/// that the server refused, is asked for again later.
/// </summary>
/// <remarks>One task does everything; the lanes live by themselves once they have joined.</remarks>
internal sealed class LaneOpener(IConnection connection, FrameLane first, JoinFrame identity, SyncOptions options, TimeSpan roundTrip, bool sends) : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>After a refusal, doubled with each one more.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    /// <summary>A lane that has not joined by then is on a line that has died.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly LaneGroup _group = first.Group;
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(first.Group.Abort.Token);
    private Task _running = Task.CompletedTask;
    private TimeSpan _pause = FirstPause;
    private long _notBefore;
    private int _number;
    private volatile bool _refused;

    public void Start()
    {
        if (options.Lanes != 1)
        {
            _running = RunAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await _group.WaitForBeginAsync(_stop.Token).ConfigureAwait(false);
            if (options.Lanes > 1)
            {
                while (true)
                {
                    await KeepAsync(options.Lanes - 1).ConfigureAwait(false);
                    await Task.Delay(Look, _group.Clock, _stop.Token).ConfigureAwait(false);
                }
            }

            var growth = new LaneGrowth(first, roundTrip, sends, connection.PlanLanes(sends, out var fillsLine), fillsLine, _stop.Token);
            if (await growth.IsLongLineAsync().ConfigureAwait(false))
            {
                await GrowAsync(growth).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The session ends.
        }
    }

    private async Task GrowAsync(LaneGrowth growth)
    {
        await growth.NeedAsync().ConfigureAwait(false);
        var wanted = growth.FirstStep;
        while (true)
        {
            await KeepAsync(wanted).ConfigureAwait(false);
            if (LaneGrowth.After(wanted) is var more && more > wanted && growth.IsDue && await growth.SteadyRateAsync().ConfigureAwait(false) is var before and > 0)
            {
                await KeepAsync(more).ConfigureAwait(false);
                if (await growth.IsWorthwhileAsync(before).ConfigureAwait(false))
                {
                    wanted = more;
                    continue;
                }

                _group.RetireDownTo(wanted);
            }

            await Task.Delay(Look, _group.Clock, _stop.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Opens what is missing of so many further lanes, unless that failed a moment ago.</summary>
    private async Task KeepAsync(int wanted)
    {
        var missing = wanted - _group.AtWork;
        if (missing <= 0 || _group.Clock.GetTimestamp() < _notBefore)
        {
            return;
        }

        _refused = false;
        var opening = new Task[missing];
        for (var i = 0; i < missing; i++)
        {
            opening[i] = OpenOneAsync();
        }

        await Task.WhenAll(opening).ConfigureAwait(false);
        if (_refused)
        {
            _notBefore = _group.Clock.GetTimestamp() + (long)(_pause.TotalSeconds * _group.Clock.TimestampFrequency);
            _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
        }
        else
        {
            _pause = FirstPause;
        }
    }

    private async Task OpenOneAsync()
    {
        ILane? lane = null;
        using var patience = new CancellationTokenSource(Patience, _group.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, patience.Token);
        try
        {
            lane = await connection.OpenLaneAsync(either.Token).ConfigureAwait(false);
            var frames = new FrameLane(lane, _group, further: true);
            var number = (Interlocked.Increment(ref _number) - 1) % ProtocolLimits.MaxLane + 1;
            await Handshake.JoinAsync(frames, identity with { Lane = number }, either.Token).ConfigureAwait(false);
            if (_group.TryAdd(frames))
            {
                lane = null;
            }
        }
        catch (Exception e) when (e is TransportException or SessionException or ProtocolException or NotSupportedException or ObjectDisposedException or IOException
            || (e is OperationCanceledException && !_stop.IsCancellationRequested))
        {
            // The server allows no more, cannot, or does not answer: the session goes on with what it has.
            _refused = true;
        }
        finally
        {
            if (lane is not null)
            {
                await lane.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
