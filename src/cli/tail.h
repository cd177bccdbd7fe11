/* SPDX-License-Identifier: MIT */
/* Text that matters when something goes wrong: its last few KiB are kept. */
#ifndef SCHEDOP_CLI_TAIL_H
#define SCHEDOP_CLI_TAIL_H

#include <sys/types.h>

#include "cli.h"

struct tail {
    const char *label; /* what messages call it */
    struct cli_text text;
    size_t followed; /* bytes of it that tail_follow() has printed */
};

/*
 * Bytes read from the non-blocking *fd, 0 when there are none now, -1 at the
 * end, when *fd is closed and becomes -1.
 */
ssize_t tail_take(int *fd, char *data, size_t size);

/* Adds what *fd has; false when there was nothing. */
bool tail_read(struct tail *t, int *fd);

/* Prints, as notes, the lines that are new; with `all` also the last piece. */
void tail_follow(struct tail *t, bool all);

/* Prints the last lines as part of an error. */
void tail_show(const struct tail *t);

#endif
