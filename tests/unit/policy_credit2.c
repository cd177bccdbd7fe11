/* SPDX-License-Identifier: MIT */
/* The credit2 policy: the bounds that its file promises. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "lib/bitmap.h"
#include "lib/compiler.h"
#include "policy_fake.h"

#define MS 1000000u
#define SLICE (4 * MS)

static int set_domain(struct fake *f, struct policy_domain *d, uint32_t weight,
                      uint32_t cap)
{
    struct policy_domain_knobs k = {
        .sched_id = XEN_SCHEDULER_CREDIT2,
        .u.credit2 = {.weight = weight, .cap = cap},
    };
    int rc;

    fake_charge_all(f);
    rc = policy_domain_knobs(&f->pool, d, &k, true);
    fake_ask_all(f);
    return rc;
}

static struct fake_vcpu *weighted(struct fake *f, uint32_t weight)
{
    struct policy_domain *d = fake_domain(f);

    assert_int_equal(set_domain(f, d, weight, 0), 0);
    return fake_vcpu(f, d);
}

static uint32_t weight_of(struct fake *f, const struct fake_vcpu *v)
{
    struct policy_domain_knobs k = {.sched_id = XEN_SCHEDULER_CREDIT2};

    assert_int_equal(policy_domain_knobs(&f->pool, v->domain, &k, false), 0);
    return k.u.credit2.weight;
}

/* ---- fairness ---- */

/* How far service strays from the ideal, in slices. */
struct spread {
    double behind, ahead; /* at any moment, since all began */
    double window;        /* over any window */
};

/* Hogs that compete for the time of `pcpus`; all have begun together. */
static struct spread measure(struct fake *f, struct fake_vcpu *const *v,
                             unsigned n, double pcpus, uint64_t ns)
{
    double *low = calloc(n, sizeof(*low)), *high = calloc(n, sizeof(*high));
    struct spread s = {0, 0, 0};
    double weights = 0;
    uint64_t start = f->now, end = f->now + ns;
    uint64_t *first = calloc(n, sizeof(*first));
    unsigned i;

    for (i = 0; i < n; i++) {
        weights += weight_of(f, v[i]);
        first[i] = fake_ran(f, v[i]);
    }
    while (f->now < end) {
        fake_run(f, 100000 + prng_next(&f->prng) % 500000);
        for (i = 0; i < n; i++) {
            double ideal =
                (double)(f->now - start) * pcpus * weight_of(f, v[i]) / weights;
            double off =
                ((double)(fake_ran(f, v[i]) - first[i]) - ideal) / SLICE;

            low[i] = off < low[i] ? off : low[i];
            high[i] = off > high[i] ? off : high[i];
            s.behind = -low[i] > s.behind ? -low[i] : s.behind;
            s.ahead = high[i] > s.ahead ? high[i] : s.ahead;
            s.window =
                high[i] - low[i] > s.window ? high[i] - low[i] : s.window;
        }
    }
    free(low);
    free(high);
    free(first);
    return s;
}

static struct spread worst(struct spread a, struct spread b)
{
    a.behind = a.behind > b.behind ? a.behind : b.behind;
    a.ahead = a.ahead > b.ahead ? a.ahead : b.ahead;
    a.window = a.window > b.window ? a.window : b.window;
    return a;
}

/* Random weights that can all be used on `m` pCPUs; `per_socket` each. */
static struct spread spread_on(unsigned m, unsigned per_socket, bool equal)
{
    struct spread all = {0, 0, 0};
    unsigned seed;

    for (seed = 0; seed < 24; seed++) {
        unsigned n = m + 1 + (unsigned)(seed * 7 % (4 * m)), i;
        struct fake *f = fake_new(&policy_credit2, m, n, per_socket, seed);
        struct fake_vcpu *v[256];
        uint32_t base = 1u << (seed % 12);

        for (i = 0; i < n; i++) {
            /* On one pCPU any weights, on more at most 1 : 2. */
            uint64_t range = m == 1 ? base * 16 : base + 1;
            uint32_t weight =
                equal ? 256 : base + (uint32_t)(prng_next(&f->prng) % range);

            if (m > 1 && (double)weight * m > (double)base * n) {
                weight = base;
            }
            v[i] = weighted(f, weight);
            fake_work(f, v[i], FAKE_HOG, 0);
        }
        f->checks = seed % 4 == 0;
        all = worst(all, measure(f, v, n, m, 2000 * (uint64_t)MS));
        fake_free(f);
    }
    print_message("# %u pCPUs, %u a queue, %s weights: behind %.2f, ahead "
                  "%.2f, any window %.2f slices\n",
                  m, per_socket, equal ? "equal" : "random", all.behind,
                  all.ahead, all.window);
    return all;
}

static void fair_on_one_pcpu(void **state)
{
    struct spread s = spread_on(1, 1, true);

    (void)state;
    assert_true(s.behind <= 0.5 && s.ahead <= 0.5 && s.window <= 1);
    s = spread_on(1, 1, false);
    assert_true(s.behind <= 0.5 && s.ahead <= 0.5 && s.window <= 1);
}

static void fair_on_several(void **state)
{
    static const unsigned m[] = {2, 3, 4, 8, 16};
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(m); i++) {
        struct spread s =
            worst(spread_on(m[i], m[i], true), spread_on(m[i], m[i], false));

        assert_true(s.behind <= 0.75 && s.ahead <= 0.75 && s.window <= 1);
    }
}

static void fair_across_queues(void **state)
{
    static const unsigned m[][2] = {{2, 1}, {4, 2}, {4, 1}, {8, 4}, {32, 8}};
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(m); i++) {
        struct spread s = worst(spread_on(m[i][0], m[i][1], true),
                                spread_on(m[i][0], m[i][1], false));

        assert_true(s.behind <= 1 && s.ahead <= 1 && s.window <= 2);
    }
}

/* ---- where weights cannot all be used ---- */

static double share_of(const struct fake *f, const struct fake_vcpu *v,
                       uint64_t before, uint64_t ns)
{
    return (double)(fake_ran(f, v) - before) / (double)ns;
}

/* One with a right to more than a pCPU gets one, the others their weights; and
   when that changes it has no old claims. */
static void infeasible_weight(void **state)
{
    struct fake *f = fake_new(&policy_credit2, 2, 4, 0, 1);
    struct fake_vcpu *h = weighted(f, 65535), *v[3];
    uint64_t before[3];
    unsigned i;

    (void)state;
    for (i = 0; i < 3; i++) {
        v[i] = weighted(f, 256u << i);
        fake_work(f, v[i], FAKE_HOG, 0);
    }
    fake_work(f, h, FAKE_HOG, 0);
    fake_run(f, 7000 * (uint64_t)MS);
    assert_true(share_of(f, h, 0, f->now) > 0.99);
    for (i = 0; i < 3; i++) {
        assert_in_range(fake_ran(f, v[i]), 990 * (uint64_t)MS << i,
                        1010 * (uint64_t)MS << i);
        before[i] = fake_ran(f, v[i]);
    }
    /* On one pCPU its weight is possible, and is what it gets. */
    assert_int_equal(set_domain(f, h->domain, 256, 0), 0);
    fake_pcpu_remove(f, 1);
    fake_run(f, 80 * MS);
    for (i = 0; i < 3; i++) {
        assert_true(fake_ran(f, v[i]) - before[i] >= (5 * MS << i));
    }
    fake_free(f);
}

/* Sets of vCPUs on pCPUs of their own progress at very different rates. Each
   is fair in itself, and who joins one is one of them. */
static void pinned_sets(void **state)
{
    unsigned way;

    (void)state;
    for (way = 0; way < 2; way++) {
        struct fake *f = fake_new(&policy_credit2, 2, 8, way, 1);
        struct fake_vcpu *slow[4], *fast[2], *late;
        uint64_t before, ran;
        unsigned i;

        for (i = 0; i < 4; i++) {
            slow[i] = weighted(f, 256u << i);
            fake_affinity(f, slow[i], 1, 1);
            fake_work(f, slow[i], FAKE_HOG, 0);
        }
        for (i = 0; i < 2; i++) {
            fast[i] = weighted(f, 16);
            fake_affinity(f, fast[i], 2, 2);
            fake_work(f, fast[i], 3 * MS, 1 * MS);
        }
        fake_run(f, 15000 * (uint64_t)MS);
        for (i = 0; i < 4; i++) {
            assert_in_range(fake_ran(f, slow[i]), 980 * (uint64_t)MS << i,
                            1020 * (uint64_t)MS << i);
        }
        /* A newcomer to the slow set neither starves nor takes all. */
        late = weighted(f, 3840);
        fake_affinity(f, late, 1, 1);
        fake_work(f, late, FAKE_HOG, 0);
        before = fake_ran(f, slow[3]);
        fake_run(f, 100 * MS);
        assert_in_range(fake_ran(f, late), 42 * MS, 58 * MS);
        ran = fake_ran(f, slow[3]) - before;
        assert_in_range(ran, 20 * MS, 33 * MS);
        /* From one set to the other, and back: the same. */
        fake_affinity(f, late, 2, 2);
        before = fake_ran(f, fast[0]);
        fake_run(f, 4000 * (uint64_t)MS);
        ran = fake_ran(f, fast[0]) - before;
        assert_in_range(ran, 8 * MS, 25 * MS); /* 16 of 3872, and a slice */
        fake_affinity(f, late, 1, 1);
        before = fake_ran(f, late);
        fake_run(f, 100 * MS);
        assert_in_range(fake_ran(f, late) - before, 40 * MS, 60 * MS);
        /* The slow go where the fast are: nobody is shut out. */
        for (i = 0; i < 4; i++) {
            fake_affinity(f, slow[i], 2, 2);
        }
        before = fake_ran(f, fast[0]);
        fake_run(f, 4000 * (uint64_t)MS);
        ran = fake_ran(f, fast[0]) - before;
        assert_in_range(ran, 8 * MS, 25 * MS);
        fake_free(f);
    }
}

/* All the time anything that is ready runs again within a bounded time. */
static void nobody_starves(void **state)
{
    unsigned seed, i;

    (void)state;
    for (seed = 0; seed < 12; seed++) {
        struct fake *f =
            fake_new(&policy_credit2, 1 + seed % 3, 10, seed % 2, seed);
        uint64_t last[10] = {0}, since[10] = {0};

        for (i = 0; i < 10; i++) {
            struct fake_vcpu *v =
                weighted(f, 64 + (uint32_t)(prng_next(&f->prng) % 512));

            fake_work(f, v, FAKE_HOG, 0);
        }
        while (f->now < 5000 * (uint64_t)MS) {
            fake_run(f, 1 + prng_next(&f->prng) % (2 * MS));
            if (prng_next(&f->prng) % 16 == 0) {
                struct fake_vcpu *v = &f->vcpu[prng_next(&f->prng) % 10];
                sop_cpumask_t hard = f->pool.online & prng_next(&f->prng);

                hard = hard != 0 ? hard : f->pool.online;
                fake_affinity(f, v, hard, hard);
            }
            for (i = 0; i < 10; i++) {
                if (fake_ran(f, &f->vcpu[i]) != last[i]) {
                    last[i] = fake_ran(f, &f->vcpu[i]);
                    since[i] = f->now;
                }
                /* Ten of them, weights at most 1 : 9 on one pCPU: a round is
                   at most 90 slices, and each change may cost some. */
                assert_true(f->now - since[i] < 1000 * (uint64_t)MS);
            }
        }
        fake_free(f);
    }
}

/* Many short runs are charged to the last ns, however heavy the vCPU. */
static void no_free_nanoseconds(void **state)
{
    struct fake *f = fake_new(&policy_credit2, 1, 2, 0, 1);
    struct fake_vcpu *a = weighted(f, 65535), *b = weighted(f, 65535);
    unsigned i;

    (void)state;
    fake_work(f, b, FAKE_HOG, 0);
    fake_work(f, a, FAKE_HOG, 0);
    for (i = 0; i < 200000; i++) {
        fake_run(f, 100); /* below one virtual ns */
        if (fake_is_running(a)) {
            f->pcpu[0].asked = true; /* it exits all the time */
        }
    }
    assert_in_range(fake_ran(f, a), 8 * MS, 12 * MS);
    fake_free(f);
}

/* ---- waking ---- */

/*
 * Who used less than its share runs as soon as the rate limit lets it, beside
 * any number of busy ones of its weight, whenever it wakes: there is hardly
 * ever one that has to go before it.
 */
static void wakes_in_time(void **state)
{
    unsigned m, n, i;

    (void)state;
    for (m = 1; m <= 4; m *= 2) {
        for (n = 1; n <= 64; n *= 4) {
            struct fake *f = fake_new(&policy_credit2, m, n * m + 1, 0, n);
            struct fake_vcpu *v = weighted(f, 256);

            f->checks = n < 8;
            for (i = 0; i < n * m; i++) {
                fake_work(f, weighted(f, 256), FAKE_HOG, 0);
            }
            fake_run(f, 1000 * (uint64_t)MS);
            for (i = 0; i < 300; i++) {
                fake_work(f, v, 50000, 100000 * (uint64_t)MS);
                fake_run(f,
                         200000 * n + 2 * MS + prng_next(&f->prng) % (7 * MS));
            }
            print_message("# %u pCPUs, %u busy: wake-up after at most %u us\n",
                          m, n * m, (unsigned)(v->latency_max / 1000));
            assert_int_equal(fake_ran(f, v), 300 * 50000);
            assert_true(v->latency_max <= 1000000 + 1000 * (n + 1));
            fake_free(f);
        }
    }
}

/* The bound for any weights: 1 us * W / weight / pCPUs + a slice. */
static void light_ones_wake_too(void **state)
{
    struct fake *f = fake_new(&policy_credit2, 1, 5, 0, 1);
    struct fake_vcpu *v = weighted(f, 64);
    unsigned i;

    (void)state;
    for (i = 0; i < 4; i++) {
        fake_work(f, weighted(f, 512), FAKE_HOG, 0);
    }
    fake_work(f, v, 50000, 97 * MS);
    fake_run(f, 4000 * (uint64_t)MS);
    print_message("# weight 64 of 2112: wake-up after at most %u us\n",
                  (unsigned)(v->latency_max / 1000));
    assert_true(v->latency_max <= 33000 + SLICE);
    fake_free(f);
}

/* What is runnable and does not run finds none of its pCPUs idle. */
static void nothing_waits_beside_idle(void **state)
{
    unsigned seed, step, i, k, waited = 0;

    (void)state;
    for (seed = 0; seed < 24; seed++) {
        unsigned m = 1 + seed % 5;
        struct fake *f =
            fake_new(&policy_credit2, m, 8, seed % 3 == 0 ? 2 : 0, seed);

        for (i = 0; i < 8; i++) {
            fake_work(f, weighted(f, 64u << (i % 4)),
                      100000 + prng_next(&f->prng) % (4 * MS),
                      10000 + prng_next(&f->prng) % (8 * MS));
        }
        for (step = 0; step < 2000; step++) {
            fake_run(f, 1 + prng_next(&f->prng) % (MS / 2));
            if (step % 16 == 0) {
                sop_cpumask_t hard = f->pool.online & prng_next(&f->prng), soft;

                hard = hard != 0 ? hard : f->pool.online;
                soft = hard & prng_next(&f->prng);
                fake_affinity(f, &f->vcpu[prng_next(&f->prng) % 8], hard,
                              soft != 0 ? soft : hard);
            }
            fake_settle(f);
            for (i = 0; i < 8; i++) {
                const struct fake_vcpu *v = &f->vcpu[i];
                bool waits = v->v.runnable && !fake_is_running(v);

                waited += waits;
                for (k = 0; waits && k < m; k++) {
                    assert_false(f->pcpu[k].p.curr == NULL &&
                                 (v->v.hard >> k & 1) != 0);
                }
            }
        }
        fake_free(f);
    }
    assert_true(waited > 10000);
}

/* Sleeping for an instant at the right time gains nothing. */
static void no_gain_by_sleeping(void **state)
{
    static const unsigned burst_us[] = {10, 100, 900, 1100, 3900, 4100, 9000};
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(burst_us); i++) {
        struct fake *f = fake_new(&policy_credit2, 1, 2, 0, 1);
        struct fake_vcpu *a = weighted(f, 256), *b = weighted(f, 256);

        fake_work(f, a, FAKE_HOG, 0);
        fake_work(f, b, burst_us[i] * 1000, 1000);
        fake_run(f, 1000 * (uint64_t)MS);
        assert_true(fake_ran(f, b) <= 500 * (uint64_t)MS + SLICE);
        fake_free(f);
    }
}

static void rate_limit(void **state)
{
    static const uint32_t us[] = {100, 1000, 3000, 500000};
    struct policy_pool_knobs k = {.sched_id = XEN_SCHEDULER_CREDIT2};
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(us); i++) {
        struct fake *f = fake_new(&policy_credit2, 1, 2, 0, 1);
        struct fake_vcpu *a = weighted(f, 256), *b = weighted(f, 256);
        uint64_t limit = us[i] * (uint64_t)1000;

        k.u.credit2.ratelimit_us = 0;
        assert_int_equal(policy_pool_knobs(&f->pool, &k, false), 0);
        assert_int_equal(k.u.credit2.ratelimit_us, 1000);
        k.u.credit2.ratelimit_us = us[i];
        assert_int_equal(policy_pool_knobs(&f->pool, &k, true), 0);
        fake_work(f, a, FAKE_HOG, 0);
        fake_run(f, 600 * MS);
        /* It has run for long: at once. Then it has its time again. */
        fake_work(f, b, 10000, FAKE_HOG / 2);
        fake_run(f, 10000);
        assert_int_equal(fake_ran(f, b), 10000);
        fake_run(f, 20000);
        fake_wake(f, b);
        fake_run(f, limit - 20001);
        assert_int_equal(fake_ran(f, b), 10000);
        fake_run(f, 10001);
        assert_int_equal(fake_ran(f, b), 20000);
        /* A yield does not wait for it. */
        fake_run(f, 20000);
        fake_wake(f, b);
        fake_yield(f, 0);
        fake_run(f, 1000);
        assert_int_equal(fake_ran(f, b), 21000);
        fake_free(f);
    }
    {
        static const struct {
            uint32_t us;
            int rc;
        } row[] = {
            {0, 0},      {99, -XEN_EINVAL},     {100, 0},
            {500000, 0}, {500001, -XEN_EINVAL}, {UINT32_MAX, -XEN_EINVAL}};
        struct fake *f = fake_new(&policy_credit2, 1, 2, 0, 1);

        for (i = 0; i < ARRAY_SIZE(row); i++) {
            k.u.credit2.ratelimit_us = row[i].us;
            assert_int_equal(policy_pool_knobs(&f->pool, &k, true), row[i].rc);
        }
        fake_free(f);
    }
}

/* The one that yields waits a slice of the other, on one pCPU and on more. */
static void yield(void **state)
{
    unsigned m, i;

    (void)state;
    for (m = 1; m <= 3; m++) {
        struct fake *f = fake_new(&policy_credit2, m, m + 1, 0, 1);
        uint64_t before = 0, after;
        struct policy_vcpu *v;

        for (i = 0; i < m + 1; i++) {
            fake_work(f, weighted(f, 256), FAKE_HOG, 0);
        }
        fake_run(f, 101 * MS);
        v = f->pcpu[0].p.curr;
        for (i = 0; i < m + 1; i++) {
            before = &f->vcpu[i].v == v ? fake_ran(f, &f->vcpu[i]) : before;
        }
        fake_yield(f, 0);
        fake_run(f, m == 1 ? MS : 1);
        after = before;
        for (i = 0; i < m + 1; i++) {
            after = &f->vcpu[i].v == v ? fake_ran(f, &f->vcpu[i]) : after;
        }
        /* It was not taken back at once, here or elsewhere. */
        assert_int_equal(after, before);
        fake_free(f);
    }
}

/* Pinned in mid-run to the pCPU of one that yields all the time. */
static void yield_to_newcomer(void **state)
{
    struct fake *f = fake_new(&policy_credit2, 2, 2, 0, 1);
    struct policy_domain *d = fake_domain(f);
    struct fake_vcpu *a = fake_vcpu(f, d), *b = fake_vcpu(f, d);
    uint64_t before;
    unsigned i;

    (void)state;
    fake_work(f, a, FAKE_HOG, 0);
    fake_work(f, b, FAKE_HOG, 0);
    fake_affinity(f, a, 1, 1);
    fake_run(f, 1234567);
    fake_affinity(f, b, 1, 1);
    before = fake_ran(f, b);
    for (i = 0; i < 10; i++) {
        fake_run(f, 2000);
        if (fake_is_running(a)) {
            fake_yield(f, 0);
        }
    }
    assert_true(fake_ran(f, b) > before);
    fake_run(f, 10 * MS);
    assert_true(fake_ran(f, a) > 5 * MS);
    fake_affinity(f, a, 3, 3);
    fake_run(f, SLICE + 1); /* it makes room at the end of a slice */
    assert_true(fake_is_running(a) && fake_is_running(b));
    fake_free(f);
}

/* ---- caps ---- */

/* In any window of length T no more than cap * (T + 2 periods). */
static void caps(void **state)
{
    static const uint32_t cap[] = {1, 10, 33, 100, 150, 300};
    unsigned i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(cap); i++) {
        struct fake *f = fake_new(&policy_credit2, 4, 8, 0, i);
        struct policy_domain *d = fake_domain(f);
        uint64_t at[400], ran = 0;

        assert_int_equal(set_domain(f, d, 256, cap[i]), 0);
        for (k = 0; k < 4; k++) {
            fake_work(f, fake_vcpu(f, d), k % 2 == 0 ? FAKE_HOG : 700000,
                      k * (MS / 3));
        }
        fake_work(f, weighted(f, 256), FAKE_HOG, 0);
        for (k = 0; k < ARRAY_SIZE(at); k++) {
            unsigned j;

            fake_run(f, 3 * MS);
            ran = 0;
            for (j = 0; j < 4; j++) {
                ran += fake_ran(f, &f->vcpu[j]);
            }
            at[k] = ran;
            for (j = 0; j < k; j++) {
                assert_true(at[k] - at[j] <=
                            ((k - j) * (uint64_t)3 * MS + 20 * MS) * cap[i] /
                                100);
            }
        }
        /* And it gets that, if it can use it. */
        assert_true(cap[i] > 150 ||
                    ran >= 1190 * (uint64_t)MS * cap[i] / 100 * 95 / 100);
        fake_free(f);
    }
}

static void cap_changes(void **state)
{
    struct fake *f = fake_new(&policy_credit2, 1, 2, 0, 1);
    struct fake_vcpu *a = weighted(f, 256);

    (void)state;
    assert_int_equal(set_domain(f, a->domain, 256, 10), 0);
    fake_work(f, a, FAKE_HOG, 0);
    fake_run(f, 15 * MS);
    assert_int_equal(fake_ran(f, a), 2 * MS);
    /* Parked, it comes back when the cap goes, or becomes another. */
    assert_int_equal(set_domain(f, a->domain, 256, 0), 0);
    fake_run(f, 5 * MS);
    assert_int_equal(fake_ran(f, a), 7 * MS);
    assert_int_equal(set_domain(f, a->domain, 256, 10), 0);
    fake_run(f, 5 * MS);
    assert_int_equal(fake_ran(f, a), 8 * MS);
    assert_int_equal(set_domain(f, a->domain, 256, 20), 0);
    fake_run(f, 5 * MS);
    assert_int_equal(fake_ran(f, a), 9 * MS); /* what is more than before */
    /* Asleep while parked, and gone while parked. */
    fake_sleep(f, a);
    fake_run(f, 20 * MS);
    fake_wake(f, a);
    fake_run(f, 10 * MS);
    assert_int_equal(fake_ran(f, a), 11 * MS);
    fake_vcpu_gone(f, a);
    f->pool.ops->domain_fini(&f->pool, a->domain);
    fake_run(f, 100 * MS);
    assert_int_equal(set_domain(f, a->domain, 0, 0), -XEN_EINVAL);
    assert_int_equal(set_domain(f, a->domain, 65536, 0), -XEN_EINVAL);
    assert_int_equal(set_domain(f, a->domain, 1, 65536), -XEN_EINVAL);
    fake_free(f);
}

/* Lowered in mid-run, seen late by the pCPUs: what they still use of the old
   budget is used of the new one. */
static void cap_lowered(void **state)
{
    unsigned late, m;

    (void)state;
    for (late = 0; late <= 8; late++) {
        for (m = 1; m <= 3; m++) {
            struct fake *f = fake_new(&policy_credit2, m, m, 0, 1);
            struct policy_domain *d = fake_domain(f);
            struct policy_domain_knobs k = {
                .sched_id = XEN_SCHEDULER_CREDIT2,
                .u.credit2 = {.weight = 256, .cap = 15},
            };
            uint64_t before = 0, after = 0, t;
            unsigned i;

            assert_int_equal(set_domain(f, d, 256, 100 * m), 0);
            for (i = 0; i < m; i++) {
                fake_work(f, fake_vcpu(f, d), FAKE_HOG, 0);
            }
            fake_run(f, 50 * MS + late * (MS / 2) + 1);
            fake_charge_all(f);
            for (i = 0; i < m; i++) {
                before += fake_ran(f, &f->vcpu[i]);
            }
            assert_int_equal(policy_domain_knobs(&f->pool, d, &k, true), 0);
            fake_run(f, late * (MS / 4));
            fake_ask_all(f);
            for (t = late * (MS / 4); t < 100 * MS; t += MS / 2, after = 0) {
                for (i = 0; i < m; i++) {
                    after += fake_ran(f, &f->vcpu[i]);
                }
                /* A period begun, those that begin, and being late. */
                assert_true((after - before) * 100 <=
                            (t + 10 * MS) / (10 * MS) * 150 * MS + 150 * MS +
                                late * (MS / 4) * 100 * (m - 1));
                fake_run(f, MS / 2);
            }
            assert_true(t >= 100 * MS);
            fake_free(f);
        }
    }
}

/* ---- places ---- */

static void soft_affinity(void **state)
{
    struct fake *f = fake_new(&policy_credit2, 2, 2, 0, 1);
    struct fake_vcpu *a = weighted(f, 256), *b = weighted(f, 256);

    (void)state;
    fake_affinity(f, a, 3, 2);
    fake_affinity(f, b, 3, 2);
    fake_work(f, a, FAKE_HOG, 0);
    fake_work(f, b, FAKE_HOG, 0);
    fake_run(f, 100 * MS);
    /* Rather somewhere else than not at all ... */
    assert_int_equal(fake_ran(f, a) + fake_ran(f, b), 200 * MS);
    assert_int_equal(a->v.last->index, 1);
    assert_int_equal(b->v.last->index, 0);
    /* ... and where it prefers as soon as it can. */
    fake_sleep(f, a);
    fake_run(f, 1000);
    assert_int_equal(b->v.last->index, 1);
    assert_true(fake_is_running(b));
    fake_free(f);
}

/* Sockets of any size, pCPUs coming and going: all of them are used. */
static void queues(void **state)
{
    static const unsigned per_socket[] = {0, 1, 3, 16, 20};
    unsigned i, k;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(per_socket); i++) {
        struct fake *f = fake_new(&policy_credit2, 40, 64, per_socket[i], 1);
        uint64_t sum = 0;

        f->checks = false;
        for (k = 0; k < 64; k++) {
            fake_work(f, weighted(f, 256), FAKE_HOG, 0);
        }
        for (k = 0; k < 32; k++) {
            fake_run(f, 10 * MS);
            fake_pcpu_remove(f, k + 1);
            fake_settle(f);
            fake_check(f);
        }
        for (k = 0; k < 64; k++) {
            sum += fake_ran(f, &f->vcpu[k]);
        }
        for (k = 0; k < 32; k++) {
            fake_run(f, 10 * MS);
            fake_pcpu_add(f, k + 1);
            fake_settle(f);
            fake_check(f);
        }
        fake_run(f, 1000 * (uint64_t)MS);
        sum = 0;
        for (k = 0; k < 64; k++) {
            sum += fake_ran(f, &f->vcpu[k]);
        }
        /* 40, 39 ... 9 pCPUs, 8, 9 ... 39, and 40 at last, never idle. */
        assert_int_equal(
            sum, (uint64_t)MS * (10 * (49 * 16) + 10 * (47 * 16) + 1000 * 40));
        fake_free(f);
    }
}

static void storm(void **state)
{
    unsigned seed, i;

    (void)state;
    for (seed = 0; seed < 60; seed++) {
        struct fake *f = fake_new(&policy_credit2, 1 + seed % 7, 14,
                                  seed % 3 == 0 ? 2 : 0, seed);

        for (i = 0; i < 14; i++) {
            (void)fake_vcpu(f, i % 3 == 0 ? fake_domain(f)
                                          : &f->domain[f->nr_domains - 1]);
        }
        for (i = 0; i < 20; i++) {
            fake_storm(f, 70);
            (void)set_domain(f, &f->domain[prng_next(&f->prng) % f->nr_domains],
                             1 + (uint32_t)(prng_next(&f->prng) % 65535),
                             prng_next(&f->prng) % 2 == 0
                                 ? 0
                                 : 1 + (uint32_t)(prng_next(&f->prng) % 150));
        }
        fake_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fair_on_one_pcpu),
        cmocka_unit_test(fair_on_several),
        cmocka_unit_test(fair_across_queues),
        cmocka_unit_test(infeasible_weight),
        cmocka_unit_test(pinned_sets),
        cmocka_unit_test(nobody_starves),
        cmocka_unit_test(no_free_nanoseconds),
        cmocka_unit_test(wakes_in_time),
        cmocka_unit_test(light_ones_wake_too),
        cmocka_unit_test(nothing_waits_beside_idle),
        cmocka_unit_test(no_gain_by_sleeping),
        cmocka_unit_test(rate_limit),
        cmocka_unit_test(yield),
        cmocka_unit_test(yield_to_newcomer),
        cmocka_unit_test(caps),
        cmocka_unit_test(cap_changes),
        cmocka_unit_test(cap_lowered),
        cmocka_unit_test(soft_affinity),
        cmocka_unit_test(queues),
        cmocka_unit_test(storm),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
