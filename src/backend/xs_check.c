/* SPDX-License-Identifier: MIT */
/*
 * Whether all references, free lists and shares add up. For tests: nothing
 * in the hypervisor calls it, so nothing of it is in the image.
 */
#include "xs_private.h"

/* References that slots hold on each node, counted into `seen`. */
static void count_references(struct xenstore *xs, uint32_t *seen)
{
    memset(seen, 0, xs->pool.nr * sizeof(*seen));
    for (uint32_t i = 1; i < xs->pool.nr; i++) {
        const struct xs_node *n = &xs->pool.node[i];

        if (n->refs > 0) {
            seen[n->child]++;
            seen[n->next]++;
        }
    }
    seen[xs->live.root]++;
    for (uint32_t i = 0; i < xs->nr_txns; i++) {
        if (xs->txn[i].used && !xs->txn[i].doomed) {
            seen[xs->txn[i].at.root]++;
            seen[xs->txn[i].base_root]++;
        }
    }
}

static uint32_t chunks_of_events(const struct xenstore *xs,
                                 const struct xs_conn *c)
{
    const struct text_pool *text = &xs->pool.text;
    uint32_t chunks = 0;

    for (uint32_t e = c->first_event; e != 0; e = xs->event[e].next) {
        chunks += text_cost(text_len(text, xs->event[e].path));
    }
    for (uint32_t w = xs->watch_first; w != 0; w = xs->watch[w].next) {
        if (xs->watch[w].slot == c->slot) {
            chunks += text_cost(text_len(text, xs->watch[w].path)) +
                      text_cost(text_len(text, xs->watch[w].token));
        }
    }
    for (uint32_t i = 0; i < xs->nr_txns; i++) {
        const struct xs_txn *t = &xs->txn[i];

        for (uint32_t n = t->used && t->slot == c->slot ? t->first : 0; n != 0;
             n = xs->change[n].next) {
            chunks += text_cost(text_len(text, xs->change[n].path));
        }
    }
    return chunks;
}

const char *xenstore_check(struct xenstore *xs)
{
    struct xs_usage before[64];
    uint32_t free = 0;

    count_references(xs, xs->stack);
    for (uint32_t i = 1; i < xs->pool.nr; i++) {
        free += xs->pool.node[i].refs == 0;
        if (xs->stack[i] != xs->pool.node[i].refs) {
            return "a node's references do not add up";
        }
    }
    if (free != xs->pool.nr_free) {
        return "the free nodes do not add up";
    }
    for (uint32_t i = 1; i < xs->nr_slots; i++) {
        if (xs->conn[i].used &&
            chunks_of_events(xs, &xs->conn[i]) != xs->conn[i].queue_chunks) {
            return "a queue share does not add up";
        }
    }
    if (xs->nr_slots > sizeof(before) / sizeof(before[0])) {
        return NULL;
    }
    memcpy(before, xs->live.usage, xs->nr_slots * sizeof(before[0]));
    xs_usage_recount(xs, &xs->live);
    return memcmp(before, xs->live.usage, xs->nr_slots * sizeof(before[0])) == 0
               ? NULL
               : "a domain's share does not add up";
}
