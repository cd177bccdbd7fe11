/* SPDX-License-Identifier: MIT */
/*
 * What a guest exits for: one small function per reason behind one switch.
 * Every handler is bounded; a repeated instruction is done a round at a time.
 */
#include "exits.h"

#include <xen/hvm/params.h>
#include <xen/sched.h>

static void exit_iret(struct x86_vcpu *v)
{
    /* Runs next; the shadow keeps a further NMI out until it is done. */
    v->vmcb->intercept1 &= ~SVM_I1_IRET;
    v->vmcb->shadow |= 1;
    v->nmi_blocked = false;
}

static void exit_triple_fault(struct x86_pcpu *self, struct x86_vcpu *v)
{
    uint64_t reason = SHUTDOWN_reboot;

    if (sop_domain_get_param(v->domain->sop, HVM_PARAM_TRIPLE_FAULT_REASON,
                             &reason) != 0 ||
        reason > SHUTDOWN_MAX) {
        reason = SHUTDOWN_reboot;
    }
    x86_log(SOP_LOG_INFO, "d%uv%u: triple fault, shutdown reason %u",
            v->domain->domid, v->id, (unsigned)reason);
    sop_domain_shutdown(self->sop, v->domain->sop, (uint32_t)reason);
}

static void exit_halt(struct x86_pcpu *self, struct x86_vcpu *v)
{
    STEP(v, 0xf4);
    sop_vcpu_halt(self->sop, v->sop, v->vmcb->rflags & X86_FLAGS_IF);
}

static bool is_before_halt(struct x86_vcpu *v)
{
    uint8_t bytes[INSN_MAX];

    return v->vmcb->cpl == 0 && guest_fetch(v, bytes) > 0 && bytes[0] == 0xf4;
}

/*
 * VMRUN of QEMU 7.2 forgets the interrupt shadow. In "sti; hlt" an event would
 * then be taken before the halt, which sleeps through what it announced. So
 * where an interrupt came between the two we execute the halt; elsewhere an
 * event taken one instruction early does no harm.
 */
static void exit_interrupt(struct x86_pcpu *self, struct x86_vcpu *v)
{
    irq_take_pending();
    self->host_check = true;
    if ((v->vmcb->shadow & 1) && is_before_halt(v)) {
        exit_halt(self, v);
    }
}

/* ---------------------------------------------------------------- dispatch */

/* Reasons that never concern the core. */
static void exit_local(struct x86_vcpu *v, uint64_t code)
{
    switch (code) {
    case SVM_EXIT_CPUID:
        if (v->cpuid_faulting && v->vmcb->cpl != 0) {
            exit_gp(v);
            break;
        }
        cpuid_emulate(v);
        STEP(v, 0x0f, 0xa2);
        break;
    case SVM_EXIT_IOIO:
        exit_io(v);
        break;
    case SVM_EXIT_XSETBV:
        exit_xsetbv(v);
        break;
    case SVM_EXIT_INVD:
        STEP(v, 0x0f, 0x08);
        break;
    case SVM_EXIT_WBINVD:
        STEP(v, 0x0f, 0x09);
        break;
    case SVM_EXIT_CR0_SELECTIVE:
        exit_cr0_write(v);
        break;
    case SVM_EXIT_RDPMC:
        exit_gp(v);
        break;
    case SVM_EXIT_IRET:
        exit_iret(v);
        break;
    case SVM_EXIT_ICEBP:
        STEP(v, 0xf1);
        event_exception(v, VECTOR_DB);
        break;
    case SVM_EXIT_EXCEPTION + VECTOR_DB:
        if (!debug_exit(v, code)) {
            event_exception(v, VECTOR_DB);
        }
        break;
    case SVM_EXIT_EXCEPTION + VECTOR_AC:
        event_exception_error(v, VECTOR_AC, 0);
        break;
    case SVM_EXIT_VINTR: /* a window opened: event_prepare() looks again */
    case SVM_EXIT_NMI:   /* the host's, taken already */
    case SVM_EXIT_SMI:
    case SVM_EXIT_INIT:
        break;
    default:
        if (!debug_exit(v, code)) {
            event_exception(v, VECTOR_UD); /* MONITOR, VMRUN and others */
        }
        break;
    }
}

static bool is_register_exit(uint64_t code)
{
    return code < SVM_EXIT_EXCEPTION;
}

static void exit_register(struct x86_vcpu *v, uint64_t code)
{
    if (code >= SVM_EXIT_DR_WRITE && svm_is_emulated()) {
        exit_dr_write(v);
    } else if (code >= SVM_EXIT_DR_READ) {
        vcpu_use_debug_registers(v);
    } else {
        exit_cr_write(v);
    }
}

void exit_handle(struct x86_pcpu *self, struct x86_vcpu *v)
{
    uint64_t code = (uint32_t)v->vmcb->exitcode; /* the emulator's has 32 */

    switch (code) {
    case SVM_EXIT_INTR:
        exit_interrupt(self, v);
        return;
    case SVM_EXIT_HLT:
        exit_halt(self, v);
        return;
    case SVM_EXIT_NPF:
        exit_nested_fault(self, v);
        return;
    case SVM_EXIT_MSR:
        exit_msr(self, v);
        return;
    case SVM_EXIT_SHUTDOWN:
        exit_triple_fault(self, v);
        return;
    case SVM_EXIT_TASK_SWITCH:
        vcpu_crash(self, v, "task switches are not offered");
        return;
    case SVM_EXIT_INVALID:
        vcpu_crash(self, v, "the processor refused the guest's state");
        return;
    case SVM_EXIT_EXCEPTION + 18:
        x86_panic("machine check in domain %u", v->domain->domid);
    default:
        break;
    }
    if (is_register_exit(code)) {
        exit_register(v, code);
    } else if (code <= SVM_EXIT_RDPRU) {
        exit_local(v, code);
    } else {
        vcpu_crash(self, v, "unknown exit %llx", (unsigned long long)code);
    }
}
