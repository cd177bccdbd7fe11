/* SPDX-License-Identifier: MIT */
/*
 * `dump-core`: a domain of a host as an ELF core (docs/dump.md). The host
 * pauses it and describes it, and its memory is read from the machine's.
 */
#include <stdlib.h>

#include "commands.h"
#include "core_file.h"
#include "verb.h"
#include "verb_save.h"

static const struct cli_option options[] = {
    VERB_OPTIONS,
};

static const char *const synopsis[] = {"DOMAIN FILE", NULL};

static int dump_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_dump_core_command = {
    .name = "dump-core",
    .summary = "core dump a domain",
    .synopsis = synopsis,
    .description =
        "Writes memory and the registers of all vCPUs of a domain to FILE, an "
        "ELF core that gdb opens with the domain's kernel (docs/dump.md). The "
        "domain is paused meanwhile, and goes on. FILE appears when all of it "
        "is on disk.",
    .options = options,
    .parts = verb_no_parts,
    .main = dump_main,
};

/* What the host described; 0, or -1 after a message. */
static int write_state(struct control *c, const struct whole_file *f,
                       const json_t *where)
{
    struct ram ram = {.fd = -1};
    struct schedop_state *s = NULL;
    int rc = verb_ram(c, &ram);

    if (rc == 0) {
        s = state_copy(&ram, (uint64_t)verb_int(where, "pa"),
                       (uint64_t)verb_int(where, "bytes"));
        rc = s != NULL ? core_write(f, s, &ram) : -1;
        if (s == NULL) {
            cli_error("dump-core: the host's record of the domain makes no "
                      "sense");
        }
    }
    free(s);
    ram_close(&ram);
    return rc;
}

/* While it is paused for us. */
static int write_paused(struct control *c, const struct whole_file *f,
                        const json_t *domain)
{
    int domid = (int)verb_int(domain, "domid"), rc;
    char *error = NULL;
    json_t *where =
        control_do(c, "dump-begin", json_pack("{s:i}", "domid", domid), &error);

    if (where == NULL) {
        cli_error("dump-core: %s", error);
        free(error);
        return -1;
    }
    rc = write_state(c, f, where);
    /* Had it been destroyed or let go meanwhile this fails. */
    if (verb_request(c, "dump-end", json_pack("{s:i}", "domid", domid),
                     "dump-core") != 0 ||
        verb_request(c, "window-free",
                     json_pack("{s:I}", "pa", verb_int(where, "pa")),
                     "dump-core") != 0) {
        rc = -1;
    }
    json_decref(where);
    return rc;
}

static int dump(struct control *c, const struct verb_args *a)
{
    json_t *domain = verb_domain(c, a->operand[0]);
    struct whole_file f;
    int rc;

    if (domain == NULL) {
        return CLI_ERROR;
    }
    rc = whole_create(&f, a->operand[1]);
    if (rc == 0) {
        rc = write_paused(c, &f, domain);
    }
    if (rc == 0) {
        rc = whole_finish(&f);
    }
    whole_close(&f);
    json_decref(domain);
    if (rc != 0) {
        cli_error("core dump failed (rc=-3)");
    }
    return rc == 0 ? CLI_OK : CLI_ERROR;
}

static int dump_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    int rc = verb_begin(self, argc, argv, 2, 2, &a, &c);

    return rc >= 0 ? rc : verb_end(&a, &c, dump(&c, &a));
}
