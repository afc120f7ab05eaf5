using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// The caller's end opens further lanes: as many as were asked for, or more and more while that raises what comes through. A refusal is
/// an answer: then there are no more.
/// </summary>
/// <remarks>One task does everything; the lanes live by themselves once they have joined.</remarks>
internal sealed class LaneOpener(IConnection connection, FrameLane first, JoinFrame identity, SyncOptions options, TimeSpan roundTrip, bool sends) : IAsyncDisposable
{
    /// <summary>On a shorter line the 2 MiB that OpenSSH lets one channel have under way carry a gigabit a second.</summary>
    private static readonly TimeSpan ShortLine = TimeSpan.FromMilliseconds(15);

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    /// <summary>A receiver does not see whether the sender waits for the line; this much under way means that it well may.</summary>
    private const int BusyBytes = 512 * 1024;

    /// <summary>Two connections with two channels each: 8 MiB under way, enough for 500 Mbit/s at 120 ms.</summary>
    private const int FirstStep = 4;

    private const int MostLanes = 8;

    private const int Pings = 3;

    /// <summary>What another step has to bring to be kept.</summary>
    private const double Worthwhile = 1.1;

    private readonly LaneGroup _group = first.Group;
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(first.Group.Abort.Token);
    private Task _running = Task.CompletedTask;
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
                await KeepAsync(options.Lanes).ConfigureAwait(false);
            }
            else if (await IsLongLineAsync().ConfigureAwait(false))
            {
                await GrowAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The session ends.
        }
    }

    /// <summary>So many lanes, and others in place of those that were lost.</summary>
    private async Task KeepAsync(int wanted)
    {
        while (!_refused)
        {
            await OpenAsync(wanted - 1 - _group.Count).ConfigureAwait(false);
            do
            {
                await Task.Delay(TimeSpan.FromSeconds(1), _group.Clock, _stop.Token).ConfigureAwait(false);
            }
            while (_group.Count >= wanted - 1);
        }
    }

    /// <summary>What the first answer took has the start of the agent in it: asked again where it was long.</summary>
    private async Task<bool> IsLongLineAsync()
    {
        for (var i = 0; i < Pings && roundTrip >= ShortLine; i++)
        {
            first.Ping();
            await Task.Delay(Tick, _group.Clock, _stop.Token).ConfigureAwait(false);
            roundTrip = first.ShortestRoundTrip < roundTrip ? first.ShortestRoundTrip : roundTrip;
        }

        return roundTrip >= ShortLine;
    }

    private async Task GrowAsync()
    {
        var settle = TimeSpan.FromSeconds(Math.Clamp(4 * roundTrip.TotalSeconds, 0.5, 2));
        while (!_refused && _group.Count + 1 < MostLanes)
        {
            var lanes = _group.Count + 1;
            var before = await BusyRateAsync(lanes < FirstStep ? Tick : settle).ConfigureAwait(false);
            await OpenAsync((lanes < FirstStep ? FirstStep : 2 * lanes) - lanes).ConfigureAwait(false);
            if (lanes >= FirstStep)
            {
                await Task.Delay(settle, _group.Clock, _stop.Token).ConfigureAwait(false);
                var after = await BusyRateAsync(settle).ConfigureAwait(false);
                if (after < before * Worthwhile)
                {
                    _group.RetireDownTo(lanes - 1);
                    return;
                }
            }
            else
            {
                // The first step is taken at once: before that there is nothing steady to compare with.
                await Task.Delay(2 * settle, _group.Clock, _stop.Token).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits until the lanes were the bottleneck for a whole period: bytes per second that came through in it.</summary>
    private async Task<double> BusyRateAsync(TimeSpan period)
    {
        while (true)
        {
            var waits = _group.Outbox.Waits;
            var (sent, received) = first.AllTraffic;
            var from = _group.Clock.GetTimestamp();
            await Task.Delay(period, _group.Clock, _stop.Token).ConfigureAwait(false);
            var now = first.AllTraffic;
            var rate = (sends ? now.Sent - sent : now.Received - received) / _group.Clock.GetElapsedTime(from).TotalSeconds;
            if (_group.Pace.BytesPerSecond is 0 && (sends ? _group.Outbox.Waits > waits : rate * roundTrip.TotalSeconds >= BusyBytes))
            {
                return rate;
            }
        }
    }

    private async Task OpenAsync(int count)
    {
        var opening = new Task[Math.Max(0, count)];
        for (var i = 0; i < opening.Length; i++)
        {
            opening[i] = OpenOneAsync();
        }

        await Task.WhenAll(opening).ConfigureAwait(false);
    }

    private async Task OpenOneAsync()
    {
        ILane? lane = null;
        try
        {
            lane = await connection.OpenLaneAsync(_stop.Token).ConfigureAwait(false);
            var frames = new FrameLane(lane, _group, further: true);
            var number = (Interlocked.Increment(ref _number) - 1) % ProtocolLimits.MaxLane + 1;
            await Handshake.JoinAsync(frames, identity with { Lane = number }, _stop.Token).ConfigureAwait(false);
            if (_group.TryAdd(frames))
            {
                lane = null;
            }
        }
        catch (Exception e) when (e is TransportException or SessionException or ProtocolException or NotSupportedException or ObjectDisposedException or IOException)
        {
            // The server allows no more, or cannot: the session goes on with what it has.
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
