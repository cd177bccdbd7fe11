#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The tour and the kit's own test on schedop's hypervisor.
# usage: guest_tour.sh BUILDDIR
set -u
build=$(realpath "${1:?usage: guest_tour.sh BUILDDIR}")
dir=$build/guest_tour
n=0 status=0

say() { # status name [file to show on failure]
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        status=1
        [ -z "${3:-}" ] || sed 's/^/# /' "$3"
    fi
}

if ! command -v qemu-system-x86_64 >/dev/null; then
    echo "1..0 # SKIP no qemu-system-x86_64"
    exit 0
fi

# The configurations name images of the default build directory.
mkdir -p "$dir"
for cfg in guests/*.cfg; do
    sed "s|\"\.\./build/|\"$build/|" "$cfg" >"$dir/$(basename "$cfg")"
done

tour() { # output file, options
    local out=$1 d cfgs=()
    shift
    for d in warden ping pong workers watchdog latch checkpoint victim; do
        cfgs+=("$dir/$d.cfg")
    done
    "$build/schedop" run --pcpus 2 --timeout 90 --expect watchdog=watchdog \
        --expect latch=crash "$@" "${cfgs[@]}" >"$out" 2>&1
}

has() { # file pattern name
    grep -Eq "$2" "$1"
    say $? "the tour shows $3" "$1"
}

start=$(date +%s%N)
tour "$dir/tour"
say $? "the tour ends well" "$dir/tour"
took_ms=$((($(date +%s%N) - start) / 1000000))
[ $took_ms -lt 15000 ]
say $? "in less than 15 s"
has "$dir/tour" '^ping .*100 rounds, .* asleep in block' "ping in block"
has "$dir/tour" '^pong .*100 rounds, waited by poll' "pong in poll"
has "$dir/tour" '^workers .* yields in ' "yields beside a spinner"
has "$dir/tour" '^warden .*pinned to pCPU 1: OK, again: EBUSY, undone: OK' \
    "a pin and its undoing"
has "$dir/tour" '^warden .*ended domain 7 by remote_shutdown: OK' \
    "a remote shutdown"
has "$dir/tour" '^warden .*domain 4 has ended: watchdog' "a watchdog"
has "$dir/tour" '^warden .*domain 5 has ended: crash' "a latched code"
has "$dir/tour" '^checkpoint.*back with result 1, .* still works' \
    "a checkpoint"
has "$dir/tour" '^warden .*all 7 others have ended' "the end of all"

tour "$dir/seed1" --seed 7 && tour "$dir/seed2" --seed 7
say $? "the tour ends well under a seed" "$dir/seed1"
cmp -s "$dir/seed1" "$dir/seed2"
say $? "and prints the same twice"

for width in "" -32; do
    "$build/schedop" run --vcpus 2 --timeout 60 --pcpus 2 \
        "$build/guests/kit-test$width.elf" -- answer=42 >"$dir/kit" 2>&1
    code=$?
    [ $code -eq 0 ] && grep -q '^1\.\.42' "$dir/kit" &&
        ! grep -q '^not ok' "$dir/kit"
    say $? "the kit works in a ${width:+32-bit }PVH domain" "$dir/kit"
done
echo "1..$n"
exit $status
