/* SPDX-License-Identifier: MIT */
/*
 * Real-time deferrable service: each vCPU has a budget per period, and of all
 * that have budget left those with the earliest deadlines run.
 *
 * Each vCPU is a constant-bandwidth server. Its deadline is the end of its
 * period. Used-up budget comes back at the deadline, which then moves on by
 * one period; a vCPU that wakes keeps budget and deadline if it can use no more
 * than its share until then (budget left / time left <= budget / period), else
 * it gets a whole budget and a period from now. So over any interval it demands
 * no more than its share plus one budget, whatever it does.
 *
 * Guaranteed: the sum U of the shares (budget / period) of those that are
 * guaranteed fits m pCPUs if U <= m - (m - 1) * the largest share (Goossens,
 * Funk and Baruah): then none of them misses a deadline under global EDF, but
 * for the lateness of timers and for hard affinity narrower than the pool,
 * which the test does not know; shares are reckoned to 2^-32. What somebody
 * asks for by knobs is guaranteed or refused with -ENOSPC. Xen has no such
 * test; so that default parameters never keep a domain from starting, a vCPU
 * that has only those is guaranteed if it fits, in the order of arrival, and
 * else it runs by its budget in the time that the guaranteed leave.
 *
 * In that time also those run that have used up their budget and may have
 * extra time: who has had the least of it goes first, for one budget's length.
 * Nothing that may run waits beside an idle pCPU.
 *
 * Cost: logarithmic in the number of vCPUs, for each that gets its budget
 * back, wakes, is picked or put back; linear when guarantees are reckoned anew
 * (knobs, a domain that leaves, pCPUs that come and go).
 */
#include "rtds.h"

/* ---- budgets ---- */

/* Its deadline has passed: new periods have begun. Debts are paid off. */
static void renew(struct rt_vcpu *r, uint64_t now)
{
    uint64_t periods = (now - r->deadline) / rt_period_ns(r) + 1;

    r->deadline += periods * rt_period_ns(r);
    r->left += rt_budget_ns(r) * (int64_t)min_u64(periods, 1000);
    if (r->left > rt_budget_ns(r)) {
        r->left = rt_budget_ns(r);
    }
}

/* Whether budget and deadline would let it use more than its share. */
static bool exceeds_share(const struct rt_vcpu *r, uint64_t now)
{
    __extension__ typedef unsigned __int128 wide;

    return r->left > 0 && (wide)(uint64_t)r->left * r->period_us >
                              (wide)(r->deadline - now) * r->budget_us;
}

static void renew_on_wake(struct rt_vcpu *r, uint64_t now)
{
    if (now >= r->deadline || exceeds_share(r, now)) {
        r->deadline = now + rt_period_ns(r);
        r->left = rt_budget_ns(r);
    }
}

/* ---- the queues ---- */

static void set_waiting(struct policy_pool *pool, uint32_t count)
{
    rt_pool(pool)->waiting = count;
    atomic_poke_u32(&pool->waiting, count);
}

static void enqueue(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct rt_pool *c = rt_pool(pool);
    struct rt_vcpu *r = rt_vcpu(v);

    ASSERT(r->queue == RT_NOT_QUEUED);
    ASSERT(v->runnable);
    r->queue = (uint8_t)rt_class(r);
    c->sequence++;
    if (r->queue == RT_FIRST) {
        tree_insert(&c->first, &r->node, r->deadline, c->sequence,
                    rt_takers(v));
    } else if (r->queue == RT_SPARE) {
        r->spare_ran = max_u64(r->spare_ran, c->spare_ran);
        tree_insert(&c->spare, &r->node, r->spare_ran, c->sequence,
                    rt_takers(v));
    }
    if (r->left <= 0) {
        tree_insert(&c->refills, &r->refill, r->deadline, c->sequence, 0);
    }
    set_waiting(pool, c->waiting + (r->queue != RT_SPENT));
}

static void dequeue(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct rt_pool *c = rt_pool(pool);
    struct rt_vcpu *r = rt_vcpu(v);

    ASSERT(r->queue != RT_NOT_QUEUED);
    set_waiting(pool, c->waiting - (r->queue != RT_SPENT));
    if (r->queue != RT_SPENT) {
        tree_remove(r->queue == RT_FIRST ? &c->first : &c->spare, &r->node);
    }
    if (tree_node_is_linked(&r->refill)) {
        tree_remove(&c->refills, &r->refill);
    }
    r->queue = RT_NOT_QUEUED;
}

void rt_requeue(struct policy_pool *pool, struct policy_vcpu *v)
{
    if (rt_vcpu(v)->queue != RT_NOT_QUEUED) {
        dequeue(pool, v);
        enqueue(pool, v);
    }
}

/* ---- whom to tell ---- */

/* Whether `v`, queued by its deadline, goes before what `p` runs. */
static bool goes_before(struct policy_vcpu *v, struct policy_pcpu *p)
{
    return rt_pcpu(p)->spare ||
           tree_key_before(rt_vcpu(v)->deadline, rt_vcpu(p->curr)->deadline);
}

/* The pCPU of the latest deadline, or one in spare time, for `v` to take. */
static sop_cpumask_t victim_for(struct policy_pool *pool, struct policy_vcpu *v)
{
    sop_cpumask_t set = v->hard & pool->online & ~rt_pool(pool)->pcpus.told;
    struct policy_pcpu *victim = NULL;

    for (; set != 0; set &= set - 1) {
        struct policy_pcpu *p = pool->pcpu[bits_lowest(set)];

        /* One that has nothing to run is about to choose. */
        if (p->curr == NULL || !p->curr->runnable || !goes_before(v, p)) {
            continue;
        }
        if (victim == NULL ||
            (!rt_pcpu(victim)->spare && goes_before(victim->curr, p))) {
            victim = p;
        }
    }
    return victim != NULL ? bits_one(victim->index) : 0;
}

/* Which pCPUs should look because `v` is queued. */
static sop_cpumask_t tickle(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct rt_pool *c = rt_pool(pool);
    sop_cpumask_t ask = 0, target = 0;

    if (rt_vcpu(v)->left <= 0) {
        ask = keeper_for(&c->keeper, pool, rt_vcpu(v)->deadline);
    }
    if (v->on == NULL && rt_vcpu(v)->queue != RT_SPENT) {
        target = idlers_for(&c->pcpus, v);
        if (target == 0 && rt_vcpu(v)->queue == RT_FIRST) {
            target = victim_for(pool, v);
        }
    }
    return idlers_tell(&c->pcpus, ask | target);
}

/* Those whose deadline has come get their budget. */
static sop_cpumask_t refill_due(struct policy_pool *pool, uint64_t now)
{
    struct rt_pool *c = rt_pool(pool);
    sop_cpumask_t told = 0;
    struct tree_node *n;

    for (n = tree_lowest(&c->refills);
         n != NULL && !tree_key_before(now, n->key);
         n = tree_lowest(&c->refills)) {
        struct policy_vcpu *v = rt_at_refill(n);

        dequeue(pool, v);
        renew(rt_vcpu(v), now);
        enqueue(pool, v);
        told |= tickle(pool, v);
    }
    return told;
}

/*
 * For vCPUs left in a queue beside pCPUs left idle; `p` has just chosen. It
 * may have taken one for whom another pCPU was told, and that one finds
 * nobody who may run there.
 */
static sop_cpumask_t tickle_idle(struct rt_pool *c, const struct policy_pcpu *p)
{
    sop_cpumask_t set = c->pcpus.idle & ~bits_one(p->index), told = 0;

    while (set != 0) {
        struct tree_node *n = tree_first(&c->first, set);

        if (n == NULL) {
            n = tree_first(&c->spare, set);
        }
        if (n == NULL) {
            break;
        }
        told |= idlers_tell(&c->pcpus, place_in(n->set & set, rt_at_node(n)));
        set &= ~told;
    }
    return told;
}

/* ---- operations ---- */

static void rt_pool_init(struct policy_pool *pool)
{
    list_init(&rt_pool(pool)->vcpus);
    keeper_init(&rt_pool(pool)->keeper);
}

static void rt_pcpu_add(struct policy_pool *pool, struct policy_pcpu *p)
{
    ASSERT(p->curr == NULL);
    rt_pool(pool)->pcpus.idle |= bits_one(p->index);
    rt_reckon(pool);
}

static void rt_pcpu_remove(struct policy_pool *pool, struct policy_pcpu *p)
{
    struct rt_pool *c = rt_pool(pool);

    ASSERT(p->curr == NULL);
    idlers_remove(&c->pcpus, p);
    keeper_release(&c->keeper, p);
    rt_reckon(pool);
}

static void rt_domain_init(struct policy_pool *pool, struct policy_domain *d)
{
    (void)pool;
    (void)d;
}

static void rt_domain_fini(struct policy_pool *pool, struct policy_domain *d)
{
    (void)d;
    rt_reckon(pool);
}

static int rt_insert(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct rt_vcpu *r = rt_vcpu(v);

    ASSERT(!v->runnable);
    r->period_us = PERIOD_DEFAULT_US;
    r->budget_us = BUDGET_DEFAULT_US;
    list_insert_before(&rt_pool(pool)->vcpus, &r->link);
    rt_guarantee_if_fits(pool, r);
    return 0;
}

static void rt_remove(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct rt_vcpu *r = rt_vcpu(v);

    ASSERT(v->on == NULL);
    ASSERT(r->queue == RT_NOT_QUEUED);
    list_remove(&r->link);
    if (r->guaranteed) {
        rt_pool(pool)->share_sum -= rt_share(r);
    }
}

static sop_cpumask_t rt_wake(struct policy_pool *pool, struct policy_vcpu *v,
                             uint64_t now)
{
    renew_on_wake(rt_vcpu(v), now);
    enqueue(pool, v);
    return tickle(pool, v);
}

static void rt_sleep(struct policy_pool *pool, struct policy_vcpu *v,
                     uint64_t now)
{
    (void)now;
    ASSERT(!v->runnable);
    dequeue(pool, v);
}

/* In spare time the next has its turn; deadlines know no courtesy. */
static void rt_yield(struct policy_pool *pool, struct policy_vcpu *v)
{
    (void)pool;
    ASSERT(v->on != NULL);
    rt_pcpu(v->on)->yielded = true;
}

static void rt_charge(struct policy_pool *pool, struct policy_pcpu *p,
                      uint64_t now)
{
    struct rt_vcpu *r = rt_vcpu(p->curr);
    struct rt_pcpu *q = rt_pcpu(p);

    (void)pool;
    if (now <= q->charged) {
        return;
    }
    if (r->left > 0) {
        if (!q->spare && now > r->deadline && q->charged <= r->deadline) {
            r->misses++;
        }
        r->left -= (int64_t)(now - q->charged);
    }
    if (q->spare) {
        r->spare_ran += now - q->charged;
    }
    q->charged = now;
    if (r->left <= 0 && now >= r->deadline) {
        renew(r, now);
    }
}

/* Who goes on or comes next: by deadlines, else who waits for spare time. */
static struct policy_vcpu *search(struct policy_pool *pool,
                                  const struct policy_pcpu *p)
{
    const struct rt_pool *c = rt_pool(pool);
    struct tree_node *n = tree_first(&c->first, bits_one(p->index));

    return rt_at_node(n != NULL ? n
                                : tree_first(&c->spare, bits_one(p->index)));
}

/* True when curr may stay although `best` (or NULL) waits. */
static bool keeps_running(struct policy_pool *pool, struct policy_pcpu *p,
                          struct policy_vcpu *best, uint64_t now)
{
    const struct rt_pcpu *q = rt_pcpu(p);
    struct policy_vcpu *v = p->curr;
    enum rt_queue class;

    if (v == NULL || !v->runnable || (v->hard & bits_one(p->index)) == 0) {
        return false;
    }
    class = rt_class(rt_vcpu(v));
    if (class == RT_SPENT) {
        return false;
    }
    if ((v->soft & bits_one(p->index)) == 0 &&
        (v->soft & rt_pool(pool)->pcpus.idle) != 0) {
        return false; /* a pCPU it prefers has become free */
    }
    if (best == NULL) {
        return true;
    }
    if (class == RT_SPARE) {
        return rt_vcpu(best)->queue == RT_SPARE && !q->yielded &&
               ((q->spare && now < q->turn) ||
                rt_vcpu(v)->spare_ran < rt_vcpu(best)->spare_ran);
    }
    return rt_vcpu(best)->queue == RT_SPARE ||
           !tree_key_before(rt_vcpu(best)->deadline, rt_vcpu(v)->deadline);
}

/* `v` runs on `p` from now: until when we need not be asked about it. */
static uint64_t start(struct policy_pool *pool, struct policy_pcpu *p,
                      struct policy_vcpu *v, uint64_t now)
{
    struct rt_pool *c = rt_pool(pool);
    const struct rt_vcpu *r = rt_vcpu(v);
    struct rt_pcpu *q = rt_pcpu(p);
    uint64_t until;

    q->charged = now;
    q->spare = rt_class(r) == RT_SPARE;
    if (q->spare) {
        c->spare_ran = max_u64(c->spare_ran, r->spare_ran);
    }
    until = r->left > 0 ? now + (uint64_t)r->left : r->deadline;
    if (q->spare) {
        if (v != p->curr || now >= q->turn) {
            q->turn = now + (uint64_t)rt_budget_ns(r);
        }
        if (!tree_is_empty(&c->spare)) {
            until = min_u64(until, q->turn);
        }
    }
    return until;
}

static struct policy_choice rt_pick(struct policy_pool *pool,
                                    struct policy_pcpu *p, uint64_t now)
{
    struct rt_pool *c = rt_pool(pool);
    struct policy_vcpu *prev = p->curr, *next;
    struct policy_choice choice = {.until = SOP_TIME_NEVER};

    choice.kick = refill_due(pool, now) & ~bits_one(p->index);
    next = search(pool, p);
    if (keeps_running(pool, p, next, now)) {
        next = prev;
    } else if (prev != NULL && prev->runnable) {
        enqueue(pool, prev);
    }
    rt_pcpu(p)->yielded = false;
    choice.vcpu = next;
    idlers_chosen(&c->pcpus, p, next == NULL);
    if (next != NULL) {
        if (next != prev) {
            dequeue(pool, next);
        }
        choice.until = start(pool, p, next, now);
    }
    if (unlikely(c->waiting != 0 && c->pcpus.idle != 0)) {
        choice.kick |= tickle_idle(c, p);
    }
    choice.until =
        min_u64(choice.until, keeper_promise(&c->keeper, p, &c->refills));
    return choice;
}

static sop_cpumask_t rt_saved(struct policy_pool *pool, struct policy_vcpu *v,
                              uint64_t now)
{
    struct rt_vcpu *r = rt_vcpu(v);
    struct rt_pool *c = rt_pool(pool);

    (void)now;
    ASSERT(r->queue != RT_NOT_QUEUED);
    if (r->queue != RT_SPENT) {
        tree_change_set(r->queue == RT_FIRST ? &c->first : &c->spare, &r->node,
                        rt_takers(v));
    }
    return tickle(pool, v);
}

static sop_cpumask_t rt_affinity(struct policy_pool *pool,
                                 struct policy_vcpu *v, uint64_t now)
{
    /* The same to us: other pCPUs may take it. */
    return rt_saved(pool, v, now);
}

const struct policy_ops policy_rtds = {
    .name = "rtds",
    .id = XEN_SCHEDULER_RTDS,
    .pool_init = rt_pool_init,
    .pcpu_add = rt_pcpu_add,
    .pcpu_remove = rt_pcpu_remove,
    .domain_init = rt_domain_init,
    .domain_fini = rt_domain_fini,
    .domain_knobs = rt_domain_knobs,
    .vcpu_knobs = rt_vcpu_knobs,
    .insert = rt_insert,
    .remove = rt_remove,
    .wake = rt_wake,
    .sleep = rt_sleep,
    .yield = rt_yield,
    .charge = rt_charge,
    .pick = rt_pick,
    .saved = rt_saved,
    .affinity = rt_affinity,
    .account = rt_account,
    .dump = rt_dump,
    .check = rt_check,
};
