/* SPDX-License-Identifier: MIT */
/*
 * A workload: domains and what their vCPUs do, cpupools, and what is done to
 * the machine while it runs. Two readers make one (rtapp.c, form.c); task.c
 * carries the programs out.
 */
#ifndef SCHEDOP_SIM_WORKLOAD_H
#define SCHEDOP_SIM_WORKLOAD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <schedop/limits.h>

#include "lab.h"

/* ---- programs ---- */

enum lab_op_kind {
    OP_RUN,    /* compute for ns..ns_max */
    OP_SPIN,   /* compute until ns after the op began, running or not */
    OP_SLEEP,  /* wait for ns..ns_max */
    OP_TIMER,  /* wait for the next period of timer `ref`, ns long */
    OP_WAIT,   /* for a signal of `ref`, leaving lock `lock` meanwhile */
    OP_SIGNAL, /* one who waits for `ref` */
    OP_BROAD,  /* all who wait for `ref` */
    OP_LOCK,   /* `ref` */
    OP_UNLOCK,
    OP_BARRIER, /* wait for all who use `ref` */
    OP_YIELD,
    OP_LOOP,     /* `count` times (0: for ever) what follows up to `other` */
    OP_END,      /* of the loop that begins at `other` */
    OP_AFFINITY, /* set hard affinity to `mask` */
    OP_WATCHDOG, /* set (or poke, or with ns 0 stop) watchdog `ref` */
    OP_SHUTDOWN, /* the domain, for reason `count` */
    OP_DOWN,     /* this vCPU goes down */
    OP_STOP,     /* nothing more: wait for ever */
};

struct lab_op {
    enum lab_op_kind kind;
    bool absolute; /* OP_TIMER: a missed period does not move the next */
    bool shared;   /* OP_TIMER: `ref` names a timer of all, not one's own */
    bool has_lock; /* OP_WAIT */
    uint64_t ns, ns_max;
    uint64_t mask;
    uint32_t count;
    uint32_t ref, lock;
    uint32_t other; /* index of the op at the other end of a loop */
    uint32_t slot;  /* OP_LOOP, OP_END: which counter */
};

struct lab_program {
    struct lab_op *op;
    uint32_t nr_ops, room;
    uint32_t nr_slots;  /* counters of loops */
    uint32_t nr_timers; /* of its own */
};

/* ---- what there is ---- */

#define LAB_NAME_MAX 64u

enum lab_object_kind { LAB_COND, LAB_LOCK, LAB_BARRIER, LAB_TIMER };

/* Something that tasks share by name. */
struct lab_object {
    enum lab_object_kind kind;
    char *name;
    uint32_t users; /* vCPUs with an op on it; a barrier waits for so many */
};

struct lab_domain {
    char *name;
    char *where; /* for messages: "file:line" */
    unsigned nr_vcpus;
    unsigned weight, cap;
    unsigned pool;                                     /* index */
    uint64_t hard[SOP_VCPUS_MAX], soft[SOP_VCPUS_MAX]; /* 0: all */
    uint64_t start_ns;
    uint32_t program[SOP_VCPUS_MAX]; /* index; UINT32_MAX none yet */
    bool hardware;
    /* Real time: 0 not given. */
    uint64_t budget_ns, period_ns;
    bool extratime, extratime_given;
};

struct lab_window {
    unsigned domain, vcpu; /* domain UINT32_MAX: nobody's */
    uint64_t ns;
};

struct lab_pool {
    char *name;
    char *where;
    char *sched; /* NULL: the machine's */
    uint64_t cpus;
    bool later;  /* made by an act */
    char *alias; /* what an act calls it from some time on, or NULL */
    uint64_t ratelimit_ns;
    bool ratelimit_given; /* credit2 */
    uint64_t frame_ns;    /* arinc653; 0 not given */
    struct lab_window *window;
    size_t nr_windows;
};

enum lab_act_kind {
    ACT_PAUSE,
    ACT_UNPAUSE,
    ACT_SHUTDOWN,
    ACT_RESUME,
    ACT_DESTROY,
    ACT_WEIGHT,
    ACT_CAP,
    ACT_RTDS,
    ACT_PIN,
    ACT_SOFT,
    ACT_UP,
    ACT_ONLINE,
    ACT_OFFLINE,
    ACT_MOVE,
    /* Of the pool `value`. */
    ACT_POOL_CREATE, /* with the pCPUs of `mask`, which are free */
    ACT_POOL_DESTROY,
    ACT_POOL_ADD,
    ACT_POOL_REMOVE,
    ACT_POOL_RENAME, /* to its alias */
    ACT_RATELIMIT,   /* value2 ns */
    ACT_FRAME,       /* `frame`: windows and length */
};

struct lab_act {
    enum lab_act_kind kind;
    uint64_t when;
    char *where;
    unsigned domain, vcpu; /* vcpu UINT32_MAX: all */
    uint64_t value, value2, mask;
    bool extratime, extratime_given;
    struct lab_pool *frame;
};

struct lab_workload {
    char *path;
    /* The machine, as far as the file says; 0 or NULL: it does not. */
    unsigned sockets, cores, threads;
    uint64_t online; /* pCPUs to begin with */
    char *sched, *runqueue;
    uint64_t seed, duration_ns, call_ns, switch_ns, kick_ns;
    bool seed_given, duration_given;

    struct lab_pool *pool; /* pool 0 always exists */
    size_t nr_pools;
    struct lab_domain *domain;
    size_t nr_domains;
    struct lab_program *program;
    size_t nr_programs;
    struct lab_object *object;
    size_t nr_objects;
    struct lab_act *act;
    size_t nr_acts;
};

/* ---- for readers: build.c ---- */

struct lab_error {
    char *text;
    size_t room;
};

/* Notes what is wrong and returns false. */
bool lab_fail(struct lab_error *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct lab_workload *workload_new(const char *path);
unsigned workload_add_pool(struct lab_workload *w, const char *name);
unsigned workload_add_domain(struct lab_workload *w, const char *name);
uint32_t workload_add_program(struct lab_workload *w);
uint32_t workload_object(struct lab_workload *w, enum lab_object_kind kind,
                         const char *name); /* found or made */
struct lab_act *workload_add_act(struct lab_workload *w,
                                 enum lab_act_kind kind);

/* Adds a window at the end of a frame. */
void workload_add_window(struct lab_pool *p, const struct lab_window *w);

/* Index, or UINT32_MAX. */
unsigned workload_find_domain(const struct lab_workload *w, const char *name);
unsigned workload_find_pool(const struct lab_workload *w, const char *name);

/* The id that a domain of the workload gets in the core. */
uint16_t workload_domid(const struct lab_workload *w, unsigned index);

struct lab_op *program_add(struct lab_program *p, enum lab_op_kind kind);

/* Opens a loop, and closes it; program_close() needs what program_open() gave.
 */
uint32_t program_open(struct lab_program *p, uint32_t count);
void program_close(struct lab_program *p, uint32_t open);

/*
 * What is wrong with a whole program, or NULL: a loop without end must contain
 * something that takes time.
 */
const char *program_check(const struct lab_program *p);

/* Counts users of objects, once all domains are known. */
void workload_count_users(struct lab_workload *w);

/* "0-3,6" within SOP_PCPUS_MAX. */
bool lab_parse_cpus(const char *s, uint64_t *mask);

/* Weight for a nice level of Linux, -20 to 19. */
unsigned lab_nice_weight(int nice);

/* The readers: the file's text is NUL-terminated. */
bool rtapp_read(struct lab_workload *w, const char *text, struct lab_error *e);
bool form_read(struct lab_workload *w, const char *text, struct lab_error *e);

#endif
