#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `schedop lab`: verbs, options, forms of output, exit statuses.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh

lab() {
    "$schedop" lab "$@" >"$out" 2>"$err" </dev/null
    status=$?
}

cat >"$tmp/two.lab" <<'LAB'
machine duration=1s pcpus=1
domain a weight=512
    run 1s
domain "b"
    run 1s
LAB

lab
exits 2 "no verb"
lab --help
exits 0 "help"
lab rum x
exits 2 "a slip of the finger"
says "did you mean 'schedop lab run'?"
lab run
exits 2 "no file"
lab run /nonexistent
exits 2 "no such file"
says "cannot open /nonexistent"
lab run "$tmp/two.lab" --pcpus 65
exits 2 "too many pCPUs"
lab run "$tmp/two.lab" --sched best
exits 2 "no such policy"
says "'best' is not a scheduler"
lab run "$tmp/two.lab" --duration 5
exits 2 "a time without a unit"
lab run "$tmp/two.lab" --set c.weight=3
exits 2 "no such domain"
lab run "$tmp/two.lab" --trace "$tmp/x.nothing"
exits 1 "no such format of traces"

lab run "$tmp/two.lab"
exits 0 "a run"
grep -q '^a .* 66\.[67] %' "$out"
result $? "two thirds for twice the weight"
says "times real time"
cp "$out" "$tmp/first"
lab run "$tmp/two.lab" --quiet
cmp -s "$out" "$tmp/first" && [ ! -s "$err" ]
result $? "the same once more, and quiet"

lab run "$tmp/two.lab" --json
# Once for the domains and once for their vCPUs.
awk '/"running"/ { sum += $2 } /"name": "a/ { a++ }
    END { exit sum != 2000000000 || a != 2 }' "$out"
result $? "JSON whose times sum to time"
lab run "$tmp/two.lab" --csv
[ "$(wc -l <"$out")" -eq 5 ] && grep -q '^domain,"""b""",credit2,256' "$out"
result $? "CSV with a line a domain and a vCPU, quoted"

lab run "$tmp/two.lab" --duration 20ms --trace "$tmp/t.sop" \
    --trace "$tmp/t.txt"
exits 0 "traces"
grep -q 'd1 is a' "$tmp/t.txt" && grep -q switch "$tmp/t.txt"
result $? "a trace with names and switches"
[ "$(head -c 8 "$tmp/t.sop")" = SOPTRACE ]
result $? "and one as it was recorded"

printf 'at 10ms cap a 200; at 20ms unpause a\n' >>"$tmp/two.lab"
lab run "$tmp/two.lab"
exits 1 "an act that is refused"
says "two.lab:6: refused: EINVAL"
printf 'domain s count=2\n loop 4000000000\n yield\n end\n run 1s\n' \
    >"$tmp/stuck.lab"
lab run "$tmp/stuck.lab"
exits 1 "a run that cannot go on"
says "calls again and again"

sed -i '$d' "$tmp/two.lab"
# As they are written for workgen.
cat >"$tmp/app.json" <<'APP'
{ // an event twice, commas too many, a policy of each kind
    "tasks": {
        "fifo": { "policy": "SCHED_FIFO", "priority": 5, "run": 100,
                  "sleep": 100, "run": 200, "sleep": 600, },
        "rr": { "policy": "SCHED_RR", "run": 100, "sleep": 900 },
        "idle": { "policy": "SCHED_IDLE", "run": 1000 },
        "other": { "policy": "SCHED_OTHER", "run": 100, "sleep": 900 },
        "deadline": { "policy": "SCHED_DEADLINE", "dl-runtime": 1000,
                      "dl-period": 10000, "run": 100, "sleep": 900 },
    },
}
APP
lab run "$tmp/app.json" --duration 1s --csv
exits 0 "rt-app"
cp "$out" "$tmp/first"
schedop=$build/schedop lab run "$tmp/app.json" --duration 1s --csv
cmp -s "$out" "$tmp/first"
result $? "the same from the program as it is delivered"
awk -F, '$1 == "domain" { gsub(/"/, "", $2); w[$2] = $4 }
    END { exit w["fifo"] != 24204 || w["rr"] != 26204 || w["idle"] != 1 ||
        w["other"] != 256 }' "$out"
result $? "priorities as weights"
lab run "$tmp/app.json" --duration 1s --sched rtds
exits 0 "rt-app under rtds"
sed -i 's/"run": 1000 }/"fork": "x" }/' "$tmp/app.json"
lab run "$tmp/app.json"
exits 2 "what rt-app has and we do not"
says "app.json:6: tasks.idle.fork: is not supported"

lab compare "$tmp/two.lab" --sched credit2,null --set a.weight=256,512 \
    --svg "$tmp/c.svg" --title 'a < b'
exits 0 "a comparison"
[ "$(grep -c 'null, a.weight=' "$out")" -eq 4 ]
result $? "of all combinations"
grep -q 'a &lt; b' "$tmp/c.svg" && grep -q '</svg>' "$tmp/c.svg"
result $? "with a picture"
lab compare "$tmp/two.lab" --pcpus 1,2 --csv
grep -q '^"pcpus 2",domain,"a",credit2,512' "$out"
result $? "as CSV"
lab compare "$tmp/two.lab" --sched credit2,worst
exits 2 "with a policy that is not there"

plan
