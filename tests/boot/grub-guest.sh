#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Debian's GRUB for PVH, a guest nobody here wrote: it speaks through its
# console ring, asks xenstore one question and waits for the answer, reads
# what is typed, powers off and reboots.
set -u
build=${1:?usage: grub-guest.sh BUILDDIR}
image=${GRUB_PVH:-/usr/lib/grub-xen/grub-i386-xen_pvh.bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0

cases=11
if ! [ -r "$image" ]; then
    echo "1..$cases"
    for ((i = 1; i <= cases; i++)); do
        echo "ok $i - GRUB as a guest # SKIP no $image (package grub-xen-host)"
    done
    exit 0
fi
echo "1..$cases"

check() { # NAME COMMAND...
    local name=$1
    shift
    n=$((n + 1))
    if "$@"; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' "$work/out" "$work/err" | cat -v | tail -n 60
    fi
}

config() { # LINE...
    printf '%s\n' 'name="grub"' 'type="pvh"' "kernel=\"$image\"" 'memory=64' \
        "$@" >"$work/grub.cfg"
}

# Runs with the given words typed, the options after them.
run() { # TYPED OPTION...
    local typed=$1
    shift
    # shellcheck disable=SC2059
    printf "$typed" | timeout 60 "$build/schedop" run "$@" \
        >"$work/out" 2>"$work/err"
    status=$?
}

says() { grep -q -- "$1" "$work/out"; }
reports() { grep -q -- "$1" "$work/out" "$work/err"; }
exits() { [ "$status" -eq "$1" ]; }
count() { # N PATTERN
    [ "$(grep -c -- "$2" "$work/out")" -eq "$1" ]
}

config
run 'halt\n' "$work/grub.cfg"
check "its prompt appears" says 'grub>'
check "halt powers off" reports 'grub  *poweroff'
check "and that is a success" exits 0

# It waits for xenstore's answer by yielding: with none it would never stop.
check "xenstore answered its request" reports 'yield [0-9]\{1,3\},'

config 'on_reboot="destroy"'
run 'reboot\n' --expect grub=reboot "$work/grub.cfg"
check "reboot reboots" reports 'grub  *reboot'
check "as expected" exits 0

config
run 'reboot\n' --timeout 4 "$work/grub.cfg"
check "by default it is restarted" count 2 'Welcome to GRUB'
check "and runs until the time limit" exits 8

run 'echo schedop-was-here\nhalt\n' --pcpus 1 "$work/grub.cfg"
check "commands run, on one pCPU" says 'schedop-was-here$'

run 'halt\n' --seed 5 "$work/grub.cfg"
cp "$work/out" "$work/first"
check "counted time: it powers off" exits 0
run 'halt\n' --seed 5 "$work/grub.cfg"
check "and again, to the byte" cmp -s "$work/out" "$work/first"
