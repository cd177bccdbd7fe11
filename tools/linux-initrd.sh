#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Packs an initramfs for the kernel that tools/fetch-linux.sh fetched: busybox
# as init, which obeys `schedop shutdown` and `reboot`, and a shell on the
# console. usage: tools/linux-initrd.sh LINUX-DIR INITRD [PROGRAM...]
#
# Each PROGRAM (static) is started in the background, its output on the
# console.
set -eu
linux=$(realpath "${1:?usage: tools/linux-initrd.sh LINUX-DIR INITRD}")
out=$(realpath -m "${2:?usage: tools/linux-initrd.sh LINUX-DIR INITRD}")
shift 2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,sbin,etc,proc,sys,dev,run,start}
cp "$linux/busybox" "$root/bin/"
[ $# -eq 0 ] || cp "$@" "$root/start/"
ln -s /bin/busybox "$root/init"
cat >"$root/etc/inittab" <<'E'
::sysinit:/etc/rc
hvc0::respawn:/bin/sh
::ctrlaltdel:/sbin/reboot
::shutdown:/etc/down
E
cat >"$root/etc/rc" <<'E'
#!/bin/busybox sh
/bin/busybox --install -s /bin
# What the kernel runs when it is told to end.
ln -s /bin/busybox /sbin/poweroff
ln -s /bin/busybox /sbin/reboot
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
exec >/dev/hvc0 2>&1 # not its input: then it would be our terminal's session
for p in /start/*; do
    [ ! -x "$p" ] || "$p" &
done
echo "init: $(nproc) of $(ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l)" \
    "processors, up $(cut -d' ' -f1 /proc/uptime) s"
E
cat >"$root/etc/down" <<'E'
#!/bin/busybox sh
echo "init: going down" >/dev/hvc0
E
chmod +x "$root/etc/rc" "$root/etc/down"
cd "$root"
find . | "$linux/busybox" cpio -o -H newc 2>/dev/null | gzip -1 >"$out"
