#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A script for PVH guests as people have them for Xen: creates guests, waits
# for them, reads xl's tables with awk, pins, weighs, moves, pauses, saves,
# restores, reboots and stops them. Nothing in it knows on what it runs, but
# that KERNEL is guests/keeper. usage: script.sh KERNEL DIRECTORY
kernel=$1
dir=$2
fail() { echo "FAILED: $*"; }
state() { xl list "$1" 2>/dev/null | awk 'NR == 2 { print $5 }'; }
field() { xl list "$1" 2>/dev/null | awk -v n="$2" 'NR == 2 { print $n }'; }
try() { # NAME COMMAND...: up to a minute
    what=$1
    shift
    i=0
    while [ $i -lt 300 ]; do
        "$@" && return 0
        sleep 0.2
        i=$((i + 1))
    done
    fail "$what"
}
asleep() { case $(state "$1") in *b*) ;; *) false ;; esac; }
stopped() { case $(state "$1") in ---s*) ;; *) false ;; esac; }
gone() { ! xl domid "$1" >/dev/null 2>&1; }
newer() { id=$(xl domid "$1" 2>/dev/null) && [ "$id" -gt "$2" ]; }

cat >"$dir/web.cfg" <<C
# a web server of two vCPUs
name   = "web"
type   = 'pvh'
vcpus  = 2
memory = 64
kernel = "$kernel"
extra  = "quiet root=none"
on_poweroff = 'destroy'
on_reboot   = 'restart'
on_crash    = 'preserve'
C
sed -e 's/"web"/"db"/' -e 's/vcpus  = 2/vcpus = 1/' "$dir/web.cfg" >"$dir/db.cfg"

echo "== create"
xl create "$dir/web.cfg" >/dev/null || fail "create web"
xl create -p -q "$dir/db.cfg" 'memory = 48' 'on_poweroff = "preserve"' ||
    fail "create db"
first=$(xl domid web)
xl domname "$first"
xl list | awk 'NR == 1 { print $1, $2, $3, $4, $5 }
    $1 == "web" || $1 == "db" { print $1, $3, $4 }'
echo "db is $(state db)"
xl unpause db || fail unpause
try "web sleeps" asleep web
try "db sleeps" asleep db
xl create -q "$dir/web.cfg" 2>/dev/null
echo "again: status $?"

echo "== vCPUs"
xl vcpu-list web | awk 'NR == 1 { print $3, $4, $5 } NR > 1 { print $1, $3 }'
xl vcpu-pin web all 0 || fail vcpu-pin
xl vcpu-list web | awk 'NR > 1 { print $7, $8, $9 }'
xl vcpu-pin web all all || fail vcpu-pin
xl vcpu-set web 1
echo "vcpu-set: status $?"
xl vcpu-set web 99 2>/dev/null
echo "vcpu-set 99: status $?"

echo "== scheduling"
xl sched-credit2 -d web -w 512 -c 50 || fail sched-credit2
xl sched-credit2 -d web | awk '{ print $1, $3, $4 }'
xl sched-credit2 -d web -w 0 2>/dev/null
echo "weight 0: status $?"
xl cpupool-cpu-remove Pool-0 1 || fail cpupool-cpu-remove
xl cpupool-create 'name="side"' 'sched="credit2"' 'cpus=["1"]'
xl cpupool-migrate web side || fail cpupool-migrate
xl cpupool-list | awk '$1 == "side" { print $1, $2, $3, $4, $5 }'
xl list -c | awk '$1 == "web" { print $1, $NF }'
xl cpupool-migrate web Pool-0 || fail cpupool-migrate
xl cpupool-cpu-remove side 1 || fail cpupool-cpu-remove
xl cpupool-destroy side || fail cpupool-destroy
xl cpupool-cpu-add Pool-0 1 || fail cpupool-cpu-add
xl cpupool-list -c

echo "== pause"
xl pause web || fail pause
case $(state web) in *p*) echo paused ;; *) fail "state $(state web)" ;; esac
xl unpause web || fail unpause
xl rename web www || fail rename
[ "$(xl domid www)" = "$first" ] || fail "id of www"
xl rename www web || fail rename

echo "== save and restore"
xl save web "$dir/web.save" 2>/dev/null || fail save
gone web || fail "web is there after save"
xl restore "$dir/web.save" 2>/dev/null || fail restore
newer web "$first" || fail "id after restore"
xl restore "$dir/web.save" >/dev/null 2>&1
echo "restore beside it: status $?"
xl restore "$dir/none" >/dev/null 2>&1
echo "restore of nothing: status $?"
try "web sleeps" asleep web

echo "== reboot"
second=$(xl domid web)
xl reboot web 2>/dev/null || fail reboot
try "web is back" newer web "$second"
try "web sleeps" asleep web

# xl's process for a domain ends at a checkpoint: one that nobody will restart.
echo "== checkpoint"
xl save -c db "$dir/db.save" 2>/dev/null || fail "save -c"
gone db && fail "db is gone after save -c"
try "db sleeps" asleep db

echo "== stop"
xl shutdown -w db 2>&1 | sed 's/[0-9][0-9]*/N/'
try "db is stopped" stopped db
echo "db is $(state db)"
xl list -v db | awk 'NR == 2 { print "reason", $8 }'
xl destroy db || fail destroy
try "db is gone" gone db
xl shutdown -w web >/dev/null 2>&1 || fail shutdown
try "web is gone" gone web
xl list web
echo "list: status $?"
xl destroy web
echo "destroy: status $?"
xl frobnicate
echo "no verb: status $?"
xl pause
echo "no domain: status $?"
