#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Images of the shapes found in the field, asking what their models ask
# (field.h). usage: run.sh BUILDDIR
set -u
build=${1:?usage: run.sh BUILDDIR}
here=tests/field
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0 status=0

check() { # NAME COMMAND...
    local name=$1
    shift
    n=$((n + 1))
    if "$@" >"$work/log" 2>&1; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' "$work/log" "$work/out" | tail -n 40
        status=1
    fi
}

cflags=(-m64 -O2 -ffreestanding -fno-pic -fno-pie -fno-stack-protector
    -mno-red-zone -mgeneral-regs-only -fno-asynchronous-unwind-tables
    -Wall -Wextra -Werror -Iinclude
    -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__)

build_guest() { # NAME
    local upper=${1^^} f
    for f in "$here/start.S" "$here/field.c" "$here/$1.c"; do
        gcc "${cflags[@]}" -D"$upper" -c "$f" -o "$work/$1-${f##*/}.o" || return
    done
    ld -m elf_x86_64 --no-warn-rwx-segments -z noexecstack \
        -T "$here/$1.lds" -o "$work/$1.elf64" "$work/$1"-*.o || return
    if [ "$1" = solo ]; then
        cp "$work/$1.elf64" "$work/$1.elf"
    else
        objcopy -O elf32-i386 "$work/$1.elf64" "$work/$1.elf"
    fi
}

has() { # PROGRAM-HEADER-PATTERN IMAGE
    readelf -Wlh "$2" | grep -qE "$1"
}

run() { # NAME
    timeout 60 "$build/schedop" run --xtf --timeout 40 "$work/$1.elf" \
        >"$work/out" 2>&1
}

all_lines() {
    [ "$(grep -c '^the ring is full now and then, and nothing of it is lost' \
        "$work/out")" -eq 200 ]
}

build_smp() {
    gcc "${cflags[@]}" -mcmodel=kernel -o "$work/smp.elf" "$here/smp.c" \
        -nostdlib -static -no-pie -Wl,--build-id=none \
        -Wl,-z,max-page-size=4096 -Wl,-T,"$build/schedop-kit64.lds" \
        "$build/libschedopkit.a" "$build/libschedop.a"
}

run_smp() { # PCPUS VCPUS
    timeout 60 "$build/schedop" run --xtf --timeout 40 --pcpus "$1" \
        --vcpus "$2" "$work/smp.elf" -- vcpus="$2" >"$work/out" 2>&1 &&
        grep -q "^$2 vCPUs counted" "$work/out"
}

echo 1..16
for g in micro mini solo; do
    check "$g builds" build_guest $g
done
check "micro is an ELF32 file" has 'Class: +ELF32' "$work/micro.elf"
check "mini is entered at 0" has 'Entry point address: +0x0$' "$work/mini.elf"
check "mini loads at physical 0" \
    has 'LOAD +0x[0-9a-f]+ 0x0+ 0x0+ ' "$work/mini.elf"
check "solo has a segment of no size" \
    has 'LOAD +0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x0+ 0x0+ ' "$work/solo.elf"
for g in micro mini solo; do
    check "$g gets every answer it needs" run $g
done
check "nothing of a full ring is lost" all_lines
gzip -9 "$work/mini.elf" && mv "$work/mini.elf.gz" "$work/mini.elf"
check "mini runs compressed too" run mini
check "smp builds" build_smp
check "2 vCPUs on 1 pCPU" run_smp 1 2
check "4 vCPUs on 4 pCPUs" run_smp 4 4
check "16 vCPUs on 4 pCPUs" run_smp 4 16
exit $status
