/* SPDX-License-Identifier: MIT */
/*
 * `save`: a domain of a host to a file. The domain is asked to suspend, as xl
 * asks it, through control/shutdown of its xenstore; the host then holds it
 * still and describes it, and its memory is read from the machine's.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <schedop/save.h>

#include "commands.h"
#include "ram.h"
#include "save_file.h"
#include "verb.h"
#include "verb_save.h"
#include "verb_sched.h"

enum { OPT_CHECKPOINT = 1, OPT_PAUSED, OPT_PATIENCE, OPT_DOMID };

enum { POLL_MS = 20, PAGES_MAX = 256 };

static const struct cli_option options[] = {
    {"checkpoint", 'c', CLI_FLAG, OPT_CHECKPOINT, NULL,
     "Leave the domain running after it is saved."},
    {"paused", 'p', CLI_FLAG, OPT_PAUSED, NULL,
     "Leave the domain paused after it is saved."},
    {"domid", 'D', CLI_FLAG, OPT_DOMID, NULL,
     "Refused: a restored domain has a new id."},
    {"patience", 0, CLI_VALUE, OPT_PATIENCE, "S",
     "How long a domain may take to acknowledge, and then to suspend (default "
     "60, as xl has it)."},
    VERB_OPTIONS,
};

static const char *const synopsis[] = {"[options] DOMAIN FILE", NULL};

static int save_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_save_command = {
    .name = "save",
    .summary = "save a domain state to restore later",
    .synopsis = synopsis,
    .description =
        "Asks a domain to suspend, writes it to FILE (docs/save.md) and "
        "destroys it. With -c it goes on instead: its suspend then returns 1. "
        "A domain that was stopped by a suspend before (on_suspend=preserve) "
        "is saved as it is. FILE appears when all of it is on disk.",
    .options = options,
    .parts = verb_no_parts,
    .main = save_main,
};

/* ---- the machine's memory ---- */

int verb_ram(struct control *c, struct ram *ram)
{
    json_t *host = control_do(c, "host", NULL, NULL);
    int rc = -1;

    *ram = (struct ram){.fd = -1};
    if (host != NULL) {
        rc = ram_attach(ram, verb_string(host, "ram"));
    }
    json_decref(host);
    return rc;
}

/* ---- until it has suspended ---- */

/*
 * The record, once there is one: NULL with *again, or NULL after a message.
 */
static json_t *ask_state(struct control *c, int domid, bool *again)
{
    char *error;
    json_t *answer =
        control_do(c, "save-state", json_pack("{s:i}", "domid", domid), &error);

    *again = error != NULL && strstr(error, "it has not suspended") != NULL;
    if (error != NULL && !*again) {
        cli_error("save: %s", error);
    }
    free(error);
    return answer;
}

/* Its record, or NULL after a message. */
static json_t *suspend(struct control *c, int domid, unsigned patience_s)
{
    uint64_t end = cli_clock_ms() + (uint64_t)patience_s * 1000;
    bool again, known = false;
    json_t *state = ask_state(c, domid, &again);

    if (state != NULL || !again ||
        verb_order(c, domid, "suspend", "save") != 0) {
        return state;
    }
    while ((state = ask_state(c, domid, &again)) == NULL && again) {
        if (!known && verb_order_taken(c, domid) == VERB_TAKEN) {
            known = true;
            end = cli_clock_ms() + (uint64_t)patience_s * 1000;
        }
        if (cli_clock_ms() >= end) {
            if (!known) {
                (void)verb_order(c, domid, "", "save");
            }
            cli_error("Domain %d:%s", domid,
                      known ? "guest did not suspend, timed out"
                            : "guest didn't acknowledge suspend, cancelling "
                              "request");
            return NULL;
        }
        (void)poll(NULL, 0, POLL_MS);
    }
    return state;
}

/* ---- writing ---- */

static bool is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, SAVE_FILE_PAGE - 1) == 0;
}

/* A run's pages but for those of zeros. */
static int write_run(struct save_writer *w, const struct ram *ram,
                     const struct schedop_state_run *run)
{
    for (uint64_t i = 0; i < run->frames;) {
        uint64_t n = 0;
        const uint8_t *at =
            ram_at(ram, run->pa + i * SAVE_FILE_PAGE, SAVE_FILE_PAGE);

        while (at != NULL && n < PAGES_MAX && i + n < run->frames &&
               ram_at(ram, run->pa + (i + n) * SAVE_FILE_PAGE,
                      SAVE_FILE_PAGE) == at + n * SAVE_FILE_PAGE &&
               !is_zero(at + n * SAVE_FILE_PAGE)) {
            n++;
        }
        if (at == NULL) {
            cli_error("save: memory of the domain is not where it should be");
            return -1;
        }
        if (n > 0 && save_section(w, SAVE_FILE_PAGES, run->gfn + i, at,
                                  n * SAVE_FILE_PAGE) != 0) {
            return -1;
        }
        i += n > 0 ? n : 1;
    }
    return 0;
}

/* Of memory that might be anything: NULL after a message. */
static struct schedop_state *copy_record(const struct ram *ram, uint64_t pa,
                                         uint64_t bytes)
{
    const uint8_t *at = ram_at(ram, pa, bytes);
    struct schedop_state *s = at != NULL ? cli_alloc(bytes + 1) : NULL;

    if (s != NULL) {
        memcpy(s, at, bytes);
        if (bytes >= sizeof(*s) && s->magic == SCHEDOP_STATE_MAGIC &&
            s->bytes == bytes && s->runs <= bytes && s->runs % 8 == 0 &&
            s->nr_runs ==
                (bytes - s->runs) / sizeof(struct schedop_state_run)) {
            return s;
        }
    }
    cli_error("save: the host's record of the domain makes no sense");
    free(s);
    return NULL;
}

static json_t *offline_vcpus(struct control *c, const json_t *domain)
{
    json_t *offline = json_array();

    for (unsigned i = 0; i < (unsigned)verb_int(domain, "vcpus"); i++) {
        if (verb_vcpu_is_offline(c, (int)verb_int(domain, "domid"), i)) {
            json_array_append_new(offline, json_integer(i));
        }
    }
    return offline;
}

/* What `mem-set` and `mem-max` told it last. */
static void add_memory(struct control *c, const json_t *domain, json_t *state)
{
    int domid = (int)verb_int(domain, "domid");
    int64_t target = verb_memory(c, domid, "target");
    int64_t max = verb_memory(c, domid, "static-max");

    if (target >= 0 && max >= 0) {
        json_object_set_new(state, "target_kib", json_integer(target));
        json_object_set_new(state, "max_kib", json_integer(max));
    }
}

static int write_meta(struct save_writer *w, const json_t *domain,
                      const json_t *state)
{
    json_t *meta =
        json_pack("{s:s, s:O, s:O, s:O, s:O}", "schedop", CLI_VERSION, "name",
                  json_object_get(domain, "name"), "vcpus",
                  json_object_get(domain, "vcpus"), "image_bytes",
                  json_object_get(state, "image_bytes"), "state_bytes",
                  json_object_get(state, "bytes"));
    json_t *config = json_object_get(domain, "config");
    char *text;
    int rc;

    json_object_set(meta, "offline", json_object_get(state, "offline"));
    json_object_set(meta, "knobs", json_object_get(state, "knobs"));
    json_object_set(meta, "target_kib", json_object_get(state, "target_kib"));
    json_object_set(meta, "max_kib", json_object_get(state, "max_kib"));
    if (config != NULL) {
        json_object_set(meta, "config", config);
    }
    text = json_dumps(meta, JSON_COMPACT | JSON_ENSURE_ASCII);
    rc = text != NULL ? save_section(w, SAVE_FILE_META, 0, text, strlen(text))
                      : -1;
    free(text);
    json_decref(meta);
    return rc;
}

/* Everything, in the order of docs/save.md. */
static int write_all(struct save_writer *w, const struct ram *ram,
                     const json_t *domain, const json_t *state)
{
    uint64_t image_bytes = (uint64_t)verb_int(state, "image_bytes");
    const uint8_t *image =
        ram_at(ram, (uint64_t)verb_int(state, "image"), image_bytes);
    struct schedop_state *s = copy_record(ram, (uint64_t)verb_int(state, "pa"),
                                          (uint64_t)verb_int(state, "bytes"));
    struct schedop_state_run *run;
    int rc = s != NULL && image != NULL ? 0 : -1;

    if (rc == 0) {
        rc = write_meta(w, domain, state);
    }
    if (rc == 0) {
        rc = save_blob(w, SAVE_FILE_IMAGE, image, image_bytes);
    }
    if (rc == 0) {
        rc = save_blob(w, SAVE_FILE_STATE, (const uint8_t *)s, s->bytes);
    }
    for (uint64_t i = 0; rc == 0 && i < s->nr_runs; i++) {
        run = (void *)((uint8_t *)s + s->runs);
        rc = write_run(w, ram, &run[i]);
    }
    free(s);
    return rc == 0 ? save_finish(w) : rc;
}

/* ---- the verb ---- */

/* While the host holds the domain for us: 0, or -1 after a message. */
static int save_held(struct control *c, const json_t *domain, const char *path,
                     unsigned patience_s)
{
    struct save_writer w = {.file = {.fd = -1}};
    struct ram ram = {.fd = -1};
    json_t *state = NULL;
    int rc = -1;

    /* What can be wrong here is found before the domain is asked. */
    if (verb_ram(c, &ram) == 0 && save_create(&w, path) == 0) {
        state = suspend(c, (int)verb_int(domain, "domid"), patience_s);
    }
    if (state != NULL) {
        json_object_set_new(state, "offline", offline_vcpus(c, domain));
        json_object_set_new(state, "knobs", sched_knobs(c, domain));
        add_memory(c, domain, state);
        rc = json_object_get(state, "knobs") != NULL
                 ? write_all(&w, &ram, domain, state)
                 : -1;
        if (verb_request(c, "window-free",
                         json_pack("{s:I}", "pa", verb_int(state, "pa")),
                         "save") != 0) {
            rc = -1;
        }
    }
    save_close(&w);
    ram_close(&ram);
    json_decref(state);
    return rc;
}

static int save(struct control *c, const struct verb_args *a,
                unsigned patience_s)
{
    json_t *domain = verb_domain(c, a->operand[0]);
    const char *then = a->count[OPT_PAUSED] != 0       ? "pause"
                       : a->count[OPT_CHECKPOINT] != 0 ? "resume"
                                                       : "destroy";
    int rc = -1, domid;

    if (domain == NULL) {
        return CLI_ERROR;
    }
    domid = (int)verb_int(domain, "domid");
    if (verb_request(c, "save-begin", json_pack("{s:i}", "domid", domid),
                     "save") != 0) {
        json_decref(domain);
        return CLI_ERROR;
    }
    (void)fprintf(stderr, "Saving to %s\n", a->operand[1]);
    rc = save_held(c, domain, a->operand[1], patience_s);
    json_decref(domain);
    if (rc != 0) {
        (void)fprintf(stderr, "Failed to save domain, resuming domain\n");
        then = "resume";
    }
    if (verb_request(c, "save-end",
                     json_pack("{s:i, s:s}", "domid", domid, "then", then),
                     "save") != 0) {
        rc = -1;
    }
    return rc == 0 ? CLI_OK : CLI_ERROR;
}

static int save_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    unsigned patience_s;
    int rc = verb_parse(self, argc, argv, 2, 3, &a);

    if (rc >= 0) {
        return rc;
    }
    if (a.nr_operands == 3) {
        cli_error("a configuration to put into the file (%s) is not "
                  "supported: the domain's own goes there",
                  a.operand[2]);
        rc = CLI_USAGE;
    } else if (a.count[OPT_DOMID] != 0) {
        cli_error("-D is not supported: a restored domain has a new id");
        rc = CLI_USAGE;
    } else if ((rc = verb_patience(&a, OPT_PATIENCE, &patience_s)) < 0 &&
               verb_connect(&a, &c) != 0) {
        rc = CLI_ERROR;
    }
    if (rc >= 0) {
        verb_args_free(&a);
        return rc;
    }
    return verb_end(&a, &c, save(&c, &a, patience_s));
}
