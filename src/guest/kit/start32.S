/* SPDX-License-Identifier: MIT */
/*
 * Entry points of the 32-bit PVH image. Paging stays off; all that is missing
 * at entry is a stack and a GDT (spec 8.2).
 */
#define __ASSEMBLY__
#include <xen/elfnote.h>
#include <xen/features.h>
#include "layout.h"

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
    NOTE XEN_ELFNOTE_SUPPORTED_FEATURES, .long, (1 << XENFEAT_dom0)
    NOTE XEN_ELFNOTE_PHYS32_ENTRY, .long, kit_entry_pvh

    .text
    .globl kit_entry_pvh
kit_entry_pvh:
    cld
    mov $kit_stacks + KIT_STACK_SIZE, %esp
    lgdt boot_gdt_pointer
    ljmp $KIT_CS, $1f
1:  mov $KIT_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    xor %ebp, %ebp
    sub $12, %esp /* 16-byte alignment at the call */
    push %ebx
    call kit_start_pvh
    ud2

/* A second vCPU: esp set, eax = its number. */
    .globl kit_entry_vcpu
kit_entry_vcpu:
    cld
    xor %ebp, %ebp
    sub $12, %esp
    push %eax
    call kit_vcpu_main
    ud2

.macro STUB vector
stub_\vector:
    .if !((\vector == 8) || (\vector >= 10 && \vector <= 14) || \
          (\vector == 17) || (\vector == 21) || (\vector == 29) || \
          (\vector == 30))
    push $0
    .endif
    push $\vector
    jmp common
.endm

.altmacro
.set i, 0
.rept KIT_VECTOR_EVENT + 1
    STUB %i
    .set i, i + 1
.endr

.macro STUB_ADDRESS vector
    .long stub_\vector
.endm

    .section .rodata
    .globl kit_stubs
    .balign 4
kit_stubs:
.set i, 0
.rept KIT_VECTOR_EVENT + 1
    STUB_ADDRESS %i
    .set i, i + 1
.endr
.noaltmacro

    .text
common:
    pusha
    cld
    mov %esp, %ebp
    mov %esp, %eax
    and $-16, %esp
    sub $12, %esp
    push %eax
    call kit_trap
    mov %ebp, %esp
    popa
    add $8, %esp
    iret

    .balign 4096
    .globl kit_hypercall_page
kit_hypercall_page:
    .fill 4096, 1, 0xcc

    .section .rodata
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff /* KIT_CS: 32-bit code */
    .quad 0x00cf93000000ffff /* KIT_DS */
boot_gdt_end:
boot_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt

    .section .note.GNU-stack, "", @progbits
