/* SPDX-License-Identifier: MIT */
/* Starting a host, for `schedop host` and for verbs that need one. */
#ifndef SCHEDOP_CLI_HOST_START_H
#define SCHEDOP_CLI_HOST_START_H

#include "host_daemon.h"

void host_defaults(struct host_options *o);

/*
 * Starts the host `name` means (NULL: see host_dir_name()) and waits until it
 * serves; in the foreground: until it ends. An exit status, after a message
 * when it is not 0.
 */
int host_start(const char *name, const struct host_options *o, bool foreground);

#endif
