/* SPDX-License-Identifier: MIT */
/* Undoes what a program did to the domain, so that the next finds it as it
 * was. Each vCPU undoes its own in perform_cleanup(). */
#include "guest.h"

#include <xen/vcpu.h>
#include <xen/version.h>

void undo_periodic(void)
{
    for (unsigned int v = 0; v < VCPUS + 1; v++) {
        (void)schedop_vcpu_periodic_timer(v, 0);
    }
    traces.periodic_ticks = 0;
}

void undo_domain(void)
{
    static const uint64_t nowhere;
    struct sched_watchdog dogs[2] = {{1, 0}, {2, 0}};

    for (unsigned int i = 0; traces.watchdogs && i < 2; i++) {
        (void)schedop_hypercall3(__HYPERVISOR_sched_op, SCHEDOP_watchdog,
                                 (uintptr_t)&dogs[i], 0);
    }
    if (traces.assist) {
        (void)schedop_hypercall3(__HYPERVISOR_vm_assist, VMASST_CMD_disable,
                                 VMASST_TYPE_runstate_update_flag, 0);
    }
    for (unsigned int v = 0; v < VCPUS + 1; v++) {
        if (traces.areas) {
            (void)schedop_hypercall3(__HYPERVISOR_vcpu_op,
                                     VCPUOP_register_runstate_memory_area, v,
                                     (uintptr_t)&nowhere);
            (void)schedop_hypercall3(__HYPERVISOR_vcpu_op,
                                     VCPUOP_register_vcpu_time_memory_area, v,
                                     (uintptr_t)&nowhere);
        }
    }
    if (traces.periodic) {
        undo_periodic();
    }
}

/* Ports that programs bound are the lowest ones. */
void undo_ports(void)
{
    static uint32_t port[BELL_PORT];
    static multicall_entry_t entry[BELL_PORT];
    uint32_t count = traces.ports < BELL_PORT ? traces.ports : BELL_PORT - 1;

    for (uint32_t i = 0; i < count; i++) {
        port[i] = i + 1;
        entry[i].op = __HYPERVISOR_event_channel_op;
        entry[i].args[0] = EVTCHNOP_close;
        entry[i].args[1] = (uintptr_t)&port[i];
    }
    if (count != 0) {
        (void)schedop_hypercall3(__HYPERVISOR_multicall, (uintptr_t)entry,
                                 count, 0);
    }
}
