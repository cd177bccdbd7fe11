/* SPDX-License-Identifier: MIT */
/*
 * credit2: virtual time, the queues, whom to tell, and who is next. What for
 * stands on top of credit2.c.
 */
#include "credit2.h"

/* Overdue by that in another queue, at the default weight: come here. */
#define C2_PULL_NS (2 * C2_REQUEST_NS)

#define C2_PROMOTE_MAX 16u /* from one tree to the other, a decision */

/* ---- virtual time ---- */

/* The pool's virtual time goes on to `now`. What is left over waits. */
void c2_count_time(struct c2_pool *c, uint64_t ns)
{
    int64_t ran = (int64_t)(ns * c->running * C2_WEIGHT_DEFAULT) - c->owed;

    ASSERT(c->weight != 0);
    c->owed = -ran;
    if (ran > 0) {
        c->vtime += (uint64_t)ran / c->weight;
        c->owed = -(int64_t)((uint64_t)ran % c->weight);
    }
}

/* Its lag times 256, cut to a slice. */
static int64_t lag_of(const struct c2_pool *c, const struct policy_vcpu *v)
{
    int64_t lag = (int64_t)(c->vtime - c2_vcpu_const(v)->vtime);
    int64_t most = (int64_t)c2_domain(v->domain)->slice;

    lag = lag > most ? most : lag;
    lag = lag < -most ? -most : lag;
    return lag * (int64_t)c2_domain(v->domain)->weight;
}

/*
 * All lags together are nothing: what one is ahead the others are behind. It
 * stays so when one leaves with a lag, because the pool's time then waits, or
 * goes on, by as much; and when one comes back that is still ahead.
 */
/* What one that comes back is still ahead the pool's time need not wait. */
void c2_bring_back(struct c2_pool *c, const struct policy_vcpu *v)
{
    int64_t lag = lag_of(c, v);

    c->owed += lag < 0 ? lag : 0;
    c->owed = c->owed > 0 ? c->owed : 0;
}

void c2_deactivate(struct c2_pool *c, struct policy_vcpu *v)
{
    struct c2_domain *d = c2_domain(v->domain);

    if (!c2_vcpu(v)->active) {
        return;
    }
    c2_vcpu(v)->active = false;
    d->nr_active--;
    c->weight -= d->weight;
    c->owed = c->weight != 0 ? c->owed - lag_of(c, v) : 0;
}

/*
 * The virtual time of those with whom `v` competes: the pool's, unless hard
 * affinity lets it only where all are behind that.
 */
static uint64_t level_for(struct policy_pool *pool, const struct policy_vcpu *v)
{
    const struct c2_pool *c = c2_pool(pool);
    sop_cpumask_t set = v->hard & pool->online;
    uint64_t level;

    if (likely(c->behind == 0) || (set & ~c->behind) != 0 || set == 0) {
        return c->vtime;
    }
    level = c2_pcpu(pool->pcpu[bits_lowest(set)])->level;
    for (set &= set - 1; set != 0; set &= set - 1) {
        uint64_t other = c2_pcpu(pool->pcpu[bits_lowest(set)])->level;

        level = tree_key_before(level, other) ? other : level;
    }
    return level;
}

void c2_place(struct policy_pool *pool, struct policy_vcpu *v, uint64_t behind,
              uint64_t request)
{
    struct c2_vcpu *s = c2_vcpu(v);
    uint64_t level = level_for(pool, v);
    uint64_t last = level + c2_domain(v->domain)->slice;

    if (likely(tree_key_before(s->vtime, level - behind))) {
        s->vtime = level - behind;
    } else if (tree_key_before(last, s->vtime)) {
        s->vtime = last;
    }
    s->hard = v->hard;
    c2_new_request(s, request);
}

/* ---- the queues ---- */

void c2_enqueue(struct policy_pool *pool, struct policy_vcpu *v)
{
    c2_put_in(c2_pool(pool), v);
    c2_tell_waiting(pool);
}

void c2_dequeue(struct policy_pool *pool, struct policy_vcpu *v)
{
    c2_take_out(c2_pool(pool), v);
    c2_tell_waiting(pool);
}

/* Requests whose start has come may be served; if many, the rest next time. */
static void promote(struct c2_pool *c, struct c2_queue *q)
{
    struct tree_node *n;
    unsigned i;

    if (likely(tree_is_empty(&q->later))) {
        return;
    }
    for (i = 0; i < C2_PROMOTE_MAX; i++) {
        n = tree_lowest(&q->later);
        if (n == NULL || tree_key_before(c->vtime, n->key)) {
            return;
        }
        c2_remove_by_time(c, c2_at_node(n));
        c2_insert_by_time(c, c2_at_node(n));
    }
}

uint8_t c2_queue_for(struct policy_pool *pool, const struct policy_vcpu *v,
                     sop_cpumask_t target)
{
    const struct c2_pool *c = c2_pool(pool);
    unsigned i, best = c2_vcpu_const(v)->queue;

    if (likely(c->nr_queues <= 1)) {
        return (uint8_t)best;
    }
    if (target != 0) {
        return c2_pcpu(pool->pcpu[bits_lowest(target)])->queue;
    }
    if ((c->queue[best].pcpus & v->hard) != 0) {
        return (uint8_t)best;
    }
    for (i = 0; i < c->nr_queues; i++) {
        if ((c->queue[i].pcpus & v->hard) != 0 &&
            ((c->queue[best].pcpus & v->hard) == 0 ||
             c->queue[i].waiting < c->queue[best].waiting)) {
            best = i;
        }
    }
    return (uint8_t)best;
}

/* ---- whom to tell ---- */

/* Whether `a` is the better one to preempt: not its turn, or a later end. */
static bool is_later(const struct c2_pool *c, const struct c2_vcpu *a,
                     const struct c2_vcpu *b)
{
    bool a_due = c2_may_be_served(c, a), b_due = c2_may_be_served(c, b);

    return a_due != b_due ? b_due : tree_key_before(b->deadline, a->deadline);
}

/* When the rate limit lets others preempt what runs on `p`. */
static uint64_t free_at(const struct c2_pool *c, struct policy_pcpu *p)
{
    return c2_pcpu(p)->started + c->ratelimit_ns;
}

/* Whether `p` chooses anew, without being told, as soon as it may preempt. */
static bool looks_in_time(const struct c2_pool *c, struct policy_pcpu *p)
{
    return c->clock < free_at(c, p) && c2_pcpu(p)->looks <= free_at(c, p);
}

/* Whether `a` makes room sooner than `b`: at once the least urgent, else who
   has run for longer. */
static bool is_sooner(const struct c2_pool *c, struct policy_pcpu *a,
                      struct policy_pcpu *b)
{
    bool a_free = c->clock >= free_at(c, a), b_free = c->clock >= free_at(c, b);

    if (a_free && b_free) {
        return is_later(c, c2_vcpu(a->curr), c2_vcpu(b->curr));
    }
    return a_free || (!b_free && free_at(c, a) < free_at(c, b));
}

/*
 * The pCPU whose vCPU `v` should preempt, of those that share its queue: one
 * that is less urgent than `v`. One that runs alone sets its slice anew.
 */
static sop_cpumask_t victim_for(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct c2_pool *c = c2_pool(pool);
    sop_cpumask_t set = v->hard & pool->online & ~(c->pcpus.told | c->awaited);
    sop_cpumask_t near = set & c->queue[c2_vcpu(v)->queue].pcpus;
    struct policy_pcpu *victim = NULL, *alone = NULL;

    for (set = near != 0 ? near : set; set != 0; set &= set - 1) {
        struct policy_pcpu *p = pool->pcpu[bits_lowest(set)];

        /* One that has nothing to run is about to choose. */
        if (p->curr == NULL || !p->curr->runnable) {
            continue;
        }
        if (is_later(c, c2_vcpu(p->curr), c2_vcpu(v)) &&
            (victim == NULL || is_sooner(c, p, victim))) {
            victim = p;
        }
        if (c2_pcpu(p)->alone) {
            alone = p;
        }
    }
    victim = victim != NULL ? victim : alone;
    if (victim != NULL && looks_in_time(c, victim)) {
        c->awaited |= bits_one(victim->index);
        return 0;
    }
    return victim != NULL ? bits_one(victim->index) : 0;
}

sop_cpumask_t c2_tickle(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct c2_pool *c = c2_pool(pool);
    sop_cpumask_t target;

    if (v->on != NULL) {
        return 0; /* its registers are on the way: c2_saved() comes */
    }
    target = idlers_for(&c->pcpus, v);
    if (target == 0 && !c2_vcpu(v)->yielded) {
        target = victim_for(pool, v);
    }
    return idlers_tell(&c->pcpus, target);
}

/* One who waits and could run on an idle pCPU of `set`. */
static struct tree_node *first_for(const struct c2_pool *c, sop_cpumask_t set)
{
    struct tree_node *n = NULL;
    unsigned i;

    for (i = 0; i < c->nr_queues && n == NULL; i++) {
        n = tree_first(&c->queue[i].ready, set);
        if (n == NULL) {
            n = tree_first(&c->queue[i].later, set);
        }
    }
    return n;
}

sop_cpumask_t c2_tickle_idle(struct c2_pool *c, const struct policy_pcpu *p)
{
    sop_cpumask_t set = c->pcpus.idle & ~bits_one(p->index), told = 0;
    struct tree_node *n;

    for (n = first_for(c, set); n != NULL; n = first_for(c, set)) {
        told |= idlers_tell(&c->pcpus, place_in(n->set & set, c2_at_node(n)));
        set &= ~told;
    }
    return told;
}

sop_cpumask_t c2_tickle_away(struct policy_pool *pool,
                             const struct policy_pcpu *p, uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    sop_cpumask_t set = c->away & ~c->pcpus.told & pool->online;

    for (; set != 0; set &= set - 1) {
        struct policy_pcpu *q = pool->pcpu[bits_lowest(set)];

        if (q->curr != NULL && (q->curr->soft & bits_one(p->index)) != 0 &&
            c2_may_move(q, now)) {
            return idlers_tell(&c->pcpus, bits_one(q->index));
        }
    }
    return 0;
}

void c2_queue_given(struct policy_pool *pool)
{
    sop_cpumask_t set = c2_pool(pool)->given;

    for (; set != 0; set &= set - 1) {
        c2_enqueue(pool, c2_take_given(pool, pool->pcpu[bits_lowest(set)]));
    }
}

/* Nobody else waits: `v` needs no queue to come to the idle pCPU `target`. */
static sop_cpumask_t give(struct policy_pool *pool, struct policy_vcpu *v,
                          sop_cpumask_t target)
{
    struct policy_pcpu *p = pool->pcpu[bits_lowest(target)];
    struct c2_pool *c = c2_pool(pool);

    ASSERT(c2_pcpu(p)->given == NULL);
    c2_activate(c, v);
    c2_vcpu(v)->place = C2_GIVEN;
    c2_vcpu(v)->queue = (uint8_t)p->index;
    c2_pcpu(p)->given = v;
    c->given |= target;
    c->nr_given++;
    c2_tell_waiting(pool);
    return idlers_tell(&c->pcpus, target);
}

sop_cpumask_t c2_arrive(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct c2_pool *c = c2_pool(pool);
    sop_cpumask_t target = v->on == NULL ? idlers_for(&c->pcpus, v) : 0;
    struct c2_vcpu *s = c2_vcpu(v);

    if (likely(c->behind == 0 &&
               !tree_key_before(c->vtime + c2_domain(v->domain)->slice,
                                s->vtime))) {
        if (tree_key_before(s->vtime, c->vtime)) {
            s->vtime = c->vtime;
        }
        s->hard = v->hard;
        c2_new_request(s, c2_domain(v->domain)->first);
    } else {
        c2_place(pool, v, 0, c2_domain(v->domain)->first);
    }
    s->yielded = false;
    if (target != 0 && c->waiting == 0) {
        return give(pool, v, target);
    }
    s->queue = c2_queue_for(pool, v, target);
    c2_enqueue(pool, v);
    if (target == 0 && v->on == NULL) {
        target = victim_for(pool, v);
    }
    return idlers_tell(&c->pcpus, target);
}

/* ---- who is next ---- */

static void take_earlier(struct tree_node **best, struct tree_node *n)
{
    if (n != NULL && (*best == NULL || tree_key_before(n->key, (*best)->key))) {
        *best = n;
    }
}

/* From queues of other pCPUs: who is overdue, or if `all` anybody. */
static struct tree_node *search_others(struct c2_pool *c,
                                       const struct policy_pcpu *p,
                                       unsigned own, bool all)
{
    struct tree_node *best = NULL;
    unsigned i;

    for (i = 0; i < c->nr_queues; i++) {
        if (i != own) {
            promote(c, &c->queue[i]);
            take_earlier(&best,
                         tree_first(&c->queue[i].ready, bits_one(p->index)));
        }
    }
    if (best != NULL && !all &&
        !tree_key_before(best->key + C2_PULL_NS, c->vtime)) {
        best = NULL;
    }
    if (best != NULL || !all) {
        return best;
    }
    for (i = 0; i < c->nr_queues; i++) {
        take_earlier(&best, tree_first(&c->queue[i].later, bits_one(p->index)));
    }
    return best;
}

/* Who should run on `p`, of those that wait; NULL if there is none. */
static struct policy_vcpu *search(struct c2_pool *c,
                                  const struct policy_pcpu *p, unsigned own)
{
    struct tree_node *n, *other = NULL;

    promote(c, &c->queue[own]);
    n = tree_first(&c->queue[own].ready, bits_one(p->index));
    if (unlikely(c->nr_queues > 1)) {
        other = search_others(c, p, own, n == NULL);
        if (n != NULL) {
            take_earlier(&n, other);
        } else if (other != NULL &&
                   c2_vcpu(c2_at_node(other))->place == C2_READY) {
            n = other;
        }
    }
    if (n == NULL) {
        n = tree_first(&c->queue[own].later, bits_one(p->index));
    }
    return c2_at_node(n != NULL ? n : other);
}

/*
 * The same, but leaves one alone, once, that would rather run on a pCPU that
 * is told and will choose soon, or is idle and told now.
 */
static struct policy_vcpu *search_by_wish(struct policy_pool *pool,
                                          const struct policy_pcpu *p,
                                          unsigned own, sop_cpumask_t *told)
{
    struct c2_pool *c = c2_pool(pool);
    struct policy_vcpu *v = search(c, p, own), *other;

    if (v == NULL || likely((v->soft & bits_one(p->index)) != 0) ||
        (v->soft & (c->pcpus.idle | c->pcpus.told)) == 0 || v->on != NULL ||
        c2_vcpu(v)->spared) {
        return v;
    }
    if ((v->soft & c->pcpus.told) == 0) {
        *told |= idlers_tell(&c->pcpus, idlers_for(&c->pcpus, v));
    }
    c2_remove_by_time(c, v);
    other = search(c, p, own);
    c2_insert_by_time(c, v);
    c2_vcpu(v)->spared = true;
    return other;
}

struct policy_vcpu *c2_find(struct policy_pool *pool,
                            const struct policy_pcpu *p, unsigned own,
                            uint64_t now, sop_cpumask_t *told)
{
    struct c2_pool *c = c2_pool(pool);
    struct policy_vcpu *v = search_by_wish(pool, p, own, told);

    while (v != NULL && unlikely(!c2_has_budget(v, now))) {
        c2_dequeue(pool, v);
        *told |= idlers_tell(&c->pcpus, c2_park(pool, v));
        v = search_by_wish(pool, p, own, told);
    }
    return v;
}

/* ---- pCPUs ---- */

/* One of its group with room, an empty one, else the smallest. */
static unsigned queue_for_pcpu(const struct c2_pool *c,
                               const struct policy_pcpu *p)
{
    unsigned i, best = 0;

    for (i = 0; i < C2_QUEUES; i++) {
        const struct c2_queue *q = &c->queue[i];

        if (q->pcpus != 0 && q->group == p->group &&
            bits_count(q->pcpus) < C2_QUEUE_PCPUS) {
            return i;
        }
    }
    for (i = 0; i < C2_QUEUES; i++) {
        if (bits_count(c->queue[i].pcpus) < bits_count(c->queue[best].pcpus)) {
            best = i;
        }
    }
    return best;
}

void c2_pcpu_add(struct policy_pool *pool, struct policy_pcpu *p)
{
    struct c2_pool *c = c2_pool(pool);
    unsigned i = queue_for_pcpu(c, p);

    ASSERT(p->curr == NULL);
    c->pcpus.idle |= bits_one(p->index);
    c2_pcpu(p)->queue = (uint8_t)i;
    if (c->queue[i].pcpus == 0) {
        c->queue[i].group = p->group;
    }
    c->queue[i].pcpus |= bits_one(p->index);
    c->nr_queues = i >= c->nr_queues ? i + 1 : c->nr_queues;
}

/* What is still queued where it was is taken from there by the others. */
void c2_pcpu_remove(struct policy_pool *pool, struct policy_pcpu *p)
{
    struct c2_pool *c = c2_pool(pool);

    ASSERT(p->curr == NULL);
    ASSERT(c2_pcpu(p)->given == NULL);
    idlers_remove(&c->pcpus, p);
    c->away &= ~bits_one(p->index);
    c->behind &= ~bits_one(p->index);
    c->queue[c2_pcpu(p)->queue].pcpus &= ~bits_one(p->index);
    keeper_release(&c->keeper, p);
    /* As promised on top of policy.h, the core asks all now. */
    (void)idlers_tell(&c->pcpus, pool->online);
}
