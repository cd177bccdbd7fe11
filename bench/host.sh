# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# For benchmarks of a host: one of the real hypervisor, in a directory of its
# own, which is stopped and removed at the end. Sourced, with the build
# directory in $1.
build=$(realpath "${1:-build}")
tmp=$(mktemp -d)
# shellcheck disable=SC2034 # read by who sources it
schedop=$build/schedop
export SCHEDOP_HYPERVISOR="$build/schedop-hypervisor.elf"
export XDG_RUNTIME_DIR="$tmp"
trap '"$schedop" host stop >/dev/null 2>&1 || :; rm -rf "$tmp"' EXIT

now() { date +%s%N; }
