/* SPDX-License-Identifier: MIT */
/* `schedop lab`: the verbs of the lab (docs/lab.md). */
#include "commands.h"

static const struct cli_command *const verbs[] = {
    &cli_lab_run_command,
    &cli_lab_compare_command,
    &cli_lab_explore_command,
    NULL,
};

static const struct cli_option options[] = {
    {"help", 'h', CLI_FLAG, 1, NULL, "Print this and end."},
    {NULL, 0, CLI_FLAG, 0, NULL, NULL},
};

static const struct cli_part parts[] = {
    {"Try",
     "  schedop lab run labs/fair.lab               a table in a moment\n"
     "  schedop lab run app.json --pcpus 4          a workload of rt-app\n"
     "  schedop lab compare labs/noisy.lab --set hog.cap=0,50\n"
     "  schedop lab explore --list                  all orders of events\n"
     "  make lab                                    the showcase",
     NULL, true},
    {NULL, NULL, NULL, false},
};

static const char *const synopsis[] = {"VERB [options] ...", NULL};

const struct cli_command cli_lab_command = {
    .name = "lab",
    .summary = "study scheduling in virtual time",
    .synopsis = synopsis,
    .description =
        "Runs workloads on simulated pCPUs in virtual time, with the core and "
        "the policies the hypervisor has: a question about scheduling is "
        "answered in seconds and always the same way. docs/lab.md describes "
        "the files and how to read the results.",
    .options = options,
    .parts = parts,
    .main = cli_sub_main,
    .sub = verbs,
};
