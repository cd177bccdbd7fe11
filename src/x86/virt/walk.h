/* SPDX-License-Identifier: MIT */
/*
 * Translation of a guest's linear addresses by its own page tables: no
 * paging, 32-bit (with 4 MiB pages), PAE and 4-level.
 *
 * Pure: the tables are reached through one callback, so the same file runs in
 * the unit tests. Rights follow what Xen applies to hypercall operands:
 * present, writable (CR0.WP honoured), user for CPL 3, SMAP unless EFLAGS.AC.
 * Accessed and dirty bits are set as a processor would. Of a linear address
 * in 4-level paging only the lower 48 bits are looked at, as Xen does: an
 * operand may have an address that no instruction could use. Departures:
 * reserved bits other than NX without EFER.NXE are not checked, and PAE's
 * directory pointers are read from memory, where an accessed bit is tolerated.
 */
#ifndef SCHEDOP_X86_VIRT_WALK_H
#define SCHEDOP_X86_VIRT_WALK_H

#include <stdbool.h>
#include <stdint.h>

#define X86_CR0_PE (1ull << 0)
#define X86_CR0_TS (1ull << 3)
#define X86_CR0_ET (1ull << 4)
#define X86_CR0_WP (1ull << 16)
#define X86_CR0_NW (1ull << 29)
#define X86_CR0_CD (1ull << 30)
#define X86_CR0_PG (1ull << 31)
#define X86_CR4_DE (1ull << 3)
#define X86_CR4_PSE (1ull << 4)
#define X86_CR4_PAE (1ull << 5)
#define X86_CR4_SMAP (1ull << 21)
#define X86_EFER_SCE (1ull << 0)
#define X86_EFER_LME (1ull << 8)
#define X86_EFER_LMA (1ull << 10)
#define X86_EFER_NXE (1ull << 11)
#define X86_EFER_SVME (1ull << 12)
#define X86_FLAGS_CF (1ull << 0)
#define X86_FLAGS_TF (1ull << 8)
#define X86_FLAGS_IF (1ull << 9)
#define X86_FLAGS_DF (1ull << 10)
#define X86_FLAGS_RF (1ull << 16)
#define X86_FLAGS_VM (1ull << 17)
#define X86_FLAGS_AC (1ull << 18)

/* Access kinds, and the error code of the page fault they lead to. */
#define WALK_PRESENT (1u << 0)
#define WALK_WRITE (1u << 1)
#define WALK_USER (1u << 2)
#define WALK_FETCH (1u << 4)

/*
 * The page of guest frame `gfn` to read and write, NULL when it is not RAM.
 * Valid until the next call.
 */
typedef void *walk_frame(void *context, uint64_t gfn);

/* What decides a translation. */
struct walk_state {
    uint64_t cr0, cr3, cr4, efer, rflags;
    walk_frame *frame;
    void *context;
};

/* Could an instruction in 64-bit mode use this address? */
static inline bool walk_is_canonical(uint64_t linear)
{
    return (uint64_t)((int64_t)(linear << 16) >> 16) == linear;
}

/*
 * Translates `linear` for `access` (WALK_WRITE, WALK_USER, WALK_FETCH).
 * Returns true and the guest-physical address, or false and the error code
 * of the page fault.
 */
bool walk_linear(const struct walk_state *s, uint64_t linear, unsigned access,
                 uint64_t *gpa, unsigned *fault);

#endif
