/* SPDX-License-Identifier: MIT */
/*
 * The control domain's operations on one vCPU: where it may run, and what it
 * does now (spec 6.1). Masks travel through guest memory, so they are copied
 * before the lock is taken and after it is dropped.
 */
#include "private.h"

#include <xen/domctl.h>

struct masks {
    sop_cpumask_t hard, soft;
};

/* Bytes of a guest's mask that are cleared beyond ours. */
#define MASK_BYTES_MAX 512u

static uint32_t mask_bytes(const struct xenctl_bitmap *map)
{
    return map->nr_bits / 8 + (map->nr_bits % 8 != 0);
}

/* At most the bits there are; what is not given is clear. */
int mask_read(struct sop_vcpu *v, const struct xenctl_bitmap *map,
              sop_cpumask_t *mask)
{
    uint32_t bytes = mask_bytes(map);

    *mask = 0;
    bytes = bytes < sizeof(*mask) ? bytes : sizeof(*mask);
    if (bytes != 0 &&
        port_copy_in(v, mask, (uintptr_t)map->bitmap.p, bytes) != 0) {
        return -XEN_EFAULT;
    }
    if (map->nr_bits < 64) {
        *mask &= bits_below(map->nr_bits);
    }
    return 0;
}

/* Whole bytes, as Xen does it: bits beyond nr_bits in the last are ours. */
int mask_write(struct sop_vcpu *v, const struct xenctl_bitmap *map,
               sop_cpumask_t mask)
{
    static const uint8_t zeroes[64];
    uint64_t addr = (uintptr_t)map->bitmap.p;
    uint32_t bytes = mask_bytes(map), at = 0, n;
    int rc = 0;

    bytes = bytes < MASK_BYTES_MAX ? bytes : MASK_BYTES_MAX;
    while (rc == 0 && at < bytes) {
        const void *from = at == 0 ? (const void *)&mask : zeroes;

        n = at == 0 ? (uint32_t)sizeof(mask) : (uint32_t)sizeof(zeroes);
        n = n < bytes - at ? n : bytes - at;
        rc = port_copy_out(v, addr + at, from, n);
        at += n;
    }
    return rc;
}

/* Locked. NULL and *rc when there is no such vCPU. */
static struct sop_vcpu *find(struct sop_pcpu *self, const struct xen_domctl *op,
                             uint32_t id, int *rc)
{
    struct sop_domain *d = domain_find(self->sys, op->domain);

    *rc = d == NULL ? -XEN_ESRCH : id >= d->nr_vcpus ? -XEN_EINVAL : 0;
    return *rc == 0 ? d->vcpu[id] : NULL;
}

static int set_affinity(struct sop_pcpu *self, const struct xen_domctl *op,
                        struct masks *m)
{
    const struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    uint64_t now = core_enter(self);
    struct sop_vcpu *target;
    int rc;

    target = find(self, op, a->vcpu, &rc);
    if (target != NULL) {
        rc = affinity_set(self, target, a->flags, &m->hard, &m->soft, now);
    }
    core_leave(self);
    return rc;
}

static int get_affinity(struct sop_pcpu *self, const struct xen_domctl *op,
                        struct masks *m)
{
    const struct sop_vcpu *target;
    int rc;

    (void)core_enter(self);
    target = find(self, op, op->u.vcpuaffinity.vcpu, &rc);
    if (target != NULL) {
        *m = (struct masks){target->hard, target->soft};
    }
    core_leave(self);
    return rc;
}

int domctl_affinity(struct sop_pcpu *self, struct sop_vcpu *v,
                    const struct xen_domctl *op)
{
    const struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    bool set = op->cmd == XEN_DOMCTL_setvcpuaffinity;
    bool hard = (a->flags & XEN_VCPUAFFINITY_HARD) != 0;
    bool soft = (a->flags & XEN_VCPUAFFINITY_SOFT) != 0;
    struct masks m = {0, 0};
    int rc;

    if (a->flags == 0) {
        return -XEN_EINVAL;
    }
    if (set && ((hard && mask_read(v, &a->cpumap_hard, &m.hard) != 0) ||
                (soft && mask_read(v, &a->cpumap_soft, &m.soft) != 0))) {
        return -XEN_EFAULT;
    }
    rc = set ? set_affinity(self, op, &m) : get_affinity(self, op, &m);
    if (rc == 0 && ((hard && mask_write(v, &a->cpumap_hard, m.hard) != 0) ||
                    (soft && mask_write(v, &a->cpumap_soft, m.soft) != 0))) {
        rc = -XEN_EFAULT;
    }
    return rc;
}

int domctl_vcpu_info(struct sop_pcpu *self, struct xen_domctl *op)
{
    struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
    uint64_t now = core_enter(self);
    struct vcpu_runstate_info runstate;
    const struct sop_vcpu *target;
    int rc;

    target = find(self, op, info->vcpu, &rc);
    if (target != NULL) {
        runstate_get(target, now, &runstate);
        info->online = (target->holds & VCPU_HOLD_DOWN) == 0;
        info->blocked = (target->holds & VCPU_HOLD_BLOCKED) != 0;
        info->running = runstate.state == RUNSTATE_running;
        info->cpu_time = runstate.time[RUNSTATE_running];
        info->cpu = target->pol.last != NULL ? target->pol.last->index : 0;
    }
    core_leave(self);
    return rc;
}

void sop_vcpu_info(struct sop_pcpu *self, const struct sop_vcpu *v,
                   uint64_t now, struct sop_vcpu_info *info)
{
    struct vcpu_runstate_info runstate;

    (void)core_enter(self);
    runstate_get(v, now, &runstate);
    *info = (struct sop_vcpu_info){
        .online = (v->holds & VCPU_HOLD_DOWN) == 0,
        .blocked = (v->holds & VCPU_HOLD_BLOCKED) != 0,
        .running = runstate.state == RUNSTATE_running,
        .pinned = v->pinned,
        .pcpu = v->pol.last != NULL ? v->pol.last->index : 0,
        .cpu_ns = runstate.time[RUNSTATE_running],
        .hard = v->hard,
        .soft = v->soft,
    };
    core_leave(self);
}

int sop_vcpu_inspect(struct sop_pcpu *self, uint16_t domid, unsigned n,
                     int (*act)(struct sop_vcpu *v, void *context),
                     void *context)
{
    struct sop_domain *d;
    int rc = -XEN_ESRCH;

    (void)core_enter(self);
    d = domain_find(self->sys, domid);
    if (d != NULL && n < d->nr_vcpus) {
        struct sop_vcpu *v = d->vcpu[n];

        rc = vcpu_is_runnable(v) ? -XEN_EBUSY : act(v, context);
    }
    core_leave(self);
    return rc;
}
