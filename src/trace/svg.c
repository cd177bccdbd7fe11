/* SPDX-License-Identifier: MIT */
/*
 * A time line that a person reads without any viewer: pCPUs with who ran on
 * them, vCPUs with what they did, wake-ups as arrows. Everything is kept until
 * the end, since only then is it known how wide time is.
 */
#include "svg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>

#include <xen/xen.h>

#include <xen/vcpu.h>

#include "event.h"

#define TOP 96.0     /* below title and legend */
#define SECTION 34.0 /* a heading and the room above it */
#define FOOT 46.0    /* the axis below */

/* ---- collecting ---- */

static void svg_state(struct trace_writer *w, const struct track_vcpu *v,
                      int state, uint16_t pcpu, uint64_t start_ns,
                      uint64_t end_ns)
{
    struct svg *s = w->state;
    struct svg_slice *room =
        trace_room(w, s->slice, &s->slice_room, s->nr_slices, sizeof(*room));

    if (room == NULL) {
        return;
    }
    s->slice = room;
    if (state == RUNSTATE_offline) {
        return;
    }
    s->slice[s->nr_slices++] = (struct svg_slice){
        .start_ns = start_ns,
        .end_ns = end_ns,
        .vcpu = v->index,
        .pcpu = pcpu,
        .state = (uint8_t)state,
    };
}

static void svg_wake(struct trace_writer *w, const struct track_vcpu *v,
                     uint64_t ran_ns)
{
    struct svg *s = w->state;
    struct svg_wake *room =
        trace_room(w, s->wake, &s->wake_room, s->nr_wakes, sizeof(*room));

    if (room == NULL) {
        return;
    }
    s->wake = room;
    s->wake[s->nr_wakes++] = (struct svg_wake){
        .woken_ns = v->woken_ns,
        .ran_ns = ran_ns,
        .waker = v->waker,
        .vcpu = v->index,
    };
}

static void add_mark(struct trace_writer *w, const struct sop_trace_rec *rec)
{
    struct svg *s = w->state;
    struct svg_mark *room =
        trace_room(w, s->mark, &s->mark_room, s->nr_marks, sizeof(*room));

    if (room == NULL) {
        return;
    }
    s->mark = room;
    s->mark[s->nr_marks++] = (struct svg_mark){
        .at_ns = rec->time_ns,
        .value = rec->arg[0],
        .domid = rec->domid,
        .pcpu = rec->pcpu,
        .event = rec->event,
    };
}

static const struct track_sink sink = {
    .state = svg_state,
    .wake = svg_wake,
};

static void svg_open(struct trace_writer *w)
{
    struct svg *s = w->state;

    s->track.sink = &sink;
}

/* Time begins with the first thing that can be drawn. */
static void svg_record(struct trace_writer *w, const struct sop_trace_rec *rec)
{
    struct svg *s = w->state;

    track_record(w, &s->track, rec);
    if (rec->event == SOP_TRACE_EV_LOST ||
        rec->event == SOP_TRACE_EV_DOMAIN_SHUTDOWN) {
        add_mark(w, rec);
    }
    if (!s->some && rec->event == SOP_TRACE_EV_RUNSTATE) {
        s->some = true;
        s->first_ns = rec->time_ns;
    }
}

/* ---- rows ---- */

/* For qsort(), which takes no context: sorted by a key beside the index. */
struct row_key {
    uint32_t key, index;
};

static int by_key(const void *a, const void *b)
{
    const struct row_key *x = a, *y = b;

    return x->key < y->key ? -1 : x->key > y->key;
}

static bool make_rows(struct trace_writer *w)
{
    struct svg *s = w->state;
    size_t n = s->track.nr_vcpus, i;
    struct row_key *key = calloc(n + 1, sizeof(*key));

    s->order = calloc(n + 1, sizeof(*s->order));
    s->row_of = calloc(n + 1, sizeof(*s->row_of));
    s->row_y = calloc(n + 1, sizeof(*s->row_y));
    if (key == NULL || s->order == NULL || s->row_of == NULL ||
        s->row_y == NULL) {
        free(key);
        trace_fail(w, ENOMEM);
        return false;
    }
    for (i = 0; i < n; i++) {
        const struct track_vcpu *v = &s->track.vcpu[i];

        key[i] = (struct row_key){SOP_TRACE_VCPU(v->domid, (uint32_t)v->vcpu),
                                  (uint32_t)i};
    }
    qsort(key, n, sizeof(*key), by_key);
    s->nr_rows = n < SVG_VCPUS_MAX ? n : SVG_VCPUS_MAX;
    s->nr_pcpus =
        s->track.nr_pcpus < SVG_PCPUS_MAX ? s->track.nr_pcpus : SVG_PCPUS_MAX;
    for (i = 0; i < n; i++) {
        s->order[i] = key[i].index;
        s->row_of[key[i].index] = i < s->nr_rows ? (uint32_t)i : UINT32_MAX;
    }
    free(key);
    return true;
}

/* The pCPU or the vCPU that a slice is drawn in; UINT32_MAX: in none. */
static uint32_t place_of(const struct svg *s, const struct svg_slice *slice,
                         bool pcpus)
{
    if (!pcpus) {
        return slice->vcpu;
    }
    return slice->state == RUNSTATE_running && slice->pcpu < s->nr_pcpus
               ? slice->pcpu
               : UINT32_MAX;
}

static bool make_index(struct trace_writer *w, struct svg_index *x,
                       size_t places, bool pcpus)
{
    struct svg *s = w->state;
    size_t i, at, next = 0;

    x->first = calloc(places + 2, sizeof(*x->first));
    x->slice = calloc(s->nr_slices + 1, sizeof(*x->slice));
    if (x->first == NULL || x->slice == NULL) {
        trace_fail(w, ENOMEM);
        return false;
    }
    for (i = 0; i < s->nr_slices; i++) {
        uint32_t place = place_of(s, &s->slice[i], pcpus);

        if (place != UINT32_MAX) {
            x->first[place + 1]++;
        }
    }
    for (at = 0; at <= places; at++) {
        next += x->first[at];
        x->first[at] = (uint32_t)next;
    }
    /* Filled from each place's beginning, which moves to its end. */
    for (i = 0; i < s->nr_slices; i++) {
        uint32_t place = place_of(s, &s->slice[i], pcpus);

        if (place != UINT32_MAX) {
            x->slice[x->first[place]++] = (uint32_t)i;
        }
    }
    for (at = places; at > 0; at--) {
        x->first[at] = x->first[at - 1];
    }
    x->first[0] = 0;
    return true;
}

/* ---- composing ---- */

static void heading(struct trace_writer *w, double y, const char *text,
                    const char *figures)
{
    trace_printf(w,
                 "<text x=\"16\" y=\"%.1f\" class=\"h\">%s</text>"
                 "<text x=\"%.1f\" y=\"%.1f\" class=\"n\">%s</text>\n",
                 y, text, SVG_WIDTH - 16, y, figures);
}

/* What did not fit. */
static void omitted(struct trace_writer *w, double y, size_t count,
                    const char *what)
{
    if (count != 0) {
        trace_printf(w,
                     "<text x=\"%.1f\" y=\"%.1f\" class=\"s\">and %zu more "
                     "%s, not drawn</text>\n",
                     SVG_LEFT, y, count, what);
    }
}

static void pcpus(struct trace_writer *w, double y)
{
    struct svg *s = w->state;
    unsigned i;

    for (i = 0; i < s->nr_pcpus; i++) {
        svg_pcpu_row(w, i, y + i * SVG_PCPU_ROW);
    }
    omitted(w, y + i * SVG_PCPU_ROW + 10, s->track.nr_pcpus - s->nr_pcpus,
            "pCPUs");
}

static void vcpus(struct trace_writer *w, double y)
{
    struct svg *s = w->state;
    size_t i;

    for (i = 0; i < s->nr_rows; i++) {
        s->row_y[i] = y + ((double)i + 0.5) * SVG_VCPU_ROW;
        svg_vcpu_row(w, i, y + (double)i * SVG_VCPU_ROW);
    }
    omitted(w, y + (double)i * SVG_VCPU_ROW + 10,
            s->track.nr_vcpus - s->nr_rows, "vCPUs");
}

static void svg_close(struct trace_writer *w, uint64_t end_ns)
{
    struct svg *s = w->state;
    double pcpus_y, vcpus_y, bottom;

    track_close(w, &s->track, end_ns);
    s->end_ns = end_ns > s->first_ns ? end_ns : s->first_ns + 1;
    if (w->error != 0 || !make_rows(w) ||
        !make_index(w, &s->by_vcpu, s->track.nr_vcpus, false) ||
        !make_index(w, &s->by_pcpu, s->nr_pcpus, true)) {
        return;
    }
    pcpus_y = TOP + SECTION;
    vcpus_y = pcpus_y + s->nr_pcpus * SVG_PCPU_ROW + SECTION;
    bottom = vcpus_y + (double)s->nr_rows * SVG_VCPU_ROW + 6;
    if (s->nr_pcpus < s->track.nr_pcpus) {
        vcpus_y += 14;
        bottom += 14;
    }
    if (s->nr_rows < s->track.nr_vcpus) {
        bottom += 14;
    }
    svg_head(w, bottom + FOOT);
    svg_legend(w, 78);
    svg_grid(w, pcpus_y - 4, bottom);
    heading(w, pcpus_y - 12, "pCPUs: who ran", "busy");
    heading(w, vcpus_y - 12, "vCPUs: what they did", "ran / waited");
    pcpus(w, pcpus_y);
    vcpus(w, vcpus_y);
    svg_wakes(w);
    svg_marks(w, pcpus_y);
    trace_printf(w, "</svg>\n");
}

static void svg_fini(struct trace_writer *w)
{
    struct svg *s = w->state;

    track_fini(&s->track);
    free(s->slice);
    free(s->wake);
    free(s->mark);
    free(s->order);
    free(s->row_of);
    free(s->row_y);
    free(s->by_vcpu.first);
    free(s->by_vcpu.slice);
    free(s->by_pcpu.first);
    free(s->by_pcpu.slice);
}

const struct trace_backend trace_svg = {
    .name = "svg",
    .suffix = ".svg",
    .size = sizeof(struct svg),
    .open = svg_open,
    .record = svg_record,
    .close = svg_close,
    .fini = svg_fini,
};
