/* SPDX-License-Identifier: MIT */
/*
 * The loop each pCPU runs for ever: host work, choose a vCPU, run it until
 * the core must be asked again, tell the core what happened meanwhile.
 */
#include "domain.h"
#include "run.h"

void pcpu_take_flags(struct x86_pcpu *self)
{
    if (self->timer_fired) {
        self->timer_fired = false;
        sop_timer_expired(self->sop);
    }
    if (self->kicked) {
        self->kicked = false;
        sop_kicked(self->sop);
    }
}

static void before_first_entry(struct x86_domain *d)
{
    if (!__atomic_exchange_n(&d->started, true, __ATOMIC_RELAXED)) {
        host_domain_started(d);
    }
}

/* The local APIC's timer fired since the vCPU last ran. */
static void move_timer(struct x86_pcpu *self, struct x86_vcpu *v)
{
    __atomic_store_n(&v->timer_fired, false, __ATOMIC_SEQ_CST);
    if (vlapic_timer_next(&v->lapic, time_now())) {
        sop_vcpu_timer_set(self->sop, v->sop, v->lapic.timer_due_ns);
    }
}

static void run(struct x86_pcpu *self, struct x86_vcpu *v)
{
    if (__builtin_expect(!v->domain->started, 0)) {
        before_first_entry(v->domain);
    }
    if (__builtin_expect(v->timer_fired, 0)) {
        move_timer(self, v);
    }
    do {
        vcpu_enter(self, v);
    } while (!exit_handle(self, v));
    pcpu_take_flags(self);
}

void virt_run(struct x86_pcpu *self)
{
    for (;;) {
        if (host_pending()) {
            host_work(self->sop);
        }
        run(self, vcpu_of(sop_exit_to_guest(self->sop)));
    }
}
