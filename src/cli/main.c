/* SPDX-License-Identifier: MIT */
/*
 * The command line `schedop`: finds the verb and hands over to it. A verb is
 * a table (options.h) with a main function, in a file of its own.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const struct cli_command *const commands[] = {
    &cli_run_command,
    &cli_conform_command,
    NULL,
};

static void help(struct cli_text *t)
{
    cli_text_str(t, "Usage: schedop VERB [options] ...\n\n");
    cli_fill(t,
             "Runs Xen guests without Xen: boots them on a small hypervisor "
             "of its own inside QEMU, needs neither root nor KVM, and turns "
             "the reason a guest shuts down with into an exit status.",
             0, 0);
    cli_text_str(t, "\nVerbs:\n");
    for (const struct cli_command *const *c = commands; *c != NULL; c++) {
        cli_text_printf(t, "  %-10s %s\n", (*c)->name, (*c)->summary);
    }
    cli_text_str(t, "\nTry:\n"
                    "  schedop run --help            all about running guests\n"
                    "  schedop run kernel.elf        boot one PVH image\n"
                    "  schedop run a.cfg b.cfg       boot domains from xl.cfg "
                    "files\n"
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

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : NULL;
    struct cli_text text = {0};

    if (!have_standard_files()) {
        return CLI_ERROR;
    }
    if (verb == NULL) {
        help(&text);
        cli_text_print(&text, STDERR_FILENO);
        return CLI_USAGE;
    }
    for (const struct cli_command *const *c = commands; *c != NULL; c++) {
        if (strcmp(verb, (*c)->name) == 0) {
            cli_message_verb(verb);
            return (*c)->main(*c, argc - 2, argv + 2);
        }
    }
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 ||
        strcmp(verb, "help") == 0) {
        help(&text);
    } else if (strcmp(verb, "--version") == 0 || strcmp(verb, "-V") == 0) {
        cli_text_str(&text, "schedop " CLI_VERSION "\n");
    } else if (strcmp(verb, "--man") == 0) {
        cli_man(&text, commands);
    } else {
        return unknown_verb(verb);
    }
    return cli_text_print(&text, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
}
