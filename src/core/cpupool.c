/* SPDX-License-Identifier: MIT */
/*
 * Cpupools: groups of pCPUs, each with a policy of its own and the domains
 * that it schedules (spec 6.3). A pCPU that is in no pool is free: it idles,
 * and goes on serving the timers that were set on it.
 *
 * A pCPU that has to go is taken out of `cpus` of its pool, which is what
 * everybody sees, and out of the masks of all vCPUs at once; but it stays with
 * the policy until it has let go of what it runs. Until then it is `leaving`,
 * of which there is one at a time; who wanted it gone gets -EAGAIN and asks
 * again, or adds it again. If a vCPU is pinned to it that one goes on running
 * there, and nothing further happens until the pin is undone (fact 107): the
 * pCPU stays in pol.online, what the policy may use, meanwhile.
 *
 * All error numbers, and the order they come in, are those of Xen (measured).
 */
#include "private.h"

#include "../lib/string.h"

/* ---- finding ---- */

struct sop_pool *pool_find(struct sop_system *sys, uint32_t id)
{
    unsigned i;

    for (i = 0; i < sys->cfg.nr_pools; i++) {
        if (sys->pool[i].used && sys->pool[i].id == id) {
            return &sys->pool[i];
        }
    }
    return NULL;
}

/* The pool with that id or else the next higher one. */
struct sop_pool *pool_find_from(struct sop_system *sys, uint32_t id)
{
    struct sop_pool *best = NULL;
    unsigned i;

    for (i = 0; i < sys->cfg.nr_pools; i++) {
        struct sop_pool *pool = &sys->pool[i];

        if (pool->used && pool->id >= id &&
            (best == NULL || pool->id < best->id)) {
            best = pool;
        }
    }
    return best;
}

static unsigned nr_domains(const struct sop_pool *pool)
{
    struct sop_system *sys = pool->sys;
    unsigned i, count = 0;

    for (i = 0; i < sys->cfg.nr_domains; i++) {
        count += sys->domain[i].used && sys->domain[i].pool == pool;
    }
    return count;
}

sop_cpumask_t pool_free_pcpus(const struct sop_system *sys)
{
    sop_cpumask_t free = 0;
    unsigned i;

    for (i = 0; i < sys->cfg.nr_pcpus; i++) {
        const struct sop_pcpu *p = &sys->pcpu[i];

        if (p->online && (p->pool == NULL || p == sys->leaving)) {
            free |= bits_one(i);
        }
    }
    return free;
}

/* An online pCPU, or NULL. */
static struct sop_pcpu *find_online(struct sop_system *sys, uint32_t cpu)
{
    return cpu < sys->cfg.nr_pcpus && sys->pcpu[cpu].online ? &sys->pcpu[cpu]
                                                            : NULL;
}

/* ---- making and unmaking ---- */

void pool_init(struct sop_system *sys, struct sop_pool *pool, uint32_t id,
               const struct policy_ops *ops)
{
    ASSERT(!pool->used);
    memset(pool, 0, sizeof(*pool));
    pool->used = true;
    pool->sys = sys;
    pool->id = id;
    pool->pol.ops = ops;
    pool->pol.seed = sys->cfg.seed;
    ops->pool_init(&pool->pol);
}

static const struct policy_ops *find_policy(const struct sop_system *sys,
                                            uint32_t sched_id)
{
    unsigned i;

    for (i = 0; i < sys->cfg.nr_policies; i++) {
        if (sys->cfg.policies[i]->id == sched_id) {
            return sys->cfg.policies[i];
        }
    }
    return sys->cfg.policy->id == sched_id ? sys->cfg.policy : NULL;
}

/* One above the highest; when there is nothing above, the lowest gap. */
static uint32_t new_id(struct sop_system *sys)
{
    uint32_t highest = 0, id = 0;
    unsigned i;

    for (i = 0; i < sys->cfg.nr_pools; i++) {
        if (sys->pool[i].used) {
            highest = sys->pool[i].id > highest ? sys->pool[i].id : highest;
        }
    }
    if (highest < SOP_POOL_ANY - 1) {
        return highest + 1;
    }
    while (pool_find(sys, id) != NULL) {
        id++;
    }
    return id;
}

int pool_create(struct sop_pcpu *self, uint32_t sched_id, uint32_t *id)
{
    struct sop_system *sys = self->sys;
    const struct policy_ops *ops = find_policy(sys, sched_id);
    unsigned i;

    if (*id != SOP_POOL_ANY && pool_find(sys, *id) != NULL) {
        return -XEN_EEXIST;
    }
    if (ops == NULL) {
        return -XEN_ENOENT;
    }
    for (i = 0; i < sys->cfg.nr_pools && sys->pool[i].used; i++) {
    }
    if (i == sys->cfg.nr_pools) {
        return -XEN_ENOMEM;
    }
    if (*id == SOP_POOL_ANY) {
        *id = new_id(sys);
    }
    pool_init(sys, &sys->pool[i], *id, ops);
    trace_pcpu(self, SOP_TRACE_EV_POOL_CREATE, *id, sched_id);
    return 0;
}

int pool_destroy(struct sop_pcpu *self, struct sop_pool *pool)
{
    if (pool->id == 0 || pool->pol.online != 0 || nr_domains(pool) != 0) {
        return -XEN_EBUSY;
    }
    pool->used = false;
    trace_pcpu(self, SOP_TRACE_EV_POOL_DESTROY, pool->id, 0);
    return 0;
}

void pool_info(const struct sop_pool *pool, struct sop_pool_info *info)
{
    *info = (struct sop_pool_info){
        .id = pool->id,
        .sched_id = pool->pol.ops->id,
        .sched_name = pool->pol.ops->name,
        .nr_domains = nr_domains(pool),
        .pcpus = pool->cpus,
    };
}

/* ---- members ---- */

/* All vCPUs of the pool learn what the masks of theirs mean now. */
static void update_masks(struct sop_pcpu *self, const struct sop_pool *pool,
                         uint64_t now)
{
    struct sop_system *sys = pool->sys;
    unsigned i;

    for (i = 0; i < sys->cfg.nr_vcpus; i++) {
        struct sop_vcpu *v = &sys->vcpu[i];

        if (v->domain != NULL && v->domain->pool == pool) {
            sched_affinity_changed(self, v, now);
        }
    }
}

void pool_join(struct sop_pcpu *self, struct sop_pool *pool, struct sop_pcpu *p,
               uint64_t now)
{
    struct policy_pool *pol = &pool->pol;

    ASSERT(p->online);
    ASSERT(p->pool == NULL);
    ASSERT(p->pol.curr == NULL);
    p->pool = pool;
    memset(p->pol.priv, 0, sizeof(p->pol.priv));
    pol->online |= bits_one(p->pol.index);
    pol->pcpu[p->pol.index] = &p->pol;
    pol->ops->pcpu_add(pol, &p->pol);
    pool->cpus |= bits_one(p->pol.index);
    trace_pcpu(self, SOP_TRACE_EV_PCPU_ADD, p->pol.index, pool->id);
    update_masks(self, pool, now);
    sched_request_some(self, pool->sys, pol->online);
}

/*
 * A mask without any pCPU that is left becomes all (fact 108). Returns whether
 * some vCPU is pinned, so that its mask may not.
 */
static bool widen_masks(const struct sop_pool *pool)
{
    struct sop_system *sys = pool->sys;
    bool pinned = false;
    unsigned i;

    for (i = 0; i < sys->cfg.nr_vcpus; i++) {
        struct sop_vcpu *v = &sys->vcpu[i];

        if (v->domain == NULL || v->domain->pool != pool ||
            (v->hard & pool->cpus) != 0) {
            continue;
        }
        if (v->pinned) {
            pinned = true;
        } else {
            v->hard = bits_below(sys->cfg.nr_pcpus);
        }
    }
    return pinned;
}

/* True when nothing of any vCPU is on `p`. */
static bool pcpu_is_bare(const struct sop_pcpu *p)
{
    struct sop_system *sys = p->sys;
    unsigned i;

    if (p->curr != NULL) {
        return false;
    }
    for (i = 0; i < sys->cfg.nr_vcpus; i++) {
        if (sys->vcpu[i].domain != NULL && sys->vcpu[i].pol.on == &p->pol) {
            return false;
        }
    }
    return true;
}

/* Takes `p`, which runs nothing, from the policy. */
static void pool_part(struct sop_pcpu *self, struct sop_pcpu *p)
{
    struct sop_system *sys = p->sys;
    struct policy_pool *pol = &p->pool->pol;
    unsigned i;

    ASSERT((p->pool->cpus & bits_one(p->pol.index)) == 0);
    ASSERT(p->pol.curr == NULL);
    pol->ops->pcpu_remove(pol, &p->pol);
    trace_pcpu(self, SOP_TRACE_EV_PCPU_REMOVE, p->pol.index, p->pool->id);
    pol->pcpu[p->pol.index] = NULL;
    sched_request_some(self, sys, pol->online);
    p->pool = NULL;
    sys->leaving = NULL;
    timer_cancel(&p->slice);
    /* Where a vCPU ran last is of use within the pool only. */
    for (i = 0; i < sys->cfg.nr_vcpus; i++) {
        if (sys->vcpu[i].pol.last == &p->pol) {
            sys->vcpu[i].pol.last = NULL;
        }
    }
}

/* Starts the leaving of `p` or goes on with it. */
int pool_leave(struct sop_pcpu *self, struct sop_pcpu *p, uint64_t now)
{
    struct sop_pool *pool = p->pool;
    bool pinned;

    p->sys->leaving = p;
    pool->cpus &= ~bits_one(p->pol.index);
    pinned = widen_masks(pool);
    if (!pinned) {
        pool->pol.online &= ~bits_one(p->pol.index);
    }
    update_masks(self, pool, now);
    if (pinned) {
        return -XEN_EADDRINUSE;
    }
    if (!pcpu_is_bare(p)) {
        sched_request(self, p);
        return -XEN_EAGAIN;
    }
    pool_part(self, p);
    return 0;
}

/*
 * It need not go after all. Masks that lost it stay as wide as they became. If
 * the policy was told already, it has to see it go before it sees it come.
 */
static int pool_stay(struct sop_pcpu *self, struct sop_pcpu *p, uint64_t now)
{
    struct sop_pool *pool = p->pool;
    uint64_t bit = bits_one(p->pol.index);

    if ((pool->pol.online & bit) != 0) {
        p->sys->leaving = NULL;
        pool->cpus |= bit;
        update_masks(self, pool, now);
        return 0;
    }
    if (!pcpu_is_bare(p)) {
        sched_request(self, p);
        return -XEN_EAGAIN;
    }
    pool_part(self, p);
    pool_join(self, pool, p, now);
    return 0;
}

/* First SOP_POOL_ANY, then whether it is there, then whether it is free. */
int pool_add(struct sop_pcpu *self, struct sop_pool *pool, uint32_t cpu,
             uint64_t now)
{
    struct sop_system *sys = pool->sys;
    sop_cpumask_t free = pool_free_pcpus(sys);
    struct sop_pcpu *p;

    if (cpu == SOP_POOL_ANY) {
        if (free == 0) {
            return -XEN_ENODEV;
        }
        cpu = bits_lowest(free);
    }
    if (cpu >= sys->cfg.nr_pcpus) {
        return -XEN_EINVAL;
    }
    if ((free & bits_one(cpu)) == 0) {
        return -XEN_ENODEV;
    }
    p = &sys->pcpu[cpu];
    if (p != sys->leaving) {
        pool_join(self, pool, p, now);
        return 0;
    }
    return p->pool == pool ? pool_stay(self, p, now) : -XEN_EADDRNOTAVAIL;
}

/*
 * The last pCPU of a pool goes only if no living domain needs it. The dead
 * that are still there wait for their end in pool 0.
 */
static int free_last(struct sop_pool *pool)
{
    struct sop_system *sys = pool->sys;
    unsigned i;

    if ((pool->cpus & (pool->cpus - 1)) != 0) {
        return 0;
    }
    for (i = 0; i < sys->cfg.nr_domains; i++) {
        const struct sop_domain *d = &sys->domain[i];

        if (d->used && d->pool == pool && d->dying != DOMAIN_DEAD) {
            return -XEN_EBUSY;
        }
    }
    for (i = 0; i < sys->cfg.nr_domains; i++) {
        struct sop_domain *d = &sys->domain[i];

        if (d->used && d->pool == pool) {
            d->pool = &sys->pool[0];
        }
    }
    return 0;
}

int pool_remove(struct sop_pcpu *self, struct sop_pool *pool, uint32_t cpu,
                uint64_t now)
{
    struct sop_system *sys = pool->sys;
    struct sop_pcpu *p;
    int rc;

    if (cpu == SOP_POOL_ANY && pool->cpus != 0) {
        cpu = bits_highest(pool->cpus);
    }
    p = find_online(sys, cpu);
    /* The first pCPU is the machine's own: it never leaves pool 0. */
    if (p == NULL || cpu == 0) {
        return -XEN_EINVAL;
    }
    if (p->pool != pool || (sys->leaving != NULL && sys->leaving != p)) {
        return -XEN_EADDRNOTAVAIL;
    }
    rc = p == sys->leaving ? 0 : free_last(pool);
    return rc != 0 ? rc : pool_leave(self, p, now);
}

/* ---- for ports ---- */

int sop_pool_create(struct sop_pcpu *self, uint32_t sched_id, uint32_t *id)
{
    int rc;

    (void)core_enter(self);
    rc = pool_create(self, sched_id, id);
    core_leave(self);
    return rc;
}

int sop_pool_destroy(struct sop_pcpu *self, uint32_t id)
{
    struct sop_pool *pool;
    int rc;

    (void)core_enter(self);
    pool = pool_find(self->sys, id);
    rc = pool == NULL ? -XEN_ENOENT : pool_destroy(self, pool);
    core_leave(self);
    return rc;
}

int sop_pool_add(struct sop_pcpu *self, uint32_t id, uint32_t cpu)
{
    uint64_t now = core_enter(self);
    struct sop_pool *pool = pool_find(self->sys, id);
    int rc = pool == NULL ? -XEN_ENOENT : pool_add(self, pool, cpu, now);

    core_leave(self);
    return rc;
}

int sop_pool_remove(struct sop_pcpu *self, uint32_t id, uint32_t cpu)
{
    uint64_t now = core_enter(self);
    struct sop_pool *pool = pool_find(self->sys, id);
    int rc = pool == NULL ? -XEN_ENOENT : pool_remove(self, pool, cpu, now);

    core_leave(self);
    return rc;
}

int sop_pool_info(struct sop_pcpu *self, uint32_t id,
                  struct sop_pool_info *info)
{
    const struct sop_pool *pool;

    (void)core_enter(self);
    pool = pool_find_from(self->sys, id);
    if (pool != NULL) {
        pool_info(pool, info);
    }
    core_leave(self);
    return pool == NULL ? -XEN_ENOENT : 0;
}

sop_cpumask_t sop_pool_free_pcpus(struct sop_pcpu *self)
{
    sop_cpumask_t free;

    (void)core_enter(self);
    free = pool_free_pcpus(self->sys);
    core_leave(self);
    return free;
}
