/* SPDX-License-Identifier: MIT */
/*
 * The requests of `save` and `restore` (docs/control.md). The client does the
 * work, in the machine's memory, so that no disk is waited for here; this
 * keeps in mind what a client has begun, and undoes it when the client goes
 * away before it is finished.
 */
#include "host_daemon.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xen/errno.h>

static void on_undone(struct host *h, void *context, unsigned error,
                      json_t *rows, const char *text)
{
    (void)h;
    (void)context;
    (void)rows;
    if (error != 0 && error != HOST_NO_ANSWER && error != XEN_ESRCH) {
        cli_warning("what a client left undone cannot be undone: %s", text);
    }
}

void host_save_drop(struct host *h, struct host_client *c)
{
    for (size_t i = 0; i < HOST_WINDOWS; i++) {
        if (c->window[i] != 0) {
            host_ask(h, on_undone, NULL, "window-free 0x%" PRIx64,
                     c->window[i]);
        }
    }
    if (c->save.held) {
        host_ask(h, on_undone, NULL, "save-end %u resume", c->save.domid);
    }
    if (c->restores) {
        host_ask(h, on_undone, NULL, "destroy %u", c->restore_domid);
    }
    memset(c->window, 0, sizeof(c->window));
    c->save.held = c->restores = false;
}

/* ---- windows ---- */

static uint64_t *window_slot(struct host_client *c, uint64_t pa)
{
    for (size_t i = 0; i < HOST_WINDOWS; i++) {
        if (c->window[i] == pa) {
            return &c->window[i];
        }
    }
    return NULL;
}

/* A window is the client's from now on, if there still is one. */
static void keep_window(struct host *h, const struct host_request *r,
                        uint64_t pa)
{
    struct host_client *c = host_client_by_serial(h, r->serial);
    uint64_t *slot = c != NULL ? window_slot(c, 0) : NULL;

    if (slot != NULL) {
        *slot = pa;
    } else {
        host_ask(h, on_undone, NULL, "window-free 0x%" PRIx64, pa);
    }
}

/* For answers that name a window in `pa`. */
void host_answer_window(struct host *h, void *context, unsigned error,
                        json_t *rows, const char *text)
{
    struct host_request *r = context;
    json_t *result;

    (void)rows;
    if (error != 0) {
        host_refuse_xen(h, r, error, text);
        return;
    }
    result = link_row_object(text);
    keep_window(h, r,
                (uint64_t)json_integer_value(json_object_get(result, "pa")));
    host_reply(h, r, result);
}

static void answer(struct host *h, void *context, unsigned error, json_t *rows,
                   const char *text)
{
    (void)rows;
    if (error != 0) {
        host_refuse_xen(h, context, error, text);
    } else {
        host_reply(h, context, json_object());
    }
}

void host_serve_window(struct host *h, struct host_client *c,
                       struct host_request *r, json_t *args)
{
    uint64_t bytes;

    if (!host_number(h, r, args, "bytes", INT64_MAX, &bytes)) {
        return;
    }
    if (window_slot(c, 0) == NULL) {
        host_refuse(h, r, "busy", "this connection has too many windows");
        return;
    }
    host_ask(h, host_answer_window, r, "window %" PRIu64, bytes);
}

/* One of the client's own, which it has no more; NULL with a refusal. */
static bool take_window(struct host *h, struct host_client *c,
                        struct host_request *r, const json_t *args,
                        const char *key, uint64_t *pa)
{
    uint64_t *slot;

    if (!host_number(h, r, args, key, INT64_MAX, pa)) {
        return false;
    }
    slot = *pa != 0 ? window_slot(c, *pa) : NULL;
    if (slot == NULL) {
        host_refuse(h, r, "invalid", "%s is no window of this connection", key);
        return false;
    }
    *slot = 0;
    return true;
}

void host_serve_window_free(struct host *h, struct host_client *c,
                            struct host_request *r, json_t *args)
{
    uint64_t pa;

    if (take_window(h, c, r, args, "pa", &pa)) {
        host_ask(h, answer, r, "window-free 0x%" PRIx64, pa);
    }
}

/* ---- save ---- */

/* What a client that went away before the answer cannot finish. */
static void answer_begin(struct host *h, void *context, unsigned error,
                         json_t *rows, const char *text)
{
    struct host_request *r = context;
    struct host_client *c = host_client_by_serial(h, r->serial);

    if (error != 0 && c != NULL) {
        c->save.held = false;
    }
    answer(h, r, error, rows, text);
}

void host_serve_save_begin(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args)
{
    if (host_hold_begin(h, &c->save, r, args, "saves")) {
        host_ask(h, answer_begin, r, "save-begin %u", c->save.domid);
    }
}

void host_serve_save_state(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args)
{
    if (host_hold_check(h, &c->save, r, args, "save")) {
        host_ask(h, host_answer_window, r, "save-state %u", c->save.domid);
    }
}

void host_serve_save_end(struct host *h, struct host_client *c,
                         struct host_request *r, json_t *args)
{
    const char *then;

    if (!host_hold_check(h, &c->save, r, args, "save") ||
        (then = host_word(h, r, args, "then")) == NULL) {
        return;
    }
    c->save.held = false;
    host_ask(h, answer, r, "save-end %u %s", c->save.domid, then);
}

/* ---- restore ---- */

struct restoration {
    struct host_request *request;
    json_t *config; /* or NULL */
};

static void answer_restore(struct host *h, void *context, unsigned error,
                           json_t *rows, const char *text)
{
    struct restoration *x = context;
    struct host_client *c = host_client_by_serial(h, x->request->serial);
    struct host_guest *g;
    json_t *result;
    uint16_t domid;

    (void)rows;
    if (error != 0) {
        host_refuse_xen(h, x->request, error, text);
    } else {
        result = link_row_object(text);
        domid = (uint16_t)json_integer_value(json_object_get(result, "domid"));
        g = host_guest_by_id(h, domid);
        if (g != NULL) {
            json_decref(g->config);
            g->config = json_incref(x->config);
        }
        if (c != NULL) {
            c->restores = true;
            c->restore_domid = domid;
        } else {
            host_ask(h, on_undone, NULL, "destroy %u", domid);
        }
        host_reply(h, x->request, result);
    }
    json_decref(x->config);
    free(x);
}

void host_serve_restore(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    json_t *config = json_object_get(args, "config");
    const char *name = host_word(h, r, args, "name");
    struct restoration *x;
    uint64_t image, state;

    if (name == NULL || !host_number(h, r, args, "state", INT64_MAX, &state)) {
        return;
    }
    if (c->restores || state == 0 || window_slot(c, state) == NULL) {
        host_refuse(h, r, "invalid",
                    "one domain at a time, whose state is in a window of this "
                    "connection");
        return;
    }
    if (!take_window(h, c, r, args, "image", &image)) {
        return;
    }
    x = cli_alloc(sizeof(*x));
    x->request = r;
    x->config = json_is_object(config) ? json_incref(config) : NULL;
    host_ask(h, answer_restore, x, "restore 0x%" PRIx64 " %s 0x%" PRIx64, state,
             name, image);
}

/* Its memory is filled in: it is a domain as others are. */
void host_serve_restored(struct host *h, struct host_client *c,
                         struct host_request *r, json_t *args)
{
    uint64_t domid;

    if (!host_number(h, r, args, "domid", UINT16_MAX, &domid)) {
        return;
    }
    if (!c->restores || c->restore_domid != domid) {
        host_refuse(h, r, "invalid", "this connection does not restore it");
        return;
    }
    c->restores = false;
    if (json_is_true(json_object_get(args, "paused"))) {
        host_reply(h, r, json_object());
    } else {
        host_ask(h, answer, r, "unpause %" PRIu64, domid);
    }
}
