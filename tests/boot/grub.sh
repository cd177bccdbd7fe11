#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The hypervisor from a CD made by grub-mkrescue, by multiboot2 and multiboot.
set -u
# shellcheck source=tests/boot/lib.sh disable=SC1091
. tests/boot/lib.sh

echo "1..4"

make_iso() { # multiboot2|multiboot module2|module
    rm -rf "$work/iso"
    mkdir -p "$work/iso/boot/grub"
    cp "$elf" "$work/iso/boot/hv.elf"
    cat >"$work/iso/boot/grub/grub.cfg" <<CFG
set timeout=0
menuentry schedop {
    $1 /boot/hv.elf qemu-exit=0x501 test=selftest
    $2 /boot/hv.elf name=first -- a  b
    $2 /boot/grub/grub.cfg name=second
}
CFG
    grub-mkrescue -o "$work/cd.iso" "$work/iso" >"$work/mkrescue" 2>&1
}

passed() {
    [ "$status" -eq 1 ] && says "selftest: passed" &&
        says "selftest: 2 pCPUs, " && says "selftest: 2 modules"
}

# The size in the log is the file's.
modules() {
    local hv cfg
    hv=$(stat -c %s "$elf")
    cfg=$(stat -c %s "$work/iso/boot/grub/grub.cfg")
    says "module 0: $hv bytes, name=first" &&
        says "module 1: $cfg bytes, name=second"
}

have_tools() {
    command -v grub-mkrescue && command -v xorriso && command -v mformat &&
        [ -d /usr/lib/grub/i386-pc ]
} >/dev/null

for way in "multiboot2 module2" "multiboot module"; do
    if ! have_tools; then
        skip "${way% *}" "grub-pc-bin, grub-common, xorriso, mtools not there"
        skip "${way% *}: modules" "no boot medium"
        continue
    fi
    # shellcheck disable=SC2086
    if ! make_iso $way; then
        sed 's/^/# /' "$work/mkrescue"
    fi
    CPUS=2 boot "" -cdrom "$work/cd.iso"
    check "${way% *}" passed
    check "${way% *}: modules" modules
done
