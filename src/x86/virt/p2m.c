/* SPDX-License-Identifier: MIT */
/*
 * The physical map: the nested page tables of a domain, 2 MiB and 4 KiB
 * entries. The type of a frame is kept in bits the processor ignores.
 *
 * Tables come from the heap, where an address is its own physical address,
 * and are never given back before the domain is. Readers walk without a lock:
 * entries change by one store and a table once linked in stays. A domain may
 * use no more tables than it takes to map its RAM in pages, plus a few, so it
 * cannot eat the heap by mapping pages far apart.
 */
#include "domain.h"

#include <xen/errno.h>

#define ENTRIES 512u
#define NPT_W (1ull << 1)
#define NPT_U (1ull << 2)
#define NPT_TYPE (7ull << NPT_TYPE_SHIFT)
#define NPT_TABLE (NPT_P | NPT_W | NPT_U)
#define LEVELS 4u
#define TABLES_SPARE 64u

static uint64_t entry_read(const uint64_t *entry)
{
    return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

static void entry_write(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* What a path (domain.h) was found by no longer holds. */
static void paths_end(struct x86_domain *d)
{
    atomic_fetch_add(&d->p2m_version, 1);
}

static uint64_t *table_of(uint64_t entry)
{
    return (uint64_t *)(entry & NPT_ADDR);
}

static unsigned index_of(uint64_t gfn, unsigned level)
{
    return (unsigned)(gfn >> ((level - 1) * 9)) % ENTRIES;
}

static uint64_t leaf(uint64_t pa, enum p2m_type type)
{
    return pa | NPT_TABLE | (uint64_t)type << NPT_TYPE_SHIFT;
}

static uint64_t *table_new(struct x86_domain *d)
{
    uint64_t *table;

    if (d->p2m_tables >= d->p2m_tables_max) {
        return NULL;
    }
    table = hv_alloc(PAGE_SIZE);
    if (table) {
        d->p2m_tables++;
    }
    return table;
}

int p2m_init(struct x86_domain *d, uint64_t ram_bytes)
{
    d->p2m_tables_max = ram_bytes / SUPERPAGE_SIZE + TABLES_SPARE;
    d->p2m_root = table_new(d);
    return d->p2m_root ? 0 : -XEN_ENOMEM;
}

/* Depth-first with a place per level: no recursion. */
void p2m_free(struct x86_domain *d)
{
    uint64_t *table[LEVELS + 1] = {0};
    unsigned at[LEVELS + 1] = {0};
    unsigned level = LEVELS;

    table[LEVELS] = d->p2m_root;
    while (d->p2m_root && level <= LEVELS) {
        uint64_t entry;

        if (level == 1 || at[level] == ENTRIES) {
            hv_free(table[level], PAGE_SIZE);
            level++;
            continue;
        }
        entry = table[level][at[level]++];
        if ((entry & NPT_P) && !(entry & NPT_PS)) {
            level--;
            table[level] = table_of(entry);
            at[level] = 0;
        }
    }
    d->p2m_root = NULL;
    __builtin_memset(d->p2m_directory, 0, sizeof(d->p2m_directory));
}

enum p2m_type p2m_walk(const struct x86_domain *d, uint64_t gfn, uint64_t *pa)
{
    const uint64_t *table = d->p2m_root;

    if (gfn >> (GPA_BITS - PAGE_SHIFT)) {
        return P2M_NONE;
    }
    for (unsigned level = LEVELS;; level--) {
        uint64_t entry = entry_read(&table[index_of(gfn, level)]);

        if (!(entry & NPT_P)) {
            return P2M_NONE;
        }
        if (level == 1 || (entry & NPT_PS)) {
            uint64_t within = gfn & ((1ull << ((level - 1) * 9)) - 1);

            *pa = (entry & NPT_ADDR) + within * PAGE_SIZE;
            return npt_type(entry);
        }
        table = table_of(entry);
    }
}

uint64_t p2m_span(const struct x86_domain *d, uint64_t gfn, enum p2m_type *type,
                  uint64_t *pa)
{
    const uint64_t *table = d->p2m_root;

    for (unsigned level = LEVELS;; level--) {
        uint64_t entry = entry_read(&table[index_of(gfn, level)]);
        uint64_t size = 1ull << ((level - 1) * 9), within = gfn & (size - 1);

        if (!(entry & NPT_P) || level == 1 || (entry & NPT_PS)) {
            *type = entry & NPT_P ? npt_type(entry) : P2M_NONE;
            *pa = (entry & NPT_ADDR) + within * PAGE_SIZE;
            return size - within;
        }
        table = table_of(entry);
    }
}

/* Replaces a 2 MiB entry by a table of pages that maps the same. */
static int split(struct x86_domain *d, uint64_t *slot)
{
    uint64_t entry = *slot;
    uint64_t *table = table_new(d);

    if (!table) {
        return -XEN_ENOMEM;
    }
    for (unsigned i = 0; i < ENTRIES; i++) {
        table[i] = (entry & ~NPT_PS) + i * PAGE_SIZE;
    }
    entry_write(slot, (uint64_t)table | NPT_TABLE);
    return 0;
}

/* A directory maps 1 GiB by entries of 2 MiB; p2m_lookup() begins there. */
static void note_directory(struct x86_domain *d, uint64_t gfn, unsigned level,
                           uint64_t *table)
{
    if (level == 2 && gfn / FRAMES_1G < P2M_DIRECTORIES) {
        __atomic_store_n(&d->p2m_directory[gfn / FRAMES_1G], table,
                         __ATOMIC_RELEASE);
    }
}

/* The entry for `gfn` at `level`, with the tables above it made. */
static uint64_t *slot_make(struct x86_domain *d, uint64_t gfn, unsigned level)
{
    uint64_t *table = d->p2m_root;

    for (unsigned at = LEVELS; at > level; at--) {
        uint64_t *slot = &table[index_of(gfn, at)];

        if (!(*slot & NPT_P)) {
            uint64_t *next = table_new(d);

            if (!next) {
                return NULL;
            }
            entry_write(slot, (uint64_t)next | NPT_TABLE);
            note_directory(d, gfn, at - 1, next);
        } else if ((*slot & NPT_PS) && split(d, slot) != 0) {
            return NULL;
        }
        table = table_of(*slot);
    }
    return &table[index_of(gfn, level)];
}

static void note_gfn(struct x86_domain *d, uint64_t gfn)
{
    if (gfn > d->gfn_max) {
        d->gfn_max = gfn;
    }
}

int p2m_set_locked(struct x86_domain *d, uint64_t gfn, uint64_t pa,
                   enum p2m_type type)
{
    uint64_t *slot;

    if (gfn >> (GPA_BITS - PAGE_SHIFT)) {
        return -XEN_EINVAL;
    }
    slot = slot_make(d, gfn, 1);
    if (!slot) {
        return -XEN_ENOMEM;
    }
    entry_write(slot, leaf(pa, type));
    paths_end(d);
    note_gfn(d, gfn);
    return 0;
}

int p2m_map_range(struct x86_domain *d, uint64_t gfn, uint64_t pa,
                  uint64_t frames)
{
    while (frames > 0) {
        bool large = gfn % FRAMES_2M == 0 && pa % SUPERPAGE_SIZE == 0 &&
                     frames >= FRAMES_2M;
        uint64_t *slot = slot_make(d, gfn, large ? 2 : 1);
        uint64_t step = large ? FRAMES_2M : 1;

        if (!slot) {
            return -XEN_ENOMEM;
        }
        entry_write(slot, leaf(pa, P2M_RAM) | (large ? NPT_PS : 0));
        paths_end(d);
        note_gfn(d, gfn + step - 1);
        gfn += step;
        pa += step * PAGE_SIZE;
        frames -= step;
    }
    return 0;
}

void p2m_clear_locked(struct x86_domain *d, uint64_t gfn)
{
    uint64_t *slot;
    uint64_t pa;

    if (p2m_lookup(d, gfn, &pa) == P2M_NONE) {
        return;
    }
    slot = slot_make(d, gfn, 1);
    if (slot) { /* else a 2 MiB entry that could not be split stays */
        entry_write(slot, 0);
        paths_end(d);
    }
}

/* --------------------------------------------------------------- TLB flush */

static bool is_in_guest_of(const struct x86_svm_pcpu *svm,
                           const struct x86_domain *d)
{
    const struct x86_vcpu *v = svm ? svm->running : NULL;

    return v && v->domain == d;
}

/*
 * A vCPU without a tag gets a fresh one at its next entry, whose translations
 * are all new. Those in the guest now are made to leave it; they take no lock
 * on the way out, so the wait is short.
 */
void p2m_flush(struct x86_domain *d)
{
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        atomic_store(&d->vcpu[i]->asid_generation, 0);
    }
    for (unsigned i = 0; i < x86_nr_pcpus(); i++) {
        struct x86_pcpu *p = x86_pcpu(i);
        struct x86_svm_pcpu *svm = p->svm;
        uint64_t entries;

        if (p == x86_self() || !is_in_guest_of(svm, d)) {
            continue;
        }
        entries = __atomic_load_n(&svm->entries, __ATOMIC_RELAXED);
        irq_send_kick(p);
        while (is_in_guest_of(svm, d) &&
               __atomic_load_n(&svm->entries, __ATOMIC_RELAXED) == entries) {
            pause();
        }
    }
}
