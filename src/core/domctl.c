/* SPDX-License-Identifier: MIT */
/*
 * Hypercall 36, as far as a hardware domain needs it to watch and schedule
 * other domains: domain information, pause, unpause, resume, suspend port, and
 * what domctl_vcpu.c has. What else the control domain asks goes to the port.
 */
#include "private.h"

#include <xen/domctl.h>

#include "../lib/string.h"

ABI_OFFSET(struct xen_domctl, u, 16);

/* Frame and page counts are the port's business: the core has none. */
void domctl_fill_info(const struct sop_domain *d, uint64_t now,
                      struct xen_domctl_getdomaininfo *out)
{
    struct sop_domain_info info;

    domain_info(d, now, &info);
    memset(out, 0, sizeof(*out));
    out->domain = info.domid;
    /* No code yet: Xen's field shows all ones up to the top. */
    out->flags = info.flags | (d->code == CODE_NONE ? 0xff000000u : 0);
    out->cpu_time = info.cpu_ns;
    out->nr_online_vcpus = info.nr_online;
    out->max_vcpu_id = info.nr_vcpus - 1;
    out->shared_info_frame = UINT64_MAX;
    out->cpupool = d->pool->id;
}

/* The domain with that id or else the next higher one. */
struct sop_domain *domctl_find_from(const struct sop_system *sys,
                                    uint32_t domid)
{
    for (; domid < DOMID_FIRST_RESERVED; domid++) {
        struct sop_domain *d = domain_find(sys, domid);

        if (d != NULL) {
            return d;
        }
    }
    return NULL;
}

/* ---- domctl ---- */

/* The only command that looks for a domain at or above its id. */
static int ctl_info(struct sop_pcpu *self, struct xen_domctl *op, uint64_t now)
{
    const struct sop_domain *d;

    if (op->domain >= DOMID_FIRST_RESERVED) {
        return -XEN_EINVAL;
    }
    d = domctl_find_from(self->sys, op->domain);
    if (d == NULL) {
        return -XEN_ESRCH;
    }
    domctl_fill_info(d, now, &op->u.getdomaininfo);
    op->domain = op->u.getdomaininfo.domain;
    return 0;
}

/* A domain may not pause or resume itself (spec 7.3). */
static int ctl_act(struct sop_pcpu *self, struct sop_vcpu *v,
                   const struct xen_domctl *op, struct sop_domain *d,
                   uint64_t now)
{
    switch (op->cmd) {
    case XEN_DOMCTL_pausedomain:
        return d == v->domain ? -XEN_EINVAL : domain_pause(self, d, now);
    case XEN_DOMCTL_unpausedomain:
        return domain_unpause(self, d, now);
    case XEN_DOMCTL_resumedomain:
        if (d == v->domain) {
            return -XEN_EINVAL;
        }
        domain_resume(self, d, now);
        return 0;
    case XEN_DOMCTL_subscribe:
        d->suspend_port = op->u.subscribe.port;
        return 0;
    default:
        BUG_ON(true);
    }
    return -XEN_ENOSYS;
}

/* Commands about what the core owns; all others go to the port. */
static bool ctl_is_ours(uint32_t cmd)
{
    return cmd == XEN_DOMCTL_getdomaininfo || cmd == XEN_DOMCTL_pausedomain ||
           cmd == XEN_DOMCTL_unpausedomain || cmd == XEN_DOMCTL_resumedomain ||
           cmd == XEN_DOMCTL_subscribe;
}

/* The id is where to start to look, or none yet. */
static bool ctl_names_no_domain(uint32_t cmd)
{
    return cmd == XEN_DOMCTL_getdomaininfo || cmd == XEN_DOMCTL_createdomain;
}

/*
 * Operand, interface version, domain, permission, command: Xen's order
 * (measured). An unprivileged caller learns whether a domain exists.
 */
static bool ctl_is_affinity(uint32_t cmd)
{
    return cmd == XEN_DOMCTL_setvcpuaffinity ||
           cmd == XEN_DOMCTL_getvcpuaffinity;
}

/* What takes the lock itself: the caller is allowed, the domain was there. */
static int64_t ctl_rest(struct sop_pcpu *self, struct sop_vcpu *v,
                        struct sop_call *call, struct xen_domctl *op)
{
    int rc;

    if (ctl_is_affinity(op->cmd)) {
        return domctl_affinity(self, v, op);
    }
    if (op->cmd == XEN_DOMCTL_scheduler_op) {
        /* Also after an error: how many vCPUs it did. */
        rc = schedctl_domain(self, v, op);
        return port_copy_out(v, call->arg[0], op, sizeof(*op)) == 0
                   ? rc
                   : -XEN_EFAULT;
    }
    if (op->cmd != XEN_DOMCTL_getvcpuinfo) {
        return port_hypercall(self, v, call);
    }
    rc = domctl_vcpu_info(self, op);
    if (rc == 0 && port_copy_out(v, call->arg[0], op, sizeof(*op)) != 0) {
        return -XEN_EFAULT;
    }
    return rc;
}

int64_t domctl_call(struct sop_pcpu *self, struct sop_vcpu *v,
                    struct sop_call *call)
{
    struct xen_domctl op;
    struct sop_domain *d;
    uint64_t now;
    int rc = 0;

    if (port_copy_in(v, &op, call->arg[0], sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
        return -XEN_EACCES;
    }
    now = core_enter(self);
    d = domain_find(self->sys, op.domain);
    if (d == NULL && !ctl_names_no_domain(op.cmd)) {
        rc = -XEN_ESRCH;
    } else if (!v->domain->hardware) {
        rc = -XEN_EPERM;
    } else if (op.cmd == XEN_DOMCTL_getdomaininfo) {
        rc = ctl_info(self, &op, now);
    } else if (ctl_is_ours(op.cmd)) {
        rc = ctl_act(self, v, &op, d, now);
    }
    core_leave(self);
    if (rc == 0 && !ctl_is_ours(op.cmd)) {
        return ctl_rest(self, v, call, &op);
    }
    if (rc == 0 && op.cmd == XEN_DOMCTL_getdomaininfo &&
        port_copy_out(v, call->arg[0], &op, sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    return rc;
}
