/* SPDX-License-Identifier: MIT */
/*
 * Lines of the link: escapes there and back, commands, hostile input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/linkline.h"

static void escapes(void **state)
{
    static const char text[] = "a \\b\n\r\t\x7f\xff~";
    char out[64];
    size_t used, n;

    (void)state;
    n = linkline_escape(out, sizeof(out), text, sizeof(text), &used);
    out[n] = '\0';
    assert_string_equal(out, "a \\\\b\\n\\r\\x09\\x7f\\xff~\\x00");
    assert_int_equal(used, sizeof(text));
}

static void stops_before_an_escape_that_does_not_fit(void **state)
{
    char out[5];
    size_t used;

    (void)state;
    assert_int_equal(linkline_escape(out, 5, "ab\x01", 3, &used), 2);
    assert_int_equal(used, 2);
    assert_int_equal(linkline_escape(out, 3, "ab\n", 3, &used), 2);
    assert_int_equal(linkline_escape(out, 4, "ab\n", 3, &used), 4);
    assert_int_equal(used, 3);
    assert_int_equal(linkline_escape(out, 0, "ab\n", 3, &used), 0);
    assert_int_equal(used, 0);
}

static void every_byte_comes_back(void **state)
{
    char text[256], escaped[1024], back[1024];
    size_t used, n, m;

    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        text[i] = (char)i;
    }
    n = linkline_escape(escaped, sizeof(escaped), text, 256, &used);
    assert_int_equal(used, 256);
    assert_true(linkline_unescape(back, &m, escaped, n));
    assert_int_equal(m, 256);
    assert_memory_equal(back, text, 256);
    /* In place. */
    assert_true(linkline_unescape(escaped, &m, escaped, n));
    assert_memory_equal(escaped, text, 256);
}

static void bad_escapes_are_refused(void **state)
{
    static const char *const bad[] = {"\\",    "a\\",   "\\q", "\\x",   "\\x1",
                                      "\\xg0", "\\x0g", "\\N", "\\x\\x"};
    char out[16];
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(linkline_unescape(out, &n, bad[i], strlen(bad[i])));
    }
    assert_true(linkline_unescape(out, &n, "\\xFf", 4));
    assert_int_equal((unsigned char)out[0], 0xff);
}

static struct linkline_command parse(const char *text)
{
    static char line[SCHEDOP_LINK_LINE_MAX];
    struct linkline_command cmd;

    assert_true(snprintf(line, sizeof(line), "%s", text) < (int)sizeof(line));
    linkline_parse(line, &cmd);
    return cmd;
}

static void commands_are_decoded(void **state)
{
    struct linkline_command cmd = parse("con 12 halt\\n two");

    (void)state;
    assert_int_equal(cmd.verb, LINKLINE_CON);
    assert_int_equal(cmd.domid, 12);
    assert_int_equal(cmd.len, 9);
    assert_memory_equal(cmd.text, "halt\n two", 9);
    cmd = parse("con 0 ");
    assert_int_equal(cmd.verb, LINKLINE_CON);
    assert_int_equal(cmd.len, 0);
    cmd = parse("con 3  x");
    assert_int_equal(cmd.len, 2);
    cmd = parse("shutdown 65535 255");
    assert_int_equal(cmd.verb, LINKLINE_SHUTDOWN);
    assert_int_equal(cmd.domid, 65535);
    assert_int_equal(cmd.code, 255);
    cmd = parse("destroy 7");
    assert_int_equal(cmd.verb, LINKLINE_DESTROY);
    assert_int_equal(cmd.domid, 7);
    cmd = parse("dumped 9");
    assert_int_equal(cmd.verb, LINKLINE_DUMPED);
    assert_int_equal(cmd.domid, 9);
    assert_int_equal(parse("stop").verb, LINKLINE_STOP);
}

static void bad_commands_are_refused(void **state)
{
    static const char *const bad[] = {
        "con",
        "con x y",
        "con -1 y",
        "con 65536 y",
        "con 1 \\",
        "shutdown 1",
        "shutdown 1 256",
        "shutdown 1 2 3",
        "shutdown 1 ",
        "destroy",
        "destroy 1 2",
        "dumped",
        "dumped x",
        "destroy 1x",
        "stop now",
        "con 99999999999999999999 x",
    };
    static const char *const unknown[] = {
        "", " ", "cone 1 x", "Stop", "stopp", " stop", "boot pcpus=1"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse(bad[i]).verb, LINKLINE_BAD);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_int_equal(parse(unknown[i]).verb, LINKLINE_UNKNOWN);
    }
}

static void lines_are_put_together(void **state)
{
    static struct linkline_reader r;
    static const char input[] = "one\n\ntwo\n";
    unsigned lines = 0;

    (void)state;
    for (size_t i = 0; input[i] != '\0'; i++) {
        if (linkline_feed(&r, input[i])) {
            static const char *const want[] = {"one", "", "two"};

            assert_string_equal(r.line, want[lines]);
            lines++;
        }
    }
    assert_int_equal(lines, 3);
    /* Too long: dropped whole; the next one is fine. */
    for (unsigned i = 0; i < 5000; i++) {
        assert_false(linkline_feed(&r, 'x'));
    }
    assert_false(linkline_feed(&r, '\n'));
    assert_false(linkline_feed(&r, 'k'));
    assert_true(linkline_feed(&r, '\n'));
    assert_string_equal(r.line, "k");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes),
        cmocka_unit_test(stops_before_an_escape_that_does_not_fit),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(bad_escapes_are_refused),
        cmocka_unit_test(commands_are_decoded),
        cmocka_unit_test(bad_commands_are_refused),
        cmocka_unit_test(lines_are_put_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
