/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked circular lists with the links inside the members. A head is a
 * node too; a node that is in no list points to itself.
 */
#ifndef SCHEDOP_LIB_LIST_H
#define SCHEDOP_LIB_LIST_H

#include <stdbool.h>

#include "compiler.h"

struct list_node {
    struct list_node *next, *prev;
};

static inline void list_init(struct list_node *n)
{
    n->next = n;
    n->prev = n;
}

static inline bool list_is_empty(const struct list_node *head)
{
    return head->next == head;
}

static inline bool list_is_linked(const struct list_node *n)
{
    return n->next != n;
}

/* Puts `n` before `at`; with `at` a head that is the end of the list. */
static inline void list_insert_before(struct list_node *at, struct list_node *n)
{
    n->next = at;
    n->prev = at->prev;
    at->prev->next = n;
    at->prev = n;
}

static inline void list_remove(struct list_node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

#endif
