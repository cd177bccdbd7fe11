#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Debian's Linux kernel for virtual machines, as it is packaged, with a shell
# in an initramfs: on one and on four vCPUs, console input, load, and each way
# to end with the reason it has on Xen. usage: tests/field/linux.sh BUILDDIR
set -u
build=${1:?usage: linux.sh BUILDDIR}
linux=$(realpath -m "$build/linux")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! why=$(tools/fetch-linux.sh "$linux"); then
    echo "1..0 # SKIP no Linux: $why"
    exit 0
fi

# ---------------------------------------------------------------- initramfs

mkdir -p "$work/root/bin" "$work/root/proc" "$work/root/sys" "$work/root/dev"
cp "$linux/busybox" "$work/root/bin/"
for m in watchdog xen_wdt; do
    find "$linux/modules" -name "$m.ko*" -exec cp {} "$work/root/" \;
done
cat >"$work/root/init" <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
exec </dev/hvc0 >/dev/hvc0 2>&1
echo "init: $(nproc) processors, up $(cut -d' ' -f1 /proc/uptime) s"
load() { # a process a processor, and pipes between them
    for i in $(seq "$(nproc)"); do
        (i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done) &
        dd if=/dev/zero bs=64k count=20 2>/dev/null | md5sum >/dev/null &
    done
    wait
    echo "load: done"
}
dog() {
    insmod /watchdog.ko
    insmod /xen_wdt.ko timeout=2 || echo "no xen_wdt"
    echo x >/dev/watchdog
    echo "dog: started, and nobody will poke it"
    sleep 100
}
load
case $(cat /proc/cmdline) in
*do=poweroff*) poweroff -f ;;
*do=reboot*) reboot -f ;;
*do=crash*) echo c >/proc/sysrq-trigger ;;
*do=dog*) dog ;;
*) exec sh ;;
esac
sleep 1000
END
chmod +x "$work/root/init"
(cd "$work/root" && find . | "$linux/busybox" cpio -o -H newc 2>/dev/null |
    gzip -1) >"$work/initrd"

# -------------------------------------------------------------------- boots

number=0
check() { # NAME PATTERN
    number=$((number + 1))
    if grep -aqE "$2" "$work/log"; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1: no \"$2\""
        tail -n 30 "$work/log" | sed 's/^/# /'
    fi
}

linux() { # VCPUS REASON WORDS
    cat >"$work/linux.cfg" <<END
name = "linux"
kernel = "$(realpath "$linux/vmlinuz")"
ramdisk = "$work/initrd"
extra = "console=hvc0 quiet $3"
memory = 256
vcpus = $1
on_reboot = "destroy"
END
    timeout 280 "$build/schedop" run --timeout 260 --pcpus 2 \
        --expect "linux=$2" "$work/linux.cfg" >"$work/log" 2>&1
    echo "schedop: status $?" >>"$work/log"
}

# A machine that ends by itself closes the pipe.
trap '' PIPE

echo "1..14"

# Types when the shell is there; its answer is not in what was typed.
mkfifo "$work/in"
: >"$work/log"
linux 1 poweroff "" <"$work/in" &
pid=$!
exec 9>"$work/in"
for ((i = 0; i < 2000; i++)); do
    grep -aq 'load: done' "$work/log" && break
    kill -0 $pid 2>/dev/null || break
    sleep 0.1
done
# shellcheck disable=SC2016 # the guest's shell expands it
echo 'echo "sum: $((40 + 2))"; poweroff -f' >&9
wait $pid
exec 9>&-
check "one vCPU boots from the packaged image" 'init: 1 processors'
check "it works under load" 'load: done'
check "its shell reads the console" 'sum: 42'
check "poweroff -f powers off" 'linux +poweroff'
check "status 0 tells so" 'schedop: status 0'

linux 4 reboot do=reboot </dev/null
check "four vCPUs on two pCPUs boot" 'init: 4 processors'
check "they work under load" 'load: done'
check "reboot -f reboots" 'linux +reboot'
check "the ending was expected" 'schedop: status 0'

linux 2 crash do=crash </dev/null
check "two vCPUs boot" 'init: 2 processors'
check "sysrq crash crashes" 'linux +crash'
check "the ending was expected" 'schedop: status 0'

linux 1 watchdog do=dog </dev/null
check "xen_wdt starts a watchdog" 'dog: started'
check "which ends the domain" 'linux +watchdog'
