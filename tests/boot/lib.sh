# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For the tests of this directory: boots the hypervisor in QEMU and reports
# as TAP. Source it with the build directory in $1.

elf=$1/schedop-hypervisor.elf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

# boot CMDLINE [QEMU OPTION...]: text of COM1 in $work/com1, of COM2 in
# $work/com2, QEMU's status in $status.
boot() {
    local line=$1
    shift
    timeout "${LIMIT:-60}" qemu-system-x86_64 -M "${MACHINE:-pc}" \
        -cpu "${CPU:-qemu64,+svm,+npt}" -m "${MEMORY:-128}" \
        -smp "${CPUS:-1}" -nodefaults -display none -no-reboot \
        -serial "file:$work/com1" -serial "file:$work/com2" \
        -device isa-debug-exit,iobase=0x501 "$@" \
        ${line:+-kernel "$elf" -append "qemu-exit=0x501 $line"} \
        >"$work/qemu" 2>&1 </dev/null
    # shellcheck disable=SC2034 # read by whoever sources this
    status=$?
    tr -d '\r' <"$work/com1" >"$work/com1.txt"
    mv "$work/com1.txt" "$work/com1"
}

# check NAME COMMAND...: one TAP line; on failure what COM1 said.
check() {
    local name=$1
    shift
    number=$((number + 1))
    if "$@"; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        sed 's/^/# /' "$work/qemu" "$work/com1" 2>/dev/null | tail -n 40
    fi
}

skip() {
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}

says() { # TEXT [FILE]
    grep -qF -- "$1" "$work/${2:-com1}"
}
