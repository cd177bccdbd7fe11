/* SPDX-License-Identifier: MIT */
/*
 * The JSON of rt-app is laxer than JSON. People write it as workgen, which
 * comes with rt-app, takes it: with comments, with a comma behind the last
 * member, with the same event several times in a phase, with `"suspend",`
 * alone. Here such a text becomes strict, every line where it was, and each
 * member's place is noted, so that what is refused later can be named by its
 * line: the parser of JSON forgets where its values stood.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "rtapp.h"

#define DEPTH_MAX 32u

/* An object or a list that is open. */
struct level {
    size_t first; /* of its members among the places */
    size_t path;  /* so much of the path names it */
    bool object;
};

struct strict {
    struct rtapp_text *t;
    const char *at;
    size_t len, room; /* of t->json */
    unsigned line;
    struct level level[DEPTH_MAX];
    unsigned depth;
    char path[PATH_ROOM];
    size_t comma; /* a comma that may be one too many: its place, and 1 */
    bool key;     /* a member's name comes next */
};

static void put(struct strict *s, char c)
{
    if (s->len + 1 >= s->room) {
        s->room = s->room * 2 + 256;
        s->t->json = sim_grow(s->t->json, s->room, 1);
    }
    s->t->json[s->len++] = c;
    s->t->json[s->len] = '\0';
}

static void put_text(struct strict *s, const char *text)
{
    while (*text != '\0') {
        put(s, *text++);
    }
}

/* Behind blanks and comments. */
static const char *skip_blank(const char *at)
{
    for (;;) {
        if (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') {
            at++;
        } else if (at[0] == '/' && at[1] == '/') {
            at += strcspn(at, "\n");
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = strstr(at + 2, "*/");

            at = end != NULL ? end + 2 : at + strlen(at);
        } else {
            return at;
        }
    }
}

static void copy_blank(struct strict *s)
{
    const char *end = skip_blank(s->at);

    for (; s->at < end; s->at++) {
        s->line += *s->at == '\n';
        put(s, *s->at == '\n' ? '\n' : ' ');
    }
}

/* Behind the string that begins at `at`. */
static const char *string_end(const char *at)
{
    for (at++; *at != '\0' && *at != '"' && *at != '\n'; at++) {
        if (at[0] == '\\' && at[1] != '\0' && at[1] != '\n') {
            at++;
        }
    }
    return *at == '"' ? at + 1 : at;
}

static void copy_to(struct strict *s, const char *end)
{
    while (s->at < end) {
        put(s, *s->at++);
    }
}

/* Whether the object that is open has such a member already. */
static bool is_taken(const struct strict *s, const char *path)
{
    for (size_t i = s->level[s->depth - 1].first; i < s->t->nr_places; i++) {
        if (strcmp(s->t->place[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

static void note_place(struct strict *s)
{
    struct rtapp_text *t = s->t;

    t->place = sim_grow(t->place, t->nr_places + 1, sizeof(*t->place));
    t->place[t->nr_places].path = sim_strdup(s->path);
    t->place[t->nr_places++].line = s->line;
}

/* A name that was there gets the first number that makes it another one. */
static void member_name(struct strict *s)
{
    const char *end = string_end(s->at), *next = skip_blank(end);
    size_t used = s->level[s->depth - 1].path;
    size_t room = sizeof(s->path) - used;
    int len = (int)(end - s->at) - 2;
    const char *name = s->at + 1;
    bool alone = *next == ',' || *next == '}';
    unsigned n = 0;

    (void)snprintf(s->path + used, room, "%s%.*s", used != 0 ? "." : "",
                   len > 0 ? len : 0, name);
    while (len > 0 && is_taken(s, s->path) && n < 10000) {
        (void)snprintf(s->path + used, room, "%s%.*s%u", used != 0 ? "." : "",
                       len, name, ++n);
    }
    note_place(s);
    copy_to(s, end - (end[-1] == '"' ? 1 : 0));
    if (n != 0) {
        char number[16];

        (void)snprintf(number, sizeof(number), "%u", n);
        put_text(s, number);
    }
    copy_to(s, end);
    if (alone &&
        (strncmp(name, "suspend", 7) == 0 || strncmp(name, "yield", 5) == 0)) {
        put_text(s, ": \"\"");
    }
    s->key = false;
}

/* False if it is nested too deeply: then the rest stays as it is. */
static bool open_level(struct strict *s)
{
    if (s->depth == DEPTH_MAX) {
        return false;
    }
    s->level[s->depth++] =
        (struct level){s->t->nr_places, strlen(s->path), *s->at == '{'};
    s->key = *s->at == '{';
    return true;
}

static void close_level(struct strict *s)
{
    if (s->comma != 0) {
        s->t->json[s->comma - 1] = ' ';
    }
    if (s->depth != 0) {
        s->path[s->level[--s->depth].path] = '\0';
    }
    s->key = false;
}

static void next_member(struct strict *s)
{
    if (s->depth != 0) {
        s->key = s->level[s->depth - 1].object;
    }
    s->comma = s->len + 1;
}

/* One word or sign; false if there is none, or none that could be read. */
static bool copy_one(struct strict *s)
{
    size_t comma = s->comma;
    char c = *s->at;

    if (c == '\0') {
        return false;
    }
    if (c == '}' || c == ']') {
        close_level(s);
    }
    s->comma = 0;
    if (c == '"') {
        if (s->key) {
            member_name(s);
        } else {
            copy_to(s, string_end(s->at));
        }
        return true;
    }
    if (c == '{' || c == '[') {
        if (!open_level(s)) {
            return false;
        }
    } else if (c == ',' && comma == 0) {
        next_member(s);
    }
    put(s, *s->at++);
    return true;
}

void rtapp_text_read(struct rtapp_text *t, const char *text)
{
    struct strict s = {.t = t, .at = text, .line = 1};

    memset(t, 0, sizeof(*t));
    do {
        copy_blank(&s);
    } while (copy_one(&s));
    put_text(&s, s.at);
    put(&s, '\n');
}

void rtapp_text_free(struct rtapp_text *t)
{
    for (size_t i = 0; i < t->nr_places; i++) {
        free(t->place[i].path);
    }
    free(t->place);
    free(t->json);
}

unsigned rtapp_line(const struct rtapp_text *t, const char *path)
{
    char part[PATH_ROOM];
    char *dot;

    (void)snprintf(part, sizeof(part), "%s", path);
    do {
        for (size_t i = 0; i < t->nr_places; i++) {
            if (strcmp(t->place[i].path, part) == 0) {
                return t->place[i].line;
            }
        }
        dot = strrchr(part, '.');
        if (dot != NULL) {
            *dot = '\0';
        }
    } while (dot != NULL);
    return 0;
}
