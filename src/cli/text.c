/* SPDX-License-Identifier: MIT */
/* Memory, growing text, the clock, numbers, near misses: see cli.h. */
#include "cli.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
    static const char text[] = "schedop: out of memory\n";

    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    exit(CLI_ERROR);
}

void *cli_alloc(size_t size)
{
    void *p = calloc(1, size != 0 ? size : 1);

    if (p == NULL) {
        out_of_memory();
    }
    return p;
}

void *cli_grow(void *p, size_t count, size_t size)
{
    void *q = reallocarray(p, count != 0 ? count : 1, size);

    if (q == NULL) {
        out_of_memory();
    }
    return q;
}

char *cli_strdup(const char *s)
{
    size_t len = strlen(s) + 1;

    return memcpy(cli_alloc(len), s, len);
}

__attribute__((format(printf, 1, 0))) static char *format_va(const char *format,
                                                             va_list ap)
{
    char *s = NULL;

    if (vasprintf(&s, format, ap) < 0) {
        out_of_memory();
    }
    return s;
}

char *cli_format(const char *format, ...)
{
    va_list ap;
    char *s;

    va_start(ap, format);
    s = format_va(format, ap);
    va_end(ap);
    return s;
}

void cli_text_add(struct cli_text *t, const void *data, size_t len)
{
    if (len >= t->room - t->len) {
        if (len > SIZE_MAX / 4 || t->len > SIZE_MAX / 4) {
            out_of_memory();
        }
        t->room = (t->len + len + 64) * 2;
        t->data = cli_grow(t->data, t->room, 1);
    }
    if (len != 0) {
        memcpy(t->data + t->len, data, len);
    }
    t->len += len;
    t->data[t->len] = '\0';
}

void cli_text_str(struct cli_text *t, const char *s)
{
    cli_text_add(t, s, strlen(s));
}

void cli_text_printf(struct cli_text *t, const char *format, ...)
{
    va_list ap;
    char *s;

    va_start(ap, format);
    s = format_va(format, ap);
    va_end(ap);
    cli_text_str(t, s);
    free(s);
}

void cli_text_drop(struct cli_text *t, size_t len)
{
    if (len >= t->len) {
        len = t->len;
    }
    if (len != 0) {
        memmove(t->data, t->data + len, t->len - len + 1);
        t->len -= len;
    }
}

void cli_text_free(struct cli_text *t)
{
    free(t->data);
    *t = (struct cli_text){0};
}

/*
 * The length of the well-formed UTF-8 sequence at `p`, of a character above
 * U+009F (below lie the C1 controls); 0 when there is none.
 */
static size_t utf8_length(const unsigned char *p, size_t len)
{
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

    if (p[0] < 0xc2 || p[0] > 0xf4 || n > len) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xe0 && p[1] < 0xa0) ||
        (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f)) {
        return 0;
    }
    return n;
}

void cli_text_visible(struct cli_text *t, const void *data, size_t len)
{
    const unsigned char *p = data;

    while (len > 0) {
        size_t n = 1;

        if ((p[0] >= 0x20 && p[0] <= 0x7e) || p[0] == '\t') {
            cli_text_add(t, p, 1);
        } else if ((n = utf8_length(p, len)) != 0) {
            cli_text_add(t, p, n);
        } else {
            n = 1;
            cli_text_printf(t, "\\x%02x", p[0]);
        }
        p += n;
        len -= n;
    }
}

uint64_t cli_clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

bool cli_number(const char *s, uint64_t max, uint64_t *value)
{
    bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
    uint64_t base = hex ? 16 : 10;
    uint64_t n = 0;

    if (hex) {
        s += 2;
    }
    if (*s == '\0') {
        return false;
    }
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        uint64_t digit;

        if (!(hex ? isxdigit(c) : isdigit(c))) {
            return false;
        }
        digit = (uint64_t)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
        if (n > (UINT64_MAX - digit) / base) {
            return false;
        }
        n = n * base + digit;
    }
    if (n > max) {
        return false;
    }
    *value = n;
    return true;
}

/* Edit distance, neighbours swapped counting one; words up to 31 bytes. */
static size_t distance(const char *a, const char *b)
{
    enum { MAX = 32 };
    size_t d[MAX][MAX];
    size_t na = strlen(a), nb = strlen(b);

    if (na >= MAX || nb >= MAX) {
        return MAX;
    }
    for (size_t i = 0; i <= na; i++) {
        for (size_t j = 0; j <= nb; j++) {
            size_t best;

            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            best = d[i - 1][j] + 1 < best ? d[i - 1][j] + 1 : best;
            best = d[i][j - 1] + 1 < best ? d[i][j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best) {
                best = d[i - 2][j - 2] + 1;
            }
            d[i][j] = best;
        }
    }
    return d[na][nb];
}

const char *cli_nearest(const char *word,
                        const char *(*next)(const void *ctx, size_t index),
                        const void *ctx)
{
    const char *nearest = NULL, *candidate;
    size_t least = strlen(word) < 4 ? 2 : 3;

    for (size_t i = 0; (candidate = next(ctx, i)) != NULL; i++) {
        size_t d = distance(word, candidate);

        if (d < least) {
            least = d;
            nearest = candidate;
        }
    }
    return nearest;
}
