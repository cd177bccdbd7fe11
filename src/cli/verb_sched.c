/* SPDX-License-Identifier: MIT */
/* Knobs of the policies: `sched-credit2` and `sched-rtds`, as xl has them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "verb.h"
#include "verb_sched.h"

enum {
    OPT_DOMAIN = 1,
    OPT_WEIGHT,
    OPT_CAP,
    OPT_POOL,
    OPT_SCHEDULE,
    OPT_RATELIMIT,
};

enum { WEIGHT_MAX = 65535, RATELIMIT_MIN_US = 100, RATELIMIT_MAX_US = 500000 };

static const struct cli_option credit2_options[] = {
    {"domain", 'd', CLI_VALUE, OPT_DOMAIN, "DOMAIN", "The domain."},
    {"weight", 'w', CLI_VALUE, OPT_WEIGHT, "N", "Its weight, 1 to 65535."},
    {"cap", 'c', CLI_VALUE, OPT_CAP, "PERCENT",
     "Its cap in per cent of one pCPU, 0 for none."},
    {"cpupool", 'p', CLI_VALUE, OPT_POOL, "POOL",
     "Domains of this cpupool alone."},
    {"schedparam", 's', CLI_FLAG, OPT_SCHEDULE, NULL,
     "About the cpupool's scheduler (Pool-0's without -p)."},
    {"ratelimit_us", 'r', CLI_VALUE, OPT_RATELIMIT, "US",
     "With -s: how long a vCPU runs at least, in microseconds."},
    VERB_OPTIONS,
};

static const char *const credit2_synopsis[] = {"[-d DOMAIN [-w WEIGHT|-c CAP]]",
                                               "[-p POOL]",
                                               "-s [-r US] [-p POOL]", NULL};

static int credit2_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_sched_credit2_command = {
    .name = "sched-credit2",
    .summary = "get or set credit2 scheduler parameters",
    .synopsis = credit2_synopsis,
    .description = "Prints or sets the knobs of domains in cpupools whose "
                   "scheduler is credit2.",
    .options = credit2_options,
    .parts = verb_no_parts,
    .main = credit2_main,
};

/* The policy of the domain's cpupool; to be freed. */
static char *policy_of(struct control *c, const json_t *domain)
{
    json_t *pools = verb_pools(c);
    const json_t *pool;
    char *sched = NULL;
    size_t i;

    json_array_foreach(pools, i, pool)
    {
        if (sched == NULL && strcmp(verb_string(pool, "name"),
                                    verb_string(domain, "pool")) == 0) {
            sched = cli_strdup(verb_string(pool, "sched"));
        }
    }
    json_decref(pools);
    return sched;
}

json_t *sched_knobs(struct control *c, const json_t *domain)
{
    char *sched = policy_of(c, domain);
    json_t *knobs = NULL;

    if (sched != NULL &&
        (strcmp(sched, "credit2") == 0 || strcmp(sched, "rtds") == 0)) {
        char *request = cli_format("sched-%s", sched);

        knobs = control_do(
            c, request, json_pack("{s:I}", "domid", verb_int(domain, "domid")),
            NULL);
        free(request);
    } else if (sched != NULL) {
        knobs = json_object(); /* it has none */
    }
    if (knobs != NULL) {
        json_object_set_new(knobs, "sched", json_string(sched));
    }
    free(sched);
    return knobs;
}

/* ---- printing ---- */

static int print_ratelimit(struct control *c, struct cli_text *t,
                           const json_t *pool)
{
    json_t *k =
        control_do(c, "sched-credit2-pool",
                   json_pack("{s:I}", "pool", verb_int(pool, "pool")), NULL);

    if (k != NULL) {
        cli_text_printf(t, "Cpupool %s: ratelimit=%lldus\n",
                        verb_string(pool, "name"),
                        (long long)verb_int(k, "ratelimit_us"));
    }
    json_decref(k);
    return k != NULL ? 0 : -1;
}

void sched_say_other(const char *has, const char *wanted)
{
    cli_error("libxl_domain_sched_params_get returned %s not %s.", has, wanted);
    if (strcmp(has, "null") == 0) {
        cli_error("null has no knobs.");
    } else {
        cli_error("The knobs of %s are those of sched-%s.", has, has);
    }
}

static void add_header(struct cli_text *t)
{
    cli_text_printf(t, "%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
}

static int add_domain(struct control *c, struct cli_text *t, const json_t *d)
{
    json_t *k = sched_knobs(c, d);
    int rc = -1;

    if (k != NULL && strcmp(verb_string(k, "sched"), "credit2") != 0) {
        sched_say_other(verb_string(k, "sched"), "credit2");
    } else if (k != NULL) {
        cli_text_printf(t, "%-33s %4d %6d %4d\n", verb_string(d, "name"),
                        (int)verb_int(d, "domid"), (int)verb_int(k, "weight"),
                        (int)verb_int(k, "cap"));
        rc = 0;
    }
    json_decref(k);
    return rc;
}

static int add_pool(struct control *c, struct cli_text *t, const json_t *pool,
                    const json_t *domains)
{
    const json_t *d;
    size_t i;

    if (print_ratelimit(c, t, pool) != 0) {
        return -1;
    }
    add_header(t);
    json_array_foreach(domains, i, d)
    {
        if (strcmp(verb_string(d, "pool"), verb_string(pool, "name")) == 0 &&
            add_domain(c, t, d) != 0) {
            return -1;
        }
    }
    return 0;
}

static int print_pools(struct control *c, const char *only)
{
    json_t *pools = verb_pools(c), *domains = NULL, *pool;
    struct cli_text t = {0};
    int rc = -1;
    size_t i;

    if (pools != NULL && (only == NULL || verb_pool(pools, only) != NULL)) {
        domains = verb_domains(c);
        rc = domains != NULL ? 0 : -1;
    }
    for (i = 0; rc == 0 && i < json_array_size(pools); i++) {
        pool = json_array_get(pools, i);
        if (strcmp(verb_string(pool, "sched"), "credit2") == 0 &&
            (only == NULL || pool == verb_pool(pools, only))) {
            rc = add_pool(c, &t, pool, domains);
        }
    }
    json_decref(domains);
    json_decref(pools);
    return cli_text_print(&t, STDOUT_FILENO) && rc == 0 ? CLI_OK : CLI_ERROR;
}

/* ---- setting ---- */

/* 0, or -1 after xl's message. */
static int check_range(const json_t *domain, const char *what, uint64_t n)
{
    int domid = (int)verb_int(domain, "domid");
    unsigned cap_max = (unsigned)verb_int(domain, "vcpus") * 100;

    if (strcmp(what, "weight") == 0 && (n < 1 || n > WEIGHT_MAX)) {
        cli_error("Domain %d:Cpu weight out of range, valid values are within "
                  "range from 1 to %d",
                  domid, WEIGHT_MAX);
        return -1;
    }
    if (strcmp(what, "cap") == 0 && n > cap_max) {
        cli_error("Domain %d:Cpu cap out of range, valid range is from 0 to %u "
                  "for specified number of vcpus",
                  domid, cap_max);
        return -1;
    }
    return 0;
}

static int add_set(json_t *set, const json_t *domain, const char *what,
                   const char *word)
{
    uint64_t n;

    if (word == NULL) {
        return 0;
    }
    if (!cli_number(word, UINT32_MAX, &n)) {
        cli_error("%s: must be a number", word);
        return -1;
    }
    json_object_set_new(set, what, json_integer((json_int_t)n));
    return check_range(domain, what, n);
}

/* Both knobs are set at a time: what is not in `set` stays as it is. */
static json_t *set_both(struct control *c, const json_t *domain,
                        const json_t *set, char **error)
{
    json_t *args = control_do(
        c, "sched-credit2",
        json_pack("{s:I}", "domid", verb_int(domain, "domid")), error);

    if (args == NULL) {
        return NULL;
    }
    json_object_update(args, (json_t *)(uintptr_t)set);
    json_object_set(args, "domid", json_object_get(domain, "domid"));
    return control_do(c, "sched-credit2", args, error);
}

static int credit2_domain(struct control *c, const struct verb_args *a)
{
    json_t *domain = verb_domain(c, a->value[OPT_DOMAIN]), *answer = NULL;
    json_t *set = json_object();
    struct cli_text t = {0};
    char *error = NULL;
    int rc = CLI_ERROR;

    if (domain != NULL &&
        (add_set(set, domain, "weight", a->value[OPT_WEIGHT]) != 0 ||
         add_set(set, domain, "cap", a->value[OPT_CAP]) != 0)) {
        cli_error("libxl_domain_sched_params_set failed.");
    } else if (domain != NULL && json_object_size(set) == 0) {
        add_header(&t);
        rc = add_domain(c, &t, domain) == 0 ? CLI_OK : CLI_ERROR;
        rc = cli_text_print(&t, STDOUT_FILENO) ? rc : CLI_ERROR;
    } else if (domain != NULL) {
        answer = set_both(c, domain, set, &error);
        rc = answer != NULL ? CLI_OK : CLI_ERROR;
        if (error != NULL) {
            cli_error("%s", error);
            cli_error("libxl_domain_sched_params_set failed.");
        }
    }
    free(error);
    json_decref(set);
    json_decref(answer);
    json_decref(domain);
    return rc;
}

static int credit2_schedule(struct control *c, const struct verb_args *a)
{
    const char *name =
        a->value[OPT_POOL] != NULL ? a->value[OPT_POOL] : "Pool-0";
    const char *word = a->value[OPT_RATELIMIT];
    json_t *pools = verb_pools(c), *pool = verb_pool(pools, name);
    struct cli_text t = {0};
    uint64_t us = 0;
    int rc = CLI_ERROR;

    if (pool != NULL && word == NULL) {
        rc = print_ratelimit(c, &t, pool) == 0 ? CLI_OK : CLI_ERROR;
        rc = cli_text_print(&t, STDOUT_FILENO) ? rc : CLI_ERROR;
    } else if (pool != NULL && (!cli_number(word, UINT32_MAX, &us) ||
                                (us != 0 && (us < RATELIMIT_MIN_US ||
                                             us > RATELIMIT_MAX_US)))) {
        cli_error("Ratelimit out of range, valid range is from %d to %d",
                  RATELIMIT_MIN_US, RATELIMIT_MAX_US);
    } else if (pool != NULL &&
               verb_request(c, "sched-credit2-pool",
                            json_pack("{s:I, s:I}", "pool",
                                      verb_int(pool, "pool"), "ratelimit_us",
                                      (json_int_t)us),
                            "sched-credit2") == 0) {
        rc = CLI_OK;
    }
    json_decref(pools);
    return rc;
}

static int credit2(struct control *c, const struct verb_args *a)
{
    bool domain = a->value[OPT_DOMAIN] != NULL;
    bool knobs = a->value[OPT_WEIGHT] != NULL || a->value[OPT_CAP] != NULL;

    if (a->value[OPT_POOL] != NULL && (domain || knobs)) {
        cli_error("Specifying a cpupool is not allowed with other options.");
        return CLI_ERROR;
    }
    if (!domain && knobs) {
        cli_error("Must specify a domain.");
        return CLI_ERROR;
    }
    if (a->count[OPT_SCHEDULE] == 0 && a->value[OPT_RATELIMIT] != NULL) {
        cli_error("Must specify schedparam to set schedule parameter values.");
        return CLI_ERROR;
    }
    if (a->count[OPT_SCHEDULE] != 0) {
        return credit2_schedule(c, a);
    }
    return domain ? credit2_domain(c, a) : print_pools(c, a->value[OPT_POOL]);
}

static int credit2_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 0, SIZE_MAX, &a, &c);

    return rc >= 0 ? rc : verb_end(&a, &c, credit2(&c, &a));
}
