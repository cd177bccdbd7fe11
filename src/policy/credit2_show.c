/* SPDX-License-Identifier: MIT */
/*
 * credit2 for people and tests: what is queued where, and what must hold.
 */
#include "credit2.h"

#include "../lib/fmt.h"

void c2_account(const struct policy_pool *pool, const struct policy_vcpu *v,
                struct policy_account *account)
{
    const struct c2_pool *c = c2_pool_const(pool);
    const struct c2_vcpu *s = c2_vcpu_const(v);
    int64_t lag = (int64_t)(c->vtime - s->vtime);

    account->left_ns =
        lag / C2_WEIGHT_DEFAULT * (int64_t)c2_domain(v->domain)->weight;
    account->deadline_ns = s->deadline;
}

static void dump_tree(const struct c2_pool *c, const struct tree *t,
                      const char *what, policy_emit *emit, void *arg)
{
    const struct tree_node *n;
    char line[120];

    for (n = tree_lowest(t); n != NULL; n = tree_next(n)) {
        struct policy_vcpu *v = c2_at_node(n);

        fmt_snprintf(line, sizeof(line), "  d%uv%u %s, lag %lld, deadline %llu",
                     v->domain->domid, v->id, what,
                     (long long)(c->vtime - c2_vcpu(v)->vtime),
                     (unsigned long long)c2_vcpu(v)->deadline);
        emit(arg, line);
    }
}

void c2_dump(const struct policy_pool *pool, policy_emit *emit, void *arg)
{
    const struct c2_pool *c = c2_pool_const(pool);
    char line[120];
    unsigned i;

    fmt_snprintf(line, sizeof(line),
                 "credit2: virtual time %llu, waiting %u, idle %llx, weight "
                 "%llu",
                 (unsigned long long)c->vtime, c->waiting,
                 (unsigned long long)c->pcpus.idle,
                 (unsigned long long)c->weight);
    emit(arg, line);
    for (i = 0; i < c->nr_queues; i++) {
        if (i != 0) {
            fmt_snprintf(line, sizeof(line), " queue of pCPUs %llx:",
                         (unsigned long long)c->queue[i].pcpus);
            emit(arg, line);
        }
        dump_tree(c, &c->queue[i].ready, "ready", emit, arg);
        dump_tree(c, &c->queue[i].later, "later", emit, arg);
    }
}

static const char *check_queued(const struct policy_pool *pool,
                                struct policy_vcpu *v)
{
    const struct c2_pool *c = c2_pool_const(pool);
    const struct c2_vcpu *s = c2_vcpu(v);

    if (!v->runnable) {
        return "credit2: queued but not runnable";
    }
    if (!s->active) {
        return "credit2: queued but not in the weight";
    }
    if (s->node.set != c2_takers(v)) {
        return "credit2: queued for the wrong pCPUs";
    }
    /* One that has been told may be about to take it. */
    if (c->pcpus.told == 0 && v->on == NULL && (c->pcpus.idle & v->hard) != 0) {
        return "credit2: a vCPU waits beside an idle pCPU";
    }
    return NULL;
}

/* Counts and weighs what is queued. */
static const char *check_tree(const struct policy_pool *pool,
                              const struct tree *t, enum c2_place place,
                              uint32_t *count, uint64_t *weight)
{
    const char *broken = tree_check(t);
    const struct tree_node *n;

    for (n = tree_lowest(t); n != NULL && broken == NULL; n = tree_next(n)) {
        struct policy_vcpu *v = c2_at_node(n);

        broken = check_queued(pool, v);
        if (c2_vcpu(v)->place != place) {
            broken = "credit2: in the wrong tree";
        }
        (*count)++;
        *weight += c2_domain(v->domain)->weight;
    }
    return broken;
}

static const char *check_parked(const struct c2_pool *c)
{
    const struct tree_node *n;

    for (n = tree_lowest(&c->refills); n != NULL; n = tree_next(n)) {
        const struct c2_domain *d =
            (const struct c2_domain *)(const void *)((const uint8_t *)n -
                                                     offsetof(struct c2_domain,
                                                              node));

        if (list_is_empty(&d->parked) || d->cap == 0 || d->budget > 0) {
            return "credit2: parked without need";
        }
    }
    return tree_check(&c->refills);
}

static const char *check_given(const struct policy_pool *pool,
                               struct policy_pcpu *p)
{
    const struct c2_pool *c = c2_pool_const(pool);
    struct policy_vcpu *v = c2_pcpu(p)->given;

    if (v == NULL) {
        return NULL;
    }
    if (c2_vcpu(v)->place != C2_GIVEN || c2_vcpu(v)->queue != p->index ||
        !c2_vcpu(v)->active) {
        return "credit2: given, and does not know it";
    }
    if (!v->runnable || v->on != NULL ||
        (v->hard & c->pcpus.told & bits_one(p->index)) == 0) {
        return "credit2: given to a pCPU that will not take it";
    }
    return NULL;
}

static const char *check_pcpus(const struct policy_pool *pool)
{
    const struct c2_pool *c = c2_pool_const(pool);
    const char *broken = NULL;
    sop_cpumask_t given = 0;
    unsigned i;

    for (i = 0; i < SOP_PCPUS_MAX && broken == NULL; i++) {
        if (pool->pcpu[i] != NULL) {
            broken = check_given(pool, pool->pcpu[i]);
            given |= c2_pcpu(pool->pcpu[i])->given != NULL ? bits_one(i) : 0;
        }
    }
    if (broken == NULL &&
        (given != c->given || bits_count(given) != c->nr_given)) {
        broken = "credit2: wrong count of those given";
    }
    return broken;
}

static uint64_t weight_on_pcpus(const struct policy_pool *pool)
{
    uint64_t weight = 0;
    unsigned i;

    for (i = 0; i < SOP_PCPUS_MAX; i++) {
        struct policy_pcpu *p = pool->pcpu[i];

        if (p != NULL && p->curr != NULL && c2_vcpu(p->curr)->active) {
            weight += c2_domain(p->curr->domain)->weight;
        }
        if (p != NULL && c2_pcpu(p)->given != NULL) {
            weight += c2_domain(c2_pcpu(p)->given->domain)->weight;
        }
    }
    return weight;
}

const char *c2_check(const struct policy_pool *pool)
{
    const struct c2_pool *c = c2_pool_const(pool);
    const char *broken = check_parked(c);
    uint64_t weight = weight_on_pcpus(pool);
    uint32_t count = 0;
    unsigned i;

    for (i = 0; i < C2_QUEUES && broken == NULL; i++) {
        uint32_t before = count;

        broken =
            check_tree(pool, &c->queue[i].ready, C2_READY, &count, &weight);
        if (broken == NULL) {
            broken =
                check_tree(pool, &c->queue[i].later, C2_LATER, &count, &weight);
        }
        if (broken == NULL && count - before != c->queue[i].waiting) {
            broken = "credit2: wrong count in a queue";
        }
    }
    if (broken == NULL &&
        (count != c->waiting || count + c->nr_given != pool->waiting)) {
        broken = "credit2: wrong count of waiting vCPUs";
    }
    if (broken == NULL) {
        broken = check_pcpus(pool);
    }
    if (broken == NULL && weight != c->weight) {
        broken = "credit2: wrong sum of weights";
    }
    return broken;
}
