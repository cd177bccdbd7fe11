#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Installs the Debian packages that a goal of the Makefile needs.
# usage: tools/deps.sh run|check|lint|lab
#
# With nothing missing it prints nothing. As root it says what it installs and
# does so; as anybody else it prints the one line to run and fails.
set -eu

goal=${1:?usage: tools/deps.sh run|check|lint|lab}

build=(gcc libc6-dev binutils make pkg-config libxen-dev libjansson-dev
    zlib1g-dev liblzma-dev liblz4-dev libzstd-dev)
run=("${build[@]}" qemu-system-x86)
# The test suite compiles for 32 bits and C++, with a second compiler, builds
# boot media and boots Debian's own Xen and GRUB images.
check=("${run[@]}" g++ clang libcmocka-dev grub-xen-host grub-pc-bin
    grub-common xorriso mtools perl-base procps libxml2-utils python3-minimal
    gdb)
lint=("${build[@]}" libcmocka-dev g++ clang clang-format clang-tidy cppcheck
    shellcheck codespell)

case $goal in
run) want=("${run[@]}") ;;
check) want=("${check[@]}") ;;
lint) want=("${lint[@]}") ;;
lab) want=("${build[@]}") ;;
*)
    echo "tools/deps.sh: unknown goal '$goal'; use run, check, lint or lab" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "This is not a Debian system: please see to it that the equivalents" \
        "of these packages are installed: ${want[*]}" >&2
    exit 0
fi

missing=()
for p in "${want[@]}"; do
    s=$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || true)
    [ "$s" = "install ok installed" ] || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0

line="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
    echo "schedop needs packages that are not installed. Run:" >&2
    echo "    sudo $line" >&2
    exit 1
fi
echo "Installing what 'make $goal' needs: ${missing[*]}"
# A machine that is still setting itself up may hold the lock for a while.
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -o DPkg::Lock::Timeout=300)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${apt[@]}" update &&
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "tools/deps.sh: apt-get failed (above); fix that, then: $line" >&2
    exit 1
fi
