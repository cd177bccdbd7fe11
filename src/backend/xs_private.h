/* SPDX-License-Identifier: MIT */
/*
 * What the files of the xenstore server share:
 *
 *   xenstore.c    set-up, connections, the host's own requests
 *   xs_ring.c     bytes between the ring page and whole messages
 *   xs_request.c  one function per request type
 *   xs_change.c   access and quota checks, changes of the tree
 *   xs_watch.c    watches and the events they cause
 *   xs_txn.c      transactions
 *   xs_domain.c   the nodes of a new domain
 *   xs_tree.c     the tree of nodes; text.c the bytes in it
 *   xs_check.c    whether it all adds up, for tests
 */
#ifndef SCHEDOP_BACKEND_XS_PRIVATE_H
#define SCHEDOP_BACKEND_XS_PRIVATE_H

#include <stdint.h>

#include <xen/errno.h>
#include <xen/io/xs_wire.h>

#include "xenstore.h"
#include "xs_tree.h"

#include "lib/fmt.h"
#include "lib/string.h"

#define XS_VALUE_MAX 2048u  /* of an unprivileged domain's node */
#define XS_REQUESTS_MAX 64u /* per domain and xenstore_run() */
#define XS_SCRATCH (XENSTORE_PAYLOAD_MAX + 64u)
#define XS_SLOT_HOST 0u /* whoever has no connection; not limited */
#define XS_DOMID_HOST 0u

/* What the nodes owned by a domain take, in one version of the tree. */
struct xs_usage {
    uint32_t nodes, chunks;
};

struct xs_version {
    uint32_t root;
    struct xs_usage *usage; /* by slot */
};

struct xs_watch {
    uint32_t next; /* in order of registration, or the free list; 0 ends */
    uint32_t slot;
    uint32_t path, token; /* texts; path absolute or "@..." */
    uint32_t skip;        /* bytes of the path the domain did not write */
};

struct xs_event {
    uint32_t next;
    uint32_t path, token;
    uint32_t skip;
};

enum xs_access_kind { XS_READ_ONLY, XS_WRITTEN, XS_REMOVED };

/* What a transaction did to one path, or that it looked at it. */
struct xs_change {
    uint32_t next;
    uint32_t path;
    enum xs_access_kind kind;
};

struct xs_txn {
    bool used;
    bool doomed;  /* its versions are gone: it can only end with EAGAIN */
    bool coarse;  /* it looked at more than it could note */
    bool changed; /* not all of its notes are of reading */
    uint32_t slot;
    uint32_t id;
    uint64_t begun;       /* order among all */
    uint64_t base;        /* xs->changes when it began */
    uint32_t base_root;   /* the tree then */
    struct xs_version at; /* the tree as it sees it */
    uint32_t first, last; /* notes of what it did */
};

struct xs_message {
    struct xsd_sockmsg head;
    char body[XENSTORE_PAYLOAD_MAX];
};

struct xs_conn {
    bool used;
    bool privileged;
    bool broken; /* of the ring: nothing is served until it reconnects */
    bool complained;
    uint16_t domid;
    uint32_t slot;
    struct xenstore_domain_interface *ring;
    uint32_t nr_watches, nr_txns, nr_events;
    uint32_t next_txn;     /* id to try next */
    uint32_t queue_chunks; /* text in watches, events and changes */
    uint32_t first_event, last_event;
    size_t in_len;   /* bytes of `in` that have arrived */
    size_t out_len;  /* of the reply in `out` that waits its turn, 0 none */
    uint32_t before; /* events to be sent before it */
    const struct xs_message *sending; /* on its way, NULL none */
    size_t send_len, send_at;
    /* A request is done with when events are sent from `in`. */
    struct xs_message in, out;
};

struct xenstore {
    struct xenstore_config cfg;
    struct xs_pool pool;
    struct xs_version live;
    uint64_t changes;  /* counts changes of the live version */
    uint64_t begun;    /* transactions ever begun */
    uint32_t nr_slots; /* 0 is the host's, the rest are connections */
    struct xs_conn *conn;
    struct xs_watch *watch; /* entry 0 of these three is never used */
    struct xs_event *event;
    struct xs_change *change;
    struct xs_txn *txn;
    uint32_t nr_watches, nr_events, nr_changes, nr_txns;
    uint32_t watch_first, watch_last;
    uint32_t watch_free, event_free, change_free;
    uint32_t *stack; /* for walks without recursion, one entry a node */
    /* Scratch, XS_SCRATCH bytes each: the path of the request being
       served, and whatever second path comes up. */
    char *path, *other;
};

/* Who asks, and in which version. conn NULL is the host. */
struct xs_who {
    struct xenstore *xs;
    struct xs_conn *conn;
    struct xs_txn *txn; /* NULL outside a transaction */
};

static inline bool xs_privileged(const struct xs_who *who)
{
    return who->conn == NULL || who->conn->privileged;
}

/* How much of something a connection may have, of which a share is `share`. */
static inline uint32_t xs_share(const struct xenstore *xs,
                                const struct xs_conn *c, uint32_t share)
{
    return c->privileged ? share * xs->cfg.privileged_shares : share;
}

/* xenstore.c */
uint32_t xs_slot_of(const struct xenstore *xs, uint16_t domid);
void xs_complain(struct xenstore *xs, struct xs_conn *c, const char *text);
uint32_t xs_queue_charge(struct xenstore *xs, struct xs_conn *c,
                         const char *bytes, size_t len);
void xs_queue_refund(struct xenstore *xs, struct xs_conn *c, uint32_t text);
void xs_usage_recount(struct xenstore *xs, struct xs_version *v);
void xs_conn_forget(struct xenstore *xs, struct xs_conn *c);

/* xs_ring.c */
bool xs_ring_serve(struct xenstore *xs, struct xs_conn *c, bool *any);
void xs_ring_start(struct xs_conn *c);
/* Not served any more until it reconnects; XENSTORE_ERROR_*, and why. */
void xs_ring_break(struct xenstore *xs, struct xs_conn *c, uint32_t error,
                   const char *why);

/* xs_request.c: carries out c->in and puts the reply into c->out */
void xs_request(struct xenstore *xs, struct xs_conn *c);

/* xs_change.c */
struct xs_version *xs_version_of(const struct xs_who *who);
uint32_t xs_node_chunks(const struct xenstore *xs, const struct xs_node *n);
bool xs_perm_parse(struct xs_path text, struct xs_perm *perm);
int xs_access(const struct xs_who *who, struct xs_path path, unsigned need,
              uint32_t *node);
bool xs_may(const struct xs_conn *c, const struct xs_node *n, unsigned need);
bool xs_owns(const struct xs_conn *c, const struct xs_node *n);
int xs_put(const struct xs_who *who, struct xs_path path, const char *value,
           size_t len, bool keep_value);
int xs_remove(const struct xs_who *who, struct xs_path path);
int xs_set_perms(const struct xs_who *who, struct xs_path path,
                 const struct xs_perm *perm, uint32_t nr);
int xs_replay(const struct xs_who *who, uint32_t from, struct xs_path path,
              bool removed);
bool xs_within_share(const struct xs_who *who);

/* xs_watch.c */
int xs_watch_add(struct xenstore *xs, struct xs_conn *c, struct xs_path path,
                 uint32_t skip, struct xs_path token);
int xs_watch_remove(struct xenstore *xs, struct xs_conn *c, struct xs_path path,
                    struct xs_path token);
void xs_watch_remove_all(struct xenstore *xs, struct xs_conn *c);
void xs_watch_fire(struct xenstore *xs, uint32_t root, struct xs_path path,
                   bool removed);
void xs_watch_fire_special(struct xenstore *xs, const char *name);
size_t xs_event_next(struct xenstore *xs, struct xs_conn *c,
                     struct xs_message *m);
void xs_events_drop(struct xenstore *xs, struct xs_conn *c);

/* xs_txn.c */
int xs_txn_start(struct xenstore *xs, struct xs_conn *c, uint32_t *id);
struct xs_txn *xs_txn_find(struct xenstore *xs, struct xs_conn *c, uint32_t id);
int xs_txn_end(struct xenstore *xs, struct xs_txn *t, bool commit);
void xs_txn_abort_all(struct xenstore *xs, struct xs_conn *c);
int xs_txn_note(struct xenstore *xs, struct xs_txn *t, struct xs_path path,
                enum xs_access_kind kind);
void xs_txn_note_read(const struct xs_who *who, struct xs_path path);
bool xs_txn_reclaim(struct xenstore *xs);

#endif
