/* SPDX-License-Identifier: MIT */
/* See pair.h. */
#include "pair.h"
#include "lab.h"

#define BITS 32u
#define BELL 32u  /* the word is complete */
#define TAKEN 33u /* and was taken */
#define PORTS 34u
#define FIRST_PORTS 128u /* the subject's wire is among these */

struct pair subject, deaf;
static struct pair *peer = &subject;

static void nothing(void)
{
}

void (*pair_idle)(void) = nothing;

void pair_with(struct pair *pair)
{
    peer = pair;
}

/* ---- words ---- */

/* Waits for an event of the wire, at work in between. */
static bool wait_for(unsigned int which, uint64_t ns)
{
    evtchn_port_t port = peer->port[which];
    uint64_t end = in(ns);

    while (!is_pending(port)) {
        if (now() >= end) {
            return false;
        }
        pair_idle();
        /* A time left behind would end a poll of the subject's later. */
        (void)poll(&port, 1, lab_is_subject() ? 0 : in(MS));
    }
    clear_pending(port);
    return true;
}

bool pair_put(uint32_t word)
{
    for (unsigned int i = 0; i < BITS; i++) {
        if (word >> i & 1) {
            (void)send(peer->port[i]);
        }
    }
    (void)send(peer->port[BELL]);
    return wait_for(TAKEN, SOON);
}

bool pair_get(uint32_t *word, uint64_t ns)
{
    if (!wait_for(BELL, ns)) {
        return false;
    }
    *word = 0;
    for (unsigned int i = 0; i < BITS; i++) {
        if (is_pending(peer->port[i])) {
            clear_pending(peer->port[i]);
            *word |= UINT32_C(1) << i;
        }
    }
    (void)send(peer->port[TAKEN]);
    return true;
}

/* ---- the controller ---- */

bool pair_join(struct pair *pair, uint16_t domid, uint64_t ns)
{
    uint64_t end = in(ns);
    evtchn_port_t remote = 1;

    pair->domid = domid;
    for (unsigned int i = 0; i < PORTS; remote++) {
        if (remote >= FIRST_PORTS) {
            if (now() >= end) {
                return false;
            }
            remote = 1;
            pair_rest(10 * MS);
        }
        if (schedop_evtchn_bind_interdomain(domid, remote, &pair->port[i]) ==
            0) {
            set_mask(pair->port[i], true);
            clear_pending(pair->port[i]);
            i++;
        }
    }
    clear_upcall(0);
    pair->joined = true;
    return true;
}

void pair_rest(uint64_t ns)
{
    uint64_t end = in(ns);

    while (now() < end) {
        pair_idle();
        rest(MS);
    }
}

/* Jobs are named by their distance from this function. */
bool pair_start(void (*job)(void))
{
    bool ok = pair_put((uint32_t)((uintptr_t)job - (uintptr_t)pair_start));

    if (!ok) {
        broken("the other domain does not answer");
    }
    return ok;
}

uint32_t pair_hear(void)
{
    uint32_t word;

    if (!pair_get(&word, 2 * SOON)) {
        broken("the other domain is silent");
        return 0xdeadbeef;
    }
    return word;
}

int pair_domctl(uint32_t command, uint16_t domid, struct xen_domctl *op)
{
    op->cmd = command;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = domid;
    return (int)raw_call(__HYPERVISOR_domctl, (uintptr_t)op, 0, 0);
}

int pair_control(uint32_t command)
{
    static struct xen_domctl op;

    return pair_domctl(command, peer->domid, &op);
}

uint32_t pair_flags(void)
{
    static struct xen_domctl op;

    if (pair_domctl(XEN_DOMCTL_getdomaininfo, peer->domid, &op) != 0 ||
        op.u.getdomaininfo.domain != peer->domid) {
        return UINT32_MAX;
    }
    return op.u.getdomaininfo.flags;
}

int pair_code(void)
{
    return (int)(pair_flags() >> XEN_DOMINF_shutdownshift &
                 XEN_DOMINF_shutdownmask);
}

bool pair_is_down(void)
{
    uint64_t end = in(SOON);

    while (!(pair_flags() & XEN_DOMINF_shutdown) && now() < end) {
        pair_rest(MS);
    }
    return (pair_flags() & XEN_DOMINF_shutdown) != 0;
}

int pair_remote(uint32_t reason)
{
    struct sched_remote_shutdown arg = {peer->domid, reason};

    return sched_op(SCHEDOP_remote_shutdown, &arg);
}

/* ---- the subject ---- */

uint32_t told(void)
{
    uint32_t word = 0;

    while (!pair_get(&word, SOON)) {
        /* the controller is busy elsewhere */
    }
    return word;
}

void pair_serve(void)
{
    upcalls_off();
    for (unsigned int i = 0; i < PORTS; i++) {
        if (schedop_evtchn_alloc_unbound(0, &subject.port[i]) != 0) {
            broken("no port for the wire");
        }
        set_mask(subject.port[i], true);
    }
    for (;;) {
        uintptr_t job = (uintptr_t)pair_start + (uintptr_t)(int32_t)told();

        lab_forget();
        ((void (*)(void))job)();
    }
}
