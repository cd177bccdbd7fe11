/* SPDX-License-Identifier: MIT */
/*
 * Trace records: the part that runs only while somebody traces. The tests
 * that come before it are inline, in private.h.
 *
 * A record has the time of the entry it belongs to, as the accounts of the
 * core have it, so that runstates in a trace add up to what guests see. An
 * entry that did not read the clock does so for its record. Records of one
 * pCPU never go back in time.
 */
#include "private.h"

#include "../lib/string.h"

_Static_assert(sizeof(struct sop_trace_rec) == 32, "the format of files");
_Static_assert(offsetof(struct sop_trace_rec, arg) == 16, "no padding");

/* ---- records ---- */

static struct sop_trace_rec record(enum sop_trace_event event, uint64_t a0,
                                   uint64_t a1)
{
    return (struct sop_trace_rec){
        .event = (uint16_t)event,
        .pcpu = SOP_TRACE_NONE,
        .domid = SOP_TRACE_NONE,
        .vcpu = SOP_TRACE_NONE,
        .arg = {a0, a1},
    };
}

static uint32_t name_of(const struct sop_vcpu *v)
{
    return v != NULL ? SOP_TRACE_VCPU(v->domain->id, v->id) : SOP_TRACE_NOBODY;
}

static void emit(struct sop_system *sys, struct sop_pcpu *self,
                 struct sop_trace_rec *rec, uint64_t now)
{
    rec->time_ns = now;
    if (self != NULL) {
        self->trace_last = max_u64(self->trace_last, now);
        rec->time_ns = self->trace_last;
        if (rec->pcpu == SOP_TRACE_NONE) {
            rec->pcpu = (uint16_t)self->pol.index;
        }
    }
    port_trace(self != NULL ? self : &sys->pcpu[0], rec);
}

void trace_emit_vcpu(struct sop_pcpu *self, const struct sop_vcpu *v,
                     enum sop_trace_event event, uint64_t a0, uint64_t a1)
{
    struct sop_trace_rec rec = record(event, a0, a1);

    rec.domid = v->domain->id;
    rec.vcpu = (uint16_t)v->id;
    emit(v->domain->sys, self, &rec, v->domain->sys->now);
}

/* Without the lock only the own pCPU's words may be looked at. */
void trace_emit_command(struct sop_pcpu *self, const struct sop_vcpu *v,
                        enum sop_trace_event event, uint64_t a0, uint64_t a1)
{
    struct sop_trace_rec rec = record(event, a0, a1);

    rec.domid = v->domain->id;
    rec.vcpu = (uint16_t)v->id;
    emit(self->sys, self, &rec, port_now(self));
}

void trace_emit_domain(struct sop_pcpu *self, const struct sop_domain *d,
                       enum sop_trace_event event, uint64_t a0, uint64_t a1)
{
    struct sop_trace_rec rec = record(event, a0, a1);

    rec.domid = d->id;
    emit(d->sys, self, &rec, d->sys->now);
}

void trace_emit_pcpu(struct sop_pcpu *self, enum sop_trace_event event,
                     uint64_t a0, uint64_t a1)
{
    struct sop_trace_rec rec = record(event, a0, a1);

    emit(self->sys, self, &rec, self->sys->now);
}

/* ---- who wakes whom ---- */

/* The vCPU on whose behalf `self` acts now, if any. */
static const struct sop_vcpu *actor(const struct sop_pcpu *self)
{
    if (self == NULL || self->trace_source != SOP_TRACE_BY_VCPU) {
        return NULL;
    }
    return self->curr;
}

void trace_emit_wake(struct sop_pcpu *self, const struct sop_vcpu *v)
{
    const struct sop_vcpu *by = actor(self);
    unsigned source = SOP_TRACE_BY_HOST;

    if (by != NULL) {
        source = SOP_TRACE_BY_VCPU;
    } else if (self != NULL && self->trace_source == SOP_TRACE_BY_TIMER) {
        source = SOP_TRACE_BY_TIMER;
    }
    trace_emit_vcpu(self, v, SOP_TRACE_EV_WAKE, name_of(by), source);
}

void trace_emit_pending(struct sop_pcpu *self, const struct sop_vcpu *v,
                        uint32_t port)
{
    trace_emit_vcpu(self, v, SOP_TRACE_EV_PENDING, port, name_of(actor(self)));
}

/* ---- timers ---- */

static const struct sop_vcpu *timer_owner(struct timer *t)
{
    switch (t->node.tag) {
    case SOP_TRACE_TIMER_SINGLE:
        return container_of(t, struct sop_vcpu, singleshot);
    case SOP_TRACE_TIMER_PERIODIC:
        return container_of(t, struct sop_vcpu, periodic);
    case SOP_TRACE_TIMER_POLL:
        return container_of(t, struct sop_vcpu, poll_timer);
    case SOP_TRACE_TIMER_PORT:
        return container_of(t, struct sop_vcpu, port_timer);
    default:
        return NULL;
    }
}

/* `self` NULL: it is the timer's pCPU, which need not be the calling one. */
void trace_emit_timer(struct sop_pcpu *self, struct timer *t,
                      enum sop_trace_event event, uint64_t deadline)
{
    struct sop_trace_rec rec = record(event, t->node.tag, deadline);
    const struct sop_vcpu *v = timer_owner(t);

    rec.pcpu = (uint16_t)t->home->pol.index;
    if (v != NULL) {
        rec.domid = v->domain->id;
        rec.vcpu = (uint16_t)v->id;
    } else if (t->node.tag == SOP_TRACE_TIMER_WATCHDOG) {
        rec.domid = container_of(t, struct watchdog, timer)->domain->id;
    }
    emit(t->home->sys, self, &rec, t->home->sys->now);
}

/* ---- the switch ---- */

void trace_emit_switch(struct sop_pcpu *self, const struct sop_vcpu *prev,
                       const struct sop_vcpu *next, uint64_t until)
{
    uint32_t idle = SOP_TRACE_VCPU(SOP_TRACE_IDLE, self->pol.index);
    struct sop_trace_rec rec =
        record(SOP_TRACE_EV_SWITCH, prev != NULL ? name_of(prev) : idle, until);

    rec.domid = next != NULL ? next->domain->id : SOP_TRACE_IDLE;
    rec.vcpu = (uint16_t)(next != NULL ? next->id : self->pol.index);
    emit(self->sys, self, &rec, self->sys->now);
}

void trace_emit_account(struct sop_pcpu *self, const struct sop_vcpu *v)
{
    const struct policy_pool *pool = &v->domain->pool->pol;
    struct policy_account account = {.deadline_ns = SOP_TIME_NEVER};

    if (pool->ops->account == NULL) {
        return;
    }
    pool->ops->account(pool, &v->pol, &account);
    trace_emit_vcpu(self, v, SOP_TRACE_EV_ACCOUNT, (uint64_t)account.left_ns,
                    account.deadline_ns);
}

/* ---- turning it on ---- */

static void found_pools(struct sop_pcpu *self)
{
    const struct sop_system *sys = self->sys;
    unsigned i;

    for (i = 0; i < sys->cfg.nr_pools; i++) {
        if (sys->pool[i].used) {
            trace_pcpu(self, SOP_TRACE_EV_POOL_CREATE, sys->pool[i].id,
                       sys->pool[i].pol.ops->id);
        }
    }
    for (i = 0; i < sys->cfg.nr_pcpus; i++) {
        if (sys->pcpu[i].pool != NULL) {
            trace_pcpu(self, SOP_TRACE_EV_PCPU_ADD, i, sys->pcpu[i].pool->id);
        }
    }
}

/* With the pCPU it runs on, which is seldom the calling one. */
static void found_vcpu(struct sop_pcpu *self, const struct sop_vcpu *v)
{
    uint64_t state = (uint64_t)v->runstate.state;
    struct sop_trace_rec rec = record(SOP_TRACE_EV_RUNSTATE, state, state);

    if (!trace_wanted(self->sys, SOP_TRACE_SCHED)) {
        return;
    }
    rec.domid = v->domain->id;
    rec.vcpu = (uint16_t)v->id;
    if (v->running != NULL) {
        rec.pcpu = (uint16_t)v->running->pol.index;
    }
    emit(self->sys, self, &rec, self->sys->now);
}

static void found_domains(struct sop_pcpu *self)
{
    const struct sop_system *sys = self->sys;
    unsigned i, n;

    for (i = 0; i < sys->cfg.nr_domains; i++) {
        const struct sop_domain *d = &sys->domain[i];

        if (!d->used || d->dying == DOMAIN_DEAD) {
            continue;
        }
        trace_domain(self, d, SOP_TRACE_EV_DOMAIN_CREATE, d->nr_vcpus,
                     d->pool->id);
        for (n = 0; n < d->nr_vcpus; n++) {
            found_vcpu(self, d->vcpu[n]);
        }
    }
}

void sop_trace_set(struct sop_pcpu *self, uint32_t classes)
{
    struct sop_system *sys = self->sys;

    (void)core_enter(self);
    atomic_poke_u32(&sys->trace, classes & SOP_TRACE_ALL);
    if ((classes & SOP_TRACE_ALL) != 0) {
        trace_emit_pcpu(self, SOP_TRACE_EV_BEGIN, classes & SOP_TRACE_ALL,
                        sys->cfg.nr_pcpus);
        found_pools(self);
        found_domains(self);
    }
    core_leave(self);
}

uint32_t sop_trace_get(const struct sop_system *sys)
{
    return atomic_peek_u32(&sys->trace);
}
