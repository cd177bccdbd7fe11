/* SPDX-License-Identifier: MIT */
/*
 * Transactions of the xenstore, as domains see them through their rings.
 * Answers and error names are those of Xen's xenstored.
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

static void transactions_commit_as_one(void **state)
{
    uint32_t tx;

    (void)state;
    watch(&w, 1, "/local/domain/1/data", "t", "OK");
    expect_event(&w, 1, "/local/domain/1/data", "t");
    xenstore_write(w.xs, "/local/domain/1/data", "", "n1,r2");
    expect_event(&w, 1, "/local/domain/1/data", "t");
    tx = begin(&w, 0);
    expect_write(&w, 0, tx, "data/a", "1", "OK");
    expect_write(&w, 0, tx, "data/b", "2", "OK");
    expect_tx(&w, 0, tx, XS_READ, "data/a", "1");
    expect_error(&w, 0, XS_READ, "data/a", "ENOENT");
    expect_event(&w, 1, NULL, NULL);
    expect_end(&w, 0, tx, "T", "OK");
    expect(&w, 0, XS_READ, "data/a", "1");
    expect(&w, 0, XS_READ, "data/b", "2");
    expect_tx(&w, 0, tx, XS_READ, "data/a", "ENOENT");
    /* 2 may read what is new: permissions are inherited. */
    expect_event(&w, 1, "/local/domain/1/data/a", "t");
    expect_event(&w, 1, "/local/domain/1/data/b", "t");
    expect_event(&w, 1, NULL, NULL);
}

static void commits_fire_watches(void **state)
{
    struct reply r;
    uint32_t tx;

    (void)state;
    expect_write(&w, 0, 0, "data/gone", "1", "OK");
    watch(&w, 0, "data", "t", "OK");
    expect_event(&w, 0, "data", "t");
    tx = begin(&w, 0);
    expect_write(&w, 0, tx, "data/a", "1", "OK");
    expect_tx(&w, 0, tx, XS_RM, "data/gone", "OK");
    expect_event(&w, 0, NULL, NULL);
    guest_send(&w, 0, XS_TRANSACTION_END, tx, "T", 2);
    expect_event(&w, 0, "data/a", "t");
    expect_event(&w, 0, "data/gone", "t");
    assert_true(guest_receive(&w, 0, &r));
    assert_string_equal(r.body, "OK");
    expect_event(&w, 0, NULL, NULL);
}

static void aborts_leave_nothing(void **state)
{
    uint32_t tx = begin(&w, 0);

    (void)state;
    expect_write(&w, 0, tx, "data/a/b", "1", "OK");
    expect_tx(&w, 0, tx, XS_RM, "data", "OK");
    expect_tx(&w, 0, tx, XS_DIRECTORY, "data", "ENOENT");
    expect_end(&w, 0, tx, "F", "OK");
    expect(&w, 0, XS_DIRECTORY, "data", "");
    assert_ptr_equal(xenstore_check(w.xs), NULL);
}

static void conflicts_are_eagain(void **state)
{
    uint32_t tx = begin(&w, 0), second;

    (void)state;
    /* It was not there when one looked. */
    expect_write(&w, 0, 0, "data/a", "old", "OK");
    expect_tx(&w, 0, tx, XS_READ, "data/a", "ENOENT");
    expect_write(&w, 0, tx, "data/a", "new", "OK");
    expect_end(&w, 0, tx, "T", "EAGAIN");
    expect(&w, 0, XS_READ, "data/a", "old");
    /* It changed since one read it, although one reads on what was. */
    tx = begin(&w, 0);
    expect_write(&w, 0, 0, "data/a", "newer", "OK");
    expect_tx(&w, 0, tx, XS_READ, "data/a", "old");
    expect_end(&w, 0, tx, "T", "EAGAIN");
    /* Written with the same value, or removed and made again. */
    tx = begin(&w, 0);
    expect_tx(&w, 0, tx, XS_READ, "data/a", "newer");
    expect_write(&w, 0, 0, "data/a", "newer", "OK");
    expect_end(&w, 0, tx, "T", "EAGAIN");
    tx = begin(&w, 0);
    expect_tx(&w, 0, tx, XS_READ, "data/a", "newer");
    expect(&w, 0, XS_RM, "data/a", "OK");
    expect_write(&w, 0, 0, "data/a", "newer", "OK");
    expect_end(&w, 0, tx, "T", "EAGAIN");
    /* Two that add to one directory: the first wins. */
    tx = begin(&w, 0);
    second = begin(&w, 0);
    expect_write(&w, 0, tx, "data/x", "1", "OK");
    expect_write(&w, 0, second, "data/y", "2", "OK");
    expect_end(&w, 0, tx, "T", "OK");
    expect_end(&w, 0, second, "T", "EAGAIN");
    expect_error(&w, 0, XS_READ, "data/y", "ENOENT");
}

/* What others do elsewhere neither hinders a commit nor is undone by it. */
static void unrelated_changes_are_merged(void **state)
{
    uint32_t tx, second;

    (void)state;
    expect_write(&w, 0, 0, "data/a", "1", "OK");
    expect_write(&w, 0, 0, "data/gone/deep", "1", "OK");
    expect_write(&w, 0, 0, "error/x", "1", "OK");
    tx = begin(&w, 0);
    second = begin(&w, 0);
    expect_write(&w, 0, tx, "data/a", "2", "OK");
    expect_write(&w, 0, tx, "data/new/node", "3", "OK");
    expect_tx(&w, 0, tx, XS_RM, "data/gone", "OK");
    assert_string_equal(
        ask(&w, 0, XS_SET_PERMS, tx, "data/new\0n1\0r2", 15)->body, "OK");
    expect_write(&w, 0, tx, "data/temporary", "4", "OK");
    expect_tx(&w, 0, tx, XS_RM, "data/temporary", "OK");
    expect_write(&w, 0, second, "error/x", "2", "OK");
    expect_write(&w, 1, 0, "data/theirs", "5", "OK");
    xenstore_write(w.xs, "/local/domain/1/control/shutdown", "poweroff", NULL);
    expect_end(&w, 0, tx, "T", "OK");
    expect_end(&w, 0, second, "T", "OK");
    expect(&w, 0, XS_READ, "data/a", "2");
    expect(&w, 0, XS_READ, "data/new/node", "3");
    expect(&w, 0, XS_GET_PERMS, "data/new/node", "n1");
    expect(&w, 1, XS_READ, "/local/domain/1/data/new", "");
    expect_error(&w, 0, XS_READ, "data/gone/deep", "ENOENT");
    expect_error(&w, 0, XS_READ, "data/temporary", "ENOENT");
    expect(&w, 0, XS_READ, "error/x", "2");
    expect(&w, 0, XS_READ, "control/shutdown", "poweroff");
    expect(&w, 1, XS_READ, "data/theirs", "5");
}

/* Two halves that each fit need not fit together. */
static void merging_does_not_stretch_the_quota(void **state)
{
    uint32_t first, second;
    char path[64];

    (void)state;
    expect(&w, 0, XS_MKDIR, "data/l", "OK");
    expect(&w, 0, XS_MKDIR, "data/r", "OK");
    first = begin(&w, 0);
    second = begin(&w, 0);
    for (unsigned i = 0; i < 240; i++) {
        snprintf(path, sizeof(path), "data/l/%u", i);
        expect_tx(&w, 0, first, XS_MKDIR, path, "OK");
    }
    for (unsigned i = 0; i < 240; i++) {
        snprintf(path, sizeof(path), "data/r/%u", i);
        expect_tx(&w, 0, second, XS_MKDIR, path, "OK");
    }
    for (unsigned i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "error/%u", i);
        expect(&w, 0, XS_MKDIR, path, "OK");
    }
    expect_end(&w, 0, first, "T", "OK");
    expect_end(&w, 0, second, "T", "ENOSPC");
    expect(&w, 0, XS_DIRECTORY, "data/r", "");
}

/* A transaction that looked at more than can be noted is careful instead. */
static void looking_at_very_much_is_allowed(void **state)
{
    uint32_t tx = begin(&w, 0);
    char path[64];

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(path, sizeof(path), "data/none/%u", i);
        expect_tx(&w, 0, tx, XS_READ, path, "ENOENT");
    }
    expect_end(&w, 0, tx, "T", "OK");
    tx = begin(&w, 0);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(path, sizeof(path), "data/none/%u", i);
        expect_tx(&w, 0, tx, XS_READ, path, "ENOENT");
    }
    expect_write(&w, 1, 0, "data/far-away", "1", "OK");
    expect_end(&w, 0, tx, "T", "EAGAIN");
}

static void transaction_ids_are_checked(void **state)
{
    uint32_t tx = begin(&w, 0), ids[11];

    (void)state;
    assert_string_equal(ask(&w, 0, XS_TRANSACTION_START, tx, "", 1)->body,
                        "EBUSY");
    expect_tx(&w, 0, tx + 1, XS_READ, "name", "ENOENT");
    expect_tx(&w, 1, tx, XS_READ, "name", "ENOENT");
    expect_end(&w, 0, 0, "T", "ENOENT");
    expect_end(&w, 0, tx, "X", "EINVAL");
    expect_end(&w, 0, tx, "F", "OK");
    for (unsigned i = 0; i < 11; i++) {
        ids[i] = begin(&w, 0);
    }
    assert_string_equal(ask(&w, 0, XS_TRANSACTION_START, 0, "", 1)->body,
                        "ENOSPC");
    for (unsigned i = 0; i < 11; i++) {
        expect_end(&w, 0, ids[i], "T", "OK");
    }
}

static void a_domain_takes_its_transactions_along(void **state)
{
    uint32_t tx = begin(&w, 1);

    (void)state;
    expect_write(&w, 1, tx, "data/a", "1", "OK");
    xenstore_release(w.xs, 2);
    assert_ptr_equal(xenstore_check(w.xs), NULL);
    char value[8];

    assert_int_equal(xenstore_read(w.xs, "/local/domain/2/data/a", value, 8),
                     -XEN_ENOENT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(transactions_commit_as_one),
        TEST(commits_fire_watches),
        TEST(aborts_leave_nothing),
        TEST(conflicts_are_eagain),
        TEST(unrelated_changes_are_merged),
        TEST(merging_does_not_stretch_the_quota),
        TEST(looking_at_very_much_is_allowed),
        TEST(transaction_ids_are_checked),
        TEST(a_domain_takes_its_transactions_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
