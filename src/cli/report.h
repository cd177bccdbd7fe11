/* SPDX-License-Identifier: MIT */
/* The closing table, for people and as JSON. */
#ifndef SCHEDOP_CLI_REPORT_H
#define SCHEDOP_CLI_REPORT_H

#include "outcome.h"

/* One row per domain; nothing when no domain was built. */
void report_table(struct cli_text *t, const struct outcome *o);

/* One JSON object. */
void report_json(struct cli_text *t, const struct outcome *o,
                 const struct run *run, int status);

#endif
