using NativeSync.Engine.Compression;

namespace NativeSync.Engine.Tests.Compression;

/// <summary>The level that adapts, against a model of lines and of a processor: speeds and ratios as measured for /usr.</summary>
public sealed class AdaptiveLevelTests
{
    private const double Pack = 512 * 1024;
    private const double Buffer = 4 * 1024 * 1024;

    private static readonly Dictionary<int, (double Speed, double Ratio)> Codec = new()
    {
        [0] = (1e12, 1), [-5] = (380e6, 1.95), [-1] = (300e6, 2.41), [1] = (230e6, 2.74), [3] = (88e6, 3.09), [5] = (55e6, 3.2), [7] = (38e6, 3.28),
        [9] = (28e6, 3.33), [12] = (13e6, 3.36), [16] = (2e6, 3.5), [19] = (1e6, 3.55),
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
                var bytes = Math.Min(line * 90, 20e9);
                var adaptive = new AdaptiveLevel(2);
                var seconds = Run(bytes, line, slower, () => adaptive.Level, (level, times) => adaptive.Observe(level, (int)Pack, times, 1));
                var best = Codec.Keys.Min(level => Run(bytes, line, slower, () => level, (_, _) => { }));
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
            var bytes = line * 90;
            var adaptive = new AdaptiveLevel(2);
            var seconds = RunLanes(bytes, line, lanes, () => adaptive.Level, (level, times) => adaptive.Observe(level, (int)Pack, times, lanes));
            var best = Codec.Keys.Min(level => RunLanes(bytes, line, lanes, () => level, (_, _) => { }));
            Assert.True(seconds <= best * 1.1, $"{seconds:0.0} s over {line / 1e6} MB/s by {lanes} lanes; the best fixed level takes {best:0.0} s");
        }
    }

    /// <summary>What it learns while a session begins, on processors that have much else to do, is no measure for the lanes that come then.</summary>
    [Fact]
    public void AStepDownAtTheBeginningIsTakenBackWhenLanesHaveJoined()
    {
        AdaptiveLevel adaptive = new(2);
        for (var i = 0; i < 6; i++)
        {
            adaptive.Observe(1, (int)Pack, new(0.05, 0.05, 0, 0), 1);
        }

        Assert.Equal(-1, adaptive.Level);
        for (var i = 0; i < 10 && adaptive.Level < 1; i++)
        {
            for (var lane = 0; lane < 8; lane++)
            {
                adaptive.Observe(adaptive.Level, (int)Pack, new(0.002, 0.002, 0.2, 0), 8);
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
            adaptive.Observe(1, 1000, new(0.001, 0.001, 0.0001, 0.1), 1);
        }

        Assert.Equal(1, adaptive.Level);
    }

    private static double Run(double bytes, double line, double slower, Func<int> level, Action<int, PackTimes> observe)
    {
        double now = 0, backlog = 0;
        for (double done = 0; done < bytes; done += Pack)
        {
            var chosen = level();
            var (speed, ratio) = Codec[chosen];
            var compressing = Pack / speed * slower;
            now += compressing;
            backlog = Math.Max(0, backlog - (compressing * line));
            backlog += Pack / ratio;
            var waiting = Math.Max(0, (backlog - Buffer) / line);
            now += waiting;
            backlog -= waiting * line;
            observe(chosen, new(compressing, compressing, waiting, 0));
        }

        return now + (backlog / line);
    }

    /// <summary>Two processors for all lanes; a pack goes when those before it have gone and the line has room for it.</summary>
    private static double RunLanes(double bytes, double line, int lanes, Func<int> level, Action<int, PackTimes> observe)
    {
        var free = new double[lanes];
        var processors = new double[2];
        List<(double From, double To)> heads = [];
        double lineUntil = 0, went = 0;
        for (var i = 0; i * Pack < bytes; i++)
        {
            var lane = i % lanes;
            var chosen = level();
            var (speed, ratio) = Codec[chosen];
            var processor = processors[0] <= processors[1] ? 0 : 1;
            var compressed = processors[processor] = Math.Max(free[lane], processors[processor]) + (Pack / speed);
            var turn = Math.Max(compressed, went);
            went = Math.Max(turn, lineUntil - (Buffer / line));
            heads.Add((turn, went));
            lineUntil = Math.Max(lineUntil, went) + (Pack / ratio / line);
            var waited = heads.TakeLast(lanes).Sum(head => Math.Max(0, head.To - Math.Max(head.From, compressed)));
            observe(chosen, new(Pack / speed, compressed - free[lane] + (went - compressed - waited), waited, 0));
            free[lane] = went;
        }

        return lineUntil;
    }
}
