/* SPDX-License-Identifier: MIT */
/* Lists of pCPUs as xl writes them: "all", "0-3,5", "all,^1". */
#ifndef SCHEDOP_CLI_CPULIST_H
#define SCHEDOP_CLI_CPULIST_H

#include "cli.h"

/*
 * Parses `list` from left to right: "all", numbers and ranges add pCPUs, a
 * "^" before any of them removes them. Returns NULL and sets *mask, or says
 * what is wrong.
 */
const char *cli_cpulist(const char *list, uint64_t *mask);

#endif
