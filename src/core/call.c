/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls: from a number to the file that knows it, and multicall.
 */
#include "private.h"

#include "../lib/string.h"

/* Entries of a multicall before the guest gets a chance to take interrupts. */
#define MULTICALL_BURST 64u

#define PV_LOWER_END ((uint64_t)1 << 47)
#define PV_UPPER_START 0xffff880000000000u

/*
 * Only the start of a range is looked at, as Xen does: a range that begins
 * below the hypervisor's meets a hole before it gets there. HVM guests have no
 * such range (spec 1.4).
 */
bool call_address_ok(const struct sop_vcpu *v, uint64_t addr)
{
    return v->domain->kind != SOP_GUEST_PV || addr < PV_LOWER_END ||
           addr >= PV_UPPER_START;
}

/*
 * The number is compared whole: 0x1_0000_001d is no sched_op. Commands, which
 * are the first argument, are 32 bits wide, and each file cuts its own.
 */
int64_t call_dispatch(struct sop_pcpu *self, struct sop_vcpu *v,
                      struct sop_call *call)
{
    switch (call->nr) {
    case __HYPERVISOR_sched_op:
        return schedop_call(self, v, call);
    case __HYPERVISOR_event_channel_op:
        return evtchnop_call(self, v, call);
    case __HYPERVISOR_vcpu_op:
        return vcpuop_call(self, v, call);
    case __HYPERVISOR_set_timer_op:
        return timerop_call(self, v, call);
    case __HYPERVISOR_hvm_op:
        return hvmop_call(self, v, call);
    case __HYPERVISOR_xen_version:
        return version_call(self, v, call);
    case __HYPERVISOR_console_io:
        return console_call(self, v, call);
    case __HYPERVISOR_vm_assist:
        return assist_call(self, v, call);
    case __HYPERVISOR_domctl:
        return domctl_call(self, v, call);
    case __HYPERVISOR_sysctl:
        return sysctl_call(self, v, call);
    case __HYPERVISOR_sched_op_compat:
        return schedop_legacy_call(self, v, call);
    case __HYPERVISOR_multicall:
        return multicall_call(self, v, call);
    default:
        return port_hypercall(self, v, call);
    }
}

/* Privilege is judged before the number is looked at (spec 1.2, fact 15). */
enum sop_call_status sop_hypercall(struct sop_pcpu *self, struct sop_vcpu *v,
                                   struct sop_call *call)
{
    int64_t result;

    ASSERT(self->curr == v);
    if (unlikely(call->user)) {
        call->result = -XEN_EPERM;
        return SOP_CALL_DONE;
    }
    result = call_dispatch(self, v, call);
    if (unlikely(result == CALL_AGAIN)) {
        return SOP_CALL_AGAIN;
    }
    call->result = result;
    return SOP_CALL_DONE;
}

/* ---- multicall (spec 1.8) ---- */

/* Entries are native words wide (spec 1.5). */
static size_t entry_size(bool wide)
{
    return wide ? sizeof(struct multicall_entry)
                : sizeof(struct multicall_entry32);
}

/* Each entry is read when its turn comes: earlier ones may have written it. */
static int read_entry(struct sop_vcpu *v, uint64_t addr, struct sop_call *sub)
{
    struct multicall_entry wide;
    struct multicall_entry32 narrow;
    unsigned i;

    if (sub->wide) {
        if (port_copy_in(v, &wide, addr, sizeof(wide)) != 0) {
            return -XEN_EFAULT;
        }
        sub->nr = wide.op;
        memcpy(sub->arg, wide.args, sizeof(sub->arg));
        return 0;
    }
    if (port_copy_in(v, &narrow, addr, sizeof(narrow)) != 0) {
        return -XEN_EFAULT;
    }
    sub->nr = narrow.op;
    for (i = 0; i < ARRAY_SIZE(narrow.args); i++) {
        sub->arg[i] = narrow.args[i];
    }
    return 0;
}

/* Of an entry only the result is written, whatever the guest put beside it. */
static int write_result(struct sop_vcpu *v, uint64_t addr, bool wide,
                        int64_t result)
{
    uint64_t value = (uint64_t)result;

    if (wide) {
        return port_copy_out(v, addr + offsetof(struct multicall_entry, result),
                             &value, sizeof(uint64_t));
    }
    return port_copy_out(v, addr + offsetof(struct multicall_entry32, result),
                         &value, sizeof(uint32_t));
}

/* An entry that must be called again finds its new arguments next time. */
static int write_args(struct sop_vcpu *v, uint64_t addr,
                      const struct sop_call *sub)
{
    struct multicall_entry32 narrow;
    unsigned i;

    if (sub->wide) {
        return port_copy_out(v, addr + offsetof(struct multicall_entry, args),
                             sub->arg, sizeof(sub->arg));
    }
    for (i = 0; i < ARRAY_SIZE(narrow.args); i++) {
        narrow.args[i] = (uint32_t)sub->arg[i];
    }
    return port_copy_out(v, addr + offsetof(struct multicall_entry32, args),
                         narrow.args, sizeof(narrow.args));
}

/*
 * True when the vCPU should not run the next entry before an exit. As on Xen,
 * an interrupt that can be taken now is taken before the next entry.
 */
static bool must_stop(struct sop_pcpu *self, const struct sop_vcpu *v,
                      uint32_t done)
{
    bool deliverable;

    if (done >= MULTICALL_BURST ||
        __atomic_load_n(&self->work, __ATOMIC_ACQUIRE) != 0) {
        return true;
    }
    core_lock(self->sys, self);
    deliverable = vcpu_deliverable(v);
    core_unlock(self->sys);
    return deliverable;
}

/*
 * Going on after a stop is calling again with what is left: the results of
 * the entries before are in guest memory already, so nothing is kept here.
 */
int64_t multicall_call(struct sop_pcpu *self, struct sop_vcpu *v,
                       struct sop_call *call)
{
    uint64_t addr = call->arg[0];
    uint32_t left = (uint32_t)call->arg[1];
    uint32_t done;

    if (!call_address_ok(v, addr)) {
        return -XEN_EFAULT;
    }
    for (done = 0; left != 0; done++) {
        struct sop_call sub = {.wide = call->wide};
        int64_t result;

        if (done != 0 && must_stop(self, v, done)) {
            call->arg[0] = addr;
            call->arg[1] = left;
            return CALL_AGAIN;
        }
        if (read_entry(v, addr, &sub) != 0) {
            return -XEN_EFAULT;
        }
        /* Multicalls do not nest: the entry fails, the others go on. */
        result = sub.nr == __HYPERVISOR_multicall
                     ? -XEN_EINVAL
                     : call_dispatch(self, v, &sub);
        if (result == CALL_AGAIN) {
            call->arg[0] = addr;
            call->arg[1] = left;
            return write_args(v, addr, &sub) == 0 ? CALL_AGAIN : -XEN_EFAULT;
        }
        if (write_result(v, addr, call->wide, result) != 0) {
            return -XEN_EFAULT;
        }
        addr += entry_size(call->wide);
        left--;
    }
    return 0;
}

/* ---- vm_assist ---- */

/* The type is judged before the command (measured on 4.17). */
int64_t assist_call(struct sop_pcpu *self, struct sop_vcpu *v,
                    struct sop_call *call)
{
    uint64_t valid = bits_one(VMASST_TYPE_runstate_update_flag);
    uint32_t command = (uint32_t)call->arg[0];
    uint32_t type = (uint32_t)call->arg[1];
    int64_t rc = 0;

    if (v->domain->kind == SOP_GUEST_PV) {
        valid |= bits_one(VMASST_TYPE_4gb_segments) |
                 bits_one(VMASST_TYPE_4gb_segments_notify) |
                 bits_one(VMASST_TYPE_writable_pagetables) |
                 bits_one(VMASST_TYPE_architectural_iopl) |
                 bits_one(VMASST_TYPE_m2p_strict);
    }
    if (type >= 64 || (valid & bits_one(type)) == 0) {
        return -XEN_EINVAL;
    }
    core_lock(self->sys, self);
    if (command == VMASST_CMD_enable) {
        v->domain->assist |= bits_one(type);
    } else if (command == VMASST_CMD_disable) {
        v->domain->assist &= ~bits_one(type);
    } else {
        rc = -XEN_ENOSYS;
    }
    core_unlock(self->sys);
    return rc;
}
