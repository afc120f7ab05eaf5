using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// The caller's end opens further lanes: as many as were asked for, or more and more while that raises what comes through. A lane that was lost, or
/// that the server refused, is asked for again later.
/// </summary>
/// <remarks>One task does everything; the lanes live by themselves once they have joined.</remarks>
internal sealed class LaneOpener(IConnection connection, FrameLane first, JoinFrame identity, SyncOptions options, bool sends) : IAsyncDisposable, IGrowingLine
{
    /// <summary>On a shorter line the 2 MiB that OpenSSH lets one channel have under way carry a gigabit a second.</summary>
    private static readonly TimeSpan ShortLine = TimeSpan.FromMilliseconds(15);

    private static readonly TimeSpan PingPeriod = TimeSpan.FromMilliseconds(33);

    private const int Pings = 3;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>After a refusal, doubled with each one more.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    /// <summary>A lane that has not joined by then is on a line that has died.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly LaneGroup _group = first.Group;

    /// <summary>Before there was a line nothing could go over it.</summary>
    private readonly long _waitedBefore = first.Outbox.Waits;
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(first.Group.Abort.Token);
    private Task _running = Task.CompletedTask;
    private TimeSpan _pause = FirstPause;
    private TimeSpan _roundTrip;
    private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The way is known to be long, and it was begun before the answer.</summary>
    private bool _isLong;
    private long _notBefore;
    private int _number;
    private volatile bool _refused;

    TimeProvider IGrowingLine.Clock => _group.Clock;

    bool IGrowingLine.IsLimited => _group.Pace.BytesPerSecond != 0;

    bool IGrowingLine.IsFull => connection.IsFull;

    long IGrowingLine.Moved => sends ? first.AllTraffic.Sent : first.AllTraffic.Received;

    long IGrowingLine.Waits => _group.Outbox.Waits - _waitedBefore;

    long IGrowingLine.Expected => _group.Expected;

    int IGrowingLine.AtWork => _group.AtWork;

    bool IGrowingLine.Compresses => _group.Settings.CompressLevel is not null;

    void IGrowingLine.RetireDownTo(int wanted) => _group.RetireDownTo(wanted);

    /// <summary>
    /// Begins before the agent has taken the job, where the way to it is known to be long: a further lane knocks two round trips later, and each that is
    /// not waited for is won.
    /// </summary>
    public void StartEarly()
    {
        if (sends && connection.RoundTrip is var roundTrip && roundTrip >= ShortLine)
        {
            _isLong = true;
            Begin(roundTrip);
        }
    }

    /// <summary>The agent has taken the job: begins, if that was not long ago.</summary>
    /// <param name="roundTrip">What its answer took.</param>
    public void Start(TimeSpan roundTrip)
    {
        _answered.TrySetResult();
        if (!_isLong)
        {
            Begin(roundTrip);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    private void Begin(TimeSpan roundTrip)
    {
        if (options.Lanes != 1)
        {
            _roundTrip = roundTrip;
            _running = RunAsync();
        }
    }

    private async Task RunAsync()
    {
        try
        {
            await _group.WaitForBeginAsync(_stop.Token).ConfigureAwait(false);
            var atOnce = connection.PlanLanes(sends, out var fillsLine);
            if (!fillsLine || options.Lanes - 1 > atOnce)
            {
                // They take logins, which a job that is refused or done would cut off: servers remember that.
                await _answered.Task.WaitAsync(_stop.Token).ConfigureAwait(false);
            }

            if (options.Lanes > 1)
            {
                while (true)
                {
                    await KeepAsync(options.Lanes - 1).ConfigureAwait(false);
                    await Task.Delay(Look, _group.Clock, _stop.Token).ConfigureAwait(false);
                }
            }

            if (_isLong || await IsLongLineAsync().ConfigureAwait(false))
            {
                await new LaneGrowth(this, _roundTrip, sends, atOnce, fillsLine, _stop.Token).RunAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The session ends.
        }
    }

    /// <summary>What the first answer took may have the start of the agent, or a busy machine, in it: asked again where it was long.</summary>
    private async Task<bool> IsLongLineAsync()
    {
        for (var i = 0; i < Pings && _roundTrip >= ShortLine && first.ShortestRoundTrip >= ShortLine; i++)
        {
            first.Ping();
            await Task.Delay(PingPeriod, _group.Clock, _stop.Token).ConfigureAwait(false);
        }

        return _roundTrip >= ShortLine && first.ShortestRoundTrip >= ShortLine;
    }

    /// <inheritdoc/>
    public async Task KeepAsync(int wanted)
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
        var isEarly = !_answered.Task.IsCompleted;
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
            // The server allows no more, cannot, or does not answer: the session goes on with what it has. Before the job is answered it may just not be ready.
            _refused |= !isEarly;
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
