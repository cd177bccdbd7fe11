/* SPDX-License-Identifier: MIT */
/*
 * The core's own structures, and what its files ask of each other. Nobody
 * outside this room includes it but the unit tests. Every field is guarded by
 * the core lock (locks.h) unless its comment says otherwise, and every
 * function below expects the lock held unless it says "unlocked".
 *
 * `self` is the calling pCPU, `now` the time read once at entry.
 */
#ifndef SCHEDOP_CORE_PRIVATE_H
#define SCHEDOP_CORE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <schedop/core.h>
#include <xen/hvm/params.h>

#include "../lib/atomic.h"
#include "../lib/bitmap.h"
#include "../lib/bug.h"
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

/* ---- timerq.c ---- */

void timer_init(struct timer *t, timer_fire *fire, enum sop_trace_timer kind);

/* Moves `t` to the heap of `self` with this deadline, set before or not. */
void timer_set(struct sop_pcpu *self, struct timer *t, uint64_t deadline);
void timer_cancel(struct timer *t);
/* Moves all timers of one pCPU to another, which has to look at them. */
void timerq_hand_over(struct sop_pcpu *from, struct sop_pcpu *to);

static inline bool timer_is_set(const struct timer *t)
{
    return heap_node_is_linked(&t->node);
}

/* ---- trace.c: records for port_trace() ---- */

/*
 * Each is a test of one word while nobody traces. The subject is a vCPU, a
 * domain, or the pCPU alone; `self` may be NULL where no pCPU is known.
 */
RARE void trace_emit_vcpu(struct sop_pcpu *self, const struct sop_vcpu *v,
                          enum sop_trace_event event, uint64_t a0, uint64_t a1);
RARE void trace_emit_command(struct sop_pcpu *self, const struct sop_vcpu *v,
                             enum sop_trace_event event, uint64_t a0,
                             uint64_t a1);
RARE void trace_emit_domain(struct sop_pcpu *self, const struct sop_domain *d,
                            enum sop_trace_event event, uint64_t a0,
                            uint64_t a1);
RARE void trace_emit_pcpu(struct sop_pcpu *self, enum sop_trace_event event,
                          uint64_t a0, uint64_t a1);
RARE void trace_emit_wake(struct sop_pcpu *self, const struct sop_vcpu *v);
RARE void trace_emit_pending(struct sop_pcpu *self, const struct sop_vcpu *v,
                             uint32_t port);
RARE void trace_emit_timer(struct sop_pcpu *self, struct timer *t,
                           enum sop_trace_event event, uint64_t deadline);
RARE void trace_emit_switch(struct sop_pcpu *self, const struct sop_vcpu *prev,
                            const struct sop_vcpu *next, uint64_t until);
RARE void trace_emit_account(struct sop_pcpu *self, const struct sop_vcpu *v);

/* With a constant event the compiler leaves one constant. */
static inline uint32_t trace_class(enum sop_trace_event event)
{
    switch (event) {
#define TRACE_CLASS(n, NAME, name, class, text, a0, k0, a1, k1)                \
    case SOP_TRACE_EV_##NAME:                                                  \
        return SOP_TRACE_##class;
        SOP_TRACE_EVENTS(TRACE_CLASS)
#undef TRACE_CLASS
    }
    return 0;
}

static inline bool trace_wanted(const struct sop_system *sys, uint32_t class)
{
    return unlikely((atomic_peek_u32(&sys->trace) & class) != 0);
}

static ALWAYS_INLINE void trace_vcpu(struct sop_pcpu *self,
                                     const struct sop_vcpu *v,
                                     enum sop_trace_event event, uint64_t a0,
                                     uint64_t a1)
{
    if (trace_wanted(v->domain->sys, trace_class(event))) {
        trace_emit_vcpu(self, v, event, a0, a1);
    }
}

/* For entries that may not have read the clock. Needs no lock. */
static inline void trace_command(struct sop_pcpu *self,
                                 const struct sop_vcpu *v,
                                 enum sop_trace_event event, uint64_t a0,
                                 uint64_t a1)
{
    if (trace_wanted(self->sys, SOP_TRACE_COMMAND)) {
        trace_emit_command(self, v, event, a0, a1);
    }
}

static inline void trace_domain(struct sop_pcpu *self,
                                const struct sop_domain *d,
                                enum sop_trace_event event, uint64_t a0,
                                uint64_t a1)
{
    if (trace_wanted(d->sys, SOP_TRACE_DOMAIN)) {
        trace_emit_domain(self, d, event, a0, a1);
    }
}

static inline void trace_pcpu(struct sop_pcpu *self, enum sop_trace_event event,
                              uint64_t a0, uint64_t a1)
{
    if (self != NULL && trace_wanted(self->sys, trace_class(event))) {
        trace_emit_pcpu(self, event, a0, a1);
    }
}

static inline void trace_timer(struct sop_pcpu *self, struct timer *t,
                               enum sop_trace_event event, uint64_t deadline)
{
    if (trace_wanted(self->sys, SOP_TRACE_TIMER)) {
        trace_emit_timer(self, t, event, deadline);
    }
}

/* Arms the port's timer if something is due earlier than what it knows. */
static inline void timerq_program(struct sop_pcpu *self)
{
    const struct heap_node *top = heap_top(&self->timers);

    if (top != NULL && top->key < self->armed) {
        self->armed = top->key;
        port_timer_arm(self, top->key);
        trace_pcpu(self, SOP_TRACE_EV_TIMER_ARM, top->key, 0);
    }
}

/* ---- log.c ---- */

/* Notes a line to be logged when the lock is dropped; may drop it. */
void log_note(struct sop_pcpu *self, enum sop_log_level level, const char *fmt,
              ...) PRINTF_LIKE(3, 4);

/* Logs what was noted. Unlocked. */
RARE void log_flush(struct sop_pcpu *self);

/* ---- locks.h: the core lock, and the two ends of an entry ---- */

static ALWAYS_INLINE void core_lock(struct sop_system *sys,
                                    const struct sop_pcpu *self)
{
    struct core_lock *l = &sys->lock;

    /* The holder would wait for itself for ever: interrupts are off. */
    BUG_ON(self != NULL &&
           __atomic_load_n(&l->owner, __ATOMIC_RELAXED) == self);
    if (unlikely(__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE) != 0)) {
        core_lock_wait(l);
    }
    __atomic_store_n(&l->owner, self, __ATOMIC_RELAXED);
}

static ALWAYS_INLINE void core_unlock(struct sop_system *sys)
{
    struct core_lock *l = &sys->lock;

    ASSERT(atomic_peek_u32(&l->held) == 1);
    __atomic_store_n(&l->owner, NULL, __ATOMIC_RELAXED);
    __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

static ALWAYS_INLINE uint64_t core_enter(struct sop_pcpu *self)
{
    uint64_t now;

    core_lock(self->sys, self);
    /* Read under the lock, and never a step back from entry to entry: two
       processors' counters may differ by less than their port can see. */
    now = port_now(self);
    if (unlikely(now < self->sys->now)) {
        now = self->sys->now;
    }
    self->sys->now = now;
    return now;
}

static ALWAYS_INLINE void core_leave(struct sop_pcpu *self)
{
    timerq_program(self);
    core_unlock(self->sys);
    if (unlikely(self->nr_lines != 0)) {
        log_flush(self);
    }
}

/* ---- sched.c: who may run, and who does ---- */

bool vcpu_is_runnable(const struct sop_vcpu *v);

/* A hold or pause went away (wake) or was added (sleep): act on it. */
void vcpu_wake(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);
void vcpu_sleep(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);

/* Ends block or poll, if the vCPU is in one. */
void vcpu_unblock(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);

/* Unblocks, and makes a pCPU that runs it look for what is deliverable. */
void vcpu_kick(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);

void vcpu_pause(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);
void vcpu_unpause(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);

/* Spec 3.2, "deliverable now". `v` is current on the calling pCPU. */
bool vcpu_deliverable(const struct sop_vcpu *v);

/*
 * Marks the current vCPU blocked. The caller then looks for events and ends
 * with vcpu_unblock() or vcpu_sleep() (spec 3.2).
 */
void vcpu_set_blocked(struct sop_vcpu *v);

/* Makes `p` choose again. */
void sched_request(struct sop_pcpu *self, struct sop_pcpu *p);
void sched_request_some(struct sop_pcpu *self, struct sop_system *sys,
                        sop_cpumask_t mask);

static inline void sched_kick_mask(struct sop_pcpu *self,
                                   struct sop_system *sys, sop_cpumask_t mask)
{
    if (mask != 0) {
        sched_request_some(self, sys, mask);
    }
}

void sched_slice_fire(struct sop_pcpu *self, struct timer *t, uint64_t now);

/* VCPU_HOLD_DOWN changed; vcpu_wake() or vcpu_sleep() follows. */
void sched_up_changed(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);

/* Sets pol.hard and pol.soft from the masks of `v` and acts on the change. */
void sched_affinity_changed(struct sop_pcpu *self, struct sop_vcpu *v,
                            uint64_t now);

/* ---- runstate.c ---- */

void runstate_init(struct sop_vcpu *v, uint64_t now);
void runstate_change(struct sop_pcpu *self, struct sop_vcpu *v, int state,
                     uint64_t now);

/* A copy with the time since the last change added. */
void runstate_get(const struct sop_vcpu *v, uint64_t now,
                  struct vcpu_runstate_info *info);

/* What is copied out unlocked when a vCPU is switched. */
struct runstate_copy {
    uint64_t area; /* 0: nowhere */
    bool wide, flagged;
    struct vcpu_runstate_info info;
};

void runstate_copy_fill(const struct sop_vcpu *v, struct runstate_copy *copy);

static inline void runstate_copy_take(const struct sop_vcpu *v,
                                      struct runstate_copy *copy)
{
    copy->area = v->runstate_area;
    if (unlikely(copy->area != 0)) {
        runstate_copy_fill(v, copy);
    }
}

/* Unlocked; `v` is loaded on the calling pCPU, and wants it somewhere. */
void runstate_copy_write(struct sop_vcpu *v, const struct runstate_copy *copy);

/* One runstate record to `addr` in the caller's layout. Unlocked. */
int runstate_copy_out(struct sop_vcpu *v, uint64_t addr, bool wide,
                      const struct vcpu_runstate_info *info);

/* ---- vtime.c: time as guests have it ---- */

void vtime_init(struct sop_vcpu *v);

/* What guests read the time from: the same for all and for ever. */
void vtime_record(const struct sop_config *cfg, struct vcpu_time_info *t);

/* The record in vcpu_info, if the guest spoilt it. */
void vtime_refresh_info(struct sop_vcpu *v);

/* The same for VCPUOP_register_vcpu_time_memory_area, if there is one.
   Unlocked. */
void vtime_write_area(struct sop_vcpu *v);
void vtime_wallclock(struct sop_domain *d);

void vtime_set_period(struct sop_pcpu *self, struct sop_vcpu *v,
                      uint64_t period_ns, uint64_t now);
void vtime_switched_in(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);
void vtime_switched_out(struct sop_vcpu *v);
void vtime_cancel(struct sop_vcpu *v);

/* Hypercall 15, and vcpu_op 8. */
void vtime_set_timer(struct sop_pcpu *self, struct sop_vcpu *v,
                     uint64_t timeout, uint64_t now);
void vtime_set_singleshot(struct sop_pcpu *self, struct sop_vcpu *v,
                          uint64_t timeout, uint64_t now);

/* ---- evtchn.c ---- */

/* The records of a port that is known. */
static ALWAYS_INLINE struct evtchn *evtchn_at(const struct sop_domain *d,
                                              uint32_t port)
{
    return &d->ports[port / PORTS_PAGE]->evtchn[port % PORTS_PAGE];
}

static ALWAYS_INLINE struct fifo_port *fifo_port_at(const struct sop_domain *d,
                                                    uint32_t port)
{
    return &d->ports[port / PORTS_PAGE]->fifo[port % PORTS_PAGE];
}

/* Which of the 64 ports around this one are in use. */
static inline uint64_t *evtchn_used(const struct sop_domain *d, uint32_t port)
{
    return &d->ports[port / PORTS_PAGE]->used[port % PORTS_PAGE / 64];
}

/* The port's record, NULL if it is unknown. */
struct evtchn *evtchn_lookup(const struct sop_domain *d, uint32_t port);
bool evtchn_is_usable(const struct evtchn *chn);
int evtchn_alloc(struct sop_domain *d);
void evtchn_free(struct sop_domain *d, uint32_t port);
uint32_t evtchn_limit(const struct sop_domain *d);
/* Pieces what a domain brings for its ports at `at`; only counts if that is
   NULL. Its bytes. */
size_t evtchn_lay_out(struct sop_domain *d, void *at, uint32_t max_ports,
                      unsigned nr_vcpus);
/* Pages for all ports but the first page's, where a slot keeps them. */
void evtchn_give_pages(struct sop_domain *d, struct port_page *page);
/* The domain is freed: what port_page_alloc() gave goes back. */
void evtchn_free_pages(struct sop_domain *d);
void evtchn_init(struct sop_domain *d);
void evtchn_set_bits(struct sop_domain *d);
void evtchn_close_all(struct sop_domain *d);
int evtchn_close(struct sop_domain *d, uint32_t port);
int evtchn_send(struct sop_pcpu *self, struct sop_domain *d, uint32_t port,
                uint64_t now);
bool evtchn_is_pending(const struct sop_domain *d, uint32_t port);
void evtchn_set_pending(struct sop_pcpu *self, struct sop_domain *d,
                        uint32_t port, uint64_t now);
void evtchn_unmask(struct sop_pcpu *self, struct sop_domain *d, uint32_t port,
                   uint64_t now);
void evtchn_latch_width(struct sop_domain *d, bool wide);
void evtchn_upcall(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);
/* The upcall byte of `v`; an upcall, unless it was set. */
void evtchn_mark_pending(struct sop_pcpu *self, struct sop_vcpu *v,
                         uint64_t now);
bool evtchn_bit_is_pending(const struct sop_domain *d, uint32_t port);

/* Everything pending, just to be sure (spec 4.6). */
void evtchn_mark_all_selected(struct sop_vcpu *v);
bool virq_is_global(uint32_t virq);
void virq_raise_vcpu(struct sop_pcpu *self, struct sop_vcpu *v, uint32_t virq,
                     uint64_t now);
void virq_raise_global(struct sop_pcpu *self, struct sop_system *sys,
                       uint32_t virq, uint64_t now);

/* ---- fifo.c: the FIFO ABI, of domains with fifo->on ---- */

void fifo_port_init(struct sop_domain *d, uint32_t port);
bool fifo_is_pending(const struct sop_domain *d, uint32_t port);
/* Its word is in a queue: the port cannot be given out again. */
bool fifo_is_busy(const struct sop_domain *d, uint32_t port);
void fifo_clear_pending(struct sop_domain *d, uint32_t port);
void fifo_set_pending(struct sop_pcpu *self, struct sop_domain *d,
                      uint32_t port, uint64_t now);
void fifo_unmask(struct sop_pcpu *self, struct sop_domain *d, uint32_t port,
                 uint64_t now);
int fifo_set_priority(struct sop_domain *d, uint32_t port, uint32_t priority);

/* Back to the 2-level ABI; all ports are closed. */
void fifo_reset(struct sop_domain *d);

/*
 * EVTCHNOP_init_control and EVTCHNOP_expand_array of the caller's domain.
 * Unlocked.
 */
int fifo_init_control(struct sop_pcpu *self, struct sop_vcpu *v,
                      struct evtchn_init_control *op);
int fifo_expand_array(struct sop_pcpu *self, struct sop_vcpu *v,
                      const struct evtchn_expand_array *op);

/* ---- domain.c, shutdown.c, watchdog.c, affinity.c ---- */

struct sop_domain *domain_find(const struct sop_system *sys, uint32_t domid);

/* As Xen's "any id": DOMID_SELF is the domain of the caller. */
struct sop_domain *domain_find_any(const struct sop_vcpu *caller,
                                   uint32_t domid);
int domain_pause(struct sop_pcpu *self, struct sop_domain *d, uint64_t now);
int domain_unpause(struct sop_pcpu *self, struct sop_domain *d, uint64_t now);
void domain_info(const struct sop_domain *d, uint64_t now,
                 struct sop_domain_info *info);

void domain_shutdown(struct sop_pcpu *self, struct sop_domain *d,
                     uint32_t reason, uint64_t now);
void domain_resume(struct sop_pcpu *self, struct sop_domain *d, uint64_t now);

/* Tells the controller, inside (VIRQ_DOM_EXC) and outside (the port). */
void domain_notify(struct sop_pcpu *self, struct sop_domain *d, uint64_t now);

void watchdog_init(struct sop_domain *d);
void watchdog_cancel(struct sop_domain *d);
int64_t watchdog_command(struct sop_pcpu *self, struct sop_domain *d,
                         const struct sched_watchdog *op, uint64_t now);

int affinity_pin(struct sop_pcpu *self, struct sop_vcpu *v, int32_t pcpu,
                 uint64_t now);
void affinity_unpin(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);
int affinity_set(struct sop_pcpu *self, struct sop_vcpu *v, unsigned flags,
                 sop_cpumask_t *hard, sop_cpumask_t *soft, uint64_t now);

/* ---- cpupool.c, cpupool_domain.c: see there, and core.h ---- */

void pool_init(struct sop_system *sys, struct sop_pool *pool, uint32_t id,
               const struct policy_ops *ops);
struct sop_pool *pool_find(struct sop_system *sys, uint32_t id);

/* The pool with that id or else the next higher one. */
struct sop_pool *pool_find_from(struct sop_system *sys, uint32_t id);
int pool_create(struct sop_pcpu *self, uint32_t sched_id, uint32_t *id);
int pool_destroy(struct sop_pcpu *self, struct sop_pool *pool);
int pool_add(struct sop_pcpu *self, struct sop_pool *pool, uint32_t cpu,
             uint64_t now);
int pool_remove(struct sop_pcpu *self, struct sop_pool *pool, uint32_t cpu,
                uint64_t now);
int pool_move(struct sop_pcpu *self, struct sop_pool *pool,
              struct sop_domain *d, uint64_t now);

/* Puts `d`, nothing of which runs, under the policy of its pool. */
int pool_enter(struct sop_domain *d, const struct policy_domain_knobs *knobs);
int domain_knobs(struct sop_pcpu *self, struct sop_domain *d,
                 struct policy_domain_knobs *knobs, bool set);
int vcpu_knobs(struct sop_pcpu *self, struct sop_vcpu *v,
               struct policy_vcpu_knobs *knobs, bool set);
int pool_knobs(struct sop_pcpu *self, struct sop_pool *pool,
               struct policy_pool_knobs *knobs, bool set);
void pool_info(const struct sop_pool *pool, struct sop_pool_info *info);
sop_cpumask_t pool_free_pcpus(const struct sop_system *sys);

/* Puts `p`, which is in no pool, into this one. */
void pool_join(struct sop_pcpu *self, struct sop_pool *pool, struct sop_pcpu *p,
               uint64_t now);

/* Starts the leaving of `p` or goes on with it: -EAGAIN, -EADDRINUSE, 0. */
int pool_leave(struct sop_pcpu *self, struct sop_pcpu *p, uint64_t now);

/* ---- vcpu.c ---- */

void vcpu_create(struct sop_domain *d, unsigned id, struct sop_vcpu *v,
                 uint64_t now);
int vcpu_up(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);
void vcpu_down(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);
void vcpu_op_down(struct sop_pcpu *self, struct sop_vcpu *v, uint64_t now);

/* ---- hypercalls, all unlocked: call.c and one file per number ---- */

/* Not a result of any hypercall: arguments changed, call again. */
#define CALL_AGAIN PORT_CALL_AGAIN

int64_t call_dispatch(struct sop_pcpu *self, struct sop_vcpu *v,
                      struct sop_call *call);

/* PV callers may not name the hypervisor's own range (spec 1.4, 3.4). */
bool call_address_ok(const struct sop_vcpu *v, uint64_t addr);

int64_t multicall_call(struct sop_pcpu *self, struct sop_vcpu *v,
                       struct sop_call *call);
int64_t schedop_call(struct sop_pcpu *self, struct sop_vcpu *v,
                     struct sop_call *call);
int64_t schedop_legacy_call(struct sop_pcpu *self, struct sop_vcpu *v,
                            struct sop_call *call);
int64_t poll_command(struct sop_pcpu *self, struct sop_vcpu *v,
                     const struct sop_call *call);
int64_t evtchnop_call(struct sop_pcpu *self, struct sop_vcpu *v,
                      struct sop_call *call);
int64_t vcpuop_call(struct sop_pcpu *self, struct sop_vcpu *v,
                    struct sop_call *call);
int64_t timerop_call(struct sop_pcpu *self, struct sop_vcpu *v,
                     struct sop_call *call);
int64_t hvmop_call(struct sop_pcpu *self, struct sop_vcpu *v,
                   struct sop_call *call);
int64_t version_call(struct sop_pcpu *self, struct sop_vcpu *v,
                     struct sop_call *call);
int64_t console_call(struct sop_pcpu *self, struct sop_vcpu *v,
                     struct sop_call *call);
int64_t assist_call(struct sop_pcpu *self, struct sop_vcpu *v,
                    struct sop_call *call);
int64_t domctl_call(struct sop_pcpu *self, struct sop_vcpu *v,
                    struct sop_call *call);
struct xen_domctl;
struct xen_domctl_getdomaininfo;
void domctl_fill_info(const struct sop_domain *d, uint64_t now,
                      struct xen_domctl_getdomaininfo *out);

/* The domain with that id or else the next higher one. */
struct sop_domain *domctl_find_from(const struct sop_system *sys,
                                    uint32_t domid);
int domctl_affinity(struct sop_pcpu *self, struct sop_vcpu *v,
                    const struct xen_domctl *op);
int domctl_vcpu_info(struct sop_pcpu *self, struct xen_domctl *op);

/* scheduler_op of both; unlocked. */
struct xen_sysctl_scheduler_op;
int schedctl_domain(struct sop_pcpu *self, struct sop_vcpu *v,
                    struct xen_domctl *ctl);
int schedctl_pool(struct sop_pcpu *self, struct sop_vcpu *v,
                  struct xen_sysctl_scheduler_op *op);

/* Masks in guest memory, unlocked: 0 or -EFAULT. */
struct xenctl_bitmap;
int mask_read(struct sop_vcpu *v, const struct xenctl_bitmap *map,
              sop_cpumask_t *mask);
int mask_write(struct sop_vcpu *v, const struct xenctl_bitmap *map,
               sop_cpumask_t mask);
int64_t sysctl_call(struct sop_pcpu *self, struct sop_vcpu *v,
                    struct sop_call *call);

/* Ends a poll: the vCPU leaves the polling set and its timer stops. */
void poll_leave(struct sop_vcpu *v);
void poll_init(struct sop_vcpu *v);

/* Wakes every vCPU of `d` that polls for `port` or for any (spec 4.2). */
RARE void poll_wake(struct sop_pcpu *self, struct sop_domain *d, uint32_t port,
                    uint64_t now);

#endif
