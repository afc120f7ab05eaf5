namespace NativeSync.Migration.Stages;

/// <summary>Scripts that mount disks, make partition tables and file systems, and show what disks hold; they stand behind <see cref="DiskFunctions"/>.</summary>
internal static class DiskScripts
{
    /// <summary>
    /// $1 disk id, $2 mount point, $3 when to format, $4 type, $5 UUID, $6 label, $7 MiB of swap, $8 system or data, $9 not empty: a new
    /// table, ${10} the partition that was chosen. Ends where its file system is mounted already, or was made.
    /// </summary>
    public const string Begin = """
        m=$2 look=/mnt/nativesync/.look
        mkdir -p "$m" "$look" || exit 1
        disk=$(find_disk "$1") || exit 1
        # What was killed while it looked has left it there.
        while at "$look"; do unmount "$look" || exit 1; done
        while at "$m"; do
          for p in $(parts_of "$disk"); do
            if [ "$p" -ef "$device" ]; then tell "$m" "$7" "$9"; exit 0; fi
          done
          # Another disk's.
          unmount "$m" || exit 1
        done
        if was_made "$m" "$1"; then
          made=$(part_of "$disk" "$number") && mount_fs "$made" "$m" || exit 1
          tell "$m" "$7" "$9"
          exit 0
        fi
        # choose KIND   sets $only to the one partition that can be mounted, or to the one that holds a system, $several to 1 where there are more,
        # and $dark to one that may hold a system all the same
        choose() {
          only= several= dark=
          for p in $(parts_of "$disk"); do
            if mount_fs "$p" "$look" 2>/dev/null; then :; else
              may_hold "$p" && dark=$p
              continue
            fi
            at "$look"
            system=
            if [ -d "$look/etc" ] && { [ -e "$look/bin" ] || [ -e "$look/usr" ]; }; then system=1; fi
            unmount "$look" || exit 1
            # What firmware starts from is neither a system nor data.
            case $(blkid -p -s PART_ENTRY_TYPE -o value "$p" 2>/dev/null) in 0xef | c12a7328-*) continue;; esac
            if [ "$1" = system ]; then
              if [ "$kind" = vfat ] || [ "$kind" = msdos ]; then continue; fi
              if [ -n "$system" ]; then only=$p several= dark=; break; fi
            fi
            if [ -z "$only" ]; then only=$p; else several=1; fi
          done
        }
        # finish MAKE   The choice is told first, and comes again when it has been written down.
        finish() {
          if [ -n "$1" ]; then
            if [ "$when" = all ] && [ -z "$chosen" ]; then echo "chosen $(number_of "$disk" "$only")"; exit 0; fi
            make_fs "$type" "$uuid" "$label" "$only" && keep_made "$m" "$id" "$(number_of "$disk" "$only")" || exit 1
          fi
          mount_fs "$only" "$m" && mounted_from "$m"
          exit
        }
        id=$1 when=$3 type=$4 uuid=$5 label=$6 chosen=${10} anew=$9
        if [ -n "$chosen" ] && [ -z "$anew" ]; then
          only=$(part_of "$disk" "$chosen") || exit 1
          if [ "$when" = all ]; then finish make; else finish ""; fi
        fi

        """;

    /// <summary>What follows for the system disk.</summary>
    public const string System = """
        choose system
        if [ -n "$several" ]; then echo "several partitions of $disk can be mounted and none holds a system" >&2; exit 1; fi
        if [ -z "$only" ]; then echo "no partition of $disk that could hold a system can be mounted" >&2; exit 1; fi
        if [ -n "$dark" ]; then echo "$only can be mounted and holds no system, as one for /boot, and what $dark holds cannot be told: make a file system there (for example: mkfs.ext4 $dark), or set Client.Disks.Partition to \"system\"" >&2; exit 1; fi
        if [ "$when" = all ]; then finish make; else finish ""; fi
        """;

    /// <summary>What follows for a data disk.</summary>
    public const string Data = """
        choose data
        if [ -n "$several" ]; then echo "$disk has several file systems: which of them takes the data?" >&2; exit 1; fi
        if [ -n "$only" ]; then
          if [ "$when" = all ]; then finish make; else finish ""; fi
        fi
        if [ "$when" = never ]; then
          echo "$disk has no file system; make one (for example: mkfs.ext4 $disk), or set Client.Disks.Format to \"empty\"" >&2; exit 1
        fi
        for p in $(parts_of "$disk"); do if [ -z "$only" ]; then only=$p; else echo "$disk has several partitions and no file system: which of them takes the data?" >&2; exit 1; fi; done
        finish make
        """;

    /// <summary>What follows where a new table is to be made.</summary>
    public const string New = """
        # make_table DISK SWAP-MIB KIND   one partition, and one for swap behind it
        make_table() {
          command -v sfdisk >/dev/null || { echo "the rescue system has no sfdisk; make the partitions of $1 by hand" >&2; return 1; }
          real=$(real "$1"); base=${real##*/}
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
          part=$(stem "$1")
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
        make_fs "$4" "$5" "$6" "${part}1" && keep_made "$m" "$1" 1 || exit 1
        mount_fs "${part}1" "$m" && tell "$m" "$7" "$9"
        """;

    /// <summary>
    /// Unmounting writes a file system out; a sync before would wait for all the others of the machine, too. Where nothing is mounted a
    /// run whose line was cut may be at it still, and its mounts are gone before its disks are written: there sync waits for them.
    /// </summary>
    public const string Unmount = """
        list=
        while read -r _ m _; do case $m in /mnt/nativesync/*) list="$m $list";; esac; done < /proc/mounts
        for m in $list; do unmount "$m" || exit 1; done
        [ -n "$list" ] || sync
        """;

    /// <summary>$1 disk id: its table, and a line for each partition or for what is on the disk itself.</summary>
    public const string Describe = """
        disk=$(find_disk "$1") || exit 1
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
