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

/* A verb of xl's, not one of ours. */
bool xl_has(const struct cli_command *c);

/* Verbs of xl that are not here, and why; ends with NULL. */
extern const struct cli_item xl_refused[];

/* docs/xl.md. */
void xl_manual(struct cli_text *t, const struct cli_command *const *commands);

#endif
