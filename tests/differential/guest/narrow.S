/* SPDX-License-Identifier: MIT */
/*
 * A hypercall from 32-bit code, with paging as it is and interrupts as they
 * are. The image is also mapped one to one, which is where that code and the
 * stack are while it runs; interrupt handlers are 64-bit code even then.
 */
#include "../../../src/guest/kit/layout.h"

#define LOW(symbol) ((symbol) - KIT_VIRT_BASE)
#define CODE32 0x28

    .text
/* uint64_t wide_to_narrow_call(uint32_t number, a1, a2, a3) */
    .globl wide_to_narrow_call
wide_to_narrow_call:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %edi, %eax
    mov %esi, %ebx
    mov %ecx, %ebp
    mov %edx, %ecx
    mov %ebp, %edx
    mov $KIT_VIRT_BASE, %rsi
    sub %rsi, %rsp
    push $CODE32
    push $LOW(1f)
    lretq
    .code32
1:  vmmcall
    ljmp $KIT_CS, $LOW(2f)
    .code64
2:  mov $KIT_VIRT_BASE, %rsi
    add %rsi, %rsp
    movabs $3f, %rsi
    jmp *%rsi
3:  mov %eax, %eax
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .section .note.GNU-stack, "", @progbits
