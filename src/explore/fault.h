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

/* What seed `seed` uses of `kinds`. */
unsigned fault_swarm(uint64_t seed, unsigned kinds);

#define FAULT_LINES_MAX 256u

/*
 * The text of the scenario that `seed` makes, to be freed, with only those of
 * its numbered lines that `keep` has; how many there are goes to `lines`.
 */
char *fault_make(uint64_t seed, const bool *keep, unsigned *lines);

/* Scenarios made from seeds, as the request says. */
int fault_campaign(const struct explore_request *req);

#endif
