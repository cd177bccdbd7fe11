#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The hypervisor's lower half checks itself (src/x86/boot/selftest.c) on
# machines of several sizes and kinds.
set -u
# shellcheck source=tests/boot/lib.sh disable=SC1091
. tests/boot/lib.sh

echo "1..15"

passed() { # NR_PCPUS
    [ "$status" -eq 1 ] && says "selftest: passed" &&
        ! says "FAILED" && says "selftest: $1 pCPUs, "
}

# What the hypervisor keeps for itself: less than 1 MiB with up to 4 pCPUs.
small() {
    local kib
    kib=$(sed -n 's/.* \([0-9]*\) KiB used$/\1/p' "$work/com1")
    [ -n "$kib" ] && [ "$kib" -lt 1024 ]
}

for n in 1 2 4; do
    CPUS=$n boot test=selftest
    check "$n pCPUs" passed $n
    check "$n pCPUs: memory for itself" small
done
CPUS=16 boot test=selftest
check "16 pCPUs" passed 16
CPUS=4 boot "pcpus=3 test=selftest"
check "pcpus=3 of 4" passed 3
CPUS=2 CPU=EPYC,+svm,+npt boot test=selftest
check "a processor with SMEP and SMAP" passed 2
CPUS=2 MACHINE=q35 boot test=selftest
check "another chipset" passed 2
MEMORY=32 boot test=selftest
check "32 MiB of memory" passed 1
CPUS=2 boot test=selftest -no-acpi
check "no ACPI tables: one pCPU" passed 1

# Counted instructions: the same words, clock readings included.
counted=(-icount "shift=1,sleep=off" -rtc "base=2020-01-01,clock=vm")
CPUS=4 boot "seed=1 test=selftest" "${counted[@]}"
check "counted instructions" passed 4
cp "$work/com1" "$work/first"
CPUS=4 boot "seed=1 test=selftest" "${counted[@]}"
check "counted instructions: the same again" cmp -s "$work/com1" "$work/first"

# Input comes by interrupt through a bounded buffer: nothing lost, in order.
mkfifo "$work/in"
{
    seq 1 4000
    printf '\004'
} >"$work/sent"
cat "$work/sent" >"$work/in" &
timeout 60 qemu-system-x86_64 -cpu qemu64,+svm,+npt -m 128 -nodefaults \
    -display none -serial null -serial stdio -no-reboot \
    -device isa-debug-exit,iobase=0x501 -kernel "$elf" \
    -append "qemu-exit=0x501 link=com2 test=echo" <"$work/in" \
    >"$work/echo" 2>/dev/null
sed -i '1{/^schedop-link /d}' "$work/echo" # the greeting is no echo
check "the link loses nothing" cmp -s "$work/sent" "$work/echo"
