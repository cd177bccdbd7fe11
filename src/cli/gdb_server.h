/* SPDX-License-Identifier: MIT */
/*
 * A server of GDB's remote serial protocol for one domain: its vCPUs are
 * threads, numbered from 1. All of them stop together; each can be let go on,
 * or do one instruction, by itself (docs/gdb.md).
 *
 *   gdb_packet.c   packets
 *   gdb_regs.c     registers and their description
 *   gdb_walk.c     page tables
 *   gdb_kernel.c   the kernel's ELF headers
 *   gdb_target.c   the domain
 *   gdb_server.c   the session: what runs, what is said when it stops
 *   gdb_command.c  the commands of a domain that has stopped
 *   gdb_listen.c   where clients come from
 *   gdb_control.c  a domain of a running host
 *   gdb_run.c      a domain of `schedop run`: the run's part
 *   gdb_child.c    and the server's
 */
#ifndef SCHEDOP_CLI_GDB_SERVER_H
#define SCHEDOP_CLI_GDB_SERVER_H

#include "gdb_packet.h"
#include "gdb_regs.h"
#include "gdb_target.h"

enum gdb_end {
    GDB_END_GONE,   /* the client left, or broke off */
    GDB_END_DOMAIN, /* the domain ended, and the client was told */
    GDB_END_LOST,   /* the hypervisor cannot be asked any more */
};

struct gdb_server {
    int in, out; /* the client */
    struct gdb_stream stream;
    struct cli_text last; /* the last packet, for one that was lost */
    struct gdb_target target;
    struct gdb_regs regs;
    bool running;       /* the client waits for a stop */
    bool asked_to_stop; /* by the byte 0x03 */
    bool stopped_once;
    bool over;
    enum gdb_end end;
    unsigned general; /* vCPU that memory and registers are of */
    unsigned resumed; /* vCPU that an old `c` or `s` is for; or GDB_ALL */
    unsigned stopped; /* vCPU that the last stop was of */
};

#define GDB_ALL UINT32_MAX

/*
 * Serves the client on the files `in` and `out` until one of them is done
 * with the other; the domain goes on then, without breakpoints. `ready` (or
 * NULL) is called with `context` once the domain is attached to and held.
 */
enum gdb_end gdb_serve(int in, int out, struct gdb_link *link,
                       const struct ram *ram, const struct gdb_kernel *kernel,
                       void (*ready)(void *context), void *context);

/* ---- between gdb_server.c and gdb_command.c ---- */

/* One packet of a domain that has stopped. */
void gdb_command(struct gdb_server *s);

void gdb_reply(struct gdb_server *s, const char *text);
void gdb_reply_text(struct gdb_server *s, struct cli_text *text); /* frees */
void gdb_reply_stop(struct gdb_server *s);
/* Lets those vCPUs go, and waits for the stop; or replies an error. */
void gdb_go(struct gdb_server *s, uint64_t run, uint64_t step);
void gdb_finish(struct gdb_server *s, enum gdb_end end);

/* Errors as numbers of Linux, which is what gdb's own stubs say. */
#define GDB_EINVAL "E16"
#define GDB_EFAULT "E0e"
#define GDB_EPERM "E01"

#endif
