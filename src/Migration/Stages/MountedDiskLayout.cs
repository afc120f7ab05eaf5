using System.Globalization;
using System.Text;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>
/// Finds each disk by its id — never by vdb or vdc, which change — and mounts its file system below /mnt/nativesync.
/// Needs nothing of the rescue system but sh, mount and umount, and mkfs and sfdisk only with the user's consent.
/// </summary>
/// <param name="client">Which disks may get new file systems and tables; null: none.</param>
/// <param name="formatted">Indexes that have got theirs; they are never formatted again.</param>
/// <param name="save">Writes that down before any data comes.</param>
/// <param name="migration">A word that no other migration has: what it made in the rescue system is known again, also when the answer was lost.</param>
internal sealed class MountedDiskLayout(ClientSettings? client = null, ICollection<int>? formatted = null, Action? save = null, string migration = "") : IDestinationLayout
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
        # mount_fs DEVICE POINT   an XFS whose UUID is mounted already is a copy of it, and no reason to refuse
        mount_fs() { mount "$1" "$2" || mount -t xfs -o nouuid "$1" "$2" 2>/dev/null; }
        # make_fs TYPE UUID LABEL DEVICE   as the source's is
        make_fs() {
          command -v "mkfs.$1" >/dev/null || { echo "the rescue system has no mkfs.$1; make the file system on $4 by hand" >&2; return 1; }
          case $1 in
            # Not what kernels and boot loaders of a few years ago cannot read, where this mkfs knows of it.
            ext*) for o in ^orphan_file,^metadata_csum_seed ^metadata_csum_seed ""; do
                mkfs."$1" -q -F ${o:+-O "$o"} ${2:+-U "$2"} ${3:+-L "$3"} "$4" >/dev/null 2>&1 && return 0
              done
              mkfs."$1" -q -F ${2:+-U "$2"} ${3:+-L "$3"} "$4" >/dev/null;;
            xfs) mkfs.xfs -q -f -m "bigtime=0,inobtcount=0${2:+,uuid=$2}" ${3:+-L "$3"} "$4" >/dev/null 2>&1 || mkfs.xfs -q -f ${2:+-m "uuid=$2"} ${3:+-L "$3"} "$4" >/dev/null;;
            btrfs) mkfs.btrfs -q -f ${2:+-U "$2"} ${3:+-L "$3"} "$4" >/dev/null;;
            *) echo "a file system of type $1 cannot be made" >&2; return 1;;
          esac
        }
        # mounted_from POINT   the device, and its UUID where blkid can tell
        mounted_from() {
          while read -r d point _; do if [ "$point" = "$1" ]; then echo "device $d"; blkid -s UUID -o value "$d" 2>/dev/null || true; fi; done < /proc/mounts
        }
        is_mounted() { while read -r _ point _; do if [ "$point" = "$1" ]; then return 0; fi; done < /proc/mounts; return 1; }
        # life_of PID   sets $life to its number and the time of its start, since numbers are given again; to nothing when it has ended
        life_of() {
          life=; s=
          { read -r s <"/proc/$1/stat"; } 2>/dev/null
          case $s in *") "[!ZX]*) set -- "${s%% *}" ${s##*) }; life="$1 ${21}";; esac
        }
        # alone   What a line that was cut had begun goes on here: it is waited for, so that no two are at the disks.
        alone() {
          mkdir -p /mnt/nativesync || exit 1
          lock=/mnt/nativesync/.busy looks=0 freed=0
          life_of self; own=$life
          until (set -C; echo "$own" >"$lock") 2>/dev/null; do
            other=
            { read -r other <"$lock"; } 2>/dev/null
            life_of "${other%% *}"
            if [ -n "$other" ] && [ "$life" = "$other" ]; then looks=0; else looks=$((looks + 1)); fi
            if [ $freed -gt 2 ]; then echo "$lock cannot be written: is there room?" >&2; exit 1; fi
            # Not only between making it and writing into it.
            if [ $looks -gt 3 ]; then rm -f "$lock"; looks=0 freed=$((freed + 1)); else sleep 1; fi
          done
          trap 'rm -f "$lock"' EXIT
        }
        # keep_made POINT DEVICE   a note for who comes after a line that was cut: it is never made again
        keep_made() { echo "$migration $2" >"$1.made"; }
        # was_made POINT   whether this migration made its file system, which sets $made to the device
        was_made() {
          word=; made=
          { read -r word made <"$1.made"; } 2>/dev/null
          [ "$word" = "$migration" ] && [ -n "$made" ]
        }
        # tell POINT SWAP-MIB TABLE   what is mounted there, and the swap of a table that was made
        tell() {
          mounted_from "$1"
          if [ "$2" != 0 ] && [ -n "$3" ]; then set -- $(mounted_from "$1"); echo "swap $(blkid -p -s UUID -o value "${2%1}2")"; fi
        }
        alone

        """;

    /// <summary>$1 disk id, $2 mount point, $3 when to format, $4 type, $5 UUID, $6 label, $7 MiB of swap, $8 system or data, $9 not empty: a new table.</summary>
    private const string Mount = """
        m=$2
        mkdir -p "$m" || exit 1
        if is_mounted "$m" || was_made "$m"; then
          is_mounted "$m" || mount_fs "$made" "$m" || exit 1
          tell "$m" "$7" "$9"
          exit 0
        fi
        disk=$(find_disk "$1") || exit 1

        """;

    private const string MountSystem = """
        only=
        for p in $(parts_of "$disk"); do
          mount_fs "$p" "$m" 2>/dev/null || continue
          if [ -d "$m/etc" ] && { [ -e "$m/bin" ] || [ -e "$m/usr" ]; }; then only=$p; umount "$m" || exit 1; break; fi
          umount "$m" || exit 1
          if [ -z "$only" ]; then only=$p; else only=several; fi
        done
        if [ "$only" = several ]; then echo "several partitions of $disk can be mounted and none holds a system" >&2; exit 1; fi
        if [ -z "$only" ]; then echo "no partition of $disk can be mounted" >&2; exit 1; fi
        if [ "$3" = all ]; then make_fs "$4" "$5" "$6" "$only" && keep_made "$m" "$only" || exit 1; fi
        mount_fs "$only" "$m" && mounted_from "$m"
        """;

    private const string MountData = """
        only=
        for p in $(parts_of "$disk"); do
          mount_fs "$p" "$m" 2>/dev/null || continue
          umount "$m" || exit 1
          if [ -z "$only" ]; then only=$p; else echo "$disk has several file systems: which of them takes the data?" >&2; exit 1; fi
        done
        if [ -z "$only" ] && [ "$3" != never ]; then
          for p in $(parts_of "$disk"); do if [ -z "$only" ]; then only=$p; else echo "$disk has several partitions and no file system: which of them takes the data?" >&2; exit 1; fi; done
          make_fs "$4" "$5" "$6" "$only" && keep_made "$m" "$only" || exit 1
        elif [ -z "$only" ]; then
          echo "$disk has no file system; make one (for example: mkfs.ext4 $disk), or set Client.Disks.Format to \"empty\"" >&2; exit 1
        elif [ "$3" = all ]; then
          make_fs "$4" "$5" "$6" "$only" && keep_made "$m" "$only" || exit 1
        fi
        mount_fs "$only" "$m" && mounted_from "$m"
        """;

    /// <summary>
    /// Unmounting writes a file system out; a sync before would wait for all the others of the machine, too. Where nothing is mounted a
    /// run whose line was cut may be at it still, and its mounts are gone before its disks are written: there sync waits for them.
    /// </summary>
    private const string Unmount = """
        list=
        while read -r _ m _; do case $m in /mnt/nativesync/*) list="$m $list";; esac; done < /proc/mounts
        for m in $list; do umount "$m" || exit 1; done
        [ -n "$list" ] || sync
        """;

    public async Task<IReadOnlyList<string>> DescribeAsync(IRescueSystem system, IReadOnlyList<PlannedFileSystem> plan, IReadOnlyList<DiskAssignment> disks, CancellationToken ct)
    {
        List<string> lines = [];
        foreach (PlannedFileSystem fs in plan)
        {
            DiskAssignment disk = Of(fs, disks);
            string output = await Shell.RunAsync(system, Functions + $"set -- {disk.DiskId}\n" + DiskScripts.Describe, $"looking at {disk.DiskId}", ct).ConfigureAwait(false);
            string format = FormatOf(fs, disk);
            string fate = format == "never" || (format == "empty" && fs.Index == 0) ? "what is there is kept, and filled" : format == "empty" ? $"kept and filled, or a new {disk.SourceType} where there is no file system" : client!.HasNewTable(fs.Index) ? $"a new table with a new {disk.SourceType}" : $"a new {disk.SourceType}";
            lines.Add($"{disk.DiskId} takes {fs.MountPoint} ({fate}); now: {string.Join("; ", output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => Engine.ByteText.Escape(Encoding.UTF8.GetBytes(l.Trim()))))}");
        }

        return lines;
    }

    private static DiskAssignment Of(PlannedFileSystem fs, IReadOnlyList<DiskAssignment> disks)
    {
        DiskAssignment disk = disks.FirstOrDefault(d => d.Index == fs.Index)
            ?? throw new MigrationException($"the destination has no disk for the {fs.Label}", "check DataDisks in user.json");
        return NameForms.IsDiskId(disk.DiskId) ? disk : throw new MigrationException($"the API gave a disk id of an unknown form for the {fs.Label}", "");
    }

    /// <summary>What was made once is never made again: data is on it.</summary>
    private string FormatOf(PlannedFileSystem fs, DiskAssignment disk)
        => formatted?.Contains(fs.Index) == true || !FileSystemKinds.CanBeMade(disk.SourceType ?? "") ? "never" : client?.Format switch { FormatConsent.All => "all", FormatConsent.Empty => "empty", _ => "never" };

    public async Task<IReadOnlyList<byte[]>> PrepareAsync(IRescueSystem system, IReadOnlyList<PlannedFileSystem> plan, IReadOnlyList<DiskAssignment> disks, CancellationToken ct)
    {
        List<byte[]> places = [];
        foreach (PlannedFileSystem fs in plan)
        {
            DiskAssignment disk = Of(fs, disks);
            string place = fs.Index == 0 ? $"{Base}/system" : string.Create(CultureInfo.InvariantCulture, $"{Base}/disk{fs.Index}");
            string format = FormatOf(fs, disk);
            bool anew = format == "all" && client!.HasNewTable(fs.Index);
            string body = anew ? DiskScripts.MountNew : fs.Index == 0 ? MountSystem : MountData;
            string swap = fs.Index == 0 ? (client?.SwapMebibytes ?? 0).ToString(CultureInfo.InvariantCulture) : "0";
            string[] words = [disk.DiskId, place, format, disk.SourceType ?? "", disk.SourceUuid ?? "", disk.SourceLabel ?? "", swap, fs.Index == 0 ? "system" : "data", anew ? "table" : ""];
            string script = Functions + $"migration={Shell.Quote(migration)}\nset -- {string.Join(' ', words.Select(Shell.Quote))}\n" + Mount + body;
            string output = await Shell.RunAsync(system, script, $"mounting {disk.DiskId} for the {fs.Label}", ct).ConfigureAwait(false);
            string[] told = output.Split('\n');
            disk.Device = told[0].StartsWith("device ", StringComparison.Ordinal) ? told[0][7..] : null;
            disk.Uuid = told.Length > 1 && told[1].Length > 0 ? told[1] : null;
            disk.SwapUuid = told.Length > 2 && told[2].StartsWith("swap ", StringComparison.Ordinal) ? told[2][5..] : disk.SwapUuid;
            if (format != "never" && formatted is not null)
            {
                formatted.Add(fs.Index);
                save?.Invoke();
            }

            places.Add(Encoding.ASCII.GetBytes(place + "/"));
        }

        return places;
    }

    public Task ReleaseAsync(IRescueSystem system, CancellationToken ct)
        => Shell.RunAsync(system, Unmount, "unmounting", ct);
}
