/* SPDX-License-Identifier: MIT */
/*
 * What the files of the guest library share: the transport in use and the one
 * place where a result register is narrowed.
 */
#ifndef SCHEDOP_GUEST_PRIVATE_H
#define SCHEDOP_GUEST_PRIVATE_H

#include <schedop/schedop.h>

/* A copy of the transport in use: one load less per command than a pointer. */
extern struct schedop_transport current_transport;

/*
 * Narrows a result register to the signed 32 bits that are meaningful: Xen
 * zero-extends -ENOSPC of a watchdog set-up on 64-bit ABIs (spec 1.3).
 */
static inline int narrow(intptr_t result)
{
    return (int32_t)(uint32_t)(uintptr_t)result;
}

static inline int call3(unsigned int number, uintptr_t a1, uintptr_t a2,
                        uintptr_t a3)
{
    return narrow(
        SCHEDOP_CALL3(current_transport.hypercall3, number, a1, a2, a3));
}

/* An argument that does not matter: whatever a register happens to hold. */
static inline uintptr_t anything(void)
{
    uintptr_t value;

    __asm__("" : "=r"(value));
    return value;
}

static inline int sched_op(unsigned int command, const void *operand)
{
    return call3(__HYPERVISOR_sched_op, command, (uintptr_t)operand,
                 anything());
}

#endif
