/* SPDX-License-Identifier: MIT */
/* The last text of a child's file: see tail.h. */
#include "tail.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    TAIL_BYTES = 16384, /* kept */
    TAIL_LINES = 30,    /* shown */
};

ssize_t tail_take(int *fd, char *data, size_t size)
{
    ssize_t n = *fd >= 0 ? read(*fd, data, size) : -1;

    if (n > 0) {
        return n;
    }
    if (n < 0 && *fd >= 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return -1;
}

bool tail_read(struct tail *t, int *fd)
{
    char data[4096];
    ssize_t n = tail_take(fd, data, sizeof(data));
    size_t excess;

    if (n <= 0) {
        return false;
    }
    cli_text_add(&t->text, data, (size_t)n);
    excess = t->text.len > TAIL_BYTES ? t->text.len - TAIL_BYTES : 0;
    cli_text_drop(&t->text, excess);
    t->followed -= t->followed < excess ? t->followed : excess;
    return true;
}

/* One line at `p`, which ends before `end`; returns what follows it. */
static const char *next_line(const char *p, const char *end, int *len)
{
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    const char *stop = newline != NULL ? newline : end;

    *len = (int)(stop - p);
    *len -= *len > 0 && p[*len - 1] == '\r';
    return newline != NULL ? newline + 1 : end;
}

void tail_follow(struct tail *t, bool all)
{
    while (t->followed < t->text.len) {
        const char *line = t->text.data + t->followed;
        const char *end = t->text.data + t->text.len;
        int len;
        const char *next = next_line(line, end, &len);

        if (next[-1] != '\n' && !all) {
            return;
        }
        cli_note("%s: %.*s", t->label, len, line);
        t->followed = (size_t)(next - t->text.data);
    }
}

void tail_show(const struct tail *t)
{
    const char *end, *p;
    int lines = 0, len;

    if (t->text.len == 0) {
        return;
    }
    end = t->text.data + t->text.len;
    p = end;
    /* Back to the newline before the last lines. */
    while (p > t->text.data && lines < TAIL_LINES) {
        p--;
        while (p > t->text.data && p[-1] != '\n') {
            p--;
        }
        lines++;
    }
    while (p < end) {
        const char *line = p;

        p = next_line(line, end, &len);
        cli_error("  %s: %.*s", t->label, len, line);
    }
}
