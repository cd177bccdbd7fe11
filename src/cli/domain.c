/* SPDX-License-Identifier: MIT */
/* The domains that the user asked for: see domain.h. */
#include "domain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xen/event_channel.h>
#include <xen/sched.h>

_Static_assert((int)CLI_POWEROFF == SHUTDOWN_poweroff, "order of reasons");
_Static_assert((int)CLI_REBOOT == SHUTDOWN_reboot, "order of reasons");
_Static_assert((int)CLI_SUSPEND == SHUTDOWN_suspend, "order of reasons");
_Static_assert((int)CLI_CRASHED == SHUTDOWN_crash, "order of reasons");
_Static_assert((int)CLI_WATCHDOG_FIRED == SHUTDOWN_watchdog,
               "order of reasons");
_Static_assert((int)CLI_SOFT_RESET == SHUTDOWN_soft_reset, "order of reasons");

static const char *const reasons[CLI_EVENTS] = {
    "poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset",
};

const char *cli_reason_name(int code)
{
    if (code == CLI_REASON_KILLED) {
        return "killed";
    }
    return code >= 0 && code < CLI_EVENTS ? reasons[code] : NULL;
}

int cli_reason_code(const char *word)
{
    uint64_t n;

    for (int i = 0; i < CLI_EVENTS; i++) {
        if (strcmp(word, reasons[i]) == 0) {
            return i;
        }
    }
    if (strcmp(word, "killed") == 0) {
        return CLI_REASON_KILLED;
    }
    return cli_number(word, UINT8_MAX, &n) ? (int)n : -1;
}

static const struct {
    const char *key, *word; /* of xl.cfg, and of the link */
    unsigned initial;
} knobs[CLI_KNOBS] = {
    {"cpu_weight", "weight", 256}, {"cap", "cap", 0},
    {"period", "period", 10000},   {"budget", "budget", 4000},
    {"extratime", "extratime", 1},
};

void cli_domain_init(struct cli_domain *d)
{
    *d = (struct cli_domain){.vcpus = 1, .cmdline = cli_strdup("")};
    for (int i = 0; i < CLI_KNOBS; i++) {
        d->knob[i] = knobs[i].initial;
    }
}

void cli_domain_free(struct cli_domain *d)
{
    free(d->name);
    free(d->where);
    free(d->cmdline);
    free(d->cmdline_where);
    free(d->memory_where);
    free(d->affinity_where[0]);
    free(d->affinity_where[1]);
    free(d->pool);
    free(d->pool_where);
    for (int i = 0; i < CLI_KNOBS; i++) {
        free(d->knob_where[i]);
    }
    cli_image_free(&d->kernel);
    cli_image_free(&d->ramdisk);
    *d = (struct cli_domain){0};
}

const char *cli_knob_name(enum cli_knob knob)
{
    return knobs[knob].key;
}

bool cli_domain_name_ok(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= SCHEDOP_NAME_MAX &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789_.-") == len;
}

const char *cli_domain_action(const struct cli_domain *d, enum cli_event event)
{
    static const char *const defaults[CLI_EVENTS] = {
        "destroy", "restart", "checkpoint", "destroy", "destroy", "soft-reset",
    };

    return d->action[event] != NULL ? d->action[event] : defaults[event];
}

bool cli_action_goes_on(const char *action)
{
    return strcmp(action, "destroy") != 0 && strcmp(action, "preserve") != 0 &&
           strcmp(action, "coredump-destroy") != 0;
}

static int check_memory(struct cli_domain *d, uint64_t memory_default)
{
    uint64_t need = cli_image_memory_mib(&d->kernel, d->ramdisk.size);

    if (d->memory_mib == 0) {
        d->memory_mib = need > memory_default ? need : memory_default;
    }
    if (need > CLI_MEMORY_MAX) {
        cli_error("%s: the image wants memory at %#" PRIx64
                  ": link it to a lower physical address",
                  d->kernel.path, d->kernel.high - 1);
        return -1;
    }
    if (d->memory_mib < need) {
        cli_error("%s is too small: %s%s ends at %#" PRIx64
                  "; do memory = %" PRIu64 " or more",
                  d->memory_where, d->kernel.path,
                  d->ramdisk.data != NULL ? " with its ramdisk" : "",
                  d->kernel.high + d->ramdisk.size, need);
        return -1;
    }
    return 0;
}

/* Drops pCPUs that the machine does not have; at least one must be left. */
static int check_affinity(uint64_t *mask, unsigned vcpus, unsigned pcpus,
                          const char *where, const char *key)
{
    uint64_t machine = pcpus >= 64 ? UINT64_MAX : ((uint64_t)1 << pcpus) - 1;
    bool dropped = false;

    for (unsigned i = 0; i < vcpus; i++) {
        if (mask[i] == 0) {
            continue;
        }
        dropped |= mask[i] != UINT64_MAX && (mask[i] & ~machine) != 0;
        mask[i] &= machine;
        if (mask[i] == 0) {
            cli_error("%s: %s gives vCPU %u no pCPU of this machine, which "
                      "has 0-%u; do --pcpus N or name others",
                      where, key, i, pcpus - 1);
            return -1;
        }
        if (mask[i] == machine) {
            mask[i] = 0;
        }
    }
    if (dropped) {
        cli_warning("%s: %s names pCPUs above %u, which this machine does not "
                    "have (--pcpus %u): ignored",
                    where, key, pcpus - 1, pcpus);
    }
    return 0;
}

int cli_domain_check(struct cli_domain *d, uint64_t memory_default,
                     unsigned pcpus)
{
    const char *where = d->cmdline_where != NULL ? d->cmdline_where : d->where;

    for (const char *c = d->cmdline; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            cli_error("%s: the kernel command line holds a control character",
                      where);
            return -1;
        }
    }
    if (strlen(d->cmdline) > CLI_CMDLINE_MAX) {
        cli_error("%s: the kernel command line is longer than %u bytes", where,
                  CLI_CMDLINE_MAX);
        return -1;
    }
    if (check_memory(d, memory_default) != 0) {
        d->fault = CLI_FAULT_BUILD;
        return -1;
    }
    if (check_affinity(d->hard, d->vcpus, pcpus, d->affinity_where[0],
                       "cpus") != 0 ||
        check_affinity(d->soft, d->vcpus, pcpus, d->affinity_where[1],
                       "cpus_soft") != 0) {
        return -1;
    }
    return 0;
}

/* One word for all vCPUs when they agree, else one for each that is bound. */
static void add_affinity(struct cli_text *t, const char *key,
                         const uint64_t *mask, unsigned vcpus)
{
    bool same = true;

    for (unsigned i = 1; i < vcpus; i++) {
        same = same && mask[i] == mask[0];
    }
    if (same && mask[0] != 0) {
        cli_text_printf(t, " %s=%" PRIx64, key, mask[0]);
    }
    for (unsigned i = 0; i < vcpus && !same; i++) {
        if (mask[i] != 0) {
            cli_text_printf(t, " %s.%u=%" PRIx64, key, i, mask[i]);
        }
    }
}

char *cli_domain_module(const struct cli_domain *d, const char *path)
{
    struct cli_text t = {0};

    cli_text_printf(&t, "%s name=%s memory=%" PRIu64 " vcpus=%u", path, d->name,
                    d->memory_mib, d->vcpus);
    if (d->target_mib != 0) {
        cli_text_printf(&t, " target=%" PRIu64, d->target_mib);
    }
    if (d->online != 0) {
        cli_text_printf(&t, " online=%u", d->online);
    }
    if (d->max_event_channels != 0) {
        cli_text_printf(&t, " max_event_channels=%u", d->max_event_channels);
    }
    if (d->hardware) {
        cli_text_str(&t, " hardware=1");
    }
    if (d->pool != NULL && strcmp(d->pool, "Pool-0") != 0) {
        cli_text_printf(&t, " pool=%s", d->pool);
    }
    for (int i = 0; i < CLI_KNOBS; i++) {
        if (d->knob_where[i] != NULL) {
            cli_text_printf(&t, " %s=%u", knobs[i].word, d->knob[i]);
        }
    }
    add_affinity(&t, "cpus", d->hard, d->vcpus);
    add_affinity(&t, "cpus_soft", d->soft, d->vcpus);
    for (int i = 0; i < CLI_EVENTS; i++) {
        if (d->action[i] != NULL) {
            cli_text_printf(&t, " on_%s=%s", reasons[i], d->action[i]);
        }
    }
    if (d->cmdline[0] != '\0') {
        cli_text_printf(&t, " -- %s", d->cmdline);
    }
    return t.data;
}
