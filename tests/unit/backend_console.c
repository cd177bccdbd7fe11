/* SPDX-License-Identifier: MIT */
/*
 * The console ring, with honest and with hostile indices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <xen/io/console.h>

#include "backend/console.h"

static struct xencons_interface ring;
static struct console_backend back;

static int fresh(void **state)
{
    (void)state;
    memset(&ring, 0, sizeof(ring));
    console_ring_init(&back, &ring);
    return 0;
}

static void guest_writes(const char *text)
{
    for (; *text != '\0'; text++) {
        ring.out[MASK_XENCONS_IDX(ring.out_prod++, ring.out)] = *text;
    }
}

static void takes_what_was_written(void **state)
{
    char got[64];

    (void)state;
    assert_int_equal(console_take(&back, got, sizeof(got)), 0);
    guest_writes("hello\n");
    assert_int_equal(console_take(&back, got, 4), 4);
    assert_int_equal(ring.out_cons, 4);
    assert_int_equal(console_take(&back, got + 4, sizeof(got) - 4), 2);
    assert_memory_equal(got, "hello\n", 6);
    assert_int_equal(ring.out_cons, 6);
    assert_false(console_complaint(&back));
}

static void takes_across_both_wraps(void **state)
{
    char got[16];

    (void)state;
    /* The end of the buffer, and the end of the index. */
    ring.out_cons = ring.out_prod = UINT32_MAX - 2;
    guest_writes("abcdefgh");
    assert_int_equal(ring.out_prod, 5);
    assert_int_equal(console_take(&back, got, sizeof(got)), 8);
    assert_memory_equal(got, "abcdefgh", 8);
    assert_int_equal(ring.out_cons, 5);
}

static void takes_a_full_ring(void **state)
{
    static char got[4096];

    (void)state;
    ring.out_prod = 2048;
    memset(ring.out, 'x', sizeof(ring.out));
    assert_int_equal(console_take(&back, got, sizeof(got)), 2048);
    assert_int_equal(got[2047], 'x');
    assert_int_equal(console_take(&back, got, sizeof(got)), 0);
}

static void leaves_impossible_output_alone(void **state)
{
    static const uint32_t prods[] = {2049, 4096, 0x80000000u, UINT32_MAX};
    char got[8];

    for (size_t i = 0; i < sizeof(prods) / sizeof(prods[0]); i++) {
        fresh(state);
        ring.out_prod = prods[i];
        assert_int_equal(console_take(&back, got, sizeof(got)), 0);
        assert_int_equal(ring.out_cons, 0);
        assert_true(console_complaint(&back));
        assert_int_equal(console_take(&back, got, sizeof(got)), 0);
        assert_false(console_complaint(&back));
        /* The guest repairs it: it works again, and stays reported. */
        ring.out_prod = 3;
        assert_int_equal(console_take(&back, got, sizeof(got)), 3);
        ring.out_cons = 9;
        assert_int_equal(console_take(&back, got, sizeof(got)), 0);
        assert_false(console_complaint(&back));
    }
}

static void offers_what_fits(void **state)
{
    static char many[2000];

    (void)state;
    memset(many, 'k', sizeof(many));
    assert_int_equal(console_offer(&back, "hi", 2), 2);
    assert_int_equal(ring.in_prod, 2);
    assert_memory_equal(ring.in, "hi", 2);
    assert_int_equal(console_offer(&back, many, sizeof(many)), 1022);
    assert_int_equal(console_offer(&back, many, sizeof(many)), 0);
    ring.in_cons = 10;
    assert_int_equal(console_offer(&back, "0123456789abc", 13), 10);
    assert_int_equal(ring.in[0], '0');
    assert_int_equal(ring.in[9], '9');
    assert_false(console_complaint(&back));
}

static void leaves_impossible_input_alone(void **state)
{
    struct xencons_interface before;

    (void)state;
    ring.in_cons = 1;
    before = ring;
    assert_int_equal(console_offer(&back, "hi", 2), 0);
    assert_memory_equal(&ring, &before, sizeof(ring));
    assert_true(console_complaint(&back));
    assert_false(console_complaint(&back));
    ring.in_cons = 0;
    assert_int_equal(console_offer(&back, "hi", 2), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(takes_what_was_written, fresh),
        cmocka_unit_test_setup(takes_across_both_wraps, fresh),
        cmocka_unit_test_setup(takes_a_full_ring, fresh),
        cmocka_unit_test_setup(leaves_impossible_output_alone, fresh),
        cmocka_unit_test_setup(offers_what_fits, fresh),
        cmocka_unit_test_setup(leaves_impossible_input_alone, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
