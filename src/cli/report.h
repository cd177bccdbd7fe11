/* SPDX-License-Identifier: MIT */
/* The closing table, for people and as JSON. */
#ifndef SCHEDOP_CLI_REPORT_H
#define SCHEDOP_CLI_REPORT_H

#include <stdio.h>

#include "outcome.h"

/* One row per domain; nothing when no domain was built. */
void report_table(FILE *f, const struct outcome *o);

/* One JSON object on one line each for people and programs to read. */
void report_json(FILE *f, const struct outcome *o, const struct run *run,
                 int status);

#endif
