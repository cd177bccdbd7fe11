/* SPDX-License-Identifier: MIT */
/*
 * vCPUs under a debugger: breakpoints are INT3 in the guest's memory, a step
 * is the trap flag; both exit, and the vCPU is paused. What is seen by the
 * host tool is host_debug.c's.
 *
 * A guest must not see that it is stepped. While the trap flag is ours
 *
 *   - nothing is injected: interrupts wait for the end of the step;
 *   - every exception exits. It is injected with the guest's own flags, and a
 *     kick makes the guest exit before its handler's first instruction, where
 *     the step ends;
 *   - an instruction that reads or loads the flags gets a correction
 *     afterwards, or is done by hand (SYSCALL, which would lose the trap).
 *
 * In the emulator INT3 is a software interrupt to the intercepts, so all of
 * those exit there and the others are given back to the guest.
 *
 * A vCPU without a debugger comes here only by exits it does not make.
 */
#include "domain.h"

#include <schedop/debug.h>

#include "run.h"

#define VECTOR_OF 4u
#define DR6_BS (1ull << 14)
#define CR8_WRITE (1u << 8)
#define EXCEPTIONS_WITH_ERROR 0x60227d00u /* 8, 10 to 14, 17, 21, 29, 30 */
#define R11 11u
#define STAR_SYSCALL_SHIFT 32u

/* What an instruction that is stepped does to the flags. */
enum fix {
    FIX_NONE,
    FIX_PUSHES, /* stores them on the stack */
    FIX_LOADS,  /* has loaded them */
    FIX_SYSRET, /* loads them from r11 */
    FIX_SYSCALL,
};

static bool emulator; /* see above */

void debug_init(bool is_emulator)
{
    emulator = is_emulator;
}

static uint64_t set_bit(uint64_t word, uint64_t bit, bool on)
{
    return on ? word | bit : word & ~bit;
}

static void normal_intercepts(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;

    c->exceptions = SVM_EXCEPTIONS | (v->debug.on ? 1u << VECTOR_BP : 0u);
    c->intercept1 &= ~SVM_I1_SWINT;
    if (v->debug.on && emulator) {
        c->intercept1 |= SVM_I1_SWINT;
    }
}

/* --------------------------------------------------------------------- stop */

/* On the pCPU that has it, or with none; any number of times. */
static void hold(struct sop_pcpu *self, struct x86_vcpu *v)
{
    if (!__atomic_exchange_n(&v->debug.held, true, __ATOMIC_SEQ_CST)) {
        sop_vcpu_pause(self, v->sop);
    }
}

static void stop(struct x86_vcpu *v, uint8_t why)
{
    v->debug.step = v->debug.delivering = v->attention.debug = false;
    __atomic_store_n(&v->debug.stop, why, __ATOMIC_SEQ_CST);
    hold(x86_self()->sop, v);
    host_domain_changed();
    pcpu_host_check();
}

/* ------------------------------------------------------------------- a step */

static enum fix fix_of(struct x86_vcpu *v)
{
    static const struct {
        uint8_t opcode[2], len;
        enum fix fix;
    } table[] = {
        {{0x9c}, 1, FIX_PUSHES},       {{0x9d}, 1, FIX_LOADS},
        {{0xcf}, 1, FIX_LOADS},        {{0x0f, 0x05}, 2, FIX_SYSCALL},
        {{0x0f, 0x07}, 2, FIX_SYSRET},
    };
    uint8_t bytes[INSN_MAX];
    unsigned n = guest_fetch(v, bytes);

    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (insn_match(bytes, n, vcpu_is_wide(v), table[i].opcode,
                       table[i].len) != 0) {
            return table[i].fix;
        }
    }
    return FIX_NONE;
}

/* Only long mode keeps the flags in r11. */
static bool has_r11(const struct x86_vcpu *v)
{
    return v->vmcb->efer & X86_EFER_LMA;
}

static void arm(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;

    v->debug.armed = true;
    v->debug.own_tf = c->rflags & X86_FLAGS_TF;
    v->debug.own_bs = c->dr6 & DR6_BS;
    v->debug.own_r11 = v->gpr[R11] & X86_FLAGS_TF;
    if (v->debug.fix == FIX_SYSRET && has_r11(v)) {
        v->gpr[R11] |= X86_FLAGS_TF;
    }
    c->rflags |= X86_FLAGS_TF;
    c->dr6 &= ~DR6_BS;
    c->exceptions = UINT32_MAX;
    c->intercept1 |= SVM_I1_SWINT;
}

/* The guest's own flags again; the instruction has not been executed. */
static void disarm(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;

    if (!v->debug.armed) {
        return;
    }
    v->debug.armed = false;
    c->rflags = set_bit(c->rflags, X86_FLAGS_TF, v->debug.own_tf);
    c->dr6 = set_bit(c->dr6, DR6_BS, v->debug.own_bs);
    if (v->debug.fix == FIX_SYSRET && has_r11(v)) {
        v->gpr[R11] = set_bit(v->gpr[R11], X86_FLAGS_TF, v->debug.own_r11);
    }
    normal_intercepts(v);
}

/* PUSHF has stored our flag: bit 8, so bit 0 of the second byte. */
static void fix_stack(struct x86_vcpu *v)
{
    const struct vmcb *c = v->vmcb;
    uint64_t at = c->rsp + 1, gpa;
    unsigned fault;
    uint8_t byte;

    if (!vcpu_is_wide(v)) {
        at &= c->ss.attr & 0x400 ? UINT32_MAX : UINT16_MAX;
        at = (uint32_t)(at + c->ss.base);
    }
    if (v->debug.own_tf ||
        !guest_translate(v, at, WALK_WRITE | (c->cpl == 3 ? WALK_USER : 0),
                         &gpa, &fault) ||
        gpa_copy_in(v->domain, &byte, gpa, 1) != 0) {
        return;
    }
    byte &= 0xfe;
    (void)gpa_copy_out(v->domain, gpa, &byte, 1);
}

/* The instruction has been executed. */
static void stepped(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;
    bool own_tf = v->debug.own_tf;

    if (v->debug.fix == FIX_PUSHES) {
        fix_stack(v);
    } else if (v->debug.fix == FIX_LOADS) {
        v->debug.own_tf = c->rflags & X86_FLAGS_TF;
    } else if (v->debug.fix == FIX_SYSRET && has_r11(v)) {
        v->debug.own_tf = v->debug.own_r11;
    }
    disarm(v);
    if (own_tf) {
        c->dr6 |= DR6_BS;
        event_exception(v, VECTOR_DB);
    }
    stop(v, SCHEDOP_DEBUG_STEP);
}

bool debug_stepped(struct x86_vcpu *v)
{
    bool armed = v->debug.armed;

    if (armed) {
        v->debug.fix = FIX_NONE; /* it was emulated, flags and all */
        stepped(v);
    }
    return armed;
}

/* As the processor does it in long mode. */
static bool do_syscall(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;
    bool wide = vcpu_is_wide(v);
    uint16_t cs = (uint16_t)(c->star >> STAR_SYSCALL_SHIFT) & 0xfffc;

    if (!has_r11(v) || !(c->efer & X86_EFER_SCE)) {
        return false;
    }
    v->gpr[REG_RCX] = c->rip + 2; /* there are no prefixes to it */
    v->gpr[R11] = c->rflags & ~(uint64_t)X86_FLAGS_RF;
    c->rip = wide ? c->lstar : c->cstar;
    c->rflags &= ~(c->sfmask | X86_FLAGS_RF);
    c->rflags |= 2;
    c->cs = (struct vmcb_seg){cs, 0xa9b, UINT32_MAX, 0};
    c->ss = (struct vmcb_seg){(uint16_t)(cs + 8), 0xc93, UINT32_MAX, 0};
    c->cpl = 0;
    c->shadow = 0;
    return true;
}

/* It is over, found while about to enter: the kick makes that a short stay. */
static void over(struct x86_vcpu *v)
{
    stop(v, SCHEDOP_DEBUG_STEP);
    irq_send_kick(x86_self());
}

bool debug_prepare(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;

    if (!v->debug.step) {
        v->attention.debug = false;
        return false;
    }
    c->v_irq = 0; /* attention.window stays, so it is looked at again */
    c->cr_write &= (uint16_t)~CR8_WRITE;
    if (v->attention.event) {
        disarm(v);
        event_deliver(v);
        v->debug.delivering = true;
        irq_send_kick(x86_self());
    } else if (v->debug.delivering) {
        over(v);
    } else if (!v->debug.armed) {
        v->debug.fix = (uint8_t)fix_of(v);
        if (v->debug.fix == FIX_SYSCALL && do_syscall(v)) {
            over(v);
        } else {
            arm(v);
        }
    }
    return true;
}

/* -------------------------------------------------------------------- exits */

/*
 * A software interrupt goes on its way as if nothing had been: the processor
 * does not step over the instruction, and checks the gate as for the guest.
 */
static void soft_interrupt(struct x86_vcpu *v, const uint8_t *at, unsigned len)
{
    struct vmcb *c = v->vmcb;

    v->event =
        (*at == 0xcd ? at[1] : VECTOR_OF) | SVM_EVENT_SOFT | SVM_EVENT_VALID;
    c->rip += len;
    if (!vcpu_is_wide(v)) {
        c->rip &= UINT32_MAX;
    }
    if (c->next_rip != 0) {
        c->next_rip = c->rip;
    }
    c->shadow = 0;
    v->injected_rip = c->rip; /* so that it is not lost: event_again() */
    v->injected_vector = (uint8_t)v->event;
    v->attention.event = true;
}

static void trap(struct x86_vcpu *v, bool is_bp)
{
    uint8_t bytes[INSN_MAX] = {0};
    struct insn_prefixes p;
    unsigned n = guest_fetch(v, bytes);

    if (!is_bp && !insn_prefixes(bytes, n, vcpu_is_wide(v), &p)) {
        return; /* it changed meanwhile: executed again */
    }
    if (is_bp || bytes[p.next] == 0xcc) {
        disarm(v);
        stop(v, SCHEDOP_DEBUG_BREAKPOINT);
    } else if (bytes[p.next] == 0xcd && p.next + 2 <= n) {
        soft_interrupt(v, bytes + p.next, p.next + 2);
    } else if (bytes[p.next] == 0xce) {
        soft_interrupt(v, bytes + p.next, p.next + 1);
    }
}

static void exception(struct x86_vcpu *v, unsigned vector)
{
    const struct vmcb *c = v->vmcb;
    uint32_t error = (uint32_t)c->exitinfo1;

    if (vector == VECTOR_PF) {
        event_page_fault(v, c->exitinfo2, error);
    } else if (EXCEPTIONS_WITH_ERROR >> vector & 1) {
        event_exception_error(v, vector, error);
    } else {
        event_exception(v, vector);
    }
}

bool debug_exit(struct x86_vcpu *v, uint64_t code)
{
    if (!v->debug.on) {
        return false;
    }
    if (code == SVM_EXIT_SWINT) {
        trap(v, false);
    } else if (code == SVM_EXIT_EXCEPTION + VECTOR_BP) {
        trap(v, true);
    } else if (code == SVM_EXIT_EXCEPTION + VECTOR_DB) {
        if (!v->debug.armed || !(v->vmcb->dr6 & DR6_BS)) {
            return false;
        }
        stepped(v);
    } else if (code >= SVM_EXIT_EXCEPTION && code < SVM_EXIT_EXCEPTION + 32) {
        exception(v, (unsigned)code - SVM_EXIT_EXCEPTION);
    } else {
        return false;
    }
    return true;
}

/* ------------------------------------------------------- for host_debug.c */

void domain_debug_hold(struct sop_pcpu *self, struct x86_domain *d)
{
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        hold(self, d->vcpu[i]);
    }
}

bool domain_debug_trapped(const struct x86_domain *d)
{
    bool any = false;

    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        any |= __atomic_load_n(&d->vcpu[i]->debug.stop, __ATOMIC_SEQ_CST) !=
               SCHEDOP_DEBUG_HELD;
    }
    return any;
}

void domain_debug_settle(struct sop_pcpu *self, struct x86_domain *d,
                         struct schedop_debug *out)
{
    struct schedop_debug_vcpu *vcpu = schedop_debug_vcpus(out);

    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        struct x86_vcpu *v = d->vcpu[i];

        disarm(v);
        v->debug.on = true;
        v->debug.step = v->debug.delivering = v->attention.debug = false;
        normal_intercepts(v);
        vcpu[i].stop = v->debug.stop;
        vcpu[i].changed = 0;
        v->debug.stop = SCHEDOP_DEBUG_HELD;
        save_vcpu(self, v, &vcpu[i].state);
    }
    out->magic = SCHEDOP_DEBUG_MAGIC;
    out->nr_vcpus = d->nr_vcpus;
    out->vcpu_bytes = sizeof(*vcpu);
}

const char *domain_debug_take(struct x86_domain *d, struct schedop_debug *in)
{
    const struct schedop_debug_vcpu *vcpu = schedop_debug_vcpus(in);

    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        const char *why = NULL;

        if (vcpu[i].changed != 0) {
            why = load_vcpu_registers(d->vcpu[i], &vcpu[i].state);
        }
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

void domain_debug_go(struct sop_pcpu *self, struct x86_domain *d, uint64_t run,
                     uint64_t step)
{
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        struct x86_vcpu *v = d->vcpu[i];

        if (!(run >> i & 1)) {
            continue;
        }
        v->debug.step = v->attention.debug = step >> i & 1;
        if (__atomic_exchange_n(&v->debug.held, false, __ATOMIC_SEQ_CST)) {
            sop_vcpu_unpause(self, v->sop);
        }
    }
}

void domain_debug_leave(struct sop_pcpu *self, struct x86_domain *d)
{
    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        d->vcpu[i]->debug.on = false;
        normal_intercepts(d->vcpu[i]);
    }
    domain_debug_go(self, d, UINT64_MAX, 0);
}

int domain_peek(struct x86_domain *d, uint64_t gpa, uint8_t *byte)
{
    return gpa_copy_in(d, byte, gpa, 1);
}

int domain_poke(struct x86_domain *d, uint64_t gpa, const uint8_t *bytes,
                size_t len)
{
    return gpa_copy_out(d, gpa, bytes, len);
}

uint64_t domain_find_memory(struct x86_domain *d, uint64_t gpa, uint64_t *pa)
{
    uint64_t gfn = gpa >> PAGE_SHIFT, span, from = 0;
    enum p2m_type type = P2M_NONE;

    if (gfn >> (GPA_BITS - PAGE_SHIFT) != 0) {
        return 0;
    }
    x86_lock(&d->lock);
    span = p2m_span(d, gfn, &type, &from);
    x86_unlock(&d->lock);
    if (type == P2M_NONE) {
        return 0;
    }
    *pa = from + (gpa & ~PAGE_MASK);
    return span * PAGE_SIZE - (gpa & ~PAGE_MASK);
}
