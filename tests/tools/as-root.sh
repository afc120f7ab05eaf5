#!/bin/sh
# Runs a program as on a server whose root is a given disk: mounts it, others below it, a /proc, a /dev of its own with the
# names that udev gives, and changes root. To be run in new mount and process namespaces.
#
#   as-root.sh DIRECTORY "LOOP:/ LOOP:/mnt/disk1 …" PROGRAM [ARGUMENT]…
set -eu
root=$1 mounts=$2
shift 2
devices=
for word in $mounts; do
    loop=${word%%:*}
    mount "/dev/$loop" "$root${word#*:}"
    devices="$devices $loop"
done
uuids=
for loop in $devices; do
    uuids="$uuids $loop:$(blkid -s UUID -o value "/dev/$loop")"
done
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 udev "$root/dev"
mkdir -p "$root/dev/disk/by-uuid" "$root/dev/shm"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/zero" c 1 5
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
for word in $uuids; do
    mknod -m 660 "$root/dev/${word%%:*}" b 7 "$(echo "${word%%:*}" | tr -d a-z)"
    ln -s "../../${word%%:*}" "$root/dev/disk/by-uuid/${word#*:}"
done
exec chroot "$root" "$@"
