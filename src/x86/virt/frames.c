/* SPDX-License-Identifier: MIT */
/*
 * The frames of a domain: which of those it owns it has given back, and how
 * many it has now and may have.
 */
#include "domain.h"

#include "../../lib/bitmap.h"

/*
 * One bit per frame the domain owns, set while it is free. Not a list through
 * the frames: the guest may still reach one by an old translation.
 */
static uint64_t frame_index(const struct x86_domain *d, uint64_t pa)
{
    uint64_t before = 0;

    for (unsigned i = 0; i < d->nr_chunks; i++) {
        const struct ram_chunk *c = &d->chunk[i];

        if (pa >= c->pa && pa - c->pa < c->bytes) {
            return before + (pa - c->pa) / PAGE_SIZE;
        }
        before += c->bytes / PAGE_SIZE;
    }
    x86_panic("domain %u does not own frame %llx", d->domid,
              (unsigned long long)pa);
}

static uint64_t frame_pa(const struct x86_domain *d, uint64_t index)
{
    for (unsigned i = 0; i < d->nr_chunks; i++) {
        uint64_t frames = d->chunk[i].bytes / PAGE_SIZE;

        if (index < frames) {
            return d->chunk[i].pa + index * PAGE_SIZE;
        }
        index -= frames;
    }
    x86_panic("domain %u has no frame %llu", d->domid,
              (unsigned long long)index);
}

void frame_put_locked(struct x86_domain *d, uint64_t pa)
{
    uint64_t index = frame_index(d, pa);

    bitmap_set(d->free_map, (uint32_t)index);
    if (index / 64 < d->free_hint) {
        d->free_hint = index / 64;
    }
    d->frames_now--;
}

uint64_t frame_take_locked(struct x86_domain *d)
{
    uint64_t words = (d->frames_max + 63) / 64, index, pa;

    while (d->free_hint < words && d->free_map[d->free_hint] == 0) {
        d->free_hint++;
    }
    if (d->free_hint == words) {
        return 0;
    }
    index = d->free_hint * 64 + bits_lowest(d->free_map[d->free_hint]);
    bitmap_clear(d->free_map, (uint32_t)index);
    pa = frame_pa(d, index);
    pa_zero(pa, PAGE_SIZE);
    d->frames_now++;
    return pa;
}

/* ---------------------------------------------------------------- accounts */

/* As on Xen those beside its RAM count: where the guest has put shared info in
 * the place of a page of RAM, it still has what it was given. */
static unsigned special_frames(const struct x86_domain *d)
{
    return (d->acpi ? 1u : 0u) + (d->console ? 1u : 0u) +
           (d->xenstore ? 1u : 0u);
}

void domain_memory(struct x86_domain *d, uint64_t *now_kib, uint64_t *max_kib)
{
    x86_lock(&d->lock);
    *now_kib = (d->frames_now + special_frames(d)) * (PAGE_SIZE / 1024);
    *max_kib = d->frames_limit * (PAGE_SIZE / 1024);
    x86_unlock(&d->lock);
}

void domain_limit_memory(struct x86_domain *d, uint64_t max_kib)
{
    x86_lock(&d->lock);
    d->frames_limit = max_kib / (PAGE_SIZE / 1024);
    x86_unlock(&d->lock);
}
