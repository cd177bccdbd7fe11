#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The whole machine under stress: 16 vCPUs on 4 pCPUs make random hypercalls,
# all commands of sched_op among them, in three pools with different schedulers
# ("mixed") or in one, beside a sentinel. With a hypervisor that was built with
# DEBUG=1 every assertion and, from time to time, every invariant of the core
# is checked; `make stress` builds it, and this takes it if it is there. Time is
# a count of instructions, so that a busy host makes nobody late.
#
# usage: tests/stress/machine.sh BUILDDIR [SECONDS [SCHEDULER...]]
set -u
build=${1:?usage: tests/stress/machine.sh BUILDDIR [SECONDS [SCHEDULER...]]}
seconds=${2:-2}
shift $(($# < 2 ? $# : 2))
[ $# -ne 0 ] || set -- mixed null arinc653
guest=$(realpath "$build/tests/hostile.elf") || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=$((seconds * 600))
n=0

[ -e "$build/debug/schedop-hypervisor.elf" ] &&
    export SCHEDOP_HYPERVISOR=$build/debug/schedop-hypervisor.elf
echo "# hypervisor: ${SCHEDOP_HYPERVISOR:-$build/schedop-hypervisor.elf}"

domain() { # NAME POOL WORDS
    cat >"$work/$1.cfg" <<END
name = "$1"
kernel = "$guest"
memory = 16
vcpus = 2
pool = "$2"
extra = "$3"
on_reboot = "destroy"
on_soft_reset = "destroy"
END
    args+=(--expect "$1=poweroff" "$work/$1.cfg")
}

# Three pools, or one; under arinc653 with a window of 1 ms for each vCPU.
pools() {
    local name windows=""
    if [ "$sched" = mixed ]; then
        printf '%s\n' 'name = "deadlines"' 'sched = "rtds"' 'cpus = "3"' \
            >"$work/rt.pool"
        printf '%s\n' 'name = "fair"' 'sched = "credit2"' 'cpus = "2"' \
            >"$work/fair.pool"
        args+=(--cpupool "$work/rt.pool" --cpupool "$work/fair.pool")
        return
    fi
    args+=(--sched "$sched")
    [ "$sched" = arinc653 ] || return
    for name in sentinel calls1 calls2 calls3 calls4 calls5 calls6 calls7; do
        windows+="\"$name.0 1000\", \"$name.1 1000\", "
    done
    printf '%s\n' 'name = "frames"' 'sched = "arinc653"' 'cpus = "1-3"' \
        "windows = [ ${windows%, } ]" >"$work/frames.pool"
    args+=(--cpupool "$work/frames.pool")
}

pool() { # of three, NAME
    case $sched in
    mixed) echo "$1" ;;
    arinc653) echo frames ;;
    *) echo Pool-0 ;;
    esac
}

verdict() { # STATUS TEXT
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        grep -av '| la la' "$work/log" | tail -n 30 | sed 's/^/# /'
    fi
}

run() { # SCHEDULER
    sched=$1
    args=()
    pools
    domain sentinel "$(pool Pool-0)" "role=sentinel seconds=$seconds"
    for i in 1 2 3; do
        domain "calls$i" "$(pool Pool-0)" "role=calls seed=$i count=$count"
    done
    for i in 4 5; do
        domain "calls$i" "$(pool fair)" "role=calls seed=$i count=$count"
    done
    for i in 6 7; do
        domain "calls$i" "$(pool deadlines)" "role=calls seed=$i count=$count"
    done
    timeout $((limit + 20)) "$build/schedop" run --timeout "$limit" --seed 1 \
        --pcpus 4 "${args[@]}" </dev/null >"$work/log" 2>&1
    status=$?
    ! grep -aq 'the hypervisor failed' "$work/log"
    verdict $? "$sched: no invariant fails"
    ! grep -aq 'COMPLAINT' "$work/log"
    verdict $? "$sched: the sentinel finds nothing amiss"
    verdict $status "$sched: all domains end as they should"
}

limit=$((seconds * 20 + 90))
for which in "$@"; do
    run "$which"
done
echo "1..$n"
