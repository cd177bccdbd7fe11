#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The exam: for each defect of history a scenario, the invariant that catches
# it, and a patch that puts the defect into a copy of our code. Ours must pass
# the scenario and the copy must fail it, by that invariant and no other.
# usage: tests/exam/exam.sh BUILDDIR [table [NAME...]]
#
# tests/exam/NAME.scenario opens with "# defect:", "# invariant:" and, where
# the fixed order is not meant, "# run:" (options of `schedop lab explore`).
# tests/exam/NAME.patch says why it is the defect before its first "---" line.
set -u
build=$1
shift
table=
if [ "${1:-}" = table ]; then
    table=1
    shift
fi
exam=$build/exam
status=0
n=0

field() { # NAME FIELD
    sed -n "s/^# $2: *//p" "tests/exam/$1.scenario" | head -n 1
}

# The copy of NAME, if its patch applies and the changed file compiles.
break_it() {
    local name=$1 dir=$exam/$1 file object
    rm -rf "$dir"
    mkdir -p "$dir"
    file=$(sed -n 's|^+++ b/||p' "tests/exam/$name.patch")
    mkdir -p "$dir/$(dirname "$file")"
    cp "$file" "$dir/$file"
    patch -s -f -p1 -d "$dir" <"tests/exam/$name.patch" >"$dir/log" 2>&1 || {
        echo "the patch does not apply"
        return 1
    }
    object=$build/explore/core/${file#src/}
    object=${object%.c}.o
    # shellcheck disable=SC2046  # a list of words
    $(cat "$exam/compile") -iquote "$(dirname "$file")" -c "$dir/$file" \
        -o "$dir/changed.o" >"$dir/log" 2>&1 || {
        echo "the copy does not compile"
        return 1
    }
    # shellcheck disable=SC2046
    $(cut -d' ' -f1 "$exam/compile") -o "$dir/broken" "$dir/changed.o" \
        $(sed "s|$object||" "$exam/objects") >"$dir/log" 2>&1 || {
        echo "the copy does not link"
        return 1
    }
}

# What a program says to a scenario: "passes", or the invariant that broke.
judge() { # PROGRAM NAME
    local out run
    run=$(field "$2" run)
    # shellcheck disable=SC2086  # options
    out=$(timeout 100 "$1" "tests/exam/$2.scenario" ${run:---order} \
        --no-checks 2>&1)
    case $? in
    0) echo passes ;;
    1) printf '%s\n' "$out" | sed -n 's/^BROKEN [^:]*: \([^:]*\):.*/\1/p' ;;
    *) printf 'error: %s\n' "$out" | head -n 1 ;;
    esac
    printf '%s\n' "$out" >"$exam/$2.out"
}

# Lines of the table; on a test, TAP.
one() {
    local name=$1 ours theirs want why
    want=$(field "$name" invariant)
    ours=$(judge "$exam/ours" "$name")
    if why=$(break_it "$name"); then
        theirs=$(judge "$exam/$name/broken" "$name")
    else
        theirs="error: $why"
    fi
    n=$((n + 1))
    if [ "$ours" = passes ] && [ "$theirs" = "$want" ]; then
        [ -n "$table" ] || echo "ok $n - $name: $want"
    else
        status=1
        [ -n "$table" ] ||
            echo "not ok $n - $name: ours $ours; the mutant: $theirs," \
                "should fail $want"
        sed 's/^/# /' "$exam/$name.out" "$exam/$name/log" 2>/dev/null
    fi
    [ -z "$table" ] ||
        printf '%-26s %-14s %-8s %s\n' "$name" "$want" "$ours" "$theirs"
}

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for file in tests/exam/*.scenario; do
        names+=("$(basename "$file" .scenario)")
    done
fi
# The copy whose timers nobody takes over, in a scenario where no pCPU goes off
# line: one that does at every step finds it, and its command repeats it.
finds_fault() {
    local way broken=$exam/removal-timer/broken
    "$broken" poll-send-timeout --each hotplug --preemptions 0 >"$exam/log"
    way=$(sed -n "s/.*--schedule '\(.*\)'/\1/p" "$exam/log")
    grep -q '^BROKEN.*: lost-wakeup:' "$exam/log" && [ -n "$way" ] &&
        ! "$broken" poll-send-timeout --schedule "$way" >"$exam/log" &&
        grep -q '^BROKEN.*: lost-wakeup:' "$exam/log"
}

[ -z "$table" ] ||
    printf '%-26s %-14s %-8s %s\n' DEFECT INVARIANT OURS MUTANT
for name in "${names[@]}"; do
    one "$name"
done
# Every scenario has its patch and the other way round, and the manual both.
if [ -z "$table" ]; then
    n=$((n + 1))
    if finds_fault; then
        echo "ok $n - a fault at some step shows what no scenario has"
    else
        status=1
        echo "not ok $n - a fault at some step shows what no scenario has"
        sed 's/^/# /' "$exam/log"
    fi
    n=$((n + 1))
    if diff <(printf '%s\n' tests/exam/*.scenario | sed 's/scenario$//') \
        <(printf '%s\n' tests/exam/*.patch | sed 's/patch$//') >"$exam/log" &&
        tools/exam_doc.sh | diff docs/exam.md - >>"$exam/log"; then
        echo "ok $n - docs/exam.md is up to date"
    else
        status=1
        echo "not ok $n - docs/exam.md is up to date: tools/exam_doc.sh"
        sed 's/^/# /' "$exam/log"
    fi
    echo "1..$n"
fi
exit $status
