/* SPDX-License-Identifier: MIT */
/*
 * The context a guest gives for another vCPU (vcpu_op initialise, spec 8.6):
 * checked as Xen does, then loaded into registers that have never run.
 */
#include "domain.h"

#include <xen/errno.h>
#include <xen/hvm/hvm_vcpu.h>

#define ATTR_PRESENT 0x80u
#define ATTR_S 0x10u
#define ATTR_DPL(attr) ((attr) >> 5 & 3u)
#define ATTR_G 0x800u
#define TYPE_CODE 8u
#define TYPE_WRITABLE 2u /* or readable, for code */

static bool is_canonical(uint64_t address)
{
    return address >> 47 == 0 || address >> 47 == 0x1ffff;
}

static bool tr_is_good(const struct vmcb_seg *seg)
{
    return (seg->attr & (ATTR_PRESENT | ATTR_S)) == ATTR_PRESENT &&
           (seg->attr & 15) == 11;
}

/* A code or data segment; `null` allows an absent one. */
static bool segment_is_good(const struct vmcb_seg *seg, bool null)
{
    if (seg->attr == 0 && null) {
        return true;
    }
    return !(seg->attr & 0xf000) && (seg->attr & ATTR_S) &&
           ((seg->attr & ATTR_PRESENT) || null);
}

static bool data_is_readable(const struct vmcb_seg *seg)
{
    return !(seg->attr & ATTR_PRESENT) || !(seg->attr & TYPE_CODE) ||
           (seg->attr & TYPE_WRITABLE);
}

static bool segments_are_good(const struct vmcb *c)
{
    unsigned dpl = ATTR_DPL(c->cs.attr);

    if (!segment_is_good(&c->cs, false) || !segment_is_good(&c->ss, false) ||
        !segment_is_good(&c->ds, true) || !segment_is_good(&c->es, true) ||
        !tr_is_good(&c->tr)) {
        return false;
    }
    if (!(c->cs.attr & TYPE_CODE) || (c->ss.attr & TYPE_CODE) ||
        !(c->ss.attr & TYPE_WRITABLE) || ATTR_DPL(c->ss.attr) != dpl) {
        return false;
    }
    return data_is_readable(&c->ds) && data_is_readable(&c->es) &&
           !((c->ds.attr & ATTR_PRESENT) && ATTR_DPL(c->ds.attr) > dpl) &&
           !((c->es.attr & ATTR_PRESENT) && ATTR_DPL(c->es.attr) > dpl);
}

/* Loading marks a segment accessed, a task register busy. */
static struct vmcb_seg segment(uint16_t attr, uint32_t limit, uint32_t base,
                               uint16_t mark)
{
    if (attr & ATTR_PRESENT) {
        attr |= mark;
    }
    return (struct vmcb_seg){.attr = attr, .limit = limit, .base = base};
}

static int load_32(struct vmcb *c, uint64_t gpr[16],
                   const struct vcpu_hvm_x86_32 *r)
{
    uint64_t limit = r->cs_limit;

    if (r->pad1 || r->pad2[0] || r->pad2[1] || r->pad2[2]) {
        return -XEN_EINVAL;
    }
    c->cs = segment(r->cs_ar, r->cs_limit, r->cs_base, 1);
    c->ds = segment(r->ds_ar, r->ds_limit, r->ds_base, 1);
    c->ss = segment(r->ss_ar, r->ss_limit, r->ss_base, 1);
    c->es = segment(r->es_ar, r->es_limit, r->es_base, 1);
    c->tr = segment(r->tr_ar, r->tr_limit, r->tr_base, 2);
    if (r->cs_ar & ATTR_G) {
        limit = limit << 12 | 0xfff;
    }
    if (!segments_are_good(c) || r->eip > limit ||
        ((r->efer & X86_EFER_LMA) && !(r->efer & X86_EFER_LME))) {
        return -XEN_EINVAL;
    }
    c->cpl = (uint8_t)ATTR_DPL(c->cs.attr);
    c->rax = r->eax;
    c->rsp = r->esp;
    gpr[REG_RCX] = r->ecx;
    gpr[REG_RDX] = r->edx;
    gpr[REG_RBX] = r->ebx;
    gpr[REG_RBP] = r->ebp;
    gpr[REG_RSI] = r->esi;
    gpr[REG_RDI] = r->edi;
    c->rip = r->eip;
    c->rflags = r->eflags;
    c->cr0 = r->cr0;
    c->cr3 = r->cr3;
    c->cr4 = r->cr4;
    c->efer = r->efer;
    return 0;
}

static int load_64(struct vmcb *c, uint64_t gpr[16],
                   const struct vcpu_hvm_x86_64 *r)
{
    const struct vmcb_seg data = {.attr = 0xc93, .limit = UINT32_MAX};

    if (!is_canonical(r->rip) || !(r->cr0 & X86_CR0_PG) ||
        !(r->cr4 & X86_CR4_PAE) || !(r->efer & X86_EFER_LME) ||
        !(r->efer & X86_EFER_LMA)) {
        return -XEN_EINVAL;
    }
    c->cs = (struct vmcb_seg){.attr = 0xa9b, .limit = UINT32_MAX};
    c->ds = c->ss = c->es = data;
    c->tr = (struct vmcb_seg){.attr = 0x8b, .limit = 0x67};
    c->cpl = 0;
    c->rax = r->rax;
    c->rsp = r->rsp;
    gpr[REG_RCX] = r->rcx;
    gpr[REG_RDX] = r->rdx;
    gpr[REG_RBX] = r->rbx;
    gpr[REG_RBP] = r->rbp;
    gpr[REG_RSI] = r->rsi;
    gpr[REG_RDI] = r->rdi;
    c->rip = r->rip;
    c->rflags = r->rflags;
    c->cr0 = r->cr0;
    c->cr3 = r->cr3;
    c->cr4 = r->cr4;
    c->efer = r->efer;
    return 0;
}

bool vcpu_control_is_good(const struct vmcb *c)
{
    uint64_t efer = X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE;
    uint64_t pages = c->cr0 & (X86_CR0_PE | X86_CR0_PG);

    return !(c->efer & ~efer) && !(c->cr4 & ~cpuid_cr4_mask()) &&
           pages != X86_CR0_PG && !(c->cr0 >> 32) &&
           ((c->cr0 & X86_CR0_CD) || !(c->cr0 & X86_CR0_NW));
}

/*
 * On failure the vCPU is left in its reset state: it has never run, so what
 * it held before does not matter.
 */
int port_vcpu_load(struct sop_vcpu *sv, const void *context)
{
    const struct vcpu_hvm_context *x = context;
    struct x86_vcpu *v = vcpu_of(sv);
    int rc = -XEN_EINVAL;

    x86_lock(&v->boot);
    vcpu_reset_flat(v, 0, 0);
    if (x->pad == 0 && x->mode == VCPU_HVM_MODE_32B) {
        rc = load_32(v->vmcb, v->gpr, &x->cpu_regs.x86_32);
    } else if (x->pad == 0 && x->mode == VCPU_HVM_MODE_64B) {
        rc = load_64(v->vmcb, v->gpr, &x->cpu_regs.x86_64);
    }
    if (rc == 0 && !vcpu_control_is_good(v->vmcb)) {
        rc = -XEN_EINVAL;
    }
    v->vmcb->cr0 |= X86_CR0_ET;
    v->vmcb->rflags = (v->vmcb->rflags & 0x3f7fd7) | 2;
    v->vmcb->efer |= X86_EFER_SVME;
    if (rc != 0) {
        vcpu_reset_real(v, 0);
    } else {
        v->initialised = true;
    }
    x86_unlock(&v->boot);
    return rc;
}
