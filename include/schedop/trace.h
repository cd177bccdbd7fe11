/* SPDX-License-Identifier: MIT */
/*
 * Trace records: what the scheduler did, when, and to whom.
 *
 * The core hands each record to port_trace(). The hypervisor keeps them in
 * rings that the command line drains; the lab writes them out at once. Both
 * end in the same file, which `schedop trace` reads (docs/trace.md).
 *
 * SOP_TRACE_EVENTS is the one list of events: it makes the enumeration here,
 * the decoder and text form in src/trace, and the table in docs/trace.md. An
 * event keeps its number for ever; new ones take free numbers.
 */
#ifndef SCHEDOP_TRACE_H
#define SCHEDOP_TRACE_H

#include <stdint.h>

/*
 * One record; little-endian in files. `domid` and `vcpu` name the subject: a
 * vCPU, or with vcpu SOP_TRACE_NONE a whole domain, or with both nothing but
 * the pCPU. The idle vCPU of a pCPU is domain SOP_TRACE_IDLE.
 */
struct sop_trace_rec {
    uint64_t time_ns; /* system time */
    uint16_t event;   /* enum sop_trace_event */
    uint16_t pcpu;    /* where it happened; SOP_TRACE_NONE: nowhere */
    uint16_t domid;
    uint16_t vcpu;
    uint64_t arg[2]; /* by event */
};

#define SOP_TRACE_NONE 0xffffu
#define SOP_TRACE_IDLE 0x7fffu /* Xen's DOMID_IDLE */

/* A vCPU in an argument. */
#define SOP_TRACE_VCPU(domid, vcpu) ((uint32_t)(domid) << 16 | (vcpu))
#define SOP_TRACE_NOBODY 0xffffffffu

/*
 * A ring of the hypervisor, one a pCPU, in memory that the command line also
 * sees (`trace` on the link, docs/link.md). Records follow this header; how
 * many fit is a power of two. Record number n, counted from 0, is at place
 * n modulo that. The writer looks at nothing but its own count and never
 * waits, so a reader cannot slow or mislead it: one that comes too late finds
 * records overwritten and counts them as lost. While the count is N, record
 * N minus the size may be half overwritten already.
 */
struct sop_trace_ring {
    uint64_t written; /* whole records so far; only ever grows */
    uint64_t spare[7];
};

/* What one can ask for: any set of these. */
#define SOP_TRACE_SCHED 0x01u   /* who runs where, and runstates */
#define SOP_TRACE_WAKEUP 0x02u  /* who woke whom, kicks */
#define SOP_TRACE_COMMAND 0x04u /* sched_op, and HLT */
#define SOP_TRACE_TIMER 0x08u   /* timers of the core and of pCPUs */
#define SOP_TRACE_DOMAIN 0x10u  /* life of domains, vCPUs and pools */
#define SOP_TRACE_POLICY 0x20u  /* accounts of the policy */
#define SOP_TRACE_CHANNEL 0x40u /* event channels */
#define SOP_TRACE_ALL 0x7fu
#define SOP_TRACE_META 0u /* about the trace itself: always there */

/* Who caused a wake-up, when no vCPU did (argument of wake). */
enum sop_trace_source {
    SOP_TRACE_BY_VCPU,  /* the vCPU in the other argument */
    SOP_TRACE_BY_TIMER, /* a timer that fired */
    SOP_TRACE_BY_HOST,  /* the controller, or a back end */
};

/* Kinds of timers (argument of timer_set, timer_fire, timer_cancel). */
enum sop_trace_timer {
    SOP_TRACE_TIMER_SLICE,    /* of a pCPU: the policy is asked again */
    SOP_TRACE_TIMER_SINGLE,   /* set_timer_op, set_singleshot_timer */
    SOP_TRACE_TIMER_PERIODIC, /* set_periodic_timer */
    SOP_TRACE_TIMER_POLL,     /* the time limit of a poll */
    SOP_TRACE_TIMER_PORT,     /* the local APIC's timer */
    SOP_TRACE_TIMER_WATCHDOG,
};

/* How an argument is shown. */
enum sop_trace_kind {
    SOP_TRACE_AS_NOTHING, /* not used, 0 */
    SOP_TRACE_AS_NUMBER,
    SOP_TRACE_AS_SIGNED,
    SOP_TRACE_AS_TIME,   /* ns since boot; UINT64_MAX is never */
    SOP_TRACE_AS_SPAN,   /* signed ns */
    SOP_TRACE_AS_VCPU,   /* SOP_TRACE_VCPU() */
    SOP_TRACE_AS_STATE,  /* RUNSTATE_* */
    SOP_TRACE_AS_REASON, /* SHUTDOWN_* */
    SOP_TRACE_AS_MASK,   /* set of pCPUs, or of classes */
    SOP_TRACE_AS_SOURCE, /* enum sop_trace_source */
    SOP_TRACE_AS_TIMER,  /* enum sop_trace_timer */
    SOP_TRACE_AS_POLICY, /* XEN_SCHEDULER_* */
    SOP_TRACE_AS_TEXT,   /* 8 bytes of a name */
};

/*
 * X(number, NAME, name, CLASS, what it means,
 *   argument 0, its kind, argument 1, its kind)
 */
/* clang-format off */
#define SOP_TRACE_EVENTS(X)                                                   \
    X(1, BEGIN, begin, META, "tracing starts; what exists follows",           \
      classes, MASK, pcpus, NUMBER)                                           \
    X(2, NAME, name, META, "16 bytes of a domain's name, from 16 * vcpu on",  \
      text, TEXT, more, TEXT)                                                 \
    X(3, LOST, lost, META, "records of this pCPU that found no room",         \
      count, NUMBER, none, NOTHING)                                           \
    X(4, END, end, META, "the last record of a file",                         \
      records, NUMBER, crc32, NUMBER)                                         \
    X(16, RUNSTATE, runstate, SCHED, "a vCPU changes state; twice the same: " \
      "found so", from, STATE, to, STATE)                                     \
    X(17, SWITCH, switch, SCHED, "the pCPU turns to the subject, or stays "   \
      "with it, until then", previous, VCPU, until, TIME)                     \
    X(18, MIGRATE, migrate, SCHED, "a vCPU starts on another pCPU than last", \
      from, NUMBER, to, NUMBER)                                               \
    X(19, WAKE, wake, WAKEUP, "the subject may run again",                    \
      waker, VCPU, source, SOURCE)                                            \
    X(20, KICK, kick, WAKEUP, "another pCPU is asked to look for work",       \
      pcpu, NUMBER, none, NOTHING)                                            \
    X(21, ACCOUNT, account, POLICY, "what the policy has on file for it: "    \
      "credit or budget left, and its deadline", left, SPAN, deadline, TIME)  \
    X(32, YIELD, yield, COMMAND, "sched_op yield",                            \
      none, NOTHING, none, NOTHING)                                           \
    X(33, BLOCK, block, COMMAND, "sched_op block",                            \
      none, NOTHING, none, NOTHING)                                           \
    X(34, HALT, halt, COMMAND, "HLT",                                         \
      interrupts, NUMBER, none, NOTHING)                                      \
    X(35, POLL, poll, COMMAND, "sched_op poll",                               \
      ports, NUMBER, timeout, TIME)                                           \
    X(36, SHUTDOWN, shutdown, COMMAND, "sched_op shutdown",                   \
      reason, REASON, none, NOTHING)                                          \
    X(37, REMOTE_SHUTDOWN, remote_shutdown, COMMAND,                          \
      "sched_op remote_shutdown", domain, NUMBER, reason, REASON)             \
    X(38, SHUTDOWN_CODE, shutdown_code, COMMAND, "sched_op shutdown_code",    \
      reason, REASON, none, NOTHING)                                          \
    X(39, WATCHDOG, watchdog, COMMAND, "sched_op watchdog",                   \
      id, NUMBER, seconds, NUMBER)                                            \
    X(40, PIN_OVERRIDE, pin_override, COMMAND, "sched_op pin_override",       \
      pcpu, SIGNED, none, NOTHING)                                            \
    X(48, TIMER_SET, timer_set, TIMER, "a timer is set",                      \
      timer, TIMER, deadline, TIME)                                           \
    X(49, TIMER_FIRE, timer_fire, TIMER, "a timer fires",                     \
      timer, TIMER, deadline, TIME)                                           \
    X(50, TIMER_CANCEL, timer_cancel, TIMER, "a timer is cancelled",          \
      timer, TIMER, none, NOTHING)                                            \
    X(51, TIMER_ARM, timer_arm, TIMER, "the pCPU's own timer is armed",       \
      deadline, TIME, none, NOTHING)                                          \
    X(56, PENDING, pending, CHANNEL, "an event channel of the subject is set",  \
      port, NUMBER, sender, VCPU)                                             \
    X(64, DOMAIN_CREATE, domain_create, DOMAIN, "a domain is there",          \
      vcpus, NUMBER, pool, NUMBER)                                            \
    X(65, DOMAIN_PAUSE, domain_pause, DOMAIN, "the controller pauses it",     \
      count, NUMBER, none, NOTHING)                                           \
    X(66, DOMAIN_UNPAUSE, domain_unpause, DOMAIN,                             \
      "the controller unpauses it", count, NUMBER, none, NOTHING)             \
    X(67, DOMAIN_SHUTDOWN, domain_shutdown, DOMAIN, "it is shut down",        \
      reason, REASON, none, NOTHING)                                          \
    X(68, DOMAIN_RESUME, domain_resume, DOMAIN, "it goes on",                 \
      none, NOTHING, none, NOTHING)                                           \
    X(69, DOMAIN_DESTROY, domain_destroy, DOMAIN, "it is gone",               \
      none, NOTHING, none, NOTHING)                                           \
    X(70, DOMAIN_MOVE, domain_move, DOMAIN, "it moves to another cpupool",    \
      from, NUMBER, to, NUMBER)                                               \
    X(71, VCPU_UP, vcpu_up, DOMAIN, "a vCPU comes online",                    \
      none, NOTHING, none, NOTHING)                                           \
    X(72, VCPU_DOWN, vcpu_down, DOMAIN, "a vCPU goes offline",                \
      none, NOTHING, none, NOTHING)                                           \
    X(73, AFFINITY, affinity, DOMAIN, "where it may run, and would like to",  \
      hard, MASK, soft, MASK)                                                 \
    X(80, POOL_CREATE, pool_create, DOMAIN, "a cpupool is there",             \
      pool, NUMBER, policy, POLICY)                                           \
    X(81, POOL_DESTROY, pool_destroy, DOMAIN, "a cpupool is gone",            \
      pool, NUMBER, none, NOTHING)                                            \
    X(82, PCPU_ADD, pcpu_add, DOMAIN, "a pCPU joins a cpupool",               \
      pcpu, NUMBER, pool, NUMBER)                                             \
    X(83, PCPU_REMOVE, pcpu_remove, DOMAIN, "a pCPU leaves a cpupool",        \
      pcpu, NUMBER, pool, NUMBER)
/* clang-format on */

enum sop_trace_event {
#define SOP_TRACE_ENUM(n, NAME, name, class, text, a0, k0, a1, k1)             \
    SOP_TRACE_EV_##NAME = (n),
    SOP_TRACE_EVENTS(SOP_TRACE_ENUM)
#undef SOP_TRACE_ENUM
};

#endif
