using System.Diagnostics;
using System.Text.Json.Nodes;
using NativeSync.Migration.Api;
using NativeSync.Migration.Simulator;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>
/// The tool killed with SIGKILL after each of its state records, against a real rescue system. RestartTests does the same
/// with doubles, exactly at each record, in every mode and also in quick runs.
/// </summary>
public sealed class KilledMigrationTests
{
    [Fact]
    [Trait("Category", "Slow")]
    public async Task KilledAfterEachRecordTheNextRunCompletesRepeatsNothingAndLeavesNothingBehind()
    {
        for (int record = 1; ; record++)
        {
            await using CloudLab lab = await CloudLab.CreateAsync();
            using SmallServer source = new();
            lab.WriteTool(lab.Scratch["tool"], client: new JsonObject { ["Client.Source.Root"] = source.Root });
            bool killed = await RunUntilRecordAsync(lab, record);
            CommandResult done = (await Command.RunAsync([lab.Scratch["tool"] + "/nativesync"])).MustExit(0);
            Assert.EndsWith("\nMigrate successfully.\n", "\n" + done.Output, StringComparison.Ordinal);
            Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, lab.Instance.Accepted);
            Assert.Equal(InstanceStates.Running, lab.Instance.State);
            Assert.Equal([], lab.Rescue.MountedAtExit!);
            await TreeJudge.MustBeEqualAsync(source.Root, await lab.LookAsync(0));
            if (!killed)
            {
                return;
            }
        }
    }

    /// <summary>Killed once for everything new that the state says, one process each, the migration gets on to its end.</summary>
    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task KilledAtEachNewRecordOfOneMigrationInEveryModeItGetsThrough(int mode)
    {
        await using LoopbackProxy? proxy = mode == 3 ? new("migration", "right_password", TimeProvider.System) : null;
        await using CloudLab lab = await CloudLab.CreateAsync();
        using SmallServer source = new();
        JsonObject client = new() { ["Client.Source.Root"] = source.Root };
        if (proxy is not null)
        {
            client["Client.Net.Proxy.Ip"] = "127.0.0.1";
            client["Client.Net.Proxy.Port"] = proxy.Port;
            client["Client.Net.Proxy.User"] = "migration";
            client["Client.Net.Proxy.Password"] = "right_password";
        }

        string tool = lab.Scratch["tool"];
        lab.WriteTool(tool, mode, client: client);
        HashSet<string> seen = [];
        int kills = 0;
        List<string> prompts = [];
        while (prompts is not [.., "Migrate successfully."])
        {
            if (await RunUntilNewsAsync(tool, seen) is not { } output)
            {
                kills++;
                continue;
            }

            prompts.Add(output.TrimEnd('\n').Split('\n')[^1]);
            await Command.ShellAsync($"cp -a '{tool}' '{tool}-{prompts.Count}'"); // In scenario 1 from machine to machine.
            tool = mode == 1 ? $"{tool}-{prompts.Count}" : tool;
        }

        Assert.Equal(mode == 1 ? 3 : 1, prompts.Count);
        Assert.InRange(kills, 20, 80);
        Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, lab.Instance.Accepted);
        Assert.Equal(InstanceStates.Running, lab.Instance.State);
        Assert.Equal([], lab.Rescue.MountedAtExit!);
        Assert.Equal([], lab.Rescue.RunningAtExit!);
        Assert.DoesNotContain(lab.Rescue.Password ?? "none", await File.ReadAllTextAsync(tool + "/.nativesync/state.json"), StringComparison.Ordinal);
        await TreeJudge.MustBeEqualAsync(source.Root, await lab.LookAsync(0));
    }

    /// <returns>What it wrote, or null when it was killed at something that the state had not said before.</returns>
    private static async Task<string?> RunUntilNewsAsync(string tool, HashSet<string> seen)
    {
        string directory = Directory.CreateDirectory(Path.Combine(tool, ".nativesync")).FullName;
        using FileSystemWatcher watcher = new(directory, "state.json") { NotifyFilter = NotifyFilters.FileName };
        using Process process = Process.Start(Command.StartInfo([tool + "/nativesync"]))!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        bool killed = false, isOver = false;
        Lock gate = new();
        watcher.Renamed += (_, _) =>
        {
            lock (gate)
            {
                if (isOver)
                {
                    return;
                }

                JsonNode state = JsonNode.Parse(File.ReadAllText(Path.Combine(directory, "state.json")))!;
                string steps = string.Join(' ', state["Steps"]!.AsArray().Select(s => $"{s!["Name"]}{(s["DoneAt"] is null ? "?" : "")}"));
                if (seen.Add($"{steps}, {state["Passes"]!.AsArray().Count} passes, {state["Rescue"]?["HostKey"]}") && !killed)
                {
                    killed = true;
                    process.Kill();
                }
            }
        };
        watcher.EnableRaisingEvents = true;
        await process.WaitForExitAsync();
        string text = await output;
        lock (gate)
        {
            isOver = true; // what is told late finds no process
        }

        Assert.True(killed || process.ExitCode == 0, text + await error);
        return killed ? null : text;
    }

    /// <returns>Whether it was killed; false when it had ended before so many records.</returns>
    private static async Task<bool> RunUntilRecordAsync(CloudLab lab, int record)
    {
        string directory = Directory.CreateDirectory(Path.Combine(lab.Scratch["tool"], ".nativesync")).FullName;
        using FileSystemWatcher watcher = new(directory, "state.json") { NotifyFilter = NotifyFilters.FileName };
        using Process process = Process.Start(Command.StartInfo([lab.Scratch["tool"] + "/nativesync"]))!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        int records = 0;
        bool killed = false, isOver = false;
        Lock gate = new();
        watcher.Renamed += (_, _) =>
        {
            lock (gate)
            {
                if (!isOver && ++records == record)
                {
                    killed = true;
                    process.Kill();
                }
            }
        };
        watcher.EnableRaisingEvents = true;
        await process.WaitForExitAsync();
        _ = (await output, await error);
        lock (gate)
        {
            isOver = true;
            return killed;
        }
    }
}
