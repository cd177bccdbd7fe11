/* SPDX-License-Identifier: MIT */
/*
 * The port interface (include/schedop/port.h) on bare metal, all of it in one
 * place; what takes more than a few lines is done by the rooms it names.
 * port_vcpu_load() is in virt/context.c.
 */
#include "time.h"
#include "trace.h"
#include "virt/domain.h"
#include "virt/run.h"

#include <schedop/port.h>
#include <xen/errno.h>
#include <xen/hvm/hvm_op.h>
#include <xen/xen.h>

static struct x86_pcpu *pcpu_of(const struct sop_pcpu *p)
{
    return sop_pcpu_port(p);
}

static struct x86_domain *domain_of(const struct sop_domain *d)
{
    return sop_domain_port(d);
}

/* ------------------------------------------------ clock, timer, interrupts */

uint64_t port_now(const struct sop_pcpu *self)
{
    (void)self;
    return time_read();
}

/* The clock is read again: by what passes between, the timer would be late. */
void port_timer_arm(struct sop_pcpu *self, uint64_t deadline_ns)
{
    (void)self;
    time_arm(deadline_ns, time_read());
}

/*
 * A kick of the own pCPU needs no interrupt: whoever calls the core goes on
 * to sop_exit_to_guest() anyway, and the idle wait looks at the flag.
 */
void port_kick(struct sop_pcpu *target)
{
    struct x86_pcpu *p = pcpu_of(target);

    if (p == x86_self()) {
        p->kicked = true;
    } else {
        irq_send_kick(p);
    }
}

/* ----------------------------------------------------------------- running */

void port_context_switch(struct sop_pcpu *self, struct sop_vcpu *prev,
                         struct sop_vcpu *next)
{
    struct x86_pcpu *p = pcpu_of(self);

    if (prev) {
        vcpu_unload(p, vcpu_of(prev));
    }
    if (next) {
        vcpu_load(p, vcpu_of(next));
    }
}

void port_idle(struct sop_pcpu *self)
{
    if (host_pending()) {
        host_work(self);
    } else {
        irq_wait();
    }
    pcpu_take_flags(pcpu_of(self));
}

/* ------------------------------------------------------------ guest memory */

int port_copy_in(struct sop_vcpu *v, void *dst, uint64_t guest_addr, size_t len)
{
    return guest_copy_in(vcpu_of(v), dst, guest_addr, len);
}

int port_copy_out(struct sop_vcpu *v, uint64_t guest_addr, const void *src,
                  size_t len)
{
    return guest_copy_out(vcpu_of(v), guest_addr, src, len);
}

/* One mapping a frame, however often it is asked for. */
static void *map_locked(struct x86_domain *d, uint64_t pa)
{
    for (unsigned i = 0; i < d->nr_mapped; i++) {
        if (d->mapped[i].pa == pa) {
            d->mapped[i].users++;
            return d->mapped[i].va;
        }
    }
    if (d->nr_mapped == SOP_FRAMES_MAX) {
        return NULL;
    }
    d->mapped[d->nr_mapped] = (struct mapped_frame){pa, frame_map(pa), 1};
    if (!d->mapped[d->nr_mapped].va) {
        return NULL;
    }
    return d->mapped[d->nr_mapped++].va;
}

void *port_frame_map(struct sop_domain *sd, uint64_t gfn)
{
    struct x86_domain *d = domain_of(sd);
    void *va = NULL;
    uint64_t pa;

    x86_lock(&d->lock);
    if (p2m_lookup(d, gfn, &pa) == P2M_RAM) {
        va = map_locked(d, pa);
    }
    x86_unlock(&d->lock);
    return va;
}

void port_frame_unmap(struct sop_domain *sd, void *frame)
{
    struct x86_domain *d = domain_of(sd);

    x86_lock(&d->lock);
    for (unsigned i = 0; i < d->nr_mapped; i++) {
        if (d->mapped[i].va == frame && --d->mapped[i].users == 0) {
            frame_unmap(frame);
            d->mapped[i] = d->mapped[--d->nr_mapped];
            break;
        }
    }
    x86_unlock(&d->lock);
}

void *port_page_alloc(struct sop_domain *sd)
{
    (void)sd;
    return hv_alloc(PAGE_SIZE);
}

void port_page_free(struct sop_domain *sd, void *page)
{
    (void)sd;
    hv_free(page, PAGE_SIZE);
}

/* ------------------------------------------------------- the vCPU as a
 * processor */

bool port_deliverable(const struct sop_vcpu *v)
{
    return event_deliverable(vcpu_of(v));
}

bool port_inject(struct sop_vcpu *v, uint8_t vector)
{
    struct vlapic *l = &vcpu_of(v)->lapic;

    vlapic_raise(l, vector); /* kept for when it is enabled, as on Xen */
    return vlapic_enabled(l);
}

void port_inject_nmi(struct sop_vcpu *v)
{
    __atomic_store_n(&vcpu_of(v)->attention.nmi, true, __ATOMIC_SEQ_CST);
}

bool port_vcpu_timer(struct sop_vcpu *sv, uint64_t now)
{
    struct x86_vcpu *v = vcpu_of(sv);

    (void)now;
    __atomic_store_n(&v->attention.timer, true, __ATOMIC_SEQ_CST);
    return vlapic_timer_fire(&v->lapic);
}

/* What is at a frame: memory, or nothing that is known. */
static int64_t mem_type(struct sop_pcpu *self, struct x86_vcpu *v,
                        uint64_t operand)
{
    struct xen_hvm_get_mem_type op;
    const struct x86_domain *d = v->domain;
    uint64_t pa;

    if (guest_copy_in(v, &op, operand, sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    if (op.domid != DOMID_SELF && op.domid != d->domid) {
        return op.domid == 0 ||
                       sop_domain_by_id(sop_pcpu_system(self), op.domid)
                   ? -XEN_EPERM
                   : -XEN_ESRCH;
    }
    op.mem_type =
        p2m_lookup(d, op.pfn, &pa) == P2M_NONE ? HVMMEM_mmio_dm : HVMMEM_ram_rw;
    return guest_copy_out(v, operand, &op, sizeof(op));
}

/* What is left of hvm_op when the core has taken its parameters. */
static int64_t hvm_op(struct sop_pcpu *self, struct x86_vcpu *v,
                      const struct sop_call *call)
{
    struct xen_hvm_xentrace note;
    struct xen_hvm_get_time time;
    uint8_t byte;

    switch ((uint32_t)call->arg[0]) {
    case HVMOP_get_time:
        time.now = time_now();
        return guest_copy_out(v, call->arg[1], &time, sizeof(time));
    case HVMOP_pagetable_dying: /* of use with shadow page tables only */
        return guest_copy_in(v, &byte, call->arg[1], 1) != 0 ? -XEN_EFAULT
                                                             : -XEN_EINVAL;
    case HVMOP_flush_tlbs:
        if (call->arg[1] == 0) {
            p2m_flush(v->domain);
        }
        return call->arg[1] == 0 ? 0 : -XEN_EINVAL;
    case HVMOP_get_mem_type:
        return mem_type(self, v, call->arg[1]);
    case HVMOP_xentrace: /* a guest's own records: nobody reads them */
        if (guest_copy_in(v, &note, call->arg[1], sizeof(note)) != 0) {
            return -XEN_EFAULT;
        }
        return note.extra_bytes > sizeof(note.extra) ? -XEN_EINVAL : 0;
    case HVMOP_guest_request_vm_event: /* nobody listens */
        return call->arg[1] == 0 ? 0 : -XEN_EINVAL;
    case HVMOP_altp2m:
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_ENOSYS;
    }
}

int64_t port_hypercall(struct sop_pcpu *self, struct sop_vcpu *v,
                       struct sop_call *call)
{
    switch (call->nr) {
    case __HYPERVISOR_memory_op:
        return memory_op(pcpu_of(self), vcpu_of(v), call);
    case __HYPERVISOR_grant_table_op:
        return grant_table_op(vcpu_of(v), sop_pcpu_system(self), call);
    case __HYPERVISOR_hvm_op:
        return hvm_op(self, vcpu_of(v), call);
    case __HYPERVISOR_domctl:
        return domctl(self, vcpu_of(v), call);
    case __HYPERVISOR_sysctl:
        return sysctl_op(vcpu_of(v), call);
    case __HYPERVISOR_platform_op: /* known, but not for guests (measured) */
        return -XEN_EACCES;
    case __HYPERVISOR_hypfs_op:
        return -XEN_EPERM;
    case __HYPERVISOR_xenpmu_op:
    case __HYPERVISOR_arch_1:
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_ENOSYS;
    }
}

/* ------------------------------------------------------ out of the machine */

void port_console(struct sop_domain *d, const char *text, size_t len)
{
    host_domain_output(domain_of(d), text, len);
    pcpu_host_check();
}

size_t port_console_read(struct sop_domain *d, char *text, size_t len)
{
    return host_console_read(domain_of(d), text, len);
}

void port_host_event(struct sop_domain *d, uint32_t port)
{
    host_port_event(domain_of(d), port);
    pcpu_host_check();
}

void port_domain_changed(struct sop_domain *d)
{
    (void)d;
    host_domain_changed();
    pcpu_host_check();
}

void port_machine_stop(struct sop_domain *d, uint8_t code)
{
    (void)d;
    host_machine_stop(code);
    pcpu_host_check();
}

void port_log(enum sop_log_level level, const char *text, size_t len)
{
    x86_log(level, "%.*s", (int)len, text);
}

void port_trace(struct sop_pcpu *self, const struct sop_trace_rec *rec)
{
    (void)self; /* not always the calling pCPU: the ring's owner is */
    trace_record(rec);
}

void port_panic(const char *file, int line, const char *what)
{
    x86_panic("%s:%d: %s", file, line, what);
}
