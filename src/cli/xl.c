/* SPDX-License-Identifier: MIT */
/* xl's command line: see xl.h. */
#include "xl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"

/* Those of xl 4.17 that are not here, and why not. */
const struct cli_item xl_refused[] = {
    {"config-update", "a domain keeps the configuration it was created with"},
    {"pci-attach", "there are no devices"},
    {"pci-detach", "there are no devices"},
    {"pci-list", "there are no devices"},
    {"pci-assignable-add", "there are no devices"},
    {"pci-assignable-remove", "there are no devices"},
    {"pci-assignable-list", "there are no devices"},
    {"vncviewer", "there are no devices"},
    {"migrate", "a domain cannot be moved to another host"},
    {"migrate-receive", "a domain cannot be moved to another host"},
    {"cd-insert", "there are no devices"},
    {"cd-eject", "there are no devices"},
    {"button-press", "our domains have no ACPI buttons"},
    {"sharing", "pages are not shared"},
    {"sched-credit", "there is no such scheduler; see sched-credit2"},
    {"set-parameters", "the hypervisor has no such parameters"},
    {"network-attach", "there are no devices"},
    {"network-list", "there are no devices"},
    {"network-detach", "there are no devices"},
    {"channel-list", "there are no devices"},
    {"block-attach", "there are no devices"},
    {"block-list", "there are no devices"},
    {"block-detach", "there are no devices"},
    {"vtpm-attach", "there are no devices"},
    {"vtpm-list", "there are no devices"},
    {"vtpm-detach", "there are no devices"},
    {"vkb-attach", "there are no devices"},
    {"vkb-list", "there are no devices"},
    {"vkb-detach", "there are no devices"},
    {"vdispl-attach", "there are no devices"},
    {"vdispl-list", "there are no devices"},
    {"vdispl-detach", "there are no devices"},
    {"vsnd-attach", "there are no devices"},
    {"vsnd-list", "there are no devices"},
    {"vsnd-detach", "there are no devices"},
    {"claims", "memory is not claimed in advance"},
    {"cpupool-numa-split", "there is one NUMA node"},
    {"getenforce", "there is no security module"},
    {"setenforce", "there is no security module"},
    {"loadpolicy", "there is no security module"},
    {"remus", "a domain cannot be moved to another host"},
    {"devd", "there are no devices"},
    {"psr-hwinfo", "there is no platform shared resource"},
    {"psr-cmt-attach", "there is no platform shared resource"},
    {"psr-cmt-detach", "there is no platform shared resource"},
    {"psr-cmt-show", "there is no platform shared resource"},
    {"psr-cat-set", "there is no platform shared resource"},
    {"psr-cat-show", "there is no platform shared resource"},
    {"psr-mba-set", "there is no platform shared resource"},
    {"psr-mba-show", "there is no platform shared resource"},
    {"usbctrl-attach", "there are no devices"},
    {"usbctrl-detach", "there are no devices"},
    {"usbdev-attach", "there are no devices"},
    {"usbdev-detach", "there are no devices"},
    {"usb-list", "there are no devices"},
    {"qemu-monitor-command", "a domain has no QEMU of its own"},
    {NULL, NULL},
};

/* Ours, which xl has not. */
static bool is_ours(const struct cli_command *c)
{
    return c == &cli_run_command || c == &cli_conform_command ||
           c == &cli_lab_command || c == &cli_trace_command ||
           c == &cli_gdb_command || c == &cli_host_command ||
           c == &cli_watch_command || strncmp(c->name, "xenstore-", 9) == 0;
}

bool xl_has(const struct cli_command *c)
{
    return !is_ours(c);
}

static const struct cli_command *find(const struct cli_command *const *commands,
                                      const char *verb)
{
    for (; *commands != NULL; commands++) {
        if (!is_ours(*commands) && strcmp((*commands)->name, verb) == 0) {
            return *commands;
        }
    }
    return NULL;
}

static void help(struct cli_text *t, const struct cli_command *const *commands)
{
    cli_text_str(t, "Usage xl [-vfNtT] <subcommand> [args]\n\n"
                    "xl full list of subcommands:\n\n");
    for (; *commands != NULL; commands++) {
        if (!is_ours(*commands)) {
            cli_text_printf(t, " %-19s %s\n", (*commands)->name,
                            (*commands)->summary);
        }
    }
}

static int refuse(const char *verb)
{
    for (const struct cli_item *i = xl_refused; i->term != NULL; i++) {
        if (strcmp(i->term, verb) == 0) {
            cli_error("xl %s is not supported by schedop: %s", verb, i->text);
            return CLI_ERROR;
        }
    }
    cli_error("command not implemented");
    return CLI_ERROR;
}

/* `help [VERB]`, and no words at all. */
static int give_help(const struct cli_command *const *commands,
                     const char *verb, int status)
{
    const struct cli_command *c = verb != NULL ? find(commands, verb) : NULL;
    struct cli_text t = {0};

    if (verb != NULL && c == NULL) {
        return refuse(verb);
    }
    if (c != NULL) {
        cli_help(&t, c);
    } else {
        help(&t, commands);
    }
    return cli_text_print(&t, STDOUT_FILENO) ? status : CLI_ERROR;
}

/* -N: as -n of the verbs that have it. */
static int dry_run(const struct cli_command *c, int argc, char **argv)
{
    const struct cli_option *o = c->options;
    char **words;
    int rc;

    while (o->name != NULL && strcmp(o->name, "dryrun") != 0) {
        o++;
    }
    if (o->name == NULL && strcmp(c->name, "vcpu-pin") == 0) {
        cli_error("xl -N vcpu-pin is not supported by schedop");
        return CLI_ERROR;
    }
    if (o->name == NULL) {
        cli_error("command does not implement -N (dryrun) option");
        return CLI_ERROR;
    }
    words = cli_alloc(((size_t)argc + 2) * sizeof(*words));
    words[0] = cli_strdup("--dryrun");
    for (int i = 0; i < argc; i++) {
        words[i + 1] = argv[i];
    }
    rc = c->main(c, argc + 1, words);
    free(words[0]);
    free(words);
    return rc;
}

int xl_main(const struct cli_command *const *commands, int argc, char **argv)
{
    const struct cli_command *c;
    bool dry = false;

    cli_message_plain();
    while (argc > 0 && argv[0][0] == '-') {
        if (strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "--help") == 0) {
            return give_help(commands, NULL, CLI_OK);
        }
        if (strspn(argv[0] + 1, "vftTN") != strlen(argv[0] + 1)) {
            cli_error("unknown global option");
            return CLI_ERROR;
        }
        dry |= strchr(argv[0], 'N') != NULL;
        argc--;
        argv++;
    }
    if (argc == 0) {
        return give_help(commands, NULL, CLI_ERROR);
    }
    if (strcmp(argv[0], "help") == 0) {
        return give_help(commands, argc > 1 ? argv[1] : NULL, CLI_OK);
    }
    c = find(commands, argv[0]);
    if (c == NULL) {
        return refuse(argv[0]);
    }
    return dry ? dry_run(c, argc - 1, argv + 1)
               : c->main(c, argc - 1, argv + 1);
}
