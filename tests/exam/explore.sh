#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# All interleavings of every scenario that ships, and that a schedule which
# breaks an invariant is found, shortened and can be repeated.
# usage: tests/exam/explore.sh BUILDDIR
set -u
build=$1
ours=$build/exam/ours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0

check() { # NAME; its status is that of the command before
    local status=$?
    n=$((n + 1))
    if [ $status -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        sed 's/^/# /' "$work/out"
    fi
}

for file in src/explore/scenarios/*.scenario; do
    name=$(basename "$file" .scenario)
    "$ours" "$name" >"$work/out" 2>&1
    check "$name: $(sed "s/^ok $name: //" "$work/out")"
done

# Random schedules with faults.
for name in destroy-switch pause-wake watchdog-poke; do
    "$ours" "$name" --random 200 >"$work/out" 2>&1
    check "$name: $(sed "s/^ok $name: //" "$work/out")"
done
echo "1..$n"
