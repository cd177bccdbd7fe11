/* SPDX-License-Identifier: MIT */
/* The machine for `schedop run`: its hypervisor, memory and modules. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "session.h"

enum {
    MACHINE_MIB = 128, /* besides the domains */
    MACHINE_PER_DOMAIN_MIB = 4,
};

char *run_find_hypervisor(void)
{
    static const char *const places[] = {"", "../lib/schedop/"};
    const char *named = getenv("SCHEDOP_HYPERVISOR");
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (named != NULL && named[0] != '\0') {
        if (access(named, R_OK) != 0) {
            cli_error("SCHEDOP_HYPERVISOR: %s: %s", named, strerror(errno));
            return NULL;
        }
        return cli_strdup(named);
    }
    self[n > 0 ? n : 0] = '\0';
    slash = strrchr(self, '/');
    for (size_t i = 0; slash != NULL && i < 2; i++) {
        char *path = cli_format("%.*s/%s" RUN_HYPERVISOR, (int)(slash - self),
                                self, places[i]);

        if (access(path, R_OK) == 0) {
            return path;
        }
        free(path);
    }
    cli_error(
        "cannot find " RUN_HYPERVISOR " beside this program or in "
        "../lib/schedop; build it with `make`, or set SCHEDOP_HYPERVISOR");
    return NULL;
}

static char *make_kernel_module(const void *ctx, const char *path)
{
    return cli_domain_module(ctx, path);
}

static char *make_ramdisk_module(const void *ctx, const char *path)
{
    const struct cli_domain *d = ctx;

    return cli_format("%s module-of=%s", path, d->name);
}

/* MiB that QEMU needs; adds the modules on the way. */
static int stage(const struct run *run, struct qemu *q, uint64_t *memory_mib)
{
    uint64_t bytes = 0;

    *memory_mib = MACHINE_MIB;
    if (run->trace != NULL) {
        *memory_mib += (uint64_t)run->pcpus * (run->trace_mib + 1);
    }
    for (size_t i = 0; i < run->nr_domains; i++) {
        const struct cli_domain *d = &run->domain[i];
        bool copies = false;

        if (qemu_add_module(q, d->kernel.data, d->kernel.size,
                            make_kernel_module, d) != 0 ||
            (d->ramdisk.data != NULL &&
             qemu_add_module(q, d->ramdisk.data, d->ramdisk.size,
                             make_ramdisk_module, d) != 0)) {
            return -1;
        }
        for (int e = 0; e < CLI_EVENTS; e++) {
            copies |= strcmp(cli_domain_action(d, (enum cli_event)e),
                             "rename-restart") == 0;
        }
        *memory_mib += (d->memory_mib + MACHINE_PER_DOMAIN_MIB) *
                       (copies ? 1 + run->restarts_max : 1);
        bytes += d->kernel.size + d->ramdisk.size;
    }
    *memory_mib += bytes >> 20;
    return 0;
}

static char *hypervisor_cmdline(const struct run *run)
{
    static const char *const levels[] = {"warning", "info", "debug"};
    struct cli_text t = {0};

    cli_text_printf(&t, "link=com2 pcpus=%u loglvl=%s qemu-exit=0x501",
                    run->pcpus, levels[run->verbose < 2 ? run->verbose : 2]);
    if (strcmp(run->sched, "credit2") != 0) {
        cli_text_printf(&t, " sched=%s", run->sched);
    }
    if (run->runqueue != NULL) {
        cli_text_printf(&t, " credit2_runqueue=%s", run->runqueue);
    }
    if (run->noreboot) {
        cli_text_str(&t, " noreboot");
    }
    cli_pools_words(run->pool, run->nr_pools, &t);
    if (run->seeded) {
        cli_text_printf(&t, " seed=%" PRIu64, run->seed);
    }
    if (run->gdb != NULL) {
        cli_text_printf(&t, " debug=%s", run->domain[0].name);
    }
    if (run->trace != NULL) {
        cli_text_printf(&t, " trace=%#x trace-kib=%u", run->trace_classes,
                        run->trace_mib << 10);
    }
    return t.data;
}

int run_machine(const struct run *run, const char *hypervisor,
                struct outcome *outcome)
{
    const char *program = getenv("SCHEDOP_QEMU");
    char *append = hypervisor_cmdline(run);
    struct qemu_config config = {
        .program = program != NULL && program[0] != '\0' ? program
                                                         : "qemu-system-x86_64",
        .hypervisor = hypervisor,
        .append = append,
        .pcpus = run->pcpus,
        .seeded = run->seeded,
        .seed = run->seed,
        .extra = run->qemu,
        .nr_extra = run->nr_qemu,
    };
    struct qemu q;
    int signal_number = 0;

    if (qemu_init(&q) != 0 || stage(run, &q, &config.memory_mib) != 0) {
        outcome->error = true;
        qemu_end(&q);
    } else {
        signal_number = session_run(run, &q, &config, outcome);
    }
    free(append);
    return signal_number;
}
