/* SPDX-License-Identifier: MIT */
/*
 * Chrome's trace-event JSON, which ui.perfetto.dev opens: a process "pCPUs"
 * with a thread a pCPU, a process a domain with a thread a vCPU, wake-ups as
 * flows between vCPUs, commands as instants, accounts as counters. Written as
 * it comes, so that a long trace takes no memory.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include <xen/xen.h>

#include <xen/vcpu.h>

#include "event.h"
#include "track.h"

#define PID_PCPUS 1
#define PID_DOMAIN 1000 /* + id */

struct perfetto {
    struct track track;
    bool some; /* an event has been written */
    unsigned named_pcpus;
    size_t named_vcpus;
    uint64_t flows;
    uint8_t named_domain[0x10000 / 8];
};

/* ---- JSON ---- */

/* Begins one event; the caller writes the rest and the closing brace. */
static void event_begin(struct trace_writer *w, char phase, unsigned pid,
                        unsigned tid)
{
    struct perfetto *p = w->state;

    trace_printf(w, "%s\n{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u",
                 p->some ? "," : "", phase, pid, tid);
    p->some = true;
}

static void put_string(struct trace_writer *w, const char *key,
                       const char *value)
{
    json_t *string = json_string(value);
    char *text = json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

    trace_printf(w, ",\"%s\":%s", key, text != NULL ? text : "\"?\"");
    free(text);
    json_decref(string);
}

/* Microseconds, as the format has it; whole nanoseconds behind the point. */
static void put_time(struct trace_writer *w, const char *key, uint64_t ns)
{
    trace_printf(w, ",\"%s\":%" PRIu64 ".%03" PRIu64, key, ns / 1000,
                 ns % 1000);
}

/* ---- names of tracks ---- */

static void name_track(struct trace_writer *w, const char *what, unsigned pid,
                       unsigned tid, const char *name)
{
    event_begin(w, 'M', pid, tid);
    put_string(w, "name", what);
    trace_printf(w, ",\"args\":{\"x\":0");
    put_string(w, "name", name);
    trace_printf(w, "}}");
}

static void sort_track(struct trace_writer *w, unsigned pid, unsigned index)
{
    event_begin(w, 'M', pid, 0);
    trace_printf(w,
                 ",\"name\":\"process_sort_index\",\"args\":"
                 "{\"sort_index\":%u}}",
                 index);
}

static void name_pcpus(struct trace_writer *w)
{
    struct perfetto *p = w->state;
    char name[32];

    for (; p->named_pcpus < p->track.nr_pcpus; p->named_pcpus++) {
        (void)snprintf(name, sizeof(name), "pCPU %u", p->named_pcpus);
        name_track(w, "thread_name", PID_PCPUS, p->named_pcpus, name);
    }
}

static void name_domain(struct trace_writer *w, uint16_t domid)
{
    char label[TRACE_LABEL_MAX], name[TRACE_LABEL_MAX + 24];

    if (domid == SOP_TRACE_NONE) {
        return;
    }
    trace_domain_label(w, domid, label);
    (void)snprintf(name, sizeof(name), "%s (domain %u)", label, domid);
    name_track(w, "process_name", PID_DOMAIN + domid, 0, name);
    sort_track(w, PID_DOMAIN + domid, 2u + domid);
}

static void name_vcpus(struct trace_writer *w)
{
    struct perfetto *p = w->state;
    char name[32];

    for (; p->named_vcpus < p->track.nr_vcpus; p->named_vcpus++) {
        const struct track_vcpu *v = &p->track.vcpu[p->named_vcpus];
        uint8_t *seen = &p->named_domain[v->domid / 8];

        if ((*seen >> (v->domid % 8) & 1) == 0) {
            *seen |= (uint8_t)(1u << (v->domid % 8));
            name_domain(w, v->domid);
        }
        (void)snprintf(name, sizeof(name), "vCPU %u", v->vcpu);
        name_track(w, "thread_name", PID_DOMAIN + v->domid, v->vcpu, name);
    }
}

/* ---- intervals and wake-ups ---- */

static void slice(struct trace_writer *w, unsigned pid, unsigned tid,
                  const char *name, uint64_t start_ns, uint64_t end_ns)
{
    event_begin(w, 'X', pid, tid);
    put_time(w, "ts", start_ns);
    put_time(w, "dur", end_ns - start_ns);
    put_string(w, "name", name);
    trace_printf(w, "}");
}

static void perfetto_state(struct trace_writer *w, const struct track_vcpu *v,
                           int state, uint16_t pcpu, uint64_t start_ns,
                           uint64_t end_ns)
{
    char label[TRACE_LABEL_MAX], name[TRACE_LABEL_MAX + 16];

    if (state == RUNSTATE_running) {
        trace_domain_label(w, v->domid, label);
        (void)snprintf(name, sizeof(name), "%s v%u", label, v->vcpu);
        if (pcpu != SOP_TRACE_NONE) {
            slice(w, PID_PCPUS, pcpu, name, start_ns, end_ns);
        }
        (void)snprintf(name, sizeof(name), "running on %u", pcpu);
        slice(w, PID_DOMAIN + v->domid, v->vcpu, name, start_ns, end_ns);
    } else if (state != RUNSTATE_offline) {
        slice(w, PID_DOMAIN + v->domid, v->vcpu,
              event_state_name((uint64_t)state), start_ns, end_ns);
    }
}

/* From the waker's track, in what it then did, to the run that it caused. */
static void perfetto_wake(struct trace_writer *w, const struct track_vcpu *v,
                          uint64_t ran_ns)
{
    struct perfetto *p = w->state;

    if (v->waker == SOP_TRACE_NOBODY) {
        return;
    }
    p->flows++;
    event_begin(w, 's', PID_DOMAIN + (v->waker >> 16), v->waker & 0xffff);
    put_time(w, "ts", v->woken_ns);
    trace_printf(w, ",\"id\":%" PRIu64 ",\"name\":\"wake\",\"cat\":\"wake\"}",
                 p->flows);
    event_begin(w, 'f', PID_DOMAIN + v->domid, v->vcpu);
    put_time(w, "ts", ran_ns);
    trace_printf(w,
                 ",\"id\":%" PRIu64
                 ",\"name\":\"wake\",\"cat\":\"wake\",\"bp\":\"e\"}",
                 p->flows);
}

/* ---- the rest of the records ---- */

static void put_args(struct trace_writer *w, const struct event_info *e,
                     const struct sop_trace_rec *rec)
{
    char word[EVENT_ARG_MAX];
    unsigned i;

    trace_printf(w, ",\"args\":{\"on\":%u", rec->pcpu);
    for (i = 0; i < 2; i++) {
        if (e->arg[i].kind != SOP_TRACE_AS_NOTHING) {
            event_arg(word, e->arg[i].kind, rec->arg[i]);
            put_string(w, e->arg[i].name, word);
        }
    }
    trace_printf(w, "}");
}

static void instant(struct trace_writer *w, const struct event_info *e,
                    const struct sop_trace_rec *rec)
{
    unsigned pid = PID_PCPUS, tid = rec->pcpu;

    if (rec->domid != SOP_TRACE_NONE && rec->domid != SOP_TRACE_IDLE) {
        pid = PID_DOMAIN + rec->domid;
        tid = rec->vcpu == SOP_TRACE_NONE ? 0 : rec->vcpu;
    } else if (rec->pcpu == SOP_TRACE_NONE) {
        tid = 0;
    }
    event_begin(w, 'i', pid, tid);
    put_time(w, "ts", rec->time_ns);
    put_string(w, "name", e->name);
    put_string(w, "cat", event_class_name(e->class));
    trace_printf(w, ",\"s\":\"t\"");
    put_args(w, e, rec);
    trace_printf(w, "}");
}

static void counter(struct trace_writer *w, const struct sop_trace_rec *rec)
{
    event_begin(w, 'C', PID_DOMAIN + rec->domid, rec->vcpu);
    put_time(w, "ts", rec->time_ns);
    trace_printf(w, ",\"name\":\"vCPU %u left\",\"args\":{\"ns\":%" PRId64 "}}",
                 rec->vcpu, (int64_t)rec->arg[0]);
}

static void perfetto_record(struct trace_writer *w,
                            const struct sop_trace_rec *rec)
{
    struct perfetto *p = w->state;
    const struct event_info *e = event_find(rec->event);

    track_record(w, &p->track, rec);
    name_pcpus(w);
    name_vcpus(w);
    switch (rec->event) {
    case SOP_TRACE_EV_NAME:
        name_domain(w, rec->domid);
        break;
    case SOP_TRACE_EV_RUNSTATE:
    case SOP_TRACE_EV_SWITCH: /* what runstates say too */
        break;
    case SOP_TRACE_EV_ACCOUNT:
        counter(w, rec);
        break;
    default:
        if (e != NULL) {
            instant(w, e, rec);
        }
        break;
    }
}

static const struct track_sink sink = {
    .state = perfetto_state,
    .wake = perfetto_wake,
};

static void perfetto_open(struct trace_writer *w)
{
    struct perfetto *p = w->state;

    p->track.sink = &sink;
    trace_printf(w, "{\"displayTimeUnit\":\"ns\"");
    put_string(w, "title", w->title);
    trace_printf(w, ",\"traceEvents\":[");
    name_track(w, "process_name", PID_PCPUS, 0, "pCPUs");
    sort_track(w, PID_PCPUS, 0);
}

static void perfetto_close(struct trace_writer *w, uint64_t end_ns)
{
    struct perfetto *p = w->state;

    track_close(w, &p->track, end_ns);
    trace_printf(w, "\n]}\n");
}

static void perfetto_fini(struct trace_writer *w)
{
    struct perfetto *p = w->state;

    track_fini(&p->track);
}

const struct trace_backend trace_perfetto = {
    .name = "perfetto",
    .suffix = ".json",
    .size = sizeof(struct perfetto),
    .open = perfetto_open,
    .record = perfetto_record,
    .close = perfetto_close,
    .fini = perfetto_fini,
};
