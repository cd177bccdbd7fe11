/* SPDX-License-Identifier: MIT */
/*
 * The default policy: fair share by weight, in the place of Xen's credit2 and
 * with its knobs, though not its algorithm.
 *
 * Every vCPU has a virtual time: how long it has run, divided by its weight.
 * Its virtual deadline is that plus one quantum divided by its weight; who
 * has the earliest deadline of those queued runs next. So over time all who
 * want to run progress in virtual time together, which is the fair share, and
 * heavier ones also wait less. A vCPU that wakes starts no earlier than the
 * pool's virtual time, so that sleeping saves nothing up.
 *
 * One queue per pool, ordered by deadline, serves all its pCPUs: no pCPU is
 * idle while a vCPU that may run there waits. Ties are broken by numbers from
 * the seed, never by addresses.
 *
 * A cap gives the domain that much running time per period; without budget
 * its vCPUs stay queued until the next period. All state lives in the words
 * that the core keeps for us.
 */
#include "../core/policy.h"

#include <xen/domctl.h>
#include <xen/errno.h>

#include "../lib/atomic.h"
#include "../lib/bitmap.h"
#include "../lib/bug.h"
#include "../lib/compiler.h"
#include "../lib/fmt.h"
#include "../lib/list.h"
#include "../lib/prng.h"

#define QUANTUM_NS 4000000u /* longest run while others wait */
#define LONG_QUANTUM_NS                                                        \
    10000000u                  /* ... while nobody waits: look again then      \
                                */
#define RATE_LIMIT_NS 1000000u /* shortest run before others preempt */
#define WEIGHT_DEFAULT 256u
#define WEIGHT_MAX 65535u
#define CAP_MAX 65535u
#define CAP_PERIOD_NS 10000000u

struct c2_vcpu {
    struct list_node link; /* in the pool's queue */
    uint64_t vtime;
    uint64_t deadline;
    uint64_t tie;
    bool queued;
    bool yielded;
};

struct c2_pcpu {
    uint64_t charged; /* curr has been charged up to then */
    uint64_t started; /* curr was picked then */
};

struct c2_domain {
    uint32_t weight;
    uint32_t cap;
    int64_t budget;  /* with a cap: ns left in this period, may go below 0 */
    uint64_t refill; /* when the next period starts */
};

struct c2_pool {
    struct list_node queue; /* earliest deadline first */
    uint64_t vtime;         /* of the latest choice; never steps back */
    sop_cpumask_t idle;     /* pCPUs with nothing to do, and not told */
    sop_cpumask_t told;     /* pCPUs to be kicked that have not chosen yet */
    uint32_t waiting;
    uint32_t nr_capped; /* domains with a cap */
    struct prng prng;
};

_Static_assert(sizeof(struct c2_vcpu) <= POLICY_VCPU_WORDS * 8, "room");
_Static_assert(sizeof(struct c2_pcpu) <= POLICY_PCPU_WORDS * 8, "room");
_Static_assert(sizeof(struct c2_domain) <= POLICY_DOMAIN_WORDS * 8, "room");
_Static_assert(sizeof(struct c2_pool) <= POLICY_POOL_WORDS * 8, "room");

/* ---- from the core's words to ours, and back ---- */

static struct c2_pool *c2_pool(struct policy_pool *pool)
{
    return (struct c2_pool *)(void *)pool->priv;
}

static const struct c2_pool *c2_pool_const(const struct policy_pool *pool)
{
    return (const struct c2_pool *)(const void *)pool->priv;
}

static struct c2_vcpu *c2_vcpu(struct policy_vcpu *v)
{
    return (struct c2_vcpu *)(void *)v->priv;
}

static struct c2_pcpu *c2_pcpu(struct policy_pcpu *p)
{
    return (struct c2_pcpu *)(void *)p->priv;
}

static struct c2_domain *c2_domain(struct policy_domain *d)
{
    return (struct c2_domain *)(void *)d->priv;
}

static struct policy_vcpu *at_link(const struct list_node *n)
{
    const uint8_t *priv = (const uint8_t *)n - offsetof(struct c2_vcpu, link);

    return (struct policy_vcpu *)(uintptr_t)(priv - offsetof(struct policy_vcpu,
                                                             priv));
}

/* ---- virtual time ---- */

static uint64_t virtual_ns(struct policy_vcpu *v, uint64_t ns)
{
    return ns * WEIGHT_DEFAULT / c2_domain(v->domain)->weight;
}

static void set_vtime(struct policy_vcpu *v, uint64_t vtime)
{
    c2_vcpu(v)->vtime = vtime;
    c2_vcpu(v)->deadline = vtime + virtual_ns(v, QUANTUM_NS);
}

static bool is_before(struct policy_vcpu *a, struct policy_vcpu *b)
{
    const struct c2_vcpu *x = c2_vcpu(a), *y = c2_vcpu(b);

    if (x->deadline != y->deadline) {
        return x->deadline < y->deadline;
    }
    return x->tie < y->tie;
}

/* ---- caps ---- */

static int64_t cap_quota(const struct c2_domain *d)
{
    return (int64_t)(CAP_PERIOD_NS / 100u) * d->cap;
}

static bool has_no_budget(struct policy_vcpu *v)
{
    const struct c2_domain *d = c2_domain(v->domain);

    return d->cap != 0 && d->budget <= 0;
}

/*
 * Starts a new period if it is time, then says whether `v` has no budget. Only
 * for use in a pick, which afterwards looks at all who may have got some.
 */
static bool is_capped(struct policy_vcpu *v, uint64_t now)
{
    struct c2_domain *d = c2_domain(v->domain);
    uint64_t periods;

    if (likely(d->cap == 0)) {
        return false;
    }
    if (now >= d->refill) {
        periods = (now - d->refill) / CAP_PERIOD_NS + 1;
        d->refill += periods * CAP_PERIOD_NS;
        /* Debts are paid off, savings are lost. */
        d->budget += cap_quota(d) * (int64_t)min_u64(periods, 1000);
        if (d->budget > cap_quota(d)) {
            d->budget = cap_quota(d);
        }
    }
    return has_no_budget(v);
}

/* ---- the queue ---- */

static void set_waiting(struct policy_pool *pool, uint32_t count)
{
    c2_pool(pool)->waiting = count;
    atomic_poke_u32(&pool->waiting, count);
}

static void enqueue(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct c2_pool *c = c2_pool(pool);
    struct list_node *at = c->queue.prev;

    ASSERT(!c2_vcpu(v)->queued);
    ASSERT(v->runnable);
    c2_vcpu(v)->tie = prng_next(&c->prng);
    /* From the back: who comes late usually goes late. */
    while (at != &c->queue && is_before(v, at_link(at))) {
        at = at->prev;
    }
    list_insert_before(at->next, &c2_vcpu(v)->link);
    c2_vcpu(v)->queued = true;
    set_waiting(pool, c->waiting + 1);
}

static void dequeue(struct policy_pool *pool, struct policy_vcpu *v)
{
    ASSERT(c2_vcpu(v)->queued);
    list_remove(&c2_vcpu(v)->link);
    c2_vcpu(v)->queued = false;
    set_waiting(pool, c2_pool(pool)->waiting - 1);
}

/* ---- whom to tell ---- */

/* The idle pCPU to run `v`: where it was, else where it prefers, else any. */
static sop_cpumask_t idle_for(struct policy_pool *pool, struct policy_vcpu *v)
{
    sop_cpumask_t idle = c2_pool(pool)->idle & v->hard;
    sop_cpumask_t last = v->last != NULL ? bits_one(v->last->index) : 0;

    if (idle == 0) {
        return 0;
    }
    if ((idle & v->soft) != 0) {
        idle &= v->soft;
    }
    if ((idle & last) != 0) {
        return last;
    }
    return bits_one(bits_lowest(idle));
}

/* The deadline of what `p` runs, as it would be if charged now. */
static uint64_t running_deadline(struct policy_pcpu *p, uint64_t now)
{
    uint64_t charged = c2_pcpu(p)->charged;
    uint64_t ran = now > charged ? now - charged : 0;

    return c2_vcpu(p->curr)->deadline + virtual_ns(p->curr, ran);
}

/*
 * The pCPU whose vCPU `v` should preempt: the least urgent, unless it is more
 * urgent than `v`. One as urgent is asked too, so that it starts to share.
 */
static sop_cpumask_t victim_for(struct policy_pool *pool, struct policy_vcpu *v,
                                uint64_t now)
{
    sop_cpumask_t set = v->hard & pool->online;
    uint64_t latest = c2_vcpu(v)->deadline;
    sop_cpumask_t victim = 0;

    for (; set != 0; set &= set - 1) {
        struct policy_pcpu *p = pool->pcpu[bits_lowest(set)];
        uint64_t deadline;

        /* One that has nothing to run has been told already. */
        if (p->curr == NULL || !p->curr->runnable) {
            continue;
        }
        deadline = running_deadline(p, now);
        if (deadline > latest || (victim == 0 && deadline == latest)) {
            latest = deadline;
            victim = bits_one(p->index);
        }
    }
    return victim;
}

static sop_cpumask_t tell(struct policy_pool *pool, sop_cpumask_t pcpus)
{
    c2_pool(pool)->idle &= ~pcpus;
    c2_pool(pool)->told |= pcpus;
    return pcpus;
}

/* Which pCPU should look at the queue because `v` is in it. */
static sop_cpumask_t tickle(struct policy_pool *pool, struct policy_vcpu *v,
                            uint64_t now)
{
    sop_cpumask_t target;

    if (v->on != NULL) {
        return 0; /* its registers are on the way: c2_saved() comes */
    }
    target = idle_for(pool, v);
    if (target == 0 && !has_no_budget(v)) {
        target = victim_for(pool, v, now);
    }
    return tell(pool, target);
}

/* For vCPUs left in the queue beside pCPUs left idle. */
static sop_cpumask_t tickle_idle(struct policy_pool *pool, uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    sop_cpumask_t told = 0;
    struct list_node *n;

    for (n = c->queue.next; n != &c->queue && c->idle != 0; n = n->next) {
        struct policy_vcpu *v = at_link(n);

        if (v->on == NULL && !is_capped(v, now)) {
            told |= tell(pool, idle_for(pool, v));
        }
    }
    return told;
}

/* ---- operations ---- */

static void c2_pool_init(struct policy_pool *pool)
{
    struct c2_pool *c = c2_pool(pool);

    list_init(&c->queue);
    c->prng.state = pool->seed;
}

static void c2_pcpu_add(struct policy_pool *pool, struct policy_pcpu *p)
{
    ASSERT(p->curr == NULL);
    c2_pool(pool)->idle |= bits_one(p->index);
}

static void c2_pcpu_remove(struct policy_pool *pool, struct policy_pcpu *p)
{
    ASSERT(p->curr == NULL);
    c2_pool(pool)->idle &= ~bits_one(p->index);
    c2_pool(pool)->told &= ~bits_one(p->index);
}

static void c2_domain_init(struct policy_pool *pool, struct policy_domain *d)
{
    (void)pool;
    c2_domain(d)->weight = WEIGHT_DEFAULT;
}

static void c2_domain_fini(struct policy_pool *pool, struct policy_domain *d)
{
    c2_pool(pool)->nr_capped -= c2_domain(d)->cap != 0;
}

static int c2_domain_knobs(struct policy_pool *pool, struct policy_domain *d,
                           struct policy_domain_knobs *all, bool set)
{
    struct policy_credit2_domain *knobs = &all->u.credit2;
    struct c2_domain *c = c2_domain(d);

    if (!set) {
        knobs->weight = c->weight;
        knobs->cap = c->cap;
        return 0;
    }
    if (knobs->weight < 1 || knobs->weight > WEIGHT_MAX ||
        knobs->cap > CAP_MAX) {
        return -XEN_EINVAL;
    }
    c2_pool(pool)->nr_capped -= c->cap != 0;
    c2_pool(pool)->nr_capped += knobs->cap != 0;
    c->weight = knobs->weight;
    c->cap = knobs->cap;
    c->budget = cap_quota(c);
    return 0;
}

static int c2_insert(struct policy_pool *pool, struct policy_vcpu *v)
{
    ASSERT(!v->runnable);
    list_init(&c2_vcpu(v)->link);
    set_vtime(v, c2_pool(pool)->vtime);
    return 0;
}

static void c2_remove(struct policy_pool *pool, struct policy_vcpu *v)
{
    (void)pool;
    ASSERT(v->on == NULL);
    ASSERT(!c2_vcpu(v)->queued);
}

static sop_cpumask_t c2_wake(struct policy_pool *pool, struct policy_vcpu *v,
                             uint64_t now)
{
    set_vtime(v, max_u64(c2_vcpu(v)->vtime, c2_pool(pool)->vtime));
    enqueue(pool, v);
    return tickle(pool, v, now);
}

static void c2_sleep(struct policy_pool *pool, struct policy_vcpu *v,
                     uint64_t now)
{
    (void)now;
    ASSERT(!v->runnable);
    dequeue(pool, v);
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
    struct c2_pcpu *c = c2_pcpu(p);

    (void)pool;
    ASSERT(v != NULL);
    if (now <= c->charged) {
        return;
    }
    set_vtime(v, c2_vcpu(v)->vtime + virtual_ns(v, now - c->charged));
    if (c2_domain(v->domain)->cap != 0) {
        c2_domain(v->domain)->budget -= (int64_t)(now - c->charged);
    }
    c->charged = now;
}

/* The most urgent of the queue that may run on `p`; NULL if there is none. */
static struct policy_vcpu *search(struct policy_pool *pool,
                                  struct policy_pcpu *p, uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    struct list_node *n;

    for (n = c->queue.next; n != &c->queue; n = n->next) {
        struct policy_vcpu *v = at_link(n);

        if ((v->hard & bits_one(p->index)) != 0 &&
            (v->on == NULL || v->on == p) && !is_capped(v, now)) {
            return v;
        }
    }
    return NULL;
}

/*
 * When the first of those that wait for budget gets some. Whichever pCPU
 * chose last looks again then, and tells idle ones.
 */
static uint64_t next_refill(struct policy_pool *pool, uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    uint64_t first = SOP_TIME_NEVER;
    struct list_node *n;

    if (c->nr_capped == 0) {
        return first;
    }
    for (n = c->queue.next; n != &c->queue; n = n->next) {
        struct policy_vcpu *v = at_link(n);

        if (is_capped(v, now)) {
            first = min_u64(first, c2_domain(v->domain)->refill);
        }
    }
    return first;
}

/* True when curr may stay although others wait. */
static bool keeps_running(struct policy_pool *pool, struct policy_pcpu *p,
                          struct policy_vcpu *best, uint64_t now)
{
    struct policy_vcpu *v = p->curr;

    if (v == NULL || !v->runnable || (v->hard & bits_one(p->index)) == 0 ||
        is_capped(v, now)) {
        return false;
    }
    if ((v->soft & bits_one(p->index)) == 0 &&
        (v->soft & c2_pool(pool)->idle) != 0) {
        return false; /* a pCPU it prefers has become free */
    }
    if (best == NULL) {
        return true;
    }
    if (c2_vcpu(v)->yielded) {
        return false; /* the others first, whatever the deadlines say */
    }
    /* Among equals it is the turn of who waited. */
    return now < c2_pcpu(p)->started + RATE_LIMIT_NS ||
           c2_vcpu(v)->deadline < c2_vcpu(best)->deadline;
}

/* Until when `v` may run on `p` before we want to be asked again. */
static uint64_t slice_end(struct policy_pool *pool, struct policy_pcpu *p,
                          struct policy_vcpu *v, uint64_t now)
{
    const struct c2_domain *d = c2_domain(v->domain);
    uint64_t limit = c2_pcpu(p)->started + RATE_LIMIT_NS;
    uint64_t end = now + LONG_QUANTUM_NS;

    if (c2_pool(pool)->waiting != 0) {
        /* A vCPU kept only by the rate limit goes as soon as that ends. */
        end = now < limit && c2_pcpu(p)->started != now ? limit
                                                        : now + QUANTUM_NS;
    }
    if (d->cap != 0) {
        end = min_u64(end, now + max_u64((uint64_t)d->budget, 1));
    }
    return end;
}

static struct policy_choice c2_pick(struct policy_pool *pool,
                                    struct policy_pcpu *p, uint64_t now)
{
    struct c2_pool *c = c2_pool(pool);
    struct policy_vcpu *prev = p->curr, *next = search(pool, p, now);
    struct policy_choice choice;

    if (keeps_running(pool, p, next, now)) {
        next = prev;
    } else if (prev != NULL && prev->runnable) {
        enqueue(pool, prev);
    }
    if (prev != NULL) {
        c2_vcpu(prev)->yielded = false;
    }
    c->told &= ~bits_one(p->index);
    choice.vcpu = next;
    choice.until = next_refill(pool, now);
    if (next == NULL) {
        c->idle |= bits_one(p->index);
    } else {
        c->idle &= ~bits_one(p->index);
        if (next != prev) {
            dequeue(pool, next);
            c2_pcpu(p)->started = now;
        }
        c2_pcpu(p)->charged = now;
        c->vtime = max_u64(c->vtime, c2_vcpu(next)->vtime);
        choice.until = min_u64(choice.until, slice_end(pool, p, next, now));
    }
    choice.kick = tickle_idle(pool, now);
    return choice;
}

static sop_cpumask_t c2_saved(struct policy_pool *pool, struct policy_vcpu *v,
                              uint64_t now)
{
    ASSERT(c2_vcpu(v)->queued);
    return tickle(pool, v, now);
}

static sop_cpumask_t c2_affinity(struct policy_pool *pool,
                                 struct policy_vcpu *v, uint64_t now)
{
    ASSERT(c2_vcpu(v)->queued);
    return tickle(pool, v, now);
}

/* ---- for people and tests ---- */

static void c2_dump(const struct policy_pool *pool, policy_emit *emit,
                    void *arg)
{
    const struct c2_pool *c = c2_pool_const(pool);
    const struct list_node *n;
    char line[120];

    fmt_snprintf(
        line, sizeof(line), "credit2: virtual time %llu, waiting %u, idle %llx",
        (unsigned long long)c->vtime, c->waiting, (unsigned long long)c->idle);
    emit(arg, line);
    for (n = c->queue.next; n != &c->queue; n = n->next) {
        struct policy_vcpu *v = at_link(n);

        fmt_snprintf(line, sizeof(line), "  d%uv%u deadline %llu",
                     v->domain->domid, v->id,
                     (unsigned long long)c2_vcpu(v)->deadline);
        emit(arg, line);
    }
}

static const char *c2_check(const struct policy_pool *pool)
{
    const struct c2_pool *c = c2_pool_const(pool);
    const struct list_node *n;
    uint32_t count = 0;

    for (n = c->queue.next; n != &c->queue; n = n->next) {
        struct policy_vcpu *v = at_link(n);

        count++;
        if (!v->runnable || !c2_vcpu(v)->queued) {
            return "credit2: queued but not runnable";
        }
        if (n->next != &c->queue && is_before(at_link(n->next), v)) {
            return "credit2: queue out of order";
        }
        /* One that has been told may be about to take it. */
        if (c->told == 0 && v->on == NULL && (c->idle & v->hard) != 0 &&
            !has_no_budget(v)) {
            return "credit2: a vCPU waits beside an idle pCPU";
        }
    }
    if (count != c->waiting || count != pool->waiting) {
        return "credit2: wrong count of waiting vCPUs";
    }
    return NULL;
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
    .insert = c2_insert,
    .remove = c2_remove,
    .wake = c2_wake,
    .sleep = c2_sleep,
    .yield = c2_yield,
    .charge = c2_charge,
    .pick = c2_pick,
    .saved = c2_saved,
    .affinity = c2_affinity,
    .dump = c2_dump,
    .check = c2_check,
};
