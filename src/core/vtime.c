/* SPDX-License-Identifier: MIT */
/*
 * Time as guests have it (spec 5): the record they read the clock from, the
 * one-shot timer behind its two interfaces, and the periodic tick.
 *
 * The record never changes: one time scale serves all vCPUs for ever. It is
 * only repaired where a guest has spoilt its own copy.
 */
#include "private.h"

#include "../lib/string.h"

#define PERIOD_MIN_NS 1000000u       /* 1 ms */
#define PV_FIRST_PERIOD_NS 10000000u /* a PV vCPU starts with this tick */
#define FAR_NS ((uint64_t)1 << 50)   /* set_timer_op: suspiciously late */
#define FAR_INSTEAD_NS 100000000u    /* ... so look again in 100 ms */
#define TIME_NEGATIVE ((uint64_t)1 << 63)

/* ---- the record ---- */

void vtime_record(const struct sop_config *cfg, struct vcpu_time_info *t)
{
    const struct sop_time_scale *scale = &cfg->time;

    memset(t, 0, sizeof(*t));
    t->version = 2;
    t->tsc_timestamp = scale->tsc_base;
    t->system_time = scale->ns_base;
    t->tsc_to_system_mul = scale->mul;
    t->tsc_shift = scale->shift;
    t->flags = XEN_PVCLOCK_TSC_STABLE_BIT;
}

#define RECORD_BODY offsetof(struct vcpu_time_info, tsc_timestamp)
#define RECORD_WORDS 3

_Static_assert(sizeof(struct vcpu_time_info) == RECORD_BODY + RECORD_WORDS * 8,
               "all but the version");

static ALWAYS_INLINE uint64_t word_at(const uint8_t *at)
{
    uint64_t word;

    __builtin_memcpy(&word, at, sizeof(word));
    return word;
}

/* At every switch, hence by words and without a call. */
static bool record_is_intact(const uint8_t *at,
                             const struct vcpu_time_info *record)
{
    const uint8_t *want = (const uint8_t *)record + RECORD_BODY;

    at += RECORD_BODY;
    return ((word_at(at) ^ word_at(want)) |
            (word_at(at + 8) ^ word_at(want + 8)) |
            (word_at(at + 16) ^ word_at(want + 16))) == 0;
}

/* An odd version tells readers that the rest is not consistent yet. */
void vtime_refresh_info(struct sop_vcpu *v)
{
    const struct vcpu_time_info *record = &v->domain->sys->time_record;
    uint8_t *at = v->info + offsetof(struct vcpu_info, time);
    uint32_t *version = (uint32_t *)(void *)at;
    uint32_t odd;

    if (likely(record_is_intact(at, record))) {
        return;
    }
    odd = (atomic_peek_u32(version) + 1) | 1u;
    atomic_poke_u32(version, odd);
    atomic_fence();
    memcpy(at + RECORD_BODY, (const uint8_t *)record + RECORD_BODY,
           sizeof(*record) - RECORD_BODY);
    atomic_fence();
    atomic_poke_u32(version, odd + 1);
}

void vtime_write_area(struct sop_vcpu *v)
{
    const struct vcpu_time_info *record = &v->domain->sys->time_record;

    if (unlikely(v->time_area != 0)) {
        /* Lost if there is nothing behind the address, as on Xen. */
        (void)port_copy_out(v, v->time_area, record, sizeof(*record));
    }
}

/* The wall clock at system time 0, behind the same kind of version. */
void vtime_wallclock(struct sop_domain *d)
{
    uint32_t *wc = (uint32_t *)(void *)(d->shared + d->layout->wc);
    uint32_t *hi = (uint32_t *)(void *)(d->shared + d->layout->wc_sec_hi);
    uint64_t sec = d->sys->cfg.wall_ns / 1000000000u;
    uint32_t odd = (atomic_peek_u32(&wc[0]) + 1) | 1u;

    atomic_poke_u32(&wc[0], odd);
    atomic_fence();
    atomic_poke_u32(&wc[1], (uint32_t)sec);
    atomic_poke_u32(&wc[2], (uint32_t)(d->sys->cfg.wall_ns % 1000000000u));
    atomic_poke_u32(hi, (uint32_t)(sec >> 32));
    atomic_fence();
    atomic_poke_u32(&wc[0], odd + 1);
}

/* ---- the one-shot timer ---- */

static void singleshot_fire(struct sop_pcpu *self, struct timer *t,
                            uint64_t now)
{
    struct sop_vcpu *v = container_of(t, struct sop_vcpu, singleshot);

    virq_raise_vcpu(self, v, VIRQ_TIMER, now);
}

/* Spec 5.2, first table. */
void vtime_set_timer(struct sop_pcpu *self, struct sop_vcpu *v,
                     uint64_t timeout, uint64_t now)
{
    if (timeout == 0) {
        timer_cancel(&v->singleshot);
        return;
    }
    if ((timeout & TIME_NEGATIVE) != 0 ||
        (timeout > now && timeout - now >= FAR_NS)) {
        timeout = now + FAR_INSTEAD_NS;
    }
    vtime_set_singleshot(self, v, timeout, now);
}

/* Spec 5.2, second table: a negative time is past, and fires at once. */
void vtime_set_singleshot(struct sop_pcpu *self, struct sop_vcpu *v,
                          uint64_t timeout, uint64_t now)
{
    ASSERT(now < TIME_NEGATIVE);
    if (timeout <= now || (timeout & TIME_NEGATIVE) != 0) {
        timer_cancel(&v->singleshot);
        virq_raise_vcpu(self, v, VIRQ_TIMER, now);
        return;
    }
    timer_set(self, &v->singleshot, timeout);
}

/* ---- the periodic tick: only while the vCPU runs (spec 5.3) ---- */

/*
 * An overdue tick is raised when it is noticed, once however many were missed,
 * and the next one is a whole period later.
 */
static void periodic_work(struct sop_pcpu *self, struct sop_vcpu *v,
                          uint64_t now)
{
    if (v->period_ns == 0) {
        return;
    }
    ASSERT(v->period_last <= now);
    if (now >= v->period_last + v->period_ns) {
        v->period_last = now;
        virq_raise_vcpu(self, v, VIRQ_TIMER, now);
    }
    if (v->running != NULL) {
        timer_set(self, &v->periodic, v->period_last + v->period_ns);
    }
}

static void periodic_fire(struct sop_pcpu *self, struct timer *t, uint64_t now)
{
    struct sop_vcpu *v = container_of(t, struct sop_vcpu, periodic);

    ASSERT(v->running != NULL);
    periodic_work(self, v, now);
}

/* A tick comes at once when a period has passed since the last one. */
void vtime_set_period(struct sop_pcpu *self, struct sop_vcpu *v,
                      uint64_t period_ns, uint64_t now)
{
    ASSERT(period_ns == 0 || period_ns >= PERIOD_MIN_NS);
    timer_cancel(&v->periodic);
    v->period_ns = period_ns;
    periodic_work(self, v, now);
}

void vtime_switched_in(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now)
{
    ASSERT(v->running == self);
    periodic_work(self, v, now);
}

/* A tick never wakes a vCPU (fact 122). */
void vtime_switched_out(struct sop_vcpu *v)
{
    timer_cancel(&v->periodic);
}

/* ---- the port's own timer ---- */

static void port_timer_fire(struct sop_pcpu *self, struct timer *t,
                            uint64_t now)
{
    struct sop_vcpu *v = container_of(t, struct sop_vcpu, port_timer);

    if (port_vcpu_timer(v, now)) {
        vcpu_kick(self, v, now);
    }
}

void sop_vcpu_timer_set(struct sop_pcpu *self, struct sop_vcpu *v,
                        uint64_t deadline_ns)
{
    core_lock(self->sys, self);
    /* Nothing may fire for a domain whose timers have been taken down. */
    if (deadline_ns == SOP_TIME_NEVER || v->domain->dying == DOMAIN_DEAD) {
        timer_cancel(&v->port_timer);
    } else {
        timer_set(self, &v->port_timer, deadline_ns);
    }
    core_leave(self);
}

void vtime_init(struct sop_vcpu *v)
{
    timer_init(&v->singleshot, singleshot_fire, SOP_TRACE_TIMER_SINGLE);
    timer_init(&v->periodic, periodic_fire, SOP_TRACE_TIMER_PERIODIC);
    timer_init(&v->port_timer, port_timer_fire, SOP_TRACE_TIMER_PORT);
    v->period_ns = v->domain->kind == SOP_GUEST_PV ? PV_FIRST_PERIOD_NS : 0;
    vtime_refresh_info(v);
}

void vtime_cancel(struct sop_vcpu *v)
{
    timer_cancel(&v->singleshot);
    timer_cancel(&v->periodic);
    timer_cancel(&v->port_timer);
}

/* ---- hypercall 15 ---- */

/* 32-bit callers pass the low word and then the high word. */
__attribute__((flatten)) int64_t
timerop_call(struct sop_pcpu *self, struct sop_vcpu *v, struct sop_call *call)
{
    uint64_t timeout = call->arg[0];
    uint64_t now = core_enter(self);

    if (!call->wide) {
        timeout = (uint32_t)call->arg[0] | call->arg[1] << 32;
    }
    vtime_set_timer(self, v, timeout, now);
    core_leave(self);
    return 0;
}
