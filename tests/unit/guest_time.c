/* SPDX-License-Identifier: MIT */
/* Deadlines and system time of the guest library, against a 128-bit model. */
#include "guest_fake.h"

static void test_deadlines(void **state)
{
    static const struct {
        uint64_t now, delta, deadline;
    } cases[] = {
        {0, 0, 1}, /* 0 would mean "no deadline" */
        {0, 1, 1},
        {1, 0, 1},
        {1000, 500, 1500},
        {1000, INT64_MAX - 1000, INT64_MAX},
        {1000, INT64_MAX - 999, INT64_MAX},
        {1000, INT64_MAX, INT64_MAX},
        {1000, UINT64_MAX, INT64_MAX},
        {INT64_MAX, 0, INT64_MAX},
        {INT64_MAX, 1, INT64_MAX},
        {UINT64_MAX, 0, INT64_MAX},
        {UINT64_MAX, UINT64_MAX, INT64_MAX},
        {UINT64_C(1) << 63, 5, INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(schedop_deadline_ns(cases[i].now, cases[i].delta),
                         cases[i].deadline);
    }
}

__extension__ typedef unsigned __int128 wide;

/* spec 1.5, word for word, in 128 bits. */
static uint64_t model(const struct vcpu_time_info *t, uint64_t tsc)
{
    uint64_t delta = tsc - t->tsc_timestamp;

    if (t->tsc_shift >= 0) {
        delta <<= t->tsc_shift;
    } else {
        delta >>= -t->tsc_shift;
    }
    return t->system_time +
           (uint64_t)((wide)delta * t->tsc_to_system_mul >> 32);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void test_conversion(void **state)
{
    static const int8_t shifts[] = {0,  1,  -1, 2,   -2,  7,   -7, 31,
                                    32, 33, 63, -31, -32, -33, -63};

    (void)state;
    for (size_t i = 0; i < sizeof(shifts); i++) {
        for (unsigned int k = 0; k < 2000; k++) {
            const struct vcpu_time_info t = {
                .tsc_timestamp = next_random(),
                .system_time = next_random() >> 2,
                .tsc_to_system_mul = (uint32_t)next_random(),
                .tsc_shift = shifts[i],
            };
            /* deltas of all magnitudes */
            uint64_t tsc = t.tsc_timestamp + (next_random() >> (k % 64));

            assert_int_equal(schedop_time_at(&t, tsc), model(&t, tsc));
        }
    }
}

static void test_conversion_edges(void **state)
{
    struct vcpu_time_info t = {.tsc_timestamp = 1000,
                               .system_time = 5,
                               .tsc_to_system_mul = UINT32_MAX};

    (void)state;
    assert_int_equal(schedop_time_at(&t, 1000), 5);
    t.tsc_shift = 127; /* nonsense, but no undefined behaviour */
    assert_int_equal(schedop_time_at(&t, 2000), 5);
    t.tsc_shift = -128;
    assert_int_equal(schedop_time_at(&t, 2000), 5);
}

/* ---- the version loop ---- */

static struct vcpu_time_info live;
static unsigned int reads;
static unsigned int updates; /* how many times Xen gets in between */

/* Stands for the processor's counter; Xen updates the record meanwhile. */
static uint64_t counter_with_updates(void)
{
    reads++;
    if (updates > 0) {
        updates--;
        live.version += 2;
        live.system_time += 1000000;
    }
    return 0;
}

static uint64_t counter_during_update(void)
{
    reads++;
    if (reads == 3) {
        live.version = 8; /* the update that was going on is over */
        live.system_time = 42;
    }
    return 0;
}

static void test_time_is_read_anew_after_an_update(void **state)
{
    (void)state;
    live = (struct vcpu_time_info){.version = 2, .system_time = 7};
    reads = 0;
    updates = 0;
    assert_int_equal(schedop_time_read(&live, counter_with_updates), 7);
    assert_int_equal(reads, 1);
    reads = 0;
    updates = 3;
    assert_int_equal(schedop_time_read(&live, counter_with_updates), 3000007);
    assert_int_equal(reads, 4);
}

static void test_time_waits_for_an_even_version(void **state)
{
    (void)state;
    live = (struct vcpu_time_info){.version = 7, .system_time = 1};
    reads = 0;
    assert_int_equal(schedop_time_read(&live, counter_during_update), 42);
    assert_int_equal(reads, 4);
}

/* 1 ns a tick from the counter's own present: it runs, and never back. */
static void test_now(void **state)
{
    struct vcpu_time_info t = {.tsc_to_system_mul = 1u << 31, .tsc_shift = 1};
    uint64_t last = 0;

    (void)state;
    for (unsigned int i = 0; i < 1000; i++) {
        uint64_t now = schedop_now_ns(&t);

        assert_true(now >= last);
        last = now;
    }
    assert_true(last > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_conversion),
        cmocka_unit_test(test_conversion_edges),
        cmocka_unit_test(test_time_is_read_anew_after_an_update),
        cmocka_unit_test(test_time_waits_for_an_even_version),
        cmocka_unit_test(test_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
