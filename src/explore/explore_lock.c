/* SPDX-License-Identifier: MIT */
/*
 * Takes the place of the core's locks.c, whose only function waits for a lock
 * that another processor holds: here the pCPU stops until that one has gone
 * on.
 */
#include "../core/locks.h"
#include "explore_world.h"

void core_lock_wait(struct core_lock *l)
{
    do {
        if (!ex_in_turn()) {
            ex_fail("assertion", "the core lock is never dropped");
        }
        ex_point(NULL, EX_AT_LOCK, &l->held);
    } while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE) != 0);
}
