/* SPDX-License-Identifier: MIT */
/* What the verbs about policies share. */
#ifndef SCHEDOP_CLI_VERB_SCHED_H
#define SCHEDOP_CLI_VERB_SCHED_H

#include "control.h"

/* The knobs of a domain, after those in `set` (taken, or NULL) were set. */
json_t *sched_knobs(struct control *c, const json_t *domain, json_t *set,
                    char **error);

#endif
