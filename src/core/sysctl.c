/* SPDX-License-Identifier: MIT */
/*
 * Hypercall 35: what the control domain asks of the whole machine, as far as
 * it is about domains, pCPUs and scheduling. The rest goes to the port.
 *
 * Taking a pCPU out of a pool and moving a domain wait for other pCPUs. Such a
 * call is made again until it is done; in between its vCPU may be interrupted,
 * and moves if it ran on the pCPU that has to go.
 */
#include "private.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

ABI_OFFSET(struct xen_sysctl, u, 8);
ABI_OFFSET(struct xen_sysctl_cpupool_op, cpumap, 24);

/* Domains described by one list. */
#define LIST_MAX SOP_DOMAINS_MAX

/* ---- the list of domains ---- */

/* One domain per hold of the lock: ids are re-read, so none comes twice. */
static int64_t list_domains(struct sop_pcpu *self, struct sop_vcpu *v,
                            struct xen_sysctl_getdomaininfolist *list)
{
    uint64_t buffer = (uintptr_t)list->buffer.p;
    uint32_t next = list->first_domain;
    uint32_t n;

    for (n = 0; n < list->max_domains && n < LIST_MAX; n++) {
        struct xen_domctl_getdomaininfo info;
        uint64_t now = core_enter(self);
        const struct sop_domain *d = domctl_find_from(self->sys, next);

        if (d != NULL) {
            domctl_fill_info(d, now, &info);
        }
        core_leave(self);
        if (d == NULL) {
            break;
        }
        if (port_copy_out(v, buffer + n * sizeof(info), &info, sizeof(info)) !=
            0) {
            return -XEN_EFAULT;
        }
        next = info.domain + 1u;
    }
    list->num_domains = n;
    return 0;
}

/* ---- cpupools ---- */

static int pool_about(struct sop_pcpu *self, struct xen_sysctl_cpupool_op *op,
                      sop_cpumask_t *cpus)
{
    struct sop_pool_info info;
    int rc = sop_pool_info(self, op->cpupool_id, &info);

    if (rc == 0) {
        op->cpupool_id = info.id;
        op->sched_id = info.sched_id;
        op->n_dom = info.nr_domains;
        *cpus = info.pcpus;
    }
    return rc;
}

/* The domain first, then whether it may be moved, then the pool. */
static int pool_movedomain(struct sop_pcpu *self,
                           const struct xen_sysctl_cpupool_op *op)
{
    uint64_t now = core_enter(self);
    struct sop_domain *d = domain_find(self->sys, op->domid);
    struct sop_pool *pool = pool_find(self->sys, op->cpupool_id);
    int rc;

    if (d == NULL) {
        rc = -XEN_ESRCH;
    } else if (d->hardware) {
        rc = -XEN_EPERM;
    } else if (pool == NULL) {
        rc = -XEN_ENOENT;
    } else {
        rc = pool_move(self, pool, d, now);
    }
    core_leave(self);
    return rc;
}

static int pool_op(struct sop_pcpu *self, struct sop_vcpu *v,
                   struct xen_sysctl_cpupool_op *op)
{
    sop_cpumask_t cpus;
    int rc;

    switch (op->op) {
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
        return sop_pool_create(self, op->sched_id, &op->cpupool_id);
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
        return sop_pool_destroy(self, op->cpupool_id);
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        rc = pool_about(self, op, &cpus);
        return rc == 0 ? mask_write(v, &op->cpumap, cpus) : rc;
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
        return sop_pool_add(self, op->cpupool_id, op->cpu);
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return sop_pool_remove(self, op->cpupool_id, op->cpu);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        return pool_movedomain(self, op);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return mask_write(v, &op->cpumap, sop_pool_free_pcpus(self));
    default:
        return -XEN_ENOSYS;
    }
}

/* ---- pCPUs ---- */

static int hotplug_op(struct sop_pcpu *self,
                      const struct xen_sysctl_cpu_hotplug *op)
{
    switch (op->op) {
    case XEN_SYSCTL_CPU_HOTPLUG_ONLINE:
        return sop_hotplug_online(self, op->cpu);
    case XEN_SYSCTL_CPU_HOTPLUG_OFFLINE:
        return sop_hotplug_offline(self, op->cpu);
    default:
        return -XEN_EOPNOTSUPP;
    }
}

static sop_cpumask_t online_pcpus(struct sop_pcpu *self)
{
    sop_cpumask_t online = 0;
    unsigned i;

    (void)core_enter(self);
    for (i = 0; i < self->sys->cfg.nr_pcpus; i++) {
        online |= self->sys->pcpu[i].online ? bits_one(i) : 0;
    }
    core_leave(self);
    return online;
}

/* Where each pCPU is; without a buffer, how many there are. */
static int topology(struct sop_pcpu *self, struct sop_vcpu *v,
                    struct xen_sysctl_cputopoinfo *op)
{
    uint64_t buffer = (uintptr_t)op->cputopo.p;
    uint32_t count = self->sys->cfg.nr_pcpus;
    sop_cpumask_t online = online_pcpus(self);
    uint32_t i;

    if (buffer == 0) {
        op->num_cpus = count;
        return 0;
    }
    op->num_cpus = op->num_cpus < count ? op->num_cpus : count;
    for (i = 0; i < op->num_cpus; i++) {
        const struct policy_pcpu *p = &self->sys->pcpu[i].pol;
        struct xen_sysctl_cputopo topo = {.core = p->core, .socket = p->socket};

        if ((online & bits_one(i)) == 0) {
            topo.core = XEN_INVALID_CORE_ID;
            topo.socket = XEN_INVALID_SOCKET_ID;
        }
        if (port_copy_out(v, buffer + i * sizeof(topo), &topo, sizeof(topo)) !=
            0) {
            return -XEN_EFAULT;
        }
    }
    return 0;
}

/* True: the caller gets the operand back. */
static bool writes_back(const struct xen_sysctl *op)
{
    return op->cmd == XEN_SYSCTL_getdomaininfolist ||
           op->cmd == XEN_SYSCTL_sched_id ||
           op->cmd == XEN_SYSCTL_cputopoinfo ||
           op->cmd == XEN_SYSCTL_scheduler_op ||
           (op->cmd == XEN_SYSCTL_cpupool_op &&
            (op->u.cpupool_op.op == XEN_SYSCTL_CPUPOOL_OP_CREATE ||
             op->u.cpupool_op.op == XEN_SYSCTL_CPUPOOL_OP_INFO));
}

/* CALL_PORT: not one of ours. */
#define CALL_PORT 1

static int64_t dispatch(struct sop_pcpu *self, struct sop_vcpu *v,
                        struct xen_sysctl *op)
{
    switch (op->cmd) {
    case XEN_SYSCTL_getdomaininfolist:
        return list_domains(self, v, &op->u.getdomaininfolist);
    case XEN_SYSCTL_sched_id:
        op->u.sched_id.sched_id = self->sys->cfg.policy->id;
        return 0;
    case XEN_SYSCTL_scheduler_op:
        return schedctl_pool(self, v, &op->u.scheduler_op);
    case XEN_SYSCTL_cpupool_op:
        return pool_op(self, v, &op->u.cpupool_op);
    case XEN_SYSCTL_cpu_hotplug:
        return hotplug_op(self, &op->u.cpu_hotplug);
    case XEN_SYSCTL_cputopoinfo:
        return topology(self, v, &op->u.cputopoinfo);
    default:
        return CALL_PORT;
    }
}

int64_t sysctl_call(struct sop_pcpu *self, struct sop_vcpu *v,
                    struct sop_call *call)
{
    struct xen_sysctl op;
    int64_t rc;

    if (port_copy_in(v, &op, call->arg[0], sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
        return -XEN_EACCES;
    }
    if (!v->domain->hardware) {
        return -XEN_EPERM;
    }
    rc = dispatch(self, v, &op);
    if (rc == CALL_PORT) {
        return port_hypercall(self, v, call);
    }
    if (rc == -XEN_EAGAIN) {
        return CALL_AGAIN;
    }
    if (rc == 0 && writes_back(&op) &&
        port_copy_out(v, call->arg[0], &op, sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    return rc;
}
