#!/bin/sh
# SPDX-License-Identifier: MIT
# The lab prints the same bytes whoever compiled it and however: both
# compilers, without and with optimisation, every workload of labs/, every
# trace record. And another seed prints others.
set -eu

build=${1:?usage: repeat.sh BUILD_DIRECTORY}
dir=$build/sim/repeat
files=$(echo labs/*.lab labs/*.json)

echo 1..5
n=0

# ok TEXT COMMAND...: a line of TAP.
ok() {
    text=$1
    shift
    n=$((n + 1))
    if "$@"; then
        echo "ok $n - $text"
    else
        echo "not ok $n - $text"
    fi
}

# shellcheck disable=SC2086 # a list of files
"$dir/gcc-O2/repeat" 1 $files >"$dir/first"
for other in gcc-O0 clang-O0 clang-O2; do
    # shellcheck disable=SC2086
    "$dir/$other/repeat" 1 $files >"$dir/other" || true
    ok "$other prints what gcc-O2 prints" cmp "$dir/first" "$dir/other"
done
# shellcheck disable=SC2086
"$dir/gcc-O2/repeat" 1 $files >"$dir/other"
ok "a second run prints what the first printed" cmp "$dir/first" "$dir/other"
# shellcheck disable=SC2086
"$dir/gcc-O2/repeat" 2 $files >"$dir/other"
ok "another seed prints something else" test -n \
    "$(cmp "$dir/first" "$dir/other" 2>&1)"
