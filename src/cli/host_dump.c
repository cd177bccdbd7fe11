/* SPDX-License-Identifier: MIT */
/*
 * Requests of `dump-core` (docs/control.md): the client writes the core, and
 * a domain goes on when it goes away. And cores of domains that ended with a
 * coredump action, which are ours to write.
 */
#include "host_daemon.h"

void host_dump_drop(struct host *h, struct host_client *c)
{
    if (c->dump.held) {
        host_ask(h, host_hold_undone, NULL, "dump-end %u", c->dump.domid);
    }
    c->dump.held = false;
}

/* A client that went away before the answer has ended it behind it. */
static void answer_begin(struct host *h, void *context, unsigned error,
                         json_t *rows, const char *text)
{
    struct host_request *r = context;
    struct host_client *c = host_client_by_serial(h, r->serial);

    if (error != 0 && c != NULL) {
        c->dump.held = false;
    }
    host_answer_window(h, r, error, rows, text);
}

void host_serve_dump_begin(struct host *h, struct host_client *c,
                           struct host_request *r, json_t *args)
{
    if (host_hold_begin(h, &c->dump, r, args, "dumps")) {
        host_ask(h, answer_begin, r, "dump-begin %u", c->dump.domid);
    }
}

void host_serve_dump_end(struct host *h, struct host_client *c,
                         struct host_request *r, json_t *args)
{
    if (host_hold_check(h, &c->dump, r, args, "dump")) {
        c->dump.held = false;
        host_ask(h, host_answer_words, r, "dump-end %u", c->dump.domid);
    }
}

/* ---- of domains that ended ---- */

/* The domain may go now. */
static void say_dumped(struct host *h, uint16_t domid, const char *name,
                       const char *path)
{
    host_event(h, json_pack("{s:s, s:i, s:s, s:s?}", "event", "dump", "domid",
                            (int)domid, "name", name, "path", path));
    cli_text_printf(&h->to_link, "dumped %u\n", domid);
}

void host_dump_line(struct host *h, const struct link_message *m)
{
    if (!dump_start(&h->dumps, &h->q.ram, m)) {
        say_dumped(h, m->domid, m->name, NULL);
    }
}

void host_dump_reap(struct host *h)
{
    struct dump *dump;

    while ((dump = dump_next(&h->dumps)) != NULL) {
        say_dumped(h, dump->domid, dump->name,
                   dump->written ? dump->path : NULL);
        dump_free(dump);
    }
}
