#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Time and size of saving and restoring a domain of 64 MiB: once nearly empty
# (guests/keeper), once with all its memory in use (a RAM disk of random
# bytes). Prints the median of 10.
# usage: bench/save.sh BUILDDIR
set -eu
# shellcheck source=bench/host.sh
. bench/host.sh

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

measure() { # NAME
    name=$1
    : >"$tmp/save.ns"
    : >"$tmp/restore.ns"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.2
        a=$(now)
        "$schedop" save "$name" "$tmp/file" 2>/dev/null
        b=$(now)
        while "$schedop" domid "$name" >/dev/null 2>&1; do sleep 0.02; done
        c=$(now)
        "$schedop" restore "$tmp/file" 2>/dev/null
        d=$(now)
        echo $((b - a)) >>"$tmp/save.ns"
        echo $((d - c)) >>"$tmp/restore.ns"
    done
    echo "$name: save $(($(median "$tmp/save.ns") / 1000000)) ms," \
        "restore $(($(median "$tmp/restore.ns") / 1000000)) ms," \
        "$(($(stat -c %s "$tmp/file") / 1024)) KiB"
}

"$schedop" host start --memory 384 2>/dev/null
head -c 56M /dev/urandom >"$tmp/disk"
for name in empty full; do
    cat >"$tmp/$name.cfg" <<C
name = "$name"
type = "pvh"
memory = 64
kernel = "$build/guests/keeper.elf"
C
done
echo "ramdisk = \"$tmp/disk\"" >>"$tmp/full.cfg"
for name in empty full; do
    "$schedop" create -q "$tmp/$name.cfg"
    sleep 1
    measure "$name"
    "$schedop" destroy "$name"
done
