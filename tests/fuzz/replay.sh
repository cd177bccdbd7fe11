#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Replays every fuzz target on its corpus, its regressions and some random
# strings, without libFuzzer. usage: tests/fuzz/replay.sh BUILDDIR
#
# FUZZ_RANDOM strings a target (default below), from FUZZ_SEED.
set -u
build=${1:?usage: tests/fuzz/replay.sh BUILDDIR}
seed=${FUZZ_SEED:-1}
n=0

for program in "$build"/fuzz/replay/*; do
    case $program in *.d | *.o | *\*) continue ;; esac
    name=${program##*/}
    case $name in
    core) random=10000 ;;
    xenstore) random=4000 ;;
    *) random=50000 ;;
    esac
    shopt -s nullglob
    files=(tests/fuzz/corpus/"$name"/* tests/fuzz/regressions/"$name"/*)
    n=$((n + 1))
    if out=$("$program" --random "${FUZZ_RANDOM:-$random}" --seed "$seed" \
        "${files[@]}" 2>&1); then
        echo "ok $n - $name: ${#files[@]} inputs kept," \
            "${FUZZ_RANDOM:-$random} random ones"
    else
        echo "not ok $n - $name"
        echo "$out" | tail -n 30 | sed 's/^/# /'
    fi
done
echo "1..$n"
[ $n -gt 0 ]
