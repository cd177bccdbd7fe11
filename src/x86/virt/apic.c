/* SPDX-License-Identifier: MIT */
/*
 * The local APIC in its domain: memory-mapped access, its timer on the core's
 * vCPU timer, and interrupts from one vCPU to another, start-up included.
 */
#include "domain.h"

#include <xen/vcpu.h>
#include <xen/xen.h>

#include "../cpu/asm.h"

enum { MODE_FIXED, MODE_LOWEST, MODE_SMI, MODE_NMI = 4, MODE_INIT, MODE_START };

#define COMMAND_LEVEL (1u << 15)
#define COMMAND_ASSERT (1u << 14)

/*
 * An 8-byte access and one that is not aligned reach no register. Narrow
 * writes change part of one.
 */
bool apic_access(struct x86_pcpu *self, struct x86_vcpu *v, unsigned offset,
                 bool write, void *data, unsigned len)
{
    unsigned reg = offset & ~0xfu, shift = (offset & 3) * 8;
    struct vlapic_effect effect = {0};
    uint32_t mask = len >= 4 ? UINT32_MAX : (1u << (len * 8)) - 1;
    uint32_t old, value = 0;

    if (len > 4 || offset % len != 0 || (offset & 0xc)) {
        return false;
    }
    vcpu_sync_tpr(v);
    old = vlapic_read(&v->lapic, reg, time_now());
    if (!write) {
        old >>= shift;
        __builtin_memcpy(data, &old, len);
        return true;
    }
    __builtin_memcpy(&value, data, len);
    value = (old & ~(mask << shift)) | (value & mask) << shift;
    vlapic_write(&v->lapic, reg, value, time_now(), &effect);
    vcpu_set_cr8(v);
    apic_effect(self, v, &effect);
    return true;
}

/* -------------------------------------------------------- start-up, by IPI */

#define LEAVE_WAIT_NS 200000u

/*
 * Waits a moment for `t` to be in no pCPU. Not for ever: two vCPUs may be
 * doing this to each other. False when it still is.
 */
static bool has_left(const struct x86_vcpu *t)
{
    uint64_t end = time_now() + LEAVE_WAIT_NS;

    while (__atomic_load_n(&t->on_pcpu, __ATOMIC_ACQUIRE) != PCPU_NONE) {
        if (time_now() > end) {
            return false;
        }
        pause();
    }
    return true;
}

/*
 * INIT: the vCPU goes down and waits for a start-up IPI. One that was never
 * started is as after INIT already, and may have interrupts pending: Linux
 * has its upcall vector raised before it sends INIT. That is so as well when
 * it takes a vCPU back that it had put off line, and nobody would raise the
 * vector again: it stays.
 */
static void send_init(struct x86_pcpu *self, struct x86_vcpu *v,
                      struct x86_vcpu *t)
{
    struct sop_call down = {
        .nr = __HYPERVISOR_vcpu_op,
        .arg = {VCPUOP_down, t->id},
        .wide = true,
    };
    int vector;

    if (t == v || !t->initialised) {
        return;
    }
    if (sop_vcpu_is_up(t->sop)) {
        sop_hypercall(self->sop, v->sop, &down);
    }
    if (!sop_vcpu_is_up(t->sop) && has_left(t) && x86_trylock(&t->boot)) {
        vlapic_init(&t->lapic);
        vector = sop_vcpu_own_vector(t->sop);
        if (vector >= 0) {
            vlapic_raise(&t->lapic, (uint8_t)vector);
        }
        vcpu_set_cr8(t);
        x86_unlock(&t->boot);
    }
}

static void send_startup(struct x86_pcpu *self, struct x86_vcpu *t,
                         uint8_t page)
{
    if (sop_vcpu_is_up(t->sop) || !has_left(t) || !x86_trylock(&t->boot)) {
        return;
    }
    if (!sop_vcpu_is_up(t->sop)) {
        vcpu_reset_real(t, page);
        t->initialised = true;
        sop_vcpu_set_initialised(t->sop); /* fails if it was before: fine */
        sop_vcpu_up(self->sop, t->sop);
    }
    x86_unlock(&t->boot);
}

/* -------------------------------------------------------------- interrupts */

static void deliver(struct x86_pcpu *self, struct x86_vcpu *v,
                    struct x86_vcpu *t, uint64_t command)
{
    switch (command >> 8 & 7) {
    case MODE_FIXED:
    case MODE_LOWEST:
        vlapic_raise(&t->lapic, (uint8_t)command);
        sop_vcpu_kick(self->sop, t->sop);
        break;
    case MODE_NMI:
        __atomic_store_n(&t->attention.nmi, true, __ATOMIC_SEQ_CST);
        sop_vcpu_kick(self->sop, t->sop);
        break;
    case MODE_INIT:
        if ((command & (COMMAND_LEVEL | COMMAND_ASSERT)) != COMMAND_LEVEL) {
            send_init(self, v, t);
        }
        break;
    case MODE_START:
        send_startup(self, t, (uint8_t)command);
        break;
    default:
        break; /* SMI and reserved modes */
    }
}

static void send(struct x86_pcpu *self, struct x86_vcpu *v, uint64_t command)
{
    struct x86_domain *d = v->domain;

    for (unsigned i = 0; i < d->nr_vcpus; i++) {
        struct x86_vcpu *t = d->vcpu[i];

        if (!vlapic_matches(&t->lapic, &v->lapic, command)) {
            continue;
        }
        deliver(self, v, t, command);
        if ((command >> 8 & 7) == MODE_LOWEST) {
            break; /* one will do */
        }
    }
}

void apic_effect(struct x86_pcpu *self, struct x86_vcpu *v,
                 const struct vlapic_effect *effect)
{
    if (effect->timer) {
        sop_vcpu_timer_set(self->sop, v->sop, v->lapic.timer_due_ns);
    }
    if (effect->icr) {
        send(self, v, effect->command);
    }
}
