/* SPDX-License-Identifier: MIT */
/*
 * Ticket locks for the lower half of the port. All of it runs with interrupts
 * off, so a lock cannot be wanted by an interrupt handler of its own pCPU;
 * NMI handlers take none. These locks rank below the core lock and are not held
 * while calling the core, but for two that rank above it and that nothing
 * called by the core takes: host.work, and the boot lock of a vCPU.
 */
#ifndef SCHEDOP_X86_CPU_LOCK_H
#define SCHEDOP_X86_CPU_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "asm.h"

struct x86_lock {
    _Atomic uint32_t next, owner;
};

static inline void x86_lock(struct x86_lock *lock)
{
    uint32_t ticket =
        atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);

    while (atomic_load_explicit(&lock->owner, memory_order_acquire) != ticket) {
        pause();
    }
}

static inline bool x86_trylock(struct x86_lock *lock)
{
    uint32_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);

    return atomic_compare_exchange_strong_explicit(
        &lock->next, &owner, owner + 1, memory_order_acquire,
        memory_order_relaxed);
}

static inline void x86_unlock(struct x86_lock *lock)
{
    uint32_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);

    atomic_store_explicit(&lock->owner, owner + 1, memory_order_release);
}

#endif
