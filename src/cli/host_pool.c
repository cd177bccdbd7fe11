/* SPDX-License-Identifier: MIT */
/* Requests about cpupools and the knobs of policies: see host_daemon.h. */
#include "host_daemon.h"

#include <inttypes.h>
#include <string.h>

void host_serve_pools(struct host *h, struct host_client *c,
                      struct host_request *r, json_t *args)
{
    (void)c;
    (void)args;
    host_ask(h, host_answer_rows, r, "pools");
}

void host_serve_pool_create(struct host *h, struct host_client *c,
                            struct host_request *r, json_t *args)
{
    const char *name = host_word(h, r, args, "name"), *sched;

    (void)c;
    if (name != NULL && (sched = host_word(h, r, args, "sched")) != NULL) {
        host_ask(h, host_answer_words, r, "pool-create %s %s", name, sched);
    }
}

void host_serve_pool_destroy(struct host *h, struct host_client *c,
                             struct host_request *r, json_t *args)
{
    uint64_t id;

    (void)c;
    if (host_number(h, r, args, "id", UINT32_MAX, &id)) {
        host_ask(h, host_answer_text, r, "pool-destroy %" PRIu64, id);
    }
}

void host_serve_pool_rename(struct host *h, struct host_client *c,
                            struct host_request *r, json_t *args)
{
    const char *name;
    uint64_t id;

    (void)c;
    if (host_number(h, r, args, "id", UINT32_MAX, &id) &&
        (name = host_word(h, r, args, "name")) != NULL) {
        host_ask(h, host_answer_text, r, "pool-rename %" PRIu64 " %s", id,
                 name);
    }
}

static void with_second(struct host *h, struct host_request *r,
                        const json_t *args, const char *verb, const char *key)
{
    uint64_t id, second;

    if (host_number(h, r, args, "id", UINT32_MAX, &id) &&
        host_number(h, r, args, key, UINT16_MAX, &second)) {
        host_ask(h, host_answer_text, r, "%s %" PRIu64 " %" PRIu64, verb, id,
                 second);
    }
}

void host_serve_pool_add(struct host *h, struct host_client *c,
                         struct host_request *r, json_t *args)
{
    (void)c;
    with_second(h, r, args, "pool-add", "pcpu");
}

void host_serve_pool_remove(struct host *h, struct host_client *c,
                            struct host_request *r, json_t *args)
{
    (void)c;
    with_second(h, r, args, "pool-remove", "pcpu");
}

void host_serve_pool_move(struct host *h, struct host_client *c,
                          struct host_request *r, json_t *args)
{
    (void)c;
    with_second(h, r, args, "pool-move", "domid");
}

/*
 * The members of `set`, names and numbers, as words with a blank in front;
 * false, and the request refused, when they are anything else.
 */
static bool words_of(struct host *h, struct host_request *r, json_t *args,
                     struct cli_text *t)
{
    json_t *set = json_object_get(args, "set"), *value;
    const char *key;

    cli_text_str(t, "");
    json_object_foreach(set, key, value)
    {
        bool name = key[0] != '\0' && strlen(key) < 16 &&
                    strspn(key, "abcdefghijklmnopqrstuvwxyz_") == strlen(key);

        if (!name || !json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) > UINT32_MAX) {
            host_refuse(h, r, "invalid",
                        "set must hold names and numbers up to %u", UINT32_MAX);
            cli_text_free(t);
            return false;
        }
        cli_text_printf(t, " %s=%" PRIu64, key,
                        (uint64_t)json_integer_value(value));
    }
    return true;
}

void host_serve_pool_knobs(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args)
{
    struct cli_text t = {0};
    uint64_t id;

    (void)c;
    if (host_number(h, r, args, "id", UINT32_MAX, &id) &&
        words_of(h, r, args, &t)) {
        host_ask(h, host_answer_words, r, "pool-knobs %" PRIu64 "%.400s", id,
                 t.data);
        cli_text_free(&t);
    }
}

void host_serve_knobs(struct host *h, struct host_client *c,
                      struct host_request *r, json_t *args)
{
    struct cli_text t = {0};
    uint64_t domid;

    (void)c;
    if (host_number(h, r, args, "domid", UINT16_MAX, &domid) &&
        words_of(h, r, args, &t)) {
        host_ask(h, host_answer_words, r, "knobs %" PRIu64 "%.400s", domid,
                 t.data);
        cli_text_free(&t);
    }
}

void host_serve_vcpu_knobs(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args)
{
    struct cli_text t = {0};
    uint64_t domid, vcpu;

    (void)c;
    if (!host_number(h, r, args, "domid", UINT16_MAX, &domid)) {
        return;
    }
    if (json_object_get(args, "vcpu") == NULL) {
        host_ask(h, host_answer_rows, r, "vcpu-knobs %" PRIu64, domid);
    } else if (host_number(h, r, args, "vcpu", UINT16_MAX, &vcpu) &&
               words_of(h, r, args, &t)) {
        host_ask(h, host_answer_rows, r,
                 "vcpu-knobs %" PRIu64 " %" PRIu64 "%.400s", domid, vcpu,
                 t.data);
        cli_text_free(&t);
    }
}
