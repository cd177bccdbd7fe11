/* SPDX-License-Identifier: MIT */
/*
 * What a decision costs against the number of vCPUs. Not in time: policies
 * and what they use of src/lib are compiled so that each basic block counts
 * itself, so the figures are the same on every machine and every run, and the
 * worst one of a run is known. As a test it holds policies to what their files
 * promise; with the argument "table" it prints the figures, as it does in time
 * when compiled without counting (make bench-policy).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/bitmap.h"
#include "lib/compiler.h"
#include "policy_fake.h"

#define MS 1000000u
#define PCPUS 4u
#define ROUNDS 4000u

/* Basic blocks gone through; called by what the compiler put into each. */
static uint64_t blocks;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    blocks++;
}

static uint64_t nanoseconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct cost {
    uint64_t pick, pick_max; /* blocks of a charge and a pick */
    uint64_t wake, wake_max; /* of a wake, and the sleep after it */
    uint64_t pick_ns, wake_ns;
};

static void note(uint64_t *sum, uint64_t *max, uint64_t value)
{
    *sum += value;
    *max = max_u64(*max, value);
}

/* Some weights, and masks of all kinds if wanted. */
static struct fake *crowd(const struct policy_ops *ops, unsigned n, bool masks)
{
    struct fake *f = fake_new(ops, PCPUS, n + PCPUS, 0, 1);
    struct policy_domain *d = NULL;
    unsigned i;

    f->checks = false;
    for (i = 0; i < n; i++) {
        struct fake_vcpu *v;
        sop_cpumask_t hard = f->pool.online;

        if (i % 8 == 0) {
            struct policy_domain_knobs k = {
                .sched_id = XEN_SCHEDULER_CREDIT2,
                .u.credit2.weight = 64u << i / 8 % 5,
            };

            d = fake_domain(f);
            (void)policy_domain_knobs(&f->pool, d, &k, true);
        }
        v = fake_vcpu(f, d);
        if (masks && i % 2 == 0) {
            hard = 1 + (sop_cpumask_t)(i / 2 % (bits_below(PCPUS)));
        }
        v->v.hard = hard;
        v->v.soft = hard;
        fake_wake(f, v);
    }
    fake_settle(f);
    return f;
}

/* Decisions one after the other, each when the last one's time is over. */
static void measure_picks(struct fake *f, struct cost *c)
{
    uint64_t start, began;
    unsigned i;

    began = nanoseconds();
    for (i = 0; i < ROUNDS; i++) {
        unsigned p = i % PCPUS;

        if (p == 0) {
            f->now += MS + MS / 10;
        }
        start = blocks;
        fake_pick(f, p);
        note(&c->pick, &c->pick_max, blocks - start);
    }
    c->pick_ns = (nanoseconds() - began) / ROUNDS;
    c->pick /= ROUNDS;
}

static void measure_wakes(struct fake *f, unsigned n, struct cost *c)
{
    uint64_t start, began;
    unsigned i, count = 0;

    began = nanoseconds();
    for (i = 0; i < ROUNDS; i++) {
        struct fake_vcpu *v = &f->vcpu[prng_next(&f->prng) % n];

        f->now += 1000;
        if (fake_is_running(v)) {
            continue;
        }
        start = blocks;
        fake_sleep(f, v);
        fake_wake(f, v);
        note(&c->wake, &c->wake_max, blocks - start);
        count++;
    }
    c->wake_ns = (nanoseconds() - began) / ROUNDS;
    c->wake /= count != 0 ? count : 1;
}

static struct cost measure(const struct policy_ops *ops, unsigned n, bool masks)
{
    struct fake *f = crowd(ops, n, masks);
    struct cost c = {0};

    measure_picks(f, &c);
    measure_wakes(f, n, &c);
    fake_free(f);
    return c;
}

/* ---- as a table ---- */

static const struct policy_ops *const policies[] = {
    &policy_credit2, &policy_rtds, &policy_null, &policy_arinc653};

static void table(void)
{
    unsigned i, n;

    for (i = 0; i < ARRAY_SIZE(policies); i++) {
        for (n = 1; n <= 100000; n *= 10) {
            struct cost c = measure(policies[i], n, false);

            printf("%s %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                   " %" PRIu64 " %" PRIu64 "\n",
                   policies[i]->name, n, c.pick, c.pick_max, c.wake, c.wake_max,
                   c.pick_ns, c.wake_ns);
            (void)fflush(stdout);
        }
    }
}

/* ---- as a test ---- */

static unsigned number, failed;

static void check(bool ok, const char *name, const char *what)
{
    number++;
    failed += !ok;
    printf("%sok %u - %s: %s\n", ok ? "" : "not ", number, name, what);
}

/*
 * A thousand times the vCPUs: by a logarithm a decision may cost 2.5 times as
 * much (10^2 to 10^5); by anything else much more. Small numbers have constant
 * parts, so we allow 4.
 */
static void test(const struct policy_ops *ops, bool masks)
{
    struct cost few = measure(ops, 100, masks);
    struct cost many = measure(ops, 100000, masks);

    printf("# %s%s, blocks for 100 and for 100000 vCPUs: pick %" PRIu64
           " and %" PRIu64 ", at most %" PRIu64 " and %" PRIu64
           "; sleep and wake %" PRIu64 " and %" PRIu64 "\n",
           ops->name, masks ? " with affinities" : "", few.pick, many.pick,
           few.pick_max, many.pick_max, few.wake, many.wake);
    check(many.pick <= 4 * few.pick, ops->name, "a pick");
    check(many.wake <= 4 * few.wake, ops->name, "a sleep and a wake");
    /* No single decision is far off either. */
    check(measure(ops, 10000, masks).pick_max < 8000, ops->name, "the worst");
    check(few.pick > 0 && few.wake > 0, ops->name, "blocks are counted");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "table") == 0) {
        table();
        return 0;
    }
    test(&policy_credit2, false);
    test(&policy_credit2, true);
    test(&policy_rtds, false);
    test(&policy_rtds, true);
    test(&policy_arinc653, false);
    printf("1..%u\n", number);
    return failed != 0;
}
