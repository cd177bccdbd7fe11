/* SPDX-License-Identifier: MIT */
/*
 * Caps of credit2. A domain with a cap has that much running time per period
 * of 10 ms; periods start at multiples of 10 ms. A pCPU takes a grant out of
 * the domain's budget before it runs one of its vCPUs, and gives back what was
 * not used, so that several pCPUs never use the same time twice. Without
 * budget the domain's vCPUs are parked until the next period.
 *
 * Bounds: at most a whole budget is there at the start of a period, debts
 * (late timers) are paid off in the next ones, savings are lost. So in any
 * window of length T a domain runs no longer than cap * (T + 2 periods), but
 * for what timers are late.
 */
#include "credit2.h"

static int64_t quota(const struct c2_domain *d)
{
    return (int64_t)(C2_PERIOD_NS / 100u) * d->cap;
}

/* New periods have begun. */
static void renew(struct c2_domain *d, uint64_t now)
{
    uint64_t periods = (now - d->refill) / C2_PERIOD_NS + 1;

    d->refill += periods * C2_PERIOD_NS;
    d->budget += quota(d) * (int64_t)min_u64(periods, 1000);
    if (d->budget > quota(d)) {
        d->budget = quota(d);
    }
}

bool c2_cap_has_budget(struct c2_domain *d, uint64_t now)
{
    if (now >= d->refill && !tree_node_is_linked(&d->node)) {
        renew(d, now);
    }
    return d->budget > 0;
}

sop_cpumask_t c2_park(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct c2_domain *d = c2_domain(v->domain);
    struct c2_pool *c = c2_pool(pool);

    ASSERT(c2_vcpu(v)->place == C2_NOWHERE);
    c2_deactivate(c, v);
    c2_vcpu(v)->place = C2_PARKED;
    list_insert_before(&d->parked, &c2_vcpu(v)->parked);
    if (!tree_node_is_linked(&d->node)) {
        tree_insert(&c->refills, &d->node, d->refill, v->domain->domid, 0);
    }
    /* Somebody must look when the period starts. */
    return keeper_for(&c->keeper, pool, d->refill);
}

void c2_unpark(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct c2_domain *d = c2_domain(v->domain);

    ASSERT(c2_vcpu(v)->place == C2_PARKED);
    list_remove(&c2_vcpu(v)->parked);
    c2_vcpu(v)->place = C2_NOWHERE;
    if (list_is_empty(&d->parked)) {
        tree_remove(&c2_pool(pool)->refills, &d->node);
    }
}

/* The domain has time again. */
static sop_cpumask_t unpark_all(struct policy_pool *pool, struct c2_domain *d)
{
    sop_cpumask_t told = 0;

    while (!list_is_empty(&d->parked)) {
        struct policy_vcpu *v = c2_at_parked(d->parked.next);

        c2_unpark(pool, v);
        told |= c2_arrive(pool, v);
    }
    return told;
}

/* What pCPUs that run its vCPUs have taken of its budget, and not used. */
static int64_t held_by_pcpus(const struct policy_pool *pool,
                             const struct policy_domain *d)
{
    int64_t held = 0;
    unsigned i;

    for (i = 0; i < SOP_PCPUS_MAX; i++) {
        struct policy_pcpu *p = pool->pcpu[i];

        if (p != NULL && p->curr != NULL && p->curr->domain == d &&
            c2_pcpu(p)->granted) {
            held += c2_pcpu(p)->grant;
        }
    }
    return held;
}

/*
 * What was used of this period stays used: a cap that is lowered gives no new
 * time, though no debt either, and what pCPUs hold counts until they look.
 */
void c2_cap_set(struct policy_pool *pool, struct policy_domain *d, uint32_t cap)
{
    struct c2_domain *c = c2_domain(d);
    int64_t held = held_by_pcpus(pool, d);
    int64_t left = c->budget + held - quota(c);

    left = c->cap != 0 && left < 0 ? left : 0;
    c->cap = cap;
    left += quota(c);
    c->budget = (left > 0 ? left : 0) - held;
    (void)unpark_all(pool, c); /* the core asks all pCPUs now */
}

uint64_t c2_cap_grant(struct c2_domain *d, struct policy_pcpu *p, uint64_t now)
{
    int64_t grant;

    ASSERT(d->budget > 0);
    ASSERT(!c2_pcpu(p)->granted);
    /* Enough for each of its vCPUs, not too small, not more than there is. */
    grant = quota(d) / (d->nr_vcpus != 0 ? d->nr_vcpus : 1);
    grant = grant < (int64_t)C2_GRANT_NS ? (int64_t)C2_GRANT_NS : grant;
    grant = grant > d->budget ? d->budget : grant;
    d->budget -= grant;
    c2_pcpu(p)->grant = grant;
    c2_pcpu(p)->granted = true;
    return now + (uint64_t)grant;
}

void c2_cap_return(struct policy_pcpu *p)
{
    struct c2_domain *d = c2_domain(p->curr->domain);
    struct c2_pcpu *q = c2_pcpu(p);

    ASSERT(q->granted);
    d->budget += q->grant;
    q->granted = false;
    if (d->budget > quota(d)) {
        d->budget = quota(d); /* the cap was lowered meanwhile */
    }
}

sop_cpumask_t c2_cap_pass_on(struct policy_pool *pool, struct c2_domain *d)
{
    return d->budget > 0 ? unpark_all(pool, d) : 0;
}

sop_cpumask_t c2_refill_due(struct policy_pool *pool, uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    sop_cpumask_t told = 0;
    struct tree_node *n;

    for (n = tree_lowest(&c->refills);
         n != NULL && !tree_key_before(now, n->key);
         n = tree_lowest(&c->refills)) {
        struct c2_domain *d = c2_domain_at(n);

        renew(d, now);
        if (d->budget > 0) {
            told |= unpark_all(pool, d);
        } else {
            tree_remove(&c->refills, n);
            tree_insert(&c->refills, n, d->refill, n->tie, 0);
        }
    }
    return told;
}
