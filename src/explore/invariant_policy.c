/* SPDX-License-Identifier: MIT */
/*
 * What each policy promises, as its file states it: when a vCPU may wait
 * beside an idle pCPU, and how long it may wait at most.
 */
#include <string.h>

#include "../lib/bitmap.h"
#include "explore_machine.h"
#include "invariant.h"

#define SLACK_NS (30u * EX_MS)

sop_cpumask_t ex_pool_mask(const struct ex_domain *d)
{
    return ex_world.pool[d->pool].cpus;
}

static bool is_policy(const struct ex_domain *d, const char *name)
{
    return strcmp(ex_policy_of(d), name) == 0;
}

/* As many pCPUs as vCPUs that are up, and all may use all. */
static bool has_one_each(const struct ex_domain *d)
{
    sop_cpumask_t mask = ex_pool_mask(d);
    unsigned i, n, up = 0;

    for (i = 0; i < EX_DOMAINS; i++) {
        const struct ex_domain *one = &ex_world.domain[i];

        for (n = 0;
             one->d != NULL && one->pool == d->pool && n < one->spec->nr_vcpus;
             n++) {
            const struct ex_vcpu *x = &one->vcpu[n];

            up += !x->down;
            if ((x->hard & mask) != mask || x->pin >= 0 || one->dying) {
                return false;
            }
        }
    }
    return up <= bits_count(mask);
}

bool ex_must_not_wait(const struct ex_vcpu *x, const struct ex_pcpu *c)
{
    (void)c;
    if (is_policy(x->d, "null")) {
        return has_one_each(x->d);
    }
    return is_policy(x->d, "credit2") && x->d->spec->cap == 0;
}

/*
 * Fair share: who has the part s of all weights waits for about a slice of
 * everybody else, that is (1 / s) slices of at most 10 ms.
 */
uint64_t ex_wait_bound(const struct ex_vcpu *x)
{
    uint64_t weights = 0;
    unsigned i;

    if (!is_policy(x->d, "credit2") || x->d->spec->cap != 0) {
        return SOP_TIME_NEVER;
    }
    for (i = 0; i < EX_DOMAINS; i++) {
        const struct ex_domain *d = &ex_world.domain[i];

        if (d->d != NULL && d->pool == x->d->pool) {
            weights += (uint64_t)d->spec->weight * d->spec->nr_vcpus;
        }
    }
    return SLACK_NS + 10u * EX_MS * weights / x->d->spec->weight;
}
