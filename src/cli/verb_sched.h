/* SPDX-License-Identifier: MIT */
/* What the verbs about policies share. */
#ifndef SCHEDOP_CLI_VERB_SCHED_H
#define SCHEDOP_CLI_VERB_SCHED_H

#include "control.h"

/*
 * The knobs of a domain, with "sched", the policy of its cpupool: for credit2
 * weight and cap, for rtds period, budget and extratime of new vCPUs. NULL
 * after a message.
 */
json_t *sched_knobs(struct control *c, const json_t *domain);

/*
 * Sets the windows of an arinc653 pool, each "DOMAIN:VCPU:NS"; a frame of 0 ns
 * is as long as they are. Takes `windows`. CLI_OK, or CLI_ERROR after a
 * message: verb_arinc653.c.
 */
int sched_set_windows(struct control *c, json_int_t pool, uint64_t frame_ns,
                      json_t *windows);

/* Says that the knobs asked for are of `wanted`, and whose `has` are. */
void sched_say_other(const char *has, const char *wanted);

#endif
