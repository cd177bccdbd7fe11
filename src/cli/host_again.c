/* SPDX-License-Identifier: MIT */
/*
 * Domains that restart. xl builds them anew 2 s after their end, and so do we:
 * one that dies at once does not keep the machine busy.
 */
#include "host_daemon.h"

#include <stdlib.h>

#include <xen/errno.h>

/* That it cannot be built is said by a line of its own. */
static void on_answer(struct host *h, void *context, unsigned error,
                      json_t *rows, const char *text)
{
    (void)h;
    (void)context;
    (void)rows;
    if (error != 0 && error != HOST_NO_ANSWER) {
        cli_warning("a domain is not restarted: %s", text);
    }
}

void host_again_add(struct host *h, uint16_t domid)
{
    struct host_again *a = cli_alloc(sizeof(*a));

    *a = (struct host_again){h->again, domid,
                             cli_clock_ms() + h->options->restart_ms};
    h->again = a;
}

uint64_t host_again_due(const struct host *h)
{
    uint64_t due_ms = UINT64_MAX;

    for (const struct host_again *a = h->again; a != NULL; a = a->next) {
        due_ms = a->due_ms < due_ms ? a->due_ms : due_ms;
    }
    return due_ms;
}

void host_again_serve(struct host *h)
{
    uint64_t now_ms = cli_clock_ms();
    struct host_again **at = &h->again;

    while (*at != NULL) {
        struct host_again *a = *at;

        if (a->due_ms > now_ms) {
            at = &a->next;
            continue;
        }
        *at = a->next;
        host_ask(h, on_answer, NULL, "again %u", a->domid);
        free(a);
    }
}

void host_again_free(struct host *h)
{
    while (h->again != NULL) {
        struct host_again *a = h->again;

        h->again = a->next;
        free(a);
    }
}
