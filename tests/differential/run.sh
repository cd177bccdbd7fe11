#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Differential programs, as a test that prints TAP: fixed ones and all that
# once differed, on real Xen and on schedop; and whether the harness notices
# and cuts a difference at all. usage: tests/differential/run.sh BUILDDIR
set -u
build=${1:?usage: tests/differential/run.sh BUILDDIR}
here=$(cd "$(dirname "$0")" && pwd)
dir=$build/differential/run
# shellcheck source=tests/differential/compare.sh
. "$here/compare.sh"

n=0 failed=0
result() { # PASSED DESCRIPTION
    n=$((n + 1))
    if [ "$1" -eq 1 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        failed=1
    fi
}

# Programs must be the same; a slow machine may leave out a few.
same_on_both() { # BATCH NAME DESCRIPTION
    local passed=1 total
    compare "$1" "$2"
    add_coverage "$2" "$dir/coverage"
    total=$(ids_of "$1" | wc -l)
    [ "$(verdicts "$2" same | wc -l)" -ge $((total * 95 / 100)) ] || passed=0
    grep -qE 'differ|todo' "$dir/$2.verdicts" && passed=0
    result $passed "$3"
    grep -v same "$dir/$2.verdicts" | head -n 20 | sed 's/^/# program /'
}

# Text to a batch and back is the same text.
round_trip() {
    "$tool" make 5 0 50 >"$dir/made"
    "$tool" text <"$dir/made" >"$dir/made.txt"
    "$tool" assemble "$dir/made.txt" | "$tool" text |
        sed '/^program/d' | cmp -s - <(sed '/^program/d' "$dir/made.txt")
}

# schedop against itself, one of them lying about pins: found, cut to one
# statement, kept.
notices() {
    rm -rf "$dir/lies"
    DIFF_REFERENCE=schedop DIFF_ALTER=pin DIFF_KEEP=1 \
        DIFF_REGRESSIONS=$dir/lies DIFF_DIR=$dir/notices \
        SCHEDOP_BUILD=$build "$here/campaign.sh" 40 9 >"$dir/notices.log"
    [ $? -eq 5 ] && grep -q '^Test result: FAILURE' "$dir/notices.log" &&
        [ "$(cat "$dir"/lies/*.txt | grep -c '^[0-9]')" -eq 1 ] &&
        grep -q '^[0-2] pin ' "$dir"/lies/*.txt &&
        grep -q '^#  +.*=altered' "$dir"/lies/*.txt
}

echo 1..5
: >"$dir/coverage"
round_trip
result $((!$?)) "programs as text and back"
notices
result $((!$?)) "a host that lies is found out, and the program cut"

if ! why=$("$here/../../tools/fetch-xen.sh" "$xen" 2>&1); then
    for n in 3 4 5; do
        echo "ok $n # SKIP no real Xen: ${why##*$'\n'}"
    done
    exit $failed
fi
"$tool" make 1 0 504 >"$dir/batch"
same_on_both "$dir/batch" random "504 programs of seed 1"
"$tool" assemble "$here"/regressions/*.txt >"$dir/batch"
same_on_both "$dir/batch" regressions "programs that once differed"
missing=$(not_covered "$dir/coverage" | tr '\n' ',')
result $((${#missing} == 0)) "each sched_op command with each result"
[ -z "$missing" ] || echo "# never seen: $missing"
coverage "$dir/coverage" | sed 's/^/# /'
exit $failed
