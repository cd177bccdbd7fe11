/* SPDX-License-Identifier: MIT */
/*
 * The locks of the core, all of them.
 *
 * | rank | lock           | guards                                          |
 * | ---: | -------------- | ----------------------------------------------- |
 * |    1 | the core lock  | everything in one struct sop_system: domains,   |
 * |      | (one a system) | vCPUs, pCPUs, event channels, timers, policies  |
 * |    2 | locks of ports | what port functions marked "locked" need        |
 *
 * There is one core lock because what a command touches crosses every finer
 * line one could draw: an event takes a port of one domain, a vCPU of another
 * and the run queue of a third place, and holding it is short. Holders never
 * copy guest memory, map frames, log a line or switch context. Interrupts are
 * off on the holder's pCPU throughout, so the lock is never taken twice.
 *
 * Read without the lock, each in one access: sop_pcpu.work and sop_pcpu.curr
 * by the own pCPU, policy_pool.waiting as a hint, sop_vcpu.info and
 * sop_domain.callback_vector for guest entry, sop_vcpu.commands for
 * statistics. Guest pages are never under any lock: guests write them at will.
 */
#ifndef SCHEDOP_CORE_LOCKS_H
#define SCHEDOP_CORE_LOCKS_H

#include <stdint.h>

struct sop_pcpu;

struct core_lock {
    uint32_t held;
    const struct sop_pcpu *owner; /* NULL: free, or taken without a pCPU */
};

/*
 * In private.h, inline since every entry passes through them:
 *
 * core_lock() takes the lock of `sys`; `self` may be NULL where no pCPU is
 * known. core_unlock() drops it. The usual pair for entries: core_enter()
 * takes the lock and returns the time, read once for the whole entry;
 * core_leave() arms the timer if an earlier one was set, drops the lock and
 * logs the lines noted meanwhile.
 */

/* Returns with the lock taken that somebody else had. */
void core_lock_wait(struct core_lock *l);

#endif
