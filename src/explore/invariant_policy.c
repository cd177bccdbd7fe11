/* SPDX-License-Identifier: MIT */
/*
 * What each policy promises, as its file states it: when a vCPU may wait
 * beside an idle pCPU, and how long it may wait at most.
 */
#include <string.h>

#include "../lib/bitmap.h"
#include "explore_machine.h"
#include "explore_world.h"
#include "invariant.h"

#define SLACK_NS (30u * EX_MS)

sop_cpumask_t ex_pool_mask(const struct ex_domain *d)
{
    return ex_world.pool[d->pool].cpus;
}

static bool is_policy(const struct ex_domain *d, const char *name)
{
    return strcmp(ex_policy_of(d), name) == 0;
}

/* As many pCPUs as vCPUs that are up, and all may use all. */
static bool has_one_each(const struct ex_domain *d)
{
    sop_cpumask_t mask = ex_pool_mask(d);
    unsigned i, n, up = 0;

    for (i = 0; i < EX_DOMAINS; i++) {
        const struct ex_domain *one = &ex_world.domain[i];

        for (n = 0;
             one->d != NULL && one->pool == d->pool && n < one->spec->nr_vcpus;
             n++) {
            const struct ex_vcpu *x = &one->vcpu[n];

            up += !x->down;
            if ((x->hard & mask) != mask || x->pin >= 0 || one->dying) {
                return false;
            }
        }
    }
    return up <= bits_count(mask);
}

bool ex_must_not_wait(const struct ex_vcpu *x, const struct ex_pcpu *c)
{
    (void)c;
    if (is_policy(x->d, "null")) {
        return has_one_each(x->d);
    }
    return is_policy(x->d, "credit2") && x->d->cap == 0;
}

/*
 * Fair share: who has the part s of all weights waits for about a slice of
 * everybody else, that is (1 / s) slices of at most 10 ms.
 */
uint64_t ex_wait_bound(const struct ex_vcpu *x)
{
    uint64_t weights = 0;
    unsigned i;

    if (!is_policy(x->d, "credit2") || x->d->cap != 0) {
        return SOP_TIME_NEVER;
    }
    for (i = 0; i < EX_DOMAINS; i++) {
        const struct ex_domain *d = &ex_world.domain[i];

        if (d->d != NULL && d->pool == x->d->pool) {
            weights += (uint64_t)d->weight * d->spec->nr_vcpus;
        }
    }
    return SLACK_NS + ex_world.drift_ns + 10u * EX_MS * weights / x->d->weight;
}

/* ---- limits ---- */

#define CAP_PERIOD_NS (10u * EX_MS)
#define RTDS_PERIOD_NS (10u * EX_MS)
#define RTDS_BUDGET_NS (4u * EX_MS)
#define ANEW_NS (100u * EX_MS) /* windows no longer than that */

void ex_default_knobs(struct ex_domain *d)
{
    unsigned i;

    d->weight = 256;
    d->cap = 0;
    d->meter.since = 0;
    for (i = 0; i < EX_VCPUS; i++) {
        d->vcpu[i].rtds = (struct ex_reserve){.period = RTDS_PERIOD_NS,
                                              .budget = RTDS_BUDGET_NS};
    }
}

/* What timers and pCPUs that fall behind may add. */
static uint64_t slack(unsigned nr_vcpus)
{
    return nr_vcpus * (ex_scenario->late + ex_world.drift_ns);
}

/* Time since the meter was set, 0 when it is set now. */
static uint64_t metered(struct ex_meter *m, uint64_t ran)
{
    if (m->since == 0 || ex_world.now - m->since > ANEW_NS) {
        m->since = ex_world.now;
        m->ran = ran;
    }
    return ex_world.now - m->since;
}

static void check_cap(struct ex_domain *d)
{
    uint64_t ran = 0, time, most;
    unsigned i;

    for (i = 0; i < d->spec->nr_vcpus; i++) {
        ran += ex_ran(&d->vcpu[i]);
    }
    time = metered(&d->meter, ran);
    most =
        (time + 2u * CAP_PERIOD_NS) * d->cap / 100u + slack(d->spec->nr_vcpus);
    if (ran - d->meter.ran > most) {
        ex_fail("caps", "domain %u ran %llu us in %llu us, its cap is %u %%",
                d->id, (unsigned long long)(ran - d->meter.ran) / 1000,
                (unsigned long long)time / 1000, d->cap);
    }
}

/* As a server of constant bandwidth: its share, and a budget and a bit. */
static void check_budget(struct ex_vcpu *x)
{
    struct ex_reserve *r = &x->rtds;
    uint64_t ran = ex_ran(x), time, most;

    if (ex_world.now <= r->from) {
        return;
    }
    time = metered(&r->meter, ran);
    most = (time / r->period + 2u) * r->budget + slack(1);
    if (!r->extra && ran - r->meter.ran > most) {
        ex_fail("budget", "vCPU %u.%u ran %llu us in %llu us", x->d->id, x->id,
                (unsigned long long)(ran - r->meter.ran) / 1000,
                (unsigned long long)time / 1000);
    }
}

void ex_check_limits(struct ex_domain *d)
{
    unsigned i;

    if (is_policy(d, "credit2") && d->cap != 0) {
        check_cap(d);
    }
    for (i = 0; is_policy(d, "rtds") && i < d->spec->nr_vcpus; i++) {
        check_budget(&d->vcpu[i]);
    }
}
