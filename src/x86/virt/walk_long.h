/* SPDX-License-Identifier: MIT */
/*
 * The walk for 4-level tables, inline: copies for 64-bit guests spend most of
 * their time here. Same rules as walk.c, which uses it too, so that its tests
 * hold this.
 */
#ifndef SCHEDOP_X86_VIRT_WALK_LONG_H
#define SCHEDOP_X86_VIRT_WALK_LONG_H

#include "walk.h"

#include <stddef.h>

#define PTE_LONG_P (1ull << 0)
#define PTE_LONG_W (1ull << 1)
#define PTE_LONG_U (1ull << 2)
#define PTE_LONG_A (1ull << 5)
#define PTE_LONG_D (1ull << 6)
#define PTE_LONG_PS (1ull << 7)
#define PTE_LONG_NX (1ull << 63)
#define PTE_LONG_ADDR 0x000ffffffffff000ull
#define WALK_RESERVED 8u /* of the fault's error code */

/* May `access` go where the entries on the way allow this much? */
static inline bool walk_allowed(const struct walk_state *s, unsigned access,
                                bool writable, bool user, bool no_execute)
{
    bool by_user = access & WALK_USER;

    if (by_user && !user) {
        return false;
    }
    if (!by_user && user && !(access & WALK_FETCH) && (s->cr4 & X86_CR4_SMAP) &&
        !(s->rflags & X86_FLAGS_AC)) {
        return false;
    }
    if ((access & WALK_WRITE) && !writable &&
        (by_user || (s->cr0 & X86_CR0_WP))) {
        return false;
    }
    return !((access & WALK_FETCH) && no_execute);
}

/* The error code: without NXE no fault is said to be a fetch's. */
static inline unsigned walk_fault(const struct walk_state *s, unsigned access,
                                  unsigned bits)
{
    if (!(s->efer & X86_EFER_NXE)) {
        access &= ~WALK_FETCH;
    }
    return (access & ~WALK_PRESENT) | bits;
}

/* Told of each entry read on the way, with the value it had. */
typedef void walk_seen(void *context, const uint64_t *entry, uint64_t value);

/* As walk_linear(), for long mode. */
static inline __attribute__((always_inline)) bool
walk_long(const struct walk_state *s, walk_frame *frame, walk_seen *seen,
          void *context, uint64_t linear, unsigned access, uint64_t *gpa,
          unsigned *fault)
{
    uint64_t refused = s->efer & X86_EFER_NXE ? 0 : PTE_LONG_NX;
    uint64_t at = s->cr3 & PTE_LONG_ADDR, all = UINT64_MAX, any = 0;
    uint64_t marks = PTE_LONG_A, mask, pte;
    unsigned shift = 39;
    uint64_t *entry;

    for (;; shift -= 9) {
        entry = frame(context, at >> 12);
        if (!entry) {
            *fault = walk_fault(s, access, 0);
            return false;
        }
        entry += linear >> shift & 511;
        pte = __atomic_load_n(entry, __ATOMIC_RELAXED);
        if (!(pte & PTE_LONG_P) || (pte & refused)) {
            *fault = walk_fault(
                s, access, pte & PTE_LONG_P ? WALK_PRESENT | WALK_RESERVED : 0);
            return false;
        }
        if (seen) {
            seen(context, entry, pte);
        }
        all &= pte;
        any |= pte;
        if (shift == 12 || ((pte & PTE_LONG_PS) && shift < 39)) {
            break;
        }
        if (!(pte & PTE_LONG_A)) {
            __atomic_fetch_or(entry, PTE_LONG_A, __ATOMIC_RELAXED);
        }
        at = pte & PTE_LONG_ADDR;
    }
    if (!walk_allowed(s, access, all & PTE_LONG_W, all & PTE_LONG_U,
                      any & PTE_LONG_NX)) {
        *fault = walk_fault(s, access, WALK_PRESENT);
        return false;
    }
    if (access & WALK_WRITE) {
        marks |= PTE_LONG_D;
    }
    if ((pte & marks) != marks) {
        __atomic_fetch_or(entry, marks, __ATOMIC_RELAXED);
    }
    mask = (1ull << shift) - 1;
    *gpa = (pte & PTE_LONG_ADDR & ~mask) | (linear & mask);
    return true;
}

#endif
