/* SPDX-License-Identifier: MIT */
/* Knobs of rtds: `sched-rtds`, as xl has it. Times in microseconds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "verb.h"
#include "verb_sched.h"

enum {
    OPT_DOMAIN = 1,
    OPT_VCPU,
    OPT_PERIOD,
    OPT_BUDGET,
    OPT_EXTRATIME,
    OPT_POOL,
};

static const struct cli_option options[] = {
    {"domain", 'd', CLI_VALUE, OPT_DOMAIN, "DOMAIN", "The domain."},
    {"vcpuid", 'v', CLI_VALUE, OPT_VCPU, "VCPU|all",
     "A vCPU of it, or all; repeatable, each with -p, -b and -e of its own."},
    {"period", 'p', CLI_VALUE, OPT_PERIOD, "US", "The period."},
    {"budget", 'b', CLI_VALUE, OPT_BUDGET, "US", "The budget in each period."},
    {"extratime", 'e', CLI_VALUE, OPT_EXTRATIME, "0|1",
     "May it use time that nobody reserved?"},
    {"cpupool", 'c', CLI_VALUE, OPT_POOL, "POOL",
     "Domains of this cpupool alone."},
    VERB_OPTIONS,
};

static const char *const synopsis[] = {
    "[-d DOMAIN [-v VCPU|all [-p PERIOD -b BUDGET -e 0|1]]...]", "[-c POOL]",
    NULL};

static int rtds_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_sched_rtds_command = {
    .name = "sched-rtds",
    .summary = "get or set rtds scheduler parameters",
    .synopsis = synopsis,
    .description = "Prints or sets the knobs of vCPUs in cpupools whose "
                   "scheduler is rtds.",
    .options = options,
    .parts = verb_no_parts,
    .main = rtds_main,
};

/* ---- printing ---- */

static void add_header(struct cli_text *t, bool vcpus)
{
    cli_text_printf(t, "%-33s %4s", "Name", "ID");
    cli_text_str(t, vcpus ? " VCPU" : "");
    cli_text_printf(t, " %9s %9s %10s\n", "Period", "Budget", "Extratime");
}

static void add_row(struct cli_text *t, const json_t *d, const json_t *k)
{
    cli_text_printf(t, "%-33s %4d", verb_string(d, "name"),
                    (int)verb_int(d, "domid"));
    if (json_object_get(k, "vcpu") != NULL) {
        cli_text_printf(t, " %4d", (int)verb_int(k, "vcpu"));
    }
    cli_text_printf(t, " %9lld %9lld %10s\n", (long long)verb_int(k, "period"),
                    (long long)verb_int(k, "budget"),
                    verb_int(k, "extratime") != 0 ? "yes" : "no");
}

static int add_domain(struct control *c, struct cli_text *t, const json_t *d)
{
    json_t *k = sched_knobs(c, d);
    int rc = -1;

    if (k != NULL && strcmp(verb_string(k, "sched"), "rtds") != 0) {
        sched_say_other(verb_string(k, "sched"), "rtds");
    } else if (k != NULL) {
        add_row(t, d, k);
        rc = 0;
    }
    json_decref(k);
    return rc;
}

static int print_pools(struct control *c, const char *only)
{
    json_t *pools = verb_pools(c), *domains = verb_domains(c), *pool, *d;
    struct cli_text t = {0};
    int rc = pools != NULL && domains != NULL ? 0 : -1;
    size_t i, j;

    if (rc == 0 && only != NULL && verb_pool(pools, only) == NULL) {
        rc = -1;
    }
    for (i = 0; rc == 0 && i < json_array_size(pools); i++) {
        pool = json_array_get(pools, i);
        if (strcmp(verb_string(pool, "sched"), "rtds") != 0 ||
            (only != NULL && pool != verb_pool(pools, only))) {
            continue;
        }
        cli_text_printf(&t, "Cpupool %s: sched=RTDS\n",
                        verb_string(pool, "name"));
        add_header(&t, false);
        json_array_foreach(domains, j, d)
        {
            if (strcmp(verb_string(d, "pool"), verb_string(pool, "name")) ==
                0) {
                rc |= add_domain(c, &t, d);
            }
        }
    }
    json_decref(domains);
    json_decref(pools);
    return cli_text_print(&t, STDOUT_FILENO) && rc == 0 ? CLI_OK : CLI_ERROR;
}

/* Asks for the knobs of a vCPU, after setting those in `set` (taken). */
static json_t *vcpu_knobs(struct control *c, const json_t *d, unsigned vcpu,
                          json_t *set)
{
    json_t *args = set != NULL ? set : json_object(), *answer;

    json_object_set(args, "domid", json_object_get(d, "domid"));
    json_object_set_new(args, "vcpu", json_integer(vcpu));
    answer = control_do(c, "sched-rtds", args, NULL);
    if (answer != NULL) {
        json_object_set_new(answer, "vcpu", json_integer(vcpu));
    }
    return answer;
}

/* The vCPUs from *first to *last that the word names; false after a message. */
static bool range_of(const json_t *d, const char *word, unsigned *first,
                     unsigned *last)
{
    unsigned nr = (unsigned)verb_int(d, "vcpus");
    uint64_t n = 0;

    *first = 0;
    *last = nr - 1;
    if (strcmp(word, "all") == 0) {
        return true;
    }
    if (!cli_number(word, nr - 1, &n)) {
        cli_error("%s is no vCPU of domain %d", word,
                  (int)verb_int(d, "domid"));
        return false;
    }
    *first = *last = (unsigned)n;
    return true;
}

static int print_vcpus(struct control *c, const json_t *d, const char *word)
{
    struct cli_text t = {0};
    unsigned first, last;
    int rc = range_of(d, word, &first, &last) ? CLI_OK : CLI_ERROR;

    for (unsigned n = first; rc == CLI_OK && n <= last; n++) {
        json_t *k = vcpu_knobs(c, d, n, NULL);

        if (k == NULL) {
            cli_error("libxl_vcpu_sched_params_get%s failed.",
                      first != last ? "_all" : "");
            rc = CLI_ERROR;
        } else {
            add_row(&t, d, k);
        }
        json_decref(k);
    }
    return cli_text_print(&t, STDOUT_FILENO) ? rc : CLI_ERROR;
}

/* ---- setting ---- */

/* What one -v and its -p, -b and -e say. */
struct group {
    const char *vcpu; /* its number, or "all" */
    const char *value[3];
};

static const char *const keys[3] = {"period", "budget", "extratime"};

static json_t *set_of(const struct group *g)
{
    json_t *set = json_object();

    for (int i = 0; i < 3; i++) {
        uint64_t n;

        if (!cli_number(g->value[i], UINT32_MAX, &n)) {
            cli_error("%s: must be a number", g->value[i]);
            json_decref(set);
            return NULL;
        }
        json_object_set_new(set, keys[i], json_integer((json_int_t)n));
    }
    return set;
}

static int set_group(struct control *c, const json_t *d, const struct group *g)
{
    unsigned first, last;
    int rc = range_of(d, g->vcpu, &first, &last) ? CLI_OK : CLI_ERROR;

    for (unsigned n = first; rc == CLI_OK && n <= last; n++) {
        json_t *set = set_of(g), *answer = NULL;

        if (set != NULL) {
            answer = vcpu_knobs(c, d, n, set);
        }
        rc = answer != NULL ? CLI_OK : CLI_ERROR;
        json_decref(answer);
    }
    if (rc != CLI_OK) {
        cli_error("libxl_vcpu_sched_params_set%s failed.",
                  strcmp(g->vcpu, "all") == 0 ? "_all" : "");
    }
    return rc;
}

static int set_groups(struct control *c, const struct verb_args *a,
                      const json_t *d)
{
    struct group g = {.vcpu = NULL};
    bool open = false;
    int rc = CLI_OK;

    for (size_t i = 0; i <= a->nr_given && rc == CLI_OK; i++) {
        int id = i < a->nr_given ? a->given[i].id : OPT_VCPU;

        if (id == OPT_VCPU && open) {
            rc = set_group(c, d, &g);
        }
        if (id == OPT_VCPU && i < a->nr_given) {
            open = true;
            g = (struct group){.vcpu = a->given[i].value};
            /* Its values may stand before it, when there is one -v. */
            for (int k = 0; k < 3; k++) {
                g.value[k] = a->value[OPT_PERIOD + k];
            }
        } else if (id >= OPT_PERIOD && id <= OPT_EXTRATIME && open) {
            g.value[id - OPT_PERIOD] = a->given[i].value;
        }
    }
    return rc;
}

static int rtds_domain(struct control *c, const struct verb_args *a)
{
    json_t *d = verb_domain(c, a->value[OPT_DOMAIN]);
    struct cli_text t = {0};
    bool sets =
        a->count[OPT_PERIOD] + a->count[OPT_BUDGET] + a->count[OPT_EXTRATIME] !=
        0;
    int rc = CLI_OK;

    if (d == NULL) {
        return CLI_ERROR;
    }
    if (sets) {
        rc = set_groups(c, a, d);
    } else {
        add_header(&t, a->count[OPT_VCPU] != 0);
        if (a->count[OPT_VCPU] == 0) {
            rc = add_domain(c, &t, d) == 0 ? CLI_OK : CLI_ERROR;
        }
        rc = cli_text_print(&t, STDOUT_FILENO) ? rc : CLI_ERROR;
        for (size_t i = 0; i < a->nr_given && rc == CLI_OK; i++) {
            if (a->given[i].id == OPT_VCPU) {
                rc = print_vcpus(c, d, a->given[i].value);
            }
        }
    }
    json_decref(d);
    return rc;
}

static int rtds(struct control *c, const struct verb_args *a)
{
    unsigned sets =
        a->count[OPT_PERIOD] + a->count[OPT_BUDGET] + a->count[OPT_EXTRATIME];
    const char *wrong = NULL;

    if (a->count[OPT_POOL] != 0 &&
        (a->count[OPT_DOMAIN] + a->count[OPT_VCPU] + sets) != 0) {
        wrong = "Specifying a cpupool is not allowed with other options.";
    } else if (a->count[OPT_DOMAIN] == 0 && a->count[OPT_VCPU] + sets != 0) {
        wrong = "Missing parameters.";
    } else if (sets != 0 && a->count[OPT_VCPU] == 0) {
        wrong = "Must specify VCPU.";
    } else if (sets != 0 && (a->count[OPT_PERIOD] != a->count[OPT_VCPU] ||
                             a->count[OPT_BUDGET] != a->count[OPT_VCPU] ||
                             a->count[OPT_EXTRATIME] != a->count[OPT_VCPU])) {
        wrong = "Incorrect number of period, budget and extratime";
    }
    if (wrong != NULL) {
        cli_error("%s", wrong);
        return CLI_ERROR;
    }
    return a->count[OPT_DOMAIN] != 0 ? rtds_domain(c, a)
                                     : print_pools(c, a->value[OPT_POOL]);
}

static int rtds_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 0, SIZE_MAX, &a, &c);

    return rc >= 0 ? rc : verb_end(&a, &c, rtds(&c, &a));
}
