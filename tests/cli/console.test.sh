#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Consoles, standard input, terminals, signals, time limits.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh

printf 'kernel="%s"\n' "$guest" >"$tmp/a.cfg"
cp "$tmp/a.cfg" "$tmp/long-b.cfg"

# ---- several domains ----

FAKE_QEMU="$hello
> create 1 a
> start 1 1
> create 2 long-b
> start 2 1
> con 1 first\\ntw
> con 2 other\\n
> con 1 ice\\r\\n
> con 2 \\x1b[31mred\\r
> con 2 \\nback\\x08\\rspace\\n
> con 1 not ended
> end 1 a 0 destroy run_ns=1 cpu_ns=1
> con 2 \\n
> end 2 long-b 0 destroy run_ns=1 cpu_ns=1
> exit 0"
run "$tmp/a.cfg" "$tmp/long-b.cfg"
exits 0 "two domains"
want='a     | first
long-b| other
a     | twice
long-b| \033[31mred
long-b| back\010\rspace
a     | not ended
long-b| 
'
prints "whole lines behind names" "$want"

on_terminal() { # keys to type once the domain has the terminal, arguments
    local keys=$1
    shift
    rm -f "$FAKE_QEMU_LOG" "$err"
    [ -p "$tmp/keys" ] || mkfifo "$tmp/keys"
    # The end of its input would be typed as ^D, so it stays open.
    timeout 30 script -qec \
        "stty -echo; $schedop run $* 2>$err; echo status=\$?=; stty -a" \
        /dev/null <"$tmp/keys" >"$out" &
    exec 9>"$tmp/keys"
    if [ -n "$keys" ]; then
        for _ in $(seq 200); do
            grep -qs 'has this terminal' "$err" && break
            sleep 0.05
        done
        printf '%b' "$keys" >&9
    fi
    wait $!
    exec 9>&-
    status=$(sed -n 's/.*status=\([0-9]*\)=.*/\1/p' "$out")
    : "${status:=99}"
}

on_terminal '' "$tmp/a.cfg" "$tmp/long-b.cfg"
exits 0 "two domains on a terminal"
grep -qF '\x1b[31mred' "$out" && grep -qF 'back\x08\x0dspace' "$out"
result $? "control characters are made visible on a terminal"
grep -qF $'\033[36ma     |\033[0m first' "$out"
result $? "names have colours on a terminal"
NO_COLOR=1 on_terminal '' "$tmp/a.cfg" "$tmp/long-b.cfg"
grep -qF 'a     | first' "$out" && ! grep -qF $'\033' "$out"
result $? "NO_COLOR is honoured"

many=$(head -c 5000 /dev/zero | tr '\0' x)
FAKE_QEMU="$hello
> create 1 a
> create 2 long-b
> con 1 ${many:0:900}
> con 1 ${many:0:900}
> con 1 ${many:0:900}
> con 1 ${many:0:900}
> con 1 ${many:0:900}\\n
> con 2 prompt> 
sleep 0.6
> con 2 continued
> con 1 next\\n
sleep 0.5
> con 2 again\\n
> end 1 a 0 destroy run_ns=1 cpu_ns=1
> end 2 long-b 0 destroy run_ns=1 cpu_ns=1
> exit 0"
run "$tmp/a.cfg" "$tmp/long-b.cfg"
exits 0 "long and unfinished lines"
prints "long lines are cut, idle ones shown, none mixed" \
    "a     | ${many:0:4096}
a     | ${many:0:404}
long-b| prompt> 
a     | next
long-b| continuedagain
"
run --seed 1 "$tmp/a.cfg" "$tmp/long-b.cfg"
grep -q '^long-b| prompt> continuedagain$' "$out"
result $? "with --seed no line depends on a clock"

# ---- standard input ----

FAKE_QEMU="$hello
> create 1 guest
sleep 0.2
> start 1 1
< con 1 halt\\\\n
> con 1 got it\\n
> end 1 guest 0 destroy run_ns=1 cpu_ns=1
> exit 0"
printf 'halt\n' | "$schedop" run "$guest" >"$out" 2>"$err"
status=$?
exits 0 "piped input"
prints "it arrives" 'got it\n'
silent_about "fake QEMU"

FAKE_QEMU="$hello
> create 1 guest
> start 1 1
< con 1 \\\\xff\\\\x00\\\\\\\\\\\\r
> end 1 guest 0 destroy run_ns=1 cpu_ns=1
> exit 0"
printf '\377\000\\\r' | "$schedop" run "$guest" >"$out" 2>"$err"
status=$?
exits 0 "binary input"
silent_about "fake QEMU"

FAKE_QEMU="$hello
> create 1 a
> start 1 1
> create 2 long-b
> start 2 1
< con 2 x\\\\n
> end 1 a 0 destroy run_ns=1 cpu_ns=1
> end 2 long-b 0 destroy run_ns=1 cpu_ns=1
> exit 0"
echo x | "$schedop" run --console long-b "$tmp/a.cfg" "$tmp/long-b.cfg" \
    >"$out" 2>"$err"
status=$?
exits 0 "input for one of two"
silent_about "fake QEMU"
run --console c "$tmp/a.cfg"
exits 2 "input for nobody"
says "there is no domain c; there is: a"

# A domain that takes no input: the end does not wait behind what is queued.
FAKE_QEMU="$hello
> create 1 guest
> start 1 1
sleep 1.5
drain stop
> end 1 guest 255 killed run_ns=1 cpu_ns=1
> exit 0"
head -c 1000000 /dev/zero | "$schedop" run --timeout 1 "$guest" >"$out" 2>"$err"
status=$?
exits 8 "input that nobody reads"
silent_about "fake QEMU"

# ---- a terminal of its own ----

FAKE_QEMU="$hello
> create 1 guest
> start 1 1
> con 1 \\x1b[31mraw
< con 1 a\\\\x03b
> con 1 got it\\n
< stop
> end 1 guest 255 killed run_ns=1 cpu_ns=1
> exit 0"
on_terminal 'a\003b\035' "$guest"
exits 1 "Ctrl-] ends the run"
grep -qF $'\033[31mrawgot it' "$out"
result $? "the domain's bytes reach the terminal, keys the domain"
grep -qF $'\033[0m' "$out"
result $? "colours are reset"
! grep -q -- '-icanon' "$out" && grep -q 'icanon' "$out"
result $? "the terminal is as before"
silent_about "fake QEMU"
says "guest has this terminal; Ctrl-] ends the run"
says "ended by Ctrl-]"

# ---- time limit ----

FAKE_QEMU="$hello
> create 1 guest
> start 1 1
< stop
> end 1 guest 255 killed run_ns=500000000 cpu_ns=1
> exit 0"
run --timeout 0.3 "$guest"
exits 8 "time limit"
says "time limit of 0.3 s reached"
says "guest: still running at the time limit"
says "1  guest  killed     0.500 s"
silent_about "fake QEMU"
run --timeout 0.3 --expect guest=killed "$guest"
exits 8 "the time limit counts whatever was expected"
run --timeout 0.3 --xtf "$guest"
exits 8 "the time limit of an XTF test"

FAKE_QEMU="hang"
start=$(date +%s)
run --timeout 0.3 "$guest"
exits 8 "time limit before the hypervisor is up"
[ $(($(date +%s) - start)) -lt 3 ]
result $? "QEMU is killed at once then"

FAKE_QEMU="$hello
> create 1 guest
hang"
run --timeout 0.3 "$guest"
exits 8 "a hypervisor that does not stop"

# ---- signals ----

tag=schedop-test-$$
alive() { # a fake QEMU of ours
    pgrep -f "append.*$tag" >/dev/null
}

# Starts a run in the background and waits until its domain runs.
begin() {
    "$schedop" run --qemu "append $tag" "$guest" >"$out" 2>"$err" \
        </dev/null &
    pid=$!
    for _ in $(seq 100); do
        grep -q up "$out" && break
        sleep 0.05
    done
}

FAKE_QEMU="$hello
> create 1 guest
> start 1 1
> con 1 up\\n
< stop
> end 1 guest 255 killed run_ns=500000000 cpu_ns=1
> exit 0"
for signal in TERM INT HUP; do
    # Background jobs ignore INT unless told otherwise.
    [ $signal = INT ] && continue
    begin
    kill -$signal $pid
    wait $pid
    status=$?
    exits $((128 + $(kill -l $signal))) "SIG$signal"
    says "1  guest  killed"
done

FAKE_QEMU="$hello
> create 1 guest
> start 1 1
> con 1 up\\n
hang"
begin
kill -TERM $pid
sleep 0.2
kill -TERM $pid
wait $pid
status=$?
exits 143 "a second SIGTERM"
begin
alive
result $? "QEMU runs"
kill -KILL $pid
wait $pid 2>/dev/null
for _ in $(seq 40); do
    alive || break
    sleep 0.05
done
! alive
result $? "SIGKILL of schedop ends QEMU too"

# A reader that stops reading must not stop signals.
FAKE_QEMU="$hello
> create 1 guest
> start 1 1
repeat 30000 con 1 0123456789012345678901234567890123456789\\n
hang"
mkfifo "$tmp/stuck"
{ exec 8<"$tmp/stuck" && exec sleep 30; } &
reader=$!
"$schedop" run "$guest" >"$tmp/stuck" 2>"$err" </dev/null &
pid=$!
sleep 1
kill -TERM $pid
(sleep 8 && kill -KILL $pid) 2>/dev/null &
guard=$!
wait $pid 2>/dev/null
status=$?
exits 143 "a stuck reader of the output stops no signal"
kill $guard $reader 2>/dev/null

"$schedop" run "$guest" 2>"$err" </dev/null | head -n 1 >"$out"
status=${PIPESTATUS[0]}
exits 1 "the reader of the output goes away"
says "cannot write to standard output"

# ---- closed standard files ----

one 0 destroy
"$schedop" run "$guest" <&- >"$out" 2>"$err"
status=$?
exits 0 "standard input is closed"
"$schedop" run "$guest" >&- 2>"$err" </dev/null
status=$?
exits 0 "standard output is closed"

plan
