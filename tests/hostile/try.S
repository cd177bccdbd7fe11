/* SPDX-License-Identifier: MIT */
/*
 * int try_run(void (*function)(void *), void *argument, uintptr_t *slot):
 * calls the function; -1 when it returns. The trap hook goes to try_landed
 * with the stack pointer from the slot and the vector in rax.
 */
    .text
    .globl try_run, try_landed
try_run:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdx
    mov %rsp, (%rdx)
    mov %rdi, %rax
    mov %rsi, %rdi
    call *%rax
    mov $-1, %eax
try_landed:
    pop %rdx
    movq $0, (%rdx)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .section .note.GNU-stack, "", @progbits
