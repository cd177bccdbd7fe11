/* SPDX-License-Identifier: MIT */
/*
 * time.c for the rooms of the lower half; the clock itself is in x86.h.
 */
#ifndef SCHEDOP_X86_TIME_H
#define SCHEDOP_X86_TIME_H

#include <stdbool.h>
#include <stdint.h>

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
