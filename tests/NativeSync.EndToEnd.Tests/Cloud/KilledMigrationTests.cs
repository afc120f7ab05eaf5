using System.Diagnostics;
using System.Text.Json.Nodes;
using NativeSync.Migration.Api;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>
/// The tool killed with SIGKILL after each of its state records, against a real rescue system. RestartTests does the same
/// with doubles, in every mode and also in quick runs.
/// </summary>
[Trait("Category", "Slow")]
public sealed class KilledMigrationTests
{
    [Fact]
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

    /// <returns>Whether it was killed; false when it had ended before so many records.</returns>
    private static async Task<bool> RunUntilRecordAsync(CloudLab lab, int record)
    {
        string directory = Directory.CreateDirectory(Path.Combine(lab.Scratch["tool"], ".nativesync")).FullName;
        using FileSystemWatcher watcher = new(directory, "state.json") { NotifyFilter = NotifyFilters.FileName };
        using Process process = Process.Start(Command.StartInfo([lab.Scratch["tool"] + "/nativesync"]))!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        int records = 0;
        bool killed = false;
        watcher.Renamed += (_, _) =>
        {
            if (Interlocked.Increment(ref records) == record)
            {
                killed = true;
                process.Kill();
            }
        };
        watcher.EnableRaisingEvents = true;
        await process.WaitForExitAsync();
        _ = (await output, await error);
        return killed;
    }
}
