/* SPDX-License-Identifier: MIT */
/*
 * Which pCPUs have nothing to do, for policies that keep no pCPU idle while a
 * vCPU waits. A pCPU that is told (kicked) is not idle any more, so two
 * wake-ups never choose the same; until it has chosen it counts as told.
 */
#ifndef SCHEDOP_POLICY_IDLERS_H
#define SCHEDOP_POLICY_IDLERS_H

#include "../core/policy.h"

#include "../lib/bitmap.h"

struct idlers {
    sop_cpumask_t idle; /* nothing to do, and not told */
    sop_cpumask_t told; /* to be kicked, and have not chosen yet */
};

static inline sop_cpumask_t idlers_tell(struct idlers *s, sop_cpumask_t pcpus)
{
    s->idle &= ~pcpus;
    s->told |= pcpus;
    return pcpus;
}

/* `p` has chosen: it runs something, or is idle. */
static inline void idlers_chosen(struct idlers *s, const struct policy_pcpu *p,
                                 bool is_idle)
{
    sop_cpumask_t bit = bits_one(p->index);

    if (((s->idle | s->told) & bit) != 0) {
        s->told &= ~bit;
        s->idle &= ~bit;
    }
    if (is_idle) {
        s->idle |= bit;
    }
}

static inline void idlers_remove(struct idlers *s, const struct policy_pcpu *p)
{
    s->idle &= ~bits_one(p->index);
    s->told &= ~bits_one(p->index);
}

/* One of `set`, which is not empty: where it was, else any it prefers. */
static inline sop_cpumask_t place_in(sop_cpumask_t set,
                                     const struct policy_vcpu *v)
{
    sop_cpumask_t last = v->last != NULL ? bits_one(v->last->index) : 0;

    if ((set & v->soft) != 0) {
        set &= v->soft;
    }
    return (set & last) != 0 ? last : bits_one(bits_lowest(set));
}

/* The idle pCPU to run `v`, 0 if there is none. */
static inline sop_cpumask_t idlers_for(const struct idlers *s,
                                       const struct policy_vcpu *v)
{
    sop_cpumask_t set = s->idle & v->hard;

    return set != 0 ? place_in(set, v) : 0;
}

#endif
