/* SPDX-License-Identifier: MIT */
/*
 * The requests of a host's clients (docs/control.md). Most are a question to
 * the hypervisor with checked arguments; its answer becomes ours.
 */
#include "host_daemon.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xen/errno.h>

#include "lib/linkline.h"

/* ---- answers ---- */

struct host_request *host_request(const struct host_client *c, json_t *id)
{
    struct host_request *r = cli_alloc(sizeof(*r));

    r->serial = c->serial;
    r->id = json_incref(id);
    return r;
}

static void finish(struct host *h, struct host_request *r, json_t *message)
{
    struct host_client *c = host_client_by_serial(h, r->serial);

    if (c != NULL) {
        json_object_set(message, "id", r->id);
        host_send(c, message);
    } else {
        json_decref(message);
    }
    json_decref(r->id);
    free(r);
}

void host_reply(struct host *h, struct host_request *r, json_t *result)
{
    finish(h, r, json_pack("{s:o}", "ok", result));
}

void host_refuse(struct host *h, struct host_request *r, const char *code,
                 const char *format, ...)
{
    va_list ap;
    char *text = NULL;
    json_t *message;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0) {
        text = NULL;
    }
    va_end(ap);
    message = control_bytes(text != NULL ? text : "",
                            text != NULL ? strlen(text) : 0);
    finish(
        h, r,
        json_pack("{s:{s:s, s:o}}", "error", "code", code, "message", message));
    free(text);
}

void host_refuse_xen(struct host *h, struct host_request *r, unsigned error,
                     const char *text)
{
    static const struct {
        unsigned error;
        const char *code;
    } codes[] = {
        {XEN_ESRCH, "no-domain"},
        {XEN_EEXIST, "exists"},
        {XEN_EINVAL, "invalid"},
        {XEN_ENOMEM, "no-memory"},
        {XEN_EBUSY, "busy"},
        {XEN_ENOSYS, "not-supported"},
        {XEN_ENOENT, "no-entry"},
        {HOST_NO_ANSWER, "ended"},
        {XEN_EOPNOTSUPP, "not-supported"},
    };
    const char *code = "failed";

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        code = codes[i].error == error ? codes[i].code : code;
    }
    host_refuse(h, r, code, "%s", text);
}

/* ---- what the hypervisor answers ---- */

static void answer_text(struct host *h, void *context, unsigned error,
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

static void answer_words(struct host *h, void *context, unsigned error,
                         json_t *rows, const char *text)
{
    (void)rows;
    if (error != 0) {
        host_refuse_xen(h, context, error, text);
    } else {
        host_reply(h, context, host_row_object(text));
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
        json_array_append_new(list, host_row_object(json_string_value(row)));
    }
    return list;
}

static void answer_rows(struct host *h, void *context, unsigned error,
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
static bool number(struct host *h, struct host_request *r, const json_t *args,
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
static const char *word(struct host *h, struct host_request *r,
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

static bool flag(const json_t *args, const char *key)
{
    return json_is_true(json_object_get(args, key));
}

/* ---- requests ---- */

static void ask_about(struct host *h, struct host_request *r,
                      const json_t *args, const char *verb)
{
    uint64_t domid;

    if (number(h, r, args, "domid", UINT16_MAX, &domid)) {
        host_ask(h, answer_text, r, "%s %" PRIu64, verb, domid);
    }
}

static void serve_pause(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    (void)c;
    ask_about(h, r, args, "pause");
}

static void serve_unpause(struct host *h, struct host_client *c,
                          struct host_request *r, json_t *args)
{
    (void)c;
    ask_about(h, r, args, "unpause");
}

static void serve_destroy(struct host *h, struct host_client *c,
                          struct host_request *r, json_t *args)
{
    (void)c;
    ask_about(h, r, args, "destroy");
}

static void serve_shutdown(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args)
{
    uint64_t domid, code;

    (void)c;
    if (number(h, r, args, "domid", UINT16_MAX, &domid) &&
        number(h, r, args, "code", UINT8_MAX, &code)) {
        host_ask(h, answer_text, r, "shutdown %" PRIu64 " %" PRIu64, domid,
                 code);
    }
}

static void serve_rename(struct host *h, struct host_client *c,
                         struct host_request *r, json_t *args)
{
    const char *name;
    uint64_t domid;

    (void)c;
    if (number(h, r, args, "domid", UINT16_MAX, &domid) &&
        (name = word(h, r, args, "name")) != NULL) {
        host_ask(h, answer_text, r, "rename %" PRIu64 " %s", domid, name);
    }
}

static void serve_vcpu_pin(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args)
{
    uint64_t domid, vcpu, mask[2];
    static const char *const key[2] = {"hard", "soft"};
    char text[2][24];

    (void)c;
    if (!number(h, r, args, "domid", UINT16_MAX, &domid) ||
        !number(h, r, args, "vcpu", UINT16_MAX, &vcpu)) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "-");
        if (json_object_get(args, key[i]) != NULL) {
            if (!number(h, r, args, key[i], INT64_MAX, &mask[i])) {
                return;
            }
            (void)snprintf(text[i], sizeof(text[i]), "0x%" PRIx64, mask[i]);
        }
    }
    host_ask(h, answer_words, r, "vcpu-pin %" PRIu64 " %" PRIu64 " %s %s%s",
             domid, vcpu, text[0], text[1],
             flag(args, "force") ? " force" : "");
}

static void serve_trigger(struct host *h, struct host_client *c,
                          struct host_request *r, json_t *args)
{
    const char *what;
    uint64_t domid, vcpu;

    (void)c;
    if (number(h, r, args, "domid", UINT16_MAX, &domid) &&
        number(h, r, args, "vcpu", UINT16_MAX, &vcpu) &&
        (what = word(h, r, args, "trigger")) != NULL) {
        host_ask(h, answer_text, r, "trigger %" PRIu64 " %s %" PRIu64, domid,
                 what, vcpu);
    }
}

static void serve_store_read(struct host *h, struct host_client *c,
                             struct host_request *r, json_t *args)
{
    const char *path;
    uint64_t domid;

    (void)c;
    if (number(h, r, args, "domid", UINT16_MAX, &domid) &&
        (path = word(h, r, args, "path")) != NULL) {
        host_ask(h, answer_text, r, "store-read %" PRIu64 " %s", domid, path);
    }
}

static void serve_store_write(struct host *h, struct host_client *c,
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
    if (number(h, r, args, "domid", UINT16_MAX, &domid) &&
        (path = word(h, r, args, "path")) != NULL) {
        host_ask(h, answer_text, r, "store-write %" PRIu64 " %s %.*s", domid,
                 path, (int)len, escaped);
    }
}

static void serve_debug(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    const char *key = word(h, r, args, "key");

    (void)c;
    if (key != NULL) {
        host_ask(h, answer_lines, r, "debug %.4s", key);
    }
}

static void serve_domains(struct host *h, struct host_client *c,
                          struct host_request *r, json_t *args)
{
    (void)c;
    (void)args;
    host_ask(h, answer_domains, r, "domains");
}

static void serve_vcpus(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    (void)c;
    (void)args;
    host_ask(h, answer_rows, r, "vcpus");
}

static void serve_machine(struct host *h, struct host_client *c,
                          struct host_request *r, json_t *args)
{
    (void)c;
    (void)args;
    host_ask(h, answer_words, r, "machine");
}

/* ---- what the host itself does ---- */

static void serve_host(struct host *h, struct host_client *c,
                       struct host_request *r, json_t *args)
{
    json_int_t guests = 0;

    (void)c;
    (void)args;
    for (const struct host_guest *g = h->guests; g != NULL; g = g->next) {
        guests += !g->gone;
    }
    host_reply(h, r,
               json_pack("{s:s, s:i, s:i, s:I, s:I, s:I, s:s, s:I, s:s}",
                         "host", h->dir->name, "pid", (int)getpid(), "qemu_pid",
                         (int)h->q.pid, "pcpus", (json_int_t)h->boot.pcpus,
                         "memory_mib", (json_int_t)h->options->memory_mib,
                         "started", (json_int_t)h->started, "directory",
                         h->dir->path, "domains", guests, "version",
                         CLI_VERSION));
}

static void serve_dmesg(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    (void)c;
    host_reply(
        h, r,
        json_pack("{s:o}", "text", control_bytes(h->dmesg.data, h->dmesg.len)));
    if (flag(args, "clear")) {
        cli_text_drop(&h->dmesg, h->dmesg.len);
    }
}

static void serve_watch(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    (void)args;
    json_decref(c->watch_id);
    c->watch_id = json_incref(r->id);
    host_reply(h, r, json_object());
}

static void serve_console(struct host *h, struct host_client *c,
                          struct host_request *r, json_t *args)
{
    const struct host_guest *g;
    uint64_t domid;

    if (!number(h, r, args, "domid", UINT16_MAX, &domid)) {
        return;
    }
    g = host_guest_by_id(h, (uint16_t)domid);
    if (g == NULL) {
        host_refuse(h, r, "no-domain", "there is no such domain");
        return;
    }
    if (c->console_id != NULL) {
        host_refuse(h, r, "busy", "this connection has a console already");
        return;
    }
    c->console_id = json_incref(r->id);
    c->console_follows = flag(args, "follow");
    host_reply(h, r, json_object());
    host_console_attach(h, c, g, !flag(args, "new"));
}

/* Characters of U+0000 to U+00FF back to bytes; false when there are others. */
static bool bytes_of(const json_t *text, struct cli_text *t)
{
    const unsigned char *s = (const unsigned char *)json_string_value(text);
    size_t len = json_string_length(text);

    for (size_t i = 0; i < len; i++) {
        char c = (char)s[i];

        if (s[i] >= 0x80) {
            if (s[i] > 0xc3 || i + 1 == len) {
                return false;
            }
            c = (char)((s[i] & 3) << 6 | (s[i + 1] & 0x3f));
            i++;
        }
        cli_text_add(t, &c, 1);
    }
    return true;
}

static void serve_input(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    const json_t *data = json_object_get(args, "data");
    struct cli_text t = {0};
    uint64_t domid;

    (void)c;
    if (!number(h, r, args, "domid", UINT16_MAX, &domid)) {
        return;
    }
    if (host_guest_by_id(h, (uint16_t)domid) == NULL) {
        host_refuse(h, r, "no-domain", "there is no such domain");
    } else if (!json_is_string(data) || !bytes_of(data, &t)) {
        host_refuse(h, r, "invalid",
                    "data must be text of characters up to U+00FF");
    } else if (h->to_link.len > HOST_INPUT_MAX) {
        host_refuse(h, r, "busy", "the machine takes no more input now");
    } else {
        link_add_con(&h->to_link, (uint16_t)domid, t.data, t.len);
        host_reply(h, r, json_object());
    }
    cli_text_free(&t);
}

static void serve_stop(struct host *h, struct host_client *c,
                       struct host_request *r, json_t *args)
{
    (void)c;
    (void)args;
    host_reply(h, r, json_object());
    host_stop(h, "it was told to stop");
}

static const struct {
    const char *verb;
    void (*serve)(struct host *h, struct host_client *c, struct host_request *r,
                  json_t *args);
} requests[] = {
    {"host", serve_host},
    {"stop", serve_stop},
    {"machine", serve_machine},
    {"domains", serve_domains},
    {"vcpus", serve_vcpus},
    {"create", host_serve_create},
    {"pause", serve_pause},
    {"unpause", serve_unpause},
    {"destroy", serve_destroy},
    {"shutdown", serve_shutdown},
    {"rename", serve_rename},
    {"vcpu-pin", serve_vcpu_pin},
    {"trigger", serve_trigger},
    {"store-read", serve_store_read},
    {"store-write", serve_store_write},
    {"debug", serve_debug},
    {"dmesg", serve_dmesg},
    {"watch", serve_watch},
    {"console", serve_console},
    {"input", serve_input},
};

static void serve_object(struct host *h, struct host_client *c, json_t *line)
{
    json_t *id = json_object_get(line, "id"), *none = json_null();
    json_t *args = json_object_get(line, "args"), *empty = json_object();
    const char *verb = json_string_value(json_object_get(line, "do"));
    struct host_request *r;

    r = host_request(c, json_is_integer(id) ? id : none);
    if (!json_is_integer(id)) {
        host_refuse(h, r, "protocol", "id must be a number");
    } else if (verb == NULL) {
        host_refuse(h, r, "protocol", "do must be the name of a request");
    } else if (args != NULL && !json_is_object(args)) {
        host_refuse(h, r, "protocol", "args must be an object");
    } else {
        size_t i = 0, n = sizeof(requests) / sizeof(requests[0]);

        while (i < n && strcmp(requests[i].verb, verb) != 0) {
            i++;
        }
        if (i < n) {
            requests[i].serve(h, c, r, args != NULL ? args : empty);
        } else {
            host_refuse(h, r, "unknown", "there is no request '%s'", verb);
        }
    }
    json_decref(empty);
}

void host_serve(struct host *h, struct host_client *c, const char *line,
                size_t len)
{
    json_error_t error;
    json_t *object =
        json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    if (!json_is_object(object)) {
        host_refuse(h, host_request(c, json_null()), "protocol",
                    "a line must be a JSON object%s%s",
                    object == NULL ? ": " : "",
                    object == NULL ? error.text : "");
    } else {
        serve_object(h, c, object);
    }
    json_decref(object);
}
