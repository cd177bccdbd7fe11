/* SPDX-License-Identifier: MIT */
/*
 * Time partitions: a major frame of windows that repeats for ever. In each
 * window the vCPU that it names runs if it can, and nobody runs if it cannot,
 * nor in what the windows leave of the frame. What one vCPU does cannot move
 * another by a nanosecond.
 *
 * Exact: frame k starts at S + k times the major frame, S being when the
 * schedule took effect. Starts are counted on from S, never from the clock as
 * it is read, so a late timer makes one window late and the next ones not.
 *
 * A new schedule takes effect as a whole when the frame ends that is running,
 * or at once if there was none. (Xen cuts the running frame short.) Until one
 * is set each vCPU of domain 0 has a window of 10 ms, as in Xen.
 *
 * A schedule names vCPUs by their domain's handle and their number; of several
 * with the same names the first that came is meant. With more than one pCPU in
 * the pool a vCPU stays where it last ran, and one window is open at a time.
 *
 * Cost: a decision looks at no vCPU but the window's, and at the windows from
 * the last one to the present one.
 */
#include "../core/policy.h"

#include "../lib/bitmap.h"
#include "../lib/bug.h"
#include "../lib/compiler.h"
#include "../lib/fmt.h"
#include "../lib/list.h"
#include "../lib/string.h"

#define WINDOWS_MAX ARINC653_MAX_DOMAINS_PER_SCHEDULE
#define DEFAULT_WINDOW_NS 10000000u

struct a653_window {
    uint8_t handle[16];
    uint64_t runtime;
    struct policy_vcpu *vcpu; /* whom it names, if there is such a one */
    uint32_t vcpu_id;
};

struct a653_schedule {
    uint64_t frame; /* length */
    uint32_t count;
    struct a653_window window[WINDOWS_MAX];
};

struct a653_vcpu {
    struct list_node link; /* in the pool's list, as they came */
};

struct a653_pool {
    struct list_node vcpus;
    bool is_default;  /* nobody has set a schedule */
    bool is_new;      /* plan[!now] waits for the end of the frame */
    uint32_t current; /* which of the plans */
    uint32_t at;      /* the window; plan count: what they leave */
    uint64_t start;   /* of this frame */
    uint64_t end;     /* of the window; not before `start` */
    struct a653_schedule plan[2];
};

_Static_assert(sizeof(struct a653_vcpu) <= POLICY_VCPU_WORDS * 8, "room");
_Static_assert(sizeof(struct a653_pool) <= POLICY_POOL_WORDS * 8, "room");

/* ---- from the core's words to ours, and back ---- */

static struct a653_pool *a653_pool(struct policy_pool *pool)
{
    return (struct a653_pool *)(void *)pool->priv;
}

static const struct a653_pool *a653_pool_const(const struct policy_pool *pool)
{
    return (const struct a653_pool *)(const void *)pool->priv;
}

static struct list_node *link_of(struct policy_vcpu *v)
{
    struct a653_vcpu *a = (struct a653_vcpu *)(void *)v->priv;

    return &a->link;
}

static struct policy_vcpu *at_link(const struct list_node *n)
{
    const uint8_t *priv = (const uint8_t *)n - offsetof(struct a653_vcpu, link);

    return (struct policy_vcpu *)(uintptr_t)(priv - offsetof(struct policy_vcpu,
                                                             priv));
}

/* The schedule that was set last, in effect already or not. */
static struct a653_schedule *latest(struct a653_pool *c)
{
    return &c->plan[c->is_new ? !c->current : c->current];
}

/* ---- whom windows name ---- */

static bool is_named(const struct a653_window *w, const struct policy_vcpu *v)
{
    return w->vcpu_id == v->id &&
           memcmp(w->handle, v->domain->handle, sizeof(w->handle)) == 0;
}

static void resolve(struct a653_pool *c, struct a653_window *w)
{
    struct list_node *n;

    w->vcpu = NULL;
    for (n = c->vcpus.next; n != &c->vcpus; n = n->next) {
        if (is_named(w, at_link(n))) {
            w->vcpu = at_link(n);
            return;
        }
    }
}

/* In both plans: `v` came. Those that were there before are meant first. */
static void resolve_newcomer(struct a653_pool *c, struct policy_vcpu *v)
{
    unsigned i, k;

    for (i = 0; i < 2; i++) {
        for (k = 0; k < c->plan[i].count; k++) {
            struct a653_window *w = &c->plan[i].window[k];

            if (w->vcpu == NULL && is_named(w, v)) {
                w->vcpu = v;
            }
        }
    }
}

/* In both plans: `v` has gone. */
static void resolve_again(struct a653_pool *c, const struct policy_vcpu *v)
{
    unsigned i, k;

    for (i = 0; i < 2; i++) {
        for (k = 0; k < c->plan[i].count; k++) {
            if (c->plan[i].window[k].vcpu == v) {
                resolve(c, &c->plan[i].window[k]);
            }
        }
    }
}

/* ---- setting schedules ---- */

/* What is to take effect next, for changing: as long as none was before. */
static struct a653_schedule *next_plan(struct a653_pool *c)
{
    struct a653_schedule *next = &c->plan[!c->current];

    if (!c->is_new) {
        *next = c->plan[c->current];
        c->is_new = true;
    }
    return next;
}

/* A vCPU of domain 0 while nobody has set a schedule. */
static void add_default(struct a653_pool *c, const struct policy_vcpu *v)
{
    struct a653_schedule *s = latest(c);
    struct a653_window *w;
    unsigned i;

    for (i = 0; i < s->count; i++) {
        if (is_named(&s->window[i], v)) {
            return; /* it was here before */
        }
    }
    if (s->count == WINDOWS_MAX) {
        return;
    }
    s = next_plan(c);
    w = &s->window[s->count++];
    memcpy(w->handle, v->domain->handle, sizeof(w->handle));
    w->vcpu_id = v->id;
    w->runtime = DEFAULT_WINDOW_NS;
    w->vcpu = NULL;
    s->frame += DEFAULT_WINDOW_NS;
}

static bool is_valid(const struct policy_arinc653 *a)
{
    uint64_t left = a->major_frame_ns;
    unsigned i;

    if (left == 0 || left > INT64_MAX || a->count < 1 ||
        a->count > WINDOWS_MAX) {
        return false;
    }
    for (i = 0; i < a->count; i++) {
        if (a->window[i].runtime_ns == 0 || a->window[i].runtime_ns > left) {
            return false;
        }
        left -= a->window[i].runtime_ns;
    }
    return true;
}

static int a653_set(struct a653_pool *c, const struct policy_arinc653 *a)
{
    struct a653_schedule *s;
    unsigned i;

    if (!is_valid(a)) {
        return -XEN_EINVAL;
    }
    s = next_plan(c);
    s->frame = a->major_frame_ns;
    s->count = a->count;
    for (i = 0; i < a->count; i++) {
        struct a653_window *w = &s->window[i];

        memcpy(w->handle, a->window[i].handle, sizeof(w->handle));
        w->vcpu_id = a->window[i].vcpu_id;
        w->runtime = a->window[i].runtime_ns;
        resolve(c, w);
    }
    c->is_default = false;
    return 0;
}

static void a653_get(struct a653_pool *c, struct policy_arinc653 *a)
{
    const struct a653_schedule *s = latest(c);
    unsigned i;

    memset(a, 0, sizeof(*a));
    a->major_frame_ns = s->frame;
    a->count = s->count;
    for (i = 0; i < s->count; i++) {
        memcpy(a->window[i].handle, s->window[i].handle,
               sizeof(a->window[i].handle));
        a->window[i].vcpu_id = s->window[i].vcpu_id;
        a->window[i].runtime_ns = s->window[i].runtime;
    }
}

static int a653_pool_knobs(struct policy_pool *pool,
                           struct policy_pool_knobs *knobs, bool set)
{
    if (set) {
        return a653_set(a653_pool(pool), &knobs->u.arinc653);
    }
    a653_get(a653_pool(pool), &knobs->u.arinc653);
    return 0;
}

/* ---- the frame ---- */

/* The first window of a frame that starts at `start` is open. */
static void open_first(struct a653_pool *c, uint64_t start)
{
    c->start = start;
    c->at = 0;
    c->end = start + c->plan[c->current].window[0].runtime;
}

static void take_new_plan(struct a653_pool *c)
{
    c->current = !c->current;
    c->is_new = false;
}

/* Goes to the window that is open at `now`. False: there is no schedule. */
static bool advance(struct a653_pool *c, uint64_t now)
{
    const struct a653_schedule *s = &c->plan[c->current];
    uint64_t frame_end;

    if (s->count == 0) {
        if (!c->is_new) {
            return false;
        }
        take_new_plan(c);
        open_first(c, now);
        s = &c->plan[c->current];
    }
    if (likely(now < c->end)) {
        return true;
    }
    frame_end = c->start + s->frame;
    if (now >= frame_end) {
        if (c->is_new) {
            take_new_plan(c);
            s = &c->plan[c->current];
        }
        open_first(c, frame_end + (now - frame_end) / s->frame * s->frame);
    }
    while (c->at < s->count && now >= c->end) {
        c->at++;
        c->end = c->at < s->count ? c->end + s->window[c->at].runtime
                                  : c->start + s->frame;
    }
    ASSERT(now < c->end);
    return true;
}

/* Whose window it is, NULL if nobody's. */
static struct policy_vcpu *present(struct a653_pool *c, uint64_t now)
{
    const struct a653_schedule *s;

    if (!advance(c, now)) {
        return NULL;
    }
    s = &c->plan[c->current];
    return c->at < s->count ? s->window[c->at].vcpu : NULL;
}

/* Where `v` runs when it may: where it is or was, else where it prefers. */
static sop_cpumask_t place_of(const struct policy_vcpu *v)
{
    sop_cpumask_t last = v->last != NULL ? bits_one(v->last->index) : 0;

    if ((v->hard & last) != 0) {
        return last;
    }
    return v->hard != 0 ? bits_one(bits_lowest(v->soft & v->hard)) : 0;
}

/* The pCPU to ask because `v` may run now, if it is its window. */
static sop_cpumask_t ask_for(struct policy_pool *pool, struct policy_vcpu *v,
                             uint64_t now)
{
    if (v->on != NULL || present(a653_pool(pool), now) != v) {
        return 0;
    }
    return place_of(v);
}

/* ---- operations ---- */

static void a653_pool_init(struct policy_pool *pool)
{
    list_init(&a653_pool(pool)->vcpus);
    a653_pool(pool)->is_default = true;
}

static void a653_pcpu(struct policy_pool *pool, struct policy_pcpu *p)
{
    (void)pool;
    (void)p;
    ASSERT(p->curr == NULL);
}

static void a653_domain(struct policy_pool *pool, struct policy_domain *d)
{
    (void)pool;
    (void)d;
}

static int a653_insert(struct policy_pool *pool, struct policy_vcpu *v)
{
    struct a653_pool *c = a653_pool(pool);

    list_insert_before(&c->vcpus, link_of(v));
    if (c->is_default && v->domain->domid == 0) {
        add_default(c, v);
    }
    resolve_newcomer(c, v);
    return 0;
}

static void a653_remove(struct policy_pool *pool, struct policy_vcpu *v)
{
    ASSERT(v->on == NULL);
    list_remove(link_of(v));
    resolve_again(a653_pool(pool), v);
}

static sop_cpumask_t a653_wake(struct policy_pool *pool, struct policy_vcpu *v,
                               uint64_t now)
{
    ASSERT(v->runnable);
    return ask_for(pool, v, now);
}

static void a653_sleep(struct policy_pool *pool, struct policy_vcpu *v,
                       uint64_t now)
{
    (void)pool;
    (void)v;
    (void)now;
}

static void a653_yield(struct policy_pool *pool, struct policy_vcpu *v)
{
    (void)pool;
    (void)v; /* its window is nobody else's */
}

static void a653_charge(struct policy_pool *pool, struct policy_pcpu *p,
                        uint64_t now)
{
    (void)pool;
    (void)p;
    (void)now;
}

static struct policy_choice a653_pick(struct policy_pool *pool,
                                      struct policy_pcpu *p, uint64_t now)
{
    struct policy_choice choice = {.until = SOP_TIME_NEVER};
    struct a653_pool *c = a653_pool(pool);
    struct policy_vcpu *v = present(c, now);

    if (c->plan[c->current].count != 0) {
        choice.until = c->end;
    }
    if (v != NULL && v->runnable && place_of(v) == bits_one(p->index) &&
        (v->on == NULL || v->on == p)) {
        choice.vcpu = v;
    }
    return choice;
}

/* Also who was stopped because it may not run there any more comes by here. */
static sop_cpumask_t a653_asked(struct policy_pool *pool, struct policy_vcpu *v,
                                uint64_t now)
{
    return ask_for(pool, v, now);
}

/* ---- for people and tests ---- */

static void a653_dump(const struct policy_pool *pool, policy_emit *emit,
                      void *arg)
{
    const struct a653_pool *c = a653_pool_const(pool);
    const struct a653_schedule *s = &c->plan[c->current];
    char line[120];
    unsigned i;

    fmt_snprintf(line, sizeof(line),
                 "arinc653: frame %llu ns since %llu, window %u of %u%s",
                 (unsigned long long)s->frame, (unsigned long long)c->start,
                 c->at, s->count, c->is_new ? ", a new schedule waits" : "");
    emit(arg, line);
    for (i = 0; i < s->count; i++) {
        const struct a653_window *w = &s->window[i];

        fmt_snprintf(line, sizeof(line), "  %llu ns: vCPU %u of %s%u",
                     (unsigned long long)w->runtime, w->vcpu_id,
                     w->vcpu != NULL ? "domain " : "nobody ",
                     w->vcpu != NULL ? w->vcpu->domain->domid : 0u);
        emit(arg, line);
    }
}

static const char *check_plan(const struct a653_schedule *s)
{
    uint64_t sum = 0;
    unsigned i;

    for (i = 0; i < s->count; i++) {
        sum += s->window[i].runtime;
    }
    return sum > s->frame ? "arinc653: windows longer than the frame" : NULL;
}

static const char *a653_check(const struct policy_pool *pool)
{
    const struct a653_pool *c = a653_pool_const(pool);
    const struct a653_schedule *s = &c->plan[c->current];
    const char *broken = check_plan(s);

    if (broken == NULL && c->is_new) {
        broken = check_plan(&c->plan[!c->current]);
    }
    if (broken != NULL) {
        return broken;
    }
    if (s->count != 0 && (c->at > s->count || c->end < c->start ||
                          c->end - c->start > s->frame)) {
        return "arinc653: a window outside the frame";
    }
    return NULL;
}

const struct policy_ops policy_arinc653 = {
    .name = "arinc653",
    .id = XEN_SCHEDULER_ARINC653,
    .pool_init = a653_pool_init,
    .pcpu_add = a653_pcpu,
    .pcpu_remove = a653_pcpu,
    .domain_init = a653_domain,
    .domain_fini = a653_domain,
    .pool_knobs = a653_pool_knobs,
    .insert = a653_insert,
    .remove = a653_remove,
    .wake = a653_wake,
    .sleep = a653_sleep,
    .yield = a653_yield,
    .charge = a653_charge,
    .pick = a653_pick,
    .saved = a653_asked,
    .affinity = a653_asked,
    .dump = a653_dump,
    .check = a653_check,
};
