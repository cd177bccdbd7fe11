#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the hardware domain is told of a machine of two sockets with a core of
# two threads each (main.c). Real Xen 4.17 in the same emulator says the same but
# for the threads, which it takes for cores: it asks leaves that QEMU leaves out.
# usage: tests/topology/run.sh BUILDDIR
set -u
build=${1:?usage: run.sh BUILDDIR}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/told" <<'END'
physinfo: 0
threads 2 cores 1 cpus 4 last 3 nodes 1 last 63
hvm 1 hap 1, memory and a clock
cputopoinfo: 0, 4 pCPUs
cputopoinfo: 0
pCPU 0: core 0 socket 0 node 0
pCPU 1: core 0 socket 0 node 0
pCPU 2: core 0 socket 1 node 0
pCPU 3: core 0 socket 1 node 0
numainfo: 0, 1 nodes
numainfo: 0, 1 nodes, distance 10, memory
numainfo to nowhere: -14
to nowhere: -14
END
cat >"$work/d.cfg" <<END
name = "d"
kernel = "$(realpath "$build")/tests/topology.elf"
memory = 16
hardware_domain = 1
END
echo "1..1"
timeout 120 "$build/schedop" run --timeout 100 --pcpus 4 --qemu -smp \
    --qemu 4,sockets=2,cores=1,threads=2 "$work/d.cfg" </dev/null \
    >"$work/log" 2>&1
if head -n 13 "$work/log" | diff "$work/told" - >"$work/diff"; then
    echo "ok 1 - physinfo, cputopoinfo and numainfo"
else
    echo "not ok 1 - physinfo, cputopoinfo and numainfo"
    sed 's/^/# /' "$work/diff" "$work/log"
fi
