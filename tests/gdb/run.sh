#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# gdb on domains, with the real QEMU and hypervisor: a domain of `run --gdb`
# from its first instruction to its end, stepped without seeing it; one of a
# host, where whoever debugs may die at any moment. What a client may send is
# in tests/unit/cli_gdb.c.
# usage: tests/gdb/run.sh BUILDDIR
# shellcheck disable=SC2016
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/hosts.sh
. tests/cli/hosts.sh
unset SCHEDOP_GDB
if ! command -v gdb >/dev/null; then
    echo "1..0 # SKIP there is no gdb"
    exit 0
fi
kernel=$build/tests/gdb.elf
log=$tmp/gdb.log

# The Python of a gdb with its output closed is not our business.
gdb_() { # arguments...
    timeout 200 gdb -nx -batch -ex "set width 0" -ex "set remotetimeout 100" \
        "$@" >"$log" 2>&1 </dev/null
}

has() { # fixed text in what gdb printed
    grep -qF -e "$1" "$log"
    result $? "gdb: $1" "$(cat "$log")"
}

lacks() {
    ! grep -qF -e "$1" "$log"
    result $? "gdb does not say: $1" "$(cat "$log")"
}

put() { # fixed text on standard output of the domain
    grep -qF -e "$1" "$out"
    result $? "the domain: $1" "$(cat "$log")"
}

# Runs a kernel under gdb, which gets the rest of the words.
debug() { # KERNEL "KERNEL'S WORDS" [gdb's arguments]
    local image=$1 words=$2 socket=$tmp/socket
    shift 2
    # shellcheck disable=SC2086
    timeout 200 "$schedop" run --gdb="$socket" --vcpus 2 "$image" -- $words \
        >"$out" 2>"$err" </dev/null &
    wait_for test -S "$socket"
    gdb_ -ex "target remote $socket" "$@" "$image"
    wait $!
    status=$?
}

# ---- one life, from the first instruction on ----

debug "$kernel" "" -ex "break triple" -ex continue -ex backtrace \
    -ex "print answer" -ex "set var answer=58" -ex finish \
    -ex 'print $cr0 & 0x80000000' -ex 'print $efer & 0x400' -ex delete \
    -ex continue
has "Breakpoint 1, triple (n=0)"
has "in main () at tests/gdb/main.c"
has '$1 = 42'
has 'Value returned is $2 = 58'
has '$3 = 2147483648'
has '$4 = 1024'
has "the domain ended: poweroff, destroy"
has "exited normally"
put "the answer is 58"
exits 0 "a domain that was debugged"

debug "$kernel" "do=crash" -ex continue
has "the domain ended: crash, destroy"
has "terminated with signal SIGABRT"
exits 6 "a domain that crashes while it is debugged"

debug "$kernel" "do=spin" -ex "break triple" -ex continue -ex kill
has "Inferior 1 (Remote target) killed"
exits 1 "a domain that the debugger kills"

# ---- two vCPUs; a 32-bit kernel ----

for bits in "" -32; do
    debug "$build/guests/workers$bits.elf" "ms=50" -ex "break spin" \
        -ex continue -ex "info threads" -ex backtrace -ex "print spinning" \
        -ex next -ex "print spinning" -ex "thread 1" -ex backtrace \
        -ex "print \$eflags" -ex delete -ex continue
    has 'Thread 2 hit Breakpoint 1, spin (context=0x0)'
    has "Thread 1 (vCPU 0)"
    has "in kit_vcpu_main (cpu=1)"
    has '$1 = false'
    has '$2 = true'
    has "main () at guests/workers/main.c"
    has "exited normally"
    exits 0 "workers$bits"
done

# Both meet the same breakpoint all the time: no hit is lost, none is twice.
debug "$kernel" "do=hits" -ex "break hit" -ex "ignore 1 1000" \
    -ex "break kit_exit" -ex continue -ex "info breakpoints" -ex delete \
    -ex continue
has "breakpoint already hit 120 times"
put "hits: 60 and 60"
exits 0 "120 hits"

# ---- a guest does not see that it is stepped ----

same_stepped() { # WHAT FROM TO: functions between which it is stepped
    cat >"$tmp/steps" <<G
break $2
continue
delete
set \$n = 0
while \$pc != &$3 && \$n < 2000
  stepi
  set \$n = \$n + 1
end
printf "stepped: %d\n", \$n > 200 && \$n < 2000
continue
G
    "$schedop" run --vcpus 2 "$kernel" -- "do=$1" >"$tmp/alone" 2>"$err" \
        </dev/null
    debug "$kernel" "do=$1" -x "$tmp/steps"
    has "stepped: 1"
    has "exited normally"
    cmp -s "$out" "$tmp/alone"
    result $? "$1: stepped or not, it prints the same" "$(cat "$tmp/alone")"
}

same_stepped flags steps stepped
put "trap flag never seen"
same_stepped own step_oneself stepped_oneself
put "own steps: 6"

# ---- breakpoints of its own ----

debug "$kernel" "do=int3" -ex continue -ex "signal SIGTRAP"
has "received signal SIGTRAP"
put "past its own int3, traps 8"
exits 0 "its own int3, passed on"

debug "$kernel" "do=int3" -ex continue -ex "signal 0"
put "past its own int3, traps 0"
exits 0 "its own int3, not passed on"

# ---- its own debug registers do not reach the hypervisor ----

at=$(nm "$build/schedop-hypervisor.debug" | awk '$3 == "exit_handle" { print $1 }')
"$schedop" run "$kernel" -- do=arm "at=0x$at" >"$out" 2>"$err" </dev/null
status=$?
exits 0 "a breakpoint at an address of the hypervisor's"
put "armed: as written"

# ---- a domain of a host ----

cat >"$tmp/d.cfg" <<C
name = "d"
type = "pvh"
vcpus = 2
memory = 16
kernel = "$kernel"
cmdline = "do=spin"
C

count_of() { # the last number gdb printed
    sed -n 's/^\$[0-9]* = //p' "$log" | tail -1
}

ended() { ! timeout 100 "$schedop" domid d >/dev/null 2>&1; }

# `schedop gdb d` with gdb's arguments
attach() {
    timeout 200 "$schedop" gdb d -- -nx -batch -ex "set width 0" "$@" \
        >"$log" 2>&1 </dev/null
}

do_ host start --memory 192
exits 0 "host start"
do_ create "$tmp/d.cfg"
exits 0 "create"
counting() { attach -ex "print count[1] > 0" && [ "$(count_of)" = 1 ]; }
wait_for counting
result $? "it is debugged while it runs" "$(cat "$log")"
attach -ex "info threads" -ex "print count[0]"
has "Thread 1 (vCPU 0)"
has "Thread 2 (vCPU 1)"
before=$(count_of)
attach -ex "print count[0]"
[ "$(count_of)" -gt "$before" ]
result $? "in between it runs" "$before $(count_of)"
attach -ex "break spin" -ex "set scheduler-locking on" -ex stepi -ex stepi \
    -ex 'print count[0]'
before=$(count_of)
lacks "Error"

# One at a time; a second one is told.
"$schedop" gdb --server="$tmp/one" d >"$tmp/one.out" 2>&1 </dev/null &
one=$!
wait_for test -S "$tmp/one"
cat >"$tmp/hang" <<G
set width 0
target remote $tmp/one
break kit_printf
shell touch $tmp/attached
continue
G
gdb -nx -batch -x "$tmp/hang" "$kernel" >"$tmp/hang.log" 2>&1 </dev/null &
hang=$!
wait_for test -e "$tmp/attached"
attach -ex "print 1"
has "it is being debugged already"
do_ save d "$tmp/d.save"
says "it is being debugged"
# Whoever serves may die: no breakpoint is left, and the domain goes on.
kill -9 "$one"
wait "$one" 2>/dev/null
wait "$hang" 2>/dev/null
free() { attach -ex "print 7" -ex "print count[0]" && ! grep -q already "$log"; }
wait_for free
result $? "the server was killed: the domain goes on" "$(cat "$log")"
attach -ex "x/1xb &kit_printf" -ex "set var stop=1"
lacks "0xcc"
wait_for ended
result $? "it ended by itself"

# It is destroyed under the debugger, which is told.
do_ create "$tmp/d.cfg"
exits 0 "create again"
rm -f "$tmp/attached"
attach -ex "shell touch $tmp/attached" -ex continue &
wait_for test -e "$tmp/attached"
do_ destroy d
exits 0 "destroy"
wait $!
has "Program terminated with signal SIGKILL"
do_ host stop
exits 0 "host stop"
plan
