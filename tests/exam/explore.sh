#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# All interleavings of every scenario that ships, under other policies too;
# random schedules, and scenarios made from seeds. And that a schedule which
# breaks an invariant is found, shortened, and can be repeated.
# usage: tests/exam/explore.sh BUILDDIR
set -u
build=$1
ours=$build/exam/ours
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0

result() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2: $(sed 's/^ok [^:]*: //' "$work/out")"
    else
        echo "not ok $n - $2"
        sed 's/^/# /' "$work/out"
    fi
}

explore() { # NAME OPTION...
    local name=$1
    shift
    "$ours" "$@" >"$work/out" 2>&1
    result $? "$name"
}

for file in src/explore/scenarios/*.scenario; do
    name=$(basename "$file" .scenario)
    explore "$name" "$name"
done

# Other policies: who gets no pCPU under null at all is not for them.
for name in two-wakers hotplug pool-move-wake; do
    explore "$name, rtds" "$name" --sched rtds
done
for name in pause-wake hotplug pool-move-wake; do
    explore "$name, null" "$name" --sched null
done

# Random schedules with faults.
for name in destroy-switch pause-wake watchdog-poke; do
    explore "$name, random" "$name" --random 200
done
explore "made from seeds" --made 300

# One fault at every step: of all schedules without preemption, and of one way
# through a made scenario. Made ones under each policy.
for file in src/explore/scenarios/*.scenario; do
    name=$(basename "$file" .scenario)
    explore "$name, one fault" "$name" --preemptions 0 --states 20000 --each all
done
for policy in credit2 rtds null arinc653; do
    explore "made, $policy" --made 100 --sched $policy --seed 100
    grep -q ', 100 not used' "$work/out"
    result $((!$?)) "made, $policy: they are used"
done
explore "made, death at every step" --made 1 --sched null --each death

# A scenario that breaks: its command breaks the same invariant again, with
# no more steps than are needed.
cat >"$work/lost.scenario" <<'END'
pcpus 2
domain 1 vcpus 2
port ball 1.0
vcpu 1.0
    clear ball
    wait ball
vcpu 1.1
    send ball
END
"$ours" "$work/lost.scenario" >"$work/out" 2>&1
again=$(sed -n "s/.*--schedule '\(.*\)'/\1/p" "$work/out")
grep -q '^BROKEN lost.scenario: finish' "$work/out" &&
    [ -n "$again" ] && [ ${#again} -lt 40 ] &&
    ! "$ours" "$work/lost.scenario" --schedule "$again" >"$work/again" &&
    grep -q '^BROKEN lost.scenario: finish' "$work/again"
status=$?
[ $status -ne 0 ] || echo "shortened to '$again'" >"$work/out"
result $status "what breaks is repeated"
echo "1..$n"
