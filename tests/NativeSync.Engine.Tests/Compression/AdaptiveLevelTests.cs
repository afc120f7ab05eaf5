using NativeSync.Engine.Compression;

namespace NativeSync.Engine.Tests.Compression;

/// <summary>
/// The level that adapts, against a model of lines and of two processors: from level 1 to 7 with what was measured of the Linux source (docs/benchmarks.md, "What
/// the levels take"), beyond that with what lies near it.
/// </summary>
public sealed class AdaptiveLevelTests
{
    private const double Pack = 512 * 1024;
    private const double Buffer = 4 * 1024 * 1024;

    /// <summary>By level and number of streams: each pack by itself, as many as there are, one.</summary>
    private static readonly Dictionary<(int Level, int Streams), (double Speed, double Ratio)> Codec = new()
    {
        [(0, 0)] = (1e12, 1), [(-5, 0)] = (480e6, 3.4), [(-1, 0)] = (420e6, 4.7), [(1, 0)] = (350e6, 5.67), [(1, 4)] = (206e6, 6.3), [(3, 4)] = (113e6, 6.6),
        [(5, 4)] = (72e6, 7.3), [(7, 4)] = (35e6, 7.9), [(7, 1)] = (33.6e6, 8.2), [(9, 1)] = (29e6, 8.35), [(12, 1)] = (16e6, 8.55), [(16, 1)] = (3e6, 8.8),
        [(19, 1)] = (1.8e6, 9),
    };

    /// <summary>From a modem to a line that no codec keeps up with, and with a processor that is five times slower.</summary>
    [Fact]
    public void ItIsWithinATenthOfTheBestFixedLevel()
    {
        foreach (var slower in new[] { 1.0, 5.0 })
        {
            foreach (var line in new[] { 0.5e6, 2.5e6, 6e6, 12.5e6, 25e6, 62.5e6, 125e6, 400e6, 1200e6 })
            {
                // Long enough that the first steps do not decide, as a migration is.
                var bytes = line * 300;
                var adaptive = new AdaptiveLevel(2);
                var seconds = Run(bytes, line, slower, () => StepOf(adaptive), (level, packed, times) => adaptive.Observe(level, (int)Pack, packed, times, 1));
                var best = Codec.Keys.Min(step => Run(bytes, line, slower, () => step, (_, _, _) => { }));
                Assert.True(seconds <= best * 1.1, $"{seconds:0.0} s over {line / 1e6} MB/s with a processor {slower} times slower; the best fixed level takes {best:0.0} s");
            }
        }
    }

    /// <summary>Lanes send their packs in order: each waits for what the others are still compressing, and that is not the line.</summary>
    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void LanesThatWaitForEachOtherDoNotTakeThatForTheLine(int lanes)
    {
        foreach (var line in new[] { 2.5e6, 12.5e6, 25e6, 62.5e6, 125e6 })
        {
            var bytes = line * 300;
            var adaptive = new AdaptiveLevel(2);
            var seconds = RunLanes(bytes, line, lanes, () => StepOf(adaptive), (level, packed, times) => adaptive.Observe(level, (int)Pack, packed, times, lanes));
            var best = Codec.Keys.Min(step => RunLanes(bytes, line, lanes, () => step, (_, _, _) => { }));
            Assert.True(seconds <= best * 1.1, $"{seconds:0.0} s over {line / 1e6} MB/s by {lanes} lanes; the best fixed level takes {best:0.0} s");
        }
    }

    /// <summary>
    /// Parts of a source are several times denser than others: what came through in the one says nothing of a level in the other. It leaves one that does not keep
    /// up, and takes it again.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void DataThatChangesTakesEachItsLevel(int lanes)
    {
        foreach (var line in new[] { 1e6, 2.5e6, 6e6, 12.5e6 })
        {
            foreach (var turns in new[] { 10.0, 30 })
            {
                var adaptive = new AdaptiveLevel(2);
                var bytes = line * 600;
                var denser = (double at) => (int)(at / (line * 5 * turns)) % 2 == 0 ? 1 : 6;
                var seconds = RunLanes(bytes, line, lanes, () => StepOf(adaptive), (level, packed, times) => adaptive.Observe(level, (int)Pack, packed, times, lanes), denser);
                var best = Codec.Keys.Min(step => RunLanes(bytes, line, lanes, () => step, (_, _, _) => { }, denser));
                Assert.True(seconds <= best * 1.1, $"{seconds:0.0} s over {line / 1e6} MB/s by {lanes} lanes, changing each {turns} s; the best fixed level takes {best:0.0} s");
            }
        }
    }

    /// <summary>A line that becomes much faster or slower on the way, as one that others leave, or come to. What is left for others of the processors costs a quarter at most.</summary>
    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(1, 20)]
    [InlineData(8, 20)]
    [InlineData(1, 0.05)]
    [InlineData(8, 0.05)]
    public void ALineThatChangesIsFollowed(int lanes, double times)
    {
        foreach (var line in new[] { 2.5e6, 12.5e6, 25e6 })
        {
            var adaptive = new AdaptiveLevel(2);
            void Observe(int level, int packed, PackTimes spent) => adaptive.Observe(level, (int)Pack, packed, spent, lanes);
            var before = times > 1 ? line : line * 20;
            RunLanes(before * 300, before, lanes, () => StepOf(adaptive), Observe);
            var seconds = RunLanes(before * times * 300, before * times, lanes, () => StepOf(adaptive), Observe);
            var best = Codec.Keys.Min(step => RunLanes(before * times * 300, before * times, lanes, () => step, (_, _, _) => { }));
            Assert.True(seconds <= best * 1.25, $"{seconds:0.0} s over {before / 1e6} and then {before * times / 1e6} MB/s by {lanes} lanes, at level {adaptive.Level} in the end; the best fixed level takes {best:0.0} s");
        }
    }

    /// <summary>Another end that stands still for a second now and then, as one whose disk does, is no slow line.</summary>
    [Fact]
    public void WhatStandsStillNowAndThenIsNotALineThatIsSlow()
    {
        AdaptiveLevel adaptive = new(2);
        var bytes = 60e9;
        var seconds = Run(bytes, 100e6, 1, () => StepOf(adaptive), (level, packed, times) => adaptive.Observe(level, (int)Pack, packed, times, 1), stall: 1);
        var best = Codec.Keys.Min(step => Run(bytes, 100e6, 1, () => step, (_, _, _) => { }, stall: 1));
        Assert.True(seconds <= best * 1.2, $"{seconds:0.0} s, at level {adaptive.Level} in the end; the best fixed level takes {best:0.0} s");
    }

    /// <summary>What it learns while a session begins, on processors that have much else to do, is no measure for the lanes that come then.</summary>
    [Fact]
    public void AStepDownAtTheBeginningIsTakenBackWhenLanesHaveJoined()
    {
        AdaptiveLevel adaptive = new(2);
        for (var i = 0; i < 40; i++)
        {
            adaptive.Observe(1, (int)Pack, (int)Pack / 5, new(0.05, 0.05, 0, 0), 1);
        }

        Assert.Equal(-1, adaptive.Level);
        for (var i = 0; i < 10 && adaptive.Level < 1; i++)
        {
            for (var lane = 0; lane < 8; lane++)
            {
                adaptive.Observe(adaptive.Level, (int)Pack, (int)Pack / 5, new(0.002, 0.002, 0.2, 0), 8);
            }
        }

        Assert.Equal(1, adaptive.Level);
    }

    [Fact]
    public void WithoutAnythingToSendItStays()
    {
        var adaptive = new AdaptiveLevel(2);
        for (var i = 0; i < 1000; i++)
        {
            adaptive.Observe(1, 1000, 300, new(0.001, 0.001, 0.0001, 0.1), 1);
        }

        Assert.Equal(1, adaptive.Level);
    }

    private static (int Level, int Streams) StepOf(AdaptiveLevel adaptive) => (adaptive.Level, adaptive.Streams);

    private static double Run(double bytes, double line, double slower, Func<(int Level, int Streams)> step, Action<int, int, PackTimes> observe, double stall = 0)
    {
        double now = 0, backlog = 0, stallsAt = 5;
        for (double done = 0; done < bytes; done += Pack)
        {
            var chosen = step();
            var (speed, ratio) = Codec[chosen];
            var compressing = Pack / speed * slower;
            now += compressing;
            backlog = Math.Max(0, backlog - (compressing * line));
            backlog += Pack / ratio;
            var waiting = Math.Max(0, (backlog - Buffer) / line);
            now += waiting;
            backlog -= waiting * line;
            if (stall > 0 && now > stallsAt)
            {
                (waiting, now, stallsAt) = (waiting + stall, now + stall, now + stall + 5);
            }

            observe(chosen.Level, (int)(Pack / ratio), new(compressing, compressing, waiting, 0));
        }

        return now + (backlog / line);
    }

    /// <summary>Two processors for all lanes, one of them for what goes through one stream; a pack goes when those before it have gone and the line has room for it.</summary>
    private static double RunLanes(
        double bytes, double line, int lanes, Func<(int Level, int Streams)> step, Action<int, int, PackTimes> observe, Func<double, int>? denser = null)
    {
        var free = new double[lanes];
        var processors = new double[2];
        List<(double From, double To)> heads = [];
        double lineUntil = 0, went = 0;
        for (var i = 0; i * Pack < bytes; i++)
        {
            var lane = i % lanes;
            var chosen = step();
            var (speed, ratio) = Codec[chosen];
            var density = denser?.Invoke(i * Pack) ?? 1;
            var took = Pack / (speed * (1 + (density / 5.0)));
            var packed = Pack / (chosen.Level == 0 ? 1 : ratio * density);
            var processor = chosen.Streams != 1 && processors[0] > processors[1] ? 1 : 0;
            var compressed = processors[processor] = Math.Max(free[lane], processors[processor]) + took;
            var turn = Math.Max(compressed, went);
            went = Math.Max(turn, lineUntil - (Buffer / line));
            heads.Add((turn, went));
            lineUntil = Math.Max(lineUntil, went) + (packed / line);
            var waited = heads.TakeLast(lanes).Sum(head => Math.Max(0, head.To - Math.Max(head.From, compressed)));
            observe(chosen.Level, (int)packed, new(took, compressed - free[lane] + (went - compressed - waited), waited, 0));
            free[lane] = went;
        }

        return lineUntil;
    }
}
