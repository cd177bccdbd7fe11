/* SPDX-License-Identifier: MIT */
/*
 * A host's side of the control channel without a machine: what comes from
 * clients is hostile here, what comes over the link now and then. Whatever is
 * sent, each whole line has one answer, of JSON, and the host goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/host_daemon.h"
#include "lib/prng.h"

static struct host h;
static struct host_options options = {.pcpus = 2, .memory_mib = 256};
static struct host_dir dir = {.name = "test", .path = NULL, .fd = -1};
static struct host_client *client;
static int peer, link_in;

/* What came of a line that is not whole yet. */
static char heard[1 << 20];
static size_t nr_heard;

static struct host_client *connect_client(int *other)
{
    struct host_client *c = cli_alloc(sizeof(*c));
    int fd[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd),
                     0);
    c->fd = fd[0];
    c->serial = h.next_serial++;
    c->next = h.clients;
    h.clients = c;
    h.nr_clients++;
    *other = fd[1];
    nr_heard = 0;
    return c;
}

static int setup(void **state)
{
    int fd[2];

    (void)state;
    dir.path = cli_strdup("/nowhere");
    h = (struct host){.options = &options, .dir = &dir, .phase = HOST_RUNNING};
    h.q.link_in = -1;
    h.q.ram.fd = -1;
    assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
    h.q.link_out = fd[0];
    link_in = fd[1];
    client = connect_client(&peer);
    cli_message_quiet(true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    h.phase = HOST_OVER;
    host_ask_abandon(&h);
    host_clients_free(&h);
    host_guests_free(&h);
    host_again_free(&h);
    cli_text_free(&h.to_link);
    cli_text_free(&h.dmesg);
    free(h.why);
    free(dir.path);
    close(h.q.link_out);
    close(link_in);
    close(peer);
    return 0;
}

/* A line of the hypervisor. */
static void hypervisor(const char *line)
{
    assert_int_equal(write(link_in, line, strlen(line)), strlen(line));
    assert_int_equal(write(link_in, "\n", 1), 1);
    host_link_read(&h);
}

static void say(const char *bytes, size_t len)
{
    assert_int_equal(write(peer, bytes, len), len);
    host_client_read(&h, client);
    host_client_write(client);
}

static void say_text(const char *text)
{
    say(text, strlen(text));
}

/* The next line that the client gets; NULL when there is none. */
static json_t *hear_on(int fd)
{
    json_t *object;

    while (read(fd, heard + nr_heard, 1) == 1) {
        if (heard[nr_heard] == '\n') {
            object = json_loadb(heard, nr_heard, JSON_ALLOW_NUL, NULL);
            assert_true(json_is_object(object));
            nr_heard = 0;
            return object;
        }
        assert_in_range(++nr_heard, 0, sizeof(heard) - 1);
    }
    return NULL;
}

static void expect_code(const char *code)
{
    json_t *answer = hear_on(peer);
    const char *got = json_string_value(
        json_object_get(json_object_get(answer, "error"), "code"));

    assert_non_null(answer);
    if (code == NULL) {
        assert_null(got);
    } else {
        assert_non_null(got);
        assert_string_equal(got, code);
    }
    json_decref(answer);
    answer = hear_on(peer);
    assert_null(answer);
}

static void refuse(const char *line, const char *code)
{
    char *whole = cli_format("%s\n", line);

    say_text(whole);
    free(whole);
    expect_code(code);
}

/* ---- requests that are none ---- */

static void lines_that_make_no_sense(void **state)
{
    (void)state;
    refuse("", "protocol");
    refuse("hello", "protocol");
    refuse("[1,2]", "protocol");
    refuse("{\"id\":1", "protocol");
    refuse("{\"id\":1}", "protocol");
    refuse("{\"do\":\"host\"}", "protocol");
    refuse("{\"id\":\"x\",\"do\":\"host\"}", "protocol");
    refuse("{\"id\":1,\"do\":7}", "protocol");
    refuse("{\"id\":1,\"id\":2,\"do\":\"host\"}", "protocol");
    refuse("{\"id\":1,\"do\":\"host\",\"args\":[]}", "protocol");
    refuse("{\"id\":1,\"do\":\"frobnicate\"}", "unknown");
    refuse("{\"id\":1,\"do\":\"host\"}", NULL);
}

static void arguments_that_make_no_sense(void **state)
{
    static const char *const args[] = {
        "\"pause\"",
        "\"pause\",\"args\":{\"domid\":-1}",
        "\"pause\",\"args\":{\"domid\":65536}",
        "\"pause\",\"args\":{\"domid\":1.5}",
        "\"pause\",\"args\":{\"domid\":\"1\"}",
        "\"rename\",\"args\":{\"domid\":1,\"name\":\"a b\"}",
        "\"rename\",\"args\":{\"domid\":1,\"name\":\"a\\nstop\"}",
        "\"rename\",\"args\":{\"domid\":1,\"name\":\"\"}",
        "\"shutdown\",\"args\":{\"domid\":1,\"code\":256}",
        "\"vcpu-pin\",\"args\":{\"domid\":1,\"vcpu\":0,\"hard\":-2}",
        "\"store-write\",\"args\":{\"domid\":1,\"path\":\"a\"}",
        "\"store-read\",\"args\":{\"domid\":1,\"path\":\"a b\"}",
        "\"trigger\",\"args\":{\"domid\":1,\"vcpu\":0}",
        "\"debug\",\"args\":{}",
        "\"sched-credit2\",\"args\":{\"domid\":1,\"weight\":-1}",
        "\"sched-credit2\",\"args\":{\"domid\":1,\"cap\":1}",
        "\"pool-add\",\"args\":{\"pool\":0}",
        "\"create\",\"args\":{\"parts\":[\"kernel\"]}",
        "\"create\",\"args\":{\"parts\":\"kernel\"}",
        "\"create\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
        char *line = cli_format("{\"id\":1,\"do\":%s}", args[i]);

        refuse(line, "invalid");
        free(line);
    }
    assert_int_equal(h.to_link.len, 0); /* nobody was asked */
    refuse("{\"id\":1,\"do\":\"console\",\"args\":{\"domid\":1}}", "no-domain");
    refuse("{\"id\":1,\"do\":\"input\",\"args\":{\"domid\":1,\"data\":\"x\"}}",
           "no-domain");
}

static void lines_in_pieces(void **state)
{
    const char *line =
        "{\"id\":5,\"do\":\"host\"}\n{\"id\":6,\"do\":\"host\"}\n";
    json_t *answer;

    (void)state;
    for (const char *c = line; *c != '\0'; c++) {
        say(c, 1);
    }
    for (int id = 5; id <= 6; id++) {
        answer = hear_on(peer);
        assert_int_equal(json_integer_value(json_object_get(answer, "id")), id);
        json_decref(answer);
    }
}

static void a_line_without_end(void **state)
{
    static char much[16384];

    (void)state;
    memset(much, 'x', sizeof(much));
    for (int i = 0; i < 5; i++) {
        say(much, sizeof(much));
    }
    expect_code("protocol");
    assert_true(client->closing);
    host_clients_reap(&h);
    assert_null(h.clients);
}

static void a_client_that_goes(void **state)
{
    (void)state;
    say_text("{\"id\":1,\"do\":\"pause\",\"args\":{\"domid\":3}}\n");
    close(peer);
    host_client_read(&h, client);
    assert_true(client->dead);
    host_clients_reap(&h);
    hypervisor("did 0 0 "); /* the answer finds nobody */
    assert_int_equal(h.asked, 0);
    client = connect_client(&peer);
}

/* ---- questions and answers ---- */

static void a_question_and_its_answer(void **state)
{
    const char *line = "{\"id\":9,\"do\":\"pause\",\"args\":{\"domid\":3}}\n";

    (void)state;
    say_text(line);
    assert_null(hear_on(peer));
    assert_string_equal(h.to_link.data, "ask 0 pause 3\n");
    hypervisor("did 7 0 "); /* nobody asked that */
    hypervisor("did 0 3 there is no such domain");
    host_client_write(client);
    expect_code("no-domain");
}

/* No more than the hypervisor takes at a time are on their way. */
static void questions_wait_their_turn(void **state)
{
    const char *line = "{\"id\":9,\"do\":\"machine\"}\n";
    json_t *answer;
    unsigned asks = 0;

    (void)state;
    for (unsigned i = 0; i < SCHEDOP_ASKS_MAX + 3; i++) {
        say_text(line);
    }
    for (const char *c = h.to_link.data; (c = strstr(c, "ask ")); c++) {
        asks++;
    }
    assert_int_equal(asks, SCHEDOP_ASKS_MAX);
    for (unsigned i = 0; i < SCHEDOP_ASKS_MAX + 3; i++) {
        char did[40];

        (void)snprintf(did, sizeof(did), "did %u 0 pcpus=%u", i, i);
        hypervisor(did);
    }
    host_client_write(client);
    for (unsigned i = 0; i < SCHEDOP_ASKS_MAX + 3; i++) {
        answer = hear_on(peer);
        assert_int_equal(json_integer_value(json_object_get(
                             json_object_get(answer, "ok"), "pcpus")),
                         i);
        json_decref(answer);
    }
    assert_int_equal(h.asked, 0);
}

static void the_host_ends_in_between(void **state)
{
    (void)state;
    say_text("{\"id\":1,\"do\":\"domains\"}\n");
    host_ask_abandon(&h);
    host_client_write(client);
    expect_code("ended");
}

/* ---- consoles ---- */

static void attach(const char *more)
{
    char *line =
        cli_format("{\"id\":4,\"do\":\"console\",\"args\":{\"domid\":1%s}}"
                   "\n",
                   more);
    json_t *answer;

    say_text(line);
    free(line);
    answer = hear_on(peer);
    assert_non_null(json_object_get(answer, "ok"));
    json_decref(answer);
}

static void expect_event(const char *event, const char *data)
{
    json_t *line = hear_on(peer);
    const char *got = json_string_value(json_object_get(line, "event"));

    assert_non_null(got);
    assert_string_equal(got, event);
    if (data != NULL) {
        assert_string_equal(json_string_value(json_object_get(line, "data")),
                            data);
    }
    json_decref(line);
}

static void a_console_over_a_restart(void **state)
{
    (void)state;
    hypervisor("create 1 g");
    hypervisor("con 1 before\\n");
    attach(",\"follow\":true");
    expect_event("console", "before\n");
    hypervisor("con 1 \\xff\\x00");
    host_client_write(client);
    expect_event("console", "\xc3\xbf"); /* then a NUL */
    hypervisor("end 1 g 1 restart run_ns=1 cpu_ns=1");
    hypervisor("gone 1 g");
    hypervisor("create 2 g");
    hypervisor("con 2 after");
    host_client_write(client);
    expect_event("console", "after");
    hypervisor("end 2 g 0 destroy run_ns=1 cpu_ns=1");
    hypervisor("gone 2 g");
    host_client_write(client);
    expect_event("console-end", NULL);
    assert_null(h.guests);
}

/* What a reader does not take is counted, and the domain is not held up. */
static void a_console_nobody_reads(void **state)
{
    json_t *line;
    json_int_t lost = 0, got = 0;
    const int lines = 2000;
    char con[600];

    (void)state;
    hypervisor("create 1 g");
    attach("");
    memset(con, 'x', sizeof(con));
    memcpy(con, "con 1 ", 6);
    con[506] = '\0';
    for (int i = 0; i < lines; i++) {
        hypervisor(con);
    }
    assert_in_range(client->out.len, HOST_CONSOLE_MAX, HOST_CONSOLE_MAX + 2000);
    for (int i = 0; i < 2000 && client->out.len > 0; i++) {
        host_client_write(client);
        while ((line = hear_on(peer)) != NULL) {
            got +=
                (json_int_t)json_string_length(json_object_get(line, "data"));
            json_decref(line);
        }
    }
    hypervisor("con 1 y");
    host_client_write(client);
    line = hear_on(peer);
    lost = json_integer_value(json_object_get(line, "lost"));
    json_decref(line);
    assert_true(lost > 0);
    assert_int_equal(got + lost, 500 * lines);
    assert_in_range(host_guest_by_id(&h, 1)->scrollback.len, HOST_SCROLLBACK,
                    2 * HOST_SCROLLBACK);
}

/* Depth and width: an error or an answer, and the next request is served. */
static void lines_of_great_depth(void **state)
{
    static const char *const open[] = {"[", "{\"a\":", "[{\"b\":["};
    struct cli_text t = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++) {
        cli_text_str(&t, "{\"id\":1,\"do\":\"host\",\"args\":");
        while (t.len < 60000) {
            cli_text_str(&t, open[i]);
        }
        cli_text_str(&t, "\n");
        assert_int_equal(write(peer, t.data, t.len), t.len);
        for (int part = 0; part < 64; part++) { /* as it comes */
            host_client_read(&h, client);
        }
        cli_text_free(&t);
        host_client_write(client);
        expect_code("protocol");
        say_text("{\"id\":2,\"do\":\"nothing\"}\n");
        expect_code("unknown");
    }
}

/* Sends `len` characters x as input of domain 1. */
static void type(int id, size_t len)
{
    char *text = cli_alloc(len + 1), *line;

    memset(text, 'x', len);
    line = cli_format("{\"id\":%d,\"do\":\"input\",\"args\":{\"domid\":1,"
                      "\"data\":\"%s\"}}\n",
                      id, text);
    for (size_t at = 0; at < strlen(line); at += 16000) {
        say(line + at, strlen(line + at) < 16000 ? strlen(line + at) : 16000);
    }
    free(line);
    free(text);
}

/* Typed bytes on the way to the hypervisor, which are then gone. */
static size_t sent(void)
{
    size_t n = 0;

    for (size_t i = 0; i < h.to_link.len; i++) {
        n += h.to_link.data[i] == 'x';
    }
    cli_text_drop(&h.to_link, h.to_link.len);
    return n;
}

static void expect_answer(int id, const char *member)
{
    json_t *line = hear_on(peer);

    assert_int_equal(json_integer_value(json_object_get(line, "id")), id);
    assert_non_null(json_object_get(line, member));
    json_decref(line);
}

static void input_goes_as_fast_as_it_is_read(void **state)
{
    (void)state;
    hypervisor("create 1 g");
    type(1, SCHEDOP_LINK_INPUT - 1);
    expect_answer(1, "ok");
    type(2, 10);
    type(3, 0); /* after the one before */
    assert_int_equal(sent(), SCHEDOP_LINK_INPUT);
    assert_null(hear_on(peer));
    hypervisor("took 1 4");
    assert_int_equal(sent(), 4);
    assert_null(hear_on(peer));
    hypervisor("took 1 100");
    assert_int_equal(sent(), 5);
    host_client_write(client);
    expect_answer(2, "ok");
    expect_answer(3, "ok");
    /* More than it was sent it cannot have taken. */
    hypervisor("took 1 4000000000");
    type(4, 3 * SCHEDOP_LINK_INPUT);
    assert_int_equal(sent(), SCHEDOP_LINK_INPUT);
}

static void input_that_nobody_reads(void **state)
{
    const size_t piece = 32000;
    size_t all = 0;
    int id = 1;

    (void)state;
    hypervisor("create 1 g");
    do {
        type(id++, piece);
        all += piece;
    } while (all + piece <= HOST_INPUT_MAX + SCHEDOP_LINK_INPUT);
    assert_null(hear_on(peer));
    type(id, piece);
    expect_code("busy");
    assert_int_equal(sent(), SCHEDOP_LINK_INPUT);
    hypervisor("end 1 g 0 destroy run_ns=1 cpu_ns=1");
    hypervisor("gone 1 g");
    host_client_write(client);
    for (int i = 1; i < id; i++) {
        expect_answer(i, "error");
    }
    assert_null(h.guests);
}

static size_t file_size(const char *directory, const char *name)
{
    char *path = cli_format("%s/%s", directory, name);
    struct stat st;
    size_t size = stat(path, &st) == 0 ? (size_t)st.st_size : SIZE_MAX;

    free(path);
    return size;
}

static void a_log_has_a_limit(void **state)
{
    char directory[] = "/tmp/schedop-log-XXXXXX";
    char *path;

    (void)state;
    assert_non_null(mkdtemp(directory));
    options.log_dir = directory;
    options.log_max = 20;
    hypervisor("create 1 g");
    hypervisor("con 1 0123456789");
    hypervisor("con 1 0123456789");
    assert_int_equal(file_size(directory, "guest-g.log"), 20);
    assert_int_equal(file_size(directory, "guest-g.log.1"), SIZE_MAX);
    hypervisor("con 1 x");
    assert_int_equal(file_size(directory, "guest-g.log"), 1);
    assert_int_equal(file_size(directory, "guest-g.log.1"), 20);
    /* What is longer than the limit is whole all the same. */
    hypervisor("con 1 0123456789012345678901234567890");
    assert_int_equal(file_size(directory, "guest-g.log"), 31);
    assert_int_equal(file_size(directory, "guest-g.log.1"), 1);
    hypervisor("gone 1 g");
    /* A later domain of that name goes on behind what is there. */
    options.log_max = 0;
    hypervisor("create 2 g");
    hypervisor("con 2 x");
    assert_int_equal(file_size(directory, "guest-g.log"), 32);
    options.log_dir = NULL;
    for (int i = 0; i < 2; i++) {
        path = cli_format("%s/guest-g.log%s", directory, i == 0 ? "" : ".1");
        assert_int_equal(unlink(path), 0);
        free(path);
    }
    assert_int_equal(rmdir(directory), 0);
}

/* ---- anything ---- */

static struct prng seed = {1};

static unsigned any(unsigned below)
{
    return (unsigned)(prng_next(&seed) % below);
}

/* A valid request, or a line of the hypervisor, with a few bytes changed. */
static void damage(char *line, size_t *len, size_t room)
{
    unsigned times = any(4);

    while (times-- > 0 && *len > 1) {
        size_t at = any((unsigned)*len - 1);

        switch (any(4)) {
        case 0:
            line[at] = (char)any(256);
            break;
        case 1:
            memmove(line + at, line + at + 1, *len - at - 1);
            (*len)--;
            break;
        case 2:
            if (*len + 1 < room) {
                memmove(line + at + 1, line + at, *len - at);
                line[at] = "{}[]\":,0-\\"[any(10)];
                (*len)++;
            }
            break;
        default:
            line[at] = "0123456789"[any(10)];
            break;
        }
    }
}

static const char *const requests[] = {
    "{\"id\":1,\"do\":\"host\"}",
    "{\"id\":2,\"do\":\"domains\"}",
    "{\"id\":3,\"do\":\"vcpus\"}",
    "{\"id\":4,\"do\":\"watch\"}",
    "{\"id\":5,\"do\":\"dmesg\",\"args\":{\"clear\":true}}",
    "{\"id\":6,\"do\":\"console\",\"args\":{\"domid\":1,\"follow\":true}}",
    "{\"id\":7,\"do\":\"input\",\"args\":{\"domid\":1,\"data\":\"a\\u0000\"}}",
    "{\"id\":8,\"do\":\"create\",\"args\":{\"parts\":[\"a\",\"b\"]}}",
    "{\"id\":9,\"do\":\"rename\",\"args\":{\"domid\":1,\"name\":\"x\"}}",
    "{\"id\":10,\"do\":\"vcpu-pin\",\"args\":{\"domid\":1,\"vcpu\":0,"
    "\"hard\":3,\"soft\":1,\"force\":true}}",
    "{\"id\":11,\"do\":\"sched-credit2\",\"args\":{\"domid\":1,"
    "\"weight\":5,\"cap\":1}}",
    "{\"id\":12,\"do\":\"debug\",\"args\":{\"key\":\"q\"}}",
    "{\"id\":13,\"do\":\"store-write\",\"args\":{\"domid\":1,"
    "\"path\":\"control/shutdown\",\"value\":\"poweroff\"}}",
};

static const char *const more_requests[] = {
    "{\"id\":20,\"do\":\"window\",\"args\":{\"bytes\":65536}}",
    "{\"id\":21,\"do\":\"window-free\",\"args\":{\"pa\":2097152}}",
    "{\"id\":22,\"do\":\"save-begin\",\"args\":{\"domid\":1}}",
    "{\"id\":23,\"do\":\"save-state\",\"args\":{\"domid\":1}}",
    "{\"id\":24,\"do\":\"save-end\",\"args\":{\"domid\":1,"
    "\"then\":\"resume\"}}",
    "{\"id\":25,\"do\":\"restore\",\"args\":{\"image\":2097152,"
    "\"state\":4194304,\"name\":\"r\",\"config\":{}}}",
    "{\"id\":26,\"do\":\"restored\",\"args\":{\"domid\":1,"
    "\"paused\":true}}",
    "{\"id\":27,\"do\":\"pools\"}",
    "{\"id\":28,\"do\":\"pool-create\",\"args\":{\"name\":\"p\","
    "\"sched\":\"rtds\"}}",
    "{\"id\":29,\"do\":\"pool-add\",\"args\":{\"pool\":1,\"pcpu\":1}}",
    "{\"id\":30,\"do\":\"pool-move\",\"args\":{\"pool\":1,\"domid\":1}}",
    "{\"id\":31,\"do\":\"sched-rtds\",\"args\":{\"domid\":1,\"vcpu\":0,"
    "\"period\":10000,\"budget\":4000,\"extratime\":true}}",
    "{\"id\":32,\"do\":\"sched-credit2-pool\",\"args\":{\"pool\":0,"
    "\"ratelimit_us\":1000}}",
    "{\"id\":33,\"do\":\"trigger\",\"args\":{\"domid\":1,"
    "\"trigger\":\"nmi\",\"vcpu\":0}}",
    "{\"id\":34,\"do\":\"shutdown\",\"args\":{\"domid\":1,\"code\":3}}",
    "{\"id\":35,\"do\":\"store-read\",\"args\":{\"domid\":1,"
    "\"path\":\"name\"}}",
};

static const char *const said[] = {
    "create 1 g",
    "create 2 g",
    "start 1 12",
    "con 1 text\\n\\xff",
    "took 1 9",
    "end 1 g 1 restart run_ns=1 cpu_ns=2",
    "end 2 g 3 destroy run_ns=1 cpu_ns=2",
    "gone 1 g",
    "gone 2 g",
    "fail g no memory",
    "crash 1 why \\xff",
    "log warning something",
    "did 0 0 domid=1",
    "row 0 domid=1 name=g flags=0xff",
    "boot pcpus=2 memory_kib=1 hypervisor_kib=1 boot_ns=1",
};

static void one_step(void)
{
    char line[512];
    bool from_client = any(2) == 0;
    const char *text = !from_client ? said[any(sizeof(said) / sizeof(*said))]
                       : any(2) == 0
                           ? requests[any(sizeof(requests) / sizeof(*requests))]
                           : more_requests[any(sizeof(more_requests) /
                                               sizeof(*more_requests))];
    size_t len = strlen(text);

    memcpy(line, text, len);
    damage(line, &len, sizeof(line) - 40);
    if (from_client) {
        line[len++] = '\n';
        say(line, len);
    } else {
        line[len] = '\0';
        if (strncmp(text, "did", 3) == 0 && h.questions != NULL) {
            (void)snprintf(line, sizeof(line), "did %u %u x=1",
                           h.questions->tag, any(40));
        }
        hypervisor(line);
    }
}

static void anything(void **state)
{
    json_t *answer;

    (void)state;
    for (int i = 0; i < 8000; i++) {
        one_step();
        host_client_write(client);
        while ((answer = hear_on(peer)) != NULL) {
            json_decref(answer);
        }
        if (client->dead || client->closing || any(500) == 0) {
            client->dead = true;
            close(peer);
            host_clients_reap(&h);
            client = connect_client(&peer);
        }
        cli_text_drop(&h.to_link, h.to_link.len);
        if (h.phase != HOST_RUNNING) {
            host_ask_abandon(&h);
            free(h.why);
            h.why = NULL;
            h.phase = HOST_RUNNING;
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(lines_that_make_no_sense),
        TEST(arguments_that_make_no_sense),
        TEST(lines_in_pieces),
        TEST(a_line_without_end),
        TEST(lines_of_great_depth),
        TEST(a_client_that_goes),
        TEST(a_question_and_its_answer),
        TEST(questions_wait_their_turn),
        TEST(the_host_ends_in_between),
        TEST(a_console_over_a_restart),
        TEST(a_console_nobody_reads),
        TEST(input_goes_as_fast_as_it_is_read),
        TEST(input_that_nobody_reads),
        TEST(a_log_has_a_limit),
        TEST(anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
