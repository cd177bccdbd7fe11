/* SPDX-License-Identifier: MIT */
/*
 * What the domains print. One domain alone: its bytes as they are. Several:
 * whole lines behind "name| ", bytes that a terminal would obey made visible
 * when the output is one.
 *
 * Output is queued and written only when the file takes it, so that a reader
 * who stops reading stops neither signals nor time limits.
 */
#ifndef SCHEDOP_CLI_CONSOLE_H
#define SCHEDOP_CLI_CONSOLE_H

#include <signal.h>

#include "cli.h"

#define CONSOLE_LINE_MAX 4096u       /* a longer line is cut */
#define CONSOLE_BACKLOG (256u << 10) /* above this, stop reading guests */
#define CONSOLE_IDLE_MS 300          /* then an unfinished line is shown */

struct console_stream;

struct console {
    int fd;
    bool single, tty, colour;
    bool idle_flush;           /* show unfinished lines after CONSOLE_IDLE_MS */
    bool failed;               /* the output cannot be written any more */
    bool touched;              /* single: the guest may have set a colour */
    const sigset_t *wait_mask; /* while console_settle() waits, or NULL */
    int patience_ms; /* how long it waits for a reader; -1: as long as needed */
    struct cli_text out;
    struct console_stream *stream;
    size_t count;
    size_t open;      /* stream + 1 whose line the cursor is in, 0: none */
    bool mid_line;    /* single: the last byte was no newline */
    size_t name_room; /* prefixes are padded to this */
};

void console_init(struct console *c, int fd, bool single, bool repeatable);

/* Announces a domain, for the width of prefixes and the order of colours. */
void console_add(struct console *c, const char *name);

void console_write(struct console *c, const char *name, const char *data,
                   size_t len, uint64_t now_ms);

/* The domain has ended: prints its unfinished line. */
void console_end_line(struct console *c, const char *name);

/*
 * Prints unfinished lines that are old. Returns the time when to call again,
 * UINT64_MAX for never.
 */
uint64_t console_tick(struct console *c, uint64_t now_ms);

/* Is there something to write? Is there too much? */
bool console_pending(const struct console *c);
bool console_full(const struct console *c);

/* Writes what the file takes without blocking for long; poll() first. */
void console_pump(struct console *c);

/*
 * Writes everything, ends the line the cursor is in and resets the colours,
 * so that a message or table can follow.
 */
void console_settle(struct console *c);

void console_free(struct console *c);

#endif
