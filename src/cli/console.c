/* SPDX-License-Identifier: MIT */
/* What the domains print: see console.h. */
#include "console.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PUMP_BYTES = 4096 }; /* what a writable pipe takes at least */

struct console_stream {
    char *name;
    char line[CONSOLE_LINE_MAX];
    size_t len;
    size_t shown;      /* bytes of `line` already printed */
    uint64_t since_ms; /* of the last byte */
    bool carriage;     /* a carriage return is held back */
};

void console_init(struct console *c, int fd, bool single, bool repeatable)
{
    *c = (struct console){.fd = fd, .single = single, .patience_ms = -1};
    c->tty = isatty(fd) == 1;
    c->colour = c->tty && getenv("NO_COLOR") == NULL;
    c->idle_flush = !repeatable;
}

static size_t find(struct console *c, const char *name)
{
    size_t i;

    for (i = 0; i < c->count; i++) {
        if (strcmp(c->stream[i].name, name) == 0) {
            return i;
        }
    }
    c->stream = cli_grow(c->stream, c->count + 1, sizeof(*c->stream));
    c->stream[c->count++] = (struct console_stream){.name = cli_strdup(name)};
    return i;
}

void console_add(struct console *c, const char *name)
{
    size_t len = strlen(name);

    find(c, name);
    c->name_room = len > c->name_room ? len : c->name_room;
}

static void prefix(struct console *c, size_t index)
{
    static const char *const colours[] = {"36", "32", "33", "35", "34", "31"};

    if (c->colour) {
        cli_text_printf(&c->out, "\033[%sm", colours[index % 6]);
    }
    cli_text_printf(&c->out, "%-*s|", (int)c->name_room, c->stream[index].name);
    cli_text_str(&c->out, c->colour ? "\033[0m " : " ");
}

/* Shows what is new of the line; `whole` ends it. */
static void show(struct console *c, size_t index, bool whole)
{
    struct console_stream *s = &c->stream[index];

    if (c->open != 0 && c->open != index + 1) {
        cli_text_str(&c->out, "\n");
        c->open = 0;
    }
    if (c->open == 0) {
        prefix(c, index);
    }
    if (c->tty) {
        cli_text_visible(&c->out, s->line + s->shown, s->len - s->shown);
    } else {
        cli_text_add(&c->out, s->line + s->shown, s->len - s->shown);
    }
    s->shown = s->len;
    c->open = index + 1;
    if (whole) {
        cli_text_str(&c->out, "\n");
        c->open = 0;
        s->len = 0;
        s->shown = 0;
    }
}

static void stream_byte(struct console *c, size_t index, char byte)
{
    struct console_stream *s = &c->stream[index];

    if (s->len == sizeof(s->line)) {
        show(c, index, true);
    }
    s->line[s->len++] = byte;
}

/* Carriage returns before a newline go; others are bytes like any other. */
static void stream_write(struct console *c, size_t index, const char *data,
                         size_t len)
{
    struct console_stream *s = &c->stream[index];

    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            s->carriage = false;
            show(c, index, true);
            continue;
        }
        if (s->carriage) {
            s->carriage = data[i] == '\r';
            if (s->carriage) {
                continue; /* a run of them counts as one */
            }
            stream_byte(c, index, '\r');
        }
        if (data[i] == '\r') {
            s->carriage = true;
        } else {
            stream_byte(c, index, data[i]);
        }
    }
}

void console_write(struct console *c, const char *name, const char *data,
                   size_t len, uint64_t now_ms)
{
    size_t index;

    if (len == 0 || c->failed) {
        return;
    }
    if (c->single) {
        cli_text_add(&c->out, data, len);
        c->mid_line = data[len - 1] != '\n';
        c->touched = true;
        return;
    }
    index = find(c, name);
    stream_write(c, index, data, len);
    c->stream[index].since_ms = now_ms;
}

void console_end_line(struct console *c, const char *name)
{
    size_t index = find(c, name);
    struct console_stream *s = &c->stream[index];

    s->carriage = false;
    if (!c->single && !c->failed && (s->len != 0 || c->open == index + 1)) {
        show(c, index, true);
    }
}

uint64_t console_tick(struct console *c, uint64_t now_ms)
{
    uint64_t next = UINT64_MAX;

    if (c->single || !c->idle_flush || c->failed) {
        return next;
    }
    for (size_t i = 0; i < c->count; i++) {
        struct console_stream *s = &c->stream[i];
        uint64_t due = s->since_ms + CONSOLE_IDLE_MS;

        if (s->len == s->shown) {
            continue;
        }
        if (due <= now_ms) {
            show(c, i, false);
        } else if (due < next) {
            next = due;
        }
    }
    return next;
}

bool console_pending(const struct console *c)
{
    return c->out.len != 0 && !c->failed;
}

bool console_full(const struct console *c)
{
    return c->out.len > CONSOLE_BACKLOG && !c->failed;
}

void console_pump(struct console *c)
{
    size_t chunk = c->out.len < PUMP_BYTES ? c->out.len : PUMP_BYTES;
    ssize_t n;

    if (chunk == 0 || c->failed) {
        return;
    }
    n = write(c->fd, c->out.data, chunk);
    if (n >= 0) {
        cli_text_drop(&c->out, (size_t)n);
    } else if (errno != EAGAIN && errno != EINTR) {
        c->failed = true;
        cli_text_free(&c->out);
    }
}

void console_settle(struct console *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLOUT};

    if (c->open != 0 || (c->single && c->mid_line)) {
        cli_text_str(&c->out, "\n");
        c->open = 0;
        c->mid_line = false;
    }
    if (c->tty && c->touched) {
        cli_text_str(&c->out, "\033[0m");
        c->touched = false;
    }
    while (console_pending(c)) {
        struct timespec t = {c->patience_ms / 1000,
                             c->patience_ms % 1000 * 1000000L};
        int n = ppoll(&p, 1, c->patience_ms < 0 ? NULL : &t, c->wait_mask);

        if (n == 0 || (n < 0 && errno != EINTR)) {
            break;
        }
        console_pump(c);
    }
}

void console_free(struct console *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->stream[i].name);
    }
    free(c->stream);
    cli_text_free(&c->out);
    c->stream = NULL;
    c->count = 0;
}
