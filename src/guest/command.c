/* SPDX-License-Identifier: MIT */
/*
 * The commands of sched_op. Each builds its operand on the stack and makes one
 * hypercall; the cost around the trap is bounded by tests/unit/guest_cost.sh.
 */
#include "private.h"

int schedop_yield(void)
{
    return sched_op(SCHEDOP_yield, NULL);
}

int schedop_block(void)
{
    return sched_op(SCHEDOP_block, NULL);
}

int schedop_shutdown(uint32_t reason)
{
    const struct sched_shutdown operand = {.reason = reason};

    return sched_op(SCHEDOP_shutdown, &operand);
}

int schedop_suspend(uintptr_t start_info_frame)
{
    const struct sched_shutdown operand = {.reason = SHUTDOWN_suspend};

    return call3(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uintptr_t)&operand,
                 start_info_frame);
}

/* The handle has no const and may be a struct or a pointer: both hold one. */
static void poll_fill(struct sched_poll *operand, const evtchn_port_t *ports,
                      uint32_t nr_ports, uint64_t deadline_ns)
{
    set_xen_guest_handle(operand->ports, (evtchn_port_t *)(uintptr_t)ports);
    operand->nr_ports = nr_ports;
    operand->timeout = deadline_ns;
}

int schedop_poll(const evtchn_port_t *ports, uint32_t nr_ports,
                 uint64_t deadline_ns)
{
    struct sched_poll operand;

    poll_fill(&operand, ports, nr_ports, deadline_ns);
    return sched_op(SCHEDOP_poll, &operand);
}

int schedop_remote_shutdown(domid_t domain, uint32_t reason)
{
    const struct sched_remote_shutdown operand = {.domain_id = domain,
                                                  .reason = reason};

    return sched_op(SCHEDOP_remote_shutdown, &operand);
}

int schedop_shutdown_code(uint32_t reason)
{
    const struct sched_shutdown operand = {.reason = reason};

    return sched_op(SCHEDOP_shutdown_code, &operand);
}

static int watchdog(int32_t id, uint32_t timeout_s)
{
    const struct sched_watchdog operand = {.id = (uint32_t)id, .timeout = timeout_s};

    return sched_op(SCHEDOP_watchdog, &operand);
}

int schedop_watchdog_start(struct schedop_watchdog *handle, uint32_t timeout_s)
{
    return handle->id = watchdog(0, timeout_s);
}

int schedop_watchdog_poke(const struct schedop_watchdog *handle,
                          uint32_t timeout_s)
{
    if (handle->id == 0 || timeout_s == 0) {
        return -XEN_EINVAL; /* Xen would claim a new one, or release this */
    }
    return watchdog(handle->id, timeout_s);
}

int schedop_watchdog_stop(struct schedop_watchdog *handle)
{
    int rc;

    if (handle->id == 0) {
        return -XEN_EINVAL; /* Xen would claim one that fires at once */
    }
    rc = watchdog(handle->id, 0);
    if (rc == 0) {
        handle->id = 0;
    }
    return rc;
}

static int pin_override(int32_t pcpu)
{
    const struct sched_pin_override operand = {.pcpu = pcpu};

    return sched_op(SCHEDOP_pin_override, &operand);
}

int schedop_pin(int32_t pcpu)
{
    if (pcpu < 0) {
        return -XEN_EINVAL; /* Xen would undo a pin */
    }
    return pin_override(pcpu);
}

int schedop_unpin(void)
{
    return pin_override(-1);
}

int schedop_issue(const struct schedop_command *command)
{
    return call3(__HYPERVISOR_sched_op, (uintptr_t)(intptr_t)command->op,
                 (uintptr_t)&command->u, command->start_info_frame);
}

void schedop_command_poll(struct schedop_command *command,
                          const evtchn_port_t *ports, uint32_t nr_ports,
                          uint64_t deadline_ns)
{
    command->op = SCHEDOP_poll;
    command->start_info_frame = 0;
    poll_fill(&command->u.poll, ports, nr_ports, deadline_ns);
}
