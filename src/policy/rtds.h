/* SPDX-License-Identifier: MIT */
/*
 * What the files of rtds share: its state in the core's words. The idea and
 * the bounds stand on top of rtds.c.
 */
#ifndef SCHEDOP_POLICY_RTDS_H
#define SCHEDOP_POLICY_RTDS_H

#include "../core/policy.h"

#include "../lib/atomic.h"
#include "../lib/bitmap.h"
#include "../lib/bug.h"
#include "../lib/compiler.h"
#include "../lib/list.h"
#include "../lib/tree.h"
#include "idlers.h"
#include "keeper.h"

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
    struct keeper keeper; /* looks at refills */
    struct idlers pcpus;
    uint32_t waiting; /* queued and not spent */
};

_Static_assert(sizeof(struct rt_vcpu) <= POLICY_VCPU_WORDS * 8, "room");
_Static_assert(sizeof(struct rt_pcpu) <= POLICY_PCPU_WORDS * 8, "room");
_Static_assert(sizeof(struct rt_pool) <= POLICY_POOL_WORDS * 8, "room");

/* ---- from the core's words to ours, and back ---- */

static inline struct rt_pool *rt_pool(struct policy_pool *pool)
{
    return (struct rt_pool *)(void *)pool->priv;
}

static inline const struct rt_pool *
rt_pool_const(const struct policy_pool *pool)
{
    return (const struct rt_pool *)(const void *)pool->priv;
}

static inline struct rt_vcpu *rt_vcpu(struct policy_vcpu *v)
{
    return (struct rt_vcpu *)(void *)v->priv;
}

static inline struct rt_pcpu *rt_pcpu(struct policy_pcpu *p)
{
    return (struct rt_pcpu *)(void *)p->priv;
}

static inline struct policy_vcpu *rt_at(const void *member, size_t offset)
{
    const uint8_t *priv = (const uint8_t *)member - offset;

    return (struct policy_vcpu *)(uintptr_t)(priv - offsetof(struct policy_vcpu,
                                                             priv));
}

static inline struct policy_vcpu *rt_at_node(const struct tree_node *n)
{
    return n != NULL ? rt_at(n, offsetof(struct rt_vcpu, node)) : NULL;
}

static inline struct policy_vcpu *rt_at_refill(const struct tree_node *n)
{
    return rt_at(n, offsetof(struct rt_vcpu, refill));
}

static inline struct policy_vcpu *rt_at_link(const struct list_node *n)
{
    return rt_at(n, offsetof(struct rt_vcpu, link));
}

/* ---- budgets ---- */

static inline uint64_t rt_period_ns(const struct rt_vcpu *r)
{
    return r->period_us * (uint64_t)1000;
}

static inline int64_t rt_budget_ns(const struct rt_vcpu *r)
{
    return r->budget_us * (int64_t)1000;
}

/* What it may run as, now: by its deadline, in spare time, or not at all. */
static inline enum rt_queue rt_class(const struct rt_vcpu *r)
{
    if (r->left > 0) {
        return r->guaranteed ? RT_FIRST : RT_SPARE;
    }
    return r->extratime ? RT_SPARE : RT_SPENT;
}

/* The pCPUs that may take it: only its own until its registers are saved. */
static inline sop_cpumask_t rt_takers(const struct policy_vcpu *v)
{
    return v->on != NULL ? v->hard & bits_one(v->on->index) : v->hard;
}

/* ---- rtds.c ---- */

/* Queues `v` anew, if it is queued: its parameters or masks changed. */
void rt_requeue(struct policy_pool *pool, struct policy_vcpu *v);

/* ---- rtds_guarantee.c ---- */

/* The share of a pCPU that `r` needs, SHARE_ONE all of it. */
static inline uint64_t rt_share(const struct rt_vcpu *r)
{
    return r->budget_us * SHARE_ONE / r->period_us;
}

/* Guarantees what `r` needs, if it fits beside what is guaranteed. */
void rt_guarantee_if_fits(struct policy_pool *pool, struct rt_vcpu *r);

/* Anew for all: first who asked for it, then who came first. */
void rt_reckon(struct policy_pool *pool);

int rt_vcpu_knobs(struct policy_pool *pool, struct policy_vcpu *v,
                  struct policy_vcpu_knobs *knobs, bool set);
int rt_domain_knobs(struct policy_pool *pool, struct policy_domain *d,
                    struct policy_domain_knobs *knobs, bool set);

/* ---- rtds_show.c ---- */

void rt_account(const struct policy_pool *pool, const struct policy_vcpu *v,
                struct policy_account *account);
void rt_dump(const struct policy_pool *pool, policy_emit *emit, void *arg);
const char *rt_check(const struct policy_pool *pool);

#endif
