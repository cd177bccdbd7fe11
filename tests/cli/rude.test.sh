#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A host among clients that behave badly (rude.c), with a domain that is to
# live through it; stale sockets and locks; two hosts that know nothing of each
# other. The host's process is built with the address sanitizer.
# usage: rude.test.sh BUILDDIR [SECONDS [SEED]]
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/hosts.sh
. tests/cli/hosts.sh
dir=$tmp/run/schedop/default
cat >"$tmp/k.cfg" <<C
name = "k"
type = "pvh"
memory = 16
kernel = "$build/guests/keeper.elf"
C

do_ host start --memory 256 --pcpus 1
exits 0 "host start"
do_ create -q "$tmp/k.cfg"
exits 0 "create"
pid=$(sed -n 1p "$dir/lock")
files() { find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l; }
free() { "$schedop" info | awk '/^free_memory/ { print $3 }'; }
before=$(files) was=$(free)
timeout 300 "$build/cli-tests/rude" "$dir/control" "${2:-3}" "${3:-1}" \
    >"$out" 2>"$err"
status=$?
exits 0 "an honest client is served among rude ones: $(cat "$out")"
do_ list k
exits 0 "the domain lives"
do_ pause k
do_ unpause k
exits 0 "and is in nobody's hands"
for _ in $(seq 200); do
    [ "$(files)" -gt "$before" ] || [ "$(free)" != "$was" ] || break
    sleep 0.05
done
[ "$(files)" -le "$before" ]
result $? "no descriptor is left open" "$before before, $(files) after"
[ -n "$was" ] && [ "$(free)" = "$was" ]
result $? "no memory is left taken" "$was before, $(free) after"
! grep -qE 'ERROR: |runtime error|Sanitizer' "$dir/log"
result $? "no sanitizer complains" "$(tail -n 20 "$dir/log")"
do_ debug-keys c
exits 0 "the core's invariants hold"
do_ shutdown -w k
exits 0 "the domain obeys"

# ---- more clients than are served ----

{ # the shell would tell of each that is killed
clients=()
for _ in $(seq 80); do
    "$schedop" watch >/dev/null 2>&1 &
    clients+=($!)
done
sleep 0.5
kill -9 "${clients[@]}"
wait "${clients[@]}"
} 2>/dev/null
do_ list
exits 0 "after 80 of them the host serves the next"

# ---- two hosts ----

for h in one two; do
    "$schedop" host start --host "$h" --memory 192 --pcpus 1 \
        2>"$tmp/$h.err" &
done
wait
do_ create -q --host one "$tmp/k.cfg"
do_ create -q --host two "$tmp/k.cfg"
do_ destroy --host one k
do_ list --host two k
exits 0 "two hosts started at once do not collide"
for _ in 1 2 3; do
    "$schedop" host start --host three --memory 192 --pcpus 1 2>/dev/null &
done
wait
do_ host status --host three
exits 0 "of three that start the same host one does"
do_ host stop --host three
exits 0 "and ends"
! "$schedop" list --host three >/dev/null 2>&1
result $? "with nobody behind it"

# ---- what the dead leave ----

do_ host stop --host one
old=$tmp/run/schedop/stale
mkdir -m 700 "$old"
echo 999999 >"$old/lock" # no such process, and no lock
touch "$old/control"
do_ list --host stale
exits 1 "a file instead of a socket"
do_ host start --host stale --memory 192 --pcpus 1
exits 0 "a stale lock and socket do not keep a host from starting"
do_ list --host stale
exits 0 "it is served"
do_ host start --host two
exits 1 "a second start of the same host is refused"
says "the host 'two' runs already"
plan
