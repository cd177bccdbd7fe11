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
        {XEN_ESRCH, "no-domain"},      {XEN_EEXIST, "exists"},
        {XEN_EINVAL, "invalid"},       {XEN_ENOMEM, "no-memory"},
        {XEN_ENOSYS, "not-supported"}, {XEN_ENOENT, "no-entry"},
        {HOST_NO_ANSWER, "ended"},     {XEN_EOPNOTSUPP, "not-supported"},
        {XEN_EBUSY, "busy"},
    };
    const char *code = "failed";

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        code = codes[i].error == error ? codes[i].code : code;
    }
    host_refuse(h, r, code, "%s", text);
}

/* ---- what the host itself does ---- */

static void serve_host(struct host *h, struct host_client *c,
                       struct host_request *r, json_t *args)
{
    json_int_t guests = 0;
    char ram[64];

    (void)c;
    (void)args;
    for (const struct host_guest *g = h->guests; g != NULL; g = g->next) {
        guests += !g->gone;
    }
    (void)snprintf(ram, sizeof(ram), "/proc/%ld/fd/%d", (long)getpid(),
                   h->q.ram.fd);
    host_reply(h, r,
               json_pack("{s:s, s:i, s:i, s:I, s:I, s:I, s:s, s:I, s:s, s:s}",
                         "host", h->dir->name, "pid", (int)getpid(), "qemu_pid",
                         (int)h->q.pid, "pcpus", (json_int_t)h->boot.pcpus,
                         "memory_mib", (json_int_t)h->options->memory_mib,
                         "started", (json_int_t)h->started, "directory",
                         h->dir->path, "domains", guests, "version",
                         CLI_VERSION, "ram", ram));
}

static void serve_dmesg(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    (void)c;
    host_reply(
        h, r,
        json_pack("{s:o}", "text", control_bytes(h->dmesg.data, h->dmesg.len)));
    if (host_flag(args, "clear")) {
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

    if (!host_number(h, r, args, "domid", UINT16_MAX, &domid)) {
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
    c->console_follows = host_flag(args, "follow");
    host_reply(h, r, json_object());
    host_console_attach(h, c, g, !host_flag(args, "new"));
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
    struct host_guest *g;
    uint64_t domid;

    (void)c;
    if (!host_number(h, r, args, "domid", UINT16_MAX, &domid)) {
        return;
    }
    g = host_guest_by_id(h, (uint16_t)domid);
    if (g == NULL) {
        host_refuse(h, r, "no-domain", "there is no such domain");
    } else if (!json_is_string(data) || !bytes_of(data, &t)) {
        host_refuse(h, r, "invalid",
                    "data must be text of characters up to U+00FF");
        cli_text_free(&t);
    } else {
        host_console_input(h, g, r, &t);
    }
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
    host_serve_fn *serve;
} requests[] = {
    {"host", serve_host},
    {"stop", serve_stop},
    {"machine", host_serve_machine},
    {"domains", host_serve_domains},
    {"vcpus", host_serve_vcpus},
    {"create", host_serve_create},
    {"pause", host_serve_pause},
    {"unpause", host_serve_unpause},
    {"destroy", host_serve_destroy},
    {"shutdown", host_serve_shutdown},
    {"rename", host_serve_rename},
    {"vcpu-pin", host_serve_vcpu_pin},
    {"trigger", host_serve_trigger},
    {"store-read", host_serve_store_read},
    {"store-write", host_serve_store_write},
    {"memory-target", host_serve_memory_target},
    {"memory-max", host_serve_memory_max},
    {"debug", host_serve_debug},
    {"pools", host_serve_pools},
    {"pool-create", host_serve_pool_create},
    {"pool-destroy", host_serve_pool_destroy},
    {"pool-rename", host_serve_pool_rename},
    {"pool-add", host_serve_pool_add},
    {"pool-remove", host_serve_pool_remove},
    {"pool-move", host_serve_pool_move},
    {"sched-credit2", host_serve_credit2},
    {"sched-credit2-pool", host_serve_credit2_pool},
    {"sched-rtds", host_serve_rtds},
    {"sched-arinc653", host_serve_arinc653},
    {"dmesg", serve_dmesg},
    {"watch", serve_watch},
    {"console", serve_console},
    {"input", serve_input},
    {"window", host_serve_window},
    {"window-free", host_serve_window_free},
    {"save-begin", host_serve_save_begin},
    {"save-state", host_serve_save_state},
    {"save-end", host_serve_save_end},
    {"restore", host_serve_restore},
    {"restored", host_serve_restored},
    {"dump-begin", host_serve_dump_begin},
    {"dump-end", host_serve_dump_end},
    {"debug-attach", host_serve_debug_attach},
    {"debug-detach", host_serve_debug_detach},
    {"debug-go", host_serve_debug_go},
    {"debug-stop", host_serve_debug_stop},
    {"debug-break", host_serve_debug_break},
    {"debug-map", host_serve_debug_map},
    {"debug-write", host_serve_debug_write},
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
