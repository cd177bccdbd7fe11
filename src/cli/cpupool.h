/* SPDX-License-Identifier: MIT */
/*
 * Cpupools that a run is to have, from files in the syntax of xl's
 * cpupool-create, and whether the domains suit them.
 */
#ifndef SCHEDOP_CLI_CPUPOOL_H
#define SCHEDOP_CLI_CPUPOOL_H

#include "domain.h"
#include "options.h"

#define CLI_POOL_0 "Pool-0"

struct cli_window {
    char *domain;
    unsigned vcpu;
    uint64_t ns;
};

struct cli_pool {
    char *name;
    char *where;       /* "file:line" of its name, or the file */
    const char *sched; /* as Xen names it; NULL: as Pool-0 */
    uint64_t cpus;     /* 0: not given */
    char *cpus_where;
    uint64_t frame_ns; /* arinc653: 0 is not given */
    struct cli_window *window;
    size_t nr_windows;
};

/* The name if there is such a scheduler, else NULL after an error message. */
const char *cli_scheduler(const char *where, const char *name);

/*
 * Fills `p` from the configuration in `file`. Returns 0, or -1 after an error
 * message that names file and line.
 */
int cli_pool_read(const struct cli_image *file, struct cli_pool *p);
void cli_pool_free(struct cli_pool *p);

/*
 * Checks the pools against each other and the machine, and gives a pCPU to
 * each that names none. `sched` is Pool-0's. 0, or -1 after an error message.
 */
int cli_pools_check(struct cli_pool *pools, size_t count, const char *sched,
                    unsigned pcpus);

/* Are `d`'s pool, its masks and its knobs fine? 0, or -1 and a message. */
int cli_pools_suit(const struct cli_pool *pools, size_t count,
                   const char *sched, const struct cli_domain *d);

/* The hypervisor's words for them, docs/link.md, each after a space. */
void cli_pools_words(const struct cli_pool *pools, size_t count,
                     struct cli_text *t);

/* For the manual: the keys. */
extern const struct cli_item cli_pool_items[];

#endif
