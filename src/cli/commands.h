/* SPDX-License-Identifier: MIT */
/* The verbs; each is defined in the file of its name. */
#ifndef SCHEDOP_CLI_COMMANDS_H
#define SCHEDOP_CLI_COMMANDS_H

#include "options.h"

extern const struct cli_command cli_run_command;     /* run.c */
extern const struct cli_command cli_conform_command; /* conform.c */

#endif
