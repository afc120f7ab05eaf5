namespace NativeSync.Migration.Stages;

/// <summary>Scripts that make partition tables and show what disks hold; they stand behind <see cref="MountedDiskLayout"/>'s functions.</summary>
internal static class DiskScripts
{
    /// <summary>What follows where nothing is mounted yet, with the words of <see cref="MountedDiskLayout"/>.</summary>
    public const string MountNew = """
        # make_table DISK SWAP-MIB KIND   one partition, and one for swap behind it
        make_table() {
          command -v sfdisk >/dev/null || { echo "the rescue system has no sfdisk; make the partitions of $1 by hand" >&2; return 1; }
          real=$(readlink -f "$1"); base=${real##*/}
          sectors=$(cat "/sys/class/block/$base/size") || return 1
          swap=$(($2 * 2048)); table=dos; flag=
          if [ "$3" = system ]; then flag=', bootable'; fi
          if [ "$sectors" -gt 4294967296 ]; then
            if [ "$3" = system ]; then echo "$1 has more than 2 TiB, and the table that a BIOS boots from reaches no further" >&2; return 1; fi
            table=gpt
          fi
          if [ $((sectors - swap)) -lt 131072 ]; then echo "$1 is too small for $2 MiB of swap" >&2; return 1; fi
          {
            echo "label: $table"
            if [ $table = gpt ]; then echo start=2048; else echo "start=2048, size=$((sectors - swap - 2048)), type=83$flag"; fi
            if [ "$swap" != 0 ]; then echo type=82; fi
          } | sfdisk -q --wipe always --wipe-partitions always "$real" >&2 || return 1
          case $base in *[0-9]) part=${real}p;; *) part=$real;; esac
          n=0
          until [ -b "${part}1" ]; do
            n=$((n + 1))
            if [ $n -gt 20 ]; then echo "the kernel does not see the new partitions of $1" >&2; return 1; fi
            sleep 1
          done
          udevadm settle 2>/dev/null
          if [ "$swap" != 0 ]; then mkswap "${part}2" >/dev/null || return 1; fi
          echo "$part"
        }
        part=$(make_table "$disk" "$7" "$8") || exit 1
        make_fs "$4" "$5" "$6" "${part}1" && keep_made "$m" "${part}1" || exit 1
        mount_fs "${part}1" "$m" && tell "$m" "$7" "$9"
        """;

    /// <summary>$1 disk id: its table, and a line for each partition or for what is on the disk itself.</summary>
    public const string Describe = """
        disk=$(find_disk "$1") || exit 1
        real() { readlink -f "$1" 2>/dev/null || echo "$1"; }
        real=$(real "$disk"); base=${real##*/}
        mib() { s=$(cat "/sys/class/block/$1/size" 2>/dev/null) && echo "$((s / 2048)) MiB"; }
        told() { blkid -p -s "$2" -o value "$1" 2>/dev/null || true; }
        echo "$real, $(mib "$base"), table: $(told "$real" PTTYPE)"
        for p in $(parts_of "$disk"); do
          r=$(real "$p")
          t=$(told "$r" TYPE)
          echo "$r, $(mib "${r##*/}"), ${t:-no file system} $(told "$r" LABEL) $(told "$r" UUID)"
        done
        """;
}
