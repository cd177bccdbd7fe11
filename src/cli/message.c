/* SPDX-License-Identifier: MIT */
/* Messages of the command line: see cli.h. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *verb;
static bool quiet, plain;
static void (*before)(void *ctx);
static void *before_ctx;

void cli_message_verb(const char *name)
{
    verb = name;
}

void cli_message_plain(void)
{
    plain = true;
}

bool cli_message_is_plain(void)
{
    return plain;
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
    if (!plain) {
        cli_text_printf(&line, "schedop: %s%s", verb != NULL ? verb : "",
                        verb != NULL ? ": " : "");
    }
    cli_text_str(&line, kind);
    if (text != NULL) {
        cli_text_visible(&line, text, strlen(text));
    }
    cli_text_str(&line, "\n");
    if (before != NULL) {
        before(before_ctx);
    }
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

bool cli_text_print(struct cli_text *t, int fd)
{
    size_t done = 0;

    while (done < t->len) {
        ssize_t n = write(fd, t->data + done, t->len - done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            cli_error("cannot write to standard %s: %s",
                      fd == STDOUT_FILENO ? "output" : "error",
                      strerror(errno));
            break;
        }
        done += (size_t)n;
    }
    done = t->len - done;
    cli_text_free(t);
    return done == 0;
}
