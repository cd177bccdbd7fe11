/* SPDX-License-Identifier: MIT */
/*
 * A running lab: the machine, a task for each vCPU of the workload, and what
 * the tasks share. task.c is the behaviour of a vCPU, sync.c how tasks wait
 * for each other, run.c the beginning and what the file wants done meanwhile.
 */
#ifndef SCHEDOP_SIM_TASK_H
#define SCHEDOP_SIM_TASK_H

#include "../lib/prng.h"
#include "workload.h"

struct lab_timer {
    bool begun;
    uint64_t next;
};

struct affinity;
struct task;

/* An event channel to another task: our port, which both tells it and is told
   by it. */
struct lab_peer {
    struct task *to;
    uint32_t port;
};

struct task {
    struct lab_run *r;
    struct sim_vcpu *v; /* NULL before the domain starts */
    const struct lab_program *prog;
    uint32_t pc;
    uint32_t stage;  /* of the op at pc; 0: not begun */
    uint64_t until;  /* of a sleep */
    uint32_t *count; /* of loops */
    struct lab_timer *timer;
    struct prng prng;
    uint64_t began; /* when it first ran; SIM_FOREVER not yet */

    /* Waiting for another task. */
    struct task *next_waiter;
    bool granted;
    struct lab_peer *peer;
    uint32_t nr_peers;
    uint32_t *send; /* ports still to be signalled, before the next op */
    uint32_t nr_sends, sends_room;

    struct affinity *affinity;      /* the latest it asked for */
    int64_t dog[SOP_WATCHDOGS + 1]; /* ids of watchdogs set up, 0 none */

    /* Figures. */
    uint64_t jobs, missed, late_max;
    struct sim_hist response;
    uint64_t job_began;  /* when the last timer let it go on */
    uint64_t job_waited; /* its time runnable then */
    uint64_t spare_ns;   /* time it would have slept but for waiting */
};

/* What tasks share by name, at run time. */
struct lab_shared {
    struct task *first, **last; /* who waits, in order */
    struct task *owner;         /* of a lock */
    uint32_t waiting;
    struct lab_timer timer;
};

struct lab_run {
    const struct lab_workload *w;
    struct lab_options options;
    struct sim_machine *m;
    struct sim_domain **domain; /* by index in the workload, NULL not begun */
    struct task **task;         /* ... and its tasks */
    struct lab_shared *shared;
    uint64_t duration_ns, seed;
    char *notes; /* lines about acts that failed */
    struct lab_pending *pending;
    uint32_t *pool_id;         /* by index in the workload */
    bool *renamed;             /* likewise */
    unsigned *domain_pool;     /* index of the pool that a domain is in */
    struct lab_pending *doing; /* the act that has to be tried again */
    struct lab_pending **next; /* ... and those that wait for it */
    size_t nr_next, next_room;
};

/* One act of the workload, for sim_at(). */
struct lab_pending {
    struct lab_run *r;
    const struct lab_act *act; /* NULL: `domain` starts */
    unsigned domain, tries;
    uint64_t done; /* pCPUs of its list */
};

/* ---- task.c ---- */

/* The behaviour of all vCPUs of labs; v->ctx is the task. */
void task_next(struct sim_vcpu *v, struct sim_step *s);

/* ---- sync.c ---- */

/* Puts `t` at the end of those who wait; it is granted when its turn comes. */
void sync_enqueue(struct lab_shared *o, struct task *t);

/* Grants the first; `t` will tell it. NULL if nobody waits. */
struct task *sync_grant(struct lab_shared *o, struct task *t);

/* Has the turn of `t` come? If not, fills in the step to wait with. */
bool sync_waited(struct task *t, struct sim_step *s);

/* The next of the signals that `t` owes; false when there is none. */
bool sync_send(struct task *t, struct sim_step *s);

/* Takes the lock or enqueues; gives it to the next in line. */
bool sync_lock(struct lab_shared *o, struct task *t);
void sync_unlock(struct lab_shared *o, struct task *t);

/* ---- acts_pool.c ---- */

/* What is done to a pool: 0, -EAGAIN or the core's error. */
int act_on_pool(struct lab_run *r, struct lab_pending *p);

/* Sets windows of an arinc653 pool, and the rate limit of a credit2 pool. */
int pool_set_frame(struct lab_run *r, unsigned index,
                   const struct lab_pool *frame);
int pool_set_ratelimit(struct lab_run *r, unsigned index, uint64_t ns);

/* ---- run.c ---- */

/* Adds a line to what is said after the run. */
void run_note(struct lab_run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The policy of a pool of the workload, by name and by Xen's number. */
const char *run_sched(const struct lab_run *r, unsigned pool);
uint32_t run_sched_id(const struct lab_run *r, unsigned pool);

/* What it is called now. */
const char *run_pool_name(const struct lab_run *r, unsigned pool);

/* Creates and starts a domain of the workload; 0 or the core's error. */
int run_begin_domain(struct lab_run *r, unsigned index);

/* "EINVAL" for -XEN_EINVAL. */
const char *run_error_name(int rc);

/* ---- acts.c ---- */

void act_do(struct sim_machine *m, void *pending);

#endif
