using System.Text.Json.Nodes;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>A migration whose line is cut in the middle of the data, with nothing configured for that.</summary>
public sealed class CutLineTests
{
    private const long Size = 24 << 20;

    [Fact]
    public async Task ALineThatIsCutAmongTheDataIsConnectedAgainAndTheMigrationCompletes()
    {
        using CountedLine line = new();
        await using CloudLab lab = await CloudLab.CreateAsync(line: line);
        using SmallServer source = new();
        string large = Path.Combine(source.Root, "var/lib/app/large");
        await Command.ShellAsync($"head -c {Size} /dev/urandom >'{large}'");
        lab.WriteTool(lab.Scratch["tool"], client: new JsonObject { ["Client.Source.Root"] = source.Root, ["Client.Rsync.BandwidthLimit"] = 12_000 });
        Task? cutter = null;
        CommandResult done = await Command.RunAsync([lab.Scratch["tool"] + "/nativesync"], started: process => cutter = Task.Run(async () =>
        {
            await RemoteRun.UntilAsync(() => lab.Rescue.LargestPartial() > Size / 3, process.Id);
            line.Cut();
            await RemoteRun.UntilAsync(() => lab.Rescue.LargestPartial() > Size * 2 / 3, process.Id);
            line.Cut();
        }));
        await cutter!;
        done.MustExit(0);
        Assert.EndsWith("\nMigrate successfully.\n", done.Output, StringComparison.Ordinal);
        string said = done.Output + done.Error;
        Assert.Equal(2, said.Split("; connecting again in 1 s\n").Length - 1);
        Assert.Equal(2, said.Split(": connected again, going on\n").Length - 1);
        Assert.Equal([], lab.Rescue.MountedAtExit!);
        Assert.Equal([], lab.Rescue.RunningAtExit!);
        Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, lab.Instance.Accepted);
        await TreeJudge.MustBeEqualAsync(source.Root, await lab.LookAsync(0));
    }
}
