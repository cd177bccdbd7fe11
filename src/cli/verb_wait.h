/* SPDX-License-Identifier: MIT */
/* Waiting for what becomes of domains. */
#ifndef SCHEDOP_CLI_VERB_WAIT_H
#define SCHEDOP_CLI_VERB_WAIT_H

#include "control.h"

/*
 * From now on the host sends its events here. Before whatever they are to be
 * waited for, so that none is missed. 0, or -1 after a message.
 */
int wait_begin(struct control *c);

/* Returns when `domid` and what its restarts built has died: a status. */
int wait_for_death(struct control *c, int domid);

/* Returns when nothing is left of `domid`: a status. */
int wait_until_gone(struct control *c, int domid);

/*
 * Waits until each of the `count` domains in `domid` has shut down or is
 * gone, saying which, in xl's words. A status.
 */
int wait_for_shutdown(struct control *c, const int *domid, size_t count);

#endif
