/* SPDX-License-Identifier: MIT */
/*
 * The registers of another domain's vCPU for the control domain: what a
 * toolstack reads of a suspended domain, and writes the result of its suspend
 * into (spec 7.4). Only the general registers of struct vcpu_guest_context are
 * read and written, and only of a vCPU that may not run.
 */
#include "domain.h"

#include <xen/domctl.h>
#include <xen/errno.h>

#define TRIES 100000u

struct access {
    struct cpu_user_regs regs;
    bool set;
};

static uint64_t *field(struct cpu_user_regs *r, unsigned n)
{
    uint64_t *const fields[16] = {
        &r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi,
        &r->r8,  &r->r9,  &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15};

    return fields[n];
}

/* Under the core lock, which keeps the vCPU off all pCPUs but one perhaps. */
static int transfer(struct sop_vcpu *sv, void *context)
{
    struct access *a = context;
    struct x86_vcpu *v = vcpu_of(sv);

    if (__atomic_load_n(&v->on_pcpu, __ATOMIC_ACQUIRE) != PCPU_NONE) {
        return -XEN_EAGAIN; /* on its way out */
    }
    for (unsigned n = 0; n < 16; n++) {
        if (a->set) {
            reg_set(v, n, *field(&a->regs, n));
        } else {
            *field(&a->regs, n) = reg_get(v, n);
        }
    }
    if (!a->set) {
        a->regs.rip = v->vmcb->rip;
        a->regs.rflags = v->vmcb->rflags;
    }
    return 0;
}

int64_t domctl(struct sop_pcpu *self, struct x86_vcpu *v,
               const struct sop_call *call)
{
    struct xen_domctl op;
    struct access a = {.set = false};
    uint64_t where;
    int rc = -XEN_EAGAIN;

    if (guest_copy_in(v, &op, call->arg[0], sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    if (op.cmd != XEN_DOMCTL_getvcpucontext &&
        op.cmd != XEN_DOMCTL_setvcpucontext) {
        return -XEN_ENOSYS;
    }
    where = (uintptr_t)op.u.vcpucontext.ctxt.p +
            offsetof(struct vcpu_guest_context, user_regs);
    a.set = op.cmd == XEN_DOMCTL_setvcpucontext;
    if (a.set && guest_copy_in(v, &a.regs, where, sizeof(a.regs)) != 0) {
        return -XEN_EFAULT;
    }
    for (unsigned i = 0; rc == -XEN_EAGAIN && i < TRIES; i++) {
        rc = sop_vcpu_inspect(self, op.domain, op.u.vcpucontext.vcpu, transfer,
                              &a);
        pause();
    }
    if (rc == 0 && !a.set &&
        guest_copy_out(v, where, &a.regs, sizeof(a.regs)) != 0) {
        return -XEN_EFAULT;
    }
    return rc;
}
