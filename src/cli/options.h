/* SPDX-License-Identifier: MIT */
/*
 * One table describes a verb: its options, what they mean, and the other
 * parts of its manual. The parser, `--help` and the man page all read it.
 */
#ifndef SCHEDOP_CLI_OPTIONS_H
#define SCHEDOP_CLI_OPTIONS_H

#include "cli.h"

enum cli_option_kind {
    CLI_FLAG,     /* --name */
    CLI_VALUE,    /* --name VALUE or --name=VALUE */
    CLI_OPTIONAL, /* --name, --name NUMBER or --name=VALUE */
};

struct cli_option {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* 0 for none */
    enum cli_option_kind kind;
    int id;            /* for the verb's handler, above 0 */
    const char *value; /* what help calls the value */
    const char *help;
};

struct cli_item {
    const char *term; /* NULL ends a table */
    const char *text;
};

/*
 * A titled part: text, then items. Text is refilled, paragraphs are separated
 * by an empty line, and lines that start with a blank stay as they are.
 */
struct cli_part {
    const char *title;            /* NULL ends a table */
    const char *text;             /* or NULL */
    const struct cli_item *items; /* or NULL */
    bool in_help;                 /* or in the man page alone */
};

struct cli_command {
    const char *name;
    const char *summary;         /* one line */
    const char *const *synopsis; /* after the verb; ends with NULL */
    const char *description;
    const struct cli_option *options;
    const struct cli_part *parts;
    int (*main)(const struct cli_command *self, int argc, char **argv);
    /* A verb of verbs ("lab run"): those, whose names begin with its own. */
    const struct cli_command *const *sub; /* ends with NULL; or NULL */
};

/* Ids for the handler that are no option of the table. */
enum { CLI_OPERAND = -1, CLI_REST = -2 };

/*
 * Called for each option, each operand (CLI_OPERAND) and each word after
 * "--" (CLI_REST); value is NULL for a flag. Returns 0, or another number to
 * stop, which cli_options_parse() returns.
 */
typedef int cli_option_fn(void *ctx, int id, const char *value);

/* 0, what the handler returned, or CLI_USAGE after an error message. */
int cli_options_parse(const struct cli_command *command, int argc, char **argv,
                      cli_option_fn *handler, void *ctx);

void cli_help(struct cli_text *t, const struct cli_command *command);

/* The main of a verb of verbs: hands over to the one that is named. */
int cli_sub_main(const struct cli_command *self, int argc, char **argv);

/* The man page of the whole program; `commands` ends with NULL. */
void cli_man(struct cli_text *t, const struct cli_command *const *commands);

/* A completion for bash of all verbs and their options. */
void cli_completion(struct cli_text *t,
                    const struct cli_command *const *commands);

/* Refills `text` at `indent`, 78 columns; starts in column `column`. */
void cli_fill(struct cli_text *t, const char *text, int indent, int column);

#endif
