/* SPDX-License-Identifier: MIT */
/* The small parsers of the command line: numbers, lists, keys, the link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/cpulist.h"
#include "cli/domain.h"
#include "cli/keys.h"
#include "cli/link.h"
#include "cli/options.h"
#include "lib/linkline.h"

static void test_number(void **state)
{
    uint64_t n = 7;

    (void)state;
    assert_true(cli_number("0", 10, &n) && n == 0);
    assert_true(cli_number("0010", 10, &n) && n == 10); /* never octal */
    assert_true(cli_number("0xfF", 255, &n) && n == 255);
    assert_true(cli_number("18446744073709551615", UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
    n = 7;
    assert_false(cli_number("18446744073709551616", UINT64_MAX, &n));
    assert_false(cli_number("99999999999999999999999", UINT64_MAX, &n));
    assert_false(cli_number("11", 10, &n));
    assert_false(cli_number("", 10, &n));
    assert_false(cli_number("0x", 10, &n));
    assert_false(cli_number("-1", 10, &n));
    assert_false(cli_number("+1", 10, &n));
    assert_false(cli_number(" 1", 10, &n));
    assert_false(cli_number("1 ", 10, &n));
    assert_false(cli_number("1a", 10, &n));
    assert_int_equal(n, 7);
}

static void assert_cpus(const char *list, uint64_t want)
{
    uint64_t mask;

    assert_null(cli_cpulist(list, &mask));
    assert_true(mask == want);
}

static void test_cpulist(void **state)
{
    static const char *const bad[] = {
        "",       ",",          "x",
        "1-",     "-1",         "3-1",
        "64",     "0-64",       "1 2",
        "^",      "^0",         "0,^0",
        "1;2",    "al",         "1-x",
        "node:0", "nodes:0-1",  "all1",
        "1--2",   "4294967297", "99999999999999999999",
        NULL};
    uint64_t mask;

    (void)state;
    assert_cpus("0", 1);
    assert_cpus("0-3,^1", 0xd);
    assert_cpus(" 1 , 3 - 4 ", 0x1a);
    assert_cpus("all", UINT64_MAX);
    assert_cpus("all,^0-62", UINT64_MAX - (UINT64_MAX >> 1));
    assert_cpus("63", (uint64_t)1 << 63);
    assert_cpus("0-63", UINT64_MAX);
    assert_cpus("^0,0,1", 3); /* from left to right */
    for (size_t i = 0; bad[i] != NULL; i++) {
        assert_non_null(cli_cpulist(bad[i], &mask));
    }
}

static void test_keys(void **state)
{
    static const char text[] = "# name = no\n"
                               "name = \"a # b; c = d\" # x = 1\n"
                               "\n"
                               "cpus = [ \"0\", # kernel = 1\n"
                               "  'a]b',\n"
                               "]; memory=5 ; vif = []\n"
                               "disk = [ ]\r\n"
                               "extra = ''\n"
                               "extra += 'x'\n"
                               "a1_b=2\n"
                               "s = \"a\\\"; b = '\\\\\"; t = 'x\\'y = 1'";
    static const struct {
        const char *name;
        unsigned line;
        bool empty;
    } want[] = {{"name", 2, false},  {"cpus", 4, false},  {"memory", 6, false},
                {"vif", 6, true},    {"disk", 7, false},  {"extra", 8, true},
                {"extra", 9, false}, {"a1_b", 10, false}, {"s", 11, false},
                {"t", 11, false}};
    struct cli_keys keys = {0};

    (void)state;
    cli_keys_scan(&keys, text, sizeof(text) - 1);
    assert_int_equal(keys.count, sizeof(want) / sizeof(want[0]));
    for (size_t i = 0; i < keys.count; i++) {
        assert_string_equal(keys.key[i].name, want[i].name);
        assert_int_equal(keys.key[i].line, want[i].line);
        assert_int_equal(keys.key[i].empty, want[i].empty);
    }
    assert_int_equal(cli_keys_line(&keys, "extra"), 9);
    assert_int_equal(cli_keys_line(&keys, "none"), 0);
    cli_keys_free(&keys);
}

/* Anything at all must not make it read outside, or hang. */
static void test_keys_garbage(void **state)
{
    static const char *const text[] = {
        "",      "=",        "a",   "a=",        "a=[",  "a=\"", "a='x",
        "a='\\", "a=\"\\\\", "]]]", "a=]]\nb=1", "\"",   "_",    "#",
        "a=[#",  "+",        "a+",  "\n\n",      "a=[\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
        size_t len = strlen(text[i]);
        char *exact = malloc(len + 1);
        struct cli_keys keys = {0};

        assert_non_null(exact);
        memcpy(exact, text[i], len);
        cli_keys_scan(&keys, exact, len);
        cli_keys_free(&keys);
        free(exact);
    }
}

/* ---- the link ---- */

static struct link_message parse(const char *line)
{
    static char buffer[SCHEDOP_LINK_LINE_MAX + 1];
    struct link_message m;

    snprintf(buffer, sizeof(buffer), "%s", line);
    link_parse(buffer, strlen(buffer), &m);
    return m;
}

static void test_link_good(void **state)
{
    struct link_message m = parse("schedop-link 1 0.1.0");

    (void)state;
    assert_int_equal(m.verb, LINK_HELLO);
    assert_int_equal(m.number, 1);
    assert_string_equal(m.text, "0.1.0");
    m = parse("boot pcpus=2 new=thing memory_kib=5 hypervisor_kib=6 boot_ns=7");
    assert_int_equal(m.verb, LINK_BOOT);
    assert_int_equal(m.boot.pcpus + m.boot.memory_kib + m.boot.boot_ns, 14);
    m = parse("create 7 a.B_c-9");
    assert_int_equal(m.verb, LINK_CREATE);
    assert_int_equal(m.domid, 7);
    assert_string_equal(m.name, "a.B_c-9");
    m = parse("con 65535 a b\\\\\\n\\r\\x00\\xff ");
    assert_int_equal(m.verb, LINK_CON);
    assert_int_equal(m.domid, 65535);
    assert_int_equal(m.text_len, 9);
    assert_memory_equal(m.text, "a b\\\n\r\0\xff ", 9);
    m = parse("con 1 ");
    assert_int_equal(m.verb, LINK_CON);
    assert_int_equal(m.text_len, 0);
    m = parse("end 3 x 255 rename-restart run_ns=1 cpu_ns=2 yield=3 poll=4 "
              "pin_override=5 what=6");
    assert_int_equal(m.verb, LINK_END);
    assert_int_equal(m.code, 255);
    assert_string_equal(m.action, "rename-restart");
    assert_int_equal(m.stats.run_ns, 1);
    assert_int_equal(m.stats.commands[0], 3);
    assert_int_equal(m.stats.commands[3], 4);
    assert_int_equal(m.stats.commands[7], 5);
    assert_int_equal(parse("exit 0").verb, LINK_EXIT);
    assert_int_equal(parse("panic").verb, LINK_PANIC);
    assert_int_equal(parse("fail x no memory").verb, LINK_FAIL);
    assert_int_equal(parse("log debug x").verb, LINK_LOG);
    assert_int_equal(parse("start 1 99").verb, LINK_START);
    assert_int_equal(parse("later 1 99").verb, LINK_UNKNOWN);
}

static void test_link_bad(void **state)
{
    static const char *const bad[] = {
        "",
        "schedop-link",
        "schedop-link x",
        "boot pcpus",
        "boot pcpus=x",
        "boot  pcpus=1",
        "log",
        "log loud x",
        "create",
        "create 1",
        "create 65536 a",
        "create -1 a",
        "create 1 a/b",
        "create 1 ",
        "create 1 \x1b[2J",
        "start 1",
        "start 1 x",
        "con",
        "con x y",
        "con 1\tx",
        "con 1 \\q",
        "con 1 \\x4",
        "con 1 \\",
        "end 1 a",
        "end 1 a 256 destroy",
        "end 1 a 0",
        "end 1 a 0 eat",
        "end 1 a 0 destroy run_ns=99999999999999999999",
        "end 1 a 0 destroy x",
        "exit",
        "exit x",
        "fail",
        "fail a/b c",
        "crash",
        NULL};
    char name[100];

    (void)state;
    for (size_t i = 0; bad[i] != NULL; i++) {
        assert_int_equal(parse(bad[i]).verb, LINK_BAD);
    }
    memset(name, 'n', sizeof(name));
    memcpy(name, "create 1 ", 9);
    name[9 + 64] = '\0';
    assert_int_equal(parse(name).verb, LINK_BAD);
    name[9 + 63] = '\0';
    assert_int_equal(parse(name).verb, LINK_CREATE);
}

struct lines {
    size_t count, total;
};

static void count_line(void *ctx, char *line, size_t len)
{
    struct lines *l = ctx;
    struct link_message m;

    l->count++;
    l->total += len;
    link_parse(line, len, &m);
}

static void test_link_feed(void **state)
{
    static struct link_reader r;
    static char big[5000];
    struct lines l = {0, 0};

    (void)state;
    memset(big, 'x', sizeof(big));
    link_feed(&r, "a\nbc", 4, count_line, &l);
    link_feed(&r, "d\n\n", 3, count_line, &l);
    assert_int_equal(l.count, 3);
    assert_int_equal(l.total, 4);
    link_feed(&r, big, SCHEDOP_LINK_LINE_MAX - 1, count_line, &l);
    link_feed(&r, "\n", 1, count_line, &l); /* as long as may be */
    assert_int_equal(l.count, 4);
    assert_int_equal(r.dropped, 0);
    link_feed(&r, big, SCHEDOP_LINK_LINE_MAX, count_line, &l);
    link_feed(&r, big, sizeof(big), count_line, &l);
    link_feed(&r, "\nz\n", 3, count_line, &l);
    assert_int_equal(l.count, 5);
    assert_int_equal(r.dropped, 1);
}

/* What we send for the console, the other side's parser reads back. */
static void test_link_con(void **state)
{
    struct cli_text t = {0};
    char data[256], back[1000];
    size_t at = 0;
    char *rest, *line;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (char)i;
    }
    link_add_con(&t, 9, data, sizeof(data));
    rest = t.data;
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        struct linkline_command c;

        assert_true(strlen(line) + 1 <= SCHEDOP_LINK_LINE_MAX);
        linkline_parse(line, &c);
        assert_int_equal(c.verb, LINKLINE_CON);
        assert_int_equal(c.domid, 9);
        memcpy(back + at, c.text, c.len);
        at += c.len;
    }
    assert_int_equal(at, sizeof(data));
    assert_memory_equal(back, data, sizeof(data));
    cli_text_free(&t);
}

/* ---- text ---- */

static void assert_visible(const char *in, const char *want)
{
    struct cli_text t = {0};
    size_t len = strlen(in);
    char *exact = malloc(len + 1);

    assert_non_null(exact);
    memcpy(exact, in, len);
    cli_text_add(&t, "", 0);
    cli_text_visible(&t, exact, len);
    assert_string_equal(t.data, want);
    cli_text_free(&t);
    free(exact);
}

static void test_visible(void **state)
{
    (void)state;
    assert_visible("plain\ttext", "plain\ttext");
    assert_visible("\033[2J\r\n\177", "\\x1b[2J\\x0d\\x0a\\x7f");
    assert_visible("h\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
                   "h\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
    assert_visible("\xc2\x9b", "\\xc2\\x9b");          /* C1: CSI */
    assert_visible("\xc3", "\\xc3");                   /* cut short */
    assert_visible("\xc0\xaf", "\\xc0\\xaf");          /* too long a form */
    assert_visible("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
    assert_visible("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    assert_visible("\x9b", "\\x9b");
}

static const char *word(const void *ctx, size_t i)
{
    const char *const *words = ctx;

    return words[i];
}

static void test_nearest(void **state)
{
    static const char *const words[] = {"memory", "vcpus", "cap", NULL};

    (void)state;
    assert_string_equal(cli_nearest("memori", word, words), "memory");
    assert_string_equal(cli_nearest("vcpu", word, words), "vcpus");
    assert_string_equal(cli_nearest("cpa", word, words), "cap");
    assert_null(cli_nearest("something", word, words));
    assert_null(cli_nearest("", word, words));
    assert_null(
        cli_nearest("a-word-of-more-than-thirty-one-bytes", word, words));
}

static void test_reasons(void **state)
{
    (void)state;
    assert_int_equal(cli_reason_code("poweroff"), 0);
    assert_int_equal(cli_reason_code("soft_reset"), 5);
    assert_int_equal(cli_reason_code("killed"), CLI_REASON_KILLED);
    assert_int_equal(cli_reason_code("255"), 255);
    assert_int_equal(cli_reason_code("256"), -1);
    assert_int_equal(cli_reason_code("bang"), -1);
    assert_string_equal(cli_reason_name(3), "crash");
    assert_null(cli_reason_name(6));
}

/* ---- options ---- */

static const struct cli_option options[] = {
    {"flag", 'f', CLI_FLAG, 1, NULL, "x"},
    {"value", 'v', CLI_VALUE, 2, "V", "x"},
    {"opt", 0, CLI_OPTIONAL, 3, "O", "x"},
    {NULL, 0, CLI_FLAG, 0, NULL, NULL},
};

static const struct cli_command command = {.name = "t", .options = options};

static int record(void *ctx, int id, const char *value)
{
    cli_text_printf(ctx, "%d=%s ", id, value != NULL ? value : "-");
    return 0;
}

static void assert_options(int want_rc, const char *want, const char *args)
{
    char copy[100], *argv[20], *rest = copy;
    struct cli_text t = {0};
    int argc = 0;

    snprintf(copy, sizeof(copy), "%s", args);
    while ((argv[argc] = strsep(&rest, " ")) != NULL) {
        argc++;
    }
    cli_text_add(&t, "", 0);
    assert_int_equal(cli_options_parse(&command, argc, argv, record, &t),
                     want_rc);
    assert_string_equal(t.data, want);
    cli_text_free(&t);
}

static void test_options(void **state)
{
    (void)state;
    assert_options(0, "1=- -1=x 2=y -1=z ", "-f x -v y z");
    assert_options(0, "1=- 2=y 2=-f 2= ", "-fvy --value -f --value=");
    assert_options(0, "3=12 3=- -1=x 3=y -1=- ", "--opt 12 --opt x --opt=y -");
    assert_options(0, "-1=a -2=-f -2=-- -2=b ", "a -- -f -- b");
    assert_options(0, "3=- ", "--opt");
    assert_options(CLI_USAGE, "", "--value");
    assert_options(CLI_USAGE, "", "--flag=1");
    assert_options(CLI_USAGE, "", "--flog");
    assert_options(CLI_USAGE, "1=- ", "-fx");
    assert_options(CLI_USAGE, "", "--flagx");
    assert_options(CLI_USAGE, "", "--=");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number),    cmocka_unit_test(test_cpulist),
        cmocka_unit_test(test_keys),      cmocka_unit_test(test_keys_garbage),
        cmocka_unit_test(test_link_good), cmocka_unit_test(test_link_bad),
        cmocka_unit_test(test_link_feed), cmocka_unit_test(test_link_con),
        cmocka_unit_test(test_visible),   cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_reasons),   cmocka_unit_test(test_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
