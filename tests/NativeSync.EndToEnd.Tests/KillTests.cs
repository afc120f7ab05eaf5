using System.Diagnostics;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>Either end may die at any moment: what was there is whole, old or new, and the next run completes.</summary>
public sealed class KillTests(SharedServer server) : IClassFixture<SharedServer>
{
    private static readonly int[] Milliseconds = TestRun.IsQuick ? [0, 20, 200] : [0, 10, 30, 80, 150, 250, 400, 600];

    [Fact]
    public async Task KillingOurEndLosesNothing() => await KillAsync(victim: static (client, _) => client);

    [Fact]
    public async Task KillingTheRemoteEndLosesNothing() => await KillAsync(victim: static (_, agent) => agent);

    private async Task KillAsync(Func<int, int?, int?> victim)
    {
        using var scratch = new Scratch();
        await PrepareAsync(scratch);
        string[] words = [.. Tool.OptionsFor(server.Ssh), "-aHAX", "--delete", scratch["src"] + "/", Tool.Remote(scratch["dst"] + "/")];
        Manifest old = await Manifest.ReadAsync(scratch["dst"]);
        Manifest wanted = await Manifest.ReadAsync(scratch["src"]);
        int hits = 0;
        foreach (int after in Milliseconds)
        {
            (await Command.RunAsync(["rsync", "-aHAX", "--delete", scratch["old"] + "/", scratch["dst"] + "/"])).MustExit(0);
            CommandResult? result = await RunAndKillAsync(words, after, victim);
            hits += result.ExitCode == 0 ? 0 : 1;
            await AwaitNoAgentAsync();
            MustBeOldOrNew(await Manifest.ReadAsync(scratch["dst"]), old, wanted, $"killed after {after} ms\n{result}");
            (await Tool.SyncAsync(words)).MustExit(0);
            await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"], holes: false);
        }

        Assert.True(hits > 0, "no kill came in time: the data is too small for this machine");
    }

    /// <summary>An old tree at the destination; a new one whose every file differs, large and small.</summary>
    private static async Task PrepareAsync(Scratch scratch)
    {
        await Command.ShellAsync($"""
            cd '{scratch.Root}'; mkdir -p src/many old/many dst
            for i in 1 2 3 4; do head -c 40000000 /dev/urandom > src/large$i; cp src/large$i old/large$i; printf changed | dd of=old/large$i bs=1 seek=$((i * 7000000)) conv=notrunc status=none; done
            i=0; while [ $i -lt 800 ]; do echo new $i > src/many/$i; echo old $i > old/many/$i; i=$((i + 1)); done
            head -c 60000000 /dev/urandom > src/fresh; echo gone > old/gone
            find old -exec touch -d '2019-01-01' '{'{'}{'}'}' +; find src -exec touch -d '2020-02-02' '{'{'}{'}'}' +
            cp -a old/. dst
            """);
    }

    private async Task<CommandResult> RunAndKillAsync(string[] words, int milliseconds, Func<int, int?, int?> victim)
    {
        Task? killer = null;
        CommandResult result = await Command.RunAsync([Tool.Path, "sync", .. words], TimeSpan.FromMinutes(2), started: process =>
        {
            int client = process.Id;
            killer = Task.Run(async () =>
            {
                // Counted from when both ends are there: how long connecting takes says nothing.
                int? agent = await AwaitAgentAsync(client);
                await Task.Delay(milliseconds);
                if (victim(client, agent) is { } id)
                {
                    try
                    {
                        using var target = Process.GetProcessById(id);
                        target.Kill();
                    }
                    catch (Exception e) when (e is ArgumentException or InvalidOperationException)
                    {
                        // It was through already.
                    }
                }
            });
        });
        await killer!;
        return result;
    }

    private async Task<int?> AwaitAgentAsync(int client)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (FindAgent() is null && ProcessWatch.CommandLineOf(client) is { Length: > 0 })
        {
            await poll.WaitForNextTickAsync();
        }

        return FindAgent();
    }

    /// <summary>An agent whose caller was killed writes until it notices: what is looked at meanwhile changes below the look.</summary>
    private async Task AwaitNoAgentAsync()
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (FindAgent() is not null)
        {
            Assert.True(await poll.WaitForNextTickAsync(patience.Token), "the agent stays");
        }
    }

    /// <summary>The serving process below the private sshd, or null when it has not started or has ended.</summary>
    private int? FindAgent() => ProcessWatch.Descendants(server.Ssh.ProcessId).Select(id => (int?)id).FirstOrDefault(id => ProcessWatch.CommandLineOf(id!.Value) is { } line && RemoteRun.IsAgent(line));

    private static void MustBeOldOrNew(Manifest found, Manifest old, Manifest wanted, string story)
    {
        List<string> torn = [];
        foreach (string path in found.Paths.Where(p => found[p, "type"] == "f"))
        {
            string? content = found[path, "sha256"];
            bool ours = path.Contains("/.", StringComparison.Ordinal) || path.StartsWith('.');
            if (content != old[path, "sha256"] && content != wanted[path, "sha256"] && !ours)
            {
                torn.Add(path);
            }
        }

        torn.AddRange(old.Paths.Where(p => found[p, "type"] is null && wanted[p, "type"] is not null).Select(p => p + " is gone"));
        Assert.True(torn.Count == 0, $"neither old nor new: {string.Join(", ", torn.Take(10))}\n{story}");
    }
}
