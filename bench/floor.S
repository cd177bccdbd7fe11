/* SPDX-License-Identifier: MIT */
/*
 * A multiboot kernel that says a word on COM1 and stops: what starting the
 * emulator and its firmware takes before any hypervisor runs.
 */
    .text
    .balign 4
    .long 0x1badb002, 0, -0x1badb002

    .globl _start
_start:
    mov $word, %esi
    mov $0x3f8, %dx
1:  lodsb
    test %al, %al
    jz 2f
    outb %al, %dx
    jmp 1b
2:  cli
    hlt
    jmp 2b

word:
    .asciz "bench: floor\n"

    .section .note.GNU-stack, "", @progbits
