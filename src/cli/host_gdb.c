/* SPDX-License-Identifier: MIT */
/*
 * Requests of a debugger's server (gdb_control.c): a connection debugs one
 * domain, which goes on, without breakpoints, when the connection ends.
 */
#include "host_daemon.h"

#include <inttypes.h>

void host_debug_drop(struct host *h, struct host_client *c)
{
    if (c->debug.held) {
        host_ask(h, host_hold_undone, NULL, "debug-detach %u", c->debug.domid);
    }
    c->debug.held = false;
}

/* A client that went away before the answer has asked to detach behind it. */
static void answer_attach(struct host *h, void *context, unsigned error,
                          json_t *rows, const char *text)
{
    struct host_request *r = context;
    struct host_client *c = host_client_by_serial(h, r->serial);

    if (error != 0 && c != NULL) {
        c->debug.held = false;
    }
    host_answer_words(h, r, error, rows, text);
}

void host_serve_debug_attach(struct host *h, struct host_client *c,
                             struct host_request *r, json_t *args)
{
    if (host_hold_begin(h, &c->debug, r, args, "debugs")) {
        host_ask(h, answer_attach, r, "debug-attach %u", c->debug.domid);
    }
}

void host_serve_debug_detach(struct host *h, struct host_client *c,
                             struct host_request *r, json_t *args)
{
    if (host_hold_check(h, &c->debug, r, args, "debug")) {
        c->debug.held = false;
        host_ask(h, host_answer_words, r, "debug-detach %u", c->debug.domid);
    }
}

void host_serve_debug_stop(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args)
{
    if (host_hold_check(h, &c->debug, r, args, "debug")) {
        host_ask(h, host_answer_words, r, "debug-stop %u", c->debug.domid);
    }
}

void host_serve_debug_go(struct host *h, struct host_client *c,
                         struct host_request *r, json_t *args)
{
    uint64_t run, step;

    if (host_hold_check(h, &c->debug, r, args, "debug") &&
        host_number(h, r, args, "run", INT64_MAX, &run) &&
        host_number(h, r, args, "step", INT64_MAX, &step)) {
        host_ask(h, host_answer_words, r,
                 "debug-go %u 0x%" PRIx64 " 0x%" PRIx64, c->debug.domid, run,
                 step);
    }
}

void host_serve_debug_break(struct host *h, struct host_client *c,
                            struct host_request *r, json_t *args)
{
    uint64_t gpa, set;

    if (host_hold_check(h, &c->debug, r, args, "debug") &&
        host_number(h, r, args, "gpa", INT64_MAX, &gpa) &&
        host_number(h, r, args, "set", 1, &set)) {
        host_ask(h, host_answer_words, r, "debug-break %u 0x%" PRIx64 " %u",
                 c->debug.domid, gpa, (unsigned)set);
    }
}

void host_serve_debug_map(struct host *h, struct host_client *c,
                          struct host_request *r, json_t *args)
{
    uint64_t gpa;

    if (host_hold_check(h, &c->debug, r, args, "debug") &&
        host_number(h, r, args, "gpa", INT64_MAX, &gpa)) {
        host_ask(h, host_answer_words, r, "debug-map %u 0x%" PRIx64,
                 c->debug.domid, gpa);
    }
}

void host_serve_debug_write(struct host *h, struct host_client *c,
                            struct host_request *r, json_t *args)
{
    uint64_t gpa, bytes;

    if (host_hold_check(h, &c->debug, r, args, "debug") &&
        host_number(h, r, args, "gpa", INT64_MAX, &gpa) &&
        host_number(h, r, args, "bytes", UINT16_MAX, &bytes)) {
        host_ask(h, host_answer_words, r,
                 "debug-write %u 0x%" PRIx64 " %" PRIu64, c->debug.domid, gpa,
                 bytes);
    }
}
