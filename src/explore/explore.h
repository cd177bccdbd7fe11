/* SPDX-License-Identifier: MIT */
/*
 * Exploration: the unmodified core under schedules chosen one step at a time.
 *
 * Each simulated pCPU is a coroutine that runs the loop of a port. It stops
 * at every point where on a machine another pCPU could come between: before
 * each entry to the core, at each port call, and when it finds the core lock
 * taken. One of the pCPUs, or the clock, is then chosen to go on. Between two
 * such points a pCPU touches either only what is its own or what the core
 * lock guards, so interleaving at these points is interleaving at all. Time
 * stands still but for steps of the clock to the next timer or end of work.
 *
 * A scenario (docs/explore.md) says what domains there are and what guests
 * and controllers do. Three drivers run it: the fixed order, in which time
 * passes only when nothing else can happen; all interleavings, within bounds;
 * and random ones from a seed. Whatever runs, the invariants (invariant.h)
 * are checked whenever the scheduler has come to rest.
 */
#ifndef SCHEDOP_EXPLORE_EXPLORE_H
#define SCHEDOP_EXPLORE_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What to do with a scenario. */
struct explore_request {
    const char *name;     /* one that ships, or NULL */
    const char *path;     /* or a file */
    const char *schedule; /* replay this, or NULL */
    bool order;           /* the fixed order only */
    bool quiet;           /* one line */
    bool trace;           /* print each step */
    bool no_checks;       /* the model alone, not the core's own checks */
    uint64_t states;      /* stop after so many distinct states; 0 default */
    int preemptions;      /* at most; negative: no bound */
    uint64_t seeds;       /* number of random schedules; 0: all of them */
    uint64_t seed;        /* the first */
    const char *swarm;    /* faults to choose from, NULL all */
    const char *each;     /* faults of which one strikes, at every step */
    const char *keep;     /* only these lines of a made scenario */
    bool made;            /* scenarios made from seeds */
    const char *policy;   /* in place of the scenario's, or NULL */
    FILE *out;
};

/*
 * Runs it and prints to `out` what was explored, or the invariant that broke,
 * with a command that repeats it. Returns 0 when all held, 1 when one broke,
 * 2 when the scenario cannot be read.
 */
int explore_run(const struct explore_request *req);

/* The scenarios that ship, by number; NULL beyond the last one. */
const char *explore_name(unsigned i);
const char *explore_about(unsigned i);

#endif
