/* SPDX-License-Identifier: MIT */
/*
 * The gdb server against a domain made up here: packets, registers, page
 * tables and memory, and clients that send anything.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/gdb_server.h"
#include "cli/gdb_walk.h"
#include "lib/prng.h"

#define RAM_BYTES (8u << 20)
#define WINDOW 0x10000u
#define GUEST 0x400000u /* where its memory is */
#define GUEST_BYTES 0x100000u
#define VCPUS 2u
#define EFER_LMA (1ull << 10)
#define CR0_PG (1ull << 31)

/* ---- a domain ---- */

struct fake {
    struct gdb_link link;
    struct ram ram;
    int stop[2]; /* a pipe: readable while a stop is to be told */
    bool attached, running;
    unsigned asked;
    uint64_t run, step;
};

static struct schedop_debug *window_of(const struct fake *f)
{
    return (void *)ram_at(&f->ram, WINDOW,
                          sizeof(struct schedop_debug) +
                              VCPUS * sizeof(struct schedop_debug_vcpu));
}

static uint64_t arg_of(const struct gdb_arg *args, const char *name)
{
    for (; args->name != NULL; args++) {
        if (strcmp(args->name, name) == 0) {
            return args->value;
        }
    }
    fail_msg("no argument %s", name);
    return 0;
}

static void tell_stop(struct fake *f)
{
    assert_int_equal(write(f->stop[1], "s", 1), 1);
}

static json_t *fake_write(struct fake *f, const struct gdb_arg *args)
{
    uint64_t gpa = arg_of(args, "gpa"), bytes = arg_of(args, "bytes");

    assert_true(bytes <= SCHEDOP_DEBUG_DATA);
    if (gpa >= GUEST_BYTES || bytes > GUEST_BYTES - gpa) {
        return NULL;
    }
    assert_true(
        ram_write(&f->ram, GUEST + gpa, window_of(f)->data, (size_t)bytes));
    return json_object();
}

static json_t *fake_ask(struct gdb_link *l, const char *verb,
                        const struct gdb_arg *args)
{
    struct fake *f = l->context;

    f->asked++;
    if (strcmp(verb, "debug-attach") == 0) {
        f->attached = true;
        tell_stop(f);
        return json_pack("{s:I, s:I}", "pa", (json_int_t)WINDOW, "vcpus",
                         (json_int_t)VCPUS);
    }
    assert_true(f->attached);
    if (strcmp(verb, "debug-detach") == 0) {
        f->attached = false;
    } else if (strcmp(verb, "debug-go") == 0) {
        f->run = arg_of(args, "run");
        f->step = arg_of(args, "step");
        assert_true(f->run != 0 && f->run < 1u << VCPUS);
        assert_true((f->step & ~f->run) == 0);
        tell_stop(f); /* never runs for long */
    } else if (strcmp(verb, "debug-map") == 0) {
        uint64_t gpa = arg_of(args, "gpa");

        return gpa >= GUEST_BYTES
                   ? NULL
                   : json_pack("{s:I, s:I}", "pa", (json_int_t)(GUEST + gpa),
                               "bytes", (json_int_t)(GUEST_BYTES - gpa));
    } else if (strcmp(verb, "debug-write") == 0) {
        return fake_write(f, args);
    }
    return json_object();
}

static void fake_event(struct gdb_link *l, struct gdb_event *e)
{
    struct fake *f = l->context;
    struct pollfd p = {.fd = f->stop[0], .events = POLLIN};
    char byte;

    *e = (struct gdb_event){.kind = GDB_NO_EVENT};
    if (poll(&p, 1, 0) == 1) {
        assert_int_equal(read(f->stop[0], &byte, 1), 1);
        e->kind = GDB_STOPPED;
    }
}

static void fake_init(struct fake *f)
{
    struct schedop_debug *w;
    struct schedop_debug_vcpu *vcpu;

    memset(f, 0, sizeof(*f));
    assert_int_equal(ram_open(&f->ram, RAM_BYTES), 0);
    assert_int_equal(pipe(f->stop), 0);
    f->link = (struct gdb_link){f, f->stop[0], fake_ask, fake_event};
    w = window_of(f);
    vcpu = schedop_debug_vcpus(w);
    *w = (struct schedop_debug){
        .magic = SCHEDOP_DEBUG_MAGIC,
        .nr_vcpus = VCPUS,
        .vcpu_bytes = sizeof(*vcpu),
    };
    for (unsigned i = 0; i < VCPUS; i++) {
        vcpu[i].state.cr0 = 0x11; /* no paging */
        vcpu[i].state.flags = SCHEDOP_STATE_UP;
        vcpu[i].state.rip = 0x1000;
    }
}

static void fake_free(struct fake *f)
{
    assert_false(f->attached);
    close(f->stop[0]);
    close(f->stop[1]);
    ram_close(&f->ram);
}

/*
 * Serves a client that sends `bytes` and leaves; what it was told is in
 * `told`. The bytes may be more than a socket holds, so a child sends them.
 */
static void session(struct fake *f, const struct cli_text *bytes,
                    struct cli_text *told)
{
    static const struct gdb_kernel none;
    int to[2];
    FILE *out = tmpfile();
    char data[4096];
    ssize_t n;
    pid_t child;

    assert_non_null(out);
    assert_int_equal(pipe(to), 0);
    child = fork();
    if (child == 0) {
        size_t done = 0;

        close(to[0]);
        while (done < bytes->len) {
            n = write(to[1], bytes->data + done, bytes->len - done);
            done += n > 0 ? (size_t)n : bytes->len;
        }
        _exit(0);
    }
    assert_true(child > 0);
    close(to[1]);
    assert_int_not_equal(
        gdb_serve(to[0], fileno(out), &f->link, &f->ram, &none, NULL, NULL),
        GDB_END_LOST);
    close(to[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    rewind(out);
    while ((n = (ssize_t)fread(data, 1, sizeof(data), out)) > 0) {
        cli_text_add(told, data, (size_t)n);
    }
    (void)fclose(out);
}

/* The reply to the last of some packets, without its frame. */
static char *reply_to(struct fake *f, const char *const *packets)
{
    struct cli_text bytes = {0}, told = {0};
    char *reply, *end;

    for (; *packets != NULL; packets++) {
        gdb_packet_add(&bytes, *packets, strlen(*packets));
    }
    session(f, &bytes, &told);
    cli_text_free(&bytes);
    end = strrchr(told.data, '#');
    assert_non_null(end);
    *end = '\0';
    reply = cli_strdup(strrchr(told.data, '$') + 1);
    cli_text_free(&told);
    return reply;
}

#define REPLY(f, want, ...)                                                    \
    do {                                                                       \
        char *got = reply_to(f, (const char *const[]){__VA_ARGS__, NULL});     \
        assert_string_equal(got, want);                                        \
        free(got);                                                             \
    } while (0)

/* ---- packets ---- */

static void frames(void **state)
{
    static const char *const bad[] = {
        "$g#00", "$g#6", "$g#zz", "$}#7d", "$", "$g", "#67", "+", "$$$",
    };
    struct gdb_stream *s = cli_alloc(sizeof(*s));
    struct cli_text t = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char ack;

        memset(s, 0, sizeof(*s));
        for (const char *c = bad[i]; *c != '\0'; c++) {
            assert_int_equal(gdb_stream_byte(s, (uint8_t)*c, &ack),
                             GDB_NOTHING);
        }
    }
    gdb_packet_add(&t, "a}#$*b", 6);
    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < t.len; i++) {
        char ack;
        enum gdb_seen seen = gdb_stream_byte(s, (uint8_t)t.data[i], &ack);

        assert_int_equal(seen, i + 1 < t.len ? GDB_NOTHING : GDB_PACKET);
    }
    assert_string_equal(s->body, "a}#$*b");
    cli_text_free(&t);
    free(s);
}

static void too_long(void **state)
{
    struct fake f;
    struct cli_text bytes = {0}, told = {0};

    (void)state;
    fake_init(&f);
    cli_text_str(&bytes, "$");
    for (unsigned i = 0; i < 100000; i++) {
        cli_text_str(&bytes, "g");
    }
    cli_text_str(&bytes, "#00");
    gdb_packet_add(&bytes, "qC", 2);
    session(&f, &bytes, &told);
    assert_string_equal(told.data, "-+$QC1#c5");
    cli_text_free(&bytes);
    cli_text_free(&told);
    fake_free(&f);
}

/* ---- registers ---- */

static void registers(void **state)
{
    struct gdb_regs *r = cli_alloc(sizeof(*r));
    struct schedop_state_vcpu v = {.rip = 7}, was;
    struct cli_text xml = {0};
    uint8_t bytes[16];

    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        gdb_regs_init(r, wide);
        assert_true(r->count <= GDB_REGS_MAX);
        gdb_regs_describe(r, &xml);
        assert_non_null(strstr(xml.data, "</feature></target>"));
        cli_text_free(&xml);
        for (size_t i = 0; i < r->count; i++) {
            was = v;
            gdb_reg_get(&r->reg[i], &v, bytes);
            assert_true(gdb_reg_set(&r->reg[i], &v, bytes));
            if (r->reg[i].where < GDB_ST) {
                assert_memory_equal(&v, &was, sizeof(v));
            }
            bytes[0] ^= 1;
            if (gdb_reg_set(&r->reg[i], &v, bytes) &&
                r->reg[i].where != GDB_FLAGS) {
                assert_true(r->reg[i].where != GDB_CONTROL);
            }
        }
    }
    free(r);
}

static void reads_and_writes(void **state)
{
    struct fake f;

    (void)state;
    fake_init(&f);
    REPLY(&f, "0010000000000000", "p10");
    REPLY(&f, "7856341200000000", "P10=7856341200000000", "p10");
    assert_int_equal(schedop_debug_vcpus(window_of(&f))[0].changed,
                     0); /* never went on */
    REPLY(&f, "T05thread:1;", "P10=7856341200000000", "c");
    assert_int_equal(schedop_debug_vcpus(window_of(&f))[0].state.rip,
                     0x12345678);
    assert_int_equal(f.run, 3);
    assert_int_equal(f.step, 0);
    REPLY(&f, "T05thread:1;", "vCont;s:2");
    assert_int_equal(f.run, 2);
    assert_int_equal(f.step, 2);
    REPLY(&f, "T05thread:1;", "vCont;s:2;c");
    assert_int_equal(f.run, 3);
    assert_int_equal(f.step, 2);
    REPLY(&f, "E16", "vCont;s:3");
    REPLY(&f, "E16", "vCont");
    REPLY(&f, "E16", "P1000=00");
    REPLY(&f, "E16", "P18=01000000"); /* cs */
    REPLY(&f, "E16", "G00");
    REPLY(&f, "00000000", "m8,4");
    REPLY(&f, "0001020300000000", "M9,3:010203", "m8,8");
    REPLY(&f, "0061620300000000", "X9,2:ab", "m8,8");
    REPLY(&f, "E0e", "m100000,1");
    REPLY(&f, "00000000", "mffffc,ffffffff"); /* as far as it goes */
    REPLY(&f, "E0e", "Mffffe,4:00000000");
    REPLY(&f, "E0e", "mffffffffffffffff,10");
    REPLY(&f, "E16", "m11111111111111111,1");
    REPLY(&f, "m1,2", "qfThreadInfo");
    REPLY(&f, "", "Z1,1000,1");
    REPLY(&f, "OK", "Z0,1000,1");
    REPLY(&f, "E0e", "Z0,100000,1");
    REPLY(&f, "", "vMustReplyEmpty");
    fake_free(&f);
}

/* ---- page tables ---- */

static bool table_read(void *context, uint64_t gpa, void *to, size_t len)
{
    unsigned *reads = context;

    assert_true(++*reads <= 4);
    memset(to, 0, len);
    if (gpa >= 0x1000000) {
        return false;
    }
    /* Each table's entries point to itself; entry 3 is a large page. */
    *(uint8_t *)to = (gpa & 0xfff) == 24 ? 0x81 : 0x01;
    ((uint8_t *)to)[1] = (uint8_t)(gpa >> 8 & 0xf0);
    ((uint8_t *)to)[2] = (uint8_t)(gpa >> 16);
    return true;
}

/* Reads are counted: tables that lead in circles end, too. */
static void tables(void **state)
{
    static const struct {
        uint64_t cr0, cr4, efer, linear, gpa, left;
    } cases[] = {
        {0, 0, 0, 0x1234, 0x1234, 0xdcc},
        {0, 0, 0, 0x100000000, 0, 0},
        {CR0_PG, 0x20, EFER_LMA, 0x1234, 0x5234, 0xdcc},
        {CR0_PG, 0x20, EFER_LMA, 0x800000000000, 0, 0},
        {CR0_PG, 0x20, EFER_LMA, 0x3ull << 21, 0, 0x200000},
        {CR0_PG, 0x20, EFER_LMA, 0x3ull << 30 | 5, 5, 0x3ffffffb},
        {CR0_PG, 0x20, 0, 0x1234, 0x5234, 0xdcc},
        {CR0_PG, 0x20, 0, 0x3ull << 21, 0, 0x200000},
        {CR0_PG, 0, 0, 0x1234, 0x5234, 0xdcc},
        {CR0_PG, 0x10, 0, 0x6ull << 22, 0x200000000, 0x400000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned reads = 0;
        const struct gdb_paging p = {
            cases[i].cr0,  0x5000,     cases[i].cr4,
            cases[i].efer, table_read, &reads,
        };
        uint64_t gpa = 0, left = 0;
        bool found = gdb_walk(&p, cases[i].linear, &gpa, &left);

        assert_int_equal(found, cases[i].left != 0);
        assert_int_equal(gpa, cases[i].gpa);
        assert_int_equal(left, cases[i].left);
    }
}

/* ---- anything ---- */

static const char *const words[] = {
    "g",
    "G",
    "p",
    "P10=",
    "m",
    "M",
    "X",
    "Z0,",
    "z0,",
    "c",
    "s",
    "C05",
    "vCont;c",
    "H",
    "Hg",
    "Hc",
    "T",
    ",",
    ":",
    ";",
    "=",
    "1",
    "0",
    "ffff",
    "?",
    "-1",
    "q",
    "qXfer:features:read:target.xml:",
    "qSupported",
    "00",
    "zz",
    "2",
    "vCont",
    "s:",
    "ff00000",
    "8",
    "1000",
    "fffff",
    "}",
    "\x03",
    "#",
    "$",
    "QStartNoAckMode",
};

static void add_word(struct prng *r, struct cli_text *t)
{
    size_t n = sizeof(words) / sizeof(words[0]);
    uint8_t byte = (uint8_t)prng_next(r);

    if (prng_next(r) % 16 == 0) {
        cli_text_add(t, &byte, 1);
    } else {
        cli_text_str(t, words[prng_next(r) % n]);
    }
}

static void anything(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct prng r;
        struct fake f;
        struct cli_text bytes = {0}, told = {0}, body = {0};

        r.state = seed;
        fake_init(&f);
        for (unsigned i = 0; i < 200; i++) {
            cli_text_drop(&body, body.len);
            for (uint64_t n = prng_next(&r) % 6; n > 0; n--) {
                add_word(&r, &body);
            }
            if (prng_next(&r) % 8 == 0) {
                add_word(&r, &bytes); /* out of a packet */
            }
            gdb_packet_add(&bytes, body.data != NULL ? body.data : "",
                           body.len);
        }
        session(&f, &bytes, &told);
        cli_text_free(&bytes);
        cli_text_free(&told);
        cli_text_free(&body);
        fake_free(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames),           cmocka_unit_test(too_long),
        cmocka_unit_test(registers),        cmocka_unit_test(tables),
        cmocka_unit_test(reads_and_writes), cmocka_unit_test(anything),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
