/* SPDX-License-Identifier: MIT */
/*
 * `restore`: a domain of a host from a file that `save` wrote. The file is
 * read twice: once to see that nothing of it is missing or damaged, before
 * the host hears of it, and once to put it into the machine's memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <schedop/save.h>

#include "commands.h"
#include "save_file.h"
#include "verb.h"
#include "verb_save.h"
#include "verb_sched.h"

enum { OPT_PAUSED = 1, OPT_ALONE, OPT_DEBUG, OPT_VNC, OPT_VNC_PASS };

#define BLOB_MAX ((uint64_t)4 << 30)

static const struct cli_option options[] = {
    {"paused", 'p', CLI_FLAG, OPT_PAUSED, NULL,
     "Leave the domain paused after it is restored."},
    {"no-wait", 'e', CLI_FLAG, OPT_ALONE, NULL,
     "Accepted: nobody waits, the host itself acts on the domain's end."},
    {"debug", 'd', CLI_FLAG, OPT_DEBUG, NULL, "Print the configuration."},
    {"vncviewer", 'V', CLI_FLAG, OPT_VNC, NULL, "Refused: there is no VNC."},
    {"vncviewer-autopass", 'A', CLI_FLAG, OPT_VNC_PASS, NULL,
     "Refused: there is no VNC."},
    VERB_OPTIONS,
};

static const char *const synopsis[] = {"[options] FILE", NULL};

static int restore_main(const struct cli_command *self, int argc, char **argv);

const struct cli_command cli_restore_command = {
    .name = "restore",
    .summary = "restore a domain from a saved state",
    .synopsis = synopsis,
    .description =
        "Builds a domain from a FILE that `save` wrote, in this host or "
        "another, and lets it go on: its suspend returns 0. It has a new id, "
        "and as on Xen its event channels, timers, watchdogs and shared pages "
        "are to be set up anew. A file that is damaged or cut short is "
        "refused.",
    .options = options,
    .parts = verb_no_parts,
    .main = restore_main,
};

struct restore {
    struct save_reader file;
    struct control *c;
    struct ram ram;
    json_t *meta;
    uint64_t image_bytes, state_bytes;
    uint64_t image_pa, state_pa, window_bytes;
    int domid; /* -1: not built yet */
    struct schedop_state_run *run;
    uint64_t nr_runs;
};

/* ---- the file alone ---- */

static int makes_no_sense(const struct restore *x, const char *what)
{
    cli_error("%s: makes no sense: %s", x->file.path, what);
    return -1;
}

static int take_meta(struct restore *x)
{
    json_error_t error;

    x->meta = json_loadb((const char *)x->file.data, x->file.len, 0, &error);
    x->image_bytes = (uint64_t)verb_int(x->meta, "image_bytes");
    x->state_bytes = (uint64_t)verb_int(x->meta, "state_bytes");
    if (!json_is_string(json_object_get(x->meta, "name")) ||
        x->image_bytes == 0 || x->image_bytes > BLOB_MAX ||
        x->state_bytes < sizeof(struct schedop_state) ||
        x->state_bytes > BLOB_MAX) {
        return makes_no_sense(x, "what it says of its domain");
    }
    return 0;
}

/* One section in the order they must have: 0 or -1. */
static int check_section(struct restore *x, enum save_file_type *last,
                         uint64_t *next)
{
    const struct save_reader *f = &x->file;
    uint64_t size =
        f->type == SAVE_FILE_IMAGE ? x->image_bytes : x->state_bytes;

    if (f->type < *last || (f->type == SAVE_FILE_META) != (*last == 0)) {
        return makes_no_sense(x, "the order of its sections");
    }
    if (f->type == SAVE_FILE_META) {
        *last = f->type;
        return take_meta(x);
    }
    if (f->type == SAVE_FILE_PAGES) {
        *last = f->type;
        return f->len > 0 && f->len % SAVE_FILE_PAGE == 0
                   ? 0
                   : makes_no_sense(x, "a section of memory");
    }
    *next = f->type == *last ? *next : 0;
    *last = f->type;
    if (f->number != *next || f->len > size - *next) {
        return makes_no_sense(x, "a section that is not where it belongs");
    }
    *next += f->len;
    return 0;
}

/* Reads all of it; what it says of itself is then in x->meta. */
static int check_file(struct restore *x)
{
    uint64_t next = 0, got[SAVE_FILE_END] = {0};
    enum save_file_type last = 0;
    int more;

    while ((more = save_next(&x->file)) == 1) {
        if (check_section(x, &last, &next) != 0) {
            return -1;
        }
        got[x->file.type] += x->file.len;
    }
    if (more == 0 &&
        (x->meta == NULL || got[SAVE_FILE_IMAGE] != x->image_bytes ||
         got[SAVE_FILE_STATE] != x->state_bytes)) {
        return makes_no_sense(x, "a part is missing");
    }
    save_rewind(&x->file);
    return more;
}

/* ---- into the machine ---- */

static int open_window(struct control *c, uint64_t bytes, uint64_t *pa)
{
    char *error;
    json_t *answer = control_do(
        c, "window", json_pack("{s:I}", "bytes", (json_int_t)bytes), &error);

    if (error != NULL) {
        cli_error("restore: %s", error);
    }
    free(error);
    *pa = (uint64_t)verb_int(answer, "pa");
    json_decref(answer);
    return answer != NULL ? 0 : -1;
}

/* Room for the runs that say where the memory is to go: see save.h. */
static uint64_t window_for(uint64_t state_bytes)
{
    return 4 * state_bytes + (64u << 10);
}

static int put_blob(struct restore *x, uint64_t pa, uint64_t size)
{
    const struct save_reader *f = &x->file;

    if (f->number > size || f->len > size - f->number ||
        !ram_write(&x->ram, pa + f->number, f->data, f->len)) {
        return makes_no_sense(x, "it changed while it was read");
    }
    return 0;
}

static int by_gfn(const void *a, const void *b)
{
    const struct schedop_state_run *x = a, *y = b;

    return x->gfn < y->gfn ? -1 : x->gfn > y->gfn;
}

/* Where the hypervisor wants the memory. */
static int read_runs(struct restore *x)
{
    struct schedop_state s;
    uint64_t bytes;

    if (!ram_read(&x->ram, x->state_pa, &s, sizeof(s)) ||
        s.runs > x->window_bytes ||
        s.nr_runs > (x->window_bytes - s.runs) / sizeof(*x->run)) {
        cli_error("restore: the host's record of the domain makes no sense");
        return -1;
    }
    bytes = s.nr_runs * sizeof(*x->run);
    x->run = cli_alloc(bytes + 1);
    x->nr_runs = s.nr_runs;
    if (!ram_read(&x->ram, x->state_pa + s.runs, x->run, bytes)) {
        return -1;
    }
    qsort(x->run, x->nr_runs, sizeof(*x->run), by_gfn);
    return 0;
}

/* Has the domain built. */
static int build(struct restore *x)
{
    const char *name = verb_string(x->meta, "name");
    json_t *args =
        json_pack("{s:I, s:I, s:s}", "state", (json_int_t)x->state_pa, "image",
                  (json_int_t)x->image_pa, "name", name);
    json_t *config = json_object_get(x->meta, "config"), *answer;
    char *error;

    if (config != NULL) {
        json_object_set(args, "config", config);
    }
    answer = control_do(x->c, "restore", args, &error);
    if (error != NULL && strstr(error, "another domain has this name")) {
        cli_error("Domain with name \"%s\" already exists.", name);
    } else if (error != NULL) {
        cli_error("%s: %s", name, error);
    }
    free(error);
    if (answer == NULL) {
        return -1;
    }
    x->domid = (int)verb_int(answer, "domid");
    json_decref(answer);
    return read_runs(x);
}

/* Where frame `gfn` is to be, with how many behind it; NULL for none. */
static const struct schedop_state_run *run_of(const struct restore *x,
                                              uint64_t gfn)
{
    uint64_t low = 0, high = x->nr_runs;

    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        const struct schedop_state_run *r = &x->run[mid];

        if (gfn < r->gfn) {
            high = mid;
        } else if (gfn - r->gfn >= r->frames) {
            low = mid + 1;
        } else {
            return r;
        }
    }
    return NULL;
}

static int put_pages(struct restore *x)
{
    const struct save_reader *f = &x->file;
    uint64_t gfn = f->number, left = f->len / SAVE_FILE_PAGE;
    const uint8_t *at = f->data;

    while (left > 0) {
        const struct schedop_state_run *r = run_of(x, gfn);
        uint64_t n;

        if (r == NULL) {
            return makes_no_sense(x, "it has memory where the domain has none");
        }
        n = r->gfn + r->frames - gfn;
        n = n < left ? n : left;
        if (!ram_write(&x->ram, r->pa + (gfn - r->gfn) * SAVE_FILE_PAGE, at,
                       n * SAVE_FILE_PAGE)) {
            cli_error("restore: memory of the domain is not where it should "
                      "be");
            return -1;
        }
        at += n * SAVE_FILE_PAGE;
        gfn += n;
        left -= n;
    }
    return 0;
}

static int put_section(struct restore *x)
{
    switch (x->file.type) {
    case SAVE_FILE_IMAGE:
        return put_blob(x, x->image_pa, x->image_bytes);
    case SAVE_FILE_STATE:
        return put_blob(x, x->state_pa, x->state_bytes);
    case SAVE_FILE_PAGES:
        if (x->domid < 0 && build(x) != 0) {
            return -1;
        }
        return put_pages(x);
    case SAVE_FILE_META:
    case SAVE_FILE_END:
        break;
    }
    return 0;
}

static int put_file(struct restore *x)
{
    int more;

    x->window_bytes = window_for(x->state_bytes);
    if (open_window(x->c, x->image_bytes, &x->image_pa) != 0 ||
        open_window(x->c, x->window_bytes, &x->state_pa) != 0) {
        return -1;
    }
    while ((more = save_next(&x->file)) == 1) {
        if (put_section(x) != 0) {
            return -1;
        }
    }
    return more == 0 && x->domid < 0 ? build(x) : more;
}

/* ---- the verb ---- */

/* What vcpu-set had told it. */
static int set_vcpus(const struct restore *x)
{
    const json_t *offline = json_object_get(x->meta, "offline");
    unsigned vcpus = (unsigned)verb_int(x->meta, "vcpus");

    for (unsigned n = 0; offline != NULL && n < vcpus; n++) {
        bool off = false;

        for (size_t i = 0; i < json_array_size(offline); i++) {
            off |= json_integer_value(json_array_get(offline, i)) == n;
        }
        if (verb_vcpu_set(x->c, x->domid, n, !off, "restore") != 0) {
            return -1;
        }
    }
    return 0;
}

static int memory_request(const struct restore *x, const char *request,
                          json_int_t kib)
{
    return verb_request(x->c, request,
                        json_pack("{s:i, s:I}", "domid", x->domid, "kib", kib),
                        "restore");
}

/*
 * What mem-set and mem-max had told it, in an order in which the one is never
 * above the other. 0, or -1 after a message.
 */
static int set_memory(const struct restore *x)
{
    json_int_t target = verb_int(x->meta, "target_kib");
    json_int_t max = verb_int(x->meta, "max_kib");

    if (json_object_get(x->meta, "target_kib") == NULL) {
        return 0;
    }
    if (target > verb_memory(x->c, x->domid, "static-max")) {
        return memory_request(x, "memory-max", max) != 0
                   ? -1
                   : memory_request(x, "memory-target", target);
    }
    return memory_request(x, "memory-target", target) != 0
               ? -1
               : memory_request(x, "memory-max", max);
}

/*
 * The knobs it had, as xl has it, if its cpupool still has a policy that knows
 * them. 0, or -1 after a message.
 */
static int set_knobs(const struct restore *x)
{
    json_t *knobs = json_object_get(x->meta, "knobs");
    const char *sched = verb_string(knobs, "sched");
    char *word = cli_format("%d", x->domid), *request;
    json_t *domain = verb_domain(x->c, word);
    json_t *has = domain != NULL ? sched_knobs(x->c, domain) : NULL;
    int rc = has != NULL ? 0 : -1;

    if (rc == 0 && json_object_size(has) > 1 &&
        strcmp(sched, verb_string(has, "sched")) == 0) {
        json_object_set_new(knobs, "domid", json_integer(x->domid));
        request = cli_format("sched-%s", sched);
        rc = verb_request(x->c, request, json_incref(knobs), "restore");
        free(request);
    }
    json_decref(has);
    json_decref(domain);
    free(word);
    return rc;
}

/* What was begun and not finished the host undoes when we are gone. */
static int restore(struct restore *x, const struct verb_args *a)
{
    const char *path = a->operand[0];

    (void)fprintf(stderr, "Loading new save file %s\n", path);
    if (save_open(&x->file, path) != 0 || check_file(x) != 0) {
        return CLI_ERROR;
    }
    (void)fprintf(stderr, "Parsing config from <saved>\n");
    if (a->count[OPT_DEBUG] != 0) {
        char *text =
            json_dumps(json_object_get(x->meta, "config"), JSON_INDENT(4));

        (void)printf("%s\n", text != NULL ? text : "{}");
        free(text);
    }
    if (verb_ram(x->c, &x->ram) != 0 || put_file(x) != 0 ||
        verb_request(x->c, "window-free",
                     json_pack("{s:I}", "pa", (json_int_t)x->state_pa),
                     "restore") != 0 ||
        set_vcpus(x) != 0 || set_knobs(x) != 0 || set_memory(x) != 0 ||
        verb_request(x->c, "restored",
                     json_pack("{s:i, s:b}", "domid", x->domid, "paused",
                               (int)(a->count[OPT_PAUSED] != 0)),
                     "restore") != 0) {
        return CLI_ERROR;
    }
    return CLI_OK;
}

static int restore_main(const struct cli_command *self, int argc, char **argv)
{
    struct verb_args a;
    struct control c;
    struct restore x = {
        .file = {.fd = -1}, .c = &c, .ram = {.fd = -1}, .domid = -1};
    int rc = verb_parse(self, argc, argv, 1, 2, &a);

    if (rc >= 0) {
        return rc;
    }
    if (a.nr_operands == 2) {
        cli_error("another configuration than the file's own (%s) is not "
                  "supported",
                  a.operand[0]);
        rc = CLI_USAGE;
    } else if (a.count[OPT_VNC] != 0 || a.count[OPT_VNC_PASS] != 0) {
        cli_error("-V and -A are not supported: there is no VNC here");
        rc = CLI_USAGE;
    } else if (verb_connect(&a, &c) != 0) {
        rc = CLI_ERROR;
    }
    if (rc >= 0) {
        verb_args_free(&a);
        return rc;
    }
    rc = restore(&x, &a);
    save_reader_close(&x.file);
    ram_close(&x.ram);
    json_decref(x.meta);
    free(x.run);
    return verb_end(&a, &c, rc);
}
