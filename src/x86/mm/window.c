/* SPDX-License-Identifier: MIT */
/*
 * Windows on memory that is not mapped: per-pCPU pages and 2 MiB windows,
 * views, long-lived frames, whole ranges; and the TLB flush the latter two
 * need.
 */
#include "mm.h"

#include "../cpu/asm.h"
#include "../cpu/cpu.h"
#include "../cpu/lock.h"
#include "../irq/irq.h"
#include "view.h"

/* ----------------------------------------------------------- per-pCPU windows
 */

#define BULK_DST 0u
#define BULK_SRC 1u
#define BULK_VIEW 2u
#define BULKS 3u

static uint64_t window_table[512]
    __attribute__((aligned(4096), section(".bss.page")));
static uint64_t bulk_table[512]
    __attribute__((aligned(4096), section(".bss.page")));

struct view views[X86_PCPUS_MAX];

_Static_assert(X86_PCPUS_MAX *WINDOWS <= 512, "one table of windows");

void window_init(void)
{
    *paging_slot(VA_WINDOWS, 2) = (uint64_t)window_table | PTE_TABLE;
    *paging_slot(VA_BULK, 3) = (uint64_t)bulk_table | PTE_TABLE;
    for (unsigned i = 0; i < X86_PCPUS_MAX; i++) {
        unsigned n = i * BULKS + BULK_VIEW;

        views[i] = (struct view){&bulk_table[n], VA_BULK + n * SUPERPAGE_SIZE,
                                 VIEW_NOTHING};
    }
}

static void set_entry(uint64_t *entry, uint64_t va, uint64_t value)
{
    *(volatile uint64_t *)entry = value;
    invlpg(va);
}

static inline void check_pa(uint64_t pa, uint64_t bytes)
{
    if ((pa < (uint64_t)image_end && pa + bytes > (uint64_t)image_start) ||
        (pa & ~PTE_ADDRESS) >> 12 != 0) {
        x86_panic("window on %#llx", (unsigned long long)pa);
    }
}

void *window_open(unsigned slot, uint64_t pa)
{
    unsigned n = x86_self()->index * WINDOWS + slot;
    uint64_t va = VA_WINDOWS + n * PAGE_SIZE;

    if (slot >= WINDOWS) {
        x86_panic("window %u", slot);
    }
    check_pa(pa, PAGE_SIZE);
    set_entry(&window_table[n], va, (pa & PAGE_MASK) | PTE_RW);
    return (void *)va;
}

void window_close(unsigned slot)
{
    unsigned n = x86_self()->index * WINDOWS + slot;

    if (slot < WINDOWS) {
        set_entry(&window_table[n], VA_WINDOWS + n * PAGE_SIZE, 0);
    }
}

/* Opens a 2 MiB window; *len is cut to what of it follows `pa`. */
static char *bulk_open(unsigned slot, uint64_t pa, uint64_t *len)
{
    unsigned n = x86_self()->index * BULKS + slot;
    uint64_t va = VA_BULK + n * SUPERPAGE_SIZE;
    uint64_t offset = pa % SUPERPAGE_SIZE;

    if (*len > SUPERPAGE_SIZE - offset) {
        *len = SUPERPAGE_SIZE - offset;
    }
    check_pa(pa, *len);
    set_entry(&bulk_table[n], va, (pa - offset) | PTE_RW | PTE_PS);
    return (char *)va + offset;
}

static void bulk_close(unsigned slot)
{
    unsigned n = x86_self()->index * BULKS + slot;

    set_entry(&bulk_table[n], VA_BULK + n * SUPERPAGE_SIZE, 0);
}

void pa_copy_in(uint64_t pa, const void *src, size_t len)
{
    const char *from = src;

    while (len > 0) {
        uint64_t part = len;
        char *to = bulk_open(BULK_DST, pa, &part);

        __builtin_memcpy(to, from, part);
        pa += part;
        from += part;
        len -= part;
    }
    bulk_close(BULK_DST);
}

void pa_copy_out(void *dst, uint64_t pa, size_t len)
{
    char *to = dst;

    while (len > 0) {
        uint64_t part = len;
        const char *from = bulk_open(BULK_SRC, pa, &part);

        __builtin_memcpy(to, from, part);
        pa += part;
        to += part;
        len -= part;
    }
    bulk_close(BULK_SRC);
}

void pa_copy(uint64_t dst_pa, uint64_t src_pa, size_t len)
{
    while (len > 0) {
        uint64_t part = len;
        char *to = bulk_open(BULK_DST, dst_pa, &part);
        const char *from = bulk_open(BULK_SRC, src_pa, &part);

        __builtin_memcpy(to, from, part);
        dst_pa += part;
        src_pa += part;
        len -= part;
    }
    bulk_close(BULK_DST);
    bulk_close(BULK_SRC);
}

void pa_zero(uint64_t pa, uint64_t len)
{
    while (len > 0) {
        uint64_t part = len;
        char *to = bulk_open(BULK_DST, pa, &part);

        __builtin_memset(to, 0, part);
        pa += part;
        len -= part;
    }
    bulk_close(BULK_DST);
}

void view_move(struct view *view, uint64_t pa)
{
    uint64_t block = pa & ~(SUPERPAGE_SIZE - 1);

    check_pa(block, SUPERPAGE_SIZE);
    *view->entry = block | PTE_RW | PTE_PS;
    if (view->block != VIEW_NOTHING) {
        invlpg(view->va); /* else it was not mapped: no TLB knows it */
    }
    view->block = block;
}

/* ------------------------------------------------------------------ TLB flush
 */

static struct x86_lock flush_lock;
static _Atomic uint64_t flush_wanted;

void tlb_flush_nmi(struct x86_pcpu *self)
{
    uint64_t wanted = atomic_load(&flush_wanted);

    if (atomic_load(&self->priv->flush_seen) != wanted) {
        write_cr3(read_cr3());
        atomic_store(&self->priv->flush_seen, wanted);
    }
}

/*
 * NMIs, since the others may be spinning with interrupts off for a lock that
 * our caller holds. They get through at the latest when a guest was left.
 */
void tlb_flush_all(void)
{
    struct x86_pcpu *self = x86_self();
    uint64_t wanted;

    x86_lock(&flush_lock);
    wanted = atomic_fetch_add(&flush_wanted, 1) + 1;
    write_cr3(read_cr3());
    atomic_store(&self->priv->flush_seen, wanted);
    for (unsigned i = 0; i < x86_nr_pcpus(); i++) {
        const struct x86_pcpu *p = x86_pcpu(i);

        if (p != self && p->online) {
            apic_send_nmi(p->apic_id);
        }
    }
    for (unsigned i = 0; i < x86_nr_pcpus(); i++) {
        const struct x86_pcpu *p = x86_pcpu(i);

        while (p->online && atomic_load(&p->priv->flush_seen) != wanted) {
            pause();
        }
    }
    x86_unlock(&flush_lock);
}

/* ---------------------------------------------------------- long-lived frames
 */

#define FRAMES_MAX 8192u
/* More are not kept stale: a page table stays for each 512 once used. */
#define FRAMES_STALE 256u

/* free: may be used now; stale: unmapped, but a TLB may still know it. */
static struct x86_lock frame_lock;
static uint8_t frame_state[FRAMES_MAX];
static unsigned frame_hint, nr_stale;
enum { FRAME_FREE, FRAME_USED, FRAME_STALE };

static unsigned frame_find_locked(void)
{
    for (unsigned i = 0; i < FRAMES_MAX; i++) {
        unsigned n = (frame_hint + i) % FRAMES_MAX;

        if (frame_state[n] == FRAME_FREE) {
            frame_hint = n + 1;
            return n;
        }
    }
    return FRAMES_MAX;
}

static void frames_refresh_locked(void)
{
    tlb_flush_all();
    for (unsigned n = 0; n < FRAMES_MAX; n++) {
        if (frame_state[n] == FRAME_STALE) {
            frame_state[n] = FRAME_FREE;
        }
    }
    nr_stale = 0;
    frame_hint = 0;
}

void *frame_map(uint64_t pa)
{
    unsigned n;
    uint64_t va;

    check_pa(pa, PAGE_SIZE);
    x86_lock(&frame_lock);
    n = nr_stale < FRAMES_STALE ? frame_find_locked() : FRAMES_MAX;
    if (n == FRAMES_MAX && nr_stale > 0) {
        frames_refresh_locked();
        n = frame_find_locked();
    }
    if (n < FRAMES_MAX) {
        frame_state[n] = FRAME_USED;
    }
    x86_unlock(&frame_lock);
    if (n == FRAMES_MAX) {
        return NULL;
    }
    va = VA_FRAMES + n * PAGE_SIZE;
    if (!paging_try_map(va, pa & PAGE_MASK, PTE_RW)) {
        x86_lock(&frame_lock);
        frame_state[n] = FRAME_FREE; /* it was never mapped */
        x86_unlock(&frame_lock);
        return NULL;
    }
    return (void *)va;
}

void frame_unmap(void *va)
{
    uint64_t n = ((uint64_t)va - VA_FRAMES) / PAGE_SIZE;

    if (va == NULL) {
        return;
    }
    if ((uint64_t)va < VA_FRAMES || n >= FRAMES_MAX ||
        frame_state[n] != FRAME_USED) {
        x86_panic("frame_unmap: %p is no frame", va);
    }
    set_entry(paging_slot(VA_FRAMES + n * PAGE_SIZE, 1), (uint64_t)va, 0);
    x86_lock(&frame_lock);
    frame_state[n] = FRAME_STALE;
    nr_stale++;
    x86_unlock(&frame_lock);
}

/* --------------------------------------------------------------- whole ranges
 */

#define RANGES_MAX 8u
#define RANGE_STRIDE (8 * GIB)

static struct x86_lock range_lock;
static uint64_t range_bytes[RANGES_MAX]; /* 0: free */

void *ram_map(uint64_t pa, uint64_t bytes)
{
    unsigned n = 0;
    uint64_t va;

    if (pa % SUPERPAGE_SIZE != 0 || bytes == 0 || bytes > RANGE_STRIDE) {
        return NULL;
    }
    check_pa(pa, bytes);
    x86_lock(&range_lock);
    while (n < RANGES_MAX && range_bytes[n] != 0) {
        n++;
    }
    if (n < RANGES_MAX) {
        range_bytes[n] = bytes;
    }
    x86_unlock(&range_lock);
    if (n == RANGES_MAX) {
        return NULL;
    }
    va = VA_RANGES + n * RANGE_STRIDE;
    for (uint64_t at = 0; at < bytes; at += SUPERPAGE_SIZE) {
        *(volatile uint64_t *)paging_slot(va + at, 2) =
            (pa + at) | PTE_RW | PTE_PS;
    }
    return (void *)va;
}

void ram_unmap(void *va)
{
    uint64_t n = ((uint64_t)va - VA_RANGES) / RANGE_STRIDE;

    if ((uint64_t)va % RANGE_STRIDE != VA_RANGES % RANGE_STRIDE ||
        n >= RANGES_MAX || range_bytes[n] == 0) {
        x86_panic("ram_unmap: %p is no range", va);
    }
    for (uint64_t at = 0; at < range_bytes[n]; at += SUPERPAGE_SIZE) {
        *(volatile uint64_t *)paging_slot((uint64_t)va + at, 2) = 0;
    }
    tlb_flush_all();
    x86_lock(&range_lock);
    range_bytes[n] = 0;
    x86_unlock(&range_lock);
}
