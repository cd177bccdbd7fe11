/* SPDX-License-Identifier: MIT */
/*
 * Which keys a configuration assigns, and where. Xen's parser keeps the lines
 * to itself and lists no keys, so this scanner finds them beside it; values
 * come from Xen's parser alone.
 */
#ifndef SCHEDOP_CLI_KEYS_H
#define SCHEDOP_CLI_KEYS_H

#include "cli.h"

struct cli_key {
    char *name;
    unsigned line; /* from 1 */
    bool empty;    /* the value is "", '' or [] */
};

struct cli_keys {
    struct cli_key *key;
    size_t count;
};

/* `text` must be what Xen's parser has accepted. */
void cli_keys_scan(struct cli_keys *keys, const char *text, size_t len);
void cli_keys_free(struct cli_keys *keys);

/* The line of the last assignment to `name`, 0 when there is none. */
unsigned cli_keys_line(const struct cli_keys *keys, const char *name);

#endif
