/* SPDX-License-Identifier: MIT */
/*
 * `create`: a domain of a host from xl.cfg syntax. The configuration and the
 * images are read and checked here; the host gets their bytes in memory files
 * and the words that say what to make of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "cpupool.h"
#include "run.h"
#include "terminal.h"
#include "verb.h"
#include "verb_console.h"
#include "host_start.h"
#include "verb_wait.h"

/* The numbers of libxl's errors FAIL and INVAL. */
enum { EXIT_CREATE = 3, EXIT_INVALID = 6 };

enum {
    OPT_CONSOLE = 1,
    OPT_DEBUG,
    OPT_ALONE,
    OPT_FOREGROUND,
    OPT_CONFIG,
    OPT_DRY,
    OPT_PAUSED,
    OPT_QUIET,
    OPT_VNC,
    OPT_VNC_PASS,
    OPT_MASKS,
};

static const struct cli_option options[] = {
    {"console", 'c', CLI_FLAG, OPT_CONSOLE, NULL,
     "Attach to the console, also that of restarts."},
    {"debug", 'd', CLI_FLAG, OPT_DEBUG, NULL, "Print the configuration."},
    {"no-wait", 'e', CLI_FLAG, OPT_ALONE, NULL,
     "Accepted: nobody waits, the host itself acts on the domain's end."},
    {"foreground", 'F', CLI_FLAG, OPT_FOREGROUND, NULL,
     "Wait until the domain has died for good."},
    {"defconfig", 'f', CLI_VALUE, OPT_CONFIG, "FILE",
     "Use the given configuration file."},
    {"dryrun", 'n', CLI_FLAG, OPT_DRY, NULL,
     "Print the configuration and create nothing."},
    {"paused", 'p', CLI_FLAG, OPT_PAUSED, NULL,
     "Leave the domain paused after it is created."},
    {"quiet", 'q', CLI_FLAG, OPT_QUIET, NULL, "Print errors only."},
    {"vncviewer", 'V', CLI_FLAG, OPT_VNC, NULL, "Refused: there is no VNC."},
    {"vncviewer-autopass", 'A', CLI_FLAG, OPT_VNC_PASS, NULL,
     "Refused: there is no VNC."},
    {"ignore-global-affinity-masks", 0, CLI_FLAG, OPT_MASKS, NULL,
     "Accepted: there are no global masks."},
    VERB_OPTIONS,
};

static const struct cli_item statuses[] = {
    {"0", "The domain was created."},
    {"1", "The configuration is no good in itself, or no host runs and none "
          "could be "
          "started, or the host ended."},
    {"2", "The command line is wrong."},
    {"3", "The configuration cannot be read, or the domain not be built."},
    {"6", "No configuration was given, or it names a cpupool that is not "
          "there."},
    {NULL, NULL},
};

static const struct cli_part parts[] = {
    {"Exit status of create", NULL, statuses, true},
    {NULL, NULL, NULL, false},
};

static const char *const synopsis[] = {
    "[options] CONFIG.cfg [KEY=VALUE...]",
    "[options] KERNEL [-- cmdline]",
    NULL,
};

static int create_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_create_command = {
    .name = "create",
    .summary = "create a domain from a config file",
    .synopsis = synopsis,
    .description = "Creates a domain in a running host, which is started if "
                   "there is none, from a configuration in xl.cfg syntax. "
                   "KEY=VALUE is added to the configuration as one more line.",
    .options = options,
    .parts = parts,
    .main = create_main,
};

/* ---- the configuration as JSON, in libxl's words ---- */

static json_t *event_actions(const struct cli_domain *d)
{
    static const struct {
        enum cli_event event;
        const char *key;
    } keys[] = {
        {CLI_POWEROFF, "on_poweroff"},     {CLI_REBOOT, "on_reboot"},
        {CLI_CRASHED, "on_crash"},         {CLI_WATCHDOG_FIRED, "on_watchdog"},
        {CLI_SOFT_RESET, "on_soft_reset"},
    };
    json_t *o = json_object();

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char *action = cli_strdup(cli_domain_action(d, keys[i].event));

        for (char *c = action; *c != '\0'; c++) {
            *c = *c == '-' ? '_' : *c;
        }
        json_object_set_new(o, keys[i].key, json_string(action));
        free(action);
    }
    return o;
}

/* Those that the configuration gives. */
static json_t *knobs_of(const struct cli_domain *d)
{
    json_t *o = json_object();

    for (int k = 0; k < CLI_KNOBS; k++) {
        if (d->knob_where[k] != NULL) {
            const char *name = cli_knob_name((enum cli_knob)k);

            name += strncmp(name, "cpu_", 4) == 0 ? 4 : 0; /* libxl's */
            json_object_set_new(o, name, json_integer(d->knob[k]));
        }
    }
    return o;
}

/* A list of pCPUs for each vCPU, if the configuration said so. */
static void add_affinity(json_t *b, const char *key, const uint64_t *mask,
                         unsigned vcpus, const char *where)
{
    json_t *all = where != NULL ? json_array() : NULL;

    for (unsigned i = 0; i < vcpus && all != NULL; i++) {
        json_t *one = json_array();

        for (unsigned pcpu = 0; pcpu < 64; pcpu++) {
            if ((mask[i] >> pcpu & 1) != 0) {
                json_array_append_new(one, json_integer(pcpu));
            }
        }
        json_array_append_new(all, one);
    }
    if (all != NULL) {
        json_object_set_new(b, key, all);
    }
}

static json_t *config_of(const struct cli_domain *d)
{
    json_t *avail = json_array(), *b, *config = json_object();
    json_t *kernel = json_string(d->kernel.path);

    for (unsigned i = 0; i < (d->online != 0 ? d->online : d->vcpus); i++) {
        json_array_append_new(avail, json_integer(i));
    }
    json_object_set_new(config, "c_info",
                        json_pack("{s:s, s:s, s:s}", "type", "pvh", "name",
                                  d->name, "pool_name",
                                  d->pool != NULL ? d->pool : CLI_POOL_0));
    b = json_pack(
        "{s:i, s:o, s:I, s:I, s:i, s:o, s:s, s:o}", "max_vcpus", (int)d->vcpus,
        "avail_vcpus", avail, "max_memkb", (json_int_t)d->memory_mib << 10,
        "target_memkb",
        (json_int_t)(d->target_mib != 0 ? d->target_mib : d->memory_mib) << 10,
        "video_memkb", 0, "sched_params", knobs_of(d), "claim_mode", "False",
        "kernel", kernel != NULL ? kernel : json_null());
    add_affinity(b, "vcpu_hard_affinity", d->hard, d->vcpus,
                 d->affinity_where[0]);
    add_affinity(b, "vcpu_soft_affinity", d->soft, d->vcpus,
                 d->affinity_where[1]);
    if (d->ramdisk.data != NULL) {
        json_object_set_new(b, "ramdisk", json_string(d->ramdisk.path));
    }
    if (d->cmdline[0] != '\0') {
        json_object_set_new(b, "cmdline",
                            control_bytes(d->cmdline, strlen(d->cmdline)));
    }
    json_object_set_new(b, "type.pvh", json_object());
    json_object_set_new(b, "arch_arm", json_object());
    json_object_set_new(b, "arch_x86",
                        json_pack("{s:s}", "msr_relaxed", "False"));
    json_object_set_new(config, "b_info", b);
    json_object_update_new(config, event_actions(d));
    return config;
}

static bool print_config(const json_t *config)
{
    struct cli_text t = {0};
    char *text = json_dumps(config, JSON_INDENT(4));

    cli_text_printf(&t, "%s\n", text != NULL ? text : "");
    free(text);
    return cli_text_print(&t, STDOUT_FILENO);
}

/* ---- sending it ---- */

static int memory_file(const struct cli_image *image)
{
    int fd = memfd_create("schedop-image", MFD_CLOEXEC);

    for (size_t done = 0; fd >= 0 && done < image->size;) {
        ssize_t n = write(fd, image->data + done, image->size - done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            close(fd);
            fd = -1;
            break;
        }
        done += (size_t)n;
    }
    if (fd < 0) {
        cli_error("cannot stage %s in memory: %s", image->path,
                  strerror(errno));
    }
    return fd;
}

/* The id of the new domain, or -1 after an error message. */
static int send_create(struct control *c, const struct cli_domain *d,
                       bool paused)
{
    char *words = cli_domain_module(d, "kernel");
    json_t *list = json_pack("[s]", words), *args, *answer = NULL;
    char *error = NULL;
    int file[2] = {memory_file(&d->kernel), -1};
    size_t nr_files = 1;
    json_int_t id;
    int domid = -1;

    if (d->ramdisk.data != NULL) {
        file[nr_files++] = memory_file(&d->ramdisk);
        json_array_append_new(list, json_string("ramdisk"));
    }
    args = json_pack("{s:o, s:b, s:o}", "parts", list, "paused", (int)paused,
                     "config", config_of(d));
    if (list == NULL || args == NULL) {
        cli_error("the kernel command line is not UTF-8 text");
        json_decref(args);
    } else if (file[0] < 0 || file[nr_files - 1] < 0) {
        json_decref(args);
    } else {
        id = control_send(c, "create", args, file, nr_files);
        answer = id < 0 ? NULL : control_wait(c, id, &error);
    }
    if (error != NULL && strstr(error, "another domain has this name")) {
        cli_error("Domain with name \"%s\" already exists.", d->name);
    } else if (error != NULL) {
        cli_error("%s: %s", d->name, error);
    }
    if (answer != NULL) {
        domid = (int)verb_int(answer, "domid");
    }
    for (size_t i = 0; i < nr_files; i++) {
        if (file[i] >= 0) {
            close(file[i]);
        }
    }
    json_decref(answer);
    free(error);
    free(words);
    return domid;
}

/* ---- the verb ---- */

/* Operands: the file, if -f gave none, then settings. */
static int take_operands(const struct verb_args *a, struct run *run)
{
    const char *file = a->value[OPT_CONFIG];
    struct stat st;

    for (size_t i = 0; i < a->nr_operands; i++) {
        bool setting = strchr(a->operand[i], '=') != NULL;

        if (!setting && file == NULL) {
            file = a->operand[i];
        } else if (!setting) {
            cli_error("%s is neither KEY=VALUE nor the first file",
                      a->operand[i]);
            return CLI_USAGE;
        } else {
            cli_text_printf(&run->settings, "%s\n", a->operand[i]);
        }
    }
    if (file == NULL) {
        cli_error("Config file not specified and none in save file");
        return EXIT_INVALID;
    }
    cli_text_add(&run->cmdline, a->rest.data, a->rest.len);
    run->files = cli_grow(NULL, 1, sizeof(*run->files));
    run->files[0] = file;
    run->nr_files = 1;
    if (stat(file, &st) == 0 && S_ISDIR(st.st_mode)) {
        cli_error("Failed to read config file: %s: %s", file, strerror(EISDIR));
        return EXIT_CREATE;
    }
    if (access(file, R_OK) != 0) {
        cli_error("Failed to read config file: %s: %s", file, strerror(errno));
        return EXIT_CREATE;
    }
    return 0;
}

/* Connects, after starting a host if there is none. */
static int connect_or_start(const struct verb_args *a, struct control *c)
{
    int rc = control_open(c, verb_host(a), true);

    if (rc == 1) {
        struct host_options o;

        host_defaults(&o);
        if (host_start(verb_host(a), &o, false) != CLI_OK) {
            return -1;
        }
        rc = verb_connect(a, c);
        if (rc == 0 && a->count[OPT_QUIET] == 0) {
            cli_note("started the host '%s'; `schedop host stop` ends it",
                     c->name);
        }
    }
    return rc;
}

/* After its creation. */
static int stay(const struct verb_args *a, struct control *c, int domid,
                const char *name)
{
    int rc = CLI_OK;

    if (a->count[OPT_CONSOLE] != 0) {
        rc = console_attach(c, domid, true, false, TERMINAL_ESCAPE);
    } else if (a->count[OPT_FOREGROUND] != 0) {
        (void)fprintf(stderr,
                      "Waiting for domain %s (domid %d) to die [pid %ld]\n",
                      name, domid, (long)getpid());
        rc = wait_for_death(c, domid);
    }
    return rc;
}

/* The cpupools of the host, as if they were those of a run. */
static int take_pools(struct control *c, struct run *run)
{
    json_t *pools = verb_pools(c), *pool;
    size_t i;

    if (pools == NULL) {
        return -1;
    }
    run->pool = cli_alloc((json_array_size(pools) + 1) * sizeof(*run->pool));
    run->sched = "credit2";
    json_array_foreach(pools, i, pool)
    {
        struct cli_pool *p = &run->pool[run->nr_pools];
        const char *sched = cli_scheduler("host", verb_string(pool, "sched"));

        if (verb_int(pool, "pool") == 0) {
            run->sched = sched;
            continue;
        }
        p->name = cli_strdup(verb_string(pool, "name"));
        p->where = cli_strdup("host");
        p->sched = sched;
        p->cpus = (uint64_t)verb_int(pool, "pcpus");
        run->nr_pools++;
    }
    json_decref(pools);
    return 0;
}

/* xl's status for a domain that cannot be, after the message. */
static int fault_status(const struct run *run)
{
    switch (run->nr_domains == 1 ? run->domain[0].fault : CLI_FAULT_CONFIG) {
    case CLI_FAULT_BUILD:
        return EXIT_CREATE;
    case CLI_FAULT_POOL:
        return EXIT_INVALID;
    case CLI_FAULT_CONFIG:
        break;
    }
    return CLI_ERROR;
}

static int create(const struct verb_args *a, struct control *c, struct run *run)
{
    const struct cli_domain *d;
    json_t *machine = control_do(c, "machine", NULL, NULL);
    int domid;

    if (machine == NULL) {
        return CLI_ERROR;
    }
    run->pcpus = (unsigned)verb_int(machine, "pcpus");
    json_decref(machine);
    if (a->count[OPT_QUIET] == 0) {
        (void)fprintf(stderr, "Parsing config from %s\n", run->files[0]);
    }
    if (take_pools(c, run) != 0 || run_load(run) != 0 || run->nr_domains != 1) {
        return fault_status(run);
    }
    if (run->domain[0].action[CLI_SUSPEND] == NULL) {
        run->domain[0].action[CLI_SUSPEND] = "preserve"; /* as with xl */
    }
    d = &run->domain[0];
    if (a->count[OPT_DRY] != 0 || a->count[OPT_DEBUG] != 0) {
        json_t *config = config_of(d);

        if (!print_config(config) || a->count[OPT_DRY] != 0) {
            json_decref(config);
            return CLI_OK;
        }
        json_decref(config);
    }
    if (a->count[OPT_FOREGROUND] != 0 && wait_begin(c) != 0) {
        return CLI_ERROR;
    }
    domid = send_create(c, d, a->count[OPT_PAUSED] != 0);
    return domid < 0 ? EXIT_CREATE : stay(a, c, domid, d->name);
}

static int create_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    struct run run = {.pcpus = 1};
    int rc = verb_parse(self, argc, argv, 0, SIZE_MAX, &a);

    if (rc >= 0) {
        return rc;
    }
    cli_message_quiet(a.count[OPT_QUIET] != 0);
    if (a.count[OPT_VNC] != 0 || a.count[OPT_VNC_PASS] != 0) {
        cli_error("-V and -A are not supported: there is no VNC here");
        rc = CLI_USAGE;
    } else {
        rc = take_operands(&a, &run);
        if (rc == 0 && connect_or_start(&a, &c) != 0) {
            rc = CLI_ERROR;
        } else if (rc == 0) {
            rc = create(&a, &c, &run);
            control_close(&c);
        }
    }
    run_free_domains(&run);
    for (size_t i = 0; i < run.nr_pools; i++) {
        cli_pool_free(&run.pool[i]);
    }
    free(run.pool);
    free(run.files);
    cli_text_free(&run.settings);
    cli_text_free(&run.cmdline);
    verb_args_free(&a);
    return rc;
}
