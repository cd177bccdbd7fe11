/* SPDX-License-Identifier: MIT */
/*
 * Transactions: a version of the tree of their own, and the list of paths
 * they changed, for the watches that fire when they commit.
 *
 * One that changed nothing always commits: it saw one consistent tree. One
 * that did commits if the live tree is still what it began with.
 */
#include "xs_private.h"

int xs_txn_start(struct xenstore *xs, struct xs_conn *c, uint32_t *id)
{
    struct xs_txn *t = NULL;

    for (uint32_t i = 0; i < xs->nr_txns && t == NULL; i++) {
        t = xs->txn[i].used ? NULL : &xs->txn[i];
    }
    if (t == NULL || c->nr_txns >= xs->cfg.transactions) {
        return -XEN_ENOSPC;
    }
    do {
        c->next_txn++;
    } while (c->next_txn == 0 || xs_txn_find(xs, c, c->next_txn) != NULL);
    t->used = true;
    t->doomed = false;
    t->slot = c->slot;
    t->id = c->next_txn;
    t->begun = ++xs->begun;
    t->base = xs->changes;
    t->at.root = xs_tree_hold(&xs->pool, xs->live.root);
    memcpy(t->at.usage, xs->live.usage, xs->nr_slots * sizeof(*t->at.usage));
    t->first = 0;
    c->nr_txns++;
    *id = t->id;
    return 0;
}

struct xs_txn *xs_txn_find(struct xenstore *xs, struct xs_conn *c, uint32_t id)
{
    for (uint32_t i = 0; i < xs->nr_txns; i++) {
        struct xs_txn *t = &xs->txn[i];

        if (t->used && t->slot == c->slot && t->id == id) {
            return t;
        }
    }
    return NULL;
}

/* Remembers that `path` changed. */
int xs_txn_note(struct xenstore *xs, struct xs_txn *t, struct xs_path path,
                bool removed)
{
    struct xs_conn *c = &xs->conn[t->slot];
    const struct text_pool *text = &xs->pool.text;

    /* The same change again needs no second event. */
    if (t->first != 0 && xs->change[t->last].removed == removed &&
        text_equal(text, xs->change[t->last].path, path.s, path.len)) {
        return 0;
    }
    uint32_t n = xs->change_free;
    uint32_t path_text =
        n == 0 ? TEXT_NONE : xs_queue_charge(xs, c, path.s, path.len);

    if (path_text == TEXT_NONE) {
        return -XEN_ENOSPC;
    }
    xs->change_free = xs->change[n].next;
    xs->change[n] = (struct xs_change){.path = path_text, .removed = removed};
    if (t->first == 0) {
        t->first = n;
    } else {
        xs->change[t->last].next = n;
    }
    t->last = n;
    return 0;
}

static void txn_commit(struct xenstore *xs, struct xs_txn *t)
{
    uint32_t old = xs->live.root;

    xs->live.root = t->at.root;
    memcpy(xs->live.usage, t->at.usage, xs->nr_slots * sizeof(*t->at.usage));
    t->at.root = old;
    xs->changes++;
    for (uint32_t i = t->first; i != 0; i = xs->change[i].next) {
        const struct xs_change *change = &xs->change[i];
        struct xs_path path = {xs->path, 0};

        path.len =
            text_copy(&xs->pool.text, change->path, xs->path, XS_MESSAGE_MAX);
        xs_watch_fire(xs, change->removed ? old : xs->live.root, path,
                      change->removed);
    }
}

int xs_txn_end(struct xenstore *xs, struct xs_txn *t, bool commit)
{
    struct xs_conn *c = &xs->conn[t->slot];
    int err = 0;

    if (commit && t->doomed) {
        err = -XEN_EAGAIN;
    } else if (commit && t->first != 0) {
        if (t->base == xs->changes) {
            txn_commit(xs, t);
        } else {
            err = -XEN_EAGAIN;
        }
    }
    while (t->first != 0) {
        uint32_t n = t->first;

        t->first = xs->change[n].next;
        xs_queue_refund(xs, c, xs->change[n].path);
        xs->change[n].next = xs->change_free;
        xs->change_free = n;
    }
    if (!t->doomed) {
        xs_tree_drop(&xs->pool, t->at.root);
    }
    t->used = false;
    c->nr_txns--;
    return err;
}

void xs_txn_abort_all(struct xenstore *xs, struct xs_conn *c)
{
    for (uint32_t i = 0; i < xs->nr_txns; i++) {
        if (xs->txn[i].used && xs->txn[i].slot == c->slot) {
            xs_txn_end(xs, &xs->txn[i], false);
        }
    }
}

/*
 * Makes room by giving up the version of the oldest transaction; false when
 * there is none left. Its owner gets EAGAIN at the end, as after a conflict,
 * and until then reads the live tree.
 */
bool xs_txn_reclaim(struct xenstore *xs)
{
    struct xs_txn *oldest = NULL;

    for (uint32_t i = 0; i < xs->nr_txns; i++) {
        struct xs_txn *t = &xs->txn[i];

        if (t->used && !t->doomed &&
            (oldest == NULL || t->begun < oldest->begun)) {
            oldest = t;
        }
    }
    if (oldest == NULL) {
        return false;
    }
    xs_tree_drop(&xs->pool, oldest->at.root);
    oldest->doomed = true;
    return true;
}
