/* SPDX-License-Identifier: MIT */
/* The child of `schedop run --gdb`: see gdb_run.h. */
#ifndef SCHEDOP_CLI_GDB_CHILD_H
#define SCHEDOP_CLI_GDB_CHILD_H

#include "gdb_listen.h"
#include "gdb_server.h"

/*
 * Serves one client after the other until the run on the other side of `fd`
 * is over. The domain has not run before the first one is there.
 */
void gdb_child(int fd, const struct gdb_listener *listener,
               const struct ram *ram, const struct gdb_kernel *kernel);

#endif
