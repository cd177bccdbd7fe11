/* SPDX-License-Identifier: MIT */
/*
 * What a domain may have of the xenstore: nodes, text, watches, events that it
 * does not read, changes and snapshots of transactions. One that takes all it
 * may is no concern of the others.
 */
#include "backend_common.h"

static struct world w;

static int open_world(void **state)
{
    (void)state;
    world_open_usual(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void nodes_are_limited(void **state)
{
    char path[64];
    unsigned made = 0;

    (void)state;
    for (;; made++) {
        snprintf(path, sizeof(path), "data/n%u", made);
        if (strcmp(ask(&w, 0, XS_MKDIR, 0, path, strlen(path) + 1)->body,
                   "OK") != 0) {
            break;
        }
    }
    expect_error(&w, 0, XS_MKDIR, path, "ENOSPC");
    assert_in_range(made, 490, 512);
    /* What exists may still be written; another domain is not concerned. */
    expect_write(&w, 0, 0, "data/n7", "seven", "OK");
    expect_write(&w, 1, 0, "data/n7", "seven", "OK");
    /* A path that does not fit leaves no half of it behind. */
    expect(&w, 0, XS_RM, "data/n0", "OK");
    expect_error(&w, 0, XS_MKDIR, "data/p/q", "ENOSPC");
    expect_error(&w, 0, XS_READ, "data/p", "ENOENT");
    expect(&w, 0, XS_MKDIR, "data/p", "OK");
    expect(&w, 0, XS_RM, "data", "OK");
    expect_error(&w, 0, XS_MKDIR, "data", "EACCES");
}

static void bytes_are_limited(void **state)
{
    static char big[2048 + 1 + 32], value[2000 + 1];
    char path[32];
    unsigned made = 0;

    (void)state;
    memset(big, 'b', sizeof(big));
    memcpy(big, "data/big", 9);
    assert_string_equal(ask(&w, 0, XS_WRITE, 0, big, 9 + 2049)->body, "ENOSPC");
    assert_string_equal(ask(&w, 0, XS_WRITE, 0, big, 9 + 2048)->body, "OK");
    expect(&w, 0, XS_RM, "data/big", "OK");
    memset(value, 'v', sizeof(value) - 1);
    for (const char *answer = "OK"; strcmp(answer, "OK") == 0 && made < 999;) {
        size_t n;
        char body[2048];

        n = (size_t)snprintf(path, sizeof(path), "data/v%u", made) + 1;
        memcpy(body, path, n);
        memcpy(body + n, value, 2000);
        answer = ask(&w, 0, XS_WRITE, 0, body, n + 2000)->body;
        made += strcmp(answer, "OK") == 0;
    }
    /* 1,024 chunks of 60 bytes. */
    assert_in_range(made, 27, 31);
    expect_write(&w, 1, 0, "data/v", value, "OK");
}

/* The machine has no page left: no half of a write, and all is well after. */
static void pages_run_out(void **state)
{
    static char big[9 + 2048];
    char path[32];
    unsigned made = 0;

    (void)state;
    w.pages_max = w.nr_pages;
    memset(big, 'b', sizeof(big));
    for (const char *answer = "OK"; strcmp(answer, "OK") == 0; made++) {
        snprintf(path, sizeof(path), "data/%u", 100 + made);
        memcpy(big, path, 9);
        answer = ask(&w, 0, XS_WRITE, 0, big, sizeof(big))->body;
        assert_true(strcmp(answer, "OK") == 0 || strcmp(answer, "ENOMEM") == 0);
        assert_in_range(made, 0, 3); /* what is left of a page */
    }
    expect_error(&w, 0, XS_READ, path, "ENOENT");
    assert_ptr_equal(xenstore_check(w.xs), NULL);
    w.pages_max = PAGES_MAX;
    assert_string_equal(ask(&w, 0, XS_WRITE, 0, big, sizeof(big))->body, "OK");
}

static void watches_are_limited(void **state)
{
    char path[32];

    (void)state;
    for (unsigned i = 0; i < 128; i++) {
        snprintf(path, sizeof(path), "data/w%u", i);
        watch(&w, 0, path, "t", "OK");
        expect_event(&w, 0, path, "t");
    }
    watch(&w, 0, "data/one-more", "t", "E2BIG");
    watch(&w, 1, "data/one-more", "t", "OK");
}

/* Changes `n` nodes that guest 0 watches, and never reads of it. */
static void change(unsigned n)
{
    char path[64];

    for (unsigned i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "/local/domain/1/data/%u", i % 600);
        xenstore_write(w.xs, path, "1", NULL);
        while (xenstore_run(w.xs)) {
        }
    }
}

static unsigned events_read(void)
{
    struct reply r;
    unsigned n = 0;

    while (guest_receive(&w, 0, &r)) {
        assert_int_equal(r.head.type, XS_WATCH_EVENT);
        n++;
        while (xenstore_run(w.xs)) {
        }
    }
    return n;
}

static void no_event_is_lost_within_the_share(void **state)
{
    (void)state;
    watch(&w, 0, "data", "t", "OK");
    expect_event(&w, 0, "data", "t");
    for (unsigned round = 0; round < 3; round++) {
        change(400);
        change(400); /* says nothing new of those that wait */
        assert_in_range(events_read(), 400, 440); /* the ring holds some */
        assert_int_equal(w.guest[0].complaints, 0);
    }
    expect(&w, 0, XS_READ, "name", "guest");
}

/* Where one would be lost the domain is told, and ignored until it is new. */
static void unread_events_are_limited(void **state)
{
    (void)state;
    watch(&w, 0, "data", "t", "OK");
    change(3000);
    assert_int_equal(w.guest[0].complaints, 1);
    assert_string_equal(w.guest[0].complaint,
                        "xenstore ignored: it does not read its events");
    assert_int_equal(w.guest[0].ring.error, XENSTORE_ERROR_COMM);
    expect_write(&w, 1, 0, "data/fine", "1", "OK");
    guest_send(&w, 0, XS_READ, 0, "name", 5);
    while (xenstore_run(w.xs)) {
    }
    assert_int_equal(w.guest[0].ring.req_cons + 16 + 5,
                     w.guest[0].ring.req_prod);
    w.guest[0].ring.connection = XENSTORE_RECONNECT;
    while (xenstore_run(w.xs)) {
    }
    assert_int_equal(w.guest[0].ring.error, XENSTORE_ERROR_NONE);
    expect(&w, 0, XS_READ, "name", "guest");
    change(1); /* its watches are gone, too */
    assert_int_equal(events_read(), 0);
}

static void changes_in_a_transaction_are_limited(void **state)
{
    uint32_t tx = begin(&w, 0);
    const char *answer = "OK";
    char path[32];

    (void)state;
    for (unsigned i = 0; strcmp(answer, "OK") == 0; i++) {
        assert_true(i < 2000);
        snprintf(path, sizeof(path), "data/c%u", i);
        answer = ask(&w, 0, XS_MKDIR, tx, path, strlen(path) + 1)->body;
    }
    assert_string_equal(answer, "ENOSPC");
    expect_end(&w, 0, tx, "T", "OK");
    expect(&w, 0, XS_READ, "data/c0", "");
}

/* Old versions are given up before anybody's share is. */
static void snapshots_do_not_take_others_room(void **state)
{
    char path[64];
    uint32_t tx[10];

    (void)state;
    for (unsigned k = 0; k < 10; k++) {
        tx[k] = begin(&w, 0);
        for (unsigned i = 0; i < 480; i++) {
            char value[8];

            snprintf(path, sizeof(path), "data/n%u", i);
            snprintf(value, sizeof(value), "%u", k);
            expect_write(&w, 1, 0, path, value, "OK");
        }
    }
    for (unsigned i = 0; i < 480; i++) {
        snprintf(path, sizeof(path), "data/n%u", i);
        expect_write(&w, 2, 0, path, "fits", "OK");
    }
    expect_write(&w, 0, tx[0], "data/x", "1", "OK");
    expect_end(&w, 0, tx[0], "T", "EAGAIN");
    expect_tx(&w, 0, tx[1], XS_READ, "name", "guest");
    assert_ptr_equal(xenstore_check(w.xs), NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nodes_are_limited),
        TEST(bytes_are_limited),
        TEST(pages_run_out),
        TEST(watches_are_limited),
        TEST(no_event_is_lost_within_the_share),
        TEST(unread_events_are_limited),
        TEST(changes_in_a_transaction_are_limited),
        TEST(snapshots_do_not_take_others_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
