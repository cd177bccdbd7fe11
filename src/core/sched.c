/* SPDX-License-Identifier: MIT */
/*
 * Who may run, and the switch to who does.
 *
 * A vCPU is runnable when nothing holds it (spec 2.1). pol.runnable repeats
 * that for the policy and changes only here, so every change of a hold is
 * followed by vcpu_wake() or vcpu_sleep(). A vCPU that is current on a pCPU
 * is never queued: that pCPU is asked to choose again instead.
 *
 * The switch drops the lock while registers are moved. Meanwhile the old vCPU
 * may be woken and queued, but pol.on keeps every pCPU from picking it until
 * the switch has finished.
 */
#include "private.h"

static struct sop_vcpu *vcpu_of(struct policy_vcpu *v)
{
    return v != NULL ? container_of(v, struct sop_vcpu, pol) : NULL;
}

static struct policy_pool *pool_of(const struct sop_vcpu *v)
{
    return &v->domain->pool->pol;
}

/* ---- holds ---- */

/* Spec 2.1: no hold, and neither it nor its domain paused. */
bool vcpu_is_runnable(const struct sop_vcpu *v)
{
    const struct sop_domain *d = v->domain;

    return v->holds == 0 && v->pause_count == 0 && d->controller_pause == 0 &&
           d->dying == DOMAIN_ALIVE;
}

/* The flag goes before the kick: the entry that it causes must see it. */
void sched_request(struct sop_pcpu *self, struct sop_pcpu *p)
{
    (void)__atomic_fetch_or(&p->work, PCPU_RESCHEDULE, __ATOMIC_SEQ_CST);
    if (p != self) {
        port_kick(p);
        trace_pcpu(self, SOP_TRACE_EV_KICK, p->pol.index, 0);
    }
}

void sched_request_some(struct sop_pcpu *self, struct sop_system *sys,
                        sop_cpumask_t mask)
{
    for (; mask != 0; mask &= mask - 1) {
        ASSERT(bits_lowest(mask) < sys->cfg.nr_pcpus);
        sched_request(self, &sys->pcpu[bits_lowest(mask)]);
    }
}

void vcpu_wake(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    struct policy_pool *pool = pool_of(v);

    if (!vcpu_is_runnable(v)) {
        /* Woken, but held by something else (spec 2.3). */
        if ((v->holds & VCPU_HOLD_BLOCKED) == 0 &&
            v->runstate.state == RUNSTATE_blocked) {
            runstate_change(self, v, RUNSTATE_offline, now);
        }
        return;
    }
    if (v->pol.runnable) {
        return;
    }
    v->pol.runnable = true;
    if (trace_wanted(v->domain->sys, SOP_TRACE_WAKEUP)) {
        trace_emit_wake(self, v);
    }
    if (v->running != NULL) {
        return; /* stopped and started again before its pCPU noticed */
    }
    runstate_change(self, v, RUNSTATE_runnable, now);
    sched_kick_mask(self, v->domain->sys, pool->ops->wake(pool, &v->pol, now));
}

/*
 * A vCPU that runs goes on until its pCPU comes by here: pausing does not wait
 * for it (spec 7.1). One that is queued is offline from now on.
 */
void vcpu_sleep(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    struct policy_pool *pool = pool_of(v);

    ASSERT(!vcpu_is_runnable(v));
    if (!v->pol.runnable) {
        return;
    }
    v->pol.runnable = false;
    if (v->running != NULL) {
        sched_request(self, v->running);
        return;
    }
    ASSERT(v->runstate.state == RUNSTATE_runnable);
    runstate_change(self, v, RUNSTATE_offline, now);
    pool->ops->sleep(pool, &v->pol, now);
}

void sched_up_changed(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    struct policy_pool *pool = pool_of(v);

    v->pol.up = (v->holds & VCPU_HOLD_DOWN) == 0;
    sched_kick_mask(self, v->domain->sys, policy_up(pool, &v->pol, now));
}

void vcpu_set_blocked(struct sop_vcpu *v)
{
    ASSERT(v->running != NULL);
    v->holds |= VCPU_HOLD_BLOCKED;
    /* Before any test for events: senders do it the other way round. */
    atomic_fence();
}

/*
 * Leaving the polling set, forgetting the port and clearing the hold are one
 * step under the lock: no second waker can come between (spec 3.4).
 */
void vcpu_unblock(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    if ((v->holds & VCPU_HOLD_BLOCKED) == 0) {
        ASSERT(v->poll_port == POLL_NONE);
        return;
    }
    poll_leave(v);
    v->holds &= ~VCPU_HOLD_BLOCKED;
    vcpu_wake(self, v, now);
}

void vcpu_kick(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    vcpu_unblock(self, v, now);
    if (v->running != NULL && v->running != self) {
        port_kick(v->running);
        trace_pcpu(self, SOP_TRACE_EV_KICK, v->running->pol.index, 0);
    }
}

void vcpu_pause(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    ASSERT(v->pause_count < UINT32_MAX);
    v->pause_count++;
    vcpu_sleep(self, v, now);
}

void vcpu_unpause(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    BUG_ON(v->pause_count == 0);
    v->pause_count--;
    vcpu_wake(self, v, now);
}

/*
 * For PV the two bytes alone decide: port bits are not consulted, and a byte
 * the guest set itself counts (fact 27).
 */
bool vcpu_deliverable(const struct sop_vcpu *v)
{
    if (v->domain->kind == SOP_GUEST_HVM) {
        return port_deliverable(v);
    }
    return atomic_load_u8(&v->info[0]) != 0 && atomic_load_u8(&v->info[1]) == 0;
}

/* ---- affinity ---- */

void sched_affinity_changed(struct sop_pcpu *self, struct sop_vcpu *v,
                            uint64_t now)
{
    struct policy_pool *pool = pool_of(v);
    sop_cpumask_t hard = v->hard & v->domain->pool->cpus;
    sop_cpumask_t soft;

    if (unlikely(hard == 0 && v->pinned)) {
        hard = v->hard & pool->online; /* its pCPU cannot leave yet */
    }
    soft = v->soft & hard;
    if (hard == v->pol.hard && (soft == 0 ? hard : soft) == v->pol.soft) {
        return;
    }
    v->pol.hard = hard;
    /* An empty effective soft mask is ignored (spec 6.1). */
    v->pol.soft = soft == 0 ? hard : soft;
    trace_vcpu(self, v, SOP_TRACE_EV_AFFINITY, v->pol.hard, v->pol.soft);
    if (v->running != NULL) {
        sched_request(self, v->running);
    } else if (v->pol.runnable) {
        sched_kick_mask(self, v->domain->sys,
                        pool->ops->affinity(pool, &v->pol, now));
    }
}

/* ---- the switch ---- */

/*
 * Most slices end long before their time, in a block or a yield. So a timer
 * that is set already is left as it is when the next slice ends later, and
 * looks at the clock when it fires.
 */
static void slice_set(struct sop_pcpu *self, uint64_t end)
{
    self->slice_end = end;
    if (end < SOP_TIME_NEVER &&
        (!timer_is_set(&self->slice) || end < self->slice.node.key)) {
        timer_set(self, &self->slice, end);
    }
}

/* Whoever runs has had its time: the policy is asked again. */
void sched_slice_fire(struct sop_pcpu *self, struct timer *t, uint64_t now)
{
    (void)t;
    if (now >= self->slice_end) {
        sched_request(self, self);
    } else {
        slice_set(self, self->slice_end);
    }
}

/* Blocked wins over runnable, and that over offline (spec 2.3). */
static void switch_out(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    int state = RUNSTATE_offline;

    if ((v->holds & VCPU_HOLD_BLOCKED) != 0) {
        state = RUNSTATE_blocked;
    } else if (v->pol.runnable) {
        state = RUNSTATE_runnable;
    }
    runstate_change(self, v, state, now);
    v->running = NULL;
    if (unlikely(timer_is_set(&v->periodic))) {
        vtime_switched_out(v);
    }
}

/* From here on the vCPU belongs to this pCPU. */
static void switch_in(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    /* Registers that are still on another pCPU must not be loaded here. */
    BUG_ON(v->pol.on != NULL && v->pol.on != &self->pol);
    ASSERT(v->pol.runnable);
    ASSERT((v->pol.hard & bits_one(self->pol.index)) != 0);
    v->pol.on = &self->pol;
    if (v->pol.last != &self->pol) {
        if (v->pol.last != NULL) {
            trace_vcpu(self, v, SOP_TRACE_EV_MIGRATE, v->pol.last->index,
                       self->pol.index);
        }
        v->pol.last = &self->pol;
    }
    v->running = self;
    runstate_change(self, v, RUNSTATE_running, now);
    vtime_refresh_info(v);
}

/* What the policy has on file for who ran and for who runs now. */
static void trace_accounts(struct sop_pcpu *self, const struct sop_vcpu *next)
{
    const struct sop_vcpu *prev = vcpu_of(self->pol.curr);

    if (prev != NULL && prev != next) {
        trace_emit_account(self, prev);
    }
    if (next != NULL) {
        trace_emit_account(self, next);
    }
}

/* Lets the policy choose; returns the vCPU that now belongs on `self`. */
static struct sop_vcpu *sched_choose(struct sop_pcpu *self, uint64_t now)
{
    struct policy_pool *pool;
    struct policy_choice choice;

    if (unlikely(self->pool == NULL)) {
        return NULL; /* free or offline (cpupool.c) */
    }
    pool = &self->pool->pol;
    if (self->pol.curr != NULL) {
        pool->ops->charge(pool, &self->pol, now);
    }
    choice = pool->ops->pick(pool, &self->pol, now);
    if (trace_wanted(self->sys, SOP_TRACE_POLICY)) {
        trace_accounts(self, vcpu_of(choice.vcpu));
    }
    self->pol.curr = choice.vcpu;
    slice_set(self, max_u64(choice.until, now + 1));
    sched_kick_mask(self, self->sys, choice.kick);
    return vcpu_of(choice.vcpu);
}

/* The registers of `v` are in memory: whoever wants it may have it. */
static void sched_saved(struct sop_pcpu *self, struct sop_vcpu *v)
{
    struct policy_pool *pool = pool_of(v);
    uint64_t now;

    core_lock(self->sys, self);
    now = self->sys->now;
    ASSERT(v->pol.on == &self->pol);
    v->pol.on = NULL;
    if (v->pol.runnable) {
        ASSERT(v->running == NULL);
        sched_kick_mask(self, self->sys, pool->ops->saved(pool, &v->pol, now));
    }
    core_unlock(self->sys);
}

/* Not inline: leaving for the guest is quick when there is nothing to do. */
static __attribute__((noinline, flatten)) void
sched_switch(struct sop_pcpu *self)
{
    struct runstate_copy out, in;
    struct sop_vcpu *prev, *next;
    uint64_t now = core_enter(self);

    (void)__atomic_fetch_and(&self->work, ~PCPU_RESCHEDULE, __ATOMIC_SEQ_CST);
    out.area = in.area = 0;
    prev = self->curr;
    next = sched_choose(self, now);
    if (prev == next) {
        if (trace_wanted(self->sys, SOP_TRACE_SCHED)) {
            trace_emit_switch(self, prev, next, self->slice_end);
        }
        core_leave(self);
        return;
    }
    __atomic_store_n(&self->curr, next, __ATOMIC_RELAXED);
    if (prev != NULL) {
        switch_out(self, prev, now);
        runstate_copy_take(prev, &out);
    }
    if (next != NULL) {
        switch_in(self, next, now);
        if (unlikely(next->period_ns != 0)) {
            vtime_switched_in(self, next, now);
        }
        runstate_copy_take(next, &in);
    }
    if (trace_wanted(self->sys, SOP_TRACE_SCHED)) {
        trace_emit_switch(self, prev, next, self->slice_end);
    }
    core_leave(self);

    if (unlikely(out.area != 0)) {
        runstate_copy_write(prev, &out);
    }
    port_context_switch(self, prev, next);
    if (prev != NULL) {
        sched_saved(self, prev);
    }
    if (next != NULL) {
        if (unlikely(in.area != 0)) {
            runstate_copy_write(next, &in);
        }
        vtime_write_area(next);
    }
}

/* The common case, nothing changed, is two loads: no lock and no clock. */
struct sop_vcpu *sop_exit_to_guest(struct sop_pcpu *self)
{
    for (;;) {
        if (unlikely(__atomic_load_n(&self->work, __ATOMIC_ACQUIRE) != 0)) {
            sched_switch(self);
        } else if (likely(self->curr != NULL)) {
            return self->curr;
        } else {
            port_idle(self);
        }
    }
}

struct sop_vcpu *sop_pcpu_choose(struct sop_pcpu *self)
{
    while (__atomic_load_n(&self->work, __ATOMIC_ACQUIRE) != 0) {
        sched_switch(self);
    }
    return self->curr;
}

const uint32_t *sop_pcpu_work(const struct sop_pcpu *p)
{
    return &p->work;
}

void sop_kicked(struct sop_pcpu *self)
{
    /* The work itself is in self->work, or in what the guest entry looks
       at; the interrupt only had to get us out of the guest. */
    (void)self;
}

struct sop_vcpu *sop_pcpu_current(const struct sop_pcpu *self)
{
    return __atomic_load_n(&self->curr, __ATOMIC_RELAXED);
}

void sop_vcpu_kick(struct sop_pcpu *self, struct sop_vcpu *v)
{
    uint64_t now = core_enter(self);

    vcpu_kick(self, v, now);
    core_leave(self);
}
