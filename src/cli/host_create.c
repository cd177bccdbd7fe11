/* SPDX-License-Identifier: MIT */
/*
 * The request that builds a domain: its files come along as descriptors. A
 * window of the machine's memory is asked for, filled (docs/link.md,
 * "Windows"), and given to the hypervisor.
 */
#include "host_daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xen/errno.h>

#include "image.h"

#define PAGE 4096u

struct creation {
    struct host_request *request;
    json_t *config; /* or NULL */
    bool paused;
    uint64_t pa, bytes;
    struct schedop_window table;
    char *text[SCHEDOP_WINDOW_PARTS];
    int file[SCHEDOP_WINDOW_PARTS];
};

static void free_creation(struct creation *c)
{
    for (size_t i = 0; i < SCHEDOP_WINDOW_PARTS; i++) {
        free(c->text[i]);
        if (c->file[i] >= 0) {
            close(c->file[i]);
        }
    }
    json_decref(c->config);
    free(c);
}

static void fail(struct host *h, struct creation *c, unsigned error,
                 const char *text)
{
    host_refuse_xen(h, c->request, error, text);
    free_creation(c);
}

/* ---- 3: built ---- */

static void on_created(struct host *h, void *context, unsigned error,
                       json_t *rows, const char *text)
{
    struct creation *c = context;
    struct host_guest *g;
    json_t *result;

    (void)rows;
    if (error != 0) {
        fail(h, c, error, text);
        return;
    }
    result = link_row_object(text);
    g = host_guest_by_id(
        h, (uint16_t)json_integer_value(json_object_get(result, "domid")));
    if (g != NULL) {
        json_decref(g->config);
        g->config = json_incref(c->config);
        json_object_set_new(result, "name", json_string(g->name));
    }
    host_reply(h, c->request, result);
    free_creation(c);
}

/* ---- 2: filled ---- */

static void on_freed(struct host *h, void *context, unsigned error,
                     json_t *rows, const char *text)
{
    (void)h;
    (void)context;
    (void)rows;
    if (error != 0 && error != HOST_NO_ANSWER) {
        cli_warning("a window cannot be given back: %s", text);
    }
}

/* Reads a file, whose size was known, to `to`. */
static bool read_file(int fd, uint8_t *to, uint64_t size)
{
    for (uint64_t done = 0; done < size;) {
        ssize_t n = pread(fd, to + done, size - done, (off_t)done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        done += (uint64_t)n;
    }
    return true;
}

static bool fill(struct host *h, const struct creation *c)
{
    uint8_t *window = ram_at(&h->q.ram, c->pa, c->bytes);

    if (window == NULL) {
        return false;
    }
    memcpy(window, &c->table, sizeof(c->table));
    for (uint32_t i = 0; i < c->table.nr_parts; i++) {
        const struct schedop_window_part *p = &c->table.part[i];

        memcpy(window + p->text, c->text[i], p->text_length);
        if (!read_file(c->file[i], window + p->offset, p->size)) {
            return false;
        }
    }
    return true;
}

static void on_window(struct host *h, void *context, unsigned error,
                      json_t *rows, const char *text)
{
    struct creation *c = context;
    json_t *answer;

    (void)rows;
    if (error != 0) {
        fail(h, c, error, text);
        return;
    }
    answer = link_row_object(text);
    c->pa = (uint64_t)json_integer_value(json_object_get(answer, "pa"));
    json_decref(answer);
    if (!fill(h, c)) {
        host_ask(h, on_freed, NULL, "window-free 0x%" PRIx64, c->pa);
        fail(h, c, XEN_EINVAL, "its files cannot be read");
        return;
    }
    host_ask(h, on_created, c, "create 0x%" PRIx64 "%s", c->pa,
             c->paused ? " paused" : "");
}

/* ---- 1: asked ---- */

static uint64_t page_up(uint64_t n)
{
    return (n + PAGE - 1) / PAGE * PAGE;
}

static const char *take_part(struct creation *c, size_t i, const json_t *words)
{
    struct schedop_window_part *p = &c->table.part[i];
    const char *text = json_string_value(words);
    struct stat st;

    if (text == NULL || strlen(text) > SCHEDOP_WINDOW_TEXT_MAX) {
        return "parts must be texts of at most 8192 bytes";
    }
    for (const char *s = text; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            return "a part holds a control character";
        }
    }
    if (fstat(c->file[i], &st) != 0 || !S_ISREG(st.st_mode) ||
        st.st_size <= 0 || (uint64_t)st.st_size > CLI_FILE_MAX) {
        return "a file must be a regular one, not empty, of at most 1 GiB";
    }
    c->text[i] = cli_strdup(text);
    p->size = (uint64_t)st.st_size;
    p->text = c->bytes;
    p->text_length = strlen(text);
    c->bytes += p->text_length;
    return NULL;
}

/* NULL, or why it is refused. */
static const char *take_parts(struct creation *c, struct host_client *client,
                              const json_t *parts)
{
    size_t n = json_array_size(parts);

    if (n == 0 || n > SCHEDOP_WINDOW_PARTS || n != client->nr_files) {
        return "there must be 1 to 5 parts and as many files";
    }
    c->table.magic = SCHEDOP_WINDOW_MAGIC;
    c->table.nr_parts = (uint32_t)n;
    c->bytes = sizeof(c->table);
    client->nr_files = 0; /* they are ours now */
    for (size_t i = 0; i < n; i++) {
        c->file[i] = client->file[i];
    }
    for (size_t i = 0; i < n; i++) {
        const char *why = take_part(c, i, json_array_get(parts, i));

        if (why != NULL) {
            return why;
        }
    }
    for (size_t i = 0; i < n; i++) {
        c->table.part[i].offset = page_up(c->bytes);
        c->bytes = c->table.part[i].offset + c->table.part[i].size;
    }
    return NULL;
}

void host_serve_create(struct host *h, struct host_client *client,
                       struct host_request *r, json_t *args)
{
    struct creation *c = cli_alloc(sizeof(*c));
    json_t *config = json_object_get(args, "config");
    const char *why;

    for (size_t i = 0; i < SCHEDOP_WINDOW_PARTS; i++) {
        c->file[i] = -1;
    }
    c->request = r;
    c->config = json_is_object(config) ? json_incref(config) : NULL;
    c->paused = json_is_true(json_object_get(args, "paused"));
    why = take_parts(c, client, json_object_get(args, "parts"));
    if (why != NULL) {
        fail(h, c, XEN_EINVAL, why);
        return;
    }
    host_ask(h, on_window, c, "window %" PRIu64, c->bytes);
}
