/* SPDX-License-Identifier: MIT */
/*
 * `schedop run`: reads what to run and checks all of it (load.c), runs it
 * (machine.c, session.c) and reports. The option table below is also the
 * manual (options.h).
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <schedop/core.h>

#include "commands.h"
#include "config.h"
#include "dump.h"
#include "report.h"
#include "run.h"
#include "trace/trace.h"

enum {
    PCPUS_DEFAULT = 2,
    PCPUS_MAX = 16,
    RESTARTS_DEFAULT = 5,
    TRACE_MIB = 4,
    TIMEOUT_MAX = 1000000,  /* s */
    MEMORY_CONFIG_MIB = 32, /* a domain's memory when not given */
    MEMORY_KERNEL_MIB = 64, /* the same for a bare kernel */
    MACHINE_MIB = 128,      /* besides the domains */
    MACHINE_PER_DOMAIN_MIB = 4,
};

enum {
    OPT_PCPUS = 1,
    OPT_MEMORY,
    OPT_VCPUS,
    OPT_RAMDISK,
    OPT_HARDWARE,
    OPT_CONSOLE,
    OPT_TIMEOUT,
    OPT_EXPECT,
    OPT_MAX_RESTARTS,
    OPT_XTF,
    OPT_SEED,
    OPT_TRACE,
    OPT_TRACE_FORMAT,
    OPT_TRACE_EVENTS,
    OPT_TRACE_BUFFER,
    OPT_GDB,
    OPT_DUMP_DIR,
    OPT_JSON,
    OPT_QEMU,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_HELP,
    OPT_VERSION,
    OPT_SCHED,
    OPT_CPUPOOL,
    OPT_NOREBOOT,
    OPT_RUNQUEUE,
};

#define GDB_PORT "1234"

static const struct cli_option options[] = {
    {"pcpus", 'p', CLI_VALUE, OPT_PCPUS, "N",
     "pCPUs of the machine, 1 to 16 (default 2)."},
    {"memory", 'm', CLI_VALUE, OPT_MEMORY, "MIB",
     "Memory of each domain, above what its configuration says (default for a "
     "bare kernel: what it needs, at least 64)."},
    {"vcpus", 0, CLI_VALUE, OPT_VCPUS, "N",
     "vCPUs of each domain, above what its configuration says."},
    {"ramdisk", 0, CLI_VALUE, OPT_RAMDISK, "FILE",
     "The first module of each bare kernel."},
    {"hardware", 0, CLI_FLAG, OPT_HARDWARE, NULL,
     "Run the one bare kernel as the hardware domain: id 0, privileged."},
    {"sched", 0, CLI_VALUE, OPT_SCHED, "SCHEDULER",
     "Scheduler of Pool-0, as Xen's boot option: credit2 (default), rtds, null "
     "or arinc653."},
    {"cpupool", 0, CLI_VALUE, OPT_CPUPOOL, "FILE",
     "Make a cpupool, described as for xl cpupool-create; see CPUPOOLS in the "
     "manual. Repeatable."},
    {"credit2-runqueue", 0, CLI_VALUE, OPT_RUNQUEUE, "GROUP",
     "As Xen's boot option credit2_runqueue: pCPUs that share a run queue are "
     "those of a socket (default), core, cpu, node or all."},
    {"noreboot", 0, CLI_FLAG, OPT_NOREBOOT, NULL,
     "As Xen's boot option: when the hardware domain crashes the hypervisor "
     "says that it does not reboot."},
    {"console", 'c', CLI_VALUE, OPT_CONSOLE, "DOMAIN",
     "Standard input goes to this domain; with a single domain that is the "
     "default."},
    {"timeout", 't', CLI_VALUE, OPT_TIMEOUT, "S",
     "End the run after S seconds (fractions are fine) with status 8."},
    {"expect", 'e', CLI_VALUE, OPT_EXPECT, "DOMAIN=REASON",
     "The domain should end with REASON: poweroff, reboot, suspend, crash, "
     "watchdog, soft_reset, a number, or killed (still running when the "
     "machine stopped). See EXPECTATIONS in the manual. Repeatable."},
    {"max-restarts", 0, CLI_VALUE, OPT_MAX_RESTARTS, "N",
     "Destroy a domain that was restarted or reset more than N times (default "
     "5)."},
    {"xtf", 0, CLI_FLAG, OPT_XTF, NULL,
     "The status is what the last line \"Test result: ...\" says."},
    {"seed", 's', CLI_VALUE, OPT_SEED, "N",
     "Count instructions instead of reading clocks, with one emulated CPU "
     "thread: the same seed prints the same bytes."},
    {"trace", 'T', CLI_VALUE, OPT_TRACE, "FILE",
     "Record what the scheduler does in FILE, for `schedop trace`, or in the "
     "format of its suffix: .sop (native, the default), .txt, .json (for "
     "ui.perfetto.dev), .xentrace (for xenalyze) or .svg (a picture)."},
    {"trace-format", 0, CLI_VALUE, OPT_TRACE_FORMAT, "FORMAT",
     "The format whatever the suffix: native, text, perfetto, xentrace, svg."},
    {"trace-events", 0, CLI_VALUE, OPT_TRACE_EVENTS, "LIST",
     "Record these classes of events only, separated by commas: sched, "
     "wakeup, command, timer, domain, policy, channel."},
    {"trace-buffer", 0, CLI_VALUE, OPT_TRACE_BUFFER, "MIB",
     "Memory for records that wait to be read, for each pCPU (default 4). "
     "More is needed only when the run says that records were lost."},
    {"gdb", 0, CLI_OPTIONAL, OPT_GDB, "WHERE",
     "Wait for gdb before the first instruction of the first domain: at this "
     "TCP port of localhost (default 1234), or Unix socket (a path with a "
     "slash in it). It sees that domain, whose vCPUs are threads."},
    {"dump-dir", 0, CLI_VALUE, OPT_DUMP_DIR, "DIR", DUMP_DIR_HELP},
    {"json", 0, CLI_FLAG, OPT_JSON, NULL,
     "Print the closing table as JSON on standard output; what the domains "
     "print goes to standard error."},
    {"qemu", 0, CLI_VALUE, OPT_QEMU, "ARG",
     "One more argument for QEMU. Repeatable."},
    {"quiet", 'q', CLI_FLAG, OPT_QUIET, NULL,
     "No table, no warnings: only consoles and errors."},
    {"verbose", 'v', CLI_FLAG, OPT_VERBOSE, NULL,
     "Show QEMU's command line and what the hypervisor says; twice for more."},
    {"help", 'h', CLI_FLAG, OPT_HELP, NULL, "Print this and end."},
    {"version", 'V', CLI_FLAG, OPT_VERSION, NULL, "Print the version and end."},
    {NULL, 0, CLI_FLAG, 0, NULL, NULL},
};

static const struct cli_item statuses[] = {
    {"0", "All domains powered off, or ended as expected."},
    {"1", "Something failed: QEMU or the hypervisor died, a domain could not "
          "be built, one ended with a reason that was not expected and has no "
          "number of its own, or the user quit."},
    {"2", "The command line or a configuration is wrong."},
    {"6", "A domain crashed."},
    {"7", "A watchdog fired."},
    {"8", "The time limit was reached."},
    {"0, 3, 4, 5, 6", "With --xtf: SUCCESS, SKIP, ERROR, FAILURE, CRASH. No "
                      "result line at all counts as CRASH."},
    {NULL, NULL},
};

static const struct cli_item environment[] = {
    {"SCHEDOP_QEMU", "QEMU's program, a path or a name to look up in PATH "
                     "(default qemu-system-x86_64)."},
    {"SCHEDOP_HYPERVISOR",
     "Path of " RUN_HYPERVISOR " (default: beside this program, else in "
     "../lib/schedop seen from there)."},
    {"NO_COLOR", "When set, prefixes have no colour."},
    {NULL, NULL},
};

static const struct cli_part parts[] = {
    {"Examples",
     "  schedop run hello.elf                  boot a PVH image\n"
     "  schedop run hello.elf -- verbose       with a command line\n"
     "  schedop run a.cfg b.cfg                two domains, xl.cfg files\n"
     "  schedop run --timeout 10 --expect a=watchdog a.cfg\n"
     "  printf 'halt\\n' | schedop run grub.bin",
     NULL, true},
    {"Exit status", NULL, statuses, true},
    {"Precedence of statuses",
     "When several apply: 2; then 1 for a run that failed as such (QEMU, the "
     "hypervisor, a domain that could not be built, the user quitting); then "
     "8, "
     "6, 7; last 1 for a domain that ended with an unexpected reason. With "
     "--xtf the result line alone decides, unless the run failed as such or "
     "reached the time limit. A run ended by a signal prints its table and "
     "then dies of that signal.",
     NULL, false},
    {"Expectations",
     "Without --expect a domain should power off. A domain that crashed or "
     "was ended by a watchdog and was then restarted makes the status 6 or 7 "
     "even when it powered off later.\n\n"
     "With --expect DOMAIN=REASON only the last end of that domain counts, "
     "and ending with REASON is the end of it: where the configuration (or a "
     "default, such as on_reboot=restart) would let the domain go on after "
     "REASON, it is destroyed instead. So --expect d=reboot runs d until it "
     "first asks for a reboot, and --expect d=poweroff lets it reboot as often "
     "as --max-restarts allows.\n\n"
     "An expectation that is not met gives the status of what happened "
     "instead, and a message with both reasons.",
     NULL, false},
    {"Configuration",
     "The syntax is that of xl.cfg(5). These keys have an effect; others are "
     "named in a warning and ignored.",
     cli_config_items, false},
    {"Cpupools",
     "A cpupool is a group of pCPUs with a scheduler of its own; a domain is "
     "in the pool that its key `pool` names, else in Pool-0, which has all "
     "pCPUs that no other pool has. The keys of a pool's file, in the syntax "
     "of xlcpupool.cfg(5):",
     cli_pool_items, false},
    {"Console",
     "A single domain on a terminal owns it: every key goes to the domain, "
     "Ctrl-] ends the run. Otherwise standard input, up to its end, is sent "
     "to the single domain, or to the one that --console names.\n\n"
     "With several domains each line is printed behind the domain's name; on "
     "a terminal, control characters are shown as \\xHH. The closing table "
     "goes to standard error, so that standard output holds what the domains "
     "print and nothing else.",
     NULL, false},
    {"Repeatable runs",
     "With --seed the machine's time is a count of its instructions, so the "
     "output, table included, depends on the images, the configurations, the "
     "options and the seed alone. What comes from outside while the machine "
     "runs is not repeatable: typed or piped input, a time limit that is "
     "reached, the end by --max-restarts, and with -v the place of the "
     "program's own lines among others.",
     NULL, false},
    {"Environment", NULL, environment, false},
    {NULL, NULL, NULL, false},
};

static const char *const synopsis[] = {
    "[options] CONFIG.cfg...",
    "[options] KERNEL [-- cmdline]",
    NULL,
};

static int run_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_run_command = {
    .name = "run",
    .summary = "boot domains and wait until all have ended",
    .synopsis = synopsis,
    .description =
        "Boots Xen PVH guests on schedop's own hypervisor inside QEMU, streams "
        "their consoles, and turns the reasons they shut down with into an "
        "exit status. Takes configurations in xl.cfg syntax, one domain each, "
        "or kernels: ELF images with a PVH entry, compressed or not, and "
        "Linux's "
        "bzImage. "
        "Needs no Xen, no root and no KVM; QEMU must be installed.",
    .options = options,
    .parts = parts,
    .main = run_main,
};

const struct run_expect *run_expectation(const struct run *run,
                                         const char *name)
{
    for (size_t i = run->nr_expect; i-- > 0;) {
        if (strcmp(run->expect[i].name, name) == 0) {
            return &run->expect[i];
        }
    }
    return NULL;
}

/* ---- options ---- */

static int bad_value(const char *option, const char *value, const char *want)
{
    cli_error("--%s %s: must be %s", option, value, want);
    return CLI_USAGE;
}

static int take_number(const char *option, const char *value, unsigned min,
                       unsigned max, unsigned *out)
{
    uint64_t n;

    if (!cli_number(value, max, &n) || n < min) {
        char *want = cli_format("a number from %u to %u", min, max);

        bad_value(option, value, want);
        free(want);
        return CLI_USAGE;
    }
    *out = (unsigned)n;
    return 0;
}

static int take_timeout(struct run *run, const char *value)
{
    char *end;
    double s = strtod(value, &end);

    if (end == value || *end != '\0' || !(s >= 0.001 && s <= TIMEOUT_MAX)) {
        return bad_value("timeout", value, "seconds, such as 5 or 0.5");
    }
    run->timeout_ms = (uint64_t)(s * 1000);
    return 0;
}

static int take_expect(struct run *run, const char *value)
{
    const char *equals = strrchr(value, '=');
    int code = equals != NULL ? cli_reason_code(equals + 1) : -1;
    struct run_expect *e;

    if (equals == NULL || equals == value || code == -1) {
        return bad_value("expect", value,
                         "DOMAIN=REASON, where REASON is poweroff, reboot, "
                         "suspend, crash, watchdog, soft_reset, killed or a "
                         "number up to 255");
    }
    run->expect =
        cli_grow(run->expect, run->nr_expect + 1, sizeof(*run->expect));
    e = &run->expect[run->nr_expect++];
    e->name = cli_format("%.*s", (int)(equals - value), value);
    e->code = code;
    return 0;
}

static int take_seed(struct run *run, const char *value)
{
    run->seeded = true;
    if (!cli_number(value, UINT64_MAX, &run->seed)) {
        return bad_value("seed", value, "a number");
    }
    return 0;
}

static int take_gdb(struct run *run, const char *value)
{
    uint64_t port;

    run->gdb = value != NULL ? value : GDB_PORT;
    if (strchr(run->gdb, '/') == NULL &&
        (!cli_number(run->gdb, 65535, &port) || port == 0)) {
        return bad_value("gdb", value,
                         "a number from 1 to 65535, or a path with a slash");
    }
    return 0;
}

/* A list of classes: "sched,wakeup". */
static int take_classes(struct run *run, const char *value)
{
    uint32_t class = 0;

    run->trace_classes = 0;
    do {
        size_t len = strcspn(value, ",");
        char *word = cli_format("%.*s", (int)len, value);

        class = trace_class_by_name(word);
        free(word);
        run->trace_classes |= class;
        value += len;
    } while (class != 0 && *value++ == ',');
    return class != 0 ? 0
                      : bad_value("trace-events", value,
                                  "a list of sched, wakeup, command, timer, "
                                  "domain, policy, channel");
}

/* An option of QEMU or an operand: kept in order. */
static int take_qemu(struct run *run, const char *value)
{
    run->qemu = cli_grow(run->qemu, run->nr_qemu + 1, sizeof(*run->qemu));
    run->qemu[run->nr_qemu++] = cli_strdup(value);
    return 0;
}

static int take_runqueue(struct run *run, const char *value)
{
    if (sop_runqueue_by_name(value) < 0) {
        cli_error("--credit2-runqueue: %s is none of cpu, core, socket, node "
                  "and all",
                  value);
        return CLI_USAGE;
    }
    run->runqueue = value;
    return 0;
}

static int take_sched(struct run *run, const char *value)
{
    run->sched = cli_scheduler("--sched", value);
    return run->sched != NULL ? 0 : CLI_USAGE;
}

static int take_pool(struct run *run, const char *value)
{
    run->pool_files =
        cli_grow(run->pool_files, run->nr_pools + 1, sizeof(*run->pool_files));
    run->pool_files[run->nr_pools++] = value;
    return 0;
}

static int take_file(struct run *run, const char *value)
{
    run->files = cli_grow(run->files, run->nr_files + 1, sizeof(*run->files));
    run->files[run->nr_files++] = value;
    return 0;
}

static int take_rest(struct run *run, const char *value)
{
    if (run->cmdline.len != 0) {
        cli_text_str(&run->cmdline, " ");
    }
    cli_text_str(&run->cmdline, value);
    return 0;
}

enum { STOP_HELP = -1, STOP_VERSION = -2 };

static int take_flag(struct run *run, int id)
{
    switch (id) {
    case OPT_HARDWARE:
        run->hardware = true;
        return 0;
    case OPT_XTF:
        run->xtf = true;
        return 0;
    case OPT_JSON:
        run->json = true;
        return 0;
    case OPT_QUIET:
        run->quiet = true;
        return 0;
    case OPT_NOREBOOT:
        run->noreboot = true;
        return 0;
    case OPT_VERBOSE:
        run->verbose++;
        return 0;
    case OPT_VERSION:
        return STOP_VERSION;
    default:
        return STOP_HELP;
    }
}

static int take_trace(struct run *run, int id, const char *value)
{
    switch (id) {
    case OPT_TRACE:
        run->trace = value;
        return 0;
    case OPT_TRACE_FORMAT:
        run->trace_format = value;
        return 0;
    case OPT_TRACE_EVENTS:
        return take_classes(run, value);
    default:
        return take_number("trace-buffer", value, 1, 256, &run->trace_mib);
    }
}

static int take_option(void *ctx, int id, const char *value)
{
    struct run *run = ctx;

    switch (id) {
    case CLI_OPERAND:
        return take_file(run, value);
    case CLI_REST:
        return take_rest(run, value);
    case OPT_PCPUS:
        return take_number("pcpus", value, 1, PCPUS_MAX, &run->pcpus);
    case OPT_MEMORY:
        return take_number("memory", value, 1, CLI_MEMORY_MAX,
                           &run->memory_mib);
    case OPT_VCPUS:
        return take_number("vcpus", value, 1, CLI_VCPUS_MAX, &run->vcpus);
    case OPT_RAMDISK:
        run->ramdisk = value;
        return 0;
    case OPT_CONSOLE:
        run->console = value;
        return 0;
    case OPT_TIMEOUT:
        return take_timeout(run, value);
    case OPT_EXPECT:
        return take_expect(run, value);
    case OPT_MAX_RESTARTS:
        return take_number("max-restarts", value, 0, 1000, &run->restarts_max);
    case OPT_SEED:
        return take_seed(run, value);
    case OPT_DUMP_DIR:
        run->dump_dir = value;
        return 0;
    case OPT_GDB:
        return take_gdb(run, value);
    case OPT_QEMU:
        return take_qemu(run, value);
    case OPT_TRACE:
    case OPT_TRACE_FORMAT:
    case OPT_TRACE_EVENTS:
    case OPT_TRACE_BUFFER:
        return take_trace(run, id, value);
    case OPT_SCHED:
        return take_sched(run, value);
    case OPT_RUNQUEUE:
        return take_runqueue(run, value);
    case OPT_CPUPOOL:
        return take_pool(run, value);
    default:
        return take_flag(run, id);
    }
}

/* ---- running ---- */

static int run_domains(struct run *run)
{
    struct outcome outcome = {0};
    struct cli_text report = {0};
    char *hypervisor;
    int status, signal_number;

    hypervisor = run_find_hypervisor();
    if (hypervisor == NULL) {
        return CLI_ERROR;
    }
    signal_number = run_machine(run, hypervisor, &outcome);
    status = signal_number != 0 ? CLI_ERROR : outcome_judge(&outcome, run);
    if (run->json) {
        report_json(&report, &outcome, run, status);
    } else if (!run->quiet) {
        report_table(&report, &outcome);
    }
    if (!cli_text_print(&report, run->json ? STDOUT_FILENO : STDERR_FILENO) &&
        status == CLI_OK) {
        status = CLI_ERROR;
    }
    outcome_free(&outcome);
    free(hypervisor);
    if (signal_number != 0) {
        (void)signal(signal_number, SIG_DFL);
        (void)raise(signal_number);
    }
    return status;
}

static void free_run(struct run *run)
{
    run_free_domains(run);
    for (size_t i = 0; i < run->nr_expect; i++) {
        free(run->expect[i].name);
    }
    for (size_t i = 0; i < run->nr_qemu; i++) {
        free(run->qemu[i]);
    }
    for (size_t i = 0; run->pool != NULL && i < run->nr_pools; i++) {
        cli_pool_free(&run->pool[i]);
    }
    free(run->pool);
    free(run->pool_files);
    free(run->expect);
    free(run->qemu);
    free(run->files);
    cli_text_free(&run->cmdline);
}

static int run_main(const struct cli_command *self, int argc, char **argv)
{
    struct run run = {
        .pcpus = PCPUS_DEFAULT,
        .restarts_max = RESTARTS_DEFAULT,
        .trace_classes = SOP_TRACE_ALL,
        .trace_mib = TRACE_MIB,
        .sched = "credit2",
    };
    struct cli_text text = {0};
    int rc = cli_options_parse(self, argc, argv, take_option, &run);

    if (rc == STOP_HELP) {
        cli_help(&text, self);
        rc = cli_text_print(&text, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
    } else if (rc == STOP_VERSION) {
        cli_text_str(&text, "schedop " CLI_VERSION "\n");
        rc = cli_text_print(&text, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
    } else if (rc == 0 && run.nr_files == 0) {
        cli_error("nothing to run; do `schedop run KERNEL` or `schedop run "
                  "CONFIG.cfg`, or see `schedop run --help`");
        rc = CLI_USAGE;
    } else if (rc == 0) {
        cli_message_quiet(run.quiet);
        rc = run_load(&run);
        if (rc == 0) {
            rc = run_domains(&run);
        }
    }
    free_run(&run);
    return rc;
}
