/* SPDX-License-Identifier: MIT */
/*
 * The life of a domain that runs: `pause`, `unpause`, `destroy`, `rename`, and
 * what a domain is sent: `trigger`, `sysrq`. Messages and statuses are xl's.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "verb.h"
#include "verb_wait.h"

static int pause_main(const struct cli_command *self, int argc, char **argv);
static int unpause_main(const struct cli_command *self, int argc, char **argv);
static int destroy_main(const struct cli_command *self, int argc, char **argv);
static int rename_main(const struct cli_command *self, int argc, char **argv);
static int trigger_main(const struct cli_command *self, int argc, char **argv);
static int sysrq_main(const struct cli_command *self, int argc, char **argv);

static const char *const domain_synopsis[] = {"DOMAIN", NULL};
static const char *const rename_synopsis[] = {"DOMAIN NEW-NAME", NULL};
static const char *const trigger_synopsis[] = {
    "DOMAIN nmi|reset|init|power|sleep|s3resume [VCPU]", NULL};
static const char *const sysrq_synopsis[] = {"DOMAIN LETTER", NULL};

const struct cli_command cli_pause_command = {
    .name = "pause",
    .summary = "pause execution of a domain",
    .synopsis = domain_synopsis,
    .description = "Stops a domain's vCPUs until it is unpaused. Pauses count: "
                   "each wants an unpause.",
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = pause_main,
};

const struct cli_command cli_unpause_command = {
    .name = "unpause",
    .summary = "unpause a paused domain",
    .synopsis = domain_synopsis,
    .description = "Lets a paused domain go on.",
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = unpause_main,
};

enum { OPT_FORCE = 1 };

static const struct cli_option destroy_options[] = {
    {"force", 'f', CLI_FLAG, OPT_FORCE, NULL,
     "Accepted: it is about domain 0, which is not here."},
    VERB_OPTIONS,
};

static const char *const destroy_synopsis[] = {"[-f] DOMAIN", NULL};

const struct cli_command cli_destroy_command = {
    .name = "destroy",
    .summary = "terminate a domain immediately",
    .synopsis = destroy_synopsis,
    .description = "Ends a domain at once, whatever it does, and returns when "
                   "nothing is left of it.",
    .options = destroy_options,
    .parts = verb_no_parts,
    .main = destroy_main,
};

const struct cli_command cli_rename_command = {
    .name = "rename",
    .summary = "rename a domain",
    .synopsis = rename_synopsis,
    .description = "Gives a domain another name, which restarts keep.",
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = rename_main,
};

const struct cli_command cli_trigger_command = {
    .name = "trigger",
    .summary = "send a trigger to a domain",
    .synopsis = trigger_synopsis,
    .description = "Sends an NMI to a vCPU (default 0). The other triggers are "
                   "known but, as with a PVH domain on Xen, do nothing: reset "
                   "and init are not implemented there, the rest is for ACPI "
                   "events, which our domains have not.",
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = trigger_main,
};

const struct cli_command cli_sysrq_command = {
    .name = "sysrq",
    .summary = "send a sysrq to a domain",
    .synopsis = sysrq_synopsis,
    .description = "Writes the letter to control/sysrq of the domain's "
                   "xenstore, where Linux looks for it.",
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = sysrq_main,
};

static json_t *about(int domid)
{
    return json_pack("{s:i}", "domid", domid);
}

/* As xl: that it cannot be paused is said, and the status is still 0. */
static int simple(const struct cli_command *self, int argc, char **argv,
                  const char *what)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 1, 1, &a, &c);
    int domid;

    if (rc >= 0) {
        return rc;
    }
    domid = verb_domid(&c, a.operand[0]);
    if (domid >= 0) {
        (void)verb_request(&c, self->name, about(domid), what);
    }
    rc = domid >= 0 && c.fd >= 0 ? CLI_OK : CLI_ERROR;
    return verb_end(&a, &c, rc);
}

static int pause_main(const struct cli_command *self, int argc, char **argv)
{
    return simple(self, argc, argv, "Pausing domain");
}

static int unpause_main(const struct cli_command *self, int argc, char **argv)
{
    return simple(self, argc, argv, "Unpausing domain");
}

static int destroy_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 1, 1, &a, &c);
    int domid;

    if (rc >= 0) {
        return rc;
    }
    rc = CLI_ERROR;
    domid = verb_domid(&c, a.operand[0]);
    if (domid >= 0 && wait_begin(&c) == 0 &&
        verb_request(&c, "destroy", about(domid), "destroy failed") == 0) {
        rc = wait_until_gone(&c, domid);
    }
    return verb_end(&a, &c, rc);
}

static int rename_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    char *error = NULL;
    json_t *domain, *answer = NULL;
    int rc = verb_begin(self, argc, argv, 2, 2, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    domain = verb_domain(&c, a.operand[0]);
    if (domain != NULL) {
        answer = control_do(&c, "rename",
                            json_pack("{s:I, s:s}", "domid",
                                      verb_int(domain, "domid"), "name",
                                      a.operand[1]),
                            &error);
    }
    if (error != NULL && strstr(error, "another domain") != NULL) {
        cli_error("Domain with name \"%s\" already exists.", a.operand[1]);
    } else if (error != NULL) {
        cli_error("%s: %s", a.operand[1], error);
    }
    if (error != NULL) {
        cli_error("Can't rename domain '%s'.", a.operand[0]);
    }
    rc = answer != NULL ? CLI_OK : CLI_ERROR;
    free(error);
    json_decref(answer);
    json_decref(domain);
    return verb_end(&a, &c, rc);
}

/* ---- trigger ---- */

static bool is_trigger(const char *word)
{
    static const char *const triggers[] = {"nmi",   "reset", "init",
                                           "power", "sleep", "s3resume"};

    for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
        if (strcmp(word, triggers[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int trigger(struct control *c, const struct verb_args *a)
{
    const char *what = a->operand[1];
    int domid = verb_domid(c, a->operand[0]);
    uint64_t vcpu = 0;
    json_t *answer;
    char *error;

    if (domid < 0) {
        return CLI_ERROR;
    }
    if (!is_trigger(what)) {
        cli_error("Invalid trigger \"%s\"", what);
        return CLI_ERROR;
    }
    if (a->nr_operands > 2 && !cli_number(a->operand[2], 255, &vcpu)) {
        cli_error("Error: Invalid argument.");
        return CLI_ERROR;
    }
    answer = control_do(c, "trigger",
                        json_pack("{s:i, s:s, s:i}", "domid", domid, "trigger",
                                  what, "vcpu", (int)vcpu),
                        &error);
    if (error != NULL) {
        cli_error("Send trigger '%s' failed: %s", what, error);
    }
    free(error);
    json_decref(answer);
    return c->fd >= 0 ? CLI_OK : CLI_ERROR; /* as xl */
}

static int trigger_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 2, 3, &a, &c);

    return rc >= 0 ? rc : verb_end(&a, &c, trigger(&c, &a));
}

/* ---- sysrq ---- */

static int sysrq_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    const char *letter;
    int rc = verb_begin(self, argc, argv, 2, 2, &a, &c);
    int domid;

    if (rc >= 0) {
        return rc;
    }
    rc = CLI_ERROR;
    letter = a.operand[1];
    domid = verb_domid(&c, a.operand[0]);
    if (domid >= 0 &&
        (!isalnum((unsigned char)letter[0]) || letter[1] != '\0')) {
        cli_error("Invalid sysrq.");
    } else if (domid >= 0 &&
               verb_request(&c, "store-write",
                            json_pack("{s:i, s:s, s:s}", "domid", domid, "path",
                                      "control/sysrq", "value", letter),
                            "sysrq") == 0) {
        rc = CLI_OK;
    }
    return verb_end(&a, &c, rc);
}
