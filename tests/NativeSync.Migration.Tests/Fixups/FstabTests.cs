using NativeSync.Migration.Fixups;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>/etc/fstab as distributions lay it out, before and after; each twice.</summary>
public sealed class FstabTests
{
    private const string System = "aaaaaaaa-1111-2222-3333-444444444444", Data = "bbbbbbbb-1111-2222-3333-444444444444", Swap = "cccccccc-1111-2222-3333-444444444444";

    [Fact]
    public void RedHat6OnVolumesNamesOneDiskAndDropsTheRest() => Becomes(
        """

        #
        # /etc/fstab
        # Created by anaconda on Tue Mar  5 10:11:12 2013
        #
        /dev/mapper/vg_web-lv_root /                       ext4    defaults        1 1
        UUID=0f1e2d3c-0000-4444-8888-123456789abc /boot                   ext4    defaults        1 2
        /dev/mapper/vg_web-lv_home /home                   ext4    defaults        1 2
        /dev/mapper/vg_web-lv_swap swap                    swap    defaults        0 0
        tmpfs                   /dev/shm                tmpfs   defaults        0 0
        devpts                  /dev/pts                devpts  gid=5,mode=620  0 0
        sysfs                   /sys                    sysfs   defaults        0 0
        proc                    /proc                   proc    defaults        0 0

        """,
        $"""

        #
        # /etc/fstab
        # Created by anaconda on Tue Mar  5 10:11:12 2013
        #
        UUID={System} /                       ext4    defaults        1 1
        # nativesync: its files are on the file system around it now: UUID=0f1e2d3c-0000-4444-8888-123456789abc /boot                   ext4    defaults        1 2
        # nativesync: its files are on the file system around it now: /dev/mapper/vg_web-lv_home /home                   ext4    defaults        1 2
        # nativesync: this swap is not at the destination: /dev/mapper/vg_web-lv_swap swap                    swap    defaults        0 0
        tmpfs                   /dev/shm                tmpfs   defaults        0 0
        devpts                  /dev/pts                devpts  gid=5,mode=620  0 0
        sysfs                   /sys                    sysfs   defaults        0 0
        proc                    /proc                   proc    defaults        0 0

        """, Facts(folded: ["/boot", "/home"]));

    [Fact]
    public void RedHat9OnXfsGetsTheDestinationsTypeAndNoOptionsOfXfs() => Becomes(
        """
        UUID=11111111-2222-3333-4444-555555555555 /                       xfs     defaults,inode64,noatime 0 0
        UUID=7B77-95E7          /boot/efi               vfat    umask=0077,shortname=winnt 0 2
        /dev/vg/data            /srv/data               xfs     defaults        0 0
        10.0.0.9:/export        /mnt/nfs                nfs     rw,hard         0 0
        /dev/cdrom              /media                  iso9660 ro,noauto       0 0

        """,
        $"""
        UUID={System} /                       ext4    defaults,noatime 0 0
        # nativesync: its files are on the file system around it now: UUID=7B77-95E7          /boot/efi               vfat    umask=0077,shortname=winnt 0 2
        UUID={Data} /srv/data               xfs     defaults        0 0
        10.0.0.9:/export        /mnt/nfs                nfs     rw,hard,_netdev,nofail 0 0
        /dev/cdrom              /media                  iso9660 ro,noauto       0 0

        """, Facts(data: "xfs"));

    [Fact]
    public void SuseOnSubvolumesHasDirectoriesInTheirPlace() => Becomes(
        """
        UUID=11111111-2222-3333-4444-555555555555  /           btrfs  defaults                      0  0
        UUID=11111111-2222-3333-4444-555555555555  /var        btrfs  subvol=/@/var                 0  0
        UUID=11111111-2222-3333-4444-555555555555  /home       btrfs  subvol=/@/home                0  0
        UUID=22222222-2222-3333-4444-555555555555  swap        swap   defaults                      0  0

        """,
        $"""
        UUID={System}  /           ext4  defaults                      0  0
        # nativesync: its files are on the file system around it now: UUID=11111111-2222-3333-4444-555555555555  /var        btrfs  subvol=/@/var                 0  0
        # nativesync: its files are on the file system around it now: UUID=11111111-2222-3333-4444-555555555555  /home       btrfs  subvol=/@/home                0  0
        UUID={Swap}  swap        swap   defaults                      0  0

        """, Facts(folded: ["/var", "/home"], swap: true));

    [Fact]
    public void ASwapPartitionThatWasMadeIsUsedBesideASwapFile() => Becomes(
        "UUID=11111111-2222-3333-4444-555555555555 / ext4 defaults 0 1\n/swap.img none swap sw 0 0\n",
        $"UUID={System} / ext4 defaults 0 1\n/swap.img none swap sw 0 0\nUUID={Swap} none swap defaults 0 0\n", Facts(swap: true));

    [Fact]
    public void UbuntuKeepsItsSwapFileAndLosesTheLineOfADiskThatStayedBehind() => Becomes(
        """
        # / was on /dev/sda2 during curtin installation
        /dev/disk/by-uuid/11111111-2222-3333-4444-555555555555 / ext4 defaults 0 1
        /swap.img	none	swap	sw	0	0
        /lost.img	none	swap	sw	0	0
        LABEL=backup	/backup	ext4	defaults	0	2
        /srv/data/pub	/var/ftp	none	bind	0	0
        """,
        $"""
        # / was on /dev/sda2 during curtin installation
        UUID={System} / ext4 defaults 0 1
        /swap.img	none	swap	sw	0	0
        # nativesync: the file was not carried: /lost.img	none	swap	sw	0	0
        # nativesync: this disk is not at the destination: LABEL=backup	/backup	ext4	defaults	0	2
        /srv/data/pub	/var/ftp	none	bind	0	0
        UUID={Data} /srv/data ext4 defaults,nofail 0 2
        """, Facts(data: "ext4"));

    [Fact]
    public void DebianWithTheSameUuidStaysAsItIs() => Becomes(
        $"# <file system> <mount point>   <type>  <options>       <dump>  <pass>\nUUID={System} /               ext4    errors=remount-ro 0       1\n",
        $"# <file system> <mount point>   <type>  <options>       <dump>  <pass>\nUUID={System} /               ext4    errors=remount-ro 0       1\n", Facts());

    [Fact]
    public void AmazonsShortLinesAndBlanksInMountPointsAreRead() => Becomes(
        "LABEL=/     /           ext4\n/dev/xvdf /my\\040data xfs defaults,nofail,x-systemd.device-timeout=10s 0 2\n",
        $"UUID={System} /           ext4\nUUID={Data} /my\\040data xfs defaults,nofail,x-systemd.device-timeout=10s 0 2\n", Facts(data: "xfs", point: "/my data"));

    [Fact]
    public void ASubvolumeThatIsSeenAtSeveralPlacesIsBound() => Becomes(
        """
        UUID=11111111-2222-3333-4444-555555555555 / btrfs defaults,subvol=@ 0 0
        UUID=11111111-2222-3333-4444-555555555555 /home btrfs defaults,subvol=@home 0 0
        UUID=11111111-2222-3333-4444-555555555555 /export/home btrfs ro,noauto,nosuid,compress=zstd,x-systemd.automount,subvol=@home 0 0
        UUID=11111111-2222-3333-4444-555555555555 /mnt/top btrfs subvolid=5,noauto 0 0

        """,
        $"""
        UUID={System} / ext4 defaults 0 0
        # nativesync: its files are on the file system around it now: UUID=11111111-2222-3333-4444-555555555555 /home btrfs defaults,subvol=@home 0 0
        /home /export/home none ro,noauto,nosuid,x-systemd.automount,bind,nofail 0 0
        UUID=11111111-2222-3333-4444-555555555555 /mnt/top btrfs subvolid=5,noauto 0 0
        /home /unnamed none bind,nofail 0 0
        /home /mnt/top/@my\040home none bind,nofail 0 0

        """, Facts(folded: ["/home"], shared: [new("/export/home", "/home"), new("/unnamed", "/home"), new("/mnt/top/@my home", "/home")]));

    [Theory]
    [InlineData("defaults", "btrfs", "ext4", "defaults")]
    [InlineData("noatime,subvol=@data,compress=zstd", "btrfs", "ext4", "noatime")]
    [InlineData("noatime,subvol=@data,compress=zstd", "auto", "ext4", "noatime")]
    [InlineData("noatime,subvol=@data,compress=zstd", "btrfs", "btrfs", "noatime,compress=zstd")]
    [InlineData("pquota", "auto", "xfs", "pquota")]
    public void AnotherTypeTakesTheOptionsOfAnyTypeAlone(string options, string from, string to, string expected) => Assert.Equal(expected, Fstab.OptionsFor(options, from, to));

    private static FixupFacts Facts(string[]? folded = null, string? data = null, string point = "/srv/data", bool swap = false, SharedPlace[]? shared = null)
    {
        FixupFacts facts = new() { Shared = [.. shared ?? []], FileSystems = [new() { MountPoint = "/", Uuid = System, Type = "ext4" }], Folded = [.. folded ?? []] };
        if (data is not null)
        {
            facts.FileSystems.Add(new() { MountPoint = point, Uuid = Data, Type = data });
        }

        if (swap)
        {
            facts.FileSystems.Add(new() { MountPoint = "swap", Uuid = Swap, Type = "swap" });
        }

        return facts;
    }

    private static void Becomes(string before, string after, FixupFacts facts)
    {
        string once = Fstab.Rewrite(before, facts, path => path == "/swap.img");
        Assert.Equal(after, once);
        Assert.Equal(once, Fstab.Rewrite(once, facts, path => path == "/swap.img"));
    }
}
