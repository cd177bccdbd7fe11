# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# For tests that keep hosts of the real hypervisor in a directory of their
# own; sourced after tap.sh. All of them are stopped when the test ends.
unset SCHEDOP_QEMU SCHEDOP_HOST
export SCHEDOP_HYPERVISOR=$build/schedop-hypervisor.elf
export XDG_RUNTIME_DIR=$tmp/run
mkdir "$tmp/run"

hosts_end() {
    for h in "$tmp"/run/schedop/*; do
        timeout 60 "$schedop" host stop --host "${h##*/}" >/dev/null 2>&1
    done
    rm -rf "$tmp"
}
trap hosts_end EXIT

do_() { # verb and its words; ample: only what hangs takes so long
    timeout -k 5 300 "$schedop" "$@" >"$out" 2>"$err" </dev/null
    # shellcheck disable=SC2034 # read by exits
    status=$?
}

patience=60 # s
wait_for() { # command...: until it succeeds, for a while
    for _ in $(seq $((patience * 20))); do
        "$@" && return 0
        sleep 0.05
    done
    return 1
}
