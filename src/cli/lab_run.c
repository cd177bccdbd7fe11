/* SPDX-License-Identifier: MIT */
/* `schedop lab run`: one workload, one machine, its figures. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "lab.h"

enum {
    OPT_PCPUS = 1,
    OPT_TOPOLOGY,
    OPT_SCHED,
    OPT_SEED,
    OPT_DURATION,
    OPT_CALL,
    OPT_SWITCH,
    OPT_KICK,
    OPT_SET,
    OPT_VCPUS,
    OPT_TRACE,
    OPT_JSON,
    OPT_CSV,
    OPT_QUIET,
    OPT_HELP,
};

static const struct cli_option options[] = {
    {"pcpus", 'p', CLI_VALUE, OPT_PCPUS, "N",
     "pCPUs of the machine, 1 to 64, above what the file says (default 1)."},
    {"topology", 0, CLI_VALUE, OPT_TOPOLOGY, "S:C:T",
     "S sockets of C cores of T threads, instead of --pcpus."},
    {"sched", 0, CLI_VALUE, OPT_SCHED, "NAME",
     "The policy: credit2, rtds, null or arinc653; of the first pool, above "
     "what the file says (default credit2)."},
    {"seed", 's', CLI_VALUE, OPT_SEED, "N",
     "Decides among equals and picks random times (default 1). The same seed "
     "prints the same bytes."},
    {"duration", 'd', CLI_VALUE, OPT_DURATION, "TIME",
     "Virtual time to run, such as 10s or 200ms (default: the file's, or "
     "10s)."},
    {"call", 0, CLI_VALUE, OPT_CALL, "TIME",
     "What a hypercall costs its vCPU (default 0)."},
    {"switch", 0, CLI_VALUE, OPT_SWITCH, "TIME",
     "What coming to a pCPU costs a vCPU (default 0)."},
    {"kick", 0, CLI_VALUE, OPT_KICK, "TIME",
     "How long a kick takes to another pCPU (default 0)."},
    {"set", 0, CLI_VALUE, OPT_SET, "DOMAIN.KNOB=VALUE",
     "Change a domain of the file: weight, cap, budget, period, cpus or pool. "
     "A name may end with * for all that begin so. Repeatable."},
    {"vcpus", 'v', CLI_FLAG, OPT_VCPUS, NULL, "A row for each vCPU as well."},
    {"trace", 't', CLI_VALUE, OPT_TRACE, "FILE",
     "Record everything; the suffix chooses the format (.sop, .json for "
     "Perfetto, .xentrace, .svg, .txt; see schedop trace). Repeatable."},
    {"json", 0, CLI_FLAG, OPT_JSON, NULL, "Print all figures as JSON."},
    {"csv", 0, CLI_FLAG, OPT_CSV, NULL, "Print all figures as CSV."},
    {"quiet", 'q', CLI_FLAG, OPT_QUIET, NULL,
     "No progress, no notes: only results and errors."},
    {"help", 'h', CLI_FLAG, OPT_HELP, NULL, "Print this and end."},
    {NULL, 0, CLI_FLAG, 0, NULL, NULL},
};

static const struct cli_item statuses[] = {
    {"0", "The run came to its end."},
    {"1", "It did not, or something the file asked for was refused."},
    {"2", "The command line or the file is wrong."},
    {NULL, NULL},
};

static const struct cli_part parts[] = {
    {"Examples of lab run",
     "  schedop lab run labs/fair.lab\n"
     "  schedop lab run labs/noisy.lab --set hog.cap=0 --vcpus\n"
     "  schedop lab run app.json --pcpus 4 --trace app.json.svg\n"
     "  schedop lab run labs/fair.lab --csv >fair.csv",
     NULL, true},
    {"Columns",
     "Share is the time a domain's vCPUs ran, in per cent of one pCPU; Ideal "
     "is what it should get: its fair part by weight, within its cap and "
     "affinity, and no more than it would use if it never had to wait (for "
     "real-time policies: what is reserved). The bar shows the share of the "
     "whole machine, the stroke in it the ideal. Waiting is the time its vCPUs "
     "were ready but had no pCPU. lat is the time from a wake-up to running. "
     "Jobs are the periods of timers, missed those that ended after their "
     "period did; resp is the time from a period's begin to its job's end. "
     "Moves are switches to another pCPU than before. docs/lab.md says more.",
     NULL, false},
    {"Exit status of lab run", NULL, statuses, true},
    {NULL, NULL, NULL, false},
};

static const char *const synopsis[] = {"[options] FILE", NULL};

struct lab_run_args {
    const struct cli_command *command;
    const char *file;
    struct lab_drive drive;
    const char **set, **trace;
    size_t nr_sets, nr_traces;
    bool vcpus, json, csv, help;
};

static int bad_value(const char *option, const char *value, const char *want)
{
    cli_error("--%s: '%s' is not %s", option, value, want);
    return CLI_USAGE;
}

static int add_word(const char ***list, size_t *count, const char *word)
{
    *list = cli_grow(*list, *count + 2, sizeof(**list));
    (*list)[(*count)++] = word;
    (*list)[*count] = NULL;
    return 0;
}

static int machine_option(struct lab_options *o, int id, const char *value)
{
    uint64_t n;

    switch (id) {
    case OPT_PCPUS:
        if (!cli_number(value, SOP_PCPUS_MAX, &n) || n == 0) {
            return bad_value("pcpus", value, "a number from 1 to 64");
        }
        o->pcpus = (unsigned)n;
        return 0;
    case OPT_TOPOLOGY:
        return lab_topology(value, o)
                   ? 0
                   : bad_value("topology", value,
                               "sockets:cores:threads, such as 2:4:2");
    case OPT_SCHED:
        o->sched = value;
        return lab_policy(value) != NULL
                   ? 0
                   : bad_value("sched", value, "a scheduler");
    case OPT_SEED:
        o->seed_given = true;
        return cli_number(value, UINT64_MAX, &o->seed)
                   ? 0
                   : bad_value("seed", value, "a number");
    case OPT_DURATION:
        return lab_option_time("duration", value, &o->duration_ns) ? 0
                                                                   : CLI_USAGE;
    case OPT_CALL:
        o->call_given = true;
        return lab_option_time("call", value, &o->call_ns) ? 0 : CLI_USAGE;
    case OPT_SWITCH:
        o->switch_given = true;
        return lab_option_time("switch", value, &o->switch_ns) ? 0 : CLI_USAGE;
    default:
        o->kick_given = true;
        return lab_option_time("kick", value, &o->kick_ns) ? 0 : CLI_USAGE;
    }
}

static int handle(void *ctx, int id, const char *value)
{
    struct lab_run_args *a = ctx;

    switch (id) {
    case CLI_OPERAND:
    case CLI_REST:
        if (a->file != NULL) {
            cli_error("one file at a time; `schedop lab compare` takes more");
            return CLI_USAGE;
        }
        a->file = value;
        return 0;
    case OPT_SET:
        return add_word(&a->set, &a->nr_sets, value);
    case OPT_TRACE:
        return add_word(&a->trace, &a->nr_traces, value);
    case OPT_VCPUS:
        a->vcpus = true;
        return 0;
    case OPT_JSON:
        a->json = true;
        return 0;
    case OPT_CSV:
        a->csv = true;
        return 0;
    case OPT_QUIET:
        a->drive.quiet = true;
        cli_message_quiet(true);
        return 0;
    case OPT_HELP:
        a->help = true;
        return 0;
    default:
        return machine_option(&a->drive.options, id, value);
    }
}

static bool print(const struct lab_run_args *a, const struct lab_results *s)
{
    struct cli_text t = {0};

    if (a->json) {
        lab_json(&t, &s, NULL, 1);
    } else if (a->csv) {
        lab_csv(&t, &s, NULL, 1);
    } else {
        lab_table(&t, s, a->vcpus);
    }
    return cli_text_print(&t, STDOUT_FILENO);
}

static int run(struct lab_run_args *a)
{
    char error[LAB_ERROR_MAX];
    struct lab_workload *w = lab_load(a->file, error, sizeof(error));
    struct lab_results *s;
    int status = CLI_OK;

    for (size_t i = 0; w != NULL && i < a->nr_sets; i++) {
        if (!lab_set(w, a->set[i], error, sizeof(error))) {
            lab_free(w);
            w = NULL;
        }
    }
    if (w == NULL) {
        cli_error("%s", error);
        return CLI_USAGE;
    }
    a->drive.trace = a->trace;
    s = lab_drive(w, &a->drive);
    if (s == NULL) {
        lab_free(w);
        return CLI_ERROR;
    }
    if (!print(a, s) || a->drive.end != SIM_DONE || *s->why != '\0') {
        status = CLI_ERROR;
    }
    lab_speed(s, &a->drive);
    lab_results_free(s);
    lab_free(w);
    return status;
}

static int lab_run_main(const struct cli_command *self, int argc, char **argv)
{
    struct lab_run_args a = {.command = self};
    struct cli_text t = {0};
    int status = cli_options_parse(self, argc, argv, handle, &a);

    if (status == 0 && a.help) {
        cli_help(&t, self);
        status = cli_text_print(&t, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
    } else if (status == 0 && a.file == NULL) {
        cli_error("which workload? schedop lab run FILE");
        status = CLI_USAGE;
    } else if (status == 0) {
        status = run(&a);
    }
    free(a.set);
    free(a.trace);
    return status;
}

const struct cli_command cli_lab_run_command = {
    .name = "lab run",
    .summary = "run a workload, print what everybody got",
    .synopsis = synopsis,
    .description =
        "Runs a workload, rt-app JSON or the lab's own form, on a simulated "
        "machine in virtual time and prints, for each domain, what it got, "
        "what it should have got, and how long it waited. Nothing depends on "
        "the machine this runs on.",
    .options = options,
    .parts = parts,
    .main = lab_run_main,
};
