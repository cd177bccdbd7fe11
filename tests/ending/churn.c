/* SPDX-License-Identifier: MIT */
/*
 * Lives of a domain that holds much when it ends: event channels of both
 * kinds, timers, watchdogs, shared records, grant frames, memory given back,
 * a latched code, and a second vCPU in any state. What it holds and how it
 * ends follows from the number of the life.
 */
#include "churn.h"

#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/vcpu.h>

#define HOUR_NS 3600000000000ull
#define PAGE 4096u

static unsigned char page[4][PAGE] __attribute__((aligned(PAGE)));
static vcpu_info_t info __attribute__((aligned(64)));
static vcpu_runstate_info_t runstate;

static long call(long number, unsigned long a1, unsigned long a2,
                 const void *a3)
{
    long result;

    __asm__ volatile("vmmcall"
                     : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3)
                     : "0"(number)
                     : "memory");
    return result;
}

/* ---- what it holds ---- */

static void hold_ports(void)
{
    evtchn_port_t port;

    for (unsigned i = 0; i < 24; i++) {
        if (schedop_evtchn_bind_ipi(0, &port) == 0 && i % 3 == 0) {
            (void)schedop_evtchn_send(port); /* it stays pending */
        }
        (void)schedop_evtchn_alloc_unbound(0, &port);
    }
}

static void hold_fifo(void)
{
    struct evtchn_init_control init = {.control_gfn = kit_frame(page[0])};
    struct evtchn_expand_array array = {.array_gfn = kit_frame(page[1])};
    evtchn_port_t port;

    (void)call(__HYPERVISOR_event_channel_op, EVTCHNOP_init_control,
               (unsigned long)&init, NULL);
    (void)call(__HYPERVISOR_event_channel_op, EVTCHNOP_expand_array,
               (unsigned long)&array, NULL);
    for (unsigned i = 0; i < 8; i++) {
        if (schedop_evtchn_bind_ipi(0, &port) == 0) {
            (void)schedop_evtchn_send(port);
        }
    }
}

static void hold_timers(void)
{
    struct vcpu_set_singleshot_timer once = {.timeout_abs_ns =
                                                 kit_now_ns() + HOUR_NS};
    struct vcpu_set_periodic_timer ever = {.period_ns = 5000000};

    (void)call(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, &once);
    (void)call(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, &ever);
    (void)kit_timer(kit_now_ns() + HOUR_NS);
}

static void hold_dogs(void)
{
    struct schedop_watchdog dog[2];

    (void)schedop_watchdog_start(&dog[0], 3600);
    (void)schedop_watchdog_start(&dog[1], 3600);
}

static void hold_records(void)
{
    struct vcpu_register_vcpu_info where = {
        .mfn = kit_frame(&info),
        .offset = (uint32_t)((uintptr_t)&info & (PAGE - 1)),
    };
    struct vcpu_register_runstate_memory_area area = {.addr.v = &runstate};

    (void)call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 1, &where);
    (void)call(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
               &area);
}

static void hold_grants(void)
{
    struct xen_add_to_physmap add = {.domid = DOMID_SELF,
                                     .space = XENMAPSPACE_grant_table,
                                     .gpfn = kit_frame(page[2])};

    for (unsigned i = 0; i < 4; i++) {
        add.idx = i;
        (void)call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap,
                   (unsigned long)&add, NULL);
    }
}

static void hold_less(void)
{
    xen_pfn_t frame = kit_frame(page[3]);
    struct xen_memory_reservation back = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(back.extent_start, &frame);
    (void)call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation,
               (unsigned long)&back, NULL);
}

void churn_hold(uint32_t kinds)
{
    static void (*const hold[])(void) = {
        hold_ports,  hold_timers, hold_dogs, hold_records,
        hold_grants, hold_less,   hold_fifo,
    };

    for (unsigned i = 0; i < sizeof(hold) / sizeof(hold[0]); i++) {
        if (kinds >> i & 1) {
            hold[i]();
        }
    }
}

/* ---- the second vCPU ---- */

static volatile bool second_runs;

static void spin(void *context)
{
    (void)context;
    second_runs = true;
    for (;;) {
        __asm__ volatile("pause"); /* an emulator lets others run */
    }
}

static void sleep(void *context)
{
    second_runs = true;
    for (;;) {
        (void)kit_poll(*(evtchn_port_t *)context, kit_now_ns() + HOUR_NS);
    }
}

static void block(void *context)
{
    (void)context;
    second_runs = true;
    for (;;) {
        (void)schedop_block();
    }
}

static void start_second(uint32_t how)
{
    static void (*const does[])(void *) = {spin, sleep, block};
    static evtchn_port_t port;

    if (how == 0 || schedop_evtchn_bind_ipi(0, &port) != 0) {
        return;
    }
    if (kit_start_vcpu(1, does[how - 1], &port) == 0) {
        for (unsigned i = 0; i < 100 && !second_runs; i++) {
            (void)schedop_yield();
        }
    }
}

/* ---- the end ---- */

/* Without a table of handlers the processor gives up. */
static void triple_fault(void)
{
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = {0, 0};

    __asm__ volatile("lidt %0; ud2" : : "m"(none));
}

void churn(uint32_t life)
{
    (void)kit_events_off();
    start_second(life & 3);
    churn_hold(life >> 2 & (uint32_t)kit_arg_u64("kinds", 127));
    if (life % 7 == 0) {
        (void)schedop_shutdown_code(SHUTDOWN_watchdog);
    }
    if (life % 97 == 0) {
        triple_fault();
    }
    kit_exit(life % 6 == SHUTDOWN_suspend ? SHUTDOWN_reboot : life % 6);
}
