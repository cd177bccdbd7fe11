/* SPDX-License-Identifier: MIT */
/*
 * Hypercall 32: the event channel operations (spec 4.1). Each copies its
 * operand in, takes the lock, and goes through Xen's checks in Xen's order;
 * outputs are copied back only on success.
 */
#include "private.h"

typedef int evtchnop(struct sop_pcpu *self, struct sop_vcpu *v, void *operand,
                     uint64_t now);

/* ---- making ports ---- */

/* A port is found before permission is judged, as on Xen: -ENOSPC wins. */
static int op_alloc_unbound(struct sop_pcpu *self, struct sop_vcpu *v,
                            void *operand, uint64_t now)
{
    struct evtchn_alloc_unbound *op = operand;
    struct sop_domain *d = domain_find_any(v, op->dom);
    struct evtchn *chn;
    int port;

    (void)self;
    (void)now;
    if (d == NULL) {
        return -XEN_ESRCH;
    }
    port = evtchn_alloc(d);
    if (port < 0) {
        return port;
    }
    if (d != v->domain && !v->domain->hardware) {
        evtchn_free(d, (uint32_t)port);
        return -XEN_EPERM;
    }
    chn = evtchn_at(d, (uint32_t)port);
    chn->state = EVTCHNSTAT_unbound;
    /* Whether such a domain exists is not asked. */
    chn->remote_dom =
        op->remote_dom == DOMID_SELF ? v->domain->id : op->remote_dom;
    op->port = (evtchn_port_t)port;
    return 0;
}

/* Only a port that waits for the caller's domain can be bound to. */
static int op_bind_interdomain(struct sop_pcpu *self, struct sop_vcpu *v,
                               void *operand, uint64_t now)
{
    struct evtchn_bind_interdomain *op = operand;
    struct sop_domain *d = v->domain;
    struct sop_domain *rd = domain_find_any(v, op->remote_dom);
    struct evtchn *chn, *peer;
    int port;

    if (rd == NULL) {
        return -XEN_ESRCH;
    }
    port = evtchn_alloc(d);
    if (port < 0) {
        return port;
    }
    peer = evtchn_lookup(rd, op->remote_port);
    if (peer == NULL || peer->state != EVTCHNSTAT_unbound ||
        peer->remote_dom != d->id) {
        evtchn_free(d, (uint32_t)port);
        return -XEN_EINVAL;
    }
    chn = evtchn_at(d, (uint32_t)port);
    chn->state = EVTCHNSTAT_interdomain;
    chn->remote_dom = rd->id;
    chn->remote_port = op->remote_port;
    peer->state = EVTCHNSTAT_interdomain;
    peer->remote_port = (uint32_t)port;
    /* The peer may have been signalled while it was unbound. */
    evtchn_set_pending(self, d, (uint32_t)port, now);
    op->local_port = (evtchn_port_t)port;
    return 0;
}

/* Any vCPU may bind for any; a global one belongs to vCPU 0 (fact 125). */
static int op_bind_virq(struct sop_pcpu *self, struct sop_vcpu *v,
                        void *operand, uint64_t now)
{
    struct evtchn_bind_virq *op = operand;
    struct sop_domain *d = v->domain;
    struct evtchn *chn;
    int port;

    (void)self;
    (void)now;
    if (op->virq >= NR_VIRQS) {
        return -XEN_EINVAL;
    }
    if (virq_is_global(op->virq) && op->vcpu != 0) {
        return -XEN_EINVAL;
    }
    if (op->vcpu >= d->nr_vcpus) {
        return -XEN_ENOENT;
    }
    if (d->vcpu[op->vcpu]->virq_port[op->virq] != 0) {
        return -XEN_EEXIST;
    }
    port = evtchn_alloc(d);
    if (port < 0) {
        return port;
    }
    chn = evtchn_at(d, (uint32_t)port);
    chn->state = EVTCHNSTAT_virq;
    chn->vcpu = (uint8_t)op->vcpu;
    chn->virq = op->virq;
    d->vcpu[op->vcpu]->virq_port[op->virq] = (uint32_t)port;
    op->port = (evtchn_port_t)port;
    return 0;
}

/* The sender is whoever sends; the vCPU named is the one told. */
static int op_bind_ipi(struct sop_pcpu *self, struct sop_vcpu *v, void *operand,
                       uint64_t now)
{
    struct evtchn_bind_ipi *op = operand;
    struct sop_domain *d = v->domain;
    struct evtchn *chn;
    int port;

    (void)self;
    (void)now;
    if (op->vcpu >= d->nr_vcpus) {
        return -XEN_ENOENT;
    }
    port = evtchn_alloc(d);
    if (port < 0) {
        return port;
    }
    chn = evtchn_at(d, (uint32_t)port);
    chn->state = EVTCHNSTAT_ipi;
    chn->vcpu = (uint8_t)op->vcpu;
    op->port = (evtchn_port_t)port;
    return 0;
}

/* There are no physical interrupts to bind to. */
static int op_bind_pirq(struct sop_pcpu *self, struct sop_vcpu *v,
                        void *operand, uint64_t now)
{
    (void)self;
    (void)v;
    (void)operand;
    (void)now;
    return -XEN_EINVAL;
}

/* ---- using ports ---- */

static int op_close(struct sop_pcpu *self, struct sop_vcpu *v, void *operand,
                    uint64_t now)
{
    const struct evtchn_close *op = operand;

    (void)self;
    (void)now;
    return evtchn_close(v->domain, op->port);
}

__attribute__((flatten)) static int
op_send(struct sop_pcpu *self, struct sop_vcpu *v, void *operand, uint64_t now)
{
    const struct evtchn_send *op = operand;

    return evtchn_send(self, v->domain, op->port, now);
}

static int op_unmask(struct sop_pcpu *self, struct sop_vcpu *v, void *operand,
                     uint64_t now)
{
    const struct evtchn_unmask *op = operand;
    const struct evtchn *chn = evtchn_lookup(v->domain, op->port);

    if (chn == NULL) {
        return -XEN_EINVAL;
    }
    /* A closed port keeps its mask bit. */
    if (evtchn_is_usable(chn)) {
        evtchn_unmask(self, v->domain, op->port, now);
    }
    return 0;
}

/*
 * What is delivered to one vCPU by its nature does not move: ipi ports and
 * virqs of a vCPU. Events already pending stay where they were signalled.
 */
static int op_bind_vcpu(struct sop_pcpu *self, struct sop_vcpu *v,
                        void *operand, uint64_t now)
{
    const struct evtchn_bind_vcpu *op = operand;
    struct sop_domain *d = v->domain;
    struct evtchn *chn;

    (void)self;
    (void)now;
    if (op->vcpu >= d->nr_vcpus) {
        return -XEN_ENOENT;
    }
    chn = evtchn_lookup(d, op->port);
    if (chn == NULL) {
        return -XEN_EINVAL;
    }
    switch (chn->state) {
    case EVTCHNSTAT_unbound:
    case EVTCHNSTAT_interdomain:
        break;
    case EVTCHNSTAT_virq:
        if (!virq_is_global(chn->virq)) {
            return -XEN_EINVAL;
        }
        break;
    default:
        return -XEN_EINVAL;
    }
    chn->vcpu = (uint8_t)op->vcpu;
    return 0;
}

/* Port 0 is "closed" to who asks, although it is never given out. */
static void status_fill(const struct evtchn *chn, struct evtchn_status *op)
{
    op->status = chn->state;
    op->vcpu = chn->vcpu;
    switch (chn->state) {
    case EVTCHNSTAT_unbound:
        op->u.unbound.dom = chn->remote_dom;
        break;
    case EVTCHNSTAT_interdomain:
        op->u.interdomain.dom = chn->remote_dom;
        op->u.interdomain.port =
            chn->remote_port == PORT_HOST ? op->port : chn->remote_port;
        break;
    case EVTCHNSTAT_virq:
        op->u.virq = chn->virq;
        break;
    default:
        break;
    }
}

/* The port is looked up before permission is judged, as on Xen. */
static int op_status(struct sop_pcpu *self, struct sop_vcpu *v, void *operand,
                     uint64_t now)
{
    struct evtchn_status *op = operand;
    struct sop_domain *d = domain_find_any(v, op->dom);
    const struct evtchn *chn;

    (void)self;
    (void)now;
    if (d == NULL) {
        return -XEN_ESRCH;
    }
    chn = evtchn_lookup(d, op->port);
    if (chn == NULL) {
        return -XEN_EINVAL;
    }
    if (d != v->domain && !v->domain->hardware) {
        return -XEN_EPERM;
    }
    status_fill(chn, op);
    return 0;
}

/* The control domain may do it to another only while that is paused. */
static int reset_target(struct sop_vcpu *v, const struct evtchn_reset *op,
                        struct sop_domain **d)
{
    *d = domain_find_any(v, op->dom);
    if (*d == NULL) {
        return -XEN_ESRCH;
    }
    if (*d != v->domain && !v->domain->hardware) {
        return -XEN_EPERM;
    }
    return *d != v->domain && (*d)->controller_pause == 0 ? -XEN_EINVAL : 0;
}

static int op_reset(struct sop_pcpu *self, struct sop_vcpu *v, void *operand,
                    uint64_t now)
{
    struct sop_domain *d;
    int rc = reset_target(v, operand, &d);

    (void)self;
    (void)now;
    if (rc == 0) {
        evtchn_close_all(d);
        fifo_reset(d);
    }
    return rc;
}

/* Xen's own way to go on with a long reset: here none is ever under way. */
#define RESET_CONT 14

static int op_reset_cont(struct sop_pcpu *self, struct sop_vcpu *v,
                         void *operand, uint64_t now)
{
    struct sop_domain *d;
    int rc = reset_target(v, operand, &d);

    (void)self;
    (void)now;
    return rc != 0 ? rc : -XEN_EBUSY;
}

/* ---- the FIFO ABI ---- */

/* They map frames, so they are done when the lock is dropped. */
#define WITHOUT_LOCK 1

static int op_frame(struct sop_pcpu *self, struct sop_vcpu *v, void *operand,
                    uint64_t now)
{
    (void)self;
    (void)v;
    (void)operand;
    (void)now;
    return WITHOUT_LOCK;
}

static RARE int op_without_lock(struct sop_pcpu *self, struct sop_vcpu *v,
                                uint32_t command, void *operand)
{
    return command == EVTCHNOP_init_control
               ? fifo_init_control(self, v, operand)
               : fifo_expand_array(self, v, operand);
}

/* An unknown port is noticed before an ABI without priorities. */
static int op_set_priority(struct sop_pcpu *self, struct sop_vcpu *v,
                           void *operand, uint64_t now)
{
    const struct evtchn_set_priority *op = operand;
    const struct evtchn *chn = evtchn_lookup(v->domain, op->port);

    (void)self;
    (void)now;
    if (chn == NULL) {
        return -XEN_EINVAL;
    }
    if (!v->domain->fifo->on) {
        return -XEN_ENOSYS;
    }
    return evtchn_is_usable(chn)
               ? fifo_set_priority(v->domain, op->port, op->priority)
               : -XEN_EACCES;
}

/* ---- the call ---- */

struct op_entry {
    evtchnop *act;
    uint8_t size;
    bool output; /* the operand goes back to the guest */
};

static const struct op_entry ops[] = {
    [EVTCHNOP_bind_interdomain] = {op_bind_interdomain,
                                   sizeof(struct evtchn_bind_interdomain),
                                   true},
    [EVTCHNOP_bind_virq] = {op_bind_virq, sizeof(struct evtchn_bind_virq),
                            true},
    [EVTCHNOP_bind_pirq] = {op_bind_pirq, sizeof(struct evtchn_bind_pirq),
                            true},
    [EVTCHNOP_close] = {op_close, sizeof(struct evtchn_close), false},
    [EVTCHNOP_send] = {op_send, sizeof(struct evtchn_send), false},
    [EVTCHNOP_status] = {op_status, sizeof(struct evtchn_status), true},
    [EVTCHNOP_alloc_unbound] = {op_alloc_unbound,
                                sizeof(struct evtchn_alloc_unbound), true},
    [EVTCHNOP_bind_ipi] = {op_bind_ipi, sizeof(struct evtchn_bind_ipi), true},
    [EVTCHNOP_bind_vcpu] = {op_bind_vcpu, sizeof(struct evtchn_bind_vcpu),
                            false},
    [EVTCHNOP_unmask] = {op_unmask, sizeof(struct evtchn_unmask), false},
    [EVTCHNOP_reset] = {op_reset, sizeof(struct evtchn_reset), false},
    [EVTCHNOP_init_control] = {op_frame, sizeof(struct evtchn_init_control),
                               true},
    [EVTCHNOP_expand_array] = {op_frame, sizeof(struct evtchn_expand_array),
                               false},
    [EVTCHNOP_set_priority] = {op_set_priority,
                               sizeof(struct evtchn_set_priority), false},
    [RESET_CONT] = {op_reset_cont, sizeof(struct evtchn_reset), false},
};

int64_t evtchnop_call(struct sop_pcpu *self, struct sop_vcpu *v,
                      struct sop_call *call)
{
    uint32_t command = (uint32_t)call->arg[0];
    const struct op_entry *entry;
    uint64_t operand[4];
    uint64_t now;
    int rc;

    if (command >= ARRAY_SIZE(ops)) {
        return -XEN_ENOSYS;
    }
    entry = &ops[command];
    ASSERT(entry->size <= sizeof(operand));
    if (port_copy_in(v, operand, call->arg[1], entry->size) != 0) {
        return -XEN_EFAULT;
    }
    now = core_enter(self);
    rc = entry->act(self, v, operand, now);
    core_leave(self);
    if (unlikely(rc > 0)) {
        rc = op_without_lock(self, v, command, operand);
    }
    if (rc == 0 && entry->output &&
        port_copy_out(v, call->arg[1], operand, entry->size) != 0) {
        /* As on Xen, what was made stays made. */
        return -XEN_EFAULT;
    }
    return rc;
}
