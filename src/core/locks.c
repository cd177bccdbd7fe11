/* SPDX-License-Identifier: MIT */
/* See locks.h. */
#include "locks.h"

#include "private.h"

void core_lock(struct sop_system *sys, const struct sop_pcpu *self)
{
    struct core_lock *l = &sys->lock;

    /* The holder would wait for itself for ever: interrupts are off. */
    BUG_ON(self != NULL && l->owner == self);
    while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE) != 0) {
        while (__atomic_load_n(&l->held, __ATOMIC_RELAXED) != 0) {
            cpu_relax();
        }
    }
    __atomic_store_n(&l->owner, self, __ATOMIC_RELAXED);
}

void core_unlock(struct sop_system *sys)
{
    struct core_lock *l = &sys->lock;

    ASSERT(l->held == 1);
    __atomic_store_n(&l->owner, NULL, __ATOMIC_RELAXED);
    __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

uint64_t core_enter(struct sop_pcpu *self)
{
    uint64_t now;

    core_lock(self->sys, self);
    /* Read under the lock: so it never steps back from entry to entry. */
    now = port_now(self);
    ASSERT(now >= self->sys->now);
    self->sys->now = now;
    return now;
}

void core_leave(struct sop_pcpu *self)
{
    timerq_program(self);
    core_unlock(self->sys);
    if (unlikely(self->nr_lines != 0)) {
        log_flush(self);
    }
}
