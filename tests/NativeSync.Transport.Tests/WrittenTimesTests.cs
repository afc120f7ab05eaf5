using System.Diagnostics;
using NativeSync.Engine;

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

    /// <summary>A lane that asks for no time keeps none of what it has passed on.</summary>
    [Fact]
    public void WhatHasBeenPassedOnIsForgotten()
    {
        WrittenTimes times = new();
        for (int i = 1; i <= 1000; i++)
        {
            times.Add(Share);
            times.Passed((long)i * Share);
        }

        Assert.InRange(times.Marks, 0, 1);
    }

    /// <summary>However it is written, and however the lane joins and splits it: what it sends has the time at which it was written.</summary>
    [Fact]
    public async Task ALaneKnowsSinceWhenEachOfItsBytesWaits()
    {
        await using RecordingLane lane = new();
        List<(long From, long To)> written = [];
        Random random = new(1);
        for (int i = 0; i < 40; i++)
        {
            int count = random.Next(1, i % 3 == 0 ? 2_000 : 100_000);
            long from = Stopwatch.GetTimestamp();
            if (i % 2 == 0)
            {
                await lane.Output.WriteAsync(new byte[count]);
            }
            else
            {
                lane.Output.Advance(lane.Output.GetSpan(count)[..count].Length);
                await lane.Output.FlushAsync();
            }

            // Long enough for the next one to have a time of its own.
            long to = Stopwatch.GetTimestamp();
            written.AddRange(Enumerable.Repeat((from, to), count));
            Assert.True(SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(to).TotalMilliseconds > 11, TimeSpan.FromMinutes(1)));
        }

        lane.Go.Set();
        await lane.Output.CompleteAsync();
        await lane.Done.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.True(lane.Seen.Count > written.Count / 1000);
        Assert.All(lane.Seen, seen => Assert.InRange(seen.Since, written[seen.Position].From, written[seen.Position].To));
    }

    /// <summary>A lane whose other end takes nothing before it may.</summary>
    private sealed class RecordingLane : PumpedLane
    {
        private readonly TaskCompletionSource _done = new();
        private readonly ManualResetEventSlim _end = new();
        private int _position;

        public RecordingLane() => Start("recording");

        public ManualResetEventSlim Go { get; } = new();

        public Task Done => _done.Task;

        public List<(int Position, long Since)> Seen { get; } = [];

        protected override int ReadSome(Span<byte> into)
        {
            _end.Wait();
            return 0;
        }

        protected override void WriteAll(byte[] buffer, int offset, int count)
        {
            Go.Wait();
            for (int written = 0; written < count; written += 1000)
            {
                Seen.Add((_position + written, WaitsSince(written)));
            }

            _position += count;
        }

        protected override void EndOfOutput() => _done.SetResult();

        protected override TransportException? EndOfInput() => null;

        protected override TransportException Translate(Exception error) => new(ExitCodes.Stream, error.Message);

        protected override ValueTask AbandonAsync()
        {
            Go.Set();
            _end.Set();
            return ValueTask.CompletedTask;
        }
    }
}
