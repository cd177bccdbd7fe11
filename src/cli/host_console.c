/* SPDX-License-Identifier: MIT */
/*
 * The consoles of a host's domains.
 *
 * Output goes to the domain's log, to its scrollback and to any number of
 * readers. What they do not take at once waits for them, up to a limit;
 * beyond it they are told how much they missed. Nobody waits for a reader.
 *
 * Input waits here until the hypervisor has room for it, which it has when
 * the domain took what came before; the request that brought it is answered
 * then. So whoever types waits for the domain, and nothing is lost.
 */
#include "host_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One request's input, or what is left of it. */
struct host_typed {
    struct host_typed *next;
    struct host_request *request;
    struct cli_text text;
};

/* ---- readers ---- */

static void console_send(struct host_client *c, const char *data, size_t len)
{
    json_t *m;

    if (len == 0) {
        return;
    }
    if (c->out.len > HOST_CONSOLE_MAX) {
        c->console_lost += len;
        return;
    }
    m = json_pack("{s:O, s:s, s:i, s:o}", "id", c->console_id, "event",
                  "console", "domid", (int)c->console_domid, "data",
                  control_bytes(data, len));
    if (c->console_lost != 0) {
        json_object_set_new(m, "lost",
                            json_integer((json_int_t)c->console_lost));
        c->console_lost = 0;
    }
    host_send(c, m);
}

void host_console_attach(struct host *h, struct host_client *c,
                         const struct host_guest *g, bool scrollback)
{
    const struct cli_text *old = &g->scrollback;
    size_t skip = old->len > HOST_SCROLLBACK ? old->len - HOST_SCROLLBACK : 0;

    (void)h;
    c->console_domid = g->domid;
    c->console_waits = false;
    (void)snprintf(c->console_name, sizeof(c->console_name), "%s", g->name);
    if (scrollback && old->len > 0) {
        console_send(c, old->data + skip, old->len - skip);
    }
}

void host_console_end(struct host_client *c, const char *why)
{
    if (c->console_id != NULL) {
        host_send(c, json_pack("{s:O, s:s, s:s}", "id", c->console_id, "event",
                               "console-end", "why", why));
        json_decref(c->console_id);
        c->console_id = NULL;
    }
}

/* ---- logs ---- */

static void log_open(struct host_guest *g)
{
    struct stat st;

    g->log_fd = open(g->log_path,
                     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
                         O_NONBLOCK,
                     0600);
    g->log_size = 0;
    g->log_turns = false;
    if (g->log_fd < 0) {
        cli_warning("%s: %s: the console of %s is not logged", g->log_path,
                    strerror(errno), g->name);
    } else if (fstat(g->log_fd, &st) == 0 && S_ISREG(st.st_mode)) {
        g->log_size = (uint64_t)st.st_size;
        g->log_turns = true;
    }
}

/* The log is full: it becomes the old one, in place of that before it. */
static void log_turn(struct host_guest *g)
{
    char *old = cli_format("%s.1", g->log_path);

    if (rename(g->log_path, old) == 0) {
        close(g->log_fd);
        log_open(g);
    } else {
        cli_warning("%s: %s: it grows beyond its limit", g->log_path,
                    strerror(errno));
        g->log_turns = false;
    }
    free(old);
}

static void log_output(const struct host *h, struct host_guest *g,
                       const char *data, size_t len)
{
    uint64_t max = h->options->log_max;

    if (g->log_fd >= 0 && g->log_turns && max != 0 && g->log_size > 0 &&
        g->log_size + len > max) {
        log_turn(g);
    }
    while (g->log_fd >= 0 && len > 0) {
        ssize_t n = write(g->log_fd, data, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            cli_warning("the log of %s cannot be written (%s) and ends here",
                        g->name, strerror(errno));
            close(g->log_fd);
            g->log_fd = -1;
            return;
        }
        data += n;
        len -= (size_t)n;
        g->log_size += (uint64_t)n;
    }
}

/* ---- input ---- */

/* Sends what the hypervisor has room for, and answers what is done with. */
static void input_send(struct host *h, struct host_guest *g)
{
    while (g->typed != NULL) {
        struct host_typed *t = g->typed;

        g->typed_bytes -=
            link_type(&h->to_link, g->domid, &t->text, &g->input_room);
        if (t->text.len > 0) {
            return;
        }
        g->typed = t->next;
        host_reply(h, t->request, json_object());
        cli_text_free(&t->text);
        free(t);
    }
}

void host_console_input(struct host *h, struct host_guest *g,
                        struct host_request *r, struct cli_text *text)
{
    struct host_typed *t, **last = &g->typed;

    if (text->len > HOST_INPUT_MAX - g->typed_bytes) {
        host_refuse(h, r, "busy",
                    "the domain has not read what was typed before");
        cli_text_free(text);
        return;
    }
    t = cli_alloc(sizeof(*t));
    t->request = r;
    t->text = *text;
    g->typed_bytes += text->len;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = t;
    input_send(h, g);
}

void host_console_took(struct host *h, struct host_guest *g,
                       const struct link_message *m)
{
    link_took(m, &g->input_room);
    input_send(h, g);
}

void host_console_refuse(struct host *h, struct host_guest *g)
{
    while (g->typed != NULL) {
        struct host_typed *t = g->typed;

        g->typed = t->next;
        host_refuse(h, t->request, "no-domain",
                    "the domain went before it read this");
        cli_text_free(&t->text);
        free(t);
    }
    g->typed_bytes = 0;
}

/* ---- domains ---- */

void host_console_open(const struct host *h, struct host_guest *g)
{
    g->log_fd = -1;
    g->input_room = SCHEDOP_LINK_INPUT;
    if (h->options->log_dir != NULL) {
        g->log_path =
            cli_format("%s/guest-%s.log", h->options->log_dir, g->name);
        log_open(g);
    }
}

void host_console_close(struct host *h, struct host_guest *g)
{
    host_console_refuse(h, g);
    cli_text_free(&g->scrollback);
    free(g->log_path);
    if (g->log_fd >= 0) {
        close(g->log_fd);
    }
}

void host_console_output(struct host *h, struct host_guest *g, const char *data,
                         size_t len)
{
    log_output(h, g, data, len);
    cli_text_add(&g->scrollback, data, len);
    /* Now and then only: what is dropped moves the rest. */
    if (g->scrollback.len > 2u * HOST_SCROLLBACK) {
        cli_text_drop(&g->scrollback, g->scrollback.len - HOST_SCROLLBACK);
    }
    for (struct host_client *c = h->clients; c != NULL; c = c->next) {
        if (c->console_id != NULL && !c->console_waits &&
            c->console_domid == g->domid) {
            console_send(c, data, len);
        }
    }
}
