#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The host side in the hypervisor: what comes through the link and goes out
# by it, domains that end in every way, and text on COM1 where there is no
# link. Guests are a dozen instructions each.
set -u
# shellcheck source=tests/boot/lib.sh disable=SC1091
. tests/boot/lib.sh

echo "1..41"

for g in spins yields off reboots resets odd talks quiet broken echoes reads; do
    gcc -m32 -c "-D$g" tests/boot/host-guests.S -o "$work/$g.o" &&
        ld -m elf_i386 --no-warn-rwx-segments -T tests/boot/host-guests.lds \
            "$work/$g.o" -o "$work/$g.elf" || exit 1
done

# -------------------------------------------------------------------- runs

# modules "NAME KEYS" ...: the -initrd argument for these guests
modules() {
    local all='' m
    for m in "$@"; do
        all+=${all:+,}"$work/${m%% *}.elf name=$m"
    done
    printf '%s' "$all"
}

# A machine that ends by itself closes the pipe its script writes to.
trap '' PIPE

# run MODULES [SCRIPT]: boots with the link; SCRIPT is run with the link's
# input as its output and may wait for lines of the link by `await`.
run() {
    local pid
    rm -f "$work/in" "$work/link"
    mkfifo "$work/in"
    : >"$work/link"
    timeout "${LIMIT:-40}" qemu-system-x86_64 -M q35 -cpu EPYC,+svm,+npt \
        -accel tcg,thread=single \
        -m 256 -smp "${CPUS:-2}" -nodefaults -display none -no-reboot \
        -serial "file:$work/com1" -serial stdio \
        -device isa-debug-exit,iobase=0x501 -kernel "$elf" \
        -append "qemu-exit=0x501 link=com2 $LINE" -initrd "$1" \
        <"$work/in" >"$work/link" 2>"$work/qemu" &
    pid=$!
    exec 9>"$work/in"
    [ $# -lt 2 ] || $2 >&9 2>>"$work/qemu"
    wait $pid
    # shellcheck disable=SC2034 # read by check
    status=$?
    exec 9>&-
    cp "$work/link" "$work/com1" # what check shows
}
LINE=

await() { # PATTERN
    local i
    for ((i = 0; i < 300; i++)); do
        grep -q -- "$1" "$work/link" && return
        sleep 0.05
    done
    echo "waited for $1 in vain" >>"$work/qemu"
}

links() { grep -q -- "$1" "$work/link"; }
counts() { [ "$(grep -c -- "$2" "$work/link")" -eq "$1" ]; }
last() { [ "$(tail -n 1 "$work/link")" = "$1" ]; }
first() { head -n 1 "$work/link" | grep -q -- "$1"; }
# The text of all `con` lines of a domain, unescaped
console() {
    sed -n "s/^con $1 //p" "$work/link" | tr -d '\n' | sed 's/\\n/\n/g'
}
before() { # PATTERN PATTERN: the first one's last line comes before
    local a b
    a=$(grep -n -- "$1" "$work/link" | tail -n 1 | cut -d: -f1)
    b=$(grep -n -- "$2" "$work/link" | head -n 1 | cut -d: -f1)
    [ -n "$a" ] && [ -n "$b" ] && [ "$a" -lt "$b" ]
}

run "$(modules 'off memory=16' 'odd bogus=1')"
check "the first line says who speaks" first '^schedop-link 1 '
check "a module that makes no sense is reported" links '^fail odd bogus=1'
check "the machine is described" links '^boot pcpus=2 memory_kib=[0-9]* hypervi'
check "a domain is created and started" before '^create 1 off$' '^start 1 [0-9]'
check "its end has code, action and numbers" links \
    '^end 1 off 0 destroy run_ns=[0-9]* cpu_ns=[0-9]* yield=0 block=0 shutdown=1'
check "the last line is exit" last 'exit 0'

run "$(modules 'talks memory=16' 'quiet memory=16')"
all_talked() { [ "$(console 1 | grep -cx 'line of text')" -eq 400 ]; }
check "400 lines through a ring of 2 KiB: all, whole, in order" all_talked
said() { [ "$(console 2)" = word ]; }
check "last words in the ring come out" said
check "before the end is said" before '^con 2 ' '^end 2 quiet'

run "$(modules 'broken memory=16')"
check "a broken ring is said once" counts 1 'log warning broken: console ring'
check "and works again when it was repaired" links '^con 1 line of text'

echo_script() {
    await '^start 1'
    printf 'con 1 a b\\\\c\\x21\n'
    printf 'con 9 nobody\ncon 1 \\q\nnonsense\ncon\n'
    printf 'con 1 .\n'
}
run "$(modules 'echoes memory=16')" echo_script
echoed() { [ "$(console 1)" = 'a b\\c!.' ]; }
check "what is typed arrives, unescaped" echoed
check "input for nobody is reported" links 'log warning input for domain 9'
check "lines that make no sense are reported" counts 2 'line that makes no'

shutdown_script() {
    await '^start 1'
    printf 'shutdown 5 0\nshutdown 1 3\n'
}
run "$(modules 'spins memory=16 on_crash=destroy')" shutdown_script
check "shutdown ends a domain that does not listen" links '^end 1 spins 3 destr'
check "commands for nobody are reported" links 'there is no domain 5'

destroy_script() {
    await '^start 2'
    printf 'destroy 1\n'
    await '^end 1 '
    printf 'shutdown 2 0\n'
}
run "$(modules 'spins memory=16' 'yields memory=16')" destroy_script
check "destroy kills one domain" links '^end 1 spins 255 killed'
check "and not the other" links '^end 2 yields 0 destroy'

stop_script() {
    await '^start 2'
    printf 'stop\n'
}
run "$(modules 'spins memory=16' 'yields memory=16')" stop_script
check "stop kills all" counts 2 '^end [12] [a-z]* 255 killed'
check "and ends the machine" last 'exit 0'

# The memory allows one domain at a time, so each life returns all it took.
LIMIT=60 run "$(modules 'reboots memory=96')"
check "a domain that only reboots is restarted 20 times" counts 20 \
    '^end [0-9]* reboots 1 restart'
check "each time under a new id" links '^create 21 reboots'
check "then given up, with a reason" before 'log warning reboots: .*too often' \
    '^end 21 reboots 1 destroy'

rename_script() {
    await '^end 2'
    sleep 0.2
    printf 'stop\n'
}
run "$(modules 'reboots memory=8 on_reboot=rename-restart')" rename_script
check "rename-restart keeps the old one and starts anew" \
    before '^end 1 reboots 1 rename-restart' '^create 2 reboots'

run "$(modules 'resets memory=8' 'odd memory=8 on_crash=preserve')"
check "soft reset destroys, and says so" \
    before 'log warning resets: soft reset is not supp' '^end 1 resets 5 destroy'
check "an unknown reason destroys, and says so" \
    before 'log warning odd: unknown shutdown' '^end 2 odd 77 destroy'

run "$(modules 'off memory=8 on_poweroff=preserve')"
check "a preserved domain does not keep the machine" last 'exit 0'

run "$(modules 'off memory=8 hardware=1' 'spins memory=8')"
check "the hardware domain's end ends the others" \
    before '^end 0 off 0 destroy' '^end 1 spins 255 killed'

read_script() {
    await '^start 0'
    printf 'con 0 machine\n'
    printf 'con 0 .\n'
}
run "$(modules 'reads memory=8 hardware=1')" read_script
read_back() { [ "$(console 0)" = 'machine.' ]; }
check "the hardware domain reads the machine's console" read_back
check "and its code ends the machine" last 'exit 0'

# ------------------------------------------------------------ under a debugger

ask() { # TAG WORDS...: and waits for the answer
    printf 'ask %s\n' "$*"
    await "^did $1 "
}

debug_script() {
    await '^create 1'
    ask 1 debug-go 1 1 0
    ask 2 debug-attach 9
    ask 3 debug-attach 1
    await '^stopped 1'
    ask 4 debug-attach 1
    ask 5 debug-break 1 0xfffffffffffff000 1
    ask 6 debug-break 1 0x100000 0
    ask 7 debug-map 1 0xffffffffffffffff
    ask 8 debug-write 1 0 4097
    ask 9 debug-go 1 1
    ask 10 debug-map 1 0x100123
    ask 11 unpause 1
    ask 12 debug-go 1 0xffffffffffffffff 0xfffffffffffffffe
    await '^start 1'
    ask 13 debug-go 1 1 0
    ask 14 debug-stop 1
    await '^stopped 1.*'
    ask 15 debug-detach 1
    ask 16 debug-stop 1
    ask 17 debug-attach 1
    ask 18 destroy 1
    printf 'stop\n'
}
LINE="debug=spins"
run "$(modules 'spins memory=16')" debug_script
LINE=
did() { # ERROR TAG...: all were answered so
    local error=$1 tag
    shift
    for tag in "$@"; do
        links "^did $tag $error " || return 1
    done
}
check "what is not debugged cannot be let go" did 22 1 16
check "nor what is not there be debugged" did 3 2
check "one debugger at a time, and only while it is stopped" did 16 4 13
check "it can be attached to, let go, stopped, left, and again" \
    did 0 3 11 12 14 15 17
check "a breakpoint where no memory is" did 14 5 7
check "or that there is not" did 2 6
check "arguments that make no sense" did 22 8 9
check "memory is where it is" links '^did 10 0 pa=0x[0-9a-f]*123 bytes=[1-9]'
check "it can be destroyed while it is debugged" links '^end 1 spins 255 killed'

# ------------------------------------------------------------- without a link

CPU=EPYC,+svm,+npt CPUS=2 boot "loglvl=info" \
    -initrd "$(modules 'talks memory=8')"
text_talked() { [ "$(grep -c '^\[talks\] line of text$' "$work/com1")" -eq 400 ]; }
check "no link: each line on COM1 says whose it is" text_talked
check "and ends are told in words" says '[talks] ended: code 0 (poweroff), destroy'
