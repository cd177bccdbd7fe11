/* SPDX-License-Identifier: MIT */
/*
 * `schedop lab compare`: one workload, or several, under several policies or
 * knobs, side by side. Each option may list values, separated by commas; what
 * is compared are all combinations.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "lab.h"

#define VARIANTS_MAX 64u
#define AXES_MAX 16u

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
    OPT_SVG,
    OPT_TITLE,
    OPT_JSON,
    OPT_CSV,
    OPT_QUIET,
    OPT_HELP,
};

static const struct cli_option options[] = {
    {"sched", 0, CLI_VALUE, OPT_SCHED, "NAME,...",
     "Policies to compare: credit2, rtds, null, arinc653."},
    {"set", 0, CLI_VALUE, OPT_SET, "DOMAIN.KNOB=VALUE,...",
     "Values of a domain's weight, cap, budget, period or pool to compare. "
     "Repeatable."},
    {"pcpus", 'p', CLI_VALUE, OPT_PCPUS, "N,...", "Numbers of pCPUs."},
    {"topology", 0, CLI_VALUE, OPT_TOPOLOGY, "S:C:T,...",
     "Sockets, cores, threads."},
    {"seed", 's', CLI_VALUE, OPT_SEED, "N,...", "Seeds."},
    {"duration", 'd', CLI_VALUE, OPT_DURATION, "TIME", "Virtual time to run."},
    {"call", 0, CLI_VALUE, OPT_CALL, "TIME,...", "What a hypercall costs."},
    {"switch", 0, CLI_VALUE, OPT_SWITCH, "TIME,...", "What a switch costs."},
    {"kick", 0, CLI_VALUE, OPT_KICK, "TIME,...", "How long a kick takes."},
    {"svg", 0, CLI_VALUE, OPT_SVG, "FILE", "Draw the comparison there too."},
    {"title", 0, CLI_VALUE, OPT_TITLE, "TEXT", "What the picture is called."},
    {"json", 0, CLI_FLAG, OPT_JSON, NULL, "Print all figures as JSON."},
    {"csv", 0, CLI_FLAG, OPT_CSV, NULL, "Print all figures as CSV."},
    {"quiet", 'q', CLI_FLAG, OPT_QUIET, NULL, "No progress, no warnings."},
    {"help", 'h', CLI_FLAG, OPT_HELP, NULL, "Print this and end."},
    {NULL, 0, CLI_FLAG, 0, NULL, NULL},
};

static const struct cli_part parts[] = {
    {"Examples of lab compare",
     "  schedop lab compare labs/realtime.lab --sched credit2,rtds\n"
     "  schedop lab compare labs/noisy.lab --set hog.cap=0,50 --svg noisy.svg\n"
     "  schedop lab compare labs/fair.lab --pcpus 1,2,4 --switch 0ns,10us\n"
     "  schedop lab compare before.lab after.lab --csv",
     NULL, true},
    {NULL, NULL, NULL, false},
};

static const char *const synopsis[] = {"[options] FILE...", NULL};

/* One thing that varies: files, or an option's values. */
struct axis {
    int id; /* OPT_*; 0: files */
    const char *name;
    char *prefix; /* of --set: "hog.cap=" */
    char **value;
    size_t count;
};

struct compare {
    struct axis axis[AXES_MAX];
    size_t nr_axes;
    const char *svg, *title;
    bool json, csv, quiet, help;
    uint64_t duration_ns;

    const struct lab_results *s[VARIANTS_MAX];
    const char *label[VARIANTS_MAX];
    size_t count;
    int status;
};

/* ---- options ---- */

static void add_value(struct axis *x, const char *value, size_t len)
{
    x->value = cli_grow(x->value, x->count + 1, sizeof(*x->value));
    x->value[x->count++] = cli_format("%.*s", (int)len, value);
}

static int add_axis(struct compare *c, int id, const char *name,
                    const char *values)
{
    struct axis *x = &c->axis[c->nr_axes];
    const char *equals = id == OPT_SET ? strchr(values, '=') : NULL;

    if (c->nr_axes == AXES_MAX) {
        cli_error("too many options to compare by");
        return CLI_USAGE;
    }
    c->nr_axes++;
    x->id = id;
    x->name = name;
    if (equals != NULL) {
        x->prefix = cli_format("%.*s", (int)(equals + 1 - values), values);
        values = equals + 1;
    }
    for (;;) {
        size_t len = strcspn(values, ",");

        add_value(x, values, len);
        if (values[len] == '\0') {
            return 0;
        }
        values += len + 1;
    }
}

static int handle(void *ctx, int id, const char *value)
{
    struct compare *c = ctx;

    switch (id) {
    case CLI_OPERAND:
    case CLI_REST:
        add_value(&c->axis[0], value, strlen(value));
        return 0;
    case OPT_DURATION:
        return lab_option_time("duration", value, &c->duration_ns) ? 0
                                                                   : CLI_USAGE;
    case OPT_SVG:
        c->svg = value;
        return 0;
    case OPT_TITLE:
        c->title = value;
        return 0;
    case OPT_JSON:
        c->json = true;
        return 0;
    case OPT_CSV:
        c->csv = true;
        return 0;
    case OPT_QUIET:
        c->quiet = true;
        cli_message_quiet(true);
        return 0;
    case OPT_HELP:
        c->help = true;
        return 0;
    default:
        for (const struct cli_option *o = options; o->name; o++) {
            if (o->id == id) {
                return add_axis(c, id, o->name, value);
            }
        }
        return CLI_USAGE;
    }
}

/* ---- one variant ---- */

static bool take_number(const struct axis *x, const char *value, uint64_t max,
                        uint64_t *n)
{
    if (cli_number(value, max, n)) {
        return true;
    }
    cli_error("--%s: '%s' is no number up to %llu", x->name, value,
              (unsigned long long)max);
    return false;
}

static bool apply(const struct axis *x, const char *value,
                  struct lab_options *o, struct lab_workload *w)
{
    char error[LAB_ERROR_MAX], *whole;
    uint64_t n = 0;
    bool ok;

    switch (x->id) {
    case OPT_PCPUS:
        ok = take_number(x, value, SOP_PCPUS_MAX, &n);
        o->pcpus = (unsigned)n;
        return ok;
    case OPT_TOPOLOGY:
        ok = lab_topology(value, o);
        break;
    case OPT_SCHED:
        o->sched = value;
        ok = lab_policy(value) != NULL;
        break;
    case OPT_SEED:
        o->seed_given = true;
        return take_number(x, value, UINT64_MAX, &o->seed);
    case OPT_CALL:
        o->call_given = true;
        return lab_option_time(x->name, value, &o->call_ns);
    case OPT_SWITCH:
        o->switch_given = true;
        return lab_option_time(x->name, value, &o->switch_ns);
    case OPT_KICK:
        o->kick_given = true;
        return lab_option_time(x->name, value, &o->kick_ns);
    default:
        whole = cli_format("%s%s", x->prefix != NULL ? x->prefix : "", value);
        ok = lab_set(w, whole, error, sizeof(error));
        free(whole);
        if (!ok) {
            cli_error("--set: %s", error);
        }
        return ok;
    }
    if (!ok) {
        cli_error("--%s: '%s' is none", x->name, value);
    }
    return ok;
}

/* What tells this variant from the others: "credit2, hog.cap=50". */
static char *label_of(const struct compare *c, const size_t *at)
{
    struct cli_text t = {0};

    for (size_t i = 0; i < c->nr_axes; i++) {
        const struct axis *x = &c->axis[i];
        const char *value = x->value[at[i]];

        if (x->count < 2) {
            continue;
        }
        cli_text_str(&t, t.len != 0 ? ", " : "");
        if (x->id == 0) {
            const char *slash = strrchr(value, '/');

            cli_text_str(&t, slash != NULL ? slash + 1 : value);
        } else if (x->id == OPT_SCHED) {
            cli_text_str(&t, value);
        } else if (x->id == OPT_SET) {
            cli_text_printf(&t, "%s%s", x->prefix != NULL ? x->prefix : "",
                            value);
        } else {
            cli_text_printf(&t, "%s %s", x->name, value);
        }
    }
    return t.data != NULL ? t.data : cli_strdup("the run");
}

static int run_one(struct compare *c, const size_t *at)
{
    struct lab_drive d = {.quiet = c->quiet};
    char error[LAB_ERROR_MAX];
    struct lab_workload *w =
        lab_load(c->axis[0].value[at[0]], error, sizeof(error));
    struct lab_results *s;

    if (w == NULL) {
        cli_error("%s", error);
        return CLI_USAGE;
    }
    d.options.duration_ns = c->duration_ns;
    for (size_t i = 1; i < c->nr_axes; i++) {
        if (!apply(&c->axis[i], c->axis[i].value[at[i]], &d.options, w)) {
            lab_free(w);
            return CLI_USAGE;
        }
    }
    c->label[c->count] = label_of(c, at);
    d.label = c->label[c->count];
    s = lab_drive(w, &d);
    c->s[c->count++] = s;
    lab_free(w);
    if (s == NULL) {
        return CLI_ERROR;
    }
    if (d.end != SIM_DONE || *s->why != '\0') {
        c->status = CLI_ERROR;
    }
    return 0;
}

/* All combinations, the last option varying fastest. */
static int run_all(struct compare *c)
{
    size_t at[AXES_MAX] = {0}, total = 1, i;

    for (i = 0; i < c->nr_axes; i++) {
        total *= c->axis[i].count;
        if (total > VARIANTS_MAX) {
            cli_error("more than %u combinations to compare", VARIANTS_MAX);
            return CLI_USAGE;
        }
    }
    for (;;) {
        int rc = run_one(c, at);

        if (rc != 0) {
            return rc;
        }
        for (i = c->nr_axes; i > 0; i--) {
            if (++at[i - 1] < c->axis[i - 1].count) {
                break;
            }
            at[i - 1] = 0;
        }
        if (i == 0) {
            return 0;
        }
    }
}

/* ---- output ---- */

static bool write_file(const char *path, struct cli_text *t)
{
    FILE *f = fopen(path, "wb");
    bool ok = f != NULL && fwrite(t->data, 1, t->len, f) == t->len;

    if (f != NULL && fclose(f) != 0) {
        ok = false;
    }
    if (!ok) {
        cli_error("cannot write %s: %s", path, strerror(errno));
    }
    cli_text_free(t);
    return ok;
}

static int output(struct compare *c)
{
    struct lab_variants v = {c->s, c->label, c->count,
                             c->title != NULL ? c->title : c->s[0]->workload};
    struct cli_text t = {0};

    if (c->svg != NULL) {
        lab_svg(&t, &v);
        if (!write_file(c->svg, &t)) {
            return CLI_ERROR;
        }
    }
    if (c->json) {
        lab_json(&t, c->s, c->label, c->count);
    } else if (c->csv) {
        lab_csv(&t, c->s, c->label, c->count);
    } else {
        lab_bars(&t, &v);
    }
    return cli_text_print(&t, STDOUT_FILENO) ? c->status : CLI_ERROR;
}

static void compare_free(struct compare *c)
{
    for (size_t i = 0; i < c->nr_axes; i++) {
        for (size_t k = 0; k < c->axis[i].count; k++) {
            free(c->axis[i].value[k]);
        }
        free(c->axis[i].value);
        free(c->axis[i].prefix);
    }
    for (size_t i = 0; i < c->count; i++) {
        lab_results_free((struct lab_results *)(uintptr_t)c->s[i]);
        free((char *)(uintptr_t)c->label[i]);
    }
}

static int lab_compare_main(const struct cli_command *self, int argc,
                            char **argv)
{
    struct compare c = {.nr_axes = 1};
    struct cli_text t = {0};
    int status = cli_options_parse(self, argc, argv, handle, &c);

    if (status == 0 && c.help) {
        cli_help(&t, self);
        status = cli_text_print(&t, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
    } else if (status == 0 && c.axis[0].count == 0) {
        cli_error("which workload? schedop lab compare FILE --sched "
                  "credit2,rtds");
        status = CLI_USAGE;
    } else if (status == 0) {
        status = run_all(&c);
        status = status == 0 ? output(&c) : status;
    }
    compare_free(&c);
    return status;
}

const struct cli_command cli_lab_compare_command = {
    .name = "lab compare",
    .summary = "run it under several policies or knobs, side by side",
    .synopsis = synopsis,
    .description =
        "Runs a workload several times, each time with another policy, knob or "
        "machine, and draws the results side by side: for each domain a bar "
        "of its share, the ideal, latencies and missed periods.",
    .options = options,
    .parts = parts,
    .main = lab_compare_main,
};
