/* SPDX-License-Identifier: MIT */
/*
 * Hypercall 29: the eight commands (spec 3), and its legacy twin, number 6.
 * Each is decoded here, in Xen's order of checks; what it then does is in the
 * file of its subject.
 */
#include "private.h"

/* ---- yield, block ---- */

static int64_t command_yield(struct sop_pcpu *self, struct sop_vcpu *v)
{
    struct policy_pool *pool = &self->pool->pol;

    trace_command(self, v, SOP_TRACE_EV_YIELD, 0, 0);
    /* Nobody waits: nothing to give the time to. A guest cannot tell from
       being chosen again at once. */
    if (atomic_peek_u32(&pool->waiting) == 0) {
        return 0;
    }
    core_lock(self->sys, self);
    pool->ops->yield(pool, &v->pol);
    sched_request(self, self);
    core_unlock(self->sys);
    return 0;
}

/*
 * Waits unless something is deliverable. `take_pending` as an allowed
 * departure also returns from an HVM block when the pending byte is 1
 * already: the next event would make no edge and wake nobody (spec 3.2).
 */
static void block(struct sop_pcpu *self, struct sop_vcpu *v, bool take_pending)
{
    vcpu_set_blocked(v);
    if (vcpu_deliverable(v) ||
        (take_pending && atomic_load_u8(&v->info[0]) != 0)) {
        vcpu_unblock(self, v, self->sys->now);
    } else {
        vcpu_sleep(self, v, self->sys->now);
    }
}

/* Step 1 of spec 3.2 for HVM too, where the mask byte holds nothing off. */
static int64_t command_block(struct sop_pcpu *self, struct sop_vcpu *v)
{
    trace_command(self, v, SOP_TRACE_EV_BLOCK, 0, 0);
    core_lock(self->sys, self);
    /* Events on, then blocked, then the look: no wake-up gets lost. */
    atomic_store_u8(&v->info[1], 0);
    block(self, v, v->domain->kind == SOP_GUEST_HVM);
    core_unlock(self->sys);
    return 0;
}

/* HLT is no command and is not counted, but clears the mask byte like one. */
void sop_vcpu_halt(struct sop_pcpu *self, struct sop_vcpu *v,
                   bool interrupts_on)
{
    uint64_t now = core_enter(self);

    trace_command(self, v, SOP_TRACE_EV_HALT, interrupts_on, 0);
    if (interrupts_on) {
        atomic_store_u8(&v->info[1], 0);
        block(self, v, false);
    } else {
        vcpu_down(self, v, now);
    }
    core_leave(self);
}

/* ---- shutdown, remote_shutdown, shutdown_code ---- */

/* The result is final before the vCPU is paused: it stores 0 (spec 7.4). */
static int64_t command_shutdown(struct sop_pcpu *self, struct sop_vcpu *v,
                                uint64_t operand)
{
    struct sched_shutdown op;
    uint64_t now;

    if (port_copy_in(v, &op, operand, sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    now = core_enter(self);
    trace_command(self, v, SOP_TRACE_EV_SHUTDOWN, op.reason, 0);
    domain_shutdown(self, v->domain, op.reason, now);
    core_leave(self);
    return 0;
}

/* Existence before permission (fact 77); naming oneself grants nothing. */
static int64_t command_remote_shutdown(struct sop_pcpu *self,
                                       struct sop_vcpu *v, uint64_t operand)
{
    struct sched_remote_shutdown op;
    struct sop_domain *d;
    int64_t rc = 0;
    uint64_t now;

    if (port_copy_in(v, &op, operand, sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    now = core_enter(self);
    trace_command(self, v, SOP_TRACE_EV_REMOTE_SHUTDOWN, op.domain_id,
                  op.reason);
    d = domain_find(self->sys, op.domain_id);
    if (d == NULL) {
        rc = -XEN_ESRCH;
    } else if (!v->domain->hardware) {
        rc = -XEN_EPERM;
    } else {
        domain_shutdown(self, d, op.reason, now);
    }
    core_leave(self);
    return rc;
}

/* Tells nobody: the controller sees the code in the domain's info. */
static int64_t command_shutdown_code(struct sop_pcpu *self, struct sop_vcpu *v,
                                     uint64_t operand)
{
    struct sched_shutdown op;

    if (port_copy_in(v, &op, operand, sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    core_lock(self->sys, self);
    trace_command(self, v, SOP_TRACE_EV_SHUTDOWN_CODE, op.reason, 0);
    /* The first latch wins (spec 3.6). */
    if (v->domain->code == CODE_NONE) {
        v->domain->code = (uint8_t)op.reason;
    }
    core_unlock(self->sys);
    return 0;
}

/* ---- watchdog, pin_override ---- */

/* Any vCPU may use either slot; nothing is written to the operand. */
static int64_t command_watchdog(struct sop_pcpu *self, struct sop_vcpu *v,
                                uint64_t operand)
{
    struct sched_watchdog op;
    uint64_t now;
    int64_t rc;

    if (port_copy_in(v, &op, operand, sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    now = core_enter(self);
    trace_command(self, v, SOP_TRACE_EV_WATCHDOG, op.id, op.timeout);
    rc = watchdog_command(self, v->domain, &op, now);
    core_leave(self);
    return rc;
}

/* Permission comes before the operand here (spec 3.8). */
static int64_t command_pin_override(struct sop_pcpu *self, struct sop_vcpu *v,
                                    uint64_t operand)
{
    struct sched_pin_override op;
    uint64_t now;
    int64_t rc;

    if (!v->domain->hardware) {
        return -XEN_EPERM;
    }
    if (port_copy_in(v, &op, operand, sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    now = core_enter(self);
    trace_command(self, v, SOP_TRACE_EV_PIN_OVERRIDE,
                  (uint64_t)(int64_t)op.pcpu, 0);
    rc = affinity_pin(self, v, op.pcpu, now);
    core_leave(self);
    return rc;
}

/* ---- the calls ---- */

static void count(struct sop_vcpu *v, uint32_t command)
{
    uint64_t *n = &v->commands[command];

    ASSERT(command < SOP_COMMANDS);
    /* One writer: the pCPU it is current on. */
    atomic_poke_u64(n, atomic_peek_u64(n) + 1);
}

/* Unknown commands are refused with no look at the operand (fact 1). */
int64_t schedop_call(struct sop_pcpu *self, struct sop_vcpu *v,
                     struct sop_call *call)
{
    uint32_t command = (uint32_t)call->arg[0];
    uint64_t operand = call->arg[1];

    if (command >= SOP_COMMANDS) {
        return -XEN_ENOSYS;
    }
    count(v, command);
    switch (command) {
    case SCHEDOP_yield:
        return command_yield(self, v);
    case SCHEDOP_block:
        return command_block(self, v);
    case SCHEDOP_shutdown:
        return command_shutdown(self, v, operand);
    case SCHEDOP_poll:
        return poll_command(self, v, call);
    case SCHEDOP_remote_shutdown:
        return command_remote_shutdown(self, v, operand);
    case SCHEDOP_shutdown_code:
        return command_shutdown_code(self, v, operand);
    case SCHEDOP_watchdog:
        return command_watchdog(self, v, operand);
    case SCHEDOP_pin_override:
        return command_pin_override(self, v, operand);
    default:
        return -XEN_ENOSYS;
    }
}

/* PV only (spec 1.7): shutdown takes its reason by value. */
int64_t schedop_legacy_call(struct sop_pcpu *self, struct sop_vcpu *v,
                            struct sop_call *call)
{
    uint32_t command = (uint32_t)call->arg[0];
    uint64_t now;

    if (v->domain->kind != SOP_GUEST_PV) {
        return -XEN_ENOSYS;
    }
    switch (command) {
    case SCHEDOP_yield:
        count(v, command);
        return command_yield(self, v);
    case SCHEDOP_block:
        count(v, command);
        return command_block(self, v);
    case SCHEDOP_shutdown:
        count(v, command);
        now = core_enter(self);
        trace_command(self, v, SOP_TRACE_EV_SHUTDOWN, (uint32_t)call->arg[1],
                      0);
        domain_shutdown(self, v->domain, (uint32_t)call->arg[1], now);
        core_leave(self);
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}
