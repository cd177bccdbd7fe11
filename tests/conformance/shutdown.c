/* SPDX-License-Identifier: MIT */
/*
 * Shutdown and its neighbours, as far as one can go and still report (spec
 * 3.3, 3.5, 3.6).
 *
 * The domain under test is the hardware domain: its end stops the machine. So
 * what can be looked at is what is refused, and the end itself. The guest
 * latches one code, asks for another, and whoever started the machine sees
 * which of the two was acted on.
 */
#include "lab.h"

static int remote(uint16_t domain)
{
    struct sched_remote_shutdown r = {domain, SHUTDOWN_crash};

    return sched_op(SCHEDOP_remote_shutdown, &r);
}

static void no_such_domain(void)
{
    static const uint16_t ids[] = {77,     0x7ff0, 0x7ff1, 0x7ff2,
                                   0x7ff4, 0x7fff, 0x8000, 0xffff};
    static const char *const names[] = {"77",     "DOMID_SELF", "0x7ff1",
                                        "0x7ff2", "0x7ff4",     "0x7fff",
                                        "0x8000", "0xffff"};

    for (unsigned int i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        saw(names[i], remote(ids[i]), -XEN_ESRCH);
    }
}

static void bad_operand(void)
{
    uint64_t bad;
    const char *name;

    if (bad_address(0, &bad, &name)) {
        saw("remote_shutdown", sched_op(SCHEDOP_remote_shutdown, (void *)bad),
            -XEN_EFAULT);
        saw("shutdown_code", sched_op(SCHEDOP_shutdown_code, (void *)bad),
            -XEN_EFAULT);
        saw("shutdown", sched_op(SCHEDOP_shutdown, (void *)bad), -XEN_EFAULT);
    }
}

static void down_is_no_shutdown(void)
{
    (void)open_ipi(1);
    saw("down", vcpu_op(VCPUOP_down, 1, NULL), 0);
    saw("is_up", vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    saw("down again", vcpu_op(VCPUOP_down, 1, NULL), 0);
    saw("up", vcpu_op(VCPUOP_up, 1, NULL), 0);
}

/* The last facts: nothing else may latch a code before them. */
static void latch(void)
{
    struct sched_shutdown first = {0x100}, second = {SHUTDOWN_reboot};

    saw("256", sched_op(SCHEDOP_shutdown_code, &first), 0);
    saw("1", sched_op(SCHEDOP_shutdown_code, &second), 0);
}

static const struct fact facts[] = {
    {77, IN_ALL, "remote_shutdown of no such domain is -ESRCH", no_such_domain},
    {78, IN_ALL, "bad operands are -EFAULT before anything else", bad_operand},
    {83, IN_ALL, "down of one of two vCPUs ends nothing", down_is_no_shutdown},
    {71, IN_ALL, "any code can be latched, any number of times", latch},
};

TOPIC(topic_shutdown, "shutdown", facts);
