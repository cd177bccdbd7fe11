#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `schedop conform`: choosing, listing, verdicts; and the judge (report.awk).
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
tree=$PWD

conform() {
    "$schedop" conform "$@" >"$out" 2>"$err" </dev/null
    status=$?
}

last_line() { # text
    [ "$(tail -n 1 "$out")" = "$1" ]
    result $? "last line: $1"
}

# ---- without running anything ----

conform --help
exits 0 "help"
conform 'poll;reboot'
exits 2 "a word that is no name"
says "neither a topic nor a fact"
conform --seed 3
exits 2 "--seed without --fuzz"
says "--seed goes with --fuzz"
conform --fuzz many
exits 2 "--fuzz without a number"
conform --fuzz 3 F001
exits 2 "--fuzz with a fact"
cp "$schedop" "$tmp/installed"
cd / || exit 1
"$tmp/installed" conform >"$out" 2>"$err"
status=$?
exits 4 "far from a source tree"
says "the conformance suites are not installed"
says "SCHEDOP_TREE"
cd "$tree" || exit 1

# ---- the core alone, a build directory of its own for what is left there ----

schedop=$tmp/schedop
cp "$build/schedop" "$schedop"
mkdir "$tmp/tests"
ln -s "$build/tests/conformance.elf" "$tmp/tests/"
ln -s "$build/conform-core" "$tmp/"
conform --list
exits 0 "--list"
grep -q '^  xen-domu$' "$out" && grep -q '^  F058 poll: ' "$out" &&
    grep -q '^  F130 endings: reason 3$' "$out"
result $? "environments and facts are listed"
[ "$(grep -oE '^  F[0-9]{3}' "$out" | sort -u | wc -l)" -eq 164 ]
result $? "every numbered fact is listed" \
    "$(grep -oE '^  F[0-9]{3}' "$out" | sort -u | wc -l)"
conform --env nowhere
exits 4 "an environment that is not there"
says "there is no environment 'nowhere'"
conform --env core F999
exits 4 "a fact that is not there"
says "there is no topic or fact 'F999'"
conform --env core poll F088 --junit "$tmp/junit.xml" --matrix "$tmp/m.md"
exits 0 "one topic and a fact in one environment"
last_line "Test result: SUCCESS"
grep -q 'name="F058 poll: ' "$tmp/junit.xml" &&
    grep -q '^</testsuites>$' "$tmp/junit.xml"
result $? "JUnit is written"
grep -q '^| 88 | watchdog: ids above 2' "$tmp/m.md"
result $? "the matrix is written"
conform --env core --tap F038
[ "$(head -n 1 "$out")" = \
    "ok 1 - core-pvh F038 poll: a time in the past returns 0" ] &&
    [ "$(tail -n 1 "$out")" = "1..6" ]
result $? "TAP is printed"

# ---- the judge: transcripts made up here ----

judge() { # mode; transcripts are in $tmp/j
    awk -v mode="$1" -f tests/conformance/report.awk "$tmp/j/departures" \
        "$tmp/j/xen-pvh0.txt" "$tmp/j/schedop.txt" >"$out" 2>"$err"
}

case_of() { # name, line of Xen, line of schedop, verdict
    printf '%s\n' "$2" "Test result: SUCCESS" >"$tmp/j/xen-pvh0.txt"
    printf '%s\n' "$3" "Test result: SUCCESS" >"$tmp/j/schedop.txt"
    judge text
    last_line "Test result: $4"
    judge tap
    if [ "$4" = SUCCESS ] || [ "$4" = SKIP ]; then
        ! grep -q '^not ok' "$out"
    else
        grep -q '^not ok 2 - schedop F005 a: b' "$out" ||
            grep -q '^not ok 3 - schedop F005 a: b' "$out"
    fi
    result $? "$1"
}

mkdir "$tmp/j"
echo "F005 a: b | rax 2 | because" >"$tmp/j/departures"
same="F005 a: b | rax 1 | SUCCESS"
case_of "equal is a success" "$same" "$same" SUCCESS
case_of "a listed departure is a success" "$same" \
    "F005 a: b | rax 2 | DEPARTURE" SUCCESS
case_of "another departure is a failure" "$same" \
    "F005 a: b | rax 3 | DEPARTURE" FAILURE
case_of "what differs from Xen is a failure" "$same" \
    "F005 a: b | rax 7 | SUCCESS" FAILURE
case_of "what is skipped here alone is a failure" "$same" \
    "F005 a: b | no reason | SKIP" FAILURE
case_of "what is skipped everywhere is a skip" \
    "F005 a: b | no | SKIP" "F005 a: b | no | SKIP" SKIP
case_of "a false fact is a failure" "$same" \
    "F005 a: b | rax 9 (want 1) | FAILURE" FAILURE
case_of "a broken test is an error" "$same" "F005 a: b | no port | ERROR" ERROR
echo "$same" >"$tmp/j/schedop.txt"
judge text
last_line "Test result: CRASH"
plan
