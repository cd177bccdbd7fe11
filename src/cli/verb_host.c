/* SPDX-License-Identifier: MIT */
/* `schedop host`: a host in the background, started, stopped, looked at. */
#include "host_start.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "host_daemon.h"
#include "verb.h"

enum {
    PCPUS_MAX = 16,
    MEMORY_MIN_MIB = 192,
    MEMORY_MAX_MIB = 1 << 19,
    LOG_LIMIT_MIB = 64,
    LOG_LIMIT_MAX_MIB = 1 << 20,
    RESTART_MS_MAX = 3600000,
    STOP_S = 30, /* for a host to end after it was told */
};

enum {
    OPT_PCPUS = 1,
    OPT_MEMORY,
    OPT_LOG_DIR,
    OPT_LOG_LIMIT,
    OPT_DUMP_DIR,
    OPT_RESTART_DELAY,
    OPT_FOREGROUND,
    OPT_QEMU,
    OPT_VERBOSE
};

static const struct cli_option options[] = {
    {"pcpus", 'p', CLI_VALUE, OPT_PCPUS, "N",
     "start: pCPUs of the machine, 1 to 16 (default 2)."},
    {"memory", 'm', CLI_VALUE, OPT_MEMORY, "MIB",
     "start: memory for all domains and the hypervisor (default 1024). Of it "
     "only what is used takes memory."},
    {"log-dir", 0, CLI_VALUE, OPT_LOG_DIR, "DIR",
     "start: append what domain NAME prints to DIR/guest-NAME.log, whether "
     "or not somebody reads it."},
    {"log-limit", 0, CLI_VALUE, OPT_LOG_LIMIT, "MIB",
     "start: a log that would get longer is renamed to guest-NAME.log.1, in "
     "place of the one before, and begun anew (default 64; 0: never)."},
    {"dump-dir", 0, CLI_VALUE, OPT_DUMP_DIR, "DIR", "start: " DUMP_DIR_HELP},
    {"restart-delay", 0, CLI_VALUE, OPT_RESTART_DELAY, "MS",
     "start: how long after its end a domain that restarts is built anew, in "
     "ms (default 2000, as xl has it)."},
    {"foreground", 'F', CLI_FLAG, OPT_FOREGROUND, NULL,
     "start: stay, and print what the log would hold."},
    {"qemu", 0, CLI_VALUE, OPT_QEMU, "ARG",
     "start: one more argument for QEMU. Repeatable."},
    {"verbose", 'v', CLI_FLAG, OPT_VERBOSE, NULL,
     "start: log more; twice for all the hypervisor says."},
    VERB_OPTIONS,
};

static const struct cli_item statuses[] = {
    {"0", "Done. For status: a host runs."},
    {"1", "It failed, or, for stop and status, no host runs."},
    {"2", "The command line is wrong."},
    {NULL, NULL},
};

static const struct cli_item environment[] = {
    {"SCHEDOP_HOST", "The host that all verbs mean without --host."},
    {"XDG_RUNTIME_DIR",
     "Where its directory, schedop/NAME, is made; without it /run for root "
     "and ~/.schedop/NAME for others."},
    {NULL, NULL},
};

static const struct cli_part parts[] = {
    {"Hosts",
     "A host is one machine with the hypervisor in it, which stays when no "
     "domain is left. Its directory holds its socket, its log and a lock; "
     "nobody but its owner may enter it. Several hosts have different names. "
     "`schedop create` starts the host it needs when it does not run. The "
     "socket's protocol is described in docs/control.md.",
     NULL, true},
    {"Exit status of host", NULL, statuses, true},
    {"Environment of host", NULL, environment, true},
    {NULL, NULL, NULL, false},
};

static const char *const synopsis[] = {
    "start [--host NAME] [--pcpus N] [--memory MIB] [--log-dir DIR] "
    "[--dump-dir DIR]",
    "stop [--host NAME]",
    "status [--host NAME]",
    NULL,
};

static int host_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_host_command = {
    .name = "host",
    .summary = "keep a host running in the background",
    .synopsis = synopsis,
    .description = "Starts, stops or shows a host: a machine in the background "
                   "in which domains are created, listed and ended by the "
                   "verbs of xl.",
    .options = options,
    .parts = parts,
    .main = host_main,
};

/* ---- start ---- */

static int number(const struct verb_args *a, int id, const char *option,
                  unsigned min, unsigned max, unsigned *out)
{
    uint64_t n;

    if (a->value[id] == NULL) {
        return 0;
    }
    if (!cli_number(a->value[id], max, &n) || n < min) {
        cli_error("--%s %s: must be a number from %u to %u", option,
                  a->value[id], min, max);
        return -1;
    }
    *out = (unsigned)n;
    return 0;
}

/* The directory of an option as a path that holds when we are elsewhere. */
static int find_dir(const char *given, const char *option, char **path)
{
    struct stat st;

    if (mkdir(given, 0700) != 0 && errno != EEXIST) {
        cli_error("--%s %s: %s", option, given, strerror(errno));
        return -1;
    }
    *path = realpath(given, NULL);
    if (*path == NULL || stat(*path, &st) != 0 || !S_ISDIR(st.st_mode) ||
        access(*path, W_OK | X_OK) != 0) {
        cli_error("--%s %s: not a directory that can be written", option,
                  given);
        return -1;
    }
    return 0;
}

static int start(const struct verb_args *a)
{
    struct host_options o;
    char *log_dir = NULL, *dump_dir = NULL, **qemu = NULL;
    unsigned log_mib = LOG_LIMIT_MIB;
    int rc = CLI_USAGE;

    host_defaults(&o);
    o.verbose = a->count[OPT_VERBOSE];
    if (number(a, OPT_PCPUS, "pcpus", 1, PCPUS_MAX, &o.pcpus) == 0 &&
        number(a, OPT_MEMORY, "memory", MEMORY_MIN_MIB, MEMORY_MAX_MIB,
               &o.memory_mib) == 0 &&
        number(a, OPT_LOG_LIMIT, "log-limit", 0, LOG_LIMIT_MAX_MIB, &log_mib) ==
            0 &&
        number(a, OPT_RESTART_DELAY, "restart-delay", 0, RESTART_MS_MAX,
               &o.restart_ms) == 0 &&
        (a->value[OPT_LOG_DIR] == NULL ||
         find_dir(a->value[OPT_LOG_DIR], "log-dir", &log_dir) == 0) &&
        (a->value[OPT_DUMP_DIR] == NULL ||
         find_dir(a->value[OPT_DUMP_DIR], "dump-dir", &dump_dir) == 0)) {
        o.log_dir = log_dir;
        o.dump_dir = dump_dir;
        o.log_max = (uint64_t)log_mib << 20;
        for (size_t i = 0; i < a->nr_given; i++) {
            if (a->given[i].id == OPT_QEMU) {
                qemu = cli_grow(qemu, o.nr_qemu + 1, sizeof(*qemu));
                qemu[o.nr_qemu++] = cli_strdup(a->given[i].value);
            }
        }
        o.qemu = qemu;
        rc = host_start(verb_host(a), &o, a->count[OPT_FOREGROUND] != 0);
        while (qemu != NULL && o.nr_qemu > 0) {
            free(qemu[--o.nr_qemu]);
        }
        free(qemu);
    }
    free(log_dir);
    free(dump_dir);
    return rc;
}

/* ---- stop ---- */

/* Waits for the lock, which a host holds until its end. */
static bool wait_gone(const char *name)
{
    struct host_dir dir;
    bool gone = false;
    pid_t pid;

    if (host_dir_open(&dir, name, false) != 0) {
        return true;
    }
    for (int i = 0; i < STOP_S * 20 && !gone; i++) {
        gone = host_dir_look(&dir, &pid) != HOST_RUNS;
        if (!gone) {
            (void)poll(NULL, 0, 50);
        }
    }
    host_dir_close(&dir);
    return gone;
}

static int stop(const struct verb_args *a)
{
    struct control c;
    json_t *answer;
    bool gone;

    if (verb_connect(a, &c) != 0) {
        return CLI_ERROR;
    }
    answer = control_do(&c, "stop", NULL, NULL);
    gone = answer != NULL && wait_gone(c.name);
    if (answer != NULL && !gone) {
        cli_error("the host '%s' does not end; kill process %" PRId64, c.name,
                  (int64_t)verb_int(c.greeting, "pid"));
    }
    json_decref(answer);
    control_close(&c);
    return gone ? CLI_OK : CLI_ERROR;
}

/* ---- status ---- */

static int status(const struct verb_args *a)
{
    struct cli_text t = {0};
    struct control c;
    json_t *s;
    json_int_t up;

    if (verb_connect(a, &c) != 0) {
        return CLI_ERROR;
    }
    s = control_do(&c, "host", NULL, NULL);
    control_close(&c);
    if (s == NULL) {
        return CLI_ERROR;
    }
    up = (json_int_t)time(NULL) - verb_int(s, "started");
    cli_text_printf(&t, "host      : %s\n", verb_string(s, "host"));
    cli_text_printf(&t, "process   : %" PRId64 "\n",
                    (int64_t)verb_int(s, "pid"));
    cli_text_printf(&t, "up        : %" PRId64 ":%02d:%02d\n",
                    (int64_t)up / 3600, (int)(up / 60 % 60), (int)(up % 60));
    cli_text_printf(&t, "pcpus     : %" PRId64 "\n",
                    (int64_t)verb_int(s, "pcpus"));
    cli_text_printf(&t, "memory    : %" PRId64 " MiB\n",
                    (int64_t)verb_int(s, "memory_mib"));
    cli_text_printf(&t, "domains   : %" PRId64 "\n",
                    (int64_t)verb_int(s, "domains"));
    cli_text_printf(&t, "directory : %s\n", verb_string(s, "directory"));
    json_decref(s);
    return cli_text_print(&t, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
}

static int host_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    int rc = verb_parse(self, argc, argv, 1, 1, &a);

    if (rc >= 0) {
        return rc;
    }
    if (strcmp(a.operand[0], "start") == 0) {
        rc = start(&a);
    } else if (strcmp(a.operand[0], "stop") == 0) {
        rc = stop(&a);
    } else if (strcmp(a.operand[0], "status") == 0) {
        rc = status(&a);
    } else {
        cli_error("host %s: expected start, stop or status", a.operand[0]);
        rc = CLI_USAGE;
    }
    verb_args_free(&a);
    return rc;
}
