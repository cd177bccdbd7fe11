/* SPDX-License-Identifier: MIT */
/*
 * No scheduling: each vCPU has a pCPU of its own and keeps it, whether it runs
 * or not, until it goes down or leaves. No timer, no queue to sort, nothing to
 * account; a decision takes the same few steps whatever the number of vCPUs.
 *
 * A vCPU that finds no free pCPU it may use waits, in order of arrival, and
 * the first that may use it gets a pCPU that becomes free, those first that
 * prefer it. Bounds kept: no vCPU waits while a pCPU that it may use is free;
 * one that has a pCPU runs there as soon as it is runnable and saved.
 *
 * Cost: constant, but finding out who gets a freed pCPU looks at those that
 * wait.
 */
#include "../core/policy.h"

#include "../lib/bitmap.h"
#include "../lib/bug.h"
#include "../lib/fmt.h"
#include "../lib/list.h"

struct null_vcpu {
    struct list_node link; /* waits: in the pool's list */
    struct policy_pcpu *home;
};

struct null_pcpu {
    struct policy_vcpu *owner;
};

struct null_pool {
    struct list_node waiting; /* up and without a pCPU, first come first */
    sop_cpumask_t free;       /* pCPUs without an owner */
};

_Static_assert(sizeof(struct null_vcpu) <= POLICY_VCPU_WORDS * 8, "room");
_Static_assert(sizeof(struct null_pcpu) <= POLICY_PCPU_WORDS * 8, "room");
_Static_assert(sizeof(struct null_pool) <= POLICY_POOL_WORDS * 8, "room");

/* ---- from the core's words to ours, and back ---- */

static struct null_pool *null_pool(struct policy_pool *pool)
{
    return (struct null_pool *)(void *)pool->priv;
}

static const struct null_pool *null_pool_const(const struct policy_pool *pool)
{
    return (const struct null_pool *)(const void *)pool->priv;
}

static struct null_vcpu *null_vcpu(struct policy_vcpu *v)
{
    return (struct null_vcpu *)(void *)v->priv;
}

static struct policy_vcpu **owner_of(struct policy_pcpu *p)
{
    struct null_pcpu *q = (struct null_pcpu *)(void *)p->priv;

    return &q->owner;
}

static struct policy_vcpu *at_link(const struct list_node *n)
{
    const uint8_t *priv = (const uint8_t *)n - offsetof(struct null_vcpu, link);

    return (struct policy_vcpu *)(uintptr_t)(priv - offsetof(struct policy_vcpu,
                                                             priv));
}

/* ---- who has which pCPU ---- */

static void give(struct policy_pool *pool, struct policy_pcpu *p,
                 struct policy_vcpu *v)
{
    ASSERT(*owner_of(p) == NULL);
    ASSERT(null_vcpu(v)->home == NULL);
    *owner_of(p) = v;
    null_vcpu(v)->home = p;
    null_pool(pool)->free &= ~bits_one(p->index);
    list_remove(&null_vcpu(v)->link);
}

/* Who has waited longest of those that prefer `p`, else of those allowed. */
static struct policy_vcpu *heir_of(struct policy_pool *pool,
                                   const struct policy_pcpu *p)
{
    struct null_pool *c = null_pool(pool);
    struct policy_vcpu *heir = NULL;
    struct list_node *n;

    for (n = c->waiting.next; n != &c->waiting; n = n->next) {
        struct policy_vcpu *v = at_link(n);

        if ((v->hard & v->soft & bits_one(p->index)) != 0) {
            return v;
        }
        if (heir == NULL && (v->hard & bits_one(p->index)) != 0) {
            heir = v;
        }
    }
    return heir;
}

/* Hands a pCPU without owner to the next; which pCPU to ask, if any. */
static sop_cpumask_t pass_on(struct policy_pool *pool, struct policy_pcpu *p)
{
    struct policy_vcpu *v = NULL;

    ASSERT(*owner_of(p) == NULL);
    if ((pool->online & bits_one(p->index)) != 0) {
        v = heir_of(pool, p);
    }
    if (v == NULL) {
        return 0;
    }
    give(pool, p, v);
    return bits_one(p->index);
}

static sop_cpumask_t release(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct policy_pcpu *p = null_vcpu(v)->home;

    list_remove(&null_vcpu(v)->link);
    if (p == NULL) {
        return 0;
    }
    ASSERT(*owner_of(p) == v);
    *owner_of(p) = NULL;
    null_vcpu(v)->home = NULL;
    null_pool(pool)->free |= bits_one(p->index);
    return pass_on(pool, p);
}

/* A free pCPU for `v`: where it was, where it prefers, where it may. */
static struct policy_pcpu *free_for(struct policy_pool *pool,
                                    const struct policy_vcpu *v)
{
    sop_cpumask_t set = null_pool(pool)->free & v->hard & pool->online;

    if ((set & v->soft) != 0) {
        set &= v->soft;
    }
    if (set == 0) {
        return NULL;
    }
    if (v->last != NULL && (set & bits_one(v->last->index)) != 0) {
        set = bits_one(v->last->index);
    }
    return pool->pcpu[bits_lowest(set)];
}

/*
 * Sees to it that `v` has a pCPU it may use, or waits for one. One that it may
 * use no more goes to somebody else.
 */
static sop_cpumask_t settle(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct policy_pcpu *p = null_vcpu(v)->home;
    sop_cpumask_t ask = 0;

    if (p != NULL && (v->hard & bits_one(p->index)) != 0) {
        return 0;
    }
    if (p != NULL) {
        ask = release(pool, v);
    }
    p = free_for(pool, v);
    if (p != NULL) {
        give(pool, p, v);
    } else if (!list_is_linked(&null_vcpu(v)->link)) {
        list_insert_before(&null_pool(pool)->waiting, &null_vcpu(v)->link);
    }
    return ask;
}

/* The pCPU to ask because `v` may run; none until its registers are saved. */
static sop_cpumask_t ask_home(struct policy_vcpu *v)
{
    struct policy_pcpu *p = null_vcpu(v)->home;

    return p != NULL && v->on == NULL ? bits_one(p->index) : 0;
}

/* ---- operations ---- */

static void null_pool_init(struct policy_pool *pool)
{
    list_init(&null_pool(pool)->waiting);
}

static void null_pcpu_add(struct policy_pool *pool, struct policy_pcpu *p)
{
    null_pool(pool)->free |= bits_one(p->index);
    /* Who may use it now is known when the core has changed the masks. */
}

static void null_pcpu_remove(struct policy_pool *pool, struct policy_pcpu *p)
{
    struct policy_vcpu *v = *owner_of(p);

    ASSERT(p->curr == NULL);
    if (v != NULL) {
        /* Blocked, or it would have been told of its mask. */
        (void)settle(pool, v);
    }
    ASSERT(*owner_of(p) == NULL);
    null_pool(pool)->free &= ~bits_one(p->index);
}

static void null_domain(struct policy_pool *pool, struct policy_domain *d)
{
    (void)pool;
    (void)d;
}

static int null_insert(struct policy_pool *pool, struct policy_vcpu *v)
{
    ASSERT(!v->runnable);
    list_init(&null_vcpu(v)->link);
    if (v->up) {
        (void)settle(pool, v);
    }
    return 0;
}

static void null_remove(struct policy_pool *pool, struct policy_vcpu *v)
{
    ASSERT(v->on == NULL);
    (void)release(pool, v);
}

/* What is down has no claim; while it is current its pick sees to that. */
static sop_cpumask_t null_up(struct policy_pool *pool, struct policy_vcpu *v,
                             uint64_t now)
{
    struct policy_pcpu *p = null_vcpu(v)->home;

    (void)now;
    if (v->up) {
        return settle(pool, v);
    }
    return p != NULL && p->curr == v ? 0 : release(pool, v);
}

static sop_cpumask_t null_wake(struct policy_pool *pool, struct policy_vcpu *v,
                               uint64_t now)
{
    sop_cpumask_t ask = settle(pool, v);

    (void)now;
    ASSERT(v->runnable);
    return ask | ask_home(v);
}

static void null_sleep(struct policy_pool *pool, struct policy_vcpu *v,
                       uint64_t now)
{
    (void)pool;
    (void)v;
    (void)now;
}

static void null_yield(struct policy_pool *pool, struct policy_vcpu *v)
{
    (void)pool;
    (void)v; /* to nobody: a plain reschedule, as in Xen */
}

static void null_charge(struct policy_pool *pool, struct policy_pcpu *p,
                        uint64_t now)
{
    (void)pool;
    (void)p;
    (void)now;
}

static struct policy_choice null_pick(struct policy_pool *pool,
                                      struct policy_pcpu *p, uint64_t now)
{
    struct policy_choice choice = {.until = SOP_TIME_NEVER};
    struct policy_vcpu *v = *owner_of(p);

    (void)now;
    if (v != NULL && !v->up) {
        choice.kick |= release(pool, v);
    } else if (v != NULL && (v->hard & bits_one(p->index)) == 0) {
        choice.kick |= settle(pool, v);
        if (v->runnable) {
            choice.kick |= ask_home(v);
        }
    }
    if (*owner_of(p) == NULL) {
        (void)pass_on(pool, p);
    }
    choice.kick &= ~bits_one(p->index);
    v = *owner_of(p);
    if (v != NULL && v->runnable && (v->on == NULL || v->on == p)) {
        choice.vcpu = v;
    }
    return choice;
}

static sop_cpumask_t null_saved(struct policy_pool *pool, struct policy_vcpu *v,
                                uint64_t now)
{
    (void)pool;
    (void)now;
    return ask_home(v);
}

static sop_cpumask_t null_affinity(struct policy_pool *pool,
                                   struct policy_vcpu *v, uint64_t now)
{
    sop_cpumask_t ask = settle(pool, v);

    (void)now;
    return ask | ask_home(v);
}

/* ---- for people and tests ---- */

static void null_dump(const struct policy_pool *pool, policy_emit *emit,
                      void *arg)
{
    const struct null_pool *c = null_pool_const(pool);
    sop_cpumask_t set = pool->online & ~c->free;
    const struct list_node *n;
    char line[120];

    fmt_snprintf(line, sizeof(line), "null: free %llx",
                 (unsigned long long)c->free);
    emit(arg, line);
    for (; set != 0; set &= set - 1) {
        const struct policy_vcpu *v = *owner_of(pool->pcpu[bits_lowest(set)]);

        fmt_snprintf(line, sizeof(line), "  pCPU %u: d%uv%u", bits_lowest(set),
                     v->domain->domid, v->id);
        emit(arg, line);
    }
    for (n = c->waiting.next; n != &c->waiting; n = n->next) {
        const struct policy_vcpu *v = at_link(n);

        fmt_snprintf(line, sizeof(line), "  waits: d%uv%u", v->domain->domid,
                     v->id);
        emit(arg, line);
    }
}

static const char *null_check(const struct policy_pool *pool)
{
    const struct null_pool *c = null_pool_const(pool);
    const struct list_node *n;
    unsigned i;

    for (i = 0; i < SOP_PCPUS_MAX; i++) {
        struct policy_vcpu *v;

        if (pool->pcpu[i] == NULL) {
            continue;
        }
        v = *owner_of(pool->pcpu[i]);
        if ((v == NULL) != ((c->free & bits_one(i)) != 0)) {
            return "null: the set of free pCPUs is wrong";
        }
        if (v != NULL && null_vcpu(v)->home != pool->pcpu[i]) {
            return "null: owner and home do not agree";
        }
    }
    for (n = c->waiting.next; n != &c->waiting; n = n->next) {
        struct policy_vcpu *v = at_link(n);

        if (null_vcpu(v)->home != NULL || !v->up) {
            return "null: waits with a pCPU, or down";
        }
        if (v->runnable && (v->hard & c->free & pool->online) != 0) {
            return "null: a vCPU waits beside a free pCPU";
        }
    }
    return NULL;
}

const struct policy_ops policy_null = {
    .name = "null",
    .id = XEN_SCHEDULER_NULL,
    .pool_init = null_pool_init,
    .pcpu_add = null_pcpu_add,
    .pcpu_remove = null_pcpu_remove,
    .domain_init = null_domain,
    .domain_fini = null_domain,
    .insert = null_insert,
    .remove = null_remove,
    .up = null_up,
    .wake = null_wake,
    .sleep = null_sleep,
    .yield = null_yield,
    .charge = null_charge,
    .pick = null_pick,
    .saved = null_saved,
    .affinity = null_affinity,
    .dump = null_dump,
    .check = null_check,
};
