/* SPDX-License-Identifier: MIT */
/*
 * One stub per vector, all to trap_dispatch(struct trap_frame *). Stubs are
 * 16 bytes apart so that cpu/trap.c can compute their addresses. Two vectors
 * have stubs of their own.
 */
#define PCPU_TIMER_FIRED 32 /* offsets in struct x86_pcpu */
#define PCPU_KICKED 33
#define MSR_X2APIC_EOI 0x80b

    .text
    .balign 16
    .globl trap_stubs
trap_stubs:
    vector = 0
    .rept 256
    .balign 16
    /* 8, 10-14, 17, 21, 29 and 30 come with an error code; give the rest 0 */
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || \
        vector == 21 || vector == 29 || vector == 30)
    pushq $0
    .endif
    pushq $vector
    jmp trap_common
    vector = vector + 1
    .endr

/*
 * The timer and the kick only set a flag in the pCPU's record, and they come
 * often: one register will do. GS base is ours wherever they are let in.
 */
    .macro note_stub name, flag
    .balign 16
    .globl \name
\name:
    pushq %rax
    movq %gs:0, %rax
    movb $1, \flag(%rax)
    movq apic_eoi_register, %rax
    testq %rax, %rax
    jz note_x2apic
    movl $0, (%rax)
    popq %rax
    iretq
    .endm

    note_stub irq_timer_stub, PCPU_TIMER_FIRED
    note_stub irq_kick_stub, PCPU_KICKED

note_x2apic:
    pushq %rcx
    pushq %rdx
    movl $MSR_X2APIC_EOI, %ecx
    xorl %edx, %edx
    wrmsr /* eax is 0 */
    popq %rdx
    popq %rcx
    popq %rax
    iretq

    .balign 16
trap_common:
    cld
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    call trap_dispatch
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

    .section .note.GNU-stack, "", @progbits
