#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Where the instructions of one figure go: runs it alone on schedop, has the
# emulator list every instruction, and prints, for the commonest way through
# the hypervisor from one entry of a guest to the next, the instructions of
# each function. usage: bench/profile.sh BUILDDIR FIGURE [WAYS]
#
# FIGURE is a name that bench/guest/main.c prints. WAYS (default 1) is how many
# of the commonest ways to show: a switch has several. A way in which the pCPU
# slept begins where it woke up.
set -eu
build=${1:?usage: bench/profile.sh BUILDDIR FIGURE [WAYS]}
figure=${2:?usage: bench/profile.sh BUILDDIR FIGURE [WAYS]}
ways=${3:-1}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/trace"

# Where a guest is entered: the VMRUN in svm_enter.
code=$(objdump -d --no-show-raw-insn "$build/schedop-hypervisor.debug" |
    awk '$2 == "vmrun" || $2 == "hlt" { sub(":", "", $1); print $2, $1 }')
vmrun=$(awk '$1 == "vmrun" { print $2; exit }' <<<"$code")
hlts=$(awk '$1 == "hlt" { print $2 }' <<<"$code" | tr '\n' ' ')
nm -n "$build/schedop-hypervisor.debug" | awk '$2 ~ /[tT]/ { print $1, $3 }' \
    >"$dir/symbols"

"$build/schedop" run -q --hardware --vcpus 2 --pcpus 1 --memory 64 --seed 1 \
    --timeout 300 --qemu -singlestep --qemu -d --qemu exec,nochain \
    --qemu -D --qemu "$dir/trace" --qemu -dfilter --qemu 0x200000+0xe00000 \
    "$build/bench/guest.elf" -- "only=$figure" >"$dir/out" &
pid=$!

awk -v ways="$ways" -v vmrun="$vmrun" -v hlts="$hlts" -v symbols="$dir/symbols" '
function pad(hex) { return substr("0000000000000000" hex, length(hex) + 1) }

function owner(pc,  low, high, middle) {
    low = 1
    high = n
    while (low < high) {
        middle = int((low + high + 1) / 2)
        if (at[middle] <= pc)
            low = middle
        else
            high = middle - 1
    }
    return name[low]
}

BEGIN {
    while ((getline line < symbols) > 0) {
        split(line, f, " ")
        at[++n] = f[1]
        name[n] = f[2]
    }
    vmrun = pad(vmrun)
    m = split(hlts, f, " ")
    for (i = 1; i <= m; i++)
        is_hlt[pad(f[i])] = 1
}
/^Trace / {
    split($0, f, "[[/]")
    pc = substr(pad(f[3]), 1, 16)
    if (!(pc in cache))
        cache[pc] = owner(pc)
    count[cache[pc]]++
    length_now++
    if (pc in is_hlt) {
        delete count
        length_now = 0
    }
    if (pc == vmrun) {
        key = length_now
        for (s in count)
            key = key " " s "=" count[s]
        seen[key]++
        delete count
        length_now = 0
    }
}
END {
    for (w = 1; w <= ways; w++) {
        best = ""
        for (k in seen)
            if (best == "" || seen[k] > seen[best])
                best = k
        if (best == "")
            break
        m = split(best, f, " ")
        printf "== %d instructions, seen %d times\n", f[1], seen[best]
        sort = "sort -k1,1nr"
        for (i = 2; i <= m; i++) {
            split(f[i], g, "=")
            printf "%6d %s\n", g[2], g[1] | sort
        }
        close(sort)
        delete seen[best]
    }
}' "$dir/trace"
wait "$pid" || true
cat "$dir/out"
