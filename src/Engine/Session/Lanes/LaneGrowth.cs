using NativeSync.Engine.Compression;

namespace NativeSync.Engine.Session;

/// <summary>
/// Opens further lanes while they bring more, judged by what comes through, and closes what brings nothing. The first step is opened before anything can
/// be judged, since lanes that are opened behind a full line take seconds: it is judged when the transfer turns out to be a long one.
/// </summary>
/// <param name="line">The session's.</param>
/// <param name="roundTrip">Of the line.</param>
/// <param name="sends">This end sends most.</param>
/// <param name="firstStep">Further lanes that are opened at once.</param>
/// <param name="fillsLine">They share a connection that fills the line by itself.</param>
/// <param name="ct">Ends it.</param>
internal sealed class LaneGrowth(IGrowingLine line, TimeSpan roundTrip, bool sends, int firstStep, bool fillsLine, CancellationToken ct)
{
    private const int Most = 15;

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

    /// <summary>
    /// So often a step is judged, while no queue shows that the line is full: where losses bound each lane what comes through is uneven, and those that
    /// are new get slowly to what the others have.
    /// </summary>
    private const int Judgements = 3;

    /// <summary>What another step has to bring to be kept.</summary>
    private const double Worthwhile = 1.1;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(33);

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>To judge the first step costs what it brings, for some seconds: after so long, and then after twice as long each time.</summary>
    private static readonly TimeSpan FirstJudged = TimeSpan.FromMinutes(1);

    private readonly TimeProvider _clock = line.Clock;

    /// <summary>Further lanes that stay in any case: those that cost no connection hold what is compressed until the line takes it, and each compresses for itself.</summary>
    private readonly int _least = !line.Compresses ? 0 : fillsLine ? firstStep : Math.Min(firstStep, PackCodec.MostStrong - 1);

    private readonly TimeSpan _settle = TimeSpan.FromSeconds(Math.Clamp(4 * roundTrip.TotalSeconds, 0.5, 2));
    private Pause _step = new(TimeSpan.FromSeconds(15));
    private Pause _judging = new(2 * FirstJudged);

    /// <summary>Until it is cancelled.</summary>
    public async Task RunAsync()
    {
        _step.Until(_clock, sends ? StartTrips * roundTrip : TimeSpan.Zero);
        await NeedAsync().ConfigureAwait(false);
        _judging.Until(_clock, FirstJudged);
        var wanted = firstStep;
        while (true)
        {
            await line.KeepAsync(wanted).ConfigureAwait(false);
            if (After(wanted) is var more && more > wanted && _step.IsOver(_clock) && !line.IsFull && await SteadyRateAsync(evenFull: false).ConfigureAwait(false) is > 0 and var before && !line.IsFull)
            {
                await line.KeepAsync(more).ConfigureAwait(false);
                if (await IsWorthwhileAsync(before).ConfigureAwait(false))
                {
                    wanted = more;
                    continue;
                }

                line.RetireDownTo(wanted);
            }
            else if (wanted == firstStep && line.AtWork > _least && _judging.IsOver(_clock))
            {
                wanted = await IsFirstUselessAsync().ConfigureAwait(false) ? _least : wanted;
                continue;
            }

            await Task.Delay(Look, _clock, ct).ConfigureAwait(false);
        }
    }

    /// <summary>The next step after so many further lanes: twice as many lanes in all.</summary>
    private int After(int further) => further < firstStep ? firstStep : Math.Min(Most, 2 * further + 1);

    /// <summary>Waits until the line is what the session waits for, or will be, and no limit of the user's is.</summary>
    private async Task NeedAsync()
    {
        while (line.IsLimited || !(line.Expected >= MuchBytes || (sends ? line.Waits > 0 : line.Moved >= NeedBytes)))
        {
            await Task.Delay(Tick, _clock, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Whether the last step is to be kept; else the next one waits.</summary>
    private async Task<bool> IsWorthwhileAsync(double before)
    {
        for (var i = 0; i < Judgements && (i == 0 || !line.IsFull); i++)
        {
            await Task.Delay(_settle, _clock, ct).ConfigureAwait(false);
            if (await SteadyRateAsync(evenFull: false).ConfigureAwait(false) >= before * Worthwhile)
            {
                return true;
            }
        }

        _step.Longer(_clock);
        return false;
    }

    /// <summary>Closes the first step, but for what is of use to the processors, and looks whether that costs anything; when it does the next round opens it again.</summary>
    private async Task<bool> IsFirstUselessAsync()
    {
        var with = await SteadyRateAsync(evenFull: true).ConfigureAwait(false);
        if (with == 0)
        {
            return false;
        }

        line.RetireDownTo(_least);
        await Task.Delay(_settle, _clock, ct).ConfigureAwait(false);
        var without = await SteadyRateAsync(evenFull: true).ConfigureAwait(false);
        _judging.Longer(_clock);
        if (with >= without * Worthwhile)
        {
            return false;
        }

        _step.Longer(_clock);
        return true;
    }

    /// <summary>Bytes per second, when they rise no more; 0 when the line was not what was waited for all the time.</summary>
    private async Task<double> SteadyRateAsync(bool evenFull)
    {
        var before = await BusyRateAsync(evenFull).ConfigureAwait(false);
        while (before > 0)
        {
            var now = await BusyRateAsync(evenFull).ConfigureAwait(false);
            if (now < before * Worthwhile)
            {
                return now;
            }

            before = now;
        }

        return 0;
    }

    /// <summary>Bytes per second that came through in a period in which the lanes were the bottleneck (or, where that counts, the line); else 0.</summary>
    private async Task<double> BusyRateAsync(bool evenFull)
    {
        var waits = line.Waits;
        var before = line.Moved;
        var from = _clock.GetTimestamp();
        await Task.Delay(_settle, _clock, ct).ConfigureAwait(false);
        var moved = line.Moved - before;
        var rate = moved / _clock.GetElapsedTime(from).TotalSeconds;
        var isFull = fillsLine && rate * roundTrip.TotalSeconds < WindowShare * LaneWindow * (1 + line.AtWork);
        return !line.IsLimited && (evenFull || !isFull) && (sends ? line.Waits > waits : moved >= NeedBytes / 4) ? rate : 0;
    }

    /// <summary>A time in which something is not tried, which grows.</summary>
    private struct Pause(TimeSpan length)
    {
        private TimeSpan _length = length;
        private long _end;

        public readonly bool IsOver(TimeProvider clock) => clock.GetTimestamp() >= _end;

        public void Until(TimeProvider clock, TimeSpan from) => _end = clock.GetTimestamp() + (long)(from.TotalSeconds * clock.TimestampFrequency);

        /// <summary>Begins; the next one is twice as long.</summary>
        public void Longer(TimeProvider clock)
        {
            Until(clock, _length);
            _length *= 2;
        }
    }
}
