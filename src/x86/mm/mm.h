/* SPDX-License-Identifier: MIT */
/*
 * mm/: physical memory and the address space of the hypervisor.
 *
 * Two zones. RAM (ram.c) is what guests get, in blocks of 2 MiB, first fit
 * from below. The heap (heap.c) is the hypervisor's own, in pages; it starts
 * with one block taken from the top of RAM and takes more when it must.
 *
 * One set of page tables for all pCPUs (paging.c). Below 512 GiB an address
 * is its own physical address; mapped there are only the image (text r-x,
 * read-only data r--, data rw-), the heap (rw-) and the boot modules (r--).
 * Page 0 is not mapped. The upper half holds what moves:
 *
 *   VA_WINDOWS  a few pages per pCPU, window_open()
 *   VA_BULK     three 2 MiB windows per pCPU: pa_copy() and its relatives,
 *               view.h
 *   VA_FRAMES   frame_map()
 *   VA_STACKS   the pCPUs' stacks with a guard page below each
 *   VA_DEVICES  device registers, not cached
 *   VA_RANGES   ram_map()
 *
 * An address below VA_FRAMES is used by one pCPU only, so unmapping needs no
 * word to the others. The other areas are reused only after a TLB flush on
 * all pCPUs, done by NMI since everybody runs with interrupts off.
 *
 * Locks: heap_lock, then ram_lock; paging_lock is taken with neither held and
 * holds off both. All are leaves to the rest of the port.
 */
#ifndef SCHEDOP_X86_MM_MM_H
#define SCHEDOP_X86_MM_MM_H

#include "../x86.h"

#define GIB (1ull << 30)

#define VA_WINDOWS 0xffff800000000000ull
#define VA_BULK (VA_WINDOWS + 1 * GIB)
#define VA_FRAMES (VA_WINDOWS + 2 * GIB)
#define VA_STACKS (VA_WINDOWS + 3 * GIB)
#define VA_DEVICES (VA_WINDOWS + 4 * GIB)
#define VA_RANGES (VA_WINDOWS + 8 * GIB)

#define PA_LIMIT (512 * GIB) /* RAM above this is not used */

#define PTE_P (1ull << 0)
#define PTE_W (1ull << 1)
#define PTE_PWT (1ull << 3)
#define PTE_PCD (1ull << 4)
#define PTE_A (1ull << 5)
#define PTE_D (1ull << 6)
#define PTE_PS (1ull << 7)
#define PTE_NX (1ull << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull

#define PTE_TABLE (PTE_P | PTE_W)
#define PTE_RX (PTE_P | PTE_A)
#define PTE_RO (PTE_P | PTE_A | PTE_NX)
#define PTE_RW (PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX)
#define PTE_DEVICE (PTE_RW | PTE_PCD | PTE_PWT)

/* Stacks of a pCPU, each with an unmapped page below. */
enum stack { STACK_MAIN, STACK_FAULT, STACK_DEAD, STACK_NMI, STACKS };
#define STACK_STRIDE 0x20000ull /* from pCPU to pCPU */
#define STACK_SLOT 0x8000ull    /* from stack to stack; ends at its top */

static inline uint64_t stack_top(unsigned index, enum stack which)
{
    return VA_STACKS + index * STACK_STRIDE + (which + 1ull) * STACK_SLOT;
}

/*
 * Bytes of a stack, the rest of its slot is guard. Those of faults must do for
 * a panic with all its text; an NMI only flushes the TLB or halts.
 */
static inline uint64_t stack_size(enum stack which)
{
    if (which == STACK_MAIN) {
        return 4 * PAGE_SIZE;
    }
    return which == STACK_NMI ? PAGE_SIZE : 2 * PAGE_SIZE;
}

/* ram.c: builds the block map from boot_info. */
void ram_init(void);
void ram_settle(void);          /* keeps no more of the map than there is RAM */
uint64_t ram_bytes_total(void); /* all usable RAM the loader reported */
uint64_t ram_bytes_free(void);
/* Blocks for the heap: from the top, below `limit`. 0 when exhausted. */
uint64_t ram_take_high(uint64_t bytes, uint64_t limit);

/* heap.c: calls `fn` for each region the heap owns. */
void heap_for_each(void (*fn)(uint64_t pa, uint64_t bytes));
/* Whole pages of the image that nobody needs any more. */
void heap_give(char *start, char *end);

/* paging.c */
void paging_init(void); /* builds the final map and switches to it */
void paging_load(void); /* protection bits of CR4; on each pCPU */
void paging_map_heap(uint64_t pa, uint64_t bytes);
/* The entry that maps `va` at `level` (1: page, 2: 2 MiB); makes tables. */
uint64_t *paging_slot(uint64_t va, unsigned level);
void paging_map(uint64_t va, uint64_t pa, uint64_t flags);
/* The same on behalf of a guest: false, and no panic, without memory. */
bool paging_try_map(uint64_t va, uint64_t pa, uint64_t flags);
void paging_map_stacks(unsigned index);
volatile void *paging_map_device(uint64_t pa); /* one page, for ever */
bool paging_lookup(uint64_t va, uint64_t *pa);

/* window.c */
void window_init(void);
void tlb_flush_all(void); /* on all pCPUs that are online, now */
void tlb_flush_nmi(struct x86_pcpu *self); /* NMI handler's part */

/*
 * What only the start of the machine needs, zeroed at first; never of use
 * after boot_settle(), which gives it to the heap.
 */
#define BOOT_DATA __attribute__((section(".bss.boot")))
extern char image_boot_start[], image_boot_end[];

extern const char image_start[], image_text_end[], image_rodata_end[],
    image_guard[], image_end[];

#endif
