/* SPDX-License-Identifier: MIT */
/*
 * The command line `schedop`: finds the verb and hands over to it. A verb is
 * a table (options.h) with a main function, in a file of its own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const struct cli_command *const commands[] = {
    &cli_run_command,
    NULL,
};

static void help(FILE *f)
{
    fputs("Usage: schedop VERB [options] ...\n\n", f);
    cli_fill(f,
             "Runs Xen guests without Xen: boots them on a small hypervisor "
             "of its own inside QEMU, needs neither root nor KVM, and turns "
             "the reason a guest shuts down with into an exit status.",
             0, 0);
    fputs("\nVerbs:\n", f);
    for (const struct cli_command *const *c = commands; *c != NULL; c++) {
        fprintf(f, "  %-10s %s\n", (*c)->name, (*c)->summary);
    }
    fputs("\nTry:\n"
          "  schedop run --help            all about running guests\n"
          "  schedop run kernel.elf        boot one PVH image\n"
          "  schedop run a.cfg b.cfg       boot domains from xl.cfg files\n"
          "  man schedop                   the manual (schedop --man "
          "prints its source)\n",
          f);
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

/* What was printed must have arrived. */
static int finish(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_error("cannot write to standard output");
        return status == CLI_OK ? CLI_ERROR : status;
    }
    return status;
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

    if (!have_standard_files()) {
        return CLI_ERROR;
    }
    if (verb == NULL) {
        help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 ||
        strcmp(verb, "help") == 0) {
        help(stdout);
        return finish(CLI_OK);
    }
    if (strcmp(verb, "--version") == 0 || strcmp(verb, "-V") == 0) {
        puts("schedop " CLI_VERSION);
        return finish(CLI_OK);
    }
    if (strcmp(verb, "--man") == 0) {
        cli_man(stdout, commands);
        return finish(CLI_OK);
    }
    for (const struct cli_command *const *c = commands; *c != NULL; c++) {
        if (strcmp(verb, (*c)->name) == 0) {
            cli_message_verb(verb);
            return finish((*c)->main(*c, argc - 2, argv + 2));
        }
    }
    return unknown_verb(verb);
}
