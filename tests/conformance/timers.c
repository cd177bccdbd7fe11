/* SPDX-License-Identifier: MIT */
/*
 * Timers: the one-shot timer with its two faces, and the periodic tick (spec
 * 5.2, 5.3). Both raise VIRQ_TIMER; the port stays masked, and vCPU 0 looks
 * at its pending bit. A timer that is due has SOON to fire; one that is not
 * has been silent for longer than the 100 ms after which Xen fires absurd
 * ones.
 */
#include "lab.h"

#define SILENCE (150 * MS)

static evtchn_port_t timer_port;

static bool fires_within(uint64_t ns)
{
    uint64_t end = in(ns);

    while (!is_pending(timer_port) && now() < end) {
        (void)poll(&timer_port, 1, end);
    }
    return is_pending(timer_port);
}

static int set_timer(uint64_t when)
{
    clear_pending(timer_port);
    return (int)raw_call(__HYPERVISOR_set_timer_op, when, 0, 0);
}

static void set_timer_times(void)
{
    uint64_t start;

    timer_port = open_timer(0);
    saw("10 ms ahead", set_timer(in(10 * MS)), 0);
    saw("0", set_timer(0), 0);
    saw_that("cancelled", !fires_within(SILENCE));
    saw("past", set_timer(1), 0);
    saw_that("fires", fires_within(SOON));
    start = now();
    saw("-5", set_timer((uint64_t)-5), 0);
    saw_that("fires", fires_within(SOON) && now() - start >= 100 * MS);
    start = now();
    saw("2^50 ns + 1 s ahead", set_timer(in((UINT64_C(1) << 50) + 1000 * MS)),
        0);
    saw_that("fires", fires_within(SOON) && now() - start >= 100 * MS);
    saw("2^50 ns - 1 s ahead", set_timer(in((UINT64_C(1) << 50) - 1000 * MS)),
        0);
    saw_that("silent", !fires_within(SILENCE));
    (void)set_timer(0);
}

static int single_shot(unsigned int vcpu, uint64_t when, uint32_t flags)
{
    struct vcpu_set_singleshot_timer t = {when, flags};

    clear_pending(timer_port);
    return vcpu_op(VCPUOP_set_singleshot_timer, vcpu, &t);
}

static void one_timer(void)
{
    timer_port = open_timer(0);
    saw("single-shot, 10 ms ahead", single_shot(0, in(10 * MS), 0), 0);
    saw("set_timer_op 0", set_timer(0), 0);
    saw_that("cancelled", !fires_within(SILENCE));
    saw("set_timer_op, 10 ms ahead", set_timer(in(10 * MS)), 0);
    saw("stop single-shot", vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
    saw_that("cancelled", !fires_within(SILENCE));
    saw("single-shot, 10 ms ahead", single_shot(0, in(10 * MS), 0), 0);
    saw_that("fires", fires_within(SOON));
}

static void single_shot_checks(void)
{
    uint64_t bad;
    const char *name;

    timer_port = open_timer(0);
    saw("vCPU 1", single_shot(1, in(10 * MS), 0), -XEN_EINVAL);
    saw("vCPU 1, NULL", vcpu_op(VCPUOP_set_singleshot_timer, 1, NULL),
        -XEN_EINVAL);
    saw("stop on vCPU 1", vcpu_op(VCPUOP_stop_singleshot_timer, 1, NULL),
        -XEN_EINVAL);
    if (bad_address(0, &bad, &name)) {
        saw("bad operand", vcpu_op(VCPUOP_set_singleshot_timer, 0, (void *)bad),
            -XEN_EFAULT);
    }
    saw("past, in the future only", single_shot(0, 1, VCPU_SSHOTTMR_future), 0);
    saw_that("fires", fires_within(SOON));
    saw("2^63", single_shot(0, UINT64_C(1) << 63, 0), 0);
    saw_that("fires", fires_within(SOON));
}

static int periodic(uint64_t period)
{
    struct vcpu_set_periodic_timer t = {period};

    return vcpu_op(VCPUOP_set_periodic_timer, 0, &t);
}

static void periods(void)
{
    uint64_t end = in(SOON);

    timer_port = open_timer(0);
    saw("0", periodic(0), -XEN_EINVAL);
    saw("999999", periodic(999999), -XEN_EINVAL);
    saw("2^62", periodic(UINT64_C(1) << 62), -XEN_EINVAL);
    saw("2^61", periodic(UINT64_C(1) << 61), 0);
    saw("10^6", periodic(1000000), 0);
    clear_pending(timer_port);
    while (!is_pending(timer_port) && now() < end) {
        /* the tick needs the vCPU to run */
    }
    saw_that("ticks", is_pending(timer_port));
    saw("stop", vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
}

static volatile bool woken_late;

static void sleep_with_tick(void)
{
    struct vcpu_set_periodic_timer t = {5 * MS};
    uint64_t deadline = in(50 * MS);

    (void)vcpu_op(VCPUOP_set_periodic_timer, 1, &t);
    found.result = poll(NULL, 0, deadline);
    woken_late = now() >= deadline;
    (void)vcpu_op(VCPUOP_stop_periodic_timer, 1, NULL);
}

static void block_with_tick(void)
{
    struct vcpu_set_periodic_timer t = {5 * MS};
    uint64_t deadline = in(50 * MS);

    (void)vcpu_op(VCPUOP_set_periodic_timer, 1, &t);
    one_shot(deadline);
    upcalls_on();
    found.result = sched_op(SCHEDOP_block, NULL);
    woken_late = now() >= deadline;
    upcalls_off();
    (void)vcpu_op(VCPUOP_stop_periodic_timer, 1, NULL);
}

static void tick_wakes_nobody(void)
{
    /* Masked for the poll: a tick at once, when it is set, would be due. */
    timer_port = open_timer(1);
    victim_start(sleep_with_tick);
    (void)victim_ends(SOON);
    saw_that("poll slept on", woken_late);
}

static void tick_ends_no_block(void)
{
    evtchn_port_t port = open_ipi(1);

    (void)port;
    timer_port = open_timer(1);
    set_mask(timer_port, false);
    victim_start(block_with_tick);
    if (!victim_ends(SOON)) {
        broken("the second vCPU is stuck");
    }
    saw_that("block slept on", woken_late);
}

static void tick_of_pv(void)
{
    saw_that("ticked before we stopped it", lab_saw_first_tick());
}

static const struct fact facts[] = {
    {118, IN_ALL, "set_timer_op takes any time", set_timer_times},
    {119, IN_ALL, "the single-shot timer is the same one", one_timer},
    {120, IN_ALL, "single-shot is for the own vCPU", single_shot_checks},
    {121, IN_ALL, "periods from 1 ms to 2^62-1 ns", periods},
    {122, IN_ALL, "a tick does not end poll", tick_wakes_nobody},
    {122, IN_ALL, "a tick does not end block", tick_ends_no_block},
    {123, IN_PV, "PV vCPUs start with a tick", tick_of_pv},
};

TOPIC(topic_timers, "timers", facts);
