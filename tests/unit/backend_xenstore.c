/* SPDX-License-Identifier: MIT */
/*
 * Every xenstore request, as a domain sends it through its ring: replies,
 * permissions, watches. Answers and error names are
 * those of Xen's xenstored.
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

static void expect_bytes(const struct reply *r, uint32_t type,
                         const char *bytes, size_t len)
{
    assert_int_equal(r->head.type, type);
    assert_int_equal(r->head.len, len);
    assert_memory_equal(r->body, bytes, len);
}

/* ------------------------------------------------------------------ reading */

static void directory_lists_names(void **state)
{
    static const char control[] =
        "shutdown\0feature-poweroff\0feature-reboot\0feature-suspend\0sysrq\0"
        "platform-feature-multiprocessor-suspend\0"
        "platform-feature-xs_reset_watches";

    (void)state;
    expect_bytes(ask(&w, 0, XS_DIRECTORY, 0, "control", 8), XS_DIRECTORY,
                 control, sizeof(control));
    expect_bytes(ask(&w, 0, XS_DIRECTORY, 0, "/local/domain/1/device", 23),
                 XS_DIRECTORY, "suspend", 8);
    expect_bytes(ask(&w, 0, XS_DIRECTORY, 0, "data", 5), XS_DIRECTORY, "", 0);
    expect_error(&w, 0, XS_DIRECTORY, "nothing", "ENOENT");
    expect_error(&w, 0, XS_DIRECTORY, "data/deeper/still", "ENOENT");
}

static void domain_nodes_are_xls(void **state)
{
    (void)state;
    expect(&w, 0, XS_READ, "name", "guest");
    expect(&w, 0, XS_READ, "domid", "1");
    expect(&w, 0, XS_READ, "memory/target", "32768");
    expect(&w, 0, XS_READ, "console/ring-ref", "1044477");
    expect(&w, 0, XS_READ, "console/port", "2");
    expect(&w, 0, XS_READ, "store/port", "1");
    expect(&w, 0, XS_READ, "cpu/1/availability", "online");
    expect(&w, 0, XS_READ, "control/shutdown", "");
    expect(&w, 0, XS_READ, "vm", "/vm/00000000-0000-4000-8000-000000000001");
    expect(&w, 0, XS_READ, "/vm/00000000-0000-4000-8000-000000000001/name",
           "guest");
    expect(&w, 0, XS_GET_PERMS, "control/shutdown", "n1");
    expect_bytes(ask(&w, 0, XS_GET_PERMS, 0, "name", 5), XS_GET_PERMS, "n0\0r1",
                 6);
}

static void read_gives_bytes(void **state)
{
    static const char body[] = "data/raw\0a\0b\xff";
    static const char long_path[] = "data/long";
    char value[2048 + sizeof(long_path)];

    (void)state;
    assert_string_equal(ask(&w, 0, XS_WRITE, 0, body, sizeof(body) - 1)->body,
                        "OK");
    expect_bytes(ask(&w, 0, XS_READ, 0, "data/raw", 9), XS_READ, "a\0b\xff", 4);
    /* Longer than the ring: it comes in pieces. */
    memset(value, 'v', sizeof(value));
    memcpy(value, long_path, sizeof(long_path));
    assert_string_equal(ask(&w, 0, XS_WRITE, 0, value, sizeof(value))->body,
                        "OK");
    assert_int_equal(ask(&w, 0, XS_READ, 0, long_path, 10)->head.len, 2048);
}

static void bad_bodies_are_einval(void **state)
{
    static const uint32_t types[] = {
        XS_DIRECTORY,
        XS_READ,
        XS_GET_PERMS,
        XS_WATCH,
        XS_WRITE,
        XS_MKDIR,
        XS_RM,
        XS_SET_PERMS,
        XS_UNWATCH,
        XS_GET_DOMAIN_PATH,
        XS_TRANSACTION_END,
    };
    static const char *const bodies[] = {"data/", "a//b", "/a b",
                                         "//",    "",     "@x"};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_string_equal(ask(&w, 0, types[i], 0, "", 0)->body, "EINVAL");
        assert_string_equal(ask(&w, 0, types[i], 0, "abc", 3)->body, "EINVAL");
    }
    for (size_t i = 0; i < 8; i++) {
        for (size_t k = 0; k < sizeof(bodies) / sizeof(bodies[0]); k++) {
            expect_error(&w, 0, types[i], bodies[k], "EINVAL");
        }
    }
    assert_string_equal(ask(&w, 0, XS_READ, 0, "a\0b", 4)->body, "EINVAL");
    assert_string_equal(ask(&w, 0, XS_READ, 0, "a\0", 3)->body, "EINVAL");
    assert_string_equal(ask(&w, 0, XS_WATCH, 0, "a\0b\0c", 6)->body, "EINVAL");
    assert_string_equal(ask(&w, 0, XS_WATCH, 0, "a//b\0t", 7)->body, "EINVAL");
    assert_string_equal(ask(&w, 0, XS_UNWATCH, 0, "a//b\0t", 7)->body,
                        "ENOENT");
}

static void long_paths_are_einval(void **state)
{
    char path[XENSTORE_PAYLOAD_MAX];

    (void)state;
    memset(path, 'p', sizeof(path));
    path[XENSTORE_REL_PATH_MAX] = '\0';
    expect_error(&w, 0, XS_READ, path, "ENOENT");
    path[XENSTORE_REL_PATH_MAX] = 'p';
    path[XENSTORE_REL_PATH_MAX + 1] = '\0';
    expect_error(&w, 0, XS_READ, path, "EINVAL");
    path[XENSTORE_REL_PATH_MAX + 1] = 'p';
    path[sizeof(path) - 1] = '\0';
    expect_error(&w, 0, XS_READ, path, "EINVAL");
    expect_error(&w, 0, XS_WRITE, path, "EINVAL");
}

/* ----------------------------------------------------------------- changing */

static void write_creates_what_is_missing(void **state)
{
    (void)state;
    expect_write(&w, 0, 0, "data/a/b/c", "1", "OK");
    expect(&w, 0, XS_READ, "data/a/b/c", "1");
    expect(&w, 0, XS_READ, "data/a", "");
    expect(&w, 0, XS_GET_PERMS, "data/a/b", "n1");
    expect_write(&w, 0, 0, "data/a/b/c", "two", "OK");
    expect(&w, 0, XS_READ, "/local/domain/1/data/a/b/c", "two");
    expect_write(&w, 0, 0, "data/a/b/c", "", "OK");
    expect(&w, 0, XS_READ, "data/a/b/c", "");
}

static void mkdir_keeps_values(void **state)
{
    (void)state;
    expect(&w, 0, XS_MKDIR, "data/x/y", "OK");
    expect(&w, 0, XS_READ, "data/x/y", "");
    expect_write(&w, 0, 0, "data/x/y", "v", "OK");
    expect(&w, 0, XS_MKDIR, "data/x/y", "OK");
    expect(&w, 0, XS_READ, "data/x/y", "v");
    expect_error(&w, 0, XS_MKDIR, "name/x", "EACCES");
}

static void rm_removes_all_below(void **state)
{
    (void)state;
    expect_write(&w, 0, 0, "data/t/u/v", "1", "OK");
    expect_write(&w, 0, 0, "data/t/w", "2", "OK");
    expect_write(&w, 0, 0, "data/z", "3", "OK");
    expect(&w, 0, XS_RM, "data/t", "OK");
    expect_error(&w, 0, XS_READ, "data/t/u/v", "ENOENT");
    expect(&w, 0, XS_READ, "data/z", "3");
    expect(&w, 0, XS_RM, "data/t", "OK");
    expect_error(&w, 0, XS_RM, "data/t/u/v", "ENOENT");
    expect_error(&w, 0, XS_RM, "name", "EACCES");
    expect_error(&w, 0, XS_RM, "/", "EACCES");
    expect_error(&w, 3, XS_RM, "/", "EINVAL");
}

static void perms_are_set_and_obeyed(void **state)
{
    (void)state;
    expect_write(&w, 0, 0, "data/p", "mine", "OK");
    expect_error(&w, 1, XS_READ, "/local/domain/1/data/p", "EACCES");
    assert_string_equal(
        ask(&w, 0, XS_SET_PERMS, 0, "data/p\0n1\0r2\0b3", 16)->body, "OK");
    expect_bytes(ask(&w, 0, XS_GET_PERMS, 0, "data/p", 7), XS_GET_PERMS,
                 "n1\0r2\0b3", 9);
    expect(&w, 1, XS_READ, "/local/domain/1/data/p", "mine");
    expect_write(&w, 1, 0, "/local/domain/1/data/p", "x", "EACCES");
    expect_write(&w, 2, 0, "/local/domain/1/data/p", "theirs", "OK");
    expect(&w, 0, XS_READ, "data/p", "theirs");
    /* What 3 makes there it owns, and 1 may not read. */
    expect_write(&w, 2, 0, "/local/domain/1/data/p/q", "q", "OK");
    assert_string_equal(
        ask(&w, 2, XS_GET_PERMS, 0, "/local/domain/1/data/p/q", 25)->body,
        "n3");
    expect_error(&w, 0, XS_READ, "data/p/q", "EACCES");
    expect_error(&w, 0, XS_READ, "data/p/q/r", "EACCES");
    /* The default for others. */
    assert_string_equal(ask(&w, 0, XS_SET_PERMS, 0, "data/p\0r1", 10)->body,
                        "OK");
    expect(&w, 1, XS_READ, "/local/domain/1/data/p", "theirs");
}

static void perms_have_limits(void **state)
{
    (void)state;
    expect_write(&w, 0, 0, "data/p", "", "OK");
    assert_string_equal(ask(&w, 0, XS_SET_PERMS, 0, "data/p", 7)->body,
                        "EINVAL");
    assert_string_equal(ask(&w, 0, XS_SET_PERMS, 0, "data/p\0x1", 10)->body,
                        "EINVAL");
    assert_string_equal(ask(&w, 0, XS_SET_PERMS, 0, "data/p\0n", 9)->body,
                        "EINVAL");
    assert_string_equal(
        ask(&w, 0, XS_SET_PERMS, 0, "data/p\0n1\0r70000", 17)->body, "EINVAL");
    assert_string_equal(ask(&w, 0, XS_SET_PERMS, 0, "data/p\0n2", 10)->body,
                        "EPERM");
    assert_string_equal(ask(&w, 0, XS_SET_PERMS, 0, "data/p\0n9", 10)->body,
                        "ENOENT");
    assert_string_equal(ask(&w, 0, XS_SET_PERMS, 0, "name\0n1", 8)->body,
                        "EACCES");
    assert_string_equal(
        ask(&w, 0, XS_SET_PERMS, 0, "data/p\0n1\0r2\0r3\0r4\0r5\0r6", 25)->body,
        "ENOSPC");
    assert_string_equal(
        ask(&w, 3, XS_SET_PERMS, 0, "/local/domain/1/data/p\0n2", 26)->body,
        "OK");
    expect_error(&w, 0, XS_READ, "data/p", "EACCES");
}

static void others_stay_out(void **state)
{
    (void)state;
    expect_error(&w, 0, XS_READ, "/local/domain/2/name", "EACCES");
    expect_error(&w, 0, XS_READ, "/local/domain/2/none", "EACCES");
    expect_error(&w, 0, XS_DIRECTORY, "/", "EACCES");
    expect_error(&w, 0, XS_READ, "/none", "EACCES");
    expect_write(&w, 0, 0, "/local/domain/2/data/x", "1", "EACCES");
    expect_write(&w, 0, 0, "/x", "1", "EACCES");
    expect_error(&w, 0, XS_RM, "/local/domain/2", "EACCES");
    expect_bytes(ask(&w, 3, XS_DIRECTORY, 0, "/", 2), XS_DIRECTORY,
                 "tool\0local\0vm", 14);
    expect(&w, 3, XS_READ, "/local/domain/2/name", "guest");
}

/* ------------------------------------------------------------------ domains */

static void domains_are_known(void **state)
{
    (void)state;
    expect(&w, 0, XS_GET_DOMAIN_PATH, "7", "/local/domain/7");
    expect(&w, 0, XS_GET_DOMAIN_PATH, "7x", "/local/domain/7");
    expect(&w, 0, XS_GET_DOMAIN_PATH, "x", "/local/domain/0");
    expect(&w, 0, XS_GET_DOMAIN_PATH, "70000", "/local/domain/70000");
    expect_error(&w, 0, XS_IS_DOMAIN_INTRODUCED, "1", "EACCES");
    expect(&w, 3, XS_IS_DOMAIN_INTRODUCED, "0", "T");
    expect(&w, 3, XS_IS_DOMAIN_INTRODUCED, "2", "T");
    expect(&w, 3, XS_IS_DOMAIN_INTRODUCED, "9", "F");
    expect(&w, 3, XS_IS_DOMAIN_INTRODUCED, "65538", "F");
    xenstore_release(w.xs, 2);
    expect(&w, 3, XS_IS_DOMAIN_INTRODUCED, "2", "F");
}

static void toolstack_requests_are_refused(void **state)
{
    static const uint32_t privileged[] = {XS_CONTROL, XS_INTRODUCE, XS_RELEASE,
                                          XS_RESUME, XS_SET_TARGET};
    static const uint32_t unknown[] = {XS_WATCH_EVENT, XS_ERROR, 20,
                                       XS_TYPE_COUNT,  0xffff,   0xffffffff};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        expect_error(&w, 0, privileged[i], "1", "EACCES");
        expect_error(&w, 3, privileged[i], "1", "EINVAL");
    }
    for (size_t i = 0; i < 6; i++) {
        expect_error(&w, 0, unknown[i], "1", "ENOSYS");
    }
}

static void released_domains_leave_nothing(void **state)
{
    (void)state;
    expect_write(&w, 0, 0, "data/p", "", "OK");
    assert_string_equal(ask(&w, 0, XS_SET_PERMS, 0, "data/p\0n1\0b2", 13)->body,
                        "OK");
    expect_write(&w, 1, 0, "/local/domain/1/data/p/q", "2's", "OK");
    assert_string_equal(
        ask(&w, 1, XS_WATCH, 0, "/local/domain/1/data\0t", 23)->body, "OK");
    xenstore_release(w.xs, 2);
    xenstore_domain_remove(w.xs, 2);
    assert_ptr_equal(xenstore_check(w.xs), NULL);
    expect(&w, 0, XS_GET_PERMS, "data/p", "n1");
    expect_error(&w, 0, XS_READ, "data/p/q", "EACCES");
    assert_string_equal(
        ask(&w, 3, XS_GET_PERMS, 0, "/local/domain/1/data/p/q", 25)->body,
        "n0");
    guest_connect(&w, 1, false);
    expect_error(&w, 1, XS_READ, "/local/domain/1/data/p", "EACCES");
    assert_int_equal(xenstore_introduce(w.xs, 2, false, NULL), -XEN_EEXIST);
    assert_int_equal(xenstore_introduce(w.xs, 99, false, NULL), -XEN_ENOSPC);
}

/* ------------------------------------------------------------------ watches */

static void watches_fire(void **state)
{
    (void)state;
    watch(&w, 0, "data", "tok", "OK");
    expect_event(&w, 0, "data", "tok"); /* the initial one */
    watch(&w, 0, "data", "tok", "EEXIST");
    watch(&w, 0, "/local/domain/1/data", "abs", "OK");
    expect_event(&w, 0, "/local/domain/1/data", "abs");

    xenstore_write(w.xs, "/local/domain/1/data/a/b", "1", NULL);
    expect_event(&w, 0, "data/a/b", "tok");
    expect_event(&w, 0, "/local/domain/1/data/a/b", "abs");
    xenstore_write(w.xs, "/local/domain/1/database", "1", NULL);
    xenstore_write(w.xs, "/local/domain/1", "1", NULL);
    expect_event(&w, 0, NULL, NULL);
    unwatch(&w, 0, "data", "other", "ENOENT");
    unwatch(&w, 0, "data", "tok", "OK");
    unwatch(&w, 0, "data", "tok", "ENOENT");
    xenstore_remove(w.xs, "/local/domain/1/data/a");
    expect_event(&w, 0, "/local/domain/1/data/a", "abs");
    expect_event(&w, 0, NULL, NULL);
}

static void watches_below_a_removal_fire_first(void **state)
{
    (void)state;
    expect_write(&w, 0, 0, "data/a/b", "1", "OK");
    watch(&w, 0, "data", "top", "OK");
    expect_event(&w, 0, "data", "top");
    watch(&w, 0, "data/a/b", "deep", "OK");
    expect_event(&w, 0, "data/a/b", "deep");
    watch(&w, 0, "data/a/none", "none", "OK");
    expect_event(&w, 0, "data/a/none", "none");
    xenstore_remove(w.xs, "/local/domain/1/data/a");
    expect_event(&w, 0, "data/a/b", "deep");
    expect_event(&w, 0, "data/a", "top");
    expect_event(&w, 0, NULL, NULL);
}

/* As from Xen's xenstored: first the event, then the acknowledgement. */
static void own_changes_are_heard_before_they_are_acknowledged(void **state)
{
    struct reply r;

    (void)state;
    watch(&w, 0, "data", "t", "OK");
    expect_event(&w, 0, "data", "t");
    guest_send(&w, 0, XS_WRITE, 0,
               "data/x\0"
               "1",
               8);
    expect_event(&w, 0, "data/x", "t");
    assert_true(guest_receive(&w, 0, &r));
    assert_int_equal(r.head.type, XS_WRITE);
    assert_string_equal(r.body, "OK");
    guest_send(&w, 0, XS_RM, 0, "data/x", 7);
    expect_event(&w, 0, "data/x", "t");
    assert_true(guest_receive(&w, 0, &r));
    assert_int_equal(r.head.type, XS_RM);
    expect(&w, 0, XS_MKDIR, "data", "OK");
    expect_event(&w, 0, NULL, NULL);
}

static void equal_events_are_one(void **state)
{
    (void)state;
    watch(&w, 0, "data", "t", "OK");
    expect_event(&w, 0, "data", "t");
    for (unsigned i = 0; i < 1000; i++) {
        xenstore_write(w.xs, "/local/domain/1/data/x", "1", NULL);
    }
    expect_event(&w, 0, "data/x", "t");
    expect_event(&w, 0, NULL, NULL);
    assert_int_equal(w.guest[0].complaints, 0);
}

static void watches_respect_permissions(void **state)
{
    (void)state;
    watch(&w, 0, "/local/domain/2", "spy", "OK");
    expect_event(&w, 0, "/local/domain/2", "spy");
    watch(&w, 0, "/", "all", "OK");
    expect_event(&w, 0, "/", "all");
    expect_write(&w, 1, 0, "data/secret", "1", "OK");
    xenstore_write(w.xs, "/local/domain/2/name", "other", NULL);
    expect_event(&w, 0, NULL, NULL);
    assert_string_equal(
        ask(&w, 1, XS_SET_PERMS, 0, "data/secret\0n2\0r1", 18)->body, "OK");
    expect_event(&w, 0, "/local/domain/2/data/secret", "spy");
    expect_event(&w, 0, "/local/domain/2/data/secret", "all");
}

static void special_watches_are_for_the_privileged(void **state)
{
    (void)state;
    watch(&w, 0, "@releaseDomain", "r", "OK");
    expect_event(&w, 0, "@releaseDomain", "r");
    watch(&w, 3, "@releaseDomain", "r", "OK");
    expect_event(&w, 3, "@releaseDomain", "r");
    watch(&w, 3, "@introduceDomain", "i", "OK");
    expect_event(&w, 3, "@introduceDomain", "i");
    xenstore_release(w.xs, 2);
    expect_event(&w, 3, "@releaseDomain", "r");
    guest_connect(&w, 1, false);
    expect_event(&w, 3, "@introduceDomain", "i");
    expect_event(&w, 0, NULL, NULL);
    unwatch(&w, 3, "@introduceDomain", "i", "OK");
}

static void reset_watches_clears(void **state)
{
    uint32_t tx;

    (void)state;
    watch(&w, 0, "data", "t", "OK");
    expect_event(&w, 0, "data", "t");
    tx = begin(&w, 0);
    expect(&w, 0, XS_RESET_WATCHES, "", "OK");
    expect_write(&w, 0, 0, "data/x", "1", "OK");
    expect_event(&w, 0, NULL, NULL);
    unwatch(&w, 0, "data", "t", "ENOENT");
    expect_end(&w, 0, tx, "T", "ENOENT");
}

/* -------------------------------------------------------- long directories */

static void long_directories_come_in_parts(void **state)
{
    char path[64], body[64], all[40000];
    size_t have = 0, expected = 0;
    bool done = false;

    (void)state;
    for (unsigned i = 0; i < 480; i++) {
        snprintf(path, sizeof(path), "data/a-rather-long-name-%u", i);
        expected += strlen(path) + 1 - 5;
        expect(&w, 0, XS_MKDIR, path, "OK");
    }
    expect_error(&w, 0, XS_DIRECTORY, "data", "E2BIG");
    while (!done) {
        size_t n =
            5 + (size_t)snprintf(body + 5, sizeof(body) - 5, "%zu", have) + 1;

        memcpy(body, "data", 5);
        const struct reply *r = ask(&w, 0, XS_DIRECTORY_PART, 0, body, n);

        assert_int_equal(r->head.type, XS_DIRECTORY_PART);
        size_t gen = strlen(r->body) + 1, part = r->head.len - gen;

        done = r->body[r->head.len - 2] == '\0';
        part -= done;
        assert_true(have + part <= sizeof(all));
        memcpy(all + have, r->body + gen, part);
        have += part;
    }
    assert_int_equal(have, expected);
    assert_memory_equal(all, "a-rather-long-name-0\0a-rather-long-name-1", 42);
    assert_string_equal(ask(&w, 0, XS_DIRECTORY_PART, 0, "data", 5)->body,
                        "EINVAL");
}

static void the_host_reads_and_removes(void **state)
{
    char value[8];

    (void)state;
    assert_int_equal(xenstore_write(w.xs, "bad", "", NULL), -XEN_EINVAL);
    assert_int_equal(xenstore_write(w.xs, "/x", "", "q1"), -XEN_EINVAL);
    assert_int_equal(xenstore_write(w.xs, "/x", "long value", NULL), 0);
    assert_int_equal(xenstore_read(w.xs, "/x", value, sizeof(value)), 10);
    assert_string_equal(value, "long va");
    assert_int_equal(xenstore_remove(w.xs, "/x"), 0);
    assert_int_equal(xenstore_remove(w.xs, "/x/y"), 0);
    assert_int_equal(xenstore_read(w.xs, "/x", value, 8), -XEN_ENOENT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(directory_lists_names),
        TEST(domain_nodes_are_xls),
        TEST(read_gives_bytes),
        TEST(bad_bodies_are_einval),
        TEST(long_paths_are_einval),
        TEST(write_creates_what_is_missing),
        TEST(mkdir_keeps_values),
        TEST(rm_removes_all_below),
        TEST(perms_are_set_and_obeyed),
        TEST(perms_have_limits),
        TEST(others_stay_out),
        TEST(domains_are_known),
        TEST(toolstack_requests_are_refused),
        TEST(released_domains_leave_nothing),
        TEST(watches_fire),
        TEST(watches_below_a_removal_fire_first),
        TEST(own_changes_are_heard_before_they_are_acknowledged),
        TEST(equal_events_are_one),
        TEST(watches_respect_permissions),
        TEST(special_watches_are_for_the_privileged),
        TEST(reset_watches_clears),
        TEST(long_directories_come_in_parts),
        TEST(the_host_reads_and_removes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
