/* SPDX-License-Identifier: MIT */
/*
 * Faults for random schedules, each of which a machine may do at any time,
 * and scenarios made from seeds.
 *
 * Swarm: every seed uses its own choice of the faults, since some hide what
 * others would show.
 */
#ifndef SCHEDOP_EXPLORE_FAULT_H
#define SCHEDOP_EXPLORE_FAULT_H

#include "explore_private.h"

struct ex_builtin {
    const char *name, *text;
};

extern const struct ex_builtin ex_builtin[]; /* ends with a name of NULL */

/* Kinds of steps by their names, NULL or "all" for all; "none". */
unsigned fault_kinds(const char *names);

/* Whether all of the names are known. */
bool fault_known(const char *names);

/* Its steps name a domain or a pCPU, which it changes for longer. */
bool fault_lasts(unsigned kind);

/* Kinds of which a random way has few. */
#define FAULTS_RARE                                                            \
    (1u << EX_STEP_DEATH | 1u << EX_STEP_OFFLINE | 1u << EX_STEP_LATE)

/* It begins a fault in the world as it is: it does not go on with one. */
bool fault_begins(struct ex_step step);

/* What seed `seed` uses of `kinds`. */
unsigned fault_swarm(uint64_t seed, unsigned kinds);

#define FAULT_LINES_MAX 256u

/*
 * The text of the scenario that `seed` makes, with that policy in the first
 * pool or any if NULL, to be freed, with only those of
 * its numbered lines that `keep` has; how many there are goes to `lines`.
 */
char *fault_make(uint64_t seed, const char *policy, const bool *keep,
                 unsigned *lines);

/* Scenarios made from seeds, as the request says. */
int fault_campaign(const struct explore_request *req);

#endif
