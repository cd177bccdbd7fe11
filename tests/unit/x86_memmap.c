/* SPDX-License-Identifier: MIT */
/* The memory map and the ACPI tables of a domain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "x86/virt/acpi.h"
#include "x86/virt/memmap.h"

#define MIB (1ull << 20)

static uint64_t end_of(const struct memmap_entry *e)
{
    return e->addr + e->size;
}

static void check_map(uint64_t ram)
{
    struct memmap m;
    uint64_t found = 0;

    memmap_build(&m, ram, 0x1000);
    assert_true(m.nr > 0 && m.nr <= MEMMAP_MAX);
    for (unsigned i = 0; i < m.nr; i++) {
        const struct memmap_entry *e = &m.entry[i];

        assert_true(e->size > 0);
        assert_int_equal(e->addr & 0xfff, 0);
        assert_int_equal(e->size & 0xfff, 0);
        if (i > 0) { /* ascending, apart */
            assert_true(e->addr >= end_of(&m.entry[i - 1]));
        }
        if (e->type == MEMMAP_RAM) {
            found += e->size;
            assert_true(end_of(e) <= MEMMAP_HOLE || e->addr >= MEMMAP_4G);
        }
    }
    assert_int_equal(found, ram);
    assert_int_equal(m.entry[0].addr, 0);
}

static void maps(void **state)
{
    static const uint64_t sizes[] = {1,    2,    3,    32,   127,
                                     3839, 3840, 3841, 4096, 65536};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_map(sizes[i] * MIB);
    }
}

/* As Xen lays it out: where guests look for things. */
static void places(void **state)
{
    struct memmap m;

    (void)state;
    memmap_build(&m, 32 * MIB, 0x1000);
    assert_int_equal(m.nr, 4);
    assert_int_equal(m.entry[1].addr, 0xfc000000);
    assert_int_equal(m.entry[1].type, MEMMAP_ACPI);
    assert_int_equal(m.entry[2].addr, 0xfee00000);
    assert_int_equal(m.entry[3].addr, 0xfeff8000);
    assert_int_equal(end_of(&m.entry[3]), 0xff000000);
    memmap_build(&m, 5120 * MIB, 0x1000);
    assert_int_equal(m.nr, 5);
    assert_int_equal(m.entry[4].addr, 0x100000000);
}

#define GPA 0xfc000000ull

static uint8_t page[4096];

static uint64_t number(size_t at, size_t len)
{
    uint64_t n = 0;

    assert_true(at + len <= sizeof(page));
    memcpy(&n, page + at, len);
    return n;
}

static void check_sum(size_t at, size_t len)
{
    uint8_t sum = 0;

    assert_true(at + len <= sizeof(page));
    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + page[at + i]);
    }
    assert_int_equal(sum, 0);
}

/* Place of the table `signature` in the page, by way of the XSDT. */
static size_t table(const char *signature)
{
    size_t xsdt = number(24, 8) - GPA, len = number(xsdt + 4, 4);

    check_sum(xsdt, len);
    for (size_t at = 36; at < len; at += 8) {
        size_t t = number(xsdt + at, 8) - GPA;

        check_sum(t, number(t + 4, 4));
        if (memcmp(page + t, signature, 4) == 0) {
            return t;
        }
    }
    fail_msg("no table %s", signature);
    return 0;
}

static void check_acpi(unsigned vcpus)
{
    size_t madt, fadt, dsdt;

    memset(page, 0, sizeof(page));
    acpi_build(page, GPA, vcpus);
    assert_memory_equal(page, "RSD PTR ", 8);
    assert_int_equal(page[15], 2);
    check_sum(0, 20);
    check_sum(0, 36);
    madt = table("APIC");
    assert_int_equal(number(madt + 4, 4), 44 + 8 * vcpus);
    assert_int_equal(number(madt + 36, 4), 0xfee00000);
    for (unsigned i = 0; i < vcpus; i++) {
        size_t at = madt + 44 + 8 * i;

        assert_int_equal(page[at], 0);
        assert_int_equal(page[at + 1], 8);
        assert_int_equal(page[at + 2], i);
        assert_int_equal(page[at + 3], 2 * i);
        assert_int_equal(number(at + 4, 4), 1);
    }
    fadt = table("FACP");
    assert_int_equal(number(fadt + 112, 4), 1u << 20);
    dsdt = number(fadt + 140, 8) - GPA;
    assert_int_equal(number(fadt + 40, 4), GPA + dsdt);
    assert_memory_equal(page + dsdt, "DSDT", 4);
    check_sum(dsdt, number(dsdt + 4, 4));
}

static void tables(void **state)
{
    (void)state;
    for (unsigned vcpus = 1; vcpus <= 32; vcpus++) {
        check_acpi(vcpus);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps),
        cmocka_unit_test(places),
        cmocka_unit_test(tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
