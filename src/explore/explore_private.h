/* SPDX-License-Identifier: MIT */
/*
 * What the files of the exploration share: a scenario as read, the world it
 * runs in, and the steps that can be taken there. ex_ stands for explore.
 */
#ifndef SCHEDOP_EXPLORE_EXPLORE_PRIVATE_H
#define SCHEDOP_EXPLORE_EXPLORE_PRIVATE_H

#include <schedop/core.h>
#include <xen/errno.h>

#include "explore.h"

#define EX_PCPUS 8u
#define EX_DOMAINS 16u
#define EX_VCPUS 8u
#define EX_PORTS 16u
#define EX_POOLS 4u
#define EX_OPS 64u
#define EX_ARGS 24u
#define EX_EXPECTS 24u
#define EX_PAGE 4096u
#define EX_START_NS 1000000000u /* time 0 of a scenario, in system time */
#define EX_MS 1000000u

/* ---- a scenario ---- */

struct ex_vcpu;
struct ex_pcpu;
struct ex_op;

enum ex_next {
    EX_NEXT,  /* the next line of the script */
    EX_AGAIN, /* this one again when the vCPU is next entered */
};

struct ex_result {
    enum ex_next next;
    int64_t value;
};

/* One kind of line in a script: what it is called and takes, and does. */
struct ex_verb {
    const char *name;
    const char *args; /* d domain, v vCPU, p port, t time, n number, m mask,
                         w word; after ?: may be left out; *: any number */
    struct ex_result (*guest)(struct ex_pcpu *c, struct ex_vcpu *x,
                              const struct ex_op *op);
    struct ex_result (*control)(struct ex_pcpu *c, const struct ex_op *op);
};

struct ex_op {
    const struct ex_verb *verb;
    unsigned nr_args;
    uint64_t arg[EX_ARGS];
    bool checked; /* a result is expected */
    bool any;     /* or none in particular */
    int64_t want;
    unsigned line;
};

struct ex_script {
    unsigned nr;
    struct ex_op op[EX_OPS];
};

struct ex_domain_spec {
    bool used, hardware, pv, later, paused;
    bool strange; /* comes with knobs of a policy that is not its pool's */
    unsigned nr_vcpus, up, weight, cap, pool;
    sop_cpumask_t hard, soft;
    struct ex_script script[EX_VCPUS];
};

enum ex_port_kind { EX_PORT_IPI, EX_PORT_INTERDOMAIN, EX_PORT_TIMER };

struct ex_port_spec {
    char name[12];
    enum ex_port_kind kind;
    uint8_t domain, vcpu; /* who is told */
    uint8_t from;         /* domain that sends */
};

/* A demand of one scenario on top of what always holds: invariant.c. */
struct ex_expect {
    const struct ex_expect_kind *kind;
    uint64_t arg[EX_ARGS];
    unsigned nr_args, line;
};

struct ex_pool {
    bool used;
    uint8_t policy; /* number in the table of explore_machine.c */
    sop_cpumask_t cpus;
};

struct ex_scenario {
    char name[64];
    char about[160];
    unsigned nr_pcpus, online; /* online: number that start so */
    unsigned early;            /* steps of the clock before its time */
    int preemptions;           /* at most, unless told otherwise; -1 any */
    uint64_t seed, length;
    uint64_t late; /* how late timers fire, ns */
    struct ex_pool pool[EX_POOLS];
    struct ex_domain_spec domain[EX_DOMAINS];
    unsigned nr_ports;
    struct ex_port_spec port[EX_PORTS];
    struct ex_script frames; /* set before anything happens */
    struct ex_script control[EX_PCPUS];
    unsigned nr_expects;
    struct ex_expect expect[EX_EXPECTS];
};

/* Reads `text`; on an error prints what is wrong to `err`, returns false. */
bool ex_scenario_read(struct ex_scenario *s, const char *name, const char *text,
                      FILE *err);

/* The verbs: explore_guest.c, explore_control.c, explore_pool.c. */
extern const struct ex_verb ex_guest_verbs[], ex_control_verbs[];
extern const struct ex_verb ex_pool_verbs[]; /* of controllers, too */

/* ---- the world a scenario runs in; all that changes is in here ---- */

enum ex_sleep { EX_AWAKE, EX_BLOCKED, EX_POLLING };

/* What somebody has run since then. */
struct ex_meter {
    uint64_t since, ran;
};

/* What rtds gives a vCPU, as far as the model knows. */
struct ex_reserve {
    uint64_t period, budget;
    uint64_t from; /* what was before is over */
    bool extra;
    struct ex_meter meter;
};

struct ex_vcpu {
    struct ex_domain *d;
    unsigned id;
    struct sop_vcpu *v;
    /* The script. */
    unsigned pc, count;
    uint64_t left_ns; /* of the work it is at */
    bool computing;
    /* What the model knows: invariant.c. */
    enum ex_sleep sleep;
    uint64_t poll_until; /* 0 never */
    uint32_t poll_port[8];
    unsigned nr_poll;
    uint64_t timer_at; /* one-shot timer, 0 none */
    uint32_t timer_port;
    bool down;
    sop_cpumask_t hard, soft;
    int pin;
    int on;            /* pCPU whose registers it is in, or -1 */
    uint64_t born;     /* when it was created */
    uint64_t since;    /* when it last started or stopped to run */
    uint64_t ran_ns;   /* total */
    uint64_t ready_at; /* since when it has waited without running; 0 not */
    struct ex_reserve rtds;
    uint64_t operand[40];
    uint32_t list[8];
};

struct ex_domain {
    const struct ex_domain_spec *spec;
    unsigned id;
    struct sop_domain *d; /* NULL: not there */
    unsigned pauses;
    bool shut, dying, unsure, moving;
    unsigned pool;
    uint32_t weight, cap;
    struct ex_meter meter; /* of the cap */
    int code;
    uint64_t dog[SOP_WATCHDOGS]; /* when it bites; 0 not set */
    bool claimed[SOP_WATCHDOGS];
    struct ex_vcpu vcpu[EX_VCPUS]; /* last: not all are there */
};

/* Where a coroutine has stopped. */
enum ex_at {
    EX_AT_GUEST, /* in a guest; any interrupt may come */
    EX_AT_IDLE,
    EX_AT_CORE, /* in a port call */
    EX_AT_LOCK, /* waits for the core lock */
};

struct ex_pcpu {
    unsigned index;
    struct sop_pcpu *p;
    enum ex_at at;
    const uint32_t *lock; /* EX_AT_LOCK */
    struct sop_vcpu *loaded;
    struct ex_vcpu *guest; /* what the guest entry was for */
    bool kicked;
    uint64_t armed;
    unsigned pc;     /* of its control script */
    bool copy_fault; /* copies of guest memory fail now */
    bool off;        /* model: not online */
    /* What the model learns when the call it makes takes effect; if `wait`,
       only when its result is known. */
    bool wait;
    void (*effect)(struct ex_domain *d, struct ex_vcpu *x, uint64_t arg);
    struct ex_domain *effect_on;
    struct ex_vcpu *effect_vcpu;
    uint64_t effect_arg;
};

/*
 * What a fault that lasts has begun: explore_strike.c. Once one has struck,
 * scripts need not get the results they would, nor come to their ends.
 */
struct ex_strike {
    bool struck;
    bool acting;  /* somebody is within a call for it */
    uint8_t kind; /* of the step that has to be taken again, 0 none */
    uint8_t what; /* the domain or pCPU */
    uint8_t by;   /* the pCPU that does it */
    uint8_t away; /* pCPUs that are off line for it, as a mask */
};

struct ex_world {
    uint64_t now;
    unsigned early;    /* steps of the clock that may still come too soon */
    uint64_t drift_ns; /* how far it ran ahead of pCPUs at work */
    bool setting_up;
    unsigned nr_ports;
    uint32_t port_near[EX_PORTS]; /* of who is told */
    uint32_t port_far[EX_PORTS];  /* of who sends */
    struct ex_pcpu pcpu[EX_PCPUS];
    struct ex_pool pool[EX_POOLS];
    int preempted;        /* how often one was stopped that could go on */
    int last;             /* who went last; -1 the clock */
    unsigned faults_left; /* that a search may still choose */
    unsigned controllers; /* within a call */
    struct ex_strike strike;
    struct ex_domain domain[EX_DOMAINS]; /* last, for the same reason */
};

extern struct ex_world ex_world;
extern const struct ex_scenario *ex_scenario;
extern struct sop_system *ex_sys;
extern unsigned ex_nr_steps; /* taken in this run */

/* Called by the port: stops the coroutine of `p` here. */
void ex_point(struct sop_pcpu *p, enum ex_at at, const uint32_t *lock);

/* ---- steps ---- */

enum ex_step_kind {
    EX_STEP_GO,      /* '.': on from a port call or a lock */
    EX_STEP_KICK,    /* 'k': the kick arrives */
    EX_STEP_TIMER,   /* 't': the timer fires */
    EX_STEP_CONTROL, /* 'c': the next line of its control script */
    EX_STEP_GUEST,   /* 'g': the guest does the next line of its script */
    EX_STEP_TIME,    /* 'T': the clock goes to the next event */
    /* Faults: never needed for progress. */
    EX_STEP_SPURIOUS_KICK,  /* 's' */
    EX_STEP_SPURIOUS_TIMER, /* 'u' */
    EX_STEP_COPY_FAULT,     /* 'x': this guest's next copies fail */
    EX_STEP_LATE,           /* 'l': the clock goes on while pCPUs work */
    /* Those that last. */
    EX_STEP_DEATH,   /* 'd' and a domain: its controller destroys it */
    EX_STEP_OFFLINE, /* 'o' and a pCPU: its controller takes that off line */
    EX_STEP_ONLINE,  /* 'n' and a pCPU: brings it back */
    EX_STEP_KINDS,
};

struct ex_step {
    uint8_t kind, pcpu;
    uint8_t what; /* of a fault that lasts: the domain or the pCPU */
};

#define EX_STEPS_MAX 160

/* Starts the scenario anew, where its domains may run; false: a failure. */
bool ex_world_reset(const struct ex_scenario *s);

/* What can happen next, in the fixed order; `faults` is a set of kinds. */
unsigned ex_steps(struct ex_step *list, unsigned faults);
void ex_take(struct ex_step step);

/* Nothing is due but what time brings. */
bool ex_at_rest(void);

/* Equal worlds have equal numbers. */
struct ex_hash {
    uint64_t a, b;
};

struct ex_hash ex_world_hash(void);

/* ---- failures ---- */

/* Set when an invariant broke; the run is over. */
struct ex_failure {
    bool is;
    char invariant[32];
    char text[240];
};

extern struct ex_failure ex_failure;

/* Notes the first one; within a coroutine it does not return there. */
void ex_fail(const char *invariant, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- for verbs ---- */

/* What the model is to learn when the call that `c` makes next takes effect. */
typedef void ex_effect_fn(struct ex_domain *d, struct ex_vcpu *x, uint64_t arg);
void ex_effect(struct ex_pcpu *c, ex_effect_fn *effect, struct ex_domain *d,
               struct ex_vcpu *x, uint64_t arg);
ex_effect_fn ex_shutdown_effect;

/* Its result is known: the model learns what it has not yet. */
void ex_settle_effect(struct ex_pcpu *c, int64_t value);

int64_t ex_hypercall(struct ex_pcpu *c, struct ex_vcpu *x, uint64_t nr,
                     uint64_t a0, uint64_t a1, uint64_t a2);
int64_t ex_sched_op(struct ex_pcpu *c, struct ex_vcpu *x, uint64_t cmd,
                    uint64_t a1);
uint64_t ex_put(struct ex_vcpu *x, const void *data, size_t len);
struct ex_vcpu *ex_vcpu_arg(uint64_t arg);
uint32_t ex_near_port(const struct ex_vcpu *x, unsigned port);
void *ex_shared(const struct ex_domain *d);
int ex_domain_make(struct ex_pcpu *c, unsigned id);
bool ex_port_pending(const struct ex_domain *d, uint32_t port);
bool ex_port_take(const struct ex_domain *d, uint32_t port);
void ex_handle_upcall(const struct ex_vcpu *x);
uint8_t *ex_upcall_byte(const struct ex_vcpu *x);

#endif
