/* SPDX-License-Identifier: MIT */
/*
 * The domains of a host: what the hypervisor does not know of them (their
 * configurations, what they printed) and what it says of them.
 *
 * A console has any number of readers. What they do not take at once waits
 * for them, up to a limit; beyond it they are told how much they missed. A
 * reader that `follows` is handed on to the domain that a restart builds.
 */
#include "host_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "domain.h"

struct host_guest *host_guest_by_id(struct host *h, uint16_t domid)
{
    struct host_guest *g = h->guests;

    while (g != NULL && (g->domid != domid || g->gone)) {
        g = g->next;
    }
    return g;
}

void host_guest_uuid(uint16_t domid, char uuid[40])
{
    /* As the hypervisor's xenstore has it. */
    (void)snprintf(uuid, 40, "00000000-0000-4000-8000-00000000%04x", domid);
}

/* ---- events ---- */

void host_event(struct host *h, json_t *event)
{
    struct timespec t;
    long ms;

    clock_gettime(CLOCK_REALTIME, &t);
    ms = t.tv_nsec / 1000000;
    json_object_set_new(event, "time",
                        json_real((double)t.tv_sec + (double)ms / 1000));
    for (struct host_client *c = h->clients; c != NULL; c = c->next) {
        if (c->watch_id != NULL) {
            json_t *copy = json_deep_copy(event);

            json_object_set(copy, "id", c->watch_id);
            host_send(c, copy);
        }
    }
    json_decref(event);
}

static json_t *event_of(const char *what, const struct host_guest *g)
{
    return json_pack("{s:s, s:i, s:s}", "event", what, "domid", (int)g->domid,
                     "name", g->name);
}

/* ---- consoles ---- */

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
    (void)h;
    c->console_domid = g->domid;
    c->console_waits = false;
    (void)snprintf(c->console_name, sizeof(c->console_name), "%s", g->name);
    if (scrollback) {
        console_send(c, g->scrollback.data, g->scrollback.len);
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

static void open_log(struct host *h, struct host_guest *g)
{
    char *path;

    g->log_fd = -1;
    if (h->options->log_dir == NULL) {
        return;
    }
    path = cli_format("%s/guest-%s.log", h->options->log_dir, g->name);
    g->log_fd = open(path,
                     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
                         O_NONBLOCK,
                     0600);
    if (g->log_fd < 0) {
        cli_warning("%s: %s: the console of %s is not logged", path,
                    strerror(errno), g->name);
    }
    free(path);
}

static void log_output(struct host_guest *g, const char *data, size_t len)
{
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
    }
}

static void on_con(struct host *h, struct host_guest *g,
                   const struct link_message *m)
{
    log_output(g, m->text, m->text_len);
    cli_text_add(&g->scrollback, m->text, m->text_len);
    /* Now and then only: what is dropped moves the rest. */
    if (g->scrollback.len > 2u * HOST_SCROLLBACK) {
        cli_text_drop(&g->scrollback, g->scrollback.len - HOST_SCROLLBACK);
    }
    for (struct host_client *c = h->clients; c != NULL; c = c->next) {
        if (c->console_id != NULL && !c->console_waits &&
            c->console_domid == g->domid) {
            console_send(c, m->text, m->text_len);
        }
    }
}

/* ---- lines of the hypervisor ---- */

/* The configuration of the domain that `g` restarts, if it does. */
static void inherit(struct host *h, struct host_guest *g)
{
    for (struct host_guest *o = h->guests; o != NULL; o = o->next) {
        if (o != g && o->again && strcmp(o->name, g->name) == 0) {
            o->again = false;
            g->config = json_deep_copy(o->config);
        }
    }
}

static void free_guest(struct host_guest *g)
{
    json_decref(g->config);
    cli_text_free(&g->scrollback);
    if (g->log_fd >= 0) {
        close(g->log_fd);
    }
    free(g);
}

void host_guests_free(struct host *h)
{
    while (h->guests != NULL) {
        struct host_guest *g = h->guests;

        h->guests = g->next;
        free_guest(g);
    }
}

/* Those that are gone but wait for the domain that takes their place. */
static void forget_gone(struct host *h)
{
    struct host_guest **at = &h->guests;

    while (*at != NULL) {
        struct host_guest *g = *at;

        if (g->gone && !g->again) {
            *at = g->next;
            free_guest(g);
        } else {
            at = &g->next;
        }
    }
}

static void on_create(struct host *h, const struct link_message *m)
{
    struct host_guest *g = cli_alloc(sizeof(*g)), **last = &h->guests;

    g->domid = m->domid;
    (void)snprintf(g->name, sizeof(g->name), "%s", m->name);
    open_log(h, g);
    inherit(h, g);
    forget_gone(h); /* among them perhaps what it takes the place of */
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = g;
    host_event(h, event_of("create", g));
    for (struct host_client *c = h->clients; c != NULL; c = c->next) {
        if (c->console_id != NULL && c->console_follows &&
            strcmp(c->console_name, g->name) == 0) {
            host_console_attach(h, c, g, false);
        }
    }
}

static void on_end(struct host *h, struct host_guest *g,
                   const struct link_message *m)
{
    const char *reason = cli_reason_name(m->code);
    json_t *e = event_of("end", g);

    json_object_set_new(e, "code", json_integer(m->code));
    json_object_set_new(e, "reason",
                        reason != NULL && strcmp(m->action, "killed") != 0
                            ? json_string(reason)
                            : json_null());
    json_object_set_new(e, "action", json_string(m->action));
    g->again = strstr(m->action, "restart") != NULL;
    cli_note("domain %u (%s) ended: %s, %s", g->domid, g->name,
             reason != NULL ? reason : "no reason", m->action);
    host_event(h, e);
}

static void on_gone(struct host *h, struct host_guest *g)
{
    host_event(h, event_of("gone", g));
    g->gone = true;
    for (struct host_client *c = h->clients; c != NULL; c = c->next) {
        if (c->console_id == NULL || c->console_waits ||
            c->console_domid != g->domid) {
            continue;
        }
        if (c->console_follows && g->again) {
            c->console_waits = true;
        } else {
            host_console_end(c, "the domain is gone");
        }
    }
    forget_gone(h);
}

/* A restart that could not be: nobody else's `fail` comes without asking. */
static void on_fail(struct host *h, const struct link_message *m)
{
    cli_warning("%s: %s", m->name, m->text);
    host_event(h, json_pack("{s:s, s:s, s:o}", "event", "fail", "name", m->name,
                            "text", control_bytes(m->text, m->text_len)));
    for (struct host_client *c = h->clients; c != NULL; c = c->next) {
        if (c->console_waits && strcmp(c->console_name, m->name) == 0) {
            host_console_end(c, "it cannot be built again");
        }
    }
    for (struct host_guest *g = h->guests; g != NULL; g = g->next) {
        g->again = g->again && strcmp(g->name, m->name) != 0;
    }
    forget_gone(h);
}

void host_guest_line(struct host *h, const struct link_message *m)
{
    struct host_guest *g = host_guest_by_id(h, m->domid);
    json_t *e;

    if (m->verb == LINK_CREATE) {
        on_create(h, m);
    } else if (m->verb == LINK_FAIL) {
        on_fail(h, m);
    } else if (g == NULL) {
        cli_warning("the hypervisor speaks of domain %u, which is not known",
                    m->domid);
    } else if (m->verb == LINK_CON) {
        on_con(h, g, m);
    } else if (m->verb == LINK_END) {
        on_end(h, g, m);
    } else if (m->verb == LINK_GONE) {
        on_gone(h, g);
    } else if (m->verb == LINK_START) {
        host_event(h, event_of("start", g));
    } else if (m->verb == LINK_STOPPED) {
        host_event(h, event_of("stopped", g));
    } else if (m->verb == LINK_CRASH) {
        e = event_of("crash", g);
        json_object_set_new(e, "text", control_bytes(m->text, m->text_len));
        cli_warning("domain %u (%s) crashed: %s", g->domid, g->name, m->text);
        host_event(h, e);
    }
}
