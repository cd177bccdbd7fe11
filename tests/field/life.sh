#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The life of Debian's Linux in a host: it boots to its shell, is saved and
# goes on, in place and in another host, with its processes, their registers
# and its vCPUs; it is given vCPUs and relieved of them, paused, asked to
# reboot and to shut down by its init. On one vCPU and on four.
# usage: tests/field/life.sh BUILDDIR
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/hosts.sh
. tests/cli/hosts.sh
linux=$(realpath -m "$build/linux")
if ! why=$(tools/fetch-linux.sh "$linux"); then
    echo "1..0 # SKIP no Linux: $why"
    exit 0
fi
trap '' PIPE # a console that ended
# shellcheck disable=SC2034 # of wait_for; a slow machine boots slowly
patience=200

# ---- an initramfs with an init that obeys ----

if ! gcc -O2 -static -mavx -o "$tmp/avx" tests/field/avx.c ||
    ! tools/linux-initrd.sh "$linux" "$tmp/initrd" "$tmp/avx"; then
    echo "Bail out! no initramfs"
    exit 1
fi

cat >"$tmp/l.cfg" <<C
name = "l"
type = "pvh"
kernel = "$linux/vmlinuz"
ramdisk = "$tmp/initrd"
extra = "console=hvc0 quiet"
memory = 128
vcpus = 1
C

# ---- its shell ----

host=one
mkfifo "$tmp/in"
shell() { # opens a console of the domain, what is printed before left out
    : >"$tmp/log"
    "$schedop" console --host "$host" l <"$tmp/in" >"$tmp/log" 2>&1 &
    console=$!
    exec 9>"$tmp/in"
}
leave() {
    exec 9>&-
    kill "$console" 2>/dev/null
    wait "$console" 2>/dev/null
}
printed() { grep -aqE -e "$1" "$tmp/log"; }
# The shell's answer to a line; what was typed does not look like it.
answers() { # LINE PATTERN WHAT
    local i
    for i in 1 2 3; do # what is typed while it suspends may be lost
        echo "$1" >&9
        for _ in $(seq 300); do
            printed "$2" && break 2
            sleep 0.1
        done
    done
    printed "$2"
    result $? "$3" "$(tail -n 5 "$tmp/log")"
}
log() { cat "$tmp/logs-$host/guest-l.log" 2>/dev/null; }
booted() { [ "$(log | grep -ac "init: $1")" -ge "${2:-1}" ]; }
gone() { ! "$schedop" domid --host "$1" l >/dev/null 2>&1; }
state() { "$schedop" list --host "$host" l | awk 'NR == 2 { print $5 }'; }

life() { # VCPUS
    local n=$1 vm="with $1 vCPUs"
    host=one
    do_ create --host one -q "$tmp/l.cfg" "vcpus=$n"
    exits 0 "create $vm"
    wait_for booted "$n of $n"
    result $? "Linux boots" "$(log | tail -n 5)"
    booted "$n of $n" || { echo "Bail out! no Linux"; exit 1; }
    shell
    # shellcheck disable=SC2016 # the guest's shell expands these
    answers 'x=40; echo "is $((x + 2))"' 'is 42' "its shell answers"

    do_ save --host one -c l "$tmp/check"
    exits 0 "save -c"
    # shellcheck disable=SC2016
    answers 'echo "still $((x + 3))"' 'still 43' "it goes on in place"
    do_ pause --host one l
    case $(state) in
    *p*) true ;;
    *) false ;;
    esac
    result $? "it can be paused" "$(state)"
    do_ unpause --host one l
    # shellcheck disable=SC2016
    answers 'a=$(cat /run/avx); echo "on $((x + 4))"' 'on 44' "and go on"

    do_ save --host one l "$tmp/file"
    exits 0 "save"
    wait_for gone one
    result $? "it is gone"
    leave
    host=two
    do_ restore --host two "$tmp/file"
    exits 0 "restore in another host"
    shell
    # shellcheck disable=SC2016
    answers 'echo "here $((x + 5))"' 'here 45' "the same shell goes on there"
    # shellcheck disable=SC2016
    answers 'sleep 1; b=$(cat /run/avx); [ "$b" -gt "$a" ] && echo "w"ide' \
        'wide' "so do processes with wide registers"
    # shellcheck disable=SC2016
    answers 'echo "n=$(nproc)."' "n=$n\\." "all vCPUs work"
    do_ save --host two l "$tmp/again"
    exits 0 "save it again"
    do_ restore --host two "$tmp/again"
    exits 0 "restore it in the same host"
    leave
    shell
    # shellcheck disable=SC2016
    answers 'echo "and $((x + 6))"' 'and 46' "it goes on again"
    ! printed 'avx: '
    result $? "no register was damaged" "$(tail -n 5 "$tmp/log")"
}

# ---- on one vCPU: asked to reboot, to shut down ----

do_ host start --host one --pcpus 2 --memory 512 --log-dir "$tmp/logs-one"
exits 0 "a host"
do_ host start --host two --pcpus 2 --memory 512 --log-dir "$tmp/logs-two"
exits 0 "another"
life 1
leave
do_ sysrq --host two l h
wait_for grep -aq 'sysrq: HELP' "$tmp/logs-two/guest-l.log"
result $? "sysrq reaches it" "$(log | tail -n 3)"
do_ trigger --host two l nmi
exits 0 "trigger nmi"
wait_for grep -aq 'Dazed and confused\|NMI' "$tmp/logs-two/guest-l.log"
result $? "so does an NMI" "$(log | tail -n 3)"
do_ reboot --host two l
exits 0 "reboot"
wait_for booted '1 of 1'
result $? "its init takes it down, it boots anew" "$(log | tail -n 5)"
log | grep -aq 'init: going down'
result $? "gracefully" "$(log | tail -n 5)"
do_ shutdown --host two -w l
exits 0 "shutdown -w"
grep -qE 'Domain [0-9]+ has been shut down, reason code 0' "$out" "$err"
result $? "it powers off by itself" "$(cat "$out" "$err")"
[ "$(log | grep -ac 'init: going down')" -eq 2 ]
result $? "by its init" "$(log | tail -n 5)"

# ---- on four, which come and go ----

rm -f "$tmp"/logs-*/guest-l.log
do_ host stop --host one
do_ host stop --host two
for h in one two; do
    "$schedop" host start --host "$h" --pcpus 2 --memory 512 \
        --log-dir "$tmp/logs-$h"
done
life 4
# Linux takes a vCPU off line when it is told; on line it is taken by hand.
online() { # NUMBER
    "$schedop" vcpu-list --host two l |
        awk -v n="$1" 'NR > 1 && $5 != "--p" { m++ } END { exit m != n }'
}
do_ vcpu-set --host two l 1
exits 0 "vcpu-set"
wait_for online 1
result $? "it stops using vCPUs" "$("$schedop" vcpu-list --host two l)"
do_ vcpu-set --host two -i l 3
for i in 1 2; do
    f=/sys/devices/system/cpu/cpu$i/online
    answers "until echo 1 >$f; do sleep 1; done; echo 'up' $i" "up $i" \
        "vCPU $i comes back"
done 2>/dev/null
wait_for online 3
result $? "it uses three" "$("$schedop" vcpu-list --host two l)"
do_ save --host two l "$tmp/three"
do_ restore --host two "$tmp/three"
exits 0 "save and restore so"
leave
shell
# shellcheck disable=SC2016
answers 'echo "n=$(nproc)."' 'n=3\.' "three are what it has"
leave
do_ shutdown --host two -w l
exits 0 "shutdown -w"

# ---- fewer at first than there may be ----

do_ create --host two -q "$tmp/l.cfg" vcpus=2 maxvcpus=3
wait_for booted '2 of '
result $? "maxvcpus: it starts with two" "$(log | tail -n 3)"
do_ vcpu-set --host two -i l 4
exits 1 "vcpu-set beyond maxvcpus"

# ---- its balloon ----

megabytes() { # MIB: what it has, give or take what Linux calls no RAM
    "$schedop" list --host two l | awk -v want="$1" \
        'NR == 2 { found = $3 <= want && $3 >= want - 2 } END { exit !found }'
}
megabytes 128
result $? "it has its memory" "$("$schedop" list --host two)"
for mib in 100 128; do
    do_ mem-set --host two l $mib
    exits 0 "mem-set $mib"
    wait_for megabytes $mib
    result $? "its balloon follows" "$("$schedop" list --host two)"
done
do_ mem-set --host two l 129
exits 1 "mem-set beyond its memory"
do_ dmesg --host two
! grep -qi 'panic\|invariant' "$out"
result $? "the host is well"
do_ destroy --host two l
plan
