/* SPDX-License-Identifier: MIT */
/* See locks.h. */
#include "locks.h"

#include "private.h"

void core_lock_wait(struct core_lock *l)
{
    do {
        while (__atomic_load_n(&l->held, __ATOMIC_RELAXED) != 0) {
            cpu_relax();
        }
    } while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE) != 0);
}
