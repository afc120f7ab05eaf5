#!/bin/sh
# Runs a program as on a server whose root is a given disk: mounts it, others below it, a /proc, a /dev of its own with the
# names that udev gives, and changes root. To be run in new mount and process namespaces.
#
#   as-root.sh DIRECTORY "LOOP:/ LOOP:/mnt/disk1[:OPTIONS] …" PROGRAM [ARGUMENT]…
set -eu
root=$1 mounts=$2
shift 2
devices=
for word in $mounts; do
    loop=${word%%:*} place=${word#*:}
    case $place in *:*) options=${place#*:} ;; *) options=rw ;; esac
    mount -o "$options" "/dev/$loop" "$root${place%%:*}"
    case " $devices " in *" $loop "*) ;; *) devices="$devices $loop" ;; esac
done
names=
for loop in $devices; do
    names="$names $loop:uuid/$(blkid -c /dev/null -s UUID -o value "/dev/$loop")"
    label=$(blkid -c /dev/null -s LABEL -o value "/dev/$loop") || continue
    names="$names $loop:label/$label"
done
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 udev "$root/dev"
mkdir -p "$root/dev/disk/by-uuid" "$root/dev/disk/by-label" "$root/dev/shm"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/zero" c 1 5
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
for loop in $devices; do
    mknod -m 660 "$root/dev/$loop" b 7 "${loop#loop}"
done
for word in $names; do
    ln -s "../../${word%%:*}" "$root/dev/disk/by-${word#*:}"
done
exec chroot "$root" "$@"
