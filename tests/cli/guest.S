/* SPDX-License-Identifier: MIT */
/* The smallest PVH image: never run, only looked at by the tests. */
        .text
        .globl  _start
_start: hlt
        jmp     _start

        .section .note.Xen, "a", @note
        .long   4, 4, 18
        .asciz  "Xen"
        .long   _start
        .section .note.GNU-stack, "", @progbits
