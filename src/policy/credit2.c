/* SPDX-License-Identifier: MIT */
/*
 * The default policy: fair share by weight, in the place of Xen's credit2 and
 * with its knobs, though not its algorithm.
 *
 * Idea. Time is measured in virtual ns: a vCPU's virtual time advances by what
 * it runs divided by its weight, the pool's by what all pCPUs run divided by
 * the sum of the weights. The difference, times the weight, is the vCPU's
 * *lag*: what it is behind (or ahead of) its ideal share. A vCPU runs in
 * requests of one slice (4 ms; 0.1 ms after a wake). A request may be served
 * when the pool's virtual time has reached its start, and should be served by
 * its virtual deadline, one request later; of those that may be served the one
 * with the earliest deadline runs (earliest eligible virtual deadline first).
 * If none may be served but a pCPU is free, the one that could be first runs.
 *
 * Bounds. tests/unit/policy_credit2.c holds it to them and prints how near it
 * comes; where it says so a bound is measured, not proven.
 * - Fairness. Where every weight can be used (no vCPU has a right to more than
 *   one pCPU, hard affinity keeps none from a pCPU) one that always wants to
 *   run is never behind its ideal share, nor ahead, by more than one slice
 *   (proven for one pCPU, measured for up to 16 on a queue, where 2 is what
 *   the test allows). Its service in any window is within two slices of the
 *   ideal, among equal weights within one. Across queues: two slices (4
 *   allowed). Else each set of vCPUs that compete for the same pCPUs shares
 *   them by weight, and nobody pays or claims for what happened elsewhere: lag
 *   is cut to two slices.
 * - Wake-up. One that wakes starts at the pool's virtual time: sleep saves
 *   nothing up, nor does it wash off what was used ahead but for what exceeds
 *   a slice. Its first request is short and goes before nearly all that run:
 *   at once, or as soon as who runs has had the rate limit. It runs no later
 *   than 0.1 ms * (sum of weights) / weight / pCPUs + one slice.
 * - Nobody starves: each choice that passes a vCPU over has a start before that
 *   one's deadline, and starts only grow.
 * - Nothing waits while a pCPU that it may use is idle and has not been told.
 * - Caps: see credit2_cap.c.
 *
 * Queues. Up to 16 pCPUs of a socket share a queue; virtual time is one for
 * the whole pool. A pCPU that finds nothing in its queue takes from others,
 * and it does so also when somebody there is overdue by two slices.
 *
 * Cost of a decision: logarithmic in the number of queued vCPUs, whatever
 * their affinity, and linear in pCPUs and queues. (A request that may be served
 * moves from one tree to the other, once; at most 16 do so in one decision.)
 *
 * Ties are broken by numbers from the seed, never by addresses.
 *
 * credit2_queue.c has virtual time and queues, credit2_cap.c caps,
 * credit2_show.c what people and tests see.
 */
#include "credit2.h"

#include <xen/domctl.h>
#include <xen/errno.h>

static void c2_pool_init(struct policy_pool *pool)
{
    struct c2_pool *c = c2_pool(pool);

    c->prng.state = pool->seed;
    c->ratelimit_ns = C2_RATELIMIT_US * 1000u;
    keeper_init(&c->keeper);
}

/* ---- domains and knobs ---- */

static void set_weight(struct c2_domain *d, uint32_t weight)
{
    d->weight = weight;
    d->slice = (uint64_t)C2_SLICE_NS * C2_WEIGHT_DEFAULT / weight;
    d->first = (uint64_t)C2_WAKE_NS * C2_WEIGHT_DEFAULT / weight;
}

static void c2_domain_init(struct policy_pool *pool, struct policy_domain *d)
{
    (void)pool;
    set_weight(c2_domain(d), C2_WEIGHT_DEFAULT);
    list_init(&c2_domain(d)->parked);
}

static void c2_domain_fini(struct policy_pool *pool, struct policy_domain *d)
{
    (void)pool;
    ASSERT(list_is_empty(&c2_domain(d)->parked));
    (void)d;
}

static int c2_domain_knobs(struct policy_pool *pool, struct policy_domain *d,
                           struct policy_domain_knobs *all, bool set)
{
    struct policy_credit2_domain *knobs = &all->u.credit2;
    struct c2_domain *c = c2_domain(d);
    uint64_t was = c->weight;

    if (!set) {
        knobs->weight = c->weight;
        knobs->cap = c->cap;
        return 0;
    }
    if (knobs->weight < 1 || knobs->weight > C2_WEIGHT_MAX ||
        knobs->cap > C2_CAP_MAX) {
        return -XEN_EINVAL;
    }
    set_weight(c, knobs->weight);
    /* Requests that have begun end by the old weight. */
    c2_pool(pool)->weight += (c->weight - was) * c->nr_active;
    if (knobs->cap != c->cap) {
        c2_cap_set(pool, d, knobs->cap);
    }
    return 0;
}

static int c2_pool_knobs(struct policy_pool *pool,
                         struct policy_pool_knobs *knobs, bool set)
{
    struct policy_credit2_pool *k = &knobs->u.credit2;

    if (!set) {
        k->ratelimit_us = c2_pool(pool)->ratelimit_ns / 1000u;
        return 0;
    }
    if (k->ratelimit_us != 0 &&
        (k->ratelimit_us < XEN_SYSCTL_SCHED_RATELIMIT_MIN ||
         k->ratelimit_us > XEN_SYSCTL_SCHED_RATELIMIT_MAX)) {
        return -XEN_EINVAL;
    }
    c2_pool(pool)->ratelimit_ns = k->ratelimit_us * 1000u;
    return 0;
}

/* ---- vCPUs ---- */

static int c2_insert(struct policy_pool *pool, struct policy_vcpu *v)
{
    ASSERT(!v->runnable);
    list_init(&c2_vcpu(v)->parked);
    c2_domain(v->domain)->nr_vcpus++;
    c2_vcpu(v)->vtime = c2_pool(pool)->vtime;
    c2_vcpu(v)->node.tie = prng_next(&c2_pool(pool)->prng);
    return 0;
}

static void c2_remove(struct policy_pool *pool, struct policy_vcpu *v)
{
    (void)pool;
    ASSERT(v->on == NULL);
    ASSERT(c2_vcpu(v)->place == C2_NOWHERE);
    ASSERT(!c2_vcpu(v)->active);
    c2_domain(v->domain)->nr_vcpus--;
}

static sop_cpumask_t c2_wake(struct policy_pool *pool, struct policy_vcpu *v,
                             uint64_t now)
{
    c2_advance(c2_pool(pool), now);
    if (unlikely(!c2_has_budget(v, now))) {
        return idlers_tell(&c2_pool(pool)->pcpus, c2_park(pool, v));
    }
    return c2_arrive(pool, v);
}

static void c2_sleep(struct policy_pool *pool, struct policy_vcpu *v,
                     uint64_t now)
{
    ASSERT(!v->runnable);
    c2_advance(c2_pool(pool), now);
    if (c2_vcpu(v)->place == C2_PARKED) {
        c2_unpark(pool, v);
        return;
    }
    if (c2_vcpu(v)->place == C2_GIVEN) {
        (void)c2_take_given(pool, pool->pcpu[c2_vcpu(v)->queue]);
    } else {
        c2_dequeue(pool, v);
    }
    c2_deactivate(c2_pool(pool), v);
}

static void c2_yield(struct policy_pool *pool, struct policy_vcpu *v)
{
    (void)pool;
    ASSERT(v->on != NULL);
    c2_vcpu(v)->yielded = true;
}

static void c2_charge(struct policy_pool *pool, struct policy_pcpu *p,
                      uint64_t now)
{
    struct policy_vcpu *v = p->curr;
    struct c2_vcpu *s = c2_vcpu(v);
    struct c2_pcpu *q = c2_pcpu(p);
    uint32_t weight = c2_domain(v->domain)->weight;
    uint64_t ran;

    (void)pool;
    if (now <= q->charged) {
        return;
    }
    /* To the last ns: what is below a weight waits for the next charge. */
    ran = (now - q->charged) * C2_WEIGHT_DEFAULT + s->rest;
    s->vtime += ran / weight;
    s->rest = (uint32_t)(ran % weight);
    q->grant -= (int64_t)(now - q->charged);
    q->charged = now;
    if (!tree_key_before(s->vtime, s->deadline)) {
        c2_new_request(s, c2_domain(v->domain)->slice);
    }
}

/* ---- the choice ---- */

/* Whether curr of `p` may go on if nobody waits. */
static bool may_go_on(struct policy_pool *pool, struct policy_pcpu *p,
                      uint64_t now)
{
    struct policy_vcpu *v = p->curr;

    if (!v->runnable || (v->hard & bits_one(p->index)) == 0 ||
        !c2_has_budget(v, now)) {
        return false;
    }
    /* Has a pCPU that it prefers become free? */
    return (v->soft & bits_one(p->index)) != 0 ||
           (v->soft & c2_pool(pool)->pcpus.idle) == 0 || !c2_may_move(p, now);
}

/* Whether `best` should run rather than `v`, that runs. */
static bool goes_before(const struct c2_pool *c, const struct c2_vcpu *best,
                        const struct c2_vcpu *v)
{
    bool due = c2_may_be_served(c, v);

    if (v->yielded) {
        return true; /* the others first, whatever the deadlines say */
    }
    if (!c2_may_be_served(c, best)) {
        return !due && !tree_key_before(v->start, best->start);
    }
    /* Among equals it is the turn of who waited, but in mid-request. */
    return !due || tree_key_before(best->deadline, v->deadline) ||
           (best->deadline == v->deadline && v->start == v->vtime);
}

/* A vCPU that ran without competition is not to pay for that later. */
static void forgive_ahead(struct c2_pool *c, struct policy_vcpu *v,
                          struct policy_vcpu *winner)
{
    struct c2_vcpu *s = c2_vcpu(v);
    uint64_t last = c->vtime;

    if (tree_key_before(last, c2_vcpu(winner)->vtime)) {
        last = c2_vcpu(winner)->vtime;
    }
    last += c2_domain(v->domain)->slice;
    if (tree_key_before(last, s->vtime)) {
        s->vtime = last;
        c2_new_request(s, c2_domain(v->domain)->slice);
    }
}

/*
 * One that runs all the time gets what there is for it: it has no claim to
 * more than two slices before `best`, who waits, or else the pool's time.
 */
static void forget_behind(struct c2_pool *c, struct policy_vcpu *v,
                          struct policy_vcpu *best)
{
    struct c2_vcpu *s = c2_vcpu(v);
    uint64_t first = c->vtime;

    if (best != NULL && tree_key_before(c2_vcpu(best)->start, first)) {
        first = c2_vcpu(best)->start;
    }
    first -= 2 * c2_domain(v->domain)->slice;
    if (unlikely(tree_key_before(s->vtime, first))) {
        s->vtime = first;
        c2_new_request(s, c2_domain(v->domain)->slice);
    }
}

/* How far those that compete for `p` are behind: the most urgent shows it. */
static void note_level(struct c2_pool *c, struct policy_pcpu *p,
                       const struct c2_vcpu *next)
{
    if (unlikely(c->waiting != 0 &&
                 tree_key_before(next->deadline, c->vtime))) {
        c2_pcpu(p)->level = next->deadline;
        c->behind |= bits_one(p->index);
    } else if (unlikely(c->behind != 0)) {
        c->behind &= ~bits_one(p->index);
    }
}

/* Whether `p` runs what would rather be elsewhere. */
static void note_away(struct c2_pool *c, const struct policy_pcpu *p,
                      const struct policy_vcpu *next)
{
    sop_cpumask_t bit = bits_one(p->index);

    if (unlikely(next != NULL && (next->soft & bit) == 0)) {
        c->away |= bit;
    } else if (unlikely(c->away != 0)) {
        c->away &= ~bit;
    }
}

/* Nobody may be served but `v`: the pool's time is behind where it can be. */
static void catch_up(struct c2_pool *c, const struct policy_vcpu *v)
{
    uint64_t time = c2_vcpu_const(v)->start;

    if (c->running > 1) {
        time -= c2_domain(v->domain)->slice;
    }
    if (tree_key_before(c->vtime, time)) {
        c->vtime = time;
    }
}

/* Puts the vCPU that ran, and shall not go on, where it belongs. */
static sop_cpumask_t put_back(struct policy_pool *pool, struct policy_pcpu *p,
                              struct policy_vcpu *v, struct policy_vcpu *next,
                              uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    struct c2_vcpu *s = c2_vcpu(v);

    if (!v->runnable) {
        c2_deactivate(c, v);
        return 0;
    }
    if (!c2_has_budget(v, now)) {
        return idlers_tell(&c->pcpus, c2_park(pool, v));
    }
    if (s->hard != v->hard) {
        c2_place(pool, v, c2_domain(v->domain)->slice,
                 c2_domain(v->domain)->slice);
    } else if (next != NULL) {
        forgive_ahead(c, v, next);
    }
    if (s->yielded) {
        c2_new_request(s, c2_domain(v->domain)->slice);
    }
    if ((c->queue[c2_pcpu(p)->queue].pcpus & v->hard) == 0) {
        s->queue = c2_queue_for(pool, v, 0);
    }
    c2_enqueue(pool, v);
    return 0;
}

/* `v` begins to run on `p`. */
static void begin(struct policy_pool *pool, struct policy_pcpu *p,
                  struct policy_vcpu *v, uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    struct c2_vcpu *s = c2_vcpu(v);

    if (s->place != C2_NOWHERE) {
        c2_dequeue(pool, v);
    }
    s->queue = c2_pcpu(p)->queue;
    s->yielded = false;
    c2_pcpu(p)->started = now;
    if (c->waiting != 0) {
        catch_up(c, v);
    }
}

static uint64_t real_ns(const struct policy_vcpu *v, uint64_t virtual)
{
    return virtual * c2_domain(v->domain)->weight / C2_WEIGHT_DEFAULT + 1;
}

/* `v` runs on `p`: until when we need not be asked about it. */
static uint64_t slice_end(struct policy_pool *pool, struct policy_pcpu *p,
                          struct policy_vcpu *v, bool limited, uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    struct c2_pcpu *q = c2_pcpu(p);
    uint64_t until;

    q->alone = c->waiting == 0;
    if (q->alone) {
        until = now + C2_ALONE_NS;
    } else if (limited) {
        /* Kept only by the rate limit, it goes as soon as that ends. */
        until = q->started + c->ratelimit_ns;
    } else {
        until = now + min_u64(C2_SLICE_NS, real_ns(v, c2_vcpu(v)->deadline -
                                                          c2_vcpu(v)->vtime));
    }
    return min_u64(until, c2_grant(p, v, now));
}

/* Of curr and `best`, who waits, who runs; `limited`: but for the rate limit
   it would be the other. */
static struct policy_vcpu *decide(const struct c2_pool *c,
                                  struct policy_pcpu *p, struct policy_vcpu *v,
                                  struct policy_vcpu *best, uint64_t now,
                                  bool *limited)
{
    *limited = false;
    if (best == NULL || !goes_before(c, c2_vcpu(best), c2_vcpu(v))) {
        return v;
    }
    *limited =
        !c2_vcpu(v)->yielded && now < c2_pcpu(p)->started + c->ratelimit_ns;
    return *limited ? v : best;
}

/* `next` is chosen: what follows for `p`, and who else should look. */
static void settle(struct policy_pool *pool, struct policy_pcpu *p,
                   struct policy_choice *choice, struct policy_vcpu *best,
                   bool limited, uint64_t now)
{
    struct policy_vcpu *next = choice->vcpu;
    struct c2_pool *c = c2_pool(pool);

    idlers_chosen(&c->pcpus, p, next == NULL);
    note_away(c, p, next);
    if (next != NULL) {
        if (next != p->curr) {
            begin(pool, p, next, now);
        } else {
            forget_behind(c, next, best);
            c2_vcpu(next)->yielded = false;
        }
        note_level(c, p, c2_vcpu(next));
        c2_pcpu(p)->charged = now;
        choice->until = slice_end(pool, p, next, limited, now);
    } else if (unlikely(c->away != 0)) {
        choice->kick |= c2_tickle_away(pool, p, now);
    }
    if (unlikely(c->waiting != 0 && c->pcpus.idle != 0)) {
        choice->kick |= c2_tickle_idle(c, p);
    }
    if (unlikely(!tree_is_empty(&c->refills) || c->keeper.pcpu == p)) {
        choice->until =
            min_u64(choice->until, keeper_promise(&c->keeper, p, &c->refills));
    }
    choice->kick &= ~bits_one(p->index);
}

/* The quick way to one who waits alone and has no wishes and no cap. */
static struct policy_vcpu *lone_for(struct c2_pool *c,
                                    const struct policy_pcpu *p)
{
    struct tree_node *n;
    struct policy_vcpu *v;

    if (c->waiting != 1 || c->nr_queues != 1) {
        return NULL;
    }
    n = c->queue[0].ready.root;
    n = n != NULL ? n : c->queue[0].later.root;
    if (n == NULL) {
        return NULL;
    }
    v = c2_vcpu_at(n, offsetof(struct c2_vcpu, node));
    return (c2_takers(v) & v->soft & bits_one(p->index)) != 0 &&
                   c2_domain(v->domain)->cap == 0
               ? v
               : NULL;
}

/* Who should run on `p`, of those that do not; NULL if there is none. */
static struct policy_vcpu *find(struct policy_pool *pool, struct policy_pcpu *p,
                                bool stays, uint64_t now, sop_cpumask_t *told)
{
    struct c2_pool *c = c2_pool(pool);
    struct policy_vcpu *v = c2_pcpu(p)->given;

    if (v != NULL &&
        likely(c->waiting == 0 && !stays && c2_domain(v->domain)->cap == 0)) {
        return c2_take_given(pool, p);
    }
    if (unlikely(c->given != 0)) {
        c2_queue_given(pool); /* `p` comes first */
    }
    if (c->waiting == 0) {
        return NULL;
    }
    v = lone_for(c, p);
    return likely(v != NULL) ? v
                             : c2_find(pool, p, c2_pcpu(p)->queue, now, told);
}

static struct policy_choice c2_pick(struct policy_pool *pool,
                                    struct policy_pcpu *p, uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    struct policy_vcpu *prev = p->curr, *best;
    struct policy_choice choice = {.until = SOP_TIME_NEVER, .kick = 0};
    bool stays, limited = false;

    c2_advance(c, now);
    if (unlikely(c2_pcpu(p)->granted)) {
        c2_cap_return(p);
    }
    if (unlikely(!tree_is_empty(&c->refills))) {
        choice.kick = c2_refill_due(pool, now);
    }
    stays = prev != NULL && may_go_on(pool, p, now);
    if (prev != NULL && !stays) {
        choice.kick |= c2_pass_on(pool, prev);
    }
    best = find(pool, p, stays, now, &choice.kick);
    choice.vcpu = best;
    if (prev != NULL && stays) {
        choice.vcpu = decide(c, p, prev, best, now, &limited);
    }
    c->running = c->running + (choice.vcpu != NULL) - (prev != NULL);
    if (prev != NULL && prev != choice.vcpu) {
        choice.kick |= put_back(pool, p, prev, choice.vcpu, now);
    }
    settle(pool, p, &choice, best, limited, now);
    if (prev != NULL && stays) {
        /* Not before it has what it needs: or they come, park and come. */
        choice.kick |= c2_pass_on(pool, prev);
    }
    return choice;
}

static sop_cpumask_t c2_saved(struct policy_pool *pool, struct policy_vcpu *v,
                              uint64_t now)
{
    struct c2_queue *q = &c2_pool(pool)->queue[c2_vcpu(v)->queue];

    (void)now;
    if (c2_vcpu(v)->place == C2_PARKED) {
        return 0;
    }
    ASSERT(c2_vcpu(v)->place != C2_NOWHERE);
    tree_change_set(c2_vcpu(v)->place == C2_READY ? &q->ready : &q->later,
                    &c2_vcpu(v)->node, c2_takers(v));
    return c2_tickle(pool, v);
}

static sop_cpumask_t c2_affinity(struct policy_pool *pool,
                                 struct policy_vcpu *v, uint64_t now)
{
    c2_advance(c2_pool(pool), now);
    if (c2_vcpu(v)->place == C2_PARKED) {
        return 0;
    }
    if (c2_vcpu(v)->place == C2_GIVEN) {
        (void)c2_take_given(pool, pool->pcpu[c2_vcpu(v)->queue]);
    } else {
        c2_dequeue(pool, v);
    }
    if (c2_vcpu(v)->hard != v->hard) {
        c2_place(pool, v, c2_domain(v->domain)->slice,
                 c2_domain(v->domain)->slice);
    }
    c2_vcpu(v)->queue = c2_queue_for(pool, v, 0);
    c2_enqueue(pool, v);
    return c2_tickle(pool, v);
}

const struct policy_ops policy_credit2 = {
    .name = "credit2",
    .id = XEN_SCHEDULER_CREDIT2,
    .pool_init = c2_pool_init,
    .pcpu_add = c2_pcpu_add,
    .pcpu_remove = c2_pcpu_remove,
    .domain_init = c2_domain_init,
    .domain_fini = c2_domain_fini,
    .domain_knobs = c2_domain_knobs,
    .pool_knobs = c2_pool_knobs,
    .insert = c2_insert,
    .remove = c2_remove,
    .wake = c2_wake,
    .sleep = c2_sleep,
    .yield = c2_yield,
    .charge = c2_charge,
    .pick = c2_pick,
    .saved = c2_saved,
    .affinity = c2_affinity,
    .account = c2_account,
    .dump = c2_dump,
    .check = c2_check,
};
