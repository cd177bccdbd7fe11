#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The whole machine under stress: 16 vCPUs on 4 pCPUs make random hypercalls,
# all commands of sched_op among them, in three pools with different
# schedulers, beside a sentinel. With a hypervisor that was built with DEBUG=1
# every assertion and, from time to time, every invariant of the core is
# checked; `make stress` builds it, and this takes it if it is there. Time is a
# count of instructions, so that a busy host makes nobody late.
#
# usage: tests/stress/machine.sh BUILDDIR [SECONDS]
set -u
build=${1:?usage: tests/stress/machine.sh BUILDDIR [SECONDS]}
seconds=${2:-2}
guest=$(realpath "$build/tests/hostile.elf") || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=$((seconds * 600))
args=()
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

printf '%s\n' 'name = "deadlines"' 'sched = "rtds"' 'cpus = "3"' \
    >"$work/rt.pool"
printf '%s\n' 'name = "fair"' 'sched = "credit2"' 'cpus = "2"' \
    >"$work/fair.pool"
domain sentinel Pool-0 "role=sentinel seconds=$seconds"
for i in 1 2 3; do
    domain "calls$i" Pool-0 "role=calls seed=$i count=$count"
done
for i in 4 5; do
    domain "calls$i" fair "role=calls seed=$i count=$count"
done
for i in 6 7; do
    domain "calls$i" deadlines "role=calls seed=$i count=$count"
done

limit=$((seconds * 20 + 90))
timeout $((limit + 20)) "$build/schedop" run --timeout "$limit" --seed 1 --pcpus 4 \
    --cpupool "$work/rt.pool" --cpupool "$work/fair.pool" "${args[@]}" \
    </dev/null >"$work/log" 2>&1
status=$?

verdict() { # STATUS TEXT
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        grep -av '| la la' "$work/log" | tail -n 30 | sed 's/^/# /'
    fi
}

! grep -aq 'the hypervisor failed' "$work/log"
verdict $? "no invariant fails"
! grep -aq 'COMPLAINT' "$work/log"
verdict $? "the sentinel finds nothing amiss"
verdict $status "all domains end as they should"
echo "1..$n"
