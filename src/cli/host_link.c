/* SPDX-License-Identifier: MIT */
/*
 * The link of a host: lines of the hypervisor go to whom they concern, and
 * questions to it are answered in their order (docs/link.md, `ask`).
 */
#include "host_daemon.h"
#include "host_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- questions ---- */

/* Sends what may be sent: the hypervisor takes so many at a time. */
static void send_questions(struct host *h)
{
    for (struct host_question *q = h->questions;
         q != NULL && h->asked < SCHEDOP_ASKS_MAX; q = q->next) {
        if (!q->sent) {
            q->sent = true;
            h->asked++;
            cli_text_str(&h->to_link, q->line);
        }
    }
}

void host_ask(struct host *h, host_answer_fn *answer, void *context,
              const char *format, ...)
{
    struct host_question *q = cli_alloc(sizeof(*q)), **last = &h->questions;
    struct cli_text t = {0};
    va_list ap;
    char *words = NULL;

    va_start(ap, format);
    if (vasprintf(&words, format, ap) < 0) {
        words = NULL;
    }
    va_end(ap);
    q->tag = h->next_tag++;
    cli_text_printf(&t, "ask %" PRIu32 " %s\n", q->tag,
                    words != NULL ? words : "");
    free(words);
    q->line = t.data;
    q->rows = json_array();
    q->answer = answer;
    q->context = context;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = q;
    if (t.len > SCHEDOP_LINK_LINE_MAX || h->phase != HOST_RUNNING) {
        *last = NULL;
        answer(h, context, HOST_NO_ANSWER, q->rows, "the host is ending");
        json_decref(q->rows);
        free(q->line);
        free(q);
        return;
    }
    send_questions(h);
}

static struct host_question *take_question(struct host *h, uint64_t tag)
{
    struct host_question **at = &h->questions, *q;

    while (*at != NULL && ((*at)->tag != tag || !(*at)->sent)) {
        at = &(*at)->next;
    }
    q = *at;
    if (q != NULL) {
        *at = q->next;
    }
    return q;
}

static void finish(struct host *h, struct host_question *q, unsigned error,
                   const char *text)
{
    q->answer(h, q->context, error, q->rows, text);
    json_decref(q->rows);
    free(q->line);
    free(q);
}

void host_ask_abandon(struct host *h)
{
    while (h->questions != NULL) {
        struct host_question *q = h->questions;

        h->questions = q->next;
        finish(h, q, HOST_NO_ANSWER, h->why != NULL ? h->why : "it ended");
    }
    h->asked = 0;
}

static void on_row(struct host *h, const struct link_message *m)
{
    for (struct host_question *q = h->questions; q != NULL; q = q->next) {
        if (q->tag == m->number && q->sent) {
            json_array_append_new(q->rows, control_bytes(m->text, m->text_len));
        }
    }
}

static void on_did(struct host *h, const struct link_message *m)
{
    struct host_question *q = take_question(h, m->number);

    if (q != NULL) {
        h->asked--;
        finish(h, q, m->error, m->text);
        send_questions(h);
    }
}

/* ---- lines ---- */

void host_dmesg_add(struct host *h, const char *data, size_t len)
{
    cli_text_add(&h->dmesg, data, len);
    if (h->dmesg.len > HOST_DMESG) {
        cli_text_drop(&h->dmesg, h->dmesg.len - HOST_DMESG);
    }
}

/* A line of our own. */
__attribute__((format(printf, 2, 3))) static void
dmesg_line(struct host *h, const char *format, ...)
{
    struct cli_text t = {0};
    va_list ap;
    char *text = NULL;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) >= 0) {
        cli_text_printf(&t, "(XEN) %s\n", text);
        host_dmesg_add(h, t.data, t.len);
        free(text);
    }
    va_end(ap);
    cli_text_free(&t);
}

static void on_hello(struct host *h, const struct link_message *m)
{
    if (m->number != SCHEDOP_LINK_VERSION) {
        host_stop(h, "the hypervisor speaks another version of the link: "
                     "build or install both anew");
    }
}

static void on_boot(struct host *h, const struct link_message *m)
{
    h->boot = m->boot;
    qemu_ring(&h->q, m->boot.ring);
    dmesg_line(h, "schedop " CLI_VERSION ", the interface of Xen 4.17");
    dmesg_line(h,
               "%" PRIu64 " pCPUs, %" PRIu64 " KiB of RAM, %" PRIu64
               " KiB of it the hypervisor's, up in %" PRIu64 " us",
               m->boot.pcpus, m->boot.memory_kib, m->boot.hypervisor_kib,
               m->boot.boot_ns / 1000);
    if (h->phase == HOST_BOOTING) {
        h->phase = HOST_RUNNING;
        h->phase_end_ms = UINT64_MAX;
    }
}

static void on_log(struct host *h, const struct link_message *m)
{
    static const char prefix[] = "(XEN) ";

    host_dmesg_add(h, prefix, sizeof(prefix) - 1);
    host_dmesg_add(h, m->text, m->text_len);
    host_dmesg_add(h, "\n", 1);
    if (strcmp(m->level, "debug") != 0) {
        cli_note("hypervisor: %s: %s", m->level, m->text);
    }
}

static void on_panic(struct host *h, const struct link_message *m)
{
    char *why = cli_format("the hypervisor failed: %s", m->text);

    host_stop(h, why);
    free(why);
}

static void on_line(void *context, char *line, size_t len)
{
    struct host *h = context;
    struct link_message m;

    link_parse(line, len, &m);
    switch (m.verb) {
    case LINK_HELLO:
        on_hello(h, &m);
        break;
    case LINK_BOOT:
        on_boot(h, &m);
        break;
    case LINK_LOG:
        on_log(h, &m);
        break;
    case LINK_ROW:
        on_row(h, &m);
        break;
    case LINK_DID:
        on_did(h, &m);
        break;
    case LINK_PANIC:
        on_panic(h, &m);
        break;
    case LINK_CRASH:
        dmesg_line(h, "Domain %u crashed: %.*s", m.domid, (int)m.text_len,
                   m.text);
        host_guest_line(h, &m);
        break;
    case LINK_CREATE:
    case LINK_START:
    case LINK_FAIL:
    case LINK_CON:
    case LINK_END:
    case LINK_GONE:
    case LINK_STOPPED:
    case LINK_TOOK:
        host_guest_line(h, &m);
        break;
    case LINK_DUMP:
        host_dump_line(h, &m);
        break;
    case LINK_ROOM:
        qemu_room(&h->q);
        break;
    case LINK_STORE:
        host_store_line(h);
        break;
    case LINK_EXIT:
    case LINK_TRACE:
    case LINK_BAD:
    case LINK_UNKNOWN:
        break;
    }
}

void host_link_read(struct host *h)
{
    char data[16384];
    ssize_t n = tail_take(&h->q.link_out, data, sizeof(data));

    if (n > 0) {
        link_feed(&h->reader, data, (size_t)n, on_line, h);
    }
}

void host_link_write(struct host *h)
{
    qemu_send(&h->q, &h->to_link);
}
