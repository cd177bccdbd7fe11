#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# No call or wake-up may take over 5 % more instructions than was recorded in
# bench/recorded.tsv. Counts are exact, so a failure is no accident: find out
# with bench/profile.sh where they go, or, if they are worth it, say why in the
# commit that runs `make bench-record`. Another compiler makes other counts:
# then there is nothing to compare with. usage: bench/regress.sh BUILDDIR
set -u
build=${1:?usage: bench/regress.sh BUILDDIR}
here=$(dirname "$0")
log=$build/bench/regress.log
mkdir -p "$build/bench"

if ! "$here/run.sh" --only-schedop --no-boot "$build" >"$log" 2>&1; then
    echo "not ok 1 - the benchmark guest runs"
    sed 's/^/# /' "$log"
    echo "1..1"
    exit 0
fi
echo "ok 1 - the benchmark guest runs"
recorded=$(sed -n '1s/^# made with //p' "$here/recorded.tsv")
compiler="gcc $(gcc -dumpversion | cut -d . -f 1)"
if [ "$recorded" != "$compiler" ]; then
    echo "ok 2 - counts # SKIP recorded with $recorded, this is $compiler"
    echo "1..2"
    exit 0
fi
awk '
    FILENAME == ARGV[1] {
        if (NF == 5)
            now[$1] = $2
        next
    }
    /^#/ { next }
    {
        n++
        if (!($1 in now))
            verdict = "not ok"
        else
            verdict = now[$1] * 100 > $2 * 105 ? "not ok" : "ok"
        printf "%s %d - %s: %s instructions, recorded %s\n", verdict, n + 1,
            $1, $1 in now ? now[$1] : "no", $2
        if (now[$1] * 100 < $2 * 95)
            print "# much less now: make bench-record"
    }
    END { print "1.." n + 1 }' "$build/bench/schedop.txt" "$here/recorded.tsv"
