/* SPDX-License-Identifier: MIT */
/* The rtds policy: budgets, deadlines, guarantees. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "lib/compiler.h"
#include "policy_fake.h"

#define MS 1000000u

static int set_rtds(struct fake *f, struct fake_vcpu *v, uint32_t period_us,
                    uint32_t budget_us, bool extratime)
{
    struct policy_vcpu_knobs k = {
        .sched_id = XEN_SCHEDULER_RTDS,
        .u.rtds = {period_us, budget_us, extratime},
    };
    int rc = policy_vcpu_knobs(&f->pool, &v->v, &k, true);

    fake_ask_all(f);
    return rc;
}

static struct fake_vcpu *server(struct fake *f, uint32_t period_us,
                                uint32_t budget_us, bool extratime)
{
    struct fake_vcpu *v = fake_vcpu(f, fake_domain(f));

    assert_int_equal(set_rtds(f, v, period_us, budget_us, extratime), 0);
    return v;
}

static void find_misses(void *arg, const char *line)
{
    const char *at = strstr(line, "missed ");

    if (at != NULL && strcmp(at, "missed 0") != 0 &&
        strstr(line, "not guaranteed") == NULL) {
        print_message("# %s\n", line);
        *(bool *)arg = true;
    }
}

static bool has_missed(const struct fake *f)
{
    bool missed = false;

    policy_dump(&f->pool, find_misses, &missed);
    return missed;
}

/* 3 of 5 and 4 of 10 ms are all there is: each gets it in each period. */
static void budget_each_period(void **state)
{
    struct fake *f = fake_new(&policy_rtds, 1, 4, 0, 1);
    struct fake_vcpu *a = fake_vcpu(f, fake_domain(f)); /* the default */
    struct fake_vcpu *b = server(f, 5000, 3000, false);
    unsigned i;

    (void)state;
    fake_work(f, a, FAKE_HOG, 0);
    fake_work(f, b, FAKE_HOG, 0);
    for (i = 1; i <= 200; i++) {
        fake_run(f, 5 * MS);
        assert_int_equal(fake_ran(f, b), i * 3 * MS);
        if (i % 2 == 0) {
            assert_int_equal(fake_ran(f, a), i / 2 * 4 * MS);
        }
    }
    assert_false(has_missed(f));
    fake_free(f);
}

/* Without extra time no more than the budget, though nobody else wants it. */
static void extra_time(void **state)
{
    struct fake *f = fake_new(&policy_rtds, 1, 4, 0, 1);
    struct fake_vcpu *a = server(f, 10000, 1000, false);
    struct fake_vcpu *b = server(f, 10000, 2000, true);
    struct fake_vcpu *c = server(f, 10000, 2000, true);

    (void)state;
    fake_work(f, a, FAKE_HOG, 0);
    fake_run(f, 100 * MS);
    assert_int_equal(fake_ran(f, a), 10 * MS);
    fake_work(f, b, FAKE_HOG, 0);
    fake_work(f, c, FAKE_HOG, 0);
    fake_run(f, 1000 * MS);
    assert_int_equal(fake_ran(f, a), 110 * MS);
    /* Nothing idle, and by turns what nobody reserved. */
    assert_int_equal(fake_ran(f, b) + fake_ran(f, c), 900 * MS);
    assert_in_range(fake_ran(f, b), 440 * MS, 460 * MS);
    assert_false(has_missed(f));
    fake_free(f);
}

/* Toggled while it has no budget, in each state: it gets it back in time. */
static void extra_time_toggled(void **state)
{
    struct fake *f = fake_new(&policy_rtds, 1, 4, 0, 1);
    struct fake_vcpu *a = server(f, 10000, 1000, false);
    struct fake_vcpu *b = server(f, 10000, 9000, false);

    (void)state;
    fake_work(f, a, FAKE_HOG, 0);
    fake_work(f, b, FAKE_HOG, 0);
    fake_run(f, 5 * MS); /* a is spent and b runs */
    assert_int_equal(fake_ran(f, a), 1 * MS);
    assert_int_equal(set_rtds(f, a, 10000, 1000, true), 0);
    fake_run(f, 1 * MS);
    assert_int_equal(set_rtds(f, a, 10000, 1000, false), 0);
    fake_run(f, 94 * MS);
    assert_int_equal(fake_ran(f, a), 10 * MS);
    fake_sleep(f, b);
    fake_run(f, 5 * MS);
    assert_int_equal(set_rtds(f, a, 10000, 1000, true), 0);
    fake_run(f, 3 * MS);
    assert_int_equal(fake_ran(f, a), 14 * MS); /* it runs in spare time */
    assert_int_equal(set_rtds(f, a, 10000, 1000, false), 0);
    fake_run(f, 52 * MS);
    assert_int_equal(fake_ran(f, a), 19 * MS);
    fake_free(f);
}

/* Sleeping at the right times earns nothing: a server is no more than that. */
static void no_gain_by_sleeping(void **state)
{
    unsigned seed;

    (void)state;
    for (seed = 0; seed < 20; seed++) {
        struct fake *f = fake_new(&policy_rtds, 1, 4, 0, seed);
        struct fake_vcpu *a = server(f, 10000, 4000, false);
        struct fake_vcpu *b = server(f, 7000, 4000, false);
        uint64_t start = 0, ran;
        unsigned i;

        fake_work(f, b, FAKE_HOG, 0);
        fake_work(f, a, 100000 + prng_next(&f->prng) % (4 * MS),
                  prng_next(&f->prng) % (8 * MS));
        for (i = 1; i <= 500; i++) {
            fake_run(f, 7 * MS);
            /* Beside it each period of the other is complete. */
            assert_int_equal(fake_ran(f, b), i * 4 * MS);
            ran = fake_ran(f, a);
            assert_true(ran - start <= (7 * 4 / 10 + 4 + 1) * MS);
            start = ran;
        }
        assert_false(has_missed(f));
        fake_free(f);
    }
}

static void admission(void **state)
{
    struct fake *f = fake_new(&policy_rtds, 1, 8, 0, 1);
    struct fake_vcpu *a = server(f, 10000, 5000, false);
    struct fake_vcpu *b = fake_vcpu(f, fake_domain(f)), *c, *d;
    struct policy_domain_knobs k = {.sched_id = XEN_SCHEDULER_RTDS};

    (void)state;
    assert_int_equal(set_rtds(f, b, 10000, 5001, false), -XEN_ENOSPC);
    assert_int_equal(set_rtds(f, b, 10000, 5000, false), 0);
    /* Default parameters always come in, to what the others leave. */
    c = fake_vcpu(f, fake_domain(f));
    fake_work(f, c, FAKE_HOG, 0);
    fake_work(f, a, 5 * MS, 5 * MS);
    fake_run(f, 10 * MS);
    fake_work(f, b, FAKE_HOG, 0);
    fake_run(f, 1000 * MS);
    assert_false(has_missed(f));
    assert_in_range(fake_ran(f, b), 499 * MS, 501 * MS);
    /* Refused as a whole: nothing has changed. */
    d = fake_vcpu(f, c->domain);
    k.u.rtds = (struct policy_rtds){10000, 1000, false};
    assert_int_equal(policy_domain_knobs(&f->pool, c->domain, &k, true),
                     -XEN_ENOSPC);
    fake_vcpu_gone(f, a);
    f->pool.ops->domain_fini(&f->pool, a->domain);
    fake_ask_all(f);
    assert_int_equal(policy_domain_knobs(&f->pool, c->domain, &k, true), 0);
    fake_ask_all(f);
    fake_work(f, d, FAKE_HOG, 0);
    fake_run(f, 100 * MS);
    assert_in_range(fake_ran(f, d), 9 * MS, 10 * MS);
    /* More pCPUs, more room; Goossens, Funk and Baruah: U <= 2 - 0.9. */
    fake_free(f);
    f = fake_new(&policy_rtds, 2, 8, 0, 1);
    (void)server(f, 10000, 9000, false);
    b = fake_vcpu(f, fake_domain(f));
    assert_int_equal(set_rtds(f, b, 10000, 2001, false), -XEN_ENOSPC);
    assert_int_equal(set_rtds(f, b, 10000, 2000, false), 0);
    fake_free(f);
}

static void parameters(void **state)
{
    static const struct {
        uint32_t period, budget;
        int rc;
    } row[] = {
        {10, 10, 0},
        {9, 9, -XEN_EINVAL},
        {100, 9, -XEN_EINVAL},
        {10, 11, -XEN_EINVAL},
        {0, 0, -XEN_EINVAL},
        {10000, 0, -XEN_EINVAL},
        {UINT32_MAX, UINT32_MAX, 0},
        {0, 10, -XEN_EINVAL},
        {UINT32_MAX, 10, 0},
    };
    struct fake *f = fake_new(&policy_rtds, 1, 8, 0, 1);
    struct fake_vcpu *a = fake_vcpu(f, fake_domain(f));
    struct policy_vcpu_knobs k = {.sched_id = XEN_SCHEDULER_RTDS};
    struct policy_domain_knobs d = {.sched_id = XEN_SCHEDULER_RTDS};
    unsigned i;

    (void)state;
    assert_int_equal(policy_vcpu_knobs(&f->pool, &a->v, &k, false), 0);
    assert_int_equal(k.u.rtds.period_us, 10000);
    assert_int_equal(k.u.rtds.budget_us, 4000);
    assert_false(k.u.rtds.extratime);
    for (i = 0; i < ARRAY_SIZE(row); i++) {
        k.u.rtds = (struct policy_rtds){row[i].period, row[i].budget, true};
        d.u.rtds = k.u.rtds;
        assert_int_equal(policy_vcpu_knobs(&f->pool, &a->v, &k, true),
                         row[i].rc);
        assert_int_equal(policy_domain_knobs(&f->pool, a->domain, &d, true),
                         row[i].rc);
    }
    assert_int_equal(policy_vcpu_knobs(&f->pool, &a->v, &k, false), 0);
    assert_int_equal(k.u.rtds.period_us, UINT32_MAX);
    assert_int_equal(k.u.rtds.budget_us, 10);
    assert_true(k.u.rtds.extratime);
    /* A knob of another policy. */
    k.sched_id = XEN_SCHEDULER_CREDIT2;
    assert_int_equal(policy_vcpu_knobs(&f->pool, &a->v, &k, false),
                     -XEN_EINVAL);
    fake_free(f);
}

/* As many random servers as are admitted, always busy or sleeping at random:
   none misses a deadline, and who never sleeps gets every budget in full. */
static void no_miss_while_admitted(void **state)
{
    unsigned seed;

    (void)state;
    for (seed = 0; seed < 30; seed++) {
        unsigned m = 1 + seed % 4, n = 0, i;
        struct fake *f = fake_new(&policy_rtds, m, 16, 0, seed);

        for (i = 0; i < 16; i++) {
            struct fake_vcpu *v = fake_vcpu(f, fake_domain(f));
            uint32_t period = 1000 + (uint32_t)(prng_next(&f->prng) % 20000);
            uint32_t budget =
                10 + (uint32_t)(prng_next(&f->prng) % (period / 2));

            if (set_rtds(f, v, period, budget, prng_next(&f->prng) % 2 == 0) ==
                0) {
                n++;
            }
            fake_work(f, v,
                      i % 2 == 0 ? FAKE_HOG
                                 : 50000 + prng_next(&f->prng) % (5 * MS),
                      prng_next(&f->prng) % (5 * MS));
        }
        assert_true(n > m);
        fake_run(f, 2000 * (uint64_t)MS);
        assert_false(has_missed(f));
        for (i = 0; i < 16; i += 2) {
            struct policy_vcpu_knobs k = {.sched_id = XEN_SCHEDULER_RTDS};
            uint64_t periods;

            (void)policy_vcpu_knobs(&f->pool, &f->vcpu[i].v, &k, false);
            if (k.u.rtds.period_us == 10000 && k.u.rtds.budget_us == 4000) {
                continue; /* it was refused */
            }
            periods = 2000000 / k.u.rtds.period_us;
            assert_true(fake_ran(f, &f->vcpu[i]) >=
                        (periods - 1) * k.u.rtds.budget_us * 1000);
        }
        fake_free(f);
    }
}

static void storm(void **state)
{
    unsigned seed, i;

    (void)state;
    for (seed = 0; seed < 40; seed++) {
        struct fake *f = fake_new(&policy_rtds, 1 + seed % 5, 12, 0, seed);

        for (i = 0; i < 12; i++) {
            (void)fake_vcpu(f, i % 3 == 0 ? fake_domain(f)
                                          : &f->domain[f->nr_domains - 1]);
        }
        for (i = 0; i < 30; i++) {
            struct fake_vcpu *v = &f->vcpu[prng_next(&f->prng) % 12];
            uint32_t period = 10 + (uint32_t)(prng_next(&f->prng) % 20000);

            fake_storm(f, 50);
            if (v->present) {
                (void)set_rtds(f, v, period,
                               (uint32_t)(prng_next(&f->prng) % period),
                               prng_next(&f->prng) % 2 == 0);
            }
        }
        fake_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budget_each_period),
        cmocka_unit_test(extra_time),
        cmocka_unit_test(extra_time_toggled),
        cmocka_unit_test(no_gain_by_sleeping),
        cmocka_unit_test(admission),
        cmocka_unit_test(parameters),
        cmocka_unit_test(no_miss_while_admitted),
        cmocka_unit_test(storm),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
