/* SPDX-License-Identifier: MIT */
/* Small questions about domains: `uptime`, `domid`, `domname`. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "verb.h"

/* ---- uptime ---- */

enum { OPT_SHORT = 1 };

static const struct cli_option uptime_options[] = {
    {"short", 's', CLI_FLAG, OPT_SHORT, NULL, "Print a short form."},
    VERB_OPTIONS,
};

static const char *const uptime_synopsis[] = {"[-s] [DOMAIN...]", NULL};

static int uptime_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_uptime_command = {
    .name = "uptime",
    .summary = "print the uptime of all or some domains",
    .synopsis = uptime_synopsis,
    .description = "Prints for how long domains have existed.",
    .options = uptime_options,
    .parts = verb_no_parts,
    .main = uptime_main,
};

static void add_uptime(struct cli_text *t, const json_t *d, json_int_t now_ns,
                       bool brief)
{
    long long up = (long long)(now_ns - verb_int(d, "created_ns")) / 1000000000;
    int days = (int)(up / 86400), hours = (int)(up / 3600 % 24);
    int minutes = (int)(up / 60 % 60);
    char clock[16] = "";
    time_t now = time(NULL);
    struct tm tm;

    if (brief) {
        (void)strftime(clock, sizeof(clock), "%H:%M:%S",
                       localtime_r(&now, &tm));
        cli_text_printf(t, " %s up ", clock);
    } else {
        cli_text_printf(t, "%-33s %4d ", verb_string(d, "name"),
                        (int)verb_int(d, "domid"));
    }
    if (days > 0) {
        cli_text_printf(t, "%d day%s, ", days, days > 1 ? "s" : "");
    }
    cli_text_printf(t, "%2d:%02d", hours, minutes);
    if (brief) {
        cli_text_printf(t, ", %s (%d)\n", verb_string(d, "name"),
                        (int)verb_int(d, "domid"));
    } else {
        cli_text_printf(t, ":%02d\n", (int)(up % 60));
    }
}

static int uptime(const struct verb_args *a, json_t *domains, json_int_t now_ns)
{
    bool brief = a->count[OPT_SHORT] != 0;
    struct cli_text t = {0};
    const json_t *d;
    size_t i;

    for (i = 0; i < a->nr_operands; i++) {
        if (verb_lookup(domains, a->operand[i]) == NULL) {
            cli_error("%s is an invalid domain identifier (rc=-6)",
                      a->operand[i]);
            return CLI_ERROR;
        }
    }
    if (!brief) {
        cli_text_printf(&t, "%-33s %4s %s\n", "Name", "ID", "Uptime");
    }
    if (a->nr_operands == 0) {
        json_array_foreach(domains, i, d)
        {
            add_uptime(&t, d, now_ns, brief);
        }
    }
    for (i = 0; i < a->nr_operands; i++) {
        add_uptime(&t, verb_lookup(domains, a->operand[i]), now_ns, brief);
    }
    return cli_text_print(&t, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
}

static int uptime_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    json_t *domains, *machine = NULL;
    int rc = verb_begin(self, argc, argv, 0, SIZE_MAX, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    rc = CLI_ERROR;
    domains = verb_domains(&c);
    if (domains != NULL && (machine = control_do(&c, "machine", NULL, NULL))) {
        rc = uptime(&a, domains, verb_int(machine, "now_ns"));
    }
    json_decref(machine);
    json_decref(domains);
    return verb_end(&a, &c, rc);
}

/* ---- vm-list ---- */

static const char *const vm_list_synopsis[] = {"[--host NAME]", NULL};

static int vm_list_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_vm_list_command = {
    .name = "vm-list",
    .summary = "list guest domains",
    .synopsis = vm_list_synopsis,
    .description = "Prints UUID, id and name of each domain.",
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = vm_list_main,
};

static int vm_list_main(const struct cli_command *self, int argc, char **argv)
{
    struct cli_text t = {0};
    struct verb_args a;
    struct control c;
    json_t *domains, *d;
    size_t i;
    int rc = verb_begin(self, argc, argv, 0, SIZE_MAX, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    domains = verb_domains(&c);
    cli_text_str(&t, "UUID                                  ID    name\n");
    json_array_foreach(domains, i, d)
    {
        cli_text_printf(&t, "%s  %d    %s\n", verb_string(d, "uuid"),
                        (int)verb_int(d, "domid"), verb_string(d, "name"));
    }
    rc = domains != NULL && cli_text_print(&t, STDOUT_FILENO) ? CLI_OK
                                                              : CLI_ERROR;
    cli_text_free(&t);
    json_decref(domains);
    return verb_end(&a, &c, rc);
}

/* ---- domid, domname ---- */

static const char *const domid_synopsis[] = {"NAME", NULL};
static const char *const domname_synopsis[] = {"ID", NULL};

static int domid_main(const struct cli_command *self, int argc, char **argv);
static int domname_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_domid_command = {
    .name = "domid",
    .summary = "convert a domain name to a domain id",
    .synopsis = domid_synopsis,
    .description = "Prints the id of the domain with that name.",
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = domid_main,
};

const struct cli_command cli_domname_command = {
    .name = "domname",
    .summary = "convert a domain id to a domain name",
    .synopsis = domname_synopsis,
    .description = "Prints the name of the domain with that id.",
    .options = verb_no_options,
    .parts = verb_no_parts,
    .main = domname_main,
};

/* The domain whose `key` is that word, whatever the word looks like. */
static const json_t *find(const json_t *domains, const char *key,
                          const char *word)
{
    const json_t *d;
    size_t i;

    json_array_foreach(domains, i, d)
    {
        const json_t *v = json_object_get(d, key);
        char id[24];

        (void)snprintf(id, sizeof(id), "%lld",
                       (long long)json_integer_value(v));
        if (strcmp(json_is_string(v) ? json_string_value(v) : id, word) == 0) {
            return d;
        }
    }
    return NULL;
}

static int domid_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    json_t *domains;
    const json_t *d;
    int rc = verb_begin(self, argc, argv, 1, 1, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    domains = verb_domains(&c);
    d = find(domains, "name", a.operand[0]);
    if (d != NULL) {
        (void)printf("%d\n", (int)verb_int(d, "domid"));
    } else if (domains != NULL) {
        cli_error("Can't get domid of domain name '%s', maybe this domain does "
                  "not exist.",
                  a.operand[0]);
    }
    rc = d != NULL && fflush(stdout) == 0 ? CLI_OK : CLI_ERROR;
    json_decref(domains);
    return verb_end(&a, &c, rc);
}

static int domname_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    json_t *domains;
    const json_t *d;
    uint64_t id;
    int rc = verb_begin(self, argc, argv, 1, 1, &a, &c);

    if (rc >= 0) {
        return rc;
    }
    if (!cli_number(a.operand[0], UINT16_MAX, &id)) {
        cli_error("Invalid domain id.");
        return verb_end(&a, &c, CLI_ERROR);
    }
    domains = verb_domains(&c);
    d = find(domains, "domid", a.operand[0]);
    if (d != NULL) {
        (void)printf("%s\n", verb_string(d, "name"));
    } else if (domains != NULL) {
        cli_error("Can't get domain name of domain id '%s', maybe this domain "
                  "does not exist.",
                  a.operand[0]);
    }
    rc = d != NULL && fflush(stdout) == 0 ? CLI_OK : CLI_ERROR;
    json_decref(domains);
    return verb_end(&a, &c, rc);
}
