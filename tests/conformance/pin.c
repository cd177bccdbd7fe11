/* SPDX-License-Identifier: MIT */
/*
 * Pin override: nailing the own vCPU to a pCPU (spec 3.8).
 *
 * Only the hardware domain may, so this is where the whole order of checks
 * shows: range, undo, range again, busy, membership. Needs two pCPUs.
 */
#include "lab.h"
#include "pair.h"

#include <xen/sysctl.h>

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

/* ---- affinity and the pool around a pin (spec 6) ---- */

static struct xen_domctl op;
static uint64_t hard_map, soft_map;

/* Of our vCPU `vcpu`: sets or gets what `flags` say, in the maps above. */
static int affinity(uint32_t command, uint32_t vcpu, uint32_t flags)
{
    struct xen_domctl_vcpuaffinity *a = &op.u.vcpuaffinity;

    __builtin_memset(&op, 0, sizeof(op));
    a->vcpu = vcpu;
    a->flags = flags;
    set_xen_guest_handle(a->cpumap_hard.bitmap, (uint8_t *)&hard_map);
    set_xen_guest_handle(a->cpumap_soft.bitmap, (uint8_t *)&soft_map);
    a->cpumap_hard.nr_bits = a->cpumap_soft.nr_bits = 64;
    return pair_domctl(command, 0, &op);
}

static int set_hard(uint32_t vcpu, uint64_t mask)
{
    hard_map = mask;
    return affinity(XEN_DOMCTL_setvcpuaffinity, vcpu, XEN_VCPUAFFINITY_HARD);
}

/* The low bits: what is possible differs between machines. */
static int hard_of(uint32_t vcpu)
{
    int rc = affinity(XEN_DOMCTL_getvcpuaffinity, vcpu, XEN_VCPUAFFINITY_HARD);

    return rc != 0 ? rc : (int)(hard_map & 3);
}

static int own_pcpu(void)
{
    int rc;

    __builtin_memset(&op, 0, sizeof(op));
    rc = pair_domctl(XEN_DOMCTL_getvcpuinfo, 0, &op);
    return rc != 0 ? rc : (int)op.u.getvcpuinfo.cpu;
}

static void moves_at_once(void)
{
    for (int i = 0; i < 4; i++) {
        int32_t pcpu = i % 2;

        (void)pin_to(pcpu);
        saw(pcpu == 0 ? "pinned to 0" : "pinned to 1", own_pcpu(), pcpu);
        (void)pin_to(-1);
    }
}

static void outside_the_mask(void)
{
    saw("hard mask 1", set_hard(0, 1), 0);
    saw("pin 1", pin_to(1), 0);
    saw("runs on", own_pcpu(), 1);
    saw("hard mask", hard_of(0), 2);
    saw("undo", pin_to(-1), 0);
    saw("hard mask", hard_of(0), 1);
    saw("runs on", own_pcpu(), 0);
    saw("hard mask all", set_hard(0, UINT64_MAX), 0);
}

static void affinity_while_pinned(void)
{
    (void)pin_to(0);
    saw("hard", set_hard(0, 3), -XEN_EBUSY);
    soft_map = 3;
    saw("soft", affinity(XEN_DOMCTL_setvcpuaffinity, 0, XEN_VCPUAFFINITY_SOFT),
        -XEN_EBUSY);
    hard_map = 3;
    saw("forced",
        affinity(XEN_DOMCTL_setvcpuaffinity, 0,
                 XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_FORCE),
        0);
    saw("undo", pin_to(-1), -XEN_EINVAL);
    saw("hard mask all", set_hard(0, UINT64_MAX), 0);
}

static void affinity_checks(void)
{
    saw("no flags", affinity(XEN_DOMCTL_setvcpuaffinity, 0, 0), -XEN_EINVAL);
    saw("vCPU 9", set_hard(9, 1), -XEN_EINVAL);
    saw("no pCPU of the pool", set_hard(0, UINT64_C(1) << 40), -XEN_EINVAL);
    saw("hard mask", hard_of(0), 3);
}

static struct xen_sysctl sys;

static int system_call(uint32_t command)
{
    sys.cmd = command;
    sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return (int)raw_call(__HYPERVISOR_sysctl, (uintptr_t)&sys, 0, 0);
}

/* Of pool `id`; `arg` is the pCPU, the domain or the scheduler. */
static int pool_of(uint32_t id, uint32_t operation, uint32_t arg)
{
    __builtin_memset(&sys, 0, sizeof(sys));
    sys.u.cpupool_op.op = operation;
    sys.u.cpupool_op.cpupool_id = id;
    sys.u.cpupool_op.cpu = sys.u.cpupool_op.domid = arg;
    sys.u.cpupool_op.sched_id = arg;
    return system_call(XEN_SYSCTL_cpupool_op);
}

static int pool(uint32_t operation, uint32_t pcpu)
{
    return pool_of(0, operation, pcpu);
}

static int remove_pcpu(uint32_t pcpu)
{
    uint64_t end = in(SOON);
    int rc;

    do { /* busy while something of the machine's own still runs there */
        rc = pool(XEN_SYSCTL_CPUPOOL_OP_RMCPU, pcpu);
    } while (rc == -XEN_EBUSY && now() < end);
    return rc;
}

static void pinned_pcpu_stays(void)
{
    (void)pin_to(1);
    saw("remove", remove_pcpu(1), -XEN_EADDRINUSE);
    saw("undo", pin_to(-1), 0);
    saw("remove", remove_pcpu(1), 0);
    (void)pin_to(0);
    saw("while pinned to 0: pin 1", pin_to(1), -XEN_EBUSY);
    (void)pin_to(-1);
    saw("pin outside the pool", pin_to(1), -XEN_EINVAL);
    saw("add", pool(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 1), 0);
}

static void mask_widens(void)
{
    saw("hard mask 2", set_hard(2, 2), 0);
    saw("remove", remove_pcpu(1), 0);
    saw("add", pool(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 1), 0);
    saw("hard mask", hard_of(2), 3);
}

/* ---- cpupools and knobs (spec 6.3); measured, the specification is brief */

#define POOL(name) XEN_SYSCTL_CPUPOOL_OP_##name

static void leaving_taken_back(void)
{
    (void)pin_to(1);
    saw("remove", remove_pcpu(1), -XEN_EADDRINUSE);
    saw("remove another", pool(POOL(RMCPU), 0), -XEN_EINVAL);
    saw("again", remove_pcpu(1), -XEN_EADDRINUSE);
    saw("add", pool(POOL(ADDCPU), 1), 0);
    saw("add again", pool(POOL(ADDCPU), 1), -XEN_ENODEV);
    saw("undo", pin_to(-1), 0);
}

static void member_checks(void)
{
    saw("remove the first", pool(POOL(RMCPU), 0), -XEN_EINVAL);
    saw("remove no such", pool(POOL(RMCPU), 99), -XEN_EINVAL);
    saw("of no such pool", pool_of(77, POOL(RMCPU), 1), -XEN_ENOENT);
    saw("add a member", pool(POOL(ADDCPU), 1), -XEN_ENODEV);
    saw("add any of none", pool(POOL(ADDCPU), UINT32_MAX), -XEN_ENODEV);
    saw("add no such", pool(POOL(ADDCPU), 99), -XEN_EINVAL);
    saw("to no such pool", pool_of(77, POOL(ADDCPU), 1), -XEN_ENOENT);
    saw("remove", remove_pcpu(1), 0);
    saw("remove the free", pool(POOL(RMCPU), 1), -XEN_EADDRNOTAVAIL);
    saw("add any", pool(POOL(ADDCPU), UINT32_MAX), 0);
}

static void pools_made(void)
{
    saw("no such operation", pool(99, 0), -XEN_ENOSYS);
    saw("create 0", pool(POOL(CREATE), XEN_SCHEDULER_CREDIT2), -XEN_EEXIST);
    saw("no scheduler", pool_of(5, POOL(CREATE), 4), -XEN_ENOENT);
    saw("create 5", pool_of(5, POOL(CREATE), XEN_SCHEDULER_CREDIT2), 0);
    saw("again", pool_of(5, POOL(CREATE), XEN_SCHEDULER_CREDIT2), -XEN_EEXIST);
    saw("remove any of none", pool_of(5, POOL(RMCPU), UINT32_MAX), -XEN_EINVAL);
    saw("move us", pool_of(5, POOL(MOVEDOMAIN), 0), -XEN_EPERM);
    saw("move nobody", pool_of(5, POOL(MOVEDOMAIN), 99), -XEN_ESRCH);
    saw("remove 1", remove_pcpu(1), 0);
    saw("give it", pool_of(5, POOL(ADDCPU), 1), 0);
    saw("destroy with it", pool_of(5, POOL(DESTROY), 0), -XEN_EBUSY);
    saw("take it", pool_of(5, POOL(RMCPU), 1), 0);
    saw("destroy", pool_of(5, POOL(DESTROY), 0), 0);
    saw("again", pool_of(5, POOL(DESTROY), 0), -XEN_ENOENT);
    saw("destroy 0", pool(POOL(DESTROY), 0), -XEN_EBUSY);
    saw("add 1", pool(POOL(ADDCPU), 1), 0);
}

static int hotplug(uint32_t operation, uint32_t pcpu)
{
    __builtin_memset(&sys, 0, sizeof(sys));
    sys.u.cpu_hotplug.op = operation;
    sys.u.cpu_hotplug.cpu = pcpu;
    return system_call(XEN_SYSCTL_cpu_hotplug);
}

static void hotplug_checks(void)
{
    saw("offline 0", hotplug(XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 0), -XEN_EINVAL);
    saw("offline 99", hotplug(XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 99), -XEN_EINVAL);
    saw("online 1", hotplug(XEN_SYSCTL_CPU_HOTPLUG_ONLINE, 1), -XEN_EEXIST);
    saw("online 99", hotplug(XEN_SYSCTL_CPU_HOTPLUG_ONLINE, 99), -XEN_EINVAL);
    saw("no such operation", hotplug(9, 1), -XEN_EOPNOTSUPP);
    /* No more: real Xen does not survive some of what would follow. */
}

static int knobs(uint32_t sched_id, uint32_t command, uint16_t weight,
                 uint16_t cap)
{
    __builtin_memset(&op, 0, sizeof(op));
    op.u.scheduler_op.sched_id = sched_id;
    op.u.scheduler_op.cmd = command;
    op.u.scheduler_op.u.credit2.weight = weight;
    op.u.scheduler_op.u.credit2.cap = cap;
    return pair_domctl(XEN_DOMCTL_scheduler_op, 0, &op);
}

static void knob_checks(void)
{
    const uint32_t ours = XEN_SCHEDULER_CREDIT2;

    saw("of rtds", knobs(XEN_SCHEDULER_RTDS, XEN_DOMCTL_SCHEDOP_getinfo, 0, 0),
        -XEN_EINVAL);
    saw("of vCPUs", knobs(ours, XEN_DOMCTL_SCHEDOP_getvcpuinfo, 0, 0),
        -XEN_EINVAL);
    saw("no such command", knobs(ours, 9, 0, 0), -XEN_EINVAL);
    saw("set", knobs(ours, XEN_DOMCTL_SCHEDOP_putinfo, 77, 250), 0);
    saw("cap 301 of 3 vCPUs", knobs(ours, XEN_DOMCTL_SCHEDOP_putinfo, 0, 301),
        -XEN_EINVAL);
    saw("get", knobs(ours, XEN_DOMCTL_SCHEDOP_getinfo, 0, 0), 0);
    saw("weight", op.u.scheduler_op.u.credit2.weight, 77);
    saw("cap", op.u.scheduler_op.u.credit2.cap, 250);
    saw("weight 0 changes none", knobs(ours, XEN_DOMCTL_SCHEDOP_putinfo, 0, 0),
        0);
    (void)knobs(ours, XEN_DOMCTL_SCHEDOP_getinfo, 0, 0);
    saw("weight", op.u.scheduler_op.u.credit2.weight, 77);
    saw("back", knobs(ours, XEN_DOMCTL_SCHEDOP_putinfo, 256, 0), 0);
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
    {104, IN_ALL | AS_HARDWARE, "a pin may be outside the hard mask",
     outside_the_mask},
    {105, IN_ALL | AS_HARDWARE, "a pin moves the vCPU before it returns",
     moves_at_once},
    {106, IN_ALL | AS_HARDWARE, "while pinned affinity changes by force only",
     affinity_while_pinned},
    {106, IN_ALL | AS_HARDWARE, "checks of affinity", affinity_checks},
    {107, IN_ALL | AS_HARDWARE, "a pinned pCPU stays in its pool",
     pinned_pcpu_stays},
    {108, IN_ALL | AS_HARDWARE, "removing a mask's only pCPU widens it",
     mask_widens},
    {107, IN_ALL | AS_HARDWARE, "a pCPU that cannot leave may be taken back",
     leaving_taken_back},
    {107, IN_ALL | AS_HARDWARE, "checks of adding and removing pCPUs",
     member_checks},
    {107, IN_ALL | AS_HARDWARE, "cpupools are made and unmade", pools_made},
    {107, IN_ALL | AS_HARDWARE, "checks of going on and off line",
     hotplug_checks},
    {108, IN_ALL | AS_HARDWARE, "checks of a domain's knobs", knob_checks},
    {109, IN_PVH | AS_HARDWARE, "a PVH hardware domain may pin", pin_once},
    {109, IN_ALL | AS_HARDWARE, "a bad operand is -EFAULT once allowed",
     bad_operand},
};

TOPIC(topic_pin, "pin", facts);
