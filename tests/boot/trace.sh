#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Traces of real runs: repeatable, true to the accounts of the hypervisor,
# and readable by Xen's own tools. usage: tests/boot/trace.sh BUILDDIR
#
# shellcheck disable=SC2016 # what check evaluates
set -u
# shellcheck source=tests/boot/lib.sh disable=SC1091
. tests/boot/lib.sh
build=$(realpath "$1")
schedop=$build/schedop

for g in ping pong workers; do
    sed -e "s|\"../build/|\"$build/|" -e 's/"preserve"/"destroy"/' \
        -e 's/ms=300/ms=60/' "guests/$g.cfg" >"$work/$g.cfg"
done

record() { # FILE [OPTION...]
    local file=$1
    shift
    timeout 120 "$schedop" run --json --seed 7 --trace "$file" "$@" \
        "$work/ping.cfg" "$work/pong.cfg" "$work/workers.cfg" \
        >"$work/run.json" 2>"$work/qemu" </dev/null
}

check "a run is recorded" record "$work/a.sop"
cp "$work/run.json" "$work/first.json"
check "and once more" record "$work/b.sop"
check "the same seed gives the same trace" cmp "$work/a.sop" "$work/b.sop"
"$schedop" trace "$work/a.sop" >"$work/a.txt" 2>"$work/qemu"
check "nothing was lost" eval '! grep -q " lost " "$work/a.txt"'
check "a run writes other formats itself" record "$work/c.txt"
check "the same as by conversion" cmp "$work/a.txt" "$work/c.txt"
check "only what was asked for" record "$work/d.txt" --trace-events sched
check "is there" eval 'grep -q " runstate " "$work/d.txt" &&
    ! grep -qE " (wake|poll|timer_set|domain_create) " "$work/d.txt"'

# ---- the accounts ----

# Time running by domain: "1 123456"
awk '$3 == "runstate" {
        split(substr($1, 1), t, ".")
        now = t[1] * 1000000000 + t[2]
        if ($6 == "to=running") since[$4] = now
        else if ($5 == "from=running") ran[$4] += now - since[$4]
    }
    END {
        for (v in ran) { split(v, part, /[dv]/); sum[part[2]] += ran[v] }
        for (d in sum) printf "%d %d\n", d, sum[d]
    }' "$work/a.txt" | sort -n >"$work/ran"
# cpu_ns of the closing table, in the order of domains.
tr ',' '\n' <"$work/first.json" | sed -n 's/.*"cpu_ns": *\([0-9]*\).*/\1/p' |
    awk '{ print NR, $1 }' >"$work/cpu"
check "three domains have run" eval '[ "$(wc -l <"$work/ran")" -eq 3 ]'
check "running time is what the hypervisor accounts, to the nanosecond" \
    cmp "$work/ran" "$work/cpu"
check "a pCPU runs one vCPU at a time" awk '
    $3 == "runstate" && $6 == "to=running" {
        if ($2 in on && on[$2] != "") bad = 1
        on[$2] = $4
    }
    $3 == "runstate" && $5 == "from=running" { on[$2] = "" }
    END { exit bad }' "$work/a.txt"
check "time does not step back" awk '!/^#/ { if ($1 + 0 < last) bad = 1
    last = $1 + 0 } END { exit bad }' "$work/a.txt"
check "ping wakes pong, and pong wakes ping" eval '
    grep -q "wake  *d2v0 waker=d1v0 source=vcpu" "$work/a.txt" &&
    grep -q "wake  *d1v0 waker=d2v0 source=vcpu" "$work/a.txt"'
check "names are there" eval '[ "$(grep -cE \
    "^# d(1 is ping|2 is pong|3 is workers)$" "$work/a.txt")" -eq 3 ]'

# ---- a ring that is too small ----

# 256 records a pCPU and nobody reads: what the header says is true.
small() {
    timeout 60 qemu-system-x86_64 -M q35 -cpu EPYC,+svm,+npt \
        -accel tcg,thread=single -m 128 -smp 2 -nodefaults -display none \
        -no-reboot -serial "file:$work/com1" -serial "file:$work/com2" \
        -device isa-debug-exit,iobase=0x501 \
        -kernel "$elf" -initrd "$build/guests/hello.elf" -append \
        "qemu-exit=0x501 link=com2 trace=0x7f trace-kib=8" \
        >"$work/qemu" 2>&1 </dev/null
    grep -q '^trace 0 0x[0-9a-f]* 256' "$work/com2" &&
        grep -q '^trace 1 0x[0-9a-f]* 256' "$work/com2"
}
check "rings are announced, each with its size" small
none() {
    timeout 60 qemu-system-x86_64 -M q35 -cpu EPYC,+svm,+npt \
        -accel tcg,thread=single -m 128 -smp 1 -nodefaults -display none \
        -no-reboot -serial "file:$work/com1" -serial "file:$work/com2" \
        -device isa-debug-exit,iobase=0x501 -kernel "$elf" \
        -initrd "$build/guests/hello.elf" \
        -append "qemu-exit=0x501 link=com2" >"$work/qemu" 2>&1 </dev/null
    grep -q '^exit' "$work/com2" && ! grep -q '^trace' "$work/com2"
}
check "and none without being asked" none

# ---- Xen's own tools ----

"$schedop" trace "$work/a.sop" -o "$work/a.xentrace" 2>"$work/qemu"
if why=$(tools/fetch-xentrace.sh "$build/xentrace"); then
    "$build/xentrace/xenalyze" -s "$work/a.xentrace" >"$work/summary" \
        2>"$work/qemu"
    check "xenalyze reads it" grep -q '^Total time' "$work/summary"
    # "running: COUNT SECONDS MEAN ..." in cycles of 2.4 GHz; the mean is
    # rounded down, so each run may be a cycle short, and start and end of it
    # were rounded too.
    check "its running times are ours" awk '
        FNR == NR { want[$1] = $2; next }
        /^\|-- Domain/ { d = $3 }
        /^ +running:/ { got[d] += $2 * $4; runs[d] += $2 }
        END {
            for (d in want) {
                off = want[d] * 2.4 - got[d]
                n++
                if (off < -3 * runs[d] || off > 3 * runs[d]) bad = 1
            }
            exit bad || n != 3
        }' "$work/ran" "$work/summary"
    "$build/xentrace/xenalyze" -a "$work/a.xentrace" >"$work/dump" \
        2>"$work/qemu"
    check "it names every wake-up" eval '
        [ "$(grep -c " vcpu_wake d" "$work/dump")" -eq \
            "$(grep -c " wake " "$work/a.txt")" ]'
    check "and finds nothing odd" eval \
        '! grep -qiE "error|warning|strange|unknown|skip" "$work/dump"'
    printf 'machine pcpus=2 duration=1s\ndomain a vcpus=2
    run 700us\n    sleep 300us\ndomain b cap=40 vcpus=2\n    run 1s\n' \
        >"$work/x.lab"
    check "the lab records, too" eval '"$schedop" lab run -q --csv \
        --trace "$work/x.xentrace" "$work/x.lab" >"$work/csv" 2>"$work/qemu"'
    "$build/xentrace/xenalyze" -s "$work/x.xentrace" >"$work/summary" \
        2>"$work/qemu"
    check "xenalyze sees the running times of the lab's table" awk -F, '
        FNR == NR {
            if ($1 == "kind")
                for (i = 1; i <= NF; i++) if ($i == "running_ns") column = i
            if ($1 == "vcpu") want[++n] = $column
            next
        }
        { split($0, f, " ") }
        f[1] == "running:" && m < n {
            m++
            off = want[m] * 2.4 - f[2] * f[4]
            if (off < -3 * f[2] || off > 3 * f[2]) bad = 1
        }
        END { exit bad || n != 4 || m != 4 }' "$work/csv" "$work/summary"
    printf '0x00028004 wake d%%(1)dv%%(2)d\n' >"$work/formats"
    if command -v python3 >/dev/null; then
        python3 "$build/xentrace/xentrace_format" "$work/formats" \
            <"$work/a.xentrace" >"$work/words" 2>"$work/qemu"
        check "xentrace_format reads the same wake-ups" eval '
            [ "$(sort "$work/words" | uniq -c)" = "$(awk \
                "\$3 == \"wake\" { print \"wake \" \$4 }" "$work/a.txt" |
                sort | uniq -c)" ]'
    else
        skip "xentrace_format reads the same wake-ups" "no python3"
    fi
else
    for name in "xenalyze reads it" "its running times are ours" \
        "it names every wake-up" "and finds nothing odd" \
        "the lab records, too" \
        "xenalyze sees the running times of the lab's table" \
        "xentrace_format reads the same wake-ups"; do
        skip "$name" "$why"
    done
fi
echo "1..$number"
