/* SPDX-License-Identifier: MIT */
/* What `schedop run` was asked to do. */
#ifndef SCHEDOP_CLI_RUN_H
#define SCHEDOP_CLI_RUN_H

#include "cpupool.h"
#include "domain.h"

#define RUN_HYPERVISOR "schedop-hypervisor.elf"

struct outcome;

struct run_expect {
    char *name;
    int code; /* or CLI_REASON_KILLED */
};

struct run {
    unsigned pcpus;
    unsigned memory_mib; /* 0: not given */
    unsigned vcpus;      /* 0: not given */
    unsigned restarts_max;
    const char *gdb;      /* where to wait for it; NULL: nowhere */
    const char *dump_dir; /* where cores go; NULL: dump.h says */
    unsigned verbose;
    uint64_t timeout_ms; /* 0: none */
    uint64_t seed;
    bool seeded, json, quiet, xtf, hardware;
    const char *ramdisk;
    const char *trace, *trace_format; /* a file; NULL: none */
    uint32_t trace_classes;
    unsigned trace_mib;  /* of a pCPU's ring */
    const char *console; /* whose console gets standard input, or NULL */
    char **qemu;
    size_t nr_qemu;
    struct run_expect *expect;
    size_t nr_expect;
    const char **files;
    size_t nr_files;
    struct cli_text cmdline;  /* after "--" */
    struct cli_text settings; /* lines added to each configuration */
    const char *sched;        /* of Pool-0; NULL: not known */
    bool noreboot;
    const char *runqueue; /* credit2_runqueue=, or NULL */
    const char **pool_files;
    size_t nr_pools;
    struct cli_pool *pool;
    struct cli_domain *domain;
    size_t nr_domains;
};

/* The expectation for `name`, or NULL. */
const struct run_expect *run_expectation(const struct run *run,
                                         const char *name);

/* load.c: fills run->domain from run->files. 0 or an exit status. */
int run_load(struct run *run);
void run_free_domains(struct run *run);

/* machine.c: the hypervisor's path, to be freed; NULL after an error. */
char *run_find_hypervisor(void);

/* machine.c: runs the domains. 0, or the number of the signal that ended it. */
int run_machine(const struct run *run, const char *hypervisor,
                struct outcome *outcome);

#endif
