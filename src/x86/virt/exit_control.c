/* SPDX-License-Identifier: MIT */
/* Control registers, MSRs and XCR0. */
#include "exits.h"

#define DR7_BITS 0xffff03ffull
#define DR7_ONES 0x400ull
#define CR0_DEFINED 0xe005003full

static bool set_guest_cr4(struct x86_vcpu *v, uint64_t value)
{
    struct vmcb *c = v->vmcb;

    if ((value & ~cpuid_cr4_mask()) ||
        ((c->efer & X86_EFER_LMA) && !(value & X86_CR4_PAE))) {
        return false;
    }
    c->cr4 = value;
    atomic_store(&v->asid_generation, 0); /* as the instruction flushes */
    return true;
}

/* Switching paging on or off switches long mode with it, if asked for. */
static bool set_guest_cr0(struct x86_vcpu *v, uint64_t value)
{
    struct vmcb *c = v->vmcb;
    bool on = (value & X86_CR0_PG) && !(c->cr0 & X86_CR0_PG);
    bool off = !(value & X86_CR0_PG) && (c->cr0 & X86_CR0_PG);

    if (value >> 32 || ((value & X86_CR0_PG) && !(value & X86_CR0_PE)) ||
        ((value & X86_CR0_NW) && !(value & X86_CR0_CD)) ||
        (off && vcpu_is_wide(v))) {
        return false;
    }
    if (on && (c->efer & X86_EFER_LME)) {
        if (!(c->cr4 & X86_CR4_PAE) || (c->cs.attr & 0x200)) {
            return false;
        }
        c->efer |= X86_EFER_LMA;
    } else if (off) {
        c->efer &= ~X86_EFER_LMA;
    }
    c->cr0 = (value & CR0_DEFINED) | X86_CR0_ET;
    atomic_store(&v->asid_generation, 0); /* as the instruction flushes */
    return true;
}

/* Only for writes that change more than TS and MP. */
void exit_cr0_write(struct x86_vcpu *v)
{
    uint8_t bytes[INSN_MAX];
    unsigned cr = 0, gpr = 0, n = guest_fetch(v, bytes);
    bool wide = vcpu_is_wide(v);
    unsigned length = insn_mov_cr(bytes, n, wide, true, &cr, &gpr);
    uint64_t value = reg_get(v, gpr), old = v->vmcb->cr0;

    if (length == 0) {
        length = insn_lmsw(bytes, n, wide, &gpr);
        value = (old & ~0xeull) | (reg_get(v, gpr) & 0xf);
    } else if (!wide) {
        value &= 0xffffffff;
    }
    if (length == 0) {
        event_exception(v, VECTOR_UD);
    } else if (cr == 0 && set_guest_cr0(v, value)) {
        exit_advance(v, length, vcpu_is_wide(v));
    } else {
        exit_gp(v);
    }
}

void exit_cr_write(struct x86_vcpu *v)
{
    uint8_t bytes[INSN_MAX];
    unsigned cr = 0, gpr = 0, n = guest_fetch(v, bytes);
    unsigned length = insn_mov_cr(bytes, n, vcpu_is_wide(v), true, &cr, &gpr);
    uint64_t value = reg_get(v, gpr);
    bool good = false;

    if (!vcpu_is_wide(v)) {
        value &= 0xffffffff;
    }
    if (length != 0 && cr == 4) {
        good = set_guest_cr4(v, value);
    } else if (length != 0 && cr == 8 && value < 16) {
        v->lapic.tpr = (uint32_t)value << 4;
        vcpu_set_cr8(v);
        good = true;
    }
    if (good) {
        exit_advance(v, length, vcpu_is_wide(v));
    } else {
        exit_gp(v);
    }
}

/*
 * QEMU 7.2 keeps the breakpoints that a guest's write arms beyond the guest:
 * they then hit in other domains, and in the hypervisor. So there the
 * registers are only kept, and arm nothing: VMRUN takes DR7 as a value alone.
 */
void exit_dr_write(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;
    uint8_t bytes[INSN_MAX];
    unsigned dr = 0, gpr = 0, n = guest_fetch(v, bytes);
    unsigned length = insn_mov_dr(bytes, n, vcpu_is_wide(v), &dr, &gpr);
    uint64_t value = reg_get(v, gpr);

    if (!vcpu_is_wide(v)) {
        value &= 0xffffffff;
    }
    if (length == 0 || dr > 7 ||
        ((dr == 4 || dr == 5) && (c->cr4 & X86_CR4_DE))) {
        event_exception(v, VECTOR_UD);
        return;
    }
    if (dr > 3 && value >> 32) {
        exit_gp(v);
        return;
    }
    if (dr < 4) {
        vcpu_set_debug_address(v, dr, value);
    } else if (dr == 5 || dr == 7) {
        c->dr7 = (value & DR7_BITS) | DR7_ONES;
    }
    exit_advance(v, length, vcpu_is_wide(v));
}

void exit_msr(struct x86_pcpu *self, struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;
    uint32_t msr = (uint32_t)v->gpr[REG_RCX];
    uint64_t value = 0;

    if (c->exitinfo1 & 1) {
        value = (uint32_t)c->rax | v->gpr[REG_RDX] << 32;
        if (!msr_write(self, v, msr, value)) {
            exit_gp(v);
            return;
        }
        STEP(v, 0x0f, 0x30);
        return;
    }
    if (!msr_read(v, msr, &value)) {
        exit_gp(v);
        return;
    }
    c->rax = (uint32_t)value;
    v->gpr[REG_RDX] = value >> 32;
    STEP(v, 0x0f, 0x32);
}

void exit_xsetbv(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;
    uint64_t value = (uint32_t)c->rax | v->gpr[REG_RDX] << 32;
    bool good = c->cpl == 0 && (uint32_t)v->gpr[REG_RCX] == 0 && (value & 1) &&
                !(value & ~svm_xcr0_mask()) && (!(value & 4) || (value & 2));

    if (!good) {
        exit_gp(v);
        return;
    }
    vcpu_set_xcr0(v, value);
    STEP(v, 0x0f, 0x01, 0xd1);
}
