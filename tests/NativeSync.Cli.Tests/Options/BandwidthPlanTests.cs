using Microsoft.Extensions.Time.Testing;
using NativeSync.Cli.Options;
using NativeSync.Engine;
using NativeSync.Engine.Session;

namespace NativeSync.Cli.Tests.Options;

public sealed class BandwidthPlanTests
{
    /// <summary>The days of a week that began on a Sunday.</summary>
    private static DateTime At(int day, int hour, int minute) => new(2026, 11, 22 + day, hour, minute, 30);

    [Fact]
    public void ARateIsAPlanOfOne()
    {
        BandwidthPlan plan = BandwidthText.Parse("1.5m");
        Assert.True(plan.IsFixed);
        Assert.Equal(1536 * 1024, plan.At(At(3, 0, 0)));
        Assert.Equal(0, BandwidthText.Parse("off").At(At(0, 12, 0)));
    }

    [Fact]
    public void ATimetableHoldsFromEachTimeToTheNext()
    {
        BandwidthPlan plan = BandwidthText.Parse("08:00,512 12:30,10m 19:00,off");
        Assert.False(plan.IsFixed);
        for (int day = 0; day < 7; day++)
        {
            Assert.Equal(0, plan.At(At(day, 7, 59)));
            Assert.Equal(512 * 1024, plan.At(At(day, 8, 0)));
            Assert.Equal(512 * 1024, plan.At(At(day, 12, 29)));
            Assert.Equal(10 << 20, plan.At(At(day, 18, 59)));
            Assert.Equal(0, plan.At(At(day, 19, 0)));
        }
    }

    [Fact]
    public void ADayMayBeNamed()
    {
        BandwidthPlan plan = BandwidthText.Parse("Mon-00:00,512 Fri-23:59,10M Sat-10:00,1M Sun-20:00,off");
        Assert.Equal(1 << 20, plan.At(At(0, 19, 59)));
        Assert.Equal(0, plan.At(At(0, 23, 0)));
        Assert.Equal(512 * 1024, plan.At(At(1, 0, 0)));
        Assert.Equal(512 * 1024, plan.At(At(5, 23, 58)));
        Assert.Equal(10 << 20, plan.At(At(6, 9, 59)));
        Assert.Equal(1 << 20, plan.At(At(6, 10, 0)));
    }

    /// <summary>As with options: so that a day can have a rate of its own.</summary>
    [Fact]
    public void TheLastWordForAMinuteHolds()
    {
        BandwidthPlan plan = BandwidthText.Parse("08:00,512 Sat-08:00,1M 19:00,off");
        Assert.Equal(512 * 1024, plan.At(At(5, 8, 0)));
        Assert.Equal(1 << 20, plan.At(At(6, 8, 0)));
        Assert.Equal(512 * 1024, BandwidthText.Parse("Sat-08:00,1M 08:00,512").At(At(6, 8, 0)));
    }

    [Theory]
    [InlineData("08:00")]
    [InlineData("8:00,512")]
    [InlineData("24:00,512")]
    [InlineData("08:60,512")]
    [InlineData("08:00,")]
    [InlineData("08:00,12q")]
    [InlineData("08:00,512 19:00")]
    [InlineData("Xyz-08:00,512")]
    [InlineData(",")]
    [InlineData("08:00,10M:1M")]
    public void WhatMakesNoSenseIsRefused(string text) => Assert.Equal(1, Assert.Throws<UsageException>(() => BandwidthText.Parse(text)).ExitCode);

    [Fact]
    public void AFileIsReadAgainWhenItChanges()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "512\n");
            BandwidthFile file = new(path);
            Assert.Equal(512 * 1024, file.Now());
            File.WriteAllText(path, "00:00,2m");
            Assert.Equal(2 << 20, file.Now());
            File.WriteAllText(path, "nonsense");
            Assert.Equal(2 << 20, file.Now());
            File.WriteAllText(path, "off, not");
            Assert.Equal(2 << 20, file.Now());
            File.Delete(path);
            Assert.Equal(2 << 20, file.Now());
            File.WriteAllText(path, "off");
            Assert.Equal(0, file.Now());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void AFileThatIsNotThereIsRefused() => Assert.Equal(11, Assert.Throws<UsageException>(() => new BandwidthFile("/nonexistent/limit")).ExitCode);

    /// <summary>24 hours of a sender that has always something to send, with a clock that this turns: the limit of the moment, within 1 % in every hour.</summary>
    [Fact]
    public void OverADayEachHourSendsWhatItsLimitAllows()
    {
        FakeTimeProvider clock = new(new DateTimeOffset(2026, 11, 24, 16, 0, 0, TimeSpan.Zero));
        clock.SetLocalTimeZone(TimeZoneInfo.CreateCustomTimeZone("there", TimeSpan.FromHours(8), "there", "there"));
        BandwidthPlan plan = BandwidthText.Parse("00:00,128 08:00,512 12:30,2m 19:00,off");
        RateLimiter limiter = new(clock);
        long[] sent = new long[24];
        long start = clock.GetTimestamp();
        for (TimeSpan now; (now = clock.GetElapsedTime(start)) < TimeSpan.FromHours(24);)
        {
            // As the session does, once a second at least.
            limiter.BytesPerSecond = plan.At(clock.GetLocalNow().DateTime);
            int bytes = int.MaxValue;
            TimeSpan wait = limiter.Due(ref bytes);
            if (limiter.BytesPerSecond == 0)
            {
                Assert.True(now >= TimeSpan.FromHours(19) && bytes == int.MaxValue && wait == TimeSpan.Zero, $"no limit at {now}");
                clock.Advance(TimeSpan.FromSeconds(1));
                continue;
            }

            if (wait > TimeSpan.Zero)
            {
                clock.Advance(wait);
                continue;
            }

            sent[(int)now.TotalHours % 24] += bytes + 48; // with what SSH adds to a packet
            limiter.Went();
        }

        for (int hour = 0; hour < 19; hour++)
        {
            double rate = hour switch { < 8 => 128, < 12 => 512, 12 => (512 + 2048) / 2.0, _ => 2048 } * 1024;
            Assert.InRange(sent[hour] / 3600.0, rate * 0.99, rate * 1.01);
        }
    }
}
