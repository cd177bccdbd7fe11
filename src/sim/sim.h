/* SPDX-License-Identifier: MIT */
/*
 * A machine in virtual time: the port interface in a host process, under the
 * unmodified core and policies.
 *
 *     m = sim_new(&cfg);
 *     d = sim_domain_new(m, &domain);    // vCPUs with what they do
 *     sim_at(m, t, act, arg);            // what somebody does to the machine
 *     sim_run(m, end);
 *     sim_free(m);
 *
 * Nothing happens but by an event: a pCPU's timer, a kick, the end of what a
 * vCPU computes, an act from outside. The clock jumps from one to the next and
 * stands still while one is handled; one thread does it all. So a run depends
 * on its configuration and seed alone, to the nanosecond. There is no global
 * state but one pointer per thread, for port_log() and port_panic(): many
 * machines may live in a process, in several threads as well.
 *
 * A vCPU is a behaviour: a function asked "what next?" whenever the vCPU runs
 * and has done what it was told. It answers with a step: compute so long, or
 * make this hypercall, whose result it finds in v->result the next time.
 * Being preempted, sleeping and waiting for a pCPU are not its business.
 *
 * Hooks make a machine unkind: late timers, late or spurious kicks, copies
 * that fail, other pCPUs acting in the middle of an entry, and somebody else
 * who chooses which pCPU acts first.
 */
#ifndef SCHEDOP_SIM_SIM_H
#define SCHEDOP_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <schedop/core.h>

#include "hist.h"

#define SIM_FOREVER UINT64_MAX
#define SIM_NONE UINT32_MAX

struct sim_cpu;
struct sim_domain;
struct sim_machine;
struct sim_vcpu;

/* ------------------------------------------------------- what a vCPU does */

enum sim_act {
    SIM_COMPUTE, /* for `ns`, SIM_FOREVER: until the end of the run */
    SIM_CALL,    /* a hypercall: `call` */
    SIM_HALT,    /* HLT, with interrupts on or off: `interrupts_on` */
};

struct sim_step {
    enum sim_act act;
    /* A compute that ends when an upcall is due: v->left says what is left. */
    bool until_upcall;
    /* A compute until the time `ns`, however much it runs until then: a
       guest that looks at the clock. */
    bool until_time;
    bool interrupts_on;
    uint64_t ns;
    struct sop_call call;
};

/*
 * Fills in `step`, in which only the last step is still to be found. `v` runs
 * on a pCPU, the time is sim_now(). May write guest memory, take events, and
 * read whatever it likes, but calls no core function.
 */
typedef void sim_behaviour(struct sim_vcpu *v, struct sim_step *step);

/* What happened to a vCPU, counted where it is switched. */
struct sim_vcpu_stats {
    uint64_t switched_in;
    uint64_t preempted;      /* switched out though it could go on */
    uint64_t migrated;       /* ran on another pCPU than before */
    uint64_t far;            /* ... of these, in another socket */
    uint64_t woken;          /* switched in after it had been blocked */
    struct sim_hist latency; /* ns from being woken to running */
};

struct sim_vcpu {
    struct sop_vcpu *v;
    struct sim_domain *d;
    unsigned id;

    sim_behaviour *behaviour;
    void *ctx;      /* the behaviour's own */
    int64_t result; /* of its last hypercall */
    uint64_t left;  /* while not loaded: ns still to compute */

    /* As a processor: for guests of kind SOP_GUEST_HVM. */
    bool irq_off;  /* RFLAGS.IF is 0 */
    bool apic_off; /* port_inject() refuses */
    unsigned irr;  /* interrupts injected; the behaviour takes them */
    unsigned nmis;
    bool timer_irq; /* what port_vcpu_timer() answers, injecting if so */

    struct sim_vcpu_stats stats;

    /* The machine's. */
    struct sim_cpu *on; /* where it is loaded */
    uint64_t end;       /* while loaded: when it has computed enough */
    bool call_due;      /* step.call is to be made at `end` */
    bool was_blocked;   /* when it was switched out */
    unsigned last;      /* pCPU it ran on last, SIM_NONE never */
    uint64_t waited;    /* its time runnable when switched out */
    uint64_t kept[4];   /* what its times were when its domain went */
    struct sim_step step;
};

/* ---------------------------------------------------------------- domains */

struct sim_domain_config {
    const char *name; /* kept as a copy; NULL: "dN" */
    uint16_t domid;
    bool hardware;
    enum sop_guest_kind kind; /* SOP_GUEST_HVM is 0; labs use PV */
    unsigned nr_vcpus;
    unsigned weight; /* 0: 256 */
    unsigned cap;
    const struct policy_domain_knobs *knobs; /* instead of those; or NULL */
    uint32_t pool;                           /* id of the core's */
    uint8_t handle[16];                      /* UUID */
    sop_cpumask_t hard, soft;                /* 0: all */
    sim_behaviour *behaviour; /* of each vCPU; may be changed later */
    void *const *ctx;         /* one a vCPU; NULL: all NULL */
    bool one_up;              /* only vCPU 0 starts up */
    bool paused;              /* for sop_domain_unpause() later */
};

struct sim_domain {
    struct sim_machine *m;
    struct sop_domain *d;
    struct sim_domain *next; /* in the order of creation */
    char *name;
    uint16_t domid;
    unsigned nr_vcpus;
    bool ended;   /* the core reported a shutdown or worse */
    uint8_t code; /* ... and why, SHUTDOWN_* */
    uint64_t ended_ns;
    bool gone;      /* destroyed: d and the vCPUs' v are no more */
    unsigned tries; /* to destroy it */
    void *ctx;
    uint8_t *shared; /* shared info */
    void *ports;
    uint8_t *mem; /* SIM_MEM bytes a vCPU */
    struct sim_vcpu *vcpu;
};

/*
 * Creates, brings up and unpauses a domain; `self`-less, before or between
 * runs, or from an act. 0 or the core's error.
 */
int sim_domain_new(struct sim_machine *m, const struct sim_domain_config *cfg,
                   struct sim_domain **out);

/*
 * Destroys it as soon as no pCPU holds any of its vCPUs; then d->gone. What
 * was counted stays readable until sim_free().
 */
void sim_domain_destroy(struct sim_domain *d);

/* ------------------------------------------------------------- the machine */

/* Where a pCPU is inside the core with no lock held. */
enum sim_point {
    SIM_AT_COPY_IN,
    SIM_AT_COPY_OUT,
    SIM_AT_SWITCH, /* registers are being moved */
    SIM_AT_LOAD,   /* of a vCPU context */
    SIM_AT_LOG,
};

/* Each may be NULL. `ctx` is the first argument of all. */
struct sim_hooks {
    void *ctx;

    /*
     * When a timer armed for `deadline` fires: any time from now on; early is
     * allowed, SIM_FOREVER (never) is not.
     */
    uint64_t (*timer)(void *ctx, unsigned cpu, uint64_t deadline);

    /* When a kick sent now arrives; now or later. */
    uint64_t (*kick)(void *ctx, unsigned cpu, uint64_t now);

    /* True: this copy fails. */
    bool (*copy)(void *ctx, struct sim_vcpu *v, uint64_t addr, size_t len,
                 bool out);

    /*
     * `cpu` is at `point`. Other pCPUs, none of them busy, may now act
     * (sim_cpu_act), or this one's stack may be left aside for another.
     */
    void (*point)(void *ctx, unsigned cpu, enum sim_point point);

    /* Which of the pCPUs with something due now acts; one of `due`. */
    unsigned (*choose)(void *ctx, sop_cpumask_t due);

    /* After every event; not for nested ones. */
    void (*step)(void *ctx);

    void (*trace)(void *ctx, unsigned cpu, const struct sop_trace_rec *rec);
    void (*log)(void *ctx, enum sop_log_level level, const char *text,
                size_t len);
    void (*console)(void *ctx, struct sim_domain *d, const char *text,
                    size_t len);

    /* A domain was shut down, is dying or dead: what the controller sees. */
    void (*changed)(void *ctx, struct sim_domain *d);
};

struct sim_config {
    /* The machine has sockets * cores * threads pCPUs, threads of a core
       side by side. 0 counts as 1. */
    enum sop_runqueue runqueue;
    unsigned sockets, cores, threads;
    sop_cpumask_t online; /* these to begin with, pCPU 0 always; 0: all */
    unsigned nr_domains;  /* alive at one time */
    unsigned nr_vcpus;    /* in all of them */
    uint64_t seed;
    const struct policy_ops *policy; /* NULL: credit2 */
    uint64_t call_ns;   /* a hypercall takes this of its vCPU's time */
    uint64_t switch_ns; /* coming to a pCPU takes this of a vCPU's time */
    uint64_t kick_ns;   /* a kick takes this to arrive */
    const struct sim_hooks *hooks; /* copied; NULL: none */
};

struct sim_stats {
    uint64_t calls, halts;  /* hypercalls, HLT */
    uint64_t timers, kicks; /* that arrived */
    uint64_t switches;      /* of what a pCPU runs, idle included */
    uint64_t computes;      /* ends of a compute */
    uint64_t acts;          /* from outside */
};

/* All of the above: events of a scheduler, what speed is measured in. */
uint64_t sim_events(const struct sim_stats *s);

/* NULL if the configuration is out of the core's range. */
struct sim_machine *sim_new(const struct sim_config *cfg);
void sim_free(struct sim_machine *m);

enum sim_end {
    SIM_DONE,    /* the end was reached */
    SIM_STOPPED, /* sim_stop() */
    SIM_STUCK,   /* a pCPU did a million things in no time */
    SIM_PANIC,   /* the core called port_panic() */
};

/*
 * Runs until virtual time `end` and leaves the clock there, or until it must
 * stop sooner. After SIM_PANIC the machine may only be asked and freed.
 */
enum sim_end sim_run(struct sim_machine *m, uint64_t end);
void sim_stop(struct sim_machine *m); /* after the event being handled */

/* Why a run ended early, one line; "" while none has. */
const char *sim_why(const struct sim_machine *m);

uint64_t sim_now(const struct sim_machine *m);
const struct sim_stats *sim_stats(const struct sim_machine *m);
struct sop_system *sim_system(struct sim_machine *m);
struct sim_domain *sim_domains(struct sim_machine *m); /* the first */
struct sim_domain *sim_domain_find(struct sim_machine *m, const char *name);
struct sim_vcpu *sim_of(const struct sop_vcpu *v);
struct sim_machine *sim_machine_of(const struct sim_vcpu *v);

/* Its time in each state up to now, by RUNSTATE_*; they sum to its age. */
void sim_vcpu_times(const struct sim_vcpu *v, uint64_t times[4]);

/* ---- pCPUs ---- */

unsigned sim_nr_cpus(const struct sim_machine *m);
struct sop_pcpu *sim_pcpu(struct sim_machine *m, unsigned cpu);
unsigned sim_core_of(const struct sim_machine *m, unsigned cpu);
unsigned sim_socket_of(const struct sim_machine *m, unsigned cpu);
struct sim_vcpu *sim_loaded(const struct sim_machine *m, unsigned cpu);
bool sim_busy(const struct sim_machine *m, unsigned cpu);
bool sim_online(const struct sim_machine *m, unsigned cpu);

/* A pCPU that is online, for entries that are nobody's in particular. */
struct sop_pcpu *sim_self(struct sim_machine *m);

/* When `cpu` next has something to do, SIM_FOREVER never. */
uint64_t sim_cpu_due(const struct sim_machine *m, unsigned cpu);

/*
 * Lets `cpu`, which is not busy, handle all that is due now, or choose again
 * if nothing is. For hooks that explore; sim_run() does it otherwise.
 */
void sim_cpu_act(struct sim_machine *m, unsigned cpu);

/* A kick out of nowhere, arriving now. */
void sim_kick(struct sim_machine *m, unsigned cpu);

/*
 * Takes a pCPU into use, or out of use: 0, or the core's error of
 * sop_hotplug_online() and sop_hotplug_offline(); -EAGAIN: call again later.
 */
int sim_hotplug(struct sim_machine *m, unsigned cpu, bool online);

/* ---- from outside ---- */

typedef void sim_outside(struct sim_machine *m, void *arg);

/* Calls `act` at `when`, or at once if that is past, after all that pCPUs
   do at that time; in the order of these calls if several are for one time. */
void sim_at(struct sim_machine *m, uint64_t when, sim_outside *act, void *arg);

/* --------------------------------------------------- aids for behaviours */

#define SIM_MEM 1024u /* bytes of guest memory a vCPU */

/* Puts `len` bytes, up to SIM_MEM, where the vCPU's operands lie. */
uint64_t sim_put(struct sim_vcpu *v, const void *data, size_t len);
void sim_get(const struct sim_vcpu *v, void *data, size_t len);

void sim_compute(struct sim_step *s, uint64_t ns);
void sim_compute_until(struct sim_step *s, uint64_t when);
void sim_call(struct sim_step *s, uint64_t nr, uint64_t a0, uint64_t a1,
              uint64_t a2);

/* sched_op: a command without operand, and with one of `len` bytes. */
void sim_sched(struct sim_step *s, unsigned command);
void sim_sched_with(struct sim_vcpu *v, struct sim_step *s, unsigned command,
                    const void *operand, size_t len);

/* Poll for up to 64 ports until the absolute time `timeout`, 0 for ever. */
void sim_poll(struct sim_vcpu *v, struct sim_step *s, const uint32_t *ports,
              unsigned count, uint64_t timeout);
void sim_send(struct sim_vcpu *v, struct sim_step *s, uint32_t port);

/*
 * An event channel between two vCPUs: `a` signals and waits for port[0], `b`
 * for port[1]. 0 or -XEN_ENOSPC.
 */
int sim_connect(struct sim_vcpu *a, struct sim_vcpu *b, uint32_t port[2]);

/* Event bits of the domain of `v`, as its handler would see them. */
bool sim_take_event(struct sim_vcpu *v, uint32_t port); /* and clears it */
void sim_take_upcall(struct sim_vcpu *v);

#endif
