/* SPDX-License-Identifier: MIT */
/*
 * The core's objects: timers, event channels, vCPUs, domains, pCPUs, cpupools
 * and the system that holds them. Every field is guarded by the core lock
 * (locks.h) unless its comment says otherwise. private.h has the functions.
 */
#ifndef SCHEDOP_CORE_OBJECTS_H
#define SCHEDOP_CORE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <schedop/core.h>
#include <xen/hvm/params.h>

#include "../lib/atomic.h"
#include "../lib/bitmap.h"
#include "../lib/heap.h"
#include "../lib/list.h"
#include "abi.h"
#include "locks.h"
#include "policy.h"

#include <schedop/trace.h>

/* ---- timers: timerq.c ---- */

struct timer;

typedef void timer_fire(struct sop_pcpu *self, struct timer *t, uint64_t now);

/* Set by a pCPU, it lives in that pCPU's heap and fires there. */
struct timer {
    struct heap_node node;
    struct sop_pcpu *home; /* whose heap it is in; stale when not linked */
    timer_fire *fire;
};

/* ---- event channels: evtchn.c ---- */

struct evtchn {
    uint8_t state;       /* EVTCHNSTAT_* */
    uint8_t vcpu;        /* which vCPU is told */
    uint16_t remote_dom; /* unbound: for whom; interdomain: the peer */
    union {
        uint32_t remote_port; /* interdomain; PORT_HOST: the host side */
        uint32_t virq;        /* state virq */
    };
};

#define PORT_HOST UINT32_MAX

_Static_assert(sizeof(struct evtchn) == 8, "a port takes 8 bytes");

/* Beside each: what the FIFO ABI needs (fifo.c). */
struct fifo_port {
    bool pending; /* while its event word is not there yet */
    uint8_t priority;
    uint8_t last_vcpu, last_priority; /* the queue it was last put in */
};

/*
 * A domain's ports come in pages. The first is in the memory that a domain
 * brings (sop_ports_size()), with the table of all its pages, `fifo` and that
 * one's tables; the others come when they are needed, from the machine below
 * or, without sop_config.own_ports, from the arena. Nothing in them is valid
 * beyond sop_domain.nr_ports.
 */
#define PORTS_PAGE 256u

struct port_page {
    struct evtchn evtchn[PORTS_PAGE];
    struct fifo_port fifo[PORTS_PAGE];
    uint64_t used[PORTS_PAGE / 64];
};

_Static_assert(sizeof(struct port_page) <= 4096, "port_page_alloc()");
_Static_assert(PORTS_PAGE % SOP_PORTS_GROW == 0, "no growth over its end");

struct fifo_vcpu {
    uint8_t *control; /* struct evtchn_fifo_control_block; NULL: none yet */
    uint32_t tail[EVTCHN_FIFO_MAX_QUEUES]; /* ports last put in; 0 none */
};

#define FIFO_WORDS 1024u /* a page of them */

struct fifo {
    bool on;     /* this domain has changed to the FIFO ABI */
    bool warned; /* a line was logged about a missing control block */
    uint32_t nr_words;
    struct fifo_vcpu *vcpu;
    uint32_t **words; /* pages of them, as many as max_ports needs */
};

/* Where the parts of shared info lie, by the latched width (spec 1.5). */
struct shared_layout {
    uint16_t pending, mask, wc, wc_sec_hi;
    uint8_t selector;  /* within vcpu_info */
    uint8_t word_bits; /* of the arrays and the selector */
};

/* ---- vCPUs ---- */

#define VCPU_HOLD_BLOCKED 1u
#define VCPU_HOLD_DOWN 2u

#define POLL_NONE 0
#define POLL_ANY (-1)

struct sop_vcpu {
    void *port; /* first: sop_vcpu_port() */
    struct policy_vcpu pol;

    struct sop_domain *domain;
    unsigned id;

    /* Why it may not run (spec 2.1), and where it runs. */
    uint32_t holds;
    uint32_t pause_count;
    bool shutdown_pause; /* one of the pauses is the shutdown's */
    bool initialised;
    bool loading;      /* becoming initialised, without the lock */
    int32_t poll_port; /* POLL_*, or the one port awaited */
    struct sop_pcpu *running;

    /* Affinity (spec 6). */
    sop_cpumask_t hard, soft;
    sop_cpumask_t unpinned_hard; /* what `hard` was before the pin */
    bool pinned;

    /* Runstate (spec 2.3), and where guests want copies: 0 nowhere. */
    struct vcpu_runstate_info runstate;
    uint64_t created_ns;
    uint64_t runstate_area, time_area;

    /* Time (spec 5). */
    struct timer singleshot, periodic, poll_timer, port_timer;
    uint64_t period_ns, period_last;

    /* Events. `info` changes only while nobody may enter this vCPU. */
    uint8_t *info; /* struct vcpu_info */
    bool info_moved;
    uint8_t upcall_vector; /* HVMOP 23; 0 none */
    uint32_t virq_port[NR_VIRQS];

    /* Written by the pCPU it is current on, read by anybody. */
    uint64_t commands[SOP_COMMANDS];
};

_Static_assert(offsetof(struct sop_vcpu, port) == 0, "sop_vcpu_port()");

/* ---- domains ---- */

#define CODE_NONE (-1)
#define VECTOR_NONE (-1)

enum domain_dying { DOMAIN_ALIVE, DOMAIN_DYING, DOMAIN_DEAD };

struct watchdog {
    struct timer timer;
    struct sop_domain *domain;
    bool claimed;
};

struct sop_domain {
    struct policy_domain pol;

    struct sop_system *sys;
    bool used; /* the slot is taken */
    uint16_t id;
    uint16_t next_by_id; /* in one of sys->by_id: a slot + 1 */
    bool hardware;
    enum sop_guest_kind kind;
    void *port;
    struct sop_pool *pool;
    bool moving; /* to another pool: its vCPUs are paused once more */
    unsigned nr_vcpus;
    struct sop_vcpu *vcpu[SOP_VCPUS_MAX];

    /* Life cycle (spec 2.2, 7). */
    unsigned controller_pause;
    bool shutting_down, shut_down;
    enum domain_dying dying;
    int code; /* latched reason, or CODE_NONE */
    uint32_t suspend_port;
    uint64_t created_ns, ended_ns;
    struct list_node changed; /* in sys->changed */
    struct watchdog watchdog[SOP_WATCHDOGS];

    /* Event channels. A port below nr_ports that is not in use is closed,
       one beyond is unknown (spec 4.1). */
    struct port_page **ports; /* NULL: not needed yet */
    uint32_t nr_ports;
    uint32_t nr_bits;   /* ports below have a bit in shared info; FIFO: 0 */
    uint32_t max_ports; /* as configured */
    void *arena_ports;  /* the slot's, without own_ports */
    struct fifo *fifo;
    uint32_t polling; /* vCPUs in poll, by id */
    uint8_t *shared;
    const struct shared_layout *layout;

    int32_t callback_vector; /* callback type 2; read without the lock */
    uint64_t param[HVM_NR_PARAMS];
    uint64_t assist; /* vm_assist types that are on */
};

/* ---- pCPUs, pools, the system ---- */

#define PCPU_RESCHEDULE 1u

#define LOG_LINES 4
#define LOG_LINE_MAX 160

struct sop_pcpu {
    void *port; /* first: sop_pcpu_port() */
    struct policy_pcpu pol;

    struct sop_system *sys;
    bool online;
    struct sop_pool *pool; /* NULL: free, or offline */
    struct sop_vcpu *curr; /* written by its own pCPU, under the lock */
    uint32_t work;         /* PCPU_*; set under the lock, then a kick */

    struct heap timers;
    uint64_t armed; /* what the port's timer is armed for */
    struct timer slice;
    uint64_t slice_end; /* when it is really over */

    /* Only the own pCPU: for traces, trace.c. */
    uint64_t trace_last;  /* time of its last record */
    uint8_t trace_source; /* enum sop_trace_source: who acts now */

    /* Lines noted under the lock, for core_leave(). */
    unsigned nr_lines;
    uint8_t line_level[LOG_LINES];
    char line[LOG_LINES][LOG_LINE_MAX];

    /* Too big for the stack; unlocked, for one hypercall at a time. */
    union {
        uint8_t bytes[sizeof(struct vcpu_guest_context)];
        struct {
            struct xen_sysctl_arinc653_schedule xen;
            struct policy_pool_knobs knobs;
        } schedule;
        void *frames[SOP_FRAMES_MAX];
        uint64_t align;
    } scratch;
};

_Static_assert(offsetof(struct sop_pcpu, port) == 0, "sop_pcpu_port()");

struct sop_pool {
    struct policy_pool pol;
    bool used;
    uint32_t id;
    struct sop_system *sys;
    sop_cpumask_t cpus; /* its members; pol.online has the leaving one too */
};

struct sop_system {
    struct core_lock lock;
    struct sop_config cfg;
    uint64_t now;   /* latest time any entry has read */
    uint32_t trace; /* classes of records wanted; read without the lock */
    struct vcpu_time_info time_record;
    struct sop_pcpu *pcpu;
    struct sop_domain *domain;
    struct sop_vcpu *vcpu;
    uint16_t *by_id; /* lists by the id's low bits; a slot + 1, 0 ends */
    uint16_t by_id_mask;
    struct sop_domain *hardware;
    struct list_node changed; /* domains for sop_controller_next() */
    struct sop_pool *pool;    /* cfg.nr_pools of them */
    struct sop_pcpu *leaving; /* its pool, not yet; NULL: none */
};

#endif
