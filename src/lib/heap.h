/* SPDX-License-Identifier: MIT */
/*
 * A binary heap of nodes embedded in what they order: the smallest key is on
 * top. A node knows its place, so that any node can be taken out in
 * logarithmic time. The array of places belongs to the caller and never
 * grows. Equal keys leave in an order that depends only on what was done to
 * the heap before.
 */
#ifndef SCHEDOP_LIB_HEAP_H
#define SCHEDOP_LIB_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    uint64_t key;
    uint32_t place; /* 1 is the top; 0: in no heap */
    uint32_t tag;   /* the owner's; the heap never looks */
};

struct heap {
    struct heap_node **node; /* node[place - 1] */
    uint32_t count;
    uint32_t capacity;
};

static inline void heap_init(struct heap *h, struct heap_node **nodes,
                             uint32_t capacity)
{
    h->node = nodes;
    h->count = 0;
    h->capacity = capacity;
}

static inline bool heap_node_is_linked(const struct heap_node *n)
{
    return n->place != 0;
}

/* The node with the smallest key, NULL if the heap is empty. */
static inline struct heap_node *heap_top(const struct heap *h)
{
    return h->count != 0 ? h->node[0] : NULL;
}

/* Puts in a node that is in no heap; there must be room. */
void heap_insert(struct heap *h, struct heap_node *n, uint64_t key);

/* Takes out a node that is in this heap. */
void heap_remove(struct heap *h, struct heap_node *n);

/* Gives a node that is in this heap another key. */
void heap_move(struct heap *h, struct heap_node *n, uint64_t key);

/* NULL, or what is wrong with the heap. For tests and debug keys. */
const char *heap_check(const struct heap *h);

#endif
