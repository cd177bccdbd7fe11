#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The command line with the real QEMU and hypervisor.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
unset SCHEDOP_QEMU
export SCHEDOP_HYPERVISOR=$build/schedop-hypervisor.elf

# Guests of this build, whatever directory it is in.
for cfg in guests/*.cfg; do
    sed "s|\.\./build/|$build/|" "$cfg" >"$tmp/${cfg##*/}"
done
cd "$tmp" || exit 1
tour=(--pcpus 2 --timeout 200 --expect watchdog=watchdog --expect latch=crash
    warden.cfg ping.cfg pong.cfg workers.cfg watchdog.cfg latch.cfg
    checkpoint.cfg victim.cfg)

run --timeout 60 hello.cfg
exits 0 "one domain"
says "1  hello  poweroff"
grep -q '^hello from a PVH guest' "$out"
result $? "its console is here"

run --seed 7 "${tour[@]}"
exits 0 "the tour, seeded"
cat "$out" "$err" >first
run --seed 7 "${tour[@]}"
exits 0 "the tour again"
cat "$out" "$err" | cmp -s - first
result $? "both printed the same bytes" "$(cat "$out" "$err" | diff - first)"
for word in yield block shutdown poll remote_shutdown shutdown_code watchdog \
    pin_override; do
    says " $word "
done

# Ends by force: the hypervisor answers `stop` with a full table.
printf 'name="sleeper"\nkernel="%s"\n' "$build/guests/victim.elf" >s.cfg
run --timeout 3 s.cfg
exits 8 "a domain that sleeps for ever"
says "1  sleeper  killed"
"$schedop" run s.cfg >"$out" 2>"$err" </dev/null &
pid=$!
for _ in $(seq 400); do
    grep -q asleep "$out" && break
    sleep 0.1
done
kill -TERM $pid
wait $pid
status=$?
exits 143 "SIGTERM"
says "1  sleeper  killed"

grub=/usr/lib/grub-xen/grub-i386-xen_pvh.bin
typed() { # text wanted-status name options
    if [ ! -e "$grub" ]; then
        cases=$((cases + 1))
        echo "ok $cases - $3 # SKIP no $grub (package grub-xen-host)"
        return
    fi
    printf '%b' "$1" |
        "$schedop" run --timeout 60 "${@:4}" "$grub" >"$out" 2>"$err"
    status=$?
    exits "$2" "$3"
}
typed 'halt\n' 0 "GRUB takes halt"
typed 'reboot\n' 0 "GRUB takes reboot" --expect grub-i386-xen_pvh=reboot
gzip -c "$grub" >grub.bin.gz 2>/dev/null && grub=$tmp/grub.bin.gz
typed 'halt\n' 0 "GRUB, compressed"

plan
