/* SPDX-License-Identifier: MIT */
/* Which records somebody wants to see. */
#include <string.h>

#include "event.h"
#include "trace.h"

#define EVENTS_MAX (sizeof(((struct trace_filter *)0)->events))

void trace_filter_init(struct trace_filter *f)
{
    memset(f, 0, sizeof(*f));
    f->to_ns = UINT64_MAX;
}

bool trace_filter_event(struct trace_filter *f, const char *name)
{
    uint32_t class = trace_class_by_name(name);
    const struct event_info *e = event_by_name(name);
    size_t i;

    if (e != NULL) {
        f->events[e->number] = 1;
    }
    for (i = 0; class != 0 && event_nth(i) != NULL; i++) {
        if (event_nth(i)->class == class) {
            f->events[event_nth(i)->number] = 1;
        }
    }
    f->some_events = true;
    return e != NULL || class != 0;
}

bool trace_filter_vcpu(struct trace_filter *f, uint16_t domid, uint16_t vcpu)
{
    if (f->nr_subjects == TRACE_FILTER_VCPUS) {
        return false;
    }
    f->subject[f->nr_subjects].domid = domid;
    f->subject[f->nr_subjects].vcpu = vcpu;
    f->nr_subjects++;
    return true;
}

void trace_filter_pcpu(struct trace_filter *f, uint16_t pcpu)
{
    f->pcpus[pcpu / 64] |= (uint64_t)1 << (pcpu % 64);
    f->some_pcpus = true;
}

static bool pass_subject(const struct trace_filter *f,
                         const struct sop_trace_rec *rec)
{
    unsigned i;

    for (i = 0; i < f->nr_subjects; i++) {
        if (f->subject[i].domid == rec->domid &&
            (f->subject[i].vcpu == SOP_TRACE_NONE ||
             f->subject[i].vcpu == rec->vcpu)) {
            return true;
        }
    }
    return f->nr_subjects == 0;
}

bool trace_filter_pass(const struct trace_filter *f,
                       const struct sop_trace_rec *rec)
{
    const struct event_info *e = event_find(rec->event);

    if (e != NULL && e->class == SOP_TRACE_META) {
        return true;
    }
    if (rec->time_ns < f->from_ns || rec->time_ns >= f->to_ns) {
        return false;
    }
    if (f->some_events &&
        (rec->event >= EVENTS_MAX || f->events[rec->event] == 0)) {
        return false;
    }
    if (f->some_pcpus &&
        (rec->pcpu == SOP_TRACE_NONE ||
         (f->pcpus[rec->pcpu / 64] >> (rec->pcpu % 64) & 1) == 0)) {
        return false;
    }
    return pass_subject(f, rec);
}
