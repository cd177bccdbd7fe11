/* SPDX-License-Identifier: MIT */
/* Virtual addresses of a domain: see core_walk.h. */
#include "core_walk.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define CR0_PG (1ull << 31)
#define CR4_PSE (1ull << 4)
#define CR4_PAE (1ull << 5)
#define CR4_LA57 (1ull << 12)
#define EFER_LMA (1ull << 10)
#define ENTRY_PRESENT 1u
#define ENTRY_LARGE 0x80u
#define ENTRY_ADDRESS 0x000ffffffffff000ull
#define PAE_CR3 0xffffffe0ull
#define TABLES_MAX 200000u /* looked at, for all vCPUs together */

/* ---- memory ---- */

/* The run with `gfn` in it or, failing that, the first behind; NULL: none. */
static const struct schedop_state_run *find_run(const struct schedop_state *s,
                                                uint64_t gfn)
{
    const struct schedop_state_run *run = state_runs(s);
    uint64_t low = 0, high = s->nr_runs;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (run[middle].gfn + run[middle].frames <= gfn) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < s->nr_runs ? &run[low] : NULL;
}

uint64_t core_memory(const struct schedop_state *s, const struct ram *ram,
                     uint64_t pa, uint64_t size, const uint8_t **at)
{
    const struct schedop_state_run *run = find_run(s, pa / PAGE);
    uint64_t into;

    if (run == NULL || run->gfn * PAGE > pa) {
        return 0;
    }
    into = pa - run->gfn * PAGE;
    if (size > run->frames * PAGE - into) {
        size = run->frames * PAGE - into;
    }
    *at = ram_at(ram, run->pa + into, size);
    return *at != NULL ? size : 0;
}

/* ---- lists of mappings ---- */

static uint64_t last_of(const struct core_map *m)
{
    return m->va + (m->size - 1); /* the end may be 2^64 */
}

static void add(struct core_maps *maps, struct core_map m)
{
    struct core_map *last = maps->nr > 0 ? &maps->map[maps->nr - 1] : NULL;

    if (last != NULL && last->va + last->size == m.va && m.va != 0 &&
        last->pa + last->size == m.pa) {
        last->size += m.size;
    } else if (maps->nr == CORE_MAPS_MAX) {
        maps->cut = true;
    } else {
        /* Room for twice as many. */
        if (maps->map == NULL || (maps->nr & (maps->nr - 1)) == 0) {
            maps->map =
                cli_grow(maps->map, 2 * maps->nr + 1, sizeof(*maps->map));
        }
        maps->map[maps->nr++] = m;
    }
}

void core_maps_free(struct core_maps *maps)
{
    free(maps->map);
    *maps = (struct core_maps){0};
}

static int by_va(const void *a, const void *b)
{
    const struct core_map *x = a, *y = b;

    return x->va < y->va ? -1 : x->va > y->va;
}

/* Adds of `more` what `maps` has nothing for; both in order. */
static void overlay(struct core_maps *maps, const struct core_maps *more)
{
    struct core_maps out = {.cut = maps->cut || more->cut};
    size_t i = 0;

    for (size_t k = 0; k < more->nr; k++) {
        struct core_map m = more->map[k];

        while (m.size > 0) {
            struct core_map part = m;

            while (i < maps->nr && last_of(&maps->map[i]) < m.va) {
                add(&out, maps->map[i++]);
            }
            if (i < maps->nr && maps->map[i].va <= m.va) {
                /* There already, as far as that one goes. */
                part.size = last_of(&maps->map[i]) - m.va + 1;
                part.size = part.size < m.size ? part.size : m.size;
            } else {
                if (i < maps->nr && maps->map[i].va <= last_of(&m)) {
                    part.size = maps->map[i].va - m.va;
                }
                add(&out, part);
            }
            m.va += part.size;
            m.pa += part.size;
            m.size -= part.size;
        }
    }
    while (i < maps->nr) {
        add(&out, maps->map[i++]);
    }
    core_maps_free(maps);
    *maps = out;
}

/* ---- page tables ---- */

struct walk {
    const struct schedop_state *s;
    const struct ram *ram;
    struct core_maps *maps;
    unsigned tables; /* that may still be looked at */
    unsigned levels; /* 2: of 32 bits, 3: PAE, 4 and 5 */
    bool large;      /* 2 levels: CR4.PSE */
};

/* What of it is memory of the domain. */
static void leaf(const struct walk *w, uint64_t va, uint64_t pa, uint64_t size)
{
    while (size > 0) {
        const struct schedop_state_run *run = find_run(w->s, pa / PAGE);
        uint64_t skip = 0, part;

        if (run == NULL || run->gfn * PAGE >= pa + size) {
            return;
        }
        if (run->gfn * PAGE > pa) {
            skip = run->gfn * PAGE - pa;
        }
        part = (run->gfn + run->frames) * PAGE - (pa + skip);
        part = part < size - skip ? part : size - skip;
        add(w->maps, (struct core_map){va + skip, pa + skip, part});
        va += skip + part;
        pa += skip + part;
        size -= skip + part;
    }
}

static unsigned index_bits(const struct walk *w)
{
    return w->levels == 2 ? 10 : 9;
}

static unsigned shift_of(const struct walk *w, unsigned level)
{
    return 12 + (level - 1) * index_bits(w);
}

static uint64_t entry_of(const struct walk *w, const uint8_t *table, unsigned i)
{
    uint64_t wide;
    uint32_t narrow;

    if (w->levels == 2) {
        memcpy(&narrow, table + i * sizeof(narrow), sizeof(narrow));
        return narrow;
    }
    memcpy(&wide, table + i * sizeof(wide), sizeof(wide));
    return wide;
}

static bool is_leaf(const struct walk *w, unsigned level, uint64_t entry)
{
    if (level == 1) {
        return true;
    }
    if ((entry & ENTRY_LARGE) == 0) {
        return false;
    }
    return level == 2 ? w->levels > 2 || w->large : level == 3 && w->levels > 3;
}

static uint64_t leaf_address(const struct walk *w, unsigned level,
                             uint64_t entry)
{
    uint64_t pa = entry & ENTRY_ADDRESS;

    if (w->levels == 2 && level == 2) {
        pa |= (entry >> 13 & 0xff) << 32; /* PSE-36 */
    }
    return pa & ~((1ull << shift_of(w, level)) - 1);
}

/* Entries `from` to `to` - 1 of the table at `pa`, which maps `va` on. */
static void table(struct walk *w, unsigned level, uint64_t pa, uint64_t va,
                  unsigned from, unsigned to)
{
    unsigned entry_bytes = w->levels == 2 ? 4 : 8;
    const uint8_t *at;

    if (w->tables == 0 || w->maps->cut ||
        core_memory(w->s, w->ram, pa, to * entry_bytes, &at) <
            to * entry_bytes) {
        w->maps->cut |= w->tables == 0;
        return;
    }
    w->tables--;
    for (unsigned i = from; i < to; i++) {
        uint64_t entry = entry_of(w, at, i);
        uint64_t there = va | (uint64_t)i << shift_of(w, level);

        if ((entry & ENTRY_PRESENT) == 0) {
            continue;
        }
        if (level == w->levels && level > 3 && i >= 256) {
            there |= ~0ull << (shift_of(w, level) + 9); /* canonical */
        }
        if (is_leaf(w, level, entry)) {
            leaf(w, there, leaf_address(w, level, entry),
                 1ull << shift_of(w, level));
        } else {
            table(w, level - 1, entry & ENTRY_ADDRESS, there, 0,
                  1u << index_bits(w));
        }
    }
}

static void walk_vcpu(struct walk *w, const struct schedop_state_vcpu *v)
{
    struct core_maps own = {0}, *all = w->maps;

    w->large = (v->cr4 & CR4_PSE) != 0;
    w->maps = &own;
    if (v->efer & EFER_LMA) {
        w->levels = v->cr4 & CR4_LA57 ? 5 : 4;
        /* Kernels first: theirs should not be what a limit cuts. */
        table(w, w->levels, v->cr3 & ENTRY_ADDRESS, 0, 256, 512);
        table(w, w->levels, v->cr3 & ENTRY_ADDRESS, 0, 0, 256);
    } else if (v->cr4 & CR4_PAE) {
        w->levels = 3;
        table(w, 3, v->cr3 & PAE_CR3, 0, 0, 4);
    } else {
        w->levels = 2;
        table(w, 2, v->cr3 & ENTRY_ADDRESS & UINT32_MAX, 0, 0, 1024);
    }
    w->maps = all;
    if (own.nr > 1) {
        qsort(own.map, own.nr, sizeof(*own.map), by_va);
    }
    overlay(all, &own);
    core_maps_free(&own);
}

static bool pages(const struct schedop_state_vcpu *v)
{
    return (v->flags & SCHEDOP_STATE_INITIALISED) != 0 &&
           (v->cr0 & CR0_PG) != 0;
}

/* Does one of the vCPUs before `n` use the same tables? */
static bool seen_before(const struct schedop_state *s, unsigned n)
{
    const struct schedop_state_vcpu *v = state_vcpu(s, n);

    for (unsigned i = 0; i < n; i++) {
        const struct schedop_state_vcpu *o = state_vcpu(s, i);

        if (pages(o) && o->cr3 == v->cr3 && o->cr4 == v->cr4 &&
            o->efer == v->efer) {
            return true;
        }
    }
    return false;
}

void core_walk(const struct schedop_state *s, const struct ram *ram,
               struct core_maps *maps)
{
    struct walk w = {.s = s, .ram = ram, .maps = maps, .tables = TABLES_MAX};
    const struct schedop_state_run *run = state_runs(s);
    bool any = false;

    for (unsigned n = 0; n < s->nr_vcpus; n++) {
        if (pages(state_vcpu(s, n)) && !seen_before(s, n)) {
            any = true;
            walk_vcpu(&w, state_vcpu(s, n));
        }
    }
    for (uint64_t i = 0; !any && i < s->nr_runs; i++) {
        uint64_t pa = run[i].gfn * PAGE;

        add(maps, (struct core_map){pa, pa, run[i].frames * PAGE});
    }
}
