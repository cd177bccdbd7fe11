/* SPDX-License-Identifier: MIT */
/*
 * The node tree of xenstore, in versions.
 *
 * A transaction sees the tree as it was when it began. So the tree is kept as
 * a persistent structure: nodes are counted, a node reached by one reference
 * only is changed in place, one that several versions share is copied first,
 * and with it the nodes that lead to it. With no transaction open nothing is
 * ever copied; opening one costs one reference to the root.
 *
 * A node refers to its first child and its next sibling. Whatever refers to a
 * node (a root, a `child`, a `next`) is a slot; `refs` counts slots.
 *
 * Paths given to this file are absolute and well formed (xs_path_ok()).
 * Functions that may copy return -XEN_ENOMEM when the pools are exhausted;
 * the tree then still means what it meant before.
 */
#ifndef SCHEDOP_BACKEND_XS_TREE_H
#define SCHEDOP_BACKEND_XS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define XS_PERMS_MAX 5u /* per node, as xenstored's quota */
#define XS_ACCESS_READ 1u
#define XS_ACCESS_WRITE 2u

/* Entry 0: the owner, and what domains not listed may do. */
struct xs_perm {
    uint16_t domid;
    uint8_t access;
};

struct xs_node {
    uint32_t refs;
    uint32_t name, value; /* texts */
    uint32_t child, next; /* nodes; `next` also links the free list */
    uint32_t nr_perms;
    uint64_t generation; /* of its latest change, new children included */
    struct xs_perm perm[XS_PERMS_MAX];
};

struct xs_pool {
    struct xs_node *node; /* node 0 is never used */
    uint32_t nr, free, nr_free;
    uint32_t high; /* all nodes from here on were never used */
    struct text_pool text;
    uint64_t generation; /* last one given out */
};

struct xs_path {
    const char *s; /* not NUL-terminated */
    size_t len;
};

/* The nodes of a pool whose texts are set up already. */
void xs_pool_init(struct xs_pool *p, struct xs_node *node, uint32_t nr);

/* Well formed: absolute, legal characters, no empty component, length. */
bool xs_path_ok(struct xs_path path);

/* True when `below` is `path` or lies under it. */
bool xs_path_covers(struct xs_path path, struct xs_path below);

/* The path without its last component; "/" for "/". */
struct xs_path xs_path_parent(struct xs_path path);

/*
 * The component that starts at *at (1 for the first one), and steps on to the
 * next; false at the end.
 */
bool xs_path_next(struct xs_path path, size_t *at, struct xs_path *name);

/* A tree of one empty node owned by domain 0; 0 when there is no room. */
uint32_t xs_tree_new(struct xs_pool *p);

/* Another version that starts as this one; and the end of a version. */
uint32_t xs_tree_hold(struct xs_pool *p, uint32_t root);
void xs_tree_drop(struct xs_pool *p, uint32_t root);

/* The node at `path`, 0 when there is none. */
uint32_t xs_tree_find(const struct xs_pool *p, uint32_t root,
                      struct xs_path path);

/*
 * The node at `path` or else at its nearest existing ancestor; `missing`
 * counts the components that do not exist.
 */
uint32_t xs_tree_nearest(const struct xs_pool *p, uint32_t root,
                         struct xs_path path, uint32_t *missing);

/*
 * Makes the existing node at `path` and all that lead to it part of this
 * version alone, so that it may be changed in place; 0 when out of memory.
 */
uint32_t xs_tree_own(struct xs_pool *p, uint32_t *root, struct xs_path path);

/*
 * Adds an empty node called `name` below a node that xs_tree_own() or this
 * function returned and that has no such child, with its permissions.
 * Returns it, 0 when out of memory.
 */
uint32_t xs_tree_add(struct xs_pool *p, uint32_t parent, struct xs_path name);

/* Replaces the value of a node that xs_tree_own() or _add() returned. */
int xs_tree_set_value(struct xs_pool *p, uint32_t node, const char *value,
                      size_t len);

/*
 * Unlinks the existing node at `path`, not "/", with all below it. *removed
 * is then a version of its own whose root is that node: drop it.
 */
int xs_tree_cut(struct xs_pool *p, uint32_t *root, struct xs_path path,
                uint32_t *removed);

#endif
