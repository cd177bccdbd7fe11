/* SPDX-License-Identifier: MIT */
/*
 * One run of a workload: in pieces of virtual time, so that progress can be
 * shown; what it does is the same in any pieces. Records go to the writers of
 * src/trace as they come.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <schedop/trace.h>

#include "../trace/trace.h"
#include "lab.h"

#define PIECES 500u
#define PROGRESS_AFTER_NS 500000000u /* short runs need no bar */
#define PROGRESS_EVERY_NS 100000000u
#define BAR 30
#define TRACES_MAX 8u

/* ---- words for numbers ---- */

void lab_count(char out[LAB_COUNT_MAX], uint64_t n)
{
    char digits[24];
    size_t len, at = 0;

    (void)snprintf(digits, sizeof(digits), "%" PRIu64, n);
    len = strlen(digits);
    for (size_t i = 0; i < len; i++) {
        out[at++] = digits[i];
        if ((len - i) % 3 == 1 && i + 1 < len) {
            out[at++] = ',';
        }
    }
    out[at] = '\0';
}

void lab_time(char out[LAB_TIME_MAX], uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } unit[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
    unsigned i = 0;
    uint64_t whole, part, digits = 1;

    if (ns == 0) {
        (void)snprintf(out, LAB_TIME_MAX, "0");
        return;
    }
    while (ns < unit[i].ns) {
        i++;
    }
    /* Three digits: as many decimals as the whole leaves. */
    while (digits * unit[i].ns * 10 <= ns && digits < 100) {
        digits *= 10;
    }
    digits = unit[i].ns == 1 ? 1 : 100 / digits;
    whole = (ns * digits + unit[i].ns / 2) / unit[i].ns;
    part = whole % digits;
    whole /= digits;
    if (digits == 1) {
        (void)snprintf(out, LAB_TIME_MAX, "%" PRIu64 " %s", whole,
                       unit[i].name);
    } else {
        (void)snprintf(out, LAB_TIME_MAX, "%" PRIu64 ".%0*" PRIu64 " %s", whole,
                       digits == 100 ? 2 : 1, part, unit[i].name);
    }
}

void lab_percent(char out[LAB_TIME_MAX], uint64_t share)
{
    uint64_t tenths = (share + 50) / 100;

    (void)snprintf(out, LAB_TIME_MAX, "%" PRIu64 ".%" PRIu64 " %%", tenths / 10,
                   tenths % 10);
}

/* ---- options ---- */

bool lab_topology(const char *s, struct lab_options *o)
{
    char more;
    int got =
        sscanf(s, "%2u:%2u:%2u%c", &o->sockets, &o->cores, &o->threads, &more);

    return got == 3 && o->sockets != 0 && o->cores != 0 && o->threads != 0;
}

bool lab_option_time(const char *option, const char *s, uint64_t *ns)
{
    if (lab_parse_time(s, ns)) {
        return true;
    }
    cli_error("--%s: '%s' is no time; write 10s, 200ms, 5us or 7ns", option, s);
    return false;
}

/* ---- progress ---- */

static uint64_t read_clock(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void show(const struct lab_drive *d, uint64_t now, uint64_t end,
                 uint64_t events, uint64_t wall_ns)
{
    static const char full[] = "##############################";
    int done = (int)(now / (end / BAR + 1));
    char count[LAB_COUNT_MAX];

    lab_count(count, events * 1000 / (wall_ns / 1000000 + 1));
    (void)fprintf(stderr, "\r%s%s[%.*s%*s] %3" PRIu64 " %%  %s events/s ",
                  d->label != NULL ? d->label : "", d->label != NULL ? " " : "",
                  done, full, BAR - done, "", now / (end / 100 + 1), count);
}

static void clear_line(void)
{
    (void)fputs("\r\033[K", stderr);
}

static void advance(struct lab_run *r, struct lab_drive *d)
{
    struct sim_machine *m = lab_machine(r);
    uint64_t end = lab_duration(r), began = read_clock(CLOCK_MONOTONIC);
    uint64_t cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID), shown = began;
    bool tty = !d->quiet && isatty(STDERR_FILENO) != 0;

    do {
        uint64_t now;

        d->end = lab_advance(r, sim_now(m) + end / PIECES + 1);
        now = tty ? read_clock(CLOCK_MONOTONIC) : 0;
        if (tty && now - began > PROGRESS_AFTER_NS &&
            now - shown > PROGRESS_EVERY_NS) {
            shown = now;
            show(d, sim_now(m), end, sim_events(sim_stats(m)), now - began);
        }
    } while (d->end == SIM_DONE && sim_now(m) < end);
    if (shown != began) {
        clear_line();
    }
    d->cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
}

void lab_speed(const struct lab_results *s, const struct lab_drive *d)
{
    char events[LAB_COUNT_MAX], rate[LAB_COUNT_MAX], times[LAB_COUNT_MAX];
    uint64_t n = sim_events(&s->stats), us = d->cpu_ns / 1000 + 1;

    lab_count(events, n);
    lab_count(rate, n * 1000 / us * 1000);
    lab_count(times, s->now_ns / 1000 / us);
    cli_note("%s events in %" PRIu64 ".%03" PRIu64 " s of processor time: %s a "
             "second, %s times real time",
             events, us / 1000000, us / 1000 % 1000, rate, times);
}

/* ---- traces ---- */

struct tracing {
    struct trace_writer *writer[TRACES_MAX];
    FILE *file[TRACES_MAX];
    const char *path[TRACES_MAX];
    unsigned count;
};

static void record(void *ctx, unsigned cpu, const struct sop_trace_rec *rec)
{
    struct tracing *t = ctx;

    (void)cpu;
    for (unsigned i = 0; i < t->count; i++) {
        trace_writer_record(t->writer[i], rec);
    }
}

static bool open_trace(struct tracing *t, const char *path, const char *title)
{
    int format = trace_format_by_path(path);
    unsigned i = t->count;

    if (format < 0) {
        cli_error("%s: the suffix names no format of traces; see schedop "
                  "trace --help",
                  path);
        return false;
    }
    if (i == TRACES_MAX) {
        cli_error("at most %u traces of one run", TRACES_MAX);
        return false;
    }
    t->file[i] = fopen(path, "wb");
    t->path[i] = path;
    if (t->file[i] == NULL) {
        cli_error("cannot write %s: %s", path, strerror(errno));
        return false;
    }
    t->writer[i] =
        trace_writer_open((enum trace_format)format, t->file[i], title);
    t->count++;
    return true;
}

static bool open_traces(struct tracing *t, const struct lab_drive *d,
                        const struct lab_workload *w)
{
    for (const char *const *path = d->trace; path && *path; path++) {
        if (!open_trace(t, *path, lab_path(w))) {
            return false;
        }
    }
    return true;
}

static bool close_traces(struct tracing *t, uint64_t end_ns)
{
    bool ok = true;

    for (unsigned i = 0; i < t->count; i++) {
        int error = trace_writer_close(t->writer[i], end_ns);

        if (fclose(t->file[i]) != 0 && error == 0) {
            error = errno;
        }
        if (error != 0) {
            cli_error("cannot write %s: %s", t->path[i], strerror(error));
            ok = false;
        }
    }
    t->count = 0;
    return ok;
}

static void name_domains(struct tracing *t, const struct lab_workload *w)
{
    uint16_t domid;
    const char *name;

    for (size_t k = 0; (name = lab_domain(w, k, &domid)) != NULL; k++) {
        for (unsigned i = 0; i < t->count; i++) {
            trace_writer_name(t->writer[i], domid, name);
        }
    }
}

/* ---- a run ---- */

static void say_why(const struct lab_run *r, const struct lab_drive *d)
{
    const char *why = lab_why(r);

    while (*why != '\0') {
        size_t len = strcspn(why, "\n");

        if (d->end == SIM_DONE) {
            cli_warning("%.*s", (int)len, why);
        } else {
            cli_error("%.*s", (int)len, why);
        }
        why += len + (why[len] == '\n');
    }
}

struct lab_results *lab_drive(const struct lab_workload *w, struct lab_drive *d)
{
    struct tracing t = {.count = 0};
    struct sim_hooks hooks = {.ctx = &t, .trace = record};
    struct lab_options options = d->options;
    char error[LAB_ERROR_MAX];
    struct lab_results *s = NULL;
    struct lab_run *r;

    if (!open_traces(&t, d, w)) {
        (void)close_traces(&t, 0);
        return NULL;
    }
    if (t.count != 0) {
        options.hooks = &hooks;
    }
    r = lab_start(w, &options, error, sizeof(error));
    if (r == NULL) {
        (void)close_traces(&t, 0);
        cli_error("%s", error);
        return NULL;
    }
    if (t.count != 0) {
        name_domains(&t, w);
        sop_trace_set(sim_self(lab_machine(r)), SOP_TRACE_ALL);
    }
    advance(r, d);
    say_why(r, d);
    if (close_traces(&t, sim_now(lab_machine(r)))) {
        s = lab_results(r);
    }
    lab_end(r);
    return s;
}
