/* SPDX-License-Identifier: MIT */
/* The null policy: who has which pCPU, and who waits. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "policy_fake.h"

static void one_each_and_order(void **state)
{
    struct fake *f = fake_new(&policy_null, 2, 8, 0, 1);
    struct policy_domain *d = fake_domain(f);
    struct fake_vcpu *v[5];
    unsigned i;

    (void)state;
    for (i = 0; i < 5; i++) {
        v[i] = fake_vcpu(f, d);
        fake_work(f, v[i], FAKE_HOG, 0);
    }
    fake_run(f, 1000000);
    assert_true(fake_is_running(v[0]) && fake_is_running(v[1]));
    /* Asleep it keeps its pCPU; the third waits all the same. */
    fake_sleep(f, v[0]);
    fake_run(f, 1000000);
    assert_int_equal(fake_ran(f, v[2]), 0);
    fake_wake(f, v[0]);
    fake_run(f, 1000000);
    assert_int_equal(fake_ran(f, v[0]), 2000000);
    assert_int_equal(fake_ran(f, v[1]), 3000000);
    /* Down, or gone, it does not; and those that wait come in order. */
    fake_up(f, v[1], false);
    fake_run(f, 1000000);
    assert_int_equal(fake_ran(f, v[2]), 1000000);
    fake_vcpu_gone(f, v[0]);
    fake_ask_all(f);
    fake_run(f, 1000000);
    assert_int_equal(fake_ran(f, v[3]), 1000000);
    assert_int_equal(fake_ran(f, v[4]), 0);
    /* Who comes up again goes behind. */
    fake_up(f, v[1], true);
    fake_up(f, v[2], false);
    fake_run(f, 1000000);
    assert_int_equal(fake_ran(f, v[4]), 1000000);
    assert_int_equal(fake_ran(f, v[1]), 3000000);
    fake_free(f);
}

static void hard_and_soft(void **state)
{
    struct fake *f = fake_new(&policy_null, 3, 8, 0, 1);
    struct policy_domain *d = fake_domain(f);
    struct fake_vcpu *a, *b, *c;

    (void)state;
    a = fake_vcpu(f, d);
    b = fake_vcpu(f, d);
    c = fake_vcpu(f, d);
    fake_affinity(f, a, 6, 4); /* prefers pCPU 2 */
    fake_affinity(f, b, 4, 4); /* needs pCPU 2 */
    fake_affinity(f, c, 1, 1);
    fake_work(f, a, FAKE_HOG, 0);
    fake_work(f, b, FAKE_HOG, 0);
    fake_work(f, c, FAKE_HOG, 0);
    fake_run(f, 1000);
    /* pCPUs were given on arrival: 0 to a, 1 to b, 2 to c; then masks moved
       each when it woke. */
    assert_int_equal(a->v.last->index, 1);
    assert_int_equal(b->v.last->index, 2);
    assert_int_equal(c->v.last->index, 0);
    /* A running one moves when it may not stay. */
    fake_affinity(f, b, 2, 2);
    fake_run(f, 1000);
    assert_false(fake_is_running(b));
    fake_affinity(f, a, 4, 4);
    fake_run(f, 1000);
    assert_int_equal(a->v.last->index, 2);
    assert_int_equal(b->v.last->index, 1);
    assert_true(fake_is_running(a) && fake_is_running(b));
    fake_free(f);
}

static void no_timer_no_switch(void **state)
{
    struct fake *f = fake_new(&policy_null, 4, 4, 0, 1);
    struct policy_domain *d = fake_domain(f);
    uint64_t picks;
    unsigned i;

    (void)state;
    for (i = 0; i < 4; i++) {
        fake_work(f, fake_vcpu(f, d), FAKE_HOG, 0);
    }
    fake_run(f, 1000);
    picks = f->picks;
    fake_run(f, 1000000000);
    assert_int_equal(f->picks, picks);
    fake_free(f);
}

static void storm(void **state)
{
    unsigned seed;

    (void)state;
    for (seed = 0; seed < 40; seed++) {
        struct fake *f = fake_new(&policy_null, 1 + seed % 5, 12, 0, seed);
        unsigned i;

        for (i = 0; i < 12; i++) {
            (void)fake_vcpu(f, i % 3 == 0 ? fake_domain(f)
                                          : &f->domain[f->nr_domains - 1]);
        }
        fake_storm(f, 1500);
        fake_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_each_and_order),
        cmocka_unit_test(hard_and_soft),
        cmocka_unit_test(no_timer_no_switch),
        cmocka_unit_test(storm),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
