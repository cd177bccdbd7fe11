#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What the hypervisor says of modules that cannot become domains: damaged and
# hostile images, impossible wishes. All of them at one boot, beside a good
# one, which must run as if nothing were.
set -u
# shellcheck source=tests/boot/lib.sh disable=SC1091
. tests/boot/lib.sh

echo "1..21"

good=$work/good.elf
gcc -m32 -c -Doff tests/boot/host-guests.S -o "$work/off.o" &&
    ld -m elf_i386 --no-warn-rwx-segments -T tests/boot/host-guests.lds \
        "$work/off.o" -o "$good" || exit 1

# The LOAD segment's program header in a 32-bit ELF file: 32 bytes each from
# 52 on; type 0, offset 4, physical address 12, file size 16, memory size 20.
header=52
while [ "$(od -An -tu4 -j $header -N 4 "$good" | tr -d ' ')" != 1 ]; do
    header=$((header + 32))
done

# image NAME OFFSET BYTES: a copy of the good image with that changed.
image() {
    cp "$good" "$work/$1.elf"
    printf '%b' "$3" |
        dd of="$work/$1.elf" bs=1 seek="$2" conv=notrunc status=none
}

echo "this is no kernel" >"$work/text.elf"
: >"$work/empty.elf"
head -c 60 "$good" >"$work/short.elf"
gzip -c "$good" >"$work/packed.elf"
image beyond $((header + 12)) '\x00\x00\x00\x10'  # at 256 MiB
image highest $((header + 12)) '\x00\xf0\xff\xff' # ends at 4 GiB and above
image huge $((header + 20)) '\xff\xff\xff\xff'    # almost 4 GiB
image shrunk $((header + 20)) '\x01\x00\x00\x00'  # less memory than file
image outside $((header + 4)) '\x00\x00\x00\x7f'  # data beyond the file
image machine 18 '\x28\x00'                       # for Arm
image many 44 '\xff\xff'                          # 65535 program headers
head -c 3000000 /dev/zero >"$work/ramdisk"

modules="$good name=good memory=4"
for m in text empty short packed beyond highest huge shrunk outside machine \
    many; do
    modules+=",$work/$m.elf name=$m memory=32"
done
modules+=",$good name=large memory=4096,$good name=elsewhere cpus=f0"
modules+=",$good name=small memory=1,$good name=full memory=3"
modules+=",$work/ramdisk module-of=full,$work/ramdisk module-of=nobody"
modules+=",$good name=good,$good name=typo memoryy=4,$good name=bad/name"

CPUS=2 boot "" -kernel "$elf" -append "qemu-exit=0x501" -initrd "$modules"

refused() { # NAME TEXT
    grep -F "[$1] cannot be built: " "$work/com1" | grep -qF -- "$2"
}

check "text is no kernel" refused text "not a PVH kernel: "
check "an empty file is no kernel" says "cannot be built"
check "half a header" refused short "not a PVH kernel: "
check "a compressed image: what to do" refused packed "unpack it"
check "an image away from its entry" refused beyond "entry is not inside"
check "an image at the top of the addresses" refused highest "entry is not"
check "an image of 4 GiB" refused huge "beyond the memory below"
check "a segment larger in the file" refused shrunk "not a PVH kernel: "
check "data beyond the end of the file" refused outside "not a PVH kernel: "
check "an image for another processor" refused machine "not a PVH kernel: "
check "too many program headers" refused many "not a PVH kernel: "
check "more memory than there is" refused large "MiB of RAM are left"
check "pCPUs that are not there" refused elsewhere "no such pCPU"
check "less memory than the image takes" refused small "give at least memory="
check "modules that do not fit" refused full "give at least memory="
check "a module for nobody" refused nobody "no such domain"
check "a name used twice" refused good "another domain has this name"
check "a key that is none" refused typo "memoryy=4: no such key"
check "a name that is none" says "a name has only letters"
ends() {
    says "[good] ended: code 0" && says "all is over, code 0"
}
check "the good one ran" ends
orderly() {
    [ "$status" -eq 1 ]
}
check "and the machine ended in order" orderly
