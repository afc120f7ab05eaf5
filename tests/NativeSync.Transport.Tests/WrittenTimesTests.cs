using System.Diagnostics;

namespace NativeSync.Transport.Tests;

public sealed class WrittenTimesTests
{
    private const int Share = 32 * 1024;

    [Fact]
    public void EachByteHasTheTimeAtWhichItWasWritten()
    {
        WrittenTimes times = new();
        long[] before = new long[4];
        for (int i = 0; i < before.Length; i++)
        {
            before[i] = Stopwatch.GetTimestamp();
            times.Add(Share);
        }

        for (int i = 0; i < before.Length; i++)
        {
            foreach (int within in (int[])[0, Share / 2, Share - 1])
            {
                Assert.InRange(times.At(i * Share + within), before[i], i + 1 < before.Length ? before[i + 1] : Stopwatch.GetTimestamp());
            }
        }
    }

    /// <summary>What is asked of a position stays right while more is written, and what comes after a pause does not pass for old.</summary>
    [Fact]
    public void WhatIsWrittenLaterIsYounger()
    {
        WrittenTimes times = new();
        times.Add(10);
        long first = times.At(0);
        long later = first + Stopwatch.Frequency / 50;
        Assert.True(SpinWait.SpinUntil(() => Stopwatch.GetTimestamp() >= later, TimeSpan.FromMinutes(1)));
        times.Add(10);
        Assert.Equal(first, times.At(9));
        Assert.InRange(times.At(10), later, long.MaxValue);
        Assert.InRange(times.At(19), later, long.MaxValue);
    }

    /// <summary>Crumbs share a time, so that a lane which nobody empties keeps few of them.</summary>
    [Fact]
    public void CrumbsOfAMomentShareATime()
    {
        WrittenTimes times = new();
        long begun = Stopwatch.GetTimestamp();
        const int Count = 100_000;
        for (int i = 0; i < Count; i++)
        {
            times.Add(5);
        }

        double moments = Stopwatch.GetElapsedTime(begun).TotalMilliseconds / 10;
        int different = Enumerable.Range(0, Count).Select(i => times.At(5 * i)).Distinct().Count();
        Assert.InRange(different, 1, (5 * Count / Share) + moments + 2);
    }
}
