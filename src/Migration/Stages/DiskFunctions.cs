namespace NativeSync.Migration.Stages;

/// <summary>Shell functions that the scripts of <see cref="DiskScripts"/> stand behind; sh, mount, umount and small tools such as ln and rm are all they need.</summary>
internal static class DiskFunctions
{
    /// <summary>
    /// The device of a disk id: udev's link, else the virtio serial, which holds the id's first 20 bytes. Partitions
    /// are the links with -partN, else the kernel's names; what is kept of them is the number, since names change.
    /// </summary>
    public const string All = """
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
        real() { readlink -f "$1" 2>/dev/null || echo "$1"; }
        # stem DISK   what the kernel's names of its partitions begin with
        stem() { r=$(real "$1"); case $r in *[0-9]) r=${r}p;; esac; echo "$r"; }
        parts_of() {
          found=0
          for p in "$1"-part[0-9]*; do
            if [ -b "$p" ]; then echo "$p"; found=1; fi
          done
          if [ "$found" = 0 ]; then
            for p in "$(stem "$1")"[0-9]*; do
              if [ -b "$p" ]; then echo "$p"; found=1; fi
            done
          fi
          if [ "$found" = 0 ]; then echo "$1"; fi
        }
        # number_of DISK DEVICE   one of parts_of's; 0 is the disk itself
        number_of() { n=${2#"$1"}; n=${n#-part}; n=${n#"$(stem "$1")"}; n=${n#p}; echo "${n:-0}"; }
        # part_of DISK NUMBER
        part_of() {
          for p in $(parts_of "$1"); do
            if [ "$(number_of "$1" "$p")" = "$2" ]; then echo "$p"; return 0; fi
          done
          echo "$1 has no partition $2 any more, which was to get the file system; run the tool with --clean to choose anew" >&2
          return 1
        }
        # mount_fs DEVICE POINT   an XFS whose UUID is mounted already is a copy of it, and no reason to refuse
        mount_fs() { mount "$1" "$2" || mount -t xfs -o nouuid "$1" "$2" 2>/dev/null; }
        # unmount POINT   something of the machine may be looking in there for a moment
        unmount() {
          for n in 1 2 3; do
            if umount "$1" 2>/dev/null; then return 0; fi
            sleep 1
          done
          umount "$1"
        }
        # may_hold DEVICE   whether what cannot be mounted is none of those that never hold a system: swap, boot loaders' and extended partitions
        may_hold() {
          if [ "$(blkid -p -s TYPE -o value "$1" 2>/dev/null)" = swap ]; then return 1; fi
          case $(blkid -p -s PART_ENTRY_TYPE -o value "$1" 2>/dev/null) in
            0x5 | 0xf | 0x85 | 0x82 | 0x41 | 0xef | 0657fd6d-* | 21686148-* | 9e1a2d38-* | c12a7328-* | e3c9e316-*) return 1;;
          esac
        }
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
        # at POINT   whether something is mounted there, which sets $device and $kind
        at() {
          device=; kind=
          while read -r d point k _; do if [ "$point" = "$1" ]; then device=$d kind=$k; fi; done < /proc/mounts
          [ -n "$device" ]
        }
        # mounted_from POINT   the device, and its UUID where blkid can tell
        mounted_from() { if at "$1"; then echo "device $device"; blkid -s UUID -o value "$device" 2>/dev/null || true; fi; }
        # life_of PID   sets $life to its number and the time of its start, since numbers are given again; to nothing when it has ended
        life_of() {
          life=; s=
          { read -r s <"/proc/$1/stat"; } 2>/dev/null
          case $s in *") "[!ZX]*) set -- "${s%% *}" ${s##*) }; life="$1 ${21}";; esac
        }
        # last_turn   sets $last to the highest number of a turn
        last_turn() {
          last=0
          for f in "$turns".[0-9]*; do
            if [ -e "$f" ] && [ "${f##*.}" -gt $last ]; then last=${f##*.}; fi
          done
        }
        # alone   What a line that was cut had begun goes on here: it is waited for, so that no two are at the disks. The turn is his whom the
        # file with the highest number names, while he lives. Only who has made a higher one takes it away: of several that find him
        # dead one makes the next, and who comes too late with a lower one sees that.
        alone() {
          turns=/mnt/nativesync/.turn failed=0
          mkdir -p /mnt/nativesync || exit 1
          life_of self; own=$life mine=$turns-${life%% *}
          # Removed, for an old one may be a turn's other name. By ln a turn has its content from the beginning.
          rm -f "$mine"
          echo "$own" >"$mine" || exit 1
          while :; do
            last_turn
            other= next=$((last + 1))
            { read -r other <"$turns.$last"; } 2>/dev/null
            life_of "${other%% *}"
            if [ -n "$other" ] && [ "$life" = "$other" ]; then sleep 1; continue; fi
            if ln "$mine" "$turns.$next" 2>/dev/null; then
              last_turn
              if [ $last = $next ]; then break; fi
              rm -f "$turns.$next"
            elif [ ! -e "$turns.$next" ]; then
              failed=$((failed + 1))
              if [ $failed -gt 3 ]; then echo "$turns.$next cannot be made: is there room?" >&2; exit 1; fi
            fi
          done
          for f in "$turns".[0-9]*; do
            if [ "${f##*.}" -lt $next ]; then rm -f "$f"; fi
          done
          rm -f "$mine"
        }
        # keep_made POINT DISK-ID PARTITION   a note for who comes after a line that was cut: it is never made again
        keep_made() { echo "$migration $2 $3" >"$1.made"; }
        # was_made POINT DISK-ID   whether this migration made a file system of that disk, which sets $number to its partition's
        was_made() {
          word=; id=; number=
          { read -r word id number <"$1.made"; } 2>/dev/null
          [ "$word" = "$migration" ] && [ "$id" = "$2" ] && [ -n "$number" ]
        }
        # tell POINT SWAP-MIB TABLE   what is mounted there, and the swap of a table that was made
        tell() {
          mounted_from "$1"
          if [ "$2" != 0 ] && [ -n "$3" ]; then set -- $(mounted_from "$1"); echo "swap $(blkid -p -s UUID -o value "${2%1}2")"; fi
        }
        alone

        """;
}
