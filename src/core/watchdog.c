/* SPDX-License-Identifier: MIT */
/*
 * The two watchdogs of a domain (spec 3.7). A slot stays claimed until its
 * owner releases it: expiry, shutdown and resume do not.
 */
#include "private.h"

#define NS_PER_SECOND 1000000000u

static void watchdog_expire(struct sop_pcpu *self, struct sop_domain *d,
                            uint64_t now)
{
    if (d->shutting_down || d->dying != DOMAIN_ALIVE) {
        return; /* swallowed, and stays so after a resume */
    }
    log_note(self, SOP_LOG_WARNING, "Watchdog timer fired for domain %u",
             d->id);
    domain_shutdown(self, d, SHUTDOWN_watchdog, now);
}

static void watchdog_fire(struct sop_pcpu *self, struct timer *t, uint64_t now)
{
    struct watchdog *w = container_of(t, struct watchdog, timer);

    ASSERT(w->claimed);
    watchdog_expire(self, w->domain, now);
}

static void watchdog_arm(struct sop_pcpu *self, struct watchdog *w,
                         uint32_t seconds, uint64_t now)
{
    ASSERT(w->claimed);
    if (seconds == 0) {
        /* Only a new claim gets here with 0: it expires before it returns. */
        watchdog_expire(self, w->domain, now);
        return;
    }
    timer_set(self, &w->timer, now + (uint64_t)seconds * NS_PER_SECOND);
}

/* The lowest free slot; its number is the result (fact 90). */
static int64_t watchdog_claim(struct sop_pcpu *self, struct sop_domain *d,
                              uint32_t seconds, uint64_t now)
{
    unsigned i;

    for (i = 0; i < SOP_WATCHDOGS; i++) {
        if (!d->watchdog[i].claimed) {
            d->watchdog[i].claimed = true;
            watchdog_arm(self, &d->watchdog[i], seconds, now);
            return i + 1;
        }
    }
    return -XEN_ENOSPC; /* sign-extended, unlike Xen's: allowed (3.10) */
}

/* The id is judged before anything else, whatever the timeout (fact 88). */
int64_t watchdog_command(struct sop_pcpu *self, struct sop_domain *d,
                         const struct sched_watchdog *op, uint64_t now)
{
    struct watchdog *w;

    if (op->id > SOP_WATCHDOGS) {
        return -XEN_EINVAL;
    }
    if (op->id == 0) {
        return watchdog_claim(self, d, op->timeout, now);
    }
    w = &d->watchdog[op->id - 1];
    if (!w->claimed) {
        return -XEN_EINVAL;
    }
    if (op->timeout == 0) {
        timer_cancel(&w->timer);
        w->claimed = false;
        return 0;
    }
    watchdog_arm(self, w, op->timeout, now);
    return 0;
}

void watchdog_init(struct sop_domain *d)
{
    unsigned i;

    for (i = 0; i < SOP_WATCHDOGS; i++) {
        d->watchdog[i].domain = d;
        d->watchdog[i].claimed = false;
        timer_init(&d->watchdog[i].timer, watchdog_fire,
                   SOP_TRACE_TIMER_WATCHDOG);
    }
}

void watchdog_cancel(struct sop_domain *d)
{
    unsigned i;

    for (i = 0; i < SOP_WATCHDOGS; i++) {
        timer_cancel(&d->watchdog[i].timer);
        d->watchdog[i].claimed = false;
    }
}
