/* SPDX-License-Identifier: MIT */
/* memory_op: see main.c. The guest has 32 MiB, of which it uses the lowest. */
#include "surround.h"

#define FRAME 4096u
#define SPARE 0x1800u  /* 6,144: a frame of RAM that nobody uses */
#define BEYOND 0x9000u /* 36,864: no RAM there */

static int64_t memory_op(unsigned command, const void *op)
{
    return call(__HYPERVISOR_memory_op, command, at(op), 0);
}

static int64_t pages; /* at first */

static void count(const char *when)
{
    uint16_t self = DOMID_SELF;
    int64_t now = memory_op(XENMEM_current_reservation, &self);

    if (pages == 0) {
        pages = now;
    }
    say("pages %s: %lld\n", when, (long long)(now - pages));
}

static int64_t extents(unsigned command, uint16_t domid, const void *list,
                       uint64_t nr, unsigned order)
{
    struct xen_memory_reservation op = {
        .nr_extents = nr, .extent_order = order, .domid = domid};

    op.extent_start.p = (xen_pfn_t *)(uintptr_t)list;
    return memory_op(command, &op);
}

static const char *const names[] = {"increase", "decrease", "",        "",
                                    "",         "",         "populate"};

/* What goes wrong in each of the three in the same way, or should. */
static void refusals(unsigned command)
{
    static uint64_t list[4];
    const void *bad = (const void *)(uintptr_t)NOWHERE;

    list[0] = SPARE;
    say("%s:\n", names[command]);
    tell(extents(command, 0, list, 1, 0), "of domain 0");
    tell(extents(command, 999, list, 1, 0), "of nobody");
    tell(extents(command, DOMID_SELF, bad, 1, 0), "list nowhere");
    tell(extents(command, DOMID_SELF, list, 0, 0), "nothing");
    tell(extents(command, DOMID_SELF, list, 1, 10), "order 10");
    tell(extents(command, DOMID_SELF, list, 1, 64), "order 64");
    tell(extents(command, DOMID_SELF, list, UINT64_MAX, 0), "too many");
    tell(extents(command, DOMID_SELF, list, 1ull << 58, 0), "2^58");
    tell(call(__HYPERVISOR_memory_op, command, NOWHERE, 0), "operand nowhere");
    count("after that");
}

static void reservations(void)
{
    static uint64_t list[64];
    volatile uint32_t *word = kit_virt((uint64_t)SPARE * FRAME);

    refusals(XENMEM_decrease_reservation);
    list[0] = SPARE;
    tell(extents(XENMEM_populate_physmap, DOMID_SELF, list, 1, 0), "put back");
    count("after populate");
    refusals(XENMEM_populate_physmap);
    for (unsigned i = 0; i < 64; i++) {
        list[i] = SPARE + i;
    }
    *word = 0x12345678;
    tell(extents(XENMEM_decrease_reservation, DOMID_SELF, list, 64, 0),
         "give 64");
    count("after give");
    tell(extents(XENMEM_decrease_reservation, DOMID_SELF, list, 64, 0),
         "give 64 again");
    tell(extents(XENMEM_populate_physmap, DOMID_SELF, list, 64, 0), "take 64");
    count("after take");
    say("fresh memory: %x\n", *word);
    list[0] = BEYOND;
    tell(extents(XENMEM_decrease_reservation, DOMID_SELF, list, 1, 0),
         "give what is not there");
    tell(extents(XENMEM_populate_physmap, DOMID_SELF, list, 1, 0),
         "take beyond");
    count("after take beyond");
    tell(extents(XENMEM_decrease_reservation, DOMID_SELF, list, 1, 0),
         "give it");
    list[0] = SPARE;
    list[1] = BEYOND;
    list[2] = SPARE + 1;
    tell(extents(XENMEM_decrease_reservation, DOMID_SELF, list, 3, 0),
         "give three, the second not there");
    tell(extents(XENMEM_populate_physmap, DOMID_SELF, list, 1, 0), "put back");
    list[0] = 0x1a00; /* 2 MiB aligned */
    tell(extents(XENMEM_decrease_reservation, DOMID_SELF, list, 1, 9),
         "give 2 MiB");
    count("after 2 MiB");
    tell(extents(XENMEM_populate_physmap, DOMID_SELF, list, 1, 9),
         "take 2 MiB");
    count("after 2 MiB");
    list[0] = 0x1a01;
    tell(extents(XENMEM_decrease_reservation, DOMID_SELF, list, 1, 2),
         "give 4 at an odd frame");
    tell(extents(XENMEM_populate_physmap, DOMID_SELF, list, 1, 2),
         "take 4 at an odd frame");
    count("after that");
    refusals(XENMEM_increase_reservation);
    tell(extents(XENMEM_increase_reservation, DOMID_SELF, NULL, 3, 0),
         "increase by three");
    count("after increase");
}

static void limits(void)
{
    static uint64_t list[512];
    uint16_t domids[] = {DOMID_SELF, 0, 999};
    static const char *const whose[] = {"own", "domain 0's", "nobody's"};
    int64_t max;

    for (unsigned i = 0; i < 3; i++) {
        say("%s:\n", whose[i]);
        max = memory_op(XENMEM_maximum_reservation, &domids[i]);
        tell(i == 0 ? max > pages : max, "maximum_reservation");
        max = memory_op(XENMEM_current_reservation, &domids[i]);
        tell(i == 0 ? max > 0 : max, "current_reservation");
        max = memory_op(XENMEM_maximum_gpfn, &domids[i]);
        tell(i == 0 ? max > 0 : max, "maximum_gpfn");
    }
    tell(call(__HYPERVISOR_memory_op, XENMEM_maximum_reservation, NOWHERE, 0),
         "maximum_reservation nowhere");
    tell(call(__HYPERVISOR_memory_op, XENMEM_maximum_ram_page, 0, 0) > 0,
         "maximum_ram_page");
    for (unsigned i = 0; i < 512; i++) {
        list[i] = BEYOND + i;
    }
    max = extents(XENMEM_populate_physmap, DOMID_SELF, list, 512, 0);
    tell(max > 0 && max < 512, "take more than there may be");
    tell(extents(XENMEM_populate_physmap, DOMID_SELF, list + max, 1, 0),
         "one more");
    tell(extents(XENMEM_decrease_reservation, DOMID_SELF, list, (uint64_t)max,
                 0) == max,
         "give all of it");
}

static int64_t add(uint16_t domid, unsigned space, uint64_t index,
                   uint64_t frame)
{
    struct xen_add_to_physmap op = {
        .domid = domid, .space = space, .idx = index, .gpfn = frame};

    return memory_op(XENMEM_add_to_physmap, &op);
}

static int64_t take_away(uint16_t domid, uint64_t frame)
{
    struct xen_remove_from_physmap op = {.domid = domid, .gpfn = frame};

    return memory_op(XENMEM_remove_from_physmap, &op);
}

static void physmap(void)
{
    for (unsigned space = 0; space <= 7; space++) {
        if (space != XENMAPSPACE_shared_info) {
            tell_n(add(DOMID_SELF, space, 1u << 20, BEYOND), "add space",
                   space);
        }
        tell_n(add(0, space, 0, BEYOND), "add for domain 0, space", space);
        tell_n(add(999, space, 0, BEYOND), "add for nobody, space", space);
    }
    tell(add(DOMID_SELF, XENMAPSPACE_shared_info, 1, BEYOND),
         "add shared info 1");
    tell(add(DOMID_SELF, XENMAPSPACE_grant_table, 0, BEYOND),
         "add grant frame 0");
    tell(add(DOMID_SELF, XENMAPSPACE_grant_table, 0, BEYOND), "again");
    tell(add(DOMID_SELF, XENMAPSPACE_grant_table, 0, BEYOND + 1), "elsewhere");
    tell(add(DOMID_SELF, XENMAPSPACE_grant_table, 3, BEYOND + 2),
         "add grant frame 3");
    tell(add(DOMID_SELF, XENMAPSPACE_grant_table, 64, BEYOND + 3),
         "add grant frame 64");
    tell(take_away(DOMID_SELF, BEYOND + 2), "take away");
    tell(take_away(DOMID_SELF, BEYOND + 2), "take away again");
    tell(take_away(DOMID_SELF, SPARE), "take RAM away");
    tell(take_away(0, SPARE), "take away of domain 0");
    tell(take_away(999, SPARE), "take away of nobody");
    tell(call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, NOWHERE, 0),
         "add nowhere");
    tell(call(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, NOWHERE, 0),
         "take away nowhere");
    tell(add(DOMID_SELF, XENMAPSPACE_gmfn, 0x1900, BEYOND + 4), "move a frame");
    tell(add(DOMID_SELF, XENMAPSPACE_gmfn, BEYOND + 4, 0x1900), "move it back");
    tell(add(DOMID_SELF, XENMAPSPACE_gmfn, BEYOND + 9, 0x1900),
         "move what is not there");
}

static void maps(void)
{
    static uint8_t entries[20 * 32];
    struct xen_memory_map map = {.nr_entries = 32};
    struct xen_foreign_memory_map set = {.domid = DOMID_SELF};

    map.buffer.p = entries;
    tell(memory_op(XENMEM_memory_map, &map), "memory_map");
    tell(map.nr_entries > 0, "its entries");
    map.nr_entries = 1;
    tell(memory_op(XENMEM_memory_map, &map), "memory_map of 1");
    tell(map.nr_entries, "its entries");
    map.nr_entries = 0;
    tell(memory_op(XENMEM_memory_map, &map), "memory_map of 0");
    tell(map.nr_entries, "its entries");
    map.nr_entries = 4;
    map.buffer.p = (void *)(uintptr_t)NOWHERE;
    tell(memory_op(XENMEM_memory_map, &map), "memory_map to nowhere");
    tell(call(__HYPERVISOR_memory_op, XENMEM_memory_map, NOWHERE, 0),
         "memory_map nowhere");
    set.map.nr_entries = 2000;
    set.map.buffer.p = entries;
    tell(memory_op(XENMEM_set_memory_map, &set), "set_memory_map of 2000");
    set.map.nr_entries = 4;
    set.domid = 0;
    tell(memory_op(XENMEM_set_memory_map, &set), "of domain 0");
    set.domid = 999;
    tell(memory_op(XENMEM_set_memory_map, &set), "of nobody");
}

static void exchange(void)
{
    static uint64_t in = SPARE, out = SPARE;
    struct xen_memory_exchange x;

    memset(&x, 0, sizeof(x));
    x.in.nr_extents = x.out.nr_extents = 1;
    x.in.domid = x.out.domid = DOMID_SELF;
    set_xen_guest_handle(x.in.extent_start, &in);
    set_xen_guest_handle(x.out.extent_start, &out);
    x.out.nr_extents = 2;
    tell(memory_op(XENMEM_exchange, &x), "exchange of 1 for 2");
    x.out.nr_extents = 1;
    for (unsigned i = 0; i < 3; i++) {
        static const uint16_t domids[] = {0, 999, DOMID_SELF};

        x.in.domid = x.out.domid = domids[i];
        x.nr_exchanged = 0;
        tell_n(memory_op(XENMEM_exchange, &x), "exchange of", domids[i]);
        say("exchanged %u\n", (unsigned)x.nr_exchanged);
    }
    x.out.domid = 0;
    tell(memory_op(XENMEM_exchange, &x), "exchange with domain 0");
}

static void batch(void)
{
    static uint64_t idx[3] = {0, 77, 1},
                    gfn[3] = {BEYOND + 6, BEYOND + 7, BEYOND + 8};
    static int errs[3];
    struct xen_add_to_physmap_batch b = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .size = 3};

    set_xen_guest_handle(b.idxs, idx);
    set_xen_guest_handle(b.gpfns, gfn);
    set_xen_guest_handle(b.errs, errs);
    tell(memory_op(XENMEM_add_to_physmap_batch, &b), "batch");
    say("errors %d %d %d\n", errs[0], errs[1], errs[2]);
    b.space = 9;
    tell(memory_op(XENMEM_add_to_physmap_batch, &b), "batch of space 9");
    b.space = XENMAPSPACE_gmfn_range;
    tell(memory_op(XENMEM_add_to_physmap_batch, &b), "batch of ranges");
    b.space = XENMAPSPACE_grant_table;
    set_xen_guest_handle(b.errs, (int *)(uintptr_t)NOWHERE);
    tell(memory_op(XENMEM_add_to_physmap_batch, &b), "batch, errors nowhere");
    set_xen_guest_handle(b.errs, errs);
    set_xen_guest_handle(b.idxs, (uint64_t *)(uintptr_t)NOWHERE);
    tell(memory_op(XENMEM_add_to_physmap_batch, &b), "batch, indices nowhere");
}

/* Whose pages of zeros are nobody's. */
static void nobodys(void)
{
    static uint64_t zero[32];

    for (unsigned n = 16; n <= 27; n++) {
        if (n != XENMEM_maximum_gpfn && n != XENMEM_add_to_physmap_batch) {
            memset(zero, 0, sizeof(zero));
            memset(zero, 0, sizeof(zero));
            ((uint16_t *)zero)[n == XENMEM_claim_pages ? 12 : 0] = 999;
            tell_n(memory_op(n, zero), "memory_op of nobody", n);
        }
    }
}

/* Operands of zeros. */
static void zeros(void)
{
    static uint64_t zero[32];

    for (unsigned n = 2; n <= 40; n++) {
        switch (n) {
        case XENMEM_maximum_ram_page:
        case XENMEM_current_reservation:
        case XENMEM_maximum_reservation:
        case XENMEM_populate_physmap:
        case XENMEM_add_to_physmap:
        case XENMEM_remove_from_physmap:
        case XENMEM_memory_map:
        case XENMEM_set_memory_map:
        case XENMEM_maximum_gpfn:
            break;
        default:
            memset(zero, 0, sizeof(zero));
            tell_n(memory_op(n, zero), "memory_op", n);
            memset(zero, 0, sizeof(zero));
            zero[0] = DOMID_SELF;
            tell_n(memory_op(n, zero), "memory_op of itself", n);
            tell_n(call(__HYPERVISOR_memory_op, n, NOWHERE, 0),
                   "memory_op nowhere", n);
        }
    }
}

void memory(void)
{
    count("at first");
    reservations();
    limits();
    physmap();
    maps();
    count("at last");
}

void others(void)
{
    exchange();
    batch();
    zeros();
    nobodys();
}
