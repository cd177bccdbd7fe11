/* SPDX-License-Identifier: MIT */
/* See track.h. Records may say anything; time that steps back counts as 0. */
#include "track.h"

#include <errno.h>
#include <stdlib.h>

#include <xen/xen.h>

#include <xen/vcpu.h>

#define STATE_UNKNOWN (-1)

/* ---- finding vCPUs ---- */

static uint32_t *slot_of(struct track *t, uint16_t domid, uint16_t vcpu)
{
    uint32_t key = SOP_TRACE_VCPU(domid, vcpu);
    size_t at = (key * 2654435761u) % t->nr_slots;

    while (t->slot[at] != 0 && (t->vcpu[t->slot[at] - 1].domid != domid ||
                                t->vcpu[t->slot[at] - 1].vcpu != vcpu)) {
        at = (at + 1) % t->nr_slots;
    }
    return &t->slot[at];
}

/* Never more than half full, so that searches end. */
static bool slots_grow(struct trace_writer *w, struct track *t)
{
    size_t i;

    if (t->nr_vcpus * 2 < t->nr_slots) {
        return true;
    }
    free(t->slot);
    t->nr_slots = t->nr_slots == 0 ? 256 : t->nr_slots * 4;
    t->slot = calloc(t->nr_slots, sizeof(*t->slot));
    if (t->slot == NULL) {
        t->nr_slots = 0;
        trace_fail(w, ENOMEM);
        return false;
    }
    for (i = 0; i < t->nr_vcpus; i++) {
        *slot_of(t, t->vcpu[i].domid, t->vcpu[i].vcpu) = (uint32_t)i + 1;
    }
    return true;
}

struct track_vcpu *track_find(struct trace_writer *w, struct track *t,
                              uint16_t domid, uint16_t vcpu)
{
    struct track_vcpu *array;
    uint32_t *slot;

    if (!slots_grow(w, t)) {
        return NULL;
    }
    slot = slot_of(t, domid, vcpu);
    if (*slot != 0) {
        return &t->vcpu[*slot - 1];
    }
    array = trace_room(w, t->vcpu, &t->capacity, t->nr_vcpus, sizeof(*array));
    if (array == NULL) {
        return NULL;
    }
    t->vcpu = array;
    t->vcpu[t->nr_vcpus] = (struct track_vcpu){
        .domid = domid,
        .vcpu = vcpu,
        .index = (unsigned)t->nr_vcpus,
        .state = STATE_UNKNOWN,
    };
    *slot = (uint32_t)++t->nr_vcpus;
    return &t->vcpu[*slot - 1];
}

/* ---- records ---- */

/* Ends the interval that `v` is in. */
static void leave(struct trace_writer *w, struct track *t, struct track_vcpu *v,
                  uint64_t now)
{
    if (v->state != STATE_UNKNOWN && now > v->since_ns) {
        t->sink->state(w, v, v->state, v->pcpu, v->since_ns, now);
    }
    if (now > v->since_ns) {
        v->since_ns = now;
    }
}

static void runstate(struct trace_writer *w, struct track *t,
                     const struct sop_trace_rec *rec)
{
    struct track_vcpu *v = track_find(w, t, rec->domid, rec->vcpu);

    if (v == NULL || rec->arg[0] > RUNSTATE_offline ||
        rec->arg[1] > RUNSTATE_offline) {
        return;
    }
    leave(w, t, v, rec->time_ns);
    v->state = (int)rec->arg[1];
    v->pcpu = rec->pcpu;
    if (v->state == RUNSTATE_running && v->woken) {
        t->sink->wake(w, v, v->since_ns);
    }
    if (v->state != RUNSTATE_runnable) {
        v->woken = false;
    }
}

static void wake(struct trace_writer *w, struct track *t,
                 const struct sop_trace_rec *rec)
{
    struct track_vcpu *v = track_find(w, t, rec->domid, rec->vcpu);

    /* One that still runs does not wait. */
    if (v == NULL || v->state == RUNSTATE_running) {
        return;
    }
    v->woken = true;
    v->waker = (uint32_t)rec->arg[0];
    v->source = rec->arg[1];
    v->woken_ns = rec->time_ns;
}

/* A domain that is gone: its vCPUs are nowhere from now on. */
static void gone(struct trace_writer *w, struct track *t,
                 const struct sop_trace_rec *rec)
{
    size_t i;

    for (i = 0; i < t->nr_vcpus; i++) {
        if (t->vcpu[i].domid == rec->domid) {
            leave(w, t, &t->vcpu[i], rec->time_ns);
            t->vcpu[i].state = STATE_UNKNOWN;
            t->vcpu[i].woken = false;
        }
    }
}

void track_record(struct trace_writer *w, struct track *t,
                  const struct sop_trace_rec *rec)
{
    if (rec->event == SOP_TRACE_EV_BEGIN && rec->arg[1] < SOP_TRACE_NONE &&
        rec->arg[1] > t->nr_pcpus) {
        t->nr_pcpus = (unsigned)rec->arg[1];
    } else if (rec->pcpu != SOP_TRACE_NONE && rec->pcpu >= t->nr_pcpus) {
        t->nr_pcpus = rec->pcpu + 1u;
    }
    switch (rec->event) {
    case SOP_TRACE_EV_RUNSTATE:
        runstate(w, t, rec);
        break;
    case SOP_TRACE_EV_WAKE:
        wake(w, t, rec);
        break;
    case SOP_TRACE_EV_DOMAIN_DESTROY:
        gone(w, t, rec);
        break;
    default:
        break;
    }
}

void track_close(struct trace_writer *w, struct track *t, uint64_t end_ns)
{
    size_t i;

    for (i = 0; i < t->nr_vcpus; i++) {
        leave(w, t, &t->vcpu[i], end_ns);
    }
}

void track_fini(struct track *t)
{
    free(t->vcpu);
    free(t->slot);
}
