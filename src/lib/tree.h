/* SPDX-License-Identifier: MIT */
/*
 * A balanced tree (AVL) of nodes embedded in what they order. Every node
 * carries a set; one can ask for the first node, in order, whose set meets
 * another: a run queue uses it for the vCPUs that may run on a pCPU. Put in,
 * take out, change a set and search: all in logarithmic time.
 *
 * The order is that of `key`, compared as wrapping numbers (so keys may run
 * over, as long as all in one tree are within half the range), then of `tie`.
 */
#ifndef SCHEDOP_LIB_TREE_H
#define SCHEDOP_LIB_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bug.h"

struct tree_node {
    struct tree_node *up, *left, *right;
    uint64_t key;
    uint64_t tie;
    uint64_t set;
    uint64_t any;    /* union of the sets in the subtree */
    uint32_t height; /* of the subtree, 1 a leaf; 0: in no tree */
};

/* All zero is an empty tree. */
struct tree {
    struct tree_node *root;
};

/* Whether key `a` comes before key `b`. */
static inline bool tree_key_before(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}

static inline bool tree_is_empty(const struct tree *t)
{
    return t->root == NULL;
}

static inline bool tree_node_is_linked(const struct tree_node *n)
{
    return n->height != 0;
}

/* The ways beyond an empty tree, and a tree of one. */
void tree_insert_below(struct tree *t, struct tree_node *n);
void tree_remove_from(struct tree *t, struct tree_node *n);

/* Puts in a node that is in no tree. */
static inline void tree_insert(struct tree *t, struct tree_node *n,
                               uint64_t key, uint64_t tie, uint64_t set)
{
    ASSERT(!tree_node_is_linked(n));
    n->up = NULL;
    n->left = NULL;
    n->right = NULL;
    n->key = key;
    n->tie = tie;
    n->set = set;
    n->any = set;
    n->height = 1;
    if (t->root != NULL) {
        tree_insert_below(t, n);
    } else {
        t->root = n;
    }
}

/* Takes out a node that is in this tree. */
static inline void tree_remove(struct tree *t, struct tree_node *n)
{
    ASSERT(tree_node_is_linked(n));
    if (t->root != n || n->height != 1) {
        tree_remove_from(t, n);
    } else {
        t->root = NULL;
        n->height = 0;
    }
}

/* Gives a node that is in this tree another set. */
void tree_change_set(struct tree *t, struct tree_node *n, uint64_t set);

/* The first node whose set meets `set`, NULL if there is none. */
struct tree_node *tree_first(const struct tree *t, uint64_t set);

/* All in order: the lowest (NULL if empty), and the one after `n`. */
struct tree_node *tree_lowest(const struct tree *t);
struct tree_node *tree_next(const struct tree_node *n);

/* NULL, or what is wrong with the tree. For tests and debug keys. */
const char *tree_check(const struct tree *t);

#endif
