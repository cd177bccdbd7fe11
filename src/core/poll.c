/* SPDX-License-Identifier: MIT */
/*
 * SCHEDOP_poll (spec 3.4): wait for ports or for a time without upcalls.
 *
 * Xen reads the array of ports one entry at a time while it decides; we read
 * it first, noting how far it could be read, and decide under the lock in
 * Xen's order: so that no guest memory is touched under the lock, and the
 * same entry still gives the same answer.
 */
#include "private.h"

struct poll_operand {
    uint64_t ports_addr;
    uint32_t nr_ports;
    uint64_t timeout;
    uint32_t readable; /* entries of ports[] that could be read */
    uint32_t ports[SOP_POLL_PORTS_MAX];
};

/* The structure in the layout of this call, not of the latch (spec 8.5). */
static int read_operand(struct sop_vcpu *v, const struct sop_call *call,
                        struct poll_operand *op)
{
    struct sched_poll wide;
    struct sched_poll32 narrow;

    if (call->wide) {
        if (port_copy_in(v, &wide, call->arg[1], sizeof(wide)) != 0) {
            return -XEN_EFAULT;
        }
        op->ports_addr = (uintptr_t)wide.ports.p;
        op->nr_ports = wide.nr_ports;
        op->timeout = wide.timeout;
        return 0;
    }
    if (port_copy_in(v, &narrow, call->arg[1], sizeof(narrow)) != 0) {
        return -XEN_EFAULT;
    }
    op->ports_addr = narrow.ports;
    op->nr_ports = narrow.nr_ports;
    op->timeout = narrow.timeout;
    return 0;
}

/*
 * In one go if possible; else entry by entry, to learn which is the first that
 * cannot be read. Only whether the decision gets that far matters.
 */
static void read_ports(struct sop_vcpu *v, struct poll_operand *op)
{
    const size_t entry = sizeof(op->ports[0]);
    uint32_t i;

    ASSERT(op->nr_ports <= SOP_POLL_PORTS_MAX);
    op->readable = 0;
    if (op->nr_ports == 0) {
        return;
    }
    if (port_copy_in(v, op->ports, op->ports_addr, op->nr_ports * entry) == 0) {
        op->readable = op->nr_ports;
        return;
    }
    for (i = 0; i < op->nr_ports; i++) {
        if (port_copy_in(v, &op->ports[i], op->ports_addr + i * entry, entry) !=
            0) {
            break;
        }
        op->readable++;
    }
}

/* Steps 5 to 8: a result, or 1 when there is nothing yet to return for. */
static int poll_decide(const struct sop_vcpu *v, const struct poll_operand *op)
{
    const struct sop_domain *d = v->domain;
    uint32_t i;

    if (vcpu_deliverable(v)) {
        return 0;
    }
    for (i = 0; i < op->nr_ports; i++) {
        const struct evtchn *chn;

        if (i >= op->readable) {
            return -XEN_EFAULT;
        }
        chn = evtchn_lookup(d, op->ports[i]);
        if (chn == NULL || !evtchn_is_usable(chn)) {
            return -XEN_EINVAL;
        }
        if (evtchn_is_pending(d, op->ports[i])) {
            return 0;
        }
    }
    return 1;
}

/*
 * The time is over already. Xen goes to sleep even so and is woken at once;
 * when nobody waits for the pCPU a guest cannot tell.
 */
static bool poll_is_over(const struct sop_pcpu *self,
                         const struct poll_operand *op)
{
    if (op->timeout == 0 || atomic_peek_u32(&self->pool->pol.waiting) != 0) {
        return false;
    }
    return (op->timeout >> 63) != 0 || op->timeout <= self->sys->now;
}

/* Step 9. A single port is remembered, so that others do not end the poll. */
static void poll_sleep(struct sop_pcpu *self, struct sop_vcpu *v,
                       const struct poll_operand *op)
{
    if (op->nr_ports == 1) {
        v->poll_port = (int32_t)op->ports[0];
    }
    if (op->timeout != 0) {
        /* Signed: what has bit 63 set is long past. */
        timer_set(self, &v->poll_timer,
                  (op->timeout >> 63) != 0 ? 0 : op->timeout);
    }
    vcpu_sleep(self, v, self->sys->now);
}

/*
 * Joining the polling set comes before looking at the bits, and setters look
 * at the set after setting a bit: so one of the two sees the other (3.4). What
 * steps 5 to 8 decide leaves nothing behind.
 */
static int poll_wait(struct sop_pcpu *self, struct sop_vcpu *v,
                     const struct poll_operand *op)
{
    int rc;

    vcpu_set_blocked(v);
    v->poll_port = POLL_ANY;
    v->domain->polling |= 1u << v->id;
    atomic_fence();
    rc = poll_decide(v, op);
    if (rc > 0) {
        poll_sleep(self, v, op);
        return 0;
    }
    vcpu_unblock(self, v, self->sys->now);
    return rc;
}

/* A first look, before all that waiting takes, is right if it finds a reason
   to return. */
int64_t poll_command(struct sop_pcpu *self, struct sop_vcpu *v,
                     const struct sop_call *call)
{
    struct poll_operand op;
    int rc;

    if (read_operand(v, call, &op) != 0) {
        return -XEN_EFAULT;
    }
    if (op.nr_ports > SOP_POLL_PORTS_MAX) {
        return -XEN_EINVAL;
    }
    if (!call_address_ok(v, op.ports_addr)) {
        return -XEN_EFAULT;
    }
    read_ports(v, &op);
    trace_command(self, v, SOP_TRACE_EV_POLL, op.nr_ports,
                  op.timeout == 0 ? SOP_TIME_NEVER : op.timeout);

    if (op.timeout != 0) {
        (void)core_enter(self);
    } else {
        core_lock(self->sys, self);
    }
    rc = poll_decide(v, &op);
    if (rc > 0) {
        rc = poll_is_over(self, &op) ? 0 : poll_wait(self, v, &op);
    }
    core_leave(self);
    return rc;
}

/*
 * Xen leaves the timer armed here, to end a later poll early; cancelling it
 * is an allowed departure (spec 3.10).
 */
void poll_leave(struct sop_vcpu *v)
{
    v->domain->polling &= ~(1u << v->id);
    v->poll_port = POLL_NONE;
    timer_cancel(&v->poll_timer);
}

void poll_wake(struct sop_pcpu *self, struct sop_domain *d, uint32_t port,
               uint64_t now)
{
    uint32_t set;

    for (set = d->polling; set != 0; set &= set - 1) {
        struct sop_vcpu *v = d->vcpu[bits_lowest(set)];

        ASSERT((v->holds & VCPU_HOLD_BLOCKED) != 0);
        ASSERT(v->poll_port != POLL_NONE);
        if (v->poll_port == POLL_ANY || (uint32_t)v->poll_port == port) {
            vcpu_unblock(self, v, now);
        }
    }
}

/* A poll that timed out returns 0 as any other does. */
static void poll_fire(struct sop_pcpu *self, struct timer *t, uint64_t now)
{
    struct sop_vcpu *v = container_of(t, struct sop_vcpu, poll_timer);

    ASSERT(v->poll_port != POLL_NONE);
    vcpu_unblock(self, v, now);
}

void poll_init(struct sop_vcpu *v)
{
    v->poll_port = POLL_NONE;
    timer_init(&v->poll_timer, poll_fire, SOP_TRACE_TIMER_POLL);
}
