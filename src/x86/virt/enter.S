/* SPDX-License-Identifier: MIT */
/*
 * svm_enter: to the guest and back. In: rdi = struct x86_vcpu, rsi = physical
 * address of the host's VMSAVE block. Changes every general register but rsp;
 * run.c calls it so.
 *
 * Interrupts: with GIF clear nothing can come in, so setting IF only decides
 * that a physical interrupt makes the guest exit; it is taken later, in
 * irq_take_pending(). VMRUN swaps rax, rsp, rip, flags, cs, ss, ds, es, gdtr,
 * idtr and control registers; VMLOAD and VMSAVE swap fs, gs, tr, ldtr and the
 * system call registers, which must be the host's again before an NMI can
 * come (STGI). The general registers are ours to swap; the first field of
 * struct x86_vcpu holds them, in the order of their numbers.
 */
#define VMCB_PA 128

    .text
    .globl svm_enter
    .type svm_enter, @function
svm_enter:
    pushq %rsi
    pushq %rdi
    movq VMCB_PA(%rdi), %rax
    clgi
    sti
    vmload %rax
    movq 1*8(%rdi), %rcx
    movq 2*8(%rdi), %rdx
    movq 3*8(%rdi), %rbx
    movq 5*8(%rdi), %rbp
    movq 6*8(%rdi), %rsi
    movq 8*8(%rdi), %r8
    movq 9*8(%rdi), %r9
    movq 10*8(%rdi), %r10
    movq 11*8(%rdi), %r11
    movq 12*8(%rdi), %r12
    movq 13*8(%rdi), %r13
    movq 14*8(%rdi), %r14
    movq 15*8(%rdi), %r15
    movq 7*8(%rdi), %rdi
    vmrun %rax
    vmsave %rax
    xchgq %rdi, (%rsp)
    movq %rcx, 1*8(%rdi)
    movq %rdx, 2*8(%rdi)
    movq %rbx, 3*8(%rdi)
    movq %rbp, 5*8(%rdi)
    movq %rsi, 6*8(%rdi)
    movq %r8, 8*8(%rdi)
    movq %r9, 9*8(%rdi)
    movq %r10, 10*8(%rdi)
    movq %r11, 11*8(%rdi)
    movq %r12, 12*8(%rdi)
    movq %r13, 13*8(%rdi)
    movq %r14, 14*8(%rdi)
    movq %r15, 15*8(%rdi)
    popq 7*8(%rdi)
    popq %rax
    vmload %rax
    cli
    stgi
    ret
    .size svm_enter, . - svm_enter

    .section .note.GNU-stack, "", @progbits
