#!/bin/busybox sh
# Process 1 of a virtual machine's first root: rig.machine puts it into the initramfs. The kernel's command line gives
# shared, modules and command, which arrive here as variables. What the machine writes stays in its memory, except in
# $shared; /rig is a tmpfs on which throw-away hosts can mount overlays.

fail() {
    echo "rig: cannot $*"
    busybox poweroff -f
}

export PATH=/bin
busybox mkdir /proc /sys /lower /upper /new
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /lib/*; do
    insmod "$module" || fail "load $module"
done

options=trans=virtio,version=9p2000.L,msize=512000
# what is read once is not asked for again: nobody changes this machine's programs while the tests run
mount -t 9p -o "$options,cache=loose,ro" root /lower || fail "mount the root file system"
mount -t tmpfs -o mode=755 tmpfs /upper
mkdir /upper/changes /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/changes,workdir=/upper/work root /new || fail "mount the overlay"

mkdir -p /new/rig "/new$shared" /new/lib/modules
mount -t proc proc /new/proc
mount -t sysfs sysfs /new/sys
mount -t cgroup2 cgroup2 /new/sys/fs/cgroup
mount -t devtmpfs dev /new/dev
mkdir -p /new/dev/pts /new/dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts /new/dev/pts
mount -t tmpfs -o mode=1777 tmpfs /new/dev/shm
[ -e /new/dev/fd ] || ln -s /proc/self/fd /new/dev/fd
mount -t tmpfs -o mode=755 tmpfs /new/run
mount -t tmpfs -o mode=1777,size=75% tmpfs /new/rig
mount -t 9p -o "$options,cache=none" shared "/new$shared" || fail "mount the shared directory"
[ -e "/new/lib/modules/$(uname -r)" ] || ln -s "$modules" "/new/lib/modules/$(uname -r)"

umount /dev /proc
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/rig TMPDIR=/rig RIG_TMP=/rig LC_ALL=C.UTF-8
exec /bin/busybox switch_root /new /bin/sh "$shared/boot"
