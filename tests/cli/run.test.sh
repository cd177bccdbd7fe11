#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `schedop run` makes of a run: statuses, messages, table, expectations.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh

# ---- one domain ----

FAKE_QEMU="$hello
> create 1 guest
> start 1 1000
> con 1 hello\\\\ \\x41\\x00\\x1b[2J\\r\\nwor
> con 1 ld
> end 1 guest 0 destroy run_ns=1234567890 cpu_ns=5000000 yield=3 poll=1
> exit 0"
run "$guest"
exits 0 "power-off"
prints "bytes of a single domain pass as they are" \
    'hello\\ A\0000\033[2J\r\nworld\n'
says "ID  Name   Reason      Run time   vCPU time  Commands"
says "1  guest  poweroff     1.234 s     0.005 s  yield 3, poll 1"

run -q "$guest"
exits 0 "quiet"
[ ! -s "$err" ]
result $? "quiet prints no table"

run --json "$guest"
exits 0 "JSON"
cat >"$tmp/want" <<'END'
{
  "version": "VERSION",
  "status": 0,
  "timed_out": false,
  "boot": {
    "pcpus": 2,
    "memory_kib": 1000,
    "hypervisor_kib": 100,
    "boot_ns": 12345
  },
  "domains": [
    {
      "id": 1,
      "name": "guest",
      "reason": "poweroff",
      "code": 0,
      "expected": "poweroff",
      "start_ns": 1000,
      "run_ns": 1234567890,
      "cpu_ns": 5000000,
      "commands": {
        "yield": 3,
        "block": 0,
        "shutdown": 0,
        "poll": 1,
        "remote_shutdown": 0,
        "shutdown_code": 0,
        "watchdog": 0,
        "pin_override": 0
      },
      "ends": [
        {
          "reason": "poweroff",
          "code": 0,
          "action": "destroy"
        }
      ]
    }
  ]
}
END
sed -i 's/"version": ".*"/"version": "VERSION"/' "$out"
cmp -s "$tmp/want" "$out"
result $? "the table as JSON is alone on stdout" "$(diff "$tmp/want" "$out")"
says "world"

# ---- reasons and expectations ----

one 1 destroy
run "$guest"
exits 1 "a reboot that nobody expected"
says "guest: ended with reboot, expected poweroff"
run --expect guest=reboot "$guest"
exits 0 "an expected reboot"
args_have "on_reboot=destroy"
run --expect guest=1 "$guest"
exits 0 "an expected reason by number"

one 3 destroy
run "$guest"
exits 6 "a crash"
run --expect guest=crash "$guest"
exits 0 "an expected crash"
args_lack "on_crash"
run --expect guest=watchdog "$guest"
exits 6 "a crash instead of a watchdog"
says "guest: ended with crash, expected watchdog"

one 4 preserve
run "$guest"
exits 7 "a watchdog"
run --expect guest=watchdog "$guest"
exits 0 "an expected watchdog"

one 0 destroy
run --expect guest=watchdog "$guest"
exits 1 "a watchdog that does not fire"
says "guest: ended with poweroff, expected watchdog"

one 77 destroy
run "$guest"
exits 1 "a reason without a name"
says "guest: ended with reason 77, expected poweroff"
run --expect guest=77 "$guest"
exits 0 "an expected reason without a name"

one 255 killed
run "$guest"
exits 1 "a domain that the end of the machine killed"
run --expect guest=killed "$guest"
exits 0 "one that was expected to be"
one 255 destroy
run --expect guest=killed "$guest"
exits 1 "reason 255 is not the same"

run --expect gast=crash "$guest"
exits 2 "an expectation for nobody"
says "there is no domain gast; there is: guest"

# ---- a domain that goes on ----

FAKE_QEMU="$hello
> create 1 guest
> start 1 1000
> end 1 guest 2 resume run_ns=1 cpu_ns=1
> end 1 guest 2 resume run_ns=2 cpu_ns=1
> end 1 guest 0 destroy run_ns=3000000 cpu_ns=1 shutdown=3
> exit 0"
run "$guest"
exits 0 "checkpoints before the end"
says "suspend x2, poweroff"

FAKE_QEMU="$hello
> create 1 guest
> start 1 1000
repeat 20 end 1 guest 2 resume run_ns=1 cpu_ns=1
> end 1 guest 0 destroy run_ns=3000000 cpu_ns=1 shutdown=21
> exit 0"
run "$guest"
exits 0 "more checkpoints than are remembered"
says "13 earlier, suspend x7, poweroff"

FAKE_QEMU="$hello
> create 1 guest
> start 1 1000
> exit 0"
run "$guest"
says "1  guest  killed           -           -  -"

FAKE_QEMU="$hello
$(life 1 guest 1 restart)
$(life 2 guest 0 destroy)
> exit 0"
run "$guest"
exits 0 "a restart before the end"
[ "$(grep -c ' guest ' "$err")" -eq 2 ]
result $? "each life has its row"

FAKE_QEMU="$hello
$(life 1 guest 3 restart)
$(life 2 guest 0 destroy)
> exit 0"
run "$guest"
exits 6 "a crash counts though a restart followed"
says "guest: ended with poweroff, but only after a crash"
run --expect guest=poweroff "$guest"
exits 0 "unless it is the last end that was asked for"

FAKE_QEMU="$hello
$(life 1 guest 1 restart)
$(life 2 guest 1 restart)
$(life 3 guest 1 restart)
> create 4 guest
< destroy 4
> start 4 7
> end 4 guest 255 killed run_ns=0 cpu_ns=0
> exit 0"
run --max-restarts 2 "$guest"
exits 1 "restarts for ever"
says "guest: restarted more than 2 times: destroyed"
silent_about "fake QEMU"

FAKE_QEMU="$hello
$(life 1 guest 3 restart)
$(life 2 guest 3 restart)
> create 3 guest
< destroy 3
> end 3 guest 255 killed run_ns=0 cpu_ns=0
> exit 0"
run --max-restarts 1 "$guest"
exits 6 "crashes for ever"

FAKE_QEMU="$hello
> create 1 guest
> end 1 guest 5 soft-reset run_ns=1 cpu_ns=1
> end 1 guest 5 soft-reset run_ns=1 cpu_ns=1
< destroy 1
> exit 0"
run --max-restarts 1 "$guest"
exits 1 "soft resets for ever"
silent_about "fake QEMU"

# ---- precedence ----

printf 'kernel="%s"\n' "$guest" >"$tmp/a.cfg"
cp "$tmp/a.cfg" "$tmp/b.cfg"
FAKE_QEMU="$hello
$(life 1 a 4 destroy)
$(life 2 b 3 destroy)
> exit 0"
run "$tmp/a.cfg" "$tmp/b.cfg"
exits 6 "a crash goes before a watchdog"
FAKE_QEMU="$hello
$(life 1 a 4 destroy)
$(life 2 b 1 destroy)
> exit 0"
run "$tmp/a.cfg" "$tmp/b.cfg"
exits 7 "a watchdog goes before an unexpected reason"
FAKE_QEMU="$hello
> fail a no memory left; do memory = 16
$(life 2 b 3 destroy)
> exit 0"
run "$tmp/a.cfg" "$tmp/b.cfg"
exits 1 "a domain that could not be built goes before a crash"
says "a: no memory left; do memory = 16"

# ---- crashes, logs ----

FAKE_QEMU="$hello
> log warning strange \\x1b[31mthing
> log info detail
> log error bad thing
> create 1 guest
> crash 1 triple fault at rip 0x1234
> end 1 guest 3 destroy run_ns=1 cpu_ns=1
> exit 0"
run "$guest"
exits 6 "a crash with a cause"
says "guest: crashed: triple fault at rip 0x1234"
says 'warning: hypervisor: strange \x1b[31mthing'
says "hypervisor: bad thing"
silent_about "detail"
run -v "$guest"
says "hypervisor: detail"
says "hypervisor: up after 0.000 s: 2 pCPUs"
args_have "loglvl=info"
run --expect guest=crash "$guest"
silent_about "triple fault"

# ---- XTF ----

xtf() { # text status name
    FAKE_QEMU="$hello
> create 1 guest
> start 1 1
$1
> end 1 guest 0 destroy run_ns=1 cpu_ns=1
> exit 0"
    run --xtf "$guest"
    exits "$2" "XTF: $3"
}
xtf '> con 1 Test result: SUCCESS\n' 0 success
xtf '> con 1 Test result: SKIP\r\n' 3 skip
xtf '> con 1 Test result: ERROR\n' 4 error
xtf '> con 1 Test result: FAILURE\n' 5 failure
xtf '> con 1 Test result: CRASH' 6 "crash, newline missing"
xtf '> con 1 --- Test ---\n' 6 "no result"
xtf '> con 1 Test result: FAILURE\n
> con 1 Test res
> con 1 ult: SUCCESS\n' 0 "the last line counts"
xtf '> con 1 my Test result: SUCCESS\nTest result: SUCCESSFUL\n' 6 \
    "near misses"

# ---- QEMU and the hypervisor fail ----

FAKE_QEMU="err no such CPU
1 early words
exit 3"
run "$guest"
exits 1 "QEMU ends at once"
says "QEMU ended unexpectedly, exit status 3, before the hypervisor was up"
says "qemu: no such CPU"
says "com1: early words"

FAKE_QEMU="$hello
> create 1 guest
> start 1 1
> con 1 half a li
1 words on COM1
kill SEGV"
run "$guest"
exits 1 "QEMU is killed"
says "QEMU was killed by signal 11"
says "com1: words on COM1"
prints "what was printed stays, the line is ended" 'half a li\n'

FAKE_QEMU="$hello
1 registers and so on
> panic heap is broken
hang"
run "$guest"
exits 1 "the hypervisor panics"
says "the hypervisor failed: heap is broken"
says "com1: registers and so on"

FAKE_QEMU="> schedop-link 9 7.0
hang"
run "$guest"
exits 1 "another version of the link"
says "speaks link version 9"

FAKE_QEMU="$hello
$(life 1 guest 0 destroy)
> exit 0
hang"
run "$guest"
exits 0 "QEMU hangs after the end"

SCHEDOP_QEMU=$tmp/none run "$guest"
exits 1 "no QEMU"
says "apt-get install qemu-system-x86"
SCHEDOP_HYPERVISOR=$tmp/none run "$guest"
exits 1 "no hypervisor"
says "SCHEDOP_HYPERVISOR: $tmp/none: No such file"
(
    unset SCHEDOP_HYPERVISOR
    exec "$schedop" run "$guest" >"$out" 2>"$err"
)
status=$?
exits 1 "no hypervisor beside the program"
says "build it with"

# ---- garbage ----

one 0 destroy
good=${FAKE_QEMU#"$hello"}
FAKE_QEMU="> create 7 early
raw \\000\\377\\033[2J binary \\001\\n
$hello
> end
> end x y z
> end 1 guest 256 destroy
> end 1 guest -1 destroy
> end 1 guest 0 explode
> end 1 guest 0 destroy run_ns=99999999999999999999
> con
> con 70000 x
> con 5 nobody
> create 1 bad/name
> create 3
> boot pcpus
> start 99 1
> crash 12 text
> novel thing of a later version
> schedop-link
big 1023
big 1024
big 100000
raw con 1 not ended by a newline but by \\000 bytes\\n
$good"
run "$guest"
exits 0 "garbage on the link"
[ "$(grep -cE '^ +[0-9]+ ' "$err")" -eq 1 ]
result $? "garbage makes no row"
run -v "$guest"
says "lines on the link were no link lines, 2 too long"

FAKE_QEMU="$hello
> create 1 guest
> start 1 1
repeat 20000 con 1 0123456789012345678901234567890123456789\\n
> end 1 guest 0 destroy run_ns=1 cpu_ns=1
> exit 0"
run "$guest"
exits 0 "a domain that prints a lot"
[ "$(wc -l <"$out")" -eq 20000 ]
result $? "nothing it prints is lost"

plan
