/* SPDX-License-Identifier: MIT */
/*
 * What the workload wants done to the machine while it runs: by the
 * controller's functions, as a toolstack would. What is refused is noted with
 * its place and the core's error; what must be tried again is.
 */
#include <stdint.h>

#include <xen/domctl.h>
#include <xen/errno.h>

#include "task.h"

#define RETRY_NS 1000u

static int set_affinity(struct sop_pcpu *self, struct sim_domain *d,
                        const struct lab_act *a)
{
    int rc = 0;

    for (unsigned n = 0; n < d->nr_vcpus && rc == 0; n++) {
        sop_cpumask_t mask = a->mask;

        if (a->vcpu != UINT32_MAX && a->vcpu != n) {
            continue;
        }
        rc = a->kind == ACT_PIN
                 ? sop_vcpu_set_affinity(self, d->vcpu[n].v, SOP_AFFINITY_HARD,
                                         &mask, NULL)
                 : sop_vcpu_set_affinity(self, d->vcpu[n].v, SOP_AFFINITY_SOFT,
                                         NULL, &mask);
    }
    return rc;
}

/* One of the two is changed, the other stays. */
static int set_share(struct sop_pcpu *self, struct sim_domain *d,
                     const struct lab_act *a)
{
    struct policy_domain_knobs knobs = {.sched_id = XEN_SCHEDULER_CREDIT2};
    int rc = sop_domain_knobs(self, d->d, &knobs, false);

    if (rc != 0) {
        return rc;
    }
    if (a->kind == ACT_WEIGHT) {
        knobs.u.credit2.weight = (uint32_t)a->value;
    } else {
        knobs.u.credit2.cap = (uint32_t)a->value;
    }
    return sop_domain_knobs(self, d->d, &knobs, true);
}

static int set_reservation(struct sop_pcpu *self, struct sim_domain *d,
                           const struct lab_act *a)
{
    struct policy_vcpu_knobs knobs = {.sched_id = XEN_SCHEDULER_RTDS};
    int rc = 0;

    for (unsigned n = 0; n < d->nr_vcpus && rc == 0; n++) {
        if (a->vcpu != UINT32_MAX && a->vcpu != n) {
            continue;
        }
        rc = sop_vcpu_knobs(self, d->vcpu[n].v, &knobs, false);
        if (rc == 0) {
            if (a->value != 0) {
                knobs.u.rtds.budget_us = (uint32_t)(a->value / 1000);
            }
            if (a->value2 != 0) {
                knobs.u.rtds.period_us = (uint32_t)(a->value2 / 1000);
            }
            knobs.u.rtds.extratime = a->extratime;
            rc = sop_vcpu_knobs(self, d->vcpu[n].v, &knobs, true);
        }
    }
    return rc;
}

static int up(struct sop_pcpu *self, struct sim_domain *d,
              const struct lab_act *a)
{
    int rc = 0;

    for (unsigned n = 0; n < d->nr_vcpus && rc == 0; n++) {
        if (a->vcpu == UINT32_MAX || a->vcpu == n) {
            rc = sop_vcpu_up(self, d->vcpu[n].v);
        }
    }
    return rc;
}

static int do_to_domain(struct lab_run *r, const struct lab_act *a)
{
    struct sop_pcpu *self = sim_self(r->m);
    struct sim_domain *d = r->domain[a->domain];

    if (d == NULL || d->gone) {
        return -XEN_ESRCH; /* not yet, or no longer */
    }
    switch (a->kind) {
    case ACT_PAUSE:
        return sop_domain_pause(self, d->d);
    case ACT_UNPAUSE:
        return sop_domain_unpause(self, d->d);
    case ACT_SHUTDOWN:
        sop_domain_shutdown(self, d->d, (uint32_t)a->value);
        return 0;
    case ACT_RESUME:
        return sop_domain_resume(self, d->d);
    case ACT_DESTROY:
        sim_domain_destroy(d);
        return 0;
    case ACT_WEIGHT:
    case ACT_CAP:
        return set_share(self, d, a);
    case ACT_RTDS:
        return set_reservation(self, d, a);
    case ACT_PIN:
    case ACT_SOFT:
        return set_affinity(self, d, a);
    case ACT_UP:
        return up(self, d, a);
    case ACT_MOVE:
        return sop_pool_move(self, r->pool_id[a->value], d->d);
    case ACT_ONLINE:
    case ACT_OFFLINE:
        break;
    }
    return -XEN_EINVAL;
}

static int do_it(struct lab_run *r, const struct lab_act *a)
{
    if (a->kind == ACT_ONLINE) {
        return sim_hotplug(r->m, (unsigned)a->value, true);
    }
    if (a->kind == ACT_OFFLINE) {
        return sim_hotplug(r->m, (unsigned)a->value, false);
    }
    return do_to_domain(r, a);
}

void act_do(struct sim_machine *m, void *pending)
{
    struct lab_pending *p = pending;
    struct lab_run *r = p->r;
    int rc;

    if (p->act == NULL) {
        rc = run_begin_domain(r, p->domain);
        if (rc != 0) {
            run_note(r, "%s: domain %s cannot be made: %s",
                     r->w->domain[p->domain].where,
                     r->w->domain[p->domain].name, run_error_name(rc));
        }
        return;
    }
    rc = do_it(r, p->act);
    if (rc == -XEN_EAGAIN) {
        /* At once when those pCPUs have acted, and then soon. */
        sim_at(m, sim_now(m) + (p->tries++ == 0 ? 0 : RETRY_NS), act_do, p);
    } else if (rc != 0) {
        run_note(r, "%s: refused: %s", p->act->where, run_error_name(rc));
    }
}
