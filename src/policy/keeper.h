/* SPDX-License-Identifier: MIT */
/*
 * Which pCPU looks when the next budget comes back. One of them promises, by
 * the time until which its choice stands; the others need not wake up for it.
 */
#ifndef SCHEDOP_POLICY_KEEPER_H
#define SCHEDOP_POLICY_KEEPER_H

#include "../core/policy.h"

#include "../lib/bitmap.h"
#include "../lib/tree.h"

struct keeper {
    struct policy_pcpu *pcpu; /* NULL: nobody has promised */
    uint64_t promised;        /* SOP_TIME_NEVER then */
};

static inline void keeper_init(struct keeper *k)
{
    k->pcpu = NULL;
    k->promised = SOP_TIME_NEVER;
}

/* `p` does not look any more, or promises anew. */
static inline void keeper_release(struct keeper *k, const struct policy_pcpu *p)
{
    if (k->pcpu == p) {
        keeper_init(k);
    }
}

/* `p` has chosen: when it has to look at `refills`, ordered by time. */
static inline uint64_t keeper_promise(struct keeper *k, struct policy_pcpu *p,
                                      const struct tree *refills)
{
    const struct tree_node *n = tree_lowest(refills);

    keeper_release(k, p);
    if (n == NULL || n->key >= k->promised) {
        return SOP_TIME_NEVER;
    }
    k->pcpu = p;
    k->promised = n->key;
    return n->key;
}

/* The pCPU to ask, if any, because one comes back at `time`. */
static inline sop_cpumask_t keeper_for(const struct keeper *k,
                                       const struct policy_pool *pool,
                                       uint64_t time)
{
    if (time >= k->promised || pool->online == 0) {
        return 0;
    }
    return k->pcpu != NULL ? bits_one(k->pcpu->index)
                           : bits_one(bits_lowest(pool->online));
}

#endif
