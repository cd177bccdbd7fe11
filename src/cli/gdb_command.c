/* SPDX-License-Identifier: MIT */
/* The commands of a client whose domain has stopped: see gdb_server.h. */
#include "gdb_server.h"

#include <stdlib.h>
#include <string.h>

#define SIGNAL_TRAP 5u
#define EVENT_BP (3u | 3u << 8 | 1u << 31) /* an exception, number 3, valid */

/* What a client may ask for at once: as hexadecimal it fits into a packet. */
#define READ_MAX (GDB_PACKET_MAX / 2)

static uint64_t all(const struct gdb_server *s)
{
    return s->target.nr_vcpus == 64 ? UINT64_MAX
                                    : (1ull << s->target.nr_vcpus) - 1;
}

static bool is_up(const struct gdb_server *s, unsigned n)
{
    return s->target.vcpu[n].state.flags & SCHEDOP_STATE_UP;
}

/* "0" any, "-1" all (GDB_ALL), or a number from 1; false: no such vCPU. */
static bool take_thread(const struct gdb_server *s, const char **at,
                        unsigned *n)
{
    uint64_t id;

    if (strncmp(*at, "-1", 2) == 0) {
        *at += 2;
        *n = GDB_ALL;
        return true;
    }
    if (!gdb_number(at, &id) || id > s->target.nr_vcpus) {
        return false;
    }
    *n = id == 0 ? s->stopped : (unsigned)id - 1;
    return true;
}

/* ---- threads ---- */

static void set_thread(struct gdb_server *s, const char *at)
{
    char what = *at != '\0' ? *at++ : '\0';
    unsigned n;

    if (!take_thread(s, &at, &n) || *at != '\0') {
        gdb_reply(s, GDB_EINVAL);
    } else if (what == 'g') {
        s->general = n == GDB_ALL ? s->stopped : n;
        gdb_reply(s, "OK");
    } else if (what == 'c') {
        s->resumed = n;
        gdb_reply(s, "OK");
    } else {
        gdb_reply(s, "");
    }
}

/* Those that are up; one in any case, or gdb has nothing to show. */
static void list_threads(struct gdb_server *s)
{
    struct cli_text t = {0};

    for (unsigned i = 0; i < s->target.nr_vcpus; i++) {
        if (is_up(s, i)) {
            cli_text_printf(&t, "%c%x", t.len == 0 ? 'm' : ',', i + 1);
        }
    }
    if (t.len == 0) {
        cli_text_str(&t, "m1");
    }
    gdb_reply_text(s, &t);
}

static void describe_thread(struct gdb_server *s, const char *at)
{
    struct cli_text t = {0};
    char text[40];
    unsigned n;

    if (!take_thread(s, &at, &n) || n == GDB_ALL) {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    (void)snprintf(text, sizeof(text), "vCPU %u%s", n,
                   is_up(s, n) ? "" : " (down)");
    gdb_hex(&t, (const uint8_t *)text, strlen(text));
    gdb_reply_text(s, &t);
}

static void is_alive(struct gdb_server *s, const char *at)
{
    unsigned n;

    gdb_reply(s, take_thread(s, &at, &n) && n != GDB_ALL && is_up(s, n)
                     ? "OK"
                     : GDB_EINVAL);
}

/* ---- registers ---- */

static struct schedop_debug_vcpu *vcpu_of(struct gdb_server *s)
{
    return &s->target.vcpu[s->general];
}

static void read_registers(struct gdb_server *s)
{
    struct cli_text t = {0};

    for (size_t i = 0; i < s->regs.count; i++) {
        uint8_t bytes[16];

        gdb_reg_get(&s->regs.reg[i], &vcpu_of(s)->state, bytes);
        gdb_hex(&t, bytes, s->regs.reg[i].bytes);
    }
    gdb_reply_text(s, &t);
}

/* One that cannot be set leaves those before it set. */
static void write_registers(struct gdb_server *s, const char *hex)
{
    struct schedop_debug_vcpu *v = vcpu_of(s);

    if (strlen(hex) != 2 * s->regs.bytes) {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    for (size_t i = 0; i < s->regs.count; i++) {
        const struct gdb_reg *reg = &s->regs.reg[i];
        uint8_t bytes[16];

        v->changed = 1;
        if (!gdb_unhex(hex, 2u * reg->bytes, bytes, reg->bytes) ||
            !gdb_reg_set(reg, &v->state, bytes)) {
            gdb_reply(s, GDB_EINVAL);
            return;
        }
        hex += 2 * reg->bytes;
    }
    gdb_reply(s, "OK");
}

static const struct gdb_reg *take_register(const struct gdb_server *s,
                                           const char **at)
{
    uint64_t n;

    return gdb_number(at, &n) && n < s->regs.count ? &s->regs.reg[n] : NULL;
}

static void read_register(struct gdb_server *s, const char *at)
{
    const struct gdb_reg *reg = take_register(s, &at);
    struct cli_text t = {0};
    uint8_t bytes[16];

    if (reg == NULL || *at != '\0') {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    gdb_reg_get(reg, &vcpu_of(s)->state, bytes);
    gdb_hex(&t, bytes, reg->bytes);
    gdb_reply_text(s, &t);
}

static void write_register(struct gdb_server *s, const char *at)
{
    const struct gdb_reg *reg = take_register(s, &at);
    uint8_t bytes[16];

    if (reg == NULL || !gdb_skip(&at, '=') ||
        !gdb_unhex(at, strlen(at), bytes, reg->bytes) ||
        !gdb_reg_set(reg, &vcpu_of(s)->state, bytes)) {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    vcpu_of(s)->changed = 1;
    gdb_reply(s, "OK");
}

/* ---- memory ---- */

/* "ADDRESS,LENGTH" */
static bool take_range(const char **at, uint64_t *address, uint64_t *len)
{
    return gdb_number(at, address) && gdb_skip(at, ',') && gdb_number(at, len);
}

static void read_memory(struct gdb_server *s, const char *at)
{
    uint8_t bytes[READ_MAX];
    struct cli_text t = {0};
    uint64_t address, len;
    size_t n;

    if (!take_range(&at, &address, &len) || *at != '\0') {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    len = len < READ_MAX ? len : READ_MAX;
    n = gdb_target_read(&s->target, s->general, address, bytes, (size_t)len);
    if (n == 0 && len > 0) {
        gdb_reply(s, GDB_EFAULT);
        return;
    }
    gdb_hex(&t, bytes, n);
    gdb_reply_text(s, &t);
}

static void write_memory(struct gdb_server *s, uint64_t address,
                         const uint8_t *bytes, size_t len)
{
    size_t n = gdb_target_write(&s->target, s->general, address, bytes, len);

    gdb_reply(s, n == len ? "OK" : GDB_EFAULT);
}

/* M: the bytes in hexadecimal; X: as they are. */
static void take_memory(struct gdb_server *s, const char *at, bool hex)
{
    const char *end = s->stream.body + s->stream.len;
    uint8_t bytes[GDB_PACKET_MAX];
    uint64_t address, len;
    size_t left;

    if (!take_range(&at, &address, &len) || !gdb_skip(&at, ':')) {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    left = (size_t)(end - at);
    if (len > sizeof(bytes) || (!hex && left != len) ||
        (hex && !gdb_unhex(at, left, bytes, (size_t)len))) {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    if (!hex) {
        memcpy(bytes, at, left);
    }
    write_memory(s, address, bytes, (size_t)len);
}

/* Z and z: "0,ADDRESS,KIND"; only INT3 is known. */
static void breakpoint(struct gdb_server *s, const char *at, bool set)
{
    uint64_t type, address, kind;
    bool good;

    if (!gdb_number(&at, &type) || !gdb_skip(&at, ',') ||
        !take_range(&at, &address, &kind)) {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    if (type != 0) {
        gdb_reply(s, "");
        return;
    }
    good = set ? gdb_target_break(&s->target, s->general, address)
               : gdb_target_unbreak(&s->target, address);
    gdb_reply(s, good ? "OK" : GDB_EFAULT);
}

/* ---- going on ---- */

/*
 * A signal given on the way is an exception for the guest: SIGTRAP is #BP,
 * the others have none.
 */
static void pass_signal(struct gdb_server *s, unsigned n, uint64_t signal)
{
    struct schedop_debug_vcpu *v = &s->target.vcpu[n];

    if (signal == SIGNAL_TRAP && !(v->state.flags & SCHEDOP_STATE_EVENT)) {
        v->state.flags |= SCHEDOP_STATE_EVENT;
        v->state.event = EVENT_BP;
        v->changed = 1;
    }
}

/* c, s, C, S: with a signal for C and S, and from an address if one is given.
 */
static void go_on(struct gdb_server *s, const char *at)
{
    unsigned n = s->resumed == GDB_ALL ? s->stopped : s->resumed;
    char what = *at++;
    uint64_t signal = 0, address;

    if (what == 'C' || what == 'S') {
        if (!gdb_number(&at, &signal)) {
            gdb_reply(s, GDB_EINVAL);
            return;
        }
        (void)gdb_skip(&at, ';');
    }
    if (gdb_number(&at, &address)) {
        s->target.vcpu[n].state.rip = address;
        s->target.vcpu[n].changed = 1;
    }
    if (*at != '\0') {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    pass_signal(s, n, signal);
    gdb_go(s, all(s), what == 's' || what == 'S' ? 1ull << n : 0);
}

/*
 * One action of vCont, for the vCPUs of `left`; false when it makes no sense.
 */
static bool take_action(struct gdb_server *s, const char **at, uint64_t left,
                        uint64_t *run, uint64_t *step)
{
    char what = **at;
    uint64_t signal = 0, whom = left;
    unsigned n = GDB_ALL;

    *at += what != '\0';
    if (what == '\0' || strchr("csCS", what) == NULL ||
        ((what == 'C' || what == 'S') && !gdb_number(at, &signal))) {
        return false;
    }
    if (gdb_skip(at, ':') && !take_thread(s, at, &n)) {
        return false;
    }
    if (n != GDB_ALL) {
        whom &= 1ull << n;
        pass_signal(s, n, (whom != 0) * signal);
    }
    *run |= whom;
    *step |= what == 's' || what == 'S' ? whom : 0;
    return true;
}

/* vCont: the first action that names a vCPU is its; without one it waits. */
static void vcont(struct gdb_server *s, const char *at)
{
    uint64_t run = 0, step = 0;

    while (gdb_skip(&at, ';')) {
        if (!take_action(s, &at, all(s) & ~run, &run, &step)) {
            gdb_reply(s, GDB_EINVAL);
            return;
        }
    }
    if (*at != '\0' || run == 0) {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    gdb_go(s, run, step);
}

/* ---- questions about ourselves ---- */

/* qXfer:features:read:target.xml:OFFSET,LENGTH */
static void describe(struct gdb_server *s, const char *at)
{
    struct cli_text xml = {0}, t = {0};
    uint64_t offset, len;

    if (!take_range(&at, &offset, &len) || *at != '\0') {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    gdb_regs_describe(&s->regs, &xml);
    offset = offset < xml.len ? offset : xml.len;
    len = len < GDB_PACKET_MAX / 2 ? len : GDB_PACKET_MAX / 2;
    len = len < xml.len - offset ? len : xml.len - offset;
    cli_text_str(&t, offset + len < xml.len ? "m" : "l");
    cli_text_add(&t, xml.data + offset, (size_t)len);
    cli_text_free(&xml);
    gdb_reply_text(s, &t);
}

static bool begins(const char *text, const char *with, const char **rest)
{
    size_t len = strlen(with);

    *rest = text + len;
    return strncmp(text, with, len) == 0;
}

static void query(struct gdb_server *s, const char *q)
{
    const char *rest;
    struct cli_text t = {0};

    if (begins(q, "qSupported", &rest)) {
        cli_text_printf(&t,
                        "PacketSize=%x;QStartNoAckMode+;vContSupported+;"
                        "qXfer:features:read+;swbreak+",
                        GDB_PACKET_MAX);
        gdb_reply_text(s, &t);
    } else if (begins(q, "qXfer:features:read:target.xml:", &rest)) {
        describe(s, rest);
    } else if (begins(q, "qXfer:features:read:", &rest)) {
        gdb_reply(s, "E00");
    } else if (strcmp(q, "qfThreadInfo") == 0) {
        list_threads(s);
    } else if (strcmp(q, "qsThreadInfo") == 0) {
        gdb_reply(s, "l");
    } else if (begins(q, "qThreadExtraInfo,", &rest)) {
        describe_thread(s, rest);
    } else if (strcmp(q, "qC") == 0) {
        cli_text_printf(&t, "QC%x", s->stopped + 1);
        gdb_reply_text(s, &t);
    } else if (begins(q, "qAttached", &rest)) {
        gdb_reply(s, "1"); /* gdb lets it go on when it ends */
    } else {
        gdb_reply(s, "");
    }
}

static void kill_domain(struct gdb_server *s, bool answered)
{
    bool done = gdb_target_kill(&s->target);

    if (answered) {
        gdb_reply(s, done ? "OK" : GDB_EPERM);
    }
    gdb_finish(s, GDB_END_DOMAIN);
}

static void long_command(struct gdb_server *s, const char *v)
{
    const char *rest;

    if (strcmp(v, "vCont?") == 0) {
        gdb_reply(s, "vCont;c;C;s;S");
    } else if (begins(v, "vCont", &rest)) {
        vcont(s, rest);
    } else if (begins(v, "vKill", &rest)) {
        kill_domain(s, true);
    } else {
        gdb_reply(s, ""); /* vMustReplyEmpty among them */
    }
}

static void set_option(struct gdb_server *s, const char *q)
{
    if (strcmp(q, "QStartNoAckMode") == 0) {
        gdb_reply(s, "OK");
        s->stream.quiet = true;
    } else {
        gdb_reply(s, "");
    }
}

/* ---- dispatch ---- */

/* Commands that neither stop the session nor let the domain go on. */
static void plain_command(struct gdb_server *s, const char *body)
{
    switch (body[0]) {
    case '?':
        gdb_reply_stop(s);
        break;
    case 'H':
        set_thread(s, body + 1);
        break;
    case 'T':
        is_alive(s, body + 1);
        break;
    case 'g':
        read_registers(s);
        break;
    case 'G':
        write_registers(s, body + 1);
        break;
    case 'p':
        read_register(s, body + 1);
        break;
    case 'P':
        write_register(s, body + 1);
        break;
    case 'm':
        read_memory(s, body + 1);
        break;
    case 'M':
    case 'X':
        take_memory(s, body + 1, body[0] == 'M');
        break;
    case 'Z':
    case 'z':
        breakpoint(s, body + 1, body[0] == 'Z');
        break;
    case 'q':
        query(s, body);
        break;
    case 'Q':
        set_option(s, body);
        break;
    default:
        gdb_reply(s, "");
        break;
    }
}

void gdb_command(struct gdb_server *s)
{
    const char *body = s->stream.body;

    switch (body[0]) {
    case 'c':
    case 's':
    case 'C':
    case 'S':
        go_on(s, body);
        break;
    case 'v':
        long_command(s, body);
        break;
    case 'D':
        gdb_reply(s, "OK");
        gdb_finish(s, GDB_END_GONE);
        break;
    case 'k':
        kill_domain(s, false);
        break;
    default:
        plain_command(s, body);
        break;
    }
}
