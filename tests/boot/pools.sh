#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Each scheduler, with guests of several vCPUs, as Pool-0's and in a pool of
# its own beside Pool-0; and what is refused. usage: tests/boot/pools.sh BUILD
set -u
build=${1:?usage: tests/boot/pools.sh BUILDDIR}
guest=$(realpath "$build/guests/workers.elf") || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0

verdict() { # STATUS TEXT
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        sed 's/^/# /' "$work/log" | tail -n 30
    fi
}

config() { # NAME LINE...
    printf '%s\n' "name = \"$1\"" "kernel = \"$guest\"" "vcpus = 2" \
        "extra = \"ms=100\"" "${@:2}" >"$work/$1.cfg"
}

pool() { # LINE...
    printf '%s\n' "$@" >"$work/pool.cfg"
}

run() { # ARGUMENTS
    timeout 100 "$build/schedop" run --timeout 90 "$@" </dev/null \
        >"$work/log" 2>&1
}

# What the run's table says of a domain.
ended() { # NAME REASON
    awk -v n="$1" '$2 == n { r = $3 } END { print r }' "$work/log" |
        grep -qx "$2"
}

config a
for sched in credit2 rtds null; do
    run --sched "$sched" --pcpus 2 "$work/a.cfg"
    verdict $? "two vCPUs on two pCPUs with $sched"
done

# One window at a time: the two vCPUs take turns of 3 and 1 ms.
config a 'pool = "p"'
pool 'name = "p"' 'sched = "arinc653"' 'cpus = "1"' \
    'windows = [ "a.0 3000", "a.1 1000" ]'
run --pcpus 2 --cpupool "$work/pool.cfg" "$work/a.cfg"
verdict $? "two windows with arinc653"

config b
config c 'pool = "p"' 'period = 8000' 'budget = 3000'
pool 'name = "p"' 'sched = "rtds"' 'cpus = "1"'
run --pcpus 3 --cpupool "$work/pool.cfg" "$work/b.cfg" "$work/c.cfg"
verdict $? "a pool with rtds beside Pool-0"
config d 'pool = "p"' 'cpu_weight = 512' 'cap = 150'
pool 'name = "p"' 'cpus = "1-2"'
run --pcpus 3 --cpupool "$work/pool.cfg" "$work/b.cfg" "$work/d.cfg"
verdict $? "a second pool with credit2"
pool 'name = "p"' 'sched = "null"' 'cpus = "1-2"'
config e 'pool = "p"'
run --pcpus 3 --cpupool "$work/pool.cfg" "$work/b.cfg" "$work/e.cfg"
verdict $? "a pool with null"

# More than the pCPU has: the hypervisor refuses one, the other runs.
config c 'pool = "p"' 'period = 8000' 'budget = 5000'
pool 'name = "p"' 'sched = "rtds"' 'cpus = "1"'
run --pcpus 2 --cpupool "$work/pool.cfg" "$work/b.cfg" "$work/c.cfg"
[ $? -eq 1 ] && ended b poweroff && grep -q 'cannot guarantee' "$work/log"
verdict $? "what rtds cannot guarantee is refused"

config f 'pool = "p"' 'cap = 50'
run --pcpus 2 --cpupool "$work/pool.cfg" "$work/f.cfg"
[ $? -eq 2 ] && grep -q 'f.cfg:6: cap is a knob of credit2; cpupool p has rtds' \
    "$work/log"
verdict $? "a knob of another scheduler names the right one"

# ---- while it runs, by the link ----

trap '' PIPE
coproc MACHINE {
    timeout 100 qemu-system-x86_64 -M q35 -cpu EPYC,+svm,+npt,check=off \
        -accel tcg,thread=single -m 200 -smp 4,sockets=2,cores=1,threads=2 \
        -display none -nodefaults -no-reboot -serial null -chardev stdio,id=link,signal=off \
        -serial chardev:link -device isa-debug-exit,iobase=0x501,iosize=2 \
        -kernel "$build/schedop-hypervisor.elf" \
        -append "link=com2 host=1 qemu-exit=0x501" \
        -initrd "$guest name=w vcpus=2 -- ms=600000" 2>/dev/null
}

await() { # PATTERN: sets $line
    while read -r -t 60 -u "${MACHINE[0]}" line; do
        line=${line%$'\r'}
        # shellcheck disable=SC2254 # it is a pattern
        case $line in $1) return 0 ;; esac
    done
    line="no answer"
    return 1
}

tag=0 wrong=0
asked() { # QUESTION ANSWER, a pattern
    tag=$((tag + 1))
    echo "ask $tag $1" >&"${MACHINE[1]}"
    await "did $tag *"
    line=${line#did "$tag" }
    # shellcheck disable=SC2254 # it is a pattern
    case ${line% } in
    $2) ;;
    *)
        echo "# $1: $line, not $2"
        wrong=$((wrong + 1))
        ;;
    esac
}

: >"$work/log"
await "start 1 *"
asked "machine" "0 pcpus=4 * threads=2 cores=1 topology=0:0,0:0,0:1,0:1"
asked "pools" "0 free=0x0"
asked "pool-create rt rtds" "0 pool=1"
asked "pool-create rt rtds" "17 there is such a pool"
asked "pool-create x foo" "2 there is no such scheduler"
asked "pool-remove 0 2" "0"
asked "pool-add 1 2" "0"
asked "pool-move 1 1" "0"
asked "sched-rtds 1 - 10000 2000 0" "0 period=10000 budget=2000 extratime=0"
asked "sched-rtds 1 1" "0 period=10000 budget=2000 extratime=0"
asked "sched-credit2 1" \
    "22 these are knobs of credit2; the domain's pool has rtds: see sched-rtds"
asked "pool-remove 1 2" \
    "16 it is the last one, and domains are in the pool"
asked "pool-move 0 1" "0"
asked "pool-remove 1 any" "0"
asked "pool-rename 1 other" "0"
asked "pool-destroy 1" "0"
asked "pcpu-offline 1" "0"
asked "pcpu-offline 1" "17 it is so already"
asked "pcpu-online 1" "0"
asked "sched-credit2 1 77 50" "0 weight=77 cap=50"
asked "sched-credit2-pool 0 500" "0 ratelimit_us=500"
asked "sched-credit2-pool 0 5" "22 this is out of range"
asked "sched-arinc653 0" \
    "22 these are knobs of arinc653; this pool has credit2: see sched-credit2"
asked "sched-arinc653 9" "2 there is no such pool"
asked "pool-create flight arinc653" "0 pool=1"
asked "sched-arinc653 1 3000000 a:0:1000000 b:1:2000000" "0"
asked "sched-arinc653 1 2000000 a:0:1000000 b:1:2000000" \
    "22 the windows do not fit into the major frame"
asked "sched-arinc653 1 2000000 a" \
    "22 expected: sched-arinc653 POOL \\[FRAME DOMAIN:VCPU:NS...\\], 64 windows at most"
asked "sched-arinc653 1" "0"
asked "sched-credit2-pool 1" \
    "22 these are knobs of credit2; this pool has arinc653: see sched-arinc653"
asked "pool-destroy 1" "0"
asked "pools" "0 free=0x4"
[ $wrong -eq 0 ]
verdict $? "pools, pCPUs and knobs change while a domain runs"
echo "stop" >&"${MACHINE[1]}"
await "exit 0"
verdict $? "and the machine ends in order"
echo "1..$n"
