using NativeSync.Migration.Fixups;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>What the runner makes of failures, hooks and choices.</summary>
public sealed class RunnerTests
{
    private const string Uuid = "aaaaaaaa-1111-2222-3333-444444444444";

    [Fact]
    public void HooksRunBeforeAndAfterAndTheirFailureEndsTheFixups()
    {
        FixupFacts facts = new() { Before = "before", After = "after" };
        (FixupRecord[] records, RecordingShell shell) = Run(new MemoryTree(), facts);
        Assert.Equal(["before", "after"], shell.Scripts);
        Assert.Equal(FixupList.All.Count, records.Length);

        (records, shell) = Run(new MemoryTree(), facts, _ => (3, "it\nsaid no\n"));
        FixupRecord failed = Assert.Single(records);
        Assert.Equal((FixupOutcomes.Failed, "Client.Fixups.Before: exit code 3: said no"), (failed.Outcome, failed.Why));
        Assert.Equal(["before"], shell.Scripts);
    }

    [Fact]
    public void OnlyAndSkipChooseTheSteps()
    {
        FixupFacts facts = new() { Only = ["resolver", "selinux"], Skip = ["selinux"] };
        MemoryTree tree = new(("etc/resolv.conf", "nameserver 10.0.0.1\n"), ("etc/selinux/config", "SELINUX=enforcing\n"), ("etc/passwd", ""));
        (FixupRecord[] records, _) = Run(tree, facts);
        Assert.Equal("resolver", Assert.Single(records, r => r.Outcome == FixupOutcomes.Changed).Name);
        Assert.All(records.Where(r => r.Name != "resolver"), r => Assert.Equal(FixupOutcomes.Skipped, r.Outcome));
    }

    [Fact]
    public void ARootWithoutVirtioIsRefused()
    {
        MemoryTree tree = new(("boot/vmlinuz-2.6.18-8.el5", ""), ("lib/modules/2.6.18-8.el5/modules.dep", "kernel/drivers/ext3.ko:\n"), ("boot/initrd-2.6.18-8.el5.img", ""));
        (FixupRecord[] records, _) = Run(tree, new FixupFacts());
        Assert.Equal(("initramfs", FixupOutcomes.Failed), (records[^1].Name, records[^1].Outcome));
        Assert.StartsWith("no kernel in /boot has the drivers", records[^1].Why, StringComparison.Ordinal);
    }

    [Fact]
    public void AnImageThatStillLacksTheDriversIsAFailureAndOneThatWasOnlyOutOfDateIsAWarning()
    {
        SampleRoot debian = SampleRoot.Read("debian8");
        (FixupRecord[] records, _) = Run(debian.Tree, debian.Facts, script => script.Contains("initramfs", StringComparison.Ordinal) ? (1, "no space\n") : (0, ""));
        FixupRecord record = Assert.Single(records, r => r.Name == "initramfs");
        Assert.Equal(FixupOutcomes.Warned, record.Outcome);
        Assert.Contains("no space", record.Warnings.Single(), StringComparison.Ordinal);

        SampleRoot suse = SampleRoot.Read("suse12");
        (records, _) = Run(suse.Tree, suse.Facts);
        Assert.Equal(("initramfs", FixupOutcomes.Failed, "make the initramfs of kernel 4.12.14-122-default: the new image lacks one of ext4, virtio_pci, virtio_blk"), (records[^1].Name, records[^1].Outcome, records[^1].Why));
    }

    [Fact]
    public void AnImageThatDoesNotReadTheDestinationsFileSystemIsMadeAnew()
    {
        SampleRoot fit = SampleRoot.Read("debian12-fit");
        fit.Tree.Add("boot/initrd.img-6.1.0-17-amd64", Cpio.WithModules("6.1.0-17-amd64", "virtio_blk", "virtio_pci", "xfs"));
        FixupRecord record = Assert.Single(SampleRoot.Run(fit.Tree, fit.Facts).Records, r => r.Name == "initramfs");
        Assert.Equal((FixupOutcomes.Changed, 1), (record.Outcome, record.Commands.Count));
        Assert.Contains("ext4\n", fit.Tree.Text("etc/initramfs-tools/modules"), StringComparison.Ordinal);

    }

    /// <summary>As old systems have it: the kernel knows nothing of the type at all.</summary>
    [Fact]
    public void ARootThatNoKernelReadsIsAFailureAndWhereOneReadsItAWarning()
    {
        SampleRoot fit = SampleRoot.Read("debian12-fit");
        fit.Facts.At("/")!.Type = "btrfs";
        fit.Tree.Add("lib/modules/6.1.0-17-amd64/modules.builtin", "kernel/fs/ext2/ext2.ko\n");
        FixupRecord record = SampleRoot.Run(fit.Tree, fit.Facts).Records[^1];
        Assert.Equal(("initramfs", FixupOutcomes.Failed), (record.Name, record.Outcome));
        Assert.StartsWith("no kernel in /boot that runs here knows btrfs, which the root has here; let the destination have the source's type", record.Why, StringComparison.Ordinal);
        Assert.StartsWith("kernel 6.1.0-17-amd64 does not know btrfs, which the root has here", record.Warnings.Single(), StringComparison.Ordinal);

        fit.Tree.Add("boot/vmlinuz-6.1.0-18-amd64").Add("boot/initrd.img-6.1.0-18-amd64").Add("lib/modules/6.1.0-18-amd64/modules.builtin", string.Concat(BootKernel.Drivers.Append("btrfs").Select(d => $"kernel/{d}.ko\n")))
            .Add("lib/modules/6.1.0-18-amd64/modules.dep", "kernel/x.ko:\n");
        record = Assert.Single(SampleRoot.Run(fit.Tree, fit.Facts).Records, r => r.Name == "initramfs");
        Assert.Equal((FixupOutcomes.Warned, 1), (record.Outcome, record.Warnings.Count));
    }

    /// <summary>What runs is what --check has let pass: the package is gone, its kernel is still started.</summary>
    [Theory]
    [InlineData("CONFIG_VIRTIO_BLK=m\nCONFIG_VIRTIO_NET=m\nCONFIG_VIRTIO_PCI=m\n", "virtio_blk,virtio_pci,virtio_net", true)]
    [InlineData("CONFIG_VIRTIO_BLK=m\nCONFIG_VIRTIO_NET=m\nCONFIG_VIRTIO_PCI=y\n", "virtio_blk,virtio_net", true)]
    [InlineData("CONFIG_VIRTIO_BLK=y\nCONFIG_VIRTIO_NET=m\n", "virtio_net", true)]
    [InlineData("CONFIG_VIRTIO_BLK=m\nCONFIG_VIRTIO_NET=m\nCONFIG_VIRTIO_PCI=m\n", "virtio_blk,virtio_net", false)]
    [InlineData("CONFIG_VIRTIO_BLK=m\nCONFIG_VIRTIO_NET=m\n", "virtio_blk,virtio_pci", false)]
    [InlineData("CONFIG_VIRTIO_BLK=m\nCONFIG_VIRTIO_NET=m\n", null, true)] // Packed in a way that is not looked into here.
    public void WithoutItsModulesAKernelRunsByWhatItsInitramfsHolds(string config, string? held, bool runs)
    {
        const string Release = "6.1.0-17-amd64";
        MemoryTree tree = new(("boot/vmlinuz-" + Release, ""), ("boot/config-" + Release, "#\n" + config));
        tree.Add("boot/initrd.img-" + Release, held is null ? [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0] : Cpio.WithModules(Release, held.Split(',')));
        Assert.Equal(runs, BootKernel.Find(tree).Single().CanRun);
        Assert.Equal(!runs, Run(tree, new FixupFacts { Only = ["initramfs"] }).Records.Any(r => r.Outcome == FixupOutcomes.Failed));
    }

    [Fact]
    public void MountUnitsAreBoundOrNamedAsTheLinesOfFstabAre()
    {
        FixupFacts facts = new()
        {
            Only = ["mount-units"],
            FileSystems = [new() { MountPoint = "/", Uuid = Uuid, Type = "ext4" }, new() { MountPoint = "/data", Uuid = "bbbb", Type = "ext4" }],
            Shared = [new("/export/home", "/home/100%")],
        };
        MemoryTree tree = new(
            ("etc/systemd/system/export-home.mount", "[Unit]\nX=1\n[Mount]\nWhat=/dev/disk/by-uuid/11\nWhere=/export/home\nType=btrfs\nOptions=ro,subvol=@home\n[Install]\nRequiredBy=local-fs.target\n"),
            ("etc/systemd/system/data.mount", "[Mount]\nWhat=UUID=11\nWhere=/data\nType=btrfs\nOptions=subvol=@data,compress=zstd,noatime\n"));
        FixupRecord record = Assert.Single(Run(tree, facts).Records, r => r.Name == "mount-units");
        Assert.Equal((FixupOutcomes.Changed, 0), (record.Outcome, record.Warnings.Count));
        Assert.Equal("[Unit]\nX=1\n[Mount]\nWhat=/home/100%%\nWhere=/export/home\nType=none\nOptions=ro,bind\n[Install]\nRequiredBy=local-fs.target\n", tree.Text("etc/systemd/system/export-home.mount"));
        Assert.Equal("[Mount]\nWhat=/dev/disk/by-uuid/bbbb\nWhere=/data\nType=ext4\nOptions=noatime\n", tree.Text("etc/systemd/system/data.mount"));
        Assert.Equal(FixupOutcomes.Unchanged, Assert.Single(Run(tree, facts).Records, r => r.Name == "mount-units").Outcome);
    }

    [Fact]
    public void WhereGrubCannotBeInstalledFromInsideTheRescueSystemDoesItWithAPlainMenu()
    {
        SampleRoot rocky = SampleRoot.Read("rhel9");
        (FixupRecord[] records, RecordingShell shell) = Run(rocky.Tree, rocky.Facts, script => script.StartsWith("grub2-install", StringComparison.Ordinal) ? (1, "unknown filesystem\n") : (0, ""), images: true);
        FixupRecord loader = Assert.Single(records, r => r.Name == "boot-loader");
        Assert.Equal([1, 0], loader.Commands.Select(c => c.ExitCode!.Value));
        Assert.True(loader.Commands[1].Outside);
        Assert.Contains("--boot-directory=\"$ROOT/boot\" '/dev/vdb'", shell.Scripts[^1], StringComparison.Ordinal);
        Assert.Contains($"linux /boot/vmlinuz-5.14.0-362.el9.x86_64 root=UUID={Uuid} ro ", rocky.Tree.Text("boot/grub/grub.cfg"), StringComparison.Ordinal);
        Assert.DoesNotContain("blscfg", rocky.Tree.Text("boot/grub2/grub.cfg"), StringComparison.Ordinal);
    }

    [Fact]
    public void WhereNothingInstallsGrubTheStepFails()
    {
        SampleRoot rocky = SampleRoot.Read("rhel6");
        (FixupRecord[] records, _) = Run(rocky.Tree, rocky.Facts, script => script.Contains("grub", StringComparison.Ordinal) ? (1, "no\n") : (0, ""), images: true);
        Assert.Equal(("boot-loader", FixupOutcomes.Failed, "install GRUB from the rescue system: exit code 1: no"), (records[^1].Name, records[^1].Outcome, records[^1].Why));
    }

    [Fact]
    public void AGeneratorThatFailsLeavesTheEditedMenuAndWhereThereIsNoneAPlainOneIsMade()
    {
        SampleRoot centos = SampleRoot.Read("rhel7");
        (FixupRecord[] records, _) = Run(centos.Tree, centos.Facts, script => script.Contains("mkconfig", StringComparison.Ordinal) ? (1, "failed to get canonical path\n") : (0, ""), images: true);
        Assert.Equal("the boot menu could not be made anew; the edited one stays", Assert.Single(records, r => r.Name == "boot-menu").Warnings.Single());
        Assert.Contains("CentOS Linux", centos.Tree.Text("boot/grub2/grub.cfg"), StringComparison.Ordinal);

        centos = SampleRoot.Read("rhel7");
        centos.Tree.Remove("boot/grub2/grub.cfg");
        Run(centos.Tree, centos.Facts, images: true);
        Assert.Contains($"root=UUID={Uuid}", centos.Tree.Text("boot/grub2/grub.cfg"), StringComparison.Ordinal);
    }

    [Fact]
    public void ANewIdentityIsGivenOnceAndOnlyWhenAskedFor()
    {
        MemoryTree tree = new(("etc/hostname", "web1\n"), ("etc/hosts", "127.0.0.1 localhost\n10.0.0.5  web1.example.com web1\n"), ("etc/machine-id", "abc\n"), ("var/lib/dbus/machine-id", "abc\n"), ("etc/ssh/ssh_host_rsa_key", "k"), ("etc/ssh/ssh_host_rsa_key.pub", "p"), ("etc/ssh/sshd_config", ""));
        (FixupRecord[] records, _) = Run(tree, new FixupFacts());
        Assert.Equal(FixupOutcomes.Unchanged, Assert.Single(records, r => r.Name == "identity").Outcome);
        FixupFacts facts = new() { Hostname = "web2.example.com", NewMachineId = true, NewHostKeys = true };
        (_, RecordingShell shell) = Run(tree, facts);
        Assert.Equal(("web2.example.com\n", "", null), (tree.Text("etc/hostname"), tree.Text("etc/machine-id"), tree.Text("etc/ssh/ssh_host_rsa_key")));
        Assert.Contains("web2", tree.Text("etc/hosts"), StringComparison.Ordinal);
        Assert.Equal(["ssh-keygen -A"], shell.Scripts);
        tree.Add("etc/machine-id", "new\n").Add("etc/ssh/ssh_host_rsa_key", "n");
        (_, shell) = Run(tree, facts);
        Assert.Equal(("new\n", "n"), (tree.Text("etc/machine-id"), tree.Text("etc/ssh/ssh_host_rsa_key")));
        Assert.Empty(shell.Scripts);
    }

    [Theory]
    [InlineData("5.9.0-2", "5.10.0-1", -1)]
    [InlineData("6.1.0-9-amd64", "6.1.0-18-amd64", -1)]
    [InlineData("6.1.0-18-amd64", "6.1.0-18-amd64", 0)]
    [InlineData("4.18.0-513.el8", "4.18.0-80.el8", 1)]
    public void KernelsAreOrderedByTheirNumbers(string a, string b, int order) => Assert.Equal(order, Math.Sign(BootKernel.CompareReleases(a, b)));

    [Theory]
    [InlineData("root=/dev/sda1 ro quiet", "root=UUID=U ro quiet net.ifnames=0 biosdevname=0 console=tty0 console=ttyS0,115200")]
    [InlineData("ro root=LABEL=x console=ttyS0,9600 resume=/dev/sda2", "ro root=UUID=U console=tty0 console=ttyS0,9600 net.ifnames=0 biosdevname=0")]
    [InlineData("root=UUID=U opt=\"two words\" ip=10.0.0.1::x rootfstype=xfs", "root=UUID=U opt=\"two words\" net.ifnames=0 biosdevname=0 console=tty0 console=ttyS0,115200")]
    public void ACommandLineNamesTheRootAndTheConsoleOnce(string before, string after)
    {
        Assert.Equal(after, KernelArguments.Rewrite(before, "U", "ext4"));
        Assert.Equal(after, KernelArguments.Rewrite(after, "U", "ext4"));
    }

    [Fact]
    public void SuperblocksAreRead()
    {
        byte[] device = new byte[0x10100];
        (device[0x438], device[0x439], device[0x460]) = (0x53, 0xEF, 0x40);
        Convert.FromHexString("00112233445566778899aabbccddeeff").CopyTo(device, 0x468);
        Assert.Equal(("ext4", "00112233-4455-6677-8899-aabbccddeeff"), Superblock.Parse(device));
        Assert.Equal((null, null), Superblock.Parse(new byte[0x10100]));
        Assert.Equal((null, null), Superblock.Parse([]));
        byte[] xfs = new byte[512];
        "XFSB"u8.CopyTo(xfs);
        Assert.Equal(("xfs", "00000000-0000-0000-0000-000000000000"), Superblock.Parse(xfs));
    }

    private static (FixupRecord[] Records, RecordingShell Shell) Run(MemoryTree tree, FixupFacts facts, Func<string, (int, string)>? answer = null, bool images = false)
    {
        RecordingShell shell = new() { Answer = answer };
        if (images)
        {
            foreach (string path in tree.Paths.Where(p => p.StartsWith("boot/init", StringComparison.Ordinal)).ToList())
            {
                tree.Add(path, Cpio.WithModules("x", [.. BootKernel.Drivers, "ext4"]));
            }
        }

        List<FixupRecord> records = [];
        new FixupRunner(tree, facts, shell).Run(FixupList.All, records.Add);
        return ([.. records], shell);
    }
}
