#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Faults in the hypervisor (src/x86/boot/provoke.c): each is caught, told with
# the reason, registers and a call trace, and ends the machine.
set -u
# shellcheck source=tests/boot/lib.sh disable=SC1091
. tests/boot/lib.sh

echo "1..14"

# told TEXT FUNCTION: a panic that says TEXT and names FUNCTION.
told() {
    [ "$status" -eq 3 ] && says "PANIC on pCPU ${PCPU:-0}: $1" &&
        says "call trace:" && says " $2+0x"
}

try() { # WORD NAME TEXT FUNCTION
    boot "test=$1" -initrd LICENSE
    check "$2" told "$3" "$4"
}

try panic "a panic" "as the command line asks" boot_continue
try ud "an invalid opcode" "invalid opcode at do_invalid_opcode" \
    do_invalid_opcode
check "registers are told" says "rflags"
try double "a double fault" "double fault at do_double_fault" do_double_fault
try null "a NULL pointer" "page fault at do_null" do_null
try wp "text is not writable" "page fault at do_write_text" do_write_text
try ro "constants are not writable" "page fault at do_write_constant" \
    do_write_constant
try nx "data is not executable" "page fault at 0x" do_execute_data
try heap "the heap is not executable" "page fault at 0x" do_execute_heap
try ram "guest memory is not mapped" "page fault at do_guest_memory" \
    do_guest_memory
try module "modules are not writable" "page fault at do_write_module" \
    do_write_module
stack_told() {
    [ "$status" -eq 3 ] && says "page fault at overflow" &&
        says "(stack overflow)"
}
boot test=stack
check "a stack overflow meets the guard page" stack_told
CPUS=4 boot test=other
PCPU=3 check "a fault on another pCPU stops all" told "invalid opcode" \
    fault_there
boot "link=com2 test=null"
check "the link is told too" grep -q \
    '^panic page fault at do_null+0x[0-9a-f]*, address 0x8 (NULL pointer)$' \
    "$work/com2"
