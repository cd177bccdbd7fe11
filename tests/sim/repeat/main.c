/* SPDX-License-Identifier: MIT */
/*
 * Runs workloads and prints every figure, and a checksum of every trace
 * record: for tests/sim/repeat.sh, which compares what differently compiled
 * builds of this program print.
 * usage: repeat SEED FILE...
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <schedop/trace.h>

#include "sim/lab.h"

/* FNV-1a: any difference in any record will show. */
static void note(void *ctx, unsigned cpu, const struct sop_trace_rec *rec)
{
    uint64_t *sum = ctx;
    uint8_t bytes[sizeof(*rec)];

    (void)cpu;
    memcpy(bytes, rec, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        *sum = (*sum ^ bytes[i]) * 0x100000001b3u;
    }
}

static void print_figures(const struct lab_figures *f)
{
    printf("%s", f->name);
    for (unsigned i = 0; i < 4; i++) {
        printf(" %" PRIu64 " %" PRIu64 " %" PRIu64, f->time[i], f->latency[i],
               f->response[i]);
    }
    printf(" %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
           " %" PRIu64 " %" PRIu64 " %" PRIu64 " %d\n",
           f->share, f->ideal, f->demand, f->switches, f->preempted,
           f->migrated, f->jobs, f->missed, f->ended);
}

static int run(const char *path, uint64_t seed)
{
    uint64_t sum = 0xcbf29ce484222325u;
    struct sim_hooks hooks = {.ctx = &sum, .trace = note};
    struct lab_options options = {.seed = seed,
                                  .seed_given = true,
                                  .duration_ns = 1000000000,
                                  .hooks = &hooks};
    char error[400];
    struct lab_workload *w = lab_load(path, error, sizeof(error));
    struct lab_results *s;
    struct lab_run *r;

    r = w != NULL ? lab_start(w, &options, error, sizeof(error)) : NULL;
    if (r == NULL) {
        printf("%s\n", error);
        return 1;
    }
    sop_trace_set(sim_self(lab_machine(r)), SOP_TRACE_ALL);
    (void)lab_advance(r, UINT64_MAX);
    s = lab_results(r);
    printf("%s %s %" PRIu64 " events %" PRIu64 " trace %" PRIx64 " %s\n", path,
           s->sched, s->now_ns, sim_events(&s->stats), sum, s->why);
    for (size_t i = 0; i < s->nr_domains; i++) {
        print_figures(&s->domain[i]);
    }
    for (size_t i = 0; i < s->nr_vcpus; i++) {
        print_figures(&s->vcpu[i]);
    }
    lab_results_free(s);
    lab_end(r);
    lab_free(w);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    int status = argc < 3;

    for (int i = 2; i < argc; i++) {
        status |= run(argv[i], seed);
    }
    return status;
}
