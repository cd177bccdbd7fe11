/* SPDX-License-Identifier: MIT */
/*
 * How a domain ends, and how it goes on (spec 7).
 *
 * One procedure serves every source of a shutdown. The latched code, once
 * there, is the reason, whatever the source said. No vCPU of ours ever defers
 * its pause, so "shutting down" and "shut down" come together.
 */
#include "private.h"

void domain_notify(struct sop_pcpu *self, struct sop_domain *d, uint64_t now)
{
    struct sop_system *sys = d->sys;

    ASSERT(d->used);
    if (!list_is_linked(&d->changed)) {
        list_insert_before(&sys->changed, &d->changed);
    }
    port_domain_changed(d);
    virq_raise_global(self, sys, VIRQ_DOM_EXC, now);
}

/* One pause each, on top of whatever else holds them (fact 62). */
static void pause_all(struct sop_pcpu *self, struct sop_domain *d, uint64_t now)
{
    unsigned i;

    for (i = 0; i < d->nr_vcpus; i++) {
        ASSERT(!d->vcpu[i]->shutdown_pause);
        d->vcpu[i]->shutdown_pause = true;
        vcpu_pause(self, d->vcpu[i], now);
    }
}

/* Spec 7.5: the console line of the hardware domain's end. */
static void log_hardware_end(struct sop_pcpu *self, const struct sop_domain *d)
{
    const char *tail = d->sys->cfg.noreboot ? "'noreboot' set - not rebooting."
                                            : "rebooting machine in 5 seconds.";
    unsigned id = d->id;

    switch (d->code) {
    case SHUTDOWN_poweroff:
        log_note(self, SOP_LOG_INFO, "Hardware Dom%u halted: halting machine",
                 id);
        break;
    case SHUTDOWN_reboot:
        log_note(self, SOP_LOG_INFO,
                 "Hardware Dom%u shutdown: rebooting machine", id);
        break;
    case SHUTDOWN_crash:
        log_note(self, SOP_LOG_ERROR, "Hardware Dom%u crashed: %s", id, tail);
        break;
    case SHUTDOWN_watchdog:
        log_note(self, SOP_LOG_WARNING,
                 "Hardware Dom%u shutdown: watchdog rebooting machine", id);
        break;
    case SHUTDOWN_soft_reset:
        log_note(self, SOP_LOG_WARNING,
                 "Hardware domain %u did unsupported soft reset, rebooting.",
                 id);
        break;
    default:
        log_note(self, SOP_LOG_WARNING,
                 "Hardware Dom%u shutdown (unknown reason %d): %s", id, d->code,
                 tail);
        break;
    }
}

/* Spec 7.1, step by step. */
void domain_shutdown(struct sop_pcpu *self, struct sop_domain *d,
                     uint32_t reason, uint64_t now)
{
    if (d->code == CODE_NONE) {
        d->code = (uint8_t)reason;
    }
    if (d->shutting_down) {
        ASSERT(d->shut_down);
        return;
    }
    ASSERT(!d->shut_down);
    d->shutting_down = true;
    trace_domain(self, d, SOP_TRACE_EV_DOMAIN_SHUTDOWN, (uint8_t)d->code, 0);
    atomic_fence();
    pause_all(self, d, now);
    d->shut_down = true;
    if (d->ended_ns == 0) {
        d->ended_ns = now;
    }
    if (d->hardware) {
        log_hardware_end(self, d);
        port_machine_stop(d, (uint8_t)d->code);
        return;
    }
    if (d->code == SHUTDOWN_suspend && d->suspend_port != 0) {
        /* The guest may have closed it since; then nobody is told inside. */
        (void)evtchn_send(self, d, d->suspend_port, now);
        if (!list_is_linked(&d->changed)) {
            list_insert_before(&d->sys->changed, &d->changed);
        }
        port_domain_changed(d);
        return;
    }
    domain_notify(self, d, now);
}

/* Spec 7.3: also forgets a latch of a domain that never shut down. */
void domain_resume(struct sop_pcpu *self, struct sop_domain *d, uint64_t now)
{
    unsigned i;

    trace_domain(self, d, SOP_TRACE_EV_DOMAIN_RESUME, 0, 0);
    d->shutting_down = false;
    d->shut_down = false;
    d->code = CODE_NONE;
    for (i = 0; i < d->nr_vcpus; i++) {
        struct sop_vcpu *v = d->vcpu[i];

        if (v->shutdown_pause) {
            v->shutdown_pause = false;
            vcpu_unpause(self, v, now);
        }
    }
}

/* ---- for ports ---- */

void sop_domain_shutdown(struct sop_pcpu *self, struct sop_domain *d,
                         uint32_t reason)
{
    uint64_t now = core_enter(self);

    domain_shutdown(self, d, reason, now);
    core_leave(self);
}

void sop_domain_crash(struct sop_pcpu *self, struct sop_domain *d,
                      const char *why)
{
    uint64_t now = core_enter(self);

    if (!d->shutting_down) {
        log_note(self, SOP_LOG_ERROR, "domain %u crashed: %s", d->id, why);
    }
    domain_shutdown(self, d, SHUTDOWN_crash, now);
    core_leave(self);
}

int sop_domain_resume(struct sop_pcpu *self, struct sop_domain *d)
{
    uint64_t now = core_enter(self);

    self->trace_source = SOP_TRACE_BY_HOST;
    domain_resume(self, d, now);
    self->trace_source = SOP_TRACE_BY_VCPU;
    core_leave(self);
    return 0;
}

int sop_domain_set_suspend_port(struct sop_domain *d, uint32_t port)
{
    core_lock(d->sys, NULL);
    d->suspend_port = port;
    core_unlock(d->sys);
    return 0;
}

struct sop_domain *sop_controller_next(struct sop_system *sys)
{
    struct sop_domain *d = NULL;

    core_lock(sys, NULL);
    if (!list_is_empty(&sys->changed)) {
        d = container_of(sys->changed.next, struct sop_domain, changed);
        list_remove(&d->changed);
    }
    core_unlock(sys);
    return d;
}
