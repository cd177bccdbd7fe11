/* SPDX-License-Identifier: MIT */
/*
 * What the parts of a run share: its state (session.h says what a run is).
 * session.c holds the loop, session_link.c what the hypervisor's lines do.
 */
#ifndef SCHEDOP_CLI_SESSION_PRIVATE_H
#define SCHEDOP_CLI_SESSION_PRIVATE_H

#include "console.h"
#include "dump.h"
#include "gdb_run.h"
#include "link.h"
#include "record.h"
#include "session.h"
#include "tail.h"

enum phase { BOOTING, RUNNING, STOPPING, LEAVING };

enum {
    BOOT_MS = 60000, /* a slow machine under load; not a promise */
    STOP_MS = 3000,
    LEAVE_MS = 2000,
    SIGNAL_PATIENCE_MS = 200,
    INPUT_BACKLOG = 4096, /* typed and not yet sent */
    /* The same at a terminal: Ctrl-] is seen although the domain reads
       nothing. */
    INPUT_BACKLOG_RAW = 64 << 10,
    INPUT_KEPT = 1024, /* of it, ahead of `stop` */
};

struct session {
    const struct run *run;
    struct qemu *q;
    struct outcome *outcome;
    struct console console;
    struct link_reader reader;
    struct cli_text to_link;
    bool to_link_mid_line; /* the last byte written was no newline */
    struct tail com1, messages;
    enum phase phase;
    uint64_t phase_end_ms; /* UINT64_MAX: unlimited */
    uint64_t limit_ms;     /* --timeout, likewise */
    uint64_t now_ms;
    int signal_fd;
    int signal; /* that ends the session */
    bool hello, dead, panicked;
    struct recorder *recorder; /* of --trace, or NULL */
    struct gdb_run gdb;        /* of --gdb */
    struct dumps dumps;        /* cores being written */
    int wait_status;
    /* standard input */
    bool input_open, raw;
    const char *input_name; /* the domain it belongs to, or NULL */
    bool input_ready;       /* that domain runs */
    uint16_t input_domid;
    struct cli_text typed; /* that waits for the domain to read */
    size_t input_room;     /* bytes that may be sent now */
    unsigned garbage;      /* lines that were no link lines */
};

/* Enters a phase that may last `ms`. */
void session_enter(struct session *s, enum phase phase, uint64_t ms);

/*
 * Asks the hypervisor to end all domains, ahead of input that waits; a second
 * time means at once.
 */
void session_stop(struct session *s);

/* Ends the run as failed, at once. The caller has said why. */
void session_give_up(struct session *s);

/* Kills QEMU; the loop ends when it is dead. */
void session_kill(struct session *s);

/* Acts on a line of the link; `ctx` is the session (a link_reader's sink). */
void session_line(void *ctx, char *line, size_t len);

#endif
