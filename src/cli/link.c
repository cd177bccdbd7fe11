/* SPDX-License-Identifier: MIT */
/* The link's lines on the host: see link.h. */
#include "link.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "lib/linkline.h"

const char *const link_command[LINK_COMMANDS] = SCHEDOP_LINK_COMMANDS;

/* Of the text of a con line to the hypervisor, escaped. */
enum { CON_ROOM = 800 };

/* A cursor over the fields of a line; `rest` is NULL behind the last. */
struct fields {
    char *rest, *end;
};

static char *field(struct fields *f)
{
    char *start = f->rest, *space;

    if (start == NULL) {
        return NULL;
    }
    space = memchr(start, ' ', (size_t)(f->end - start));
    if (space != NULL) {
        *space = '\0';
        f->rest = space + 1;
    } else {
        f->rest = NULL;
    }
    return start;
}

static bool take_number(struct fields *f, uint64_t max, uint64_t *value)
{
    const char *s = field(f);

    return s != NULL && cli_number(s, max, value);
}

static bool take_domid(struct fields *f, struct link_message *m)
{
    uint64_t n;

    if (!take_number(f, UINT16_MAX, &n)) {
        return false;
    }
    m->domid = (uint16_t)n;
    return true;
}

static bool take_name(struct fields *f, struct link_message *m)
{
    const char *s = field(f);

    if (s == NULL || !cli_domain_name_ok(s)) {
        return false;
    }
    memcpy(m->name, s, strlen(s) + 1); /* cli_domain_name_ok() bounds it */
    return true;
}

static bool take_text(struct fields *f, struct link_message *m)
{
    if (f->rest == NULL) {
        m->text = "";
        return true;
    }
    if (!linkline_unescape(f->rest, &m->text_len, f->rest,
                           (size_t)(f->end - f->rest))) {
        return false;
    }
    f->rest[m->text_len] = '\0';
    m->text = f->rest;
    return true;
}

static bool take_word(struct fields *f, const char *const *list, char *out,
                      size_t room)
{
    const char *s = field(f);

    for (; s != NULL && *list != NULL; list++) {
        if (strcmp(*list, s) == 0 && strlen(s) < room) {
            memcpy(out, s, strlen(s) + 1);
            return true;
        }
    }
    return false;
}

/* "key=N" into the slot of that key; unknown keys are for later versions. */
static bool take_pairs(struct fields *f, const char *const *keys,
                       uint64_t *const *slots, size_t count)
{
    char *s;

    while ((s = field(f)) != NULL) {
        char *equals = strchr(s, '=');
        uint64_t n;

        if (equals == NULL) {
            return false;
        }
        *equals = '\0';
        for (size_t i = 0; i < count; i++) {
            if (strcmp(keys[i], s) == 0) {
                if (!cli_number(equals + 1, UINT64_MAX, &n)) {
                    return false;
                }
                *slots[i] = n;
            }
        }
    }
    return true;
}

static bool parse_boot(struct fields *f, struct link_message *m)
{
    static const char *const keys[] = {"pcpus", "memory_kib", "hypervisor_kib",
                                       "boot_ns", "ring"};
    uint64_t *const slots[] = {&m->boot.pcpus, &m->boot.memory_kib,
                               &m->boot.hypervisor_kib, &m->boot.boot_ns,
                               &m->boot.ring};

    return take_pairs(f, keys, slots, 5);
}

static bool parse_end(struct fields *f, struct link_message *m)
{
    static const char *const actions[] = {
        "destroy",          "restart",    "rename-restart",
        "preserve",         "soft-reset", "resume",
        "killed",           "save",       "coredump-destroy",
        "coredump-restart", NULL};
    const char *keys[LINK_COMMANDS + 2] = {"run_ns", "cpu_ns"};
    uint64_t *slots[LINK_COMMANDS + 2] = {&m->stats.run_ns, &m->stats.cpu_ns};
    uint64_t code;

    for (size_t i = 0; i < LINK_COMMANDS; i++) {
        keys[i + 2] = link_command[i];
        slots[i + 2] = &m->stats.commands[i];
    }
    if (!take_domid(f, m) || !take_name(f, m) ||
        !take_number(f, UINT8_MAX, &code) ||
        !take_word(f, actions, m->action, sizeof(m->action))) {
        return false;
    }
    m->code = (uint8_t)code;
    return take_pairs(f, keys, slots, LINK_COMMANDS + 2);
}

static bool parse_log(struct fields *f, struct link_message *m)
{
    static const char *const levels[] = {"error", "warning", "info", "debug",
                                         NULL};

    return take_word(f, levels, m->level, sizeof(m->level)) && take_text(f, m);
}

static bool parse_hello(struct fields *f, struct link_message *m)
{
    return take_number(f, UINT32_MAX, &m->number) && take_text(f, m);
}

static bool parse_create(struct fields *f, struct link_message *m)
{
    return take_domid(f, m) && take_name(f, m);
}

static bool parse_start(struct fields *f, struct link_message *m)
{
    return take_domid(f, m) && take_number(f, UINT64_MAX, &m->number);
}

static bool parse_fail(struct fields *f, struct link_message *m)
{
    return take_name(f, m) && take_text(f, m);
}

static bool parse_con(struct fields *f, struct link_message *m)
{
    return take_domid(f, m) && take_text(f, m);
}

static bool parse_trace(struct fields *f, struct link_message *m)
{
    return take_number(f, UINT16_MAX, &m->ring.pcpu) &&
           take_number(f, UINT64_MAX, &m->ring.pa) &&
           take_number(f, UINT64_MAX, &m->ring.records);
}

static bool parse_dump(struct fields *f, struct link_message *m)
{
    return take_domid(f, m) && take_name(f, m) &&
           take_number(f, UINT64_MAX, &m->area.pa) &&
           take_number(f, UINT64_MAX, &m->area.bytes);
}

static bool parse_exit(struct fields *f, struct link_message *m)
{
    return take_number(f, UINT32_MAX, &m->number);
}

static bool parse_nothing(struct fields *f, struct link_message *m)
{
    (void)f;
    (void)m;
    return true;
}

static bool parse_row(struct fields *f, struct link_message *m)
{
    return take_number(f, UINT32_MAX, &m->number) && take_text(f, m);
}

static bool parse_did(struct fields *f, struct link_message *m)
{
    uint64_t error;

    if (!take_number(f, UINT32_MAX, &m->number) ||
        !take_number(f, UINT16_MAX, &error)) {
        return false;
    }
    m->error = (unsigned)error;
    return take_text(f, m);
}

static const struct {
    const char *name;
    enum link_verb verb;
    bool (*parse)(struct fields *f, struct link_message *m);
} verbs[] = {
    {SCHEDOP_LINK_MAGIC, LINK_HELLO, parse_hello},
    {"boot", LINK_BOOT, parse_boot},
    {"log", LINK_LOG, parse_log},
    {"create", LINK_CREATE, parse_create},
    {"start", LINK_START, parse_start},
    {"fail", LINK_FAIL, parse_fail},
    {"con", LINK_CON, parse_con},
    {"end", LINK_END, parse_end},
    {"crash", LINK_CRASH, parse_con},
    {"trace", LINK_TRACE, parse_trace},
    {"exit", LINK_EXIT, parse_exit},
    {"panic", LINK_PANIC, take_text},
    {"gone", LINK_GONE, parse_create},
    {"stopped", LINK_STOPPED, parse_create},
    {"took", LINK_TOOK, parse_start},
    {"dump", LINK_DUMP, parse_dump},
    {"room", LINK_ROOM, parse_nothing},
    {"store", LINK_STORE, parse_nothing},
    {"row", LINK_ROW, parse_row},
    {"did", LINK_DID, parse_did},
};

static bool is_printable(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] < 0x20 || s[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

void link_parse(char *line, size_t len, struct link_message *m)
{
    struct fields f = {line, line + len};
    const char *verb;

    *m = (struct link_message){.verb = LINK_BAD, .text = ""};
    if (len == 0 || !is_printable(line, len)) {
        return;
    }
    line[len] = '\0';
    verb = field(&f);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].name, verb) == 0) {
            m->verb = verbs[i].parse(&f, m) ? verbs[i].verb : LINK_BAD;
            return;
        }
    }
    m->verb = LINK_UNKNOWN;
}

json_t *link_row_object(const char *row)
{
    json_t *object = json_object();
    char *copy = cli_strdup(row), *save = NULL;

    for (char *w = strtok_r(copy, " ", &save); w != NULL;
         w = strtok_r(NULL, " ", &save)) {
        char *equals = strchr(w, '=');
        uint64_t n;

        if (equals == NULL) {
            continue;
        }
        *equals = '\0';
        /* A name may look like a number. */
        if (strcmp(w, "name") != 0 && cli_number(equals + 1, INT64_MAX, &n)) {
            json_object_set_new(object, w, json_integer((json_int_t)n));
        } else {
            json_object_set_new(object, w, json_string(equals + 1));
        }
    }
    free(copy);
    return object;
}

void link_feed(struct link_reader *r, const char *data, size_t len,
               void (*fn)(void *ctx, char *line, size_t len), void *ctx)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            if (!r->skipping) {
                /* The newline's place holds the terminator. */
                fn(ctx, r->line, r->len);
            }
            r->skipping = false;
            r->len = 0;
        } else if (r->len < sizeof(r->line) - 1) {
            r->line[r->len++] = data[i];
        } else if (!r->skipping) {
            r->skipping = true;
            r->dropped++;
        }
    }
}

void link_add_con(struct cli_text *t, uint16_t domid, const char *data,
                  size_t len)
{
    char escaped[CON_ROOM];

    while (len > 0) {
        size_t used;
        size_t n = linkline_escape(escaped, sizeof(escaped), data, len, &used);

        cli_text_printf(t, "con %u %.*s\n", domid, (int)n, escaped);
        data += used;
        len -= used;
    }
}

size_t link_type(struct cli_text *t, uint16_t domid, struct cli_text *typed,
                 size_t *room)
{
    size_t n = typed->len < *room ? typed->len : *room;

    if (n > 0) {
        link_add_con(t, domid, typed->data, n);
        cli_text_drop(typed, n);
        *room -= n;
    }
    return n;
}

void link_took(const struct link_message *m, size_t *room)
{
    size_t missing = SCHEDOP_LINK_INPUT - *room;

    *room += m->number < missing ? (size_t)m->number : missing;
}
