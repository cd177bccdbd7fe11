#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Boots the kit's own test on real Xen, as the hardware domain: the 64-bit
# image as PV and as PVH, the 32-bit one as PVH. usage: guest_boot.sh BUILDDIR
set -u
build=${1:?usage: guest_boot.sh BUILDDIR}
here=$(dirname "$0")
log=$build/guest_boot.log
n=0 status=0

say() { # ok|not ok, name
    n=$((n + 1))
    echo "$1 $n - $2"
    [ "$1" = ok ] || status=1
}

skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

command -v qemu-system-x86_64 >/dev/null || skip_all "no qemu-system-x86_64"
why=$("$here/../../tools/fetch-xen.sh" "$build/xen.elf" 2>&1) ||
    skip_all "no real Xen: $why"

xen() { # pv|pvh image [command line]
    local machine xenargs="console=com1 loglvl=warning"
    if [ "$1" = pvh ]; then
        machine="q35 -device amd-iommu"
        xenargs+=" dom0=pvh dom0_mem=128M"
    else
        machine=pc
        xenargs+=" dom0_mem=64M"
    fi
    # Xen does not power QEMU off: end it when the machine has halted.
    # shellcheck disable=SC2086
    coproc QEMU { exec timeout 60 qemu-system-x86_64 -machine $machine -m 512 \
        -cpu qemu64,+svm,+npt -smp 2 -display none -serial stdio -vga none \
        -nic none -no-reboot -kernel "$build/xen.elf" \
        -initrd "$2 ${3:-}" -append "$xenargs" </dev/null 2>&1; }
    local pid=$QEMU_PID line
    while IFS= read -r line <&"${QEMU[0]}"; do
        line=${line%$'\r'}
        printf '%s\n' "$line"
        case $line in
        *"halting machine"* | *"rebooting machine"*) break ;;
        esac
    done
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
}

self_test() { # kind image name
    local line planned=
    xen "$1" "$2" answer=42 >"$log"
    while IFS= read -r line; do
        case $line in
        "ok "*) say ok "$3: ${line#* - }" ;;
        "not ok "*) say "not ok" "$3: ${line#* - }" ;;
        1..*) planned=${line#1..} ;;
        esac
    done <"$log"
    if [ -n "$planned" ] && grep -q "Hardware Dom0 halted" "$log"; then
        say ok "$3: runs to its end and powers off"
    else
        say "not ok" "$3: runs to its end and powers off"
        tail -n 30 "$log" | sed 's/^/# /'
    fi
}

hello() { # kind image name
    xen "$1" "$2" "one two=3" >"$log"
    if grep -q '^hello from a' "$log" && grep -q '^cmdline: "one two=3"' "$log" &&
        grep -q '^pin_override *0' "$log" && grep -q "Dom0 halted" "$log"; then
        say ok "$3: hello"
    else
        say "not ok" "$3: hello"
        tail -n 30 "$log" | sed 's/^/# /'
    fi
}

g=$build/guests
self_test pv "$g/kit-test.elf" PV
self_test pvh "$g/kit-test.elf" PVH
self_test pvh "$g/kit-test-32.elf" "PVH 32-bit"
hello pv "$g/hello.elf" PV
hello pvh "$g/hello.elf" PVH
hello pvh "$g/hello-32.elf" "PVH 32-bit"
echo "1..$n"
exit $status
