/* SPDX-License-Identifier: MIT */
/* See heap.h. */
#include "heap.h"

#include "bug.h"

static void heap_put(struct heap *h, uint32_t place, struct heap_node *n)
{
    h->node[place - 1] = n;
    n->place = place;
}

static void heap_sift_up(struct heap *h, uint32_t place, struct heap_node *n)
{
    while (place > 1 && h->node[place / 2 - 1]->key > n->key) {
        heap_put(h, place, h->node[place / 2 - 1]);
        place /= 2;
    }
    heap_put(h, place, n);
}

static void heap_sift_down(struct heap *h, uint32_t place, struct heap_node *n)
{
    for (;;) {
        uint32_t child = place * 2;

        if (child > h->count) {
            break;
        }
        if (child < h->count && h->node[child]->key < h->node[child - 1]->key) {
            child++;
        }
        if (h->node[child - 1]->key >= n->key) {
            break;
        }
        heap_put(h, place, h->node[child - 1]);
        place = child;
    }
    heap_put(h, place, n);
}

void heap_insert(struct heap *h, struct heap_node *n, uint64_t key)
{
    ASSERT(!heap_node_is_linked(n));
    BUG_ON(h->count >= h->capacity);
    n->key = key;
    h->count++;
    heap_sift_up(h, h->count, n);
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    uint32_t place = n->place;
    struct heap_node *last;

    BUG_ON(place == 0 || place > h->count);
    BUG_ON(h->node[place - 1] != n);
    n->place = 0;
    last = h->node[h->count - 1];
    h->count--;
    if (last == n) {
        return;
    }
    if (place > 1 && h->node[place / 2 - 1]->key > last->key) {
        heap_sift_up(h, place, last);
    } else {
        heap_sift_down(h, place, last);
    }
}

void heap_move(struct heap *h, struct heap_node *n, uint64_t key)
{
    uint64_t old = n->key;

    BUG_ON(n->place == 0 || n->place > h->count);
    ASSERT(h->node[n->place - 1] == n);
    n->key = key;
    if (key < old) {
        heap_sift_up(h, n->place, n);
    } else {
        heap_sift_down(h, n->place, n);
    }
}

const char *heap_check(const struct heap *h)
{
    uint32_t i;

    if (h->count > h->capacity) {
        return "heap overfull";
    }
    for (i = 1; i <= h->count; i++) {
        if (h->node[i - 1]->place != i) {
            return "heap node does not know its place";
        }
        if (i > 1 && h->node[i / 2 - 1]->key > h->node[i - 1]->key) {
            return "heap out of order";
        }
    }
    return NULL;
}
