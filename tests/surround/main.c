/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls that guests make around scheduling (memory, grant tables,
 * versions, parameters): each with good and bad operands, and what came of it.
 * Prints a line each and judges nothing: the lines are compared with Xen's.
 *
 * Addresses and sizes that belong to the machine are not printed. The first
 * word of each line names the call, the last is its result.
 */
#include "surround.h"

#include <stdarg.h>

static int64_t nr_done;

/* Xen's console takes few pieces a second, so they are long. */
static char said[1000];
static size_t nr_said;

static void flush(void)
{
    kit_write(said, nr_said);
    nr_said = 0;
}

void say(const char *format, ...)
{
    va_list ap;

    if (nr_said + 100 > sizeof(said)) {
        flush();
    }
    va_start(ap, format);
    nr_said += (size_t)kit_vsnprintf(said + nr_said, 100, format, ap);
    va_end(ap);
}

int64_t tell(int64_t rc, const char *what)
{
    say("%s: %lld\n", what, (long long)rc);
    nr_done++;
    return rc;
}

int64_t tell_n(int64_t rc, const char *what, uint64_t n)
{
    say("%s %llu: %lld\n", what, (unsigned long long)n, (long long)rc);
    nr_done++;
    return rc;
}

int64_t call(unsigned number, uint64_t a, uint64_t b, uint64_t c)
{
    return (int64_t)schedop_hypercall3(number, a, b, c);
}

uint64_t at(const void *p)
{
    return (uintptr_t)p;
}

/* ---- xen_version ---- */

static void versions(void)
{
    static char out[4096];
    struct xen_feature_info f = {.submap_idx = 0};

    for (unsigned cmd = 0; cmd <= 13; cmd++) {
        if (cmd == XENVER_get_features || cmd == XENVER_platform_parameters) {
            continue;
        }
        if (cmd == XENVER_guest_handle || cmd == XENVER_commandline) {
            memset(out, 0, sizeof(out));
        }
        if (cmd == XENVER_version) {
            tell(call(__HYPERVISOR_xen_version, cmd, 0, 0), "version");
        } else if (cmd == XENVER_build_id) {
            tell(call(__HYPERVISOR_xen_version, cmd, NOWHERE, 0),
                 "version build_id nowhere");
        } else {
            tell_n(call(__HYPERVISOR_xen_version, cmd, at(out), 0), "version",
                   cmd);
        }
        if (cmd != XENVER_version && cmd != XENVER_pagesize &&
            cmd != XENVER_build_id) {
            tell_n(call(__HYPERVISOR_xen_version, cmd, NOWHERE, 0),
                   "version nowhere", cmd);
        }
    }
    for (unsigned i = 0; i <= 2; i++) {
        f.submap_idx = i;
        f.submap = 0;
        tell_n(call(__HYPERVISOR_xen_version, XENVER_get_features, at(&f), 0),
               "features", i);
        say("features: map %x\n", f.submap);
    }
}

/* ---- hvm_op ---- */

static int64_t param(unsigned op, uint16_t domid, uint32_t index,
                     uint64_t value)
{
    struct xen_hvm_param p = {.domid = domid, .index = index, .value = value};

    return call(__HYPERVISOR_hvm_op, op, at(&p), 0);
}

static void hvm(void)
{
    struct xen_hvm_get_time now = {0};
    struct xen_hvm_evtchn_upcall_vector u = {.vcpu = 99, .vector = 0x40};
    uint64_t zero[16] = {0};

    for (uint32_t i = 0; i <= HVM_NR_PARAMS + 1; i++) {
        tell_n(param(HVMOP_get_param, DOMID_SELF, i, 0), "get_param", i);
    }
    for (uint32_t i = 0; i <= HVM_NR_PARAMS + 1; i++) {
        if (i != HVM_PARAM_CALLBACK_IRQ && i != HVM_PARAM_VM86_TSS &&
            i != HVM_PARAM_VM86_TSS_SIZED && i != HVM_PARAM_TIMER_MODE) {
            tell_n(param(HVMOP_set_param, DOMID_SELF, i, 0), "set_param", i);
        }
    }
    tell(param(HVMOP_get_param, 0, 1, 0), "get_param of domain 0");
    tell(param(HVMOP_get_param, 999, 1, 0), "get_param of nobody");
    tell(call(__HYPERVISOR_hvm_op, HVMOP_get_param, NOWHERE, 0),
         "get_param nowhere");
    tell(call(__HYPERVISOR_hvm_op, HVMOP_get_time, at(&now), 0), "get_time");
    tell(call(__HYPERVISOR_hvm_op, HVMOP_flush_tlbs, 0, 0), "flush_tlbs");
    tell(call(__HYPERVISOR_hvm_op, HVMOP_flush_tlbs, at(zero), 0),
         "flush_tlbs of some");
    tell(call(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, at(&u), 0),
         "upcall vector of no vCPU");
    u.vcpu = 0;
    u.vector = 0xf;
    tell(call(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, at(&u), 0),
         "upcall vector of an exception");
    for (unsigned op = 2; op <= 30; op++) {
        if (op != HVMOP_flush_tlbs && op != HVMOP_get_time &&
            op != HVMOP_set_evtchn_upcall_vector &&
            op != HVMOP_pagetable_dying) { /* for shadow page tables */
            tell_n(call(__HYPERVISOR_hvm_op, op, at(zero), 0), "hvm_op", op);
            tell_n(call(__HYPERVISOR_hvm_op, op, NOWHERE, 0), "hvm_op nowhere",
                   op);
        }
    }
}

/* ---- vm_assist, physdev_op and numbers ---- */

static void assists(void)
{
    for (unsigned cmd = 0; cmd <= 2; cmd++) {
        for (unsigned type = 0; type <= 6; type++) {
            tell_n(call(__HYPERVISOR_vm_assist, cmd, type, 0),
                   cmd == 0   ? "vm_assist enable"
                   : cmd == 1 ? "vm_assist disable"
                              : "vm_assist 2",
                   type);
        }
        tell_n(call(__HYPERVISOR_vm_assist, cmd, 32, 0), "vm_assist of 32",
               cmd);
    }
}

static void physdev(void)
{
    uint64_t zero[16] = {0};

    for (unsigned op = 0; op <= 32; op++) {
        tell_n(call(__HYPERVISOR_physdev_op, op, at(zero), 0), "physdev_op",
               op);
        tell_n(call(__HYPERVISOR_physdev_op, op, NOWHERE, 0),
               "physdev_op nowhere", op);
    }
}

/*
 * Not those done above, nor iret, which the hypercall page does not have, nor
 * those that look at a fourth operand.
 */
static void numbers(void)
{
    for (unsigned n = 0; n <= 63; n++) {
        if (n != __HYPERVISOR_sched_op && n != __HYPERVISOR_console_io &&
            n != __HYPERVISOR_memory_op && n != __HYPERVISOR_set_timer_op &&
            n != __HYPERVISOR_multicall && n != __HYPERVISOR_xen_version &&
            n != __HYPERVISOR_iret && n != __HYPERVISOR_mmuext_op &&
            n != __HYPERVISOR_dm_op) {
            tell_n(call(n, 99, NOWHERE, 1), "hypercall", n);
        }
    }
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } parts[] = {
        {"versions", versions}, {"memory", memory},   {"others", others},
        {"grants", grants},     {"hvm", hvm},         {"assists", assists},
        {"physdev", physdev},   {"numbers", numbers},
    };
    char part[16];

    for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (kit_arg("part", part, sizeof(part)) &&
            strcmp(part, parts[i].name) == 0) {
            parts[i].run();
            say("done: %lld\n", (long long)nr_done);
            flush();
            return 0;
        }
    }
    kit_printf("part=versions|memory|others|grants|hvm|assists|physdev|"
               "numbers\n");
    return 1;
}
