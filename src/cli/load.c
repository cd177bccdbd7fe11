/* SPDX-License-Identifier: MIT */
/*
 * From the operands of `schedop run` to checked domains. All functions return
 * 0, or an exit status after an error message.
 */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "run.h"

enum {
    MODULES_MAX = 64,       /* what the hypervisor takes */
    MEMORY_CONFIG_MIB = 32, /* a domain's memory when not given */
    MEMORY_KERNEL_MIB = 64, /* the same for a bare kernel */
};

static struct cli_domain *new_domain(struct run *run)
{
    struct cli_domain *d;

    run->domain =
        cli_grow(run->domain, run->nr_domains + 1, sizeof(*run->domain));
    d = &run->domain[run->nr_domains++];
    cli_domain_init(d);
    return d;
}

/* A name of a file's: its last part, without .gz and one more suffix. */
static char *name_of_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = cli_strdup(slash != NULL ? slash + 1 : path);
    char *dot = strrchr(name, '.');

    if (dot != NULL && dot != name && strcmp(dot, ".gz") == 0) {
        *dot = '\0';
        dot = strrchr(name, '.');
    }
    if (dot != NULL && dot != name) {
        *dot = '\0';
    }
    for (char *c = name; *c != '\0'; c++) {
        char one[2] = {*c, '\0'};

        *c = cli_domain_name_ok(one) ? *c : '-';
    }
    if (strlen(name) > SCHEDOP_NAME_MAX) {
        name[SCHEDOP_NAME_MAX] = '\0';
    }
    return name;
}

static int add_kernel(struct run *run, struct cli_image *file)
{
    struct cli_domain *d;
    char *path = cli_strdup(file->path);
    char *why = NULL;
    int rc = 0;

    if (run->settings.len != 0) {
        cli_error("%s: KEY=VALUE is for configurations, and this is a kernel",
                  path);
        free(path);
        cli_image_free(file);
        return CLI_USAGE;
    }
    if (cli_kernel_open(file, &why) != 0) {
        cli_error("%s: %s", path, why);
        free(why);
        free(path);
        return CLI_USAGE;
    }
    d = new_domain(run);
    d->kernel = *file;
    d->where = path;
    d->name = name_of_file(path);
    d->hardware = run->hardware;
    if (run->cmdline.len != 0) {
        free(d->cmdline);
        d->cmdline = cli_strdup(run->cmdline.data);
    }
    if (run->ramdisk != NULL &&
        cli_file_read(run->ramdisk, &d->ramdisk, &why) != 0) {
        cli_error("--ramdisk %s: %s", run->ramdisk, why);
        free(why);
        rc = CLI_USAGE;
    }
    return rc;
}

static int add_config(struct run *run, struct cli_image *file)
{
    struct cli_text t = {0};
    int rc;

    if (run->settings.len != 0) {
        cli_text_add(&t, file->data, file->size);
        cli_text_str(&t, "\n");
        cli_text_add(&t, run->settings.data, run->settings.len);
        free(file->data);
        file->data = (uint8_t *)t.data;
        file->size = t.len;
    }
    rc = cli_config_read(file, new_domain(run)) != 0 ? CLI_USAGE : 0;

    cli_image_free(file);
    return rc;
}

/* Adds a domain, always as the last one. */
static int add_file(struct run *run, const char *path, bool *any_kernel)
{
    struct cli_image file;
    char *why;

    if (cli_file_read(path, &file, &why) != 0) {
        cli_error("%s: %s", path, why);
        free(why);
        return CLI_USAGE;
    }
    switch (cli_file_kind(&file)) {
    case CLI_FILE_KERNEL:
        *any_kernel = true;
        return add_kernel(run, &file);
    case CLI_FILE_CONFIG:
        return add_config(run, &file);
    case CLI_FILE_OTHER:
        break;
    }
    cli_error("%s: is neither an ELF image nor a configuration", path);
    cli_image_free(&file);
    return CLI_USAGE;
}

static struct cli_domain *find_domain(const struct run *run, const char *name)
{
    for (size_t i = 0; i < run->nr_domains; i++) {
        if (strcmp(run->domain[i].name, name) == 0) {
            return &run->domain[i];
        }
    }
    return NULL;
}

static int check_names(const struct run *run)
{
    const struct cli_domain *hardware = NULL;

    for (size_t i = 0; i < run->nr_domains; i++) {
        const struct cli_domain *d = &run->domain[i];
        const struct cli_domain *first = find_domain(run, d->name);

        if (first != NULL && first != d) {
            cli_error("%s: the name %s is taken by %s; give each domain its "
                      "own",
                      d->where, d->name, first->where);
            return CLI_USAGE;
        }
        if (d->hardware && hardware != NULL) {
            cli_error("%s: %s and %s both want to be the hardware domain; "
                      "there is one",
                      d->where, d->name, hardware->name);
            return CLI_USAGE;
        }
        hardware = d->hardware ? d : hardware;
    }
    return 0;
}

static int no_such_domain(const struct run *run, const char *option,
                          const char *name)
{
    struct cli_text list = {0};

    for (size_t i = 0; i < run->nr_domains; i++) {
        cli_text_printf(&list, "%s%s", i != 0 ? ", " : "", run->domain[i].name);
    }
    cli_error("--%s: there is no domain %s; there is: %s", option, name,
              list.data);
    cli_text_free(&list);
    return CLI_USAGE;
}

/*
 * An expected end is the end: what would let the domain go on after it gives
 * way to destroy.
 */
static int apply_expectations(struct run *run)
{
    for (size_t i = 0; i < run->nr_expect; i++) {
        struct cli_domain *d = find_domain(run, run->expect[i].name);
        int code = run->expect[i].code;

        if (d == NULL) {
            return no_such_domain(run, "expect", run->expect[i].name);
        }
        if (code >= 0 && code < CLI_EVENTS &&
            cli_action_goes_on(cli_domain_action(d, (enum cli_event)code))) {
            d->action[code] = "destroy";
        }
    }
    if (run->console != NULL && find_domain(run, run->console) == NULL) {
        return no_such_domain(run, "console", run->console);
    }
    return 0;
}

/* What --memory and --vcpus say goes above the configuration. */
static int complete_domain(const struct run *run, struct cli_domain *d,
                           bool from_kernel)
{
    if (run->memory_mib != 0) {
        free(d->memory_where);
        d->memory_mib = run->memory_mib;
        d->memory_where = cli_format("--memory %u", run->memory_mib);
    }
    if (run->vcpus != 0) {
        d->vcpus = run->vcpus;
        d->online = 0;
    }
    if (cli_domain_check(d, from_kernel ? MEMORY_KERNEL_MIB : MEMORY_CONFIG_MIB,
                         run->pcpus) != 0) {
        return CLI_USAGE;
    }
    /* The pools of a machine that runs already are its own to know. */
    d->fault = CLI_FAULT_POOL;
    if (run->sched != NULL &&
        cli_pools_suit(run->pool, run->nr_pools, run->sched, d) != 0) {
        return CLI_USAGE;
    }
    d->fault = CLI_FAULT_CONFIG;
    return 0;
}

void run_free_domains(struct run *run)
{
    for (size_t i = 0; i < run->nr_domains; i++) {
        cli_domain_free(&run->domain[i]);
    }
    free(run->domain);
    run->domain = NULL;
    run->nr_domains = 0;
}

/* The pools first: what a domain may be told depends on its pool. */
static int load_pools(struct run *run)
{
    if (run->pool_files == NULL) {
        return 0; /* none, or those of a host that runs */
    }
    run->pool = cli_alloc(run->nr_pools * sizeof(*run->pool));
    for (size_t i = 0; i < run->nr_pools; i++) {
        struct cli_image file = {0};
        char *why;
        int rc = cli_file_read(run->pool_files[i], &file, &why);

        if (rc != 0) {
            cli_error("%s: %s", run->pool_files[i], why);
            free(why);
            return CLI_USAGE;
        }
        rc = cli_pool_read(&file, &run->pool[i]);
        cli_image_free(&file);
        if (rc != 0) {
            return CLI_USAGE;
        }
    }
    return cli_pools_check(run->pool, run->nr_pools, run->sched, run->pcpus) ==
                   0
               ? 0
               : CLI_USAGE;
}

int run_load(struct run *run)
{
    bool any_kernel = false;
    size_t modules = 0;

    if (load_pools(run) != 0) {
        return CLI_USAGE;
    }
    for (size_t i = 0; i < run->nr_files; i++) {
        bool kernel = false;
        int rc = add_file(run, run->files[i], &kernel);

        if (rc != 0 || run->domain == NULL) {
            return rc;
        }
        rc = complete_domain(run, &run->domain[run->nr_domains - 1], kernel);
        if (rc != 0) {
            return rc;
        }
        modules += run->domain[run->nr_domains - 1].ramdisk.data != NULL;
        modules++;
        any_kernel |= kernel;
    }
    if (modules > MODULES_MAX) {
        cli_error("%zu images and ramdisks are more than %d", modules,
                  MODULES_MAX);
        return CLI_USAGE;
    }
    if (!any_kernel &&
        (run->cmdline.len != 0 || run->ramdisk != NULL || run->hardware)) {
        cli_error("--hardware, --ramdisk and words after -- are for bare "
                  "kernels; in a configuration do hardware_domain, ramdisk and "
                  "cmdline");
        return CLI_USAGE;
    }
    if (check_names(run) != 0) {
        return CLI_USAGE;
    }
    return apply_expectations(run);
}
