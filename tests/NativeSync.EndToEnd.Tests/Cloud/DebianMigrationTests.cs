using System.Text.Json.Nodes;
using NativeSync.Migration.Api;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>
/// A Debian as "/" of mount and process namespaces of its own, migrated by the static executable inside it to disks behind a
/// rescue system with password login, and judged by rsync and the manifest tool.
/// </summary>
[Trait("Category", "Slow")]
public sealed class DebianMigrationTests
{
    private const string ToolDirectory = "root/migration";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ADebianArrivesWholeWithItsDataDisks(int dataDisks)
    {
        string[] mountPoints = ["/srv/data", "/srv/data/inner"]; // the second inside the first
        await using CloudLab lab = await CloudLab.CreateAsync(640, [.. Enumerable.Range(1, dataDisks).Select(i => (i == 2 ? null : "mkfs.ext4 -q -F", 160))]);
        List<LoopDisk> disks = [];
        try
        {
            disks.Add(await LoopDisk.CreateAsync(lab.Scratch.Root, "disk-source", 640, "mkfs.ext4 -q -F -L debian", partitioned: true));
            for (int i = 1; i <= dataDisks; i++)
            {
                disks.Add(await LoopDisk.CreateAsync(lab.Scratch.Root, $"disk-source{i}", 160, $"mkfs.ext4 -q -F -L data{i}", partitioned: false));
            }

            await FillAsync(lab, disks, mountPoints);
            string mounts = string.Join(' ', disks.Select((d, i) => $"{d.Holder}:{(i == 0 ? "/" : mountPoints[i - 1])}"));
            string root = Directory.CreateDirectory(lab.Scratch["root"]).FullName;
            CommandResult done = await Command.RunAsync(
            [
                "unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "/bin/sh", Path.Combine(TestRun.Repository, "tests/tools/as-root.sh"),
                root, mounts, $"/{ToolDirectory}/nativesync",
            ]);
            done.MustExit(0);
            Assert.Contains("\nMigrate successfully.\n", done.Output, StringComparison.Ordinal);
            Assert.Equal([], lab.Rescue.MountedAtExit!);
            Assert.Equal(InstanceStates.Running, lab.Instance.State);

            for (int i = 0; i <= dataDisks; i++)
            {
                string source = await disks[i].MountAsync(lab.Scratch[$"source{i}"], "rw");
                string arrived = await lab.LookAsync(i);
                if (i == 0)
                {
                    await RemoveToolAsync(source);
                }

                // A running server shows the root of what is mounted in the place of each mount point.
                foreach (string point in i == 0 ? ["dev", "proc", "srv/data"] : i == 1 && dataDisks == 2 ? (string[])["inner"] : [])
                {
                    await Command.ShellAsync($"chmod --reference='{arrived}/{point}' '{source}/{point}'; touch -r '{arrived}/{point}' '{source}/{point}'");
                }

                await TreeJudge.MustBeEqualAsync(source, arrived);
            }

            // What was made, all of them or the one that was empty, is as the source's; what was there stayed.
            for (int i = 0; i <= dataDisks; i++)
            {
                bool made = dataDisks == 1 || i == 2;
                Assert.Equal(made, await disks[i].NameAsync("UUID") == await lab.Disks[i].NameAsync("UUID"));
                Assert.Equal(made ? await disks[i].NameAsync("LABEL") : "", await lab.Disks[i].NameAsync("LABEL"));
            }
        }
        finally
        {
            foreach (string mount in Directory.EnumerateDirectories(lab.Scratch.Root, "source*"))
            {
                await Command.RunAsync(["umount", "-q", "-l", mount]);
            }

            foreach (LoopDisk disk in disks)
            {
                await disk.DisposeAsync();
            }
        }
    }

    private static async Task FillAsync(CloudLab lab, List<LoopDisk> disks, string[] mountPoints)
    {
        string system = await disks[0].MountAsync(lab.Scratch["fill"], "rw");
        await DebianRoot.UnpackAsync(system);
        Directory.CreateDirectory(system + "/srv/data");
        lab.WriteTool(
            Path.Combine(system, ToolDirectory), dataDisks: mountPoints[..(disks.Count - 1)],
            client: new JsonObject { ["Client.Disks.Format"] = disks.Count == 2 ? "all" : "empty", ["Client.Fixups.Skip"] = new JsonArray("all") });

        // Whatever its place and name: files that only a careful copy keeps.
        await Command.ShellAsync($"""
            cd '{system}/var/lib'
            mkdir odd && cd odd
            printf x >"$(printf 'name\nwith newline')"; printf y >"$(printf '\377\376')"
            ln ./*newline hardlink; ln -s /nowhere dangling; mkfifo fifo; mknod device c 1 3
            truncate -s 40M holes; printf z | dd of=holes bs=1 seek=20000000 conv=notrunc status=none
            setfattr -n user.comment -v migrated hardlink; setfacl -m u:1:r holes
            touch -d '1969-12-31 12:00:00.123456789' hardlink
            """);
        await LoopDisk.UnmountAsync(system);
        for (int i = 1; i < disks.Count; i++)
        {
            string data = await disks[i].MountAsync(lab.Scratch["fill"], "rw");
            await Command.ShellAsync($"cd '{data}'; [ {i} = 2 ] || mkdir inner; mkdir -p tables/{i}; seq 1 200000 >tables/{i}/numbers; head -c 3000000 /dev/urandom >random; ln random again");
            await LoopDisk.UnmountAsync(data);
        }
    }

    /// <summary>The tool's own directory is not carried: takes it away without a trace in its parent's time.</summary>
    private static Task RemoveToolAsync(string source)
    {
        string tool = Path.Combine(source, ToolDirectory), parent = Path.GetDirectoryName(tool)!;
        return Command.ShellAsync($"touch -r '{parent}' '{source}/../time'; rm -rf '{tool}'; touch -r '{source}/../time' '{parent}'");
    }
}
