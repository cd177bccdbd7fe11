#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Hypercalls around scheduling, with good and bad operands: each result is
# Xen's (calls.xen). usage: tests/surround/run.sh BUILDDIR
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
unset SCHEDOP_QEMU
export SCHEDOP_HYPERVISOR=$build/schedop-hypervisor.elf
for part in versions memory grants hvm assists physdev numbers others; do
    cat >"$tmp/s.cfg" <<C
name = "s"
type = "pvh"
memory = 32
kernel = "$build/tests/surround.elf"
cmdline = "part=$part"
C
    timeout 200 "$schedop" run "$tmp/s.cfg" >"$out" 2>"$err" </dev/null
    status=$?
    exits 0 "$part"
    sed -n "/^== $part\$/,/^done/ { /^==/d; p }" tests/surround/calls.xen \
        >"$tmp/want"
    sed '/^done/q' "$out" >"$tmp/got"
    diff -u "$tmp/want" "$tmp/got" >"$tmp/diff"
    result $? "$part: as on Xen" "$(cat "$tmp/diff")"
done
plan
