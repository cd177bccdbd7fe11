/* SPDX-License-Identifier: MIT */
/*
 * What a core makes of a domain's page tables, of all kinds and of such as
 * make no sense, and the record of a domain that is not what it should be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/core_walk.h"

#define PAGE 4096u
#define MIB (1ull << 20)
#define GUEST_AT (2 * MIB) /* where the domain's memory is in the machine */
#define GUEST_PAGES 64u

#define P 1ull
#define LARGE 0x80ull
#define PG (1ull << 31)
#define PAE (1ull << 5)
#define PSE (1ull << 4)
#define LA57 (1ull << 12)
#define LMA (1ull << 10)

/* A domain of one or two vCPUs whose memory is frames 0 to 63 and 256. */
struct world {
    struct ram ram;
    struct schedop_state *s;
    struct core_maps maps;
};

static struct schedop_state_vcpu *vcpu(struct world *w, unsigned n)
{
    return (void *)((uint8_t *)w->s + w->s->vcpus +
                    n * sizeof(struct schedop_state_vcpu));
}

static int open_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    size_t vcpus = 2 * sizeof(struct schedop_state_vcpu);
    size_t runs_at = sizeof(*w->s) + vcpus;
    size_t bytes = runs_at + 2 * sizeof(struct schedop_state_run);
    struct schedop_state_run *run;

    assert_int_equal(ram_open(&w->ram, 8 * MIB), 0);
    w->s = calloc(1, bytes);
    *w->s = (struct schedop_state){
        .magic = SCHEDOP_STATE_MAGIC,
        .version = SCHEDOP_STATE_VERSION,
        .bytes = bytes,
        .nr_vcpus = 2,
        .vcpu_bytes = sizeof(struct schedop_state_vcpu),
        .vcpus = sizeof(*w->s),
        .runs = runs_at,
        .nr_runs = 2,
    };
    run = (void *)((uint8_t *)w->s + runs_at);
    run[0] = (struct schedop_state_run){0, GUEST_PAGES, GUEST_AT};
    run[1] = (struct schedop_state_run){256, 1, GUEST_AT - PAGE};
    vcpu(w, 0)->flags = SCHEDOP_STATE_INITIALISED;
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;

    core_maps_free(&w->maps);
    ram_close(&w->ram);
    free(w->s);
    free(w);
    return 0;
}

/* Entry `i`, of 8 bytes, of the table in guest frame `frame`. */
static void entry(struct world *w, unsigned frame, unsigned i, uint64_t value)
{
    memcpy(w->ram.base + GUEST_AT + frame * PAGE + i * 8, &value, 8);
}

static void entry32(struct world *w, unsigned frame, unsigned i, uint32_t value)
{
    memcpy(w->ram.base + GUEST_AT + frame * PAGE + i * 4, &value, 4);
}

static void paging(struct world *w, unsigned n, uint64_t cr3, uint64_t cr4,
                   uint64_t efer)
{
    vcpu(w, n)->flags = SCHEDOP_STATE_INITIALISED;
    vcpu(w, n)->cr0 = PG;
    vcpu(w, n)->cr3 = cr3;
    vcpu(w, n)->cr4 = cr4;
    vcpu(w, n)->efer = efer;
}

static void walk(struct world *w, size_t count)
{
    core_maps_free(&w->maps);
    core_walk(w->s, &w->ram, &w->maps);
    assert_int_equal(w->maps.nr, count);
}

static void is_map(const struct world *w, size_t i, uint64_t va, uint64_t pa,
                   uint64_t size)
{
    assert_int_equal(w->maps.map[i].va, va);
    assert_int_equal(w->maps.map[i].pa, pa);
    assert_int_equal(w->maps.map[i].size, size);
}

static void without_paging_memory_is_as_it_is(void **state)
{
    struct world *w = *state;

    walk(w, 2);
    is_map(w, 0, 0, 0, GUEST_PAGES * PAGE);
    is_map(w, 1, 256 * PAGE, 256 * PAGE, PAGE);
}

static void four_levels(void **state)
{
    struct world *w = *state;

    paging(w, 0, 1 * PAGE, PAE, LMA);
    entry(w, 1, 511, 2 * PAGE | P); /* the upper half */
    entry(w, 2, 510, 3 * PAGE | P);
    entry(w, 3, 0, 0 | LARGE | P); /* 2 MiB, of which 64 pages are there */
    entry(w, 3, 1, 4 * PAGE | P);
    entry(w, 4, 7, 9 * PAGE | P | 1ull << 63);
    entry(w, 4, 8, 10 * PAGE | P); /* follows in both: one piece */
    entry(w, 4, 9, 5 * PAGE | P);
    entry(w, 4, 10, 6 * PAGE);      /* not present */
    entry(w, 4, 11, 99 * PAGE | P); /* no memory there */
    walk(w, 4);
    is_map(w, 0, 0xffffffff80000000, 0, GUEST_PAGES * PAGE);
    is_map(w, 1, 0xffffffff80000000 + 256 * PAGE, 256 * PAGE, PAGE);
    is_map(w, 2, 0xffffffff80207000, 9 * PAGE, 2 * PAGE);
    is_map(w, 3, 0xffffffff80209000, 5 * PAGE, PAGE);
    assert_false(w->maps.cut);
}

static void five_levels(void **state)
{
    struct world *w = *state;

    paging(w, 0, 1 * PAGE, PAE | LA57, LMA);
    entry(w, 1, 256, 2 * PAGE | P);
    entry(w, 2, 1, 3 * PAGE | P);
    entry(w, 3, 0, 4 * PAGE | P);
    entry(w, 4, 0, 5 * PAGE | P);
    entry(w, 5, 3, 8 * PAGE | P);
    walk(w, 1);
    is_map(w, 0, 0xff00008000003000, 8 * PAGE, PAGE);
}

static void pae(void **state)
{
    struct world *w = *state;

    paging(w, 0, 1 * PAGE + 32, PAE, 0); /* CR3 need not be at a page */
    entry(w, 1, 4 + 3, 2 * PAGE | P);
    entry(w, 2, 511, 3 * PAGE | P);
    entry(w, 3, 511, 7 * PAGE | P);
    walk(w, 1);
    is_map(w, 0, 0xfffff000, 7 * PAGE, PAGE);
}

static void two_levels(void **state)
{
    struct world *w = *state;

    paging(w, 0, 1 * PAGE, PSE, 0);
    entry32(w, 1, 0, 2 * PAGE | P);
    entry32(w, 1, 768, 0 | LARGE | P); /* 4 MiB */
    entry32(w, 2, 1023, 5 * PAGE | P);
    walk(w, 3);
    is_map(w, 0, 0x3ff000, 5 * PAGE, PAGE);
    is_map(w, 1, 0xc0000000, 0, GUEST_PAGES * PAGE);
    is_map(w, 2, 0xc0100000, 256 * PAGE, PAGE);
    vcpu(w, 0)->cr4 = 0; /* then the bit means nothing, and 0 is a table */
    walk(w, 1);
}

/* Where two vCPUs differ the first counts; what it has not the other adds. */
static void vcpus_are_laid_over_each_other(void **state)
{
    struct world *w = *state;

    paging(w, 0, 1 * PAGE, PAE, LMA);
    paging(w, 1, 10 * PAGE, PAE, LMA);
    entry(w, 1, 0, 2 * PAGE | P);
    entry(w, 2, 0, 3 * PAGE | P);
    entry(w, 3, 0, 4 * PAGE | P);
    entry(w, 4, 5, 20 * PAGE | P);
    entry(w, 10, 0, 11 * PAGE | P);
    entry(w, 11, 0, 12 * PAGE | P);
    entry(w, 12, 0, 13 * PAGE | P);
    for (unsigned i = 4; i < 8; i++) {
        entry(w, 13, i, (30 + i) * PAGE | P);
    }
    walk(w, 3);
    is_map(w, 0, 4 * PAGE, 34 * PAGE, PAGE);
    is_map(w, 1, 5 * PAGE, 20 * PAGE, PAGE);
    is_map(w, 2, 6 * PAGE, 36 * PAGE, 2 * PAGE);
}

/* Every entry of the only table is that table: 2^36 pages, if one looked. */
static void tables_in_a_circle_end(void **state)
{
    struct world *w = *state;

    paging(w, 0, 1 * PAGE, PAE, LMA);
    for (unsigned i = 0; i < 512; i++) {
        entry(w, 1, i, 1 * PAGE | P);
    }
    core_walk(w->s, &w->ram, &w->maps);
    assert_true(w->maps.cut);
    assert_true(w->maps.nr <= CORE_MAPS_MAX);
}

static void tables_that_are_nowhere(void **state)
{
    struct world *w = *state;

    paging(w, 0, 0xffffffffff000, PAE, LMA);
    walk(w, 0);
    paging(w, 0, 63 * PAGE, PAE, LMA); /* the last page, and beyond it */
    entry(w, 63, 0, 64 * PAGE | P);
    entry(w, 63, 511, 0xfffffffffff000 | P);
    walk(w, 0);
}

static void records_are_checked(void **state)
{
    struct world *w = *state;
    struct schedop_state *s = (void *)w->ram.base, *copy;
    size_t bytes = w->s->bytes;
    struct schedop_state_run *run;

    memcpy(s, w->s, bytes);
    copy = state_copy(&w->ram, 0, bytes);
    assert_non_null(copy);
    assert_int_equal(state_runs(copy)[1].gfn, 256);
    free(copy);
    assert_null(state_copy(&w->ram, 0, bytes - 1));
    assert_null(state_copy(&w->ram, 0, 8));
    assert_null(state_copy(&w->ram, 8 * MIB - 8, bytes));
    s->nr_vcpus = 3;
    assert_null(state_copy(&w->ram, 0, bytes));
    s->nr_vcpus = 0;
    assert_null(state_copy(&w->ram, 0, bytes));
    s->nr_vcpus = 2;
    s->nr_runs = UINT64_MAX / sizeof(*run) + 3;
    assert_null(state_copy(&w->ram, 0, bytes));
    s->nr_runs = 2;
    run = (void *)(w->ram.base + s->runs);
    run[1].gfn = GUEST_PAGES - 1; /* in the one before */
    assert_null(state_copy(&w->ram, 0, bytes));
    run[1].gfn = UINT64_MAX - 1;
    assert_null(state_copy(&w->ram, 0, bytes));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_paging_memory_is_as_it_is),
        TEST(four_levels),
        TEST(five_levels),
        TEST(pae),
        TEST(two_levels),
        TEST(vcpus_are_laid_over_each_other),
        TEST(tables_in_a_circle_end),
        TEST(tables_that_are_nowhere),
        TEST(records_are_checked),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
