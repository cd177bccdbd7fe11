#!/bin/sh
# SPDX-License-Identifier: MIT
#
# How long Debian's Linux takes to boot in a host: from `create` until its init
# speaks, and the guest's own uptime then; on 1 and on 4 vCPUs, 3 times each.
# Then the time that saving and restoring it takes, and the size of the file.
# usage: bench/linux.sh BUILDDIR
set -eu
# shellcheck source=bench/host.sh
. bench/host.sh

tools/fetch-linux.sh "$build/linux"
tools/linux-initrd.sh "$build/linux" "$tmp/initrd"
cat >"$tmp/l.cfg" <<C
name = "l"
type = "pvh"
memory = 192
kernel = "$build/linux/vmlinuz"
ramdisk = "$tmp/initrd"
extra = "console=hvc0 quiet"
C
ms() { echo "$((($2 - $1) / 1000000)) ms"; }
"$schedop" host start --pcpus 2 --memory 512 --log-dir "$tmp/logs" 2>/dev/null
for vcpus in 1 4; do
    for n in 1 2 3; do
        name=l$vcpus$n log=$tmp/logs/guest-l$vcpus$n.log tries=0
        start=$(now)
        "$schedop" create -q "$tmp/l.cfg" "vcpus=$vcpus" "name=\"$name\""
        until grep -q 'init: ' "$log" 2>/dev/null; do
            tries=$((tries + 1))
            [ $tries -lt 1000 ] || { echo "$name does not boot"; exit 1; }
            sleep 0.05
        done
        echo "$vcpus vCPUs: $(ms "$start" "$(now)");" \
            "$(grep -ao 'up [0-9.]* s' "$log")"
        if [ $n -lt 3 ]; then "$schedop" destroy "$name"; fi
    done
    start=$(now)
    "$schedop" save "$name" "$tmp/file" 2>/dev/null
    echo "save: $(ms "$start" "$(now)"), $(($(stat -c %s "$tmp/file") >> 20)) MiB"
    start=$(now)
    "$schedop" restore "$tmp/file" 2>/dev/null
    echo "restore: $(ms "$start" "$(now)")"
    "$schedop" destroy "$name"
done
