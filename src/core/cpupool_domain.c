/* SPDX-License-Identifier: MIT */
/*
 * Domains and cpupools: how a domain comes under the policy of its pool, moves
 * to another, and has its knobs set.
 *
 * While a domain moves its vCPUs are paused once more, and nothing happens
 * until the last of them has left its pCPU: policies are told of vCPUs that
 * stand still only.
 */
#include "private.h"

#include <xen/domctl.h>

#include "../lib/string.h"

/* Holds every vCPU; true when nothing of them is on a pCPU any more. */
static bool hold(struct sop_pcpu *self, struct sop_domain *d, uint64_t now)
{
    bool held = true;
    unsigned i;

    for (i = 0; i < d->nr_vcpus; i++) {
        struct sop_vcpu *v = d->vcpu[i];

        if (!d->moving) {
            vcpu_pause(self, v, now);
        }
        if (v->pol.on != NULL) {
            sched_request(self, container_of(v->pol.on, struct sop_pcpu, pol));
            held = false;
        }
    }
    d->moving = true;
    return held;
}

static void release(struct sop_pcpu *self, struct sop_domain *d, uint64_t now)
{
    unsigned i;

    d->moving = false;
    for (i = 0; i < d->nr_vcpus; i++) {
        vcpu_unpause(self, d->vcpu[i], now);
    }
}

/* Puts `d`, nothing of which runs, under the policy of its pool. */
int pool_enter(struct sop_domain *d, const struct policy_domain_knobs *knobs)
{
    struct policy_pool *pol = &d->pool->pol;
    unsigned i = 0;
    int rc = 0;

    memset(d->pol.priv, 0, sizeof(d->pol.priv));
    pol->ops->domain_init(pol, &d->pol);
    while (rc == 0 && i < d->nr_vcpus) {
        struct sop_vcpu *v = d->vcpu[i];

        ASSERT(!v->pol.runnable);
        memset(v->pol.priv, 0, sizeof(v->pol.priv));
        rc = pol->ops->insert(pol, &v->pol);
        i += rc == 0;
    }
    /* Last, for knobs of a domain may be those of each of its vCPUs. */
    if (rc == 0 && knobs != NULL) {
        struct policy_domain_knobs copy = *knobs;

        rc = policy_domain_knobs(pol, &d->pol, &copy, true);
        if (rc == 0) {
            sched_request_some(NULL, d->sys, pol->online);
        }
    }
    if (rc != 0) {
        while (i > 0) {
            pol->ops->remove(pol, &d->vcpu[--i]->pol);
        }
        pol->ops->domain_fini(pol, &d->pol);
    }
    return rc;
}

static void pool_exit(struct sop_domain *d)
{
    struct policy_pool *pol = &d->pool->pol;
    unsigned i;

    for (i = 0; i < d->nr_vcpus; i++) {
        pol->ops->remove(pol, &d->vcpu[i]->pol);
    }
    pol->ops->domain_fini(pol, &d->pol);
    /* What it held may be for others there. */
    sched_request_some(NULL, d->sys, pol->online);
}

/* What masks mean depends on the pool. */
static void update_masks(struct sop_domain *d, uint64_t now)
{
    unsigned i;

    for (i = 0; i < d->nr_vcpus; i++) {
        sched_affinity_changed(NULL, d->vcpu[i], now);
    }
}

/* In a pool masks of another mean nothing, nor does where it ran. */
static void forget_masks(struct sop_domain *d)
{
    unsigned i;

    for (i = 0; i < d->nr_vcpus; i++) {
        struct sop_vcpu *v = d->vcpu[i];

        v->pol.last = NULL;
        v->hard = v->soft = bits_below(d->sys->cfg.nr_pcpus);
    }
}

/* What a domain had set in its pool, to be restored. */
struct saved_knobs {
    struct policy_domain_knobs domain;
    struct policy_vcpu_knobs vcpu[SOP_VCPUS_MAX];
};

static void save(struct sop_domain *d, struct saved_knobs *s)
{
    struct policy_pool *pol = &d->pool->pol;
    unsigned i;
    int rc;

    memset(s, 0, sizeof(*s));
    s->domain.sched_id = pol->ops->id;
    rc = policy_domain_knobs(pol, &d->pol, &s->domain, false);
    BUG_ON(rc != 0);
    for (i = 0; i < d->nr_vcpus; i++) {
        s->vcpu[i].sched_id = pol->ops->id;
        rc = policy_vcpu_knobs(pol, &d->vcpu[i]->pol, &s->vcpu[i], false);
        BUG_ON(rc != 0);
    }
}

/* It was admitted before and nothing came since, so it is again. */
static void restore(struct sop_domain *d, const struct saved_knobs *s)
{
    struct policy_pool *pol = &d->pool->pol;
    bool each = s->domain.sched_id == XEN_SCHEDULER_RTDS;
    unsigned i;
    int rc = pool_enter(d, each ? NULL : &s->domain);

    for (i = 0; rc == 0 && each && i < d->nr_vcpus; i++) {
        struct policy_vcpu_knobs knobs = s->vcpu[i];

        rc = policy_vcpu_knobs(pol, &d->vcpu[i]->pol, &knobs, true);
    }
    BUG_ON(rc != 0);
    sched_request_some(NULL, d->sys, pol->online);
}

/* Nothing of `d` runs. If the other policy refuses it, it stays as it was. */
static int change_pool(struct sop_domain *d, struct sop_pool *pool,
                       uint64_t now)
{
    struct sop_pool *old = d->pool;
    struct saved_knobs saved;
    int rc;

    save(d, &saved);
    pool_exit(d);
    d->pool = pool;
    update_masks(d, now);
    rc = pool_enter(d, NULL);
    if (rc == 0) {
        forget_masks(d);
        update_masks(d, now);
    } else {
        d->pool = old;
        update_masks(d, now);
        restore(d, &saved);
    }
    return rc;
}

static bool has_pin(const struct sop_domain *d)
{
    unsigned i;

    for (i = 0; i < d->nr_vcpus; i++) {
        if (d->vcpu[i]->pinned) {
            return true;
        }
    }
    return false;
}

/* Its vCPUs stand still while it has no policy. */
int pool_move(struct sop_pcpu *self, struct sop_pool *pool,
              struct sop_domain *d, uint64_t now)
{
    uint32_t from;
    int rc = 0;

    if (d->pool != pool) {
        if (pool->cpus == 0) {
            return -XEN_ENOENT;
        }
        if (has_pin(d)) {
            return -XEN_EBUSY;
        }
        if (d->dying == DOMAIN_DEAD) {
            d->pool = pool; /* no policy knows it any more */
            return 0;
        }
        if (!hold(self, d, now)) {
            return -XEN_EAGAIN;
        }
        from = d->pool->id;
        rc = change_pool(d, pool, now);
        if (rc == 0) {
            trace_domain(self, d, SOP_TRACE_EV_DOMAIN_MOVE, from, pool->id);
        }
    }
    if (d->moving) {
        release(self, d, now);
    }
    return rc;
}

/* ---- knobs ---- */

/* Those that changed may make any pCPU of the pool choose otherwise. */
static int changed(struct sop_pcpu *self, const struct sop_pool *pool, int rc,
                   bool set)
{
    if (rc == 0 && set) {
        sched_request_some(self, pool->sys, pool->pol.online);
    }
    return rc;
}

/* What it has run until now it has run by the old knobs. */
static void charge_until_now(struct sop_domain *d, uint64_t now)
{
    struct policy_pool *pol = &d->pool->pol;
    unsigned i;

    for (i = 0; i < d->nr_vcpus; i++) {
        struct sop_pcpu *p = d->vcpu[i]->running;

        if (p != NULL) {
            pol->ops->charge(pol, &p->pol, now);
        }
    }
}

/* No policy knows the dead. */
int domain_knobs(struct sop_pcpu *self, struct sop_domain *d,
                 struct policy_domain_knobs *knobs, bool set)
{
    if (d->dying == DOMAIN_DEAD) {
        return -XEN_ESRCH;
    }
    if (set) {
        charge_until_now(d, self->sys->now);
    }
    return changed(self, d->pool,
                   policy_domain_knobs(&d->pool->pol, &d->pol, knobs, set),
                   set);
}

int vcpu_knobs(struct sop_pcpu *self, struct sop_vcpu *v,
               struct policy_vcpu_knobs *knobs, bool set)
{
    struct sop_pool *pool = v->domain->pool;

    if (v->domain->dying == DOMAIN_DEAD) {
        return -XEN_ESRCH;
    }
    return changed(self, pool,
                   policy_vcpu_knobs(&pool->pol, &v->pol, knobs, set), set);
}

int pool_knobs(struct sop_pcpu *self, struct sop_pool *pool,
               struct policy_pool_knobs *knobs, bool set)
{
    return changed(self, pool, policy_pool_knobs(&pool->pol, knobs, set), set);
}

/* ---- for ports ---- */

int sop_pool_move(struct sop_pcpu *self, uint32_t id, struct sop_domain *d)
{
    uint64_t now = core_enter(self);
    struct sop_pool *pool = pool_find(self->sys, id);
    int rc = pool == NULL ? -XEN_ENOENT : pool_move(self, pool, d, now);

    core_leave(self);
    return rc;
}

int sop_domain_knobs(struct sop_pcpu *self, struct sop_domain *d,
                     struct policy_domain_knobs *knobs, bool set)
{
    int rc;

    (void)core_enter(self);
    rc = domain_knobs(self, d, knobs, set);
    core_leave(self);
    return rc;
}

const char *sop_domain_policy(struct sop_pcpu *self, const struct sop_domain *d)
{
    const char *name;

    (void)core_enter(self);
    name = d->pool->pol.ops->name;
    core_leave(self);
    return name;
}

int sop_vcpu_knobs(struct sop_pcpu *self, struct sop_vcpu *v,
                   struct policy_vcpu_knobs *knobs, bool set)
{
    int rc;

    (void)core_enter(self);
    rc = vcpu_knobs(self, v, knobs, set);
    core_leave(self);
    return rc;
}

int sop_pool_knobs(struct sop_pcpu *self, uint32_t id,
                   struct policy_pool_knobs *knobs, bool set)
{
    struct sop_pool *pool;
    int rc;

    (void)core_enter(self);
    pool = pool_find(self->sys, id);
    rc = pool == NULL ? -XEN_ENOENT : pool_knobs(self, pool, knobs, set);
    core_leave(self);
    return rc;
}
