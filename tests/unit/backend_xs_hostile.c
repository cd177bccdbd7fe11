/* SPDX-License-Identifier: MIT */
/*
 * Domains that mean harm: impossible indices, lengths, indices that change
 * while the server runs, and random requests from fixed seeds. Whatever they
 * do, the server comes back, its books balance, and a well-behaved domain
 * beside them is served.
 */
#include "backend_common.h"

static struct world w;

/* The id of the latest transaction of each guest, for random requests. */
static uint32_t latest[GUESTS];

static int open_world(void **state)
{
    (void)state;
    memset(latest, 0, sizeof(latest));
    world_open(&w, NULL);
    for (unsigned i = 0; i < GUESTS; i++) {
        guest_connect(&w, i, false);
    }
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void neighbour_is_served(void)
{
    expect(&w, 1, XS_READ, "domid", "2");
}

static void impossible_indices_break_one_ring(void **state)
{
    static const uint32_t fills[] = {1025, 2048, 0x7fffffff, 0x80000000,
                                     UINT32_MAX};

    for (size_t i = 0; i < 2 * sizeof(fills) / sizeof(fills[0]); i++) {
        struct xenstore_domain_interface *r = &w.guest[0].ring;

        if (i % 2 == 0) {
            r->req_prod = r->req_cons + fills[i / 2];
        } else {
            guest_put(&w.guest[0], &(struct xsd_sockmsg){XS_READ, 1, 0, 5}, 16);
            guest_put(&w.guest[0], "name", 5);
            r->rsp_cons = r->rsp_prod - fills[i / 2];
        }
        while (xenstore_run(w.xs)) {
        }
        assert_int_equal(r->error, XENSTORE_ERROR_RINGIDX);
        assert_int_equal(w.guest[0].complaints, 1);
        /* Repairing the indices is not enough... */
        r->req_prod = r->req_cons;
        r->rsp_cons = r->rsp_prod;
        guest_put(&w.guest[0], &(struct xsd_sockmsg){XS_READ, 1, 0, 5}, 16);
        guest_put(&w.guest[0], "name", 5);
        uint32_t prod = r->rsp_prod;

        xenstore_run(w.xs);
        assert_int_equal(r->rsp_prod, prod);
        neighbour_is_served();
        xenstore_release(w.xs, 1);
        xenstore_domain_remove(w.xs, 1);
        close_world(state);
        open_world(state);
    }
}

static void reconnecting_starts_afresh(void **state)
{
    struct xenstore_domain_interface *r = &w.guest[0].ring;

    (void)state;
    assert_int_equal(r->server_features, XENSTORE_SERVER_FEATURE_RECONNECTION |
                                             XENSTORE_SERVER_FEATURE_ERROR);
    begin(&w, 0);
    assert_string_equal(ask(&w, 0, XS_WATCH, 0, "data\0t", 7)->body, "OK");
    r->req_prod += 5000;
    xenstore_run(w.xs);
    assert_int_equal(r->error, XENSTORE_ERROR_RINGIDX);
    r->connection = XENSTORE_RECONNECT;
    xenstore_run(w.xs);
    assert_int_equal(r->connection, XENSTORE_CONNECTED);
    assert_int_equal(r->error, XENSTORE_ERROR_NONE);
    assert_int_equal(r->req_prod | r->req_cons | r->rsp_prod | r->rsp_cons, 0);
    expect(&w, 0, XS_READ, "domid", "1");
    expect_write(&w, 0, 0, "data/x", "1", "OK");
    expect_event(&w, 0, NULL, NULL);
}

static void too_long_a_request_breaks_the_ring(void **state)
{
    static const uint32_t lens[] = {XENSTORE_PAYLOAD_MAX + 1, 0x7fffffff,
                                    0xfffffff0, UINT32_MAX};

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        guest_put(&w.guest[0], &(struct xsd_sockmsg){XS_READ, 1, 0, lens[i]},
                  16);
        while (xenstore_run(w.xs)) {
        }
        assert_int_equal(w.guest[0].ring.error, XENSTORE_ERROR_PROTO);
        assert_int_equal(w.guest[0].complaints, 1);
        neighbour_is_served();
        close_world(state);
        open_world(state);
    }
}

static void the_longest_request_is_served(void **state)
{
    static char body[XENSTORE_PAYLOAD_MAX];

    (void)state;
    memset(body, 'x', sizeof(body));
    memcpy(body, "data/x", 7);
    assert_string_equal(ask(&w, 0, XS_WRITE, 0, body, sizeof(body))->body,
                        "ENOSPC");
    assert_string_equal(ask(&w, 0, XS_READ, 0, body, sizeof(body))->body,
                        "EINVAL");
}

static void bytes_may_come_one_by_one(void **state)
{
    struct xsd_sockmsg head = {XS_READ, 9, 0, 6};
    struct reply r;

    (void)state;
    for (size_t i = 0; i < sizeof(head); i++) {
        assert_int_equal(guest_put(&w.guest[0], (char *)&head + i, 1), 1);
        xenstore_run(w.xs);
        assert_false(guest_receive(&w, 0, &r));
    }
    for (size_t i = 0; i < 6; i++) {
        assert_false(guest_receive(&w, 0, &r));
        guest_put(&w.guest[0], &"domid"[i], 1);
        xenstore_run(w.xs);
    }
    assert_true(guest_receive(&w, 0, &r));
    assert_string_equal(r.body, "1");
    assert_int_equal(r.head.req_id, 9);
}

static void a_domain_that_does_not_read_waits_alone(void **state)
{
    struct xsd_sockmsg head = {XS_DIRECTORY, 3, 0, 8};
    struct guest *g = &w.guest[0];
    unsigned replies = 0;
    struct reply r;

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        if (XENSTORE_RING_SIZE - (g->ring.req_prod - g->ring.req_cons) >= 24) {
            guest_put(g, &head, sizeof(head));
            guest_put(g, "control", 8);
        }
        while (xenstore_run(w.xs)) {
        }
    }
    assert_int_equal(g->ring.rsp_prod - g->ring.rsp_cons, XENSTORE_RING_SIZE);
    neighbour_is_served();
    while (guest_receive(&w, 0, &r)) {
        assert_int_equal(r.head.type, XS_DIRECTORY);
        replies++;
        while (xenstore_run(w.xs)) {
        }
    }
    assert_in_range(replies, 40, 200);
    assert_int_equal(g->complaints, 0);
}

static void signals_come_with_progress_alone(void **state)
{
    unsigned before = w.guest[0].notified;

    (void)state;
    xenstore_run(w.xs);
    xenstore_run(w.xs);
    assert_int_equal(w.guest[0].notified, before);
    guest_put(&w.guest[0], "x", 1);
    xenstore_run(w.xs);
    assert_int_equal(w.guest[0].notified, before + 1);
}

/* ------------------------------------------------------------------- random */

static const char *const paths[] = {
    "data",
    "data/a",
    "data/a/b",
    "data/b",
    "/local/domain/2/data",
    "/local/domain/2/data/a",
    "/",
    "/local/domain",
    "name",
    "device/x",
    "error",
    "/vm",
    "@releaseDomain",
    "",
    "data/",
    "x y",
    "/a//b",
    "data/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z",
};

static size_t random_body(char *body, uint64_t *seed)
{
    const char *path =
        paths[next_random(seed) % (sizeof(paths) / sizeof(paths[0]))];
    size_t n = strlen(path) + 1;

    memcpy(body, path, n);
    switch (next_random(seed) % 8) {
    case 0:
    case 1:
        break;
    case 2:
        memcpy(body + n, "n1\0r2\0b3", 9);
        n += 9;
        break;
    case 3:
        memcpy(body, "T", 2);
        n = 2;
        break;
    case 4:
        n--;
        break;
    case 5:
        n += next_random(seed) % 3000;
        break;
    default:
        memcpy(body + n, "token", 6);
        n += 6;
        break;
    }
    return n;
}

/* Reads what has come, as a guest that does not trust the server would. */
static void read_replies(unsigned i)
{
    struct xsd_sockmsg head;
    char body[XENSTORE_PAYLOAD_MAX + 1];

    while (guest_get(&w.guest[i], &head, sizeof(head)) == sizeof(head) &&
           head.len <= XENSTORE_PAYLOAD_MAX) {
        size_t n = 0, got = 1;

        for (; n < head.len && got > 0; n += got) {
            got = guest_get(&w.guest[i], body + n, head.len - n);
            xenstore_run(w.xs);
        }
        body[n] = '\0';
        if (head.type == XS_TRANSACTION_START) {
            latest[i] = (uint32_t)strtoul(body, NULL, 10);
        }
        xenstore_run(w.xs);
    }
}

static void put_pieces(unsigned i, const void *bytes, size_t len)
{
    for (size_t n = 0, done = 0, tries = 0; done < len && tries < 12; tries++) {
        n = guest_put(&w.guest[i], (const char *)bytes + done, len - done);
        done += n;
        xenstore_run(w.xs);
    }
}

/* A message that may be anything, in a frame that is mostly right. */
static void random_request(unsigned i, uint64_t *seed)
{
    static char body[XENSTORE_PAYLOAD_MAX + 64];
    struct xsd_sockmsg head = {
        .type = next_random(seed) % (XS_TYPE_COUNT + 2),
        .req_id = next_random(seed),
        .tx_id = next_random(seed) % 3 == 0 ? latest[i] : 0,
    };
    struct guest *g = &w.guest[i];

    memset(body, 0, sizeof(body));
    head.len = (uint32_t)random_body(body, seed);
    switch (next_random(seed) % 12) {
    case 0:
        head.type = XS_TRANSACTION_START;
        head.tx_id = 0;
        break;
    case 1:
        head.type = XS_TRANSACTION_END;
        head.tx_id = latest[i];
        memcpy(body, "T", 2);
        head.len = 2;
        break;
    case 2:
        head.tx_id = next_random(seed) % 30;
        break;
    default:
        break;
    }
    if (next_random(seed) % 400 == 0) {
        head.len = next_random(seed);
    }
    if (next_random(seed) % 400 == 0) {
        g->ring.req_prod = next_random(seed);
    }
    if (next_random(seed) % 400 == 0) {
        g->ring.rsp_cons = next_random(seed);
    }
    put_pieces(i, &head, sizeof(head));
    put_pieces(i, body, head.len < sizeof(body) ? head.len : sizeof(body));
    if (next_random(seed) % 8 != 0) {
        read_replies(i);
    }
    if (next_random(seed) % 100 == 0) {
        g->ring.connection = XENSTORE_RECONNECT;
    }
}

/* Domains 0, 2 and 3 at random; 1 behaves and must always be served. */
static void random_requests_do_no_harm(void **state)
{
    for (uint64_t s = 1; s <= 20; s++) {
        uint64_t seed = s;

        for (unsigned step = 0; step < 4000; step++) {
            unsigned i = (unsigned[]){0, 2, 3}[next_random(&seed) % 3];

            random_request(i, &seed);
            for (unsigned k = 0; k < 1000 && xenstore_run(w.xs); k++) {
                assert_true(k < 999);
            }
            if (step % 500 == 0) {
                neighbour_is_served();
                assert_ptr_equal(xenstore_check(w.xs), NULL);
            }
            if (next_random(&seed) % 1000 == 0) {
                xenstore_release(w.xs, w.guest[i].domid);
                xenstore_domain_remove(w.xs, w.guest[i].domid);
                guest_connect(&w, i, false);
            }
        }
        close_world(state);
        open_world(state);
    }
}

/* Bytes that are not even messages. */
static void random_bytes_do_no_harm(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (unsigned step = 0; step < 3000; step++) {
        char *bytes = (char *)&w.guest[0].ring;

        for (unsigned k = 0; k < 64; k++) {
            bytes[next_random(&seed) % sizeof(w.guest[0].ring)] =
                (char)next_random(&seed);
        }
        if (step % 3 == 0) {
            w.guest[0].ring.connection = XENSTORE_RECONNECT;
        }
        xenstore_run(w.xs);
    }
    neighbour_is_served();
}

/*
 * Two stores that are asked the same answer the same, whatever addresses
 * their arenas have.
 */
static void the_same_requests_get_the_same_answers(void **state)
{
    uint64_t hash[2];

    for (unsigned run = 0; run < 2; run++) {
        uint64_t seed = 99;
        void *hole = malloc(run * 100000 + 1);

        close_world(state);
        open_world(state);
        hash[run] = 14695981039346656037u;
        for (unsigned step = 0; step < 3000; step++) {
            unsigned i = next_random(&seed) % GUESTS;
            const char *ring = (const char *)&w.guest[i].ring;

            random_request(i, &seed);
            xenstore_run(w.xs);
            for (size_t k = 0; k < sizeof(w.guest[i].ring); k++) {
                hash[run] =
                    (hash[run] ^ (unsigned char)ring[k]) * 1099511628211u;
            }
        }
        free(hole);
    }
    assert_true(hash[0] == hash[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(impossible_indices_break_one_ring),
        TEST(reconnecting_starts_afresh),
        TEST(too_long_a_request_breaks_the_ring),
        TEST(the_longest_request_is_served),
        TEST(bytes_may_come_one_by_one),
        TEST(a_domain_that_does_not_read_waits_alone),
        TEST(signals_come_with_progress_alone),
        TEST(random_requests_do_no_harm),
        TEST(random_bytes_do_no_harm),
        TEST(the_same_requests_get_the_same_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
