/* SPDX-License-Identifier: MIT */
/* What the verbs that speak to a host share: see verb.h. */
#include "verb.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct cli_option verb_no_options[] = {VERB_OPTIONS};
const struct cli_part verb_no_parts[] = {{NULL, NULL, NULL, false}};

static const char *host_before_verb;

int verb_patience(const struct verb_args *args, int id, unsigned *patience_s)
{
    uint64_t s = 60;

    if (args->value[id] != NULL && !cli_number(args->value[id], 86400, &s)) {
        cli_error("--patience %s: must be seconds", args->value[id]);
        return CLI_USAGE;
    }
    *patience_s = (unsigned)s;
    return -1;
}

void verb_set_host(const char *name)
{
    host_before_verb = name;
}

const char *verb_host(const struct verb_args *args)
{
    return args->value[VERB_HOST] != NULL ? args->value[VERB_HOST]
                                          : host_before_verb;
}

/* ---- words ---- */

static int take(void *context, int id, const char *value)
{
    struct verb_args *args = context;

    if (id == CLI_REST) {
        cli_text_printf(&args->rest, "%s%s", args->rest.len != 0 ? " " : "",
                        value);
        return 0;
    }
    if (id == CLI_OPERAND) {
        args->operand = cli_grow(args->operand, args->nr_operands + 1,
                                 sizeof(*args->operand));
        args->operand[args->nr_operands++] = value;
        return 0;
    }
    args->given =
        cli_grow(args->given, args->nr_given + 1, sizeof(*args->given));
    args->given[args->nr_given++] = (struct verb_option){id, value};
    args->count[id]++;
    args->value[id] = value;
    return 0;
}

void verb_args_free(struct verb_args *args)
{
    free(args->operand);
    free(args->given);
    cli_text_free(&args->rest);
    *args = (struct verb_args){.operand = NULL};
}

static int bad_number(const struct cli_command *self, size_t min, bool few)
{
    if (few) {
        struct cli_text usage = {0};

        if (cli_message_is_plain()) { /* xl prints it, on its output */
            cli_help(&usage, self);
            (void)cli_text_print(&usage, STDOUT_FILENO);
        }
        cli_error("'xl %s' requires at least %zu argument%s.", self->name, min,
                  min == 1 ? "" : "s");
    } else {
        cli_error("too many arguments; see `schedop %s --help`", self->name);
    }
    return CLI_USAGE;
}

int verb_parse(const struct cli_command *self, int argc, char **argv,
               size_t min, size_t max, struct verb_args *args)
{
    struct cli_text help = {0};
    int rc;

    *args = (struct verb_args){.operand = NULL};
    rc = cli_options_parse(self, argc, argv, take, args);
    if (rc == 0 && args->count[VERB_HELP] != 0) {
        cli_help(&help, self);
        rc = cli_text_print(&help, STDOUT_FILENO) ? CLI_OK : CLI_ERROR;
    } else if (rc == 0 && cli_message_is_plain() && args->nr_operands > max) {
        args->nr_operands = max; /* xl does not look at more */
        return -1;
    } else if (rc == 0 &&
               (args->nr_operands < min || args->nr_operands > max)) {
        rc = bad_number(self, min, args->nr_operands < min);
    } else if (rc == 0) {
        return -1;
    }
    verb_args_free(args);
    return rc;
}

int verb_connect(const struct verb_args *args, struct control *c)
{
    return control_open(c, verb_host(args), false) == 0 ? 0 : -1;
}

int verb_begin(const struct cli_command *self, int argc, char **argv,
               size_t min, size_t max, struct verb_args *args,
               struct control *c)
{
    int rc = verb_parse(self, argc, argv, min, max, args);

    if (rc < 0 && verb_connect(args, c) != 0) {
        verb_args_free(args);
        return CLI_ERROR;
    }
    return rc;
}

int verb_end(struct verb_args *args, struct control *c, int status)
{
    control_close(c);
    verb_args_free(args);
    return status;
}

/* ---- domains ---- */

json_int_t verb_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

const char *verb_string(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s != NULL ? s : "";
}

json_t *verb_domains(struct control *c)
{
    json_t *answer = control_do(c, "domains", NULL, NULL);
    json_t *rows = json_incref(json_object_get(answer, "rows"));

    json_decref(answer);
    if (answer != NULL && !json_is_array(rows)) {
        cli_error("the host gives no list of domains");
    }
    /* By id: a domain that was restarted has a later one. */
    for (size_t i = 1; i < json_array_size(rows); i++) {
        for (size_t j = i; j > 0; j--) {
            json_t *a = json_array_get(rows, j - 1);
            json_t *b = json_array_get(rows, j);

            if (verb_int(a, "domid") <= verb_int(b, "domid")) {
                break;
            }
            json_incref(a);
            json_array_set(rows, j - 1, b);
            json_array_set_new(rows, j, a);
        }
    }
    return rows;
}

json_t *verb_lookup(json_t *domains, const char *word)
{
    bool digits = *word != '\0' && strspn(word, "0123456789") == strlen(word);
    json_t *row;
    size_t i;

    json_array_foreach(domains, i, row)
    {
        uint64_t domid;

        if (digits ? cli_number(word, UINT16_MAX, &domid) &&
                         verb_int(row, "domid") == (json_int_t)domid
                   : strcmp(verb_string(row, "name"), word) == 0) {
            return row;
        }
    }
    return NULL;
}

json_t *verb_pools(struct control *c)
{
    json_t *answer = control_do(c, "pools", NULL, NULL);
    json_t *rows = json_incref(json_object_get(answer, "rows"));

    json_decref(answer);
    return rows;
}

json_t *verb_pool(json_t *pools, const char *word)
{
    json_t *pool;
    size_t i;

    json_array_foreach(pools, i, pool)
    {
        uint64_t id;

        if (strcmp(verb_string(pool, "name"), word) == 0 ||
            (cli_number(word, UINT32_MAX, &id) &&
             verb_int(pool, "pool") == (json_int_t)id)) {
            return pool;
        }
    }
    if (pools != NULL) {
        cli_error("unknown cpupool '%s'", word);
    }
    return NULL;
}

json_t *verb_domain(struct control *c, const char *word)
{
    json_t *domains = verb_domains(c);
    json_t *found = json_incref(verb_lookup(domains, word));

    if (domains != NULL && found == NULL) {
        cli_error("%s is an invalid domain identifier (rc=-6)", word);
    }
    json_decref(domains);
    return found;
}

int verb_domid(struct control *c, const char *word)
{
    json_t *found = verb_domain(c, word);
    int domid = found != NULL ? (int)verb_int(found, "domid") : -1;

    json_decref(found);
    return domid;
}

int verb_request(struct control *c, const char *request, json_t *args,
                 const char *what)
{
    char *error;
    json_t *answer = control_do(c, request, args, &error);

    if (error != NULL) {
        cli_error("%s: %s", what, error);
    }
    free(error);
    json_decref(answer);
    return answer != NULL ? 0 : -1;
}

/* ---- orders to a domain ---- */

static const char order_node[] = "control/shutdown";

int verb_order(struct control *c, int domid, const char *order,
               const char *what)
{
    return verb_request(c, "store-write",
                        json_pack("{s:i, s:s, s:s}", "domid", domid, "path",
                                  order_node, "value", order),
                        what);
}

enum verb_taken verb_order_taken(struct control *c, int domid)
{
    char *error;
    json_t *answer = control_do(
        c, "store-read",
        json_pack("{s:i, s:s}", "domid", domid, "path", order_node), &error);
    enum verb_taken taken = VERB_NOT_YET;

    if (error != NULL) {
        taken = VERB_GONE;
    } else if (answer == NULL) {
        taken = VERB_LOST;
    } else if (*verb_string(answer, "text") == '\0') {
        taken = VERB_TAKEN;
    }
    free(error);
    json_decref(answer);
    return taken;
}

int64_t verb_memory(struct control *c, int domid, const char *node)
{
    char *path = cli_format("memory/%s", node), *error = NULL;
    json_t *answer = control_do(
        c, "store-read", json_pack("{s:i, s:s}", "domid", domid, "path", path),
        &error);
    uint64_t kib;
    bool good = answer != NULL &&
                cli_number(verb_string(answer, "text"), INT64_MAX, &kib);

    free(error); /* what the domain spoilt or removed says nothing */
    free(path);
    json_decref(answer);
    return good ? (int64_t)kib : -1;
}

static char *availability(unsigned vcpu)
{
    return cli_format("cpu/%u/availability", vcpu);
}

bool verb_vcpu_is_offline(struct control *c, int domid, unsigned vcpu)
{
    char *path = availability(vcpu), *error = NULL;
    json_t *answer = control_do(
        c, "store-read", json_pack("{s:i, s:s}", "domid", domid, "path", path),
        &error);
    bool offline =
        answer != NULL && strcmp(verb_string(answer, "text"), "offline") == 0;

    free(error); /* a node that is gone says nothing */
    free(path);
    json_decref(answer);
    return offline;
}

int verb_vcpu_set(struct control *c, int domid, unsigned vcpu, bool online,
                  const char *what)
{
    char *path = availability(vcpu);
    int rc =
        verb_request(c, "store-write",
                     json_pack("{s:i, s:s, s:s}", "domid", domid, "path", path,
                               "value", online ? "online" : "offline"),
                     what);

    free(path);
    return rc;
}

/* ---- pCPUs ---- */

char *verb_map(uint64_t map, unsigned pcpus)
{
    uint64_t all = pcpus >= 64 ? UINT64_MAX : ((uint64_t)1 << pcpus) - 1;
    struct cli_text t = {0};

    if ((map & all) == all || (map & all) == 0) {
        return cli_strdup((map & all) == all ? "all" : "none");
    }
    for (unsigned i = 0; i < pcpus; i++) {
        unsigned last = i;

        if ((map >> i & 1) == 0) {
            continue;
        }
        while (last + 1 < pcpus && (map >> (last + 1) & 1) != 0) {
            last++;
        }
        cli_text_printf(&t, "%s%u", t.len != 0 ? "," : "", i);
        if (last > i) {
            cli_text_printf(&t, "-%u", last);
        }
        i = last;
    }
    return t.data;
}
