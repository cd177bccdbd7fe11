/* SPDX-License-Identifier: MIT */
/*
 * Requests of a host's clients that are questions to the hypervisor: checked
 * arguments become its words, and its answer ours.
 */
#include "host_daemon.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/linkline.h"

/* ---- what the hypervisor answers ---- */

void host_answer_text(struct host *h, void *context, unsigned error,
                      json_t *rows, const char *text)
{
    (void)rows;
    if (error != 0) {
        host_refuse_xen(h, context, error, text);
    } else {
        host_reply(
            h, context,
            json_pack("{s:o}", "text", control_bytes(text, strlen(text))));
    }
}

void host_answer_words(struct host *h, void *context, unsigned error,
                       json_t *rows, const char *text)
{
    (void)rows;
    if (error != 0) {
        host_refuse_xen(h, context, error, text);
    } else {
        host_reply(h, context, link_row_object(text));
    }
}

static void answer_lines(struct host *h, void *context, unsigned error,
                         json_t *rows, const char *text)
{
    size_t i;
    const json_t *row;

    if (error != 0) {
        host_refuse_xen(h, context, error, text);
        return;
    }
    json_array_foreach(rows, i, row)
    {
        const char *line = json_string_value(row);

        host_dmesg_add(h, "(XEN) ", 6);
        host_dmesg_add(h, line, strlen(line));
        host_dmesg_add(h, "\n", 1);
    }
    host_reply(h, context, json_pack("{s:O}", "lines", rows));
}

static json_t *objects(json_t *rows)
{
    json_t *list = json_array();
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        json_array_append_new(list, link_row_object(json_string_value(row)));
    }
    return list;
}

void host_answer_rows(struct host *h, void *context, unsigned error,
                      json_t *rows, const char *text)
{
    if (error != 0) {
        host_refuse_xen(h, context, error, text);
    } else {
        host_reply(h, context, json_pack("{s:o}", "rows", objects(rows)));
    }
}

/* Adds to each domain what we know of it. */
static void answer_domains(struct host *h, void *context, unsigned error,
                           json_t *rows, const char *text)
{
    json_t *list, *row;
    size_t i;

    if (error != 0) {
        host_refuse_xen(h, context, error, text);
        return;
    }
    list = objects(rows);
    json_array_foreach(list, i, row)
    {
        uint16_t domid =
            (uint16_t)json_integer_value(json_object_get(row, "domid"));
        const struct host_guest *g = host_guest_by_id(h, domid);
        char uuid[40];

        host_guest_uuid(domid, uuid);
        json_object_set_new(row, "uuid", json_string(uuid));
        if (g != NULL && g->config != NULL) {
            json_object_set(row, "config", g->config);
        }
    }
    host_reply(h, context, json_pack("{s:o}", "rows", list));
}

/* ---- arguments ---- */

/* False, with the request refused, when it is no number up to `max`. */
bool host_number(struct host *h, struct host_request *r, const json_t *args,
                 const char *key, uint64_t max, uint64_t *value)
{
    const json_t *v = json_object_get(args, key);

    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        (uint64_t)json_integer_value(v) > max) {
        host_refuse(h, r, "invalid", "%s must be a number from 0 to %" PRIu64,
                    key, max);
        return false;
    }
    *value = (uint64_t)json_integer_value(v);
    return true;
}

/* Text that can be a word of the link. */
const char *host_word(struct host *h, struct host_request *r,
                      const json_t *args, const char *key)
{
    const char *s = json_string_value(json_object_get(args, key));
    bool good = s != NULL && s[0] != '\0' && strlen(s) <= 127;

    for (const char *c = s; good && *c != '\0'; c++) {
        good = *c > 0x20 && *c < 0x7f;
    }
    if (!good) {
        host_refuse(h, r, "invalid",
                    "%s must be 1 to 127 printable characters without blanks",
                    key);
        return NULL;
    }
    return s;
}

bool host_flag(const json_t *args, const char *key)
{
    return json_is_true(json_object_get(args, key));
}

/* ---- requests ---- */

static void ask_about(struct host *h, struct host_request *r,
                      const json_t *args, const char *verb)
{
    uint64_t domid;

    if (host_number(h, r, args, "domid", UINT16_MAX, &domid)) {
        host_ask(h, host_answer_text, r, "%s %" PRIu64, verb, domid);
    }
}

void host_serve_pause(struct host *h, struct host_client *c,
                      struct host_request *r, json_t *args)
{
    (void)c;
    ask_about(h, r, args, "pause");
}

void host_serve_unpause(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    (void)c;
    ask_about(h, r, args, "unpause");
}

void host_serve_destroy(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    (void)c;
    ask_about(h, r, args, "destroy");
}

void host_serve_shutdown(struct host *h, struct host_client *c,
                         struct host_request *r, json_t *args)
{
    uint64_t domid, code;

    (void)c;
    if (host_number(h, r, args, "domid", UINT16_MAX, &domid) &&
        host_number(h, r, args, "code", UINT8_MAX, &code)) {
        host_ask(h, host_answer_text, r, "shutdown %" PRIu64 " %" PRIu64, domid,
                 code);
    }
}

void host_serve_rename(struct host *h, struct host_client *c,
                       struct host_request *r, json_t *args)
{
    const char *name;
    uint64_t domid;

    (void)c;
    if (host_number(h, r, args, "domid", UINT16_MAX, &domid) &&
        (name = host_word(h, r, args, "name")) != NULL) {
        host_ask(h, host_answer_text, r, "rename %" PRIu64 " %s", domid, name);
    }
}

void host_serve_vcpu_pin(struct host *h, struct host_client *c,
                         struct host_request *r, json_t *args)
{
    uint64_t domid, vcpu, mask[2];
    static const char *const key[2] = {"hard", "soft"};
    char text[2][24];

    (void)c;
    if (!host_number(h, r, args, "domid", UINT16_MAX, &domid) ||
        !host_number(h, r, args, "vcpu", UINT16_MAX, &vcpu)) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "-");
        if (json_object_get(args, key[i]) != NULL) {
            if (!host_number(h, r, args, key[i], INT64_MAX, &mask[i])) {
                return;
            }
            (void)snprintf(text[i], sizeof(text[i]), "0x%" PRIx64, mask[i]);
        }
    }
    host_ask(h, host_answer_words, r,
             "vcpu-pin %" PRIu64 " %" PRIu64 " %s %s%s", domid, vcpu, text[0],
             text[1], host_flag(args, "force") ? " force" : "");
}

void host_serve_trigger(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    const char *what;
    uint64_t domid, vcpu;

    (void)c;
    if (host_number(h, r, args, "domid", UINT16_MAX, &domid) &&
        host_number(h, r, args, "vcpu", UINT16_MAX, &vcpu) &&
        (what = host_word(h, r, args, "trigger")) != NULL) {
        host_ask(h, host_answer_text, r, "trigger %" PRIu64 " %s %" PRIu64,
                 domid, what, vcpu);
    }
}

void host_serve_store_read(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args)
{
    const char *path;
    uint64_t domid;

    (void)c;
    if (host_number(h, r, args, "domid", UINT16_MAX, &domid) &&
        (path = host_word(h, r, args, "path")) != NULL) {
        host_ask(h, host_answer_text, r, "store-read %" PRIu64 " %s", domid,
                 path);
    }
}

void host_serve_store_write(struct host *h, struct host_client *c,
                            struct host_request *r, json_t *args)
{
    const char *path,
        *value = json_string_value(json_object_get(args, "value"));
    char escaped[512];
    size_t len, used;
    uint64_t domid;

    (void)c;
    if (value == NULL) {
        host_refuse(h, r, "invalid", "value must be text");
        return;
    }
    len =
        linkline_escape(escaped, sizeof(escaped), value, strlen(value), &used);
    if (used < strlen(value)) {
        host_refuse(h, r, "invalid", "value is too long");
        return;
    }
    if (host_number(h, r, args, "domid", UINT16_MAX, &domid) &&
        (path = host_word(h, r, args, "path")) != NULL) {
        host_ask(h, host_answer_text, r, "store-write %" PRIu64 " %s %.*s",
                 domid, path, (int)len, escaped);
    }
}

static void ask_memory(struct host *h, struct host_request *r,
                       const json_t *args, const char *verb)
{
    uint64_t domid, kib;

    if (host_number(h, r, args, "domid", UINT16_MAX, &domid) &&
        host_number(h, r, args, "kib", (uint64_t)1 << 40, &kib)) {
        host_ask(h, host_answer_text, r, "%s %" PRIu64 " %" PRIu64, verb, domid,
                 kib);
    }
}

void host_serve_memory_target(struct host *h, struct host_client *c,
                              struct host_request *r, json_t *args)
{
    (void)c;
    ask_memory(h, r, args, "memory-target");
}

void host_serve_memory_max(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args)
{
    (void)c;
    ask_memory(h, r, args, "memory-max");
}

void host_serve_debug(struct host *h, struct host_client *c,
                      struct host_request *r, json_t *args)
{
    const char *key = host_word(h, r, args, "key");

    (void)c;
    if (key != NULL) {
        host_ask(h, answer_lines, r, "debug %.4s", key);
    }
}

void host_serve_domains(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    (void)c;
    (void)args;
    host_ask(h, answer_domains, r, "domains");
}

void host_serve_vcpus(struct host *h, struct host_client *c,
                      struct host_request *r, json_t *args)
{
    (void)c;
    (void)args;
    host_ask(h, host_answer_rows, r, "vcpus");
}

void host_serve_machine(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    (void)c;
    (void)args;
    host_ask(h, host_answer_words, r, "machine");
}
