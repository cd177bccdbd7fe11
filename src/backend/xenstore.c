/* SPDX-License-Identifier: MIT */
/*
 * Set-up, connections, and the host's own requests; see xenstore.h.
 */
#include "xs_private.h"

#define XS_DOMAINS_MAX 1024u
#define XS_SHARE_MAX 65536u
#define XS_SHARES_MAX 64u
/* What the host itself may need beside the domains' shares. */
#define XS_HOST_NODES 64u
#define XS_HOST_NODES_PER_DOMAIN 96u

_Static_assert(sizeof(struct text_chunk) == 64, "text_chunk");
_Static_assert(TEXT_PAGE == 4096, "the page of xenstore_config");
_Static_assert(sizeof(struct xsd_sockmsg) == 16, "xsd_sockmsg");

/* ---------------------------------------------------------------- set-up */

static unsigned or_default(unsigned value, unsigned otherwise)
{
    return value != 0 ? value : otherwise;
}

static bool config_complete(struct xenstore_config *cfg)
{
    cfg->nodes = or_default(cfg->nodes, 512);
    cfg->chunks = or_default(cfg->chunks, 1024);
    cfg->watches = or_default(cfg->watches, 128);
    cfg->transactions = or_default(cfg->transactions, 11);
    cfg->queue_chunks = or_default(cfg->queue_chunks, 512);
    cfg->privileged_shares = or_default(cfg->privileged_shares, 1);
    return cfg->domains >= 1 && cfg->domains <= XS_DOMAINS_MAX &&
           cfg->nodes <= XS_SHARE_MAX && cfg->chunks <= XS_SHARE_MAX &&
           cfg->watches <= XS_SHARE_MAX && cfg->queue_chunks <= XS_SHARE_MAX &&
           cfg->transactions <= 256 && cfg->privileged_shares <= XS_SHARES_MAX;
}

/* Takes pieces off an arena, or with base NULL only counts. */
struct carver {
    char *base;
    size_t used;
};

static void *carve(struct carver *a, size_t count, size_t size)
{
    char *piece = a->base == NULL ? NULL : a->base + a->used;

    a->used += (count * size + 63) & ~(size_t)63;
    return piece;
}

/*
 * Lays out everything of `xs` behind it; the same order for both uses. The
 * host has a slot, but no share beside its own nodes: it has no connection.
 * One connection is privileged and may have several shares.
 */
static void carve_all(struct xenstore *xs, struct carver *a)
{
    const struct xenstore_config *cfg = &xs->cfg;
    uint32_t slots = cfg->domains + 1;
    uint32_t own = XS_HOST_NODES + slots * XS_HOST_NODES_PER_DOMAIN;
    uint32_t nodes = cfg->domains * cfg->nodes + own;
    uint32_t queues = cfg->domains + cfg->privileged_shares - 1;
    uint32_t chunks =
        cfg->domains * cfg->chunks + queues * cfg->queue_chunks + 2 * own;
    struct xs_node *node = carve(a, nodes, sizeof(*node));
    uint32_t pages = text_pool_pages(chunks);
    struct text_chunk **page = carve(a, pages, sizeof(*page));
    struct text_chunk *text =
        cfg->page != NULL ? NULL : carve(a, pages, TEXT_PAGE);

    xs->nr_slots = slots;
    xs->nr_watches = queues * cfg->watches + 1;
    xs->nr_events = queues * cfg->queue_chunks + 1;
    xs->nr_changes = queues * cfg->queue_chunks + 1;
    xs->nr_txns = queues * cfg->transactions;
    xs->conn = carve(a, slots, sizeof(*xs->conn));
    xs->watch = carve(a, xs->nr_watches, sizeof(*xs->watch));
    xs->event = carve(a, xs->nr_events, sizeof(*xs->event));
    xs->change = carve(a, xs->nr_changes, sizeof(*xs->change));
    xs->txn = carve(a, xs->nr_txns, sizeof(*xs->txn));
    xs->stack = carve(a, nodes, sizeof(*xs->stack));
    xs->path = carve(a, 1, XS_SCRATCH);
    xs->other = carve(a, 1, XS_SCRATCH);
    xs->live.usage = carve(a, slots, sizeof(*xs->live.usage));
    struct xs_usage *usage =
        carve(a, (size_t)slots * xs->nr_txns, sizeof(*usage));

    if (a->base == NULL) {
        return;
    }
    for (uint32_t i = 0; text != NULL && i < pages; i++) {
        page[i] = text + i * TEXT_PAGE_CHUNKS;
    }
    text_pool_init(&xs->pool.text, page, chunks, cfg->page, cfg->context);
    xs_pool_init(&xs->pool, node, nodes);
    for (uint32_t i = 0; i < xs->nr_txns; i++) {
        xs->txn[i].at.usage = usage + (size_t)i * slots;
    }
}

size_t xenstore_size(const struct xenstore_config *cfg)
{
    struct xenstore xs = {.cfg = *cfg};
    struct carver a = {NULL, 0};

    if (!config_complete(&xs.cfg)) {
        return 0;
    }
    carve(&a, 1, sizeof(xs));
    carve_all(&xs, &a);
    return a.used;
}

struct xenstore *xenstore_init(void *arena, size_t size,
                               const struct xenstore_config *cfg)
{
    struct carver a = {arena, 0};
    size_t need = xenstore_size(cfg);

    if (need == 0 || size < need) {
        return NULL;
    }
    struct xenstore *xs = carve(&a, 1, sizeof(*xs));

    xs->cfg = *cfg;
    config_complete(&xs->cfg);
    carve_all(xs, &a);
    for (uint32_t i = xs->nr_watches; i-- > 1;) {
        xs->watch[i].next = xs->watch_free;
        xs->watch_free = i;
    }
    for (uint32_t i = xs->nr_events; i-- > 1;) {
        xs->event[i].next = xs->event_free;
        xs->event_free = i;
        xs->change[i].next = xs->change_free;
        xs->change_free = i;
    }
    xs->live.root = xs_tree_new(&xs->pool);
    xs->live.usage[XS_SLOT_HOST].nodes = 1;
    xs->live.usage[XS_SLOT_HOST].chunks = 1;
    /* What xenstored and xen-init-dom0 put there before any domain. */
    xenstore_write(xs, "/tool/xenstored", "", "n0");
    xenstore_write(xs, "/local/domain", "", "n0");
    return xs;
}

/* ----------------------------------------------------------- connections */

uint32_t xs_slot_of(const struct xenstore *xs, uint16_t domid)
{
    for (uint32_t i = 1; i < xs->nr_slots; i++) {
        if (xs->conn[i].used && xs->conn[i].domid == domid) {
            return i;
        }
    }
    return XS_SLOT_HOST;
}

void xs_complain(struct xenstore *xs, struct xs_conn *c, const char *text)
{
    if (!c->complained && xs->cfg.complain != NULL) {
        xs->cfg.complain(xs->cfg.context, c->domid, text);
    }
    c->complained = true;
}

/* A text paid from the connection's queue share, TEXT_NONE if too dear. */
uint32_t xs_queue_charge(struct xenstore *xs, struct xs_conn *c,
                         const char *bytes, size_t len)
{
    uint32_t cost = text_cost(len), text;

    if (c->queue_chunks + cost > xs_share(xs, c, xs->cfg.queue_chunks)) {
        return TEXT_NONE;
    }
    do {
        text = text_make(&xs->pool.text, bytes, len);
    } while (text == TEXT_NONE && xs_txn_reclaim(xs));
    if (text != TEXT_NONE) {
        c->queue_chunks += cost;
    }
    return text;
}

void xs_queue_refund(struct xenstore *xs, struct xs_conn *c, uint32_t text)
{
    if (text != TEXT_NONE) {
        c->queue_chunks -= text_cost(text_len(&xs->pool.text, text));
        text_drop(&xs->pool.text, text);
    }
}

/* Adds up who owns what in one version, after the slots changed. */
void xs_usage_recount(struct xenstore *xs, struct xs_version *v)
{
    uint32_t depth = 0;

    memset(v->usage, 0, xs->nr_slots * sizeof(*v->usage));
    xs->stack[depth++] = v->root;
    while (depth > 0) {
        const struct xs_node *n = &xs->pool.node[xs->stack[--depth]];
        struct xs_usage *u = &v->usage[xs_slot_of(xs, n->perm[0].domid)];

        u->nodes++;
        u->chunks += xs_node_chunks(xs, n);
        if (n->next != 0) {
            xs->stack[depth++] = n->next;
        }
        if (n->child != 0) {
            xs->stack[depth++] = n->child;
        }
    }
}

static void usage_recount_all(struct xenstore *xs)
{
    xs_usage_recount(xs, &xs->live);
    for (uint32_t i = 0; i < xs->nr_txns; i++) {
        if (xs->txn[i].used && !xs->txn[i].doomed) {
            xs_usage_recount(xs, &xs->txn[i].at);
        }
    }
}

int xenstore_introduce(struct xenstore *xs, uint16_t domid, bool privileged,
                       struct xenstore_domain_interface *ring)
{
    uint32_t slot = 1;

    if (xs_slot_of(xs, domid) != XS_SLOT_HOST) {
        return -XEN_EEXIST;
    }
    while (slot < xs->nr_slots && xs->conn[slot].used) {
        slot++;
    }
    if (slot == xs->nr_slots) {
        return -XEN_ENOSPC;
    }
    struct xs_conn *c = &xs->conn[slot];

    memset(c, 0, sizeof(*c));
    c->used = true;
    c->slot = slot;
    c->domid = domid;
    c->privileged = privileged;
    c->ring = ring;
    xs_ring_start(c);
    usage_recount_all(xs);
    xs_watch_fire_special(xs, "@introduceDomain");
    return 0;
}

/*
 * The id may come back as another domain. Its traces are wiped out of every
 * version of every node, which is why the pool is walked and not a tree.
 */
static void forget_in_nodes(struct xenstore *xs, uint16_t domid)
{
    for (uint32_t i = 1; i < xs->pool.high; i++) {
        struct xs_node *n = &xs->pool.node[i];
        uint32_t kept = 1;

        if (n->refs == 0) {
            continue;
        }
        if (n->perm[0].domid == domid) {
            n->perm[0] = (struct xs_perm){.domid = XS_DOMID_HOST};
        }
        for (uint32_t k = 1; k < n->nr_perms; k++) {
            if (n->perm[k].domid != domid) {
                n->perm[kept++] = n->perm[k];
            }
        }
        n->nr_perms = kept;
    }
}

void xenstore_release(struct xenstore *xs, uint16_t domid)
{
    uint32_t slot = xs_slot_of(xs, domid);

    if (slot == XS_SLOT_HOST) {
        return;
    }
    xs_conn_forget(xs, &xs->conn[slot]);
    xs->conn[slot].used = false;
    forget_in_nodes(xs, domid);
    usage_recount_all(xs);
    xs_watch_fire_special(xs, "@releaseDomain");
}

/* Drops all state of a connection but the connection. */
void xs_conn_forget(struct xenstore *xs, struct xs_conn *c)
{
    xs_txn_abort_all(xs, c);
    xs_watch_remove_all(xs, c);
    xs_events_drop(xs, c);
    c->in_len = c->out_len = 0;
    c->before = 0;
    c->sending = NULL;
}

bool xenstore_run(struct xenstore *xs)
{
    bool more = false, moved = true;

    /* What one domain writes may be an event for one served before it. */
    for (unsigned round = 0; round < 2 && moved; round++) {
        moved = false;
        more = false;
        for (uint32_t i = 1; i < xs->nr_slots; i++) {
            if (xs->conn[i].used && xs->conn[i].ring != NULL) {
                more |= xs_ring_serve(xs, &xs->conn[i], &moved);
            }
        }
    }
    return more || moved;
}

/* ------------------------------------------------- the host's own requests */

static struct xs_path host_path(const char *path)
{
    return (struct xs_path){path, strlen(path)};
}

static int host_set_perms(const struct xs_who *who, struct xs_path path,
                          const char *perms)
{
    struct xs_perm perm[XS_PERMS_MAX];
    uint32_t nr = 0;

    while (*perms != '\0' && nr < XS_PERMS_MAX) {
        size_t len = 0;

        while (perms[len] != '\0' && perms[len] != ',') {
            len++;
        }
        if (!xs_perm_parse((struct xs_path){perms, len}, &perm[nr++])) {
            return -XEN_EINVAL;
        }
        perms += len + (perms[len] == ',');
    }
    return nr == 0 ? -XEN_EINVAL : xs_set_perms(who, path, perm, nr);
}

int xenstore_write(struct xenstore *xs, const char *path, const char *value,
                   const char *perms)
{
    struct xs_who who = {.xs = xs};
    struct xs_path p = host_path(path);
    int err;

    if (!xs_path_ok(p)) {
        return -XEN_EINVAL;
    }
    do {
        err = xs_put(&who, p, value, strlen(value), false);
    } while (err == -XEN_ENOMEM && xs_txn_reclaim(xs));
    if (err == 0 && perms != NULL) {
        do {
            err = host_set_perms(&who, p, perms);
        } while (err == -XEN_ENOMEM && xs_txn_reclaim(xs));
    }
    return err;
}

int xenstore_read(struct xenstore *xs, const char *path, char *out, size_t size)
{
    struct xs_path p = host_path(path);
    uint32_t n = xs_path_ok(p) ? xs_tree_find(&xs->pool, xs->live.root, p) : 0;

    if (n == 0) {
        return -XEN_ENOENT;
    }
    out[text_copy(&xs->pool.text, xs->pool.node[n].value, out, size - 1)] =
        '\0';
    return (int)text_len(&xs->pool.text, xs->pool.node[n].value);
}

int xenstore_remove(struct xenstore *xs, const char *path)
{
    struct xs_who who = {.xs = xs};
    struct xs_path p = host_path(path);
    int err;

    if (!xs_path_ok(p)) {
        return -XEN_EINVAL;
    }
    do {
        err = xs_remove(&who, p);
    } while (err == -XEN_ENOMEM && xs_txn_reclaim(xs));
    return err == -XEN_ENOENT ? 0 : err;
}
