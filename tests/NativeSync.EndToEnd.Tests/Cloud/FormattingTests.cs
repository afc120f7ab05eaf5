using System.Text.Json.Nodes;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>An empty data disk gets the file system that the source has, with its UUID and label; ext4 is the Debian's.</summary>
public sealed class FormattingTests
{
    private const int Mebibytes = 320; // The least that XFS takes is 300.

    [Theory]
    [InlineData("xfs", "ro,nouuid")]
    [InlineData("btrfs", "ro")]
    public async Task AnEmptyDiskGetsTheSourcesFileSystemAndIsMadeOnce(string type, string look)
    {
        await using CloudLab lab = await CloudLab.CreateAsync(data: [(null, Mebibytes)]);
        using SmallServer source = new();
        await using LoopDisk disk = await LoopDisk.CreateAsync(lab.Scratch.Root, "disk-source", Mebibytes, $"mkfs.{type} -q -f -L data", partitioned: false);
        string at = await disk.MountAsync(lab.Scratch["fill"], "rw");
        await Command.ShellAsync($"cp -a '{source.Data}'/. '{at}' && setfattr -n user.comment -v migrated '{at}/table 1'");
        await LoopDisk.UnmountAsync(at);
        await disk.MountAsync(source.Data, "ro");
        try
        {
            lab.WriteTool(lab.Scratch["tool"], dataDisks: ["/mnt/disk1"], client: new JsonObject { ["Client.Source.Root"] = source.Root, ["Client.Disks.Format"] = "empty" });
            CommandResult done = (await Command.RunAsync([lab.Scratch["tool"] + "/nativesync"])).MustExit(0);
            Assert.EndsWith("\nMigrate successfully.\n", done.Output, StringComparison.Ordinal);
            Assert.Equal([], lab.Rescue.MountedAtExit!);
            foreach (string tag in (string[])["TYPE", "UUID", "LABEL"])
            {
                Assert.NotEqual("", await disk.NameAsync(tag));
                Assert.Equal(await disk.NameAsync(tag), await lab.Disks[1].NameAsync(tag));
            }

            JsonNode state = JsonNode.Parse(await File.ReadAllTextAsync(lab.Scratch["tool"] + "/.nativesync/state.json"))!;
            Assert.Equal(await disk.NameAsync("UUID"), state["Disks"]![1]!["Uuid"]!.GetValue<string>());
            Assert.Equal([1], state["Formatted"]!.AsArray().Select(n => n!.GetValue<int>()));
            await TreeJudge.MustBeEqualAsync(source.Data, await lab.LookAsync(1, look));
        }
        finally
        {
            await Command.RunAsync(["umount", source.Data]);
        }
    }
}
