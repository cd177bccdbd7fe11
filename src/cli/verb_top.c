/* SPDX-License-Identifier: MIT */
/*
 * `top`: domains and the share of a pCPU each has had, refreshed, in the
 * columns of xentop that mean something here.
 */
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xen/domctl.h>
#include <xen/sched.h>

#include "commands.h"
#include "terminal.h"
#include "verb.h"

enum { OPT_BATCH = 1, OPT_DELAY, OPT_TIMES, OPT_FULL };

enum { DELAY_S = 3, DELAY_MAX_S = 3600 };

static const struct cli_option options[] = {
    {"batch", 'b', CLI_FLAG, OPT_BATCH, NULL,
     "Print one table after the other, for a file."},
    {"delay", 'd', CLI_VALUE, OPT_DELAY, "S",
     "Seconds between two tables (default 3)."},
    {"iterations", 'i', CLI_VALUE, OPT_TIMES, "N",
     "End after N tables (default: never)."},
    {"full-name", 'f', CLI_FLAG, OPT_FULL, NULL, "Print whole names."},
    VERB_OPTIONS,
};

static const char *const synopsis[] = {"[options]", NULL};

static int top_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_top_command = {
    .name = "top",
    .summary = "monitor a host and its domains in real time",
    .synopsis = synopsis,
    .description = "Shows domains with the share of one pCPU they had since "
                   "the last table, in per cent. Key q ends it.",
    .options = options,
    .parts = verb_no_parts,
    .main = top_main,
};

/* What a domain had at the last table. */
struct seen {
    int domid;
    json_int_t cpu_ns;
};

struct top {
    struct control c;
    struct seen *seen;
    size_t nr_seen;
    json_int_t now_ns; /* of the last table; 0: none */
    bool full;
};

static double share(const struct top *top, const json_t *d, json_int_t now_ns)
{
    for (size_t i = 0; i < top->nr_seen; i++) {
        if (top->seen[i].domid == (int)verb_int(d, "domid") &&
            now_ns > top->now_ns) {
            return 100.0 *
                   (double)(verb_int(d, "cpu_ns") - top->seen[i].cpu_ns) /
                   (double)(now_ns - top->now_ns);
        }
    }
    return 0;
}

static void remember(struct top *top, const json_t *domains, json_int_t now_ns)
{
    const json_t *d;
    size_t i;

    top->nr_seen = json_array_size(domains);
    top->seen = cli_grow(top->seen, top->nr_seen + 1, sizeof(*top->seen));
    json_array_foreach(domains, i, d)
    {
        top->seen[i] =
            (struct seen){(int)verb_int(d, "domid"), verb_int(d, "cpu_ns")};
    }
    top->now_ns = now_ns;
}

static void count_states(struct cli_text *t, const json_t *domains)
{
    static const struct {
        unsigned flag;
        const char *name;
    } states[] = {
        {XEN_DOMINF_running, "running"}, {XEN_DOMINF_blocked, "blocked"},
        {XEN_DOMINF_paused, "paused"},   {0, "crashed"},
        {XEN_DOMINF_dying, "dying"},     {XEN_DOMINF_shutdown, "shutdown"},
    };
    const json_t *d;
    size_t i;

    cli_text_printf(t, "%zu domains: ", json_array_size(domains));
    for (size_t s = 0; s < sizeof(states) / sizeof(states[0]); s++) {
        int n = 0;

        json_array_foreach(domains, i, d)
        {
            unsigned flags = (unsigned)verb_int(d, "flags");
            bool crashed = (flags & XEN_DOMINF_shutdown) != 0 &&
                           flags >> XEN_DOMINF_shutdownshift == SHUTDOWN_crash;

            n += states[s].flag != 0 ? (flags & states[s].flag) != 0 : crashed;
        }
        cli_text_printf(t, "%s%d %s", s != 0 ? ", " : "", n, states[s].name);
    }
    cli_text_str(t, "\n");
}

static void add_head(struct cli_text *t, const json_t *domains, const json_t *m)
{
    long long total = (long long)verb_int(m, "total_kib");
    long long free_kib = (long long)verb_int(m, "free_kib");
    long long khz = (long long)verb_int(m, "tsc_khz");
    char clock[16] = "";
    time_t now = time(NULL);
    struct tm tm;

    (void)strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
    cli_text_printf(t, "schedop top - %s   schedop " CLI_VERSION "\n", clock);
    count_states(t, domains);
    cli_text_printf(t,
                    "Mem: %lldk total, %lldk used, %lldk free    CPUs: %d @ "
                    "%lldMHz\n",
                    total, total - free_kib, free_kib,
                    (int)verb_int(m, "pcpus"), khz / 1000);
    cli_text_printf(t, "%10s %6s %10s %6s %10s %6s %5s\n", "NAME", "STATE",
                    "CPU(sec)", "CPU(%)", "MEM(k)", "MEM(%)", "VCPUS");
}

static void add_row(struct cli_text *t, const struct top *top, const json_t *d,
                    const json_t *m)
{
    unsigned flags = (unsigned)verb_int(d, "flags");
    double total = (double)verb_int(m, "total_kib");

    cli_text_printf(t, top->full ? "%10s " : "%10.10s ",
                    verb_string(d, "name"));
    cli_text_printf(t, "%c%c%c%c%c%c",
                    (flags & XEN_DOMINF_dying) != 0 ? 'd' : '-',
                    (flags & XEN_DOMINF_shutdown) != 0 ? 's' : '-',
                    (flags & XEN_DOMINF_blocked) != 0 ? 'b' : '-',
                    (flags & XEN_DOMINF_shutdown) != 0 &&
                            flags >> XEN_DOMINF_shutdownshift == SHUTDOWN_crash
                        ? 'c'
                        : '-',
                    (flags & XEN_DOMINF_paused) != 0 ? 'p' : '-',
                    (flags & XEN_DOMINF_running) != 0 ? 'r' : '-');
    cli_text_printf(
        t, " %10lld %6.1f %10lld %6.1f %5d\n",
        (long long)verb_int(d, "cpu_ns") / 1000000000,
        share(top, d, verb_int(m, "now_ns")),
        (long long)verb_int(d, "memory_kib"),
        total > 0 ? 100.0 * (double)verb_int(d, "memory_kib") / total : 0,
        (int)verb_int(d, "vcpus"));
}

/* One table; false when there is nobody to ask or to print for. */
static bool table(struct top *top, bool screen)
{
    json_t *domains = verb_domains(&top->c), *m = NULL;
    struct cli_text t = {0};
    const json_t *d;
    size_t i;

    if (domains != NULL) {
        m = control_do(&top->c, "machine", NULL, NULL);
    }
    if (m == NULL) {
        json_decref(domains);
        return false;
    }
    if (screen) {
        cli_text_str(&t, "\033[H\033[2J"); /* home, clear */
    }
    add_head(&t, domains, m);
    json_array_foreach(domains, i, d)
    {
        add_row(&t, top, d, m);
    }
    remember(top, domains, verb_int(m, "now_ns"));
    json_decref(domains);
    json_decref(m);
    return cli_text_print(&t, STDOUT_FILENO);
}

/* Waits; false when q or Ctrl-C was typed. */
static bool wait_key(bool keys, unsigned delay_s)
{
    struct pollfd p = {.fd = keys ? STDIN_FILENO : -1, .events = POLLIN};
    char key = 0;

    if (poll(&p, 1, (int)delay_s * 1000) > 0 &&
        read(STDIN_FILENO, &key, 1) == 1) {
        return key != 'q' && key != 'Q' && key != 3;
    }
    return true;
}

static int number(const struct verb_args *a, int id, const char *what,
                  uint64_t max, uint64_t *value)
{
    if (a->value[id] != NULL &&
        (!cli_number(a->value[id], max, value) || *value == 0)) {
        cli_error("%s %s: must be a number above 0", what, a->value[id]);
        return -1;
    }
    return 0;
}

static int run(struct top *top, bool batch, unsigned delay_s, uint64_t times)
{
    bool screen = !batch && isatty(STDOUT_FILENO) == 1;
    bool keys =
        screen && terminal_readable(STDIN_FILENO) && terminal_raw(STDIN_FILENO);
    bool good = true, going = true;

    for (uint64_t n = 0; going && n < times; n++) {
        going = n == 0 || wait_key(keys, delay_s);
        good = !going || table(top, screen);
        going = going && good;
    }
    terminal_restore();
    return good ? CLI_OK : CLI_ERROR;
}

static int top_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct top top = {.seen = NULL};
    uint64_t delay_s = DELAY_S, times = UINT64_MAX;
    int rc = verb_parse(self, argc, argv, 0, 0, &a);

    if (rc >= 0) {
        return rc;
    }
    if (number(&a, OPT_DELAY, "-d", DELAY_MAX_S, &delay_s) != 0 ||
        number(&a, OPT_TIMES, "-i", UINT64_MAX, &times) != 0) {
        verb_args_free(&a);
        return CLI_USAGE;
    }
    if (verb_connect(&a, &top.c) != 0) {
        verb_args_free(&a);
        return CLI_ERROR;
    }
    top.full = a.count[OPT_FULL] != 0;
    rc = run(&top, a.count[OPT_BATCH] != 0, (unsigned)delay_s, times);
    free(top.seen);
    return verb_end(&a, &top.c, rc);
}
