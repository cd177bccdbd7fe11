/* SPDX-License-Identifier: MIT */
/*
 * The domains of a host: what the hypervisor does not know of them (their
 * configurations) and what it says of them. A reader of a console that
 * `follows` is handed on to the domain that a restart builds.
 */
#include "host_daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static void free_guest(struct host *h, struct host_guest *g)
{
    host_console_close(h, g);
    json_decref(g->config);
    free(g);
}

void host_guests_free(struct host *h)
{
    while (h->guests != NULL) {
        struct host_guest *g = h->guests;

        h->guests = g->next;
        free_guest(h, g);
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
            free_guest(h, g);
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
    host_console_open(h, g);
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
    if (strcmp(m->action, "rename-restart") == 0) {
        host_again_add(h, g->domid); /* it stays */
    }
    cli_note("domain %u (%s) ended: %s, %s", g->domid, g->name,
             reason != NULL ? reason : "no reason", m->action);
    host_event(h, e);
}

static void on_gone(struct host *h, struct host_guest *g)
{
    host_event(h, event_of("gone", g));
    g->gone = true;
    if (g->again) {
        host_again_add(h, g->domid);
    }
    host_console_refuse(h, g);
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
        host_console_output(h, g, m->text, m->text_len);
    } else if (m->verb == LINK_TOOK) {
        host_console_took(h, g, m);
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
