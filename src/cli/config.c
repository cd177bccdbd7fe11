/* SPDX-License-Identifier: MIT */
/*
 * Domains from xl.cfg files: see config.h. config_file.c reads the syntax and
 * the values.
 *
 * Every reader below returns 0 when the key is absent or good and -1 after an
 * error message.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_file.h"

/* ---- the readers, one for each group of keys ---- */

/* The file's name without directory and suffix. */
static char *stem(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(base, '.');

    return cli_format(
        "%.*s",
        (int)(dot != NULL && dot != base ? dot - base : (int)strlen(base)),
        base);
}

static int read_name(struct config *c)
{
    struct cli_domain *d = c->domain;
    const char *name = NULL;

    if (config_string(c, "name", &name) != 0) {
        return -1;
    }
    d->name = name != NULL ? cli_strdup(name) : stem(c->path);
    d->where = config_where(c, "name");
    if (!cli_domain_name_ok(d->name)) {
        cli_error("%s: name = \"%s\": a name is 1 to %u of A-Z a-z 0-9 _ . -",
                  d->where, d->name, SCHEDOP_NAME_MAX);
        return -1;
    }
    return 0;
}

/* PVH alone: by "type", or by what older files say instead. */
static int read_type(struct config *c)
{
    const char *type = NULL, *builder = NULL;

    if (config_string(c, "type", &type) != 0 ||
        config_string(c, "builder", &builder) != 0) {
        return -1;
    }
    if (type != NULL && strcmp(type, "pvh") != 0) {
        cli_error("%s:%u: type = \"%s\" is not supported: schedop runs PVH "
                  "domains; do type = \"pvh\" if the kernel can boot as PVH",
                  c->path, cli_keys_line(&c->keys, "type"), type);
        return -1;
    }
    if (builder != NULL && strcmp(builder, "generic") != 0) {
        cli_error("%s:%u: builder = \"%s\" is not supported: schedop runs PVH "
                  "domains; do type = \"pvh\" instead",
                  c->path, cli_keys_line(&c->keys, "builder"), builder);
        return -1;
    }
    return 0;
}

/* A relative path: beside the configuration first, then where we are. */
static int load_file(const struct config *c, const char *key, const char *path,
                     struct cli_image *file)
{
    const char *slash = strrchr(c->path, '/');
    char *why = NULL;
    int rc = -1;

    if (path[0] != '/' && slash != NULL) {
        char *beside =
            cli_format("%.*s/%s", (int)(slash - c->path), c->path, path);

        rc = cli_file_read(beside, file, &why);
        free(beside);
        if (rc != 0 && errno != ENOENT) {
            goto out;
        }
    }
    if (rc != 0) {
        free(why);
        rc = cli_file_read(path, file, &why);
    }
out:
    if (rc != 0) {
        cli_error("%s:%u: %s %s %s%s", c->path, cli_keys_line(&c->keys, key),
                  key, path, why,
                  path[0] != '/' && slash != NULL
                      ? " (looked beside the configuration and in the current "
                        "directory)"
                      : "");
        free(why);
    }
    return rc;
}

static int read_files(struct config *c)
{
    struct cli_domain *d = c->domain;
    const char *kernel = NULL, *ramdisk = NULL;
    char *why;

    if (config_string(c, "kernel", &kernel) != 0 ||
        config_string(c, "ramdisk", &ramdisk) != 0) {
        return -1;
    }
    if (kernel == NULL || kernel[0] == '\0') {
        cli_error("%s: no kernel is given; do kernel = \"FILE\"", c->path);
        return -1;
    }
    d->fault = CLI_FAULT_BUILD;
    if (load_file(c, "kernel", kernel, &d->kernel) != 0) {
        return -1;
    }
    if (cli_kernel_open(&d->kernel, &why) != 0) {
        cli_error("%s:%u: %s %s", c->path, cli_keys_line(&c->keys, "kernel"),
                  kernel, why);
        free(why);
        return -1;
    }
    if (ramdisk != NULL && ramdisk[0] != '\0' &&
        load_file(c, "ramdisk", ramdisk, &d->ramdisk) != 0) {
        return -1;
    }
    d->fault = CLI_FAULT_CONFIG;
    return 0;
}

static int read_cmdline(struct config *c)
{
    const char *cmdline = NULL, *root = NULL, *extra = NULL;
    char *composed;

    if (config_string(c, "cmdline", &cmdline) != 0 ||
        config_string(c, "root", &root) != 0 ||
        config_string(c, "extra", &extra) != 0) {
        return -1;
    }
    if (cmdline != NULL) {
        if (root != NULL || extra != NULL) {
            cli_warning("%s:%u: root and extra are ignored beside cmdline",
                        c->path,
                        cli_keys_line(&c->keys, root ? "root" : "extra"));
        }
        composed = cli_strdup(cmdline);
    } else {
        composed = cli_format("%s%s%s%s", root ? "root=" : "", root ? root : "",
                              root && extra ? " " : "", extra ? extra : "");
    }
    free(c->domain->cmdline);
    c->domain->cmdline = composed;
    c->domain->cmdline_where = config_where(c, cmdline != NULL ? "cmdline"
                                               : extra         ? "extra"
                                                               : "root");
    return 0;
}

static int read_memory(struct config *c)
{
    struct cli_domain *d = c->domain;
    uint64_t max = 0;
    const char *key = "memory";

    d->fault = CLI_FAULT_BUILD;
    if (config_number(c, "memory", 1, CLI_MEMORY_MAX, &d->memory_mib) != 0 ||
        config_number(c, "maxmem", 1, CLI_MEMORY_MAX, &max) != 0) {
        return -1;
    }
    d->fault = CLI_FAULT_CONFIG;
    if (max != 0 && d->memory_mib == 0) {
        d->memory_mib = max; /* as xl does */
        key = "maxmem";
    }
    if (max != 0 && max < d->memory_mib) {
        return config_bad(c, "maxmem", "maxmem is below memory");
    }
    if (max > d->memory_mib) {
        d->target_mib = d->memory_mib;
        d->memory_mib = max;
    }
    if (d->memory_mib != 0) {
        d->memory_where =
            cli_format("%s:%u: %s = %" PRIu64, c->path,
                       cli_keys_line(&c->keys, key), key, d->memory_mib);
    }
    return 0;
}

static int read_vcpus(struct config *c)
{
    struct cli_domain *d = c->domain;
    unsigned max = 0;

    d->fault = CLI_FAULT_BUILD;
    if (config_unsigned(c, "vcpus", 1, CLI_VCPUS_MAX, &d->vcpus) != 0 ||
        config_unsigned(c, "maxvcpus", 1, CLI_VCPUS_MAX, &max) != 0) {
        return -1;
    }
    d->fault = CLI_FAULT_CONFIG;
    if (max != 0 && cli_keys_line(&c->keys, "vcpus") == 0) {
        d->vcpus = max;
    }
    if (max != 0 && max < d->vcpus) {
        return config_bad(c, "maxvcpus", "maxvcpus is below vcpus");
    }
    if (max > d->vcpus) {
        d->online = d->vcpus;
        d->vcpus = max;
    }
    return 0;
}

/* One text for all vCPUs, or a list of texts for vCPUs 0, 1, ... */
static int read_affinity(struct config *c, const char *key, uint64_t *mask,
                         char **where)
{
    XLU_ConfigList *list;
    const char *text = NULL;
    int count;

    if (cli_keys_line(&c->keys, key) == 0) {
        return 0;
    }
    *where = config_where(c, key);
    if (xlu_cfg_get_list(c->xlu, key, &list, &count, 1) == 0) {
        for (int i = 0; i < count; i++) {
            text = xlu_cfg_get_listitem(list, i);
            if (text == NULL) {
                return config_bad(c, key,
                                  "a list of pCPU lists holds texts only");
            }
            if ((unsigned)i < c->domain->vcpus &&
                config_cpulist(c, key, text, &mask[i]) != 0) {
                return -1;
            }
        }
        return 0;
    }
    if (config_string(c, key, &text) != 0 || text == NULL ||
        config_cpulist(c, key, text, &mask[0]) != 0) {
        return -1;
    }
    for (unsigned i = 1; i < c->domain->vcpus; i++) {
        mask[i] = mask[0];
    }
    return 0;
}

/* Which scheduler they are for is seen when the pools are known. */
static int read_knobs(struct config *c)
{
    static const unsigned least[CLI_KNOBS] = {1, 0, 10, 10, 0};
    static const unsigned most[CLI_KNOBS] = {65535, 100 * SOP_PCPUS_MAX,
                                             UINT32_MAX, UINT32_MAX, 1};
    struct cli_domain *d = c->domain;

    for (int i = 0; i < CLI_KNOBS; i++) {
        const char *key = cli_knob_name((enum cli_knob)i);

        if (cli_keys_line(&c->keys, key) == 0) {
            continue;
        }
        if (config_unsigned(c, key, least[i], most[i], &d->knob[i]) != 0) {
            return -1;
        }
        d->knob_where[i] = config_where(c, key);
    }
    return 0;
}

static int read_scheduling(struct config *c)
{
    struct cli_domain *d = c->domain;
    const char *pool = NULL;

    if (config_string(c, "pool", &pool) != 0) {
        return -1;
    }
    if (read_knobs(c) != 0) {
        c->domain->fault = CLI_FAULT_BUILD;
        return -1;
    }
    if (pool != NULL) {
        d->pool = cli_strdup(pool);
        d->pool_where = config_where(c, "pool");
    }
    if (read_affinity(c, "cpus", d->hard, &d->affinity_where[0]) != 0) {
        return -1;
    }
    return read_affinity(c, "cpus_soft", d->soft, &d->affinity_where[1]);
}

static const char *const shutdown_actions[] = {
    "destroy",          "restart",          "rename-restart", "preserve",
    "coredump-destroy", "coredump-restart", "soft-reset",     NULL,
};

static const char *const suspend_actions[] = {
    "checkpoint", "resume", "destroy", "preserve", NULL,
};

/* Returns the list's own text, which outlives the configuration. */
static const char *find_action(const char *const *list, const char *action)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, action) == 0) {
            return *list;
        }
    }
    return NULL;
}

static int read_action(struct config *c, enum cli_event event)
{
    bool suspend = event == CLI_SUSPEND;
    char *key = cli_format("on_%s", cli_reason_name((int)event));
    const char *action = NULL;
    const char **out = &c->domain->action[event];
    int rc = config_string(c, key, &action);

    if (rc == 0 && action != NULL) {
        *out =
            find_action(suspend ? suspend_actions : shutdown_actions, action);
        if (*out == NULL) {
            cli_error("%s:%u: %s = \"%s\": must be %s", c->path,
                      cli_keys_line(&c->keys, key), key, action,
                      suspend ? "checkpoint, resume, destroy or preserve"
                              : "destroy, restart, rename-restart, preserve, "
                                "coredump-destroy, coredump-restart or "
                                "soft-reset");
            rc = -1;
        }
    }
    free(key);
    return rc;
}

static int read_all(struct config *c)
{
    unsigned hardware = 0;

    cli_config_warn(c->path, &c->keys);
    if (read_type(c) != 0 || read_name(c) != 0 || read_cmdline(c) != 0 ||
        read_memory(c) != 0 || read_vcpus(c) != 0 || read_scheduling(c) != 0 ||
        config_unsigned(c, "max_event_channels", 0, CLI_PORTS_MAX,
                        &c->domain->max_event_channels) != 0 ||
        config_unsigned(c, "hardware_domain", 0, 1, &hardware) != 0) {
        return -1;
    }
    c->domain->hardware = hardware == 1;
    for (int i = 0; i < CLI_EVENTS; i++) {
        if (read_action(c, (enum cli_event)i) != 0) {
            return -1;
        }
    }
    return read_files(c);
}

int cli_config_read(const struct cli_image *file, struct cli_domain *d)
{
    struct config c = {.domain = d};
    int rc = config_open(&c, file);

    if (rc == 0) {
        rc = read_all(&c);
    }
    config_close(&c);
    return rc;
}
