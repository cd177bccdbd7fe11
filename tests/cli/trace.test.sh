#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `schedop trace`: what it refuses, what it leaves out, what it writes. The
# trace is the story of tests/unit/cli_trace.c; formats are tested there.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh

story=$tmp/story.sop
"$build/cli-tests/cli_trace" --story "$story" ||
    { echo "Bail out! cannot write the story" && exit 1; }

trace() {
    "$schedop" trace "$@" >"$out" 2>"$err" </dev/null
    status=$?
}

lines() { # count name
    [ "$(grep -vc '^#' "$out")" -eq "$1" ]
    result $? "$2: $1 records"
}

# ---- the command line ----

trace
exits 2 "no file"
says "schedop run --trace FILE"
trace "$tmp/none.sop"
exits 1 "no such file"
says "none.sop: No such file"
trace "$story" "$story"
exits 2 "two files"
trace -f mp3 "$story"
exits 2 "no such format"
says "native, text, perfetto, xentrace or svg"
trace -e wakes "$story"
exits 2 "no such event"
says "did you mean wake?"
trace --from soon "$story"
exits 2 "no such time"
trace -d nobody "$story"
exits 2 "no such domain"
says "no domain of the trace is called 'nobody'"
trace --vcpu web "$story"
exits 2 "no such vCPU"
trace "$story" -o "$tmp/none/x.svg"
exits 1 "output that cannot be"

# ---- files that are no traces, or not whole ----

damaged() { # name, text
    trace "$tmp/bad" -o "$tmp/never"
    exits 1 "$1"
    says "$2"
    [ ! -e "$tmp/never" ]
    result $? "$1: nothing was written"
}

: >"$tmp/bad"
damaged "an empty file" "too short to be a trace"
head -c 4096 /dev/urandom >"$tmp/bad"
damaged "some other file" "not a trace of schedop"
{ printf 'SOPTRACE\002\000' && tail -c +11 "$story"; } >"$tmp/bad"
damaged "a later version" "another version"
{ printf 'SOPTRACE\001\000\200\000\377\377' && tail -c +15 "$story"; } \
    >"$tmp/bad"
damaged "impossible sizes" "sizes in its header are impossible"
{ printf 'SOPTRACE\001\000\377\377' && tail -c +13 "$story"; } >"$tmp/bad"
damaged "a header longer than the file" "cut off in its header"
head -c 500 "$story" >"$tmp/bad"
damaged "a file that is cut off" "cut off within record 12"
{ head -c 200 "$story" && printf x && tail -c +202 "$story"; } >"$tmp/bad"
damaged "a file with another byte" "damaged: 20 records with CRC"
{ cat "$story" && echo; } >"$tmp/bad"
damaged "a file with more behind" "something follows its end"

# ---- what is left out ----

trace "$story"
exits 0 "text"
lines 17 "all"
trace - <"$story"
"$schedop" trace - <"$story" >"$out" 2>"$err"
status=$?
exits 0 "standard input"
lines 17 "standard input"
trace -e wake "$story"
lines 3 "one event, and what is about the trace"
trace -e sched -d 2 "$story"
lines 6 "a class of one domain"
trace -d web -e poll "$story"
lines 3 "a domain by its name"
trace --vcpu web.1 "$story"
lines 2 "a vCPU that there is not"
trace --pcpu 1 "$story"
lines 7 "a pCPU"
trace --from 40us --to 70us "$story"
lines 8 "a window"
grep -q '0.000040000 p0  runstate        d1v0 from=running to=running' "$out" &&
    grep -q '0.000040000 p1  runstate        d2v0 from=running to=running' \
        "$out"
result $? "a window begins with what is the case then"
trace --from 1s "$story"
exits 0 "a window behind the end"

# ---- what is written ----

for f in native text perfetto xentrace svg; do
    trace -f $f "$story" -o "$tmp/a"
    exits 0 "$f to a file"
    trace -f $f "$story"
    cmp -s "$tmp/a" "$out"
    result $? "$f: the same to standard output"
done
trace -f native "$story" -o "$tmp/again.sop"
cmp -s "$story" "$tmp/again.sop"
result $? "native to native changes nothing"
trace -f native --to 60us "$story" -o "$tmp/part.sop"
trace "$tmp/part.sop" -o "$tmp/part.svg"
exits 0 "a part is a trace too"
if command -v xmllint >/dev/null; then
    trace -f svg "$story" -o "$tmp/a.svg"
    xmllint --noout "$tmp/a.svg" "$tmp/part.svg" >"$out" 2>"$err"
    result $? "the picture is well-formed"
else
    cases=$((cases + 1))
    echo "ok $cases - the picture is well-formed # SKIP no xmllint"
fi

# ---- the manual ----

trace --list
sed -n '/^| event | class/,/^$/p' docs/trace.md | grep . >"$tmp/table"
cmp -s "$tmp/table" "$out"
result $? "docs/trace.md has the table of --list" \
    "run: $(diff "$tmp/table" "$out")"

plan
