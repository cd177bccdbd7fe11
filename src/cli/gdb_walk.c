/* SPDX-License-Identifier: MIT */
/* Page tables seen by a debugger: see gdb_walk.h. */
#include "gdb_walk.h"

#define CR0_PG (1ull << 31)
#define CR4_PSE (1ull << 4)
#define CR4_PAE (1ull << 5)
#define EFER_LMA (1ull << 10)
#define ENTRY_P 1ull
#define ENTRY_PS (1ull << 7)
#define ENTRY_ADDR 0x000ffffffffff000ull
#define PAGE 4096ull

static bool found(uint64_t base, uint64_t size, uint64_t linear, uint64_t *gpa,
                  uint64_t *left)
{
    uint64_t within = linear & (size - 1);

    *gpa = (base & ~(size - 1)) + within;
    *left = size - within;
    return true;
}

/* Tables of 512 entries of 8 bytes; the first one looked at is of `level`. */
static bool walk_wide(const struct gdb_paging *p, uint64_t table,
                      unsigned level, uint64_t linear, uint64_t *gpa,
                      uint64_t *left)
{
    for (;; level--) {
        unsigned shift = 12 + (level - 1) * 9;
        uint64_t entry;

        if (!p->read(p->context, table + (linear >> shift & 511) * 8, &entry,
                     sizeof(entry)) ||
            !(entry & ENTRY_P)) {
            return false;
        }
        if (level == 1 || (level <= 3 && (entry & ENTRY_PS))) {
            return found(entry & ENTRY_ADDR, 1ull << shift, linear, gpa, left);
        }
        table = entry & ENTRY_ADDR;
    }
}

static bool walk_pae(const struct gdb_paging *p, uint64_t linear, uint64_t *gpa,
                     uint64_t *left)
{
    uint64_t pointer, at = (p->cr3 & 0xffffffe0) + (linear >> 30 & 3) * 8;

    if (!p->read(p->context, at, &pointer, sizeof(pointer)) ||
        !(pointer & ENTRY_P)) {
        return false;
    }
    return walk_wide(p, pointer & ENTRY_ADDR, 2, linear, gpa, left);
}

static bool walk_narrow(const struct gdb_paging *p, uint64_t linear,
                        uint64_t *gpa, uint64_t *left)
{
    uint32_t entry;

    if (!p->read(p->context, (p->cr3 & 0xfffff000) + (linear >> 22 & 1023) * 4,
                 &entry, sizeof(entry)) ||
        !(entry & ENTRY_P)) {
        return false;
    }
    if ((entry & ENTRY_PS) && (p->cr4 & CR4_PSE)) {
        uint64_t high = (uint64_t)(entry >> 13 & 0xff) << 32;

        return found(high | (entry & 0xffc00000), PAGE << 10, linear, gpa,
                     left);
    }
    if (!p->read(p->context, (entry & 0xfffff000) + (linear >> 12 & 1023) * 4,
                 &entry, sizeof(entry)) ||
        !(entry & ENTRY_P)) {
        return false;
    }
    return found(entry & 0xfffff000, PAGE, linear, gpa, left);
}

bool gdb_walk(const struct gdb_paging *p, uint64_t linear, uint64_t *gpa,
              uint64_t *left)
{
    if (p->efer & EFER_LMA) {
        if ((uint64_t)((int64_t)(linear << 16) >> 16) != linear) {
            return false; /* not canonical */
        }
        return walk_wide(p, p->cr3 & ENTRY_ADDR, 4, linear, gpa, left);
    }
    if (linear >> 32 != 0) {
        return false;
    }
    if (!(p->cr0 & CR0_PG)) {
        return found(linear & ~(PAGE - 1), PAGE, linear, gpa, left);
    }
    if (p->cr4 & CR4_PAE) {
        return walk_pae(p, linear, gpa, left);
    }
    return walk_narrow(p, linear, gpa, left);
}
