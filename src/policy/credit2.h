/* SPDX-License-Identifier: MIT */
/*
 * What the files of credit2 share: its state in the core's words. The idea
 * and the bounds stand on top of credit2.c.
 */
#ifndef SCHEDOP_POLICY_CREDIT2_H
#define SCHEDOP_POLICY_CREDIT2_H

#include "../core/policy.h"

#include "../lib/atomic.h"
#include "../lib/bitmap.h"
#include "../lib/bug.h"
#include "../lib/compiler.h"
#include "../lib/list.h"
#include "../lib/prng.h"
#include "../lib/tree.h"
#include "idlers.h"
#include "keeper.h"

#define C2_REQUEST_NS 2000000u /* half a slice, in which bounds are stated */
#define C2_WAKE_NS 1000u       /* ... of the first one after a wake */
#define C2_RUN_NS 100000u      /* shortest run that is planned */
#define C2_ALONE_NS 10000000u  /* look again then, though nobody waits */
#define C2_MOVE_NS 1000000u    /* on a pCPU, before a wish counts */
#define C2_RATELIMIT_US                                                        \
    1000u                      /* default: shortest run before others preempt  \
                                */
#define C2_PERIOD_NS 10000000u /* of caps */
#define C2_GRANT_NS 500000u    /* least part of a cap given out at a time */
#define C2_WEIGHT_DEFAULT 256u
#define C2_WEIGHT_MAX 65535u
#define C2_CAP_MAX 65535u
#define C2_QUEUES 16u
#define C2_QUEUE_PCPUS 16u /* most that share a queue, if there is another */

enum c2_place {
    C2_NOWHERE, /* not queued */
    C2_READY,   /* its request may be served: by deadline */
    C2_LATER,   /* not yet, if others may: by start */
    C2_GIVEN,   /* not queued: an idle pCPU was told of it */
    C2_PARKED,  /* its domain has no budget left */
};

struct c2_vcpu {
    struct tree_node node;   /* in `ready` or `later` of a queue */
    struct list_node parked; /* in its domain's list */
    uint64_t vtime;          /* its virtual time, charged */
    uint64_t start;          /* virtual time at which its request began ... */
    uint64_t deadline;       /* ... and by which it should be served */
    sop_cpumask_t hard;      /* as it was when its virtual time was placed */
    uint32_t rest;           /* of the last charge, below the weight */
    uint8_t place;           /* enum c2_place */
    uint8_t queue;           /* where it is queued; given: to which pCPU */
    bool active;             /* counts in the pool's weight */
    bool spared;             /* queued, and left to a pCPU that it prefers */
    bool yielded;            /* until it is chosen again */
};

struct c2_pcpu {
    uint64_t charged; /* curr has been charged up to then */
    uint64_t started; /* curr was picked then */
    uint64_t looks;   /* it chooses again then at the latest */
    uint64_t level; /* in `behind`: the virtual time of those it chooses from */
    struct policy_vcpu *given; /* the first it looks at, when it is told */
    int64_t grant;             /* of a cap's budget, that curr has not used */
    uint8_t queue;
    bool alone;   /* nobody waited when curr's slice was set */
    bool granted; /* curr's domain has a cap */
};

struct c2_domain {
    uint32_t weight;
    uint32_t cap;
    uint32_t nr_vcpus, nr_active;
    uint64_t slice, first;   /* virtual ns of a request; of one after a wake */
    int64_t budget;          /* with a cap: ns not given out in this period */
    uint64_t refill;         /* when the next period starts */
    struct tree_node node;   /* while vCPUs are parked: by `refill` */
    struct list_node parked; /* vCPUs without budget */
};

/* The vCPUs that wait for a group of pCPUs; others may take them too. */
struct c2_queue {
    struct tree ready, later;
    sop_cpumask_t pcpus;
    uint32_t waiting;
    uint16_t group;
};

struct c2_pool {
    struct c2_queue queue[C2_QUEUES];
    unsigned nr_queues; /* in use: below that */
    struct idlers pcpus;
    sop_cpumask_t given;   /* pCPUs to which one is given */
    sop_cpumask_t away;    /* run what would rather be elsewhere */
    sop_cpumask_t awaited; /* look when the rate limit ends, for somebody */
    sop_cpumask_t behind;  /* pCPUs all of whose vCPUs are behind `vtime` */
    uint64_t vtime;        /* never steps back */
    int64_t owed;          /* weighted ns that it does not, or also, count */
    uint64_t clock;        /* when that was */
    uint64_t weight;       /* of all active vCPUs */
    unsigned running;      /* pCPUs that run something */
    uint32_t waiting;      /* queued */
    uint32_t nr_given;
    uint32_t ratelimit_ns;
    struct tree refills;  /* domains with parked vCPUs */
    struct keeper keeper; /* looks at them */
    struct prng prng;
};

_Static_assert(sizeof(struct c2_vcpu) <= POLICY_VCPU_WORDS * 8, "room");
_Static_assert(sizeof(struct c2_pcpu) <= POLICY_PCPU_WORDS * 8, "room");
_Static_assert(sizeof(struct c2_domain) <= POLICY_DOMAIN_WORDS * 8, "room");
_Static_assert(sizeof(struct c2_pool) <= POLICY_POOL_WORDS * 8, "room");

/* ---- from the core's words to ours, and back ---- */

static inline struct c2_pool *c2_pool(struct policy_pool *pool)
{
    return (struct c2_pool *)(void *)pool->priv;
}

static inline const struct c2_pool *
c2_pool_const(const struct policy_pool *pool)
{
    return (const struct c2_pool *)(const void *)pool->priv;
}

static inline struct c2_vcpu *c2_vcpu(struct policy_vcpu *v)
{
    return (struct c2_vcpu *)(void *)v->priv;
}

static inline const struct c2_vcpu *c2_vcpu_const(const struct policy_vcpu *v)
{
    return (const struct c2_vcpu *)(const void *)v->priv;
}

static inline struct c2_pcpu *c2_pcpu(struct policy_pcpu *p)
{
    return (struct c2_pcpu *)(void *)p->priv;
}

static inline struct c2_domain *c2_domain(struct policy_domain *d)
{
    return (struct c2_domain *)(void *)d->priv;
}

static inline struct policy_vcpu *c2_vcpu_at(const void *member, size_t offset)
{
    const uint8_t *priv = (const uint8_t *)member - offset;

    return (struct policy_vcpu *)(uintptr_t)(priv - offsetof(struct policy_vcpu,
                                                             priv));
}

/* Whose `node`, and whose `parked`, that is. */
static inline struct policy_vcpu *c2_at_node(const struct tree_node *n)
{
    return n != NULL ? c2_vcpu_at(n, offsetof(struct c2_vcpu, node)) : NULL;
}

static inline struct policy_vcpu *c2_at_parked(const struct list_node *n)
{
    return c2_vcpu_at(n, offsetof(struct c2_vcpu, parked));
}

static inline struct c2_domain *c2_domain_at(struct tree_node *n)
{
    return container_of(n, struct c2_domain, node);
}

/* The pCPUs that may take it: only its own until its registers are saved. */
static inline sop_cpumask_t c2_takers(const struct policy_vcpu *v)
{
    return v->on != NULL ? v->hard & bits_one(v->on->index) : v->hard;
}

/* Whether its request has begun in the pool's virtual time. */
static inline bool c2_may_be_served(const struct c2_pool *c,
                                    const struct c2_vcpu *s)
{
    return !tree_key_before(c->vtime, s->start);
}

static inline void c2_new_request(struct c2_vcpu *s, uint64_t virtual)
{
    s->start = s->vtime;
    s->deadline = s->vtime + virtual;
}

/* Moving to a preferred pCPU takes time: not more often than once a ms. */
static inline bool c2_may_move(struct policy_pcpu *p, uint64_t now)
{
    return now >= c2_pcpu(p)->started + C2_MOVE_NS;
}

/* ---- credit2_pick.c ---- */

/* Operation: what `p` runs next. */
struct policy_choice c2_pick(struct policy_pool *pool, struct policy_pcpu *p,
                             uint64_t now);

/* ---- credit2_queue.c ---- */

/* The pool's virtual time goes on by `ns`, or to `now`. */
void c2_count_time(struct c2_pool *c, uint64_t ns);

static inline void c2_advance(struct c2_pool *c, uint64_t now)
{
    if (now > c->clock) {
        if (c->weight != 0) {
            c2_count_time(c, now - c->clock);
        }
        c->clock = now;
    }
}

/* It begins, or ceases, to compete. */
void c2_bring_back(struct c2_pool *c, const struct policy_vcpu *v);

static inline void c2_activate(struct c2_pool *c, struct policy_vcpu *v)
{
    struct c2_domain *d = c2_domain(v->domain);

    if (!c2_vcpu(v)->active) {
        if (c->owed > 0) {
            c2_bring_back(c, v);
        }
        c2_vcpu(v)->active = true;
        d->nr_active++;
        c->weight += d->weight;
    }
}

void c2_deactivate(struct c2_pool *c, struct policy_vcpu *v);

/*
 * Brings `v` from anywhere to those it competes with now, at most `behind`
 * behind them, with a request of that length; both in virtual ns.
 */
void c2_place(struct policy_pool *pool, struct policy_vcpu *v, uint64_t behind,
              uint64_t request);

/* ---- into the queue that it names, and out of it ---- */

/* The hint for yields: also what is given on the way counts. */
static inline void c2_tell_waiting(struct policy_pool *pool)
{
    const struct c2_pool *c = c2_pool(pool);

    atomic_poke_u32(&pool->waiting, c->waiting + c->nr_given);
}

static ALWAYS_INLINE void c2_insert_by_time(struct c2_pool *c,
                                            struct policy_vcpu *v)
{
    struct c2_vcpu *s = c2_vcpu(v);
    struct c2_queue *q = &c->queue[s->queue];

    if (c2_may_be_served(c, s)) {
        s->place = C2_READY;
        tree_insert(&q->ready, &s->node, s->deadline, s->node.tie,
                    c2_takers(v));
    } else {
        s->place = C2_LATER;
        tree_insert(&q->later, &s->node, s->start, s->node.tie, c2_takers(v));
    }
}

static ALWAYS_INLINE void c2_remove_by_time(struct c2_pool *c,
                                            struct policy_vcpu *v)
{
    struct c2_vcpu *s = c2_vcpu(v);
    struct c2_queue *q = &c->queue[s->queue];

    tree_remove(s->place == C2_READY ? &q->ready : &q->later, &s->node);
    s->place = C2_NOWHERE;
}

/* Without the hint: c2_tell_waiting() follows. */
static ALWAYS_INLINE void c2_put_in(struct c2_pool *c, struct policy_vcpu *v)
{
    ASSERT(c2_vcpu(v)->place == C2_NOWHERE);
    ASSERT(v->runnable);
    c2_activate(c, v);
    c2_vcpu(v)->spared = false;
    c2_insert_by_time(c, v);
    c->queue[c2_vcpu(v)->queue].waiting++;
    c->waiting++;
}

static ALWAYS_INLINE void c2_take_out(struct c2_pool *c, struct policy_vcpu *v)
{
    c2_remove_by_time(c, v);
    c->queue[c2_vcpu(v)->queue].waiting--;
    c->waiting--;
}

void c2_enqueue(struct policy_pool *pool, struct policy_vcpu *v);
void c2_dequeue(struct policy_pool *pool, struct policy_vcpu *v);

/* The queue for `v`: of where it will run or ran, else the shortest. */
uint8_t c2_queue_for(struct policy_pool *pool, const struct policy_vcpu *v,
                     sop_cpumask_t target);

/*
 * Who wakes while nobody waits needs no queue: it is given to an idle pCPU.
 * Takes back what was given to `p`: it is nowhere then.
 */
static ALWAYS_INLINE struct policy_vcpu *c2_take_given(struct policy_pool *pool,
                                                       struct policy_pcpu *p)
{
    struct policy_vcpu *v = c2_pcpu(p)->given;
    struct c2_pool *c = c2_pool(pool);

    ASSERT(c2_vcpu(v)->place == C2_GIVEN);
    c2_vcpu(v)->place = C2_NOWHERE;
    c2_vcpu(v)->queue = c2_pcpu(p)->queue;
    c2_pcpu(p)->given = NULL;
    c->given &= ~bits_one(p->index);
    c->nr_given--;
    c2_tell_waiting(pool);
    return v;
}

/* Puts all that are given in queues: others see them who come first. */
void c2_queue_given(struct policy_pool *pool);

/* Queues a vCPU that has slept or been parked; which pCPUs should look. */
sop_cpumask_t c2_arrive(struct policy_pool *pool, struct policy_vcpu *v);

/* Which pCPU should look because `v` is queued. */
sop_cpumask_t c2_tickle(struct policy_pool *pool, struct policy_vcpu *v);

/* For vCPUs left in a queue beside pCPUs left idle; `p` has just chosen. */
sop_cpumask_t c2_tickle_idle(struct c2_pool *c, const struct policy_pcpu *p);

/* `p` is idle: does somebody run elsewhere who would rather be here? */
sop_cpumask_t c2_tickle_away(struct policy_pool *pool,
                             const struct policy_pcpu *p, uint64_t now);

/*
 * Who should run on `p`, whose queue is `own`, of those that wait; NULL if
 * there is none. Puts aside who has no budget; adds to `told`.
 */
struct policy_vcpu *c2_find(struct policy_pool *pool,
                            const struct policy_pcpu *p, unsigned own,
                            uint64_t now, sop_cpumask_t *told);

/* Operations: a pCPU comes, and goes. */
void c2_pcpu_add(struct policy_pool *pool, struct policy_pcpu *p);
void c2_pcpu_remove(struct policy_pool *pool, struct policy_pcpu *p);

/* ---- credit2_cap.c ---- */

/* Whether the domain has time left; starts a period if one is due. */
bool c2_cap_has_budget(struct c2_domain *d, uint64_t now);

static inline bool c2_has_budget(struct policy_vcpu *v, uint64_t now)
{
    struct c2_domain *d = c2_domain(v->domain);

    return likely(d->cap == 0) || c2_cap_has_budget(d, now);
}

/* Sets a cap; parked vCPUs come back. */
void c2_cap_set(struct policy_pool *pool, struct policy_domain *d,
                uint32_t cap);

/* Puts `v`, queued nowhere, aside until its domain has time again. */
sop_cpumask_t c2_park(struct policy_pool *pool, struct policy_vcpu *v);
void c2_unpark(struct policy_pool *pool, struct policy_vcpu *v);

/* Gives `p` a part of the domain's time: until when, at most, its vCPU may
   run. What it has not used goes back. */
uint64_t c2_cap_grant(struct c2_domain *d, struct policy_pcpu *p, uint64_t now);
void c2_cap_return(struct policy_pcpu *p);

static inline uint64_t c2_grant(struct policy_pcpu *p, struct policy_vcpu *v,
                                uint64_t now)
{
    struct c2_domain *d = c2_domain(v->domain);

    return likely(d->cap == 0) ? SOP_TIME_NEVER : c2_cap_grant(d, p, now);
}

/* `v` has stopped: what it left is for those of its domain that are parked. */
sop_cpumask_t c2_cap_pass_on(struct policy_pool *pool, struct c2_domain *d);

static inline sop_cpumask_t c2_pass_on(struct policy_pool *pool,
                                       struct policy_vcpu *v)
{
    struct c2_domain *d = c2_domain(v->domain);

    return likely(d->cap == 0) ? 0 : c2_cap_pass_on(pool, d);
}

/* Periods that begin: the domains' vCPUs come back. */
sop_cpumask_t c2_refill_due(struct policy_pool *pool, uint64_t now);

/* ---- credit2_show.c ---- */

void c2_account(const struct policy_pool *pool, const struct policy_vcpu *v,
                struct policy_account *account);
void c2_dump(const struct policy_pool *pool, policy_emit *emit, void *arg);
const char *c2_check(const struct policy_pool *pool);

#endif
