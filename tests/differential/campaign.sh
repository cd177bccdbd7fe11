#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs N random programs from a seed on real Xen and on schedop and compares;
# `schedop conform --fuzz N --seed SEED` is the way to call it. What differs is
# cut to what matters and kept in regressions/, from where run.sh replays it.
#
# usage: tests/differential/campaign.sh N [SEED]
#   SCHEDOP_BUILD     build directory (build)
#   DIFF_FIRST        number of the first program (0)
#   DIFF_BATCH        programs a boot (1000)
#   DIFF_KEEP         how many to cut and keep at most (10)
#   DIFF_REGRESSIONS  where (regressions/ beside this script)
#   DIFF_DIR          logs (BUILD/differential/campaign)
# See compare.sh for more. Ends with "Test result: VERDICT" and 0 SUCCESS, 3
# SKIP, 4 ERROR, 5 FAILURE.
set -u
count=${1:?usage: campaign.sh N [SEED]}
seed=${2:-1}
here=$(cd "$(dirname "$0")" && pwd)
build=${SCHEDOP_BUILD:-build}
dir=${DIFF_DIR:-$build/differential/campaign}
regressions=${DIFF_REGRESSIONS:-$here/regressions}
size=${DIFF_BATCH:-1000}
first=${DIFF_FIRST:-0}
left_to_keep=${DIFF_KEEP:-10}

finish() { # VERDICT STATUS
    echo "Test result: $1"
    exit "$2"
}

for need in tests/differential-tool tests/differential.elf schedop; do
    if [ ! -e "$build/$need" ]; then
        echo "differential: $build/$need is not there; run make checks first"
        finish ERROR 4
    fi
done
# shellcheck source=tests/differential/compare.sh
. "$here/compare.sh"
if [ "$reference" = xen ] &&
    ! why=$("$here/../../tools/fetch-xen.sh" "$xen" 2>&1); then
    echo "no real Xen: $why"
    finish SKIP 3
fi

differ=0 late=0 same=0
: >"$dir/coverage"
for ((at = 0; at < count; at += size)); do
    n=$((count - at < size ? count - at : size))
    "$tool" make "$seed" $((first + at)) $n >"$dir/batch" ||
        finish ERROR 4
    began=$SECONDS
    compare "$dir/batch" run
    add_coverage run "$dir/coverage"
    same=$((same + $(verdicts run same | wc -l)))
    late=$((late + $(verdicts run late | wc -l)))
    found=$(verdicts run differ)
    differ=$((differ + $(wc -w <<<"$found")))
    echo "programs $((first + at)) to $((first + at + n - 1)) of seed $seed:" \
        "$(wc -w <<<"$found") differ, $((SECONDS - began)) s"
    for id in $found; do
        if [ "$left_to_keep" -gt 0 ]; then
            keep "$dir/batch" "$id" "seed $seed program $id"
            left_to_keep=$((left_to_keep - 1))
        else
            echo "program $id differs"
        fi
    done
    if [ -n "$(verdicts run todo)" ]; then
        echo "not run: $(verdicts run todo | tr '\n' ' ')"
        differ=$((differ + 1))
    fi
done
coverage "$dir/coverage"
echo "$count programs: $same same, $differ differ, $late too slow to say"
[ $differ -eq 0 ] || finish FAILURE 5
[ $same -gt 0 ] || finish ERROR 4
finish SUCCESS 0
