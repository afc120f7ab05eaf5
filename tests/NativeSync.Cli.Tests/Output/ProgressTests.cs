using FsCheck.Xunit;
using Microsoft.Extensions.Time.Testing;
using NativeSync.Cli.Output;
using NativeSync.Engine;

namespace NativeSync.Cli.Tests.Output;

public sealed class ProgressTests
{
    [Property(MaxTest = 200)]
    public void WhatRemainsNeverGrowsAndThePercentNeverFall(int seed)
    {
        Random random = new(seed);
        FakeTimeProvider clock = new();
        ProgressEstimate estimate = new(clock);
        const long total = 10_000_000_000;
        long bytes = 0;
        TimeSpan? before = null;
        int percent = 0;
        while (bytes < total)
        {
            clock.Advance(TimeSpan.FromMilliseconds(random.Next(20, 2000)));

            // A line that stalls, crawls and races.
            bytes = Math.Min(total, bytes + (random.Next(4) == 0 ? 0 : random.NextInt64(1, 400_000_000)));
            ProgressView view = estimate.Update(new SyncProgress(1, 2, bytes, total, bytes, TotalsFinal: true));
            Assert.False(view.Remaining > before, $"{before} then {view.Remaining}");
            Assert.InRange(view.Percent!.Value, percent, 100);
            before = view.Remaining ?? before;
            percent = view.Percent.Value;
        }

        Assert.Equal(TimeSpan.Zero, before);
        Assert.Equal(100, percent);
    }

    [Fact]
    public void AsLongAsTheTotalsGrowNothingIsPromised()
    {
        ProgressView view = new ProgressEstimate(new FakeTimeProvider()).Update(new SyncProgress(1, 2, 3, 4, 5, TotalsFinal: false));
        Assert.Null(view.Percent);
        Assert.Null(view.Remaining);
        Assert.Equal("2 found  3B of 4B  0.00B/s", ProgressText.ForTerminal(view, 80));
    }

    [Fact]
    public void ASteadyLineIsForeseenWell()
    {
        FakeTimeProvider clock = new();
        ProgressEstimate estimate = new(clock);
        ProgressView view = default;
        for (int second = 1; second <= 30; second++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            view = estimate.Update(new SyncProgress(second, 100, second * 1_000_000L, 100_000_000, 0, TotalsFinal: true));
        }

        Assert.InRange(view.Remaining!.Value.TotalSeconds, 69, 71);
        Assert.InRange(view.BytesPerSecond, 999_000, 1_001_000);
        Assert.Equal(" 30%  30/100 files  28.61MB of 95.37MB  976.56KB/s  ETA    0:01:10", ProgressText.ForTerminal(view, 100));
        Assert.Equal("     30,000,000  30%  976.56kB/s    0:01:10 (xfr#30, to-chk=70/100)", ProgressText.LikeRsync(view, TimeSpan.FromSeconds(30), 30, last: false, human: 1));
    }

    [Fact]
    public void TheLineFitsTheTerminal() =>
        Assert.Equal(19, ProgressText.ForTerminal(new ProgressView(new SyncProgress(1, 2, 3, 4, 5, true), 50, 1, TimeSpan.FromSeconds(1)), 20).Length);

    [Theory]
    [InlineData(1234567, 0, "1234567")]
    [InlineData(1234567, 1, "1,234,567")]
    [InlineData(1234567, 2, "1.23M")]
    [InlineData(1234567, 3, "1.18M")]
    [InlineData(999, 2, "999")]
    public void NumbersReadAsRsyncPrintsThem(long number, int level, string text) => Assert.Equal(text, NumberText.Of(number, level));
}
