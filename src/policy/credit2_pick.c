/* SPDX-License-Identifier: MIT */
/*
 * credit2: the choice. What it is about stands on top of credit2.c.
 */
#include "credit2.h"

#define C2_PREFETCH_FROM 64u /* vCPUs that wait */
#define C2_PREFETCH 768u     /* bytes */

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
    c2_put_in(c, v);
    return 0;
}

/*
 * `next` instead of `prev` on `p`. Out before in: with one that waits, as most
 * often, the trees have never more than a root.
 */
static ALWAYS_INLINE sop_cpumask_t exchange(struct policy_pool *pool,
                                            struct policy_pcpu *p,
                                            struct policy_vcpu *prev,
                                            struct policy_vcpu *next,
                                            uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    sop_cpumask_t told = 0;

    c->running = c->running + (next != NULL) - (prev != NULL);
    if (next != NULL && c2_vcpu(next)->place != C2_NOWHERE) {
        c2_take_out(c, next);
    }
    if (prev != NULL) {
        told = put_back(pool, p, prev, next, now);
    }
    c2_tell_waiting(pool);
    return told;
}

/* `v` begins to run on `p`. */
static ALWAYS_INLINE void begin(struct policy_pool *pool, struct policy_pcpu *p,
                                struct policy_vcpu *v, uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    struct c2_vcpu *s = c2_vcpu(v);

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

/* When its request has been served, if it runs from now on. */
static uint64_t request_end(const struct policy_vcpu *v, uint64_t now)
{
    const struct c2_vcpu *s = c2_vcpu_const(v);
    uint64_t left = real_ns(v, s->deadline - s->vtime);

    return now + max_u64(min_u64(left, C2_REQUEST_NS), C2_RUN_NS);
}

/* `v` runs on `p`: until when we need not be asked about it. */
static ALWAYS_INLINE uint64_t slice_end(struct policy_pool *pool,
                                        struct policy_pcpu *p,
                                        struct policy_vcpu *v, bool limited,
                                        uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    struct c2_pcpu *q = c2_pcpu(p);
    uint64_t until;

    q->alone = c->waiting == 0;
    if (q->alone) {
        /* Who comes before the rate limit ends need not tell us. */
        until = q->started + c->ratelimit_ns;
        until = now < until ? until : now + C2_ALONE_NS;
    } else {
        /* Before the rate limit ends nothing could come of it. */
        until = q->started + c->ratelimit_ns;
        until = limited ? until : max_u64(until, request_end(v, now));
    }
    q->looks = min_u64(until, c2_grant(p, v, now));
    return q->looks;
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

/*
 * Of hundreds the next is in no cache any more: it comes while this one runs,
 * with what the core keeps behind our words. Only a hint; the lab runs 10,000
 * vCPUs by a third faster.
 */
static void prefetch_next(const struct c2_queue *q)
{
    struct tree_node *n = tree_lowest(&q->ready);
    const char *at = (const char *)c2_at_node(n);
    unsigned i;

    for (i = 0; n != NULL && i < C2_PREFETCH; i += 64) {
        __builtin_prefetch(at + i);
    }
}

/* `next` is chosen: what follows for `p`, and who else should look. */
static void settle(struct policy_pool *pool, struct policy_pcpu *p,
                   struct policy_choice *choice, struct policy_vcpu *best,
                   bool limited, uint64_t now)
{
    struct policy_vcpu *next = choice->vcpu;
    struct c2_pool *c = c2_pool(pool);

    idlers_chosen(&c->pcpus, p, next == NULL);
    c->awaited &= ~bits_one(p->index);
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
    if (unlikely(c->waiting > C2_PREFETCH_FROM)) {
        prefetch_next(&c->queue[c2_pcpu(p)->queue]);
    }
    if (unlikely(!tree_is_empty(&c->refills) || c->keeper.pcpu == p)) {
        choice->until =
            min_u64(choice->until, keeper_promise(&c->keeper, p, &c->refills));
    }
    choice->kick &= ~bits_one(p->index);
}

/* The one that waits: in one of the trees of the only queue. */
static struct policy_vcpu *lone_waiter(const struct c2_pool *c)
{
    const struct tree_node *n = c->queue[0].ready.root;

    n = n != NULL ? n : c->queue[0].later.root;
    return c2_vcpu_at(n, offsetof(struct c2_vcpu, node));
}

/* The quick way to one who waits alone and has no wishes and no cap. */
static struct policy_vcpu *lone_for(const struct c2_pool *c,
                                    const struct policy_pcpu *p)
{
    struct policy_vcpu *v;

    if (c->waiting != 1 || c->nr_queues != 1) {
        return NULL;
    }
    v = lone_waiter(c);
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

/* ---- the usual choice ---- */

/* Nobody has caps or wishes, and at most one is about to run. */
static ALWAYS_INLINE bool is_quiet(const struct c2_pool *c,
                                   struct policy_pcpu *p)
{
    return (c->away | c->behind) == 0 && tree_is_empty(&c->refills) &&
           c->keeper.pcpu != p && !c2_pcpu(p)->granted && c->nr_queues == 1 &&
           c->waiting + c->nr_given <= 1;
}

/* Whether `v`, who yields, has no wishes either. */
static ALWAYS_INLINE bool just_yields(const struct policy_vcpu *v,
                                      sop_cpumask_t here)
{
    return c2_vcpu_const(v)->yielded && (v->hard & here) != 0 &&
           v->hard == c2_vcpu_const(v)->hard && c2_domain(v->domain)->cap == 0;
}

/*
 * Most choices are of one kind: who ran has stopped or yields, and at most one
 * waits. Whether this is such a one; `next` is who waits, or NULL.
 */
static ALWAYS_INLINE bool is_usual(const struct c2_pool *c,
                                   struct policy_pcpu *p,
                                   struct policy_vcpu **next)
{
    const struct policy_vcpu *prev = p->curr;
    struct policy_vcpu *v = c2_pcpu(p)->given;
    sop_cpumask_t here = bits_one(p->index);

    *next = NULL;
    if (!is_quiet(c, p)) {
        return false;
    }
    if (v == NULL) {
        if (c->waiting == 0) {
            return prev != NULL && !prev->runnable && c->nr_given == 0;
        }
        v = lone_waiter(c);
    }
    *next = v;
    return (c2_takers(v) & v->soft & here) != 0 &&
           c2_domain(v->domain)->cap == 0 &&
           (prev == NULL || !prev->runnable ||
            (c->waiting != 0 && just_yields(prev, here)));
}

/* Puts `v`, who yields to `next`, in its place; one waits, as before. */
static ALWAYS_INLINE void yield_to(struct c2_pool *c, struct policy_vcpu *v,
                                   struct policy_vcpu *next)
{
    c2_remove_by_time(c, next);
    forgive_ahead(c, v, next);
    c2_new_request(c2_vcpu(v), c2_domain(v->domain)->slice);
    c2_vcpu(v)->spared = false;
    c2_insert_by_time(c, v);
}

/* `prev` has stopped, if there is one, and nobody waits but `next`. */
static ALWAYS_INLINE void stop_for(struct policy_pool *pool,
                                   struct policy_pcpu *p,
                                   struct policy_vcpu *prev,
                                   struct policy_vcpu *next)
{
    struct c2_pool *c = c2_pool(pool);

    if (next == NULL) {
        c->pcpus.idle |= bits_one(p->index);
        c->running--;
    } else if (c2_vcpu(next)->place == C2_GIVEN) {
        (void)c2_take_given(pool, p);
    } else {
        c2_take_out(c, next);
        c2_tell_waiting(pool);
    }
    if (prev != NULL) {
        c2_deactivate(c, prev);
    } else {
        c->pcpus.idle &= ~bits_one(p->index);
        c->running++;
    }
}

/* As the long way below, but does not ask for what cannot be. */
static ALWAYS_INLINE struct policy_choice choose_usual(struct policy_pool *pool,
                                                       struct policy_pcpu *p,
                                                       struct policy_vcpu *next,
                                                       uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    struct policy_choice choice = {next, SOP_TIME_NEVER, 0};
    sop_cpumask_t here = bits_one(p->index);

    c->pcpus.told &= ~here;
    c->awaited &= ~here;
    if (p->curr != NULL && p->curr->runnable) {
        yield_to(c, p->curr, next);
    } else {
        stop_for(pool, p, p->curr, next);
    }
    if (next != NULL) {
        begin(pool, p, next, now);
        if (unlikely(c->waiting != 0)) {
            note_level(c, p, c2_vcpu(next));
            if (unlikely(c->pcpus.idle != 0)) {
                choice.kick = c2_tickle_idle(c, p) & ~bits_one(p->index);
            }
        }
        c2_pcpu(p)->charged = now;
        choice.until = slice_end(pool, p, next, false, now);
    }
    return choice;
}

/* ---- any choice ---- */

/* Out of line: the usual choice needs few registers. */
static __attribute__((noinline)) struct policy_choice
choose_any(struct policy_pool *pool, struct policy_pcpu *p, uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    struct policy_vcpu *prev = p->curr, *best;
    struct policy_choice choice = {.until = SOP_TIME_NEVER, .kick = 0};
    bool stays, limited = false;

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
    if (prev != choice.vcpu) {
        choice.kick |= exchange(pool, p, prev, choice.vcpu, now);
    }
    settle(pool, p, &choice, best, limited, now);
    if (prev != NULL && stays) {
        /* Not before it has what it needs: or they come, park and come. */
        choice.kick |= c2_pass_on(pool, prev);
    }
    return choice;
}

struct policy_choice c2_pick(struct policy_pool *pool, struct policy_pcpu *p,
                             uint64_t now)
{
    struct policy_vcpu *next;

    c2_advance(c2_pool(pool), now);
    if (likely(is_usual(c2_pool(pool), p, &next))) {
        return choose_usual(pool, p, next, now);
    }
    return choose_any(pool, p, now);
}
