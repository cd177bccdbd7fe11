/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls from the other modes of the processor.
 *
 * The image is mapped twice, at its virtual addresses and one to one at the
 * physical ones, so that 32-bit code can run here too. r8 to r15 and the upper
 * halves do not survive a visit to it: what must is on the stack, and the
 * stack pointer in memory.
 */
#include "../../src/guest/kit/layout.h"

#define LOW(symbol) ((symbol) - KIT_VIRT_BASE)
#define CODE32 0x30
#define USER_CS 0x43
#define USER_SS 0x3b

    .bss
    .balign 8
saved_rsp:
    .skip 8

    .text
.macro SAVE
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, saved_rsp(%rip)
.endm

.macro RESTORE
    movabs $1f, %rcx
    jmp *%rcx
1:  mov saved_rsp(%rip), %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
.endm

/* uint32_t mode_call32(uint32_t number, uint32_t a1, uint32_t a2) */
    .globl mode_call32
mode_call32:
    SAVE
    mov %edi, %eax
    mov %esi, %ebx
    mov %edx, %ecx
    push $CODE32
    push $LOW(1f)
    lretq
    .code32
1:  vmmcall
    ljmp $KIT_CS, $LOW(2f)
    .code64
2:  mov %eax, %eax
    RESTORE
    ret

/* The same with paging off. */
    .globl mode_call_unpaged
mode_call_unpaged:
    SAVE
    mov %edi, %eax
    mov %esi, %ebx
    mov %edx, %ecx
    push $CODE32
    push $LOW(1f)
    lretq
    .code32
1:  mov %cr0, %edx
    and $0x7fffffff, %edx
    mov %edx, %cr0
    jmp 2f
2:  vmmcall
    mov %cr0, %edx
    or $0x80000000, %edx
    mov %edx, %cr0
    jmp 3f
3:  ljmp $KIT_CS, $LOW(4f)
    .code64
4:  mov %eax, %eax
    RESTORE
    ret

/*
 * void mode_user(uint64_t entry): runs `entry` at privilege level 3, which
 * comes back by syscall with results in ebx and edx.
 * Returns them in eax (low) and edx.
 */
    .globl mode_user
mode_user:
    SAVE
    push $USER_SS
    push $0
    push $2
    push $USER_CS
    push %rdi
    iretq

    .globl mode_user_return
mode_user_return:
    mov %ebx, %eax
    shl $32, %rdx
    or %rdx, %rax
    RESTORE
    ret

/* What runs there: a page of its own, copied nowhere, mapped for users. */
    .balign 4096
    .globl mode_user_code
mode_user_code:
    mov $29, %eax
    xor %edi, %edi
    xor %esi, %esi
    vmmcall
    mov %eax, %ebx
    mov $99, %eax
    vmmcall
    mov %eax, %edx
    syscall
    .balign 4096

/* uint32_t mode_yield_changes(const void *slot) */
    .globl mode_yield_changes
mode_yield_changes:
    push %rbx
    push %rbp
    mov %rdi, %rbp
    movabs $0x1122334400000000, %rdi
    movabs $0x2233445566778899, %rsi
    movabs $0x33445566778899aa, %rdx
    movabs $0x445566778899aabb, %rcx
    movabs $0x5566778899aabbcc, %r8
    movabs $0x66778899aabbccdd, %r9
    movabs $0x778899aabbccddee, %r10
    movabs $0x8899aabbccddeeff, %r11
    call *%rbp
    xor %ebx, %ebx
.macro CHANGED register, value, bit
    movabs $\value, %rbp
    cmp %rbp, %\register
    je 1f
    or $(1 << \bit), %ebx
1:
.endm
    CHANGED rdi, 0x1122334400000000, 0
    CHANGED rsi, 0x2233445566778899, 1
    CHANGED rdx, 0x33445566778899aa, 2
    CHANGED rcx, 0x445566778899aabb, 3
    CHANGED r8, 0x5566778899aabbcc, 4
    CHANGED r9, 0x66778899aabbccdd, 5
    CHANGED r10, 0x778899aabbccddee, 6
    CHANGED r11, 0x8899aabbccddeeff, 7
    mov %ebx, %eax
    pop %rbp
    pop %rbx
    ret

    .section .note.GNU-stack, "", @progbits
