/* SPDX-License-Identifier: MIT */
/*
 * From the PVH entry (32-bit, no stack, no GDT) to 64-bit C, with the low
 * 4 GiB mapped one to one. Deliberately not the start-up kit's: these guests
 * stand for what others write.
 */
    .section .note.Xen, "a", @note
#ifdef SOLO
    /* Several notes, and a descriptor of eight bytes. */
    .balign 4
    .long 4, 4, 5
    .asciz "Xen"
    .asciz "3.0"
    .balign 4
    .long 6, 4, 77
    .asciz "Other"
    .balign 4
    .long 0x12345678
    .balign 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad start
#else
    .balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long start
#endif

    .section .start, "ax", @progbits
    .code32
    .globl start
start:
    movl $stack_top, %esp
    movl %ebx, %esi
    /* Four page directories of 2 MiB pages, one pointer table, one root. */
    movl $directories, %edi
    movl $0x83, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    movl $0, 4(%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b
    movl $directories + 7, %eax
    movl %eax, pointers
    addl $4096, %eax
    movl %eax, pointers + 8
    addl $4096, %eax
    movl %eax, pointers + 16
    addl $4096, %eax
    movl %eax, pointers + 24
    movl $pointers + 7, root
    movl $root, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x20, %eax
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $2f
    .code64
2:  movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %esi, %edi
    call guest_main
3:  hlt
    jmp 3b

/* #GP and #UD: note it and step over an instruction of two bytes. */
    .globl fault_gp
fault_gp:
    addq $8, %rsp
    .globl fault_ud
fault_ud:
    movl $1, faulted(%rip)
    addq $2, (%rsp)
    iretq

    .globl upcall
upcall:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    cld
    call on_upcall
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    iretq

    .section .data
    .balign 8
gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
    .word 23
    .long gdt

    .section .bss
    .balign 4096
root: .skip 4096
pointers: .skip 4096
directories: .skip 4 * 4096
    .skip 16384
stack_top:
    .section .note.GNU-stack, "", @progbits
