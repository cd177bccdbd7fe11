/* SPDX-License-Identifier: MIT */
/* Where the clients of a gdb server come from. */
#ifndef SCHEDOP_CLI_GDB_LISTEN_H
#define SCHEDOP_CLI_GDB_LISTEN_H

#include "cli.h"

struct gdb_listener {
    int fd;      /* -1: none */
    char *path;  /* of a Unix socket, which goes with it; or NULL */
    char *where; /* for gdb's `target remote` */
};

/*
 * Listens at `where`: a number is a TCP port of localhost (anybody on the
 * machine may come), what has a slash in it a Unix socket for this user. 0,
 * or -1 after an error message.
 */
int gdb_listen(struct gdb_listener *l, const char *where);
/* A client; -1 after an error message. Blocks. */
int gdb_accept(const struct gdb_listener *l);
void gdb_listener_close(struct gdb_listener *l);

/* Tells the user what to type; `symbols` is a file for gdb, or NULL. */
void gdb_say_waiting(const struct gdb_listener *l, const char *symbols);

#endif
