/* SPDX-License-Identifier: MIT */
/*
 * Event channels, as far as scheduling needs them (spec section 4).
 *
 * Poll, block and timers all end in a pending bit, so the orders of checks of
 * the operations that open, move and close ports belong to the interface.
 */
#include "lab.h"

#include <xen/memory.h>

static int bind_virq(uint32_t virq, uint32_t vcpu, evtchn_port_t *port)
{
    struct evtchn_bind_virq b = {virq, vcpu, 0};
    int rc = evtchn_op(EVTCHNOP_bind_virq, &b);

    if (rc == 0) {
        keep_open(b.port);
        *port = b.port;
    }
    return rc;
}

static void timer_virq(void)
{
    evtchn_port_t port;

    saw("vCPU 0", bind_virq(VIRQ_TIMER, 0, &port), 0);
    saw("again", bind_virq(VIRQ_TIMER, 0, &port), -XEN_EEXIST);
    saw("vCPU 1, from vCPU 0", bind_virq(VIRQ_TIMER, 1, &port), 0);
    saw("vCPU 9", bind_virq(VIRQ_TIMER, 9, &port), -XEN_ENOENT);
    saw("virq 24", bind_virq(24, 0, &port), -XEN_EINVAL);
    saw("virq 24 on vCPU 9", bind_virq(24, 9, &port), -XEN_EINVAL);
}

static void foreign_virq(void)
{
    evtchn_port_t port = 0;

    saw("bind", bind_virq(VIRQ_DOM_EXC, 0, &port),
        lab_version() >= 0x40015 ? -XEN_EBUSY : 0);
    rest(WHILE);
    saw_that("silent", !is_pending(port));
}

static int move(evtchn_port_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu b = {port, vcpu};

    return evtchn_op(EVTCHNOP_bind_vcpu, &b);
}

static void global_virq(void)
{
    evtchn_port_t port = 0;

    saw("on vCPU 1", bind_virq(VIRQ_DOM_EXC, 1, &port), -XEN_EINVAL);
    saw("on vCPU 9", bind_virq(VIRQ_DOM_EXC, 9, &port), -XEN_EINVAL);
    saw("on vCPU 0", bind_virq(VIRQ_DOM_EXC, 0, &port), 0);
    saw("moved to 1", move(port, 1), 0);
    saw("again", bind_virq(VIRQ_DOM_EXC, 0, &port), -XEN_EEXIST);
}

static void moving(void)
{
    evtchn_port_t timer = open_timer(0), unbound = open_unbound();

    saw("no such vCPU", move(unbound, 9), -XEN_ENOENT);
    saw("ipi", move(open_ipi(0), 1), -XEN_EINVAL);
    saw("per-vCPU virq", move(timer, 1), -XEN_EINVAL);
    saw("closed", move(closed_port(), 1), -XEN_EINVAL);
    saw("port 0", move(0, 1), -XEN_EINVAL);
    saw("unknown", move(4000, 1), -XEN_EINVAL);
    saw("unbound", move(unbound, 1), 0);
}

static int status(evtchn_port_t port, uint32_t *state)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port, .status = 99};
    int rc = evtchn_op(EVTCHNOP_status, &s);

    *state = s.status;
    return rc;
}

static void states(void)
{
    uint32_t state;

    saw("closed", status(closed_port(), &state), 0);
    saw("state", (long)state, EVTCHNSTAT_closed);
    saw("unbound", status(open_unbound(), &state), 0);
    saw("state", (long)state, EVTCHNSTAT_unbound);
    saw("virq", status(open_timer(0), &state), 0);
    saw("state", (long)state, EVTCHNSTAT_virq);
    saw("ipi", status(open_ipi(0), &state), 0);
    saw("state", (long)state, EVTCHNSTAT_ipi);
    saw("unknown", status(4000, &state), -XEN_EINVAL);
}

static evtchn_port_t join(evtchn_port_t remote)
{
    struct evtchn_bind_interdomain b = {DOMID_SELF, remote, 0};

    if (evtchn_op(EVTCHNOP_bind_interdomain, &b) != 0) {
        broken("cannot bind to ourselves");
        return 0;
    }
    keep_open(b.local_port);
    return b.local_port;
}

static void interdomain_starts_pending(void)
{
    evtchn_port_t peer = open_unbound();
    evtchn_port_t local = join(peer);

    saw_that("local", is_pending(local));
    saw_that("not the peer", !is_pending(peer));
    clear_pending(local);
    saw("send", send(local), 0);
    saw_that("sets the peer", is_pending(peer) && !is_pending(local));
    saw("send back", send(peer), 0);
    saw_that("sets the local", is_pending(local));
}

static void interdomain_refused(void)
{
    struct evtchn_bind_interdomain b = {DOMID_SELF, open_ipi(0), 0};

    saw("an ipi", evtchn_op(EVTCHNOP_bind_interdomain, &b), -XEN_EINVAL);
    b.remote_port = closed_port();
    saw("closed", evtchn_op(EVTCHNOP_bind_interdomain, &b), -XEN_EINVAL);
    b.remote_dom = 77;
    saw("no domain", evtchn_op(EVTCHNOP_bind_interdomain, &b), -XEN_ESRCH);
}

static void sending(void)
{
    evtchn_port_t virq = open_timer(0);

    saw("unbound", send(open_unbound()), 0);
    saw("virq", send(virq), -XEN_EINVAL);
    saw("closed", send(closed_port()), -XEN_EINVAL);
    saw("port 0", send(0), -XEN_EINVAL);
    saw("unknown", send(4000), -XEN_EINVAL);
}

static int unmask(evtchn_port_t port)
{
    struct evtchn_unmask u = {port};

    return evtchn_op(EVTCHNOP_unmask, &u);
}

static void unmasking(void)
{
    evtchn_port_t port = open_ipi(0), closed = closed_port();

    set_mask(closed, true);
    saw("closed", unmask(closed), 0);
    saw_that("its mask bit stays", is_masked(closed));
    saw("port 0", unmask(0), 0);
    saw("unknown", unmask(4000), -XEN_EINVAL);
    (void)send(port);
    saw_that("no upcall while masked", info_of(0)->evtchn_upcall_pending == 0);
    saw("pending one", unmask(port), 0);
    saw_that("upcall pending", info_of(0)->evtchn_upcall_pending == 1);
    saw_that("selector", info_of(0)->evtchn_pending_sel == 1);
}

static int close(evtchn_port_t port)
{
    struct evtchn_close c = {port};

    return evtchn_op(EVTCHNOP_close, &c);
}

static void closing(void)
{
    evtchn_port_t peer = open_unbound(), local = join(peer);
    uint32_t state;

    (void)send(peer);
    saw("interdomain", close(local), 0);
    saw_that("pending cleared", !is_pending(local));
    saw("peer", status(peer, &state), 0);
    saw("is unbound", (long)state, EVTCHNSTAT_unbound);
    saw("again", close(local), -XEN_EINVAL);
    saw("port 0", close(0), -XEN_EINVAL);
    saw("unknown", close(4000), -XEN_EINVAL);
}

static void lowest_free(void)
{
    evtchn_port_t a = open_ipi(0), b = open_ipi(0);

    saw_that("ascending", b == a + 1);
    close_port(a);
    saw_that("reused", open_ipi(0) == a);
}

static void ipi_vcpu(void)
{
    struct evtchn_bind_ipi b = {9, 0};

    saw("vCPU 9", evtchn_op(EVTCHNOP_bind_ipi, &b), -XEN_ENOENT);
}

static void priority_needs_fifo(void)
{
    struct evtchn_set_priority p = {open_ipi(0), 3};
    struct evtchn_expand_array e = {0};

    saw("set_priority", evtchn_op(EVTCHNOP_set_priority, &p), -XEN_ENOSYS);
    saw("expand_array", evtchn_op(EVTCHNOP_expand_array, &e), -XEN_EOPNOTSUPP);
}

static void bad_operations(void)
{
    uint64_t bad;
    const char *name;

    saw("99", evtchn_op(99, NULL), -XEN_ENOSYS);
    saw("-1", evtchn_op(-1, NULL), -XEN_ENOSYS);
    if (bad_address(0, &bad, &name)) {
        saw("send, bad operand", evtchn_op(EVTCHNOP_send, (void *)bad),
            -XEN_EFAULT);
        saw("bind_ipi, bad operand", evtchn_op(EVTCHNOP_bind_ipi, (void *)bad),
            -XEN_EFAULT);
    }
}

static const struct fact facts[] = {
    {44, IN_ALL, "a port is the lowest that is free", lowest_free},
    {124, IN_ALL, "VIRQ_TIMER is bound once per vCPU", timer_virq},
    {124, IN_ALL, "an IPI port needs its vCPU", ipi_vcpu},
    {125, IN_ALL, "a global VIRQ is bound on vCPU 0 and can be moved",
     global_virq},
    {125, IN_ALL, "ports of one vCPU cannot be moved", moving},
    {129, IN_ALL | AS_DOMU, "a global VIRQ in a domain that does not handle it",
     foreign_virq},
    {126, IN_ALL, "bind_interdomain sets only the new port pending",
     interdomain_starts_pending},
    {126, IN_ALL, "bind_interdomain wants an unbound port for us",
     interdomain_refused},
    {127, IN_ALL, "what can be sent on", sending},
    {127, IN_ALL, "a port's state", states},
    {127, IN_ALL, "closing one end leaves the other unbound", closing},
    {127, IN_ALL, "unknown operations and bad operands", bad_operations},
    {127, IN_ALL, "FIFO operations on 2-level ports", priority_needs_fifo},
    {128, IN_ALL, "unmask of a closed port does nothing", unmasking},
};

TOPIC(topic_evtchn, "evtchn", facts);
