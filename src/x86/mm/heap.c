/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own pages. The heap is a few regions of whole blocks taken
 * from RAM; the first page of a region (more for huge ones) holds its bitmap,
 * one bit per page, set when in use. First fit. Regions are never given back:
 * what a domain needed the next one will. One region is what the image needed
 * for the boot alone.
 */
#include "mm.h"

#include "../cpu/lock.h"

#define REGIONS_MAX 128u
#define EARLY_LIMIT (4 * GIB) /* what the first page tables map */

struct region {
    uint64_t pa, pages, nr_free;
    uint64_t *map; /* at the start of the region */
};

static struct x86_lock heap_lock;
static struct region regions[REGIONS_MAX];
static unsigned nr_regions;
static uint64_t pages_used, pages_total;
static uint64_t pages_given; /* of the image */
static bool beyond_early;    /* final page tables are in use */

static bool is_used(const struct region *r, uint64_t n)
{
    return (r->map[n / 64] >> (n % 64) & 1) != 0;
}

static void mark(struct region *r, uint64_t first, uint64_t count, bool used)
{
    for (uint64_t n = first; n < first + count; n++) {
        if (used) {
            r->map[n / 64] |= 1ull << (n % 64);
        } else {
            r->map[n / 64] &= ~(1ull << (n % 64));
        }
    }
    if (used) {
        r->nr_free -= count;
        pages_used += count;
    } else {
        r->nr_free += count;
        pages_used -= count;
    }
}

/* Takes blocks for at least `pages` pages from RAM; false when exhausted. */
static bool grow_locked(uint64_t pages)
{
    uint64_t map_pages = pages / (8 * PAGE_SIZE) + 1;
    uint64_t bytes = (pages + map_pages) * PAGE_SIZE;
    struct region *r = &regions[nr_regions];

    if (bytes < pages_total * PAGE_SIZE / 4) {
        bytes = pages_total * PAGE_SIZE / 4; /* so that few regions suffice */
    }
    bytes = (bytes + SUPERPAGE_SIZE - 1) & ~(SUPERPAGE_SIZE - 1);
    map_pages = bytes / PAGE_SIZE / (8 * PAGE_SIZE) + 1;
    if (nr_regions == REGIONS_MAX) {
        return false;
    }
    r->pa = ram_take_high(bytes, beyond_early ? PA_LIMIT : EARLY_LIMIT);
    if (r->pa == 0) {
        return false;
    }
    paging_map_heap(r->pa, bytes);
    r->pages = bytes / PAGE_SIZE;
    r->nr_free = r->pages;
    r->map = (uint64_t *)r->pa;
    __builtin_memset(r->map, 0, map_pages * PAGE_SIZE);
    mark(r, 0, map_pages, true);
    pages_total += r->pages;
    nr_regions++;
    return true;
}

/* Mapped they are, and they stay where the image is. */
void heap_give(char *start, char *end)
{
    struct region *r = &regions[nr_regions];

    x86_lock(&heap_lock);
    r->pa = (uint64_t)start;
    r->pages = (uint64_t)(end - start) / PAGE_SIZE;
    r->nr_free = r->pages;
    r->map = (uint64_t *)r->pa;
    __builtin_memset(r->map, 0, PAGE_SIZE);
    mark(r, 0, 1, true);
    pages_given += r->pages;
    nr_regions++;
    x86_unlock(&heap_lock);
}

static void *take_from(struct region *r, uint64_t pages)
{
    uint64_t run = 0;

    if (r->nr_free < pages) {
        return NULL;
    }
    for (uint64_t n = 0; n < r->pages; n++) {
        if (n % 64 == 0 && r->map[n / 64] == UINT64_MAX) {
            n += 63;
            run = 0;
            continue;
        }
        run = is_used(r, n) ? 0 : run + 1;
        if (run == pages) {
            mark(r, n + 1 - pages, pages, true);
            return (void *)(r->pa + (n + 1 - pages) * PAGE_SIZE);
        }
    }
    return NULL;
}

void *hv_alloc(size_t bytes)
{
    uint64_t pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    void *p = NULL;

    if (pages == 0 || bytes > PA_LIMIT) {
        return NULL;
    }
    x86_lock(&heap_lock);
    for (unsigned i = 0; i < nr_regions && p == NULL; i++) {
        p = take_from(&regions[i], pages);
    }
    if (p == NULL && grow_locked(pages)) {
        p = take_from(&regions[nr_regions - 1], pages);
    }
    x86_unlock(&heap_lock);
    if (p != NULL) {
        __builtin_memset(p, 0, pages * PAGE_SIZE);
    }
    return p;
}

static bool free_locked(uint64_t pa, uint64_t pages)
{
    for (unsigned i = 0; i < nr_regions; i++) {
        struct region *r = &regions[i];
        uint64_t first = (pa - r->pa) / PAGE_SIZE;

        if (pa < r->pa || first + pages > r->pages) {
            continue;
        }
        for (uint64_t n = first; n < first + pages; n++) {
            if (!is_used(r, n)) {
                return false;
            }
        }
        mark(r, first, pages, false);
        return true;
    }
    return false;
}

void hv_free(void *p, size_t bytes)
{
    uint64_t pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    bool good;

    if (p == NULL) {
        return;
    }
    x86_lock(&heap_lock);
    good = (uint64_t)p % PAGE_SIZE == 0 && free_locked((uint64_t)p, pages);
    x86_unlock(&heap_lock);
    if (!good) {
        x86_panic("hv_free: %zu bytes at %p were not allocated", bytes, p);
    }
}

uint64_t hv_bytes_used(void)
{
    return (uint64_t)image_end - (uint64_t)image_start +
           (pages_used - pages_given) * PAGE_SIZE;
}

void heap_for_each(void (*fn)(uint64_t pa, uint64_t bytes))
{
    beyond_early = true;
    for (unsigned i = 0; i < nr_regions; i++) {
        fn(regions[i].pa, regions[i].pages * PAGE_SIZE);
    }
}
