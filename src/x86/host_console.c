/* SPDX-License-Identifier: MIT */
/*
 * Consoles: what domains write leaves as it comes; what is typed for them
 * waits in their record until they take it.
 *
 * Output is never dropped: a guest whose ring is full waits until it was
 * drained. Nor is input: the tool sends no more than SCHEDOP_LINK_INPUT bytes
 * that a domain has not taken, and hears of those that were. Without a link
 * nobody counts, and what a domain does not take of COM1's input is lost.
 */
#include "host.h"

#include <stdint.h>

#include <xen/io/console.h>
#include <xen/xen.h>

#include "lib/linkline.h"
#include "link_ring.h"

#define CHUNK 512u
#define CHUNKS_MAX 8u /* of one domain and round */
#define COMMANDS_MAX 64u

_Static_assert((SCHEDOP_LINK_INPUT & (SCHEDOP_LINK_INPUT - 1)) == 0,
               "indices of the input wrap");

/* Commands on their way from the boot pCPU to the worker; list. */
static struct linkline_command commands[COMMANDS_MAX];
static uint32_t commands_head, commands_tail;

/* ------------------------------------------------------------------ output */

void host_domain_output(struct x86_domain *d, const char *text, size_t len)
{
    const struct host_domain *h;
    struct link_domain id;

    x86_lock(&host.list);
    h = host_of(d);
    x86_unlock(&host.list);
    /* Its own vCPU is here, so the record stays while we use it. */
    if (h != NULL && !h->silent) {
        id = host_link(h);
        link_con(&id, text, len);
    }
}

/* Moves up to `max` pieces of output; true when there may be more. */
static bool take_output(struct sop_pcpu *self, struct host_domain *h,
                        unsigned max)
{
    struct link_domain id = host_link(h);
    char text[CHUNK];
    bool some = false;
    size_t n = 0;

    for (unsigned i = 0; i < max; i++) {
        n = console_take(&h->console, text, sizeof(text));
        if (n == 0) {
            break;
        }
        some = true;
        link_con(&id, text, n);
    }
    if (some) {
        sop_evtchn_host_notify(self, h->sop, domain_console_port(h->x86));
    }
    return n != 0;
}

static void complain(struct host_domain *h)
{
    if (console_complaint(&h->console)) {
        x86_log(SOP_LOG_WARNING,
                "%s: console ring broken: its indices are impossible; it is "
                "ignored until they make sense",
                h->name);
    }
}

void host_drain_console(struct sop_pcpu *self, struct host_domain *h)
{
    if (h->has_console) {
        /* It is stopped: a ring full is all there can be. */
        (void)take_output(
            self, h,
            sizeof(((struct xencons_interface *)NULL)->out) / CHUNK + 1);
        complain(h);
    }
}

/* ------------------------------------------------------------------- input */

/*
 * The hardware domain reads its input by console_io, as the console of the
 * machine, unless it has begun to use its ring.
 */
static bool uses_ring(const struct host_domain *h)
{
    const struct xencons_interface *r = h->console.ring;

    return h->has_console && (!h->spec->hardware || r->out_prod != 0);
}

/* Bytes at the front of the input that lie in one piece; list held. */
static size_t input_piece(const struct host_domain *h, const char **bytes)
{
    uint32_t at = h->in_tail % SCHEDOP_LINK_INPUT;
    uint32_t fill = h->in_head - h->in_tail;

    *bytes = h->input + at;
    return fill < SCHEDOP_LINK_INPUT - at ? fill : SCHEDOP_LINK_INPUT - at;
}

/*
 * How many bytes the domain took of which the tool should hear now: not of
 * every single one, but of all when nothing else would remind us. List held.
 */
static uint32_t input_taken(struct host_domain *h)
{
    uint32_t n = h->in_tail - h->in_told;

    if (h->in_head != h->in_tail && n < SCHEDOP_LINK_INPUT / 4) {
        return 0;
    }
    h->in_told = h->in_tail;
    return n;
}

static bool feed_ring(struct host_domain *h)
{
    const struct link_domain id = host_link(h);
    const char *bytes;
    bool some = false;
    size_t n, fed;
    uint32_t taken;

    x86_lock(&host.list);
    do {
        n = input_piece(h, &bytes);
        fed = n > 0 ? console_offer(&h->console, bytes, n) : 0;
        h->in_tail += (uint32_t)fed;
        some |= fed > 0;
    } while (fed > 0 && fed == n);
    taken = input_taken(h);
    x86_unlock(&host.list);
    if (taken > 0) {
        link_took(&id, taken);
    }
    return some;
}

bool host_serve_console(struct sop_pcpu *self, struct host_domain *h)
{
    bool more;

    if (!h->has_console || h->silent) {
        return false;
    }
    more = take_output(self, h, CHUNKS_MAX);
    if (uses_ring(h) && feed_ring(h)) {
        sop_evtchn_host_notify(self, h->sop, domain_console_port(h->x86));
    }
    complain(h);
    return more;
}

size_t host_console_read(struct x86_domain *d, char *text, size_t len)
{
    struct host_domain *h;
    struct link_domain id = {0};
    const char *bytes;
    size_t n = 0, part;
    uint32_t taken = 0;

    x86_lock(&host.list);
    h = host_of(d);
    while (h != NULL && n < len && (part = input_piece(h, &bytes)) > 0) {
        part = part < len - n ? part : len - n;
        for (size_t i = 0; i < part; i++) {
            text[n++] = bytes[i];
        }
        h->in_tail += (uint32_t)part;
    }
    if (h != NULL) {
        /* Its own vCPU is here, so the record stays while we use it. */
        id = host_link(h);
        taken = input_taken(h);
    }
    x86_unlock(&host.list);
    if (taken > 0) {
        link_took(&id, taken);
    }
    return n;
}

/* list held; how many of `len` found room. */
static size_t input_add(struct host_domain *h, const char *bytes, size_t len)
{
    size_t n = 0;

    while (n < len && h->in_head - h->in_tail < SCHEDOP_LINK_INPUT) {
        h->input[h->in_head++ % SCHEDOP_LINK_INPUT] = bytes[n++];
    }
    return n;
}

static void typed(struct sop_pcpu *self, uint16_t domid, const char *bytes,
                  size_t len)
{
    bool hardware = false, lost = false, known;
    struct host_domain *h;

    x86_lock(&host.list);
    h = host_find(domid);
    known = h != NULL;
    if (known) {
        hardware = h->spec->hardware;
        lost = input_add(h, bytes, len) < len && !h->input_lost;
        h->input_lost |= lost;
    }
    x86_unlock(&host.list);
    if (lost) {
        x86_log(SOP_LOG_WARNING,
                "domain %u does not read its console: input was lost", domid);
    }
    if (!known) {
        x86_log(SOP_LOG_WARNING, "input for domain %u, which does not exist",
                domid);
    }
    if (hardware) {
        sop_virq_global(self, host.sys, VIRQ_CONSOLE);
    }
    host_note();
}

/* --------------------------------------------------------------- the link */

static void command_add(const struct linkline_command *cmd)
{
    bool full;

    x86_lock(&host.list);
    full = commands_head - commands_tail == COMMANDS_MAX;
    if (!full) {
        commands[commands_head++ % COMMANDS_MAX] = *cmd;
    }
    x86_unlock(&host.list);
    if (full) {
        x86_log(SOP_LOG_WARNING, "link: too many commands at once");
    }
    host_note();
}

bool host_next_command(struct linkline_command *cmd)
{
    bool any;

    x86_lock(&host.list);
    any = commands_head != commands_tail;
    if (any) {
        *cmd = commands[commands_tail++ % COMMANDS_MAX];
    }
    x86_unlock(&host.list);
    return any;
}

static void link_line_in(struct sop_pcpu *self, char *line)
{
    struct linkline_command cmd;

    linkline_parse(line, &cmd);
    switch (cmd.verb) {
    case LINKLINE_CON:
        typed(self, cmd.domid, cmd.text, cmd.len);
        break;
    case LINKLINE_SHUTDOWN:
    case LINKLINE_DESTROY:
    case LINKLINE_DUMPED:
    case LINKLINE_STOP:
        command_add(&cmd);
        break;
    case LINKLINE_BAD:
        x86_log(SOP_LOG_WARNING, "link: a line that makes no sense");
        break;
    case LINKLINE_ASK:
        host_ask_line(cmd.text);
        break;
    case LINKLINE_UNKNOWN:
        break;
    }
}

/* Without a link what is typed on COM1 goes to the first domain. */
static void console_in(struct sop_pcpu *self)
{
    const struct host_domain *h;
    char bytes[64];
    size_t n;
    int domid = -1;

    x86_lock(&host.list);
    for (h = host.first; h != NULL && domid < 0; h = h->next) {
        if (!h->silent) {
            domid = h->domid;
        }
    }
    x86_unlock(&host.list);
    while ((n = console_read(bytes, sizeof(bytes))) > 0) {
        if (domid >= 0) {
            typed(self, (uint16_t)domid, bytes, n);
        }
    }
}

bool host_has_input(void)
{
    return link_port_has_input() || console_has_input();
}

static void lines_in(struct sop_pcpu *self, struct linkline_reader *reader,
                     const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        /* An empty line only says that there is something in the ring. */
        if (linkline_feed(reader, bytes[i]) && reader->line[0] != '\0') {
            link_line_in(self, reader->line);
        }
    }
}

/* No more than can have been there when the port was read. */
static void ring_in(struct sop_pcpu *self)
{
    static struct linkline_reader reader;
    char bytes[256];
    size_t n, all = 0;

    while (all < SCHEDOP_LINK_RING &&
           (n = link_ring_read(bytes, sizeof(bytes))) > 0) {
        lines_in(self, &reader, bytes, n);
        all += n;
    }
    if (link_ring_awaited()) {
        link_room();
    }
}

/* Boot pCPU, which alone reads the ports. */
void host_take_input(struct sop_pcpu *self)
{
    static struct linkline_reader reader;
    char bytes[64];
    bool some = false;
    size_t n;

    while ((n = link_port_read(bytes, sizeof(bytes))) > 0) {
        lines_in(self, &reader, bytes, n);
        some = true;
    }
    if (some) {
        ring_in(self);
    }
    if (console_has_input()) {
        console_in(self);
    }
}
