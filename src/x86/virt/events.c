/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and exceptions on their way into a guest.
 *
 * Order and rules are Xen's: an event that was being delivered when the guest
 * exited goes first, then an NMI, then the event upcall by callback vector
 * (which bypasses the local APIC), then the local APIC. What cannot be
 * delivered now gets a window: a virtual interrupt that makes the guest exit
 * when it could take one, or the intercept of the instruction that ends what
 * holds it off (IRET, MOV to CR8).
 */
#include "domain.h"

#include "../cpu/asm.h"

#define CR8_WRITE (1u << 8)

/*
 * QEMU 7.2's emulation forgets that it has delivered an interrupt that VMRUN
 * injects: unless the guest exits first, the same interrupt comes again when
 * the emulator's loop over instructions next ends, inside the handler and with
 * interrupts off. Linux dies of that. So there, in the guest's kernel, it gets
 * a software interrupt, which the emulator delivers alike and once; user code
 * may not raise one, so there a kick makes the guest exit in its handler's
 * first instruction.
 */
static bool injects_twice;

void event_init(void)
{
    struct cpuid r = cpuid(0x40000000, 0); /* "TCGTCGTCGTCG" */

    injects_twice = r.b == 0x54474354 && r.c == 0x43544743 && r.d == 0x47435447;
    debug_init(injects_twice);
}

/* Has the next entry inject `event`. */
static void inject_event(struct x86_vcpu *v, uint64_t event)
{
    if (injects_twice && (event & SVM_EVENT_TYPE) == SVM_EVENT_INTR) {
        if (v->vmcb->cpl == 0) {
            event |= SVM_EVENT_SOFT;
            v->injected_rip = v->vmcb->rip;
            v->injected_vector = (uint8_t)event;
        } else {
            irq_send_kick(x86_self());
        }
    }
    v->vmcb->eventinj = event;
}

void event_deliver(struct x86_vcpu *v)
{
    inject_event(v, v->event);
    v->attention.event = false;
}

/* Is it what inject_event() made of an interrupt, and not the guest's own? */
static bool is_injected(const struct x86_vcpu *v, uint64_t info)
{
    return injects_twice && (info & SVM_EVENT_TYPE) == SVM_EVENT_SOFT &&
           v->vmcb->rip == v->injected_rip &&
           (uint8_t)info == v->injected_vector;
}

void event_again(struct x86_vcpu *v, uint64_t info)
{
    uint64_t type = info & SVM_EVENT_TYPE;
    unsigned vector = (uint8_t)info;

    if (is_injected(v, info)) {
        info &= ~SVM_EVENT_TYPE;
    } else if (type == SVM_EVENT_SOFT ||
               (type == SVM_EVENT_EXCEPTION && (vector == 3 || vector == 4))) {
        return; /* the instruction runs again */
    }
    v->event = (info & 0xffffffff00000fffull) | SVM_EVENT_VALID;
    v->attention.event = true;
}

enum source { FROM_NONE, FROM_NMI, FROM_CALLBACK, FROM_LAPIC };

struct pending {
    enum source source;
    int vector;
};

void event_exception(struct x86_vcpu *v, unsigned vector)
{
    v->event = vector | SVM_EVENT_EXCEPTION | SVM_EVENT_VALID;
    v->attention.event = true;
}

void event_exception_error(struct x86_vcpu *v, unsigned vector, uint32_t error)
{
    v->event = vector | SVM_EVENT_EXCEPTION | SVM_EVENT_ERROR |
               SVM_EVENT_VALID | (uint64_t)error << 32;
    v->attention.event = true;
}

void event_page_fault(struct x86_vcpu *v, uint64_t linear, uint32_t error)
{
    v->vmcb->cr2 = linear;
    event_exception_error(v, VECTOR_PF, error);
}

static struct pending find_pending(struct x86_vcpu *v)
{
    int vector;

    if (v->attention.nmi) {
        return (struct pending){FROM_NMI, 2};
    }
    vector = sop_vcpu_upcall_vector(v->sop);
    if (vector >= 0) {
        return (struct pending){FROM_CALLBACK, vector};
    }
    vector = vlapic_pending(&v->lapic);
    if (vector >= 0) {
        return (struct pending){FROM_LAPIC, vector};
    }
    return (struct pending){FROM_NONE, -1};
}

static bool is_held_off(const struct x86_vcpu *v, struct pending p)
{
    const struct vmcb *c = v->vmcb;

    if (c->shadow & 1) {
        return true;
    }
    if (p.source == FROM_NMI) {
        return v->nmi_blocked;
    }
    if (!(c->rflags & X86_FLAGS_IF)) {
        return true;
    }
    return p.source == FROM_LAPIC && !vlapic_accepts(&v->lapic, p.vector);
}

bool event_deliverable(struct x86_vcpu *v)
{
    struct pending p;

    if (!event_is_due(v)) {
        return false;
    }
    p = find_pending(v);
    vcpu_sync_tpr(v);
    return p.source != FROM_NONE && !is_held_off(v, p);
}

/* Arranges for an exit once `p` may be deliverable. */
static void open_window(struct x86_vcpu *v, struct pending p)
{
    struct vmcb *c = v->vmcb;

    if (p.source == FROM_NMI && v->nmi_blocked) {
        return; /* IRET is intercepted */
    }
    if (p.source == FROM_LAPIC && !vlapic_accepts(&v->lapic, p.vector)) {
        if (!vlapic_held_by_tpr(&v->lapic, p.vector)) {
            return; /* the end of the interrupt in service exits */
        }
        c->cr_write |= CR8_WRITE;
    } else {
        c->v_irq = SVM_V_IRQ;
    }
    v->attention.window = true;
}

static void close_window(struct x86_vcpu *v)
{
    v->vmcb->v_irq = 0;
    v->vmcb->cr_write &= (uint16_t)~CR8_WRITE;
    v->attention.window = false;
}

/*
 * An NMI in an interrupt shadow with interrupts off: no window tells when the
 * shadow is over, so ask for any exit, once, and then go ahead.
 */
static bool nmi_must_go(struct x86_vcpu *v)
{
    const struct vmcb *c = v->vmcb;

    if (v->nmi_blocked || !(c->shadow & 1) || (c->rflags & X86_FLAGS_IF)) {
        return false;
    }
    v->nmi_retried = !v->nmi_retried;
    if (v->nmi_retried) {
        irq_send_kick(x86_self());
    }
    return !v->nmi_retried;
}

static void inject(struct x86_vcpu *v, struct pending p)
{
    struct vmcb *c = v->vmcb;

    if (p.source == FROM_NMI) {
        c->eventinj = 2 | SVM_EVENT_NMI | SVM_EVENT_VALID;
        __atomic_store_n(&v->attention.nmi, false, __ATOMIC_SEQ_CST);
        v->nmi_blocked = true;
        c->intercept1 |= SVM_I1_IRET;
        return;
    }
    if (p.source == FROM_LAPIC) {
        vlapic_acknowledge(&v->lapic, p.vector);
    }
    inject_event(v, (unsigned)p.vector | SVM_EVENT_INTR | SVM_EVENT_VALID);
}

/*
 * An upcall and nothing else, and the guest has its interrupts off: then the
 * window stays open, or opens, and that is all.
 */
static bool is_masked_upcall(const struct x86_vcpu *v)
{
    const union attention window = {.window = true};

    return (v->attention.any & ~window.any) == 0 && v->lapic.irr_hint == 0 &&
           !(v->vmcb->rflags & X86_FLAGS_IF) &&
           sop_vcpu_upcall_vector(v->sop) >= 0;
}

void event_prepare(struct x86_vcpu *v)
{
    struct pending p;

    if (is_masked_upcall(v)) {
        v->vmcb->v_irq = SVM_V_IRQ;
        v->attention.window = true;
        return;
    }
    p = find_pending(v);
    vcpu_sync_tpr(v);
    if (v->attention.window) {
        close_window(v);
    }
    if (v->attention.event) {
        event_deliver(v);
    } else if (p.source == FROM_NONE) {
        return;
    } else if (!is_held_off(v, p) || (p.source == FROM_NMI && nmi_must_go(v))) {
        inject(v, p);
        p = find_pending(v);
    }
    if (p.source != FROM_NONE) {
        open_window(v, p);
    }
}
