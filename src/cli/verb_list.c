/* SPDX-License-Identifier: MIT */
/*
 * What domains there are: `list` and `vcpu-list` in xl's columns. There is no
 * domain 0 here, so none is shown.
 */
#include <stdint.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xen/domctl.h>
#include <xen/sched.h>

#include "commands.h"
#include "verb.h"
#include "verb_sched.h"

/* ---- list ---- */

enum { OPT_LONG = 1, OPT_VERBOSE, OPT_CONTEXT, OPT_POOL, OPT_NUMA };

static const struct cli_option list_options[] = {
    {"long", 'l', CLI_FLAG, OPT_LONG, NULL, "Print configurations as JSON."},
    {"verbose", 'v', CLI_FLAG, OPT_VERBOSE, NULL,
     "Print UUIDs, reasons of shutdown and security labels."},
    {"context", 'Z', CLI_FLAG, OPT_CONTEXT, NULL, "Print security labels."},
    {"cpupool", 'c', CLI_FLAG, OPT_POOL, NULL, "Print cpupools."},
    {"numa", 'n', CLI_FLAG, OPT_NUMA, NULL, "Print NUMA node affinities."},
    VERB_OPTIONS,
};

static const struct cli_item states[] = {
    {"r", "running"},
    {"b", "blocked: waits for an event"},
    {"p", "paused"},
    {"s", "shut down"},
    {"c", "behind s the reason: - poweroff, r reboot, s suspend, c crash, w "
          "watchdog, S soft_reset, ? another"},
    {"d", "dying: being destroyed"},
    {NULL, NULL},
};

static const struct cli_part list_parts[] = {
    {"States", NULL, states, true},
    {NULL, NULL, NULL, false},
};

static const char *const list_synopsis[] = {"[options] [DOMAIN]", NULL};

static int list_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_list_command = {
    .name = "list",
    .summary = "list information about all or some domains",
    .synopsis = list_synopsis,
    .description = "Lists the domains of a host: name, id, memory in MiB, "
                   "vCPUs that are up, state, and the time they ran.",
    .options = list_options,
    .parts = list_parts,
    .main = list_main,
};

static unsigned reason_of(unsigned flags)
{
    return flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

/* As xl: '-' for poweroff. */
static char reason_letter(unsigned reason)
{
    static const char letters[] = "-rscwS";

    return reason < sizeof(letters) - 1 ? letters[reason] : '?';
}

static void add_state(struct cli_text *t, unsigned flags)
{
    bool shutdown = (flags & XEN_DOMINF_shutdown) != 0;

    cli_text_printf(
        t, "%c%c%c%c%c%c", (flags & XEN_DOMINF_running) != 0 ? 'r' : '-',
        (flags & XEN_DOMINF_blocked) != 0 ? 'b' : '-',
        (flags & XEN_DOMINF_paused) != 0 ? 'p' : '-', shutdown ? 's' : '-',
        shutdown ? reason_letter(reason_of(flags)) : '-',
        (flags & XEN_DOMINF_dying) != 0 ? 'd' : '-');
}

static void add_row(struct cli_text *t, const struct verb_args *a,
                    const json_t *d)
{
    unsigned flags = (unsigned)verb_int(d, "flags");

    cli_text_printf(t, "%-40s %5d %5lld %5d     ", verb_string(d, "name"),
                    (int)verb_int(d, "domid"),
                    (long long)verb_int(d, "memory_kib") / 1024,
                    (int)verb_int(d, "online"));
    add_state(t, flags);
    cli_text_printf(t, "  %8.1f", (double)verb_int(d, "cpu_ns") / 1e9);
    if (a->count[OPT_VERBOSE] != 0) {
        cli_text_printf(t, " %s", verb_string(d, "uuid"));
        if ((flags & XEN_DOMINF_shutdown) != 0) {
            cli_text_printf(t, " %8x", reason_of(flags));
        } else {
            cli_text_printf(t, " %8s", "-");
        }
    }
    if (a->count[OPT_VERBOSE] + a->count[OPT_CONTEXT] != 0) {
        cli_text_printf(t, " %16s", "-");
    }
    if (a->count[OPT_POOL] != 0) {
        cli_text_printf(t, "%16s", verb_string(d, "pool"));
    }
    if (a->count[OPT_NUMA] != 0) {
        cli_text_str(t, " all");
    }
    cli_text_str(t, "\n");
}

static void add_table(struct cli_text *t, const struct verb_args *a,
                      const json_t *rows)
{
    const json_t *d;
    size_t i;

    cli_text_str(t, "Name                                        ID   Mem VCPUs"
                    "\tState\tTime(s)");
    if (a->count[OPT_VERBOSE] != 0) {
        cli_text_str(t, "   UUID                            Reason-Code"
                        "\tSecurity Label");
    } else if (a->count[OPT_CONTEXT] != 0) {
        cli_text_str(t, "   Security Label");
    }
    if (a->count[OPT_POOL] != 0) {
        cli_text_str(t, "         Cpupool");
    }
    if (a->count[OPT_NUMA] != 0) {
        cli_text_str(t, " NODE Affinity");
    }
    cli_text_str(t, "\n");
    json_array_foreach(rows, i, d)
    {
        add_row(t, a, d);
    }
}

/* What may have changed since the domain was created. */
static void refresh_memory(struct control *c, const json_t *d, json_t *b_info,
                           const char *key, const char *node)
{
    int64_t kib = verb_memory(c, (int)verb_int(d, "domid"), node);

    if (kib >= 0) {
        json_object_set_new(b_info, key, json_integer(kib));
    }
}

static void refresh(struct control *c, const json_t *d, json_t *config)
{
    json_t *info = json_object_get(config, "c_info");
    json_t *b_info = json_object_get(config, "b_info");
    json_t *knobs = sched_knobs(c, d);

    json_object_set_new(info, "name", json_string(verb_string(d, "name")));
    json_object_set_new(info, "uuid", json_string(verb_string(d, "uuid")));
    json_object_set_new(info, "pool_name", json_string(verb_string(d, "pool")));
    if (knobs != NULL) {
        json_object_set(b_info, "sched_params", knobs);
    }
    json_decref(knobs);
    refresh_memory(c, d, b_info, "max_memkb", "static-max");
    refresh_memory(c, d, b_info, "target_memkb", "target");
}

static void add_long(struct control *c, struct cli_text *t, const json_t *rows)
{
    json_t *list = json_array();
    const json_t *d;
    char *text;
    size_t i;

    json_array_foreach(rows, i, d)
    {
        json_t *config = json_deep_copy(json_object_get(d, "config"));

        if (config != NULL) {
            refresh(c, d, config);
        }
        json_array_append_new(
            list, json_pack("{s:I, s:o}", "domid", verb_int(d, "domid"),
                            "config", config != NULL ? config : json_object()));
    }
    text = json_dumps(list, JSON_INDENT(4));
    cli_text_printf(t, "%s\n", text != NULL ? text : "[]");
    free(text);
    json_decref(list);
}

static int list_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    struct cli_text t = {0};
    json_t *rows;
    int rc = verb_begin(self, argc, argv, 0, SIZE_MAX, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    if (a.nr_operands > 1) { /* xl's usage and status */
        cli_help(&t, self);
        (void)cli_text_print(&t, STDOUT_FILENO);
        return verb_end(&a, &c, CLI_ERROR);
    }
    rows = verb_domains(&c);
    if (rows != NULL && a.nr_operands == 1) {
        json_t *d = verb_lookup(rows, a.operand[0]);
        json_t *one = d != NULL ? json_pack("[O]", d) : NULL;

        if (d == NULL &&
            strspn(a.operand[0], "0123456789") == strlen(a.operand[0])) {
            cli_error("Error: Domain '%s' does not exist.", a.operand[0]);
        } else if (d == NULL) {
            cli_error("%s is an invalid domain identifier (rc=-6)",
                      a.operand[0]);
        }
        json_decref(rows);
        rows = one;
    }
    if (rows != NULL && a.count[OPT_LONG] != 0) {
        add_long(&c, &t, rows);
    } else if (rows != NULL) {
        add_table(&t, &a, rows);
    }
    rc = rows != NULL && cli_text_print(&t, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
    json_decref(rows);
    return verb_end(&a, &c, rc);
}

/* ---- vcpu-list ---- */

static const char *const vcpu_list_synopsis[] = {"[DOMAIN...]", NULL};

static int vcpu_list_main(const struct cli_command *self, int argc,
                          char **argv);

const struct cli_command cli_vcpu_list_command = {
    .name = "vcpu-list",
    .summary = "list the vCPUs of all or some domains",
    .synopsis = vcpu_list_synopsis,
    .description = "Lists vCPUs: the pCPU each ran on last, its state "
                   "(r: running, b: blocked, p: down), the time it ran, and "
                   "its affinities.",
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = vcpu_list_main,
};

static void add_vcpu(struct cli_text *t, const json_t *d, const json_t *v,
                     unsigned pcpus)
{
    char *hard = verb_map((uint64_t)verb_int(v, "hard"), pcpus);
    char *soft = verb_map((uint64_t)verb_int(v, "soft"), pcpus);

    cli_text_printf(t, "%-32s %5d %5d", verb_string(d, "name"),
                    (int)verb_int(d, "domid"), (int)verb_int(v, "vcpu"));
    if (verb_int(v, "online") == 0) {
        cli_text_printf(t, "%5c %3c%cp ", '-', '-', '-');
    } else {
        cli_text_printf(t, "%5d %3c%c- ", (int)verb_int(v, "pcpu"),
                        verb_int(v, "running") != 0 ? 'r' : '-',
                        verb_int(v, "blocked") != 0 ? 'b' : '-');
    }
    cli_text_printf(t, "%9.1f  %s / %s\n", (double)verb_int(v, "cpu_ns") / 1e9,
                    hard, soft);
    free(hard);
    free(soft);
}

static void add_vcpus(struct cli_text *t, const json_t *d, const json_t *vcpus,
                      unsigned pcpus)
{
    const json_t *v;
    size_t i;

    json_array_foreach(vcpus, i, v)
    {
        if (verb_int(v, "domid") == verb_int(d, "domid")) {
            add_vcpu(t, d, v, pcpus);
        }
    }
}

static int vcpu_list(const struct verb_args *a, json_t *domains,
                     const json_t *vcpus, unsigned pcpus)
{
    struct cli_text t = {0};
    const json_t *d;
    int rc = CLI_OK;
    size_t i;

    cli_text_printf(&t, "%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU",
                    "CPU", "State", "Time(s)", "Affinity (Hard / Soft)");
    if (a->nr_operands == 0) {
        json_array_foreach(domains, i, d)
        {
            add_vcpus(&t, d, vcpus, pcpus);
        }
    }
    for (i = 0; i < a->nr_operands && rc == CLI_OK; i++) {
        d = verb_lookup(domains, a->operand[i]);
        if (d == NULL) {
            rc = CLI_ERROR;
        } else {
            add_vcpus(&t, d, vcpus, pcpus);
        }
    }
    if (!cli_text_print(&t, STDOUT_FILENO)) {
        return CLI_ERROR;
    }
    if (rc != CLI_OK) {
        cli_error("%s is an invalid domain identifier (rc=-6)",
                  a->operand[i - 1]);
    }
    return rc;
}

static int vcpu_list_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    json_t *domains, *vcpus = NULL, *machine = NULL;
    int rc = verb_begin(self, argc, argv, 0, SIZE_MAX, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    rc = CLI_ERROR;
    domains = verb_domains(&c);
    if (domains != NULL && (vcpus = control_do(&c, "vcpus", NULL, NULL)) &&
        (machine = control_do(&c, "machine", NULL, NULL))) {
        rc = vcpu_list(&a, domains, json_object_get(vcpus, "rows"),
                       (unsigned)verb_int(machine, "pcpus"));
    }
    json_decref(machine);
    json_decref(vcpus);
    json_decref(domains);
    return verb_end(&a, &c, rc);
}
