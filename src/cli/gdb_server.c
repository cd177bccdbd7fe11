/* SPDX-License-Identifier: MIT */
/* A session with gdb: see gdb_server.h. */
#include "gdb_server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EFER_LMA (1ull << 10)
#define CR0_PG (1ull << 31)
#define SIGNAL_INT 2
#define SIGNAL_TRAP 5

/* ---- replies ---- */

/* The client reads what it asked for, or is gone: this may block. */
static void send_bytes(struct gdb_server *s, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(s->out, bytes, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            gdb_finish(s, GDB_END_GONE);
            return;
        }
        bytes += n;
        len -= (size_t)n;
    }
}

static void reply_bytes(struct gdb_server *s, const char *body, size_t len)
{
    cli_text_drop(&s->last, s->last.len);
    gdb_packet_add(&s->last, body, len);
    send_bytes(s, s->last.data, s->last.len);
}

void gdb_reply(struct gdb_server *s, const char *text)
{
    reply_bytes(s, text, strlen(text));
}

void gdb_reply_text(struct gdb_server *s, struct cli_text *text)
{
    reply_bytes(s, text->data != NULL ? text->data : "", text->len);
    cli_text_free(text);
}

void gdb_finish(struct gdb_server *s, enum gdb_end end)
{
    if (!s->over) {
        s->over = true;
        s->end = end;
    }
}

/* ---- stops ---- */

/* The vCPU that the stop is about: one that did something, if any did. */
static unsigned who_stopped(const struct gdb_server *s)
{
    const struct gdb_target *t = &s->target;

    if (t->vcpu[s->stopped].stop != SCHEDOP_DEBUG_HELD) {
        return s->stopped;
    }
    for (unsigned i = 0; i < t->nr_vcpus; i++) {
        if (t->vcpu[i].stop != SCHEDOP_DEBUG_HELD) {
            return i;
        }
    }
    return s->stopped;
}

void gdb_reply_stop(struct gdb_server *s)
{
    uint32_t why = s->target.vcpu[s->stopped].stop;
    struct cli_text t = {0};

    cli_text_printf(&t, "T%02xthread:%x;",
                    why == SCHEDOP_DEBUG_HELD && s->asked_to_stop ? SIGNAL_INT
                                                                  : SIGNAL_TRAP,
                    s->stopped + 1);
    if (why == SCHEDOP_DEBUG_BREAKPOINT) {
        cli_text_str(&t, "swbreak:;");
    }
    gdb_reply_text(s, &t);
}

static void on_stopped(struct gdb_server *s)
{
    if (!gdb_target_look(&s->target)) {
        gdb_finish(s, GDB_END_LOST);
        return;
    }
    s->stopped = s->general = who_stopped(s);
    s->stopped_once = true;
    if (s->running) {
        s->running = false;
        gdb_reply_stop(s);
    }
    s->asked_to_stop = false;
}

/* Text for the user of gdb, while the domain runs. */
static void say(struct gdb_server *s, const char *text)
{
    struct cli_text t = {0};

    cli_text_str(&t, "O");
    gdb_hex(&t, (const uint8_t *)text, strlen(text));
    gdb_hex(&t, (const uint8_t *)"\n", 1);
    gdb_reply_text(s, &t);
}

/* Codes of Xen's, as exit statuses; a crash as a signal (SIGABRT). */
static void on_ended(struct gdb_server *s, const struct gdb_event *e)
{
    struct cli_text t = {0};

    if (s->running) {
        say(s, e->text);
        cli_text_printf(&t,
                        e->killed      ? "X09"
                        : e->code == 3 ? "X06"
                                       : "W%02x",
                        e->code);
        gdb_reply_text(s, &t);
    }
    gdb_finish(s, GDB_END_DOMAIN);
}

static void take_events(struct gdb_server *s)
{
    struct gdb_event e;

    if (s->over) {
        return;
    }
    do {
        s->target.link->event(s->target.link, &e);
        switch (e.kind) {
        case GDB_STOPPED:
            on_stopped(s);
            break;
        case GDB_CRASHED:
            if (s->running) {
                say(s, e.text);
            }
            break;
        case GDB_ENDED:
            on_ended(s, &e);
            break;
        case GDB_LOST:
            if (s->running) {
                say(s, e.text);
                gdb_reply(s, "X09");
            }
            gdb_finish(s, GDB_END_LOST);
            break;
        case GDB_NO_EVENT:
            break;
        }
    } while (e.kind != GDB_NO_EVENT && !s->over);
}

void gdb_go(struct gdb_server *s, uint64_t run, uint64_t step)
{
    if (!gdb_target_go(&s->target, run, step)) {
        gdb_reply(s, GDB_EINVAL);
        return;
    }
    s->running = true;
}

/* ---- the client ---- */

static void on_packet(struct gdb_server *s)
{
    if (s->running) {
        return; /* the reply will be that of what runs */
    }
    gdb_command(s);
}

static void read_client(struct gdb_server *s)
{
    char bytes[4096];
    ssize_t n = read(s->in, bytes, sizeof(bytes));

    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (n <= 0) {
        gdb_finish(s, GDB_END_GONE);
    }
    for (ssize_t i = 0; i < n && !s->over; i++) {
        char ack;
        enum gdb_seen seen =
            gdb_stream_byte(&s->stream, (uint8_t)bytes[i], &ack);

        if (ack != 0) {
            send_bytes(s, &ack, 1);
        }
        if (seen == GDB_PACKET) {
            on_packet(s);
        } else if (seen == GDB_AGAIN && s->last.len > 0) {
            send_bytes(s, s->last.data, s->last.len);
        } else if (seen == GDB_BREAK && s->running && !s->asked_to_stop) {
            s->asked_to_stop = gdb_target_stop(&s->target);
        }
    }
}

static void serve(struct gdb_server *s)
{
    struct pollfd p[2] = {
        {.fd = s->target.link->fd, .events = POLLIN},
        {.fd = s->in, .events = POLLIN},
    };

    if (poll(p, 2, -1) < 0) {
        return;
    }
    if (p[0].revents != 0) {
        take_events(s);
    }
    if (p[1].revents != 0 && !s->over) {
        read_client(s);
        take_events(s); /* answers to questions bring them along */
    }
}

/* ---- a session ---- */

/* Before paging is on the registers do not tell what the kernel is for. */
static bool is_wide(const struct gdb_server *s)
{
    const struct schedop_state_vcpu *v = &s->target.vcpu[s->stopped].state;

    if (v->efer & EFER_LMA) {
        return true;
    }
    return s->target.kernel->known ? s->target.kernel->wide
                                   : !(v->cr0 & CR0_PG);
}

/* There is nothing to tell the client before; it is not heard. */
static void wait_for_first_stop(struct gdb_server *s)
{
    struct pollfd p = {.fd = s->target.link->fd, .events = POLLIN};

    for (take_events(s); !s->over && !s->stopped_once; take_events(s)) {
        (void)poll(&p, 1, -1);
    }
    if (!s->over) {
        s->stopped = s->general = 0;
        gdb_regs_init(&s->regs, is_wide(s));
    }
}

enum gdb_end gdb_serve(int in, int out, struct gdb_link *link,
                       const struct ram *ram, const struct gdb_kernel *kernel,
                       void (*ready)(void *context), void *context)
{
    struct gdb_server *s = cli_alloc(sizeof(*s));
    enum gdb_end end = GDB_END_GONE;

    s->in = in;
    s->out = out;
    s->resumed = GDB_ALL;
    if (gdb_target_attach(&s->target, link, ram, kernel) == 0) {
        wait_for_first_stop(s);
        if (ready != NULL && !s->over) {
            ready(context);
            take_events(s);
        }
        while (!s->over) {
            serve(s);
        }
        end = s->end;
        gdb_target_leave(&s->target);
    }
    cli_text_free(&s->last);
    free(s);
    return end;
}
