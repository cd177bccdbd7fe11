/* SPDX-License-Identifier: MIT */
/* The 64-bit image: virtual at the top 2 GiB, physical from 1 MiB. */
#include "layout.h"

OUTPUT_FORMAT(elf64-x86-64)
ENTRY(kit_entry_pv)
EXTERN(kit_entry_pvh)

PHDRS
{
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
    note PT_NOTE FLAGS(4);
}

SECTIONS
{
    . = KIT_VIRT_BASE + KIT_LOAD_PADDR;
    kit_image_start = .;
    .text : AT(ADDR(.text) - KIT_VIRT_BASE) { *(.text .text.*) } :text
    . = ALIGN(4096);
    .rodata : AT(ADDR(.rodata) - KIT_VIRT_BASE)
    { *(.rodata .rodata.*) } :rodata
    .note.Xen : AT(ADDR(.note.Xen) - KIT_VIRT_BASE)
    { KEEP(*(.note.Xen)) } :rodata :note
    . = ALIGN(4096);
    .data : AT(ADDR(.data) - KIT_VIRT_BASE)
    { *(.data .data.* .got .got.plt) } :data
    .bss : AT(ADDR(.bss) - KIT_VIRT_BASE)
    { *(.bss .bss.* COMMON) } :data
    . = ALIGN(4096);
    kit_image_end = .;
    /DISCARD/ : { *(.eh_frame*) *(.comment) *(.note.gnu*) *(.note.GNU*) }
}
