/* SPDX-License-Identifier: MIT */
/*
 * The loop each pCPU runs for ever: host work, choose a vCPU, run it until
 * the core must be asked again, tell the core what happened meanwhile.
 *
 * The way from a hypercall to the core and back is the product's measure: it
 * is all in virt_run() and exit_hypercall(), with everything rarer behind one
 * test (event_is_due(), flags).
 */
#include "domain.h"
#include "run.h"

void pcpu_take_flags(struct x86_pcpu *self)
{
    if (self->timer_fired) {
        self->timer_fired = false;
        sop_timer_expired(self->sop);
    }
    if (self->kicked) {
        self->kicked = false;
        sop_kicked(self->sop);
    }
}

void pcpu_host_check(void)
{
    x86_self()->host_check = true;
}

/* The local APIC's timer fired since the vCPU last ran. */
static void move_timer(struct x86_pcpu *self, struct x86_vcpu *v)
{
    __atomic_store_n(&v->attention.timer, false, __ATOMIC_SEQ_CST);
    if (vlapic_timer_next(&v->lapic, time_now())) {
        sop_vcpu_timer_set(self->sop, v->sop, v->lapic.timer_due_ns);
    }
}

/* What an entry needs that is not the rule. */
static void attend(struct x86_pcpu *self, struct x86_vcpu *v)
{
    if (v->attention.start) {
        v->attention.start = false;
        if (!__atomic_exchange_n(&v->domain->started, true, __ATOMIC_RELAXED)) {
            host_domain_started(v->domain);
        }
    }
    if (v->attention.timer) {
        move_timer(self, v);
    }
    event_prepare(v);
}

/* svm_enter() changes all registers; those of C's are saved by saying so. */
static inline void enter(struct x86_vcpu *v, uint64_t host_vmcb_pa)
{
    __asm__ volatile("push %%rbp\n\t"
                     "call svm_enter\n\t"
                     "pop %%rbp"
                     : "+D"(v), "+S"(host_vmcb_pa)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11",
                       "r12", "r13", "r14", "r15", "memory", "cc");
}

/*
 * p2m_flush() takes the tag away first and looks at `running` then; here it is
 * the other way round, so one of the two sees the other.
 */
static inline void run_guest(struct x86_pcpu *self, struct x86_vcpu *v)
{
    struct x86_svm_pcpu *svm = self->svm;

    if (__builtin_expect(event_is_due(v), 0)) {
        attend(self, v);
    }
    svm->entries++;
    __atomic_store_n(&svm->running, v, __ATOMIC_SEQ_CST);
    v->vmcb->tlb_control = SVM_TLB_KEEP;
    if (__builtin_expect(
            atomic_load(&v->asid_generation) != svm->asid_generation, 0)) {
        vcpu_tag(svm, v);
    }
    enter(v, svm->host_vmcb_pa);
    svm->running = NULL;
}

static inline bool was_hypercall(const struct vmcb *c)
{
    return c->exitcode == SVM_EXIT_VMMCALL &&
           !(c->exitintinfo & SVM_EVENT_VALID);
}

/* What interrupts and the core have left for this pCPU. */
static __attribute__((noinline)) void take_notes(struct x86_pcpu *self)
{
    if (self->host_check) {
        self->host_check = false;
        if (host_pending()) {
            host_work(self->sop);
        }
    }
    pcpu_take_flags(self);
}

void virt_run(struct x86_pcpu *self)
{
    for (;;) {
        struct x86_vcpu *v;

        if (__builtin_expect(self->flags != 0, 0)) {
            take_notes(self);
        }
        if (__atomic_load_n(self->work, __ATOMIC_ACQUIRE) != 0 ||
            !self->loaded) {
            sop_exit_to_guest(self->sop);
        }
        v = self->loaded;
        if (__builtin_expect(!v, 0)) {
            x86_panic("pCPU %u has no guest to run", self->index);
        }
        for (;;) {
            run_guest(self, v);
            if (was_hypercall(v->vmcb)) {
                exit_hypercall(self, v);
                break;
            }
            if (exit_handle(self, v)) {
                break;
            }
        }
    }
}
