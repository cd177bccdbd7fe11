/* SPDX-License-Identifier: MIT */
/*
 * Numbers that the kit's C, assembly and linker scripts share. Included by
 * all three: macros only.
 */
#ifndef SCHEDOP_KIT_LAYOUT_H
#define SCHEDOP_KIT_LAYOUT_H

/* Where guest-physical address 0 appears in the 64-bit image (PV and PVH). */
#define KIT_VIRT_BASE 0xffffffff80000000
#define KIT_LOAD_PADDR 0x100000

/* Stacks are aligned to their size: the vCPU number is at the low end. */
#define KIT_STACK_SIZE 0x4000

/* Segment selectors of the kit's own GDT. */
#define KIT_CS 0x08
#define KIT_DS 0x10
#define KIT_TSS 0x18

/* Exceptions use their own vectors; the event upcall the first one after. */
#define KIT_VECTOR_EVENT 32

#endif
