/* SPDX-License-Identifier: MIT */
/*
 * The xenstore of a host as xenstored serves it: a Unix socket on which
 * libxenstore and everything made with it (Debian's xenstore-utils, our own
 * verbs of their names) speaks the wire protocol of <xen/io/xs_wire.h>.
 *
 * To the hypervisor all clients are one, domain 0, with one ring in a page of
 * the machine's RAM. It answers in order, so a queue of who asked tells whose
 * an answer is. Watches go by their tokens, which get the client's number in
 * front on the way in. What a client leaves behind when it goes, watches and
 * transactions, is undone by requests in its name.
 *
 * One request of a client is under way at a time. Nothing that comes from a
 * client, or out of the ring, is believed: a length that cannot be ends that
 * connection, or the use of the ring.
 */
#include "host_store.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

enum {
    OUT_MAX = 1 << 20,  /* a client that is further behind is dropped */
    TXNS_MAX = 64,      /* of a client */
    TOKEN_ROOM = 24,    /* of its number in front of a token */
    FORWARD_MAX = 4096, /* a round: bytes out of a client's socket */
};

struct message {
    struct xsd_sockmsg head;
    char body[XENSTORE_PAYLOAD_MAX];
};

struct store_client {
    struct store_client *next;
    uint64_t serial;
    int fd; /* -1: it went, and what it left is being undone */
    bool busy;
    struct cli_text in, out;
    json_t *watches; /* its path and token, as sent: "path\0token\0" */
    uint32_t txn[TXNS_MAX];
    size_t nr_txns;
};

/* A request on its way. */
struct store_asked {
    struct store_asked *next;
    uint64_t serial;
    struct message *request; /* as the client sent it */
};

struct host_store {
    int listener;
    struct store_client *clients;
    size_t nr_clients;
    uint64_t next_serial;
    struct store_asked *asked, **last_asked;
    struct cli_text to_ring, from_ring;
    uint64_t pa; /* of the ring's page; 0: not asked for yet */
    bool opening, broken;
    bool kicking, moved; /* asked to look; bytes have moved since */
};

/* ---- the ring ---- */

static struct xenstore_domain_interface *ring_of(struct host *h)
{
    struct host_store *s = h->store;
    void *page = s->pa == 0 ? NULL : ram_at(&h->q.ram, s->pa, 4096);

    return page;
}

static void give_up(struct host *h, const char *why)
{
    if (!h->store->broken) {
        h->store->broken = true;
        cli_warning("xenstore: %s", why);
    }
}

/* Moves what there is room for; returns how many bytes. */
static size_t ring_put(struct host *h, struct xenstore_domain_interface *r)
{
    struct cli_text *t = &h->store->to_ring;
    uint32_t prod = r->req_prod;
    uint32_t cons = __atomic_load_n(&r->req_cons, __ATOMIC_ACQUIRE);
    uint32_t fill = prod - cons;
    size_t n;

    if (fill > XENSTORE_RING_SIZE) {
        give_up(h, "its ring is broken");
        return 0;
    }
    n = XENSTORE_RING_SIZE - fill;
    n = n < t->len ? n : t->len;
    for (size_t i = 0; i < n; i++) {
        r->req[MASK_XENSTORE_IDX(prod + (uint32_t)i)] = t->data[i];
    }
    __atomic_store_n(&r->req_prod, prod + (uint32_t)n, __ATOMIC_RELEASE);
    if (n > 0) {
        cli_text_drop(t, n);
    }
    return n;
}

static size_t ring_get(struct host *h, struct xenstore_domain_interface *r)
{
    uint32_t cons = r->rsp_cons;
    uint32_t prod = __atomic_load_n(&r->rsp_prod, __ATOMIC_ACQUIRE);
    uint32_t n = prod - cons;
    char bytes[XENSTORE_RING_SIZE];

    if (n > XENSTORE_RING_SIZE ||
        __atomic_load_n(&r->error, __ATOMIC_RELAXED) != XENSTORE_ERROR_NONE) {
        give_up(h, "the hypervisor ignores us");
        return 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        bytes[i] = r->rsp[MASK_XENSTORE_IDX(cons + i)];
    }
    __atomic_store_n(&r->rsp_cons, prod, __ATOMIC_RELEASE);
    cli_text_add(&h->store->from_ring, bytes, n);
    return n;
}

/* ---- requests on their way in ---- */

static struct store_client *by_serial(struct host_store *s, uint64_t serial)
{
    struct store_client *c = s->clients;

    while (c != NULL && c->serial != serial) {
        c = c->next;
    }
    return c;
}

static void answer(struct store_client *c, const struct xsd_sockmsg *head,
                   const char *body)
{
    if (c->fd >= 0) {
        cli_text_add(&c->out, head, sizeof(*head));
        cli_text_add(&c->out, body, head->len);
    }
}

static void refuse(struct store_client *c, const struct message *m,
                   const char *error)
{
    struct xsd_sockmsg head = m->head;

    head.type = XS_ERROR;
    head.len = (uint32_t)strlen(error) + 1;
    answer(c, &head, error);
}

/* Watches have our mark in the token; false when it makes it too long. */
static bool mark(const struct store_client *c, const struct message *m,
                 struct cli_text *out)
{
    struct xsd_sockmsg head = m->head;
    size_t path = strnlen(m->body, head.len);
    char number[TOKEN_ROOM];
    int n = snprintf(number, sizeof(number), "%" PRIu64 ":", c->serial);

    if (path < head.len) {
        path++;
        if (head.len + (size_t)n > XENSTORE_PAYLOAD_MAX) {
            return false;
        }
        head.len += (uint32_t)n;
    } else {
        n = 0; /* malformed: for the hypervisor to refuse */
    }
    cli_text_add(out, &head, sizeof(head));
    cli_text_add(out, m->body, path);
    cli_text_add(out, number, (size_t)n);
    cli_text_add(out, m->body + path, m->head.len - path);
    return true;
}

static bool owns_txn(const struct store_client *c, uint32_t id)
{
    for (size_t i = 0; i < c->nr_txns; i++) {
        if (c->txn[i] == id) {
            return true;
        }
    }
    return false;
}

/* Takes `m`. */
static void forward(struct host *h, struct store_client *c, struct message *m)
{
    struct host_store *s = h->store;
    struct store_asked *a = cli_alloc(sizeof(*a));
    bool watch = m->head.type == XS_WATCH || m->head.type == XS_UNWATCH;
    const char *error = NULL;

    if (m->head.tx_id != 0 && !owns_txn(c, m->head.tx_id)) {
        error = "ENOENT";
    } else if (m->head.type == XS_RESET_WATCHES) {
        error = "EINVAL"; /* would be everybody's */
    } else if (m->head.type == XS_TRANSACTION_START && c->nr_txns == TXNS_MAX) {
        error = "ENOSPC";
    } else if (watch && !mark(c, m, &s->to_ring)) {
        error = "E2BIG";
    }
    if (error != NULL) {
        refuse(c, m, error);
        free(m);
        free(a);
        return;
    }
    if (!watch) {
        cli_text_add(&s->to_ring, m, sizeof(m->head) + m->head.len);
    }
    a->serial = c->serial;
    a->request = m;
    *s->last_asked = a;
    s->last_asked = &a->next;
    c->busy = true;
}

/* Something of its own accord, for a client that went. */
static void undo(struct host *h, struct store_client *c, uint32_t type,
                 uint32_t tx_id, const char *body, size_t len)
{
    struct message *m = cli_alloc(sizeof(*m));

    m->head.type = type;
    m->head.tx_id = tx_id;
    m->head.len = (uint32_t)len;
    memcpy(m->body, body, len);
    forward(h, c, m);
}

/* ---- answers on their way out ---- */

static void note_watch(struct store_client *c, const struct message *m)
{
    json_t *w = json_stringn_nocheck(m->body, m->head.len);
    size_t i;
    const json_t *other;

    if (m->head.type == XS_WATCH) {
        json_array_append_new(c->watches, w);
        return;
    }
    json_array_foreach(c->watches, i, other)
    {
        if (json_equal(other, w)) {
            json_array_remove(c->watches, i);
            break;
        }
    }
    json_decref(w);
}

/* What of a request that was granted stays. */
static void note(struct store_client *c, const struct message *m,
                 const char *body, size_t len)
{
    char number[16] = "";

    switch (m->head.type) {
    case XS_WATCH:
    case XS_UNWATCH:
        note_watch(c, m);
        break;
    case XS_TRANSACTION_START:
        memcpy(number, body, len < sizeof(number) ? len : sizeof(number) - 1);
        c->txn[c->nr_txns++] = (uint32_t)strtoul(number, NULL, 10);
        break;
    case XS_TRANSACTION_END:
        for (size_t i = 0; i < c->nr_txns; i++) {
            if (c->txn[i] == m->head.tx_id) {
                c->txn[i] = c->txn[--c->nr_txns];
            }
        }
        break;
    default:
        break;
    }
}

static void on_event(struct host_store *s, const struct xsd_sockmsg *head,
                     const char *body)
{
    size_t path = strnlen(body, head->len), token = path + 1;
    struct store_client *c;
    char *end = NULL;

    if (token >= head->len || body[head->len - 1] != '\0') {
        return;
    }
    c = by_serial(s, strtoull(body + token, &end, 10));
    if (c == NULL || *end != ':' || c->fd < 0) {
        return; /* it went meanwhile */
    }
    struct xsd_sockmsg own = *head;

    own.len -= (uint32_t)(end + 1 - (body + token));
    cli_text_add(&c->out, &own, sizeof(own));
    cli_text_add(&c->out, body, token);
    cli_text_add(&c->out, end + 1, own.len - token);
}

static void on_reply(struct host_store *s, const struct xsd_sockmsg *head,
                     const char *body)
{
    struct store_asked *a = s->asked;
    struct store_client *c;

    if (a == NULL) {
        return;
    }
    s->asked = a->next;
    if (s->asked == NULL) {
        s->last_asked = &s->asked;
    }
    c = by_serial(s, a->serial);
    if (c != NULL) {
        c->busy = false;
        if (head->type != XS_ERROR || a->request->head.type == XS_UNWATCH ||
            a->request->head.type == XS_TRANSACTION_END) {
            note(c, a->request, body, head->len);
        }
        answer(c, head, body);
    }
    free(a->request);
    free(a);
}

/* Whole messages of what came out of the ring. */
static void deliver(struct host *h)
{
    struct cli_text *t = &h->store->from_ring;
    struct xsd_sockmsg head;

    while (t->len >= sizeof(head) && !h->store->broken) {
        memcpy(&head, t->data, sizeof(head));
        if (head.len > XENSTORE_PAYLOAD_MAX) {
            give_up(h, "a message from the hypervisor is too long");
            return;
        }
        if (t->len < sizeof(head) + head.len) {
            return;
        }
        if (head.type == XS_WATCH_EVENT) {
            on_event(h->store, &head, t->data + sizeof(head));
        } else {
            on_reply(h->store, &head, t->data + sizeof(head));
        }
        cli_text_drop(t, sizeof(head) + head.len);
    }
}

/* ---- the pump ---- */

static void pump(struct host *h);

static void on_kicked(struct host *h, void *context, unsigned error,
                      json_t *rows, const char *text)
{
    (void)context;
    (void)rows;
    if (error != 0) {
        give_up(h, text);
    }
    h->store->kicking = false;
    pump(h);
}

static void on_open(struct host *h, void *context, unsigned error, json_t *rows,
                    const char *text)
{
    json_t *words = link_row_object(text);
    json_int_t pa = json_integer_value(json_object_get(words, "pa"));

    (void)context;
    (void)rows;
    h->store->opening = false;
    if (error != 0) {
        give_up(h, text);
    } else if (pa <= 0 || ram_at(&h->q.ram, (uint64_t)pa, 4096) == NULL) {
        give_up(h, "its ring is nowhere");
    } else {
        h->store->pa = (uint64_t)pa;
    }
    json_decref(words);
    pump(h);
}

/* Moves all that can move, and asks the hypervisor to do the same. */
static void pump(struct host *h)
{
    struct host_store *s = h->store;
    struct xenstore_domain_interface *r = ring_of(h);
    size_t moved = 0;

    if (s->broken || h->phase != HOST_RUNNING) {
        return;
    }
    if (r == NULL) {
        if (!s->opening) {
            s->opening = true;
            host_ask(h, on_open, NULL, "store-open");
        }
        return;
    }
    moved = ring_get(h, r) + ring_put(h, r);
    deliver(h);
    s->moved |= moved > 0;
    if (s->moved && !s->kicking && !s->broken) {
        s->moved = false;
        s->kicking = true;
        host_ask(h, on_kicked, NULL, "store-kick");
    }
}

/* ---- clients ---- */

static void leave(struct store_client *c)
{
    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
    }
}

static void read_from(struct store_client *c)
{
    char data[FORWARD_MAX];
    ssize_t n = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);

    if (n > 0) {
        cli_text_add(&c->in, data, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        leave(c);
    }
}

static void write_to(struct store_client *c)
{
    while (c->fd >= 0 && c->out.len > 0) {
        ssize_t n =
            send(c->fd, c->out.data, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n <= 0) {
            if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
                break;
            }
            leave(c);
            return;
        }
        cli_text_drop(&c->out, (size_t)n);
    }
    if (c->out.len > OUT_MAX) {
        cli_warning("a client of xenstore does not read: dropped");
        leave(c);
    }
}

/* The next request of a client that waits for nothing. */
static void take(struct host *h, struct store_client *c)
{
    struct message *m;
    size_t size;

    while (!c->busy && c->fd >= 0 && c->in.len >= sizeof(m->head)) {
        struct xsd_sockmsg head;

        memcpy(&head, c->in.data, sizeof(head));
        if (head.len > XENSTORE_PAYLOAD_MAX) {
            leave(c); /* as xenstored does */
            return;
        }
        size = sizeof(head) + head.len;
        if (c->in.len < size) {
            return;
        }
        m = cli_alloc(sizeof(*m));
        memcpy(m, c->in.data, size);
        cli_text_drop(&c->in, size);
        forward(h, c, m);
    }
}

/* A client that went: takes back what it has, a request at a time. */
static void clean_up(struct host *h, struct store_client *c)
{
    const json_t *w = json_array_get(c->watches, 0);

    if (c->busy || h->store->broken) {
        return;
    }
    if (w != NULL) {
        undo(h, c, XS_UNWATCH, 0, json_string_value(w), json_string_length(w));
    } else if (c->nr_txns > 0) {
        undo(h, c, XS_TRANSACTION_END, c->txn[0], "F", 2);
    }
}

static bool is_over(const struct host_store *s, const struct store_client *c)
{
    return c->fd < 0 && (s->broken || (!c->busy && c->nr_txns == 0 &&
                                       json_array_size(c->watches) == 0));
}

static void free_client(struct store_client *c)
{
    leave(c);
    cli_text_free(&c->in);
    cli_text_free(&c->out);
    json_decref(c->watches);
    free(c);
}

static void reap(struct host_store *s)
{
    struct store_client **at = &s->clients;

    while (*at != NULL) {
        struct store_client *c = *at;

        if (is_over(s, c)) {
            *at = c->next;
            s->nr_clients--;
            free_client(c);
        } else {
            at = &c->next;
        }
    }
}

static void accept_client(struct host_store *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct store_client *c, **last = &s->clients;

    if (fd < 0) {
        return;
    }
    c = cli_alloc(sizeof(*c));
    c->fd = fd;
    c->serial = ++s->next_serial;
    c->watches = json_array();
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = c; /* behind those that poll() was asked about */
    s->nr_clients++;
}

/* ---- the host's side ---- */

int host_store_open(struct host *h)
{
    struct host_store *s = cli_alloc(sizeof(*s));

    s->listener = host_dir_listen(h->dir, HOST_STORE_SOCKET);
    s->last_asked = &s->asked;
    h->store = s;
    return s->listener < 0 ? -1 : 0;
}

void host_store_close(struct host *h)
{
    struct host_store *s = h->store;

    if (s == NULL) {
        return;
    }
    while (s->clients != NULL) {
        struct store_client *c = s->clients;

        s->clients = c->next;
        free_client(c);
    }
    while (s->asked != NULL) {
        struct store_asked *a = s->asked;

        s->asked = a->next;
        free(a->request);
        free(a);
    }
    cli_text_free(&s->to_ring);
    cli_text_free(&s->from_ring);
    if (s->listener >= 0) {
        close(s->listener);
    }
    (void)unlinkat(h->dir->fd, HOST_STORE_SOCKET, 0);
    free(s);
    h->store = NULL;
}

size_t host_store_fill(const struct host *h, struct pollfd *p)
{
    const struct host_store *s = h->store;
    bool listens =
        h->phase == HOST_RUNNING && s->nr_clients < HOST_STORE_CLIENTS;
    size_t n = 0;

    p[n++] =
        (struct pollfd){.fd = listens ? s->listener : -1, .events = POLLIN};
    for (const struct store_client *c = s->clients; c != NULL; c = c->next) {
        bool full = c->busy && c->in.len > XENSTORE_PAYLOAD_MAX;

        p[n++] =
            (struct pollfd){.fd = c->fd,
                            .events = (short)((full ? 0 : POLLIN) |
                                              (c->out.len > 0 ? POLLOUT : 0))};
    }
    return n;
}

void host_store_serve(struct host *h, const struct pollfd *p)
{
    struct host_store *s = h->store;
    size_t i = 1;

    for (struct store_client *c = s->clients; c != NULL; c = c->next, i++) {
        if (c->fd >= 0 && (p[i].revents & (POLLHUP | POLLERR)) != 0 &&
            (p[i].revents & POLLIN) == 0) {
            leave(c);
        } else if (c->fd >= 0 && (p[i].revents & POLLIN) != 0) {
            read_from(c);
        }
    }
    if (p[0].revents != 0) {
        accept_client(s);
    }
    for (struct store_client *c = s->clients; c != NULL; c = c->next) {
        if (s->broken) {
            leave(c);
        } else if (c->fd < 0) {
            clean_up(h, c);
        }
        take(h, c);
    }
    if (s->to_ring.len > 0) {
        pump(h);
    }
    for (struct store_client *c = s->clients; c != NULL; c = c->next) {
        take(h, c);
        write_to(c);
    }
    reap(s);
}

void host_store_line(struct host *h)
{
    if (h->store->pa != 0) {
        pump(h);
    }
}
