using System.Text.Json.Nodes;
using NativeSync.Migration.Api;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>Migrations of a small tree to real disks behind a rescue system that takes a password and nothing else.</summary>
public sealed class PasswordMigrationTests
{
    [Fact]
    public async Task ATreeArrivesOnTheDisksThatTheIdsNameAndADiskThatCannotTakeItIsNamed()
    {
        await using CloudLab lab = await CloudLab.CreateAsync(data: [(null, 64)]);
        using SmallServer source = new();
        lab.WriteTool(lab.Scratch["tool"], dataDisks: ["/mnt/disk1"], client: new JsonObject { ["Client.Source.Root"] = source.Root, ["Client.Disks.Format"] = "empty" });

        // A directory has no type that could be made: the disk stays as it is, and the user is told.
        CommandResult refused = await RunAsync(lab);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("virtio-disk-data0001 has no file system; make one (for example: mkfs.ext4", refused.Error, StringComparison.Ordinal);
        Assert.Contains("Please execute '--clean' option manually.\n", refused.Output, StringComparison.Ordinal);
        await Command.ShellAsync($"mkfs.ext4 -q -F /dev/{lab.Disks[1].Whole}");

        CommandResult done = (await RunAsync(lab, "--json")).MustExit(0);
        JsonNode[] events = [.. done.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!)];
        Assert.Contains(events, e => e["event"]!.GetValue<string>() == "say" && e["text"]!.GetValue<string>() == "Migrate successfully.");
        Assert.Equal(0, events[^1]["code"]!.GetValue<int>());
        Assert.Equal([], lab.Rescue.MountedAtExit!);
        Assert.Equal([], lab.Rescue.RunningAtExit!);
        Assert.Equal(InstanceStates.Running, lab.Instance.State);
        Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, lab.Instance.Accepted);

        await TreeJudge.MustBeEqualAsync(source.Data, await lab.LookAsync(1));
        await source.RemoveDataAsync();
        await TreeJudge.MustBeEqualAsync(source.Root, await lab.LookAsync(0));
        string everything = await File.ReadAllTextAsync(Path.Combine(lab.Scratch["tool"], "log")) + await File.ReadAllTextAsync(Path.Combine(lab.Scratch["tool"], ".nativesync/state.json"))
            + await File.ReadAllTextAsync(Path.Combine(lab.Scratch["tool"], "report.json")) + await File.ReadAllTextAsync(Path.Combine(lab.Scratch["tool"], "report.txt"));
        Assert.DoesNotContain(lab.Rescue.Password!, everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARescueSystemThatIsAnotherThanBeforeIsNotTrusted()
    {
        await using CloudLab lab = await CloudLab.CreateAsync();
        using SmallServer source = new();

        // A disk without room ends the first run in stage 2, when the host key is known.
        string at = await lab.Disks[0].MountAsync(lab.Scratch["filled"], "rw");
        await Command.ShellAsync($"head -c 200000000 /dev/zero >'{at}/var/full' 2>/dev/null || true");
        await LoopDisk.UnmountAsync(at);
        lab.WriteTool(lab.Scratch["tool"], client: new JsonObject { ["Client.Source.Root"] = source.Root }, excludes: "/var/full\n");
        CommandResult full = await RunAsync(lab);
        Assert.Equal(1, full.ExitCode);
        Assert.Contains(full.ErrorLines, l => DocumentedMessages.Fits("nativesync: " + DocumentedMessages.Of("destination full"), l));

        await lab.Rescue.ReplaceAsync("another-Password1", newHostKey: false);
        MustSay(await RunAsync(lab), "rescue system refuses the password");
        await lab.Rescue.ReplaceAsync(lab.Rescue.Password!, newHostKey: true);
        MustSay(await RunAsync(lab), "rescue system shows another host key");
        await lab.Rescue.StopAsync(CancellationToken.None);
        MustSay(await RunAsync(lab), "data port does not answer");
        await lab.Rescue.ReplaceAsync(lab.Rescue.Password!, newHostKey: false);

        CommandResult clean = (await RunAsync(lab, "-clean")).MustExit(0);
        Assert.Contains("ins-1a2b3c4d has left migration mode; the tool has forgotten the migration.\n", clean.Output, StringComparison.Ordinal);
        Assert.Equal(InstanceStates.Running, lab.Instance.State);

        static void MustSay(CommandResult result, string situation)
            => Assert.True(result.ExitCode == 1 && result.ErrorLines.Any(l => DocumentedMessages.Fits("nativesync: " + DocumentedMessages.Of(situation), l)), result.ToString());
    }

    [Fact]
    public async Task TheExitCodeOfACheckIsThatOfTheWorstLineAndNothingIsChanged()
    {
        await using CloudLab lab = await CloudLab.CreateAsync();
        using SmallServer source = new();
        string tool = lab.Scratch["tool"];
        lab.WriteTool(tool, client: new JsonObject { ["Client.Source.Root"] = source.Root });
        Assert.Contains("\nWARN  way to the instance: 127.0.0.1:", (await RunAsync(lab, "--check")).MustExit(3).Output, StringComparison.Ordinal);
        await lab.Rescue.StartAsync(CancellationToken.None); // The instance's own system.
        CommandResult fine = (await RunAsync(lab, "--check")).MustExit(0);
        Assert.All(fine.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), l => Assert.StartsWith("OK    ", l, StringComparison.Ordinal));
        File.SetUnixFileMode(tool + "/user.json", (UnixFileMode)0x1A4); // 644
        Assert.Contains("\nWARN  configuration: user.json: other users", (await RunAsync(lab, "-check")).MustExit(3).Output, StringComparison.Ordinal);
        lab.Instance.RestrictState = "EXPIRED";
        CommandResult expired = (await RunAsync(lab, "--check", "--json")).MustExit(1);
        Assert.Contains("\"verdict\":\"FAIL\",\"subject\":\"ins-1a2b3c4d\",\"finding\":\"it is expired (EXPIRED)\",\"remedy\":\"renew it in the console\"", expired.Output, StringComparison.Ordinal);
        Assert.Empty(lab.Instance.Accepted);
        Assert.False(Directory.Exists(tool + "/.nativesync"));
    }

    [Fact]
    public async Task AMigrationInTheBackgroundShowsWhatItDoesInAFile()
    {
        await using CloudLab lab = await CloudLab.CreateAsync();
        using SmallServer source = new();
        lab.WriteTool(lab.Scratch["tool"], client: new JsonObject { ["Client.Source.Root"] = source.Root, ["Client.Extra.Daemon"] = true });
        CommandResult started = (await RunAsync(lab)).MustExit(0);
        Assert.StartsWith("Running in the background as process ", started.Output, StringComparison.Ordinal);
        int id = int.Parse(started.Output.Split(' ', ';')[6], System.Globalization.CultureInfo.InvariantCulture);
        using (System.Diagnostics.Process? process = Find(id))
        {
            if (process is not null)
            {
                await process.WaitForExitAsync();
            }
        }

        string console = Path.Combine(lab.Scratch["tool"], "console");
        Assert.EndsWith("\nMigrate successfully.\n", await File.ReadAllTextAsync(console), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(console));
    }

    private static System.Diagnostics.Process? Find(int id)
    {
        try
        {
            return System.Diagnostics.Process.GetProcessById(id);
        }
        catch (ArgumentException)
        {
            return null; // Done already.
        }
    }

    private static Task<CommandResult> RunAsync(CloudLab lab, params string[] arguments)
        => Command.RunAsync([Path.Combine(lab.Scratch["tool"], "nativesync"), .. arguments]);
}
