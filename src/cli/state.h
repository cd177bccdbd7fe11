/* SPDX-License-Identifier: MIT */
/*
 * The record of a domain that stands still (schedop/save.h), as its
 * hypervisor left it in the machine's memory.
 */
#ifndef SCHEDOP_CLI_STATE_H
#define SCHEDOP_CLI_STATE_H

#include <schedop/save.h>

#include "ram.h"

/*
 * A copy of the record of `bytes` at `pa`, to be freed, in which all is where
 * it says and runs are in ascending order; NULL if it makes no sense.
 */
struct schedop_state *state_copy(const struct ram *ram, uint64_t pa,
                                 uint64_t bytes);

/* vCPU `n`, and the first of the `nr_runs` runs, of such a copy. */
const struct schedop_state_vcpu *state_vcpu(const struct schedop_state *s,
                                            unsigned n);
const struct schedop_state_run *state_runs(const struct schedop_state *s);

#endif
