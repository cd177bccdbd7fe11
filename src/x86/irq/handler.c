/* SPDX-License-Identifier: MIT */
/*
 * What interrupts do: move serial input into its buffer, or, those of the timer
 * and the kick, set a flag (in entry.S); and the points where they are let in.
 */
#include "irq.h"

#include "../console.h"
#include "../cpu/asm.h"

void irq_handle(uint64_t vector)
{
    struct x86_pcpu *self = x86_self();

    switch (vector) {
    case VECTOR_SERIAL1:
        console_input();
        break;
    case VECTOR_SERIAL2:
        link_input();
        break;
    case VECTOR_SPURIOUS:
        return; /* has no place in the in-service register */
    default:
        self->priv->stray++;
        break;
    }
    apic_eoi();
}

void irq_take_pending(void)
{
    /* The instruction after sti still runs with interrupts held off. */
    __asm__ volatile("sti; nop; cli" : : : "memory");
}

void irq_wait(void)
{
    const struct x86_pcpu *self = x86_self();

    if (self->timer_fired || self->kicked) {
        /* Came in earlier, unseen. Let others in: the caller may wait for
           one of those and call again. */
        irq_take_pending();
        pause();
        return;
    }
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}
