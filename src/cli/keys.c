/* SPDX-License-Identifier: MIT */
/* The keys of a configuration: see keys.h. */
#include "keys.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct scan {
    const char *p, *end;
    unsigned line;
};

static bool more(const struct scan *s)
{
    return s->p < s->end;
}

static void step(struct scan *s)
{
    s->line += *s->p == '\n';
    s->p++;
}

static void skip_comment(struct scan *s)
{
    while (more(s) && *s->p != '\n') {
        s->p++;
    }
}

/* A backslash takes the next byte with it; a string ends on its line. */
static void skip_string(struct scan *s)
{
    char quote = *s->p++;

    while (more(s) && *s->p != quote && *s->p != '\n') {
        s->p += *s->p == '\\' && s->end - s->p > 1 && s->p[1] != '\n' ? 2 : 1;
    }
    if (more(s) && *s->p == quote) {
        s->p++;
    }
}

static void skip_blanks(struct scan *s)
{
    while (more(s) && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r')) {
        s->p++;
    }
}

/* Behind the value: to the newline or semicolon outside brackets. */
static bool skip_value(struct scan *s)
{
    const char *start;
    int depth = 0;
    size_t len;

    while (more(s) && (*s->p == '=' || *s->p == '+')) {
        s->p++;
    }
    skip_blanks(s);
    start = s->p;
    len = 0;
    while (more(s) && (depth > 0 || (*s->p != '\n' && *s->p != ';'))) {
        if (*s->p == '#') {
            skip_comment(s);
        } else if (*s->p == '"' || *s->p == '\'') {
            skip_string(s);
            len = (size_t)(s->p - start);
        } else {
            depth += (*s->p == '[') - (*s->p == ']');
            if (!isspace((unsigned char)*s->p)) {
                len = (size_t)(s->p - start) + 1;
            }
            step(s);
        }
    }
    return len == 2 &&
           (memcmp(start, "\"\"", 2) == 0 || memcmp(start, "''", 2) == 0 ||
            memcmp(start, "[]", 2) == 0);
}

static void take_key(struct cli_keys *keys, struct scan *s)
{
    const char *start = s->p;
    struct cli_key *key;

    while (more(s) && (isalnum((unsigned char)*s->p) || *s->p == '_')) {
        s->p++;
    }
    keys->key = cli_grow(keys->key, keys->count + 1, sizeof(*keys->key));
    key = &keys->key[keys->count++];
    key->name = cli_format("%.*s", (int)(s->p - start), start);
    key->line = s->line;
    skip_blanks(s);
    key->empty = skip_value(s);
}

void cli_keys_scan(struct cli_keys *keys, const char *text, size_t len)
{
    struct scan s = {text, text + len, 1};

    while (more(&s)) {
        if (*s.p == '#') {
            skip_comment(&s);
        } else if (isalpha((unsigned char)*s.p) || *s.p == '_') {
            take_key(keys, &s);
        } else {
            step(&s);
        }
    }
}

void cli_keys_free(struct cli_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        free(keys->key[i].name);
    }
    free(keys->key);
    *keys = (struct cli_keys){0};
}

unsigned cli_keys_line(const struct cli_keys *keys, const char *name)
{
    unsigned line = 0;

    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->key[i].name, name) == 0) {
            line = keys->key[i].line;
        }
    }
    return line;
}
