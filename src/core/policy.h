/* SPDX-License-Identifier: MIT */
/*
 * What a scheduling policy is, all it may see, and in which order it is asked.
 *
 * A policy decides which runnable vCPU a pCPU runs and until when it need not
 * be asked again. It never calls a port, reads a clock or knows another
 * policy; everything it remembers lives in the `priv` words below, which the
 * core zeroes before the first operation on an object (pool_init, pcpu_add,
 * domain_init, insert) and never looks at. Every operation is called with the
 * core lock held. `now` never steps back from one operation to the next.
 *
 * vCPUs. A vCPU of the pool is *current* (some p->curr), or *queued* (runnable
 * and not current), or neither. wake() makes it queued, sleep() ends that, a
 * pick moves it between queued and current. The core tells of no change of a
 * current vCPU but by its fields: `runnable`, `hard` and `soft` simply change,
 * and the next charge and pick on that pCPU see it; likewise `hard` and `soft`
 * of a vCPU that is neither, which the next wake sees.
 *
 * pCPUs. On each pCPU the core calls charge, if p->curr is not NULL, then
 * pick, then sets p->curr to the choice. The vCPU that was current keeps `on`
 * until its registers are in memory; then the core clears `on` and, if it is
 * queued, calls saved(). A vCPU may be woken and put to sleep in between.
 *
 * Who is asked. Operations that return a set name the pCPUs worth asking
 * again; the core sees to it that a pick follows on each. After pcpu_add,
 * pcpu_remove, domain_fini and any successful change of knobs it asks every
 * pCPU of the pool.
 *
 * A pCPU comes: the core sets its fields, its bit in `online` and its place in
 * `pcpu`, calls pcpu_add, and then tells of each vCPU whose masks grew.
 * A pCPU goes: the core clears its bit in `online`, then takes it from the
 * masks of all vCPUs (affinity() for the queued), then asks it: as nothing may
 * run there any more the pick must return NULL. When also the last vCPU's
 * registers are saved, pcpu_remove: p->curr is NULL, nothing is `on` it and
 * no vCPU has it in `hard`, though `last` of many may point to it. The policy
 * forgets it; the core clears its place in `pcpu`. While a pCPU that has left
 * `online` is still in `pcpu` it is asked as any other.
 *
 * A domain comes: domain_init, then for each vCPU insert, then perhaps
 * domain_knobs; if one of them fails what was done is undone. It
 * goes, or moves to another pool: each vCPU is put to sleep and saved, then
 * remove for each, then domain_fini. A vCPU is inserted and removed not
 * runnable, not `on` anything; its `hard` may be empty at any time.
 */
#ifndef SCHEDOP_CORE_POLICY_H
#define SCHEDOP_CORE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/sysctl.h>

#include <schedop/core.h>

#define POLICY_VCPU_WORDS 28
#define POLICY_PCPU_WORDS 16
#define POLICY_DOMAIN_WORDS 24
#define POLICY_POOL_WORDS 768

_Static_assert(SOP_WINDOWS_MAX == ARINC653_MAX_DOMAINS_PER_SCHEDULE,
               "a schedule is as long as Xen's");

/* ---- what a policy sees ---- */

struct policy_domain {
    uint16_t domid;
    uint8_t handle[16]; /* its UUID; constant while in the pool */
    uint64_t priv[POLICY_DOMAIN_WORDS];
};

struct policy_pcpu {
    unsigned index;
    uint16_t core, socket;    /* pCPUs with the same share what those share */
    uint16_t group;           /* ... and a run queue, where there are several */
    struct policy_vcpu *curr; /* what it runs, NULL for idle */
    uint64_t priv[POLICY_PCPU_WORDS];
};

struct policy_vcpu {
    struct policy_domain *domain;
    unsigned id;
    sop_cpumask_t hard; /* may run there: affinity or pin, within the pool */
    sop_cpumask_t soft; /* prefers to; never empty unless hard is */
    bool runnable;
    bool up; /* not down (spec 2.4); what is down is not runnable */
    /* The pCPU whose registers may still hold it: no other may pick it. */
    struct policy_pcpu *on;
    struct policy_pcpu *last; /* where it ran last, NULL never; may be gone */
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

/* ---- what a policy does; an operation called optional may be NULL ---- */

struct policy_ops {
    const char *name; /* as Xen names it, for users */
    uint32_t id;      /* XEN_SCHEDULER_* */

    void (*pool_init)(struct policy_pool *pool);
    void (*pcpu_add)(struct policy_pool *pool, struct policy_pcpu *p);
    void (*pcpu_remove)(struct policy_pool *pool, struct policy_pcpu *p);
    void (*domain_init)(struct policy_pool *pool, struct policy_domain *d);
    void (*domain_fini)(struct policy_pool *pool, struct policy_domain *d);

    /*
     * Optional: reads the knobs, or if `set` checks all of them first and then
     * stores them: 0 or an error with nothing changed: -EINVAL a value out of
     * range; -ENOSPC rtds cannot guarantee it beside what it has guaranteed.
     * Before those of a domain are set its current vCPUs have been charged.
     * Call by the wrappers below, which look at sched_id.
     */
    int (*domain_knobs)(struct policy_pool *pool, struct policy_domain *d,
                        struct policy_domain_knobs *knobs, bool set);
    int (*vcpu_knobs)(struct policy_pool *pool, struct policy_vcpu *v,
                      struct policy_vcpu_knobs *knobs, bool set);
    int (*pool_knobs)(struct policy_pool *pool, struct policy_pool_knobs *knobs,
                      bool set);

    /*
     * A vCPU enters the pool: 0, or an error, and then it has not entered.
     * It leaves.
     */
    int (*insert)(struct policy_pool *pool, struct policy_vcpu *v);
    void (*remove)(struct policy_pool *pool, struct policy_vcpu *v);

    /* Optional: v->up changed; before the wake or sleep that follows. */
    sop_cpumask_t (*up)(struct policy_pool *pool, struct policy_vcpu *v,
                        uint64_t now);

    /* `v` becomes queued, and stops being so. */
    sop_cpumask_t (*wake)(struct policy_pool *pool, struct policy_vcpu *v,
                          uint64_t now);
    void (*sleep)(struct policy_pool *pool, struct policy_vcpu *v,
                  uint64_t now);

    /* `v`, current, would rather not go on; a pick on its pCPU follows. */
    void (*yield)(struct policy_pool *pool, struct policy_vcpu *v);

    /*
     * p->curr, not NULL, has run until now; before each pick and account, and
     * before the knobs of its domain change.
     */
    void (*charge)(struct policy_pool *pool, struct policy_pcpu *p,
                   uint64_t now);

    /*
     * What `p` runs next. Queues p->curr if that is runnable and not chosen;
     * takes the choice out of the queue. Chooses nothing that is not runnable,
     * is `on` another pCPU or not allowed here.
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

/*
 * The knobs, read or with `set` written. A knob of another policy is -EINVAL;
 * a policy without knobs of that kind does nothing and returns 0: as Xen.
 */
static inline int policy_domain_knobs(struct policy_pool *pool,
                                      struct policy_domain *d,
                                      struct policy_domain_knobs *knobs,
                                      bool set)
{
    if (knobs->sched_id != pool->ops->id) {
        return -XEN_EINVAL;
    }
    return pool->ops->domain_knobs != NULL
               ? pool->ops->domain_knobs(pool, d, knobs, set)
               : 0;
}

static inline int policy_vcpu_knobs(struct policy_pool *pool,
                                    struct policy_vcpu *v,
                                    struct policy_vcpu_knobs *knobs, bool set)
{
    if (knobs->sched_id != pool->ops->id) {
        return -XEN_EINVAL;
    }
    return pool->ops->vcpu_knobs != NULL
               ? pool->ops->vcpu_knobs(pool, v, knobs, set)
               : 0;
}

static inline int policy_pool_knobs(struct policy_pool *pool,
                                    struct policy_pool_knobs *knobs, bool set)
{
    if (knobs->sched_id != pool->ops->id) {
        return -XEN_EINVAL;
    }
    return pool->ops->pool_knobs != NULL
               ? pool->ops->pool_knobs(pool, knobs, set)
               : 0;
}

static inline sop_cpumask_t policy_up(struct policy_pool *pool,
                                      struct policy_vcpu *v, uint64_t now)
{
    return pool->ops->up != NULL ? pool->ops->up(pool, v, now) : 0;
}

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
