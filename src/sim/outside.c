/* SPDX-License-Identifier: MIT */
/*
 * Acts from outside: a heap by time, and for one time in the order in which
 * they were asked for.
 */
#include "private.h"

static bool comes_before(const struct sim_outside_act *a,
                         const struct sim_outside_act *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void swap(struct sim_outside_act *a, struct sim_outside_act *b)
{
    struct sim_outside_act t = *a;

    *a = *b;
    *b = t;
}

void sim_at(struct sim_machine *m, uint64_t when, sim_outside *act, void *arg)
{
    struct sim_outside_act *h;
    size_t at = m->nr_acts;

    if (m->nr_acts == m->acts_room) {
        m->acts_room = m->acts_room * 2 + 16;
        m->acts = sim_grow(m->acts, m->acts_room, sizeof(*m->acts));
    }
    h = m->acts;
    h[m->nr_acts++] = (struct sim_outside_act){
        .when = when > m->now ? when : m->now,
        .order = m->act_order++,
        .act = act,
        .arg = arg,
    };
    for (; at > 0 && comes_before(&h[at], &h[(at - 1) / 2]);
         at = (at - 1) / 2) {
        swap(&h[at], &h[(at - 1) / 2]);
    }
}

uint64_t outside_due(const struct sim_machine *m)
{
    return m->nr_acts != 0 ? m->acts[0].when : SIM_FOREVER;
}

void outside_act(struct sim_machine *m)
{
    struct sim_outside_act *h = m->acts, first = h[0];
    size_t at = 0;

    h[0] = h[--m->nr_acts];
    for (;;) {
        size_t least = at, child = 2 * at + 1;

        for (; child <= 2 * at + 2 && child < m->nr_acts; child++) {
            if (comes_before(&h[child], &h[least])) {
                least = child;
            }
        }
        if (least == at) {
            break;
        }
        swap(&h[at], &h[least]);
        at = least;
    }
    first.act(m, first.arg);
}
