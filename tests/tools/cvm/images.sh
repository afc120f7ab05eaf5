#!/bin/sh
# Makes what the tests boot, from Debian packages, in DIRECTORY (made when it is not there; done once for each recipe):
#
#   rescue.cpio, rescue.kernel   a rescue system as one initrd: nothing of it lies on a disk, so that the disks are the instance's alone
#   source.tar                   a server's root: kernel, GRUB, systemd, ifupdown, sshd; an initramfs that knows no virtio
#   small.tar                    what a new instance holds before: a few files of another system
#
#   images.sh DIRECTORY
set -eu
here=$(cd "$(dirname "$0")" && pwd)
directory=$1
mkdir -p "$directory"
work=$(mktemp -d "${TMPDIR:-/tmp}/nativesync-images-XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022

common=systemd-sysv,udev,dbus,kmod,procps,iproute2,openssh-server,initramfs-tools,zstd,linux-image-cloud-amd64,e2fsprogs,xfsprogs,btrfs-progs,fdisk
debootstrap --variant=minbase --include="$common,ifupdown,isc-dhcp-client,grub-pc,grub2-common,grub-pc-bin,grub-common" bookworm "$work/root" >"$directory/debootstrap.log" 2>&1 \
    || { tail -n 5 "$directory/debootstrap.log" >&2; exit 1; }

# Documentation and translations only make everything slower.
cd "$work/root"
rm -rf usr/share/doc/* usr/share/man/* usr/share/info/* usr/share/locale/* usr/share/i18n var/cache/apt/* var/lib/apt/lists/* var/log/*.log var/log/apt/*
rm -rf dev/* proc/* sys/* run/* tmp/*
rm -f etc/ssh/ssh_host_* etc/machine-id etc/hostname
release=$(ls lib/modules)

# --- The rescue system ---------------------------------------------------------------------------------------------
cp -a "$work/root" "$work/rescue"
cp -L "boot/vmlinuz-$release" "$directory/rescue.kernel"
cd "$work/rescue"
rm -rf boot/* usr/share/grub var/lib/dpkg/info usr/share/zoneinfo
rm -rf "lib/modules/$release/kernel/sound" "lib/modules/$release/kernel/drivers/gpu" "lib/modules/$release/kernel/drivers/media"
cp "$here/rescue-init" init
chmod 755 init
echo rescue >etc/hostname
printf 'NAME="Rescue"\nID=rescue\nPRETTY_NAME="Rescue system of the tests"\n' >etc/os-release
cat >etc/ssh/sshd_config <<'END'
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
END
find . -xdev | cpio --quiet -o -H newc -R 0:0 >"$directory/rescue.cpio.new"
mv "$directory/rescue.cpio.new" "$directory/rescue.cpio"

# --- The server ----------------------------------------------------------------------------------------------------
cd "$work/root"
chroot . dpkg --purge xfsprogs btrfs-progs >/dev/null
# Its disks were no virtio disks: what it boots by has not heard of them. (An emulated processor packs slowly.)
sed -i 's/^MODULES=.*/MODULES=list/; s/^COMPRESS=.*/COMPRESS=gzip/; $aCOMPRESSLEVEL=1' etc/initramfs-tools/initramfs.conf
printf 'ext4\nahci\nsd_mod\n' >etc/initramfs-tools/modules
mount -t proc proc proc
chroot . update-initramfs -u -k all >"$directory/initramfs.log" 2>&1 || { umount proc; tail -n 5 "$directory/initramfs.log" >&2; exit 1; }
umount proc
cp -a "$here/server/." .
chmod 755 usr/local/bin/*
ln -sf /etc/systemd/system/greeter.service etc/systemd/system/multi-user.target.wants/greeter.service
echo server >etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 server\n' >etc/hosts
echo 0123456789abcdef0123456789abcdef >etc/machine-id
chroot . useradd --create-home --shell /bin/bash deploy
ssh-keygen -q -A -f .
printf 'nameserver 192.0.2.53\n' >etc/resolv.conf
tar --xattrs --xattrs-include='*' --acls -cf "$directory/source.tar.new" .
mv "$directory/source.tar.new" "$directory/source.tar"

# --- What a new instance holds -------------------------------------------------------------------------------------
mkdir "$work/small"
cd "$work/small"
mkdir -p etc bin usr/lib/image var/log boot/grub
printf 'PRETTY_NAME="what the image held before"\nID=image\n' >etc/os-release
printf 'UUID=%s / ext4 defaults 0 1\n' 00000000-0000-0000-0000-000000000000 >etc/fstab
seq 1 100000 >usr/lib/image/numbers
echo kernel >boot/vmlinuz-of-the-image
tar -cf "$directory/small.tar" .
