using System.Diagnostics;
using System.Text.Json.Nodes;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>A migration whose line is cut, with nothing configured for that: in the middle of the data, of the comparison and of the fix-ups.</summary>
public sealed class CutLineTests
{
    private const long Size = 24 << 20;

    /// <summary>More than what 100 KiB a second bring in one and a half.</summary>
    private const long Slow = 400 << 10;

    /// <summary>What those of 600 files take on the line at least.</summary>
    private const long Digests = 600 * 16;

    /// <summary>Less than what connecting takes.</summary>
    private const long Login = 3000;

    [Trait("Category", "Slow")]
    [Fact]
    public async Task ALineThatIsCutAmongTheDataIsConnectedAgainAndTheMigrationCompletes()
    {
        using CountedLine line = new();
        await using CloudLab lab = await CloudLab.CreateAsync(line: line);
        using SmallServer source = new();
        string large = Path.Combine(source.Root, "var/lib/app/large");
        await Command.ShellAsync($"head -c {Size} /dev/urandom >'{large}'");
        lab.WriteTool(lab.Scratch["tool"], client: new JsonObject { ["Client.Source.Root"] = source.Root, ["Client.Rsync.BandwidthLimit"] = 6_000 });
        Task? cutter = null;
        Stopwatch raised = new();
        string client = lab.Scratch["tool/client.json"], before = await File.ReadAllTextAsync(client);
        Assert.Contains("6000", before, StringComparison.Ordinal);
        CommandResult done = await Command.RunAsync([lab.Scratch["tool"] + "/nativesync"], started: process => cutter = Task.Run(async () =>
        {
            // The limit is changed among the data, too: less comes through, and then more again.
            await RemoteRun.UntilAsync(() => lab.Rescue.LargestPartial() > Size / 6, process.Id);
            await File.WriteAllTextAsync(client, before.Replace("6000", "100", StringComparison.Ordinal));
            (long moved, long since) = (0, 0);
            await RemoteRun.UntilAsync(
                () =>
                {
                    (moved, since) = since == 0 || line.Moved > moved + Slow ? (line.Moved, Stopwatch.GetTimestamp()) : (moved, since);
                    return Stopwatch.GetElapsedTime(since).TotalSeconds >= 1.5;
                },
                process.Id);
            await File.WriteAllTextAsync(client, before);
            raised.Start();
            await RemoteRun.UntilAsync(() => lab.Rescue.LargestPartial() > Size / 3, process.Id);
            line.Cut();
            await RemoteRun.UntilAsync(() => lab.Rescue.LargestPartial() > Size * 2 / 3, process.Id);
            line.Cut();
        }));
        await cutter!;
        done.MustExit(0);
        Assert.True(raised.Elapsed.TotalSeconds < 120, $"the limit was not raised again: {done}");
        Assert.EndsWith("\nMigrate successfully.\n", done.Output, StringComparison.Ordinal);
        string said = done.Output + done.Error;
        Assert.Equal(2, said.Split("; connecting again in 1 s\n").Length - 1);
        Assert.Equal(2, said.Split(": connected again, going on\n").Length - 1);
        Assert.Equal([], lab.Rescue.MountedAtExit!);
        Assert.Equal([], lab.Rescue.RunningAtExit!);
        Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, lab.Instance.Accepted);
        await TreeJudge.MustBeEqualAsync(source.Root, await lab.LookAsync(0));
    }

    [Fact]
    public async Task ALineThatIsCutWhileBothSidesAreComparedAndWhileTheFixUpsRunIsConnectedAgainAndNothingIsDoneTwice()
    {
        using CountedLine line = new();
        await using CloudLab lab = await CloudLab.CreateAsync(line: line);
        using SmallServer source = new();
        Directory.CreateDirectory(Path.Combine(source.Root, "run"));
        await Command.ShellAsync($"cd '{source.Root}/usr/lib' && i=0 && while [ $i -lt 600 ]; do echo $i >digest$i; i=$((i + 1)); done");
        File.Copy(await TestTool.CompileAsync("slowshell", "-static"), Path.Combine(source.Root, "bin/sh"));
        string moved = lab.Scratch["moved"], on = lab.Scratch["on"], state = lab.Scratch["tool/.nativesync/state.json"];
        lab.WriteTool(lab.Scratch["tool"], client: new JsonObject
        {
            ["Client.Source.Root"] = source.Root,
            ["Client.Transfer.Hooks"] = new JsonObject { ["AfterPass"] = $"touch '{moved}'; while [ ! -e '{on}' ]; do sleep 0.02; done" },
            ["Client.Fixups.Skip"] = new JsonArray(),
            ["Client.Fixups.Only"] = new JsonArray("hook-before"),
            ["Client.Fixups.Before"] = "whatever",
        });
        Task? cutter = null;
        int seen = 0;
        CommandResult done = await Command.RunAsync([lab.Scratch["tool"] + "/nativesync"], started: process => cutter = Task.Run(async () =>
        {
            await RemoteRun.UntilAsync(() => File.Exists(moved), process.Id);
            line.CutAfter(Digests / 2);
            await File.WriteAllTextAsync(on, "");
            await RemoteRun.UntilAsync(() => RunsOf(lab) > 0, process.Id);
            seen = RunsOf(lab);
            long before = line.Moved;
            line.Cut();

            // Only when it is on its way again.
            await RemoteRun.UntilAsync(() => line.Moved > before + Login, process.Id);
            await File.WriteAllTextAsync(lab.Rescue.OnSystemDisk("var/go"), "");
        }));
        await cutter!;
        done.MustExit(0);
        string said = done.Output + done.Error;
        foreach (string part in (string[])["system disk", "Make the copied system boot"])
        {
            Assert.Matches($"(?m)^.*{part}.*; connecting again in 1 s$", said);
            Assert.Matches($"(?m)^.*{part}: connected again, going on$", said);
        }

        Assert.Equal(1, seen);
        Assert.Equal([], lab.Rescue.MountedAtExit!);
        Assert.Equal([], lab.Rescue.RunningAtExit!);
        Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, lab.Instance.Accepted);
        JsonNode told = JsonNode.Parse(await File.ReadAllTextAsync(state))!;
        Assert.Equal("changed", told["Fixups"]!.AsArray().Single(f => (string?)f!["Name"] == "hook-before")!["Outcome"]!.GetValue<string>());
        Assert.Single(told["Passes"]!.AsArray());
        string system = await lab.LookAsync(0, "rw");
        Assert.Equal("x", await File.ReadAllTextAsync(Path.Combine(system, "var/runs")));
        await Command.ShellAsync($"cd '{system}/var' && rm -r runs go && touch -r '{source.Root}/var' .");
        await TreeJudge.MustBeEqualAsync(source.Root, system);
    }

    /// <summary>Runs of the command in the copied system.</summary>
    private static int RunsOf(CloudLab lab)
    {
        try
        {
            return (int)new FileInfo(lab.Rescue.OnSystemDisk("var/runs")).Length;
        }
        catch (IOException)
        {
            return 0; // Not yet.
        }
    }
}
