using NativeSync.Cli.Bench;
using NativeSync.Cli.Options;

namespace NativeSync.Cli.Tests.Bench;

/// <summary>What is recommended follows from the figures alone.</summary>
public sealed class BenchAdviceTests
{
    // ratio of level 1; answer in ms; MB/s with one lane, several, one -z, several -z (0: no line); seconds to read everything; what is advised.
    [Theory]
    [InlineData(2.5, 0.3, 100, 100, 101, 99, 2, "LeaveOut -z, LeaveOut --lanes, Consider --bwlimit, LeaveOut --checksum-index")]
    [InlineData(2.5, 0.3, 10, 10, 25, 25, 2, "Use -z, LeaveOut --lanes, Consider --bwlimit, LeaveOut --checksum-index")]
    [InlineData(2.5, 120, 10, 40, 25, 90, 2, "Use -z, Use --lanes, Consider --bwlimit, LeaveOut --checksum-index")]
    [InlineData(2.5, 120, 10, 10.5, 10, 10.5, 2, "LeaveOut -z, LeaveOut --lanes, Consider --bwlimit, LeaveOut --checksum-index")]
    [InlineData(1.0, 120, 10, 40, 10, 40, 2, "LeaveOut -z, Use --lanes, Consider --bwlimit, LeaveOut --checksum-index")]
    [InlineData(1.0, 0.3, 10, 10, 20, 20, 2, "LeaveOut -z, LeaveOut --lanes, Consider --bwlimit, LeaveOut --checksum-index")]
    [InlineData(2.5, 0.3, 100, 100, 101, 99, 600, "LeaveOut -z, LeaveOut --lanes, Consider --bwlimit, Consider --checksum-index")]
    [InlineData(2.5, 0, 0, 0, 0, 0, 2, "Use -z, LeaveOut --checksum-index")]
    [InlineData(1.01, 0, 0, 0, 0, 0, 600, "LeaveOut -z, Consider --checksum-index")]
    public void ItFollowsFromTheFigures(double ratio, double answer, double one, double several, double onePacked, double severalPacked, int seconds, string expected)
    {
        IReadOnlyList<Advice> all = BenchAdvice.From(Figures(ratio, answer, [one, several, onePacked, severalPacked], seconds));
        Assert.Equal(expected, string.Join(", ", all.Select(static advice => $"{advice.Verdict} {advice.Option.Split('=')[0]}")));
        Assert.All(all, static advice => Assert.NotEmpty(advice.Reason));
    }

    /// <summary>A part of a tree says nothing of how long all of it takes.</summary>
    [Fact]
    public void ATreeThatWasNotSeenWholeMayBeLarge()
    {
        BenchFigures figures = Figures(2, 0, [0, 0, 0, 0], 1);
        figures.Scan = figures.Scan with { Complete = false };
        Assert.Equal(Verdict.Consider, BenchAdvice.From(figures)[^1].Verdict);
    }

    [Theory]
    [InlineData(10, 3)] // 25 MB/s at level 1, 28 at level 3 and no more than 20 at level 9, which the processor does not hold up with
    [InlineData(1, 9)]
    public void TheLevelIsTheOneThatBringsMostOverTheLine(double line, int level)
    {
        BenchFigures figures = Figures(2.5, 0.3, [line, line, 2 * line, 2 * line], 2);
        Assert.Contains($"--compress-level={level} ", BenchAdvice.From(figures)[0].Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bench src", "nativesync sync -a -z src/ USER@HOST:DIR")]
    [InlineData("bench src/ --port 22 me@host:/a --json -4", "nativesync sync -a -z --port=22 --ipv4 src/ me@host:/a")]
    [InlineData("bench it's -e ssh$x [::1]:b --seconds 3", "nativesync sync -a -z '--rsh=ssh$x' 'it'\\''s/' '[::1]:b'")]
    [InlineData("bench -- --seconds=3", "nativesync sync -a -z ./--seconds=3/ USER@HOST:DIR")]
    public void TheCommandSaysWhatWasAdvisedAndHowTheHostIsReached(string words, string expected)
    {
        BenchArguments bench = BenchArguments.Parse(Bytes.Of(words.Split(' ')[1..]));
        Assert.Equal(expected, BenchCommand.Command(bench, [new Advice(Verdict.Use, "-z", ""), new Advice(Verdict.Consider, "--bwlimit=1", ""), new Advice(Verdict.LeaveOut, "--lanes=auto", "")]));
    }

    [Theory]
    [InlineData("", "SRC [[USER@]HOST:DIR]")]
    [InlineData("a b:c d:e", "SRC [[USER@]HOST:DIR]")]
    [InlineData("host:a", "must be on this machine")]
    [InlineData("a b", "names no host")]
    [InlineData("a :b", "names no host")]
    [InlineData("a --seconds=0", "from 1 to 600")]
    [InlineData("a --seconds=soon", "from 1 to 600")]
    [InlineData("a --seconds", "missing argument")]
    [InlineData("a --delete", "is not for bench")]
    [InlineData("a --no-such", "unknown option")]
    public void WhatMakesNoSenseIsRefusedByName(string words, string message) => Assert.Contains(message,
        Assert.Throws<UsageException>(() => BenchArguments.Parse(Bytes.Of(words.Split(' ', StringSplitOptions.RemoveEmptyEntries)))).Message, StringComparison.Ordinal);

    private static BenchFigures Figures(double ratio, double answer, double[] line, int seconds)
    {
        BenchFigures figures = new() { Scan = new ScanFigure(10, 9, seconds * 1_000_000L, 0.1, true), Read = new Throughput(1_000_000, 1) };
        figures.Levels.AddRange([new LevelFigure(0, 1, 0), new LevelFigure(1, ratio, 200e6), new LevelFigure(3, 1 + ((ratio - 1) * 1.2), 100e6), new LevelFigure(9, 1 + ((ratio - 1) * 1.4), 20e6)]);
        for (int i = 0; i < 4 && line[0] > 0; i++)
        {
            figures.RoundTrip = answer / 1000;
            figures.Lines.Add(new LineFigure((i & 1) != 0, (i & 2) != 0, new Throughput((long)(line[i] * 1e6), 1), false));
        }

        return figures;
    }
}
