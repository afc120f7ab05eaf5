using System.Globalization;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit;
using NativeSync.TestKit.Line;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>Both ends stay below 150 MiB (peak of the resident memory, as the kernel keeps it), whatever is slow and however many lanes there are.</summary>
public sealed class MemoryTests : IDisposable
{
    private const long MostMemory = 150L << 20;

    private readonly Scratch _scratch = new();

    private static int Mebibytes => TestRun.IsQuick ? 40 : 120;

    public void Dispose() => _scratch.Dispose();

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true, "-a")]
    [InlineData(false, "-a")]
    [InlineData(true, "-az")]
    [InlineData(false, "-az")]
    [InlineData(true, "-a", "-z", "--compress-level=19")]
    public async Task SixteenLanesDoNotCostMore(bool push, params string[] options)
    {
        await using PrivateSshd server = await PrivateSshd.StartAsync(Many);
        await PrepareAsync(strong: options.Contains("--compress-level=19"));
        await WithinMemoryAsync(server, push, [.. options, "--lanes=16"]);
    }

    /// <summary>Each write to a file takes its time, at the end that receives.</summary>
    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ASlowDiskIsWaitedForAndNotBufferedFor(bool push)
    {
        await using PrivateSshd server = await PrivateSshd.StartAsync(Many);
        await PrepareAsync(strong: false);
        string slow = _scratch["slow"];
        await File.WriteAllTextAsync(slow, "#!/bin/sh\nexec strace -f -qq -o /dev/null -e trace=pwrite64,pwritev,write -e inject=pwrite64,pwritev:delay_enter=20000 \"$@\"\n");
        File.SetUnixFileMode(slow, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await WithinMemoryAsync(server, push, ["-a", "--lanes=8", "--rsync-path", push ? $"{slow} {Tool.Path}" : Tool.Path], near: push ? null : [slow]);
    }

    /// <summary>The end that receives is stopped and goes on, again and again: it reads slowly, and what was sent waits on the way.</summary>
    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ASlowReaderIsWaitedForAndNotBufferedFor(bool push)
    {
        await using PrivateSshd server = await PrivateSshd.StartAsync(Many);
        await PrepareAsync(strong: false);
        await WithinMemoryAsync(server, push, ["-a", "--lanes=8", "--timeout=0"], async process =>
        {
            using PeriodicTimer period = new(TimeSpan.FromMilliseconds(300));
            bool stopped = false;
            while (await period.WaitForNextTickAsync() && ProcessWatch.CommandLineOf(process) is { Length: > 0 })
            {
                stopped = !stopped;
                int[] receivers = push ? Agents(server) : [process];
                await Command.RunAsync(["kill", stopped ? "-STOP" : "-CONT", .. receivers.Select(id => id.ToString(CultureInfo.InvariantCulture))]);
            }
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Category", "Slow")]
    public async Task ALineOfASecondHoldsMuchAndTheEndsDoNot(bool push)
    {
        await using LongLine line = await LongLine.OpenAsync(new LineShape(200_000_000, TimeSpan.FromSeconds(1)));
        await using PrivateSshd server = await PrivateSshd.StartAsync(Many with { Line = line });
        await PrepareAsync(strong: false);
        await WithinMemoryAsync(server, push, ["-a", "--lanes=16", "--rsync-path", Tool.Path], near: line.Near);
    }

    /// <summary>Enough files for the listings on the way to reach their bound, behind which nothing grows: a million need 108 MiB, and 35 when nothing has changed.</summary>
    [Fact]
    [Trait("Category", "Slow")]
    public async Task WhatIsKeptOfFilesHasABound()
    {
        await using PrivateSshd server = await PrivateSshd.StartAsync(Many);
        await Command.ShellAsync($"cd '{_scratch.Root}' && mkdir src && cd src && for d in $(seq 400); do mkdir d$d; (cd d$d && seq 1000 | sed 's/^/a-file-of-many-/' | xargs touch); done");
        await WithinMemoryAsync(server, push: true, ["-aH", "--delete"]);
        await WithinMemoryAsync(server, push: true, ["-aH", "--delete"]);
    }

    private static PrivateSshdOptions Many => new() { OverrideLines = ["MaxStartups 100", "MaxSessions 20"] };

    /// <summary>Large files, some of which shrink, and small ones.</summary>
    private async Task PrepareAsync(bool strong)
    {
        int large = strong ? 0 : Mebibytes / 2;
        await Command.ShellAsync($"""
            cd '{_scratch.Root}'; mkdir -p src/small; head -c {large}M /dev/urandom >src/random; head -c {(strong ? 6 : Mebibytes / 2)}M /dev/urandom | od -An -tx1 -w64 | head -c {(strong ? 12 : Mebibytes / 2)}M >src/text
            i=0; while [ $i -lt 2000 ]; do echo "$i some text in a small file" >src/small/$i; i=$((i + 1)); done
            """);
    }

    private async Task<(long Here, long There)> WithinMemoryAsync(PrivateSshd server, bool push, string[] options, Func<int, Task>? meanwhile = null, IReadOnlyList<string>? near = null)
    {
        string there = $"{PrivateSshd.User}@{server.Address}:";
        (string from, string to) = (_scratch["src"] + "/", _scratch["dst"] + "/");
        Task? task = null;
        await using var watch = new ProcessWatch(Environment.ProcessId);
        CommandResult result = await Command.RunAsync(
            [.. near ?? [], Tool.Path, "sync", .. Tool.OptionsFor(server), .. options, push ? from : there + from, push ? there + to : to], started: process => task = meanwhile?.Invoke(process.Id));
        await (task ?? Task.CompletedTask);
        result.MustExit(0);
        await watch.StopAsync();
        (long here, long far) = (watch.PeakOf(" sync "), watch.PeakOf(" serve"));
        Assert.True(here is > 0 and <= MostMemory && far is > 0 and <= MostMemory, $"peak memory {here >> 20} MiB here, {far >> 20} MiB there\n{result}");
        if (Environment.GetEnvironmentVariable("NATIVESYNC_SHOW_MEMORY") is { Length: > 0 } file)
        {
            await File.AppendAllTextAsync(file, $"{here >> 20} MiB here, {far >> 20} MiB there after {result.Elapsed.TotalSeconds:0.0} s: {(push ? "push" : "pull")} {string.Join(' ', options)}\n");
        }

        return (here, far);
    }

    private static int[] Agents(PrivateSshd server) =>
        [.. ProcessWatch.Descendants(server.ProcessId).Where(id => ProcessWatch.CommandLineOf(id) is { } words && words.Contains(" serve --wait=", StringComparison.Ordinal) && !words.Contains("sh ", StringComparison.Ordinal))];
}
