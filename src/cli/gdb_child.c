/* SPDX-License-Identifier: MIT */
/*
 * The gdb server of a run: asks the process that runs the domain, which asks
 * the hypervisor. The lines between them are in gdb_run.h.
 */
#include "gdb_child.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "domain.h"
#include "link.h"

#define EVENTS_MAX 8u

struct child {
    struct gdb_link link;
    struct cli_text in;
    int domid;    /* -1: not known yet */
    bool started; /* it has been let go once */
    bool answered;
    uint64_t error; /* of the answer */
    json_t *answer;
    struct gdb_event event[EVENTS_MAX]; /* oldest first */
    size_t nr_events;
};

/* ---- lines of the run ---- */

/* What nobody asks for is lost: it is about a client that has gone. */
static void push(struct child *c, const struct gdb_event *e)
{
    if (c->nr_events < EVENTS_MAX) {
        c->event[c->nr_events++] = *e;
    }
}

static const char *next_word(char **at)
{
    const char *word = strsep(at, " ");

    return word != NULL ? word : "";
}

static void on_end(struct child *c, char *rest)
{
    struct gdb_event e = {.kind = GDB_ENDED};
    const char *reason;
    uint64_t code = 0;

    (void)cli_number(next_word(&rest), UINT8_MAX, &code);
    e.code = (uint8_t)code;
    e.killed = rest != NULL && strcmp(rest, "killed") == 0;
    reason = cli_reason_name(e.killed ? CLI_REASON_KILLED : e.code);
    (void)snprintf(e.text, sizeof(e.text), "the domain ended: %s, %s",
                   reason != NULL ? reason : "no known reason",
                   rest != NULL ? rest : "");
    push(c, &e);
}

static void on_line(struct child *c, char *line)
{
    struct gdb_event e = {.kind = GDB_NO_EVENT};
    char *rest = line;
    const char *verb = next_word(&rest);
    uint64_t n;

    if (!cli_number(next_word(&rest), UINT16_MAX, &n)) {
        return;
    }
    if (strcmp(verb, "did") == 0) {
        c->answered = true;
        c->error = n;
        c->answer = link_row_object(rest != NULL ? rest : "");
    } else if (strcmp(verb, "create") == 0) {
        c->domid = (int)n;
    } else if ((int)n != c->domid) {
        return; /* of another domain */
    } else if (strcmp(verb, "stopped") == 0) {
        e.kind = GDB_STOPPED;
        push(c, &e);
    } else if (strcmp(verb, "crash") == 0) {
        e.kind = GDB_CRASHED;
        (void)snprintf(e.text, sizeof(e.text), "crash: %s",
                       rest != NULL ? rest : "");
        push(c, &e);
    } else if (strcmp(verb, "end") == 0) {
        on_end(c, rest);
    }
}

/* Reads what is there; false when the run is over. */
static bool read_lines(struct child *c)
{
    char data[4096], *newline;
    ssize_t n = read(c->link.fd, data, sizeof(data));

    if (n <= 0) {
        if (n < 0 && errno == EINTR) {
            return true;
        }
        c->link.fd = -1;
        return false;
    }
    cli_text_add(&c->in, data, (size_t)n);
    while (c->in.len > 0 &&
           (newline = memchr(c->in.data, '\n', c->in.len)) != NULL) {
        *newline = '\0';
        on_line(c, c->in.data);
        cli_text_drop(&c->in, (size_t)(newline + 1 - c->in.data));
    }
    return true;
}

/* ---- a gdb_link ---- */

static json_t *ask(struct gdb_link *l, const char *verb,
                   const struct gdb_arg *args)
{
    struct child *c = l->context;
    struct cli_text t = {0};
    json_t *answer;
    bool sent;

    cli_text_printf(&t, "%s %d", verb, c->domid);
    for (; args->name != NULL; args++) {
        cli_text_printf(&t, " 0x%" PRIx64, args->value);
    }
    cli_text_str(&t, "\n");
    c->answered = false;
    sent = l->fd >= 0 && send(l->fd, t.data, t.len, MSG_NOSIGNAL) >= 0;
    cli_text_free(&t);
    while (sent && !c->answered && read_lines(c)) {
    }
    if (!c->answered) {
        return NULL;
    }
    answer = c->answer;
    c->answer = NULL;
    if (c->error != 0) {
        json_decref(answer);
        return NULL;
    }
    return answer;
}

static void event(struct gdb_link *l, struct gdb_event *e)
{
    struct child *c = l->context;
    struct pollfd p = {.fd = l->fd, .events = POLLIN};

    while (c->nr_events == 0 && l->fd >= 0 && poll(&p, 1, 0) > 0) {
        if (!read_lines(c)) {
            break;
        }
    }
    *e = (struct gdb_event){.kind = GDB_NO_EVENT};
    if (c->nr_events > 0) {
        *e = c->event[0];
        memmove(c->event, c->event + 1, --c->nr_events * sizeof(*e));
    } else if (l->fd < 0) {
        e->kind = GDB_LOST;
        (void)snprintf(e->text, sizeof(e->text), "the machine has stopped");
    }
}

/* ---- clients ---- */

/* Let go of what held it since it was built: now the debugger holds it. */
static void on_ready(void *context)
{
    static const struct gdb_arg none[] = {{NULL, 0}};
    struct child *c = context;

    if (!c->started) {
        c->started = true;
        json_decref(ask(&c->link, "unpause", none));
    }
}

/* Until a client comes and there is a domain; false: the run is over. */
static bool wait_for_client(struct child *c, const struct gdb_listener *l)
{
    for (;;) {
        struct pollfd p[2] = {
            {.fd = c->link.fd, .events = POLLIN},
            {.fd = c->domid >= 0 ? l->fd : -1, .events = POLLIN},
        };

        if (poll(p, 2, -1) < 0 && errno != EINTR) {
            return false;
        }
        if (p[0].revents != 0 && !read_lines(c)) {
            return false;
        }
        if (p[1].revents != 0) {
            return true;
        }
    }
}

void gdb_child(int fd, const struct gdb_listener *listener,
               const struct ram *ram, const struct gdb_kernel *kernel)
{
    struct child c = {
        .link = {.context = &c, .fd = fd, .ask = ask, .event = event},
        .domid = -1,
    };
    int client;

    while (c.link.fd >= 0 && wait_for_client(&c, listener)) {
        client = gdb_accept(listener);
        if (client < 0) {
            break;
        }
        c.nr_events = 0;
        (void)gdb_serve(client, client, &c.link, ram, kernel, on_ready, &c);
        close(client);
    }
    cli_text_free(&c.in);
}
