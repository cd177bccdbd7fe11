#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A host in the background and the verbs of xl, with the real QEMU and
# hypervisor.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
unset SCHEDOP_QEMU SCHEDOP_HOST
export SCHEDOP_HYPERVISOR=$build/schedop-hypervisor.elf
export XDG_RUNTIME_DIR=$tmp/run
mkdir "$tmp/run"
end() {
    for h in "$tmp"/run/schedop/*; do
        "$schedop" host stop --host "${h##*/}" >/dev/null 2>&1
    done
    rm -rf "$tmp"
}
trap end EXIT
dir=$tmp/run/schedop/default

do_() { # verb and its words
    "$schedop" "$@" >"$out" 2>"$err" </dev/null
    status=$?
}

shows() { # pattern on stdout
    grep -qE -e "$1" "$out"
    result $? "shows: $1" "no such line on stdout"
}

wait_for() { # command...: until it succeeds, for a while
    for _ in $(seq 600); do
        "$@" && return 0
        sleep 0.05
    done
    return 1
}

cat >"$tmp/g.cfg" <<C
name = "g"
type = "pvh"
vcpus = 2
memory = 32
kernel = "$build/guests/keeper.elf"
C

# ---- no host ----

do_ list
exits 1 "list without a host"
says "no host 'default' runs; start one with \`schedop host start\`"
do_ list --host other
says 'schedop host start --host other'
do_ host status
exits 1 "status without a host"
do_ host stop --host a/b
exits 1 "a name that is none"
says 'is no name for a host'

# ---- start ----

do_ host start --memory 384 --log-dir "$tmp/logs"
exits 0 "host start"
[ "$(stat -c %a "$dir")" = 700 ] && [ "$(stat -c %a "$dir/control")" = 600 ]
result $? "nobody else may enter"
do_ dmesg
shows '^\(XEN\) 2 pCPUs, [0-9]+ KiB of RAM'
do_ host start
exits 1 "host start again"
says "the host 'default' runs already"
do_ host status
exits 0 "host status"
shows '^domains   : 0$'

# ---- a domain's life ----

do_ create -p "$tmp/g.cfg"
exits 0 "create -p"
do_ list
shows '^g +1 +32 +1 +--p--- +0\.0$'
do_ create "$tmp/g.cfg"
exits 3 "create: the name is taken"
says 'Domain with name "g" already exists.'
do_ unpause g
exits 0 "unpause"
do_ create -q "$tmp/g.cfg" 'name="h"' vcpus=1
exits 0 "create with settings"
wait_for grep -q 'keeper waits' "$tmp/logs/guest-h.log"
result $? "its console is logged"
do_ list nosuch
exits 1 "list: no such domain"
says 'nosuch is an invalid domain identifier (rc=-6)'
do_ list -l h
[ "$(jq -r '.[0].domid, .[0].config.b_info.max_vcpus' "$out" 2>/dev/null ||
    python3 -c 'import json,sys
d = json.load(open(sys.argv[1]))[0]
print(d["domid"]); print(d["config"]["b_info"]["max_vcpus"])' "$out")" = \
    $'2\n1' ]
result $? "list -l is JSON with the configuration"
do_ vcpu-list g
shows '^g +1 +0 +[01] +.[rb-]- +[0-9.]+  all / all$'
shows '^g +1 +1 +- +--p +0\.0  all / all$'
do_ vcpu-pin g all 1 0-1
exits 0 "vcpu-pin"
do_ vcpu-list g
shows '^g +1 +0 +[01] +.[rb-]- +[0-9.]+  1 / all$'
do_ vcpu-pin g 0 7
exits 1 "vcpu-pin: no such pCPU"
says 'vcpu hard affinity map is empty'
do_ vcpu-pin g 0
exits 2 "vcpu-pin: too few words"
do_ vcpu-set h 3 -i
exits 1 "vcpu-set beyond its maximum"
do_ rename h i
exits 0 "rename"
do_ domid i
prints "domid" '2\n'
do_ domname 2
prints "domname" 'i\n'
do_ rename i g
exits 1 "rename: taken"
says "Can't rename domain 'i'."

# ---- cpupools and knobs ----

do_ sched-credit2 -d i -w 512
exits 0 "sched-credit2 -w"
do_ sched-credit2 -d i
shows '^i +2 +512 +0$'
do_ sched-credit2 -d i -c 900
exits 1 "a cap out of range"
says 'Cpu cap out of range, valid range is from 0 to 100'
do_ cpupool-cpu-remove Pool-0 1
exits 0 "cpupool-cpu-remove"
do_ cpupool-create 'name="f"' 'sched="arinc653"' 'cpus=["1"]' \
    'windows=["i 4000", "idle 1000"]' 'major_frame=6000'
exits 0 "cpupool-create with windows"
do_ sched-arinc653
shows '^Cpupool f: major frame=6000us$'
shows '^i +0 +4000$'
do_ sched-arinc653 -p f -w i:2500 -w i.1:500
exits 0 "sched-arinc653 -w"
do_ sched-arinc653 -p f
shows '^Cpupool f: major frame=3000us$'
shows '^i +1 +500$'
do_ sched-arinc653 -p f -m 1000 -w i:2500
exits 1 "windows that do not fit"
says 'the windows do not fit into the major frame'
do_ sched-arinc653 -p Pool-0
exits 1 "windows of another scheduler"
says 'this pool has credit2: see sched-credit2'
do_ cpupool-destroy f
exits 0 "cpupool-destroy"
do_ cpupool-create 'name="p"' 'sched="rtds"' 'cpus=["1"]'
exits 0 "cpupool-create"
shows '^number of cpus: 1$'
do_ cpupool-migrate i p
exits 0 "cpupool-migrate"
do_ cpupool-list
shows '^Pool-0 +1 +credit2 +y +1$'
shows '^p +1 +rtds +y +1$'
do_ sched-rtds -d i -v 0 -p 20000 -b 3000 -e 1
exits 0 "sched-rtds"
do_ sched-rtds -d i -v all
shows '^i +2 +0 +20000 +3000 +yes$'
do_ sched-credit2 -d i -w 512
exits 1 "a knob of another scheduler"
says "the domain's pool has rtds: see sched-rtds"
do_ sched-credit2 -d i
exits 1 "sched-credit2 of a domain under rtds"
says 'The knobs of rtds are those of sched-rtds.'
do_ cpupool-destroy p
exits 1 "cpupool-destroy: it has a domain"
do_ list -c
shows '^i .* p$'
do_ create -q "$tmp/g.cfg" 'name="k"' 'pool="nosuch"'
exits 6 "create: no such cpupool"

# ---- console ----

echo hello | "$schedop" console i >"$tmp/console" 2>"$err" &
reader=$!
wait_for grep -q 'heard hello' "$tmp/console"
result $? "what is typed reaches the domain"
kill $reader
wait $reader 2>/dev/null
grep -q '^keeper waits' "$tmp/console"
result $? "a console shows what was printed before it was attached"
# Two readers at a time, one of which dies.
mkfifo "$tmp/in"
"$schedop" console i <"$tmp/in" >"$tmp/one" 2>&1 &
one=$!
exec 9>"$tmp/in"
"$schedop" console i <"$tmp/in" >"$tmp/two" 2>&1 &
two=$!
wait_for grep -q 'heard hello' "$tmp/two"
kill -9 $one
wait $one 2>/dev/null
echo again >&9
wait_for grep -q 'heard again' "$tmp/two"
result $? "a console goes on when another's reader is killed"
do_ destroy i
exits 0 "destroy"
wait $two
result $? "a console ends with its domain"
exec 9>&-

# ---- graceful ends ----

"$schedop" watch >"$tmp/events" 2>"$err" &
watch=$!
listens() { # it is connected, and has said what it wants
    [ -n "$(find "/proc/$watch/fd" -lname 'socket:*' 2>/dev/null)" ] &&
        grep -q '^State:.*sleeping' "/proc/$watch/status"
}
wait_for listens
sleep 0.2
do_ create -q "$tmp/g.cfg" 'name="j"' 'on_poweroff="preserve"'
wait_for grep -q '"event":"start","domid":3' "$tmp/events"
result $? "watch tells of starts" "$(cat "$tmp/events")"
do_ shutdown -w j
exits 0 "shutdown -w"
says 'Domain 3 has been shut down, reason code 0'
do_ list -v j
shows '^j +3 +32 +1 +---s-- .* 0 +-$'
do_ reboot g
exits 0 "reboot"
wait_for grep -q '"event":"create","domid":4,"name":"g"' "$tmp/events"
result $? "a restart has a new id" "$(cat "$tmp/events")"
grep -q '"event":"end","domid":1,"name":"g","code":1,"reason":"reboot","action":"restart"' "$tmp/events"
result $? "watch tells why it ended" "$(cat "$tmp/events")"
do_ pause g
do_ shutdown --patience 0 g
exits 1 "a domain that does not look"
says "guest didn't acknowledge control request"
do_ trigger g reset
exits 0 "trigger reset: as on Xen"
says "Send trigger 'reset' failed"
do_ debug-keys q
exits 0 "debug-keys"
do_ dmesg
shows '^\(XEN\) domain 4 g: '
do_ info
shows '^nr_cpus +: 2$'
do_ top -b -i 1
shows '^ +g +--.-p- '

# ---- the end ----

do_ host stop
exits 0 "host stop"
wait $watch
result $? "watch ends with the host"
tail -n 1 "$tmp/events" | grep -q '"event":"host-end"'
result $? "and says so" "$(cat "$tmp/events")"
do_ list
exits 1 "list after the end"
says 'the last one ended because it was told to stop'

# ---- violence ----

do_ host start --memory 256
pid=$(sed -n 1p "$dir/lock")
"$schedop" watch >"$tmp/events" 2>"$tmp/watch.err" &
watch=$!
do_ host status
pkill -9 -P "$pid" # QEMU
wait $watch
grep -q 'QEMU was killed by signal 9' "$tmp/events" "$tmp/watch.err"
result $? "those who watch learn that QEMU was killed"
wait_for test ! -e "$dir/control"
do_ list
says 'the last one ended because QEMU was killed by signal 9'
do_ host start --memory 256
exits 0 "a new one starts"
pid=$(sed -n 1p "$dir/lock")
kill -9 "$pid"
wait_for test ! -e "/proc/$pid"
do_ list
says 'died without a word'
do_ create "$tmp/g.cfg"
exits 0 "create starts a host where one died"
says "started the host 'default'"
do_ create --host two -q "$tmp/g.cfg"
do_ list --host two
shows '^g +1 '
do_ list
shows '^g +1 '

mkdir "$tmp/bin"
ln -s "$schedop" "$tmp/bin/xl"
# A script as people have them for Xen, word for word.
cat >"$tmp/job.sh" <<'C'
set -e
cat > g.cfg <<G
name="job"
type="pvh"
vcpus=1
memory=64
kernel="$1"
on_poweroff="preserve"
on_reboot="preserve"
on_crash="preserve"
on_watchdog="preserve"
G
xl create -q g.cfg
xl shutdown $(xl domid job)
i=0; while [ $i -lt 250 ]; do case $(xl list job | awk 'NR==2{print $5}') in *s*|*c*) break;; esac; sleep 0.2; i=$((i+1)); done
xl list job | awk 'NR==2{print $1, $5}'
xl destroy job
xl list job 2>&1 || echo "status $?"
C
(cd "$tmp" && PATH=$tmp/bin:$PATH sh job.sh "$build/guests/keeper.elf") \
    >"$out" 2>"$err" </dev/null
status=$?
exits 0 "a script for xl"
prints "what it prints" \
    'job ---s--\njob is an invalid domain identifier (rc=-6)\nstatus 1\n'

# ---- bash ----

"$schedop" --completion >"$tmp/completion"
bash -c '. "$1" && COMP_WORDS=(schedop vcpu-) COMP_CWORD=1 && _schedop &&
    echo "${COMPREPLY[*]}"' - "$tmp/completion" >"$out"
prints "completion of verbs" 'vcpu-list vcpu-pin vcpu-set\n'
bash -c '. "$1" && COMP_WORDS=("$2" pause g) COMP_CWORD=2 && _schedop &&
    echo "${COMPREPLY[*]}"' - "$tmp/completion" "$schedop" >"$out"
prints "completion of domains" 'g\n'

# ---- as xl ----

ln -s "$schedop" "$tmp/xl"
"$tmp/xl" -v list >"$out" 2>"$err"
status=$?
exits 0 "xl list"
"$tmp/xl" migrate g other >"$out" 2>"$err"
status=$?
exits 1 "xl migrate"
says 'xl migrate is not supported by schedop'
"$tmp/xl" frob >"$out" 2>"$err"
status=$?
exits 1 "xl frob"
[ "$(cat "$err")" = 'command not implemented' ]
result $? "as xl says it"

plan
