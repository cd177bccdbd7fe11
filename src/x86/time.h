/* SPDX-License-Identifier: MIT */
/*
 * time.c for the rooms of the lower half; the clock itself is in x86.h.
 */
#ifndef SCHEDOP_X86_TIME_H
#define SCHEDOP_X86_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include <schedop/core.h>

#include "cpu/asm.h"

__extension__ typedef unsigned __int128 u128;

/* System time as guests compute it, too. */
struct time_clock {
    struct sop_time_scale scale; /* ns_base 0, shift not negative */
    uint64_t mul;                /* the scale's, shifted */
    bool warped;                 /* time_never_back() is needed */
};

extern struct time_clock time_clock;

/* The later of `now` and what it returned last, on any pCPU. */
uint64_t time_never_back(uint64_t now);

/* time_now() inline, for port_now(): every entry reads the clock. */
static inline uint64_t time_read(void)
{
    uint64_t now = rdtsc_ordered() - time_clock.scale.tsc_base;

    now = (uint64_t)((u128)now * time_clock.mul >> 32);
    return __builtin_expect(time_clock.warped, 0) ? time_never_back(now) : now;
}

/* Prepares the timer of another pCPU. */
void time_init_pcpu(void);

/*
 * Compares the TSCs of the boot pCPU (source) and a pCPU just started
 * (target): both call, each waits for the other.
 */
void time_check_sync_source(void);
void time_check_sync_target(void);
bool time_is_warped(void); /* some pCPU was found behind another */

#endif
