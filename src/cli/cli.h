/* SPDX-License-Identifier: MIT */
/*
 * What the files of the command line share: exit statuses, messages, memory
 * that cannot run out quietly, and growing text.
 */
#ifndef SCHEDOP_CLI_CLI_H
#define SCHEDOP_CLI_CLI_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef CLI_VERSION /* the Makefile knows it */
#define CLI_VERSION "0.0.0"
#endif

enum cli_status {
    CLI_OK = 0,
    CLI_ERROR = 1,
    CLI_USAGE = 2,
    CLI_TEST_SKIP = 3, /* --xtf only, as are the next two */
    CLI_TEST_ERROR = 4,
    CLI_TEST_FAILURE = 5,
    CLI_CRASH = 6,
    CLI_WATCHDOG = 7,
    CLI_TIME = 8,
};

#define CLI_PRINTF(at, first) __attribute__((format(printf, at, first)))

/* ---- messages: one line on stderr, "schedop: run: ..." ---- */

/* The verb that messages name; NULL before it is known. */
void cli_message_verb(const char *verb);

/*
 * Called before each message, so that a console can finish the line it is
 * printing; NULL for none.
 */
void cli_message_before(void (*hook)(void *ctx), void *ctx);

/* Bytes that a terminal would obey are printed as \xHH. */
void cli_error(const char *format, ...) CLI_PRINTF(1, 2);
void cli_warning(const char *format, ...) CLI_PRINTF(1, 2);
void cli_note(const char *format, ...) CLI_PRINTF(1, 2);

/* Messages as xl's: nothing in front of them. */
void cli_message_plain(void);
bool cli_message_is_plain(void);

/* Quiet drops warnings and notes. */
void cli_message_quiet(bool quiet);

/* ---- memory: zeroed, never NULL; the program ends when there is none ---- */

#define CLI_NONNULL __attribute__((returns_nonnull))

void *cli_alloc(size_t size) CLI_NONNULL;
void *cli_grow(void *p, size_t count, size_t size) CLI_NONNULL;
char *cli_strdup(const char *s) CLI_NONNULL;
char *cli_format(const char *format, ...) CLI_PRINTF(1, 2) CLI_NONNULL;

/* ---- growing text, always NUL-terminated once anything was added ---- */

struct cli_text {
    char *data;
    size_t len, room;
};

void cli_text_add(struct cli_text *t, const void *data, size_t len);
void cli_text_str(struct cli_text *t, const char *s);
void cli_text_printf(struct cli_text *t, const char *format, ...)
    CLI_PRINTF(2, 3);
void cli_text_drop(struct cli_text *t, size_t len); /* from the front */
void cli_text_free(struct cli_text *t);

/*
 * Prints and frees it. False, after an error message, when the file did not
 * take it all.
 */
bool cli_text_print(struct cli_text *t, int fd);

/*
 * Adds `len` bytes so that a terminal shows them and obeys none: tabs and
 * well-formed UTF-8 stay, every other byte outside 0x20-0x7e becomes \xHH.
 */
void cli_text_visible(struct cli_text *t, const void *data, size_t len);

/* ---- time ---- */

/* ms since some moment; never steps, whatever is done to the wall clock. */
uint64_t cli_clock_ms(void);

/* ---- numbers and names ---- */

/*
 * The whole of `s` as a decimal number or as 0x and hexadecimal. False when it
 * is not one, or more than `max`.
 */
bool cli_number(const char *s, uint64_t max, uint64_t *value);

/*
 * The candidate that is a slip of the finger away from `word`, or NULL.
 * `next` returns one candidate after the other, NULL at the end.
 */
const char *cli_nearest(const char *word,
                        const char *(*next)(const void *ctx, size_t index),
                        const void *ctx);

#endif
