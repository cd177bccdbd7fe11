/* SPDX-License-Identifier: MIT */
/*
 * vCPUs: their states, who may change them, and what is counted (spec 2.1,
 * 2.3, 2.4, 4.6).
 *
 * Guests read runstates to account for stolen time and to see whether another
 * vCPU sleeps. vCPU 2 is never started; vCPU 1 is the victim.
 */
#include "arch.h"
#include "lab.h"

#include <xen/hvm/hvm_vcpu.h>

static volatile bool spinning, stop;

static void spin(void)
{
    spinning = true;
    while (!stop) {
        cpu_relax();
    }
}

static void job_block(void)
{
    upcalls_on();
    found.result = sched_op(SCHEDOP_block, NULL);
    upcalls_off();
}

static void runstates(void)
{
    evtchn_port_t port = open_ipi(1);
    uint64_t end = in(SOON);
    long state;

    saw("never started", runstate_of(2), RUNSTATE_offline);
    saw("own", runstate_of(0), RUNSTATE_running);
    stop = spinning = false;
    victim_start(spin);
    while (!spinning && now() < end) {
        rest(MS);
    }
    state = runstate_of(1);
    /* Somebody else may have its pCPU now. */
    saw("spinning", state == RUNSTATE_runnable ? RUNSTATE_running : state,
        RUNSTATE_running);
    saw("down", vcpu_op(VCPUOP_down, 1, NULL), 0);
    while (runstate_of(1) != RUNSTATE_offline && now() < end) {
        rest(MS);
    }
    saw("down", runstate_of(1), RUNSTATE_offline);
    stop = true;
    (void)vcpu_op(VCPUOP_up, 1, NULL);
    if (!victim_ends(SOON)) {
        broken("the second vCPU is stuck");
        return;
    }
    set_mask(port, false);
    victim_start(job_block);
    saw_that("blocks", victim_sleeps());
    (void)vcpu_op(VCPUOP_down, 1, NULL);
    saw("blocked and down", runstate_of(1), RUNSTATE_blocked);
    (void)vcpu_op(VCPUOP_up, 1, NULL);
    (void)send(port);
    saw_that("ends", victim_ends(SOON));
    clear_pending(port);
    aim = (struct aim){{port}, 1, 0};
    victim_start(job_poll);
    saw_that("polling is blocked", victim_sleeps());
    (void)vcpu_op(VCPUOP_down, 1, NULL);
    (void)send(port);
    saw("woken and down", runstate_of(1), RUNSTATE_offline);
    (void)vcpu_op(VCPUOP_up, 1, NULL);
    saw_that("ends", victim_ends(SOON));
}

/* Sum of the four times, relative to system time: bounds of the difference. */
static bool sum_bounds(unsigned int vcpu, uint64_t *low, uint64_t *high)
{
    struct vcpu_runstate_info info;
    uint64_t before = now(), sum = 0, after;

    if (vcpu_op(VCPUOP_get_runstate_info, vcpu, &info) != 0) {
        return false;
    }
    after = now();
    for (unsigned int i = 0; i < 4; i++) {
        sum += info.time[i];
    }
    *low = before - sum;
    *high = after - sum;
    return true;
}

/* Four times summing to time - creation: creation lies in every interval. */
static void sums(void)
{
    static const char *const names[] = {"vCPU 0", "vCPU 1", "vCPU 2"};

    for (unsigned int v = 0; v < 3; v++) {
        uint64_t low = 0, high = UINT64_MAX;

        for (unsigned int i = 0; i < 20; i++) {
            uint64_t l, h;

            if (!sum_bounds(v, &l, &h)) {
                broken("no runstate");
                return;
            }
            low = l > low ? l : low;
            high = h < high ? h : high;
            rest(MS);
        }
        saw_that(names[v], low <= high);
    }
}

static void never_initialised(void)
{
    saw("up", vcpu_op(VCPUOP_up, 2, NULL), -XEN_EINVAL);
    saw("down", vcpu_op(VCPUOP_down, 2, NULL), 0);
    saw("is_up", vcpu_op(VCPUOP_is_up, 2, NULL), 0);
    saw("own", vcpu_op(VCPUOP_is_up, 0, NULL), 1);
    saw("up when up", vcpu_op(VCPUOP_up, 0, NULL), 0);
}

static void initialise_again(void)
{
    static uint8_t context[8192]; /* either kind; never looked at */
    uint64_t bad;
    const char *name;

    saw("vCPU 1", vcpu_op(VCPUOP_initialise, 1, context), -XEN_EEXIST);
    saw("vCPU 0", vcpu_op(VCPUOP_initialise, 0, context), -XEN_EEXIST);
    if (bad_address(0, &bad, &name)) {
        saw("vCPU 0, bad operand", vcpu_op(VCPUOP_initialise, 0, (void *)bad),
            -XEN_EFAULT);
        saw("vCPU 2, bad operand", vcpu_op(VCPUOP_initialise, 2, (void *)bad),
            -XEN_EFAULT);
    }
}

static void initialise_contents(void)
{
    static struct vcpu_hvm_context context;

    context.mode = 7;
    saw("mode 7", vcpu_op(VCPUOP_initialise, 2, &context), -XEN_EINVAL);
    context.mode = VCPU_HVM_MODE_64B;
    saw("64-bit without paging", vcpu_op(VCPUOP_initialise, 2, &context),
        -XEN_EINVAL);
    context.mode = VCPU_HVM_MODE_32B;
    saw("null segments", vcpu_op(VCPUOP_initialise, 2, &context), -XEN_EINVAL);
    saw("still not there", vcpu_op(VCPUOP_up, 2, NULL), -XEN_EINVAL);
}

static void no_such_vcpu(void)
{
    saw("vCPU 9", vcpu_op(VCPUOP_is_up, 9, NULL), -XEN_ENOENT);
    saw("vCPU 2^31", vcpu_op(VCPUOP_up, UINT32_C(1) << 31, NULL), -XEN_ENOENT);
    saw("unknown op on vCPU 9", vcpu_op(99, 9, NULL), -XEN_ENOENT);
    saw("unknown op", vcpu_op(99, 0, NULL), -XEN_ENOSYS);
}

static void event_while_down(void)
{
    evtchn_port_t port = open_ipi(2);

    set_mask(port, false);
    clear_upcall(2);
    saw("send", send(port), 0);
    saw_that("pending", is_pending(port));
    saw_that("selector", info_of(2)->evtchn_pending_sel == 1);
    saw_that("upcall byte", info_of(2)->evtchn_upcall_pending == 1);
    clear_upcall(2);
}

static int register_info(uint64_t frame, uint32_t offset)
{
    struct vcpu_register_vcpu_info r = {frame, offset, 0};

    return vcpu_op(VCPUOP_register_vcpu_info, 2, &r);
}

static uint8_t info_page[4096] __attribute__((aligned(4096)));

static void moving_info(void)
{
    uint64_t frame = frame_of(info_page);
    int again;

    saw("offset 4033", register_info(frame, 4033), -XEN_ENXIO);
    saw("offset 4096", register_info(frame, 4096), -XEN_ENXIO);
    saw("offset 4", register_info(frame, 4), -XEN_ENXIO);
    saw("bad frame", register_info(UINT64_C(1) << 40, 128), -XEN_EINVAL);
    saw("offset 128", register_info(frame, 128), 0);
    again = register_info(frame, 256);
    saw("again", again, lab_version() >= 0x40012 ? -XEN_EBUSY : -XEN_EINVAL);
}

static void moved_info(void)
{
    volatile struct vcpu_info *info = (void *)(info_page + 128);

    if (register_info(frame_of(info_page), 128) == 0) {
        broken("it was not moved before");
    }
    saw("upcall byte", info->evtchn_upcall_pending, 1);
    saw_bits("selector", info->evtchn_pending_sel, UINT64_MAX);
}

static void nmi_operand(void)
{
    saw("operand", vcpu_op(VCPUOP_send_nmi, 2, info_page), -XEN_EINVAL);
}

static const struct fact facts[] = {
    {110, IN_ALL, "what a vCPU does is its runstate", runstates},
    {111, IN_ALL, "the four times sum to the time since creation", sums},
    {112, IN_ALL, "a vCPU that was never initialised", never_initialised},
    {113, IN_ALL, "a vCPU is initialised once, operand first",
     initialise_again},
    {113, IN_PVH | WITH_CPU, "the context is checked", initialise_contents},
    {114, IN_ALL, "the vCPU is looked at before the operation", no_such_vcpu},
    {114, IN_ALL, "send_nmi wants no operand", nmi_operand},
    {115, IN_ALL, "an event for a vCPU that is down is kept", event_while_down},
    {116, IN_ALL, "vcpu_info moves once, inside a page", moving_info},
    {117, IN_ALL, "a moved vcpu_info has everything selected", moved_info},
};

TOPIC(topic_vcpu, "vcpu", facts);
