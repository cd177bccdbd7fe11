/* SPDX-License-Identifier: MIT */
/*
 * The default policy: fair share by weight, in the place of Xen's credit2 and
 * with its knobs, though not its algorithm.
 *
 * Idea. Time is measured in virtual ns: a vCPU's virtual time advances by what
 * it runs divided by its weight, the pool's by what all pCPUs run divided by
 * the sum of the weights. The difference, times the weight, is the vCPU's
 * *lag*: what it is behind (or ahead of) its ideal share. A vCPU runs in
 * requests of half a slice (2 ms; 1 us after a wake). A request may be served
 * when the pool's virtual time has reached its start, and should be served by
 * its virtual deadline, one request later; of those that may be served the one
 * with the earliest deadline runs (earliest eligible virtual deadline first).
 * If none may be served but a pCPU is free, the one that could be first runs.
 *
 * Bounds. tests/unit/policy_credit2.c holds it to them and prints how near it
 * comes; where it says so a bound is measured, not proven. A slice is 4 ms.
 * - Fairness. Where every weight can be used (no vCPU has a right to more than
 *   one pCPU, hard affinity keeps none from a pCPU) the service of one that
 *   always wants to run is in any window within one slice of its ideal share,
 *   and never more than half a slice behind or ahead of it since it began, but
 *   for the rate limit (proven for one pCPU, measured for up to 16 on a queue).
 *   Across queues: two slices in any window, one behind or ahead (measured for
 *   up to 32 pCPUs). Else each set of vCPUs that compete for the same pCPUs
 *   shares them by weight, and nobody pays or claims for what happened
 *   elsewhere: lag is cut to a slice.
 * - Wake-up. One that wakes starts at the pool's virtual time: sleep saves
 *   nothing up, nor does it wash off what was used ahead but for what exceeds
 *   a request. Its first request is that short that it goes before all that
 *   run but those overdue: at once, or as soon as the first who runs has had
 *   the rate limit (1 ms), however many are busy (measured for equal weights).
 *   In any case it runs within 1 us * (sum of weights) / weight / pCPUs + one
 *   slice.
 * - Nobody starves: each choice that passes a vCPU over has a start before that
 *   one's deadline, and starts only grow.
 * - Nothing waits while a pCPU that it may use is idle and has not been told.
 * - Caps: see credit2_cap.c.
 *
 * Queues. Up to 16 pCPUs of a group share a queue (a socket, if not said);
 * virtual time is one for the whole pool. A pCPU that finds nothing in its
 * queue takes from others, and it does so also when somebody there is overdue
 * by a slice.
 *
 * Cost of a decision: logarithmic in the number of queued vCPUs, whatever
 * their affinity, and linear in pCPUs and queues. (A request that may be served
 * moves from one tree to the other, once; at most 16 do so in one decision.)
 *
 * Ties are broken by numbers from the seed, never by addresses.
 *
 * credit2_pick.c has the choice, credit2_queue.c virtual time and queues,
 * credit2_cap.c caps, credit2_show.c what people and tests see.
 */
#include "credit2.h"

#include <xen/domctl.h>
#include <xen/errno.h>

static void c2_pool_init(struct policy_pool *pool)
{
    struct c2_pool *c = c2_pool(pool);

    c->prng.state = pool->seed;
    c->ratelimit_ns = C2_RATELIMIT_US * 1000u;
    keeper_init(&c->keeper);
}

/* ---- domains and knobs ---- */

static void set_weight(struct c2_domain *d, uint32_t weight)
{
    d->weight = weight;
    d->slice = (uint64_t)C2_REQUEST_NS * C2_WEIGHT_DEFAULT / weight;
    d->first = (uint64_t)C2_WAKE_NS * C2_WEIGHT_DEFAULT / weight;
}

static void c2_domain_init(struct policy_pool *pool, struct policy_domain *d)
{
    (void)pool;
    set_weight(c2_domain(d), C2_WEIGHT_DEFAULT);
    list_init(&c2_domain(d)->parked);
}

static void c2_domain_fini(struct policy_pool *pool, struct policy_domain *d)
{
    (void)pool;
    ASSERT(list_is_empty(&c2_domain(d)->parked));
    (void)d;
}

static int c2_domain_knobs(struct policy_pool *pool, struct policy_domain *d,
                           struct policy_domain_knobs *all, bool set)
{
    struct policy_credit2_domain *knobs = &all->u.credit2;
    struct c2_domain *c = c2_domain(d);
    uint64_t was = c->weight;

    if (!set) {
        knobs->weight = c->weight;
        knobs->cap = c->cap;
        return 0;
    }
    if (knobs->weight < 1 || knobs->weight > C2_WEIGHT_MAX ||
        knobs->cap > C2_CAP_MAX) {
        return -XEN_EINVAL;
    }
    set_weight(c, knobs->weight);
    /* Requests that have begun end by the old weight. */
    c2_pool(pool)->weight += (c->weight - was) * c->nr_active;
    if (knobs->cap != c->cap) {
        c2_cap_set(pool, d, knobs->cap);
    }
    return 0;
}

static int c2_pool_knobs(struct policy_pool *pool,
                         struct policy_pool_knobs *knobs, bool set)
{
    struct policy_credit2_pool *k = &knobs->u.credit2;

    if (!set) {
        k->ratelimit_us = c2_pool(pool)->ratelimit_ns / 1000u;
        return 0;
    }
    if (k->ratelimit_us != 0 &&
        (k->ratelimit_us < XEN_SYSCTL_SCHED_RATELIMIT_MIN ||
         k->ratelimit_us > XEN_SYSCTL_SCHED_RATELIMIT_MAX)) {
        return -XEN_EINVAL;
    }
    c2_pool(pool)->ratelimit_ns = k->ratelimit_us * 1000u;
    return 0;
}

/* ---- vCPUs ---- */

static int c2_insert(struct policy_pool *pool, struct policy_vcpu *v)
{
    ASSERT(!v->runnable);
    list_init(&c2_vcpu(v)->parked);
    c2_domain(v->domain)->nr_vcpus++;
    c2_vcpu(v)->vtime = c2_pool(pool)->vtime;
    c2_vcpu(v)->node.tie = prng_next(&c2_pool(pool)->prng);
    return 0;
}

static void c2_remove(struct policy_pool *pool, struct policy_vcpu *v)
{
    (void)pool;
    ASSERT(v->on == NULL);
    ASSERT(c2_vcpu(v)->place == C2_NOWHERE);
    ASSERT(!c2_vcpu(v)->active);
    c2_domain(v->domain)->nr_vcpus--;
}

static sop_cpumask_t c2_wake(struct policy_pool *pool, struct policy_vcpu *v,
                             uint64_t now)
{
    c2_advance(c2_pool(pool), now);
    if (unlikely(!c2_has_budget(v, now))) {
        return idlers_tell(&c2_pool(pool)->pcpus, c2_park(pool, v));
    }
    return c2_arrive(pool, v);
}

static void c2_sleep(struct policy_pool *pool, struct policy_vcpu *v,
                     uint64_t now)
{
    ASSERT(!v->runnable);
    c2_advance(c2_pool(pool), now);
    if (c2_vcpu(v)->place == C2_PARKED) {
        c2_unpark(pool, v);
        return;
    }
    if (c2_vcpu(v)->place == C2_GIVEN) {
        (void)c2_take_given(pool, pool->pcpu[c2_vcpu(v)->queue]);
    } else {
        c2_dequeue(pool, v);
    }
    c2_deactivate(c2_pool(pool), v);
}

static void c2_yield(struct policy_pool *pool, struct policy_vcpu *v)
{
    (void)pool;
    ASSERT(v->on != NULL);
    c2_vcpu(v)->yielded = true;
}

static void c2_charge(struct policy_pool *pool, struct policy_pcpu *p,
                      uint64_t now)
{
    struct policy_vcpu *v = p->curr;
    struct c2_vcpu *s = c2_vcpu(v);
    struct c2_pcpu *q = c2_pcpu(p);
    uint32_t weight = c2_domain(v->domain)->weight;
    uint64_t ran;

    (void)pool;
    if (now <= q->charged) {
        return;
    }
    /* To the last ns: what is below a weight waits for the next charge. */
    ran = (now - q->charged) * C2_WEIGHT_DEFAULT + s->rest;
    s->vtime += ran / weight;
    s->rest = (uint32_t)(ran % weight);
    q->grant -= (int64_t)(now - q->charged);
    q->charged = now;
    if (!tree_key_before(s->vtime, s->deadline)) {
        c2_new_request(s, c2_domain(v->domain)->slice);
    }
}

/* ---- registers saved, masks changed ---- */

static sop_cpumask_t c2_saved(struct policy_pool *pool, struct policy_vcpu *v,
                              uint64_t now)
{
    struct c2_queue *q = &c2_pool(pool)->queue[c2_vcpu(v)->queue];

    (void)now;
    /* Only where it was may have it, and has just chosen another. */
    if ((c2_vcpu(v)->yielded && v->hard == bits_one(v->last->index) &&
         (v->hard & c2_pool(pool)->pcpus.idle) == 0) ||
        c2_vcpu(v)->place == C2_PARKED) {
        return 0;
    }
    ASSERT(c2_vcpu(v)->place != C2_NOWHERE);
    tree_change_set(c2_vcpu(v)->place == C2_READY ? &q->ready : &q->later,
                    &c2_vcpu(v)->node, c2_takers(v));
    return c2_tickle(pool, v);
}

static sop_cpumask_t c2_affinity(struct policy_pool *pool,
                                 struct policy_vcpu *v, uint64_t now)
{
    c2_advance(c2_pool(pool), now);
    if (c2_vcpu(v)->place == C2_PARKED) {
        return 0;
    }
    if (c2_vcpu(v)->place == C2_GIVEN) {
        (void)c2_take_given(pool, pool->pcpu[c2_vcpu(v)->queue]);
    } else {
        c2_dequeue(pool, v);
    }
    if (c2_vcpu(v)->hard != v->hard) {
        c2_place(pool, v, c2_domain(v->domain)->slice,
                 c2_domain(v->domain)->slice);
    }
    c2_vcpu(v)->queue = c2_queue_for(pool, v, 0);
    c2_enqueue(pool, v);
    return c2_tickle(pool, v);
}

const struct policy_ops policy_credit2 = {
    .name = "credit2",
    .id = XEN_SCHEDULER_CREDIT2,
    .pool_init = c2_pool_init,
    .pcpu_add = c2_pcpu_add,
    .pcpu_remove = c2_pcpu_remove,
    .domain_init = c2_domain_init,
    .domain_fini = c2_domain_fini,
    .domain_knobs = c2_domain_knobs,
    .pool_knobs = c2_pool_knobs,
    .insert = c2_insert,
    .remove = c2_remove,
    .wake = c2_wake,
    .sleep = c2_sleep,
    .yield = c2_yield,
    .charge = c2_charge,
    .pick = c2_pick,
    .saved = c2_saved,
    .affinity = c2_affinity,
    .account = c2_account,
    .dump = c2_dump,
    .check = c2_check,
};
