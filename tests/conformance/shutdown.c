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

#include <xen/domctl.h>

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

static int control(uint32_t command, struct xen_domctl *op)
{
    op->cmd = command;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    return (int)raw_call(__HYPERVISOR_domctl, (uintptr_t)op, 0, 0);
}

/* The code in the flags of our own domain info, or an error. */
static int shown_code(void)
{
    struct xen_domctl op;
    int rc;

    __builtin_memset(&op, 0, sizeof(op));
    rc = control(XEN_DOMCTL_getdomaininfo, &op);
    return rc != 0
               ? rc
               : (int)(op.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift &
                       XEN_DOMINF_shutdownmask);
}

static void own_domain(void)
{
    struct xen_domctl op;

    __builtin_memset(&op, 0, sizeof(op));
    saw("pause", control(XEN_DOMCTL_pausedomain, &op), -XEN_EINVAL);
    saw("resume", control(XEN_DOMCTL_resumedomain, &op), -XEN_EINVAL);
    op.domain = 77;
    saw("unpause no domain", control(XEN_DOMCTL_unpausedomain, &op),
        -XEN_ESRCH);
}

/* The last fact: nothing can undo a latch from inside. */
static void latch(void)
{
    struct sched_shutdown first = {0x100}, second = {SHUTDOWN_reboot};

    saw("code shown", shown_code(), 255);
    saw("latch 256", sched_op(SCHEDOP_shutdown_code, &first), 0);
    saw("code shown", shown_code(), 0);
    saw("latch 1", sched_op(SCHEDOP_shutdown_code, &second), 0);
    saw("code shown", shown_code(), 0);
}

static void not_allowed(void)
{
    uint32_t own = lab_domid();

    saw("domain 0", remote(0), -XEN_EPERM);
    saw("itself", remote((uint16_t)own), -XEN_EPERM);
}

static const struct fact facts[] = {
    {78, IN_PVH | AS_DOMU, "an ordinary domain may not shut down any",
     not_allowed},
    {77, IN_ALL, "remote_shutdown of no such domain is -ESRCH", no_such_domain},
    {78, IN_ALL, "bad operands are -EFAULT before anything else", bad_operand},
    {83, IN_ALL, "down of one of two vCPUs ends nothing", down_is_no_shutdown},
    {85, IN_ALL | AS_HARDWARE, "a domain cannot pause or resume itself",
     own_domain},
    {74, IN_ALL | AS_HARDWARE,
     "the first latched code shows while the domain runs", latch},
};

TOPIC(topic_shutdown, "shutdown", facts);
