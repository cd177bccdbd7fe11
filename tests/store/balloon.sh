#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# mem-set and mem-max: a guest with a balloon gives memory back and takes it
# again, within what it may have; sizes and refusals as xl 4.17 has them.
# usage: tests/store/balloon.sh BUILDDIR
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/hosts.sh
. tests/cli/hosts.sh

cat >"$tmp/k.cfg" <<C
name = "k"
type = "pvh"
memory = 64
kernel = "$build/guests/keeper.elf"
C
memory() { # MIB: what the list shows, but for the frame of shared info
    "$schedop" list k 2>/dev/null | awk -v want="$1" \
        'NR == 2 { found = $3 == want || $3 == want - 1 } END { exit !found }'
}
becomes() { # SIZE MIB
    do_ mem-set k "$1"
    exits 0 "mem-set $1"
    wait_for memory "$2"
    result $? "the domain has $2 MiB" "$("$schedop" list)"
}
refused() { # VERB SIZE MESSAGE
    do_ "$1" k "$2"
    exits 1 "$1 $2"
    grep -qF "$3" "$err"
    result $? "it says why" "$(cat "$err")"
}

do_ host start --memory 256 --log-dir "$tmp/logs"
exits 0 "host start"
do_ create "$tmp/k.cfg"
exits 0 "create"
wait_for grep -qs "keeper waits" "$tmp/logs/guest-k.log"
memory 64
result $? "it starts with all" "$("$schedop" list)"
becomes 32 32
becomes 64m 64
becomes 49152k 48
becomes 41943040b 40
refused mem-set 65 "cannot set domid 1 dynamic max memory to : 65"
refused mem-set 1g "cannot set domid 1 dynamic max memory to : 1g"
refused mem-set 10x "invalid memory size: 10x"
refused mem-set 1mm "invalid memory size: 1mm"
refused mem-set 0.5g "invalid memory size: 0.5g"
refused mem-set "" "invalid memory size: "
refused mem-set 99999999999999999999 "invalid memory size"
refused mem-max 39 "cannot set domid 1 static max memory to : 39"
memory 40
result $? "nothing of that changed it" "$("$schedop" list)"
do_ mem-max k 56
exits 0 "mem-max"
refused mem-set 57 "cannot set domid 1 dynamic max memory to : 57"
becomes 56 56
becomes 40 40
do_ list -l k
grep -q '"target_memkb": 40960' "$out" && grep -q '"max_memkb": 57344' "$out"
result $? "list -l shows both" "$(cat "$out")"

# ---- and over a save ----

do_ save k "$tmp/k.save"
exits 0 "save"
gone() { ! "$schedop" domid k >/dev/null 2>&1; }
wait_for gone
do_ restore "$tmp/k.save"
exits 0 "restore"
memory 40
result $? "it has what it had" "$("$schedop" list)"
refused mem-set 57 "dynamic max memory to : 57"
becomes 56 56
becomes 20 20

do_ mem-set k
exits 2 "mem-set without a size"
do_ mem-set nobody 10
exits 1 "mem-set of nobody"
grep -qF "nobody is an invalid domain identifier (rc=-6)" "$err"
result $? "it says so" "$(cat "$err")"
do_ destroy k
exits 0 "destroy"

# ---- maxmem ----

do_ create "$tmp/k.cfg" name='"m"' memory=32 maxmem=64
exits 0 "create with maxmem"
m_has() {
    "$schedop" list m | awk -v want="$1" \
        'NR == 2 { found = $3 == want || $3 == want - 1 } END { exit !found }'
}
wait_for m_has 32
result $? "it goes down to memory" "$("$schedop" list)"
do_ mem-set m 64
wait_for m_has 64
result $? "mem-set gives it maxmem" "$("$schedop" list)"
do_ mem-set m 65
exits 1 "and no more"
plan
