/* SPDX-License-Identifier: MIT */
/*
 * What the verbs of the lab share: options of the machine, one run with its
 * progress and traces, and how results are written.
 */
#ifndef SCHEDOP_CLI_LAB_H
#define SCHEDOP_CLI_LAB_H

#include "../sim/lab.h"
#include "cli.h"

/* ---- lab_drive.c ---- */

#define LAB_ERROR_MAX 400u

/* A run to the end of its duration. */
struct lab_drive {
    struct lab_options options;
    const char *const *trace; /* files to write, NULL at the end; or NULL */
    bool quiet;               /* no progress */
    const char *label;        /* of the progress bar; NULL none */
    /* Results: how it ended, and the processor time it took. */
    enum sim_end end;
    uint64_t cpu_ns;
};

/*
 * Runs `w`; NULL after an error message when it cannot begin or a trace cannot
 * be written. What went wrong on the way is said too, and in d->end.
 */
struct lab_results *lab_drive(const struct lab_workload *w,
                              struct lab_drive *d);

/* Says on standard error how fast it was. */
void lab_speed(const struct lab_results *s, const struct lab_drive *d);

/* A number with thousands in groups. */
#define LAB_COUNT_MAX 32
void lab_count(char out[LAB_COUNT_MAX], uint64_t n);

/* "1.23 ms", "456 us", "0"; rounded to three digits. */
#define LAB_TIME_MAX 24
void lab_time(char out[LAB_TIME_MAX], uint64_t ns);

/* "12.3 %" of thousandths of a per cent. */
void lab_percent(char out[LAB_TIME_MAX], uint64_t share);

/* "1:2:2" as sockets, cores, threads; false if it is not. */
bool lab_topology(const char *s, struct lab_options *o);

/* A time or false after a message naming the option. */
bool lab_option_time(const char *option, const char *s, uint64_t *ns);

/* ---- lab_table.c, lab_data.c ---- */

/* The heading of a run, and its tables; with rows for vCPUs if `vcpus`. */
void lab_table(struct cli_text *t, const struct lab_results *s, bool vcpus);

/* One object, of a run alone or of all runs of a comparison. */
void lab_json(struct cli_text *t, const struct lab_results *const *s,
              const char *const *label, size_t count);

/* A line a vCPU and domain; with labels a column says which run it is of. */
void lab_csv(struct cli_text *t, const struct lab_results *const *s,
             const char *const *label, size_t count);

/* ---- lab_bars.c, lab_svg.c: comparisons ---- */

struct lab_variants {
    const struct lab_results *const *s;
    const char *const *label;
    size_t count;
    const char *title;
};

void lab_bars(struct cli_text *t, const struct lab_variants *v);
void lab_svg(struct cli_text *t, const struct lab_variants *v);

#endif
