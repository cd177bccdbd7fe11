/* SPDX-License-Identifier: MIT */
/*
 * Xen's ABI as the core uses it: the public headers, the operand layouts of
 * 32-bit callers that those headers lack for a 64-bit compiler, and static
 * asserts on everything that is copied to or from a guest (spec 1.5).
 */
#ifndef SCHEDOP_CORE_ABI_H
#define SCHEDOP_CORE_ABI_H

#include <stddef.h>
#include <stdint.h>

#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/foreign/x86_32.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/xen.h>

#define ABI_SIZE(type, bytes)                                                  \
    _Static_assert(sizeof(type) == (bytes), #type " has the wrong size")
#define ABI_OFFSET(type, field, at)                                            \
    _Static_assert(offsetof(type, field) == (at), #type "." #field " misplace" \
                                                        "d")

#pragma pack(push, 4)

struct sched_poll32 {
    uint32_t ports;
    uint32_t nr_ports;
    uint64_t timeout;
};

struct vcpu_runstate_info32 {
    int32_t state;
    uint64_t state_entry_time;
    uint64_t time[4];
};

struct multicall_entry32 {
    uint32_t op, result;
    uint32_t args[6];
};

#pragma pack(pop)

/* A single-shot operand from 32-bit code lacks the 4 bytes of tail padding. */
#define SINGLESHOT32_SIZE 12u

ABI_SIZE(struct sched_shutdown, 4);
ABI_SIZE(struct sched_poll, 24);
ABI_OFFSET(struct sched_poll, nr_ports, 8);
ABI_OFFSET(struct sched_poll, timeout, 16);
ABI_SIZE(struct sched_poll32, 16);
ABI_OFFSET(struct sched_poll32, timeout, 8);
ABI_SIZE(struct sched_remote_shutdown, 8);
ABI_OFFSET(struct sched_remote_shutdown, reason, 4);
ABI_SIZE(struct sched_watchdog, 8);
ABI_SIZE(struct sched_pin_override, 4);
ABI_SIZE(struct vcpu_runstate_info, 48);
ABI_OFFSET(struct vcpu_runstate_info, state_entry_time, 8);
ABI_SIZE(struct vcpu_runstate_info32, 44);
ABI_OFFSET(struct vcpu_runstate_info32, state_entry_time, 4);
ABI_OFFSET(struct vcpu_runstate_info32, time, 12);
ABI_SIZE(struct vcpu_set_periodic_timer, 8);
ABI_SIZE(struct vcpu_set_singleshot_timer, 16);
ABI_SIZE(struct vcpu_register_vcpu_info, 16);
ABI_SIZE(struct vcpu_register_runstate_memory_area, 8);
ABI_SIZE(struct vcpu_register_time_memory_area, 8);
ABI_SIZE(struct vcpu_time_info, 32);
ABI_SIZE(struct multicall_entry, 64);
ABI_SIZE(struct multicall_entry32, 32);
ABI_SIZE(struct evtchn_bind_interdomain, 12);
ABI_SIZE(struct evtchn_bind_virq, 12);
ABI_SIZE(struct evtchn_bind_pirq, 12);
ABI_SIZE(struct evtchn_close, 4);
ABI_SIZE(struct evtchn_send, 4);
ABI_SIZE(struct evtchn_status, 24);
ABI_SIZE(struct evtchn_alloc_unbound, 8);
ABI_SIZE(struct evtchn_bind_ipi, 8);
ABI_SIZE(struct evtchn_bind_vcpu, 8);
ABI_SIZE(struct evtchn_unmask, 4);
ABI_SIZE(struct evtchn_reset, 2);
ABI_SIZE(struct evtchn_init_control, 24);
ABI_SIZE(struct evtchn_expand_array, 8);
ABI_SIZE(struct evtchn_set_priority, 8);

/* The record of a vCPU in shared info is alike in both layouts but for the
   selector's width and place. */
ABI_SIZE(struct vcpu_info, 64);
ABI_SIZE(struct vcpu_info_x86_32, 64);
ABI_OFFSET(struct vcpu_info, evtchn_upcall_pending, 0);
ABI_OFFSET(struct vcpu_info, evtchn_upcall_mask, 1);
ABI_OFFSET(struct vcpu_info, evtchn_pending_sel, 8);
ABI_OFFSET(struct vcpu_info_x86_32, evtchn_pending_sel, 4);
ABI_OFFSET(struct vcpu_info, time, 32);
ABI_OFFSET(struct vcpu_info_x86_32, time, 32);
ABI_OFFSET(struct shared_info, evtchn_pending, 2048);
ABI_OFFSET(struct shared_info, evtchn_mask, 2560);
ABI_OFFSET(struct shared_info, wc_version, 3072);
ABI_OFFSET(struct shared_info, wc_sec_hi, 3084);
ABI_OFFSET(struct shared_info_x86_32, evtchn_pending, 2048);
ABI_OFFSET(struct shared_info_x86_32, evtchn_mask, 2176);
ABI_OFFSET(struct shared_info_x86_32, wc_version, 2304);
ABI_OFFSET(struct shared_info_x86_32, arch.wc_sec_hi, 2340);

#endif
