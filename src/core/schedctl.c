/* SPDX-License-Identifier: MIT */
/*
 * XEN_DOMCTL_scheduler_op and XEN_SYSCTL_scheduler_op: the knobs of policies
 * as the control domain reads and sets them. Errors come in Xen's order
 * (measured for credit2; Debian's Xen has none of the others).
 */
#include "private.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

#include "../lib/string.h"

ABI_OFFSET(struct xen_domctl_scheduler_op, u, 8);
ABI_OFFSET(struct xen_sysctl_scheduler_op, u, 16);

/* Entries of one list of vCPUs; more are left for another call. */
#define LIST_MAX 128u

/* ---- a domain ---- */

static void rtds_out(const struct policy_rtds *knobs,
                     struct xen_domctl_sched_rtds *op)
{
    op->period = knobs->period_us;
    op->budget = knobs->budget_us;
    op->flags = knobs->extratime ? XEN_DOMCTL_SCHEDRT_extra : 0;
}

static void rtds_in(const struct xen_domctl_sched_rtds *op,
                    struct policy_rtds *knobs)
{
    knobs->period_us = op->period;
    knobs->budget_us = op->budget;
    knobs->extratime = (op->flags & XEN_DOMCTL_SCHEDRT_extra) != 0;
}

/*
 * Weight 0 means to leave it. A cap beyond what all vCPUs could use is refused
 * after the weight was set, as Xen has it.
 */
static int put_credit2(struct sop_pcpu *self, struct sop_domain *d,
                       const struct xen_domctl_sched_credit2 *op)
{
    struct policy_domain_knobs knobs = {.sched_id = XEN_SCHEDULER_CREDIT2};
    int rc = domain_knobs(self, d, &knobs, false);

    if (rc == 0 && op->weight != 0) {
        knobs.u.credit2.weight = op->weight;
        rc = domain_knobs(self, d, &knobs, true);
    }
    if (rc == 0 && op->cap > 100 * d->nr_vcpus) {
        rc = -XEN_EINVAL;
    }
    if (rc == 0) {
        knobs.u.credit2.cap = op->cap;
        rc = domain_knobs(self, d, &knobs, true);
    }
    return rc;
}

static int get_domain(struct sop_pcpu *self, struct sop_domain *d,
                      struct xen_domctl_scheduler_op *op)
{
    struct policy_domain_knobs knobs = {.sched_id = op->sched_id};
    int rc = domain_knobs(self, d, &knobs, false);

    if (rc == 0 && op->sched_id == XEN_SCHEDULER_RTDS) {
        rtds_out(&knobs.u.rtds, &op->u.rtds);
    } else if (rc == 0) {
        op->u.credit2.weight = (uint16_t)knobs.u.credit2.weight;
        op->u.credit2.cap = (uint16_t)knobs.u.credit2.cap;
    }
    return rc;
}

static int put_domain(struct sop_pcpu *self, struct sop_domain *d,
                      const struct xen_domctl_scheduler_op *op)
{
    struct policy_domain_knobs knobs = {.sched_id = op->sched_id};

    if (op->sched_id == XEN_SCHEDULER_CREDIT2) {
        return put_credit2(self, d, &op->u.credit2);
    }
    rtds_in(&op->u.rtds, &knobs.u.rtds);
    return domain_knobs(self, d, &knobs, true);
}

/* ---- its vCPUs, one by one ---- */

/* Reads or sets those of one entry. */
static int one_vcpu(struct sop_pcpu *self, uint16_t domid, uint32_t cmd,
                    struct xen_domctl_schedparam_vcpu *entry)
{
    struct policy_vcpu_knobs knobs = {.sched_id = XEN_SCHEDULER_RTDS};
    bool set = cmd == XEN_DOMCTL_SCHEDOP_putvcpuinfo;
    const struct sop_domain *d;
    int rc;

    (void)core_enter(self);
    d = domain_find(self->sys, domid);
    if (d == NULL) {
        rc = -XEN_ESRCH;
    } else if (entry->vcpuid >= d->nr_vcpus) {
        rc = -XEN_EINVAL;
    } else {
        if (set) {
            rtds_in(&entry->u.rtds, &knobs.u.rtds);
        }
        rc = vcpu_knobs(self, d->vcpu[entry->vcpuid], &knobs, set);
    }
    core_leave(self);
    if (rc == 0 && !set) {
        rtds_out(&knobs.u.rtds, &entry->u.rtds);
    }
    return rc;
}

/* Each is read and done before the next; nr_vcpus says how many were. */
static int list_of_vcpus(struct sop_pcpu *self, struct sop_vcpu *v,
                         uint16_t domid, struct xen_domctl_scheduler_op *op)
{
    uint64_t list = (uintptr_t)op->u.v.vcpus.p;
    uint32_t count = op->u.v.nr_vcpus < LIST_MAX ? op->u.v.nr_vcpus : LIST_MAX;
    struct xen_domctl_schedparam_vcpu entry;
    uint32_t i;
    int rc = 0;

    for (i = 0; i < count && rc == 0; i++) {
        uint64_t at = list + i * sizeof(entry);

        if (port_copy_in(v, &entry, at, sizeof(entry)) != 0) {
            rc = -XEN_EFAULT;
            break;
        }
        rc = one_vcpu(self, domid, op->cmd, &entry);
        if (rc == 0 && op->cmd == XEN_DOMCTL_SCHEDOP_getvcpuinfo &&
            port_copy_out(v, at, &entry, sizeof(entry)) != 0) {
            rc = -XEN_EFAULT;
        }
        if (rc != 0) {
            break;
        }
    }
    op->u.v.nr_vcpus = i;
    return rc;
}

static bool has_domain_knobs(const struct sop_domain *d)
{
    return d->pool->pol.ops->domain_knobs != NULL;
}

int schedctl_domain(struct sop_pcpu *self, struct sop_vcpu *v,
                    struct xen_domctl *ctl)
{
    struct xen_domctl_scheduler_op *op = &ctl->u.scheduler_op;
    bool list = op->cmd == XEN_DOMCTL_SCHEDOP_putvcpuinfo ||
                op->cmd == XEN_DOMCTL_SCHEDOP_getvcpuinfo;
    struct sop_domain *d;
    int rc;

    (void)core_enter(self);
    d = domain_find(self->sys, ctl->domain);
    if (d == NULL) {
        rc = -XEN_ESRCH;
    } else if (op->cmd > XEN_DOMCTL_SCHEDOP_getvcpuinfo ||
               op->sched_id != d->pool->pol.ops->id) {
        rc = -XEN_EINVAL;
    } else if (!has_domain_knobs(d)) {
        rc = -XEN_EOPNOTSUPP;
    } else if (list) {
        rc = op->sched_id == XEN_SCHEDULER_RTDS ? 0 : -XEN_EINVAL;
    } else if (op->cmd == XEN_DOMCTL_SCHEDOP_putinfo) {
        rc = put_domain(self, d, op);
    } else {
        rc = get_domain(self, d, op);
    }
    core_leave(self);
    return rc == 0 && list ? list_of_vcpus(self, v, ctl->domain, op) : rc;
}

/* ---- a pool ---- */

static int pool_credit2(struct sop_pcpu *self,
                        struct xen_sysctl_scheduler_op *op)
{
    struct xen_sysctl_credit2_schedule *s = &op->u.sched_credit2;
    bool set = op->cmd == XEN_SYSCTL_SCHEDOP_putinfo;
    struct policy_pool_knobs *knobs = &self->scratch.schedule.knobs;
    int rc;

    knobs->sched_id = XEN_SCHEDULER_CREDIT2;
    knobs->u.credit2.ratelimit_us = s->ratelimit_us;
    rc = sop_pool_knobs(self, op->cpupool_id, knobs, set);
    if (rc == 0) {
        s->ratelimit_us = knobs->u.credit2.ratelimit_us;
    }
    return rc;
}

static int put_schedule(struct sop_pcpu *self,
                        const struct xen_sysctl_scheduler_op *op)
{
    const struct xen_sysctl_arinc653_schedule *x = &self->scratch.schedule.xen;
    struct policy_pool_knobs *knobs = &self->scratch.schedule.knobs;
    struct policy_arinc653 *a = &knobs->u.arinc653;
    unsigned i;

    if (x->num_sched_entries > SOP_WINDOWS_MAX) {
        return -XEN_EINVAL;
    }
    memset(knobs, 0, sizeof(*knobs));
    knobs->sched_id = XEN_SCHEDULER_ARINC653;
    a->major_frame_ns = x->major_frame;
    a->count = x->num_sched_entries;
    for (i = 0; i < a->count; i++) {
        memcpy(a->window[i].handle, x->sched_entries[i].dom_handle,
               sizeof(a->window[i].handle));
        a->window[i].vcpu_id = x->sched_entries[i].vcpu_id;
        a->window[i].runtime_ns = x->sched_entries[i].runtime;
    }
    return sop_pool_knobs(self, op->cpupool_id, knobs, true);
}

static int get_schedule(struct sop_pcpu *self,
                        const struct xen_sysctl_scheduler_op *op)
{
    struct xen_sysctl_arinc653_schedule *x = &self->scratch.schedule.xen;
    struct policy_pool_knobs *knobs = &self->scratch.schedule.knobs;
    const struct policy_arinc653 *a = &knobs->u.arinc653;
    unsigned i;
    int rc;

    memset(knobs, 0, sizeof(*knobs));
    knobs->sched_id = XEN_SCHEDULER_ARINC653;
    rc = sop_pool_knobs(self, op->cpupool_id, knobs, false);
    memset(x, 0, sizeof(*x));
    x->major_frame = a->major_frame_ns;
    x->num_sched_entries = (uint8_t)a->count;
    for (i = 0; i < a->count; i++) {
        memcpy(x->sched_entries[i].dom_handle, a->window[i].handle,
               sizeof(a->window[i].handle));
        x->sched_entries[i].vcpu_id = a->window[i].vcpu_id;
        x->sched_entries[i].runtime = a->window[i].runtime_ns;
    }
    return rc;
}

static int pool_arinc653(struct sop_pcpu *self, struct sop_vcpu *v,
                         const struct xen_sysctl_scheduler_op *op)
{
    struct xen_sysctl_arinc653_schedule *x = &self->scratch.schedule.xen;
    uint64_t at = (uintptr_t)op->u.sched_arinc653.schedule.p;
    int rc;

    if (op->cmd == XEN_SYSCTL_SCHEDOP_putinfo) {
        if (port_copy_in(v, x, at, sizeof(*x)) != 0) {
            return -XEN_EFAULT;
        }
        return put_schedule(self, op);
    }
    rc = get_schedule(self, op);
    if (rc == 0 && port_copy_out(v, at, x, sizeof(*x)) != 0) {
        rc = -XEN_EFAULT;
    }
    return rc;
}

int schedctl_pool(struct sop_pcpu *self, struct sop_vcpu *v,
                  struct xen_sysctl_scheduler_op *op)
{
    const struct sop_pool *pool;
    int rc = 0;

    if (op->cmd != XEN_SYSCTL_SCHEDOP_putinfo &&
        op->cmd != XEN_SYSCTL_SCHEDOP_getinfo) {
        return -XEN_EINVAL;
    }
    (void)core_enter(self);
    pool = pool_find(self->sys, op->cpupool_id);
    if (pool == NULL) {
        rc = -XEN_ESRCH;
    } else if (op->sched_id != pool->pol.ops->id) {
        rc = -XEN_EINVAL;
    } else if (pool->pol.ops->pool_knobs == NULL) {
        rc = -XEN_EOPNOTSUPP;
    }
    core_leave(self);
    if (rc != 0) {
        return rc;
    }
    return op->sched_id == XEN_SCHEDULER_ARINC653 ? pool_arinc653(self, v, op)
                                                  : pool_credit2(self, op);
}
