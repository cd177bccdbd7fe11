/* SPDX-License-Identifier: MIT */
/*
 * The machine's memory as the command line sees it: what is RAM and what is
 * not, at every edge, for machines with and without RAM above 4 GiB.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/ram.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static void machine_below_the_hole(void **state)
{
    uint64_t size = 64 * MIB;
    struct ram ram;

    (void)state;
    assert_int_equal(ram_open(&ram, size), 0);
    assert_ptr_equal(ram_at(&ram, 0, size), ram.base);
    assert_ptr_equal(ram_at(&ram, size, 0), ram.base + size);
    assert_null(ram_at(&ram, 0, size + 1));
    assert_null(ram_at(&ram, size - 1, 2));
    assert_null(ram_at(&ram, size, 1));
    assert_null(ram_at(&ram, 1, UINT64_MAX));
    assert_null(ram_at(&ram, UINT64_MAX, 2));
    assert_null(ram_at(&ram, 4 * GIB, 1));
    ram_close(&ram);
    assert_null(ram_at(&ram, 0, 0));
}

/* 0xb0000000 bytes are the first that QEMU parts, at 2 GiB. */
static void machine_across_the_hole(void **state)
{
    uint64_t size = 0xb0000000, high = size - 2 * GIB;
    struct ram ram;

    (void)state;
    assert_int_equal(ram_open(&ram, size - MIB), 0);
    assert_ptr_equal(ram_at(&ram, size - 2 * MIB, MIB),
                     ram.base + size - 2 * MIB);
    assert_null(ram_at(&ram, 4 * GIB, 1));
    ram_close(&ram);

    assert_int_equal(ram_open(&ram, size), 0);
    assert_ptr_equal(ram_at(&ram, 2 * GIB - 1, 1), ram.base + 2 * GIB - 1);
    assert_null(ram_at(&ram, 2 * GIB - 1, 2));
    assert_null(ram_at(&ram, 3 * GIB, 1));
    assert_null(ram_at(&ram, 4 * GIB - 1, 2));
    assert_ptr_equal(ram_at(&ram, 4 * GIB, high), ram.base + 2 * GIB);
    assert_null(ram_at(&ram, 4 * GIB, high + 1));
    assert_null(ram_at(&ram, 4 * GIB + high, 1));
    ram_close(&ram);
}

static void what_is_written_is_read(void **state)
{
    const char text[] = "across a page";
    char back[sizeof(text)] = "";
    struct ram ram;

    (void)state;
    assert_int_equal(ram_open(&ram, 4 * MIB), 0);
    assert_true(ram_write(&ram, MIB - 5, text, sizeof(text)));
    assert_true(ram_read(&ram, MIB - 5, back, sizeof(back)));
    assert_memory_equal(text, back, sizeof(text));
    assert_false(ram_write(&ram, 4 * MIB - 5, text, sizeof(text)));
    assert_false(ram_read(&ram, 4 * MIB - 5, back, sizeof(back)));
    assert_int_equal(*ram_at(&ram, 4 * MIB - 5, 1), 0);
    ram_close(&ram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_below_the_hole),
        cmocka_unit_test(machine_across_the_hole),
        cmocka_unit_test(what_is_written_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
