/* SPDX-License-Identifier: MIT */
/* The 32-bit PVH image: physical from 1 MiB. */
#include "layout.h"

OUTPUT_FORMAT(elf32-i386)
ENTRY(kit_entry_pvh)

PHDRS
{
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
    note PT_NOTE FLAGS(4);
}

SECTIONS
{
    . = KIT_LOAD_PADDR;
    kit_image_start = .;
    .text : { *(.text .text.*) } :text
    . = ALIGN(4096);
    .rodata : { *(.rodata .rodata.*) } :rodata
    .note.Xen : { KEEP(*(.note.Xen)) } :rodata :note
    . = ALIGN(4096);
    .data : { *(.data .data.* .got .got.plt) } :data
    .bss : { *(.bss .bss.* COMMON) } :data
    . = ALIGN(4096);
    kit_image_end = .;
    /DISCARD/ : { *(.eh_frame*) *(.comment) *(.note.gnu*) *(.note.GNU*) }
}
