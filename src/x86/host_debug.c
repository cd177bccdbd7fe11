/* SPDX-License-Identifier: MIT */
/*
 * Domains under a debugger of the host tool, all of their vCPUs at a time:
 *
 *   debug-attach  holds the vCPUs; the tool learns where their registers are
 *   debug-stop    holds them
 *   debug-go      takes over registers, and lets some vCPUs go on or step
 *   debug-break   puts an INT3 into memory, or takes it away
 *   debug-map     where a piece of the domain's memory is, to be read
 *   debug-write   from the window into memory, which an emulator would not
 *                 notice if the tool did it
 *   debug-detach  all as before
 *
 * `stopped` is said once after each attach, stop and go: when a vCPU has met
 * a breakpoint, or done its step, or on demand; and all vCPUs are out of the
 * pCPUs, with their registers in the window (schedop/debug.h). Breakpoints
 * are kept here, and not by the tool, so that none is left when it dies.
 */
#include "host.h"

#include <schedop/debug.h>

#include <xen/errno.h>

#include "lib/string.h"

struct breakpoint {
    uint64_t gpa;
    uint8_t byte; /* what was there */
};

struct host_debug {
    struct schedop_debug *window;
    size_t bytes;  /* of it */
    bool running;  /* since debug-go */
    bool stopping; /* held, and not yet said */
    bool leaving;  /* when it has stopped the debugger is gone */
    unsigned nr_breakpoints;
    struct breakpoint breakpoint[SCHEDOP_DEBUG_BREAKPOINTS];
};

#define INT3 0xccu

static size_t window_bytes(const struct host_domain *h)
{
    return sizeof(struct schedop_debug) +
           sop_domain_nr_vcpus(h->sop) * sizeof(struct schedop_debug_vcpu);
}

static void hold(struct sop_pcpu *self, struct host_domain *h)
{
    h->debug->running = false;
    h->debug->stopping = true;
    domain_debug_hold(self, h->x86);
    host_note();
}

/* ------------------------------------------------------------- breakpoints */

static struct breakpoint *find_breakpoint(struct host_debug *d, uint64_t gpa)
{
    for (unsigned i = 0; i < d->nr_breakpoints; i++) {
        if (d->breakpoint[i].gpa == gpa) {
            return &d->breakpoint[i];
        }
    }
    return NULL;
}

/* What the guest has written there meanwhile stays. */
static void take_out(struct host_domain *h, const struct breakpoint *b)
{
    uint8_t now;

    if (domain_peek(h->x86, b->gpa, &now) == 0 && now == INT3) {
        (void)domain_poke(h->x86, b->gpa, &b->byte, 1);
    }
}

static int put_in(struct host_domain *h, uint64_t gpa)
{
    struct host_debug *d = h->debug;
    const uint8_t int3 = INT3;
    uint8_t byte;
    int rc;

    if (d->nr_breakpoints == SCHEDOP_DEBUG_BREAKPOINTS) {
        return -XEN_ENOSPC;
    }
    rc = domain_peek(h->x86, gpa, &byte);
    if (rc == 0) {
        rc = domain_poke(h->x86, gpa, &int3, 1);
    }
    if (rc == 0) {
        d->breakpoint[d->nr_breakpoints++] = (struct breakpoint){gpa, byte};
    }
    return rc;
}

/* ---------------------------------------------------------- coming, leaving */

void host_debug_forget(struct host_domain *h)
{
    if (h->debug != NULL) {
        hv_free(h->debug->window, h->debug->bytes);
        hv_free(h->debug, sizeof(*h->debug));
        h->debug = NULL;
    }
}

static void leave(struct sop_pcpu *self, struct host_domain *h)
{
    for (unsigned i = 0; i < h->debug->nr_breakpoints; i++) {
        take_out(h, &h->debug->breakpoint[i]);
    }
    domain_debug_leave(self, h->x86);
    host_debug_forget(h);
}

bool host_debug_look(struct sop_pcpu *self, struct host_domain *h)
{
    const struct link_domain id = host_link(h);

    if (!h->debug->stopping && domain_debug_trapped(h->x86)) {
        hold(self, h);
    }
    if (!h->debug->stopping) {
        return false;
    }
    if (!domain_has_stopped(h->x86)) {
        return true;
    }
    h->debug->stopping = false;
    domain_debug_settle(self, h->x86, h->debug->window);
    if (h->debug->leaving) {
        leave(self, h);
    } else {
        link_stopped(&id);
    }
    return false;
}

/* ------------------------------------------------------------------- verbs */

/*
 * The domain that the next word names, if it is under a debugger and, for
 * `stopped`, has stopped; NULL with an explanation.
 */
static struct host_domain *debugged(struct host_ask *ask, bool stopped,
                                    int *error)
{
    struct host_domain *h = host_ask_domain(ask, error);

    if (h == NULL) {
        return NULL;
    }
    if (h->debug == NULL || h->debug->leaving) {
        *error = host_ask_fail(ask, -XEN_EINVAL, "it is not being debugged");
        return NULL;
    }
    if (stopped && (h->debug->stopping || h->debug->running)) {
        *error = host_ask_fail(ask, -XEN_EBUSY, "it has not stopped");
        return NULL;
    }
    return h;
}

/* debug-attach DOMID */
int ask_debug_attach(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = host_ask_domain(ask, &error);
    struct host_debug *d;

    if (h == NULL) {
        return error;
    }
    if (h->debug != NULL || h->saving) {
        return host_ask_fail(ask, -XEN_EBUSY,
                             h->saving ? "it is being saved"
                                       : "it is being debugged already");
    }
    d = hv_alloc(sizeof(*d));
    if (d == NULL) {
        return host_ask_fail(ask, -XEN_ENOMEM, "no memory left for it");
    }
    d->bytes = window_bytes(h);
    d->window = hv_alloc(d->bytes);
    if (d->window == NULL) {
        hv_free(d, sizeof(*d));
        return host_ask_fail(ask, -XEN_ENOMEM, "no memory left for it");
    }
    h->debug = d;
    hold(self, h);
    x86_snprintf(ask->out, sizeof(ask->out), "pa=0x%llx bytes=%llu vcpus=%u",
                 (unsigned long long)hv_pa(d->window),
                 (unsigned long long)d->bytes, sop_domain_nr_vcpus(h->sop));
    return 0;
}

/* debug-stop DOMID: each attach and go is followed by one `stopped` only. */
int ask_debug_stop(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = debugged(ask, false, &error);

    if (h == NULL) {
        return error;
    }
    if (h->debug->running) {
        hold(self, h);
    }
    return 0;
}

/* debug-detach DOMID: done when all vCPUs have stopped once more. */
int ask_debug_detach(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = debugged(ask, false, &error);

    if (h == NULL) {
        return error;
    }
    h->debug->leaving = true;
    hold(self, h);
    return 0;
}

/* debug-go DOMID RUN STEP: masks of vCPUs; STEP is a part of RUN. */
int ask_debug_go(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = debugged(ask, true, &error);
    const char *why;
    uint64_t run, step;

    if (h == NULL) {
        return error;
    }
    if (!host_ask_number(ask, UINT64_MAX, &run) ||
        !host_ask_number(ask, UINT64_MAX, &step) || !host_ask_end(ask)) {
        return host_ask_fail(ask, -XEN_EINVAL,
                             "expected: debug-go DOMID RUN STEP");
    }
    why = domain_debug_take(h->x86, h->debug->window);
    if (why != NULL) {
        return host_ask_fail(ask, -XEN_EINVAL, why);
    }
    h->debug->running = true;
    domain_debug_go(self, h->x86, run, step & run);
    return 0;
}

/* debug-break DOMID GPA 0|1 */
int ask_debug_break(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = debugged(ask, true, &error);
    struct breakpoint *b;
    uint64_t gpa, set;

    (void)self;
    if (h == NULL) {
        return error;
    }
    if (!host_ask_number(ask, UINT64_MAX, &gpa) ||
        !host_ask_number(ask, 1, &set) || !host_ask_end(ask)) {
        return host_ask_fail(ask, -XEN_EINVAL,
                             "expected: debug-break DOMID GPA 0|1");
    }
    b = find_breakpoint(h->debug, gpa);
    if (set != 0) {
        error = b != NULL ? 0 : put_in(h, gpa);
        return error == 0 ? 0 : host_ask_fail(ask, error, "not there");
    }
    if (b == NULL) {
        return host_ask_fail(ask, -XEN_ENOENT, "there is none");
    }
    take_out(h, b);
    *b = h->debug->breakpoint[--h->debug->nr_breakpoints];
    return 0;
}

/* debug-write DOMID GPA BYTES: the first so many of the window's data. */
int ask_debug_write(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    const struct host_domain *h = debugged(ask, true, &error);
    uint64_t gpa, bytes;

    (void)self;
    if (h == NULL) {
        return error;
    }
    if (!host_ask_number(ask, UINT64_MAX, &gpa) ||
        !host_ask_number(ask, SCHEDOP_DEBUG_DATA, &bytes) ||
        !host_ask_end(ask)) {
        return host_ask_fail(ask, -XEN_EINVAL,
                             "expected: debug-write DOMID GPA BYTES");
    }
    error = domain_poke(h->x86, gpa, h->debug->window->data, bytes);
    return error == 0 ? 0 : host_ask_fail(ask, error, "no memory is there");
}

/* debug-map DOMID GPA: `pa=ADDRESS bytes=N`, as far as it is in one piece. */
int ask_debug_map(struct sop_pcpu *self, struct host_ask *ask)
{
    int error = 0;
    struct host_domain *h = debugged(ask, true, &error);
    uint64_t gpa, pa, bytes;

    (void)self;
    if (h == NULL) {
        return error;
    }
    if (!host_ask_number(ask, UINT64_MAX, &gpa) || !host_ask_end(ask)) {
        return host_ask_fail(ask, -XEN_EINVAL, "expected: debug-map DOMID GPA");
    }
    bytes = domain_find_memory(h->x86, gpa, &pa);
    if (bytes == 0) {
        return host_ask_fail(ask, -XEN_EFAULT, "no memory is there");
    }
    x86_snprintf(ask->out, sizeof(ask->out), "pa=0x%llx bytes=%llu",
                 (unsigned long long)pa, (unsigned long long)bytes);
    return 0;
}
