# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# Sourced by suite.sh: how the conformance guest is run in each environment.
# Each function leaves what was printed in $dir/ENV.log and the lines of facts
# in $dir/ENV.txt. All machines run under counted instructions, so that
# neither a busy host nor clocks that disagree between emulated processors can
# change what is seen.
#
# Needs: $build, $dir, $limit, $guest, $xen.

# Boots real Xen until its hardware domain ends, which does not always end the
# emulator. usage: boot_xen LOG MACHINE XEN-ARGS INITRD
boot_xen() {
    local log=$1 machine=$2 args=$3 initrd=$4 pid end iommu=""
    local count="-icount shift=1,sleep=off"
    # Endings are the same by any clock, and sooner there with a free one.
    case $log in *-end-*) count= ;; esac
    [ "$machine" = q35 ] && iommu="-device amd-iommu"
    : >"$log"
    # shellcheck disable=SC2086
    timeout -k 5 "$limit" qemu-system-x86_64 -M "$machine",accel=tcg \
        $iommu -m 512 -cpu qemu64,+svm,+npt -smp 2 $count -display none -serial stdio \
        -vga none -nic none -no-reboot -kernel "$xen" -initrd "$initrd" \
        -append "console=com1 loglvl=warning dom0_mem=128M \
dom0_max_vcpus=3 $args" </dev/null >"$log" 2>&1 &
    pid=$!
    end=$((SECONDS + limit))
    while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ]; do
        grep -q 'Hardware [Dd]om.*[a-z.]' "$log" && break
        sleep 0.2
    done
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
}

# usage: boot_schedop LOG schedop-run-arguments...
boot_schedop() {
    local log=$1
    shift
    timeout -k 5 "$limit" "$build/schedop" run -v --pcpus 2 --seed 1 \
        --timeout "$limit" "$@" </dev/null >"$log" 2>&1
    echo "exit status $?" >>"$log"
}

# The lines of facts, whichever domain printed them.
transcript() { # ENV
    tr -d '\r' <"$dir/$1.log" | sed -E 's/^[a-z]+ *\| (F|Test)/\1/' |
        grep -aE '^(F[0-9]{3} [^|]*\|.*\||Test result: )' >"$dir/$1.txt"
}

# ---- one function an environment ----

run_xen_pvh0() {
    boot_xen "$dir/xen-pvh0.log" q35 dom0=pvh "$guest $*"
}

run_xen_pv0() {
    boot_xen "$dir/xen-pv0.log" pc "" "$guest $*"
}

run_xen_domu() {
    boot_xen "$dir/xen-domu.log" pc "" "$guest build=1 $*,$guest"
}

run_schedop() {
    boot_schedop "$dir/schedop.log" --hardware --vcpus 3 --memory 64 \
        --expect conformance=poweroff "$guest" ${1:+-- "$@"}
}

config() { # NAME VCPUS HARDWARE CMDLINE
    local e
    echo "name = \"$1\""
    echo "type = \"pvh\""
    echo "kernel = \"$guest\""
    echo "memory = 32"
    echo "vcpus = $2"
    echo "cmdline = \"$4\""
    echo "hardware_domain = $3"
    [ "$3" = 0 ] || return
    for e in poweroff reboot crash watchdog soft_reset suspend; do
        echo "on_$e = \"preserve\""
    done
}

run_schedop_domu() {
    config control 2 1 "subject=1 deaf=2 $*" >"$dir/control.cfg"
    config subject 3 0 "serve=1 $*" >"$dir/subject.cfg"
    config deaf 3 0 "serve=1 kit_upcall=0 facts=0" >"$dir/deaf.cfg"
    boot_schedop "$dir/schedop-domu.log" "$dir/control.cfg" \
        "$dir/subject.cfg" "$dir/deaf.cfg"
}

run_core() {
    local kind
    for kind in pvh pv domu; do
        timeout -k 5 "$limit" "$build/conform-core" $kind "$@" \
            >"$dir/core-$kind.log" 2>"$dir/core-$kind.err"
        echo "exit status $?" >>"$dir/core-$kind.log"
        transcript core-$kind
    done
}

# ---- facts that only the machine's console shows ----

# The version of real Xen, such as 4.17.7, if it was run.
xen_version() {
    cat "$dir"/xen-*.log 2>/dev/null |
        sed -nE 's/.*\(XEN\) Xen version ([0-9.]+).*/\1/p' | head -n 1
}

newer_than() { # MAJOR.MINOR VERSION: is VERSION at least that?
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# What is said when a watchdog expires: facts 97 and 98.
watchdog_text() { # ENV VERSION
    local seen verdict=FAILURE name now old new
    old="F097 dogs: text of an expiry up to 4.20"
    new="F098 dogs: text of an expiry from 4.21"
    seen=$(grep -aoE 'Watchdog timer .*fired for .*' "$dir/$1.log" |
        tr -d '\r' | head -n 1)
    grep -q ' dogs: ' "$dir/$1.txt" || return
    if newer_than 4.21 "$2"; then
        name=$new now=$old
        [ "$seen" = "Watchdog timer 0 fired for d1" ] && verdict=SUCCESS
    else
        name=$old now=$new
        [ "$seen" = "Watchdog timer fired for domain 1" ] && verdict=SUCCESS
    fi
    echo "$name | $seen | $verdict" >>"$dir/$1.txt"
    echo "$now | not of this version | SKIP" >>"$dir/$1.txt"
}

# How the machine ends: cause|fact and claim|what Xen says.
endings='remote|F082 endings: domain 0 naming itself shuts itself down|Hardware Dom0 halted: halting machine
watchdog|F091 endings: a watchdog for 0 s fires at once, the latch wins|Hardware Dom0 halted: halting machine
down|F083 endings: down of the last vCPU, the latch wins|Hardware Dom0 halted: halting machine
0|F130 endings: reason 0|Hardware Dom0 halted: halting machine
1|F130 endings: reason 1|Hardware Dom0 shutdown: rebooting machine
2|F130 endings: reason 2 means nothing here|Hardware Dom0 shutdown (unknown reason 2): rebooting machine in 5 seconds.
3|F130 endings: reason 3|Hardware Dom0 crashed: rebooting machine in 5 seconds.
4|F130 endings: reason 4|Hardware Dom0 shutdown: watchdog rebooting machine
5|F130 endings: reason 5|Hardware domain 0 did unsupported soft reset, rebooting.
6|F130 endings: reason 6|Hardware Dom0 shutdown (unknown reason 6): rebooting machine in 5 seconds.
12|F130 endings: reason 12|Hardware Dom0 shutdown (unknown reason 12): rebooting machine in 5 seconds.
511|F130 endings: reason 511, of which 8 bits count|Hardware Dom0 shutdown (unknown reason 255): rebooting machine in 5 seconds.'
noreboot='1|F131 endings: noreboot, reason 1|Hardware Dom0 shutdown: rebooting machine
3|F131 endings: noreboot, reason 3|Hardware Dom0 crashed: '"'noreboot' set - not rebooting."'
12|F131 endings: noreboot, reason 12|Hardware Dom0 shutdown (unknown reason 12): '"'noreboot' set - not rebooting."

last_words() { # LOG
    tr -d '\r' <"$1" | sed -n 's/.*\(Hardware [Dd]om.*[a-z.]\)$/\1/p' |
        tail -n 1
}

one_ending() { # ENV HOW NAME WANT XEN-ARGS
    local log="$dir/$1-end-$2${5:+-noreboot}.log" seen verdict=FAILURE
    case $1 in
    xen-*) boot_xen "$log" q35 "dom0=pvh ${5:-}" "$guest facts=0 end=$2" ;;
    *)
        boot_schedop "$log" ${5:+--noreboot} --hardware --vcpus 3 \
            --memory 64 "$guest" -- facts=0 "end=$2"
        ;;
    esac
    seen=$(last_words "$log")
    [ "$seen" = "$4" ] && verdict=SUCCESS
    echo "$3 | $seen | $verdict" >>"$dir/$1.ends"
}

# usage: run_endings ENV CAUSES NAMES (regular expressions of which)
run_endings() {
    local how name want
    : >"$dir/$1.ends"
    while IFS='|' read -r how name want; do
        [[ $how =~ ^($2)$ && $name =~ $3 ]] && one_ending "$1" "$how" "$name" "$want"
    done <<<"$endings"
    while IFS='|' read -r how name want; do
        [[ $2 == ".*" && $name =~ $3 ]] &&
            one_ending "$1" "$how" "$name" "$want" noreboot
    done <<<"$noreboot"
    cat "$dir/$1.ends" >>"$dir/$1.txt"
}
