/* SPDX-License-Identifier: MIT */
/* See tree.h. */
#include "tree.h"

static uint32_t height_of(const struct tree_node *n)
{
    return n != NULL ? n->height : 0;
}

static uint64_t any_of(const struct tree_node *n)
{
    return n != NULL ? n->any : 0;
}

static bool is_before(const struct tree_node *a, const struct tree_node *b)
{
    if (a->key != b->key) {
        return tree_key_before(a->key, b->key);
    }
    return a->tie < b->tie;
}

/* Height and union from the node's children. */
static void refresh(struct tree_node *n)
{
    uint32_t l = height_of(n->left), r = height_of(n->right);

    n->height = (l > r ? l : r) + 1;
    n->any = n->set | any_of(n->left) | any_of(n->right);
}

/* Puts `with` (may be NULL) where `n` hangs. */
static void replace(struct tree *t, const struct tree_node *n,
                    struct tree_node *with)
{
    struct tree_node *up = n->up;

    if (up == NULL) {
        t->root = with;
    } else if (up->left == n) {
        up->left = with;
    } else {
        up->right = with;
    }
    if (with != NULL) {
        with->up = up;
    }
}

/* The right child becomes the top; returns it. */
static struct tree_node *rotate_left(struct tree *t, struct tree_node *n)
{
    struct tree_node *top = n->right;

    replace(t, n, top);
    n->right = top->left;
    if (n->right != NULL) {
        n->right->up = n;
    }
    top->left = n;
    n->up = top;
    refresh(n);
    refresh(top);
    return top;
}

static struct tree_node *rotate_right(struct tree *t, struct tree_node *n)
{
    struct tree_node *top = n->left;

    replace(t, n, top);
    n->left = top->right;
    if (n->left != NULL) {
        n->left->up = n;
    }
    top->right = n;
    n->up = top;
    refresh(n);
    refresh(top);
    return top;
}

/* Restores the balance of a node whose subtrees are right; returns the top. */
static struct tree_node *balance(struct tree *t, struct tree_node *n)
{
    uint32_t l = height_of(n->left), r = height_of(n->right);

    if (l > r + 1) {
        if (height_of(n->left->left) < height_of(n->left->right)) {
            (void)rotate_left(t, n->left);
        }
        return rotate_right(t, n);
    }
    if (r > l + 1) {
        if (height_of(n->right->right) < height_of(n->right->left)) {
            (void)rotate_right(t, n->right);
        }
        return rotate_left(t, n);
    }
    refresh(n);
    return n;
}

/* After a change below or at `n`: upwards, as far as anything changes. */
static void settle(struct tree *t, struct tree_node *n)
{
    while (n != NULL) {
        uint32_t height = n->height;
        uint64_t any = n->any;

        n = balance(t, n);
        if (n->height == height && n->any == any) {
            return;
        }
        n = n->up;
    }
}

void tree_insert_below(struct tree *t, struct tree_node *n)
{
    struct tree_node **at = &t->root, *up = NULL;

    while (*at != NULL) {
        up = *at;
        at = is_before(n, up) ? &up->left : &up->right;
    }
    n->up = up;
    *at = n;
    settle(t, up);
}

void tree_remove_from(struct tree *t, struct tree_node *n)
{
    struct tree_node *heir = NULL, *from;

    if (n->left == NULL || n->right == NULL) {
        from = n->up;
        replace(t, n, n->left != NULL ? n->left : n->right);
    } else {
        heir = n->right;
        while (heir->left != NULL) {
            heir = heir->left;
        }
        from = heir->up == n ? heir : heir->up;
        replace(t, heir, heir->right);
        replace(t, n, heir);
        heir->left = n->left;
        heir->right = n->right;
        heir->left->up = heir;
        if (heir->right != NULL) {
            heir->right->up = heir;
        }
        /* What its place was known for; settle() sees what changes. */
        heir->height = n->height;
        heir->any = n->any;
    }
    n->height = 0;
    settle(t, from);
    if (heir != NULL && heir != from) {
        settle(t, heir); /* its own set may matter where that below did not */
    }
}

void tree_change_set(struct tree *t, struct tree_node *n, uint64_t set)
{
    ASSERT(tree_node_is_linked(n));
    n->set = set;
    settle(t, n);
}

struct tree_node *tree_first(const struct tree *t, uint64_t set)
{
    struct tree_node *n = t->root;

    if ((any_of(n) & set) == 0) {
        return NULL;
    }
    for (;;) {
        if ((any_of(n->left) & set) != 0) {
            n = n->left;
        } else if ((n->set & set) != 0) {
            return n;
        } else {
            n = n->right;
            ASSERT((any_of(n) & set) != 0);
        }
    }
}

struct tree_node *tree_lowest(const struct tree *t)
{
    struct tree_node *n = t->root;

    while (n != NULL && n->left != NULL) {
        n = n->left;
    }
    return n;
}

struct tree_node *tree_next(const struct tree_node *n)
{
    struct tree_node *up;

    if (n->right != NULL) {
        up = n->right;
        while (up->left != NULL) {
            up = up->left;
        }
        return up;
    }
    for (up = n->up; up != NULL && up->right == n; up = up->up) {
        n = up;
    }
    return up;
}

static const char *check_node(const struct tree *t, const struct tree_node *n)
{
    uint32_t l = height_of(n->left), r = height_of(n->right);
    const struct tree_node *next = tree_next(n);

    if (n->height != (l > r ? l : r) + 1) {
        return "tree: wrong height";
    }
    if (l > r + 1 || r > l + 1) {
        return "tree: out of balance";
    }
    if (n->any != (n->set | any_of(n->left) | any_of(n->right))) {
        return "tree: wrong union of sets";
    }
    if (n->up == NULL ? t->root != n : n->up->left != n && n->up->right != n) {
        return "tree: a node does not know its place";
    }
    if (next != NULL && is_before(next, n)) {
        return "tree: out of order";
    }
    return NULL;
}

const char *tree_check(const struct tree *t)
{
    const struct tree_node *n;
    const char *broken = NULL;

    for (n = tree_lowest(t); n != NULL && broken == NULL; n = tree_next(n)) {
        broken = check_node(t, n);
    }
    return broken;
}
