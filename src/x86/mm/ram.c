/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: one bit per 2 MiB block that lies wholly in usable RAM and
 * holds neither the image nor a boot module. First fit from below, so that
 * the same requests always get the same addresses; the heap takes from above.
 */
#include "mm.h"

#include "../cpu/lock.h"

#define BLOCKS_MAX (PA_LIMIT / SUPERPAGE_SIZE)

static struct x86_lock ram_lock;
static uint64_t first_free[BLOCKS_MAX / 64] BOOT_DATA;
static uint64_t first_ours[BLOCKS_MAX / 64] BOOT_DATA;
static uint64_t *free_map = first_free;
static uint64_t *ours_map = first_ours; /* blocks that may be free at all */
static uint64_t nr_blocks, nr_free, bytes_total;

static bool test_bit(const uint64_t *map, uint64_t n)
{
    return (map[n / 64] >> (n % 64) & 1) != 0;
}

static void set_bit(uint64_t *map, uint64_t n)
{
    map[n / 64] |= 1ull << (n % 64);
}

static void clear_bit(uint64_t *map, uint64_t n)
{
    map[n / 64] &= ~(1ull << (n % 64));
}

static void add_blocks(uint64_t pa, uint64_t size)
{
    uint64_t first = (pa + SUPERPAGE_SIZE - 1) / SUPERPAGE_SIZE;
    uint64_t end = (pa + size) / SUPERPAGE_SIZE;

    if (first == 0) {
        first = 1; /* low memory is the firmware's and ours */
    }
    for (uint64_t n = first; n < end && n < BLOCKS_MAX; n++) {
        set_bit(ours_map, n);
        nr_blocks = n + 1;
    }
}

static void drop_blocks(uint64_t pa, uint64_t size)
{
    uint64_t end = (pa + size + SUPERPAGE_SIZE - 1) / SUPERPAGE_SIZE;

    for (uint64_t n = pa / SUPERPAGE_SIZE; n < end && n < BLOCKS_MAX; n++) {
        clear_bit(ours_map, n);
    }
}

void ram_init(void)
{
    for (unsigned i = 0; i < boot_info.nr_ram; i++) {
        add_blocks(boot_info.ram[i].pa, boot_info.ram[i].size);
        bytes_total += boot_info.ram[i].size;
    }
    drop_blocks((uint64_t)image_start,
                (uint64_t)image_end - (uint64_t)image_start);
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        drop_blocks(boot_info.module[i].pa, boot_info.module[i].size);
    }
    for (uint64_t n = 0; n < nr_blocks; n++) {
        if (test_bit(ours_map, n)) {
            set_bit(free_map, n);
            nr_free++;
        }
    }
}

void ram_settle(void)
{
    uint64_t words = (nr_blocks + 63) / 64;
    uint64_t *maps = hv_alloc(2 * words * sizeof(*maps));

    if (maps == NULL) {
        x86_panic("no memory for the map of RAM");
    }
    for (uint64_t i = 0; i < words; i++) {
        maps[i] = free_map[i];
        maps[words + i] = ours_map[i];
    }
    free_map = maps;
    ours_map = maps + words;
}

uint64_t ram_bytes_total(void)
{
    return bytes_total;
}

uint64_t ram_bytes_free(void)
{
    return nr_free * SUPERPAGE_SIZE;
}

static uint64_t take_locked(uint64_t first, uint64_t count)
{
    for (uint64_t n = first; n < first + count; n++) {
        clear_bit(free_map, n);
    }
    nr_free -= count;
    return first * SUPERPAGE_SIZE;
}

static uint64_t blocks_of(uint64_t bytes)
{
    if (bytes == 0 || bytes > PA_LIMIT) {
        return 0;
    }
    return (bytes + SUPERPAGE_SIZE - 1) / SUPERPAGE_SIZE;
}

uint64_t ram_alloc(uint64_t bytes)
{
    uint64_t want = blocks_of(bytes), run = 0, pa = 0;

    x86_lock(&ram_lock);
    for (uint64_t n = 1; want != 0 && n < nr_blocks && pa == 0; n++) {
        run = test_bit(free_map, n) ? run + 1 : 0;
        if (run == want) {
            pa = take_locked(n + 1 - want, want);
        }
    }
    x86_unlock(&ram_lock);
    return pa;
}

uint64_t ram_take_high(uint64_t bytes, uint64_t limit)
{
    uint64_t want = blocks_of(bytes), run = 0, pa = 0, n = nr_blocks;

    if (n > limit / SUPERPAGE_SIZE) {
        n = limit / SUPERPAGE_SIZE;
    }
    x86_lock(&ram_lock);
    while (want != 0 && n-- > 1 && pa == 0) {
        run = test_bit(free_map, n) ? run + 1 : 0;
        if (run == want) {
            pa = take_locked(n, want);
        }
    }
    x86_unlock(&ram_lock);
    return pa;
}

void ram_free(uint64_t pa, uint64_t bytes)
{
    uint64_t first = pa / SUPERPAGE_SIZE, count = blocks_of(bytes);
    bool bad =
        pa % SUPERPAGE_SIZE != 0 || count == 0 || first + count > nr_blocks;

    x86_lock(&ram_lock);
    for (uint64_t n = first; !bad && n < first + count; n++) {
        bad = test_bit(free_map, n) || !test_bit(ours_map, n);
    }
    for (uint64_t n = first; !bad && n < first + count; n++) {
        set_bit(free_map, n);
        nr_free++;
    }
    x86_unlock(&ram_lock);
    if (bad) {
        x86_panic("ram_free: %#llx bytes at %#llx were not allocated",
                  (unsigned long long)bytes, (unsigned long long)pa);
    }
}
