/* SPDX-License-Identifier: MIT */
/*
 * Poll: waiting for ports or for a time (spec 3.4).
 *
 * Poll is the only command with a scan, a sleep, several ways to be woken and
 * no result that says which it was, so its fine print is what guests lean on:
 * which bad arguments are seen in which order, that masks do not matter, and
 * which event ends whose sleep. A failure of the first kind breaks error
 * handling; of the second, a guest sleeps for ever or spins.
 *
 * "Ends it" facts give the sleeper a deadline far away and expect it back
 * before; "does not end it" facts look after a while that it still sleeps.
 */
#include "arch.h"
#include "lab.h"

#define FAR in(60 * SOON)

static void past_time(void)
{
    saw("timeout 1", poll(NULL, 0, 1), 0);
}

static void timed_sleep(void)
{
    uint64_t start = now();

    saw("now+50ms", poll(NULL, 0, start + 50 * MS), 0);
    saw_that("at least 50 ms", now() - start >= 50 * MS);
}

static void signed_times(void)
{
    uint64_t start = now();

    saw("2^64-1", poll(NULL, 0, UINT64_MAX), 0);
    saw("2^63", poll(NULL, 0, UINT64_C(1) << 63), 0);
    saw_that("at once", now() - start < SOON);
}

static void too_many(void)
{
    static evtchn_port_t ports[130];
    evtchn_port_t port = open_ipi(0);

    for (unsigned int i = 0; i < 130; i++) {
        ports[i] = port;
    }
    set_pending(port);
    saw("129", poll(ports, 129, 1), -XEN_EINVAL);
    saw("129 at NULL", poll(NULL, 129, 1), -XEN_EINVAL);
    saw("2^32-1", poll(ports, UINT32_MAX, 1), -XEN_EINVAL);
    saw("129, upcall due", poll_with_upcall_due(ports, 129), -XEN_EINVAL);
}

static void most_allowed(void)
{
    static evtchn_port_t ports[128];
    evtchn_port_t port = open_ipi(0);
    uint64_t bad;
    const char *name;

    for (unsigned int i = 0; i < 128; i++) {
        ports[i] = port;
    }
    saw("128", poll(ports, 128, 1), 0);
    if (bad_address(0, &bad, &name)) {
        saw("128 nowhere", poll((const evtchn_port_t *)bad, 128, 1),
            -XEN_EFAULT);
    }
}

static void no_ports_bad_array(void)
{
    saw("array at 8", poll((const evtchn_port_t *)8, 0, 1), 0);
    saw("array in the hypervisor",
        poll((const evtchn_port_t *)0xffff830000000000, 0, 1), -XEN_EFAULT);
}

static void dead_ports(void)
{
    static const evtchn_port_t ports[] = {0, 64, 4095, 4096, UINT32_MAX};
    static const char *const names[] = {"0", "64", "4095", "4096", "2^32-1"};
    evtchn_port_t closed = closed_port();

    for (unsigned int i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
        saw(names[i], poll(&ports[i], 1, 1), -XEN_EINVAL);
    }
    saw("closed", poll(&closed, 1, 1), -XEN_EINVAL);
}

static void pending_already(void)
{
    evtchn_port_t port = open_ipi(0);

    (void)send(port);
    saw("masked", poll(&port, 1, 0), 0);
    saw_that("stays pending", is_pending(port));
    set_mask(port, false);
    saw("unmasked", poll(&port, 1, 0), 0);
    saw_that("stays pending", is_pending(port));
}

static void scan_stops(void)
{
    evtchn_port_t pending = open_ipi(0), idle = open_ipi(0);
    evtchn_port_t a[2] = {pending, 0}, b[2] = {0, pending}, c[2] = {idle, 0};

    (void)send(pending);
    saw("pending, 0", poll(a, 2, 1), 0);
    saw("0, pending", poll(b, 2, 1), -XEN_EINVAL);
    saw("idle, 0", poll(c, 2, 1), -XEN_EINVAL);
}

static void scan_reads_in_order(void)
{
    evtchn_port_t *port = edge(sizeof(*port));

    *port = open_ipi(0);
    saw("idle, unreadable", poll(port, 2, 1), -XEN_EFAULT);
    (void)send(*port);
    saw("pending, unreadable", poll(port, 2, 1), 0);
}

static void upcall_due(void)
{
    static const evtchn_port_t none = 0;
    uint64_t bad;
    const char *name;

    saw("port 0", poll_with_upcall_due(&none, 1), 0);
    if (bad_address(0, &bad, &name)) {
        saw("array nowhere",
            poll_with_upcall_due((const evtchn_port_t *)bad, 1), 0);
    }
    if (lab_world() & IN_PV) {
        saw("array in the hypervisor",
            poll_with_upcall_due((const evtchn_port_t *)0xffff830000000000, 1),
            -XEN_EFAULT);
    }
}

/* ---- what ends a sleep ---- */

/* The victim polls `ports`; true when it is asleep. */
static bool victim_polls(uint32_t nr, evtchn_port_t a, evtchn_port_t b,
                         uint64_t deadline)
{
    aim = (struct aim){{a, b}, nr, deadline};
    victim_start(job_poll);
    if (!victim_sleeps()) {
        broken("the second vCPU did not sleep");
        return false;
    }
    return true;
}

static void expect_end(const char *what)
{
    saw_that(what, victim_ends(SOON) && found.result == 0);
}

/* Not ended now; the sleeper is then released through its own port. */
static void expect_sleep(const char *what, evtchn_port_t release)
{
    bool ended = victim_ends(WHILE);

    saw_that(what, !ended);
    if (!ended) {
        (void)send(release);
        if (!victim_ends(SOON)) {
            broken("the second vCPU cannot be woken");
        }
    }
}

static void job_poll_own_timer(void)
{
    evtchn_port_t port = aim.ports[0];

    one_shot(in(5 * MS));
    found.result = poll(&port, 1, aim.deadline);
    found.in_time = now() < aim.deadline && is_pending(port);
}

static void masked_timer(void)
{
    aim = (struct aim){{open_timer(1)}, 1, FAR};
    victim_start(job_poll_own_timer);
    expect_end("ends");
    saw_that("pending", found.in_time);
}

static void other_masked_one(void)
{
    evtchn_port_t port = open_ipi(1), other = open_ipi(1);

    if (victim_polls(1, port, 0, FAR)) {
        (void)send(other);
        expect_sleep("sleeps on", port);
    }
}

static void other_masked_many(void)
{
    evtchn_port_t a = open_ipi(1), b = open_ipi(1), other = open_ipi(1);
    evtchn_port_t foreign = open_ipi(0);

    if (victim_polls(2, a, b, FAR)) {
        (void)send(other);
        expect_end("two ports");
    }
    clear_pending(other);
    if (victim_polls(0, 0, 0, FAR)) {
        (void)send(other);
        expect_end("no ports");
    }
    if (victim_polls(2, a, b, FAR)) {
        (void)send(foreign);
        expect_end("another vCPU's");
    }
}

static void other_unmasked(void)
{
    evtchn_port_t port = open_ipi(1), other = open_ipi(1);

    set_mask(other, false);
    if (victim_polls(1, port, 0, FAR)) {
        (void)send(other);
        expect_end("ends");
    }
}

static void other_after_upcall(void)
{
    evtchn_port_t port = open_ipi(1), other = open_ipi(1);

    set_mask(other, false);
    info_of(1)->evtchn_upcall_pending = 1;
    if (victim_polls(1, port, 0, FAR)) {
        (void)send(other);
        expect_sleep("one port sleeps on", port);
    }
    clear_pending(port);
    clear_pending(other);
    clear_upcall(1);
    info_of(1)->evtchn_upcall_pending = 1;
    if (victim_polls(0, 0, 0, FAR)) {
        (void)send(other);
        expect_end("no ports ends");
    }
}

static void signalled_again(void)
{
    evtchn_port_t a = open_ipi(1), b = open_ipi(1), other = open_ipi(1);

    (void)send(other);
    if (victim_polls(1, a, 0, FAR)) {
        (void)send(other);
        expect_sleep("one port sleeps on", a);
    }
    clear_pending(a);
    if (victim_polls(2, a, b, FAR)) {
        (void)send(other);
        expect_sleep("two ports sleep on", a);
    }
}

static void set_by_hand(void)
{
    evtchn_port_t port = open_ipi(1);

    if (victim_polls(1, port, 0, FAR)) {
        set_pending(port);
        saw_that("sleeps on", !victim_ends(WHILE));
        clear_pending(port);
        (void)send(port);
        expect_end("a real event ends it");
    }
}

static void mask_is_kept(void)
{
    volatile uint8_t *mask = &info_of(0)->evtchn_upcall_mask;
    uint8_t before = *mask;

    (void)poll(NULL, 0, 1);
    saw_that("held off", *mask == before);
    upcalls_on();
    before = *mask;
    (void)poll(NULL, 0, 1);
    saw_that("let in", *mask == before);
    upcalls_off();
}

static void two_pollers(void)
{
    evtchn_port_t port = open_ipi(1);
    evtchn_port_t timer = open_timer(0);
    uint64_t deadline = FAR;

    (void)port;
    if (victim_polls(1, timer, 0, deadline)) {
        one_shot(in(10 * MS));
        saw("first", poll(&timer, 1, deadline), 0);
        saw_that("in time", now() < deadline);
        expect_end("second");
    }
}

static void stale_timer(void)
{
    evtchn_port_t port = open_ipi(1);
    uint64_t deadline = in(4 * WHILE);

    if (!victim_polls(1, port, 0, deadline)) {
        return;
    }
    (void)send(port);
    if (!victim_ends(SOON) || now() >= deadline) {
        skip("the host is too slow to tell");
        return;
    }
    clear_pending(port);
    if (victim_polls(1, port, 0, 0)) {
        bool ended = victim_ends(6 * WHILE);

        may_be(false);
        saw_that("ended by the old time", ended && !is_pending(port));
        if (!ended) {
            (void)send(port);
            (void)victim_ends(SOON);
        }
    }
}

static void other_vcpus_upcall(void)
{
    evtchn_port_t port = open_ipi(1), other = open_ipi(1);

    set_mask(other, false);
    if (victim_polls(1, port, 0, FAR)) {
        (void)send(other);
        expect_end("callback vector");
    }
}

static void down_poller(void)
{
    evtchn_port_t port = open_ipi(1);

    if (!victim_polls(1, port, 0, FAR)) {
        return;
    }
    saw("down", vcpu_op(VCPUOP_down, 1, NULL), 0);
    (void)send(port);
    saw_that("stays away", !victim_ends(WHILE));
    saw("up", vcpu_op(VCPUOP_up, 1, NULL), 0);
    expect_end("then ends");
}

static const struct fact facts[] = {
    {38, IN_ALL, "a time in the past returns 0", past_time},
    {39, IN_ALL, "a time ahead is waited for", timed_sleep},
    {40, IN_ALL, "times with bit 63 set are past", signed_times},
    {41, IN_ALL, "129 ports are -EINVAL before anything else", too_many},
    {42, IN_ALL, "128 ports are accepted", most_allowed},
    {43, IN_PV, "with no ports the array is still checked", no_ports_bad_array},
    {44, IN_ALL, "a port that is not live is -EINVAL", dead_ports},
    {45, IN_ALL, "a pending port returns 0 at once", pending_already},
    {46, IN_ALL, "the scan stops at the first port that decides", scan_stops},
    {47, IN_ALL, "ports are read one by one", scan_reads_in_order},
    {48, IN_ALL, "with an upcall due the ports are not looked at", upcall_due},
    {49, IN_ALL, "a masked timer port ends it", masked_timer},
    {50, IN_ALL, "a masked other port does not end a one-port poll",
     other_masked_one},
    {51, IN_ALL, "a masked other port ends any other poll", other_masked_many},
    {52, IN_ALL, "an upcall ends it although upcalls are held off",
     other_unmasked},
    {53, IN_ALL, "not when the upcall was pending before", other_after_upcall},
    {54, IN_ALL, "a port signalled again while pending ends none",
     signalled_again},
    {55, IN_ALL, "a pending bit set by hand ends none", set_by_hand},
    {56, IN_ALL, "the upcall mask stays as it was", mask_is_kept},
    {57, IN_ALL, "one event ends every poll for its port", two_pollers},
    {58, IN_ALL, "the time of a poll that ended early ends a later one",
     stale_timer},
    {59, IN_PVH, "an upcall of another port ends it with interrupts off",
     other_vcpus_upcall},
    {60, IN_ALL, "a vCPU that was taken down does not return", down_poller},
};

TOPIC(topic_poll, "poll", facts);
