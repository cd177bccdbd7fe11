/* SPDX-License-Identifier: MIT */
/*
 * How tasks wait for each other. Who waits for what is kept in the lab's own
 * memory, as guests would keep it in memory they share; the waiting itself is
 * a real block, and the waking a real event channel, made when two tasks first
 * have to do with each other.
 *
 * Locks are handed over in order. As an event may reach a task that no longer
 * waits, every look at whether one's turn has come first takes all events.
 */
#include "task.h"

#include <stdint.h>

#include <xen/sched.h>

#include "memory.h"

void sync_enqueue(struct lab_shared *o, struct task *t)
{
    if (o->first == NULL) {
        o->last = &o->first;
    }
    t->granted = false;
    t->next_waiter = NULL;
    *o->last = t;
    o->last = &t->next_waiter;
    o->waiting++;
}

static void add_peer(struct task *t, struct task *to, uint32_t port)
{
    t->peer = sim_grow(t->peer, t->nr_peers + 1, sizeof(*t->peer));
    t->peer[t->nr_peers++] = (struct lab_peer){to, port};
}

/* The port with which `t` tells `to`; UINT32_MAX if there can be none. */
static uint32_t port_to(struct task *t, struct task *to)
{
    uint32_t port[2];

    for (uint32_t i = 0; i < t->nr_peers; i++) {
        if (t->peer[i].to == to) {
            return t->peer[i].port;
        }
    }
    if (to->v->v == NULL) {
        return UINT32_MAX; /* its domain is gone */
    }
    if (sim_connect(t->v, to->v, port) != 0) {
        run_note(t->r, "%s has no event channel left for %s", t->v->d->name,
                 to->v->d->name);
        return UINT32_MAX;
    }
    add_peer(t, to, port[0]);
    add_peer(to, t, port[1]);
    return port[0];
}

struct task *sync_grant(struct lab_shared *o, struct task *t)
{
    struct task *first = o->first;
    uint32_t port;

    if (first == NULL) {
        return NULL;
    }
    o->first = first->next_waiter;
    o->waiting--;
    first->granted = true;
    port = port_to(t, first);
    if (port != UINT32_MAX) {
        if (t->nr_sends == t->sends_room) {
            t->sends_room = t->sends_room * 2 + 4;
            t->send = sim_grow(t->send, t->sends_room, sizeof(*t->send));
        }
        t->send[t->nr_sends++] = port;
    }
    return first;
}

bool sync_waited(struct task *t, struct sim_step *s)
{
    for (uint32_t i = 0; i < t->nr_peers; i++) {
        (void)sim_take_event(t->v, t->peer[i].port);
    }
    sim_take_upcall(t->v);
    if (t->granted) {
        return true;
    }
    sim_sched(s, SCHEDOP_block);
    return false;
}

/* First granted, first told. */
bool sync_send(struct task *t, struct sim_step *s)
{
    if (t->nr_sends == 0) {
        return false;
    }
    sim_send(t->v, s, t->send[0]);
    t->nr_sends--;
    for (uint32_t i = 0; i < t->nr_sends; i++) {
        t->send[i] = t->send[i + 1];
    }
    return true;
}

bool sync_lock(struct lab_shared *o, struct task *t)
{
    if (o->owner == NULL) {
        o->owner = t;
        return true;
    }
    sync_enqueue(o, t);
    return false;
}

void sync_unlock(struct lab_shared *o, struct task *t)
{
    if (o->owner == t) {
        o->owner = sync_grant(o, t);
    }
}
