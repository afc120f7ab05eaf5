using System.Globalization;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;
using Xunit.Abstractions;

namespace NativeSync.EndToEnd.Tests;

/// <summary>
/// Whatever dies, and whenever: the run that completes leaves the tree of the source, and what goes over the line again is little.
/// NATIVESYNC_CHAOS says how many moments; NATIVESYNC_SEED which.
/// </summary>
public sealed class ChaosTests(SharedServer server, ITestOutputHelper output) : IClassFixture<SharedServer>
{
    /// <summary>What of a kill may go over the line again, at the median.</summary>
    private const long Bound = 16L << 20;

    private static readonly string[] Victims = ["client", "agent", "sshd", "line"];

    [Fact]
    public Task AFewMomentsCostLittle() => RunAsync(3);

    [Fact]
    [Trait("Category", "Slow")]
    public Task ManyMomentsCostLittle() =>
        RunAsync(Environment.GetEnvironmentVariable("NATIVESYNC_CHAOS") is { Length: > 0 } many ? int.Parse(many, CultureInfo.InvariantCulture) : 20);

    private async Task RunAsync(int moments)
    {
        int seed = Environment.GetEnvironmentVariable("NATIVESYNC_SEED") is { Length: > 0 } given && int.TryParse(given, CultureInfo.InvariantCulture, out int number) ? number : 1;
        output.WriteLine($"NATIVESYNC_SEED={seed}");
        Random random = new(seed);
        using Scratch scratch = new();
        using CountedLine line = new(server.Ssh.Port);
        RemoteRun run = new(server.Ssh, line);
        await Command.ShellAsync($"""
            cd '{scratch.Root}'; mkdir -p src/many old/many; i=0
            while [ $i -lt 300 ]; do echo new $i >src/many/$i; [ $((i % 3)) = 0 ] || echo old $i >old/many/$i; i=$((i + 1)); done
            head -c 20M /dev/urandom >src/fresh; head -c 12M /dev/urandom >src/changed; cp src/changed old/changed
            for at in 1 5 9; do head -c 1000 /dev/urandom | dd of=src/changed bs=1000 seek=$((at * 1200)) conv=notrunc status=none; done
            head -c 3M /dev/urandom >src/linked; ln src/linked src/many/linked; mkdir old/extraneous; touch old/extraneous/1; ln -s fresh src/symlink
            find old -exec touch -d 2019-01-01 '{'{'}{'}'}' +
            """);
        string[] words = ["-aHAX", "--delete", "--bwlimit=40000"];

        // What it costs when nothing happens, and how long it takes.
        await ResetAsync(scratch);
        CommandResult undisturbed = (await run.PushAsync(scratch["src"] + "/", scratch["dst"], words)).MustExit(0);
        long ideal = line.TakeSent();
        List<long> again = [];
        int hits = 0;
        for (int i = 0; i < moments; i++)
        {
            await ResetAsync(scratch);
            string victim = Victims[random.Next(Victims.Length)];

            // By what has gone over the line, not by time: a slow machine is hit as a fast one is.
            long at = (long)(random.NextDouble() * ideal);
            CommandResult killed = await run.PushAsync(scratch["src"] + "/", scratch["dst"], async client =>
            {
                await RemoteRun.UntilAsync(() => line.Sent >= at, client);
                Strike(victim, run, line, client);
            }, words);
            hits += killed.ExitCode == 0 ? 0 : 1;
            string story = $"moment {i}, seed {seed}: {victim} killed after {at} of {ideal} bytes\n{killed}";
            CommandResult completing = await run.PushAsync(scratch["src"] + "/", scratch["dst"], words);
            Assert.True(completing.ExitCode == 0, $"{story}\n{completing}");
            again.Add(line.TakeSent() - ideal);
            await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"], holes: false);
        }

        again.Sort();
        long median = again[again.Count / 2];
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{hits} of {moments} came in time; {undisturbed.Elapsed.TotalSeconds:0.0} s undisturbed; bytes of {ideal} sent again: median {median}, most {again[^1]}"));
        Assert.True(hits > moments / 2, $"only {hits} of {moments} came in time");
        Assert.True(median <= Bound, $"at the median {median} bytes were sent again");
    }

    private static async Task ResetAsync(Scratch scratch) => await Command.ShellAsync($"rm -rf '{scratch["dst"]}'; cp -a '{scratch["old"]}' '{scratch["dst"]}'");

    private static void Strike(string victim, RemoteRun run, CountedLine line, int client)
    {
        switch (victim)
        {
            case "line": line.Cut(); break;
            case "client": RemoteRun.Kill(client); break;
            default: RemoteRun.Kill(run.Find(sshd: victim == "sshd")); break;
        }
    }
}
