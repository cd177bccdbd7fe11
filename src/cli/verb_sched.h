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

#endif
