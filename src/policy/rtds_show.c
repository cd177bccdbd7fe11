/* SPDX-License-Identifier: MIT */
/*
 * rtds for people and tests: who has what left until when, and what must hold.
 */
#include "rtds.h"

#include "../lib/fmt.h"

void rt_account(const struct policy_pool *pool, const struct policy_vcpu *v,
                struct policy_account *account)
{
    const struct rt_vcpu *r = (const struct rt_vcpu *)(const void *)v->priv;

    (void)pool;
    account->left_ns = r->left;
    account->deadline_ns = r->deadline;
}

static const char *state_name(const struct policy_vcpu *v)
{
    static const char *const name[] = {"off", "first", "spare", "spent"};
    const struct rt_vcpu *r = (const struct rt_vcpu *)(const void *)v->priv;

    return v->on != NULL && v->on->curr == v ? "runs" : name[r->queue];
}

void rt_dump(const struct policy_pool *pool, policy_emit *emit, void *arg)
{
    const struct rt_pool *c = rt_pool_const(pool);
    const struct list_node *n;
    char line[160];

    fmt_snprintf(line, sizeof(line),
                 "rtds: guaranteed %llu%% of %u pCPUs, waiting %u, idle %llx",
                 (unsigned long long)(c->share_sum / (SHARE_ONE / 100)),
                 bits_count(pool->online), c->waiting,
                 (unsigned long long)c->pcpus.idle);
    emit(arg, line);
    for (n = c->vcpus.next; n != &c->vcpus; n = n->next) {
        struct policy_vcpu *v = rt_at_link(n);
        const struct rt_vcpu *r = rt_vcpu(v);

        fmt_snprintf(line, sizeof(line),
                     "  d%uv%u %s, %u us of %u us%s%s, left %lld ns, deadline "
                     "%llu, missed %u",
                     v->domain->domid, v->id, state_name(v), r->budget_us,
                     r->period_us, r->extratime ? " and extra time" : "",
                     r->guaranteed ? "" : ", not guaranteed",
                     (long long)r->left, (unsigned long long)r->deadline,
                     r->misses);
        emit(arg, line);
    }
}

static const char *check_queued(const struct policy_pool *pool,
                                struct policy_vcpu *v)
{
    const struct rt_pool *c = rt_pool_const(pool);
    const struct rt_vcpu *r = rt_vcpu(v);

    if (!v->runnable) {
        return "rtds: queued but not runnable";
    }
    if (r->queue != rt_class(r)) {
        return "rtds: in the wrong queue";
    }
    if (tree_node_is_linked(&r->refill) != (r->left <= 0)) {
        return "rtds: nobody brings the budget back";
    }
    if (r->queue == RT_SPENT) {
        return NULL;
    }
    if (r->node.set != rt_takers(v)) {
        return "rtds: queued for the wrong pCPUs";
    }
    /* One that has been told may be about to take it. */
    if (c->pcpus.told == 0 && v->on == NULL && (c->pcpus.idle & v->hard) != 0) {
        return "rtds: a vCPU waits beside an idle pCPU";
    }
    return NULL;
}

const char *rt_check(const struct policy_pool *pool)
{
    const struct rt_pool *c = rt_pool_const(pool);
    const struct list_node *n;
    const char *broken = NULL;
    uint64_t sum = 0;
    uint32_t count = 0;

    for (n = c->vcpus.next; n != &c->vcpus && broken == NULL; n = n->next) {
        const struct rt_vcpu *r = rt_vcpu(rt_at_link(n));

        sum += r->guaranteed ? rt_share(r) : 0;
        if (r->left > rt_budget_ns(r)) {
            broken = "rtds: more left than the budget";
        } else if (r->queue != RT_NOT_QUEUED) {
            count += r->queue != RT_SPENT;
            broken = check_queued(pool, rt_at_link(n));
        }
    }
    if (broken == NULL && sum != c->share_sum) {
        broken = "rtds: wrong sum of shares";
    }
    if (broken == NULL && (count != c->waiting || count != pool->waiting)) {
        broken = "rtds: wrong count of waiting vCPUs";
    }
    if (broken == NULL) {
        broken = tree_check(&c->first);
    }
    if (broken == NULL) {
        broken = tree_check(&c->spare);
    }
    return broken == NULL ? tree_check(&c->refills) : broken;
}
