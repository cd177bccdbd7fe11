#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs test programs that print TAP and adds up their results.
# usage: tools/check.sh BUILDDIR TEST...
#
# A test is a program, or a script *.sh that gets BUILDDIR as its argument.
# Each has CHECK_TIMEOUT seconds (default 300). A test that dies, prints no
# plan, or runs another number of cases than it planned counts as failed.
# CHECK_JOBS tests run at a time (default: one per processor, at most 4);
# CHECK_FILTER is a regular expression that selects some. The last line is
# "N passed, N failed, N skipped".
set -u
build=$1
shift
limit=${CHECK_TIMEOUT:-300}
jobs=${CHECK_JOBS:-$(nproc)}
[ "$jobs" -le 4 ] || jobs=4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

count() { # TAP on stdin: passed failed skipped planned
    awk '
    /^1\.\.[0-9]+/ { split($1, a, "\\.\\."); plan += a[2]; planned = 1
                     if (a[2] == 0 && /# *[Ss][Kk][Ii][Pp]/) { s++; plan++ } next }
    /^ok /     { if (/# *[Ss][Kk][Ii][Pp]/) s++; else p++ }
    /^not ok / { if (/# *[Ss][Kk][Ii][Pp]/) s++; else f++ }
    END { print p + 0, f + 0, s + 0, planned ? plan : -1 }'
}

# Runs test $1, number $2; its verdict goes to $work/$2.
run_one() {
    local t=$1 out=$work/$2.out name=${1#"$build"/} cmd start status took
    local p f s plan why=
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
    if [ "$plan" -lt 0 ]; then
        why="printed no plan"
    elif [ $((p + f + s)) -ne "$plan" ]; then
        why="planned $plan cases, ran $((p + f + s))"
    fi
    [ $status -ne 124 ] || why="took longer than $limit s"
    if [ $status -ne 0 ] && [ "$f" -eq 0 ] && [ -z "$why" ]; then
        why="exited with status $status"
    fi
    [ -z "$why" ] || f=$((f + 1))
    if [ "$f" -ne 0 ]; then
        echo "FAIL $name ($p passed, $f failed, $s skipped, $took s)${why:+: $why}"
        grep -n '^not ok' "$out" | sed 's/^/  line /'
        sed 's/^/    /' "$out" | tail -n "${CHECK_LINES:-120}"
    else
        echo "ok   $name ($p passed, $s skipped, $took s)"
        grep -iE '# *skip' "$out" | sed 's/^/     /'
    fi
    echo "$p $f $s" >"$work/$2.sum"
}

n=0
for t in "$@"; do
    if [ -n "${CHECK_FILTER:-}" ] && ! [[ ${t#"$build"/} =~ $CHECK_FILTER ]]; then
        continue
    fi
    while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do
        wait -n
    done
    n=$((n + 1))
    # One write, so that verdicts of tests that run together do not mix.
    (
        run_one "$t" "$n" >"$work/$n.text"
        cat "$work/$n.text"
    ) &
done
wait

if [ $n -eq 0 ]; then
    echo "tools/check.sh: no test was run" >&2
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
# A test whose verdict is missing failed: its shell died.
passed=0 failed=0 skipped=0
for ((i = 1; i <= n; i++)); do
    if read -r p f s 2>/dev/null <"$work/$i.sum"; then
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    else
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
