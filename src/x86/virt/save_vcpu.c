/* SPDX-License-Identifier: MIT */
/*
 * vCPUs to and from the record of a stopped domain (schedop/save.h).
 *
 * A record may come from a file that anybody wrote. What could hurt the
 * hypervisor itself is put right here: addresses that VMLOAD or a MOV to a
 * debug register would not take, a header that XRSTOR faults on, control bits
 * that guests cannot have. What merely makes no sense is the guest's loss:
 * the processor refuses to enter it.
 */
#include "domain.h"

#include <schedop/save.h>

#include <xen/errno.h>

#define FPU_MXCSR 24u
#define FPU_HEADER 512u /* of XSAVE: components, format, reserved */
#define FPU_HEADER_BYTES 64u
#define MXCSR_BITS 0xffffu
#define XCR0_X87 1u
#define XCR0_SSE 2u
#define XCR0_AVX 4u
#define DR6_BITS 0xe00fu
#define DR6_ONES 0xffff0ff0u
#define DR7_BITS 0xffff03ffu
#define DR7_ONES 0x400u
#define RFLAGS_BITS 0x3f7fd7u
#define EVENT_BITS (0xffffffff00000000ull | 0x80000fffull)

_Static_assert(sizeof(struct schedop_state_segment) == sizeof(struct vmcb_seg),
               "copied as they are");
_Static_assert(sizeof(struct schedop_state_vcpu) % 8 == 0, "in an array");

/* -------------------------------------------------------------------- save */

static struct schedop_state_segment from_vmcb(const struct vmcb_seg *s)
{
    return (struct schedop_state_segment){s->sel, s->attr, s->limit, s->base};
}

static void save_segments(struct schedop_state_vcpu *r, const struct vmcb *c)
{
    const struct vmcb_seg *const segment[SCHEDOP_STATE_SEGMENTS] = {
        &c->es, &c->cs,   &c->ss,   &c->ds,   &c->fs,
        &c->gs, &c->gdtr, &c->ldtr, &c->idtr, &c->tr,
    };

    for (unsigned i = 0; i < SCHEDOP_STATE_SEGMENTS; i++) {
        r->segment[i] = from_vmcb(segment[i]);
    }
}

static void save_registers(struct schedop_state_vcpu *r,
                           const struct x86_vcpu *v)
{
    const struct vmcb *c = v->vmcb;

    for (unsigned i = 0; i < 16; i++) {
        r->gpr[i] = reg_get(v, i);
    }
    r->rip = c->rip;
    r->rflags = c->rflags;
    r->cpl = c->cpl;
    r->cr0 = c->cr0;
    r->cr2 = c->cr2;
    r->cr3 = c->cr3;
    r->cr4 = c->cr4;
    r->efer = c->efer & ~X86_EFER_SVME;
    r->xcr0 = v->xcr0;
    __builtin_memcpy(r->dr, v->dr, sizeof(r->dr));
    r->dr6 = c->dr6;
    r->dr7 = c->dr7;
    r->star = c->star;
    r->lstar = c->lstar;
    r->cstar = c->cstar;
    r->sfmask = c->sfmask;
    r->kernel_gs_base = c->kernel_gs_base;
    r->sysenter_cs = c->sysenter_cs;
    r->sysenter_esp = c->sysenter_esp;
    r->sysenter_eip = c->sysenter_eip;
    r->pat = c->g_pat;
    r->tsc_aux = v->tsc_aux;
    __builtin_memcpy(r->var_mtrr, v->var_mtrr, sizeof(r->var_mtrr));
    __builtin_memcpy(r->fixed_mtrr, v->fixed_mtrr, sizeof(r->fixed_mtrr));
    r->mtrr_default = v->mtrr_default;
    __builtin_memcpy(r->fpu, v->fpu, sizeof(r->fpu));
}

static void save_lapic(struct schedop_state_lapic *r, const struct vlapic *l,
                       uint64_t now)
{
    r->base = l->base;
    r->tpr = l->tpr;
    r->ldr = l->ldr;
    r->dfr = l->dfr;
    r->svr = l->svr;
    r->esr = l->esr;
    r->esr_next = l->esr_next;
    r->icr = l->icr;
    r->icr2 = l->icr2;
    __builtin_memcpy(r->lvt, l->lvt, sizeof(r->lvt));
    r->timer_init = l->timer_init;
    r->timer_divide = l->timer_divide;
    for (unsigned i = 0; i < 8; i++) {
        r->isr[i] = l->isr[i];
        r->tmr[i] = l->tmr[i];
        r->irr[i] = __atomic_load_n(&l->irr[i], __ATOMIC_SEQ_CST);
    }
    r->timer_ran_ns = now > l->timer_start_ns ? now - l->timer_start_ns : 0;
    r->timer_left_ns = SCHEDOP_STATE_NO_TIMER;
    if (l->timer_due_ns != SCHEDOP_STATE_NO_TIMER) {
        r->timer_left_ns = l->timer_due_ns > now ? l->timer_due_ns - now : 0;
    }
}

void save_vcpu(struct sop_pcpu *self, struct x86_vcpu *v,
               struct schedop_state_vcpu *r)
{
    uint64_t now = time_now();
    struct sop_vcpu_info info;

    sop_vcpu_info(self, v->sop, now, &info);
    vcpu_sync_tpr(v);
    __builtin_memset(r, 0, sizeof(*r));
    r->flags = (v->initialised ? SCHEDOP_STATE_INITIALISED : 0) |
               (info.online ? SCHEDOP_STATE_UP : 0) |
               (v->attention.event ? SCHEDOP_STATE_EVENT : 0) |
               (v->attention.nmi ? SCHEDOP_STATE_NMI : 0) |
               (v->attention.timer ? SCHEDOP_STATE_TIMER_PENDING : 0) |
               (v->nmi_blocked ? SCHEDOP_STATE_NMI_BLOCKED : 0) |
               (v->vmcb->shadow & 1 ? SCHEDOP_STATE_SHADOW : 0) |
               (v->cpuid_faulting ? SCHEDOP_STATE_CPUID_FAULTING : 0);
    r->event = v->attention.event ? v->event : 0;
    r->hard = info.pinned ? 0 : info.hard;
    r->soft = info.soft;
    save_registers(r, v);
    save_segments(r, v->vmcb);
    save_lapic(&r->lapic, &v->lapic, now);
}

/* -------------------------------------------------------------------- load */

static uint64_t canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16);
}

static void load_segments(struct vmcb *c, const struct schedop_state_vcpu *r)
{
    struct vmcb_seg *const segment[SCHEDOP_STATE_SEGMENTS] = {
        &c->es, &c->cs,   &c->ss,   &c->ds,   &c->fs,
        &c->gs, &c->gdtr, &c->ldtr, &c->idtr, &c->tr,
    };

    for (unsigned i = 0; i < SCHEDOP_STATE_SEGMENTS; i++) {
        const struct schedop_state_segment *s = &r->segment[i];

        *segment[i] = (struct vmcb_seg){s->selector, s->attributes, s->limit,
                                        canonical(s->base)};
    }
}

static void load_registers(struct x86_vcpu *v,
                           const struct schedop_state_vcpu *r)
{
    struct vmcb *c = v->vmcb;

    for (unsigned i = 0; i < 16; i++) {
        reg_set(v, i, r->gpr[i]);
    }
    c->rip = r->rip;
    c->rflags = (r->rflags & RFLAGS_BITS) | 2;
    c->cpl = r->cpl & 3;
    c->cr0 = r->cr0 | X86_CR0_ET;
    c->cr2 = r->cr2;
    c->cr3 = r->cr3;
    c->cr4 = r->cr4;
    c->efer = r->efer | X86_EFER_SVME;
    v->xcr0 = r->xcr0;
    for (unsigned i = 0; i < 4; i++) {
        v->dr[i] = canonical(r->dr[i]);
    }
    c->dr6 = (r->dr6 & DR6_BITS) | DR6_ONES;
    c->dr7 = (r->dr7 & DR7_BITS) | DR7_ONES;
    c->star = r->star;
    c->lstar = canonical(r->lstar);
    c->cstar = canonical(r->cstar);
    c->sfmask = r->sfmask;
    c->kernel_gs_base = canonical(r->kernel_gs_base);
    c->sysenter_cs = r->sysenter_cs;
    c->sysenter_esp = canonical(r->sysenter_esp);
    c->sysenter_eip = canonical(r->sysenter_eip);
    c->g_pat = r->pat;
    v->tsc_aux = (uint32_t)r->tsc_aux;
    __builtin_memcpy(v->var_mtrr, r->var_mtrr, sizeof(v->var_mtrr));
    __builtin_memcpy(v->fixed_mtrr, r->fixed_mtrr, sizeof(v->fixed_mtrr));
    v->mtrr_default = r->mtrr_default;
}

/* Of the header only what XRSTOR takes. */
static void load_fpu(uint8_t *fpu, const struct schedop_state_vcpu *r)
{
    uint64_t components;
    uint32_t mxcsr;

    __builtin_memcpy(fpu, r->fpu, sizeof(r->fpu));
    __builtin_memcpy(&mxcsr, fpu + FPU_MXCSR, sizeof(mxcsr));
    mxcsr &= MXCSR_BITS;
    __builtin_memcpy(fpu + FPU_MXCSR, &mxcsr, sizeof(mxcsr));
    __builtin_memcpy(&components, fpu + FPU_HEADER, sizeof(components));
    components &= svm_xcr0_mask();
    __builtin_memset(fpu + FPU_HEADER, 0, FPU_HEADER_BYTES);
    __builtin_memcpy(fpu + FPU_HEADER, &components, sizeof(components));
}

static void load_lapic(struct vlapic *l, const struct schedop_state_lapic *r,
                       uint64_t now)
{
    uint64_t bits = VLAPIC_BASE_ENABLE | VLAPIC_BASE_EXTD;

    l->base = (l->base & ~bits) | (r->base & bits);
    l->tpr = r->tpr & 0xff;
    l->ldr = r->ldr;
    l->dfr = r->dfr;
    l->svr = r->svr & 0x1ff;
    l->esr = r->esr;
    l->esr_next = r->esr_next;
    l->icr = r->icr;
    l->icr2 = r->icr2;
    __builtin_memcpy(l->lvt, r->lvt, sizeof(l->lvt));
    l->timer_init = r->timer_init;
    l->timer_divide = r->timer_divide & 0xb;
    __builtin_memcpy(l->isr, r->isr, sizeof(l->isr));
    __builtin_memcpy(l->tmr, r->tmr, sizeof(l->tmr));
    __builtin_memcpy(l->irr, r->irr, sizeof(l->irr));
    /* The first 16 are exceptions: no local APIC has them. */
    l->isr[0] &= 0xffff0000;
    l->irr[0] &= 0xffff0000;
    l->irr_hint = 1;
    l->timer_start_ns = now > r->timer_ran_ns ? now - r->timer_ran_ns : 0;
    l->timer_due_ns = SCHEDOP_STATE_NO_TIMER;
    if (r->timer_left_ns != SCHEDOP_STATE_NO_TIMER) {
        l->timer_due_ns = now + (r->timer_left_ns & INT64_MAX);
    }
}

static bool pat_is_good(uint64_t pat)
{
    for (unsigned i = 0; i < 8; i++, pat >>= 8) {
        uint8_t type = pat & 0xff;

        if (type > 7 || type == 2 || type == 3) {
            return false;
        }
    }
    return true;
}

static const char *check(const struct schedop_state_vcpu *r)
{
    uint64_t mask = svm_xcr0_mask() != 0 ? svm_xcr0_mask() : XCR0_X87;
    const struct vmcb c = {.cr0 = r->cr0, .cr4 = r->cr4, .efer = r->efer};

    if (!vcpu_control_is_good(&c)) {
        return "it uses features of a processor that this one has not, or its "
               "control registers make no sense";
    }
    if ((r->xcr0 & ~mask) != 0) {
        return "it uses registers that this processor has not (XCR0)";
    }
    if (!(r->xcr0 & XCR0_X87) ||
        ((r->xcr0 & XCR0_AVX) && !(r->xcr0 & XCR0_SSE)) ||
        !pat_is_good(r->pat)) {
        return "its registers make no sense";
    }
    return NULL;
}

const char *load_vcpu_registers(struct x86_vcpu *v,
                                const struct schedop_state_vcpu *r)
{
    const char *why = check(r);

    if (why != NULL) {
        return why;
    }
    load_registers(v, r);
    load_segments(v->vmcb, r);
    load_fpu(v->fpu, r);
    v->fpu_pcpu = PCPU_NONE;
    v->event = r->event & EVENT_BITS;
    v->attention.event = r->flags & SCHEDOP_STATE_EVENT;
    return NULL;
}

const char *load_vcpu(struct x86_vcpu *v, const struct schedop_state_vcpu *r)
{
    const char *why = load_vcpu_registers(v, r);

    if (why != NULL) {
        return why;
    }
    load_lapic(&v->lapic, &r->lapic, time_now());
    vcpu_set_cr8(v);
    v->vmcb->shadow = r->flags & SCHEDOP_STATE_SHADOW ? 1 : 0;
    v->initialised = r->flags & SCHEDOP_STATE_INITIALISED;
    v->cpuid_faulting = r->flags & SCHEDOP_STATE_CPUID_FAULTING;
    v->attention.nmi = r->flags & SCHEDOP_STATE_NMI;
    v->attention.timer = r->flags & SCHEDOP_STATE_TIMER_PENDING;
    v->nmi_blocked = r->flags & SCHEDOP_STATE_NMI_BLOCKED;
    if (v->nmi_blocked) {
        v->vmcb->intercept1 |= SVM_I1_IRET;
    }
    return NULL;
}
