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

#if defined(__i386__)

/*
 * The arguments of schedop_poll() lie on the stack as struct sched_poll has
 * its fields: taken as one argument of that type they need no copying.
 */
_Static_assert(sizeof(struct sched_poll) == 16 &&
                   offsetof(struct sched_poll, nr_ports) == 4 &&
                   offsetof(struct sched_poll, timeout) == 8,
               "operand as the C ABI lays out the arguments");
int poll_by_value(struct sched_poll operand) __asm__("schedop_poll")
    __attribute__((visibility("default")));

int poll_by_value(struct sched_poll operand)
{
    return sched_op(SCHEDOP_poll, &operand);
}

#else

int schedop_poll(const evtchn_port_t *ports, uint32_t nr_ports,
                 uint64_t deadline_ns)
{
    struct sched_poll operand;

    poll_fill(&operand, ports, nr_ports, deadline_ns);
    return sched_op(SCHEDOP_poll, &operand);
}

#endif

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

int schedop_watchdog_start(struct schedop_watchdog *watchdog,
                           uint32_t timeout_s)
{
    int id;

    watchdog->operand.id = 0;
    watchdog->operand.timeout = timeout_s;
    id = sched_op(SCHEDOP_watchdog, &watchdog->operand);
    watchdog->operand.id = (uint32_t)id; /* an error is no valid id either */
    return id;
}

int schedop_watchdog_poke(struct schedop_watchdog *watchdog, uint32_t timeout_s)
{
    if (watchdog->operand.id == 0 || timeout_s == 0) {
        return -XEN_EINVAL; /* Xen would claim a new one, or release this */
    }
    watchdog->operand.timeout = timeout_s;
    return sched_op(SCHEDOP_watchdog, &watchdog->operand);
}

int schedop_watchdog_stop(struct schedop_watchdog *watchdog)
{
    if (watchdog->operand.id == 0) {
        return -XEN_EINVAL; /* Xen would claim one that fires at once */
    }
    watchdog->operand.timeout = 0;
    return sched_op(SCHEDOP_watchdog, &watchdog->operand);
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
