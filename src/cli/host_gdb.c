/* SPDX-License-Identifier: MIT */
/*
 * Requests of a debugger's server (gdb_control.c): a connection debugs one
 * domain, which goes on, without breakpoints, when the connection ends.
 */
#include "host_daemon.h"

#include <inttypes.h>

static void on_undone(struct host *h, void *context, unsigned error,
                      json_t *rows, const char *text)
{
    (void)h;
    (void)context;
    (void)error; /* the domain has gone by itself */
    (void)rows;
    (void)text;
}

void host_debug_drop(struct host *h, struct host_client *c)
{
    if (c->debugs) {
        host_ask(h, on_undone, NULL, "debug-detach %u", c->debug_domid);
    }
    c->debugs = false;
}

/* The domain asked about is that which this connection debugs. */
static bool debugs(struct host *h, const struct host_client *c,
                   struct host_request *r, const json_t *args)
{
    uint64_t domid;

    if (!host_number(h, r, args, "domid", UINT16_MAX, &domid)) {
        return false;
    }
    if (!c->debugs || c->debug_domid != domid) {
        host_refuse(h, r, "invalid", "this connection does not debug it");
        return false;
    }
    return true;
}

/* A client that went away before the answer has asked to detach behind it. */
static void answer_attach(struct host *h, void *context, unsigned error,
                          json_t *rows, const char *text)
{
    struct host_request *r = context;
    struct host_client *c = host_client_by_serial(h, r->serial);

    if (error != 0 && c != NULL) {
        c->debugs = false;
    }
    host_answer_words(h, r, error, rows, text);
}

void host_serve_debug_attach(struct host *h, struct host_client *c,
                             struct host_request *r, json_t *args)
{
    uint64_t domid;

    if (!host_number(h, r, args, "domid", UINT16_MAX, &domid)) {
        return;
    }
    if (c->debugs) {
        host_refuse(h, r, "busy", "this connection debugs a domain already");
        return;
    }
    c->debugs = true;
    c->debug_domid = (uint16_t)domid;
    host_ask(h, answer_attach, r, "debug-attach %" PRIu64, domid);
}

void host_serve_debug_detach(struct host *h, struct host_client *c,
                             struct host_request *r, json_t *args)
{
    if (debugs(h, c, r, args)) {
        c->debugs = false;
        host_ask(h, host_answer_words, r, "debug-detach %u", c->debug_domid);
    }
}

void host_serve_debug_stop(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args)
{
    if (debugs(h, c, r, args)) {
        host_ask(h, host_answer_words, r, "debug-stop %u", c->debug_domid);
    }
}

void host_serve_debug_go(struct host *h, struct host_client *c,
                         struct host_request *r, json_t *args)
{
    uint64_t run, step;

    if (debugs(h, c, r, args) &&
        host_number(h, r, args, "run", INT64_MAX, &run) &&
        host_number(h, r, args, "step", INT64_MAX, &step)) {
        host_ask(h, host_answer_words, r,
                 "debug-go %u 0x%" PRIx64 " 0x%" PRIx64, c->debug_domid, run,
                 step);
    }
}

void host_serve_debug_break(struct host *h, struct host_client *c,
                            struct host_request *r, json_t *args)
{
    uint64_t gpa, set;

    if (debugs(h, c, r, args) &&
        host_number(h, r, args, "gpa", INT64_MAX, &gpa) &&
        host_number(h, r, args, "set", 1, &set)) {
        host_ask(h, host_answer_words, r, "debug-break %u 0x%" PRIx64 " %u",
                 c->debug_domid, gpa, (unsigned)set);
    }
}

void host_serve_debug_map(struct host *h, struct host_client *c,
                          struct host_request *r, json_t *args)
{
    uint64_t gpa;

    if (debugs(h, c, r, args) &&
        host_number(h, r, args, "gpa", INT64_MAX, &gpa)) {
        host_ask(h, host_answer_words, r, "debug-map %u 0x%" PRIx64,
                 c->debug_domid, gpa);
    }
}

void host_serve_debug_write(struct host *h, struct host_client *c,
                            struct host_request *r, json_t *args)
{
    uint64_t gpa, bytes;

    if (debugs(h, c, r, args) &&
        host_number(h, r, args, "gpa", INT64_MAX, &gpa) &&
        host_number(h, r, args, "bytes", UINT16_MAX, &bytes)) {
        host_ask(h, host_answer_words, r,
                 "debug-write %u 0x%" PRIx64 " %" PRIu64, c->debug_domid, gpa,
                 bytes);
    }
}
