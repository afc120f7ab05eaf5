using System.Diagnostics;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Build;

/// <summary>What the published file promises before it does anything.</summary>
public sealed class ExecutableTests
{
    private const long MaxBytes = 20_000_000;

    /// <summary>From the start to <c>--version</c> printed, as a user sees it.</summary>
    private static readonly TimeSpan MaxStart = TimeSpan.FromMilliseconds(15);

    private const int RunsPerRound = 20;

    /// <summary>A busy machine makes one round slow; a slow executable makes every round slow.</summary>
    private const int MaxRounds = 40;

    [Fact]
    public void ItIsAtMostTwentyMegabytes()
    {
        Assert.InRange(new FileInfo(PublishedExecutable.FullName).Length, 1, MaxBytes);
    }

    [Fact]
    public async Task ItNeedsNoInterpreterAndNoLibrary()
    {
        string headers = (await Command.RunAsync(["readelf", "--program-headers", "--dynamic", "--wide", PublishedExecutable.FullName])).MustExit(0).Output;
        Assert.DoesNotContain("INTERP", headers);
        Assert.DoesNotContain("NEEDED", headers);
    }

    [Fact]
    public async Task TheVersionSaysCommitRuntimeAndThatItIsStatic()
    {
        string text = (await Command.RunAsync([PublishedExecutable.FullName, "--version"])).MustExit(0).Output;
        Assert.Matches(@"^nativesync \d+\.\d+\.\d+", text);
        Assert.Matches(@"(?m)^commit ([0-9a-f]{12}(-dirty)?|unknown)$", text);
        Assert.Matches(@"(?m)^\.NET 10\.\d+\.\d+, linux-x64, static$", text);
    }

    [Fact]
    public void ItStartsWithinFifteenMilliseconds()
    {
        string executable = PublishedExecutable.FullName;
        var medians = new List<TimeSpan>();
        do
        {
            TimeSpan[] runs = [.. Enumerable.Range(0, RunsPerRound).Select(_ => TimeOf(executable)).Order()];
            medians.Add(runs[RunsPerRound / 2]);
        }
        while (medians[^1] > MaxStart && medians.Count < MaxRounds);

        Assert.True(medians.Min() <= MaxStart, $"medians of {RunsPerRound} runs: {string.Join(", ", medians.Select(m => $"{m.TotalMilliseconds:0.0} ms"))}");
    }

    [Fact]
    public async Task TheWrapperRunsFromAnywhereAndThroughALink()
    {
        using var scratch = new Scratch();
        string link = scratch["ns"];
        File.CreateSymbolicLink(link, PublishedExecutable.Wrapper);
        string direct = (await Command.RunAsync([PublishedExecutable.Wrapper, "--version"], directory: "/")).MustExit(0).Output;
        string linked = (await Command.RunAsync([link, "--version"], directory: scratch.Root)).MustExit(0).Output;
        Assert.StartsWith("nativesync ", direct);
        Assert.Equal(direct, linked);
    }

    private static TimeSpan TimeOf(string executable)
    {
        var start = new ProcessStartInfo(executable, ["--version"]) { RedirectStandardOutput = true };
        long begin = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        string text = process.StandardOutput.ReadToEnd();
        TimeSpan elapsed = Stopwatch.GetElapsedTime(begin);
        process.WaitForExit();
        Assert.StartsWith("nativesync ", text);
        return elapsed;
    }
}
