using Microsoft.Extensions.Time.Testing;
using NativeSync.Engine.Session;

namespace NativeSync.Engine.Tests.Session;

/// <summary>The bandwidth limit, with a clock that the test turns.</summary>
public sealed class RateLimiterTests
{
    /// <summary>Lanes that share a limit, each of which wakes a little late, send what was allowed: over any two seconds within 5 %, and never a tenth of a second's worth at once.</summary>
    [Theory]
    [InlineData(20_000)]
    [InlineData(512 * 1024)]
    [InlineData(100_000_000)]
    public void TheRateIsKeptAndSmooth(long rate)
    {
        for (var lanes = 1; lanes <= 5; lanes += 2)
        {
            var sent = Simulate(rate, lanes, seconds: 8, seed: lanes, (_, _) => { });
            for (var from = 0.0; from <= 6; from += 0.1)
            {
                var bytes = Between(sent, from, from + 2);
                Assert.True(bytes >= rate * 2 * 0.95 && bytes <= rate * 2 * 1.05 + Smallest, $"{bytes} bytes from {from:0.0} s with {lanes} lanes, {rate * 2} are right");
            }

            for (var from = 0.0; from <= 7; from += 0.013)
            {
                var bytes = Between(sent, from, from + 0.05);
                Assert.True(bytes <= rate * (0.05 + 0.1) + Smallest, $"a burst of {bytes} bytes in 50 ms at {from:0.000} s with {lanes} lanes");
            }
        }
    }

    [Fact]
    public void ALimitThatChangesHoldsAtOnce()
    {
        var sent = Simulate(1_000_000, lanes: 3, seconds: 9, seed: 1, (limiter, time) => limiter.BytesPerSecond = time < 3 ? 1_000_000 : time < 6 ? 250_000 : 2_000_000);
        Assert.InRange(Between(sent, 0.5, 2.5), 1_900_000, 2_100_000);
        Assert.InRange(Between(sent, 3.5, 5.5), 475_000, 525_000);
        Assert.InRange(Between(sent, 6.5, 8.5), 3_800_000, 4_200_000);
    }

    [Fact]
    public void SilenceIsNotSavedUp()
    {
        var clock = new FakeTimeProvider();
        var limiter = new RateLimiter(clock) { BytesPerSecond = 100_000 };
        clock.Advance(TimeSpan.FromHours(1));
        var free = 0;
        for (var bytes = int.MaxValue; limiter.Reserve(ref bytes) == TimeSpan.Zero; bytes = int.MaxValue)
        {
            free += bytes;
        }

        Assert.InRange(free, 1, 10_000);
    }

    [Fact]
    public void NoLimitMeansNoWaiting()
    {
        var limiter = new RateLimiter(new FakeTimeProvider());
        var bytes = int.MaxValue;
        Assert.Equal(TimeSpan.Zero, limiter.Reserve(ref bytes));
        Assert.Equal(int.MaxValue, bytes);
    }

    /// <summary>Slices are never smaller than this.</summary>
    private const int Smallest = 512;

    private static long Between(List<(double Time, int Bytes)> sent, double from, double to) => sent.Where(s => s.Time >= from && s.Time < to).Sum(s => (long)s.Bytes);

    private static List<(double Time, int Bytes)> Simulate(long rate, int lanes, double seconds, int seed, Action<RateLimiter, double> change)
    {
        var random = new Random(seed);
        var clock = new FakeTimeProvider();
        var start = clock.GetTimestamp();
        var limiter = new RateLimiter(clock) { BytesPerSecond = rate };
        var sent = new List<(double, int)>();
        var ready = new PriorityQueue<(int Lane, int Bytes), double>();
        for (var lane = 0; lane < lanes; lane++)
        {
            ready.Enqueue((lane, 0), 0);
        }

        while (ready.TryDequeue(out var next, out var time) && time < seconds)
        {
            var now = clock.GetElapsedTime(start).TotalSeconds;
            if (time > now)
            {
                clock.Advance(TimeSpan.FromSeconds(time - now));
            }

            if (next.Bytes > 0)
            {
                sent.Add((time, next.Bytes));
            }

            change(limiter, time);
            var bytes = int.MaxValue;
            var wait = limiter.Reserve(ref bytes).TotalSeconds;

            // A timer of the kernel's is up to some milliseconds late.
            ready.Enqueue((next.Lane, bytes), time + wait + (wait > 0 ? random.NextDouble() * 0.008 : 0));
        }

        return sent;
    }
}
