#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs libFuzzer on each target in turn, one job at a time.
# usage: tests/fuzz/campaign.sh SECONDS [TARGET...]   after `make fuzz`
#
# BUILD names the build directory. Prints, for each target, how many inputs it
# executed, how many edges they cover, and what failed. Found inputs are kept
# for the next campaign.
set -u
seconds=${1:?usage: tests/fuzz/campaign.sh SECONDS [TARGET...]}
shift
build=${BUILD:-build}
dir=$build/fuzz/libfuzzer
[ $# -gt 0 ] || set -- core xenstore console linkline elf spec emulate walk \
    vlapic
bad=0

for t in "$@"; do
    if [ ! -x "$dir/$t" ]; then
        echo "tests/fuzz/campaign.sh: no $dir/$t; run 'make fuzz'" >&2
        exit 2
    fi
    found=$build/fuzz/found/$t
    log=$build/fuzz/$t.log
    mkdir -p "$found"
    seeds=()
    for s in tests/fuzz/corpus/$t tests/fuzz/regressions/$t; do
        [ -d "$s" ] && seeds+=("$s")
    done
    "$dir/$t" -max_total_time="$seconds" -max_len=300 -rss_limit_mb=3000 \
        -print_final_stats=1 -artifact_prefix="$build/fuzz/failed-$t-" \
        "$found" "${seeds[@]}" >"$log" 2>&1
    status=$?
    runs=$(awk '/number_of_executed_units/ { print $2 }' "$log")
    cover=$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)
    echo "$t: ${runs:-0} executions, ${cover#cov: } edges"
    if [ $status -ne 0 ]; then
        bad=1
        grep -E 'broken|SUMMARY|runtime error|written to' "$log"
    fi
done
exit $bad
