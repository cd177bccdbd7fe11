/* SPDX-License-Identifier: MIT */
/*
 * Pin override: nailing the own vCPU to a pCPU (spec 3.8).
 *
 * Only the hardware domain may, so this is where the whole order of checks
 * shows: range, undo, range again, busy, membership. Needs two pCPUs.
 */
#include "lab.h"

static int pin_to(int32_t pcpu)
{
    struct sched_pin_override p = {pcpu};

    return sched_op(SCHEDOP_pin_override, &p);
}

static void pin_once(void)
{
    saw("0", pin_to(0), 0);
    saw("0 again", pin_to(0), -XEN_EBUSY);
    saw("1", pin_to(1), -XEN_EBUSY);
    saw("undo", pin_to(-1), 0);
    saw("1", pin_to(1), 0);
    saw("undo", pin_to(-1), 0);
}

static void range_before_busy(void)
{
    (void)pin_to(0);
    saw("255", pin_to(255), -XEN_EINVAL);
    saw("256", pin_to(256), -XEN_EINVAL);
    saw("2^31-1", pin_to(INT32_MAX), -XEN_EINVAL);
    (void)pin_to(-1);
}

static void not_present(void)
{
    saw("255", pin_to(255), -XEN_EINVAL);
    saw("256", pin_to(256), -XEN_EINVAL);
}

static void undo(void)
{
    saw("not pinned", pin_to(-1), -XEN_EINVAL);
    (void)pin_to(0);
    saw("-7", pin_to(-7), 0);
    (void)pin_to(0);
    saw("-2^31", pin_to(INT32_MIN), 0);
    saw("again", pin_to(-1), -XEN_EINVAL);
}

static volatile int victim_pin;

static void pin_victim(void)
{
    victim_pin = pin_to(0);
}

static void unpin_victim(void)
{
    victim_pin = pin_to(-1);
}

static void only_the_caller(void)
{
    (void)open_ipi(1);
    saw("vCPU 0", pin_to(0), 0);
    victim_start(pin_victim);
    (void)victim_ends(SOON);
    saw("vCPU 1", victim_pin, 0);
    saw("undo", pin_to(-1), 0);
    victim_start(unpin_victim);
    (void)victim_ends(SOON);
    saw("undo", victim_pin, 0);
}

static void bad_operand(void)
{
    uint64_t bad;
    const char *name;

    if (bad_address(0, &bad, &name)) {
        saw("bad operand", sched_op(SCHEDOP_pin_override, (void *)bad),
            -XEN_EFAULT);
    }
}

static void not_allowed(void)
{
    saw("NULL", sched_op(SCHEDOP_pin_override, NULL), -XEN_EPERM);
    saw("0", pin_to(0), -XEN_EPERM);
    saw("-1", pin_to(-1), -XEN_EPERM);
    saw("9999", pin_to(9999), -XEN_EPERM);
}

static const struct fact facts[] = {
    {99, IN_ALL | AS_DOMU, "an ordinary domain may not, whatever the operand",
     not_allowed},
    {100, IN_ALL | AS_HARDWARE, "a pinned vCPU is busy", pin_once},
    {101, IN_ALL | AS_HARDWARE, "no such pCPU is -EINVAL even while pinned",
     range_before_busy},
    {102, IN_ALL | AS_HARDWARE, "no such pCPU is -EINVAL", not_present},
    {103, IN_ALL | AS_HARDWARE, "any negative number undoes, once", undo},
    {105, IN_ALL | AS_HARDWARE, "each vCPU has a pin of its own",
     only_the_caller},
    {109, IN_PVH | AS_HARDWARE, "a PVH hardware domain may pin", pin_once},
    {109, IN_ALL | AS_HARDWARE, "a bad operand is -EFAULT once allowed",
     bad_operand},
};

TOPIC(topic_pin, "pin", facts);
