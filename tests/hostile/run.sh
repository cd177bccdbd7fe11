#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Hostile guests beside a sentinel: however wrong they behave, each ends as it
# should, the sentinel finds nothing amiss, and the hypervisor ends the run by
# itself. usage: tests/hostile/run.sh BUILDDIR
#
# The deadly deeds each have a domain of their own with the reason it ends for.
# What the odd instructions should end in is asked of real Xen too.
# HOSTILE_COUNT is the number of random hypercalls of each fuzzing domain.
set -u
build=${1:?usage: tests/hostile/run.sh BUILDDIR}
guest=$build/tests/hostile.elf
xen=$build/xen/xen.elf
dir=$build/hostile
count=${HOSTILE_COUNT:-20000}
mkdir -p "$dir"
n=0

ok() {
    n=$((n + 1))
    echo "ok $n - $*"
}

not_ok() {
    n=$((n + 1))
    echo "not ok $n - $*"
}

# ---- one run: domain NAME REASON MIB WORDS adds a domain to it ----

names=() args=() configs=()

domain() {
    local name=$1 reason=$2 memory=$3 words=$4
    cat >"$dir/$name.cfg" <<END
name = "$name"
kernel = "$(realpath "$guest")"
memory = $memory
vcpus = 2
extra = "$words"
on_reboot = "destroy"
on_soft_reset = "destroy"
END
    names+=("$name:$reason")
    args+=(--expect "$name=$reason")
    configs+=("$dir/$name.cfg")
}

# Boots what was added. Its table at the end says how each domain ended.
boot() { # title options...
    local title=$1 status pair name want got
    local log=$dir/${title// /-}.log
    shift
    timeout 100 "$build/schedop" run --timeout 90 "$@" "${args[@]}" \
        "${configs[@]}" </dev/null >"$log" 2>&1
    status=$?
    for pair in "${names[@]}"; do
        name=${pair%:*} want=${pair#*:}
        got=$(awk -v n="$name" '$1 ~ /^[0-9]+$/ && $2 == n { r = $3 }
            END { print r }' "$log")
        if [ "$got" = "$want" ]; then
            ok "$title: $name ends with $want"
        else
            not_ok "$title: $name ends with ${got:-no reason}, not $want"
            grep -aE "^$name *\| .*(COMPLAINT|panic|trap)" "$log" |
                sed 's/^/# /' | tail -n 20
        fi
    done
    if [ $status -eq 0 ]; then
        ok "$title: the run succeeds"
    else
        not_ok "$title: the run ends with status $status"
        grep -av '| la la' "$log" | tail -n 20 | sed 's/^/# /'
    fi
    names=() args=() configs=()
}

sentinel() { # seconds
    domain sentinel poweroff 32 "role=sentinel seconds=$1"
}

sentinel 2
domain calls1 poweroff 16 "role=calls seed=1 count=$count"
domain calls2 poweroff 16 "role=calls seed=2 count=$count"
domain sweep poweroff 16 "role=sweep seed=1"
domain insns poweroff 16 "role=insns"
domain vandal poweroff 16 "role=vandal seed=1"
domain flipper poweroff 16 "role=flipper"
boot "bad input" --pcpus 2 --seed 1

sentinel 1
domain many_frames poweroff 40 "role=deed deed=many_frames"
while read -r name reason; do
    domain "$name" "$reason" 8 "role=deed deed=$name"
done <<END
triple_fault reboot
no_stack crash
stack_in_hole crash
tables_in_hole crash
tables_beyond crash
idt_in_hole crash
bad_cr0 crash
bad_cr3 crash
halt_for_good poweroff
last_vcpu_down poweroff
reason_200 200
soft_reset soft_reset
watchdog_now watchdog
wild_vcpu crash
no_code crash
shared_info_on_stack crash
frame_at_two_places poweroff
upcall_on_exception crash
abuse_apic poweroff
init_self watchdog
END
boot "deadly deeds" --pcpus 2 --seed 1

sentinel 2
for name in hog flood chatter interrupt_storm; do
    domain "$name" watchdog 8 "role=deed deed=$name"
done
boot "endless deeds" --pcpus 2 --seed 1

# Once more with real clocks and more pCPUs, where locks matter.
sentinel 4
for i in 3 4 5; do
    domain "calls$i" poweroff 16 "role=calls seed=$i count=$count"
done
domain sweep poweroff 16 "role=sweep seed=2"
domain flood watchdog 8 "role=deed deed=flood"
boot "in parallel" --pcpus 4

# ---- what real Xen thinks of the odd instructions ----

ask_xen() {
    local log=$dir/xen.log pid end=$((SECONDS + 60))
    : >"$log"
    timeout 60 qemu-system-x86_64 -M q35 -accel tcg,thread=single \
        -device amd-iommu -m 512 \
        -cpu qemu64,+svm,+npt -smp 2 -display none -serial stdio -vga none \
        -nic none -no-reboot -kernel "$xen" -initrd "$guest role=insns" \
        -append "console=com1 loglvl=warning dom0=pvh dom0_mem=128M" \
        </dev/null >"$log" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ]; do
        grep -q 'Hardware [Dd]om.*[a-z.]' "$log" && break
        sleep 0.2
    done
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    tr -d '\r' <"$log" | grep -qx 'insns: 0 complaints'
}

if ! why=$(tools/fetch-xen.sh "$xen" 2>&1); then
    n=$((n + 1))
    echo "ok $n - odd instructions on real Xen # SKIP no real Xen:" \
        "$(echo "$why" | tail -n 1)"
elif ask_xen; then
    ok "real Xen agrees about odd instructions"
else
    not_ok "real Xen agrees about odd instructions"
    tail -n 20 "$dir/xen.log" | tr -d '\r' | sed 's/^/# /'
fi
echo "1..$n"
