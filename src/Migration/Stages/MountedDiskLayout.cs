using System.Globalization;
using System.Text;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>
/// Finds each disk by its id — never by vdb or vdc, which change — and mounts its file system below /mnt/nativesync.
/// Needs nothing of the rescue system but sh, mount and umount. Making partitions and file systems is not done here: a
/// disk without any is an error.
/// </summary>
internal sealed class MountedDiskLayout : IDestinationLayout
{
    /// <summary>Mounts go below this directory.</summary>
    public const string Base = "/mnt/nativesync";

    /// <summary>
    /// The device of a disk id: udev's link, else the virtio serial, which holds the id's first 20 bytes. Partitions
    /// are the links with -partN, else the kernel's names.
    /// </summary>
    private const string Functions = """
        set -u
        find_disk() {
          if [ -e "/dev/disk/by-id/virtio-$1" ]; then echo "/dev/disk/by-id/virtio-$1"; return 0; fi
          for s in /sys/block/*/serial; do
            [ -r "$s" ] || continue
            if [ "$(cat "$s")" = "$1" ]; then d=${s%/serial}; echo "/dev/${d##*/}"; return 0; fi
          done
          echo "no disk with the id $1 (looked for /dev/disk/by-id/virtio-$1 and for its serial in /sys/block)" >&2
          return 1
        }
        parts_of() {
          found=0
          for p in "$1"-part* "$1"[0-9]*; do
            if [ -b "$p" ]; then echo "$p"; found=1; fi
          done
          if [ "$found" = 0 ]; then echo "$1"; fi
        }
        is_mounted() { while read -r _ point _; do if [ "$point" = "$1" ]; then return 0; fi; done < /proc/mounts; return 1; }

        """;

    private const string MountSystem = """
        m=$2
        is_mounted "$m" && exit 0
        mkdir -p "$m" || exit 1
        disk=$(find_disk "$1") || exit 1
        only=
        for p in $(parts_of "$disk"); do
          mount "$p" "$m" 2>/dev/null || continue
          if [ -d "$m/etc" ] && { [ -e "$m/bin" ] || [ -e "$m/usr" ]; }; then exit 0; fi
          umount "$m" || exit 1
          if [ -z "$only" ]; then only=$p; else only=several; fi
        done
        if [ "$only" = several ]; then echo "several partitions of $disk can be mounted and none holds a system" >&2; exit 1; fi
        if [ -z "$only" ]; then echo "no partition of $disk can be mounted" >&2; exit 1; fi
        mount "$only" "$m"
        """;

    private const string MountData = """
        m=$2
        is_mounted "$m" && exit 0
        mkdir -p "$m" || exit 1
        disk=$(find_disk "$1") || exit 1
        only=
        for p in $(parts_of "$disk"); do
          mount "$p" "$m" 2>/dev/null || continue
          umount "$m" || exit 1
          if [ -z "$only" ]; then only=$p; else echo "$disk has several file systems: which of them takes the data?" >&2; exit 1; fi
        done
        if [ -z "$only" ]; then echo "$disk has no file system; make one (for example: mkfs.ext4 $disk) before the migration" >&2; exit 1; fi
        mount "$only" "$m"
        """;

    private const string Unmount = """
        sync
        list=
        while read -r _ m _; do case $m in /mnt/nativesync/*) list="$m $list";; esac; done < /proc/mounts
        for m in $list; do umount "$m" || exit 1; done
        """;

    public async Task<IReadOnlyList<byte[]>> PrepareAsync(IRescueSystem system, IReadOnlyList<PlannedFileSystem> plan, IReadOnlyList<DiskAssignment> disks, CancellationToken ct)
    {
        List<byte[]> places = [];
        foreach (PlannedFileSystem fs in plan)
        {
            DiskAssignment disk = disks.FirstOrDefault(d => d.Index == fs.Index)
                ?? throw new MigrationException($"the destination has no disk for the {fs.Label}", "check DataDisks in user.json");
            if (!NameForms.IsDiskId(disk.DiskId))
            {
                throw new MigrationException($"the API gave a disk id of an unknown form for the {fs.Label}", "");
            }

            string place = fs.Index == 0 ? $"{Base}/system" : string.Create(CultureInfo.InvariantCulture, $"{Base}/disk{fs.Index}");
            string body = fs.Index == 0 ? MountSystem : MountData;
            string script = Functions + $"set -- {Shell.Quote(disk.DiskId)} {Shell.Quote(place)}\n" + body;
            await Shell.RunAsync(system, script, $"mounting {disk.DiskId} for the {fs.Label}", ct).ConfigureAwait(false);
            places.Add(Encoding.ASCII.GetBytes(place + "/"));
        }

        return places;
    }

    public Task ReleaseAsync(IRescueSystem system, CancellationToken ct)
        => Shell.RunAsync(system, Unmount, "unmounting", ct);
}
