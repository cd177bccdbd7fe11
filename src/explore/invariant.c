/* SPDX-License-Identifier: MIT */
/* See invariant.h. */
#include "invariant.h"

#include <stdint.h>
#include <string.h>

#include <xen/domctl.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#include "../lib/bitmap.h"
#include "explore_world.h"

bool ex_own_checks = true;

#define INTERVALS_MAX 200000u

static struct ex_interval interval[INTERVALS_MAX];
static unsigned nr_intervals;

void invariant_reset(void)
{
    nr_intervals = 0;
}

const struct ex_interval *invariant_intervals(unsigned *count)
{
    *count = nr_intervals;
    return interval;
}

static const char *name(const struct ex_vcpu *x)
{
    static char text[4][16];
    static unsigned n;

    n = (n + 1) % 4;
    (void)snprintf(text[n], sizeof(text[n]), "%u.%u", x->d->id, x->id);
    return text[n];
}

/* ---- what the port sees ---- */

static void note_interval(const struct ex_vcpu *x, unsigned pcpu)
{
    struct ex_interval *last;

    if (x->since == ex_world.now) {
        return;
    }
    last = nr_intervals != 0 ? &interval[nr_intervals - 1] : NULL;
    if (last != NULL && last->to == x->since && last->pcpu == pcpu &&
        last->domain == x->d->id && last->vcpu == x->id) {
        last->to = ex_world.now;
    } else if (nr_intervals < INTERVALS_MAX) {
        interval[nr_intervals++] =
            (struct ex_interval){.domain = (uint8_t)x->d->id,
                                 .vcpu = (uint8_t)x->id,
                                 .pcpu = (uint8_t)pcpu,
                                 .from = x->since,
                                 .to = ex_world.now};
    }
}

void invariant_switch(struct ex_pcpu *c, struct sop_vcpu *prev,
                      struct sop_vcpu *next)
{
    struct ex_vcpu *x;

    if (c->loaded != prev) {
        ex_fail("states", "pCPU %u switches from what it has not loaded",
                c->index);
    }
    if (prev != NULL) {
        x = sop_vcpu_port(prev);
        x->ran_ns += ex_world.now - x->since;
        note_interval(x, c->index);
        x->on = -1;
        x->since = ex_world.now;
    }
    c->loaded = next;
    if (next != NULL) {
        x = sop_vcpu_port(next);
        if (x->on >= 0) {
            ex_fail("states", "vCPU %s is loaded on pCPU %u and on pCPU %d",
                    name(x), c->index, x->on);
        }
        x->on = (int)c->index;
        x->since = ex_world.now;
        x->ready_at = 0;
    }
}

void invariant_entry(struct ex_pcpu *c, struct sop_vcpu *v)
{
    if (c->loaded != v) {
        ex_fail("states", "pCPU %u enters what it has not loaded", c->index);
        return;
    }
    c->guest->sleep = EX_AWAKE;
}

/* ---- the model: who may run ---- */

/* A time is over: also for timers that are late, if `surely`. */
static bool is_over(uint64_t at, bool surely)
{
    return at != 0 && at + (surely ? ex_scenario->late : 0) <= ex_world.now;
}

/* What it sleeps for has come. */
static bool is_due(const struct ex_vcpu *x, bool surely)
{
    unsigned i;

    if (x->sleep == EX_BLOCKED) {
        return *ex_upcall_byte(x) != 0;
    }
    for (i = 0; i < x->nr_poll; i++) {
        if (ex_port_pending(x->d, x->poll_port[i])) {
            return true;
        }
    }
    return is_over(x->poll_until, surely);
}

static bool dog_has_bitten(const struct ex_domain *d)
{
    unsigned i;

    for (i = 0; i < SOP_WATCHDOGS; i++) {
        if (d->claimed[i] && d->dog[i] <= ex_world.now) {
            return true;
        }
    }
    return false;
}

const char *invariant_held(const struct ex_vcpu *x)
{
    if (x->down) {
        return "it is down";
    }
    if (x->d->pauses != 0) {
        return "its domain is paused";
    }
    if (x->d->shut || dog_has_bitten(x->d)) {
        return "its domain is shut down";
    }
    if (x->d->moving) {
        return "its domain is on its way to another pool";
    }
    return x->d->dying ? "its domain is being destroyed" : NULL;
}

static sop_cpumask_t allowed(const struct ex_vcpu *x)
{
    sop_cpumask_t mask = ex_pool_mask(x->d);

    if (x->pin >= 0) {
        return mask & bits_one((unsigned)x->pin);
    }
    return mask & x->hard;
}

/* ---- checks at rest, one vCPU ---- */

static void check_wakeup(const struct ex_vcpu *x, int state)
{
    if (x->sleep != EX_AWAKE && x->on < 0 && state == RUNSTATE_blocked &&
        is_due(x, true)) {
        ex_fail("lost-wakeup", "vCPU %s sleeps in %s though %s", name(x),
                x->sleep == EX_BLOCKED ? "block" : "poll",
                x->sleep == EX_BLOCKED         ? "an event is pending for it"
                : is_over(x->poll_until, true) ? "its time is over"
                                               : "its port is pending");
    }
    if (is_over(x->timer_at, true) && x->timer_port != 0 &&
        !ex_port_pending(x->d, x->timer_port)) {
        ex_fail("lost-wakeup", "the timer of vCPU %s never fired", name(x));
    }
}

static void check_state(const struct ex_vcpu *x, int state)
{
    static const char *const names[] = {"running", "runnable", "blocked",
                                        "offline"};
    const char *held = invariant_held(x);
    int want = held != NULL ? RUNSTATE_offline : RUNSTATE_runnable;

    if (x->on >= 0) {
        want = RUNSTATE_running;
        if (held != NULL || (x->sleep != EX_AWAKE && !is_due(x, false))) {
            ex_fail("states", "vCPU %s runs though %s", name(x),
                    held != NULL ? held : "it sleeps");
        }
    } else if (x->sleep != EX_AWAKE) {
        /* Woken and not yet run, or asleep: both may be. */
        want = state == RUNSTATE_blocked ? RUNSTATE_blocked : want;
    }
    if (state != want) {
        ex_fail("states", "vCPU %s is %s, and should be %s", name(x),
                names[state & 3], names[want]);
    }
}

uint64_t ex_ran(const struct ex_vcpu *x)
{
    return x->ran_ns + (x->on >= 0 ? ex_world.now - x->since : 0);
}

static void check_times(const struct ex_vcpu *x,
                        const struct vcpu_runstate_info *r)
{
    uint64_t sum = r->time[0] + r->time[1] + r->time[2] + r->time[3];
    uint64_t ran = ex_ran(x);
    uint64_t off = ran > r->time[0] ? ran - r->time[0] : r->time[0] - ran;

    if (sum != ex_world.now - x->born) {
        ex_fail("times",
                "the times of vCPU %s sum to %llu ns, it is %llu ns old",
                name(x), (unsigned long long)sum,
                (unsigned long long)(ex_world.now - x->born));
    }
    if (off > ex_world.drift_ns) {
        ex_fail("times", "vCPU %s ran %llu ns, its runstate says %llu ns",
                name(x), (unsigned long long)ran,
                (unsigned long long)r->time[0]);
    }
}

static void check_place(struct ex_vcpu *x, int state)
{
    sop_cpumask_t mask = allowed(x);
    unsigned i;

    if (x->on >= 0) {
        x->ready_at = 0;
        if ((mask & bits_one((unsigned)x->on)) == 0) {
            ex_fail("placement", "vCPU %s runs on pCPU %d and may not", name(x),
                    x->on);
        }
        return;
    }
    if (state != RUNSTATE_runnable || mask == 0) {
        x->ready_at = 0;
        return;
    }
    if (x->ready_at == 0) {
        x->ready_at = ex_world.now;
    }
    for (i = 0; i < ex_scenario->nr_pcpus; i++) {
        const struct ex_pcpu *c = &ex_world.pcpu[i];

        if ((mask & bits_one(i)) != 0 && c->loaded == NULL &&
            ex_must_not_wait(x, c)) {
            ex_fail("idle", "vCPU %s waits while pCPU %u idles", name(x), i);
        }
    }
    if (ex_world.now - x->ready_at > ex_wait_bound(x)) {
        ex_fail("starvation", "vCPU %s has waited for %llu us", name(x),
                (unsigned long long)(ex_world.now - x->ready_at) / 1000);
    }
}

static void check_vcpu(struct ex_vcpu *x)
{
    struct vcpu_runstate_info r;

    sop_vcpu_runstate(x->v, ex_world.now, &r);
    check_wakeup(x, r.state);
    check_state(x, r.state);
    check_times(x, &r);
    check_place(x, r.state);
}

/* ---- checks at rest ---- */

/*
 * Where a watchdog was poked as it bit, or clocks differ, whether it bit, and
 * before what else, is for the core to say.
 */
static bool dog_is_unsure(const struct ex_domain *d)
{
    bool claimed = d->unsure;
    unsigned i;

    for (i = 0; i < SOP_WATCHDOGS; i++) {
        claimed |= d->claimed[i];
    }
    return claimed &&
           (d->unsure || ex_world.drift_ns != 0 || ex_scenario->late != 0);
}

static void check_shutdown(struct ex_domain *d)
{
    struct sop_domain_info info;
    bool want = d->shut || dog_has_bitten(d), shut;
    int code;
    unsigned i;

    sop_domain_info(d->d, ex_world.now, &info);
    shut = (info.flags & XEN_DOMINF_shutdown) != 0;
    code =
        (int)(info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask);
    if (dog_is_unsure(d) && shut && code == SHUTDOWN_watchdog) {
        d->code = code;
        want = shut;
    } else if (dog_is_unsure(d) && !d->shut) {
        want = shut;
    }
    if (shut != want) {
        ex_fail("watchdog", "domain %u is%s shut down, and should%s be", d->id,
                shut ? "" : " not", shut ? " not" : "");
    }
    if (shut && d->code >= 0 && code != d->code) {
        ex_fail("watchdog", "domain %u ended with code %d, not %d", d->id, code,
                d->code);
    }
    d->shut = shut;
    d->unsure = false;
    for (i = 0; i < SOP_WATCHDOGS; i++) {
        if (d->claimed[i] && d->dog[i] <= ex_world.now) {
            d->dog[i] = SOP_TIME_NEVER; /* once */
        }
    }
}

static void check_domain(struct ex_domain *d)
{
    unsigned i;

    check_shutdown(d);
    for (i = 0; i < d->spec->nr_vcpus; i++) {
        check_vcpu(&d->vcpu[i]);
    }
    ex_check_limits(d);
}

static void check_pcpus(void)
{
    unsigned i;

    for (i = 0; i < ex_scenario->nr_pcpus; i++) {
        const struct ex_pcpu *c = &ex_world.pcpu[i];

        if (*sop_pcpu_work(c->p) != 0) {
            ex_fail("lost-kick", "pCPU %u has to choose and nobody told it", i);
        }
    }
}

static void check_core(void *context)
{
    (void)context;
    sop_check(ex_sys, ex_world.now);
}

static void check_rest(void)
{
    unsigned i;

    check_pcpus();
    for (i = 0; i < EX_DOMAINS; i++) {
        if (ex_world.domain[i].d != NULL && !ex_world.domain[i].dying) {
            check_domain(&ex_world.domain[i]);
        }
    }
    if (ex_own_checks) {
        (void)ex_protect(check_core, NULL);
    }
}

/* Time that passes while pCPUs are at work makes their clocks differ. */
void invariant_time(uint64_t ns, bool rested)
{
    ex_world.drift_ns += rested ? 0 : ns;
}

void invariant_step(void)
{
    if (!ex_failure.is && !ex_world.setting_up && ex_at_rest()) {
        check_rest();
    }
}

/* Some policies have vCPUs that get no pCPU. */
static bool may_wait_for_ever(const struct ex_vcpu *x)
{
    return x->ready_at != 0 && !ex_must_not_wait(x, NULL);
}

void invariant_end(bool finished)
{
    unsigned i, n;

    for (i = 0; i < EX_DOMAINS && !ex_failure.is; i++) {
        const struct ex_domain *d = &ex_world.domain[i];

        for (n = 0; d->d != NULL && n < d->spec->nr_vcpus; n++) {
            const struct ex_vcpu *x = &d->vcpu[n];

            if (x->on >= 0) {
                struct ex_vcpu *w = &ex_world.domain[i].vcpu[n];

                note_interval(x, (unsigned)x->on);
                w->ran_ns += ex_world.now - x->since;
                w->since = ex_world.now;
            }
            if (finished && !ex_world.strike.struck &&
                x->pc < d->spec->script[n].nr && invariant_held(x) == NULL &&
                !may_wait_for_ever(x)) {
                ex_fail("finish", "vCPU %s is left at line %u", name(x),
                        d->spec->script[n].op[x->pc].line);
            }
        }
    }
    for (i = 0; i < ex_scenario->nr_expects && !ex_failure.is; i++) {
        ex_scenario->expect[i].kind->check(&ex_scenario->expect[i]);
    }
}
