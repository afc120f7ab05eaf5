using Microsoft.Extensions.Time.Testing;
using NativeSync.Engine.Session;

namespace NativeSync.Engine.Tests.Session;

/// <summary>The bandwidth limit, with a clock that the test turns. What is counted is what SSH makes of the bytes.</summary>
public sealed class RateLimiterTests
{
    /// <summary>A sender that wakes a little late sends what was allowed: over any two seconds within 5 %, and never more than a tenth of a second's worth at once.</summary>
    [Theory]
    [InlineData(10 * 1024, 4)]
    [InlineData(20_000, 8)]
    [InlineData(512 * 1024, 8)]
    [InlineData(512 * 1024, 40)]
    [InlineData(100_000_000, 60)]
    public void TheRateIsKeptAndSmooth(long rate, int latestMilliseconds)
    {
        var sent = Simulate(rate, latestMilliseconds / 1000.0, seconds: 8, (_, _) => { });
        for (var from = 0.0; from <= 6; from += 0.1)
        {
            Assert.InRange(Between(sent, from, from + 2), rate * 2 * 0.95, rate * 2 * 1.05);
        }

        foreach (var (from, _) in sent)
        {
            var bytes = Between(sent, from, from + 0.05);
            Assert.True(bytes <= rate * (0.05 + 0.1) + 1, $"a burst of {bytes} bytes in 50 ms at {from:0.000} s");
        }
    }

    /// <summary>However slow, what goes at once is worth its packet: at 10 KiB/s SSH's part is 5 %, not 10.</summary>
    [Theory]
    [InlineData(1024)]
    [InlineData(10 * 1024)]
    [InlineData(10_000_000)]
    public void PacketsAreLargeEnough(long rate)
    {
        var bytes = int.MaxValue;
        new RateLimiter(new FakeTimeProvider()) { BytesPerSecond = rate }.Due(ref bytes);
        Assert.InRange(bytes, 0.95 * OnWire(bytes), 256 * 1024);
    }

    /// <summary>A thousand answers of a few bytes each are a thousand packets.</summary>
    [Fact]
    public void WhatSshAddsToSmallFramesCounts()
    {
        var clock = new FakeTimeProvider();
        var limiter = new RateLimiter(clock) { BytesPerSecond = 100_000 };
        var start = clock.GetTimestamp();
        for (var i = 0; i < 1000; i++)
        {
            var bytes = 5;
            clock.Advance(limiter.Due(ref bytes));
            Assert.Equal(5, bytes);
            limiter.Went();
        }

        Assert.InRange(clock.GetElapsedTime(start).TotalSeconds, 0.4, 0.7);
    }

    [Fact]
    public void ALimitThatChangesHoldsAtOnce()
    {
        var sent = Simulate(1_000_000, 0.008, seconds: 9, (limiter, time) => limiter.BytesPerSecond = time < 3 ? 1_000_000 : time < 6 ? 250_000 : 2_000_000);
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
        for (var bytes = int.MaxValue; limiter.Due(ref bytes) == TimeSpan.Zero; bytes = int.MaxValue)
        {
            limiter.Went();
            free += bytes;
        }

        Assert.InRange(free, 1, 10_000);
    }

    [Fact]
    public void NoLimitMeansNoWaiting()
    {
        var limiter = new RateLimiter(new FakeTimeProvider());
        var bytes = int.MaxValue;
        Assert.Equal(TimeSpan.Zero, limiter.Due(ref bytes));
        Assert.Equal(int.MaxValue, bytes);
    }

    /// <summary>With what a packet of SSH has besides, of which each carries 32 KiB.</summary>
    internal static int OnWire(int bytes) => bytes + (bytes + 32767) / 32768 * 48;

    private static long Between(List<(double Time, int Bytes)> sent, double from, double to) => sent.Where(s => s.Time >= from && s.Time < to).Sum(s => (long)s.Bytes);

    private static List<(double Time, int Bytes)> Simulate(long rate, double latest, double seconds, Action<RateLimiter, double> change)
    {
        var random = new Random(1);
        var clock = new FakeTimeProvider();
        var start = clock.GetTimestamp();
        var limiter = new RateLimiter(clock) { BytesPerSecond = rate };
        var sent = new List<(double, int)>();
        for (double time; (time = clock.GetElapsedTime(start).TotalSeconds) < seconds;)
        {
            change(limiter, time);
            var bytes = int.MaxValue;
            if (limiter.Due(ref bytes) is { Ticks: > 0 } wait)
            {
                clock.Advance(wait + TimeSpan.FromSeconds(random.NextDouble() * latest));
                continue;
            }

            sent.Add((time, OnWire(bytes)));
            limiter.Went();
        }

        return sent;
    }
}
