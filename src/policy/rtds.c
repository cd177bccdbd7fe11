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
#include "../core/policy.h"

#include "../lib/atomic.h"
#include "../lib/bitmap.h"
#include "../lib/bug.h"
#include "../lib/compiler.h"
#include "../lib/fmt.h"
#include "../lib/list.h"
#include "../lib/tree.h"
#include "idlers.h"

/* As Xen's. */
#define PERIOD_DEFAULT_US 10000u
#define BUDGET_DEFAULT_US 4000u
#define PERIOD_MIN_US 10u
#define BUDGET_MIN_US 10u

#define SHARE_ONE ((uint64_t)1 << 32) /* a share of a whole pCPU */

enum rt_queue {
    RT_NOT_QUEUED,
    RT_FIRST, /* guaranteed, with budget: by deadline */
    RT_SPARE, /* may use what those leave: by turns */
    RT_SPENT, /* waits for its deadline */
};

struct rt_vcpu {
    struct tree_node node;   /* in `first` or `spare` */
    struct tree_node refill; /* not in `first`: its deadline */
    struct list_node link;   /* in the pool's list, as they came */
    uint64_t deadline;
    int64_t left;       /* of the budget, ns */
    uint64_t spare_ran; /* ns of spare time it has had */
    uint32_t period_us, budget_us;
    uint32_t misses; /* deadlines that found it queued with budget left */
    uint8_t queue;   /* enum rt_queue */
    bool extratime;
    bool asked_for; /* parameters by knobs, not the default ones */
    bool guaranteed;
};

struct rt_pcpu {
    uint64_t charged; /* curr has been charged up to then */
    uint64_t turn;    /* curr, if it runs in spare time: to then */
    bool spare;       /* curr runs in spare time */
    bool yielded;
};

struct rt_pool {
    struct tree first, spare, refills;
    struct list_node vcpus;
    uint64_t sequence;  /* who came first, among equals */
    uint64_t spare_ran; /* of who got some last: newcomers start there */
    uint64_t share_sum; /* of the guaranteed */
    uint64_t share_max;
    uint64_t promised; /* when `keeper` looks at refills, NEVER none does */
    struct policy_pcpu *keeper;
    struct idlers pcpus;
    uint32_t waiting; /* queued and not spent */
};

_Static_assert(sizeof(struct rt_vcpu) <= POLICY_VCPU_WORDS * 8, "room");
_Static_assert(sizeof(struct rt_pcpu) <= POLICY_PCPU_WORDS * 8, "room");
_Static_assert(sizeof(struct rt_pool) <= POLICY_POOL_WORDS * 8, "room");

/* ---- from the core's words to ours, and back ---- */

static struct rt_pool *rt_pool(struct policy_pool *pool)
{
    return (struct rt_pool *)(void *)pool->priv;
}

static const struct rt_pool *rt_pool_const(const struct policy_pool *pool)
{
    return (const struct rt_pool *)(const void *)pool->priv;
}

static struct rt_vcpu *rt_vcpu(struct policy_vcpu *v)
{
    return (struct rt_vcpu *)(void *)v->priv;
}

static struct rt_pcpu *rt_pcpu(struct policy_pcpu *p)
{
    return (struct rt_pcpu *)(void *)p->priv;
}

static struct policy_vcpu *vcpu_of(const void *member, size_t offset)
{
    const uint8_t *priv = (const uint8_t *)member - offset;

    return (struct policy_vcpu *)(uintptr_t)(priv - offsetof(struct policy_vcpu,
                                                             priv));
}

static struct policy_vcpu *at_node(const struct tree_node *n)
{
    return n != NULL ? vcpu_of(n, offsetof(struct rt_vcpu, node)) : NULL;
}

static struct policy_vcpu *at_refill(const struct tree_node *n)
{
    return vcpu_of(n, offsetof(struct rt_vcpu, refill));
}

static struct policy_vcpu *at_link(const struct list_node *n)
{
    return vcpu_of(n, offsetof(struct rt_vcpu, link));
}

/* ---- budgets ---- */

static uint64_t period_ns(const struct rt_vcpu *r)
{
    return r->period_us * (uint64_t)1000;
}

static int64_t budget_ns(const struct rt_vcpu *r)
{
    return r->budget_us * (int64_t)1000;
}

/* Its deadline has passed: new periods have begun. Debts are paid off. */
static void renew(struct rt_vcpu *r, uint64_t now)
{
    uint64_t periods = (now - r->deadline) / period_ns(r) + 1;

    r->deadline += periods * period_ns(r);
    r->left += budget_ns(r) * (int64_t)min_u64(periods, 1000);
    if (r->left > budget_ns(r)) {
        r->left = budget_ns(r);
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
        r->deadline = now + period_ns(r);
        r->left = budget_ns(r);
    }
}

/* What it may run as, now: by its deadline, in spare time, or not at all. */
static enum rt_queue class_of(const struct rt_vcpu *r)
{
    if (r->left > 0) {
        return r->guaranteed ? RT_FIRST : RT_SPARE;
    }
    return r->extratime ? RT_SPARE : RT_SPENT;
}

/* ---- the queues ---- */

static void set_waiting(struct policy_pool *pool, uint32_t count)
{
    rt_pool(pool)->waiting = count;
    atomic_poke_u32(&pool->waiting, count);
}

/* The pCPUs that may take it: only its own until its registers are saved. */
static sop_cpumask_t takers(const struct policy_vcpu *v)
{
    return v->on != NULL ? v->hard & bits_one(v->on->index) : v->hard;
}

static void enqueue(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct rt_pool *c = rt_pool(pool);
    struct rt_vcpu *r = rt_vcpu(v);

    ASSERT(r->queue == RT_NOT_QUEUED);
    ASSERT(v->runnable);
    r->queue = (uint8_t)class_of(r);
    c->sequence++;
    if (r->queue == RT_FIRST) {
        tree_insert(&c->first, &r->node, r->deadline, c->sequence, takers(v));
    } else if (r->queue == RT_SPARE) {
        r->spare_ran = max_u64(r->spare_ran, c->spare_ran);
        tree_insert(&c->spare, &r->node, r->spare_ran, c->sequence, takers(v));
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

/* Its parameters or masks changed. */
static void requeue(struct policy_pool *pool, struct policy_vcpu *v)
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

/* Somebody must look when the budget of `v` comes back. */
static sop_cpumask_t keeper_for(struct policy_pool *pool, struct policy_vcpu *v)
{
    const struct rt_pool *c = rt_pool(pool);

    if (rt_vcpu(v)->deadline >= c->promised || pool->online == 0) {
        return 0;
    }
    return c->keeper != NULL ? bits_one(c->keeper->index)
                             : bits_one(bits_lowest(pool->online));
}

/* Which pCPUs should look because `v` is queued. */
static sop_cpumask_t tickle(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct rt_pool *c = rt_pool(pool);
    sop_cpumask_t ask = 0, target = 0;

    if (rt_vcpu(v)->left <= 0) {
        ask = keeper_for(pool, v);
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
        struct policy_vcpu *v = at_refill(n);

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
        told |= idlers_tell(&c->pcpus, place_in(n->set & set, at_node(n)));
        set &= ~told;
    }
    return told;
}

/* ---- guarantees ---- */

static uint64_t share_of(uint64_t budget, uint64_t period)
{
    return budget * SHARE_ONE / period;
}

static uint64_t share(const struct rt_vcpu *r)
{
    return share_of(r->budget_us, r->period_us);
}

/* The test of Goossens, Funk and Baruah for the pCPUs there are. */
static bool fits(const struct policy_pool *pool, uint64_t sum, uint64_t max)
{
    uint64_t m = bits_count(pool->online);

    return m != 0 && sum <= m * SHARE_ONE - (m - 1) * max;
}

static void guarantee_if_fits(struct policy_pool *pool, struct rt_vcpu *r)
{
    struct rt_pool *c = rt_pool(pool);
    uint64_t sum = c->share_sum + share(r);
    uint64_t max = max_u64(c->share_max, share(r));

    r->guaranteed = fits(pool, sum, max);
    if (r->guaranteed) {
        c->share_sum = sum;
        c->share_max = max;
    }
}

/* Anew for all: first who asked for it, then who came first. */
static void reckon(struct policy_pool *pool)
{
    struct rt_pool *c = rt_pool(pool);
    struct list_node *n;
    unsigned pass;

    c->share_sum = 0;
    c->share_max = 0;
    for (pass = 0; pass < 2; pass++) {
        for (n = c->vcpus.next; n != &c->vcpus; n = n->next) {
            struct rt_vcpu *r = rt_vcpu(at_link(n));

            if (r->asked_for == (pass == 0)) {
                guarantee_if_fits(pool, r);
                requeue(pool, at_link(n));
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
        struct policy_vcpu *other = at_link(n);

        if (is_concerned(other, v, d)) {
            one = share_of(k->budget_us, k->period_us);
        } else if (rt_vcpu(other)->asked_for) {
            one = share(rt_vcpu(other));
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
        struct policy_vcpu *one = at_link(n);
        struct rt_vcpu *r = rt_vcpu(one);

        if (is_concerned(one, v, d)) {
            r->period_us = k->period_us;
            r->budget_us = k->budget_us;
            r->extratime = k->extratime;
            r->asked_for = true;
            if (r->left > budget_ns(r)) {
                r->left = budget_ns(r);
            }
        }
    }
    reckon(pool); /* queues all anew, by what they may have now */
    return 0;
}

static int rt_vcpu_knobs(struct policy_pool *pool, struct policy_vcpu *v,
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

static int rt_domain_knobs(struct policy_pool *pool, struct policy_domain *d,
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

/* ---- operations ---- */

static void rt_pool_init(struct policy_pool *pool)
{
    list_init(&rt_pool(pool)->vcpus);
    rt_pool(pool)->promised = SOP_TIME_NEVER;
}

static void rt_pcpu_add(struct policy_pool *pool, struct policy_pcpu *p)
{
    ASSERT(p->curr == NULL);
    rt_pool(pool)->pcpus.idle |= bits_one(p->index);
    reckon(pool);
}

static void rt_pcpu_remove(struct policy_pool *pool, struct policy_pcpu *p)
{
    struct rt_pool *c = rt_pool(pool);

    ASSERT(p->curr == NULL);
    idlers_remove(&c->pcpus, p);
    if (c->keeper == p) {
        c->keeper = NULL;
        c->promised = SOP_TIME_NEVER;
    }
    reckon(pool);
}

static void rt_domain_init(struct policy_pool *pool, struct policy_domain *d)
{
    (void)pool;
    (void)d;
}

static void rt_domain_fini(struct policy_pool *pool, struct policy_domain *d)
{
    (void)d;
    reckon(pool);
}

static int rt_insert(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct rt_vcpu *r = rt_vcpu(v);

    ASSERT(!v->runnable);
    r->period_us = PERIOD_DEFAULT_US;
    r->budget_us = BUDGET_DEFAULT_US;
    list_insert_before(&rt_pool(pool)->vcpus, &r->link);
    guarantee_if_fits(pool, r);
    return 0;
}

static void rt_remove(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct rt_vcpu *r = rt_vcpu(v);

    ASSERT(v->on == NULL);
    ASSERT(r->queue == RT_NOT_QUEUED);
    list_remove(&r->link);
    if (r->guaranteed) {
        rt_pool(pool)->share_sum -= share(r);
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

    return at_node(n != NULL ? n : tree_first(&c->spare, bits_one(p->index)));
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
    class = class_of(rt_vcpu(v));
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
    q->spare = class_of(r) == RT_SPARE;
    if (q->spare) {
        c->spare_ran = max_u64(c->spare_ran, r->spare_ran);
    }
    until = r->left > 0 ? now + (uint64_t)r->left : r->deadline;
    if (q->spare) {
        if (v != p->curr || now >= q->turn) {
            q->turn = now + (uint64_t)budget_ns(r);
        }
        if (!tree_is_empty(&c->spare)) {
            until = min_u64(until, q->turn);
        }
    }
    return until;
}

/* Somebody looks when the first budget comes back: if need be `p`. */
static uint64_t keep_refills(struct rt_pool *c, struct policy_pcpu *p)
{
    const struct tree_node *n = tree_lowest(&c->refills);

    if (c->keeper == p) {
        c->keeper = NULL;
        c->promised = SOP_TIME_NEVER;
    }
    if (n == NULL || n->key >= c->promised) {
        return SOP_TIME_NEVER;
    }
    c->keeper = p;
    c->promised = n->key;
    return n->key;
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
    choice.until = min_u64(choice.until, keep_refills(c, p));
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
                        takers(v));
    }
    return tickle(pool, v);
}

static sop_cpumask_t rt_affinity(struct policy_pool *pool,
                                 struct policy_vcpu *v, uint64_t now)
{
    /* The same to us: other pCPUs may take it. */
    return rt_saved(pool, v, now);
}

static void rt_account(const struct policy_pool *pool,
                       const struct policy_vcpu *v,
                       struct policy_account *account)
{
    const struct rt_vcpu *r = (const struct rt_vcpu *)(const void *)v->priv;

    (void)pool;
    account->left_ns = r->left;
    account->deadline_ns = r->deadline;
}

/* ---- for people and tests ---- */

static const char *state_name(const struct policy_vcpu *v)
{
    static const char *const name[] = {"off", "first", "spare", "spent"};
    const struct rt_vcpu *r = (const struct rt_vcpu *)(const void *)v->priv;

    return v->on != NULL && v->on->curr == v ? "runs" : name[r->queue];
}

static void rt_dump(const struct policy_pool *pool, policy_emit *emit,
                    void *arg)
{
    const struct rt_pool *c = rt_pool_const(pool);
    const struct list_node *n;
    char line[160];

    fmt_snprintf(line, sizeof(line),
                 "rtds: guaranteed %llu%% of %u pCPUs, waiting %u, idle %llx",
                 (unsigned long long)(c->share_sum / (SHARE_ONE / 100)),
                 bits_count(pool->online), c->waiting,
                 (unsigned long long)c->pcpus.idle);
    emit(arg, line);
    for (n = c->vcpus.next; n != &c->vcpus; n = n->next) {
        struct policy_vcpu *v = at_link(n);
        const struct rt_vcpu *r = rt_vcpu(v);

        fmt_snprintf(line, sizeof(line),
                     "  d%uv%u %s, %u us of %u us%s%s, left %lld ns, deadline "
                     "%llu, missed %u",
                     v->domain->domid, v->id, state_name(v), r->budget_us,
                     r->period_us, r->extratime ? " and extra time" : "",
                     r->guaranteed ? "" : ", not guaranteed",
                     (long long)r->left, (unsigned long long)r->deadline,
                     r->misses);
        emit(arg, line);
    }
}

static const char *check_queued(const struct policy_pool *pool,
                                struct policy_vcpu *v)
{
    const struct rt_pool *c = rt_pool_const(pool);
    const struct rt_vcpu *r = rt_vcpu(v);

    if (!v->runnable) {
        return "rtds: queued but not runnable";
    }
    if (r->queue != class_of(r)) {
        return "rtds: in the wrong queue";
    }
    if (tree_node_is_linked(&r->refill) != (r->left <= 0)) {
        return "rtds: nobody brings the budget back";
    }
    if (r->queue == RT_SPENT) {
        return NULL;
    }
    if (r->node.set != takers(v)) {
        return "rtds: queued for the wrong pCPUs";
    }
    /* One that has been told may be about to take it. */
    if (c->pcpus.told == 0 && v->on == NULL && (c->pcpus.idle & v->hard) != 0) {
        return "rtds: a vCPU waits beside an idle pCPU";
    }
    return NULL;
}

static const char *rt_check(const struct policy_pool *pool)
{
    const struct rt_pool *c = rt_pool_const(pool);
    const struct list_node *n;
    const char *broken = NULL;
    uint64_t sum = 0;
    uint32_t count = 0;

    for (n = c->vcpus.next; n != &c->vcpus && broken == NULL; n = n->next) {
        const struct rt_vcpu *r = rt_vcpu(at_link(n));

        sum += r->guaranteed ? share(r) : 0;
        if (r->left > budget_ns(r)) {
            broken = "rtds: more left than the budget";
        } else if (r->queue != RT_NOT_QUEUED) {
            count += r->queue != RT_SPENT;
            broken = check_queued(pool, at_link(n));
        }
    }
    if (broken == NULL && sum != c->share_sum) {
        broken = "rtds: wrong sum of shares";
    }
    if (broken == NULL && (count != c->waiting || count != pool->waiting)) {
        broken = "rtds: wrong count of waiting vCPUs";
    }
    if (broken == NULL) {
        broken = tree_check(&c->first);
    }
    if (broken == NULL) {
        broken = tree_check(&c->spare);
    }
    return broken == NULL ? tree_check(&c->refills) : broken;
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
