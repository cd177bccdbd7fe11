/* SPDX-License-Identifier: MIT */
/*
 * What the workload wants done to the machine while it runs: by the
 * controller's functions, as a toolstack would. What is refused is noted with
 * its place and the core's error; what must be tried again is.
 */
#include <stdint.h>

#include <xen/domctl.h>
#include <xen/errno.h>

#include "memory.h"
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
            if (a->extratime_given) {
                knobs.u.rtds.extratime = a->extratime;
            }
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

static int move(struct lab_run *r, const struct lab_act *a)
{
    uint32_t id = r->pool_id[a->value];
    int rc = id == SOP_POOL_ANY
                 ? -XEN_ENOENT
                 : sop_pool_move(sim_self(r->m), id, r->domain[a->domain]->d);

    if (rc == 0) {
        r->domain_pool[a->domain] = (unsigned)a->value;
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
        return move(r, a);
    case ACT_ONLINE:
    case ACT_OFFLINE:
    case ACT_POOL_CREATE:
    case ACT_POOL_DESTROY:
    case ACT_POOL_ADD:
    case ACT_POOL_REMOVE:
    case ACT_POOL_RENAME:
    case ACT_RATELIMIT:
    case ACT_FRAME:
        break;
    }
    return -XEN_EINVAL;
}

static int do_it(struct lab_run *r, struct lab_pending *p)
{
    const struct lab_act *a = p->act;

    if (a->kind == ACT_ONLINE || a->kind == ACT_OFFLINE) {
        return sim_hotplug(r->m, (unsigned)a->value, a->kind == ACT_ONLINE);
    }
    return a->kind >= ACT_POOL_CREATE ? act_on_pool(r, p) : do_to_domain(r, a);
}

static void begin_domain(struct lab_run *r, unsigned domain)
{
    const struct lab_domain *d = &r->w->domain[domain];
    int rc = run_begin_domain(r, domain);

    if (rc != 0) {
        run_note(r, "%s: domain %s cannot be made: %s", d->where, d->name,
                 run_error_name(rc));
    }
}

/* The controller does one thing after the other: this one can wait. */
static void do_later(struct lab_run *r, struct lab_pending *p)
{
    if (r->nr_next == r->next_room) {
        r->next_room = r->next_room * 2 + 8;
        r->next = sim_grow(r->next, r->next_room, sizeof(struct lab_pending *));
    }
    r->next[r->nr_next++] = p;
}

/* Done, or refused: whoever waited is next, in order. */
static void settle(struct sim_machine *m, struct lab_run *r)
{
    r->doing = NULL;
    for (size_t i = 0; i < r->nr_next; i++) {
        sim_at(m, sim_now(m), act_do, r->next[i]);
    }
    r->nr_next = 0;
}

/* The policy whose knob the act turns, 0 if it turns none. */
static uint32_t policy_meant(enum lab_act_kind kind)
{
    if (kind == ACT_WEIGHT || kind == ACT_CAP || kind == ACT_RATELIMIT) {
        return XEN_SCHEDULER_CREDIT2;
    }
    return kind == ACT_RTDS    ? XEN_SCHEDULER_RTDS
           : kind == ACT_FRAME ? XEN_SCHEDULER_ARINC653
                               : 0;
}

/* What knobs a policy has, for who turned another one's. */
static const char *knobs_of_policy(uint32_t id)
{
    return id == XEN_SCHEDULER_CREDIT2 ? "weight, cap and ratelimit"
           : id == XEN_SCHEDULER_RTDS  ? "rtds"
           : id == XEN_SCHEDULER_NULL  ? "none"
                                       : "frame";
}

static void note_refused(struct lab_run *r, const struct lab_act *a, int rc)
{
    bool of_pool = a->kind == ACT_RATELIMIT || a->kind == ACT_FRAME;
    unsigned pool = of_pool ? (unsigned)a->value : r->domain_pool[a->domain];
    uint32_t is = run_sched_id(r, pool);

    if (policy_meant(a->kind) == 0 || policy_meant(a->kind) == is) {
        run_note(r, "%s: refused: %s", a->where, run_error_name(rc));
        return;
    }
    run_note(r, "%s: refused: %s: pool %s has %s, whose knobs are: %s",
             a->where, run_error_name(rc), run_pool_name(r, pool),
             run_sched(r, pool), knobs_of_policy(is));
}

void act_do(struct sim_machine *m, void *pending)
{
    struct lab_pending *p = pending;
    struct lab_run *r = p->r;
    int rc;

    if (p->act == NULL) {
        begin_domain(r, p->domain);
        return;
    }
    if (r->doing != NULL && r->doing != p) {
        do_later(r, p);
        return;
    }
    rc = do_it(r, p);
    if (rc == -XEN_EAGAIN) {
        /* At once when those pCPUs have acted, and then soon. */
        r->doing = p;
        sim_at(m, sim_now(m) + (p->tries++ == 0 ? 0 : RETRY_NS), act_do, p);
        return;
    }
    if (rc != 0) {
        note_refused(r, p->act, rc);
    }
    settle(m, r);
}
