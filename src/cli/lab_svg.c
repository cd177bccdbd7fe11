/* SPDX-License-Identifier: MIT */
/*
 * Comparisons as a picture: for each domain its share under each variant, with
 * the ideal as a stroke; and beside it how long it waited after wake-ups, on a
 * scale of powers of ten. All positions are integers, in tenths of a pixel
 * where that matters, so that pictures are the same everywhere.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lab.h"

#define WIDTH 1120
#define LEFT 120      /* names */
#define SHARE_W 360   /* the shares */
#define GAP 96        /* what they say */
#define LATENCY_W 294 /* the latencies */
#define NAME_SHOWN 17 /* letters of a name */
#define ROW 16
#define TOP 84

static const char *const colours[] = {"#2f6db3", "#d9822b", "#3d9950",
                                      "#b3407f", "#7a6bbd", "#8a8a3a",
                                      "#3aa0a0", "#a05a3a"};

static const char *colour(size_t i)
{
    return colours[i % (sizeof(colours) / sizeof(colours[0]))];
}

/* Text of files and command lines: as XML wants it. */
static void words(struct cli_text *t, const char *s)
{
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '<') {
            cli_text_str(t, "&lt;");
        } else if (c == '>') {
            cli_text_str(t, "&gt;");
        } else if (c == '&') {
            cli_text_str(t, "&amp;");
        } else if (c == '"') {
            cli_text_str(t, "&quot;");
        } else if (c >= ' ') {
            cli_text_add(t, s, 1);
        }
    }
}

static void text(struct cli_text *t, int x, int y, const char *class,
                 const char *s)
{
    cli_text_printf(t, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
    words(t, s);
    cli_text_str(t, "</text>\n");
}

/* Powers of ten from 1 us (0) to 10 s (7), three digits of a logarithm. */
static uint64_t log_place(uint64_t ns, uint64_t width)
{
    uint64_t base = 1000, place = 0;

    if (ns <= base) {
        return 0;
    }
    while (ns >= base * 10 && place < 7) {
        base *= 10;
        place++;
    }
    if (place >= 7) {
        return width;
    }
    /* Between powers by straight pieces at 2 and 5: close to a logarithm. */
    {
        uint64_t tenths = ns * 10 / base, part;

        part = tenths < 20   ? (tenths - 10) * 301 / 10
               : tenths < 50 ? 301 + (tenths - 20) * 398 / 30
                             : 699 + (tenths - 50) * 301 / 50;
        return (place * 1000 + part) * width / 7000;
    }
}

static const struct lab_figures *domain_of(const struct lab_results *s,
                                           const char *name)
{
    for (size_t i = 0; i < s->nr_domains; i++) {
        if (strcmp(s->domain[i].name, name) == 0) {
            return &s->domain[i];
        }
    }
    return NULL;
}

static void share_bar(struct cli_text *t, const struct lab_figures *f,
                      uint64_t all, int y, size_t i)
{
    uint64_t width = f->share * SHARE_W / all;
    uint64_t mark = f->ideal * SHARE_W / all;
    char share[LAB_TIME_MAX];

    lab_percent(share, f->share);
    cli_text_printf(t,
                    "<rect x=\"%d\" y=\"%d\" width=\"%" PRIu64
                    "\" height=\"%d\" fill=\"%s\"/>\n",
                    LEFT, y, width, ROW - 4, colour(i));
    cli_text_printf(t,
                    "<line x1=\"%" PRIu64 "\" x2=\"%" PRIu64
                    "\" y1=\"%d\" y2=\"%d\" class=\"ideal\"/>\n",
                    LEFT + mark, LEFT + mark, y - 2, y + ROW - 2);
    text(t, LEFT + SHARE_W + 8, y + ROW - 6, "value", share);
}

/* From the median to the maximum, the 99th of a hundred marked. */
static void latency_bar(struct cli_text *t, const struct lab_figures *f, int y,
                        size_t i)
{
    int left = LEFT + SHARE_W + GAP;
    uint64_t from = log_place(f->latency[0], LATENCY_W);
    uint64_t p99 = log_place(f->latency[2], LATENCY_W);
    uint64_t to = log_place(f->latency_max, LATENCY_W);
    char what[2 * LAB_TIME_MAX], max[LAB_TIME_MAX];

    if (f->woken == 0) {
        text(t, left + 6, y + ROW - 6, "faint", "never waits for an event");
        return;
    }
    cli_text_printf(t,
                    "<rect x=\"%" PRIu64 "\" y=\"%d\" width=\"%" PRIu64
                    "\" height=\"2\" fill=\"%s\"/>\n",
                    (uint64_t)left + from, y + ROW / 2 - 3, to - from + 1,
                    colour(i));
    cli_text_printf(t,
                    "<rect x=\"%" PRIu64 "\" y=\"%d\" width=\"%" PRIu64
                    "\" height=\"%d\" fill=\"%s\"/>\n",
                    (uint64_t)left + from, y + 1, p99 - from + 2, ROW - 6,
                    colour(i));
    lab_time(what, f->latency[2]);
    lab_time(max, f->latency_max);
    cli_text_printf(t, "<text x=\"%d\" y=\"%d\" class=\"value\">%s, %s",
                    left + LATENCY_W + 8, y + ROW - 6, what, max);
    if (f->missed != 0) {
        cli_text_printf(
            t, "<tspan dx=\"6\" class=\"bad\">%" PRIu64 " missed</tspan>",
            f->missed);
    }
    cli_text_str(t, "</text>\n");
}

static int domain_rows(struct cli_text *t, const struct lab_variants *v,
                       const char *name, int y)
{
    char shown[NAME_SHOWN + 4];

    (void)snprintf(shown, sizeof(shown), "%.*s%s", NAME_SHOWN, name,
                   strlen(name) > NAME_SHOWN ? "..." : "");
    text(t, 12, y + ROW - 6, "name", shown);
    for (size_t i = 0; i < v->count; i++, y += ROW) {
        const struct lab_figures *f = domain_of(v->s[i], name);

        if (f != NULL) {
            share_bar(t, f, (uint64_t)v->s[i]->pcpus * 100000u, y, i);
            latency_bar(t, f, y, i);
        }
    }
    return y + 10;
}

static void axes(struct cli_text *t, int bottom)
{
    static const char *const times[] = {"1 us",  "10 us",  "100 us", "1 ms",
                                        "10 ms", "100 ms", "1 s",    "10 s"};
    int left = LEFT + SHARE_W + GAP;

    for (int i = 0; i <= 4; i++) {
        static const char *const part[] = {"0", "25 %", "50 %", "75 %",
                                           "100 %"};
        int x = LEFT + SHARE_W * i / 4;

        cli_text_printf(t,
                        "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" "
                        "class=\"grid\"/>\n",
                        x, x, TOP - 6, bottom);
        text(t, x, TOP - 12, "tick", part[i]);
    }
    for (int i = 0; i < 8; i++) {
        int x = left + LATENCY_W * i / 7;

        cli_text_printf(t,
                        "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" "
                        "class=\"grid\"/>\n",
                        x, x, TOP - 6, bottom);
        text(t, x, TOP - 12, "tick", times[i]);
    }
    text(t, LEFT + SHARE_W + 48, TOP - 12, "tick", "of a pCPU");
    text(t, left + LATENCY_W + 42, TOP - 12, "tick", "p99, max");
    text(t, LEFT, TOP - 28, "title2", "Share of the machine (stroke: ideal)");
    text(t, left, TOP - 28, "title2",
         "From wake-up to running: median to p99, line to max");
}

static void legend(struct cli_text *t, const struct lab_variants *v, int y)
{
    for (size_t i = 0; i < v->count; i++) {
        cli_text_printf(t,
                        "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" "
                        "fill=\"%s\"/>\n",
                        LEFT, y, colour(i));
        text(t, LEFT + 18, y + 10, "name", v->label[i]);
        y += 18;
    }
}

static bool drawn_before(const struct lab_variants *v, size_t run,
                         const char *name)
{
    for (size_t i = 0; i < run; i++) {
        if (domain_of(v->s[i], name) != NULL) {
            return true;
        }
    }
    return false;
}

void lab_svg(struct cli_text *t, const struct lab_variants *v)
{
    struct cli_text body = {0};
    int y = TOP;
    int height;

    for (size_t i = 0; i < v->count; i++) {
        for (size_t k = 0; k < v->s[i]->nr_domains; k++) {
            const char *name = v->s[i]->domain[k].name;

            if (!drawn_before(v, i, name)) {
                y = domain_rows(&body, v, name, y);
            }
        }
    }
    height = y + 18 * (int)v->count + 16;
    cli_text_printf(
        t,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
        "height=\"%d\" viewBox=\"0 0 %d %d\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n"
        "<style>.title{font-size:16px;font-weight:bold}"
        ".title2{fill:#333}.tick{fill:#888;font-size:10px;"
        "text-anchor:middle}.grid{stroke:#ddd}.ideal{stroke:#000;"
        "stroke-width:2}.name{fill:#222}.value{fill:#444;"
        "font-size:11px}.faint{fill:#888;font-size:10px;stroke:#fff;"
        "stroke-width:4px;paint-order:stroke}"
        ".bad{fill:#c00}</style>\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
        WIDTH, height, WIDTH, height);
    text(t, 12, 26, "title", v->title);
    axes(t, y - 6);
    if (body.data != NULL) {
        cli_text_add(t, body.data, body.len);
    }
    legend(t, v, y + 4);
    cli_text_str(t, "</svg>\n");
    cli_text_free(&body);
}
