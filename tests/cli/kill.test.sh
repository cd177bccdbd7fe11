#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Somebody is killed (kill -9) at a random moment, again and again: a verb in
# its work, a console's reader, the host's process, its QEMU. Nothing hangs, a
# file that is there is whole, the next verb says what happened, and nobody
# leaves anything behind. usage: kill.test.sh BUILDDIR [ROUNDS [SEED]]
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/hosts.sh
. tests/cli/hosts.sh
rounds=${2:-14}
RANDOM=${3:-1}
dir=$tmp/run/schedop/default

ended() { ! kill -0 "$1" 2>/dev/null; }
qemu_pid() { pgrep -P "$(sed -n 1p "$dir/lock")" 2>/dev/null; }

cat >"$tmp/k.cfg" <<C
name = "k"
type = "pvh"
memory = 16
kernel = "$build/guests/keeper.elf"
C

ready() { # a host with a keeper that runs, whatever was before
    "$schedop" list >/dev/null 2>&1 ||
        timeout 120 "$schedop" host start --memory 192 --pcpus 1 \
            >/dev/null 2>&1 || return 1
    timeout 60 "$schedop" domid k >/dev/null 2>&1 ||
        timeout 60 "$schedop" create -q "$tmp/k.cfg" || return 1
    timeout 60 "$schedop" unpause k 2>/dev/null
}

verbs=(
    "save k $tmp/file"
    "save -c k $tmp/file"
    "restore $tmp/good"
    "create -q $tmp/k.cfg name=\"z\""
    "console k"
    "shutdown -w k"
    "reboot -w k"
    "watch"
    "list -l"
    "vcpu-list"
    "top -b -i 3 -d 1"
)

ready || echo "# no host could be started"
do_ save -c k "$tmp/good"
exits 0 "a domain is saved"
before=$(find /dev/shm | wc -l)

hung='' bad='' silent='' left='' orphan=''
for ((round = 0; round < rounds; round++)); do
    ready || {
        bad+=" round $round: no host"
        break
    }
    verb=${verbs[RANDOM % ${#verbs[@]}]}
    who=$((RANDOM % 4))
    pid=$(sed -n 1p "$dir/lock")
    qemu=$(qemu_pid)
    [ "${verb%% *}" != restore ] || "$schedop" destroy k 2>/dev/null
    # shellcheck disable=SC2086 # words
    timeout -k 5 120 "$schedop" $verb >"$tmp/verb.out" 2>"$tmp/verb.err" \
        </dev/null &
    job=$!
    sleep "$(printf '0.%03d' $((RANDOM % 250)))"
    case $who in
    0 | 1) # the verb itself
        pkill -9 -P $job 2>/dev/null
        ;;
    2) kill -9 "$pid" ;;
    3) kill -9 "$qemu" ;;
    esac
    case $verb in # those that wait for ever, as they should
    console* | watch* | shutdown* | reboot*)
        [ $who -ge 2 ] || { sleep 0.1 && pkill -9 -P $job 2>/dev/null; }
        ;;
    esac
    wait $job 2>/dev/null
    [ $? -lt 124 ] || [ $who -lt 2 ] || hung+=" $verb ($who)"
    if [ $who -ge 2 ]; then
        wait_for ended "$pid" || orphan+=" daemon $pid"
        wait_for ended "$qemu" || orphan+=" qemu $qemu"
    fi
    do_ list
    [ "$status" -lt 124 ] || hung+=" list after $verb ($who)"
    if [ $who -ge 2 ]; then
        grep -qE 'ended because QEMU|died without a word' \
            "$err" || silent+=" $verb ($who): $(cat "$err")"
    else
        [ "$status" -eq 0 ] || bad+=" $verb ($who): $(cat "$err")"
    fi
    # A file that is there is whole.
    if [ -e "$tmp/file" ]; then
        ready && "$schedop" destroy k 2>/dev/null
        do_ restore -p "$tmp/file"
        [ "$status" -eq 0 ] || bad+=" file of $verb ($who): $(cat "$err")"
        rm -f "$tmp/file"
    fi
    more=$(find "$tmp" -maxdepth 1 -name 'file?*')
    [ -z "$more" ] || left+=" $more"
    "$schedop" destroy z 2>/dev/null
done
[ $round -eq "$rounds" ]
result $? "$rounds rounds"
[ -z "$hung" ]
result $? "nothing hangs" "$hung"
[ -z "$bad" ]
result $? "what is left works, files are whole" "$bad"
[ -z "$silent" ]
result $? "the next verb says what happened" "$silent"
[ -z "$left" ]
result $? "no file is left half-written" "$left"
[ -z "$orphan" ]
result $? "host and QEMU end with each other" "$orphan"

# What a restore had built is taken down when it is killed.
ready || echo "# no host could be started"
free() { "$schedop" info | awk '/^free_memory/ { print $3 }'; }
do_ destroy k
was=$(free)
for ms in 010 030 060 090 130 180; do
    "$schedop" restore "$tmp/good" >/dev/null 2>&1 &
    job=$!
    sleep 0.$ms
    kill -9 $job 2>/dev/null
    wait $job 2>/dev/null
    "$schedop" destroy k 2>/dev/null
done
same() { [ -n "$was" ] && [ "$(free)" = "$was" ]; }
wait_for same
result $? "killed restores leave no memory taken" "$was, then $(free)"
do_ debug-keys c
exits 0 "the core's invariants hold"
do_ host stop
exits 0 "host stop"
[ "$(find /dev/shm | wc -l)" -le "$before" ]
result $? "no memory file is left" "$(ls /dev/shm)"
[ ! -e "$dir/control" ]
result $? "no socket is left"
plan
