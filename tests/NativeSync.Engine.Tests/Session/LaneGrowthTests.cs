using NativeSync.Engine.Compression;
using NativeSync.Engine.Session;

namespace NativeSync.Engine.Tests.Session;

/// <summary>More lanes while that brings more, and none that bring nothing: lanes of a set rate on a line of a set rate, by a clock that the test turns.</summary>
public sealed class LaneGrowthTests
{
    private const double OfALane = 2e6;

    private const int FirstStep = 3;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheyGrowWhileEachStepAdds(bool sends)
    {
        Line line = new(100 * OfALane, sends);
        line.Run(minutes: 1.5);
        Assert.Equal([0, 3, 7, 15], line.Counts[..4]);
        Assert.Equal(15, line.AtWork);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatBroughtNothingIsClosedAndTriedMoreAndMoreRarely(bool sends)
    {
        // Eight lanes fill it; seven further ones are of use, and eight more are not.
        Line line = new(8 * OfALane, sends);
        line.Run(minutes: 10);
        Assert.Equal([0, 3, 7, 15, 7, 15, 7], line.Counts[..7]);
        Assert.Equal(7, line.AtWork);
        double[] tries = [.. line.Opened(15)];
        Assert.InRange(tries.Length, 3, 7);
        for (int i = 2; i < tries.Length; i++)
        {
            Assert.True(tries[i] - tries[i - 1] > 1.7 * (tries[i - 1] - tries[i - 2]), string.Join(' ', tries));
        }
    }

    /// <summary>It was opened before anything was known: what it brings is seen when it is closed.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void TheFirstStepIsClosedWhenItBroughtNothing(bool sends, bool fillsLine)
    {
        Line line = new(OfALane, sends, fillsLine);
        line.Run(minutes: 0.7);
        Assert.Equal(FirstStep, line.AtWork);
        line.Run(minutes: 0.5);
        Assert.Equal(0, line.AtWork);

        // It is tried again, and does not stay.
        line.Run(minutes: 30);
        Assert.InRange(line.Opened(FirstStep).Count, fillsLine ? 1 : 2, 8);
        Assert.True(line.Share(FirstStep) < 0.2, string.Join(' ', line.Counts));
    }

    /// <summary>The first lane fills half of the line.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void TheFirstStepStaysWhenItBringsMore(bool sends, bool fillsLine)
    {
        Line line = new(2 * OfALane, sends, fillsLine);
        line.Run(minutes: 30);
        Assert.True(line.Opened(0).Count is > 1 and < 8, string.Join(' ', line.Counts));
        Assert.True(line.Share(0) < 0.05, $"{line.Share(0)} of the time without");
    }

    /// <summary>The first lane fills the line; others compress beside it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatTheProcessorsUseStays(bool fillsLine)
    {
        Line line = new(OfALane, sends: true, fillsLine, compresses: true);
        line.Run(minutes: 30);
        Assert.Equal(fillsLine ? FirstStep : PackCodec.MostStrong - 1, line.AtWork);
        Assert.DoesNotContain(line.Counts.Skip(1), static count => count == 0);
    }

    /// <summary>Each lane is as fast as ever, but they wait in a queue: those that are there stay, and more are opened when the queue is gone.</summary>
    [Fact]
    public void WhereTheLineIsFullThereAreNoMore()
    {
        Line line = new(100 * OfALane, sends: true) { IsFull = true };
        line.Run(minutes: 0.9);
        Assert.Equal([0, FirstStep], line.Counts);
        line.IsFull = false;
        line.Run(minutes: 0.5);
        Assert.Equal(15, line.AtWork);
    }

    /// <summary>What is lost bounds each lane, and a new one comes slowly to what the others have.</summary>
    [Fact]
    public void LanesThatComeUpSlowlyAreWaitedFor()
    {
        Line line = new(100 * OfALane, sends: true) { ComesUp = 2.5 };
        line.Run(minutes: 0.5);
        Assert.Equal([0, 3, 7, 15], line.Counts);
    }

    [Fact]
    public void WithALimitOfTheUserThereIsNoneAndLaterThereAre()
    {
        Line line = new(100 * OfALane, sends: true) { IsLimited = true };
        line.Run(minutes: 5);
        Assert.Equal([0], line.Counts);
        line.IsLimited = false;
        line.Run(minutes: 1);
        Assert.Equal(15, line.AtWork);
    }

    [Fact]
    public void WhereNobodyWaitsForTheLineThereIsNone()
    {
        Line line = new(100 * OfALane, sends: true) { IsWaitedFor = false };
        line.Run(minutes: 5);
        Assert.Equal([0], line.Counts);
    }

    /// <summary>What comes through is that of all lanes, and no more than the line's.</summary>
    private sealed class Line : IGrowingLine
    {
        private static readonly TimeSpan s_roundTrip = TimeSpan.FromMilliseconds(100);

        private readonly StepClock _clock = new();
        private readonly double _rate;
        private readonly List<(double Time, int AtWork)> _history = [(0, 0)];
        private readonly Task _growth;
        private double _moved;
        private double _waits;
        private long _since;
        private int _bringing;

        public Line(double rate, bool sends, bool fillsLine = false, bool compresses = false)
        {
            _rate = rate;
            Compresses = compresses;
            _growth = new LaneGrowth(this, s_roundTrip, sends, FirstStep, fillsLine, CancellationToken.None).RunAsync();
        }

        public TimeProvider Clock => _clock;

        public bool IsLimited { get; set; }

        public bool IsWaitedFor { get; init; } = true;

        public bool IsFull { get; set; }

        /// <summary>Seconds until new lanes bring something.</summary>
        public double ComesUp { get; init; }

        public long Moved
        {
            get
            {
                Flow();
                return (long)_moved;
            }
        }

        public long Waits
        {
            get
            {
                Flow();
                return (long)_waits;
            }
        }

        public long Expected => 0;

        public bool Compresses { get; }

        public int AtWork { get; private set; }

        /// <summary>How many there were, one after the other.</summary>
        public int[] Counts => [.. _history.Select(static h => h.AtWork)];

        /// <summary>When there came to be so many, in seconds.</summary>
        public List<double> Opened(int count) => [.. _history.Where(h => h.AtWork == count).Select(static h => h.Time)];

        /// <summary>The part of the time in which there were so many.</summary>
        public double Share(int count)
        {
            double sum = 0;
            for (int i = 0; i < _history.Count; i++)
            {
                double end = i + 1 < _history.Count ? _history[i + 1].Time : _clock.Seconds;
                sum += _history[i].AtWork == count ? end - _history[i].Time : 0;
            }

            return sum / _clock.Seconds;
        }

        public Task KeepAsync(int wanted)
        {
            Set(Math.Max(wanted, AtWork));
            return Task.CompletedTask;
        }

        public void RetireDownTo(int wanted) => Set(Math.Min(wanted, AtWork));

        public void Run(double minutes)
        {
            for (double end = _clock.Seconds + minutes * 60; _clock.Seconds < end;)
            {
                Assert.False(_growth.IsCompleted, _growth.Exception?.ToString());
                _clock.Step();
            }
        }

        private void Set(int count)
        {
            Flow();
            if (count != AtWork)
            {
                AtWork = count;
                _history.Add((_clock.Seconds, count));
            }
        }

        private void Flow()
        {
            double seconds = _clock.GetElapsedTime(_since).TotalSeconds;
            _since = _clock.GetTimestamp();
            _bringing = _clock.Seconds - _history[^1].Time >= ComesUp ? AtWork : Math.Min(_bringing, AtWork);
            _moved += seconds * Math.Min(_rate, (1 + _bringing) * OfALane);
            _waits += IsWaitedFor ? seconds * 100 : 0;
        }
    }

    /// <summary>Goes from one timer to the next, when there is one: whoever waits has come to the point at which it waits again.</summary>
    private sealed class StepClock : TimeProvider
    {
        private readonly Lock _gate = new();
        private readonly List<Timer> _timers = [];
        private long _now;

        public double Seconds => (double)_now / TimestampFrequency;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Step()
        {
            Assert.True(SpinWait.SpinUntil(
                () =>
                {
                    lock (_gate)
                    {
                        return _timers.Count > 0;
                    }
                },
                TimeSpan.FromMinutes(1)));
            Timer next;
            lock (_gate)
            {
                next = _timers.MinBy(static timer => timer.Due)!;
                _timers.Remove(next);
                _now = Math.Max(_now, next.Due);
            }

            next.Fire();
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Timer timer = new(this, callback, state);
            timer.Change(dueTime, period);
            return timer;
        }

        private sealed class Timer(StepClock clock, TimerCallback callback, object? state) : ITimer
        {
            public long Due { get; private set; }

            public void Fire() => callback(state);

            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                lock (clock._gate)
                {
                    clock._timers.Remove(this);
                    if (dueTime != Timeout.InfiniteTimeSpan)
                    {
                        Due = clock._now + dueTime.Ticks;
                        clock._timers.Add(this);
                    }
                }

                return true;
            }

            public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
