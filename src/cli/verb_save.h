/* SPDX-License-Identifier: MIT */
/* What `save` and `restore` share. */
#ifndef SCHEDOP_CLI_VERB_SAVE_H
#define SCHEDOP_CLI_VERB_SAVE_H

#include "control.h"
#include "ram.h"

/* The memory of the host's machine: 0, or -1 after a message. */
int verb_ram(struct control *c, struct ram *ram);

#endif
