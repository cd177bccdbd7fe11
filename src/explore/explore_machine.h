/* SPDX-License-Identifier: MIT */
/*
 * Policies and pools of a scenario.
 */
#ifndef SCHEDOP_EXPLORE_EXPLORE_MACHINE_H
#define SCHEDOP_EXPLORE_EXPLORE_MACHINE_H

#include "explore_private.h"

/* Its number in our table; -1 if there is none of that name. */
int ex_policy_by_name(const char *name);

/* The XEN_SCHEDULER_* of that number. */
uint32_t ex_policy_id(unsigned policy);

/* The name of the policy that schedules `d` now. */
const char *ex_policy_of(const struct ex_domain *d);

/* The pools a scenario starts with, beside the first. */
void ex_pools_make(const struct ex_scenario *s);

/* Runs on until nothing happens without time. Gives up if it never does. */
void ex_settle(void);

#endif
