/* SPDX-License-Identifier: MIT */
/*
 * What must hold whatever happens, judged from outside of the core: from what
 * the port was told to do, what guests and controllers asked for, and what
 * guests can see in their memory. The model keeps its own account of who may
 * run; it never looks into the core's.
 *
 * | name          | what must hold when the scheduler has come to rest        |
 * | ------------- | --------------------------------------------------------- |
 * | lost-wakeup   | nobody sleeps whose event is pending or whose time is over|
 * | lost-kick     | no pCPU rests while there is something for it to decide   |
 * | idle          | no pCPU idles while a vCPU that may run there waits       |
 * | times         | the four runstate times sum to the time since creation,   |
 * |               | and the running one is what the pCPUs were seen to run    |
 * | states        | the core's runstate is what the holds of the model imply  |
 * | placement     | who runs, runs where its affinity, pin and pool allow     |
 * | budget        | nobody runs longer in a period than its budget            |
 * | caps          | no domain runs longer than its cap allows                 |
 * | starvation    | nobody who may run waits longer than the bound            |
 * | watchdog      | a domain is shut down by its watchdog if, and only if,    |
 * |               | that was not poked in time                                |
 * | assertion     | no assertion of the core fails, nor its own checks        |
 * | result        | commands return what they must                            |
 * | finish        | a scenario whose scripts end comes to their end           |
 */
#ifndef SCHEDOP_EXPLORE_INVARIANT_H
#define SCHEDOP_EXPLORE_INVARIANT_H

#include "explore_private.h"

/* Whether the core's own checks, sop_check(), count as well. */
extern bool ex_own_checks;

/* A run starts. */
void invariant_reset(void);

/* Registers are exchanged; `v` is entered. */
void invariant_switch(struct ex_pcpu *c, struct sop_vcpu *prev,
                      struct sop_vcpu *next);
void invariant_entry(struct ex_pcpu *c, struct sop_vcpu *v);

/* The clock goes on by `ns`, though pCPUs are at work unless `rested`. */
void invariant_time(uint64_t ns, bool rested);

/* After each step: checks what can be checked there. */
void invariant_step(void);

/* Nothing can happen any more, or the scenario's time is over. */
void invariant_end(bool finished);

/* ---- what policies promise: invariant_policy.c ---- */

/* The pCPUs on line that the domain may use. */
sop_cpumask_t ex_pool_mask(const struct ex_domain *d);

/* Whether `x`, runnable, must not wait while `c`, which it may use, idles. */
bool ex_must_not_wait(const struct ex_vcpu *x, const struct ex_pcpu *c);

/* How long `x` may wait while it could run, in ns. */
uint64_t ex_wait_bound(const struct ex_vcpu *x);

/* The limits that knobs set: caps, budgets. */
void ex_check_limits(struct ex_domain *d);

/* All that `x` has run until now, in ns. */
uint64_t ex_ran(const struct ex_vcpu *x);

/* ---- who ran when, as the demands of a scenario ask: invariant_expect.c ----
 */

struct ex_interval {
    uint8_t domain, vcpu, pcpu;
    uint64_t from, to;
};

/* All intervals in which somebody ran, oldest first. */
const struct ex_interval *invariant_intervals(unsigned *count);

/* Why `x` may not run now, NULL if it may. */
const char *invariant_held(const struct ex_vcpu *x);

struct ex_expect_kind {
    const char *name, *args, *invariant;
    void (*check)(const struct ex_expect *e);
};

extern const struct ex_expect_kind ex_expect_kinds[];

#endif
