/* SPDX-License-Identifier: MIT */
/* See policy_fake.h. */
#include "policy_fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bitmap.h"
#include "lib/bug.h"
#include "lib/compiler.h"

_Noreturn void sop_bug(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

static void require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "the policy broke its contract: %s\n", what);
        abort();
    }
}

static struct fake_vcpu *fake_of(struct policy_vcpu *v)
{
    return container_of(v, struct fake_vcpu, v);
}

static void print_line(void *arg, const char *line)
{
    (void)arg;
    fprintf(stderr, "# %s\n", line);
}

void fake_check(struct fake *f)
{
    const char *broken = policy_check(&f->pool);

    if (broken != NULL) {
        fprintf(stderr, "at %llu ns, pick %llu: %s\n",
                (unsigned long long)f->now, (unsigned long long)f->picks,
                broken);
        policy_dump(&f->pool, print_line, NULL);
        abort();
    }
}

static void checked(struct fake *f)
{
    if (f->checks) {
        fake_check(f);
    }
}

static void ask(struct fake *f, sop_cpumask_t set)
{
    for (; set != 0; set &= set - 1) {
        unsigned i = bits_lowest(set);

        require(i < f->nr_pcpus && f->pool.pcpu[i] != NULL,
                "asks for a pCPU that is not there");
        f->pcpu[i].asked = true;
        f->kicks++;
    }
}

void fake_ask_all(struct fake *f)
{
    ask(f, f->pool.online);
    checked(f);
}

/* ---- what comes and goes ---- */

struct fake *fake_new(const struct policy_ops *ops, unsigned nr_pcpus,
                      unsigned capacity, unsigned per_socket, uint64_t seed)
{
    struct fake *f = calloc(1, sizeof(*f));
    unsigned i;

    f->vcpu = calloc(capacity, sizeof(*f->vcpu));
    f->domain = calloc(capacity, sizeof(*f->domain));
    f->capacity = capacity;
    f->nr_pcpus = nr_pcpus;
    f->prng.state = seed;
    f->checks = true;
    f->pool.ops = ops;
    f->pool.seed = seed;
    ops->pool_init(&f->pool);
    for (i = 0; i < nr_pcpus; i++) {
        f->pcpu[i].p.index = i;
        f->pcpu[i].p.core = (uint16_t)i;
        f->pcpu[i].p.socket = (uint16_t)(per_socket != 0 ? i / per_socket : 0);
        f->pcpu[i].p.group = f->pcpu[i].p.socket;
        f->pcpu[i].until = SOP_TIME_NEVER;
        fake_pcpu_add(f, i);
    }
    fake_settle(f);
    return f;
}

void fake_free(struct fake *f)
{
    free(f->domain);
    free(f->vcpu);
    free(f);
}

struct policy_domain *fake_domain(struct fake *f)
{
    struct policy_domain *d = &f->domain[f->nr_domains];

    require(f->nr_domains < f->capacity, "(the test has too many domains)");
    d->domid = (uint16_t)f->nr_domains;
    d->handle[0] = (uint8_t)f->nr_domains;
    d->handle[1] = (uint8_t)(f->nr_domains >> 8);
    f->nr_domains++;
    f->pool.ops->domain_init(&f->pool, d);
    return d;
}

static void enter(struct fake *f, struct fake_vcpu *v)
{
    memset(v->v.priv, 0, sizeof(v->v.priv));
    v->v.last = NULL;
    v->wake_at = SOP_TIME_NEVER;
    v->burst = FAKE_HOG;
    v->left = FAKE_HOG;
    v->woken = SOP_TIME_NEVER;
    require(f->pool.ops->insert(&f->pool, &v->v) == 0, "refuses a vCPU");
    v->present = true;
    checked(f);
}

struct fake_vcpu *fake_vcpu(struct fake *f, struct policy_domain *d)
{
    struct fake_vcpu *v = &f->vcpu[f->nr_vcpus];
    unsigned id = 0, i;

    require(f->nr_vcpus < f->capacity, "(the test has too many vCPUs)");
    if (f->checks) {
        for (i = 0; i < f->nr_vcpus; i++) {
            id += f->vcpu[i].domain == d;
        }
    }
    f->nr_vcpus++;
    v->domain = d;
    v->v.domain = d;
    v->v.id = id;
    v->v.up = true;
    v->v.hard = f->pool.online;
    v->v.soft = f->pool.online;
    enter(f, v);
    return v;
}

void fake_pcpu_add(struct fake *f, unsigned i)
{
    struct fake_pcpu *p = &f->pcpu[i];
    unsigned k;

    require(f->pool.pcpu[i] == NULL, "(the test adds a pCPU twice)");
    memset(p->p.priv, 0, sizeof(p->p.priv));
    f->pool.online |= bits_one(i);
    f->pool.pcpu[i] = &p->p;
    f->pool.ops->pcpu_add(&f->pool, &p->p);
    checked(f);
    for (k = 0; k < f->nr_vcpus; k++) {
        struct policy_vcpu *v = &f->vcpu[k].v;

        if (f->vcpu[k].present) {
            fake_affinity(f, &f->vcpu[k], v->hard | bits_one(i),
                          v->soft | bits_one(i));
        }
    }
    fake_ask_all(f);
}

static void save(struct fake *f, struct fake_pcpu *p)
{
    struct policy_vcpu *v = p->saving;

    if (v == NULL) {
        return;
    }
    p->saving = NULL;
    v->on = NULL;
    if (v->runnable) {
        ask(f, f->pool.ops->saved(&f->pool, v, f->now));
    }
    checked(f);
}

void fake_pcpu_remove(struct fake *f, unsigned i)
{
    struct fake_pcpu *p = &f->pcpu[i];
    unsigned k;

    f->pool.online &= ~bits_one(i);
    for (k = 0; k < f->nr_vcpus; k++) {
        struct policy_vcpu *v = &f->vcpu[k].v;

        if (f->vcpu[k].present) {
            sop_cpumask_t hard = v->hard & ~bits_one(i);
            sop_cpumask_t soft = v->soft & hard;

            /* A vCPU left without any may run everywhere. */
            hard = hard != 0 ? hard : f->pool.online;
            fake_affinity(f, &f->vcpu[k], hard, soft != 0 ? soft : hard);
        }
    }
    fake_pick(f, i);
    require(p->p.curr == NULL, "runs something on a pCPU that goes");
    save(f, p);
    f->pool.ops->pcpu_remove(&f->pool, &p->p);
    f->pool.pcpu[i] = NULL;
    p->until = SOP_TIME_NEVER;
    p->asked = false;
    fake_ask_all(f);
}

/* ---- what happens to a vCPU ---- */

/* The pCPU on which it is current. */
static struct fake_pcpu *running_on(struct policy_vcpu *v)
{
    struct policy_pcpu *p = v->on;

    return p != NULL && p->curr == v ? container_of(p, struct fake_pcpu, p)
                                     : NULL;
}

bool fake_is_running(const struct fake_vcpu *v)
{
    return v->v.on != NULL && v->v.on->curr == &v->v;
}

void fake_wake(struct fake *f, struct fake_vcpu *v)
{
    v->wake_at = SOP_TIME_NEVER;
    if (v->v.runnable) {
        return;
    }
    v->v.runnable = true;
    if (running_on(&v->v) == NULL) {
        v->woken = f->now;
        ask(f, f->pool.ops->wake(&f->pool, &v->v, f->now));
        checked(f);
    }
}

void fake_sleep(struct fake *f, struct fake_vcpu *v)
{
    struct fake_pcpu *p = running_on(&v->v);

    if (!v->v.runnable) {
        return;
    }
    v->v.runnable = false;
    if (p != NULL) {
        p->asked = true;
    } else {
        f->pool.ops->sleep(&f->pool, &v->v, f->now);
        checked(f);
    }
}

void fake_up(struct fake *f, struct fake_vcpu *v, bool up)
{
    if (v->v.up == up) {
        return;
    }
    v->v.up = up;
    ask(f, policy_up(&f->pool, &v->v, f->now));
    if (up) {
        fake_wake(f, v);
    } else {
        fake_sleep(f, v);
    }
    checked(f);
}

void fake_yield(struct fake *f, unsigned i)
{
    struct policy_pcpu *p = &f->pcpu[i].p;

    if (p->curr != NULL) {
        f->pool.ops->yield(&f->pool, p->curr);
        f->pcpu[i].asked = true;
    }
}

void fake_affinity(struct fake *f, struct fake_vcpu *v, sop_cpumask_t hard,
                   sop_cpumask_t soft)
{
    struct fake_pcpu *p = running_on(&v->v);

    if (v->v.hard == hard && v->v.soft == soft) {
        return;
    }
    v->v.hard = hard;
    v->v.soft = soft;
    if (p != NULL) {
        p->asked = true;
    } else if (v->v.runnable) {
        ask(f, f->pool.ops->affinity(&f->pool, &v->v, f->now));
        checked(f);
    }
}

void fake_vcpu_gone(struct fake *f, struct fake_vcpu *v)
{
    fake_sleep(f, v);
    if (running_on(&v->v) != NULL) {
        fake_pick(f, v->v.on->index);
    }
    if (v->v.on != NULL) {
        save(f, container_of(v->v.on, struct fake_pcpu, p));
    }
    f->pool.ops->remove(&f->pool, &v->v);
    v->present = false;
    v->wake_at = SOP_TIME_NEVER;
    checked(f);
}

void fake_charge_all(struct fake *f)
{
    unsigned i;

    for (i = 0; i < f->nr_pcpus; i++) {
        if (f->pcpu[i].p.curr != NULL) {
            f->pool.ops->charge(&f->pool, &f->pcpu[i].p, f->now);
        }
    }
}

/* ---- choosing ---- */

/* Whatever ran here has run until now. */
static void account(struct fake *f, struct fake_pcpu *p)
{
    struct fake_vcpu *v;
    uint64_t ran = f->now - p->since;

    p->since = f->now;
    if (p->p.curr == NULL) {
        return;
    }
    v = fake_of(p->p.curr);
    v->ran += ran;
    if (v->left != FAKE_HOG) {
        v->left = v->left > ran ? v->left - ran : 0;
    }
}

static void switch_to(struct fake *f, struct fake_pcpu *p,
                      struct policy_vcpu *next)
{
    struct policy_vcpu *prev = p->p.curr;
    struct fake_vcpu *v;

    p->p.curr = next;
    if (next == prev) {
        return;
    }
    if (prev != NULL) {
        /* Its registers are here until later; of one only at a time. */
        save(f, p);
        p->saving = prev;
    }
    if (next == NULL) {
        return;
    }
    if (p->saving == next) {
        p->saving = NULL; /* it came back before it was saved */
    }
    next->on = &p->p;
    next->last = &p->p;
    v = fake_of(next);
    v->switches++;
    if (v->woken != SOP_TIME_NEVER) {
        v->latency_max = max_u64(v->latency_max, f->now - v->woken);
        v->woken = SOP_TIME_NEVER;
    }
}

void fake_pick(struct fake *f, unsigned i)
{
    struct fake_pcpu *p = &f->pcpu[i];
    struct policy_choice choice;
    struct policy_vcpu *v;

    /* A switch is over before the next one: the core keeps its lock order. */
    save(f, p);
    account(f, p);
    p->asked = false;
    if (p->p.curr != NULL) {
        f->pool.ops->charge(&f->pool, &p->p, f->now);
    }
    choice = f->pool.ops->pick(&f->pool, &p->p, f->now);
    f->picks++;
    v = choice.vcpu;
    if (v != NULL) {
        require(v->runnable, "chose a vCPU that is not runnable");
        require(fake_of(v)->present, "chose a vCPU of nobody");
        require((v->hard & bits_one(i)) != 0, "chose what may not run here");
        require(v->on == NULL || v->on == &p->p, "chose what is elsewhere");
    }
    switch_to(f, p, v);
    p->until = max_u64(choice.until, f->now + 1);
    ask(f, choice.kick);
    checked(f);
    if (!f->slow_saves) {
        save(f, p);
    }
}

void fake_settle(struct fake *f)
{
    unsigned i, rounds = 0;
    bool again = true;

    while (again) {
        again = false;
        require(++rounds < 10000, "never comes to rest");
        for (i = 0; i < f->nr_pcpus; i++) {
            if (f->pcpu[i].asked) {
                f->pcpu[i].asked = false;
                if (f->pool.pcpu[i] != NULL) {
                    fake_pick(f, i);
                }
                again = true;
            }
        }
        for (i = 0; i < f->nr_pcpus && f->slow_saves && !again; i++) {
            again = f->pcpu[i].saving != NULL;
            save(f, &f->pcpu[i]);
        }
    }
}

/* ---- time ---- */

uint64_t fake_ran(const struct fake *f, const struct fake_vcpu *v)
{
    const struct fake_pcpu *p;

    if (!fake_is_running(v)) {
        return v->ran;
    }
    p = &f->pcpu[v->v.on->index];
    return v->ran + (f->now - p->since);
}

/* When something happens next. */
static uint64_t next_event(const struct fake *f)
{
    uint64_t at = SOP_TIME_NEVER;
    unsigned i;

    for (i = 0; i < f->nr_pcpus; i++) {
        const struct fake_pcpu *p = &f->pcpu[i];

        if (f->pool.pcpu[i] != NULL) {
            at = min_u64(at, p->until);
        }
        if (p->p.curr != NULL) {
            const struct fake_vcpu *v = fake_of(p->p.curr);

            if (v->left != FAKE_HOG) {
                at = min_u64(at, p->since + v->left);
            }
        }
    }
    for (i = 0; i < f->nr_vcpus; i++) {
        at = min_u64(at, f->vcpu[i].wake_at);
    }
    return at;
}

static void end_burst(struct fake *f, struct fake_vcpu *v)
{
    v->left = v->burst;
    v->wake_at = f->now + v->pause;
    fake_sleep(f, v);
}

static void happen(struct fake *f)
{
    unsigned i;

    for (i = 0; i < f->nr_pcpus; i++) {
        struct fake_pcpu *p = &f->pcpu[i];

        account(f, p);
        if (p->p.curr != NULL && fake_of(p->p.curr)->left == 0) {
            end_burst(f, fake_of(p->p.curr));
        }
        if (f->pool.pcpu[i] != NULL && p->until <= f->now) {
            p->until = SOP_TIME_NEVER;
            p->asked = true;
        }
    }
    for (i = 0; i < f->nr_vcpus; i++) {
        if (f->vcpu[i].wake_at <= f->now) {
            fake_wake(f, &f->vcpu[i]);
        }
    }
}

void fake_run(struct fake *f, uint64_t ns)
{
    uint64_t end = f->now + ns;

    fake_settle(f);
    while (f->now < end) {
        f->now = min_u64(end, max_u64(next_event(f), f->now));
        happen(f);
        fake_settle(f);
    }
}

void fake_work(struct fake *f, struct fake_vcpu *v, uint64_t burst,
               uint64_t pause)
{
    v->burst = burst;
    v->left = burst;
    v->pause = pause;
    fake_wake(f, v);
}

/* ---- anything at all ---- */

static uint64_t below(struct fake *f, uint64_t n)
{
    return prng_next(&f->prng) % n;
}

static void random_affinity(struct fake *f, struct fake_vcpu *v)
{
    sop_cpumask_t hard = f->pool.online & prng_next(&f->prng);
    sop_cpumask_t soft;

    if (below(f, 3) == 0 || hard == 0) {
        hard = f->pool.online;
    }
    soft = hard & prng_next(&f->prng);
    fake_affinity(f, v, hard, soft != 0 ? soft : hard);
}

static void random_hotplug(struct fake *f)
{
    unsigned i = (unsigned)below(f, f->nr_pcpus);

    if (f->pool.pcpu[i] == NULL) {
        fake_pcpu_add(f, i);
    } else if ((f->pool.online & ~bits_one(i)) != 0) {
        fake_pcpu_remove(f, i);
    }
}

static void random_leave(struct fake *f, struct fake_vcpu *v)
{
    if (v->present) {
        fake_vcpu_gone(f, v);
    } else {
        v->v.hard = f->pool.online;
        v->v.soft = f->pool.online;
        enter(f, v);
    }
    fake_ask_all(f);
}

static void random_step(struct fake *f)
{
    struct fake_vcpu *v = &f->vcpu[below(f, f->nr_vcpus)];
    unsigned what = (unsigned)below(f, 100), p;

    if (what >= 96) {
        random_leave(f, v);
    } else if (what >= 94) {
        random_hotplug(f);
    } else if (!v->present) {
        return;
    } else if (what < 30) {
        if (v->v.up) {
            fake_wake(f, v);
        }
    } else if (what < 50) {
        fake_sleep(f, v);
    } else if (what < 55) {
        fake_up(f, v, !v->v.up);
    } else if (what < 62) {
        random_affinity(f, v);
    } else if (what < 70) {
        fake_yield(f, (unsigned)below(f, f->nr_pcpus));
    } else {
        p = (unsigned)below(f, f->nr_pcpus);
        if (f->pool.pcpu[p] != NULL) {
            fake_pick(f, p); /* spurious, or late, or early */
        }
    }
}

void fake_storm(struct fake *f, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        f->slow_saves = below(f, 4) != 0;
        random_step(f);
        if (below(f, 4) == 0) {
            fake_run(f,
                     below(f, 3) == 0 ? below(f, 20000000) : below(f, 300000));
        }
    }
    f->slow_saves = false;
    fake_settle(f);
}
