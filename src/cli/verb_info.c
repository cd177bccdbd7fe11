/* SPDX-License-Identifier: MIT */
/* About the host itself: `info`, `dmesg`, `debug-keys`. */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "commands.h"
#include "verb.h"

/* What the hypervisor says it is (xen_version). */
#define XEN_MAJOR 4
#define XEN_MINOR 17

/* ---- info ---- */

enum { OPT_NUMA = 1 };

static const struct cli_option info_options[] = {
    {"numa", 'n', CLI_FLAG, OPT_NUMA, NULL, "Print CPU topology as well."},
    VERB_OPTIONS,
};

static const char *const info_synopsis[] = {"[-n]", NULL};

static int info_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_info_command = {
    .name = "info",
    .summary = "get information about the host",
    .synopsis = info_synopsis,
    .description = "Prints what the machine has and what it runs. Memory is in "
                   "MiB.",
    .options = info_options,
    .parts = verb_no_parts,
    .main = info_main,
};

static void row(struct cli_text *t, const char *key, const char *value)
{
    cli_text_printf(t, "%-23s: %s\n", key, value);
}

static void number(struct cli_text *t, const char *key, long long value)
{
    cli_text_printf(t, "%-23s: %lld\n", key, value);
}

static void add_machine(struct cli_text *t, const json_t *m)
{
    long long pcpus = (long long)verb_int(m, "pcpus");
    long long khz = (long long)verb_int(m, "tsc_khz");

    number(t, "nr_cpus", pcpus);
    number(t, "max_cpu_id", pcpus - 1);
    number(t, "nr_nodes", 1);
    number(t, "cores_per_socket", (long long)verb_int(m, "cores"));
    number(t, "threads_per_core", (long long)verb_int(m, "threads"));
    cli_text_printf(t, "%-23s: %lld.%03lld\n", "cpu_mhz", khz / 1000,
                    khz % 1000);
    row(t, "virt_caps", "hvm hap gnttab-v1");
    number(t, "total_memory", (long long)verb_int(m, "total_kib") / 1024);
    number(t, "free_memory", (long long)verb_int(m, "free_kib") / 1024);
    number(t, "sharing_freed_memory", 0);
    number(t, "sharing_used_memory", 0);
    number(t, "outstanding_claims", 0);
    number(t, "free_cpus", (long long)verb_int(m, "free_pcpus"));
}

static void add_topology(struct cli_text *t, const json_t *m)
{
    const char *where = verb_string(m, "topology"); /* "0:0,1:0" */

    cli_text_printf(t, "%-23s:\ncpu:    core    socket     node\n",
                    "cpu_topology");
    for (int i = 0; i < (int)verb_int(m, "pcpus"); i++) {
        char *end;
        unsigned long core = strtoul(where, &end, 10);
        unsigned long socket = *end == ':' ? strtoul(end + 1, &end, 10) : 0;

        cli_text_printf(t, "%3d:    %4lu     %4lu     %4d\n", i, core, socket,
                        0);
        where = end + (*end == ',');
    }
    cli_text_printf(t,
                    "device topology        :\ndevice           node\n"
                    "No device topology data available\n"
                    "numa_info              :\n"
                    "node:    memsize    memfree    distances\n"
                    "%4d:    %6lld     %6lld      %d\n",
                    0, (long long)verb_int(m, "total_kib") / 1024,
                    (long long)verb_int(m, "free_kib") / 1024, 10);
}

static int info_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    struct cli_text t = {0};
    struct utsname u = {.nodename = ""};
    char *version;
    json_t *m;
    int rc = verb_begin(self, argc, argv, 0, 0, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    m = control_do(&c, "machine", NULL, NULL);
    if (m == NULL) {
        return verb_end(&a, &c, CLI_ERROR);
    }
    (void)uname(&u);
    row(&t, "host", u.nodename);
    row(&t, "release", u.release);
    row(&t, "version", u.version);
    row(&t, "machine", u.machine);
    add_machine(&t, m);
    if (a.count[OPT_NUMA] != 0) {
        add_topology(&t, m);
    }
    version = cli_format("%d.%d", XEN_MAJOR, XEN_MINOR);
    number(&t, "xen_major", XEN_MAJOR);
    number(&t, "xen_minor", XEN_MINOR);
    row(&t, "xen_extra", "");
    row(&t, "xen_version", version);
    free(version);
    row(&t, "xen_caps", "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64");
    row(&t, "xen_scheduler",
        json_object_get(m, "scheduler") != NULL ? verb_string(m, "scheduler")
                                                : "credit2");
    number(&t, "xen_pagesize", 4096);
    row(&t, "schedop_host", verb_string(c.greeting, "host"));
    row(&t, "schedop_version", verb_string(c.greeting, "version"));
    json_decref(m);
    rc = cli_text_print(&t, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
    return verb_end(&a, &c, rc);
}

/* ---- dmesg ---- */

enum { OPT_CLEAR = 1 };

static const struct cli_option dmesg_options[] = {
    {"clear", 'c', CLI_FLAG, OPT_CLEAR, NULL, "Clear the buffer, too."},
    VERB_OPTIONS,
};

static const char *const dmesg_synopsis[] = {"[-c]", NULL};

static int dmesg_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_dmesg_command = {
    .name = "dmesg",
    .summary = "read or clear the hypervisor's message buffer",
    .synopsis = dmesg_synopsis,
    .description = "Prints the last 64 KiB of what the hypervisor logged.",
    .options = dmesg_options,
    .parts = verb_no_parts,
    .main = dmesg_main,
};

static int dmesg_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    struct cli_text t = {0};
    const char *text;
    json_t *answer;
    int rc = verb_begin(self, argc, argv, 0, 0, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    answer =
        control_do(&c, "dmesg",
                   json_pack("{s:b}", "clear", a.count[OPT_CLEAR] != 0), NULL);
    text = verb_string(answer, "text");
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        cli_text_visible(&t, text, len - (len > 0 && text[len - 1] == '\r'));
        cli_text_str(&t, "\n");
        text += len + (text[len] == '\n');
    }
    rc = answer != NULL && cli_text_print(&t, STDOUT_FILENO) ? CLI_OK
                                                             : CLI_ERROR;
    json_decref(answer);
    return verb_end(&a, &c, rc);
}

/* ---- debug-keys ---- */

static const char *const keys_synopsis[] = {"KEYS", NULL};

static int keys_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_debug_keys_command = {
    .name = "debug-keys",
    .summary = "send debug keys to the hypervisor",
    .synopsis = keys_synopsis,
    .description = "Sends debug keys, one after the other; what they lead to "
                   "is printed by dmesg. Key h lists the keys.",
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = keys_main,
};

static int keys_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 1, 1, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    rc = CLI_OK;
    for (const char *k = a.operand[0]; *k != '\0' && rc == CLI_OK; k++) {
        char key[2] = {*k, '\0'};

        if (verb_request(&c, "debug", json_pack("{s:s}", "key", key), key) !=
            0) {
            cli_error("cannot send debug keys: %s", a.operand[0]);
            rc = CLI_ERROR;
        }
    }
    return verb_end(&a, &c, rc);
}
