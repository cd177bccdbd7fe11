/* SPDX-License-Identifier: MIT */
/*
 * Entry points of the 64-bit image: one ELF that boots as a PV domain (64-bit
 * mode, paging on, at virtual addresses) and as a PVH domain (32-bit mode,
 * paging off, at physical addresses). Both end in C at virtual addresses.
 */
#define __ASSEMBLY__
#include <xen/elfnote.h>
#include <xen/features.h>
#include "layout.h"

#define PHYS(symbol) ((symbol) - KIT_VIRT_BASE)

#define CR0_PE 0x1
#define CR0_WP 0x10000
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100

/* ---- ELF notes ---- */

.macro NOTE type, directive, value:vararg
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \directive \value
2:  .balign 4
.endm

    .section .note.Xen, "a", @note
    NOTE XEN_ELFNOTE_GUEST_OS, .asciz, "schedop-kit"
    NOTE XEN_ELFNOTE_LOADER, .asciz, "generic"
    NOTE XEN_ELFNOTE_XEN_VERSION, .asciz, "xen-3.0"
    NOTE XEN_ELFNOTE_VIRT_BASE, .quad, KIT_VIRT_BASE
    NOTE XEN_ELFNOTE_PADDR_OFFSET, .quad, 0
    NOTE XEN_ELFNOTE_ENTRY, .quad, kit_entry_pv
    NOTE XEN_ELFNOTE_HYPERCALL_PAGE, .quad, kit_hypercall_page
    NOTE XEN_ELFNOTE_SUSPEND_CANCEL, .long, 1
    NOTE XEN_ELFNOTE_SUPPORTED_FEATURES, .long, (1 << XENFEAT_dom0)
    NOTE XEN_ELFNOTE_PHYS32_ENTRY, .long, PHYS(kit_entry_pvh)

/* ---- PV: rsi = start_info ---- */

    .text
    .code64
    .globl kit_entry_pv
kit_entry_pv:
    cld
    lea kit_stacks + KIT_STACK_SIZE(%rip), %rsp
    xor %ebp, %ebp
    mov %rsi, %rdi
    call kit_start_pv
    ud2

/* ---- PVH: ebx = physical address of start info, esp and GDT unusable ---- */

    .code32
    .globl kit_entry_pvh
kit_entry_pvh:
    cld
    lgdt PHYS(boot_gdt_pointer)

    /* Page directories: 4 GiB of 2 MiB pages, present, writable. */
    mov $PHYS(boot_pd), %edi
    mov $0x83, %eax
    xor %edx, %edx
    mov $2048, %ecx
1:  mov %eax, (%edi)
    mov %edx, 4(%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 1b

    /* Low: identity. High: the first 2 GiB again, at KIT_VIRT_BASE. */
    movl $(PHYS(boot_pdpt_low) + 3), PHYS(kit_boot_pml4)
    movl $(PHYS(boot_pdpt_high) + 3), PHYS(kit_boot_pml4) + 511 * 8
    movl $(PHYS(boot_pd) + 0x0003), PHYS(boot_pdpt_low)
    movl $(PHYS(boot_pd) + 0x1003), PHYS(boot_pdpt_low) + 8
    movl $(PHYS(boot_pd) + 0x2003), PHYS(boot_pdpt_low) + 16
    movl $(PHYS(boot_pd) + 0x3003), PHYS(boot_pdpt_low) + 24
    movl $(PHYS(boot_pd) + 0x0003), PHYS(boot_pdpt_high) + 510 * 8
    movl $(PHYS(boot_pd) + 0x1003), PHYS(boot_pdpt_high) + 511 * 8

    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov $PHYS(kit_boot_pml4), %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    rdmsr
    or $EFER_LME, %eax
    wrmsr
    mov %cr0, %eax
    or $(CR0_PG | CR0_WP | CR0_PE), %eax
    mov %eax, %cr0
    ljmp $KIT_CS, $PHYS(1f)

    .code64
1:  movabs $2f, %rax
    jmp *%rax
2:  mov $KIT_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    lea kit_stacks + KIT_STACK_SIZE(%rip), %rsp
    xor %ebp, %ebp
    mov %ebx, %edi
    call kit_start_pvh
    ud2

/* ---- a second vCPU, either kind: rsp set, rdi = its number ---- */

    .globl kit_entry_vcpu
kit_entry_vcpu:
    cld
    xor %ebp, %ebp
    call kit_vcpu_main
    ud2

/* ---- PV: a bad segment on return to the guest; never expected ---- */

    .globl kit_entry_failsafe
kit_entry_failsafe:
    and $-16, %rsp
    call kit_failsafe
    ud2

/* ---- exceptions and upcalls ---- */

/*
 * Each stub makes the frame look alike: vector, error code, rip, cs, rflags,
 * rsp, ss. Under PV, rcx and r11 lie on top of what the processor would push.
 */
.macro STUB vector
stub_\vector:
    .if !((\vector == 8) || (\vector >= 10 && \vector <= 14) || \
          (\vector == 17) || (\vector == 21) || (\vector == 29) || \
          (\vector == 30))
    push $0
    .endif
    push $\vector
    jmp common
pv_stub_\vector:
    pop %rcx
    pop %r11
    jmp stub_\vector
.endm

.altmacro
.set i, 0
.rept KIT_VECTOR_EVENT + 1
    STUB %i
    .set i, i + 1
.endr

.macro STUB_ADDRESS prefix, vector
    .quad \prefix\vector
.endm

    .section .rodata
    .globl kit_stubs
    .balign 8
kit_stubs:
.set i, 0
.rept KIT_VECTOR_EVENT + 1
    STUB_ADDRESS stub_, %i
    .set i, i + 1
.endr
    .globl kit_pv_stubs
kit_pv_stubs:
.set i, 0
.rept KIT_VECTOR_EVENT + 1
    STUB_ADDRESS pv_stub_, %i
    .set i, i + 1
.endr
.noaltmacro

    .text
common:
    push %rax
    push %rcx
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov %rsp, %rdi
    mov %rsp, %rbp
    and $-16, %rsp
    call kit_trap
    mov %rbp, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rbp
    pop %rbx
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    cmpb $0, kit_is_pv(%rip)
    jne 1f
    iretq
1:  push $0 /* flags: restore everything */
    jmp kit_hypercall_page + 23 * 32

    .balign 4096
    .globl kit_hypercall_page
kit_hypercall_page:
    .fill 4096, 1, 0xcc

/* ---- the GDT until C makes one for each vCPU ---- */

    .section .rodata
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* KIT_CS: 64-bit code */
    .quad 0x00cf93000000ffff /* KIT_DS */
boot_gdt_end:
boot_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .long PHYS(boot_gdt)

    .section .bss.pages, "aw", @nobits
    .balign 4096
    .globl kit_boot_pml4
kit_boot_pml4:
    .skip 4096
boot_pdpt_low:
    .skip 4096
boot_pdpt_high:
    .skip 4096
boot_pd:
    .skip 4 * 4096

    .section .note.GNU-stack, "", @progbits
