using System.Text;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Tests;

/// <summary>What is carried where, and what is left out.</summary>
public sealed class SourcePlanTests
{
    private const string MountInfo = """
        22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw
        23 22 0:21 / /proc rw - proc proc rw
        24 22 0:22 / /sys rw - sysfs sysfs rw
        25 22 0:5 / /dev rw - devtmpfs udev rw
        26 22 0:24 / /run rw - tmpfs tmpfs rw
        27 22 254:17 / /mnt/disk1 rw shared:3 master:1 - xfs /dev/vdb1 rw
        28 27 254:33 / /mnt/disk1/in\040ner rw - xfs /dev/vdc1 rw
        29 22 254:49 / /boot rw - ext4 /dev/vdd1 rw
        30 22 0:40 / /mnt/nas rw - nfs4 nas:/x rw
        31 22 254:1 /srv/data /var/bound rw - ext4 /dev/vda1 rw

        """;

    [Fact]
    public void MountPointsAreReadWithTheirEscapes()
    {
        List<MountEntry> mounts = MountTable.Parse(Encoding.ASCII.GetBytes(MountInfo));
        Assert.Equal(10, mounts.Count);
        Assert.Equal("/mnt/disk1/in ner", Encoding.ASCII.GetString(mounts[6].MountPoint));
        Assert.Equal(("xfs", "254:17"), (mounts[5].Type, mounts[5].Device));
        Assert.Equal("/srv/data", Encoding.ASCII.GetString(mounts[9].Root));
    }

    /// <summary>A rescue system that never left its initramfs: what all is mounted on is its own parent, and hides nothing.</summary>
    [Fact]
    public void WhatIsMountedOnAnInitramfsIsThere()
    {
        List<MountEntry> mounts = MountTable.Parse("1 1 0:2 / / rw - rootfs rootfs rw\n20 1 0:5 / /proc rw - proc proc rw\n21 1 254:1 / /mnt/system rw - ext4 /dev/vda1 rw\n22 21 254:2 / /mnt/system/boot rw - ext4 /dev/vda2 rw\n"u8);
        Assert.Equal(["/", "/proc", "/mnt/system", "/mnt/system/boot"], mounts.Select(mount => Encoding.ASCII.GetString(mount.MountPoint)));
    }

    [Fact]
    public void AMountBelowADirectoryThatAnotherWasMountedOnIsNotThere()
    {
        List<MountEntry> mounts = MountTable.Parse("""
            22 1 254:1 / / rw - ext4 /dev/vda1 rw
            30 22 254:17 / /srv/data/old rw - xfs /dev/vdb1 rw
            31 30 254:33 / /srv/data/old/deep rw - xfs /dev/vdc1 rw
            32 22 254:49 / /srv/data rw - ext4 /dev/vdd1 rw
            33 32 254:65 / /srv/data/new rw - ext4 /dev/vde1 rw
            34 22 254:81 / /srv/database rw - ext4 /dev/vdf1 rw

            """u8);
        Assert.Equal(["/", "/srv/data", "/srv/data/new", "/srv/database"], mounts.Select(m => Encoding.ASCII.GetString(m.MountPoint)));
    }

    [Fact]
    public void EachFileSystemIsCarriedOnceAndToItsOwnDisk()
    {
        List<string> notes = [];
        List<PlannedFileSystem> plan = Plan("/", ["- /dev/*", "- /mnt/disk1/cache/*", "- *.tmp"], notes, new DataDisk(1, 10, "/mnt/disk1"), new DataDisk(2, 10, "/mnt/disk1/in ner"));
        Assert.Equal(["/", "/mnt/disk1/", "/mnt/disk1/in ner/"], plan.Select(p => Encoding.UTF8.GetString(p.SourcePath)));
        Assert.Equal(
            ["- /opt/tool/", "- /proc/*", "- /sys/*", "- /dev/*", "- /run/*", "- /mnt/nas/*", "- /var/bound/*", "- /mnt/disk1/*", "- /mnt/disk1/in ner/*", "- /dev/*", "- /mnt/disk1/cache/*", "- *.tmp"],
            Text(plan[0].Rules));
        Assert.Equal(["- /in ner/*", "- /cache/*", "- *.tmp"], Text(plan[1].Rules));
        Assert.Equal(["- *.tmp"], Text(plan[2].Rules)); // Nothing of what is around it.
        Assert.Contains(notes, n => n.StartsWith("/boot (ext4) is not listed in DataDisks", StringComparison.Ordinal));
        Assert.Contains(notes, n => n.StartsWith("/mnt/nas is a network file system", StringComparison.Ordinal));
        Assert.Contains(notes, n => n.StartsWith("/var/bound shows a directory of another mount", StringComparison.Ordinal));
    }

    /// <summary>As SUSE lays a btrfs out, with the top level mounted too, a subvolume mounted twice and a directory of one bound elsewhere.</summary>
    [Fact]
    public void ASubvolumeIsCarriedWhereItIsMountedAndWhatElseShowsItIsBoundToIt()
    {
        List<string> notes = [];
        List<PlannedFileSystem> plan = Of("""
            26 1 0:23 /@/.snapshots/1/snapshot / rw,relatime shared:1 - btrfs /dev/sda2 rw,space_cache,subvolid=266,subvol=/@/.snapshots/1/snapshot
            50 26 0:23 /@/.snapshots /.snapshots rw,relatime shared:2 - btrfs /dev/sda2 rw,space_cache,subvolid=265,subvol=/@/.snapshots
            51 26 0:23 / /mnt/top rw,relatime - btrfs /dev/sda2 rw,space_cache,subvolid=5,subvol=/
            52 26 0:23 /@/home /home rw,relatime shared:4 - btrfs /dev/sda2 rw,space_cache,subvolid=263,subvol=/@/home
            53 26 0:23 /@/var /var rw,relatime shared:5 - btrfs /dev/sda2 rw,space_cache,subvolid=258,subvol=/@/var
            54 26 0:23 /@/home /export/home rw,relatime - btrfs /dev/sda2 rw,space_cache,subvolid=263,subvol=/@/home
            55 26 0:23 /@/var/lib/app /srv/app rw,relatime - btrfs /dev/sda2 rw,space_cache,subvolid=258,subvol=/@/var
            56 26 0:23 /@/my\040data /data rw,relatime - btrfs /dev/sda2 rw,space_cache,subvolid=270,subvol=/@/my\040data

            """, notes, new DataDisk(1, 10, "/data"));
        Assert.Equal(["/", "/mnt/top", "/home", "/var"], plan[0].Mounts);
        Assert.Equal(["/"], plan[0].Volumes);
        Assert.Equal(["/data"], plan[1].Volumes);
        Assert.Equal(
            [
                "- /opt/tool/", "- /.snapshots/*", "- /mnt/top/.snapshots/*", "- /home/.snapshots/*", "- /var/.snapshots/*", "- /export/home/*", "- /srv/app/*", "- /data/.snapshots/*",
                "- /.snapshots/1/snapshot/*", "- /mnt/top/@/.snapshots/1/snapshot/*", "- /mnt/top/@/.snapshots/*", "- /mnt/top/@/home/*", "- /mnt/top/@/var/*", "- /mnt/top/@/my data/*", "- /data/*",
            ],
            Text(plan[0].Rules).Distinct());
        Assert.Equal(["- /.snapshots/*"], Text(plan[1].Rules));
        Assert.Equal(
            [new("/export/home", "/home"), new("/mnt/top/@/home", "/home"), new("/mnt/top/@/var", "/var"), new SharedPlace("/mnt/top/@/my data", "/data")],
            plan[0].Shared);
        Assert.Contains("/export/home shows the same as /home and is carried there only", notes);
        Assert.Contains("/srv/app shows a directory of another mount and is carried there only", notes);
        Assert.Single(notes, n => n.Contains(".snapshots", StringComparison.Ordinal));
    }

    /// <summary>Ubuntu's @ and @home; a subvolume inside another, mounted in its own place.</summary>
    [Fact]
    public void SubvolumesBesideAndInsideEachOtherAreCarriedOnceEach()
    {
        List<PlannedFileSystem> plan = Of("""
            22 1 0:21 /@ / rw - btrfs /dev/sda1 rw,subvolid=256,subvol=/@
            23 22 0:21 /@home /home rw - btrfs /dev/sda1 rw,subvolid=257,subvol=/@home
            24 22 0:21 /@/var/lib/db /var/lib/db rw - btrfs /dev/sda1 rw,nodatacow,subvolid=258,subvol=/@/var/lib/db

            """, []);
        Assert.Equal(["/", "/home", "/var/lib/db"], plan[0].Mounts);
        Assert.Equal(["/"], plan[0].Volumes);
        Assert.True(plan[0].HasBtrfs);
        Assert.Empty(plan[0].Shared);
        Assert.All(Text(plan[0].Rules), r => Assert.True(r == "- /opt/tool/" || r.EndsWith("/.snapshots/*", StringComparison.Ordinal), r));
    }

    /// <summary>Volumes of LVM, an array, an encrypted volume; one mounted twice, one below what is not carried.</summary>
    [Fact]
    public void VolumesAndArraysAreFileSystemsLikeOthers()
    {
        List<string> notes = [];
        List<PlannedFileSystem> plan = Of("""
            22 1 253:0 / / rw - xfs /dev/mapper/vg0-root rw,attr2,inode64
            23 22 9:0 / /boot rw - ext4 /dev/md0 rw
            24 22 253:2 / /home rw - ext4 /dev/mapper/vg0-home rw
            25 22 253:3 / /srv rw - ext4 /dev/mapper/luks-data rw
            26 22 253:2 / /export rw - ext4 /dev/mapper/vg0-home rw
            27 22 0:24 / /run rw - tmpfs tmpfs rw
            28 27 8:33 / /run/media/stick rw - ext4 /dev/sdc1 rw
            29 22 253:2 /deep/er /opt/bound rw - ext4 /dev/mapper/vg0-home rw
            30 22 253:2 /deep /var/bound rw - ext4 /dev/mapper/vg0-home rw

            """, notes, new DataDisk(1, null, "/srv"));
        Assert.Equal(["/", "/boot", "/home"], plan[0].Mounts);
        Assert.Equal(plan[0].Mounts, plan[0].Volumes);
        Assert.Equal(("xfs", "/dev/mapper/vg0-root", "ext4", "/dev/mapper/luks-data"), (plan[0].Type, plan[0].Device, plan[1].Type, plan[1].Device));
        Assert.Equal(["- /opt/tool/", "- /export/*", "- /run/*", "- /opt/bound/*", "- /var/bound/*", "- /srv/*"], Text(plan[0].Rules));
        Assert.Equal([new SharedPlace("/export", "/home")], plan[0].Shared);
        Assert.Contains("/run/media/stick (ext4) lies below a place that is not carried, and stays behind; list it in DataDisks if it belongs to this server", notes);
    }

    /// <summary>As Podman, older Docker and kubelet do; the other place shows it through the mount over itself, too.</summary>
    [Fact]
    public void ADirectoryThatIsMountedOverItselfIsCarriedAsIfItWereNot()
    {
        List<string> notes = [];
        List<PlannedFileSystem> plan = Of("""
            22 1 8:1 / / rw - ext4 /dev/sda1 rw
            23 22 8:1 /self /other rw - ext4 /dev/sda1 rw
            24 22 8:1 /self /self rw - ext4 /dev/sda1 rw
            25 24 8:1 /self /self rw - ext4 /dev/sda1 rw
            26 22 8:1 /self/deep /bound rw - ext4 /dev/sda1 rw

            """, notes);
        Assert.Equal(["- /opt/tool/", "- /other/*", "- /bound/*"], Text(plan[0].Rules));
        Assert.Equal((1, 0), (plan[0].Mounts.Count, plan[0].Shared.Count));
        Assert.Equal(["/other shows a directory of another mount and is carried there only", "/bound shows a directory of another mount and is carried there only"], notes);
    }

    /// <summary>What it shows is not seen where it belongs: a memory file system or a disk is mounted there.</summary>
    [Fact]
    public void ADirectoryWhoseOwnPlaceIsCoveredIsCarriedWhereItIsSeen()
    {
        List<PlannedFileSystem> plan = Of("""
            22 1 8:1 / / rw - ext4 /dev/sda1 rw
            23 22 8:1 /covered /bound rw - ext4 /dev/sda1 rw
            24 22 8:1 /covered/deep /deep rw - ext4 /dev/sda1 rw
            25 22 8:1 /above/deep /one rw - ext4 /dev/sda1 rw
            26 22 8:1 /above/deep /two rw - ext4 /dev/sda1 rw
            27 22 0:30 / /covered/deep rw - tmpfs tmpfs rw
            28 22 8:1 /plain /seen rw - ext4 /dev/sda1 rw
            29 22 0:31 / /covered rw - tmpfs tmpfs rw
            30 22 8:17 / /above rw - xfs /dev/sdb1 rw

            """, []);
        Assert.Equal(["/", "/bound", "/one", "/above"], plan[0].Mounts);
        Assert.Equal(["/", "/above"], plan[0].Volumes);
        Assert.Equal(["- /opt/tool/", "- /deep/*", "- /two/*", "- /seen/*", "- /covered/*"], Text(plan[0].Rules));
        Assert.Equal([new SharedPlace("/two", "/one")], plan[0].Shared);
    }

    /// <summary>SLES 12 began with 3.12. Where directory and subvolume cannot be told apart, twice is better than not at all.</summary>
    [Fact]
    public void KernelsThatDoNotNameSubvolumesLoseNone()
    {
        const string Sles = """
            22 1 0:21 /@ / rw - btrfs /dev/sda1 rw,space_cache
            23 22 0:21 /@/home /home rw - btrfs /dev/sda1 rw,space_cache
            24 22 0:21 /@/var/log /var/log rw - btrfs /dev/sda1 rw,space_cache

            """;
        List<PlannedFileSystem> plan = Of(Sles, []);
        Assert.Equal(["/", "/home", "/var/log"], plan[0].Mounts);
        Assert.Equal(["- /opt/tool/", "- /.snapshots/*", "- /home/.snapshots/*", "- /var/log/.snapshots/*"], Text(plan[0].Rules));
        Assert.Empty(plan[0].Shared);
        Assert.Equal(["/", "/home", "/var/log", "/top"], Of(Sles + "25 22 0:21 / /top rw - btrfs /dev/sda1 rw,space_cache\n", [])[0].Mounts);
    }

    [Fact]
    public void WhatAnAutomountHasMountedIsCarriedWithAllThatIsBelowIt()
    {
        List<string> notes = [];
        List<PlannedFileSystem> plan = Of("""
            21 1 0:2 / / rw - rootfs rootfs rw
            22 21 8:1 / / rw - ext4 /dev/sda1 rw
            23 22 0:30 / /data rw - autofs systemd-1 rw,fd=40,direct
            24 23 8:17 / /data rw - ext4 /dev/sdb1 rw
            25 24 8:33 / /data/sub rw - xfs /dev/sdc1 rw
            26 22 0:31 / /idle rw - autofs systemd-1 rw,fd=41,direct

            """, notes);
        Assert.Equal(["/", "/data", "/data/sub"], plan[0].Mounts);
        Assert.Equal(["- /opt/tool/", "- /idle/*"], Text(plan[0].Rules));
        Assert.Equal(("ext4", 2), (plan[0].Type, notes.Count));
    }

    private static List<PlannedFileSystem> Of(string mountinfo, List<string> notes, params DataDisk[] disks)
        => SourcePlan.Make(
            new UserSettings { Region = "ap-guangzhou", InstanceId = "ins-1a2b3c4d", DataDisks = disks }, new ClientSettings(), [],
            MountTable.Parse(Encoding.ASCII.GetBytes(mountinfo)), "/opt/tool", notes);

    [Fact]
    public void ADataDiskBelowAFileSystemThatIsLeftOutIsCarriedAllTheSame()
    {
        List<PlannedFileSystem> plan = SourcePlan.Make(
            new UserSettings { Region = "ap-guangzhou", InstanceId = "ins-1a2b3c4d", DataDisks = [new DataDisk(1, null, "/media/disk1")] }, new ClientSettings(), [],
            MountTable.Parse("22 1 254:1 / / rw - ext4 /dev/vda1 rw\n23 22 0:9 / /media rw - tmpfs tmpfs rw\n24 23 254:17 / /media/disk1 rw - xfs /dev/vdb1 rw\n"u8), "/opt/tool", []);
        Assert.Empty(plan[1].Rules);
        Assert.Equal(["/media/disk1"], plan[1].Mounts);
        Assert.Equal(("xfs", "/dev/vdb1"), (plan[1].Type, plan[1].Device));
    }

    [Fact]
    public void ADataDiskThatIsExcludedAsAWholeIsToldOf()
    {
        List<string> notes = [];
        Plan("/", ["- /mnt/disk1/*"], notes, new DataDisk(1, 10, "/mnt/disk1"));
        Assert.Contains("everything on /mnt/disk1 is excluded by rsync_excludes_linux.txt: data disk 1 gets nothing of it", notes);
    }

    [Fact]
    public void AnotherRootSeesOnlyWhatLiesBelowIt()
    {
        List<PlannedFileSystem> plan = Plan("/mnt/disk1", [], [], new DataDisk(1, 10, "/in ner"));
        Assert.Equal(["/mnt/disk1/", "/mnt/disk1/in ner/"], plan.Select(p => Encoding.UTF8.GetString(p.SourcePath)));
        Assert.Equal(["- /in ner/*"], Text(plan[0].Rules));
        Assert.Empty(plan[1].Rules);
    }

    [Theory]
    [InlineData("- /mnt/disk1/*", "- /*")]
    [InlineData("- /mnt/*", "- /*")]
    [InlineData("- /mnt/", "- /*")]
    [InlineData("+ /mnt/", "")]
    [InlineData("+ /mnt/disk1/keep", "+ /keep")]
    [InlineData("- /m?t/disk[0-9]/x/", "- /x/")]
    [InlineData("- /other/*", "")]
    [InlineData("- /mnt/disk10/*", "")]
    [InlineData("- core", "core")]
    [InlineData("- a/b", "a/b")]
    [InlineData("- /**/cache", "- /**/cache|- /cache")]
    public void RulesForTheWholeAreTurnedIntoRulesBelowAMountPoint(string rule, string expected)
    {
        List<byte[]> rebased = RuleRebase.Below([Encoding.UTF8.GetBytes(rule)], "/mnt/disk1"u8);
        if (!expected.StartsWith('-') && !expected.StartsWith('+') && expected.Length > 0)
        {
            expected = "- " + expected;
        }

        Assert.Equal(expected, string.Join('|', Text(rebased).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void WildcardsInAMountPointAreTakenLiterally()
        => Assert.Equal("- /a\\[b\\]\\*/*".Replace("\\]", "]", StringComparison.Ordinal), Encoding.UTF8.GetString(RuleRebase.ExcludeContents("/a[b]*"u8)));

    private static List<PlannedFileSystem> Plan(string root, string[] excludes, List<string> notes, params DataDisk[] disks)
        => SourcePlan.Make(
            new UserSettings { Region = "ap-guangzhou", InstanceId = "ins-1a2b3c4d", DataDisks = disks },
            new ClientSettings { SourceRoot = root },
            [.. excludes.Select(Encoding.UTF8.GetBytes)], MountTable.Parse(Encoding.ASCII.GetBytes(MountInfo)), "/opt/tool", notes);

    private static IEnumerable<string> Text(IReadOnlyList<byte[]> rules) => rules.Select(Encoding.UTF8.GetString);
}
