/* SPDX-License-Identifier: MIT */
/*
 * `schedop run --gdb`: a domain of the run under a debugger. The server is a
 * child process, so that it may wait for answers while the run goes on; it
 * sees the machine's memory as we do. Questions come from it as lines without
 * a tag, and what it must know goes to it as lines:
 *
 *   create DOMID | stopped DOMID | crash DOMID TEXT
 *   end DOMID CODE ACTION | did ERROR TEXT
 *
 * One question is on its way at a time.
 */
#ifndef SCHEDOP_CLI_GDB_RUN_H
#define SCHEDOP_CLI_GDB_RUN_H

#include <sys/types.h>

#include "gdb_listen.h"
#include "gdb_server.h"
#include "link.h"

struct gdb_run {
    struct gdb_listener listener; /* fd -1: nobody debugs */
    const char *name;             /* of the domain; or NULL */
    int fd;                       /* of the child; -1: none */
    pid_t pid;
    uint32_t tag; /* of the last question */
    struct cli_text in;
};

/*
 * Listens at `where` for a debugger of domain `name`, whose kernel is the
 * file `symbols`; says so. -1 after an error message.
 */
int gdb_run_listen(struct gdb_run *g, const char *where, const char *name,
                   const char *symbols);
/* Starts the child, once there is RAM. -1 after an error message. */
int gdb_run_start(struct gdb_run *g, const struct ram *ram,
                  const struct gdb_kernel *kernel);

/* A line of the hypervisor: passes on what the child has to know. */
void gdb_run_line(struct gdb_run *g, const struct link_message *m);

/* What poll() is to watch, and what is to be done then: questions for `to`. */
int gdb_run_fd(const struct gdb_run *g);
void gdb_run_serve(struct gdb_run *g, struct cli_text *to);

/* The machine has ended: the child tells its client, and goes. */
void gdb_run_end(struct gdb_run *g);

#endif
