/* SPDX-License-Identifier: MIT */
/*
 * The client's side of a host's control channel (docs/control.md): one
 * request, one answer, and events in between. Messages about a host that is
 * not there, or ends, are printed here; all functions block.
 */
#ifndef SCHEDOP_CLI_CONTROL_H
#define SCHEDOP_CLI_CONTROL_H

#include <jansson.h>

#include "cli.h"

#define CONTROL_VERSION 1
#define CONTROL_REQUEST_MAX (64u << 10) /* bytes of a line to the host */
#define CONTROL_REPLY_MAX (16u << 20)   /* of one from it */
#define CONTROL_FILES_MAX 5u            /* that travel with a line */

struct control {
    int fd;
    char *name; /* of the host */
    json_int_t next_id;
    struct cli_text in;
    json_t *greeting;
    json_t *events; /* that came while an answer was waited for; or NULL */
};

/*
 * Connects to the host that `name` (or NULL, see host_dir_name()) means. 0,
 * or -1 after an error message that says what became of it and what to do;
 * with `quiet` there is no message, and 1, when no host runs.
 */
int control_open(struct control *c, const char *name, bool quiet);
void control_close(struct control *c);

/*
 * Sends a request, whose id it returns; takes `args` (NULL for none). -1
 * after an error message.
 */
json_int_t control_send(struct control *c, const char *verb, json_t *args,
                        const int *files, size_t nr_files);

/*
 * The next line of the host: an object. NULL after an error message, when it
 * ends; NULL without one when `timeout_ms` (not negative) have passed first.
 */
json_t *control_receive(struct control *c, int timeout_ms);

/*
 * Waits for the answer to request `id` and returns its result. NULL when
 * there is none: after an error message, or, when it is the host that refuses
 * and `error` is not NULL, with the host's words in *error (to be freed),
 * which is NULL otherwise. Events that come meanwhile are kept in c->events,
 * if that is an array.
 */
json_t *control_wait(struct control *c, json_int_t id, char **error);

/* control_send() and control_wait(); takes `args`. */
json_t *control_do(struct control *c, const char *verb, json_t *args,
                   char **error);

/* Is there a line that control_receive() would not wait for? */
bool control_pending(const struct control *c);

/* Bytes as text of U+0000 to U+00FF, a character a byte. */
json_t *control_bytes(const char *data, size_t len);

#endif
