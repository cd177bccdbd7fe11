#!/bin/sh
# SPDX-License-Identifier: MIT
# The showcase of the lab: runs the workloads of labs/, and writes tables,
# traces, pictures and a page that explains them to $1/lab/index.html.
# usage: tools/lab.sh BUILD_DIRECTORY
set -eu

build=${1:?usage: tools/lab.sh BUILD_DIRECTORY}
out=$build/lab
schedop=$build/schedop
page=$out/index.html

rm -rf "$out"
mkdir -p "$out"

# A program's output as text of a page.
escape() {
    sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'
}

say() {
    printf '%s\n' "$*" >>"$page"
}

# The file itself, so that the page can be read alone.
show_file() {
    say "<details><summary>The workload: $1</summary><pre>"
    escape <"$1" >>"$page"
    say "</pre></details>"
}

# table NAME FILE OPTIONS...: one run as text, CSV and JSON.
table() {
    name=$1
    file=$2
    shift 2
    "$schedop" lab run "$file" "$@" >"$out/$name.txt"
    "$schedop" lab run "$file" "$@" --quiet --csv >"$out/$name.csv"
    "$schedop" lab run "$file" "$@" --quiet --json >"$out/$name.json"
    say "<pre>"
    escape <"$out/$name.txt" >>"$page"
    say "</pre><p class=f><a href=$name.txt>text</a>" \
        "<a href=$name.csv>csv</a> <a href=$name.json>json</a></p>"
}

# traces NAME FILE TIME: the first moments of a run in every format.
traces() {
    "$schedop" lab run "$2" --duration "$3" --quiet \
        --trace "$out/$1.trace.svg" --trace "$out/$1.perfetto.json" \
        --trace "$out/$1.xentrace" --trace "$out/$1.sop" >/dev/null
    say "<p>The first $3, a row a pCPU and a row a vCPU:</p>" \
        "<img src=$1.trace.svg alt='time line'>" \
        "<p class=f>The same for <a href=$1.perfetto.json>ui.perfetto.dev</a>," \
        "for <a href=$1.xentrace>xenalyze</a>, and as it was" \
        "<a href=$1.sop>recorded</a> (schedop trace reads it).</p>"
}

# picture NAME TITLE FILE OPTIONS...: a comparison.
picture() {
    name=$1
    title=$2
    shift 2
    "$schedop" lab compare "$@" --title "$title" --svg "$out/$name.svg" \
        >"$out/$name.txt"
    say "<p><img src=$name.svg alt='comparison'></p><pre>"
    escape <"$out/$name.txt" >>"$page"
    say "</pre>"
}

cat >"$page" <<'HEAD'
<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>The lab of schedop</title>
<style>
body{font:15px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em;
color:#222}
pre{font:12px/1.4 monospace;background:#f6f6f4;padding:.8em;overflow-x:auto}
img{max-width:100%}h2{margin-top:2.2em;border-bottom:1px solid #ddd}
.f{font-size:13px}summary{cursor:pointer;color:#2f6db3}
</style>
<h1>The lab of schedop</h1>
<p>A hypervisor has a few processors (<b>pCPUs</b>) and many virtual machines
(<b>domains</b>), each with a few virtual processors (<b>vCPUs</b>). Who runs
where, and for how long, is decided by a <b>scheduler</b>. This page shows what
different schedulers, and different knobs of one, make of the same work. It was
all computed in virtual time by the scheduler that also runs in the hypervisor,
and comes out the same, byte for byte, on every machine.</p>
<p>How to read the tables: <b>Share</b> is how long a domain ran, in per cent of
one pCPU, so two busy pCPUs are 200&nbsp;%. <b>Ideal</b> is what it should get:
its fair part by weight, within its cap, and no more than it would use.
<b>Waiting</b> is the time its vCPUs were ready to run but had no pCPU.
<b>lat</b> is how long it took from a wake-up to running: half of all
(p50), 99 of 100 (p99) and all of them (max) were no longer than that.
<b>Jobs</b> are pieces of work that come once a period; <b>missed</b> are those
not done when the next one was due.</p>
HEAD

say "<h2>1. A fair share</h2>" \
    "<p>Three customers pay for parts of 4 : 2 : 1 and always want more than" \
    "they get; a web server needs a fifth of a pCPU. The scheduler" \
    "<i>credit2</i> divides by weight: shares should meet the ideal, and the" \
    "web server, which asks for less than its part, should get all of it.</p>"
show_file labs/fair.lab
table fair labs/fair.lab
traces fair labs/fair.lab 100ms
picture fair-pcpus "The same domains on one, two and four pCPUs" \
    labs/fair.lab --pcpus 1,2,4

say "<h2>2. Real time</h2>" \
    "<p>A motor control loop, an audio mixer and a camera have a job each" \
    "period; batch work takes all it can get. <i>rtds</i> keeps for everybody" \
    "the budget that was reserved and lets the earliest deadline go first: no" \
    "job is missed. <i>credit2</i> is fair over time, and so late for those" \
    "who need little but soon.</p>"
show_file labs/realtime.lab
table realtime labs/realtime.lab
picture realtime-sched "Deadlines under two schedulers" \
    labs/realtime.lab --sched rtds,credit2
traces realtime labs/realtime.lab 60ms

say "<h2>3. A noisy neighbour, with and without a cap</h2>" \
    "<p>A shop has a little to do every 10&nbsp;ms, beside a neighbour that" \
    "computes without end. Without a cap both get their fair part, which is" \
    "less than the shop needs: it falls behind and misses deadlines. A" \
    "<i>cap</i> limits what the neighbour may use even if pCPUs are free. The" \
    "picture shows what that does to the neighbour's share and to the time the" \
    "shop's work waits.</p>"
show_file labs/noisy.lab
table noisy-plain labs/noisy.lab
picture noisy "A neighbour without a cap, at 100 % and at 50 % of a pCPU" \
    labs/noisy.lab --set hog.cap=0,100,50
traces noisy labs/noisy.lab 100ms

say "<h2>4. A pipeline</h2>" \
    "<p>A workload as rt-app has it: a source wakes a worker, the worker a" \
    "sink, each wake-up is an event channel between two domains.</p>"
show_file labs/pipeline.json
table pipeline labs/pipeline.json

say "<h2>5. An operator's day</h2>" \
    "<p>Cpupools with schedulers of their own, a frame of fixed windows" \
    "(<i>arinc653</i>), a pCPU that goes and comes back, a watchdog that fires," \
    "a domain that moves.</p>"
show_file labs/pools.lab
table pools labs/pools.lab --vcpus
traces pools labs/pools.lab 60ms

say "<h2>Your own</h2>" \
    "<p><code>$schedop lab run labs/fair.lab --set bronze.weight=2048</code>" \
    "and <code>$schedop lab --help</code>; docs/lab.md has every word of the" \
    "files.</p></html>"
echo "The showcase is in $page"
