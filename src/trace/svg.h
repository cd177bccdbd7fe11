/* SPDX-License-Identifier: MIT */
/*
 * The picture: what its files share. svg.c collects and composes, svg_rows.c
 * draws time lines, svg_page.c knows paper: places, colours, texts, the axis.
 */
#ifndef SCHEDOP_TRACE_SVG_H
#define SCHEDOP_TRACE_SVG_H

#include "track.h"

/* Places, in pixels. */
#define SVG_WIDTH 1200.0
#define SVG_LEFT 140.0   /* where time begins */
#define SVG_RIGHT 1066.0 /* and ends; figures follow */
#define SVG_PCPU_ROW 26.0
#define SVG_VCPU_ROW 24.0

/* More rows than these are left out, and the picture says so. */
#define SVG_PCPUS_MAX 64u
#define SVG_VCPUS_MAX 160u

/* Slices by what they are drawn in, in the order of time within each. */
struct svg_index {
    uint32_t *first; /* by pCPU or vCPU: where its slices begin in `slice` */
    uint32_t *slice; /* places in svg.slice */
};

/* One interval of a vCPU. */
struct svg_slice {
    uint64_t start_ns, end_ns;
    uint32_t vcpu; /* index of track_vcpu */
    uint16_t pcpu;
    uint8_t state; /* RUNSTATE_* */
};

struct svg_wake {
    uint64_t woken_ns, ran_ns;
    uint32_t waker; /* SOP_TRACE_VCPU() or SOP_TRACE_NOBODY */
    uint32_t vcpu;
};

/* Something to be said at a moment: the end of a domain, lost records. */
struct svg_mark {
    uint64_t at_ns, value;
    uint16_t domid, pcpu;
    uint16_t event;
};

struct svg {
    struct track track;
    struct svg_slice *slice;
    struct svg_wake *wake;
    struct svg_mark *mark;
    size_t nr_slices, nr_wakes, nr_marks;
    size_t slice_room, wake_room, mark_room;
    uint64_t first_ns, end_ns;
    bool some; /* first_ns is known */
    /* While drawing: vCPUs in order of domain and number, and their rows. */
    uint32_t *order;
    size_t nr_rows; /* of vCPUs */
    unsigned nr_pcpus;
    uint32_t *row_of; /* by index of vCPU; UINT32_MAX none */
    double *row_y;    /* by row: its middle */
    struct svg_index by_vcpu, by_pcpu;
};

/* ---- svg_page.c ---- */

double svg_x(const struct svg *s, uint64_t ns);

/* "#rrggbb" for a domain, lighter for its higher vCPUs. */
#define SVG_COLOUR_MAX 8
void svg_colour(char out[SVG_COLOUR_MAX], uint16_t domid, uint16_t vcpu);
bool svg_is_dark(const char *colour);

/* Text made safe, at most `max` characters of it, the last then a dot. */
void svg_text(struct trace_writer *w, const char *text, size_t max);

/* "1.25 ms": three digits that count, the unit that fits. */
#define SVG_SPAN_MAX 24
void svg_span(char out[SVG_SPAN_MAX], uint64_t ns);

/* Lines and numbers of time; `top` and `bottom` of what they cross. */
void svg_grid(struct trace_writer *w, double top, double bottom);
void svg_head(struct trace_writer *w, double height);
void svg_legend(struct trace_writer *w, double y);

/* ---- svg_rows.c ---- */

/* The slices of one pCPU, and of the vCPU of one row. */
void svg_pcpu_row(struct trace_writer *w, unsigned pcpu, double y);
void svg_vcpu_row(struct trace_writer *w, size_t row, double y);
void svg_wakes(struct trace_writer *w);
void svg_marks(struct trace_writer *w, double pcpus_y);

#endif
