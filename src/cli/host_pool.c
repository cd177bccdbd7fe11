/* SPDX-License-Identifier: MIT */
/* Requests about cpupools and the knobs of policies: see host_daemon.h. */
#include "host_daemon.h"

#include <inttypes.h>
#include <string.h>

#include <schedop/link.h>

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
    uint64_t pool;

    (void)c;
    if (host_number(h, r, args, "pool", UINT32_MAX, &pool)) {
        host_ask(h, host_answer_text, r, "pool-destroy %" PRIu64, pool);
    }
}

void host_serve_pool_rename(struct host *h, struct host_client *c,
                            struct host_request *r, json_t *args)
{
    const char *name;
    uint64_t pool;

    (void)c;
    if (host_number(h, r, args, "pool", UINT32_MAX, &pool) &&
        (name = host_word(h, r, args, "name")) != NULL) {
        host_ask(h, host_answer_text, r, "pool-rename %" PRIu64 " %s", pool,
                 name);
    }
}

static void with_second(struct host *h, struct host_request *r,
                        const json_t *args, const char *verb, const char *key)
{
    uint64_t pool, second;

    if (host_number(h, r, args, "pool", UINT32_MAX, &pool) &&
        host_number(h, r, args, key, UINT16_MAX, &second)) {
        host_ask(h, host_answer_text, r, "%s %" PRIu64 " %" PRIu64, verb, pool,
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
 * The numbers called `key`, each with a blank in front, or nothing when there
 * are none of them; false, and the request refused, when some are missing or
 * wrong.
 */
static bool numbers(struct host *h, struct host_request *r, json_t *args,
                    const char *const *key, size_t count, struct cli_text *t)
{
    size_t given = 0;
    uint64_t n;

    for (size_t i = 0; i < count; i++) {
        given += json_object_get(args, key[i]) != NULL;
    }
    cli_text_str(t, "");
    for (size_t i = 0; i < count && given != 0; i++) {
        if (!host_number(h, r, args, key[i], UINT32_MAX, &n)) {
            cli_text_free(t);
            return false;
        }
        cli_text_printf(t, " %" PRIu64, n);
    }
    return true;
}

void host_serve_credit2(struct host *h, struct host_client *c,
                        struct host_request *r, json_t *args)
{
    static const char *const keys[] = {"weight", "cap"};
    struct cli_text t = {0};
    uint64_t domid;

    (void)c;
    if (host_number(h, r, args, "domid", UINT16_MAX, &domid) &&
        numbers(h, r, args, keys, 2, &t)) {
        host_ask(h, host_answer_words, r, "sched-credit2 %" PRIu64 "%s", domid,
                 t.data);
        cli_text_free(&t);
    }
}

void host_serve_credit2_pool(struct host *h, struct host_client *c,
                             struct host_request *r, json_t *args)
{
    static const char *const keys[] = {"ratelimit_us"};
    struct cli_text t = {0};
    uint64_t pool;

    (void)c;
    if (host_number(h, r, args, "pool", UINT32_MAX, &pool) &&
        numbers(h, r, args, keys, 1, &t)) {
        host_ask(h, host_answer_words, r, "sched-credit2-pool %" PRIu64 "%s",
                 pool, t.data);
        cli_text_free(&t);
    }
}

/* With a frame and windows it sets them; all must fit into one line. */
void host_serve_arinc653(struct host *h, struct host_client *c,
                         struct host_request *r, json_t *args)
{
    const json_t *windows = json_object_get(args, "windows"), *w;
    struct cli_text t = {0};
    uint64_t pool, frame;
    size_t i;

    (void)c;
    if (!host_number(h, r, args, "pool", UINT32_MAX, &pool)) {
        return;
    }
    cli_text_printf(&t, "sched-arinc653 %" PRIu64, pool);
    if (windows != NULL) {
        if (!host_number(h, r, args, "major_frame_ns", INT64_MAX, &frame)) {
            cli_text_free(&t);
            return;
        }
        cli_text_printf(&t, " %" PRIu64, frame);
    }
    json_array_foreach(windows, i, w)
    {
        const char *word = json_string_value(w);

        if (word == NULL || strpbrk(word, " \n") != NULL) {
            host_refuse(h, r, "usage", "a window is DOMAIN:VCPU:NS");
            cli_text_free(&t);
            return;
        }
        cli_text_printf(&t, " %s", word);
    }
    if (t.len > SCHEDOP_LINK_LINE_MAX - 40) {
        host_refuse(h, r, "usage", "too many windows, or too long names");
    } else {
        host_ask(h, host_answer_rows, r, "%s", t.data);
    }
    cli_text_free(&t);
}

/* Without a vCPU: what new ones get, or, when setting, all. */
void host_serve_rtds(struct host *h, struct host_client *c,
                     struct host_request *r, json_t *args)
{
    static const char *const keys[] = {"period", "budget", "extratime"};
    bool one = json_object_get(args, "vcpu") != NULL;
    struct cli_text t = {0};
    uint64_t domid, vcpu = 0;

    (void)c;
    if (!host_number(h, r, args, "domid", UINT16_MAX, &domid) ||
        (one && !host_number(h, r, args, "vcpu", UINT16_MAX, &vcpu)) ||
        !numbers(h, r, args, keys, 3, &t)) {
        return;
    }
    if (one) {
        host_ask(h, host_answer_words, r,
                 "sched-rtds %" PRIu64 " %" PRIu64 "%s", domid, vcpu, t.data);
    } else {
        host_ask(h, host_answer_words, r, "sched-rtds %" PRIu64 " -%s", domid,
                 t.data);
    }
    cli_text_free(&t);
}
