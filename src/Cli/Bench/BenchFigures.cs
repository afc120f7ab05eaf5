namespace NativeSync.Cli.Bench;

/// <summary>What was measured: what <see cref="BenchAdvice"/> concludes from.</summary>
internal sealed class BenchFigures
{
    /// <summary>Looking at the source.</summary>
    public ScanFigure Scan { get; set; }

    /// <summary>Reading and digesting it.</summary>
    public Throughput Read { get; set; }

    /// <summary>Compressing a sample of it.</summary>
    public List<LevelFigure> Levels { get; } = [];

    /// <summary>Seconds to log in and to start the agent, the fastest time; null without a line.</summary>
    public double? Connect { get; set; }

    /// <summary>Seconds between a question to the agent and its answer; null without a line.</summary>
    public double? RoundTrip { get; set; }

    /// <summary>Sending the sample; empty without a line.</summary>
    public List<LineFigure> Lines { get; } = [];
}

/// <summary>What a look at the tree found; not all of it unless <paramref name="Complete"/>.</summary>
internal readonly record struct ScanFigure(long Entries, long Files, long Bytes, double Seconds, bool Complete);

/// <summary>So many bytes in so many seconds.</summary>
internal readonly record struct Throughput(long Bytes, double Seconds)
{
    /// <summary>Bytes per second.</summary>
    public double Rate => Bytes / Math.Max(Seconds, 1e-6);
}

/// <summary>One level of zstd, 0 for none: how many times smaller, and bytes of content per second of one processor.</summary>
internal readonly record struct LevelFigure(int Level, double Ratio, double Rate);

/// <summary>One transfer: content that came through; <paramref name="Cut"/> when the time was up before all had.</summary>
internal readonly record struct LineFigure(bool Auto, bool Compressed, Throughput Content, bool Cut)
{
    /// <summary>The options that it was made with.</summary>
    public string Options => (Auto ? "--lanes=auto" : "--lanes=1") + (Compressed ? " -z" : "");
}
