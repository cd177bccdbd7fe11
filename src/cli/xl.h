/* SPDX-License-Identifier: MIT */
/*
 * Under the name xl: xl's command line, for scripts that drive Xen's tools.
 * Its own options come before the verb; a verb of xl that schedop has not is
 * refused by name.
 */
#ifndef SCHEDOP_CLI_XL_H
#define SCHEDOP_CLI_XL_H

#include "options.h"

/* `argv` begins after the program's name. An exit status. */
int xl_main(const struct cli_command *const *commands, int argc, char **argv);

#endif
