#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Domains to files and back, with the real QEMU and hypervisor: the domain of
# main.c is saved in all ways, restored in the same host and in another, and
# says itself whether it is what it was. Files that are damaged or cut short
# are refused; whoever is killed half-way leaves nothing behind.
# usage: tests/save/run.sh BUILDDIR
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/hosts.sh
. tests/cli/hosts.sh

fails() { # verb and its words
    do_ "$@"
    [ "$status" -ne 0 ]
    result $? "$1 fails"
}

nothing() { # PATTERN in the directory of the files
    ! compgen -G "$tmp/$1" >/dev/null
    result $? "there is no $1" "$(ls "$tmp")"
}

# A domain that is there, or is not, by its name
there() { "$schedop" domid "$@" >/dev/null 2>&1; }
gone() { ! there "$@"; }
log() { cat "$tmp/logs/guest-$1.log" 2>/dev/null; }
steady() { # NAME RESULT COUNT: so many rounds had this result
    [ "$(log "$1" | grep -c "^steady [0-9]* $2")" -ge "$3" ]
}

cat >"$tmp/s.cfg" <<C
name = "s"
type = "pvh"
vcpus = 2
memory = 33
kernel = "$build/tests/save.elf"
on_suspend = "checkpoint"
C
sed 's/"s"/"k"/; s/vcpus = 2/vcpus = 1/; s/33/16/' "$tmp/s.cfg" |
    sed "s|tests/save.elf|guests/keeper.elf|" >"$tmp/k.cfg"

do_ host start --memory 256 --log-dir "$tmp/logs"
exits 0 "host start"
do_ create "$tmp/s.cfg"
exits 0 "create"
wait_for steady s 1 1
result $? "it suspends itself and goes on with result 1" "$(log s)"

# ---- a checkpoint ----

do_ save -c s "$tmp/one"
exits 0 "save -c"
says "Saving to $tmp/one"
n=$(log s | grep -c '^steady')
wait_for steady s 1 $((n + 2))
result $? "after a checkpoint all is in place" "$(log s)"
[ "$(stat -c %s "$tmp/one")" -lt 8000000 ]
result $? "pages of zeros take no room" "$(stat -c %s "$tmp/one")"
do_ domid s
prints "it is still domain 1" '1\n'

# ---- gone, and back ----

do_ restore "$tmp/one"
exits 1 "restore beside the original"
says 'Domain with name "s" already exists.'
do_ sched-credit2 -d s -w 512 -c 70
exits 0 "knobs are set"
do_ save s "$tmp/two"
exits 0 "save"
wait_for gone s
result $? "a saved domain is gone"
do_ restore "$tmp/two"
exits 0 "restore"
wait_for steady s 0 1
result $? "its suspend gives 0, memory and registers are as they were" \
    "$(log s)"
n=$(log s | grep -c '^steady [0-9]* 1')
wait_for steady s 1 $((n + 2))
result $? "it can suspend again" "$(log s)"
do_ domid s
prints "it has a new id" '2\n'
do_ list -l s
grep -q '"kernel":.*save.elf' "$out"
result $? "its configuration came along"
do_ sched-credit2 -d s
grep -q '2 *512 *70$' "$out"
result $? "and its knobs as they were set" "$(cat "$out")"
do_ save -p s "$tmp/three"
exits 0 "save -p"
do_ list s
grep -q -- '--p---' "$out"
result $? "save -p leaves it paused"
do_ unpause s
n=$(log s | grep -c '^steady')
wait_for steady s 1 $((n + 2))
result $? "until it is unpaused" "$(log s)"

# ---- another host ----

do_ host start --host other --memory 192 --log-dir "$tmp/logs"
exits 0 "another host"
rm -f "$tmp/logs/guest-s.log"
do_ restore --host other -p "$tmp/one"
exits 0 "restore -p in another host"
do_ list --host other s
grep -q -- '--p---' "$out"
result $? "it is paused"
do_ unpause --host other s
wait_for steady s 0 1
result $? "it goes on there" "$(log s)"
do_ debug-keys --host other c
exits 0 "the core's invariants hold"
do_ destroy --host other s
wait_for gone --host other s
free() {
    "$schedop" info --host other | awk '/^free_memory/ { print $3 }'
}
before=$(free)
for _ in 1 2 3; do
    "$schedop" restore --host other -p "$tmp/one" 2>/dev/null &&
        "$schedop" destroy --host other s && wait_for gone --host other s
done
[ "$(free)" = "$before" ]
result $? "restoring and destroying takes no memory" "$before, then $(free)"
do_ host stop --host other

# ---- a domain that is asked ----

do_ create "$tmp/k.cfg"
exits 0 "create keeper"
wait_for grep -q 'keeper waits' "$tmp/logs/guest-k.log"
do_ save k "$tmp/k"
exits 0 "save asks through xenstore"
do_ restore "$tmp/k"
exits 0 "restore it"
wait_for grep -q 'suspend gave 0' "$tmp/logs/guest-k.log"
result $? "it finds its console again" "$(log k)"
do_ shutdown -w k
exits 0 "and its xenstore: it shuts down when told"

# ---- what does not work ----

do_ destroy s
wait_for gone s
size=$(stat -c %s "$tmp/one")
for cut in 5 15 20 $((size / 3)) $((size - 30)) $((size - 1)); do
    head -c "$cut" "$tmp/one" >"$tmp/bad"
    do_ restore "$tmp/bad"
    [ "$status" -eq 1 ] &&
        grep -q "bad: is cut short\|bad: is not the file of a saved" "$err"
    result $? "cut short at byte $cut: refused"
done
for at in 3 13 17 21 100 $((size / 2)) $((size - 5)); do
    cp "$tmp/one" "$tmp/bad"
    byte=$(od -An -tu1 -j "$at" -N 1 "$tmp/bad")
    printf '%b' "\\x$(printf %x $((byte ^ 64)))" |
        dd of="$tmp/bad" bs=1 seek="$at" conv=notrunc 2>/dev/null
    do_ restore "$tmp/bad"
    [ "$status" -eq 1 ] &&
        grep -q "bad: is damaged\|bad: is not the file\|bad: is of version" \
            "$err"
    result $? "byte $at damaged: refused"
done
printf 'x' | cat "$tmp/one" - >"$tmp/bad"
fails restore "$tmp/bad"
says 'is damaged'
fails restore "$tmp/none"
says "none: cannot be opened: No such file or directory"
fails restore /dev/null
says 'must be a regular file'
gone s
result $? "nothing was built of them"

do_ create "$tmp/s.cfg" 'vcpus=1'
wait_for gone s # it crashes: there is no second vCPU
do_ create -q "$tmp/k.cfg" 'name="deaf"' "kernel=\"$build/guests/hello.elf\"" \
    'on_poweroff="preserve"'
ended() { "$schedop" list deaf | grep -q -- '---s--'; }
wait_for ended
fails save deaf "$tmp/deaf"
says 'it has shut down, and not to be suspended'
nothing 'deaf*'
fails save nosuch "$tmp/deaf"
do_ create -p "$tmp/k.cfg" 'name="p"'
fails save --patience 0 p "$tmp/p"
says "guest didn't acknowledge suspend"
says 'Failed to save domain, resuming domain'
nothing 'p*'
fails save p "$tmp/no/such/place"
do_ unpause p

# Somebody is killed half-way.
do_ create "$tmp/s.cfg"
wait_for steady s 1 1
do_ pause s
"$schedop" save s "$tmp/killed" >/dev/null 2>&1 &
pid=$!
writes() { # the file has no name yet
    [ -n "$(find "/proc/$1/fd" -lname "$tmp/*" 2>/dev/null)" ]
}
wait_for writes $pid
kill -9 $pid
wait $pid 2>/dev/null
do_ unpause s
n=$(log s | grep -c '^steady')
wait_for steady s 1 $((n + 2))
result $? "a save that is killed leaves the domain running" "$(log s)"
[ ! -e "$tmp/killed" ]
result $? "and no file that looks whole"
nothing 'killed*'
fails save s /dev/null
says 'is not a regular file'
# No room, as far as the file system says so.
(
    trap '' XFSZ
    ulimit -f 100
    exec "$schedop" save s "$tmp/full"
) >"$out" 2>"$err" </dev/null
status=$?
exits 1 "a file that may not grow"
says "full: cannot be written: File too large"
nothing 'full*'
n=$(log s | grep -c '^steady')
wait_for steady s 1 $((n + 2))
result $? "the domain goes on" "$(log s)"
do_ save s "$tmp/again"
exits 0 "another save works"
do_ dmesg
! grep -qi 'panic\|invariant' "$out"
result $? "the host is well"
do_ host stop
exits 0 "host stop"
plan
