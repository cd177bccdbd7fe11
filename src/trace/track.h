/* SPDX-License-Identifier: MIT */
/*
 * From records to what was when: intervals in which a vCPU was in a state or
 * had a pCPU, and wake-ups with the time until the woken ran. Formats that
 * draw are made of these.
 */
#ifndef SCHEDOP_TRACE_TRACK_H
#define SCHEDOP_TRACE_TRACK_H

#include "backend.h"

struct track_vcpu {
    uint16_t domid, vcpu;
    unsigned index; /* in order of appearance */
    int state;      /* RUNSTATE_*, -1 not known yet */
    uint16_t pcpu;  /* while running */
    uint64_t since_ns;
    /* A wake-up that has not led to running yet. */
    bool woken;
    uint32_t waker; /* SOP_TRACE_VCPU() or SOP_TRACE_NOBODY */
    uint64_t source, woken_ns;
};

/* Each is called with what has just become known, the end included. */
struct track_sink {
    /* `v` was in `state` (on `pcpu`, if running) from start to end. */
    void (*state)(struct trace_writer *w, const struct track_vcpu *v, int state,
                  uint16_t pcpu, uint64_t start_ns, uint64_t end_ns);
    /* Woken at v->woken_ns by v->waker, `v` begins to run at ran_ns. */
    void (*wake)(struct trace_writer *w, const struct track_vcpu *v,
                 uint64_t ran_ns);
};

struct track {
    const struct track_sink *sink;
    struct track_vcpu *vcpu;
    size_t nr_vcpus, capacity;
    uint32_t *slot; /* hash of (domid, vcpu): index + 1, 0 free */
    size_t nr_slots;
    unsigned nr_pcpus; /* from the begin record, or the highest seen + 1 */
};

void track_record(struct trace_writer *w, struct track *t,
                  const struct sop_trace_rec *rec);

/* Ends every interval at `end_ns`. */
void track_close(struct trace_writer *w, struct track *t, uint64_t end_ns);
void track_fini(struct track *t);

/* NULL, and the writer fails, without memory. Valid until the next call. */
struct track_vcpu *track_find(struct trace_writer *w, struct track *t,
                              uint16_t domid, uint16_t vcpu);

#endif
