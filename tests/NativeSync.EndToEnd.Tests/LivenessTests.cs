using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>A line that dies without a word: both ends notice within <c>--timeout</c>, and nothing stays behind.</summary>
public sealed class LivenessTests(SharedServer server) : IClassFixture<SharedServer>
{
    /// <summary>Only keeps what stands still from being endless.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true, 3)]
    [InlineData(false, 1)]
    public async Task BothEndsNoticeALineThatDiedWithoutAWord(bool push, int lanes)
    {
        using Scratch scratch = new();
        using CountedLine line = new(server.Ssh.Port);
        RemoteRun run = new(server.Ssh, line);
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir src; head -c 48M /dev/urandom >src/large");
        (string from, string to) = (scratch["src"] + "/", scratch["dst"]);
        Task? cutting = null;
        CommandResult result = await Command.RunAsync(
            [Tool.Path, "sync", .. run.Options, "-a", "--timeout=8", "--bwlimit=6m", "--lanes", $"{lanes}", push ? from : Tool.Remote(from), push ? Tool.Remote(to) : to], Limit,
            started: process => cutting = CutAsync(process.Id));
        await cutting!;
        Assert.True(result.ExitCode == 30, result.ToString());
        Assert.Contains("nothing was heard from the other end for 8 seconds", result.Error, StringComparison.Ordinal);

        // sshd itself knows nothing yet, since nobody closed the connection: what ends here ends by itself.
        using PeriodicTimer poll = new(TimeSpan.FromMilliseconds(20));
        using CancellationTokenSource patience = new(Limit);
        while (Remaining().Length > 0)
        {
            Assert.True(await poll.WaitForNextTickAsync(patience.Token), "the agent stays");
        }

        async Task CutAsync(int process)
        {
            await RemoteRun.UntilAsync(() => line.Moved > 12 << 20, process);
            line.Silence();
        }

        string[] Remaining() => [.. ProcessWatch.Descendants(server.Ssh.ProcessId).Select(id => ProcessWatch.CommandLineOf(id) ?? "").Where(words => words.Contains(" serve", StringComparison.Ordinal))];
    }
}
