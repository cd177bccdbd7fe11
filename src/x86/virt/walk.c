/* SPDX-License-Identifier: MIT */
/* See walk.h. 4-level tables are walked by walk_long.h, the others here. */
#include "walk_long.h"

#define PTE_P PTE_LONG_P
#define PTE_W PTE_LONG_W
#define PTE_U PTE_LONG_U
#define PTE_A PTE_LONG_A
#define PTE_D PTE_LONG_D
#define PTE_PS PTE_LONG_PS
#define PTE_NX PTE_LONG_NX
#define PTE_ADDR PTE_LONG_ADDR

/* The shape of one paging mode. */
struct walk_mode {
    unsigned levels, bits; /* index bits a level */
    unsigned entry;        /* bytes of an entry */
};

/* One translation under way. */
struct walk {
    const struct walk_state *s;
    struct walk_mode mode;
    uint64_t linear;
    unsigned access, level; /* level: 1 is the leaf of 4 KiB pages */
    bool writable, user, no_execute;
};

static struct walk_mode walk_mode(const struct walk_state *s)
{
    if (s->cr4 & X86_CR4_PAE) {
        return (struct walk_mode){3, 9, 8};
    }
    return (struct walk_mode){2, 10, 4};
}

static unsigned walk_shift(const struct walk *w)
{
    return 12 + (w->level - 1) * w->mode.bits;
}

/* Address of the entry of the current level in the table at `table`. */
static uint64_t walk_entry_gpa(const struct walk *w, uint64_t table)
{
    uint64_t index = w->linear >> walk_shift(w);
    uint64_t mask = (1ull << w->mode.bits) - 1;

    if (w->mode.levels == 3 && w->level == 3) {
        mask = 3;
    }
    return table + (index & mask) * w->mode.entry;
}

/* The entry in place, NULL where there is no RAM. */
static void *walk_entry(const struct walk *w, uint64_t gpa)
{
    uint8_t *page = w->s->frame(w->s->context, gpa >> 12);

    return page ? page + (gpa & 0xfff) : NULL;
}

static uint64_t walk_read(const struct walk *w, void *entry)
{
    if (w->mode.entry == 4) {
        return __atomic_load_n((uint32_t *)entry, __ATOMIC_RELAXED);
    }
    return __atomic_load_n((uint64_t *)entry, __ATOMIC_RELAXED);
}

static void walk_mark(const struct walk *w, void *entry, uint64_t bits)
{
    if (w->mode.entry == 4) {
        __atomic_fetch_or((uint32_t *)entry, (uint32_t)bits, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_or((uint64_t *)entry, bits, __ATOMIC_RELAXED);
    }
}

static bool walk_is_pointer(const struct walk *w)
{
    return w->mode.levels == 3 && w->level == 3;
}

static bool walk_is_leaf(const struct walk *w, uint64_t pte)
{
    if (w->level == 1) {
        return true;
    }
    if (!(pte & PTE_PS) || walk_is_pointer(w)) {
        return false;
    }
    return w->mode.levels != 2 || (w->s->cr4 & X86_CR4_PSE);
}

static void walk_rights(struct walk *w, uint64_t pte)
{
    if (walk_is_pointer(w)) {
        return;
    }
    w->writable = w->writable && (pte & PTE_W);
    w->user = w->user && (pte & PTE_U);
    w->no_execute = w->no_execute || (w->mode.entry == 8 && (pte & PTE_NX));
}

/* The address a leaf maps w->linear to. */
static uint64_t walk_leaf(const struct walk *w, uint64_t pte)
{
    uint64_t mask = (1ull << walk_shift(w)) - 1;
    uint64_t base = pte & PTE_ADDR & ~mask;

    if (w->mode.levels == 2 && w->level == 2) {
        base |= (pte & 0x1fe000) << 19; /* PSE-36 */
    }
    return base | (w->linear & mask);
}

static bool walk_bad_nx(const struct walk *w, uint64_t pte)
{
    return w->mode.entry == 8 && (pte & PTE_NX) && !(w->s->efer & X86_EFER_NXE);
}

/*
 * Looks up one level. Returns 1 with the final address in *gpa, 0 with the
 * next table in *gpa, -1 on a fault with its present bit in *fault.
 */
static int walk_step(struct walk *w, uint64_t *gpa, unsigned *fault)
{
    void *entry = walk_entry(w, walk_entry_gpa(w, *gpa));
    uint64_t pte = entry ? walk_read(w, entry) : 0;
    uint64_t marks = PTE_A;

    if (!(pte & PTE_P)) {
        return -1;
    }
    *fault = WALK_PRESENT;
    if (walk_bad_nx(w, pte)) {
        *fault |= WALK_RESERVED;
        return -1;
    }
    walk_rights(w, pte);
    if (!walk_is_leaf(w, pte)) {
        if (!walk_is_pointer(w) && !(pte & PTE_A)) {
            walk_mark(w, entry, PTE_A);
        }
        *gpa = pte & PTE_ADDR;
        *fault = 0;
        return 0;
    }
    if (!walk_allowed(w->s, w->access, w->writable, w->user, w->no_execute)) {
        return -1;
    }
    if (w->access & WALK_WRITE) {
        marks |= PTE_D;
    }
    if ((pte & marks) != marks) {
        walk_mark(w, entry, marks);
    }
    *gpa = walk_leaf(w, pte);
    return 1;
}

/* 2 and 3 levels. */
static bool walk_short(const struct walk_state *s, uint64_t linear,
                       unsigned access, uint64_t *gpa, unsigned *fault)
{
    struct walk w = {.s = s,
                     .mode = walk_mode(s),
                     .linear = linear,
                     .access = access,
                     .writable = true,
                     .user = true};
    uint64_t at = s->cr3 & (w.mode.levels == 3 ? 0xffffffe0u : 0xfffff000u);
    unsigned bits = 0;

    for (w.level = w.mode.levels; w.level > 0; w.level--) {
        int step = walk_step(&w, &at, &bits);

        if (step > 0) {
            *gpa = at;
            return true;
        }
        if (step < 0) {
            break;
        }
    }
    *fault = walk_fault(s, access, bits);
    return false;
}

bool walk_linear(const struct walk_state *s, uint64_t linear, unsigned access,
                 uint64_t *gpa, unsigned *fault)
{
    bool wide = s->efer & X86_EFER_LMA;

    if (!(s->cr0 & X86_CR0_PG)) {
        *gpa = linear;
        return true;
    }
    *fault = access;
    if (!wide && (linear >> 32) != 0) {
        return false;
    }
    if (wide) {
        return walk_long(s, s->frame, NULL, s->context, linear, access, gpa,
                         fault);
    }
    return walk_short(s, linear, access, gpa, fault);
}
