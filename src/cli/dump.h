/* SPDX-License-Identifier: MIT */
/*
 * Cores of domains that ended with a coredump action (docs/dump.md). Each is
 * written by a process of its own, so that nobody waits for a disk, which
 * dies with us; the domain is not taken down before it is over.
 */
#ifndef SCHEDOP_CLI_DUMP_H
#define SCHEDOP_CLI_DUMP_H

#include "link.h"
#include "ram.h"

/* The option that says where they go. */
#define DUMP_DIR_HELP                                                          \
    "Where the core of domain NAME goes, as DIR/NAME, in place of an older "   \
    "one, when it ends with a coredump action (default: /var/lib/xen/dump "    \
    "for root, else schedop/dump in $XDG_STATE_HOME or ~/.local/state)."

struct dump {
    struct dump *next;
    int pid;
    uint16_t domid;
    char name[SCHEDOP_NAME_MAX + 1];
    char *path;
    bool written; /* known once it is over */
};

struct dumps {
    const char *dir;    /* where they go; NULL: as dump_dir() says */
    struct dump *first; /* those being written */
};

/*
 * Where cores go if nobody says: xl's place for root, else in the user's
 * directory for state. To be freed; NULL when there is no such place.
 */
char *dump_dir(void);

/*
 * Begins to write the core that a `dump` line announced. False, after an
 * error message, when there will be none.
 */
bool dump_start(struct dumps *d, const struct ram *ram,
                const struct link_message *m);

/* One that is over, to be freed by dump_free(), or NULL. Does not block. */
struct dump *dump_next(struct dumps *d);
void dump_free(struct dump *dump);

/* Gives up those that are left. */
void dumps_end(struct dumps *d);

#endif
