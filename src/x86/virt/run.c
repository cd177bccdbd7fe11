/* SPDX-License-Identifier: MIT */
/*
 * The loop each pCPU runs for ever: host work, choose a vCPU, run it until
 * the core must be asked again, tell the core what happened meanwhile.
 *
 * The way from a hypercall to the core and back is the product's measure: it
 * is all in virt_run() and what is inline in it, with everything rarer behind
 * one test (event_is_due(), flags).
 */
#include "exits.h"
#include "lib/bug.h"
#include "run.h"

/* In a debug build all invariants are looked at so often. */
#define CHECK_TURNS 64u

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

/* The first entry, or one for a debugger; true: it is prepared. */
static __attribute__((noinline)) bool attend_rare(struct x86_pcpu *self,
                                                  struct x86_vcpu *v)
{
    if (v->attention.start) {
        v->attention.start = false;
        if (!__atomic_exchange_n(&v->domain->started, true, __ATOMIC_RELAXED)) {
            host_domain_started(v->domain);
        }
    }
    if (v->attention.debug && v->attention.timer) {
        move_timer(self, v);
    }
    return v->attention.debug && debug_prepare(v);
}

/* What an entry needs that is not the rule. */
static void attend(struct x86_pcpu *self, struct x86_vcpu *v)
{
    if (v->attention.rare != 0 && attend_rare(self, v)) {
        return;
    }
    if (v->attention.timer) {
        move_timer(self, v);
    }
    event_prepare(v);
}

/*
 * svm_enter() changes all registers but the two it is given. Whatever else is
 * wanted afterwards is read again: the compiler would keep it in memory, and
 * go there for each use.
 */
static inline struct x86_vcpu *enter(struct x86_vcpu *v, uint64_t host_vmcb_pa)
{
    __asm__ volatile("push %%rbp\n\t"
                     "call svm_enter\n\t"
                     "pop %%rbp"
                     : "+D"(v), "+S"(host_vmcb_pa)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11",
                       "r12", "r13", "r14", "r15", "memory", "cc");
    return v;
}

static inline struct x86_pcpu *self_again(void)
{
    struct x86_pcpu *self;

    __asm__ volatile("movq %%gs:0, %0" : "=r"(self));
    return self;
}

/*
 * p2m_flush() takes the tag away first and looks at `running` then; here it is
 * the other way round, so one of the two sees the other.
 */
static inline struct x86_vcpu *run_guest(struct x86_pcpu *self,
                                         struct x86_vcpu *v)
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
    v = enter(v, svm->host_vmcb_pa);
    self_again()->svm->running = NULL;
    return v;
}

/* -------------------------------------------------------------- hypercalls */

/* Argument registers (spec 1.2). */
static const uint8_t wide_args[6] = {REG_RDI, REG_RSI, REG_RDX, 10, 8, 9};
static const uint8_t narrow_args[6] = {REG_RBX, REG_RCX, REG_RDX,
                                       REG_RSI, REG_RDI, REG_RBP};

static inline void call_decode(const struct x86_vcpu *v, struct sop_call *call,
                               bool wide)
{
    const struct vmcb *c = v->vmcb;

    call->wide = wide;
    call->user = c->cpl != 0 || (c->rflags & X86_FLAGS_VM);
    if (wide) {
        call->nr = c->rax;
        call->arg[0] = v->gpr[REG_RDI];
        call->arg[1] = v->gpr[REG_RSI];
        call->arg[2] = v->gpr[REG_RDX];
        call->arg[3] = v->gpr[10];
        call->arg[4] = v->gpr[8];
        call->arg[5] = v->gpr[9];
        return;
    }
    call->nr = (uint32_t)c->rax;
    call->arg[0] = (uint32_t)v->gpr[REG_RBX];
    call->arg[1] = (uint32_t)v->gpr[REG_RCX];
    call->arg[2] = (uint32_t)v->gpr[REG_RDX];
    call->arg[3] = (uint32_t)v->gpr[REG_RSI];
    call->arg[4] = (uint32_t)v->gpr[REG_RDI];
    call->arg[5] = (uint32_t)v->gpr[REG_RBP];
}

static void call_restart(struct x86_vcpu *v, const struct sop_call *call)
{
    v->vmcb->rax = call->nr;
    for (unsigned i = 0; i < 6; i++) {
        v->gpr[call->wide ? wide_args[i] : narrow_args[i]] = call->arg[i];
    }
}

static inline void hypercall(struct x86_pcpu *self, struct x86_vcpu *v)
{
    static const uint8_t vmmcall[] = {0x0f, 0x01, 0xd9};
    bool wide = vcpu_is_wide(v);
    struct sop_call call;

    call_decode(v, &call, wide);
    v->vmcb->shadow = 0; /* it ends with this instruction */
    if (sop_hypercall(self->sop, v->sop, &call) == SOP_CALL_AGAIN) {
        call_restart(v, &call);
        return;
    }
    v->vmcb->rax = wide ? (uint64_t)call.result : (uint32_t)call.result;
    exit_advance(v, exit_length(v, vmmcall, sizeof(vmmcall)), wide);
}

/* -------------------------------------------------------------------- loop */

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
    if (SOP_DEBUG != 0) {
        static uint32_t turns;

        if (++turns % CHECK_TURNS == 0) {
            sop_check(sop_pcpu_system(self->sop), time_now());
        }
    }
}

/* Does what is to be done between two entries; returns whom to run then. */
static __attribute__((noinline)) struct x86_vcpu *choose(struct x86_pcpu *self)
{
    if (self->flags != 0) {
        take_notes(self);
    }
    sop_exit_to_guest(self->sop);
    if (!self->loaded) {
        x86_panic("pCPU %u has no guest to run", self->index);
    }
    return self->loaded;
}

void virt_run(struct x86_pcpu *self)
{
    struct x86_vcpu *v = choose(self);

    for (;;) {
        const struct vmcb *c;

        v = run_guest(self, v);
        self = self_again();
        c = v->vmcb;
        if (__builtin_expect((c->exitintinfo & SVM_EVENT_VALID) != 0, 0)) {
            event_again(v, c->exitintinfo);
        }
        if (__builtin_expect(c->exitcode == SVM_EXIT_VMMCALL, 1)) {
            hypercall(self, v);
        } else {
            exit_handle(self, v);
        }
        if (__builtin_expect(
                (self->flags | __atomic_load_n(self->work, __ATOMIC_ACQUIRE)) !=
                    0,
                0)) {
            v = choose(self);
        }
    }
}
