/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader to C: the two multiboot headers, the way into long
 * mode for the boot pCPU (_start) and for the others (ap_trampoline, copied
 * below 1 MiB, then ap_start32).
 *
 * The boot pCPU first runs on tables that map the low 4 GiB to themselves,
 * enough to read what the loader left; mm/paging.c replaces them. The other
 * pCPUs go straight to the final tables.
 */

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00000003 /* modules on pages, memory map wanted */
#define MB2_MAGIC 0xe85250d6

#define CS64 0x08
#define DS 0x10
#define CS32 0x18

#define CR0_LONG 0x80010033 /* PG WP NE ET MP PE */
#define CR4_PAE 0x20
#define EFER 0xc0000080
#define EFER_LME_NXE 0x900

    .section .multiboot, "a"
    .balign 8
mb1_header:
    .long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)

    .balign 8
mb2_header:
    .long MB2_MAGIC, 0, mb2_end - mb2_header
    .long -(MB2_MAGIC + (mb2_end - mb2_header))
    .balign 8
    .short 1, 0         /* please tell: command line, modules, memory map */
    .long 20
    .long 1, 3, 6
    .balign 8
    .short 6, 0         /* modules on page boundaries */
    .long 8
    .balign 8
    .short 0, 0         /* end */
    .long 8
mb2_end:

    .text
    .code32
    .globl _start
_start:
    cli
    cld
    movl $boot_stack_top, %esp
    movl %eax, %ebp     /* the loader's magic; ebx: its information */
    movl %ebx, %esi
    rdtsc
    movl %eax, boot_tsc
    movl %edx, boot_tsc + 4

    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb no_long_mode
    movl $0x80000001, %eax
    cpuid
    andl $0x20100000, %edx /* long mode and no-execute */
    cmpl $0x20100000, %edx
    jne no_long_mode

    /* Map 0..4 GiB with 2 MiB pages. */
    movl $early_pd + 3, %eax
    movl $early_pdpt, %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    loop 1b
    movl $early_pdpt + 3, early_pml4
    movl $0x83, %eax
    movl $early_pd, %edi
    movl $2048, %ecx
2:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 2b

    movl $early_pml4, %edi
    call enter_long_mode
    ljmp $CS64, $start64

no_long_mode:
    /* Nothing is known about this machine but that it is a PC. */
    movl $no_long_mode_text, %esi
    movw $0x3f8, %dx
3:  lodsb
    testb %al, %al
    jz 4f
    outb %al, %dx
    jmp 3b
4:  cli
    hlt
    jmp 4b

/* Tables at edi; leaves paging on, in compatibility mode. Keeps ebp, esi. */
enter_long_mode:
    lgdtl boot_gdt_pointer
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl %edi, %cr3
    movl $EFER, %ecx
    rdmsr
    orl $EFER_LME_NXE, %eax
    wrmsr
    movl $CR0_LONG, %eax
    movl %eax, %cr0
    ret

/* Another pCPU, flat protected mode, no stack of its own yet. */
ap_start32:
    movw $DS, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $boot_stack_top, %esp /* one starts at a time, the boot pCPU left */
    movl $paging_root, %edi
    call enter_long_mode
    ljmp $CS64, $ap_start64

    .code64
start64:
    movl $DS, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $boot_stack_top, %esp
    movl %ebp, %edi
    movl %esi, %esi
    xorl %ebp, %ebp
    call boot_main
    ud2

ap_start64:
    movl $DS, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq ap_stack, %rsp
    movq ap_self, %rdi
    xorl %ebp, %ebp
    call smp_ap_main
    ud2

/* void boot_call_on(void (*fn)(void), void *stack_top): never returns. */
    .globl boot_call_on
boot_call_on:
    movq %rsi, %rsp
    xorl %ebp, %ebp
    call *%rdi
    ud2

    .section .rodata
    .balign 8
    .globl boot_gdt
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* CS64 */
    .quad 0x00cf93000000ffff /* DS */
    .quad 0x00cf9b000000ffff /* CS32 */
boot_gdt_pointer:
    .short . - boot_gdt - 1
    .long boot_gdt
no_long_mode_text:
    .asciz "schedop: this processor has no 64-bit mode\r\n"

/* Copied to a page below 1 MiB; a started pCPU comes here in real mode. */
    .balign 4
    .globl ap_trampoline, ap_trampoline_end
ap_trampoline:
    .code16
    cli
    movw %cs, %ax
    movw %ax, %ds
    lgdtl ap_gdt_pointer - ap_trampoline
    movl %cr0, %eax
    orl $1, %eax
    andl $0x9fffffff, %eax /* caches on: INIT left CD and NW set */
    movl %eax, %cr0
    ljmpl $CS32, $ap_start32
    .balign 4
ap_gdt_pointer:
    .short 4 * 8 - 1
    .long boot_gdt
ap_trampoline_end:
    .code64

    .section .bss.page, "aw", @nobits
    .balign 4096
early_pml4: .skip 4096
early_pdpt: .skip 4096
early_pd:   .skip 4 * 4096

    .bss
    .balign 8
    .globl boot_tsc, ap_stack, ap_self
boot_tsc: .skip 8
ap_stack: .skip 8
ap_self:  .skip 8

    .section .stack, "aw", @nobits
    .balign 4096
boot_stack: .skip 2 * 4096
    .globl boot_stack_top
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
