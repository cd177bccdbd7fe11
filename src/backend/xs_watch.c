/* SPDX-License-Identifier: MIT */
/*
 * Watches, and the events they cause.
 *
 * Events wait in a queue of the connection until its ring has room. An event
 * that is already waiting is not queued twice: it says "look again", and the
 * domain has not looked yet. What a domain does not fetch is bounded by its
 * queue share. None is lost behind its back: where one would be, the domain is
 * not spoken to any more, as by Xen's xenstored, until it reconnects. (An event
 * that is too long for a message is not sent by either.)
 */
#include "xs_private.h"

static uint32_t watch_take(struct xenstore *xs)
{
    uint32_t w = xs->watch_free;

    if (w != 0) {
        xs->watch_free = xs->watch[w].next;
    }
    return w;
}

/* Queues "`path` changed" for the connection that owns watch `w`. */
static void event_add(struct xenstore *xs, const struct xs_watch *w,
                      struct xs_path path)
{
    struct xs_conn *c = &xs->conn[w->slot];

    if (c->broken) {
        return;
    }
    for (uint32_t i = c->first_event; i != 0; i = xs->event[i].next) {
        if (xs->event[i].token == w->token &&
            text_equal(&xs->pool.text, xs->event[i].path, path.s, path.len)) {
            return;
        }
    }
    uint32_t e = xs->event_free;
    uint32_t text =
        e == 0 ? TEXT_NONE : xs_queue_charge(xs, c, path.s, path.len);

    if (text == TEXT_NONE) {
        xs_ring_break(xs, c, XENSTORE_ERROR_COMM,
                      "xenstore ignored: it does not read its events");
        return;
    }
    xs->event_free = xs->event[e].next;
    xs->event[e] = (struct xs_event){
        .path = text,
        .token = text_hold(&xs->pool.text, w->token),
        .skip = w->skip,
    };
    if (c->first_event == 0) {
        c->first_event = e;
    } else {
        xs->event[c->last_event].next = e;
    }
    c->last_event = e;
    c->nr_events++;
}

static void event_free(struct xenstore *xs, struct xs_conn *c)
{
    uint32_t e = c->first_event;

    c->first_event = xs->event[e].next;
    c->nr_events--;
    xs_queue_refund(xs, c, xs->event[e].path);
    text_drop(&xs->pool.text, xs->event[e].token);
    xs->event[e].next = xs->event_free;
    xs->event_free = e;
}

void xs_events_drop(struct xenstore *xs, struct xs_conn *c)
{
    while (c->first_event != 0) {
        event_free(xs, c);
    }
}

/*
 * Takes the oldest event and makes it a message; returns its size, 0 when
 * there is none, or when the text is longer than a message may be.
 */
size_t xs_event_next(struct xenstore *xs, struct xs_conn *c,
                     struct xs_message *m)
{
    const struct xs_event *e = &xs->event[c->first_event];
    const struct text_pool *text = &xs->pool.text;
    size_t path_len, token_len, len;
    char *at = m->body;

    if (c->first_event == 0) {
        return 0;
    }
    path_len = text_len(text, e->path) - e->skip;
    token_len = text_len(text, e->token);
    len = path_len + 1 + token_len + 1;
    if (len > XENSTORE_PAYLOAD_MAX) {
        /* A long path with a long token: xenstored does not send it either. */
        xs_complain(xs, c, "xenstore event lost: too long for a message");
        event_free(xs, c);
        return 0;
    }
    m->head = (struct xsd_sockmsg){
        .type = XS_WATCH_EVENT,
        .len = (uint32_t)len,
    };
    text_copy(text, e->path, xs->other, XS_SCRATCH);
    memcpy(at, xs->other + e->skip, path_len);
    at += path_len;
    *at++ = '\0';
    at += text_copy(text, e->token, at, token_len);
    *at = '\0';
    event_free(xs, c);
    return sizeof(m->head) + len;
}

static uint32_t watch_find(const struct xenstore *xs, const struct xs_conn *c,
                           struct xs_path path, struct xs_path token,
                           uint32_t *before)
{
    const struct text_pool *text = &xs->pool.text;
    uint32_t w = xs->watch_first;

    for (*before = 0; w != 0; *before = w, w = xs->watch[w].next) {
        if (xs->watch[w].slot == c->slot &&
            text_equal(text, xs->watch[w].path, path.s, path.len) &&
            text_equal(text, xs->watch[w].token, token.s, token.len)) {
            break;
        }
    }
    return w;
}

/* `skip`: how many bytes of `path` the domain left out (a relative path). */
int xs_watch_add(struct xenstore *xs, struct xs_conn *c, struct xs_path path,
                 uint32_t skip, struct xs_path token)
{
    uint32_t before;

    if (watch_find(xs, c, path, token, &before) != 0) {
        return -XEN_EEXIST;
    }
    if (c->nr_watches >= xs_share(xs, c, xs->cfg.watches) ||
        xs->watch_free == 0) {
        return -XEN_E2BIG;
    }
    uint32_t path_text = xs_queue_charge(xs, c, path.s, path.len);
    uint32_t token_text = path_text == TEXT_NONE
                              ? TEXT_NONE
                              : xs_queue_charge(xs, c, token.s, token.len);

    if (token_text == TEXT_NONE) {
        xs_queue_refund(xs, c, path_text);
        return -XEN_ENOSPC;
    }
    uint32_t w = watch_take(xs);

    xs->watch[w] = (struct xs_watch){
        .slot = c->slot, .path = path_text, .token = token_text, .skip = skip};
    if (xs->watch_first == 0) {
        xs->watch_first = w;
    } else {
        xs->watch[xs->watch_last].next = w;
    }
    xs->watch_last = w;
    c->nr_watches++;
    event_add(xs, &xs->watch[w], path);
    return 0;
}

static void watch_unlink(struct xenstore *xs, uint32_t w, uint32_t before)
{
    struct xs_conn *c = &xs->conn[xs->watch[w].slot];

    if (before == 0) {
        xs->watch_first = xs->watch[w].next;
    } else {
        xs->watch[before].next = xs->watch[w].next;
    }
    if (xs->watch_last == w) {
        xs->watch_last = before;
    }
    xs_queue_refund(xs, c, xs->watch[w].path);
    xs_queue_refund(xs, c, xs->watch[w].token);
    xs->watch[w].next = xs->watch_free;
    xs->watch_free = w;
    c->nr_watches--;
}

int xs_watch_remove(struct xenstore *xs, struct xs_conn *c, struct xs_path path,
                    struct xs_path token)
{
    uint32_t before;
    uint32_t w = watch_find(xs, c, path, token, &before);

    if (w == 0) {
        return -XEN_ENOENT;
    }
    watch_unlink(xs, w, before);
    return 0;
}

void xs_watch_remove_all(struct xenstore *xs, struct xs_conn *c)
{
    uint32_t before = 0, w = xs->watch_first;

    while (w != 0) {
        uint32_t next = xs->watch[w].next;

        if (xs->watch[w].slot == c->slot) {
            watch_unlink(xs, w, before);
        } else {
            before = w;
        }
        w = next;
    }
}

/* A domain hears only of nodes it could read (or could, before they went). */
static bool watch_permitted(const struct xenstore *xs, const struct xs_conn *c,
                            uint32_t root, struct xs_path path)
{
    uint32_t missing;
    uint32_t n = xs_tree_nearest(&xs->pool, root, path, &missing);

    return c->privileged || xs_may(c, &xs->pool.node[n], XS_ACCESS_READ);
}

/* The watch is on `path` or above it. */
static bool watch_covers(const struct xenstore *xs, const struct xs_watch *w,
                         struct xs_path path)
{
    const struct text_pool *text = &xs->pool.text;
    size_t len = text_len(text, w->path);

    return len <= path.len && text_starts(text, w->path, path.s, len) &&
           (len == 1 || len == path.len || path.s[len] == '/');
}

/* The watch is on a node of `root` below `path`: then its path. */
static bool watch_below(struct xenstore *xs, const struct xs_watch *w,
                        uint32_t root, struct xs_path path,
                        struct xs_path *below)
{
    const struct text_pool *text = &xs->pool.text;
    size_t len = text_len(text, w->path);

    if (len <= path.len || !text_starts(text, w->path, path.s, path.len) ||
        text_at(text, w->path, path.len) != '/') {
        return false;
    }
    text_copy(text, w->path, xs->other, XS_SCRATCH);
    *below = (struct xs_path){xs->other, len};
    return xs_tree_find(&xs->pool, root, *below) != 0;
}

/*
 * Queues the events of one change: for a removal first those who watch a node
 * that goes with it, then all who watch it or something above. `root` is the
 * version in which to look up rights: for a removal one in which the node
 * still is.
 */
void xs_watch_fire(struct xenstore *xs, uint32_t root, struct xs_path path,
                   bool removed)
{
    uint32_t i = removed ? xs->watch_first : 0;
    struct xs_path below;

    for (; i != 0; i = xs->watch[i].next) {
        const struct xs_watch *w = &xs->watch[i];

        if (watch_below(xs, w, root, path, &below) &&
            watch_permitted(xs, &xs->conn[w->slot], root, below)) {
            event_add(xs, w, below);
        }
    }
    for (i = xs->watch_first; i != 0; i = xs->watch[i].next) {
        const struct xs_watch *w = &xs->watch[i];

        if (watch_covers(xs, w, path) &&
            watch_permitted(xs, &xs->conn[w->slot], root, path)) {
            event_add(xs, w, path);
        }
    }
}

/* "@introduceDomain" and "@releaseDomain": for the privileged alone. */
void xs_watch_fire_special(struct xenstore *xs, const char *name)
{
    struct xs_path path = {name, strlen(name)};

    for (uint32_t i = xs->watch_first; i != 0; i = xs->watch[i].next) {
        const struct xs_watch *w = &xs->watch[i];

        if (xs->conn[w->slot].privileged &&
            text_equal(&xs->pool.text, w->path, path.s, path.len)) {
            event_add(xs, w, path);
        }
    }
}
