/* SPDX-License-Identifier: MIT */
/*
 * Turns of the pCPUs, and worlds as wholes: what explore_world.c offers to
 * its neighbours in addition to explore_private.h.
 */
#ifndef SCHEDOP_EXPLORE_EXPLORE_WORLD_H
#define SCHEDOP_EXPLORE_EXPLORE_WORLD_H

#include <setjmp.h>

#include "explore_private.h"

/* A pCPU as a coroutine, between two of its turns. */
struct ex_turn {
    jmp_buf env;
    uint8_t *low;        /* the part of its stack in use starts here */
    struct ex_step step; /* what it was chosen for */
    bool started;
};

extern struct ex_turn ex_turn[EX_PCPUS];
extern uint8_t *ex_arena; /* the core's */
extern size_t ex_arena_size;

void *ex_shared_page(unsigned domain);

/* Bytes of its stack in use, from `low` on. */
size_t ex_stack_used(unsigned index);

struct ex_saved;

/* What the pCPU whose turn it is was chosen for. */
struct ex_step ex_taken(void);
bool ex_in_turn(void);

/* Ends the turn for good: its pCPU cannot go on after a failure. */
_Noreturn void ex_leave_turn(void);

/* A pCPU's life: explore_pcpu.c. */
_Noreturn void ex_pcpu_main(struct ex_pcpu *c);

/* Carries out what the pCPU was chosen for: also from its idle wait. */
void ex_pcpu_serve(struct ex_pcpu *c);

/* Adds a step to the `n` of the list. */
void ex_add_step(struct ex_step *list, unsigned *n, struct ex_step step);

/* No call, in which interrupts are off. */
bool ex_is_open(const struct ex_pcpu *c);

/*
 * Faults that last: explore_strike.c. Steps that may begin one on `c`, of
 * those kinds; those that what has begun needs, and those it allows; and such
 * a step taken.
 */
void ex_strike_begin(struct ex_step *list, unsigned *n, const struct ex_pcpu *c,
                     unsigned kinds);
void ex_strike_go_on(struct ex_step *list, unsigned *n,
                     const struct ex_pcpu *c);
void ex_strike_undo(struct ex_step *list, unsigned *n, const struct ex_pcpu *c);
void ex_strike(struct ex_pcpu *c, struct ex_step step);

/* Destroys a domain, or -EAGAIN until every pCPU has let go of it. */
int ex_domain_kill(struct ex_pcpu *c, struct ex_domain *d);

/* Takes a pCPU off or on line; -EAGAIN likewise. `sure`: not refused. */
int ex_hotplug(struct ex_pcpu *c, unsigned pcpu, bool online, bool sure);

/* After ex_fail() by who cannot go on. */
_Noreturn void ex_give_up(void);

/* Calls `act`, which may give up; returns whether nothing has failed. */
bool ex_protect(void (*act)(void *), void *context);

/* Lines the core logs, for people; to nowhere if NULL. */
extern FILE *ex_log_lines;
void ex_note_log(const char *text, size_t len);

/* The machine of `s`: explore_machine.c. */
void ex_world_create(const struct ex_scenario *s);
void ex_pcpus_start(const struct ex_scenario *s);
int ex_domain_create(struct ex_pcpu *c, struct ex_domain *d, void *const *port);
void ex_world_forget(void);

/* A domain has the knobs of a new one. */
void ex_default_knobs(struct ex_domain *d);

/* A system without domains, its pCPUs not yet started. */
void ex_world_empty(const struct ex_scenario *s, const struct sop_config *cfg);

/*
 * Copies of worlds: explore_copy.c; free() them. `into` is reused, or NULL.
 * A full copy has all of the core's memory. The others have only those parts
 * of it that are known to change. ex_world_begin() notes how all of it is,
 * and ex_world_changed() whether a part has changed since that was not known
 * to; it is known from then on, and the search has to start again.
 * ex_world_unknown() forgets which parts are known.
 */
struct ex_saved *ex_world_save(struct ex_saved *into, bool full);
void ex_world_restore(const struct ex_saved *from);
void ex_world_begin(void);
void ex_world_unknown(void);
bool ex_world_changed(void);

/* Whether it makes the domain that it names. */
bool ex_is_create(const struct ex_op *op);

/* When this line of a control script may be carried out. */
uint64_t ex_control_due(const struct ex_op *op);

#endif
