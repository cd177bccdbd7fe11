/* SPDX-License-Identifier: MIT */
/*
 * What a scheduling policy is, and all it may see.
 *
 * A policy decides which runnable vCPU a pCPU runs and until when it need not
 * be asked again. It never calls a port, reads a clock or knows another
 * policy; everything it remembers lives in the `priv` words below, which the
 * core zeroes before the first operation on an object and never looks at.
 * Every operation is called with the core lock held and bounded by the number
 * of vCPUs and pCPUs of the pool.
 *
 * A vCPU is *queued* when it is runnable and current nowhere. The core tells
 * the policy of every change by wake and sleep, except for the vCPU that is
 * current on a pCPU: its `runnable` simply changes, and the next charge and
 * pick on that pCPU see it. Operations that can make a pCPU worth asking
 * again return the set of those pCPUs; the core kicks them.
 */
#ifndef SCHEDOP_CORE_POLICY_H
#define SCHEDOP_CORE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <schedop/core.h>

#define POLICY_VCPU_WORDS 16
#define POLICY_PCPU_WORDS 16
#define POLICY_DOMAIN_WORDS 16
#define POLICY_POOL_WORDS 64

/* What an administrator can set, under Xen's names. */
struct policy_knobs {
    uint32_t weight; /* 1..65535; twice the weight is twice the time */
    uint32_t cap;    /* per cent of one pCPU; 0 is none */
};

struct policy_domain {
    uint16_t domid;
    uint64_t priv[POLICY_DOMAIN_WORDS];
};

struct policy_pcpu {
    unsigned index;
    struct policy_vcpu *curr; /* what it runs, NULL for idle */
    uint64_t priv[POLICY_PCPU_WORDS];
};

struct policy_vcpu {
    struct policy_domain *domain;
    unsigned id;
    sop_cpumask_t hard; /* may run there: affinity or pin, within the pool */
    sop_cpumask_t soft; /* prefers to; never empty unless hard is */
    bool runnable;
    /* The pCPU whose registers may still hold it: no other may pick it. */
    struct policy_pcpu *on;
    struct policy_pcpu *last; /* where it ran last, NULL never */
    uint64_t priv[POLICY_VCPU_WORDS];
};

struct policy_pool {
    const struct policy_ops *ops;
    uint64_t seed;
    sop_cpumask_t online; /* its pCPUs */
    struct policy_pcpu *pcpu[SOP_PCPUS_MAX];
    uint32_t waiting; /* queued vCPUs; kept by the policy, atomic_poke_u32 */
    uint64_t priv[POLICY_POOL_WORDS];
};

struct policy_choice {
    struct policy_vcpu *vcpu; /* NULL: idle */
    uint64_t until;           /* ask again then, SOP_TIME_NEVER: need not */
    sop_cpumask_t kick;       /* other pCPUs that may now find work */
};

/* What a policy has on file for a vCPU, for traces. */
struct policy_account {
    int64_t left_ns;      /* credit, lag or budget it may still use */
    uint64_t deadline_ns; /* by which its order goes; SOP_TIME_NEVER: none */
};

/* Receives one finished line of a dump. */
typedef void policy_emit(void *arg, const char *line);

struct policy_ops {
    const char *name; /* as Xen names it, for users */
    uint32_t id;      /* XEN_SCHEDULER_* */

    void (*pool_init)(struct policy_pool *pool);
    void (*pcpu_add)(struct policy_pool *pool, struct policy_pcpu *p);
    void (*pcpu_remove)(struct policy_pool *pool, struct policy_pcpu *p);
    void (*domain_init)(struct policy_pool *pool, struct policy_domain *d);
    void (*domain_fini)(struct policy_pool *pool, struct policy_domain *d);

    /* Reads, or if `set` first checks and stores; 0 or -EINVAL. */
    int (*adjust)(struct policy_pool *pool, struct policy_domain *d,
                  struct policy_knobs *knobs, bool set);

    /* A vCPU enters or leaves the pool, not queued and current nowhere. */
    void (*insert)(struct policy_pool *pool, struct policy_vcpu *v);
    void (*remove)(struct policy_pool *pool, struct policy_vcpu *v);

    /* `v` becomes queued, and stops being so. */
    sop_cpumask_t (*wake)(struct policy_pool *pool, struct policy_vcpu *v,
                          uint64_t now);
    void (*sleep)(struct policy_pool *pool, struct policy_vcpu *v);

    /* `v`, current, would rather not go on; a pick on its pCPU follows. */
    void (*yield)(struct policy_pool *pool, struct policy_vcpu *v);

    /* p->curr, not NULL, has run until now; before each pick and info. */
    void (*charge)(struct policy_pool *pool, struct policy_pcpu *p,
                   uint64_t now);

    /*
     * What `p` runs next. Queues p->curr if that is runnable and not chosen;
     * takes the choice out of the queue. Chooses nothing that is `on` another
     * pCPU or not allowed here.
     */
    struct policy_choice (*pick)(struct policy_pool *pool,
                                 struct policy_pcpu *p, uint64_t now);

    /* v->on of a queued vCPU became NULL: any pCPU may take it now. */
    sop_cpumask_t (*saved)(struct policy_pool *pool, struct policy_vcpu *v,
                           uint64_t now);

    /* hard or soft of a queued vCPU changed. */
    sop_cpumask_t (*affinity)(struct policy_pool *pool, struct policy_vcpu *v,
                              uint64_t now);

    /* Optional: charged until now; called only while somebody traces. */
    void (*account)(const struct policy_pool *pool, const struct policy_vcpu *v,
                    struct policy_account *account);

    /* Optional: the run queues for people; what is broken, or NULL. */
    void (*dump)(const struct policy_pool *pool, policy_emit *emit, void *arg);
    const char *(*check)(const struct policy_pool *pool);
};

static inline void policy_dump(const struct policy_pool *pool,
                               policy_emit *emit, void *arg)
{
    if (pool->ops->dump != NULL) {
        pool->ops->dump(pool, emit, arg);
    }
}

static inline const char *policy_check(const struct policy_pool *pool)
{
    return pool->ops->check != NULL ? pool->ops->check(pool) : NULL;
}

#endif
