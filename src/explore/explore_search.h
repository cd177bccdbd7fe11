/* SPDX-License-Identifier: MIT */
/*
 * Ways through a scenario: the fixed order, all of them, random ones, and one
 * that is given. A way is written as one word a step, "1k" for a kick that
 * arrives on pCPU 1; where a word cannot be done it is left out, and after
 * the last word the fixed order goes on. So any part of a way is a way.
 */
#ifndef SCHEDOP_EXPLORE_EXPLORE_SEARCH_H
#define SCHEDOP_EXPLORE_EXPLORE_SEARCH_H

#include "explore_private.h"

#define EX_WAY_MAX 20000u

struct ex_way {
    unsigned nr;
    struct ex_step step[EX_WAY_MAX];
};

struct ex_totals {
    uint64_t states, steps, ends;
    double interleavings; /* that the states stand for */
    unsigned longest;
    bool bounded; /* something was left out for a bound */
};

/* The first choice at every point. False: something broke. */
bool ex_search_order(const struct ex_scenario *s, FILE *trace);

/* Follows `way`, then the fixed order. */
bool ex_search_way(const struct ex_scenario *s, const struct ex_way *way,
                   FILE *trace);

struct ex_limits {
    int preemptions; /* negative: none */
    uint64_t states;
    unsigned faults; /* kinds of steps, of which each way has one at most */
};

/* All, depth first; what broke is on `way` then. */
bool ex_search_all(const struct ex_scenario *s, const struct ex_limits *limits,
                   struct ex_totals *totals, struct ex_way *way);

/* One random way: `seed` draws its steps. */
bool ex_search_random(const struct ex_scenario *s, uint64_t seed,
                      unsigned faults, struct ex_way *way);

/*
 * The way once for each fault of those kinds at each of its steps, where it
 * can be: up to there as it is, and on as far as its steps can still be taken.
 * `faults` counts them. What broke replaces `way`.
 */
bool ex_search_each(const struct ex_scenario *s, unsigned kinds,
                    struct ex_way *way, uint64_t *faults);

/* Shortens a way that fails without changing which invariant does. */
void ex_search_shrink(const struct ex_scenario *s, struct ex_way *way);

/* Says what the step does, before it is taken; to nowhere if NULL. */
void ex_step_trace(struct ex_step step, FILE *out);

void ex_way_print(const struct ex_way *way, FILE *out);
bool ex_way_read(const char *text, struct ex_way *way);

#endif
