/* SPDX-License-Identifier: MIT */
/*
 * `schedop lab explore`: scenarios under all schedules, or random ones, with
 * the core and the policies the hypervisor has (docs/explore.md).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../explore/explore.h"
#include "cli.h"
#include "commands.h"
#include "options.h"

enum {
    OPT_LIST = 1,
    OPT_ORDER,
    OPT_RANDOM,
    OPT_MADE,
    OPT_SEED,
    OPT_FAULTS,
    OPT_EACH,
    OPT_PREEMPTIONS,
    OPT_STATES,
    OPT_SCHED,
    OPT_SCHEDULE,
    OPT_KEEP,
    OPT_TRACE,
    OPT_HELP,
};

static const struct cli_option options[] = {
    {"list", 'l', CLI_FLAG, OPT_LIST, NULL, "List the scenarios that ship."},
    {"preemptions", 'p', CLI_VALUE, OPT_PREEMPTIONS, "N",
     "Only schedules that stop a pCPU amid its way at most that often."},
    {"states", 0, CLI_VALUE, OPT_STATES, "N",
     "Stop after that many different states (2,000,000)."},
    {"order", 0, CLI_FLAG, OPT_ORDER, NULL,
     "One schedule, in which time passes only when nothing else can happen."},
    {"random", 'r', CLI_VALUE, OPT_RANDOM, "N", "N random schedules."},
    {"made", 'm', CLI_VALUE, OPT_MADE, "N",
     "N scenarios made from seeds, each in a random schedule."},
    {"seed", 's', CLI_VALUE, OPT_SEED, "N", "The first seed (1)."},
    {"faults", 'f', CLI_VALUE, OPT_FAULTS, "NAME,...",
     "Of spurious-kicks, spurious-timers, copy-faults, late, death, hotplug; "
     "all (the default) or none. Each random schedule uses some of them."},
    {"each", 'e', CLI_VALUE, OPT_EACH, "NAME,...",
     "One of these faults, at every step: in all schedules of a scenario, or "
     "in each of the made ones."},
    {"sched", 0, CLI_VALUE, OPT_SCHED, "NAME",
     "The policy of the first cpupool: credit2, rtds, null, arinc653."},
    {"schedule", 0, CLI_VALUE, OPT_SCHEDULE, "STEPS",
     "Repeat a schedule, as a failure prints it."},
    {"keep", 0, CLI_VALUE, OPT_KEEP, "N,...",
     "Of a made scenario only these lines, as a failure prints them."},
    {"trace", 't', CLI_FLAG, OPT_TRACE, NULL, "Print each step."},
    {"help", 'h', CLI_FLAG, OPT_HELP, NULL, "Print this and end."},
    {NULL, 0, CLI_FLAG, 0, NULL, NULL},
};

static const struct cli_item statuses[] = {
    {"0", "No invariant broke."},
    {"1", "One broke; the command that repeats it is printed."},
    {"2", "A scenario or an option cannot be read."},
    {NULL, NULL},
};

static const struct cli_part parts[] = {
    {"What is printed",
     "For each scenario the number of interleavings, the different states they "
     "went through, the steps taken to find them and the states in which "
     "everything ended. An interleaving is one order of all steps: a step is "
     "what a pCPU does between two calls of its port, or the clock going on. "
     "A bound that left something out is named.",
     NULL, true},
    {"Examples of lab explore",
     "  schedop lab explore                         all that ship\n"
     "  schedop lab explore block-send --trace --order\n"
     "  schedop lab explore mine.scenario --preemptions 3\n"
     "  schedop lab explore block-send --each death\n"
     "  schedop lab explore --made 1000 --seed 7\n"
     "  schedop lab explore --made 3 --each death,hotplug",
     NULL, true},
    {"Exit status of lab explore", NULL, statuses, true},
    {NULL, NULL, NULL, false},
};

static const char *const synopsis[] = {"[options] [SCENARIO|FILE] ...", NULL};

struct explore_args {
    struct explore_request req;
    const char **names;
    size_t count;
    bool list, help;
};

static int number(const char *option, const char *value, uint64_t *n)
{
    if (!cli_number(value, UINT64_MAX, n)) {
        cli_error("--%s: '%s' is not a number", option, value);
        return CLI_USAGE;
    }
    return 0;
}

static int count_option(struct explore_args *a, int id, const char *value)
{
    uint64_t n = 0;
    int rc;

    switch (id) {
    case OPT_RANDOM:
        return number("random", value, &a->req.seeds);
    case OPT_MADE:
        a->req.made = true;
        return number("made", value, &a->req.seeds);
    case OPT_SEED:
        return number("seed", value, &a->req.seed);
    case OPT_STATES:
        return number("states", value, &a->req.states);
    default:
        rc = number("preemptions", value, &n);
        a->req.preemptions = n < 1000 ? (int)n : 1000;
        return rc;
    }
}

static int handle(void *ctx, int id, const char *value)
{
    struct explore_args *a = ctx;

    switch (id) {
    case OPT_LIST:
        a->list = true;
        return 0;
    case OPT_ORDER:
        a->req.order = true;
        return 0;
    case OPT_FAULTS:
        a->req.swarm = value;
        return 0;
    case OPT_EACH:
        a->req.each = value;
        return 0;
    case OPT_SCHED:
        a->req.policy = value;
        return 0;
    case OPT_SCHEDULE:
        a->req.schedule = value;
        return 0;
    case OPT_KEEP:
        a->req.keep = value;
        return 0;
    case OPT_TRACE:
        a->req.trace = true;
        return 0;
    case OPT_HELP:
        a->help = true;
        return 0;
    case CLI_OPERAND:
    case CLI_REST:
        a->names = cli_grow(a->names, a->count + 1, sizeof(*a->names));
        a->names[a->count++] = value;
        return 0;
    default:
        return count_option(a, id, value);
    }
}

static int print_list(void)
{
    unsigned i;

    for (i = 0; explore_name(i) != NULL; i++) {
        printf("%-20s %s\n", explore_name(i), explore_about(i));
    }
    return CLI_OK;
}

static bool ships(const char *name)
{
    unsigned i;

    for (i = 0; explore_name(i) != NULL; i++) {
        if (strcmp(explore_name(i), name) == 0) {
            return true;
        }
    }
    return false;
}

/* The worst of all statuses; all are explored even if one breaks. */
static int explore_each(struct explore_args *a)
{
    int worst = 0, rc;
    size_t i;

    for (i = 0; i < a->count; i++) {
        a->req.name = ships(a->names[i]) ? a->names[i] : NULL;
        a->req.path = a->req.name == NULL ? a->names[i] : NULL;
        rc = explore_run(&a->req);
        worst = rc > worst ? rc : worst;
        (void)fflush(stdout);
    }
    return worst;
}

static int explore_main(const struct cli_command *self, int argc, char **argv)
{
    struct explore_args a = {
        .req = {.preemptions = -1, .seed = 1, .out = stdout}};
    struct cli_text text = {0};
    unsigned i;
    int rc = cli_options_parse(self, argc, argv, handle, &a);

    if (rc != 0) {
        return rc;
    }
    if (a.help) {
        cli_help(&text, self);
        return cli_text_print(&text, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
    }
    if (a.list) {
        return print_list();
    }
    if (a.req.made) {
        return explore_run(&a.req);
    }
    for (i = 0; a.count == i && explore_name(i) != NULL; i++) {
        (void)handle(&a, CLI_OPERAND, explore_name(i));
    }
    rc = explore_each(&a);
    free(a.names);
    return rc;
}

const struct cli_command cli_lab_explore_command = {
    .name = "lab explore",
    .summary = "try all schedules of a small scenario",
    .synopsis = synopsis,
    .description =
        "Runs the core under every order in which pCPUs, their interrupts and "
        "the clock can take turns, or under random ones with faults, and "
        "judges each by invariants: no lost wake-up, no pCPU that idles beside "
        "a vCPU that may run there, times that sum to time, and more. "
        "docs/explore.md describes scenarios and invariants.",
    .options = options,
    .parts = parts,
    .main = explore_main,
};
