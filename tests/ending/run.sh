#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# 10,000 domains on one boot of a host, with the real QEMU and hypervisor:
# tool/many.c makes and destroys them and looks at what is left.
# usage: tests/ending/run.sh BUILDDIR
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/hosts.sh
. tests/cli/hosts.sh

do_ host start --memory 256 --restart-delay 0 --dump-dir "$tmp"
exits 0 "host start"
timeout 1500 "$build/cli-tests/many" "$build/tests/ending.elf" 10000 \
    >"$out" 2>"$err" </dev/null
status=$?
sed -n '/^#/p; s/^\(ok\|not ok\) [0-9]* - /# &/p' "$out"
exits 0 "10,000 domains"
do_ host stop
exits 0 "host stop"
plan
