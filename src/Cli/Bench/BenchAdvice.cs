using System.Globalization;

namespace NativeSync.Cli.Bench;

/// <summary>What to do with an option.</summary>
internal enum Verdict
{
    /// <summary>Give it: it is part of the command line that is recommended.</summary>
    Use,

    /// <summary>It is of use for something that the figures do not know of.</summary>
    Consider,

    /// <summary>It wins nothing here.</summary>
    LeaveOut,
}

/// <summary>One recommendation, and why.</summary>
internal readonly record struct Advice(Verdict Verdict, string Option, string Reason);

/// <summary>Concludes from figures what to set. Nothing but the figures counts.</summary>
internal static class BenchAdvice
{
    /// <summary>What a setting has to bring to be worth it: less is within what two runs differ by.</summary>
    private const double Worthwhile = 1.1;

    /// <summary>Contents that do not become this much smaller are not worth the processor's time.</summary>
    private const double LeastRatio = 1.05;

    /// <summary>On a shorter line <c>--lanes=auto</c> opens no second lane.</summary>
    private const double ShortLine = 0.015;

    /// <summary>Reading everything for so many seconds is worth a file of digests.</summary>
    private const double LongRead = 30;

    /// <summary>A recommendation for each setting.</summary>
    public static IReadOnlyList<Advice> From(BenchFigures figures)
    {
        List<Advice> all = [Compression(figures)];
        if (figures.Lines.Count > 0)
        {
            all.Add(Lanes(figures));
            all.Add(new Advice(Verdict.Consider, string.Create(CultureInfo.InvariantCulture, $"--bwlimit={Math.Max(1, (long)(Best(figures, static line => !line.Compressed) * 0.75 / 1024))}"),
                "leaves others a quarter of the line; nothing is won by it where nobody else uses it"));
        }

        all.Add(Index(figures));
        return all;
    }

    /// <summary>A rate for people.</summary>
    public static string Mega(double rate) => string.Create(CultureInfo.InvariantCulture, $"{rate / 1e6:0.0} MB/s");

    private static Advice Compression(BenchFigures figures)
    {
        List<LevelFigure> shrinking = figures.Levels.FindAll(static level => level.Level != 0 && level.Ratio >= LeastRatio);
        if (shrinking.Count == 0)
        {
            return new Advice(Verdict.LeaveOut, "-z", "the contents do not become smaller");
        }

        if (figures.Lines.Count == 0)
        {
            LevelFigure fastest = shrinking.MaxBy(static level => level.Rate);
            return new Advice(Verdict.Use, "-z", string.Create(CultureInfo.InvariantCulture, $"the contents become {fastest.Ratio:0.00} times smaller at level {fastest.Level}; it wins on lines slower than {Mega(fastest.Rate)}, and does without on faster ones"));
        }

        double plain = Best(figures, static line => !line.Compressed), packed = Best(figures, static line => line.Compressed);
        string measured = $"with it {Mega(packed)} of content came through, without it {Mega(plain)}";
        if (packed < plain * Worthwhile)
        {
            return new Advice(Verdict.LeaveOut, "-z", measured);
        }

        LevelFigure best = shrinking.MaxBy(level => Math.Min(level.Rate, plain * level.Ratio));
        return new Advice(Verdict.Use, "-z", string.Create(CultureInfo.InvariantCulture, $"{measured}; its level follows the line, and near {best.Level} is the best for this one (--compress-level={best.Level} holds it there)"));
    }

    private static Advice Lanes(BenchFigures figures)
    {
        double one = Best(figures, static line => !line.Auto), several = Best(figures, static line => line.Auto);
        return figures.RoundTrip < ShortLine
            ? new Advice(Verdict.LeaveOut, "--lanes=auto", string.Create(CultureInfo.InvariantCulture, $"an answer takes {figures.RoundTrip * 1000:0.0} ms: one lane fills so short a line"))
            : new Advice(several >= one * Worthwhile ? Verdict.Use : Verdict.LeaveOut, "--lanes=auto", $"{Mega(several)} of content came through with it, {Mega(one)} over one lane");
    }

    private static Advice Index(BenchFigures figures)
    {
        double seconds = figures.Scan.Bytes / Math.Max(figures.Read.Rate, 1);
        string time = string.Create(CultureInfo.InvariantCulture, $"reading {(figures.Scan.Complete ? "everything" : "the part that was seen")} takes about {seconds:0} s at each end");
        return seconds >= LongRead || !figures.Scan.Complete
            ? new Advice(Verdict.Consider, "--checksum-index=FILE", time + ", and with --checksum, --detect-renamed or verify the next run reads only what changed")
            : new Advice(Verdict.LeaveOut, "--checksum-index=FILE", time);
    }

    private static double Best(BenchFigures figures, Func<LineFigure, bool> which)
    {
        double best = 0;
        foreach (LineFigure line in figures.Lines)
        {
            best = which(line) ? Math.Max(best, line.Content.Rate) : best;
        }

        return best;
    }
}
