namespace NativeSync.Engine.Session;

/// <summary>Whether a line needs further lanes, and whether more of them bring more: judged by what comes through.</summary>
internal sealed class LaneGrowth
{
    private const int Most = 15;

    /// <summary>On a shorter line the 2 MiB that OpenSSH lets one channel have under way carry a gigabit a second.</summary>
    private static readonly TimeSpan ShortLine = TimeSpan.FromMilliseconds(15);

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(33);

    private const int Pings = 3;

    /// <summary>Round trips in which TCP gets to the line's rate: before that, what comes through says nothing of the line.</summary>
    private const int StartTrips = 15;

    /// <summary>A receiver does not see whether the sender waits for the line; so much is worth it in any case.</summary>
    private const int NeedBytes = 1024 * 1024;

    /// <summary>So much is to come that one channel will be too little: lanes that are opened behind it on a line that is full take seconds.</summary>
    private const int MuchBytes = 16 * 1024 * 1024;

    /// <summary>Bytes that OpenSSH lets a lane have under way.</summary>
    private const double LaneWindow = 2 * 1024 * 1024;

    /// <summary>A connection that fills the line needs another one only where what is under way comes so near to the windows of its lanes.</summary>
    private const double WindowShare = 0.7;

    /// <summary>What another step has to bring to be kept.</summary>
    private const double Worthwhile = 1.1;

    private readonly FrameLane _first;
    private readonly LaneGroup _group;
    private readonly bool _sends;
    private readonly bool _fillsLine;
    private readonly TimeSpan _roundTrip;
    private readonly TimeSpan _settle;
    private readonly CancellationToken _ct;
    private TimeSpan _wait = TimeSpan.FromSeconds(15);
    private long _dueAt;

    public LaneGrowth(FrameLane first, TimeSpan roundTrip, bool sends, int firstStep, bool fillsLine, CancellationToken ct)
    {
        _first = first;
        _group = first.Group;
        _roundTrip = roundTrip;
        _sends = sends;
        _fillsLine = fillsLine;
        FirstStep = firstStep;
        _ct = ct;
        _dueAt = sends ? _group.Clock.GetTimestamp() + (long)(StartTrips * roundTrip.TotalSeconds * _group.Clock.TimestampFrequency) : 0;
        _settle = TimeSpan.FromSeconds(Math.Clamp(4 * roundTrip.TotalSeconds, 0.5, 2));
    }

    /// <summary>Whether another step may be tried: not soon after one that brought nothing.</summary>
    public bool IsDue => _group.Clock.GetTimestamp() >= _dueAt;

    /// <summary>Further lanes that are opened at once.</summary>
    public int FirstStep { get; }

    /// <summary>The next step after so many further lanes: twice as many lanes in all.</summary>
    public static int After(int further) => Math.Min(Most, 2 * further + 1);

    /// <summary>What the first answer took may have the start of the agent, or a busy machine, in it: asked again where it was long.</summary>
    public async Task<bool> IsLongLineAsync()
    {
        for (var i = 0; i < Pings && _roundTrip >= ShortLine && _first.ShortestRoundTrip >= ShortLine; i++)
        {
            _first.Ping();
            await Task.Delay(Tick, _group.Clock, _ct).ConfigureAwait(false);
        }

        return _roundTrip >= ShortLine && _first.ShortestRoundTrip >= ShortLine;
    }

    /// <summary>Waits until the line is what the session waits for, or will be, and no limit of the user's is.</summary>
    public async Task NeedAsync()
    {
        while (_group.Pace.BytesPerSecond != 0 || !(_group.Expected >= MuchBytes || (_sends ? _group.Outbox.Waits > 0 : _first.AllTraffic.Received >= NeedBytes)))
        {
            await Task.Delay(Tick, _group.Clock, _ct).ConfigureAwait(false);
        }
    }

    /// <summary>Bytes per second, when they rise no more; 0 when the line was not what was waited for all the time.</summary>
    public async Task<double> SteadyRateAsync()
    {
        var before = await BusyRateAsync().ConfigureAwait(false);
        while (before > 0)
        {
            var now = await BusyRateAsync().ConfigureAwait(false);
            if (now < before * Worthwhile)
            {
                return now;
            }

            before = now;
        }

        return 0;
    }

    /// <summary>Whether the last step is to be kept; else the next one waits.</summary>
    public async Task<bool> IsWorthwhileAsync(double before)
    {
        await Task.Delay(_settle, _group.Clock, _ct).ConfigureAwait(false);
        var after = await SteadyRateAsync().ConfigureAwait(false);
        if (after >= before * Worthwhile)
        {
            return true;
        }

        _dueAt = _group.Clock.GetTimestamp() + (long)(_wait.TotalSeconds * _group.Clock.TimestampFrequency);
        _wait *= 2;
        return false;
    }

    /// <summary>Bytes per second that came through in a period in which the lanes were the bottleneck, and not the line; else 0.</summary>
    private async Task<double> BusyRateAsync()
    {
        var waits = _group.Outbox.Waits;
        var before = Moved;
        var from = _group.Clock.GetTimestamp();
        await Task.Delay(_settle, _group.Clock, _ct).ConfigureAwait(false);
        var moved = Moved - before;
        var rate = moved / _group.Clock.GetElapsedTime(from).TotalSeconds;
        var isFull = _fillsLine && rate * _roundTrip.TotalSeconds < WindowShare * LaneWindow * (1 + _group.AtWork);
        return _group.Pace.BytesPerSecond == 0 && !isFull && (_sends ? _group.Outbox.Waits > waits : moved >= NeedBytes / 4) ? rate : 0;
    }

    private long Moved => _sends ? _first.AllTraffic.Sent : _first.AllTraffic.Received;
}
