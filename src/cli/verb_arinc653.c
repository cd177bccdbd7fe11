/* SPDX-License-Identifier: MIT */
/*
 * `sched-arinc653`: the windows of cpupools whose scheduler is arinc653. xl
 * has no such verb; a toolstack of Xen's sets them by XEN_SYSCTL_scheduler_op.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "domain.h"
#include "verb.h"
#include "verb_sched.h"

enum { OPT_POOL = 1, OPT_FRAME, OPT_WINDOW };

static const struct cli_option options[] = {
    {"cpupool", 'p', CLI_VALUE, OPT_POOL, "POOL",
     "The cpupool (without -w: all that have this scheduler)."},
    {"major-frame", 'm', CLI_VALUE, OPT_FRAME, "US",
     "With -w: after how many microseconds the windows begin again (default: "
     "what they add up to)."},
    {"window", 'w', CLI_VALUE, OPT_WINDOW, "DOMAIN[.VCPU]:US",
     "The next window: whose it is and how long. Repeatable; a domain that "
     "is not there leaves it idle."},
    VERB_OPTIONS,
};

static const char *const synopsis[] = {
    "[-p POOL]", "-p POOL [-m US] -w DOMAIN[.VCPU]:US ...", NULL};

static int arinc653_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_sched_arinc653_command = {
    .name = "sched-arinc653",
    .summary = "get or set the windows of arinc653 cpupools",
    .synopsis = synopsis,
    .description =
        "Prints or sets the schedule of a cpupool whose scheduler is arinc653: "
        "windows that follow each other in a major frame, which repeats. New "
        "ones begin when the frame ends that is running.",
    .options = options,
    .parts = verb_no_parts,
    .main = arinc653_main,
};

/* ---- setting ---- */

static uint64_t sum_of(const json_t *windows)
{
    uint64_t sum = 0, ns;
    const json_t *w;
    size_t i;

    json_array_foreach(windows, i, w)
    {
        const char *last = strrchr(json_string_value(w), ':');

        if (last != NULL && cli_number(last + 1, INT64_MAX, &ns)) {
            sum += ns;
        }
    }
    return sum;
}

int sched_set_windows(struct control *c, json_int_t pool, uint64_t frame_ns,
                      json_t *windows)
{
    uint64_t frame = frame_ns != 0 ? frame_ns : sum_of(windows);

    return verb_request(c, "sched-arinc653",
                        json_pack("{s:I, s:I, s:o}", "pool", pool,
                                  "major_frame_ns", (json_int_t)frame,
                                  "windows", windows),
                        "cannot set the windows") == 0
               ? CLI_OK
               : CLI_ERROR;
}

/* "DOMAIN[.VCPU]:US" as the host has it; NULL after a message. */
static json_t *window_of(const char *word)
{
    const char *colon = strrchr(word, ':');
    char *name =
        colon != NULL ? cli_format("%.*s", (int)(colon - word), word) : NULL;
    char *dot = name != NULL ? strrchr(name, '.') : NULL, *text = NULL;
    uint64_t vcpu = 0, us = 0;
    json_t *window = NULL;

    if (dot != NULL && cli_number(dot + 1, CLI_VCPUS_MAX - 1, &vcpu)) {
        *dot = '\0';
    }
    if (name != NULL && cli_domain_name_ok(name) &&
        cli_number(colon + 1, UINT32_MAX, &us) && us != 0) {
        text = cli_format("%s:%u:%" PRIu64, name, (unsigned)vcpu, us * 1000);
        window = json_string(text);
    } else {
        cli_error("'%s' is no window; write DOMAIN[.VCPU]:US", word);
    }
    free(text);
    free(name);
    return window;
}

static int set(struct control *c, const struct verb_args *a, json_t *pools)
{
    const json_t *pool = verb_pool(pools, a->value[OPT_POOL]);
    json_t *windows = json_array(), *window;
    uint64_t us = 0;
    size_t i;

    for (i = 0; pool != NULL && i < a->nr_given; i++) {
        if (a->given[i].id != OPT_WINDOW) {
            continue;
        }
        window = window_of(a->given[i].value);
        if (window == NULL) {
            pool = NULL;
        } else {
            json_array_append_new(windows, window);
        }
    }
    if (pool != NULL && a->value[OPT_FRAME] != NULL &&
        (!cli_number(a->value[OPT_FRAME], UINT32_MAX, &us) || us == 0)) {
        cli_error("%s is no time in microseconds", a->value[OPT_FRAME]);
        pool = NULL;
    }
    if (pool == NULL) {
        json_decref(windows);
        return CLI_ERROR;
    }
    return sched_set_windows(c, verb_int(pool, "pool"), us * 1000, windows);
}

/* ---- printing ---- */

static int add_pool(struct control *c, struct cli_text *t, const json_t *pool)
{
    json_t *answer =
        control_do(c, "sched-arinc653",
                   json_pack("{s:I}", "pool", verb_int(pool, "pool")), NULL);
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        if (i == 0) {
            cli_text_printf(t, "Cpupool %s: major frame=%" PRIu64 "us\n",
                            verb_string(pool, "name"),
                            (uint64_t)verb_int(row, "major_frame_ns") / 1000);
            cli_text_printf(t, "%-33s %4s %10s\n", "Name", "VCPU", "Window");
            continue;
        }
        cli_text_printf(t, "%-33s %4d %10" PRIu64 "\n",
                        verb_string(row, "domain"), (int)verb_int(row, "vcpu"),
                        (uint64_t)verb_int(row, "runtime_ns") / 1000);
    }
    json_decref(answer);
    return answer != NULL ? CLI_OK : CLI_ERROR;
}

static int print(struct control *c, json_t *pools, const char *only)
{
    const json_t *named = only != NULL ? verb_pool(pools, only) : NULL, *pool;
    int rc = only != NULL && named == NULL ? CLI_ERROR : CLI_OK;
    struct cli_text t = {0};
    size_t i;

    json_array_foreach(pools, i, pool)
    {
        bool has = strcmp(verb_string(pool, "sched"), "arinc653") == 0;

        if (rc == CLI_OK && (named != NULL ? pool == named : has)) {
            rc = add_pool(c, &t, pool);
        }
    }
    return cli_text_print(&t, STDOUT_FILENO) ? rc : CLI_ERROR;
}

static int arinc653(struct control *c, const struct verb_args *a)
{
    json_t *pools = verb_pools(c);
    int rc = CLI_ERROR;

    if (pools != NULL && a->count[OPT_WINDOW] == 0 &&
        a->count[OPT_FRAME] == 0) {
        rc = print(c, pools, a->value[OPT_POOL]);
    } else if (pools != NULL &&
               (a->count[OPT_WINDOW] == 0 || a->count[OPT_POOL] == 0)) {
        cli_error("To set a schedule name the cpupool and its windows.");
    } else if (pools != NULL) {
        rc = set(c, a, pools);
    }
    json_decref(pools);
    return rc;
}

static int arinc653_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 0, 0, &a, &c);

    return rc >= 0 ? rc : verb_end(&a, &c, arinc653(&c, &a));
}
