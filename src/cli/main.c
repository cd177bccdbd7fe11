/* SPDX-License-Identifier: MIT */
/*
 * The command line `schedop`: finds the verb and hands over to it. A verb is
 * a table (options.h) with a main function, in a file of its own. Under the
 * name `xl` it is xl: xl.h.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "options.h"
#include "verb.h"
#include "xl.h"

/* Verbs of our own, then those of xl. */
static const struct cli_command *const commands[] = {
    &cli_run_command,
    &cli_conform_command,
    &cli_lab_command,
    &cli_trace_command,
    &cli_host_command,
    &cli_watch_command,
    &cli_create_command,
    &cli_list_command,
    &cli_console_command,
    &cli_shutdown_command,
    &cli_reboot_command,
    &cli_destroy_command,
    &cli_pause_command,
    &cli_unpause_command,
    &cli_rename_command,
    &cli_domid_command,
    &cli_domname_command,
    &cli_vm_list_command,
    &cli_uptime_command,
    &cli_top_command,
    &cli_vcpu_list_command,
    &cli_vcpu_pin_command,
    &cli_vcpu_set_command,
    &cli_mem_set_command,
    &cli_mem_max_command,
    &cli_sched_credit2_command,
    &cli_sched_rtds_command,
    &cli_sched_arinc653_command,
    &cli_cpupool_list_command,
    &cli_cpupool_create_command,
    &cli_cpupool_destroy_command,
    &cli_cpupool_rename_command,
    &cli_cpupool_add_command,
    &cli_cpupool_remove_command,
    &cli_cpupool_migrate_command,
    &cli_trigger_command,
    &cli_sysrq_command,
    &cli_info_command,
    &cli_dmesg_command,
    &cli_debug_keys_command,
    &cli_xenstore_ls_command,
    &cli_xenstore_read_command,
    &cli_xenstore_write_command,
    &cli_xenstore_rm_command,
    &cli_xenstore_list_command,
    &cli_xenstore_exists_command,
    &cli_xenstore_chmod_command,
    &cli_xenstore_watch_command,
    &cli_gdb_command,
    &cli_save_command,
    &cli_dump_core_command,
    &cli_restore_command,
    NULL,
};

static void help(struct cli_text *t)
{
    cli_text_str(t, "Usage: schedop [--host NAME] VERB [options] ...\n\n");
    cli_fill(t,
             "Runs Xen guests without Xen: boots them on a small hypervisor "
             "of its own inside QEMU, needs neither root nor KVM, and turns "
             "the reason a guest shuts down with into an exit status.",
             0, 0);
    cli_text_str(t, "\nVerbs:\n");
    for (const struct cli_command *const *c = commands; *c != NULL; c++) {
        cli_text_printf(t, "  %-18s %s\n", (*c)->name, (*c)->summary);
    }
    cli_text_str(t, "\nTry:\n"
                    "  schedop run --help            all about running guests\n"
                    "  schedop run kernel.elf        boot one PVH image\n"
                    "  schedop run a.cfg b.cfg       boot domains from xl.cfg "
                    "files\n"
                    "  schedop create a.cfg          the same in a host that "
                    "stays\n"
                    "  man schedop                   the manual (schedop --man "
                    "prints its source)\n");
}

static const char *command_name(const void *ctx, size_t index)
{
    (void)ctx;
    return commands[index] != NULL ? commands[index]->name : NULL;
}

static int unknown_verb(const char *verb)
{
    const char *near = cli_nearest(verb, command_name, NULL);

    if (near != NULL) {
        cli_error("unknown verb '%s'; did you mean 'schedop %s'?", verb, near);
    } else {
        cli_error("unknown verb '%s'; `schedop --help` lists the verbs", verb);
    }
    return CLI_USAGE;
}

/* A closed standard file would give its number to a pipe of ours. */
static bool have_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
            return false;
        }
    }
    return true;
}

static const struct cli_command *cli_command_find(const char *name)
{
    for (const struct cli_command *const *c = commands; *c != NULL; c++) {
        if (strcmp(name, (*c)->name) == 0) {
            return *c;
        }
    }
    return NULL;
}

static const char *base_name(const char *program)
{
    const char *slash = strrchr(program, '/');

    return slash != NULL ? slash + 1 : program;
}

static bool is_xl(const char *program)
{
    return strcmp(base_name(program), "xl") == 0;
}

/* `xenstore-ls PATH`, or `xenstore ls PATH`. */
static int store_tool(int argc, char **argv)
{
    bool any = strcmp(base_name(argv[0]), "xenstore") == 0;
    const char *mode = any && argc > 1 ? argv[1] : "";
    char *verb =
        any ? cli_format("xenstore-%s", mode) : cli_strdup(base_name(argv[0]));
    const struct cli_command *command = cli_command_find(verb);
    int skip = any ? 2 : 1;

    free(verb);
    if (command == NULL) {
        (void)fprintf(stderr,
                      *mode != '\0' ? "xenstore: unknown mode %s\n\n"
                                    : "xenstore: Usage: xenstore <mode> [-h] "
                                      "[...]\n",
                      mode);
        return CLI_ERROR;
    }
    cli_message_verb(command->name);
    return command->main(command, argc - skip, argv + skip);
}

/* Words that are no verbs. */
static int about_ourselves(const char *word)
{
    struct cli_text text = {0};

    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "help") == 0) {
        help(&text);
    } else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        cli_text_str(&text, "schedop " CLI_VERSION "\n");
    } else if (strcmp(word, "--man") == 0) {
        cli_man(&text, commands);
    } else if (strcmp(word, "--xl-manual") == 0) {
        xl_manual(&text, commands);
    } else if (strcmp(word, "--completion") == 0) {
        cli_completion(&text, commands);
    } else {
        return unknown_verb(word);
    }
    return cli_text_print(&text, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
}

int main(int argc, char **argv)
{
    const struct cli_command *command;
    struct cli_text text = {0};

    if (!have_standard_files()) {
        return CLI_ERROR;
    }
    if (argc > 0 && is_xl(argv[0])) {
        return xl_main(commands, argc - 1, argv + 1);
    }
    if (argc > 0 && strncmp(base_name(argv[0]), "xenstore", 8) == 0) {
        return store_tool(argc, argv);
    }
    if (argc > 2 && strcmp(argv[1], "--host") == 0) {
        verb_set_host(argv[2]);
        argc -= 2;
        argv += 2;
    }
    if (argc < 2) {
        help(&text);
        cli_text_print(&text, STDERR_FILENO);
        return CLI_USAGE;
    }
    command = cli_command_find(argv[1]);
    if (command == NULL) {
        return about_ourselves(argv[1]);
    }
    cli_message_verb(argv[1]);
    return command->main(command, argc - 2, argv + 2);
}
