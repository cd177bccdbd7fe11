/* SPDX-License-Identifier: MIT */
/*
 * PVH: what the processor-like kind of guest asks of its hypervisor beside
 * the commands (spec section 8, 4.5).
 */
#include <schedop/kit.h>

#include "arch.h"
#include "lab.h"

#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>

#include "../../src/guest/kit/layout.h"

static int upcall_vector(uint32_t vcpu, uint8_t vector)
{
    struct xen_hvm_evtchn_upcall_vector v = {vcpu, vector};

    return (int)raw_call(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector,
                         (uintptr_t)&v, 0);
}

static void upcall_vectors(void)
{
    uint64_t bad;
    const char *name;

    saw("vector 0x0f", upcall_vector(0, 0x0f), -XEN_EINVAL);
    saw("vector 0x0f on vCPU 9", upcall_vector(9, 0x0f), -XEN_EINVAL);
    saw("vector 0x10 on vCPU 9", upcall_vector(9, 0x10), -XEN_ENOENT);
    if (bad_address(0, &bad, &name)) {
        saw("bad operand",
            (int)raw_call(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector,
                          bad, 0),
            -XEN_EFAULT);
    }
}

static void cpuid_leaves(void)
{
    uint32_t base = 0x40000000, r[4];

    cpuid(base, 0, r);
    saw_that("signature",
             r[1] == 0x566e6558 && r[2] == 0x65584d4d && r[3] == 0x4d4d566e);
    saw_that("last leaf at least +4", r[0] >= base + 4);
    cpuid(base + 2, 0, r);
    saw("hypercall pages", (long)r[0], 1);
    saw_bits("MSR", r[1], base);
}

struct layout_seen {
    int rc32, rc64; /* of setting the callback */
    bool selector_at_4, selector_at_8;
};

static volatile uint32_t *info_words(void)
{
    return (volatile uint32_t *)(volatile void *)info_of(0);
}

/* Whether an event sets the selector word at offset 4 (else at 8). */
static void look_for_selector(evtchn_port_t port, bool *at_4, bool *at_8)
{
    volatile uint32_t *words = info_words();

    clear_pending(port);
    words[0] = 0;
    words[1] = 0;
    words[2] = 0;
    (void)send(port);
    *at_4 = words[1] == 1 && words[2] == 0;
    *at_8 = words[1] == 0 && words[2] == 1;
    words[0] = 0;
    words[1] = 0;
    words[2] = 0;
}

static void see_layouts(struct layout_seen *seen)
{
    struct xen_hvm_param *param = low_memory(sizeof(*param));
    evtchn_port_t port = open_ipi(0);
    bool other;

    param->domid = DOMID_SELF;
    param->index = HVM_PARAM_CALLBACK_IRQ;
    param->value = UINT64_C(2) << 56 | KIT_VECTOR_EVENT;
    set_mask(port, false);
    seen->rc32 = (int)call32(__HYPERVISOR_hvm_op, HVMOP_set_param,
                             (uint32_t)(uintptr_t)param);
    look_for_selector(port, &seen->selector_at_4, &other);
    seen->rc64 = (int)raw_call(__HYPERVISOR_hvm_op, HVMOP_set_param,
                               (uintptr_t)param, 0);
    look_for_selector(port, &other, &seen->selector_at_8);
}

static void layout_latch(void)
{
    struct layout_seen seen;

    see_layouts(&seen);
    saw("latched by 32-bit code", seen.rc32, 0);
    saw_that("selector at 4", seen.selector_at_4);
    saw("latched by 64-bit code", seen.rc64, 0);
    saw_that("selector at 8", seen.selector_at_8);
}

static void console(void)
{
    uint64_t bad;
    const char *name;

    if (lab_world() & AS_DOMU) {
        saw("write",
            (int)raw_call(__HYPERVISOR_console_io, CONSOLEIO_write, 1,
                          (uintptr_t)&bad),
            -XEN_EPERM);
        return;
    }
    saw("command 99", (int)raw_call(__HYPERVISOR_console_io, 99, 0, 0),
        -XEN_ENOSYS);
    if (bad_address(0, &bad, &name)) {
        saw("bad buffer",
            (int)raw_call(__HYPERVISOR_console_io, CONSOLEIO_write, 5, bad),
            -XEN_EFAULT);
    }
}

static void features(void)
{
    struct xen_feature_info f = {7, 0};

    saw("submap 7",
        (int)raw_call(__HYPERVISOR_xen_version, XENVER_get_features,
                      (uintptr_t)&f, 0),
        -XEN_EINVAL);
    f.submap_idx = 0;
    saw("submap 0",
        (int)raw_call(__HYPERVISOR_xen_version, XENVER_get_features,
                      (uintptr_t)&f, 0),
        0);
    saw_bits("features", f.submap,
             lab_world() & IN_PV     ? 0x228e0
             : lab_world() & AS_DOMU ? 0x12305
                                     : 0x12b05);
}

static void start_masks(void)
{
    saw_that("no port masked", lab_ports_were_open());
    saw("upcall mask", lab_first_mask(), lab_world() & IN_PV ? 1 : 0);
}

static int callback(uint64_t type, uint64_t low)
{
    struct xen_hvm_param p = {.domid = DOMID_SELF,
                              .index = HVM_PARAM_CALLBACK_IRQ,
                              .value = type << 56 | low};

    return (int)raw_call(__HYPERVISOR_hvm_op, HVMOP_set_param, (uintptr_t)&p,
                         0);
}

/* An event still comes by the vector that was set at the start. */
static bool upcall_comes(void)
{
    evtchn_port_t port = open_ipi(0);
    unsigned int before = kit_upcalls();

    set_mask(port, false);
    (void)send(port);
    upcalls_on();
    (void)sched_op(SCHEDOP_yield, NULL);
    upcalls_off();
    close_port(port);
    clear_upcall(0);
    return kit_upcalls() > before;
}

static void other_callbacks(void)
{
    saw_that("vector works", upcall_comes());
    saw("type 0", callback(0, 9), 0);
    saw_that("vector works", upcall_comes());
    saw("type 1", callback(1, 9), 0);
    saw_that("vector works", upcall_comes());
    saw("type 9", callback(9, 9), 0);
    saw_that("vector works", upcall_comes());
    saw("type 2", callback(2, KIT_VECTOR_EVENT), 0);
}

static void start_info(void)
{
    struct kit_region region;
    bool hardware = (lab_world() & AS_HARDWARE) != 0;

    saw("version", (long)kit_info()->start_version, hardware ? 0 : 1);
    saw("flags", (long)kit_info()->flags, hardware ? 3 : 0);
    saw_that("there is a memory map", kit_memory_map(&region, 1) == 1);
}

static const struct fact facts[] = {
    {132, IN_PVH | WITH_CPU, "start info: a map for ordinary domains only",
     start_info},
    {137, IN_PVH | AS_DOMU, "other callback types leave the vector in force",
     other_callbacks},
    {135, IN_ALL | AS_HARDWARE, "no port is masked at the start", start_masks},
    {132, IN_ALL, "the feature word", features},
    {132, IN_PVH | WITH_CPU, "CPUID leaves", cpuid_leaves},
    {133, IN_PVH, "the layout of shared info follows the caller's mode",
     layout_latch},
    {134, IN_PVH, "checks of the per-vCPU upcall vector", upcall_vectors},
    {136, IN_ALL, "who may use console_io, and how", console},
};

TOPIC(topic_hvm, "hvm", facts);
