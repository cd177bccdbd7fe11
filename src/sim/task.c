/* SPDX-License-Identifier: MIT */
/*
 * Carries out the program of a vCPU: each call goes on from where the program
 * stands until there is a step that takes time or is a hypercall. An op that
 * waits is come back to; `stage` says how far it got.
 */
#include "task.h"

#include <stdint.h>

#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/xen.h>

#include "memory.h"

#define OPS_AT_ONCE 256u /* before the machine gets to see a step */

static struct lab_shared *object(struct task *t, uint32_t ref)
{
    return &t->r->shared[ref];
}

static bool done(struct task *t)
{
    t->stage = 0;
    t->pc++;
    return false;
}

/* From the seed, within the op's bounds. */
static uint64_t pick(struct task *t, const struct lab_op *op)
{
    uint64_t span = op->ns_max - op->ns;

    return span == 0 ? op->ns : op->ns + prng_next(&t->prng) % (span + 1);
}

/* Each of the following fills in a step and returns true, or returns false
   to be called again, for this op or for the next. */

/* ---- time ---- */

static bool op_run(struct task *t, const struct lab_op *op, struct sim_step *s)
{
    (void)done(t);
    sim_compute(s, pick(t, op));
    return true;
}

static bool op_spin(struct task *t, const struct lab_op *op, struct sim_step *s)
{
    (void)done(t);
    sim_compute_until(s, sim_now(t->r->m) + op->ns);
    return true;
}

static bool op_sleep(struct task *t, const struct lab_op *op,
                     struct sim_step *s)
{
    uint64_t now = sim_now(t->r->m);

    if (t->stage == 0) {
        t->stage = 1;
        t->until = now + pick(t, op);
    }
    if (now >= t->until) {
        return done(t);
    }
    sim_poll(t->v, s, NULL, 0, t->until);
    return true;
}

/*
 * A job ends here. Had the task never waited for a pCPU it would now sleep
 * until a period after its beginning; what waiting took of that sleep is
 * noted, for the task's demand (share.c).
 */
static void job_ends(struct task *t, const struct lab_op *op,
                     const struct lab_timer *tm, uint64_t now)
{
    uint64_t release = tm->next - op->ns;
    uint64_t waited = sop_vcpu_runstate_peek(t->v->v)->time[RUNSTATE_runnable] -
                      t->job_waited;
    uint64_t took = now - t->job_began - waited;
    uint64_t sleeps = tm->next > now ? tm->next - now : 0;

    t->jobs++;
    sim_hist_add(&t->response, now > release ? now - release : 0);
    if (now > tm->next) {
        t->missed++;
        if (now - tm->next > t->late_max) {
            t->late_max = now - tm->next;
        }
    }
    if (took < op->ns && op->ns - took > sleeps) {
        t->spare_ns += op->ns - took - sleeps;
    }
}

static void job_begins(struct task *t)
{
    t->job_began = sim_now(t->r->m);
    t->job_waited = sop_vcpu_runstate_peek(t->v->v)->time[RUNSTATE_runnable];
}

/* As rt-app: periods count from the first; one that is missed moves the next
   unless the timer is absolute. */
static bool op_timer(struct task *t, const struct lab_op *op,
                     struct sim_step *s)
{
    struct lab_timer *tm =
        op->shared ? &object(t, op->ref)->timer : &t->timer[op->ref];
    uint64_t now = sim_now(t->r->m);

    if (t->stage == 0) {
        if (!tm->begun) {
            tm->begun = true;
            tm->next = t->began;
        }
        tm->next += op->ns;
        t->until = tm->next;
        t->stage = 1;
        job_ends(t, op, tm, now);
        if (now > tm->next && !op->absolute) {
            tm->next = now;
        }
    }
    if (now >= t->until) {
        job_begins(t);
        return done(t);
    }
    sim_poll(t->v, s, NULL, 0, t->until);
    return true;
}

/* ---- each other ---- */

enum { WAIT_BEGIN, WAIT_SIGNAL, WAIT_LOCK };

static bool op_wait(struct task *t, const struct lab_op *op, struct sim_step *s)
{
    switch (t->stage) {
    case WAIT_BEGIN:
        sync_enqueue(object(t, op->ref), t);
        if (op->has_lock) {
            sync_unlock(object(t, op->lock), t);
        }
        t->stage = WAIT_SIGNAL;
        return false;
    case WAIT_SIGNAL:
        if (!sync_waited(t, s)) {
            return true;
        }
        if (!op->has_lock || sync_lock(object(t, op->lock), t)) {
            return done(t);
        }
        t->stage = WAIT_LOCK;
        return false;
    default:
        return sync_waited(t, s) ? done(t) : true;
    }
}

static bool op_lock(struct task *t, const struct lab_op *op, struct sim_step *s)
{
    if (t->stage == 0) {
        if (sync_lock(object(t, op->ref), t)) {
            return done(t);
        }
        t->stage = 1;
    }
    return sync_waited(t, s) ? done(t) : true;
}

static bool op_barrier(struct task *t, const struct lab_op *op,
                       struct sim_step *s)
{
    struct lab_shared *o = object(t, op->ref);

    if (t->stage == 0) {
        if (o->waiting + 1 >= t->r->w->object[op->ref].users) {
            while (sync_grant(o, t) != NULL) {
            }
            return done(t);
        }
        sync_enqueue(o, t);
        t->stage = 1;
    }
    return sync_waited(t, s) ? done(t) : true;
}

/* ---- commands ---- */

/* The first set-up gives the watchdog a number; later ones name it. */
static bool op_watchdog(struct task *t, const struct lab_op *op,
                        struct sim_step *s)
{
    struct sched_watchdog call = {.id = (uint32_t)t->dog[op->ref],
                                  .timeout = (uint32_t)(op->ns / 1000000000u)};

    if (t->stage == 0) {
        t->stage = 1;
        sim_sched_with(t->v, s, SCHEDOP_watchdog, &call, sizeof(call));
        return true;
    }
    if (t->v->result > 0) {
        t->dog[op->ref] = t->v->result;
    } else if (t->v->result < 0) {
        run_note(t->r, "%s: a watchdog command fails with %lld", t->v->d->name,
                 (long long)t->v->result);
    } else if (op->ns == 0) {
        t->dog[op->ref] = 0;
    }
    return done(t);
}

static bool op_shutdown(struct task *t, const struct lab_op *op,
                        struct sim_step *s)
{
    struct sched_shutdown call = {.reason = op->count};

    (void)done(t);
    sim_sched_with(t->v, s, SCHEDOP_shutdown, &call, sizeof(call));
    return true;
}

static bool op_stop(struct task *t, struct sim_step *s)
{
    t->granted = false;
    (void)sync_waited(t, s);
    return true;
}

struct affinity {
    struct task *t;
    uint64_t mask;
};

/* By the controller, as no guest may. */
static void set_affinity(struct sim_machine *m, void *arg)
{
    struct affinity *a = arg;
    sop_cpumask_t mask = a->mask;

    if (a->t->v->v != NULL &&
        sop_vcpu_set_affinity(sim_self(m), a->t->v->v, SOP_AFFINITY_HARD, &mask,
                              NULL) != 0) {
        run_note(a->t->r, "%s cannot be pinned to mask %#llx", a->t->v->d->name,
                 (unsigned long long)a->mask);
    }
}

static bool op_affinity(struct task *t, const struct lab_op *op)
{
    if (t->affinity == NULL) {
        t->affinity = sim_alloc(sizeof(*t->affinity));
        t->affinity->t = t;
    }
    t->affinity->mask = op->mask;
    sim_at(t->r->m, sim_now(t->r->m), set_affinity, t->affinity);
    return done(t);
}

/* ---- loops ---- */

static bool op_loop(struct task *t, const struct lab_op *op)
{
    t->count[op->slot] = op->count;
    return done(t);
}

static bool op_end(struct task *t, const struct lab_op *op)
{
    if (op->count == 0 || --t->count[op->slot] != 0) {
        t->pc = op->other + 1;
        t->stage = 0;
        return false;
    }
    return done(t);
}

/* ---- the program ---- */

static bool command(struct task *t, struct sim_step *s, unsigned number)
{
    (void)done(t);
    sim_sched(s, number);
    return true;
}

static bool down(struct task *t, struct sim_step *s)
{
    (void)done(t);
    sim_call(s, __HYPERVISOR_vcpu_op, VCPUOP_down, t->v->id, 0);
    return true;
}

static bool carry_out(struct task *t, const struct lab_op *op,
                      struct sim_step *s)
{
    switch (op->kind) {
    case OP_RUN:
        return op_run(t, op, s);
    case OP_SPIN:
        return op_spin(t, op, s);
    case OP_SLEEP:
        return op_sleep(t, op, s);
    case OP_TIMER:
        return op_timer(t, op, s);
    case OP_WAIT:
        return op_wait(t, op, s);
    case OP_SIGNAL:
        (void)sync_grant(object(t, op->ref), t);
        return done(t);
    case OP_BROAD:
        while (sync_grant(object(t, op->ref), t) != NULL) {
        }
        return done(t);
    case OP_LOCK:
        return op_lock(t, op, s);
    case OP_UNLOCK:
        sync_unlock(object(t, op->ref), t);
        return done(t);
    case OP_BARRIER:
        return op_barrier(t, op, s);
    case OP_YIELD:
        return command(t, s, SCHEDOP_yield);
    case OP_LOOP:
        return op_loop(t, op);
    case OP_END:
        return op_end(t, op);
    case OP_AFFINITY:
        return op_affinity(t, op);
    case OP_WATCHDOG:
        return op_watchdog(t, op, s);
    case OP_SHUTDOWN:
        return op_shutdown(t, op, s);
    case OP_DOWN:
        return down(t, s);
    case OP_STOP:
        return op_stop(t, s);
    }
    return op_stop(t, s);
}

void task_next(struct sim_vcpu *v, struct sim_step *s)
{
    struct task *t = v->ctx;

    if (t->began == SIM_FOREVER) {
        t->began = sim_now(t->r->m);
        job_begins(t);
        /* A PV vCPU begins with a tick every 10 ms, which nobody wants. */
        sim_call(s, __HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, v->id, 0);
        return;
    }
    for (unsigned i = 0; i < OPS_AT_ONCE; i++) {
        if (sync_send(t, s)) {
            return;
        }
        if (t->pc >= t->prog->nr_ops) {
            (void)op_stop(t, s);
            return;
        }
        if (carry_out(t, &t->prog->op[t->pc], s)) {
            return;
        }
    }
    /* So that a loop of nothing is seen as what it is: SIM_STUCK. */
    sim_compute(s, 0);
}
