using System.Diagnostics;
using System.Text;
using NativeSync.Engine;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;
/// <summary>Disks are found by their ids, and what is a question is asked.</summary>
public sealed class MountedDiskLayoutTests : DoublesOfDisks
{
    [Fact]
    public async Task TheSystemIsFoundAmongThePartitionsAndDataDisksAreMountedBesideIt()
    {
        Partition(SystemDisk, "-part1", "EFI");
        Partition(SystemDisk, "-part2", "etc", "usr");
        Partition(DataDisk, "", "lost+found");
        IReadOnlyList<byte[]> places = await PrepareAsync(0, 1);
        Assert.Equal(["/mnt/nativesync/system/", "/mnt/nativesync/disk1/"], places.Select(Encoding.UTF8.GetString));
        Assert.Contains($"{SystemDisk}-part2 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
        Assert.DoesNotContain("-part1 ", File.ReadAllText(Mounts), StringComparison.Ordinal);

        // Once more changes nothing.
        string before = File.ReadAllText(Mounts);
        await PrepareAsync(0, 1);
        Assert.Equal(before, File.ReadAllText(Mounts));

        await new MountedDiskLayout().ReleaseAsync(new ShellRescue(Root), CancellationToken.None);
        Assert.Equal("proc /proc proc rw 0 0\n", File.ReadAllText(Mounts));
    }

    [Fact]
    public async Task ADiskWithoutAFileSystemIsNotTouched()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        File.WriteAllText(Path.Combine(Root, "by-id", "virtio-" + DataDisk), "");
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => PrepareAsync(0, 1));
        Assert.Contains("has no file system; make one", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADiskWithSeveralFileSystemsIsAQuestion()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        Partition(DataDisk, "-part1", "a");
        Partition(DataDisk, "-part2", "b");
        Assert.Contains("which of them takes the data?", (await Assert.ThrowsAsync<MigrationException>(() => PrepareAsync(0, 1))).Message, StringComparison.Ordinal);
    }

    /// <summary>An encrypted root, or one whose file system the rescue system does not know.</summary>
    [Theory]
    [InlineData(FormatConsent.All)]
    [InlineData(FormatConsent.Never)]
    public async Task ABootPartitionBesideASystemThatCannotBeReadIsNotTakenForTheSystem(FormatConsent format)
    {
        Partition(SystemDisk, "-part1", "grub", "lost+found");
        Partition(SystemDisk, "-part2");
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => SystemAsync(format));
        Assert.Contains($"virtio-{SystemDisk}-part1 can be mounted and holds no system", e.Message, StringComparison.Ordinal);
        Assert.Contains($"what {Root}/by-id/virtio-{SystemDisk}-part2 holds cannot be told", e.Message, StringComparison.Ordinal);
        Assert.Equal("proc /proc proc rw 0 0\n", File.ReadAllText(Mounts));
        Assert.Empty(Begun);

        // Where it is readable it is the system.
        Partition(SystemDisk, "-part2", "etc", "usr");
        await SystemAsync(format);
        Assert.Contains("-part2 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TYPE", "swap")]
    [InlineData("PART_ENTRY_TYPE", "21686148-6449-6e6f-744e-656564454649")]
    [InlineData("PART_ENTRY_TYPE", "0x5")]
    public async Task WhatNeverHoldsASystemIsNoDoubt(string what, string value)
    {
        Partition(SystemDisk, "-part1", "lost+found");
        Partition(SystemDisk, "-part2");
        Stub("blkid", $"[ \"$3 ${{6##*-}}\" != '{what} part2' ] || echo {value}\n");
        await SystemAsync(FormatConsent.All);
        Assert.Contains("-part1 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
    }

    private Task<IReadOnlyList<byte[]>> SystemAsync(FormatConsent format) => new MountedDiskLayout(new ClientSettings { Format = format }, [], null, "m").PrepareAsync(
        new ShellRescue(Root), Plan(0), [new DiskAssignment { Index = 0, DiskId = SystemDisk, SourceType = "ext4" }], CancellationToken.None);

    [Fact]
    public async Task ADiskThatIsNotThereIsNamed()
    {
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => PrepareAsync(0));
        Assert.Contains($"no disk with the id {SystemDisk}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADiskIdThatIsNoneNeverReachesAShell()
    {
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => new MountedDiskLayout().PrepareAsync(
            new ShellRescue(Root), [new PlannedFileSystem(0, "/", "/"u8.ToArray(), [])], [new DiskAssignment { Index = 0, DiskId = "disk-x; reboot" }], CancellationToken.None));
        Assert.Contains("unknown form", e.Message, StringComparison.Ordinal);
    }
}
