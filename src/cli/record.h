/* SPDX-License-Identifier: MIT */
/*
 * `schedop run --trace`: takes the hypervisor's trace records out of the
 * machine's memory and writes them to a file in the order of time.
 *
 * The hypervisor writes rings and never looks at who reads them, so reading
 * changes nothing inside (<schedop/trace.h>). What was overwritten before it
 * was read is counted, and told by lost records in the file and at the end.
 */
#ifndef SCHEDOP_CLI_RECORD_H
#define SCHEDOP_CLI_RECORD_H

#include "ram.h"

struct recorder;

/*
 * Opens the file, in the format of its suffix or the one named (NULL: none).
 * NULL after an error message.
 */
struct recorder *recorder_open(const char *path, const char *format,
                               const char *title);

/*
 * pCPU `pcpu` has a ring of `records` records whose header is at `pa` of the
 * machine's memory. False when that cannot be.
 */
bool recorder_ring(struct recorder *r, const struct ram *ram, uint64_t pcpu,
                   uint64_t pa, uint64_t records);

/* Takes what is new; to be called more often than rings fill up. */
void recorder_drain(struct recorder *r, const struct ram *ram);

#define RECORDER_MS 10 /* that often */

/*
 * The machine has stopped: takes the rest and ends the file. 0, or -1 after
 * an error message; also says how much was lost.
 */
int recorder_close(struct recorder *r, const struct ram *ram);

#endif
