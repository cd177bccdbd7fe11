/* SPDX-License-Identifier: MIT */
/*
 * What the core's files ask of each other; objects.h has the structures.
 * Nobody outside this room includes it but the unit tests. Every function
 * expects the core lock held unless it says "unlocked".
 *
 * `self` is the calling pCPU, `now` the time read once at entry.
 */
#ifndef SCHEDOP_CORE_PRIVATE_H
#define SCHEDOP_CORE_PRIVATE_H

#include "../lib/bug.h"
#include "objects.h"
#include "tracing.h"

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
