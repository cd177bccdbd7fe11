/* SPDX-License-Identifier: MIT */
/*
 * Policies and pools of a scenario, by name.
 */
#ifndef SCHEDOP_EXPLORE_EXPLORE_MACHINE_H
#define SCHEDOP_EXPLORE_EXPLORE_MACHINE_H

#include "explore_private.h"

/* NULL if there is none of that name. */
const struct policy_ops *ex_policy_by_name(const char *name);

/* The number of a pool; 0 is there from the start. */
uint64_t ex_pool_id(const struct ex_scenario *s, const char *name);

/* "pool N ...": false if the words make no sense. */
bool ex_pool_line(struct ex_scenario *s, char *const *word, unsigned nr);

#endif
