/* SPDX-License-Identifier: MIT */
/*
 * What the verbs that speak to a host share: their words, the connection,
 * how xl finds a domain, tables. As in xl, 1 is the status of a failure and 2
 * that of wrong usage.
 */
#ifndef SCHEDOP_CLI_VERB_H
#define SCHEDOP_CLI_VERB_H

#include "control.h"
#include "options.h"

#define VERB_OPTIONS_MAX 20

/* Ids of the options that each of these verbs has. */
enum { VERB_HELP = VERB_OPTIONS_MAX - 2, VERB_HOST = VERB_OPTIONS_MAX - 1 };

#define VERB_OPTIONS                                                           \
    {"host",                                                                   \
     0,                                                                        \
     CLI_VALUE,                                                                \
     VERB_HOST,                                                                \
     "NAME",                                                                   \
     "The host to speak to (default: SCHEDOP_HOST, else \"default\")."},       \
        {"help", 'h', CLI_FLAG, VERB_HELP, NULL, "Print this and end."},       \
    {                                                                          \
        NULL, 0, CLI_FLAG, 0, NULL, NULL                                       \
    }

/* A verb without options of its own. */
extern const struct cli_option verb_no_options[];
extern const struct cli_part verb_no_parts[];

/* An option as it was given. */
struct verb_option {
    int id;
    const char *value;
};

struct verb_args {
    const char *value[VERB_OPTIONS_MAX]; /* of the last one, by id */
    unsigned count[VERB_OPTIONS_MAX];    /* how often it was given */
    struct verb_option *given;           /* all of them, in order */
    size_t nr_given;
    const char **operand;
    size_t nr_operands;
    struct cli_text rest; /* the words after "--", with blanks between */
};

/*
 * Takes the words apart; `min` and `max` bound the operands. -1: go on; else
 * the status to end with, `args` freed, after the help or a message.
 */
int verb_parse(const struct cli_command *self, int argc, char **argv,
               size_t min, size_t max, struct verb_args *args);
void verb_args_free(struct verb_args *args);

/*
 * --patience with id `id`: how long a domain may take to acknowledge, in s;
 * 60 by default, as xl has it. -1 to go on, else the status to end with, after
 * a message.
 */
int verb_patience(const struct verb_args *args, int id, unsigned *patience_s);

/* --host of the words before the verb, for those that have none after it. */
void verb_set_host(const char *name);
const char *verb_host(const struct verb_args *args);

/* 0, or -1 after an error message. */
int verb_connect(const struct verb_args *args, struct control *c);

/* The domains there are: an array, sorted by id; NULL after a message. */
json_t *verb_domains(struct control *c);

/*
 * That with the name or id; NULL without a message. Borrowed from the array.
 */
json_t *verb_lookup(json_t *domains, const char *word);

/* The cpupools there are: an array; NULL after a message. */
json_t *verb_pools(struct control *c);
/* That with the name or id; borrowed. NULL after xl's message. */
json_t *verb_pool(json_t *pools, const char *word);

/*
 * A new reference to the domain, or NULL after xl's message, or another.
 */
json_t *verb_domain(struct control *c, const char *word);
/* Its id, or -1 after a message. */
int verb_domid(struct control *c, const char *word);

json_int_t verb_int(const json_t *object, const char *key);
const char *verb_string(const json_t *object, const char *key);

/* Does a request whose answer does not matter. 0, or -1 after a message that
   begins with `what`. Takes `args`. */
int verb_request(struct control *c, const char *request, json_t *args,
                 const char *what);

/*
 * Writes `order` to control/shutdown of the domain's xenstore; "" takes back
 * what was not taken yet. 0, or -1 after a message that begins with `what`.
 */
int verb_order(struct control *c, int domid, const char *order,
               const char *what);

enum verb_taken {
    VERB_NOT_YET,
    VERB_TAKEN, /* the domain emptied the node, as it should */
    VERB_GONE,  /* there is no such domain or node any more */
    VERB_LOST,  /* no answer, after a message */
};

/* Has the domain taken its order? */
enum verb_taken verb_order_taken(struct control *c, int domid);

/*
 * KiB in memory/NODE of its xenstore: "target", what its balloon should leave,
 * or "static-max"; -1 when there is no such number.
 */
int64_t verb_memory(struct control *c, int domid, const char *node);

/* cpu/N/availability of its xenstore: whether it should use a vCPU. */
bool verb_vcpu_is_offline(struct control *c, int domid, unsigned vcpu);
/* 0, or -1 after a message that begins with `what`. */
int verb_vcpu_set(struct control *c, int domid, unsigned vcpu, bool online,
                  const char *what);

/* A set of pCPUs as xl prints it: "all", "none", or "0-2,5". To be freed. */
char *verb_map(uint64_t map, unsigned pcpus);

/* verb_parse() and verb_connect(): -1 to go on. */
int verb_begin(const struct cli_command *self, int argc, char **argv,
               size_t min, size_t max, struct verb_args *args,
               struct control *c);
/* Frees both; returns `status`. */
int verb_end(struct verb_args *args, struct control *c, int status);

#endif
