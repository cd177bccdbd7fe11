/* SPDX-License-Identifier: MIT */
/*
 * Where a running host is found: a directory of its own, which nobody but its
 * owner may enter, with
 *
 *   lock      locked by the host while it lives; holds its process id
 *   control   its Unix socket (docs/control.md)
 *   xenstore  another, as xenstored's
 *   log       what it has to say
 *   last-end  one line, why the last one ended
 *
 * It lies in $XDG_RUNTIME_DIR/schedop, else in /run/schedop for root, else in
 * ~/.schedop. Sockets are reached by /proc/self/fd, so that the length of the
 * path does not matter.
 */
#ifndef SCHEDOP_CLI_HOST_DIR_H
#define SCHEDOP_CLI_HOST_DIR_H

#include <sys/types.h>

#include "cli.h"

#define HOST_DEFAULT "default"
#define HOST_CONTROL_SOCKET "control"
#define HOST_STORE_SOCKET "xenstore"

struct host_dir {
    const char *name;
    char *path;
    int fd; /* -1: there is none */
};

enum host_state_seen {
    HOST_RUNS,  /* somebody holds the lock */
    HOST_ENDED, /* in order, or never started */
    HOST_DIED,  /* its socket is still there */
};

/*
 * The host that `--host NAME` (`given`, or NULL), SCHEDOP_HOST or nothing
 * names. NULL after an error message: it is no name.
 */
const char *host_dir_name(const char *given);

/*
 * Opens the directory; makes it with `make`. Returns 0, also when there is
 * none, or -1 after an error message.
 */
int host_dir_open(struct host_dir *dir, const char *name, bool make);
void host_dir_close(struct host_dir *dir);

/* Who is there; *pid is 0 when not known. */
enum host_state_seen host_dir_look(const struct host_dir *dir, pid_t *pid);

/*
 * Takes the lock for this process and writes its id. The file descriptor; -1
 * when somebody else has it, -2 after an error message.
 */
int host_dir_lock(const struct host_dir *dir);

/* A listening socket in place of any that is left over; -1 after an error. */
int host_dir_listen(const struct host_dir *dir, const char *name);

/* A connected socket; -1 with errno. */
int host_dir_connect(const struct host_dir *dir);

/* The line in last-end, to be freed; NULL when there is none. */
char *host_dir_last_end(const struct host_dir *dir);
void host_dir_set_last_end(const struct host_dir *dir, const char *why);

#endif
