/* SPDX-License-Identifier: MIT */
/*
 * `shutdown` and `reboot`: the domain is asked, through control/shutdown of
 * its xenstore, and must acknowledge by emptying the node, as xl has it.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "verb.h"
#include "verb_wait.h"

enum { OPT_ALL = 1, OPT_WAIT, OPT_FALLBACK, OPT_PATIENCE };

enum { POLL_MS = 100 };

#define OPTIONS(verb)                                                           \
    {"all", 'a', CLI_FLAG, OPT_ALL, NULL, verb " all domains."},                \
        {"wait",   'w',  CLI_FLAG,                                              \
         OPT_WAIT, NULL, "Wait until the domains have shut down or are gone."}, \
        {"fallback",                                                            \
         'F',                                                                   \
         CLI_FLAG,                                                              \
         OPT_FALLBACK,                                                          \
         NULL,                                                                  \
         "Accepted: ACPI events are for domains with devices, not for PVH "     \
         "ones."},                                                              \
        {"patience",                                                            \
         0,                                                                     \
         CLI_VALUE,                                                             \
         OPT_PATIENCE,                                                          \
         "S",                                                                   \
         "How long a domain may take to acknowledge (default 60, as xl "        \
         "has it)."},                                                           \
        VERB_OPTIONS

static const struct cli_option shutdown_options[] = {OPTIONS("Shut down")};
static const struct cli_option reboot_options[] = {OPTIONS("Reboot")};

static const char *const synopsis[] = {"[options] -a|DOMAIN", NULL};

static int shutdown_main(const struct cli_command *self, int argc, char **argv);
static int reboot_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_shutdown_command = {
    .name = "shutdown",
    .summary = "issue a shutdown signal to a domain",
    .synopsis = synopsis,
    .description = "Asks a domain to shut down: writes \"poweroff\" to "
                   "control/shutdown of its xenstore and waits until the "
                   "domain acknowledges. A domain that does not look there "
                   "must be destroyed.",
    .options = shutdown_options,
    .parts = verb_no_parts,
    .main = shutdown_main,
};

const struct cli_command cli_reboot_command = {
    .name = "reboot",
    .summary = "issue a reboot signal to a domain",
    .synopsis = synopsis,
    .description = "Asks a domain to reboot, as shutdown asks it to shut "
                   "down. What a reboot leads to is for on_reboot to say.",
    .options = reboot_options,
    .parts = verb_no_parts,
    .main = reboot_main,
};

/* Asks one domain; false after a message. */
static bool ask(struct control *c, int domid, const char *what,
                unsigned patience_s)
{
    bool reboot = strcmp(what, "reboot") == 0;
    uint64_t end = cli_clock_ms() + (uint64_t)patience_s * 1000;
    enum verb_taken taken;

    (void)fprintf(stderr, "%s domain %d\n",
                  reboot ? "Rebooting" : "Shutting down", domid);
    if (verb_order(c, domid, reboot ? "reboot" : "poweroff", what) != 0) {
        return false;
    }
    while ((taken = verb_order_taken(c, domid)) == VERB_NOT_YET) {
        if (cli_clock_ms() >= end) {
            cli_error("Domain %d:guest didn't acknowledge control request: -9",
                      domid);
            cli_error("%s failed (rc=-9)", what);
            return false;
        }
        (void)poll(NULL, 0, POLL_MS);
    }
    return taken != VERB_LOST; /* one that is gone needs it no more */
}

/* Those that are meant; the number of them, or -1 after a message. */
static int find(struct control *c, const struct verb_args *a, int **domid)
{
    json_t *domains, *d;
    size_t i;
    int n = 0;

    if (a->count[OPT_ALL] == 0) {
        *domid = cli_alloc(sizeof(**domid));
        **domid = verb_domid(c, a->operand[0]);
        return **domid < 0 ? -1 : 1;
    }
    domains = verb_domains(c);
    *domid = cli_alloc((json_array_size(domains) + 1) * sizeof(**domid));
    json_array_foreach(domains, i, d)
    {
        (*domid)[n++] = (int)verb_int(d, "domid");
    }
    n = domains == NULL ? -1 : n;
    json_decref(domains);
    return n;
}

static int act(struct control *c, const struct verb_args *a, const char *what,
               unsigned patience_s)
{
    bool wait = a->count[OPT_WAIT] != 0;
    int *domid = NULL;
    int n = find(c, a, &domid), rc = n < 0 ? CLI_ERROR : CLI_OK;

    if (rc == CLI_OK && wait && wait_begin(c) != 0) {
        rc = CLI_ERROR;
    }
    for (int i = 0; i < n && rc == CLI_OK; i++) {
        if (!ask(c, domid[i], what, patience_s)) {
            rc = CLI_ERROR;
        }
    }
    if (rc == CLI_OK && wait) {
        (void)fprintf(stderr, "Waiting for %d domains\n", n);
        rc = wait_for_shutdown(c, domid, (size_t)n);
    }
    free(domid);
    return rc;
}

static int either(const struct cli_command *self, int argc, char **argv,
                  const char *what)
{
    struct verb_args a;
    struct control c;
    unsigned patience_s;
    int rc = verb_parse(self, argc, argv, 0, 1, &a);

    if (rc >= 0) {
        return rc;
    }
    if (a.count[OPT_ALL] == 0 && a.nr_operands == 0) {
        cli_error("You must specify -a or a domain id.");
        rc = CLI_ERROR;
    } else if ((rc = verb_patience(&a, OPT_PATIENCE, &patience_s)) < 0 &&
               verb_connect(&a, &c) != 0) {
        rc = CLI_ERROR;
    }
    if (rc >= 0) {
        verb_args_free(&a);
        return rc;
    }
    return verb_end(&a, &c, act(&c, &a, what, patience_s));
}

static int shutdown_main(const struct cli_command *self, int argc, char **argv)
{
    return either(self, argc, argv, "shutdown");
}

static int reboot_main(const struct cli_command *self, int argc, char **argv)
{
    return either(self, argc, argv, "reboot");
}
