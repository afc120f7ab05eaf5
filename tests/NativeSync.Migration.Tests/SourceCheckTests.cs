using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;

/// <summary>What --check says of the source, and how the facts are read.</summary>
public sealed class SourceCheckTests
{
    [Theory]
    [InlineData(DriverState.BuiltIn, DriverState.BuiltIn, null, CheckVerdict.Ok, "built in")]
    [InlineData(DriverState.Module, DriverState.Module, true, CheckVerdict.Ok, "as modules, and in the initramfs")]
    [InlineData(DriverState.Module, DriverState.Module, false, CheckVerdict.Warn, "as modules, and the initramfs lacks virtio_blk: the destination would not find its disk")]
    [InlineData(DriverState.Module, DriverState.Module, null, CheckVerdict.Warn, "as modules, and the initramfs cannot be looked into")]
    [InlineData(DriverState.Missing, DriverState.Module, true, CheckVerdict.Fail, "has no virtio_blk driver: a CVM's disks would not be seen")]
    [InlineData(DriverState.Module, DriverState.Missing, true, CheckVerdict.Fail, "has no virtio_net driver: a CVM's network would not be seen")]
    [InlineData(DriverState.Unknown, DriverState.Unknown, null, CheckVerdict.Warn, "no configuration of it in /boot")]
    public void EveryKernelIsJudgedByItsDrivers(DriverState disk, DriverState network, bool? initramfs, CheckVerdict verdict, string finding)
    {
        CheckLine line = Assert.Single(SourceCheck.System(new SourceFacts { Kernels = [new KernelFacts("6.1.0", disk, network, initramfs)] }, isRunning: true, mends: false));
        Assert.Equal((verdict, "virtio, kernel 6.1.0", finding), (line.Verdict, line.Subject, line.Finding));
        Assert.Equal(verdict == CheckVerdict.Ok, line.Remedy.Length == 0);
    }

    [Theory]
    [InlineData(false, true, CheckVerdict.Ok, "as modules; the initramfs lacks them and is made anew at the destination")]
    [InlineData(null, true, CheckVerdict.Ok, "as modules; the initramfs is looked into at the destination, and made anew if need be")]
    [InlineData(false, false, CheckVerdict.Fail, "as modules, the initramfs lacks virtio_blk, and there is no update-initramfs, dracut or mkinitrd to make it anew")]
    public void WhatAnInitramfsLacksIsMendedWhereThatCanBe(bool? initramfs, bool tool, CheckVerdict verdict, string finding)
    {
        CheckLine line = Assert.Single(SourceCheck.System(new SourceFacts { MakesInitramfs = tool, Kernels = [new KernelFacts("6.1.0", DriverState.Module, DriverState.Module, initramfs)] }, isRunning: true));
        Assert.Equal((verdict, finding), (line.Verdict, line.Finding));
    }

    [Theory]
    [InlineData(DriverState.Module, true, CheckVerdict.Ok)]
    [InlineData(DriverState.Module, false, CheckVerdict.Fail)]
    [InlineData(DriverState.Module, null, CheckVerdict.Fail)]
    [InlineData(DriverState.BuiltIn, true, CheckVerdict.Ok)]
    [InlineData(DriverState.BuiltIn, false, CheckVerdict.Fail)]
    public void WithoutItsModulesAKernelNeedsAnInitramfsThatHoldsThem(DriverState disk, bool? initramfs, CheckVerdict verdict)
        => Assert.Equal(verdict, Assert.Single(SourceCheck.System(new SourceFacts { MakesInitramfs = true, Kernels = [new KernelFacts("6.1.0", disk, DriverState.Module, initramfs, HasModules: false)] }, isRunning: true)).Verdict);

    [Fact]
    public void AKernelWithoutDriversIsFatalOnlyWhereItIsTheOnlyKind()
    {
        KernelFacts lacks = new("4.9.0", DriverState.Missing, DriverState.Missing, null), has = new("6.1.0", DriverState.BuiltIn, DriverState.BuiltIn, null);
        Assert.Equal([CheckVerdict.Warn, CheckVerdict.Ok], SourceCheck.System(new SourceFacts { Kernels = [lacks, has] }, isRunning: true).Select(l => l.Verdict));
        KernelFacts left = new("5.10.0", DriverState.Module, DriverState.Module, null, HasModules: false);
        Assert.Equal([CheckVerdict.Warn, CheckVerdict.Ok], SourceCheck.System(new SourceFacts { Kernels = [left, has] }, isRunning: true).Select(l => l.Verdict));
        Assert.Equal([CheckVerdict.Fail, CheckVerdict.Fail], SourceCheck.System(new SourceFacts { Kernels = [lacks, lacks] }, isRunning: true).Select(l => l.Verdict));
    }

    [Fact]
    public async Task ASourceWithoutDriversIsRefusedBeforeTheInstanceIsTouched()
    {
        await using Harness h = new();
        h.Write("client.json", File.ReadAllText(h.Tool.File("client.json")).Replace("\"Source\":{\"Root\":", "\"Ours\":{\"Was\":", StringComparison.Ordinal));
        h.Source.SourceFacts = new SourceFacts { Kernels = [new KernelFacts("4.9.0", DriverState.Missing, DriverState.Module, null)] };
        Assert.Contains(await h.CheckAsync(), l => l is { Verdict: CheckVerdict.Fail, Subject: "virtio, kernel 4.9.0" });
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Contains("has no virtio_blk driver", e.Message, StringComparison.Ordinal);
        Assert.Empty(h.Instance.Accepted);
    }

    [Fact]
    public void SeLinuxMemoryAndSwapAreNamedWithTheirRemedies()
    {
        List<CheckLine> lines = SourceCheck.System(new SourceFacts { SeLinux = "enforcing", FreeMemory = 100L << 20, Swaps = ["/dev/vdb2"] }, isRunning: true);
        Assert.Equal(["virtio", "SELinux", "memory", "swap"], lines.Select(l => l.Subject));
        Assert.All(lines, l => Assert.Equal(CheckVerdict.Warn, l.Verdict));
        Assert.All(lines, l => Assert.NotEmpty(l.Remedy));
        Assert.All(SourceCheck.System(new SourceFacts { SeLinux = "disabled", FreeMemory = 1L << 30 }, isRunning: false), l => Assert.Equal(CheckVerdict.Ok, l.Verdict));
    }

    [Theory]
    [InlineData("CONFIG_VIRTIO=y\nCONFIG_VIRTIO_BLK=m\nCONFIG_VIRTIO_BLK_SCSI=y\n", DriverState.Module)]
    [InlineData("CONFIG_VIRTIO_BLK=y\n", DriverState.BuiltIn)]
    [InlineData("CONFIG_VIRTIO=y\n# CONFIG_VIRTIO_BLK is not set\n", DriverState.Missing)]
    [InlineData("CONFIG_VIRTIO_BLK_SCSI=y\n", DriverState.Missing)]
    [InlineData("", DriverState.Unknown)]
    public void AKernelsConfigurationIsReadToTheLetter(string config, DriverState expected) => Assert.Equal(expected, SourceFactsReader.Driver(config, "CONFIG_VIRTIO_BLK"));

    [Theory]
    [InlineData("MemTotal: 2 kB\nMemFree: 3 kB\nMemAvailable:   4 kB\n", 4096L)]
    [InlineData("MemTotal: 2 kB\nMemFree: 3 kB\n", 3072L)]
    [InlineData("", null)]
    public void FreeMemoryIsReadFromOldAndNewKernels(string meminfo, long? expected) => Assert.Equal(expected, SourceFactsReader.FreeMemory(meminfo));

    [Theory]
    [InlineData("Debian GNU/Linux", "Debian Server 12.0 64bit", CheckVerdict.Ok)]
    [InlineData("SLES", "SUSE Linux Enterprise Server 15", CheckVerdict.Ok)]
    [InlineData("CentOS Linux", "Debian Server 12.0 64bit", CheckVerdict.Warn)]
    public async Task TheDistributionsOfBothSidesAndTheBandwidthAreShown(string source, string destination, CheckVerdict expected)
    {
        await using Harness h = new(instance: new() { InstanceId = Harness.InstanceId, Region = Harness.Region, OsName = destination, Bandwidth = 7 });
        Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(h.Tool.Path)!, "source/boot"));
        h.Source.SourceFacts = new SourceFacts { Distribution = source };
        IReadOnlyList<CheckLine> lines = await h.CheckAsync();
        Assert.Equal(expected, lines.Single(l => l.Subject == "operating system").Verdict);
        Assert.Contains(lines, l => l.Finding == "public bandwidth 7 Mbit/s; more of it makes the transfer faster");
    }

    [Theory]
    [InlineData(2, 62, null)]
    [InlineData(1, 3, "32-bit x86")]
    [InlineData(1, 62, "32-bit x86")] // x32
    [InlineData(2, 183, "ARM")]
    [InlineData(2, 243, "another processor (ELF machine 243)")]
    public void ASystemWhoseProgramsAreForOtherMachinesIsRefused(byte bits, byte machine, string? expected)
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("ns-elf-");
        try
        {
            root.CreateSubdirectory("usr/bin");
            byte[] head = [0x7F, .. "ELF"u8, bits, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, machine, 0];
            File.WriteAllBytes(Path.Combine(root.FullName, "usr/bin/env"), head);
            Assert.Equal(expected, ProgramKind.Foreign(root.FullName));
            CheckLine[] failed = [.. SourceCheck.System(new SourceFacts { ForeignPrograms = expected }, isRunning: false).Where(l => l.Verdict == CheckVerdict.Fail)];
            Assert.Equal(expected is null ? 0 : 1, failed.Length);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public void DisksAreShownWithTheirPartitionsAndWhatUsesThem()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("ns-sysfs-");
        try
        {
            Device("sda", "8:0", 40);
            Device("sda/sda1", "8:1", 10, 1);
            Device("sda/sda2", "8:2", 4, 2);
            Device("sda/sda10", "8:10", 20, 10);
            root.CreateSubdirectory("sda/sda10/holders/dm-0");
            Device("dm-0", "253:0", 20);
            root.CreateSubdirectory("dm-0/dm");
            File.WriteAllText(Path.Combine(root.FullName, "dm-0/dm/name"), "vg0-root\n");
            Device("sdb", "8:16", 100);
            Device("sdc", "8:32", 5);
            Device("loop0", "7:0", 1);
            Device("sr0", "11:0", 0);
            MountEntry[] mounts =
            [
                .. MountTable.Parse("1 0 253:0 / / rw - ext4 /dev/mapper/vg0-root rw\n5 1 8:1 /grub /bound rw - ext4 /dev/sda1 rw\n2 1 8:1 / /boot rw - ext4 /dev/sda1 rw\n3 1 0:44 / /srv/a\\040b rw - btrfs /dev/sdb rw\n4 1 0:44 /x /srv/x rw - btrfs /dev/sdb rw\n"u8),
            ];
            Assert.Equal(
            [
                ("sda", "40.0 GiB: sda1 10.0 GiB, ext4 on /boot; sda2 4.0 GiB, swap; sda10 20.0 GiB, part of vg0-root (ext4 on /)"),
                ("sdb", "100.0 GiB, btrfs on /srv/a b, /srv/x"),
                ("sdc", "5.0 GiB, not in use"),
            ], DiskLayout.Read(root.FullName, mounts, ["/dev/sda2"]));
            Assert.Equal("disk sda", SourceCheck.System(new SourceFacts { Disks = [("sda", "1.0 GiB, not in use")] }, isRunning: false)[0].Subject);
        }
        finally
        {
            root.Delete(recursive: true);
        }

        void Device(string path, string number, int gibibytes, int partition = 0)
        {
            string at = root.CreateSubdirectory(path).FullName;
            File.WriteAllText(Path.Combine(at, "dev"), number + "\n");
            File.WriteAllText(Path.Combine(at, "size"), $"{(long)gibibytes << 21}\n");
            if (partition > 0)
            {
                File.WriteAllText(Path.Combine(at, "partition"), $"{partition}\n");
            }
        }
    }

    [Fact]
    public void FactsAreReadBelowAnyRoot()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("ns-facts-");
        try
        {
            foreach (string directory in (string[])["boot", "etc/selinux", "usr/local/qcloud/tat_agent"])
            {
                root.CreateSubdirectory(directory);
            }

            File.WriteAllText(Path.Combine(root.FullName, "boot/vmlinuz-5.10.0"), "");
            File.WriteAllText(Path.Combine(root.FullName, "boot/vmlinuz-0-rescue-1234"), "");
            File.WriteAllText(Path.Combine(root.FullName, "boot/config-5.10.0"), "CONFIG_VIRTIO_BLK=m\nCONFIG_VIRTIO_NET=y\n");
            File.WriteAllText(Path.Combine(root.FullName, "etc/selinux/config"), "# x\nSELINUX=permissive\n");
            SourceFacts facts = new LinuxSourceSystem().Facts(root.FullName);
            Assert.Equal([new KernelFacts("5.10.0", DriverState.Module, DriverState.BuiltIn, null, HasModules: false)], facts.Kernels);
            File.WriteAllText(Path.Combine(root.CreateSubdirectory("lib/modules/5.10.0").FullName, "modules.dep"), "kernel/drivers/block/virtio_blk.ko.xz:\n");
            Assert.Equal([new KernelFacts("5.10.0", DriverState.Module, DriverState.BuiltIn, null)], new LinuxSourceSystem().Facts(root.FullName).Kernels);
            File.WriteAllText(Path.Combine(root.FullName, "lib/modules/5.10.0/modules.dep"), "kernel/drivers/block/loop.ko:\n");
            Assert.Equal(DriverState.Missing, new LinuxSourceSystem().Facts(root.FullName).Kernels.Single().Disk);
            Assert.Equal(("permissive", true, (long?)null), (facts.SeLinux, facts.HasTatAgent, facts.FreeMemory));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(40, null, CheckVerdict.Ok, "40.0 GiB in use, disk-sim00000 has 50 GiB")]
    [InlineData(60, 20, CheckVerdict.Ok, "60.0 GiB in use, 20.0 GiB of it to be carried, disk-sim00000 has 50 GiB")]
    [InlineData(60, 55, CheckVerdict.Fail, "60.0 GiB in use, 55.0 GiB of it to be carried, disk-sim00000 has 50 GiB")]
    [InlineData(60, null, CheckVerdict.Fail, "60.0 GiB in use, disk-sim00000 has 50 GiB")]
    public async Task WhatIsExcludedIsSubtractedWhereItMatters(int used, int? carried, CheckVerdict verdict, string finding)
    {
        await using Harness h = new();
        h.Write("client.json", File.ReadAllText(h.Tool.File("client.json")).Replace("\"Source\":{\"Root\":", "\"Ours\":{\"Was\":", StringComparison.Ordinal));
        h.Source.MountList = MountTable.Parse("22 1 254:1 / / rw - ext4 /dev/vda1 rw\n"u8);
        (h.Source.Used, h.Measured) = ((long)used << 30, (long?)carried << 30);
        CheckLine line = Assert.Single(await h.CheckAsync(), l => l.Subject == "/");
        Assert.Equal((verdict, finding), (line.Verdict, line.Finding));
    }

    [Theory]
    [InlineData("/", 160, CheckVerdict.Fail, "10.0 GiB in use, 160.0 GiB to be carried, disk-sim00000 has 50 GiB")]
    [InlineData("/home", 160, CheckVerdict.Fail, "10.0 GiB in use, 160.0 GiB to be carried, disk-sim00000 has 50 GiB")]
    [InlineData("/home", 20, CheckVerdict.Ok, "10.0 GiB in use, 20.0 GiB to be carried, disk-sim00000 has 50 GiB")]
    [InlineData("/", null, CheckVerdict.Ok, "10.0 GiB in use, disk-sim00000 has 50 GiB")]
    public async Task WhatBtrfsHasPackedIsMeasuredAsItArrives(string btrfs, int? carried, CheckVerdict verdict, string finding)
    {
        await using Harness h = new();
        h.Write("client.json", File.ReadAllText(h.Tool.File("client.json")).Replace("\"Source\":{\"Root\":", "\"Ours\":{\"Was\":", StringComparison.Ordinal));
        h.Source.MountList = MountTable.Parse(System.Text.Encoding.ASCII.GetBytes(btrfs == "/"
            ? "22 1 0:21 /@ / rw - btrfs /dev/vda1 rw,subvol=/@\n" : $"22 1 254:1 / / rw - ext4 /dev/vda1 rw\n23 22 254:1 /x {btrfs} rw - btrfs /dev/vda2 rw,subvol=/x\n"));
        (h.Source.Used, h.Measured) = (10L << 30, (long?)carried << 30);
        CheckLine line = Assert.Single(await h.CheckAsync(), l => l.Subject == "/");
        Assert.Equal((verdict, finding), (line.Verdict, line.Finding));
    }

    [Fact]
    public async Task InScenario1TheGatewayIsNotTakenForTheSourceNorTheSourceForABrokenGateway()
    {
        await using Harness h = new(mode: 1);
        IReadOnlyList<CheckLine> gateway = await h.CheckAsync();
        Assert.DoesNotContain(gateway, l => l.Subject == "rights");
        Assert.Contains(gateway, l => l is { Verdict: CheckVerdict.Warn, Subject: "this server", Remedy: "run --check on the source too" });
        await h.Simulator.DisposeAsync();
        IReadOnlyList<CheckLine> source = await h.CheckAsync();
        Assert.Contains(source, l => l is { Verdict: CheckVerdict.Warn, Subject: "API", Remedy: "run --check on the gateway too" });
        Assert.Contains(source, l => l.Subject == "rights");
        Assert.DoesNotContain(source, l => l.Verdict == CheckVerdict.Fail);
    }

    [Fact]
    public async Task AFileSystemThatCannotBeMadeAndOneWithoutOwnersAreNamed()
    {
        await using Harness h = new(client: ""","Disks.Format":"all" """);
        h.Write("client.json", File.ReadAllText(h.Tool.File("client.json")).Replace("\"Source\":{\"Root\":", "\"Ours\":{\"Was\":", StringComparison.Ordinal).Replace("\"DestinationRoot\"", "\"Nothing\"", StringComparison.Ordinal));
        h.Source.MountList = MountTable.Parse("22 1 254:1 / / rw - jfs /dev/vda1 rw\n"u8);
        Assert.Contains(await h.CheckAsync(), l => l is { Verdict: CheckVerdict.Fail, Subject: "/", Finding: "jfs cannot be made at the destination" });
        h.Write(ClientSettings.FileName, File.ReadAllText(h.Tool.File("client.json")).Replace("\"all\"", "\"never\"", StringComparison.Ordinal));
        h.Source.MountList = MountTable.Parse("22 1 254:1 / / rw - vfat /dev/vda1 rw\n"u8);
        Assert.Contains(await h.CheckAsync(), l => l.Verdict == CheckVerdict.Warn && l.Finding.StartsWith("vfat has no owners", StringComparison.Ordinal));
    }
}
