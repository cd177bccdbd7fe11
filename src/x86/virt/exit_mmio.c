/* SPDX-License-Identifier: MIT */
/* Nested page faults: memory that is not RAM. */
#include "emulate.h"
#include "exits.h"

#define WARNINGS_MAX 8u /* a domain: the log is not for guests to fill */

struct access {
    struct x86_pcpu *self;
    struct x86_vcpu *v;
};

static void device_access(struct x86_pcpu *self, struct x86_vcpu *v,
                          uint64_t gpa, bool write, void *data, unsigned len)
{
    bool is_apic = (gpa & PAGE_MASK) == VLAPIC_BASE &&
                   (v->lapic.base & VLAPIC_BASE_ENABLE) &&
                   !vlapic_x2apic(&v->lapic);

    if (is_apic && apic_access(self, v, gpa & ~PAGE_MASK, write, data, len)) {
        return;
    }
    if (!write) {
        __builtin_memset(data, 0xff, len);
    }
}

/* One piece within a page. */
static bool access_piece(struct access *a, uint64_t linear, bool write,
                         uint8_t *data, unsigned len)
{
    struct x86_vcpu *v = a->v;
    unsigned access =
        (write ? WALK_WRITE : 0) | (v->vmcb->cpl == 3 ? WALK_USER : 0);
    unsigned fault;
    uint64_t gpa, pa;

    if ((v->vmcb->efer & X86_EFER_LMA) && !walk_is_canonical(linear)) {
        event_exception_error(v, VECTOR_GP, 0);
        return false;
    }
    if (!guest_translate(v, linear, access, &gpa, &fault)) {
        event_page_fault(v, linear, fault);
        return false;
    }
    if (p2m_lookup(v->domain, gpa >> PAGE_SHIFT, &pa) == P2M_NONE) {
        device_access(a->self, v, gpa, write, data, len);
    } else if (write) {
        gpa_copy_out(v->domain, gpa, data, len);
    } else {
        gpa_copy_in(v->domain, data, gpa, len);
    }
    return true;
}

static bool access_linear(struct emulate *e, uint64_t linear, bool write,
                          uint8_t *data, unsigned len)
{
    uint64_t left = PAGE_SIZE - (linear & ~PAGE_MASK);
    unsigned first = left < len ? (unsigned)left : len;

    return access_piece(e->context, linear, write, data, first) &&
           (first == len || access_piece(e->context, linear + first, write,
                                         data + first, len - first));
}

static bool access_read(struct emulate *e, uint64_t linear, void *to,
                        unsigned len)
{
    return access_linear(e, linear, false, to, len);
}

static bool access_write(struct emulate *e, uint64_t linear, const void *from,
                         unsigned len)
{
    uint8_t copy[8];

    __builtin_memcpy(copy, from, len);
    return access_linear(e, linear, true, copy, len);
}

static void emulate_begin(struct emulate *e, const struct x86_vcpu *v)
{
    const struct vmcb *c = v->vmcb;

    for (unsigned i = 0; i < 16; i++) {
        e->gpr[i] = reg_get(v, i);
    }
    e->rip = c->rip;
    e->rflags = c->rflags;
    e->base[SEG_ES] = c->es.base;
    e->base[SEG_CS] = c->cs.base;
    e->base[SEG_SS] = c->ss.base;
    e->base[SEG_DS] = c->ds.base;
    e->base[SEG_FS] = c->fs.base;
    e->base[SEG_GS] = c->gs.base;
    e->wide = vcpu_is_wide(v);
    e->data32 = (c->cs.attr & 0x400) && !(c->rflags & X86_FLAGS_VM);
    e->read = access_read;
    e->write = access_write;
}

static void emulate_end(const struct emulate *e, struct x86_vcpu *v)
{
    for (unsigned i = 0; i < 16; i++) {
        reg_set(v, i, e->gpr[i]);
    }
    v->vmcb->rflags = e->rflags;
    if (e->rip != v->vmcb->rip) {
        v->vmcb->rip = e->rip;
        exit_advance(v, 0, true);
    }
}

static void exit_mmio(struct x86_pcpu *self, struct x86_vcpu *v)
{
    struct access access = {self, v};
    struct emulate e = {.context = &access};
    uint8_t bytes[INSN_MAX];

    emulate_begin(&e, v);
    e.bytes = bytes;
    e.nr_bytes = guest_fetch(v, bytes);
    switch (emulate_insn(&e)) {
    case EMULATE_DONE:
        emulate_end(&e, v);
        break;
    case EMULATE_FAULT:
        break; /* its page fault is on its way in */
    case EMULATE_UNKNOWN:
        if (v->domain->nr_warnings++ < WARNINGS_MAX) {
            x86_log(SOP_LOG_WARNING,
                    "d%uv%u: cannot emulate access to %llx by rip %llx",
                    v->domain->domid, v->id,
                    (unsigned long long)v->vmcb->exitinfo2,
                    (unsigned long long)v->vmcb->rip);
        }
        event_exception_error(v, VECTOR_GP, 0);
        break;
    }
}

void exit_nested_fault(struct x86_pcpu *self, struct x86_vcpu *v)
{
    const struct vmcb *c = v->vmcb;
    uint64_t pa;

    if (p2m_lookup(v->domain, c->exitinfo2 >> PAGE_SHIFT, &pa) != P2M_NONE) {
        return; /* the map has changed meanwhile: try again */
    }
    if (v->attention.event) {
        vcpu_crash(self, v, "event delivery met no RAM at %llx",
                   (unsigned long long)c->exitinfo2);
        return;
    }
    if (c->exitinfo1 & NPF_TABLE) {
        vcpu_crash(self, v, "page tables are not in RAM: %llx",
                   (unsigned long long)c->exitinfo2);
        return;
    }
    if (c->exitinfo1 & NPF_FETCH) {
        event_exception_error(v, VECTOR_GP, 0);
        return;
    }
    exit_mmio(self, v);
}
