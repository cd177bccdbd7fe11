/* SPDX-License-Identifier: MIT */
/*
 * Where vCPUs may run: hard and soft masks, set by the controller, and the
 * pin a vCPU of the hardware domain puts over its own (spec 6).
 */
#include "private.h"

/*
 * Gives back the mask that the pin replaced. The vCPU moves when the policy
 * next chooses, which is forced if it runs where it no longer may (6.2).
 */
void affinity_unpin(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    if (!v->pinned) {
        return;
    }
    v->pinned = false;
    v->hard = v->unpinned_hard;
    if ((v->hard & v->domain->pool->cpus) == 0) {
        /* All it names left the pool meanwhile. */
        v->hard = bits_below(v->domain->sys->cfg.nr_pcpus);
    }
    sched_affinity_changed(self, v, now);
}

/* Steps 3 to 8 of spec 3.8. */
int affinity_pin(struct sop_pcpu *self, struct sop_vcpu *v, int32_t pcpu,
                 uint64_t now)
{
    ASSERT(v->running == self); /* only for oneself */
    if (pcpu >= SOP_PIN_LIMIT) {
        return -XEN_EINVAL;
    }
    if (pcpu < 0) {
        if (!v->pinned) {
            return -XEN_EINVAL;
        }
        affinity_unpin(self, v, now);
        return 0;
    }
    if ((uint32_t)pcpu >= self->sys->cfg.nr_pcpus) {
        return -XEN_EINVAL;
    }
    if (v->pinned) {
        return -XEN_EBUSY;
    }
    if ((v->domain->pool->cpus & bits_one((uint32_t)pcpu)) == 0) {
        return -XEN_EINVAL;
    }
    v->pinned = true;
    v->unpinned_hard = v->hard;
    v->hard = bits_one((uint32_t)pcpu);
    sched_affinity_changed(self, v, now);
    return 0;
}

/*
 * -EINVAL before -EBUSY: a mask without any pCPU to run on is refused even
 * while pinned (spec 6.1).
 */
static int set_hard(struct sop_pcpu *self, struct sop_vcpu *v,
                    sop_cpumask_t mask, uint64_t now)
{
    if ((mask & v->domain->pool->cpus) == 0) {
        return -XEN_EINVAL;
    }
    if (v->pinned) {
        return -XEN_EBUSY;
    }
    /* Stored filtered only by what is possible: pCPUs may come later. */
    v->hard = mask & bits_below(self->sys->cfg.nr_pcpus);
    sched_affinity_changed(self, v, now);
    return 0;
}

/* Never refused for what it names; it is only a wish (spec 6.1). */
static int set_soft(struct sop_pcpu *self, struct sop_vcpu *v,
                    sop_cpumask_t mask, uint64_t now)
{
    if (v->pinned) {
        return -XEN_EBUSY;
    }
    v->soft = mask & bits_below(self->sys->cfg.nr_pcpus);
    sched_affinity_changed(self, v, now);
    return 0;
}

/* Spec 6.1. Reports what is in effect in place of what was asked. */
int affinity_set(struct sop_pcpu *self, struct sop_vcpu *v, unsigned flags,
                 sop_cpumask_t *hard, sop_cpumask_t *soft, uint64_t now)
{
    sop_cpumask_t cpus = v->domain->pool->cpus;
    int rc;

    if (flags == 0 || (flags & ~(SOP_AFFINITY_HARD | SOP_AFFINITY_SOFT |
                                 SOP_AFFINITY_FORCE)) != 0) {
        return -XEN_EINVAL;
    }
    if (((flags & SOP_AFFINITY_HARD) != 0 && hard == NULL) ||
        ((flags & SOP_AFFINITY_SOFT) != 0 && soft == NULL)) {
        return -XEN_EINVAL;
    }
    if ((flags & SOP_AFFINITY_FORCE) != 0) {
        affinity_unpin(self, v, now);
    }
    if ((flags & SOP_AFFINITY_HARD) != 0) {
        rc = set_hard(self, v, *hard, now);
        if (rc != 0) {
            return rc;
        }
        *hard = v->hard & cpus;
    }
    if ((flags & SOP_AFFINITY_SOFT) != 0) {
        /* Fails only when pinned, and then setting hard has failed before. */
        rc = set_soft(self, v, *soft, now);
        if (rc != 0) {
            return rc;
        }
        *soft = v->soft & v->hard & cpus;
    }
    return 0;
}

int sop_vcpu_set_affinity(struct sop_pcpu *self, struct sop_vcpu *v,
                          unsigned flags, sop_cpumask_t *hard,
                          sop_cpumask_t *soft)
{
    uint64_t now = core_enter(self);
    int rc = affinity_set(self, v, flags, hard, soft, now);

    core_leave(self);
    return rc;
}
