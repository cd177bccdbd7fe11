/* SPDX-License-Identifier: MIT */
/*
 * The lab: reads a workload, runs it on a machine in virtual time, and says
 * what each domain and vCPU got.
 *
 *     w = lab_load("mix.lab", error, sizeof(error));
 *     r = lab_start(w, &options, error, sizeof(error));
 *     while (lab_advance(r, some time later) == SIM_DONE && not at the end)
 *         ;
 *     results = lab_results(r);
 *     lab_results_free(results); lab_end(r); lab_free(w);
 *
 * docs/lab.md describes the files. All figures are integers, so that they are
 * the same from every compiler.
 */
#ifndef SCHEDOP_SIM_LAB_H
#define SCHEDOP_SIM_LAB_H

#include "sim.h"

struct lab_workload;
struct lab_run;

/*
 * Reads a workload: rt-app JSON if the file begins with '{', else the native
 * form. NULL with a line in `error`, which names the place.
 */
struct lab_workload *lab_load(const char *path, char *error, size_t room);

/* The same from text; `path` is for messages. */
struct lab_workload *lab_parse(const char *path, const char *text, char *error,
                               size_t room);
void lab_free(struct lab_workload *w);

const char *lab_path(const struct lab_workload *w);

/* The name of domain `index` and the id it will have; NULL behind the last. */
const char *lab_domain(const struct lab_workload *w, size_t index,
                       uint16_t *domid);

/*
 * Changes a domain: "hog.cap=50"; of weight, cap, budget, period, cpus and
 * pool; "hog*" is all whose names begin so. False with a line in `error`.
 */
bool lab_set(struct lab_workload *w, const char *assignment, char *error,
             size_t room);

/* "10ms", "1.5s", "200us", "7ns"; false if it is anything else. */
bool lab_parse_time(const char *s, uint64_t *ns);

/* What overrides the file: 0 or NULL leaves what that says. */
struct lab_options {
    unsigned pcpus; /* as many cores; instead of the file's topology */
    unsigned sockets, cores, threads;
    const char *sched; /* of pool 0 */
    uint64_t seed;
    bool seed_given;
    uint64_t duration_ns;
    uint64_t call_ns, switch_ns, kick_ns;
    bool call_given, switch_given, kick_given;
    const struct sim_hooks *hooks; /* as sim_config.hooks */
};

/* Names of the policies there are, NULL at the end. */
const char *lab_policy_name(size_t index);
const struct policy_ops *lab_policy(const char *name);

/*
 * Makes the machine and all domains that start at once; NULL with a line in
 * `error` when the workload and the machine do not fit.
 */
struct lab_run *lab_start(const struct lab_workload *w,
                          const struct lab_options *options, char *error,
                          size_t room);
struct sim_machine *lab_machine(struct lab_run *r);
uint64_t lab_duration(const struct lab_run *r);

/* Runs on until `until`, at most to the end of the duration. */
enum sim_end lab_advance(struct lab_run *r, uint64_t until);

/* Why it ended early, or what an act from the file met; "" for nothing. */
const char *lab_why(const struct lab_run *r);
void lab_end(struct lab_run *r);

/* ---- results ---- */

struct lab_figures {
    char *name; /* of a domain, or "name/0" of a vCPU */
    unsigned domain, vcpu;
    char *pool, *sched;
    unsigned weight, cap;

    /* ns in each state, by RUNSTATE_*, and from creation until the end; the
       four sum to `age_ns`. For a domain, over its vCPUs. */
    uint64_t time[4], age_ns;

    uint64_t latency[4], latency_max;   /* p50 p90 p99 p999, ns */
    uint64_t response[4], response_max; /* of jobs, from release to end */
    uint64_t woken, switches, preempted, migrated, far;
    uint64_t jobs, missed; /* periods ended, and those ended too late */
    uint64_t late_max;     /* ns, of those */
    uint64_t commands[8];  /* sched_op, by command; domains only */

    /* Thousandths of a per cent of one pCPU, over its age. */
    uint64_t share, ideal, demand;
    int ended; /* SHUTDOWN_* of a domain that ended, -1 */
    uint64_t ended_ns;
};

struct lab_results {
    char *workload, *sched;
    unsigned pcpus, sockets, cores, threads;
    uint64_t seed, duration_ns, now_ns;
    uint64_t busy_ns, idle_ns; /* over all pCPUs */
    struct sim_stats stats;
    struct lab_figures *domain, *vcpu;
    size_t nr_domains, nr_vcpus;
    struct lab_figures total;
    char *why; /* lab_why() at the end */
};

struct lab_results *lab_results(struct lab_run *r);
void lab_results_free(struct lab_results *s);

#endif
