using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Build;

/// <summary>What the published file promises before it does anything.</summary>
public sealed partial class ExecutableTests
{
    private const long MaxBytes = 20_000_000;

    /// <summary>
    /// Pages that a start may touch for the first time. The time of a start (15 ms on a quiet machine) is for the benchmarks; this is
    /// what it is made of, and it is the same on a busy machine: about 980 now, each some 5 µs of a start.
    /// </summary>
    private const long MaxPageFaults = 1500;

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
    public void AStartTouchesLittleMemory()
    {
        long least = Enumerable.Range(0, 5).Min(_ => PageFaultsOf(PublishedExecutable.FullName));
        Assert.InRange(least, 1, MaxPageFaults);
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

    private static long PageFaultsOf(string executable)
    {
        long before = PageFaultsOfChildren();
        using Process process = Process.Start(new ProcessStartInfo(executable, ["--version"]) { RedirectStandardOutput = true })!;
        Assert.StartsWith("nativesync ", process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        return PageFaultsOfChildren() - before;
    }

    /// <summary>getrusage(2) of the children that have ended; ru_minflt is the ninth of its sixteen words.</summary>
    private static long PageFaultsOfChildren()
    {
        const int children = -1;
        Span<long> usage = stackalloc long[18];
        Assert.Equal(0, GetResourceUsage(children, ref usage[0]));
        return usage[8];
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetResourceUsage(int who, ref long usage);
}
