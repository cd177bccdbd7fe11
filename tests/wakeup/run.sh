#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# No wake-up is lost (main.c), with counted instructions, so that each run
# meets the same ones. usage: tests/wakeup/run.sh BUILDDIR
set -u
build=${1:?usage: run.sh BUILDDIR}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

echo "1..2"
timeout 120 "$build/schedop" run --seed 1 --timeout 100 --pcpus 1 \
    "$build/tests/wakeup.elf" </dev/null >"$log" 2>&1
n=0
for way in halt poll; do
    n=$((n + 1))
    if grep -q "^$way: awake after each of 4000 timers" "$log"; then
        echo "ok $n - no wake-up is lost by $way"
    else
        echo "not ok $n - no wake-up is lost by $way"
        sed 's/^/# /' "$log"
    fi
done
