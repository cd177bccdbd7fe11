/* SPDX-License-Identifier: MIT */
/*
 * Trace files (src/trace): what was written is read again, damage is noticed
 * whatever it hits, and each format says what the records said.
 *
 * With --story FILE it writes its records there, for tests/cli/trace.test.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include <xen/xen.h>

#include <xen/domctl.h>
#include <xen/vcpu.h>

#include "trace/event.h"
#include "trace/trace.h"

#define US 1000u

static const struct sop_trace_rec begin = {
    .event = SOP_TRACE_EV_BEGIN,
    .pcpu = 0,
    .domid = SOP_TRACE_NONE,
    .vcpu = SOP_TRACE_NONE,
    .arg = {SOP_TRACE_ALL, 2},
};

static struct sop_trace_rec rec(uint64_t us, unsigned event, unsigned pcpu,
                                unsigned domid, unsigned vcpu)
{
    return (struct sop_trace_rec){
        .time_ns = us * US,
        .event = (uint16_t)event,
        .pcpu = (uint16_t)pcpu,
        .domid = (uint16_t)domid,
        .vcpu = (uint16_t)vcpu,
    };
}

static void put(struct trace_writer *w, struct sop_trace_rec r, uint64_t a0,
                uint64_t a1)
{
    r.arg[0] = a0;
    r.arg[1] = a1;
    trace_writer_record(w, &r);
}

/*
 * d1v0 runs on pCPU 0 and wakes d2v0, which runs on pCPU 1 from 30 to 80 us;
 * d1v0 blocks at 60 us and is shut down.
 */
static void story(struct trace_writer *w)
{
    trace_writer_record(w, &begin);
    put(w, rec(0, SOP_TRACE_EV_POOL_CREATE, 0, SOP_TRACE_NONE, SOP_TRACE_NONE),
        0, XEN_SCHEDULER_CREDIT2);
    trace_writer_name(w, 1, "web");
    trace_writer_name(w, 2, "a-database-with-a-long-name");
    put(w, rec(10, SOP_TRACE_EV_RUNSTATE, 0, 1, 0), RUNSTATE_runnable,
        RUNSTATE_running);
    put(w, rec(10, SOP_TRACE_EV_SWITCH, 0, 1, 0),
        SOP_TRACE_VCPU(SOP_TRACE_IDLE, 0), 10010 * US);
    put(w, rec(20, SOP_TRACE_EV_WAKE, 0, 2, 0), SOP_TRACE_VCPU(1, 0),
        SOP_TRACE_BY_VCPU);
    put(w, rec(20, SOP_TRACE_EV_RUNSTATE, 0, 2, 0), RUNSTATE_blocked,
        RUNSTATE_runnable);
    put(w, rec(20, SOP_TRACE_EV_KICK, 0, SOP_TRACE_NONE, SOP_TRACE_NONE), 1, 0);
    put(w, rec(30, SOP_TRACE_EV_RUNSTATE, 1, 2, 0), RUNSTATE_runnable,
        RUNSTATE_running);
    put(w, rec(30, SOP_TRACE_EV_SWITCH, 1, 2, 0),
        SOP_TRACE_VCPU(SOP_TRACE_IDLE, 1), UINT64_MAX);
    put(w, rec(40, SOP_TRACE_EV_ACCOUNT, 1, 2, 0), (uint64_t)-250, 99 * US);
    put(w, rec(60, SOP_TRACE_EV_POLL, 0, 1, 0), 3, UINT64_MAX);
    put(w, rec(60, SOP_TRACE_EV_RUNSTATE, 0, 1, 0), RUNSTATE_running,
        RUNSTATE_blocked);
    put(w, rec(60, SOP_TRACE_EV_SWITCH, 0, SOP_TRACE_IDLE, 0),
        SOP_TRACE_VCPU(1, 0), UINT64_MAX);
    put(w, rec(70, SOP_TRACE_EV_DOMAIN_SHUTDOWN, 0, 1, SOP_TRACE_NONE), 3, 0);
    put(w, rec(75, SOP_TRACE_EV_LOST, 0, SOP_TRACE_NONE, SOP_TRACE_NONE), 12,
        0);
    put(w, rec(80, 999, 1, 2, 0), 7, 8);
    put(w, rec(80, SOP_TRACE_EV_RUNSTATE, 1, 2, 0), RUNSTATE_running,
        RUNSTATE_blocked);
}

/* The story in a format; the caller frees. */
static char *written(enum trace_format format, size_t *len)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    struct trace_writer *w = trace_writer_open(format, f, "a story");

    assert_non_null(w);
    story(w);
    assert_int_equal(trace_writer_close(w, 100 * US), 0);
    assert_int_equal(fclose(f), 0);
    if (len != NULL) {
        *len = n;
    }
    return text;
}

/* ---- the native format ---- */

/* Reads all; -1 and its words when it is damaged. */
static int read_all(const void *data, size_t len, unsigned *count, char *why,
                    size_t size)
{
    char *copy = malloc(len + 1);
    struct trace_reader *r;
    struct sop_trace_rec got;
    const char *fault;
    FILE *f;
    int rc;

    memcpy(copy, data, len);
    f = fmemopen(copy, len, "rb");
    assert_non_null(f);
    *count = 0;
    r = trace_reader_open(f, &fault);
    if (r == NULL) {
        (void)snprintf(why, size, "%s", fault);
        rc = -1;
    } else {
        while ((rc = trace_reader_next(r, &got)) == 1) {
            ++*count;
        }
        (void)snprintf(why, size, "%s", trace_reader_error(r));
        trace_reader_close(r);
    }
    (void)fclose(f);
    free(copy);
    return rc;
}

static void test_native(void **state)
{
    char why[200];
    unsigned count;
    size_t len;
    char *data = written(TRACE_NATIVE, &len);

    (void)state;
    assert_int_equal(read_all(data, len, &count, why, sizeof(why)), 0);
    assert_string_equal(why, "");
    /* The story has 17 records; the names take 1 and 2. */
    assert_int_equal(count, 20);
    assert_int_equal(len, 128 + 32 * (20 + 1));
    free(data);
}

static void test_cut(void **state)
{
    char why[200];
    unsigned count;
    size_t len, at;
    char *data = written(TRACE_NATIVE, &len);

    (void)state;
    for (at = 1; at < len; at++) {
        assert_int_equal(read_all(data, at, &count, why, sizeof(why)), -1);
        assert_true(strstr(why, "cut off") != NULL ||
                    (at < 128 && strstr(why, "too short") != NULL));
    }
    free(data);
}

/* Any bit but those of the header's spare bytes and its title. */
static void test_damage(void **state)
{
    char why[200];
    unsigned count, bit;
    size_t len, at;
    char *data = written(TRACE_NATIVE, &len);

    (void)state;
    for (at = 0; at < len; at++) {
        if (at >= 14 && at < 128) {
            continue;
        }
        /* The end record's own time and subject are not covered. */
        if (at >= len - 32 && at < len - 16 && at != len - 24 &&
            at != len - 23) {
            continue;
        }
        for (bit = 0; bit < 8; bit++) {
            data[at] = (char)(data[at] ^ 1 << bit);
            assert_int_equal(read_all(data, len, &count, why, sizeof(why)), -1);
            assert_true(why[0] != '\0');
            data[at] = (char)(data[at] ^ 1 << bit);
        }
    }
    free(data);
}

/* ---- text ---- */

static void test_text(void **state)
{
    static const char golden[] =
        "# a story\n"
        "    0.000000000 p0  begin           - classes=0x7f pcpus=2\n"
        "    0.000000000 p0  pool_create     - pool=0 policy=credit2\n"
        "# d1 is web\n"
        "# d2 is a-database-with-a-long-name\n"
        "    0.000010000 p0  runstate        d1v0 from=runnable to=running\n"
        "    0.000010000 p0  switch          d1v0 previous=idle0 "
        "until=0.010010000\n"
        "    0.000020000 p0  wake            d2v0 waker=d1v0 source=vcpu\n"
        "    0.000020000 p0  runstate        d2v0 from=blocked to=runnable\n"
        "    0.000020000 p0  kick            - pcpu=1\n"
        "    0.000030000 p1  runstate        d2v0 from=runnable to=running\n"
        "    0.000030000 p1  switch          d2v0 previous=idle1 until=never\n"
        "    0.000040000 p1  account         d2v0 left=-250ns "
        "deadline=0.000099000\n"
        "    0.000060000 p0  poll            d1v0 ports=3 timeout=never\n"
        "    0.000060000 p0  runstate        d1v0 from=running to=blocked\n"
        "    0.000060000 p0  switch          idle0 previous=d1v0 until=never\n"
        "    0.000070000 p0  domain_shutdown d1 reason=crash\n"
        "    0.000075000 p0  lost            - count=12\n"
        "    0.000080000 p1  event-999       d2v0 0x7 0x8\n"
        "    0.000080000 p1  runstate        d2v0 from=running to=blocked\n";
    char *text = written(TRACE_TEXT, NULL);

    (void)state;
    assert_string_equal(text, golden);
    free(text);
}

/* ---- Perfetto ---- */

static const char *string(const json_t *event, const char *key)
{
    const char *s = json_string_value(json_object_get(event, key));

    return s != NULL ? s : "";
}

/* How many events are of this phase, thread and name. */
static unsigned count_json(const json_t *events, const char *phase, int pid,
                           int tid, const char *name, double ts, double dur)
{
    unsigned n = 0;
    size_t i;
    json_t *e;

    json_array_foreach(events, i, e)
    {
        n += strcmp(string(e, "ph"), phase) == 0 &&
             json_integer_value(json_object_get(e, "pid")) == pid &&
             json_integer_value(json_object_get(e, "tid")) == tid &&
             strcmp(string(e, "name"), name) == 0 &&
             (ts < 0 || json_number_value(json_object_get(e, "ts")) == ts) &&
             (dur < 0 || json_number_value(json_object_get(e, "dur")) == dur);
    }
    return n;
}

static void test_perfetto(void **state)
{
    char *text = written(TRACE_PERFETTO, NULL);
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error), *events;

    (void)state;
    if (root == NULL) {
        fail_msg("line %d: %s", error.line, error.text);
    }
    events = json_object_get(root, "traceEvents");
    assert_true(json_is_array(events));
    /* Tracks: both pCPUs, both vCPUs; what ran where; the flow. */
    assert_int_equal(count_json(events, "M", 1, 0, "thread_name", -1, -1), 1);
    assert_int_equal(count_json(events, "M", 1, 1, "thread_name", -1, -1), 1);
    assert_int_equal(count_json(events, "M", 1001, 0, "thread_name", -1, -1),
                     1);
    assert_int_equal(count_json(events, "X", 1, 0, "web v0", 10, 50), 1);
    assert_int_equal(
        count_json(events, "X", 1, 1, "a-database-with-a-long-name v0", 30, 50),
        1);
    assert_int_equal(count_json(events, "X", 1001, 0, "running on 0", 10, 50),
                     1);
    assert_int_equal(count_json(events, "X", 1002, 0, "runnable", 20, 10), 1);
    assert_int_equal(count_json(events, "X", 1001, 0, "blocked", 60, 40), 1);
    assert_int_equal(count_json(events, "s", 1001, 0, "wake", 20, -1), 1);
    assert_int_equal(count_json(events, "f", 1002, 0, "wake", 30, -1), 1);
    assert_int_equal(count_json(events, "i", 1001, 0, "poll", 60, -1), 1);
    assert_int_equal(count_json(events, "C", 1002, 0, "vCPU 0 left", 40, -1),
                     1);
    json_decref(root);
    free(text);
}

/* ---- names, filters, hostile records ---- */

static void test_formats(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < TRACE_FORMATS; i++) {
        assert_int_equal(
            trace_format_by_name(trace_format_name((enum trace_format)i)), i);
    }
    assert_int_equal(trace_format_by_path("x/y.json"), TRACE_PERFETTO);
    assert_int_equal(trace_format_by_path("x.d/y"), -1);
    assert_int_equal(trace_format_by_name("sop"), -1);
}

static void test_filter(void **state)
{
    struct sop_trace_rec r = rec(50, SOP_TRACE_EV_WAKE, 3, 4, 1);
    struct trace_filter f;

    (void)state;
    trace_filter_init(&f);
    assert_true(trace_filter_pass(&f, &r));
    f.from_ns = 50 * US;
    f.to_ns = 50 * US;
    assert_false(trace_filter_pass(&f, &r));
    f.to_ns++;
    assert_true(trace_filter_pass(&f, &r));
    assert_false(trace_filter_event(&f, "wakes"));
    assert_true(trace_filter_event(&f, "kick"));
    assert_false(trace_filter_pass(&f, &r));
    assert_true(trace_filter_event(&f, "wakeup"));
    assert_true(trace_filter_pass(&f, &r));
    trace_filter_pcpu(&f, 2);
    assert_false(trace_filter_pass(&f, &r));
    trace_filter_pcpu(&f, 3);
    assert_true(trace_filter_vcpu(&f, 4, 0));
    assert_false(trace_filter_pass(&f, &r));
    assert_true(trace_filter_vcpu(&f, 4, SOP_TRACE_NONE));
    assert_true(trace_filter_pass(&f, &r));
    r.event = SOP_TRACE_EV_LOST;
    r.pcpu = 9;
    assert_true(trace_filter_pass(&f, &r));
}

static bool is_binary(unsigned format)
{
    return format == TRACE_NATIVE || format == TRACE_XENTRACE;
}

/* Whatever the numbers in records are, no format falls over. */
static void test_hostile(void **state)
{
    uint64_t x = 88172645463325252u;
    unsigned i, format;

    (void)state;
    for (format = 0; format < TRACE_FORMATS; format++) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);
        struct trace_writer *w =
            trace_writer_open((enum trace_format)format, f, NULL);

        trace_writer_name(w, 1, "\"<>&\n\x1b[2J\xff");
        for (i = 0; i < 5000; i++) {
            const struct event_info *e;
            struct sop_trace_rec r;

            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            e = event_nth(x % 48);
            r = rec(x >> 60 == 0 ? x : i, (unsigned)x % 70000,
                    (unsigned)(x >> 20) & (i % 2 == 0 ? 3 : 0xffff),
                    (unsigned)(x >> 30) & (i % 3 == 0 ? 3 : 0xffff),
                    (unsigned)(x >> 25) & 7);
            r.event = e != NULL ? e->number : r.event;
            put(w, r, x >> (x % 64), x & 3);
        }
        assert_int_equal(trace_writer_close(w, 0), 0);
        assert_int_equal(fclose(f), 0);
        assert_null(memchr(text, '\x1b', is_binary(format) ? 0 : n));
        free(text);
    }
}

/* For tests of the command: the story as a file. */
static int write_story(const char *path)
{
    FILE *f = fopen(path, "wb");
    struct trace_writer *w =
        f != NULL ? trace_writer_open(TRACE_NATIVE, f, "a story") : NULL;

    if (w == NULL) {
        return 1;
    }
    story(w);
    return trace_writer_close(w, 100 * US) != 0 || fclose(f) != 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_native),   cmocka_unit_test(test_cut),
        cmocka_unit_test(test_damage),   cmocka_unit_test(test_text),
        cmocka_unit_test(test_perfetto), cmocka_unit_test(test_formats),
        cmocka_unit_test(test_filter),   cmocka_unit_test(test_hostile),
    };

    if (argc == 3 && strcmp(argv[1], "--story") == 0) {
        return write_story(argv[2]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
