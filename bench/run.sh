#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The benchmark: one guest as PVH hardware domain of real Xen and of schedop,
# in the same emulator. usage: bench/run.sh [OPTIONS] BUILDDIR
#
#   --only-xen, --only-schedop   one of the two; the other's figures are those
#                                of the last run that had it
#   --no-boot                    no boot times, no memory: counts alone
#   --boots N                    boots of each to take the least of (7)
#   --docs                       write docs/bench.md and docs/bench.svg too
#
# Counts: -icount shift=1,sleep=off makes the guest's clock advance by 2 ns an
# instruction, so the guest counts by its time-stamp counter, exactly. Boot:
# wall time from the start of the emulator to the guest's first line, less that
# of a kernel that says one at once (bench/floor.S), without counting. Memory:
# what is neither free nor the guest's, as Xen's sysctl and domctl tell the
# guest, and as schedop says itself ("kept" in docs/link.md).
#
# Results: a table, BUILDDIR/bench.json, and in BUILDDIR/bench the figures of
# each, one a line: name, median (of boots the least), least, most, samples.
set -u -o pipefail
here=$(dirname "$0")
hosts="xen schedop" boots=7 want_boot=yes docs=no build=
while [ $# -gt 0 ]; do
    case $1 in
    --only-xen) hosts=xen ;;
    --only-schedop) hosts=schedop ;;
    --no-boot) want_boot=no ;;
    --boots)
        boots=${2:?--boots needs a number}
        shift
        ;;
    --docs) docs=yes ;;
    -*)
        echo "bench/run.sh: unknown option '$1'" >&2
        exit 2
        ;;
    *) build=$1 ;;
    esac
    shift
done
: "${build:?usage: bench/run.sh [OPTIONS] BUILDDIR}"

guest=$build/bench/guest.elf
xen=$build/xen/xen.elf
dir=$build/bench
cpu=EPYC,+svm,+npt,-monitor # Xen's idle loop and TCG's MONITOR do not agree
count=(-icount "shift=1,sleep=off")
limit=120
mkdir -p "$dir"

fail() {
    echo "bench/run.sh: $*" >&2
    exit 1
}

# ---- a machine: the same for both but for what it boots ----

qemu() { # memory arguments...
    local memory=$1
    shift
    exec timeout "$limit" qemu-system-x86_64 -M q35 -accel tcg,thread=single \
        -device amd-iommu -cpu "$cpu" -smp 1 -m "$memory" -display none \
        -vga none -nic none -no-reboot "$@" </dev/null 2>/dev/null
}

machine() { # host memory guest's-words more-arguments...
    local host=$1 memory=$2 words=$3
    shift 3
    case $host in
    xen)
        qemu "$memory" "$@" -serial stdio -kernel "$xen" \
            -initrd "$guest $words" -append "console=com1 loglvl=none \
guest_loglvl=none dom0=pvh dom0_mem=128M dom0_max_vcpus=2"
        ;;
    schedop)
        qemu "$memory" "$@" -serial null -serial stdio \
            -kernel "$build/schedop-hypervisor.elf" -append link=com2 \
            -initrd "$guest name=bench memory=128 vcpus=2 hardware=1 -- $words"
        ;;
    floor)
        qemu "$memory" "$@" -serial stdio -kernel "$dir/floor.elf" \
            -initrd "$guest $words"
        ;;
    esac
}

# Runs it until a line holds $until; those that begin with "bench:" or say what
# the hypervisor keeps are left in $out, the time it took in $took_us.
watch() { # until host memory words more...
    local until=$1 line pid from=${EPOCHREALTIME/./}
    shift
    out=() took_us=
    exec {stream}< <(machine "$@")
    pid=$!
    while IFS= read -r -t "$limit" -u "$stream" line; do
        line=${line%$'\r'} line=${line%\\n}
        case $line in
        *bench:*) out+=("${line#*bench: }") ;;
        kept*) out+=("$line") ;;
        esac
        if [[ $line == *"$until"* ]]; then
            took_us=$((${EPOCHREALTIME/./} - from))
            break
        fi
    done
    kill "$pid" 2>/dev/null
    exec {stream}<&-
    wait "$pid" 2>/dev/null
    [ -n "$took_us" ] || fail "$1 did not say '$until'; it said: ${out[*]-}"
}

# ---- what is measured ----

measure_counts() { # host
    watch "bench: done" "$1" 1024 "" "${count[@]}"
    printf '%s\n' "${out[@]}" | awk 'NF == 5 || $1 == "version"'
}

measure_memory() { # host memory name
    local line kib=
    watch "bench: end" "$1" "$2" boot=1
    for line in "${out[@]}"; do
        case $line in
        kept*) [ "$1" != schedop ] || kib=${line#kept } ;;
        hypervisor_kib*)
            # schedop's physinfo counts RAM in blocks of 2 MiB.
            [ "$1" != xen ] || kib=${line#hypervisor_kib } kib=${kib%% *}
            ;;
        esac
    done
    [ -n "$kib" ] || fail "$1 does not say what memory it keeps"
    echo "$3 $kib $kib $kib 1"
}

# All take turns, and the least counts: a busy host only ever adds. Leaves a
# file of microseconds to the first line for each.
boot_times() { # hosts...
    local i host until
    for host in floor "$@"; do
        : >"$dir/boot.$host"
    done
    for ((i = 0; i < boots; i++)); do
        for host in floor "$@"; do
            until="bench: begin"
            [ "$host" != floor ] || until="bench: floor"
            watch "$until" "$host" 1024 boot=1
            echo "$took_us" >>"$dir/boot.$host"
        done
    done
}

# Milliseconds more than the floor: the least, and the most.
boot_figure() { # host
    awk -v host="$1" '
        FILENAME ~ /floor$/ { if (!floor || $1 < floor) floor = $1; next }
        { n++
          if (n == 1 || $1 < least) least = $1
          if ($1 > most) most = $1 }
        END { printf "boot %.0f %.0f %.0f %d\n", (least - floor) / 1000,
                     (least - floor) / 1000, (most - floor) / 1000, n }
        ' "$dir/boot.floor" "$dir/boot.$1"
}

measure() { # host
    measure_counts "$1" || return 1
    if [ $want_boot = yes ]; then
        boot_figure "$1" && measure_memory "$1" 1024 memory_1g &&
            measure_memory "$1" 4096 memory_4g
    fi
}

# ---- all of it ----

[ -s "$guest" ] || fail "there is no $guest: run make bench"
if [[ $hosts == *xen* ]]; then
    why=$("$here/../tools/fetch-xen.sh" "$xen" 2>&1) ||
        fail "no real Xen: $(tail -n 1 <<<"$why") (--only-schedop does without)"
fi
if [ $want_boot = yes ]; then
    echo "bench: measuring boots" >&2
    # shellcheck disable=SC2086 # a list of words
    boot_times $hosts || exit 1
fi
for host in $hosts; do
    echo "bench: measuring $host" >&2
    measure "$host" >"$dir/$host.new" || exit 1
    mv "$dir/$host.new" "$dir/$host.txt"
done
touch "$dir/xen.txt" "$dir/schedop.txt"

qemu_version() {
    qemu-system-x86_64 --version | sed -n '1s/.*version \([^ ]*\).*/\1/p'
}

report() { # form
    awk -v form="$1" -v qemu="$(qemu_version)" -v notes="$here/notes.md" \
        -f "$here/report.awk" "$here/figures.tsv" "$dir/xen.txt" \
        "$dir/schedop.txt"
}

report table
report json >"$build/bench.json"
if [ $docs = yes ]; then
    report markdown >"$here/../docs/bench.md"
    awk -f "$here/picture.awk" "$here/figures.tsv" "$dir/xen.txt" \
        "$dir/schedop.txt" >"$here/../docs/bench.svg"
fi
