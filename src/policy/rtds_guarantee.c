/* SPDX-License-Identifier: MIT */
/*
 * rtds: what is guaranteed, and the parameters that ask for it. The test and
 * what it promises stand on top of rtds.c.
 */
#include "rtds.h"

static uint64_t share_of(uint64_t budget, uint64_t period)
{
    return budget * SHARE_ONE / period;
}

/* The test of Goossens, Funk and Baruah for the pCPUs there are. */
static bool fits(const struct policy_pool *pool, uint64_t sum, uint64_t max)
{
    uint64_t m = bits_count(pool->online);

    return m != 0 && sum <= m * SHARE_ONE - (m - 1) * max;
}

void rt_guarantee_if_fits(struct policy_pool *pool, struct rt_vcpu *r)
{
    struct rt_pool *c = rt_pool(pool);
    uint64_t sum = c->share_sum + rt_share(r);
    uint64_t max = max_u64(c->share_max, rt_share(r));

    r->guaranteed = fits(pool, sum, max);
    if (r->guaranteed) {
        c->share_sum = sum;
        c->share_max = max;
    }
}

void rt_reckon(struct policy_pool *pool)
{
    struct rt_pool *c = rt_pool(pool);
    struct list_node *n;
    unsigned pass;

    c->share_sum = 0;
    c->share_max = 0;
    for (pass = 0; pass < 2; pass++) {
        for (n = c->vcpus.next; n != &c->vcpus; n = n->next) {
            struct rt_vcpu *r = rt_vcpu(rt_at_link(n));

            if (r->asked_for == (pass == 0)) {
                rt_guarantee_if_fits(pool, r);
                rt_requeue(pool, rt_at_link(n));
            }
        }
    }
    /* As promised on top of policy.h, the core asks all now. */
    (void)idlers_tell(&c->pcpus, pool->online);
}

/* Of a knob for `v`, or else for all vCPUs of `d`. */
static bool is_concerned(const struct policy_vcpu *one,
                         const struct policy_vcpu *v,
                         const struct policy_domain *d)
{
    return v != NULL ? one == v : one->domain == d;
}

/* Whether `v`, or all vCPUs of `d`, can have `k` beside all who asked. */
static bool can_have(struct policy_pool *pool, const struct policy_vcpu *v,
                     const struct policy_domain *d, const struct policy_rtds *k)
{
    struct rt_pool *c = rt_pool(pool);
    uint64_t sum = 0, max = 0, one;
    struct list_node *n;

    for (n = c->vcpus.next; n != &c->vcpus; n = n->next) {
        struct policy_vcpu *other = rt_at_link(n);

        if (is_concerned(other, v, d)) {
            one = share_of(k->budget_us, k->period_us);
        } else if (rt_vcpu(other)->asked_for) {
            one = rt_share(rt_vcpu(other));
        } else {
            continue;
        }
        sum += one;
        max = max_u64(max, one);
    }
    /* Before the first pCPU comes there is nothing to reckon with. */
    return pool->online == 0 || fits(pool, sum, max);
}

static bool is_valid(const struct policy_rtds *k)
{
    return k->period_us >= PERIOD_MIN_US && k->budget_us >= BUDGET_MIN_US &&
           k->budget_us <= k->period_us;
}

/* For `v`, or else for all vCPUs of `d`. */
static int set_parameters(struct policy_pool *pool, const struct policy_vcpu *v,
                          const struct policy_domain *d,
                          const struct policy_rtds *k)
{
    struct rt_pool *c = rt_pool(pool);
    struct list_node *n;

    if (!is_valid(k)) {
        return -XEN_EINVAL;
    }
    if (!can_have(pool, v, d, k)) {
        return -XEN_ENOSPC;
    }
    for (n = c->vcpus.next; n != &c->vcpus; n = n->next) {
        struct policy_vcpu *one = rt_at_link(n);
        struct rt_vcpu *r = rt_vcpu(one);

        if (is_concerned(one, v, d)) {
            r->period_us = k->period_us;
            r->budget_us = k->budget_us;
            r->extratime = k->extratime;
            r->asked_for = true;
            if (r->left > rt_budget_ns(r)) {
                r->left = rt_budget_ns(r);
            }
        }
    }
    rt_reckon(pool); /* queues all anew, by what they may have now */
    return 0;
}

int rt_vcpu_knobs(struct policy_pool *pool, struct policy_vcpu *v,
                  struct policy_vcpu_knobs *knobs, bool set)
{
    const struct rt_vcpu *r = rt_vcpu(v);

    if (set) {
        return set_parameters(pool, v, NULL, &knobs->u.rtds);
    }
    knobs->u.rtds = (struct policy_rtds){
        .period_us = r->period_us,
        .budget_us = r->budget_us,
        .extratime = r->extratime,
    };
    return 0;
}

int rt_domain_knobs(struct policy_pool *pool, struct policy_domain *d,
                    struct policy_domain_knobs *knobs, bool set)
{
    if (set) {
        return set_parameters(pool, NULL, d, &knobs->u.rtds);
    }
    knobs->u.rtds = (struct policy_rtds){
        .period_us = PERIOD_DEFAULT_US,
        .budget_us = BUDGET_DEFAULT_US,
    };
    return 0;
}
