#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The long form: every scenario without bound under every policy that can run
# it, many random schedules of each, and many scenarios made from seeds.
# usage: tests/exam/campaign.sh BUILDDIR [SCENARIOS [SEED]]
set -u
ours=$1/exam/ours
count=${2:-1000000}
seed=${3:-1}
status=0

for policy in credit2 rtds null; do
    for file in src/explore/scenarios/*.scenario; do
        name=$(basename "$file" .scenario)
        out=$("$ours" "$name" --sched $policy --preemptions 9 --states 5000000)
        case $out in
        "ok "*) echo "$policy: ${out#ok }" ;;
        *": setup: "*) echo "$policy: $name: cannot be set up" ;;
        *)
            echo "$policy: $out"
            status=1
            ;;
        esac
        out=$("$ours" "$name" --sched $policy --random 20000 --seed "$seed")
        case $out in
        "ok "*) echo "$policy: ${out#ok }" ;;
        *": setup: "*) ;;
        *)
            echo "$policy: $out"
            status=1
            ;;
        esac
    done
done
"$ours" --made "$count" --seed "$seed" || status=1
exit $status
