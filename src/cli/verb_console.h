/* SPDX-License-Identifier: MIT */
/* A console of a domain in this terminal. */
#ifndef SCHEDOP_CLI_VERB_CONSOLE_H
#define SCHEDOP_CLI_VERB_CONSOLE_H

#include "control.h"

/*
 * Joins standard input and output to the console of `domid` until the domain
 * is gone, the escape key is typed, or the host ends. With `follow` it goes on
 * with the domain that a restart builds; with `fresh` what was printed before
 * is not shown. An exit status.
 */
int console_attach(struct control *c, int domid, bool follow, bool fresh,
                   char escape);

#endif
