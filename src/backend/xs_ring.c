/* SPDX-License-Identifier: MIT */
/*
 * Bytes between the ring page and whole messages.
 *
 * The page is the guest's, so each index is read once per use and must leave
 * a fill that fits the ring, and a message's length is checked before its
 * body is awaited. A domain that breaks either rule is told so in the page's
 * error field and not served again until it asks to reconnect. One request
 * is served at a time: while its reply does not fit the ring the next one
 * waits, so a domain that does not read stops only itself.
 */
#include "xs_private.h"

_Static_assert(sizeof(struct xenstore_domain_interface) == 2076,
               "xenstore_domain_interface");

void xs_ring_break(struct xenstore *xs, struct xs_conn *c, uint32_t error,
                   const char *why)
{
    c->broken = true;
    if (c->ring != NULL) {
        __atomic_store_n(&c->ring->error, error, __ATOMIC_SEQ_CST);
    }
    xs_complain(xs, c, why);
}

/* Announces what the server can do; the page is zero or the guest's. */
void xs_ring_start(struct xs_conn *c)
{
    if (c->ring != NULL) {
        c->ring->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION |
                                   XENSTORE_SERVER_FEATURE_ERROR;
    }
}

/* The guest asked to start afresh, for example as a newly booted kernel. */
static void ring_reconnect(struct xenstore *xs, struct xs_conn *c)
{
    struct xenstore_domain_interface *r = c->ring;

    xs_conn_forget(xs, c);
    c->broken = false;
    r->req_cons = r->req_prod = r->rsp_cons = r->rsp_prod = 0;
    r->error = XENSTORE_ERROR_NONE;
    __atomic_store_n(&r->connection, XENSTORE_CONNECTED, __ATOMIC_SEQ_CST);
}

/* Moves up to `want` bytes of requests; returns how many. */
static size_t ring_take(struct xenstore *xs, struct xs_conn *c, char *to,
                        size_t want)
{
    struct xenstore_domain_interface *r = c->ring;
    uint32_t cons = __atomic_load_n(&r->req_cons, __ATOMIC_RELAXED);
    uint32_t prod = __atomic_load_n(&r->req_prod, __ATOMIC_ACQUIRE);
    uint32_t fill = prod - cons;
    const volatile char *req = r->req;

    if (fill > XENSTORE_RING_SIZE) {
        xs_ring_break(xs, c, XENSTORE_ERROR_RINGIDX,
                      "xenstore ring broken: its request indices are "
                      "impossible");
        return 0;
    }
    size_t n = fill < want ? fill : want;

    for (size_t i = 0; i < n; i++) {
        to[i] = req[MASK_XENSTORE_IDX(cons + (uint32_t)i)];
    }
    if (n > 0) {
        __atomic_store_n(&r->req_cons, cons + (uint32_t)n, __ATOMIC_SEQ_CST);
    }
    return n;
}

/* Moves what fits of `len` bytes of reply; returns how many. */
static size_t ring_give(struct xenstore *xs, struct xs_conn *c,
                        const char *from, size_t len)
{
    struct xenstore_domain_interface *r = c->ring;
    uint32_t prod = __atomic_load_n(&r->rsp_prod, __ATOMIC_RELAXED);
    uint32_t cons = __atomic_load_n(&r->rsp_cons, __ATOMIC_ACQUIRE);
    uint32_t fill = prod - cons;
    volatile char *rsp = r->rsp;

    if (fill > XENSTORE_RING_SIZE) {
        xs_ring_break(xs, c, XENSTORE_ERROR_RINGIDX,
                      "xenstore ring broken: its response indices are "
                      "impossible");
        return 0;
    }
    size_t room = XENSTORE_RING_SIZE - fill;
    size_t n = len < room ? len : room;

    for (size_t i = 0; i < n; i++) {
        rsp[MASK_XENSTORE_IDX(prod + (uint32_t)i)] = from[i];
    }
    if (n > 0) {
        __atomic_store_n(&r->rsp_prod, prod + (uint32_t)n, __ATOMIC_SEQ_CST);
    }
    return n;
}

/* Sends what is on its way; true when all of it has left. */
static bool ring_flush(struct xenstore *xs, struct xs_conn *c, bool *moved)
{
    size_t left = c->send_len - c->send_at;

    if (c->sending == NULL) {
        return true;
    }
    size_t n = ring_give(xs, c, (const char *)c->sending + c->send_at, left);

    c->send_at += n;
    *moved |= n > 0;
    if (n < left) {
        return false;
    }
    c->sending = NULL;
    return true;
}

static void send(struct xs_conn *c, const struct xs_message *m, size_t len)
{
    c->sending = m;
    c->send_len = len;
    c->send_at = 0;
}

/*
 * Chooses the next message: the events that a request caused, its reply, then
 * other events. As in Xen's xenstored a domain hears of its own change before
 * the change is acknowledged. False: nothing to send.
 */
static bool send_next(struct xenstore *xs, struct xs_conn *c)
{
    size_t len;

    while (c->nr_events > 0 && (c->before > 0 || c->out_len == 0)) {
        struct xs_message *m = c->out_len > 0 ? &c->in : &c->out;

        c->before -= c->before > 0;
        len = xs_event_next(xs, c, m);
        if (len > 0) {
            send(c, m, len);
            return true;
        }
    }
    if (c->out_len == 0) {
        return false;
    }
    send(c, &c->out, c->out_len);
    c->out_len = 0;
    c->before = 0;
    return true;
}

/* Fetches more of the current request; true when it is whole. */
static bool ring_fetch(struct xenstore *xs, struct xs_conn *c, bool *moved)
{
    size_t head = sizeof(c->in.head), n;

    if (c->in_len < head) {
        n = ring_take(xs, c, (char *)&c->in + c->in_len, head - c->in_len);
        c->in_len += n;
        *moved |= n > 0;
        if (c->in_len < head) {
            return false;
        }
        if (c->in.head.len > XENSTORE_PAYLOAD_MAX) {
            xs_ring_break(xs, c, XENSTORE_ERROR_PROTO,
                          "xenstore ring broken: a request is longer than the "
                          "protocol allows");
            return false;
        }
    }
    size_t all = head + c->in.head.len;

    n = all == c->in_len
            ? 0
            : ring_take(xs, c, (char *)&c->in + c->in_len, all - c->in_len);
    c->in_len += n;
    *moved |= n > 0;
    return !c->broken && c->in_len == all;
}

/*
 * Serves one domain: answers what it asked, sends what it waits for. Sets
 * *any when bytes moved. Returns true when it stopped only because it is
 * somebody else's turn.
 */
bool xs_ring_serve(struct xenstore *xs, struct xs_conn *c, bool *any)
{
    bool moved = false, more = true;

    if (__atomic_load_n(&c->ring->connection, __ATOMIC_ACQUIRE) ==
        XENSTORE_RECONNECT) {
        ring_reconnect(xs, c);
        moved = true;
    }
    for (unsigned n = 0; more && !c->broken && n < XS_REQUESTS_MAX;) {
        if (!ring_flush(xs, c, &moved)) {
            more = false;
        } else if (!send_next(xs, c)) {
            more = ring_fetch(xs, c, &moved);
            if (more) {
                xs_request(xs, c);
                c->in_len = 0;
                n++;
            }
        }
    }
    if (moved || c->broken) {
        *any |= moved;
        if (moved) {
            xs->cfg.notify(xs->cfg.context, c->domid);
        }
    }
    return more && !c->broken;
}
