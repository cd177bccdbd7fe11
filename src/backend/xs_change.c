/* SPDX-License-Identifier: MIT */
/*
 * Changes of the tree: who may, whose share pays, who is told.
 *
 * A change in a transaction goes to the transaction's version and is noted
 * there; one outside goes to the live version and fires watches at once.
 */
#include "xs_private.h"

struct xs_version *xs_version_of(const struct xs_who *who)
{
    return who->txn != NULL && !who->txn->doomed ? &who->txn->at
                                                 : &who->xs->live;
}

bool xs_owns(const struct xs_conn *c, const struct xs_node *n)
{
    return c->privileged || n->perm[0].domid == c->domid;
}

bool xs_may(const struct xs_conn *c, const struct xs_node *n, unsigned need)
{
    unsigned access = n->perm[0].access;

    if (xs_owns(c, n)) {
        return true;
    }
    for (uint32_t i = 1; i < n->nr_perms; i++) {
        if (n->perm[i].domid == c->domid) {
            access = n->perm[i].access;
            break;
        }
    }
    return (access & need) == need;
}

/*
 * 0 and *node, or -XEN_ENOENT; -XEN_EACCES without the right on the node, or
 * where it is missing on its nearest ancestor: what exists stays secret.
 */
int xs_access(const struct xs_who *who, struct xs_path path, unsigned need,
              uint32_t *node)
{
    struct xs_pool *p = &who->xs->pool;
    uint32_t missing;
    uint32_t n = xs_tree_nearest(p, xs_version_of(who)->root, path, &missing);

    *node = missing == 0 ? n : 0;
    if (!xs_privileged(who) && !xs_may(who->conn, &p->node[n], need)) {
        return -XEN_EACCES;
    }
    return missing == 0 ? 0 : -XEN_ENOENT;
}

/* "n0", "r5", "w5", "b5": what domain 0 or 5 may do. */
bool xs_perm_parse(struct xs_path text, struct xs_perm *perm)
{
    uint32_t domid = 0;

    if (text.len < 2 || text.len > 6) {
        return false;
    }
    for (size_t i = 1; i < text.len; i++) {
        if (text.s[i] < '0' || text.s[i] > '9') {
            return false;
        }
        domid = domid * 10 + (uint32_t)(text.s[i] - '0');
    }
    perm->domid = (uint16_t)domid;
    perm->access = text.s[0] == 'n'   ? 0
                   : text.s[0] == 'r' ? XS_ACCESS_READ
                   : text.s[0] == 'w' ? XS_ACCESS_WRITE
                                      : XS_ACCESS_READ | XS_ACCESS_WRITE;
    return domid <= UINT16_MAX && (perm->access != 3 || text.s[0] == 'b');
}

/* ---------------------------------------------------------------- shares */

static struct xs_usage *usage_of(const struct xs_who *who, uint32_t node)
{
    uint16_t owner = who->xs->pool.node[node].perm[0].domid;

    return &xs_version_of(who)->usage[xs_slot_of(who->xs, owner)];
}

static uint32_t value_cost(size_t len)
{
    return len > 0 ? text_cost(len) : 0;
}

/* Chunks of text that a node takes; every node takes one at least. */
uint32_t xs_node_chunks(const struct xenstore *xs, const struct xs_node *n)
{
    return text_cost(text_len(&xs->pool.text, n->name)) +
           value_cost(text_len(&xs->pool.text, n->value));
}

/* Whether slot `slot` may take that much more; the asker pays for others. */
static bool share_allows(const struct xs_who *who, uint32_t slot,
                         uint32_t nodes, uint32_t chunks)
{
    const struct xenstore *xs = who->xs;
    const struct xs_usage *u = &xs_version_of(who)->usage[slot];

    return xs_privileged(who) || slot == XS_SLOT_HOST ||
           xs->conn[slot].privileged ||
           (u->nodes + nodes <= xs->cfg.nodes &&
            u->chunks + chunks <= xs->cfg.chunks);
}

/* Where the first of the last `missing` components of `path` starts. */
static size_t path_rest(struct xs_path path, uint32_t missing)
{
    while (missing-- > 0) {
        path = xs_path_parent(path);
    }
    return path.len == 1 ? 1 : path.len + 1;
}

static int put_allowed(const struct xs_who *who, struct xs_path path,
                       uint32_t node, size_t len)
{
    struct xenstore *xs = who->xs;

    if (!xs_privileged(who) && len > XS_VALUE_MAX) {
        return -XEN_ENOSPC;
    }
    if (node != 0) {
        const struct xs_node *n = &xs->pool.node[node];
        uint32_t old = value_cost(text_len(&xs->pool.text, n->value));
        uint32_t now = value_cost(len);
        uint32_t slot = xs_slot_of(xs, n->perm[0].domid);

        return now <= old || share_allows(who, slot, 0, now - old)
                   ? 0
                   : -XEN_ENOSPC;
    }
    if (xs_privileged(who)) {
        return 0;
    }
    uint32_t missing, chunks = value_cost(len);
    struct xs_path name;

    xs_tree_nearest(&xs->pool, xs_version_of(who)->root, path, &missing);
    size_t at = path_rest(path, missing);

    while (xs_path_next(path, &at, &name)) {
        chunks += text_cost(name.len);
    }
    return share_allows(who, who->conn->slot, missing, chunks) ? 0
                                                               : -XEN_ENOSPC;
}

/* --------------------------------------------------------------- changes */

/*
 * In a transaction: remembers what is about to change, and that the list of
 * children in which a node appears or disappears was looked at.
 */
static int note(const struct xs_who *who, struct xs_path path, uint32_t missing,
                enum xs_access_kind kind)
{
    struct xs_path list = path;
    int err;

    if (who->txn == NULL) {
        return 0;
    }
    err = xs_txn_note(who->xs, who->txn, path, kind);
    missing += kind == XS_REMOVED;
    if (err == 0 && missing > 0) {
        while (missing-- > 0) {
            list = xs_path_parent(list);
        }
        xs_txn_note_read(who, list);
    }
    return err;
}

/* Outside one: counts the change and tells whoever watches. */
static void announce(const struct xs_who *who, struct xs_path path,
                     bool removed)
{
    if (who->txn == NULL) {
        who->xs->changes++;
        xs_watch_fire(who->xs, who->xs->live.root, path, removed);
    }
}

static bool doomed(const struct xs_who *who)
{
    return who->txn != NULL && who->txn->doomed;
}

/* Creates what is missing of `path`; its last node, 0 when out of memory. */
static uint32_t create(const struct xs_who *who, struct xs_path path)
{
    struct xs_pool *p = &who->xs->pool;
    struct xs_version *v = xs_version_of(who);
    struct xs_path name;
    uint32_t missing;

    xs_tree_nearest(p, v->root, path, &missing);
    size_t at = path_rest(path, missing);
    struct xs_path there = {path.s, at == 1 ? 1 : at - 1};
    uint32_t n = xs_tree_own(p, &v->root, there);

    while (n != 0 && xs_path_next(path, &at, &name)) {
        n = xs_tree_add(p, n, name);
        if (n == 0) {
            break;
        }
        if (!xs_privileged(who)) {
            p->node[n].perm[0].domid = who->conn->domid;
        }
        struct xs_usage *u = usage_of(who, n);

        u->nodes++;
        u->chunks += xs_node_chunks(who->xs, &p->node[n]);
    }
    return n;
}

/* So that what is begun ends: `missing` new nodes and a value. */
static bool has_memory(struct xs_pool *p, struct xs_path path, uint32_t missing,
                       size_t len)
{
    uint32_t names = missing + (uint32_t)(path.len / TEXT_REST);

    return text_reserve(&p->text, names + text_cost(len));
}

int xs_put(const struct xs_who *who, struct xs_path path, const char *value,
           size_t len, bool keep_value)
{
    struct xs_pool *p = &who->xs->pool;
    uint32_t n, missing;
    int err = xs_access(who, path, XS_ACCESS_WRITE, &n);

    if ((err != 0 && err != -XEN_ENOENT) || (n != 0 && keep_value)) {
        return err;
    }
    err = put_allowed(who, path, n, len);
    if (err != 0 || doomed(who)) {
        return err;
    }
    xs_tree_nearest(p, xs_version_of(who)->root, path, &missing);
    err = note(who, path, missing, XS_WRITTEN);
    if (err != 0) {
        return err;
    }
    if (!has_memory(p, path, missing, len)) {
        return -XEN_ENOMEM;
    }
    n = n == 0 ? create(who, path)
               : xs_tree_own(p, &xs_version_of(who)->root, path);
    if (n == 0) {
        return -XEN_ENOMEM;
    }
    struct xs_usage *u = usage_of(who, n);

    p->node[n].generation = ++p->generation;
    u->chunks -= xs_node_chunks(who->xs, &p->node[n]);
    err = xs_tree_set_value(p, n, value, len);
    u->chunks += xs_node_chunks(who->xs, &p->node[n]);
    if (err == 0) {
        announce(who, path, false);
    }
    return err;
}

/* Takes everything at and below `n`, a version of its own, off the shares. */
static void usage_remove(const struct xs_who *who, uint32_t n)
{
    struct xenstore *xs = who->xs;
    uint32_t depth = 0;

    xs->stack[depth++] = n;
    while (depth > 0) {
        n = xs->stack[--depth];
        const struct xs_node *node = &xs->pool.node[n];
        struct xs_usage *u = usage_of(who, n);

        u->nodes--;
        u->chunks -= xs_node_chunks(xs, node);
        if (node->next != 0) {
            xs->stack[depth++] = node->next;
        }
        if (node->child != 0) {
            xs->stack[depth++] = node->child;
        }
    }
}

/* Takes the existing node at `path` away with all below it. */
static int cut(const struct xs_who *who, struct xs_path path)
{
    struct xs_pool *p = &who->xs->pool;
    uint32_t removed;
    int err = xs_tree_cut(p, &xs_version_of(who)->root, path, &removed);

    if (err == 0) {
        usage_remove(who, removed);
        xs_tree_drop(p, removed);
    }
    return err;
}

int xs_remove(const struct xs_who *who, struct xs_path path)
{
    struct xs_pool *p = &who->xs->pool;
    struct xs_version *v = xs_version_of(who);
    uint32_t n, missing;
    int err = xs_access(who, path, XS_ACCESS_WRITE, &n);

    if (err == -XEN_ENOENT) {
        xs_tree_nearest(p, v->root, path, &missing);
        return missing == 1 ? 0 : -XEN_ENOENT;
    }
    if (err == 0 && path.len == 1) {
        return -XEN_EINVAL;
    }
    if (err != 0 || doomed(who)) {
        return err;
    }
    err = note(who, path, 0, XS_REMOVED);
    if (err == 0) {
        /* Watchers are checked against the permissions of what goes away. */
        announce(who, path, true);
        err = cut(who, path);
    }
    return err;
}

static bool domain_known(const struct xenstore *xs, uint16_t domid)
{
    return domid == XS_DOMID_HOST || xs_slot_of(xs, domid) != XS_SLOT_HOST;
}

int xs_set_perms(const struct xs_who *who, struct xs_path path,
                 const struct xs_perm *perm, uint32_t nr)
{
    struct xs_pool *p = &who->xs->pool;
    uint32_t n;
    int err = xs_access(who, path, XS_ACCESS_WRITE, &n);

    if (err != 0) {
        return err;
    }
    if (!xs_privileged(who)) {
        if (!xs_owns(who->conn, &p->node[n])) {
            return -XEN_EACCES;
        }
        if (perm[0].domid != who->conn->domid) {
            return domain_known(who->xs, perm[0].domid) ? -XEN_EPERM
                                                        : -XEN_ENOENT;
        }
    }
    if (doomed(who)) {
        return 0;
    }
    err = note(who, path, 0, XS_WRITTEN);
    if (err != 0) {
        return err;
    }
    n = xs_tree_own(p, &xs_version_of(who)->root, path);
    if (n == 0) {
        return -XEN_ENOMEM;
    }
    uint32_t chunks = xs_node_chunks(who->xs, &p->node[n]);

    usage_of(who, n)->nodes--;
    usage_of(who, n)->chunks -= chunks;
    p->node[n].generation = ++p->generation;
    p->node[n].nr_perms = nr;
    memcpy(p->node[n].perm, perm, nr * sizeof(*perm));
    usage_of(who, n)->nodes++;
    usage_of(who, n)->chunks += chunks;
    announce(who, path, false);
    return 0;
}

/* ------------------------------------------------------- merging (xs_txn.c) */

/*
 * Makes `path` in the transaction's version what it is in the version `from`:
 * its value and permissions, or removed. Already allowed and noted once.
 */
int xs_replay(const struct xs_who *who, uint32_t from, struct xs_path path,
              bool removed)
{
    struct xs_pool *p = &who->xs->pool;
    struct xs_version *v = xs_version_of(who);
    uint32_t n = xs_tree_find(p, v->root, path);
    uint32_t source = removed ? 0 : xs_tree_find(p, from, path);

    if (removed) {
        return n == 0 ? 0 : cut(who, path);
    }
    if (source == 0) {
        return 0; /* a later step removes it */
    }
    n = n == 0 ? create(who, path) : xs_tree_own(p, &v->root, path);
    if (n == 0) {
        return -XEN_ENOMEM;
    }
    struct xs_node *node = &p->node[n];

    usage_of(who, n)->nodes--;
    usage_of(who, n)->chunks -= xs_node_chunks(who->xs, node);
    text_hold(&p->text, p->node[source].value);
    text_drop(&p->text, node->value);
    node->value = p->node[source].value;
    node->nr_perms = p->node[source].nr_perms;
    memcpy(node->perm, p->node[source].perm, sizeof(node->perm));
    node->generation = ++p->generation;
    usage_of(who, n)->nodes++;
    usage_of(who, n)->chunks += xs_node_chunks(who->xs, node);
    return 0;
}

/* After a merge: two halves that each fitted need not fit together. */
bool xs_within_share(const struct xs_who *who)
{
    return share_allows(who, who->conn->slot, 0, 0);
}
