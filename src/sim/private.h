/* SPDX-License-Identifier: MIT */
/*
 * What the files of the machine share: machine.c (the events), port.c (what
 * the core asks of it), domain.c, behaviour.c.
 */
#ifndef SCHEDOP_SIM_PRIVATE_H
#define SCHEDOP_SIM_PRIVATE_H

#include <setjmp.h>

#include "memory.h"
#include "sim.h"

struct sim_cpu {
    struct sim_machine *m;
    struct sop_pcpu *p;
    const uint32_t *work; /* sop_pcpu_work() */
    struct sim_vcpu *loaded;
    uint64_t armed;   /* when its timer fires */
    uint64_t kick_at; /* when a kick arrives */
    unsigned index;
    bool online;
    bool known; /* the core has ever seen it */
    bool busy;  /* handling an event: inside the core, or about to be */
};

/* An act from outside. Of those for one time the one asked for first is
   first. */
struct sim_outside_act {
    uint64_t when, order;
    sim_outside *act;
    void *arg;
};

struct sim_machine {
    uint64_t now;
    struct sim_cpu cpu[SOP_PCPUS_MAX];
    unsigned nr_cpus;

    /* When each pCPU is next due, and the tree of who is due first: node 1
       is the root, leaf n is at tree_leaves + n. */
    uint64_t due[SOP_PCPUS_MAX];
    uint8_t first[2 * SOP_PCPUS_MAX];
    unsigned tree_leaves;

    struct sim_outside_act *acts; /* a heap, the first in acts[0] */
    size_t nr_acts, acts_room;
    uint64_t act_order;

    struct sim_stats stats;
    struct sim_config cfg;
    struct sim_hooks hooks;
    struct sop_system *sys;
    void *arena;
    struct sim_domain *domains, **last_domain;

    unsigned at_once; /* events since the clock last moved */
    bool stop, panicked;
    bool changed; /* sop_controller_next() has news */
    char why[200];
    jmp_buf *panic; /* where a run is left, NULL: no run */
};

/* ---- machine.c ---- */

/* Says when `cpu` is due anew, after any change to what that depends on. */
void machine_due(struct sim_cpu *c);

/* The machine that this thread is in; for port functions without a `self`. */
struct sim_machine *machine_current(void);
void machine_enter(struct sim_machine *m);

/* `c` is in the core with no lock held. */
static inline void machine_point(struct sim_cpu *c, enum sim_point point)
{
    struct sim_machine *m = c->m;

    if (__builtin_expect(m->hooks.point != NULL, 0)) {
        m->hooks.point(m->hooks.ctx, c->index, point);
    }
}

/* ---- outside.c ---- */

/* When the next act from outside is due, SIM_FOREVER never. */
uint64_t outside_due(const struct sim_machine *m);
void outside_act(struct sim_machine *m); /* takes it out and does it */

/* ---- domain.c ---- */

/* The core says that something became of `d`. */
void domain_changed(struct sim_domain *d);
void domain_look_at_changed(struct sim_machine *m);
void domain_free_all(struct sim_machine *m);

#endif
