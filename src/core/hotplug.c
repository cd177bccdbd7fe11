/* SPDX-License-Identifier: MIT */
/*
 * pCPUs going off and on line. One that is offline is in no pool, idles, and
 * serves no timers: those that were set on it go to another.
 */
#include "private.h"

static int pcpu_online(struct sop_pcpu *self, uint32_t cpu, uint64_t now)
{
    struct sop_system *sys = self->sys;

    if (cpu >= sys->cfg.nr_pcpus) {
        return -XEN_EINVAL;
    }
    if (sys->pcpu[cpu].online) {
        return -XEN_EEXIST;
    }
    sys->pcpu[cpu].online = true;
    pool_join(self, &sys->pool[0], &sys->pcpu[cpu], now);
    return 0;
}

/* Someone else's heap, and whoever owns it must look when to be woken. */
static void hand_over_timers(struct sop_pcpu *self, struct sop_pcpu *p)
{
    struct sop_pcpu *heir = self;
    unsigned i;

    for (i = 0; !heir->online; i++) {
        heir = &p->sys->pcpu[i]; /* the first is always online */
    }
    timerq_hand_over(p, heir);
    if (heir != self) {
        sched_request(self, heir);
    }
}

/* Only from pool 0 or from none, and not while anybody there is pinned. */
static int may_go_offline(const struct sop_pcpu *p)
{
    struct sop_system *sys = p->sys;
    unsigned i;

    if (p->pool == NULL) {
        return 0;
    }
    if (p->pool != &sys->pool[0]) {
        return -XEN_ENODEV;
    }
    if (sys->leaving != NULL && sys->leaving != p) {
        return -XEN_EADDRNOTAVAIL;
    }
    for (i = 0; i < sys->cfg.nr_vcpus; i++) {
        const struct sop_vcpu *v = &sys->vcpu[i];

        if (v->domain != NULL && v->domain->pool == p->pool && v->pinned) {
            return -XEN_EADDRINUSE;
        }
    }
    return 0;
}

static int pcpu_offline(struct sop_pcpu *self, uint32_t cpu, uint64_t now)
{
    struct sop_system *sys = self->sys;
    struct sop_pcpu *p;
    int rc;

    if (cpu >= sys->cfg.nr_pcpus || cpu == 0) {
        return -XEN_EINVAL;
    }
    p = &sys->pcpu[cpu];
    if (!p->online) {
        return -XEN_EEXIST;
    }
    rc = may_go_offline(p);
    if (rc == 0 && p->pool != NULL) {
        rc = pool_leave(self, p, now);
    }
    if (rc != 0) {
        return rc;
    }
    p->online = false;
    hand_over_timers(self, p);
    return 0;
}

/* ---- for ports ---- */

int sop_hotplug_online(struct sop_pcpu *self, uint32_t cpu)
{
    uint64_t now = core_enter(self);
    int rc = pcpu_online(self, cpu, now);

    core_leave(self);
    return rc;
}

int sop_hotplug_offline(struct sop_pcpu *self, uint32_t cpu)
{
    uint64_t now = core_enter(self);
    int rc = pcpu_offline(self, cpu, now);

    core_leave(self);
    return rc;
}

/* The first is a member of pool 0 before anybody can ask for it. */
void sop_pcpu_online(struct sop_pcpu *self)
{
    uint64_t now = core_enter(self);
    int rc = pcpu_online(self, self->pol.index, now);

    BUG_ON(rc != 0);
    core_leave(self);
}
