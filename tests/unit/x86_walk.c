/* SPDX-License-Identifier: MIT */
/* The walker of guest page tables over a few pages of pretended memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "x86/virt/walk.h"

#define P 1ull
#define W 2ull
#define U 4ull
#define A 0x20ull
#define D 0x40ull
#define PS 0x80ull
#define NX (1ull << 63)
#define FRAMES 8u

static uint64_t pages[FRAMES][512];

static void *frame(void *context, uint64_t gfn)
{
    (void)context;
    return gfn < FRAMES ? pages[gfn] : NULL;
}

static struct walk_state long_mode(void)
{
    return (struct walk_state){
        .cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_WP,
        .cr3 = 0x1000,
        .cr4 = X86_CR4_PAE,
        .efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE,
        .frame = frame,
    };
}

/* 4 levels in pages 1 to 4 that map linear 0x5000 to physical 0x123000. */
static void map_long(uint64_t leaf)
{
    memset(pages, 0, sizeof(pages));
    pages[1][0] = 0x2000 | P | W | U;
    pages[2][0] = 0x3000 | P | W | U;
    pages[3][0] = 0x4000 | P | W | U;
    pages[4][5] = leaf;
}

static void expect(const struct walk_state *s, uint64_t linear, unsigned access,
                   uint64_t want)
{
    uint64_t gpa = 0;
    unsigned fault = 0;

    assert_true(walk_linear(s, linear, access, &gpa, &fault));
    assert_int_equal(gpa, want);
}

static void expect_fault(const struct walk_state *s, uint64_t linear,
                         unsigned access, unsigned want)
{
    uint64_t gpa = 0;
    unsigned fault = 0;

    assert_false(walk_linear(s, linear, access, &gpa, &fault));
    assert_int_equal(fault, want);
}

static void no_paging(void **state)
{
    struct walk_state s = {.cr0 = X86_CR0_PE, .frame = frame};

    (void)state;
    expect(&s, 0, WALK_WRITE, 0);
    expect(&s, 0xffffffff, 0, 0xffffffff);
}

static void four_levels(void **state)
{
    struct walk_state s = long_mode();

    (void)state;
    map_long(0x123000 | P | W);
    expect(&s, 0x5678, 0, 0x123678);
    assert_int_equal(pages[4][5], 0x123000 | P | W | A);
    expect(&s, 0x5678, WALK_WRITE, 0x123678);
    assert_int_equal(pages[4][5], 0x123000 | P | W | A | D);
    assert_true(pages[1][0] & A && pages[2][0] & A && pages[3][0] & A);
    expect_fault(&s, 0x6000, WALK_WRITE, WALK_WRITE);
    expect_fault(&s, 1ull << 47, 0, 0);
    expect_fault(&s, 0x7fffffffffff, 0, 0);
    /* Not canonical: for Xen the upper bits are nothing. */
    expect(&s, (1ull << 63) + 0x5678, 0, 0x123678);
    expect(&s, (1ull << 48) + 0x5678, WALK_WRITE, 0x123678);
    expect_fault(&s, (1ull << 48) + 0x6000, 0, 0);
    pages[4][5] = 0x123000 | P | W;
    expect(&s, 0x5000, WALK_FETCH, 0x123000);
    assert_int_equal(pages[4][5] & D, 0);
}

static void large_pages(void **state)
{
    struct walk_state s = long_mode();

    (void)state;
    map_long(0);
    pages[3][1] = 0x40000000 | P | W | PS;
    expect(&s, 0x2abcde, 0, 0x400abcde);
    pages[2][1] = 0x80000000 | P | W | PS;
    expect(&s, 0x40000000 + 0x12345678, WALK_WRITE, 0x80000000 + 0x12345678);
    pages[1][1] = 0x2000 | P | W | PS; /* the bit means nothing up there */
    expect(&s, (1ull << 39) + 0x2abcde, 0, 0x400abcde);
}

/* Every combination of rights against what the manual says. */
static bool may(uint64_t upper, uint64_t leaf, const struct walk_state *s,
                unsigned access)
{
    bool user_page = (upper & U) && (leaf & U);
    bool writable = (upper & W) && (leaf & W);

    if (!(leaf & P)) {
        return false;
    }
    if ((leaf & NX) && (!(s->efer & X86_EFER_NXE) || (access & WALK_FETCH))) {
        return false;
    }
    if ((access & WALK_USER) && !user_page) {
        return false;
    }
    if (!(access & WALK_USER) && user_page && !(access & WALK_FETCH) &&
        (s->cr4 & X86_CR4_SMAP) && !(s->rflags & X86_FLAGS_AC)) {
        return false;
    }
    return !(access & WALK_WRITE) || writable ||
           (!(access & WALK_USER) && !(s->cr0 & X86_CR0_WP));
}

static void one_right(unsigned bits)
{
    struct walk_state s = long_mode();
    uint64_t upper = P | (bits & 1 ? W : 0) | (bits & 2 ? U : 0);
    uint64_t leaf = 0x123000 | (bits & 4 ? P : 0) | (bits & 8 ? W : 0) |
                    (bits & 16 ? U : 0) | (bits & 32 ? NX : 0);
    unsigned access = (bits & 64 ? WALK_WRITE : 0) |
                      (bits & 128 ? WALK_USER : 0) |
                      (bits & 256 ? WALK_FETCH : 0);
    uint64_t gpa = 0;
    unsigned fault = 0;
    bool want;

    s.cr0 ^= bits & 512 ? X86_CR0_WP : 0;
    s.cr4 |= bits & 1024 ? X86_CR4_SMAP : 0;
    s.rflags |= bits & 2048 ? X86_FLAGS_AC : 0;
    s.efer ^= bits & 4096 ? X86_EFER_NXE : 0;
    map_long(leaf);
    pages[3][0] = 0x4000 | upper;
    want = may(upper, leaf, &s, access);
    assert_int_equal(walk_linear(&s, 0x5000, access, &gpa, &fault), want);
    if (want) {
        assert_int_equal(gpa, 0x123000);
    } else {
        assert_int_equal(fault & WALK_PRESENT, leaf & P);
        assert_int_equal(fault & (WALK_WRITE | WALK_USER),
                         access & (WALK_WRITE | WALK_USER));
        assert_int_equal(pages[4][5], leaf); /* no marks without access */
    }
}

static void rights(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 8192; bits++) {
        if ((bits & 64) && (bits & 256)) {
            continue; /* a fetch does not write */
        }
        one_right(bits);
    }
}

static void pae(void **state)
{
    struct walk_state s = long_mode();

    (void)state;
    s.efer = 0;
    s.cr3 = 0x1020; /* 32-byte aligned */
    memset(pages, 0, sizeof(pages));
    pages[1][4 + 3] = 0x2000 | P | A; /* a marked pointer is tolerated */
    pages[2][1] = 0x3000 | P | W;
    pages[3][2] = 0x77000 | P | W;
    pages[2][2] = 0x600000 | P | PS;
    expect(&s, 0xc0202abc, WALK_WRITE, 0x77abc);
    expect(&s, 0xc0412345, 0, 0x612345);
    expect_fault(&s, 0xc0412345, WALK_WRITE, WALK_WRITE | WALK_PRESENT);
    expect_fault(&s, 0x1000, 0, 0);
    expect_fault(&s, 0x100000000, 0, 0);
    assert_int_equal(pages[1][7], 0x2000 | P | A);
}

static void two_levels(void **state)
{
    struct walk_state s = long_mode();
    uint32_t *directory = (uint32_t *)pages[1], *table = (uint32_t *)pages[2];

    (void)state;
    s.efer = 0;
    s.cr4 = X86_CR4_PSE;
    memset(pages, 0, sizeof(pages));
    directory[1] = 0x2000 | (uint32_t)(P | W);
    table[3] = 0x99000 | (uint32_t)(P | W);
    directory[2] = 0xc00000 | (uint32_t)(P | W | PS) | 0x2000;
    expect(&s, 0x403123, WALK_WRITE, 0x99123);
    assert_int_equal(table[3], 0x99000 | (uint32_t)(P | W | A | D));
    assert_int_equal(table[2], 0);
    assert_int_equal(table[4], 0);
    expect(&s, 0x812345, 0, 0x100c12345); /* PSE-36 */
    s.cr4 = 0; /* without PSE the bit means nothing: a table out of RAM */
    expect_fault(&s, 0x812345, 0, 0);
}

/* Tables outside RAM, and tables that are their own tables. */
static void hostile(void **state)
{
    struct walk_state s = long_mode();
    uint64_t gpa;
    unsigned fault;

    (void)state;
    s.cr3 = 0xfffffffff000;
    expect_fault(&s, 0x5000, 0, 0);
    s.cr3 = 0x1000;
    for (unsigned i = 0; i < 512; i++) {
        pages[1][i] = 0x1000 | P | W | U;
    }
    for (unsigned i = 0; i < 64; i++) {
        uint64_t linear = (uint64_t)i << 40 | i << 12;

        (void)walk_linear(&s, linear & 0x7fffffffffff, WALK_WRITE, &gpa,
                          &fault);
    }
    map_long(0);
    pages[3][0] = 0xffffffffff000 | P;
    expect_fault(&s, 0x5000, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_paging),   cmocka_unit_test(four_levels),
        cmocka_unit_test(large_pages), cmocka_unit_test(rights),
        cmocka_unit_test(pae),         cmocka_unit_test(two_levels),
        cmocka_unit_test(hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
