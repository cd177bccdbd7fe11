/* SPDX-License-Identifier: MIT */
/*
 * Transactions: a version of the tree of their own, and notes of the paths
 * they looked at, wrote and removed.
 *
 * A transaction commits if every node it noted is now what it was when it
 * began, by the generation that each change of a node renews. When nobody
 * changed anything meanwhile its version becomes the live one; otherwise its
 * changes are replayed on a version of the live tree, which then takes over.
 * Until that moment nothing has happened that would have to be undone.
 */
#include "xs_private.h"

int xs_txn_start(struct xenstore *xs, struct xs_conn *c, uint32_t *id)
{
    struct xs_txn *t = NULL;

    for (uint32_t i = 0; i < xs->nr_txns && t == NULL; i++) {
        t = xs->txn[i].used ? NULL : &xs->txn[i];
    }
    if (t == NULL || c->nr_txns >= xs_share(xs, c, xs->cfg.transactions)) {
        return -XEN_ENOSPC;
    }
    do {
        c->next_txn++;
    } while (c->next_txn == 0 || xs_txn_find(xs, c, c->next_txn) != NULL);
    t->used = true;
    t->doomed = t->coarse = t->changed = false;
    t->slot = c->slot;
    t->id = c->next_txn;
    t->begun = ++xs->begun;
    t->base = xs->changes;
    t->base_root = xs_tree_hold(&xs->pool, xs->live.root);
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

/* ------------------------------------------------------------------- notes */

/* The same again needs no second note; of changes the order matters. */
static bool noted(const struct xenstore *xs, const struct xs_txn *t,
                  struct xs_path path, enum xs_access_kind kind)
{
    uint32_t n = kind == XS_READ_ONLY ? t->first : t->last;

    for (n = t->first == 0 ? 0 : n; n != 0; n = xs->change[n].next) {
        if (xs->change[n].kind == kind &&
            text_equal(&xs->pool.text, xs->change[n].path, path.s, path.len)) {
            return true;
        }
    }
    return false;
}

/* Remembers what is done to `path`; -XEN_ENOSPC when there is no room. */
int xs_txn_note(struct xenstore *xs, struct xs_txn *t, struct xs_path path,
                enum xs_access_kind kind)
{
    struct xs_conn *c = &xs->conn[t->slot];
    uint32_t n = xs->change_free;

    if (noted(xs, t, path, kind)) {
        return 0;
    }
    uint32_t path_text =
        n == 0 ? TEXT_NONE : xs_queue_charge(xs, c, path.s, path.len);

    if (path_text == TEXT_NONE) {
        return -XEN_ENOSPC;
    }
    xs->change_free = xs->change[n].next;
    xs->change[n] = (struct xs_change){.path = path_text, .kind = kind};
    if (t->first == 0) {
        t->first = n;
    } else {
        xs->change[t->last].next = n;
    }
    t->last = n;
    t->changed |= kind != XS_READ_ONLY;
    return 0;
}

/*
 * Remembers that `path` was looked at. Without room for the note any change
 * by others counts as a conflict.
 */
void xs_txn_note_read(const struct xs_who *who, struct xs_path path)
{
    if (who->txn != NULL && !who->txn->doomed &&
        xs_txn_note(who->xs, who->txn, path, XS_READ_ONLY) != 0) {
        who->txn->coarse = true;
    }
}

static void notes_drop(struct xenstore *xs, struct xs_txn *t)
{
    while (t->first != 0) {
        uint32_t n = t->first;

        t->first = xs->change[n].next;
        xs_queue_refund(xs, &xs->conn[t->slot], xs->change[n].path);
        xs->change[n].next = xs->change_free;
        xs->change_free = n;
    }
}

/* The path of a note, in the store's scratch. */
static struct xs_path note_path(struct xenstore *xs, uint32_t n)
{
    struct xs_path path = {xs->path, 0};

    path.len =
        text_copy(&xs->pool.text, xs->change[n].path, xs->path, XS_SCRATCH);
    return path;
}

/* --------------------------------------------------------------------- end */

/* Whether others changed a node that was noted. */
static bool conflicts(struct xenstore *xs, const struct xs_txn *t)
{
    const struct xs_pool *p = &xs->pool;

    if (t->base == xs->changes) {
        return false;
    }
    for (uint32_t n = t->first; n != 0; n = xs->change[n].next) {
        struct xs_path path = note_path(xs, n);
        uint32_t then = xs_tree_find(p, t->base_root, path);
        uint32_t now = xs_tree_find(p, xs->live.root, path);

        if ((then == 0) != (now == 0) ||
            (then != 0 &&
             p->node[then].generation != p->node[now].generation)) {
            return true;
        }
    }
    return t->coarse;
}

/*
 * Replaces the transaction's version by one of the live tree with its changes
 * replayed.
 */
static int rebase(struct xenstore *xs, struct xs_txn *t)
{
    struct xs_who who = {.xs = xs, .conn = &xs->conn[t->slot], .txn = t};
    uint32_t from = t->at.root;
    int err = 0;

    t->at.root = xs_tree_hold(&xs->pool, xs->live.root);
    memcpy(t->at.usage, xs->live.usage, xs->nr_slots * sizeof(*t->at.usage));
    for (uint32_t n = t->first; n != 0 && err == 0; n = xs->change[n].next) {
        if (xs->change[n].kind != XS_READ_ONLY) {
            err = xs_replay(&who, from, note_path(xs, n),
                            xs->change[n].kind == XS_REMOVED);
        }
    }
    xs_tree_drop(&xs->pool, from);
    if (err == 0 && !xs_within_share(&who)) {
        err = -XEN_ENOSPC;
    }
    return err == -XEN_ENOMEM ? -XEN_EAGAIN : err;
}

/* Its version becomes the live one, and whoever watches hears of it. */
static void take_over(struct xenstore *xs, struct xs_txn *t)
{
    uint32_t old = xs->live.root;

    xs->live.root = t->at.root;
    memcpy(xs->live.usage, t->at.usage, xs->nr_slots * sizeof(*t->at.usage));
    t->at.root = old;
    xs->changes++;
    for (uint32_t n = t->first; n != 0; n = xs->change[n].next) {
        bool removed = xs->change[n].kind == XS_REMOVED;

        if (xs->change[n].kind != XS_READ_ONLY) {
            xs_watch_fire(xs, removed ? old : xs->live.root, note_path(xs, n),
                          removed);
        }
    }
}

static int txn_commit(struct xenstore *xs, struct xs_txn *t)
{
    int err = 0;

    if (t->doomed || conflicts(xs, t)) {
        return -XEN_EAGAIN;
    }
    if (t->changed && t->base != xs->changes) {
        err = rebase(xs, t);
    }
    if (err == 0 && t->changed) {
        take_over(xs, t);
    }
    return err;
}

int xs_txn_end(struct xenstore *xs, struct xs_txn *t, bool commit)
{
    int err = commit ? txn_commit(xs, t) : 0;

    notes_drop(xs, t);
    if (!t->doomed) {
        xs_tree_drop(&xs->pool, t->base_root);
        xs_tree_drop(&xs->pool, t->at.root);
    }
    t->used = false;
    xs->conn[t->slot].nr_txns--;
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
 * Makes room by giving up the versions of the oldest transaction; false when
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
    xs_tree_drop(&xs->pool, oldest->base_root);
    xs_tree_drop(&xs->pool, oldest->at.root);
    oldest->doomed = true;
    return true;
}
