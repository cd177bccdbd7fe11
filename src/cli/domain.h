/* SPDX-License-Identifier: MIT */
/*
 * What the user asked for: one record per domain, whether it came from a
 * configuration file or from a bare kernel.
 */
#ifndef SCHEDOP_CLI_DOMAIN_H
#define SCHEDOP_CLI_DOMAIN_H

#include <schedop/link.h>
#include <schedop/limits.h>

#include "image.h"

#define CLI_VCPUS_MAX 16u
#define CLI_PORTS_MAX 131071u
#define CLI_MEMORY_MAX (1u << 20) /* MiB */
#define CLI_CMDLINE_MAX 2048u     /* bytes, as Linux has it */

/* What a domain may end with; the order of Xen's SHUTDOWN_ reasons. */
enum cli_event {
    CLI_POWEROFF,
    CLI_REBOOT,
    CLI_SUSPEND,
    CLI_CRASHED,
    CLI_WATCHDOG_FIRED,
    CLI_SOFT_RESET,
    CLI_EVENTS,
};

/* What a scheduler can be told of a domain: the first two are credit2's, the
   others rtds's. Times in microseconds. */
enum cli_knob {
    CLI_KNOB_WEIGHT,
    CLI_KNOB_CAP,
    CLI_KNOB_PERIOD,
    CLI_KNOB_BUDGET,
    CLI_KNOB_EXTRATIME,
    CLI_KNOBS,
};

/* As xl.cfg calls it. */
const char *cli_knob_name(enum cli_knob knob);

#define CLI_REASON_KILLED (-2) /* still running when the machine stopped */

/* Whose error a domain is that cannot be: xl's statuses differ. */
enum cli_fault {
    CLI_FAULT_CONFIG, /* found when the configuration is read */
    CLI_FAULT_BUILD,  /* when the domain is built: its files, its size */
    CLI_FAULT_POOL,   /* there is no such cpupool */
};

struct cli_domain {
    char *name;
    char *where; /* "file:line" of its name, or the kernel's path */
    struct cli_image kernel;
    struct cli_image ramdisk; /* data NULL for none */
    char *cmdline;            /* never NULL */
    char *cmdline_where;      /* "file:line", or NULL */
    uint64_t memory_mib;
    uint64_t target_mib; /* it should use so much of it; 0: all */
    char *memory_where;  /* "file:line: memory = 1", or NULL for a default */
    unsigned vcpus;      /* as many as there may be */
    unsigned online;     /* it should use so many at first; 0: all */
    unsigned max_event_channels; /* 0: xl's default */
    bool hardware;
    char *pool; /* its cpupool, NULL: Pool-0 */
    char *pool_where;
    unsigned knob[CLI_KNOBS];     /* or a default */
    char *knob_where[CLI_KNOBS];  /* "file:line"; NULL: not given */
    uint64_t hard[CLI_VCPUS_MAX]; /* affinity; 0: all */
    uint64_t soft[CLI_VCPUS_MAX];
    char *affinity_where[2];        /* hard, soft: "file:line", or NULL */
    const char *action[CLI_EVENTS]; /* as the link names them, NULL: default */
    enum cli_fault fault;           /* after an error */
};

/* "poweroff" ... "soft_reset", "killed", or NULL for another number. */
const char *cli_reason_name(int code);

/* The code for a name or a number, -1 when it is neither. */
int cli_reason_code(const char *word);

void cli_domain_init(struct cli_domain *d);
void cli_domain_free(struct cli_domain *d);

/* Is `name` one the link can carry? */
bool cli_domain_name_ok(const char *name);

/*
 * What happens to `d` on `event`: its action or the default of xl, which for
 * suspend is to go on in place.
 */
const char *cli_domain_action(const struct cli_domain *d, enum cli_event event);

/* Does the domain live on after `action`, itself or as a new domain? */
bool cli_action_goes_on(const char *action);

/*
 * Completes and checks a domain whose kernel is loaded: memory (when not
 * given, what it needs but at least `memory_default`) and affinities against
 * the machine. Returns 0, or -1 after an error message.
 */
int cli_domain_check(struct cli_domain *d, uint64_t memory_default,
                     unsigned pcpus);

/*
 * The domain's module command line, beginning with its file's path, as
 * docs/link.md says. The caller frees it.
 */
char *cli_domain_module(const struct cli_domain *d, const char *path);

#endif
