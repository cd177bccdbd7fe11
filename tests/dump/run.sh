#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Cores of domains, with the real QEMU and hypervisor, and what gdb makes of
# them: domains of `run` and of a host that end with a coredump action, and
# such that `dump-core` dumps while they live. The domain is tests/ending.
# usage: tests/dump/run.sh BUILDDIR
# shellcheck disable=SC2016
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/hosts.sh
. tests/cli/hosts.sh
if ! command -v gdb >/dev/null; then
    echo "1..0 # SKIP there is no gdb"
    exit 0
fi
kernel=$build/tests/ending.elf
log=$tmp/gdb.log
mkdir "$tmp/cores"

gdb_() { # CORE, then gdb's arguments: what it says is in the log
    local core=$1
    shift
    timeout 200 gdb -nx -batch -ex "set width 0" "$@" "$kernel" "$core" \
        >"$log" 2>&1 </dev/null
}

has() { # extended expression in what gdb printed
    grep -qE -e "$1" "$log"
    result $? "gdb: $1" "$(cat "$log")"
}

config() { # NAME "WORDS" [lines...]
    local name=$1 words=$2
    shift 2
    printf '%s\n' "name = \"$name\"" 'type = "pvh"' 'vcpus = 2' \
        'memory = 32' "kernel = \"$kernel\"" "cmdline = \"$words\"" \
        "$@" >"$tmp/$name.cfg"
}


# ---- run ----

config a 'state=crash vcpus=2' 'on_crash = "coredump-destroy"'
timeout 300 "$schedop" run --dump-dir "$tmp/cores" "$tmp/a.cfg" >"$out" \
    2>"$err" </dev/null
status=$?
exits 6 "a domain that crashes, with coredump-destroy"
says "a: dumping core to $tmp/cores/a"
[ "$(stat -c %a "$tmp/cores/a")" = 600 ]
result $? "its core is nobody else's"
[ "$(stat -c %s "$tmp/cores/a")" -gt $((32 << 20)) ] &&
    [ "$(stat -c %b "$tmp/cores/a")" -lt 4096 ]
result $? "all memory is in it, and zeros take no room" \
    "$(stat "$tmp/cores/a")"
# Where the image is mapped, its first page also is in physical memory.
gdb_ "$tmp/cores/a" -ex 'info threads' -ex 'p/x ender_mark' \
    -ex 'p ender_table' -ex bt -ex 'p/x $cs' -ex 'p $mxcsr' \
    -ex 'thread 2' -ex bt -ex 'p/x $rip == (long)&spin || spins > 0' \
    -ex 'p *(long *)(0x100000000000000 + (long)&ender_mark - 0xffffffff80000000) == ender_mark'
has '^\* 1 +LWP 1 '
has '^  2 +LWP 2 '
has '^\$1 = 0x1122334455667788$'
has '^\$2 = \{name = "ender\\000\\000", values = \{2, 3, 5, 7\}\}$'
has '^#0 .*kit_hypercall_page'
has '^#[0-9]+ .*kit_trap '
has '^\$3 = 0x8$'
has '^\$4 = \[ IM DM ZM OM UM PM \]$'
has '^#0 .* spin \('
has '^\$5 = 0x1$'
has '^\$6 = 1$'
! grep -q warning "$log"
result $? "gdb has nothing to warn of" "$(cat "$log")"

config b 'code=1 wait=1' 'on_reboot = "coredump-restart"'
timeout 300 "$schedop" run --max-restarts 2 --dump-dir "$tmp/cores" \
    "$tmp/b.cfg" >"$out" 2>"$err" </dev/null
[ "$(grep -c 'dumping core' "$err")" -ge 2 ] && [ -s "$tmp/cores/b" ]
result $? "coredump-restart, twice"

# Where no core can be the domain ends all the same.
timeout 300 "$schedop" run --dump-dir "$tmp/none" "$tmp/a.cfg" >"$out" \
    2>"$err" </dev/null
status=$?
exits 6 "no directory for the core"
says "$tmp/none/a: cannot be created: No such file or directory"
says 'a: core dump failed'

# ---- 32 bits ----

cp "$build/guests/keeper-32.elf" "$tmp/k.elf"
printf '%s\n' 'name = "k"' 'memory = 16' "kernel = \"$tmp/k.elf\"" \
    >"$tmp/k.cfg"

# ---- a host ----

there() { "$schedop" domid "$@" >/dev/null 2>&1; }
gone() { ! there "$@"; }

do_ host start --memory 256 --dump-dir "$tmp/cores"
exits 0 "host start"
"$schedop" watch >"$tmp/events" 2>/dev/null &
watcher=$!

config c 'state=spin'
do_ create -q "$tmp/c.cfg"
exits 0 "create"
do_ dump-core c "$tmp/live"
exits 0 "dump-core"
gdb_ "$tmp/live" -ex 'thread apply all bt 1' -ex 'p ender_table.values[3]'
has 'spin \('
has '^\$1 = 7$'
do_ dump-core c "$tmp/live2"
gdb_ "$tmp/live" -ex 'p spins'
one=$(sed -n 's/^\$1 = //p' "$log")
gdb_ "$tmp/live2" -ex 'p spins'
[ "$(sed -n 's/^\$1 = //p' "$log")" -gt "$one" ]
result $? "it went on between two cores" "$(cat "$log")"
do_ pause c
do_ dump-core c "$tmp/live"
exits 0 "dump-core of one that is paused"
do_ list c
grep -q '^c .* --p---' "$out"
result $? "it stays paused"
do_ dump-core c "$tmp/none/file"
exits 1 "dump-core to nowhere"
says "$tmp/none/file: cannot be created: No such file or directory"
says 'core dump failed (rc=-3)'
do_ dump-core none "$tmp/file"
exits 1 "dump-core of no domain"
says 'none is an invalid domain identifier (rc=-6)'
do_ dump-core c
exits 2 "dump-core without a file"
do_ create -q "$tmp/k.cfg"
sleep 0.2
do_ dump-core k "$tmp/k.core"
exits 0 "dump-core of a domain in 32-bit mode"
kernel=$tmp/k.elf
gdb_ "$tmp/k.core" -ex 'show architecture' -ex bt -ex 'x/1wx 0x100000'
has 'currently "i386"'
has '^#0 .* kit_'
kernel=$build/tests/ending.elf

config a 'state=crash vcpus=2' 'on_crash = "coredump-restart"'
rm "$tmp/cores/a"
do_ create -q "$tmp/a.cfg"
exits 0 "create one that crashes, with coredump-restart"
wait_for grep -q '"event": *"dump".*"name": *"a"' "$tmp/events"
result $? "watch tells of the core" "$(cat "$tmp/events")"
[ -s "$tmp/cores/a" ]
result $? "it is there"
do_ destroy a
wait_for gone a
result $? "the domain goes"
do_ list
kill "$watcher"
do_ host stop
exits 0 "host stop"
plan
