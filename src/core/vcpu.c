/* SPDX-License-Identifier: MIT */
/*
 * vCPUs: creation, going up and down.
 */
#include "private.h"

#include "../lib/string.h"

void vcpu_create(struct sop_domain *d, unsigned id, struct sop_vcpu *v,
                 uint64_t now)
{
    ASSERT(id < d->nr_vcpus);
    ASSERT(d->shared != NULL);
    memset(v, 0, sizeof(*v));
    v->domain = d;
    v->id = id;
    v->pol.domain = &d->pol;
    v->pol.id = id;
    /* vCPU 0 is built by who creates the domain; the others by the guest. */
    v->initialised = id == 0;
    v->holds = id == 0 ? 0 : VCPU_HOLD_DOWN;
    v->pol.up = id == 0;
    v->info = d->shared + id * sizeof(struct vcpu_info);
    if (d->kind == SOP_GUEST_PV) {
        atomic_store_u8(&v->info[1], 1); /* upcalls masked */
    }
    runstate_init(v, now);
    vtime_init(v);
    poll_init(v);
}

/* Does not unblock: a vCPU that blocked before stays blocked (fact 30). */
int vcpu_up(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    if (!v->initialised) {
        return -XEN_EINVAL;
    }
    if ((v->holds & VCPU_HOLD_DOWN) != 0) {
        v->holds &= ~VCPU_HOLD_DOWN;
        trace_vcpu(self, v, SOP_TRACE_EV_VCPU_UP, 0, 0);
        sched_up_changed(self, v, now);
        vcpu_wake(self, v, now);
    }
    return 0;
}

/* How many vCPUs of the domain of `v` other than `v` are up. */
static unsigned others_up(const struct sop_vcpu *v)
{
    const struct sop_domain *d = v->domain;
    unsigned i, count = 0;

    for (i = 0; i < d->nr_vcpus; i++) {
        if (d->vcpu[i] != v && (d->vcpu[i]->holds & VCPU_HOLD_DOWN) == 0) {
            count++;
        }
    }
    return count;
}

/*
 * The way of HLT with interrupts off (spec 3.2): the vCPU goes down, and if
 * that leaves none up the domain powers off. VCPUOP_down differs.
 */
void vcpu_down(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    if ((v->holds & VCPU_HOLD_DOWN) == 0) {
        v->holds |= VCPU_HOLD_DOWN;
        trace_vcpu(self, v, SOP_TRACE_EV_VCPU_DOWN, 0, 0);
        sched_up_changed(self, v, now);
        vcpu_sleep(self, v, now);
    }
    if (others_up(v) == 0) {
        domain_shutdown(self, v->domain, SHUTDOWN_poweroff, now);
    }
}

void vcpu_op_down(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    if (others_up(v) == 0) {
        /* The last one is not marked down (spec 2.4). */
        domain_shutdown(self, v->domain, SHUTDOWN_poweroff, now);
        return;
    }
    if ((v->holds & VCPU_HOLD_DOWN) == 0) {
        v->holds |= VCPU_HOLD_DOWN;
        trace_vcpu(self, v, SOP_TRACE_EV_VCPU_DOWN, 0, 0);
        sched_up_changed(self, v, now);
        vcpu_sleep(self, v, now);
    }
}

/* ---- for ports ---- */

int sop_vcpu_up(struct sop_pcpu *self, struct sop_vcpu *v)
{
    uint64_t now = core_enter(self);
    int rc = vcpu_up(self, v, now);

    core_leave(self);
    return rc;
}

void sop_vcpu_down(struct sop_pcpu *self, struct sop_vcpu *v)
{
    uint64_t now = core_enter(self);

    vcpu_op_down(self, v, now);
    core_leave(self);
}

/* The port's way in, INIT and SIPI, has loaded the registers already. */
int sop_vcpu_set_initialised(struct sop_vcpu *v)
{
    struct sop_system *sys = v->domain->sys;
    int rc = 0;

    core_lock(sys, NULL);
    if (v->initialised || v->loading) {
        rc = -XEN_EEXIST;
    } else {
        v->initialised = true;
    }
    core_unlock(sys);
    return rc;
}

bool sop_vcpu_is_up(const struct sop_vcpu *v)
{
    struct sop_system *sys = v->domain->sys;
    bool up;

    core_lock(sys, NULL);
    up = (v->holds & VCPU_HOLD_DOWN) == 0;
    core_unlock(sys);
    return up;
}

void sop_vcpu_pause(struct sop_pcpu *self, struct sop_vcpu *v)
{
    uint64_t now = core_enter(self);

    vcpu_pause(self, v, now);
    core_leave(self);
}

void sop_vcpu_unpause(struct sop_pcpu *self, struct sop_vcpu *v)
{
    uint64_t now = core_enter(self);

    BUG_ON(v->pause_count <= (v->shutdown_pause ? 1u : 0u));
    vcpu_unpause(self, v, now);
    core_leave(self);
}

struct sop_domain *sop_vcpu_domain(const struct sop_vcpu *v)
{
    return v->domain;
}

unsigned sop_vcpu_id(const struct sop_vcpu *v)
{
    return v->id;
}
