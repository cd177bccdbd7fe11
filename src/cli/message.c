/* SPDX-License-Identifier: MIT */
/* Messages of the command line: see cli.h. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *verb;
static bool quiet;
static void (*before)(void *ctx);
static void *before_ctx;

void cli_message_verb(const char *name)
{
    verb = name;
}

void cli_message_quiet(bool on)
{
    quiet = on;
}

void cli_message_before(void (*hook)(void *ctx), void *ctx)
{
    before = hook;
    before_ctx = ctx;
}

/* One write per line, so that lines of several programs do not mix. */
__attribute__((format(printf, 2, 0))) static void
message(const char *kind, const char *format, va_list ap)
{
    struct cli_text line = {0};
    char *text = NULL;

    if (vasprintf(&text, format, ap) < 0) {
        text = NULL;
    }
    cli_text_printf(&line, "schedop: %s%s%s", verb != NULL ? verb : "",
                    verb != NULL ? ": " : "", kind);
    if (text != NULL) {
        cli_text_visible(&line, text, strlen(text));
    }
    cli_text_str(&line, "\n");
    if (before != NULL) {
        before(before_ctx);
    }
    fflush(stderr);
    (void)!write(STDERR_FILENO, line.data, line.len);
    cli_text_free(&line);
    free(text);
}

void cli_error(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    message("", format, ap);
    va_end(ap);
}

void cli_warning(const char *format, ...)
{
    va_list ap;

    if (quiet) {
        return;
    }
    va_start(ap, format);
    message("warning: ", format, ap);
    va_end(ap);
}

void cli_note(const char *format, ...)
{
    va_list ap;

    if (quiet) {
        return;
    }
    va_start(ap, format);
    message("", format, ap);
    va_end(ap);
}
