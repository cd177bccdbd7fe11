#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs test programs that print TAP and adds up their results.
# usage: tools/check.sh BUILDDIR TEST...
#
# A test is a program, or a script *.sh that gets BUILDDIR as its argument.
# Each has CHECK_TIMEOUT seconds (default 240). A test that dies, prints no
# plan, or runs another number of cases than it planned counts as failed.
# Set CHECK_FILTER to a regular expression to run only some. The last line is
# "N passed, N failed, N skipped".
set -u
build=$1
shift
passed=0 failed=0 skipped=0 ran=0
limit=${CHECK_TIMEOUT:-240}
out=$(mktemp)
trap 'rm -f "$out"' EXIT

count() { # TAP on stdin: passed failed skipped planned
    awk '
    /^1\.\.[0-9]+/ { split($1, a, "\\.\\."); plan += a[2]; planned = 1
                     if (a[2] == 0 && /# *[Ss][Kk][Ii][Pp]/) { s++; plan++ } next }
    /^ok /     { if (/# *[Ss][Kk][Ii][Pp]/) s++; else p++ }
    /^not ok / { if (/# *[Ss][Kk][Ii][Pp]/) s++; else f++ }
    END { print p + 0, f + 0, s + 0, planned ? plan : -1 }'
}

for t in "$@"; do
    name=${t#"$build"/}
    if [ -n "${CHECK_FILTER:-}" ] && ! [[ $name =~ $CHECK_FILTER ]]; then
        continue
    fi
    case $t in
    *.sh) cmd=(bash "$t" "$build") ;;
    *) cmd=("$t") ;;
    esac
    start=$(date +%s.%N)
    CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 "$limit" "${cmd[@]}" \
        >"$out" 2>&1 </dev/null
    status=$?
    took=$(awk -v a="$start" -v b="$(date +%s.%N)" \
        'BEGIN { printf "%.1f", b - a }')
    read -r p f s plan < <(tr -d '\r' <"$out" | count)
    why=
    if [ "$plan" -lt 0 ]; then
        why="printed no plan"
    elif [ $((p + f + s)) -ne "$plan" ]; then
        why="planned $plan cases, ran $((p + f + s))"
    fi
    [ $status -eq 124 ] && why="took longer than $limit s"
    if [ $status -ne 0 ] && [ "$f" -eq 0 ] && [ -z "$why" ]; then
        why="exited with status $status"
    fi
    [ -z "$why" ] || f=$((f + 1))
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    ran=$((ran + 1))
    if [ "$f" -ne 0 ]; then
        echo "FAIL $name ($p passed, $f failed, $s skipped, $took s)${why:+: $why}"
        sed 's/^/    /' "$out" | tail -n "${CHECK_LINES:-120}"
    else
        echo "ok   $name ($p passed${s:+, $s skipped}, $took s)"
        grep -iE '# *skip' "$out" | sed 's/^/     /' || true
    fi
done
if [ $ran -eq 0 ]; then
    echo "tools/check.sh: no test was run" >&2
    failed=$((failed + 1))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
