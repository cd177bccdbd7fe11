/* SPDX-License-Identifier: MIT */
/* Paper: places, colours, texts, the axis. See svg.h. */
#include <inttypes.h>
#include <string.h>

#include "svg.h"

double svg_x(const struct svg *s, uint64_t ns)
{
    if (ns <= s->first_ns) {
        return SVG_LEFT;
    }
    if (ns >= s->end_ns) {
        return SVG_RIGHT;
    }
    return SVG_LEFT + (SVG_RIGHT - SVG_LEFT) * (double)(ns - s->first_ns) /
                          (double)(s->end_ns - s->first_ns);
}

/* ---- colours ---- */

/* Told apart by most eyes, and by their lightness in print. */
static const uint8_t hues[][3] = {
    {0x1f, 0x5f, 0xa8}, {0xe0, 0x8a, 0x1e}, {0x1b, 0x84, 0x5c},
    {0xb8, 0x4a, 0x8c}, {0x4a, 0xa3, 0xd8}, {0xc4, 0x4e, 0x23},
    {0x6b, 0x5b, 0xb5}, {0x8a, 0x7a, 0x2c},
};

#define NR_HUES (sizeof(hues) / sizeof(hues[0]))

void svg_colour(char out[SVG_COLOUR_MAX], uint16_t domid, uint16_t vcpu)
{
    static const unsigned white[] = {0, 34, 58, 18}; /* per cent */
    const uint8_t *hue = hues[(domid + NR_HUES - 1) % NR_HUES];
    unsigned mix = white[vcpu % 4], c[3], i;

    for (i = 0; i < 3; i++) {
        c[i] = (hue[i] * (100 - mix) + 255 * mix) / 100;
    }
    (void)snprintf(out, SVG_COLOUR_MAX, "#%02x%02x%02x", c[0] & 0xff,
                   c[1] & 0xff, c[2] & 0xff);
}

bool svg_is_dark(const char *colour)
{
    unsigned r, g, b;

    if (sscanf(colour, "#%2x%2x%2x", &r, &g, &b) != 3) {
        return false;
    }
    return r * 299 + g * 587 + b * 114 < 140000;
}

/* ---- texts ---- */

void svg_text(struct trace_writer *w, const char *text, size_t max)
{
    size_t len = strlen(text), shown = len <= max ? len : max - 1, i;

    for (i = 0; i < shown; i++) {
        switch (text[i]) {
        case '<':
            trace_printf(w, "&lt;");
            break;
        case '>':
            trace_printf(w, "&gt;");
            break;
        case '&':
            trace_printf(w, "&amp;");
            break;
        case '"':
            trace_printf(w, "&quot;");
            break;
        default:
            /* XML has no control characters, and names are ASCII. */
            trace_printf(w, "%c",
                         text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
            break;
        }
    }
    if (shown < len) {
        trace_printf(w, "&#8230;");
    }
}

void svg_span(char out[SVG_SPAN_MAX], uint64_t ns)
{
    static const struct {
        double ns;
        const char *name;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "&#181;s"}, {1, "ns"}};
    size_t i = 0;
    double n;

    while (i < 3 && (double)ns < units[i].ns) {
        i++;
    }
    n = (double)ns / units[i].ns;
    (void)snprintf(out, SVG_SPAN_MAX, "%.*f %s",
                   i == 3 || n >= 100 ? 0
                   : n >= 10          ? 1
                                      : 2,
                   n, units[i].name);
}

/* ---- the axis ---- */

/* 1, 2 or 5 times a power of ten: ten lines or so. */
static uint64_t grid_step(uint64_t span)
{
    static const unsigned times[] = {2, 5, 10};
    uint64_t ten = 1;
    unsigned i;

    for (;;) {
        if (ten >= span / 14) {
            return ten;
        }
        for (i = 0; i < 3; i++) {
            /* No overflow: what is below span / 14 has room for a ten. */
            if (ten * times[i] >= span / 14) {
                return ten * times[i];
            }
        }
        ten *= 10;
    }
}

struct unit {
    uint64_t ns;
    const char *name;
};

static struct unit grid_unit(uint64_t step)
{
    static const struct unit units[] = {
        {1000000000, "s"}, {1000000, "ms"}, {1000, "&#181;s"}, {1, "ns"}};
    size_t i = 0;

    while (i < 3 && step < units[i].ns / 10) {
        i++;
    }
    return units[i];
}

static void grid_number(struct trace_writer *w, uint64_t at, uint64_t step,
                        struct unit unit, double x, double y)
{
    trace_printf(w, "<text x=\"%.2f\" y=\"%.1f\" class=\"t\">", x, y);
    if (step % unit.ns == 0) {
        trace_printf(w, "%" PRIu64, at / unit.ns);
    } else {
        trace_printf(w, "%" PRIu64 ".%" PRIu64, at / unit.ns,
                     at % unit.ns / (unit.ns / 10));
    }
    trace_printf(w, "</text>\n");
}

void svg_grid(struct trace_writer *w, double top, double bottom)
{
    struct svg *s = w->state;
    uint64_t step = grid_step(s->end_ns - s->first_ns);
    uint64_t at = (s->first_ns + step - 1) / step * step, left;
    struct unit unit = grid_unit(step);

    trace_printf(w, "<g class=\"g\">\n");
    /* Counted, since near the end of all time `at` would wrap. */
    left = at < s->first_ns || at > s->end_ns ? 0 : (s->end_ns - at) / step + 1;
    for (; left != 0; left--, at += step) {
        double x = svg_x(s, at);

        trace_printf(w,
                     "<line x1=\"%.2f\" y1=\"%.1f\" x2=\"%.2f\" "
                     "y2=\"%.1f\"/>\n",
                     x, top, x, bottom + 4);
        grid_number(w, at, step, unit, x, bottom + 18);
    }
    trace_printf(w,
                 "</g>\n<text x=\"%.1f\" y=\"%.1f\" class=\"t\">time since "
                 "boot, %s</text>\n",
                 (SVG_LEFT + SVG_RIGHT) / 2, bottom + 36, unit.name);
}

/* ---- the head ---- */

static const char style[] =
    "text{font-family:'DejaVu Sans',Verdana,Helvetica,Arial,sans-serif;"
    "fill:#222}"
    ".title{font-size:18px;font-weight:bold}"
    ".s{font-size:11px;fill:#666}"
    ".h{font-size:12px;font-weight:bold;fill:#444;stroke:#fff;"
    "stroke-width:4px;paint-order:stroke}"
    ".l{font-size:12px;text-anchor:end}"
    ".n{font-size:11px;text-anchor:end;fill:#444}"
    ".t{font-size:11px;text-anchor:middle;fill:#555}"
    ".in{font-size:10px;text-anchor:middle}"
    ".k{font-size:11px;fill:#444}"
    ".g line{stroke:#ddd;stroke-width:1}"
    ".wait{fill:#c62828}"
    ".block{fill:#9e9e9e}"
    ".a{stroke:#111;stroke-width:1;fill:none;opacity:.65}"
    ".c{fill:#fff;stroke:#111;stroke-width:1}"
    ".m{font-size:10px;font-weight:bold;fill:#b71c1c;stroke:#fff;"
    "stroke-width:3px;paint-order:stroke}"
    ".ml{stroke:#b71c1c;stroke-width:1.5}";

static void subtitle(struct trace_writer *w)
{
    struct svg *s = w->state;
    char span[SVG_SPAN_MAX], first[SVG_SPAN_MAX];
    size_t domains = 0, i;

    for (i = 0; i < s->track.nr_vcpus; i++) {
        domains += i == 0 || s->track.vcpu[s->order[i]].domid !=
                                 s->track.vcpu[s->order[i - 1]].domid;
    }
    svg_span(span, s->end_ns - s->first_ns);
    svg_span(first, s->first_ns);
    trace_printf(
        w,
        "<text x=\"16\" y=\"48\" class=\"s\">%s from %s on, %u pCPU%s, "
        "%zu vCPU%s of %zu domain%s, %zu wake-up%s</text>\n",
        span, first, s->track.nr_pcpus, s->track.nr_pcpus == 1 ? "" : "s",
        s->track.nr_vcpus, s->track.nr_vcpus == 1 ? "" : "s", domains,
        domains == 1 ? "" : "s", s->nr_wakes, s->nr_wakes == 1 ? "" : "s");
}

void svg_head(struct trace_writer *w, double height)
{
    trace_printf(w,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
                 "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n"
                 "<style>%s</style>\n"
                 "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" "
                 "refY=\"4\" markerWidth=\"6\" markerHeight=\"6\" "
                 "orient=\"auto\"><path d=\"M0,0.5 L8,4 L0,7.5 z\" "
                 "fill=\"#111\"/></marker></defs>\n"
                 "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
                 "<text x=\"16\" y=\"28\" class=\"title\">",
                 SVG_WIDTH, height, SVG_WIDTH, height, style);
    svg_text(w, w->title[0] != '\0' ? w->title : "trace", 90);
    trace_printf(w, "</text>\n");
    subtitle(w);
}

/* ---- the legend ---- */

static double legend_domain(struct trace_writer *w, uint16_t domid, double x,
                            double y)
{
    char colour[SVG_COLOUR_MAX], label[TRACE_LABEL_MAX];
    size_t len;

    svg_colour(colour, domid, 0);
    trace_domain_label(w, domid, label);
    len = strlen(label) < 16 ? strlen(label) : 16;
    trace_printf(w,
                 "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" "
                 "fill=\"%s\"/><text x=\"%.1f\" y=\"%.1f\" class=\"k\">",
                 x, y - 10, colour, x + 16, y);
    svg_text(w, label, 16);
    trace_printf(w, "</text>\n");
    return x + 16 + (double)len * 7 + 16;
}

/* What the shapes mean, at the right end of the line. */
static void legend_shapes(struct trace_writer *w, double x, double y)
{
    trace_printf(
        w,
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"20\" height=\"14\" "
        "fill=\"#555\"/><text x=\"%.1f\" y=\"%.1f\" class=\"k\">running"
        "</text>\n"
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"20\" height=\"6\" "
        "class=\"wait\"/><text x=\"%.1f\" y=\"%.1f\" class=\"k\">waiting for a "
        "pCPU</text>\n"
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"20\" height=\"2\" "
        "class=\"block\"/><text x=\"%.1f\" y=\"%.1f\" class=\"k\">blocked"
        "</text>\n",
        x, y - 11, x + 24, y, x + 84, y - 7, x + 108, y, x + 240, y - 5,
        x + 264, y);
    trace_printf(w,
                 "<path d=\"M%.1f,%.1f L%.1f,%.1f\" class=\"a\" "
                 "marker-end=\"url(#arrow)\"/><text x=\"%.1f\" y=\"%.1f\" "
                 "class=\"k\">woken by</text>\n"
                 "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" class=\"c\"/>"
                 "<text x=\"%.1f\" y=\"%.1f\" class=\"k\">by a timer or the "
                 "host</text>\n",
                 x + 326, y - 11, x + 342, y + 1, x + 348, y, x + 418, y - 4,
                 x + 426, y);
}

void svg_legend(struct trace_writer *w, double y)
{
    struct svg *s = w->state;
    double x = 16, shapes = SVG_WIDTH - 16 - 556;
    size_t i, left = 0;

    for (i = 0; i < s->nr_rows; i++) {
        uint16_t domid = s->track.vcpu[s->order[i]].domid;

        if (i != 0 && domid == s->track.vcpu[s->order[i - 1]].domid) {
            continue;
        }
        if (x > shapes - 150) {
            left++;
        } else {
            x = legend_domain(w, domid, x, y);
        }
    }
    if (left != 0) {
        trace_printf(w,
                     "<text x=\"%.1f\" y=\"%.1f\" class=\"k\">and %zu "
                     "more</text>\n",
                     x, y, left);
    }
    legend_shapes(w, shapes, y);
}
