#!/bin/sh
# SPDX-License-Identifier: MIT
# How fast the lab is, on one core, with traces off: events and virtual time
# per second of processor time, for typical mixes under each policy, and for
# 1 to 100,000 vCPUs on 4 pCPUs.
# usage: bench/lab.sh BUILD_DIRECTORY [POLICY...]
set -eu

build=${1:?usage: bench/lab.sh BUILD_DIRECTORY [POLICY...]}
shift
[ $# -gt 0 ] || set -- credit2 rtds null
schedop=$build/schedop
dir=$build/bench-lab
mkdir -p "$dir"

cat >"$dir/mix.lab" <<'LAB'
# 16 vCPUs on 4 pCPUs: half compute, the others answer requests or poll.
machine pcpus=4 duration=300s
domain busy count=8
    run 1s
domain web count=6
    run 1ms..4ms; sleep 10ms..30ms
domain io count=2
    every 10ms run 1ms
LAB
cat >"$dir/wakes.lab" <<'LAB'
# Nothing but short sleeps: an event every microsecond or two.
machine pcpus=4 duration=10s
domain a count=16
    sleep 20us..60us; run 5us..20us
LAB
cat >"$dir/talk.lab" <<'LAB'
# Pairs that wake each other by event channels.
machine pcpus=4 duration=10s
domain a0
    run 5us; signal to0; wait from0
domain b0
    wait to0; run 5us; signal from0
domain a1
    run 7us; signal to1; wait from1
domain b1
    wait to1; run 7us; signal from1
domain hog count=2
    run 1s
LAB

# many N: as many vCPUs, most of them waiting for a pCPU at any time.
many() {
    vcpus=$1
    domains=1
    if [ "$1" -gt 32 ]; then
        vcpus=32
        domains=$((($1 + 31) / 32))
    fi
    # Long enough for many rounds of all.
    printf 'machine pcpus=4 duration=%ss\n' $(($1 < 1000 ? 20 : 400))
    printf 'domain a count=%s vcpus=%s\n' "$domains" "$vcpus"
    printf '    run 500us..1500us; sleep 1ms..3ms\n'
}

# measure NAME FILE POLICY: one line of the table.
measure() {
    line=$("$schedop" lab run "$2" --sched "$3" 2>&1 >/dev/null | tail -n 1)
    echo "$line" | awk -v name="$1" -v sched="$3" '{
        printf "%-18s %-8s %12s %9s s %14s %10s\n", name, sched, $4, $7,
            $12, $15 }'
}

printf '%-18s %-8s %12s %11s %14s %10s\n' workload policy events "CPU time" \
    events/s "x real"
for policy; do
    for f in mix wakes talk; do
        measure "$f" "$dir/$f.lab" "$policy"
    done
    for n in 1 10 100 1000 10000 100000; do
        many "$n" >"$dir/many.lab"
        measure "$n vCPUs" "$dir/many.lab" "$policy"
    done
done
