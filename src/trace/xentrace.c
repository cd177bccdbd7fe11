/* SPDX-License-Identifier: MIT */
/*
 * Xen's own trace records (<xen/trace.h>), as xentrace writes them to a file
 * and xenalyze and xentrace_format read them. What has no counterpart there
 * (timers, accounts, pools) is left out.
 *
 * The file is a sequence of windows: a record that names a pCPU and how many
 * bytes follow of it. Records of a pCPU are kept until enough have come, then
 * those of all pCPUs are written. Time is a counter of 2.4 GHz, which is what
 * xenalyze takes a file for if it is not told otherwise.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <xen/xen.h>

#include <xen/trace.h>
#include <xen/vcpu.h>

#include "track.h"

#define WINDOW_WORDS 8192u /* when one has so many, all are written */

/* 2.4 cycles a nanosecond. To xenalyze a counter of 0 is none at all. */
#define CYCLES(ns) ((ns) / 5 * 12 + (ns) % 5 * 12 / 5 + 1)

struct window {
    uint32_t *word;
    size_t count, capacity;
    bool idle;        /* what the file says this pCPU runs: idle, */
    uint32_t running; /* or a vCPU, or SOP_TRACE_NOBODY */
};

struct xentrace {
    struct window *window; /* by pCPU */
    size_t nr_windows;
};

/* ---- windows ---- */

static void flush(struct trace_writer *w)
{
    struct xentrace *x = w->state;
    size_t i;

    for (i = 0; i < x->nr_windows; i++) {
        struct window *win = &x->window[i];
        uint32_t change[3] = {
            (uint32_t)TRC_TRACE_CPU_CHANGE | 2u << TRACE_EXTRA_SHIFT,
            (uint32_t)i,
            (uint32_t)(win->count * sizeof(*win->word)),
        };

        if (win->count != 0) {
            trace_put(w, change, sizeof(change));
            trace_put(w, win->word, win->count * sizeof(*win->word));
            win->count = 0;
        }
    }
}

/* The window of `pcpu`, made if need be; NULL when the writer has failed. */
static struct window *window_of(struct trace_writer *w, uint16_t pcpu)
{
    struct xentrace *x = w->state;
    struct window *bigger;

    if (pcpu >= x->nr_windows) {
        bigger = reallocarray(x->window, pcpu + 1u, sizeof(*bigger));
        if (bigger == NULL) {
            trace_fail(w, ENOMEM);
            return NULL;
        }
        x->window = bigger;
        for (; x->nr_windows <= pcpu; x->nr_windows++) {
            x->window[x->nr_windows] = (struct window){
                .running = SOP_TRACE_NOBODY,
            };
        }
    }
    return &x->window[pcpu];
}

static void put_word(struct trace_writer *w, struct window *win, uint32_t word)
{
    uint32_t *room =
        trace_room(w, win->word, &win->capacity, win->count, sizeof(*room));

    if (room != NULL) {
        win->word = room;
        win->word[win->count++] = word;
    }
}

/* One record of Xen's with `count` words. */
static void put(struct trace_writer *w, const struct sop_trace_rec *rec,
                uint32_t event, const uint32_t *word, unsigned count)
{
    struct window *win = window_of(w, rec->pcpu);
    uint64_t tsc = CYCLES(rec->time_ns);
    unsigned i;

    if (win == NULL) {
        return;
    }
    put_word(w, win,
             event | count << TRACE_EXTRA_SHIFT | (uint32_t)TRC_HD_CYCLE_FLAG);
    put_word(w, win, (uint32_t)tsc);
    put_word(w, win, (uint32_t)(tsc >> 32));
    for (i = 0; i < count; i++) {
        put_word(w, win, word[i]);
    }
    if (win->count >= WINDOW_WORDS) {
        flush(w);
    }
}

/* ---- records ---- */

static void put_runstate(struct trace_writer *w,
                         const struct sop_trace_rec *rec, uint32_t who,
                         unsigned from, unsigned to)
{
    struct window *win = window_of(w, rec->pcpu);

    if (win != NULL && to == RUNSTATE_running) {
        win->running = who;
    } else if (win != NULL && win->running == who) {
        win->running = SOP_TRACE_NOBODY;
    }
    put(w, rec, TRC_SCHED_RUNSTATE_CHANGE | from << 8 | to << 4, &who, 1);
}

static uint32_t idle_of(const struct sop_trace_rec *rec)
{
    return SOP_TRACE_VCPU(SOP_TRACE_IDLE, (uint32_t)rec->pcpu);
}

/* Xen's idle vCPUs run and stop running as any other: ours are not told. */
static void set_idle(struct trace_writer *w, const struct sop_trace_rec *rec,
                     bool idle)
{
    struct window *win = window_of(w, rec->pcpu);

    if (win == NULL || win->idle == idle) {
        return;
    }
    win->idle = idle;
    put_runstate(w, rec, idle_of(rec),
                 idle ? RUNSTATE_runnable : RUNSTATE_running,
                 idle ? RUNSTATE_running : RUNSTATE_runnable);
}

static void runstate(struct trace_writer *w, const struct sop_trace_rec *rec)
{
    unsigned from = (unsigned)rec->arg[0] & 3, to = (unsigned)rec->arg[1] & 3;

    if (from == to) {
        /* Found so when tracing began: of interest if it runs. */
        if (to != RUNSTATE_running) {
            return;
        }
        from = RUNSTATE_runnable;
    }
    if (to == RUNSTATE_running) {
        set_idle(w, rec, false);
    }
    put_runstate(w, rec, SOP_TRACE_VCPU(rec->domid, (uint32_t)rec->vcpu), from,
                 to);
}

static void switched(struct trace_writer *w, const struct sop_trace_rec *rec)
{
    uint32_t prev = (uint32_t)rec->arg[0];
    uint32_t next = SOP_TRACE_VCPU(rec->domid, (uint32_t)rec->vcpu);
    uint32_t word[4] = {prev >> 16, prev & 0xffff, rec->domid, rec->vcpu};

    if (prev == next) {
        put(w, rec, TRC_SCHED_CONTINUE_RUNNING, &next, 1);
        return;
    }
    put(w, rec, TRC_SCHED_SWITCH, word, 4);
    set_idle(w, rec, next == idle_of(rec));
}

static void lost(struct trace_writer *w, const struct sop_trace_rec *rec)
{
    uint64_t tsc = CYCLES(rec->time_ns);
    uint32_t word[4] = {
        (uint32_t)(rec->arg[0] > UINT32_MAX ? UINT32_MAX : rec->arg[0]),
        idle_of(rec),
        (uint32_t)tsc,
        (uint32_t)(tsc >> 32),
    };

    put(w, rec, TRC_LOST_RECORDS, word, 4);
}

/* A record that names its subject in two words, and `extra` as the third. */
static void about(struct trace_writer *w, const struct sop_trace_rec *rec,
                  uint32_t event, bool third, uint64_t extra)
{
    uint32_t word[3] = {rec->domid, rec->vcpu, (uint32_t)extra};

    put(w, rec, event, word, third ? 3 : 2);
}

static void xentrace_record(struct trace_writer *w,
                            const struct sop_trace_rec *in)
{
    struct sop_trace_rec rec = *in;
    uint32_t id = rec.domid;

    if (rec.pcpu == SOP_TRACE_NONE) {
        rec.pcpu = 0; /* Xen's are always of one */
    }
    switch (rec.event) {
    case SOP_TRACE_EV_RUNSTATE:
        runstate(w, &rec);
        break;
    case SOP_TRACE_EV_SWITCH:
        switched(w, &rec);
        break;
    case SOP_TRACE_EV_LOST:
        lost(w, &rec);
        break;
    case SOP_TRACE_EV_WAKE:
        about(w, &rec, TRC_SCHED_WAKE, false, 0);
        break;
    case SOP_TRACE_EV_YIELD:
        about(w, &rec, TRC_SCHED_YIELD, false, 0);
        break;
    case SOP_TRACE_EV_BLOCK:
    case SOP_TRACE_EV_POLL:
    case SOP_TRACE_EV_HALT:
        about(w, &rec, TRC_SCHED_BLOCK, false, 0);
        break;
    case SOP_TRACE_EV_SHUTDOWN:
        about(w, &rec, TRC_SCHED_SHUTDOWN, true, rec.arg[0]);
        break;
    case SOP_TRACE_EV_SHUTDOWN_CODE:
        about(w, &rec, TRC_SCHED_SHUTDOWN_CODE, true, rec.arg[0]);
        break;
    case SOP_TRACE_EV_DOMAIN_CREATE:
        put(w, &rec, TRC_DOM0_DOM_ADD, &id, 1);
        break;
    case SOP_TRACE_EV_DOMAIN_DESTROY:
        put(w, &rec, TRC_DOM0_DOM_REM, &id, 1);
        break;
    default:
        break;
    }
}

static void xentrace_open(struct trace_writer *w)
{
    (void)w;
}

static void xentrace_close(struct trace_writer *w, uint64_t end_ns)
{
    struct xentrace *x = w->state;
    struct sop_trace_rec rec = {.time_ns = end_ns};

    /* Readers account a run when the next record tells of it. */
    for (; rec.pcpu < x->nr_windows; rec.pcpu++) {
        uint32_t who = x->window[rec.pcpu].running;

        if (who != SOP_TRACE_NOBODY) {
            put(w, &rec, TRC_SCHED_CONTINUE_RUNNING, &who, 1);
        }
    }
    flush(w);
}

static void xentrace_fini(struct trace_writer *w)
{
    struct xentrace *x = w->state;
    size_t i;

    for (i = 0; i < x->nr_windows; i++) {
        free(x->window[i].word);
    }
    free(x->window);
}

const struct trace_backend trace_xentrace = {
    .name = "xentrace",
    .suffix = ".xentrace",
    .size = sizeof(struct xentrace),
    .open = xentrace_open,
    .record = xentrace_record,
    .close = xentrace_close,
    .fini = xentrace_fini,
};
