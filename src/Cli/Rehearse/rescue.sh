#!/bin/sh
# A rescue system: a root of its own made of this machine's programs, a /dev that holds nothing but what is given, and an
# sshd that takes a password. To be run in new mount and process namespaces; the old root is let go before sshd starts,
# so that the disks of this machine are not within reach. Everything ends with sshd, and sshd with standard input: whatever
# happens to the caller, nothing is left running or mounted.
#
#   rescue.sh ROOT ADDRESS PORT HOST-KEY [DISK-ID:LOOP[:PARTITION-LOOP]]…   the first line of standard input is root's password
set -eu
root=$1 address=$2 port=$3 key=$4
shift 4
read -r password
PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022

mount -t tmpfs -o mode=755,size=512m rescue "$root"
cd "$root"
mkdir -p bin usr/sbin etc/ssh root run/sshd proc dev/pts dev/disk/by-id tmp var/tmp mnt old
chmod 1777 tmp var/tmp
chmod 700 root

# put NAME DIRECTORY   a program with its libraries
put() {
    program=$(command -v "$1") || { echo "rescue.sh: $1 is not installed" >&2; exit 1; }
    cp -L "$program" "$2/$1"
    ldd "$program" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
        [ -e ".$library" ] || { mkdir -p ".${library%/*}"; cp -L "$library" ".$library"; }
    done
}
for name in sh mount umount mkdir cat wc find sha256sum rm rmdir mv cp ln chmod chroot grep sleep sync uname id ls blkid; do put $name bin; done
for name in mkfs.ext4 mkfs.xfs mkfs.btrfs; do
    if command -v $name >/dev/null; then put $name bin; fi
done
put sshd usr/sbin
[ ! -e /etc/mke2fs.conf ] || cp /etc/mke2fs.conf etc/
cp -L "$(ldconfig -p | sed -n 's/.*libnss_files\.so\.2.* => //p' | head -n 1)" lib/ 2>/dev/null || true

printf 'root:x:0:0::/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/bin/false\nnobody:x:65534:65534::/:/bin/false\n' >etc/passwd
printf 'root:x:0:\nnogroup:x:65534:\n' >etc/group
(umask 077; printf 'root:*:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n' >etc/shadow)
printf 'root:%s\n' "$password" | chpasswd -c SHA512 -R "$root"
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n' >etc/nsswitch.conf
(umask 077; cp "$key" etc/ssh/host_key)
cat >etc/ssh/sshd_config <<END
Port $port
ListenAddress $address
HostKey /etc/ssh/host_key
PidFile none
UsePAM no
PermitRootLogin yes
PasswordAuthentication yes
PubkeyAuthentication no
KbdInteractiveAuthentication no
UseDNS no
PrintMotd no
PrintLastLog no
SetEnv PATH=/bin:/usr/sbin
END

mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
for disk in "$@"; do
    id=${disk%%:*}
    number=0
    for loop in $(echo "${disk#*:}" | tr : ' '); do
        suffix=
        [ $number -eq 0 ] || suffix=-part$number
        mknod -m 660 "dev/$loop" b 7 "${loop#loop}"
        ln -s "../../$loop" "dev/disk/by-id/virtio-$id$suffix"
        number=$((number + 1))
    done
done
mount -t proc proc proc
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
pivot_root . old
cd /
exec /bin/sh -c 'umount -l /old && rmdir /old || exit 1
    exec 3<&0
    /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config 3<&- &
    sshd=$!
    (read -r _ <&3; kill $sshd) &
    wait $sshd'
