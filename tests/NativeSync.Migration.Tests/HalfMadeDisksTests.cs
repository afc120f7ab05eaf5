using System.Diagnostics;
using System.Text;
using NativeSync.Engine;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;
/// <summary>What was killed half-way is made again and nothing else is, also when names have changed meanwhile.</summary>
public sealed class HalfMadeDisksTests : DoublesOfDisks
{
    /// <summary>It is the partition that it was to be, and not the one that firmware starts from, which is all that can be mounted now.</summary>
    [Fact]
    public async Task AFileSystemWhoseMakingWasKilledIsMadeAgain()
    {
        Partition(SystemDisk, "-part1", "EFI");
        Partition(SystemDisk, "-part2", "etc", "usr");
        File.WriteAllText(Path.Combine(Root, "kind", $"virtio-{SystemDisk}-part1"), "vfat\n");
        File.WriteAllText(Path.Combine(Root, "killed"), "");
        List<int> formatted = [];
        DiskAssignment[] disks = [new() { Index = 0, DiskId = SystemDisk, SourceType = "ext4" }];
        int? saved = null;
        MountedDiskLayout layout = new(new ClientSettings { Format = FormatConsent.All }, formatted, () => saved = disks[0].Partition, "this");
        await Assert.ThrowsAsync<MigrationException>(() => layout.PrepareAsync(new ShellRescue(Root), Plan(0), disks, CancellationToken.None));
        Assert.Equal(2, saved);
        Assert.Empty(formatted);

        // The rescue system is started anew, and knows nothing.
        Restart();
        await layout.PrepareAsync(new ShellRescue(Root), Plan(0), disks, CancellationToken.None);
        string root = $"{Root}/by-id/virtio-{SystemDisk}-part2";
        Assert.Equal([root], Made);
        Assert.Equal(root, disks[0].Device);
        Assert.Equal([0], formatted);

        // Neither does it later; there is no system on it yet.
        Restart();
        await layout.PrepareAsync(new ShellRescue(Root), Plan(0), disks, CancellationToken.None);
        Assert.Equal([root], Made);
        Assert.Equal(root, disks[0].Device);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ThePartitionThatFirmwareStartsFromNeverTakesTheSystem(bool byTable)
    {
        Partition(SystemDisk, "-part1", "EFI", "etc", "usr");
        File.WriteAllText(Path.Combine(Root, "by-id", $"virtio-{SystemDisk}-part2"), "");
        if (byTable)
        {
            Stub("blkid", "case \"$*\" in *PART_ENTRY_TYPE*-part1) echo c12a7328-f81f-11d2-ba4b-00a0c93ec93b;; esac\n");
        }
        else
        {
            File.WriteAllText(Path.Combine(Root, "kind", $"virtio-{SystemDisk}-part1"), "vfat\n");
        }

        foreach (FormatConsent format in (FormatConsent[])[FormatConsent.Never, FormatConsent.All])
        {
            MountedDiskLayout layout = new(new ClientSettings { Format = format }, [], null, "this");
            DiskAssignment[] disks = [new() { Index = 0, DiskId = SystemDisk, SourceType = "ext4" }];
            MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => layout.PrepareAsync(new ShellRescue(Root), Plan(0), disks, CancellationToken.None));
            Assert.Contains("no partition of", e.Message, StringComparison.Ordinal);
            Assert.Empty(Begun);
        }

        // An empty file system beside it, made by somebody, is the one that is meant.
        Partition(SystemDisk, "-part2", "lost+found");
        await PrepareAsync(new ShellRescue(Root), [], "this", CancellationToken.None, 0);
        Assert.Equal([$"{Root}/by-id/virtio-{SystemDisk}-part2"], Made);
    }

    [Fact]
    public async Task WhatWasKilledWhileItLookedMisleadsNobody()
    {
        Partition(SystemDisk, "-part1", "EFI");
        Partition(SystemDisk, "-part2", "etc", "usr");
        File.WriteAllText(Path.Combine(Root, "killed-looking"), "");
        await Assert.ThrowsAsync<MigrationException>(() => PrepareAsync(0));
        Assert.Contains("-part1 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
        await PrepareAsync(0);
        Assert.Contains($"{SystemDisk}-part2 {Root}/mnt/system ", File.ReadAllText(Mounts), StringComparison.Ordinal);
        Assert.DoesNotContain("-part1 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
    }

    /// <summary>The notes outlast a restart where /mnt is on a disk, and the kernel's names do not: disk 1 is what disk 2 was.</summary>
    [Fact]
    public async Task DisksThatChangedTheirNamesAreKnownByTheirIds()
    {
        string[] ids = ["disk-data0001", "disk-data0002"];
        Stub("sfdisk", "cat >/dev/null\nfor d; do :; done\n: > \"${d}1\"\n");
        Attach("vdb", "vdc");
        List<int> formatted = [];
        MountedDiskLayout layout = new(new ClientSettings { Format = FormatConsent.All, Partition = TableConsent.All }, formatted, null, "this");
        await PrepareBothAsync();
        Assert.Equal([$"{Root}/vdb1", $"{Root}/vdc1"], Made);
        Directory.CreateDirectory(Path.Combine(Root, "vdb1.fs/first"));
        Directory.CreateDirectory(Path.Combine(Root, "vdc1.fs/second"));

        Restart(keepsNotes: true);
        foreach ((string from, string to) in (ReadOnlySpan<(string, string)>)[("vdb1.fs", "x"), ("vdc1.fs", "vdb1.fs"), ("x", "vdc1.fs")])
        {
            Directory.Move(Path.Combine(Root, from), Path.Combine(Root, to));
        }

        Attach("vdc", "vdb");
        await PrepareBothAsync();
        MustBeRight();

        // Also what is mounted is, by whatever came before: another disk's makes room.
        string mounts = File.ReadAllText(Mounts).Replace("vdb1", "x", StringComparison.Ordinal).Replace("vdc1", "vdb1", StringComparison.Ordinal).Replace("x ", "vdc1 ", StringComparison.Ordinal);
        File.WriteAllText(Mounts, mounts);
        await PrepareBothAsync();
        MustBeRight();

        // Another disk in the place of the first has not been made.
        await layout.ReleaseAsync(new ShellRescue(Root), CancellationToken.None);
        formatted.Clear();
        ids[0] = "disk-data0003";
        Attach("vdd", "vdb");
        await PrepareBothAsync();
        Assert.Equal([$"{Root}/vdb1", $"{Root}/vdc1", $"{Root}/vdd1"], Made);

        Task PrepareBothAsync() => layout.PrepareAsync(
            new ShellRescue(Root), Plan(1, 2), [new DiskAssignment { Index = 1, DiskId = ids[0], SourceType = "ext4" }, new DiskAssignment { Index = 2, DiskId = ids[1], SourceType = "ext4" }], CancellationToken.None);

        void MustBeRight()
        {
            Assert.Equal(2, Made.Length);
            Assert.Contains($"{Root}/vdc1 {Root}/mnt/disk1 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
            Assert.Contains($"{Root}/vdb1 {Root}/mnt/disk2 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
            Assert.True(Directory.Exists(Path.Combine(Root, "mnt/disk1/first")));
            Assert.True(Directory.Exists(Path.Combine(Root, "mnt/disk2/second")));
        }

        void Attach(params string[] names)
        {
            for (int i = 0; i < names.Length; i++)
            {
                string link = Path.Combine(Root, "by-id", "virtio-" + ids[i]);
                File.Delete(link);
                File.CreateSymbolicLink(link, Path.Combine(Root, names[i]));
                File.WriteAllText(Path.Combine(Root, names[i]), "");
                Directory.CreateDirectory(Path.Combine(Root, "class", names[i]));
                File.WriteAllText(Path.Combine(Root, "class", names[i], "size"), "41943040\n");
            }
        }
    }

    /// <summary>The second answer has all that the lost one had, the new swap's UUID among it.</summary>
    [Fact]
    public async Task ANewTableIsNotMadeAgainAndItsSwapIsTold()
    {
        string disk = Path.Combine(Root, "by-id", "virtio-" + SystemDisk);
        File.WriteAllText(disk, "");
        Directory.CreateDirectory(Path.Combine(Root, "class/virtio-" + SystemDisk));
        File.WriteAllText(Path.Combine(Root, "class/virtio-" + SystemDisk, "size"), "41943040\n");
        Stub("sfdisk", $"cat >/dev/null\nfor d; do :; done\necho table >> '{Root}/made'\n: > \"${{d}}p1\"\n: > \"${{d}}p2\"\n");
        Stub("mkswap", ":\n");
        Stub("blkid", "for d; do :; done\necho \"uuid-of-${d##*/}\"\n");
        List<int> formatted = [];
        DiskAssignment[] disks = [new() { Index = 0, DiskId = SystemDisk, SourceType = "ext4" }];
        ClientSettings client = new() { Format = FormatConsent.All, Partition = TableConsent.All, SwapMebibytes = 1024 };
        MountedDiskLayout layout = new(client, formatted, null, "this");
        await Assert.ThrowsAsync<TransportException>(() => layout.PrepareAsync(new ShellRescue(Root) { LosesAnswer = 1 }, Plan(0), disks, CancellationToken.None));
        Assert.Null(disks[0].SwapUuid);
        await layout.PrepareAsync(new ShellRescue(Root), Plan(0), disks, CancellationToken.None);
        Assert.Equal(["table", disk + "p1"], Made);
        Assert.Equal((disk + "p1", $"uuid-of-virtio-{SystemDisk}p1", $"uuid-of-virtio-{SystemDisk}p2"), (disks[0].Device, disks[0].Uuid, disks[0].SwapUuid));
        Assert.Equal([0], formatted);
    }
}
