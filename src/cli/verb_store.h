/* SPDX-License-Identifier: MIT */
/* What the parts of `xenstore-ls` and its relatives share: see verb_store.c. */
#ifndef SCHEDOP_CLI_VERB_STORE_H
#define SCHEDOP_CLI_VERB_STORE_H

#include <xenstore.h>

#include "verb.h"

enum {
    OPT_FULL = 1,
    OPT_PERMS,
    OPT_PREFIX,
    OPT_RAW,
    OPT_TIDY,
    OPT_RECURSE,
    OPT_UPTO,
    OPT_COUNT,
    OPT_SOCKET,
};

#define PERMS_MAX 16u

/* One of the verbs at work. */
struct store {
    const char *name; /* of the verb */
    struct xs_handle *xs;
    xs_transaction_t txn;
    const struct verb_args *args;
    struct cli_text out; /* printed when the transaction is through */
};

/* Whether the option was given. */
bool store_has(const struct store *s, int option);

/* Messages are the originals', with their own name in front. CLI_ERROR. */
int store_complain(const struct store *s, const char *format, ...)
    CLI_PRINTF(2, 3);

/* `name` in the directory `path`; to be freed. */
char *store_below(const char *path, const char *name);

/* verb_store_ls.c: the verb, on a connection. Its exit status. */
int store_ls(struct store *s);
/* A tree into s->out. 0, or -1 with errno set. */
int store_list_tree(struct store *s, const char *path);

/* verb_store_text.c: what is not plain becomes \n, \x1b and the like. */
void store_add_value(struct cli_text *t, const char *value, unsigned len);
/* The reverse, for what is to be written. */
void store_add_unescaped(struct cli_text *t, const char *text);

#endif
