/* SPDX-License-Identifier: MIT */
/*
 * Time lines. Slices narrower than a pixel are gathered, so that a picture of
 * a long trace stays small and still shows where time went: on a pCPU into a
 * column that is shared out among those who ran, in the row of a vCPU into one
 * rectangle, as faint as the time between them. See svg.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>

#include <xen/vcpu.h>

#include "event.h"
#include "svg.h"

#define FINE 0.8       /* px: narrower slices are gathered */
#define COLUMN 3.0     /* px: into one of so many */
#define SHARERS 12     /* of a column; more are not told apart */
#define LETTER 6.4     /* px, of a label */
#define TIP 3.0        /* px: wider slices tell more under the pointer */
#define WAKES_MAX 240u /* marks a picture can bear */
#define WAKE_GAP 5.0   /* px between two to the same vCPU */

/* How slices of one kind look in a row. */
struct look {
    const char *fill; /* "#rrggbb", or NULL with a class */
    const char *class;
    double y, height;
};

/* Narrow slices of one look that are being gathered. */
struct gather {
    double start, end, covered;
    bool any;
};

/* ---- rectangles ---- */

static void rect_begin(struct trace_writer *w, const struct look *l, double x,
                       double end)
{
    trace_printf(w,
                 "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" "
                 "height=\"%.1f\" %s=\"%s\"",
                 x, l->y, end - x, l->height,
                 l->fill != NULL ? "fill" : "class",
                 l->fill != NULL ? l->fill : l->class);
}

static void gather_end(struct trace_writer *w, struct gather *g,
                       const struct look *l)
{
    double width = g->end - g->start > 0.4 ? g->end - g->start : 0.4;
    double share = g->covered / width;

    if (!g->any) {
        return;
    }
    rect_begin(w, l, g->start, g->start + width);
    /* Faint, but never too faint to be seen. */
    if (share < 0.95) {
        trace_printf(w, " opacity=\"%.2f\"", share < 0.3 ? 0.3 : share);
    }
    trace_printf(w, "/>\n");
    g->any = false;
}

/* True when the slice is narrow and was taken. */
static bool gather_take(struct trace_writer *w, struct gather *g,
                        const struct look *l, double x, double end)
{
    if (end - x >= FINE) {
        gather_end(w, g, l);
        return false;
    }
    if (g->any && end - g->start > COLUMN) {
        gather_end(w, g, l);
    }
    if (!g->any) {
        *g = (struct gather){.start = x, .any = true};
    }
    g->end = end;
    g->covered += end - x;
    return true;
}

static void slice_rect(struct trace_writer *w, const struct look *l,
                       const struct svg_slice *slice, double x, double end)
{
    const struct svg *s = w->state;
    const struct track_vcpu *v = &s->track.vcpu[slice->vcpu];
    char label[TRACE_LABEL_MAX], span[SVG_SPAN_MAX];

    rect_begin(w, l, x, end);
    if (end - x < TIP) {
        trace_printf(w, "/>\n");
        return;
    }
    trace_domain_label(w, v->domid, label);
    svg_span(span, slice->end_ns - slice->start_ns);
    trace_printf(w, "><title>");
    svg_text(w, label, TRACE_LABEL_MAX);
    trace_printf(w, " v%u %s for %s, from %" PRIu64 " ns on</title></rect>\n",
                 v->vcpu, event_state_name(slice->state), span,
                 slice->start_ns);
}

/* The name and number of the vCPU, or what of it fits. */
static void slice_label(struct trace_writer *w, const struct look *l,
                        const struct svg_slice *slice, double x, double end)
{
    const struct svg *s = w->state;
    const struct track_vcpu *v = &s->track.vcpu[slice->vcpu];
    char label[TRACE_LABEL_MAX], name[TRACE_LABEL_MAX + 8];
    size_t room = end - x > 12 ? (size_t)((end - x - 6) / LETTER) : 0;

    trace_domain_label(w, v->domid, label);
    (void)snprintf(name, sizeof(name), "%s v%u", label, v->vcpu);
    if (strlen(name) > room && room < 7) {
        (void)snprintf(name, sizeof(name), "v%u", v->vcpu);
    }
    if (room < 2 || strlen(name) > room + 8) {
        return;
    }
    trace_printf(w, "<text x=\"%.2f\" y=\"%.1f\" class=\"in\"%s>",
                 (x + end) / 2, l->y + l->height / 2 + 3.5,
                 svg_is_dark(l->fill) ? " style=\"fill:#fff\"" : "");
    svg_text(w, name, room);
    trace_printf(w, "</text>\n");
}

/* ---- rows ---- */

static void figures(struct trace_writer *w, double y, const char *text)
{
    trace_printf(w, "<text x=\"%.1f\" y=\"%.1f\" class=\"n\">%s</text>\n",
                 SVG_WIDTH - 16, y, text);
}

static double percent(const struct svg *s, uint64_t ns)
{
    return 100.0 * (double)ns / (double)(s->end_ns - s->first_ns);
}

/* Who had a pCPU in a column of narrow slices, each its pixels of time. */
struct column {
    double start, end;
    unsigned nr;
    struct {
        uint32_t vcpu;
        double time;
    } by[SHARERS];
};

/* From the bottom up, in the order of vCPUs, so that neighbours match. */
static void column_end(struct trace_writer *w, struct column *c,
                       const struct look *row)
{
    struct svg *s = w->state;
    double width = c->end - c->start > 0.6 ? c->end - c->start : 0.6;
    double bottom = row->y + row->height;
    char colour[SVG_COLOUR_MAX];
    unsigned i;

    for (i = 0; i < c->nr; i++) {
        const struct track_vcpu *v = &s->track.vcpu[c->by[i].vcpu];
        struct look l = {.fill = colour};

        l.height = row->height * c->by[i].time / width;
        bottom -= l.height;
        l.y = bottom;
        svg_colour(colour, v->domid, v->vcpu);
        rect_begin(w, &l, c->start, c->start + width);
        trace_printf(w, "/>\n");
    }
    c->nr = 0;
}

static void column_add(struct trace_writer *w, struct column *c,
                       const struct look *row, uint32_t vcpu, double x,
                       double end)
{
    unsigned i, at;

    if (c->nr != 0 && end - c->start > COLUMN) {
        column_end(w, c, row);
    }
    if (c->nr == 0) {
        c->start = x;
    }
    c->end = end;
    for (at = 0; at < c->nr && c->by[at].vcpu < vcpu; at++) {
    }
    if ((at == c->nr || c->by[at].vcpu != vcpu) && c->nr < SHARERS) {
        for (i = c->nr++; i > at; i--) {
            c->by[i] = c->by[i - 1];
        }
        c->by[at].vcpu = vcpu;
        c->by[at].time = 0;
    }
    c->by[at < c->nr ? at : c->nr - 1].time += end - x;
}

static void pcpu_head(struct trace_writer *w, const struct look *l,
                      unsigned pcpu, double y)
{
    trace_printf(w,
                 "<text x=\"%.1f\" y=\"%.1f\" class=\"l\">pCPU %u</text>"
                 "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                 "fill=\"#f3f3f3\"/>\n",
                 SVG_LEFT - 10, y + SVG_PCPU_ROW / 2 + 4, pcpu, SVG_LEFT, l->y,
                 SVG_RIGHT - SVG_LEFT, l->height);
}

void svg_pcpu_row(struct trace_writer *w, unsigned pcpu, double y)
{
    struct svg *s = w->state;
    char colour[SVG_COLOUR_MAX], text[32];
    struct look l = {colour, NULL, y + 3, SVG_PCPU_ROW - 6};
    struct column c = {.nr = 0};
    uint64_t busy = 0;
    uint32_t i;

    pcpu_head(w, &l, pcpu, y);
    for (i = s->by_pcpu.first[pcpu]; i < s->by_pcpu.first[pcpu + 1]; i++) {
        const struct svg_slice *slice = &s->slice[s->by_pcpu.slice[i]];
        const struct track_vcpu *v = &s->track.vcpu[slice->vcpu];
        double x = svg_x(s, slice->start_ns), end = svg_x(s, slice->end_ns);

        busy += slice->end_ns - slice->start_ns;
        if (end - x < FINE) {
            column_add(w, &c, &l, slice->vcpu, x, end);
            continue;
        }
        column_end(w, &c, &l);
        svg_colour(colour, v->domid, v->vcpu);
        slice_rect(w, &l, slice, x, end);
        slice_label(w, &l, slice, x, end);
    }
    column_end(w, &c, &l);
    (void)snprintf(text, sizeof(text), "%.1f %%", percent(s, busy));
    figures(w, y + SVG_PCPU_ROW / 2 + 4, text);
}

static void vcpu_label(struct trace_writer *w, size_t row, double y)
{
    struct svg *s = w->state;
    const struct track_vcpu *v = &s->track.vcpu[s->order[row]];
    bool first = row == 0 || s->track.vcpu[s->order[row - 1]].domid != v->domid;
    char label[TRACE_LABEL_MAX];

    if (first && row != 0) {
        trace_printf(w,
                     "<line x1=\"16\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
                     "stroke=\"#bbb\"/>\n",
                     y, SVG_WIDTH - 16, y);
    }
    trace_printf(w, "<text x=\"%.1f\" y=\"%.1f\" class=\"l\">", SVG_LEFT - 10,
                 y + SVG_VCPU_ROW / 2 + 4);
    if (first) {
        trace_domain_label(w, v->domid, label);
        trace_printf(w, "<tspan font-weight=\"bold\">");
        svg_text(w, label, 12);
        trace_printf(w, "</tspan> ");
    }
    trace_printf(w, "v%u</text>\n", v->vcpu);
}

void svg_vcpu_row(struct trace_writer *w, size_t row, double y)
{
    struct svg *s = w->state;
    const struct track_vcpu *v = &s->track.vcpu[s->order[row]];
    char colour[SVG_COLOUR_MAX], text[48];
    struct look look[RUNSTATE_offline + 1] = {
        [RUNSTATE_running] = {colour, NULL, y + 3, SVG_VCPU_ROW - 6},
        [RUNSTATE_runnable] = {NULL, "wait", y + SVG_VCPU_ROW / 2 - 3, 6},
        [RUNSTATE_blocked] = {NULL, "block", y + SVG_VCPU_ROW / 2 - 1, 2},
    };
    struct gather g[RUNSTATE_offline + 1] = {{.any = false}};
    uint64_t time[RUNSTATE_offline + 1] = {0};
    const struct svg_index *x = &s->by_vcpu;
    uint32_t vcpu = s->order[row], i;
    int state;

    svg_colour(colour, v->domid, v->vcpu);
    vcpu_label(w, row, y);
    /* Thin lines first: what is tall is drawn over them. */
    for (state = RUNSTATE_blocked; state >= RUNSTATE_running; state--) {
        for (i = x->first[vcpu]; i < x->first[vcpu + 1]; i++) {
            const struct svg_slice *slice = &s->slice[x->slice[i]];
            double start = svg_x(s, slice->start_ns);
            double end = svg_x(s, slice->end_ns);

            if (slice->state != state) {
                continue;
            }
            time[state] += slice->end_ns - slice->start_ns;
            if (!gather_take(w, &g[state], &look[state], start, end)) {
                slice_rect(w, &look[state], slice, start, end);
            }
        }
        gather_end(w, &g[state], &look[state]);
    }
    (void)snprintf(text, sizeof(text), "%.1f / %.1f %%",
                   percent(s, time[RUNSTATE_running]),
                   percent(s, time[RUNSTATE_runnable]));
    figures(w, y + SVG_VCPU_ROW / 2 + 4, text);
}

/* ---- wake-ups ---- */

/* Rows are in the order of keys. */
static uint32_t row_of_key(const struct svg *s, uint32_t key)
{
    size_t low = 0, high = s->nr_rows;

    while (low < high) {
        size_t row = (low + high) / 2;
        const struct track_vcpu *v = &s->track.vcpu[s->order[row]];
        uint32_t at = SOP_TRACE_VCPU(v->domid, (uint32_t)v->vcpu);

        if (at == key) {
            return (uint32_t)row;
        }
        if (at < key) {
            low = row + 1;
        } else {
            high = row;
        }
    }
    return UINT32_MAX;
}

/* From where it was caused to where it led, leaning by what lay between. */
static void draw_wake(struct trace_writer *w, const struct svg_wake *wake,
                      uint32_t from, uint32_t to)
{
    const struct svg *s = w->state;
    double x0 = svg_x(s, wake->woken_ns), x1 = svg_x(s, wake->ran_ns);
    double y1 = s->row_y[to];

    if (from == UINT32_MAX) {
        trace_printf(w,
                     "<circle cx=\"%.2f\" cy=\"%.1f\" r=\"2.5\" "
                     "class=\"c\"/>\n",
                     x0, y1);
        return;
    }
    trace_printf(w,
                 "<path d=\"M%.2f,%.1f L%.2f,%.1f\" class=\"a\" "
                 "marker-end=\"url(#arrow)\"/>\n",
                 x0, s->row_y[from] + (to > from ? 4 : -4), x1,
                 y1 + (to > from ? -9 : 9));
}

/*
 * Draws, or only counts, the wake-ups that are `gap` pixels behind the last
 * one of the same row. `last` has room for a number a row.
 */
static size_t wakes(struct trace_writer *w, double *last, double gap, bool draw)
{
    struct svg *s = w->state;
    size_t i, count = 0;

    for (i = 0; i < s->nr_rows; i++) {
        last[i] = -gap;
    }
    for (i = 0; i < s->nr_wakes; i++) {
        const struct svg_wake *wake = &s->wake[i];
        uint32_t to = s->row_of[wake->vcpu], from = UINT32_MAX;
        double x = svg_x(s, wake->woken_ns);

        if (to == UINT32_MAX || x < last[to] + gap) {
            continue;
        }
        if (wake->waker != SOP_TRACE_NOBODY) {
            from = row_of_key(s, wake->waker);
            if (from == UINT32_MAX || from == to) {
                continue;
            }
        }
        last[to] = x;
        count++;
        if (draw) {
            draw_wake(w, wake, from, to);
        }
    }
    return count;
}

/* As many as can be told apart, evenly over time; the rest is only counted. */
void svg_wakes(struct trace_writer *w)
{
    struct svg *s = w->state;
    double *last = calloc(s->nr_rows + 1, sizeof(*last)), gap = WAKE_GAP;
    size_t drawn;

    if (last == NULL) {
        trace_fail(w, ENOMEM);
        return;
    }
    while (wakes(w, last, gap, false) > WAKES_MAX) {
        gap *= 2;
    }
    drawn = wakes(w, last, gap, true);
    free(last);
    if (drawn < s->nr_wakes) {
        trace_printf(w,
                     "<text x=\"%.1f\" y=\"48\" class=\"n\">%zu of %zu "
                     "wake-ups drawn: the others are too close</text>\n",
                     SVG_WIDTH - 16, drawn, s->nr_wakes);
    }
}

/* ---- moments ---- */

static void draw_mark(struct trace_writer *w, double x, double y, double height,
                      const char *text)
{
    bool left = x > SVG_RIGHT - 90;

    trace_printf(w,
                 "<line x1=\"%.2f\" y1=\"%.1f\" x2=\"%.2f\" y2=\"%.1f\" "
                 "class=\"ml\"/><text x=\"%.2f\" y=\"%.1f\" class=\"m\"%s>%s"
                 "</text>\n",
                 x, y + 2, x, y + height - 2, left ? x - 4 : x + 4,
                 y + height / 2 + 3.5, left ? " text-anchor=\"end\"" : "",
                 text);
}

static void mark_end(struct trace_writer *w, const struct svg_mark *m)
{
    const struct svg *s = w->state;
    char text[EVENT_ARG_MAX];
    size_t row;

    event_arg(text, SOP_TRACE_AS_REASON, m->value);
    for (row = 0; row < s->nr_rows; row++) {
        if (s->track.vcpu[s->order[row]].domid == m->domid) {
            draw_mark(w, svg_x(s, m->at_ns), s->row_y[row] - SVG_VCPU_ROW / 2,
                      SVG_VCPU_ROW, text);
            return;
        }
    }
}

void svg_marks(struct trace_writer *w, double pcpus_y)
{
    struct svg *s = w->state;
    char text[48];
    size_t i;

    for (i = 0; i < s->nr_marks && i < WAKES_MAX; i++) {
        const struct svg_mark *m = &s->mark[i];

        if (m->event == SOP_TRACE_EV_DOMAIN_SHUTDOWN) {
            mark_end(w, m);
        } else if (m->pcpu < s->nr_pcpus) {
            (void)snprintf(text, sizeof(text), "%" PRIu64 " records lost",
                           m->value);
            draw_mark(w, svg_x(s, m->at_ns), pcpus_y + m->pcpu * SVG_PCPU_ROW,
                      SVG_PCPU_ROW, text);
        }
    }
}
