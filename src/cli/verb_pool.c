/* SPDX-License-Identifier: MIT */
/* Cpupools of a host that runs: xl's `cpupool-` verbs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "cpulist.h"
#include "cpupool.h"
#include "verb.h"
#include "verb_sched.h"

#define VERB(id, verb, text, synopsis_, description_)                          \
    static int id##_main(const struct cli_command *self, int argc,             \
                         char **argv);                                         \
    static const char *const id##_synopsis[] = {(synopsis_), NULL};            \
    const struct cli_command cli_cpupool_##id##_command = {                    \
        .name = (verb),                                                        \
        .summary = (text),                                                     \
        .synopsis = id##_synopsis,                                             \
        .description = (description_),                                         \
        .options = id##_options,                                               \
        .parts = verb_no_parts,                                                \
        .main = id##_main,                                                     \
    }

enum { OPT_CPUS = 1, OPT_FILE, OPT_DRY };

static const struct cli_option list_options[] = {
    {"cpus", 'c', CLI_FLAG, OPT_CPUS, NULL, "Print the pCPUs of each."},
    VERB_OPTIONS,
};
static const struct cli_option create_options[] = {
    {"defconfig", 'f', CLI_VALUE, OPT_FILE, "FILE",
     "Use the given configuration file."},
    {"dryrun", 'n', CLI_FLAG, OPT_DRY, NULL, "Check it and create nothing."},
    VERB_OPTIONS,
};
static const struct cli_option destroy_options[] = {VERB_OPTIONS};
static const struct cli_option rename_options[] = {VERB_OPTIONS};
static const struct cli_option add_options[] = {VERB_OPTIONS};
static const struct cli_option remove_options[] = {VERB_OPTIONS};
static const struct cli_option migrate_options[] = {VERB_OPTIONS};

VERB(list, "cpupool-list", "list the cpupools of the host", "[-c] [POOL]",
     "Lists cpupools: pCPUs, scheduler, domains.");
VERB(create, "cpupool-create", "create a cpupool",
     "[-n] [-f FILE|FILE] [KEY=VALUE...]",
     "Creates a cpupool from a configuration: name, sched, cpus. Its pCPUs "
     "must be free: cpupool-cpu-remove makes them so.");
VERB(destroy, "cpupool-destroy", "deactivate a cpupool", "POOL",
     "Destroys a cpupool without domains; its pCPUs are free then.");
VERB(rename, "cpupool-rename", "rename a cpupool", "POOL NEW-NAME",
     "Gives a cpupool another name.");
VERB(add, "cpupool-cpu-add", "add pCPUs to a cpupool", "POOL PCPUS",
     "Adds free pCPUs, a list such as 1,3-4, to a cpupool.");
VERB(remove, "cpupool-cpu-remove", "remove pCPUs from a cpupool", "POOL PCPUS",
     "Removes pCPUs, a list such as 1,3-4, from a cpupool.");
VERB(migrate, "cpupool-migrate", "move a domain into a cpupool", "DOMAIN POOL",
     "Moves a domain into a cpupool; its affinities become all.");

/* ---- list ---- */

static void add_cpus(struct cli_text *t, uint64_t map)
{
    bool any = false;

    for (unsigned i = 0; i < 64; i++) {
        if ((map >> i & 1) != 0) {
            cli_text_printf(t, "%s%u", any ? "," : "", i);
            any = true;
        }
    }
}

static void add_pool(struct cli_text *t, const json_t *pool, bool cpus)
{
    uint64_t map = (uint64_t)verb_int(pool, "pcpus");

    cli_text_printf(t, "%-19s", verb_string(pool, "name"));
    if (cpus) {
        add_cpus(t, map);
        cli_text_str(t, "\n");
        return;
    }
    cli_text_printf(t, "%3d %9s       y       %4d\n", __builtin_popcountll(map),
                    verb_string(pool, "sched"), (int)verb_int(pool, "domains"));
}

static int list_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    struct cli_text t = {0};
    json_t *pools;
    const json_t *pool;
    bool cpus, found = false;
    size_t i;
    int rc = verb_begin(self, argc, argv, 0, SIZE_MAX, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    cpus = a.count[OPT_CPUS] != 0;
    pools = verb_pools(&c);
    cli_text_printf(&t, "%-19s%s\n", "Name",
                    cpus ? "CPU list"
                         : "CPUs   Sched     Active   Domain count");
    json_array_foreach(pools, i, pool)
    {
        if (a.nr_operands == 0 ||
            strcmp(verb_string(pool, "name"), a.operand[0]) == 0) {
            add_pool(&t, pool, cpus);
            found = true;
        }
    }
    rc = CLI_ERROR;
    if (pools != NULL && !found) {
        cli_error("Pool '%s' does not exist", a.operand[0]);
        cli_text_free(&t);
    } else if (pools != NULL && cli_text_print(&t, STDOUT_FILENO)) {
        rc = CLI_OK;
    }
    json_decref(pools);
    return verb_end(&a, &c, rc);
}

/* ---- create ---- */

/* The configuration: the file, if any, and then the settings. */
static int read_config(const struct verb_args *a, struct cli_image *config)
{
    const char *file = a->value[OPT_FILE];
    struct cli_text t = {0};
    char *why;

    *config = (struct cli_image){0};
    for (size_t i = 0; i < a->nr_operands; i++) {
        if (file == NULL && strchr(a->operand[i], '=') == NULL) {
            file = a->operand[i];
        }
    }
    if (file != NULL && cli_file_read(file, config, &why) != 0) {
        cli_error("%s: %s", file, why);
        free(why);
        return -1;
    }
    cli_text_add(&t, config->data, config->size);
    for (size_t i = 0; i < a->nr_operands; i++) {
        if (strchr(a->operand[i], '=') != NULL) {
            cli_text_printf(&t, "\n%s\n", a->operand[i]);
        }
    }
    free(config->data);
    config->data = (uint8_t *)t.data;
    config->size = t.len;
    if (config->path == NULL) {
        config->path = cli_strdup("command line");
    }
    (void)printf("Using config file \"%s\"\n", config->path);
    (void)fflush(stdout);
    return 0;
}

static bool gives_name(const struct verb_args *a)
{
    for (size_t i = 0; i < a->nr_operands; i++) {
        if (strncmp(a->operand[i], "name", 4) == 0 ||
            strchr(a->operand[i], '=') == NULL) {
            return true;
        }
    }
    return a->value[OPT_FILE] != NULL;
}

/* Fills the new pool; it is destroyed again if that cannot be. */
static int fill_pool(struct control *c, json_int_t id, uint64_t cpus)
{
    for (unsigned i = 0; i < 64; i++) {
        if ((cpus >> i & 1) != 0 &&
            verb_request(c, "pool-add",
                         json_pack("{s:I, s:i}", "pool", id, "pcpu", (int)i),
                         "cannot add a pCPU") != 0) {
            for (unsigned j = 0; j < i; j++) {
                if ((cpus >> j & 1) != 0) {
                    (void)verb_request(
                        c, "pool-remove",
                        json_pack("{s:I, s:i}", "pool", id, "pcpu", (int)j),
                        "cannot remove a pCPU");
                }
            }
            (void)verb_request(c, "pool-destroy",
                               json_pack("{s:I}", "pool", id),
                               "cannot destroy it");
            return CLI_ERROR;
        }
    }
    return CLI_OK;
}

static int set_windows(struct control *c, json_int_t pool,
                       const struct cli_pool *p)
{
    json_t *windows = json_array();
    size_t i;

    for (i = 0; i < p->nr_windows; i++) {
        const struct cli_window *w = &p->window[i];
        char *word = cli_format("%s:%u:%" PRIu64, w->domain, w->vcpu, w->ns);

        json_array_append_new(windows, json_string(word));
        free(word);
    }
    return sched_set_windows(c, pool, p->frame_ns, windows);
}

static int create_pool(struct control *c, const struct cli_pool *p,
                       const char *sched, bool dry)
{
    json_t *answer;
    int rc;

    (void)printf("cpupool name:   %s\nscheduler:      %s\n"
                 "number of cpus: %d\n",
                 p->name, sched, __builtin_popcountll(p->cpus));
    (void)fflush(stdout);
    if (dry) {
        return CLI_OK;
    }
    answer = control_do(
        c, "pool-create",
        json_pack("{s:s, s:s}", "name", p->name, "sched", sched), NULL);
    rc = answer != NULL ? fill_pool(c, verb_int(answer, "pool"), p->cpus)
                        : CLI_ERROR;
    if (rc == CLI_OK && p->nr_windows != 0) {
        rc = set_windows(c, verb_int(answer, "pool"), p);
    }
    json_decref(answer);
    if (rc != CLI_OK) {
        cli_error("error on creating cpupool");
    }
    return rc;
}

static int create(struct control *c, const struct verb_args *a)
{
    struct cli_image config;
    struct cli_pool p = {0};
    json_t *pools = verb_pools(c), *pool;
    const char *sched = verb_string(json_array_get(pools, 0), "sched");
    int rc = CLI_ERROR;
    size_t i;

    if (pools != NULL && !gives_name(a)) {
        cli_error("Missing cpupool name!");
        json_decref(pools);
        return CLI_ERROR;
    }
    if (pools == NULL || read_config(a, &config) != 0) {
        json_decref(pools);
        return CLI_ERROR;
    }
    if (cli_pool_read(&config, &p) == 0) {
        rc = CLI_OK;
    }
    json_array_foreach(pools, i, pool)
    {
        if (rc == CLI_OK && strcmp(verb_string(pool, "name"), p.name) == 0) {
            cli_error("Pool name \"%s\" already exists", p.name);
            rc = CLI_ERROR;
        }
    }
    if (rc == CLI_OK) {
        rc = create_pool(c, &p, p.sched != NULL ? p.sched : sched,
                         a->count[OPT_DRY] != 0);
    }
    cli_pool_free(&p);
    cli_image_free(&config);
    json_decref(pools);
    return rc;
}

static int create_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 0, SIZE_MAX, &a, &c);

    return rc >= 0 ? rc : verb_end(&a, &c, create(&c, &a));
}

/* ---- what is done to one pool ---- */

typedef int pool_fn(struct control *c, const struct verb_args *a, json_t *pool);

static int on_pool(const struct cli_command *self, int argc, char **argv,
                   size_t operands, pool_fn *act)
{
    struct verb_args a;
    struct control c;
    json_t *pools, *pool;
    int rc = verb_begin(self, argc, argv, operands, operands, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    pools = verb_pools(&c);
    pool = pools != NULL ? verb_pool(pools, a.operand[0]) : NULL;
    rc = pool != NULL ? act(&c, &a, pool) : CLI_ERROR;
    json_decref(pools);
    return verb_end(&a, &c, rc);
}

static int act_destroy(struct control *c, const struct verb_args *a,
                       json_t *pool)
{
    uint64_t cpus = (uint64_t)verb_int(pool, "pcpus");
    json_int_t id = verb_int(pool, "pool");

    /* As xl: a pool with domains stays whole, else its pCPUs go first. */
    if (verb_int(pool, "domains") != 0 || id == 0) {
        cli_error("Can't destroy cpupool '%s'", a->operand[0]);
        return CLI_ERROR;
    }
    for (int i = 0; i < 64; i++) {
        if ((cpus >> i & 1) != 0 &&
            verb_request(c, "pool-remove",
                         json_pack("{s:I, s:i}", "pool", id, "pcpu", i),
                         "cannot remove a pCPU") != 0) {
            return CLI_ERROR;
        }
    }
    return verb_request(c, "pool-destroy", json_pack("{s:I}", "pool", id),
                        "Can't destroy cpupool") == 0
               ? CLI_OK
               : CLI_ERROR;
}

static int destroy_main(const struct cli_command *self, int argc, char **argv)
{
    return on_pool(self, argc, argv, 1, act_destroy);
}

static int act_rename(struct control *c, const struct verb_args *a,
                      json_t *pool)
{
    return verb_request(c, "pool-rename",
                        json_pack("{s:I, s:s}", "pool", verb_int(pool, "pool"),
                                  "name", a->operand[1]),
                        "Can't rename cpupool") == 0
               ? CLI_OK
               : CLI_ERROR;
}

static int rename_main(const struct cli_command *self, int argc, char **argv)
{
    return on_pool(self, argc, argv, 2, act_rename);
}

/*
 * The pCPUs of a list that the machine has, one request each; those that fail
 * are named, and whether there were any is returned. -1: no list.
 */
static int each_cpu(struct control *c, const char *list, const char *request,
                    const json_t *pool, const char *what)
{
    json_t *machine;
    uint64_t map;
    unsigned pcpus;
    int failed = 0;

    if (cli_cpulist(list, &map) != NULL) {
        cli_error("Invalid pcpu range: %s.", list);
        return -1;
    }
    machine = control_do(c, "machine", NULL, NULL);
    pcpus = (unsigned)verb_int(machine, "pcpus");
    json_decref(machine);
    for (unsigned i = 0; i < pcpus; i++) {
        char *words = cli_format("Error %s cpu %u", what, i);

        if ((map >> i & 1) != 0 &&
            verb_request(c, request,
                         json_pack("{s:I, s:i}", "pool", verb_int(pool, "pool"),
                                   "pcpu", (int)i),
                         words) != 0) {
            failed = 1;
        }
        free(words);
    }
    return c->fd >= 0 ? failed : -1;
}

static int act_add(struct control *c, const struct verb_args *a, json_t *pool)
{
    int rc = each_cpu(c, a->operand[1], "pool-add", pool, "adding");

    if (rc > 0) {
        cli_error("some cpus may not have been added to %s",
                  verb_string(pool, "name"));
    }
    return rc < 0 ? CLI_ERROR : CLI_OK; /* as xl */
}

static int add_main(const struct cli_command *self, int argc, char **argv)
{
    return on_pool(self, argc, argv, 2, act_add);
}

static int act_remove(struct control *c, const struct verb_args *a,
                      json_t *pool)
{
    const char *name = verb_string(pool, "name");
    int rc = each_cpu(c, a->operand[1], "pool-remove", pool, "removing");

    if (rc > 0) {
        cli_error("Some cpus may have not or only partially been removed from "
                  "'%s'.",
                  name);
        cli_error("If a cpu can't be added to another cpupool, add it to '%s' "
                  "again and retry.",
                  name);
    }
    return rc < 0 ? CLI_ERROR : CLI_OK; /* as xl */
}

static int remove_main(const struct cli_command *self, int argc, char **argv)
{
    return on_pool(self, argc, argv, 2, act_remove);
}

/* ---- migrate ---- */

static int migrate_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    json_t *domains, *pools = NULL, *d, *pool;
    int rc = verb_begin(self, argc, argv, 2, 2, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    rc = CLI_ERROR;
    domains = verb_domains(&c);
    d = verb_lookup(domains, a.operand[0]);
    if (domains != NULL && d == NULL) {
        cli_error("unknown domain '%s'", a.operand[0]);
    } else if (d != NULL && (pools = verb_pools(&c)) != NULL &&
               (pool = verb_pool(pools, a.operand[1])) != NULL &&
               verb_request(&c, "pool-move",
                            json_pack("{s:I, s:I}", "pool",
                                      verb_int(pool, "pool"), "domid",
                                      verb_int(d, "domid")),
                            "cannot move it") == 0) {
        rc = CLI_OK;
    }
    json_decref(pools);
    json_decref(domains);
    return verb_end(&a, &c, rc);
}
