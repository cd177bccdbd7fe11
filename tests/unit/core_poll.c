/* SPDX-License-Identifier: MIT */
/*
 * SCHEDOP_poll: order of checks, what ends the sleep and what does not
 * (spec 3.4, facts 38 to 62).
 */
#include "core_fake.h"

static const enum sop_guest_kind kinds[] = {SOP_GUEST_HVM, SOP_GUEST_PV};

#define ARRAY_AT (MEM_BASE + 0x300)

/* A poll with its array wherever the test wants it. */
static int64_t poll_at(struct world *w, struct fake_domain *d, unsigned n,
                       uint64_t array, uint32_t nr, uint64_t timeout)
{
    struct {
        uint64_t ports;
        uint32_t nr, pad;
        uint64_t timeout;
    } op = {array, nr, 0, timeout};

    return sched(w, d, n, SCHEDOP_poll, &op, sizeof(op));
}

static int64_t poll_one(struct world *w, struct fake_domain *d, unsigned n,
                        uint32_t port, uint64_t timeout)
{
    return poll_ports(w, d, n, &port, 1, timeout);
}

/* ---- checks ---- */

/* Facts 41 to 43. */
static void count_and_range(void **state)
{
    unsigned k;

    (void)state;
    for (k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct world *w = world_new(1);
        struct fake_domain *d = world_domain(w, 1, kinds[k], 1, false);
        bool pv = kinds[k] == SOP_GUEST_PV;

        assert_rc(poll_at(w, d, 0, 0, 129, 0), EINVAL);
        assert_rc(poll_at(w, d, 0, XEN_RANGE, 129, 0), EINVAL);
        assert_rc(poll_at(w, d, 0, ARRAY_AT, UINT32_MAX, 0), EINVAL);
        assert_rc(poll_at(w, d, 0, 0, 128, 0), EFAULT);
        assert_int_equal(poll_at(w, d, 0, 8, 0, 1), 0);
        world_advance(w, 1);
        assert_true(is_running(d, 0));
        if (pv) {
            assert_rc(poll_at(w, d, 0, XEN_RANGE, 0, 1), EFAULT);
            assert_rc(poll_at(w, d, 0, (uint64_t)1 << 47, 0, 1), EFAULT);
            assert_rc(poll_at(w, d, 0, 0xffff800000000000, 0, 1), EFAULT);
            assert_rc(poll_at(w, d, 0, 0xffff87ffffffffff, 0, 1), EFAULT);
            assert_int_equal(poll_at(w, d, 0, 0xffff880000000000, 0, 1), 0);
        } else {
            assert_int_equal(poll_at(w, d, 0, XEN_RANGE, 0, 1), 0);
        }
        world_advance(w, 1);
        assert_true(is_running(d, 0));
        world_free(w);
    }
}

/* Facts 41, 48: an event that is deliverable at entry. */
static void deliverable_at_entry(void **state)
{
    unsigned k;

    (void)state;
    for (k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct world *w = world_new(1);
        struct fake_domain *d = world_domain(w, 1, kinds[k], 1, false);

        if (kinds[k] == SOP_GUEST_HVM) {
            set_callback(w, d, 0x20);
        }
        *upcall_pending(d, 0) = 1;
        *upcall_mask(d, 0) = 0;
        assert_int_equal(poll_one(w, d, 0, 0, 0), 0);
        assert_int_equal(poll_one(w, d, 0, 4000, 0), 0);
        assert_int_equal(poll_at(w, d, 0, HOLE, 128, 0), 0);
        assert_rc(poll_at(w, d, 0, HOLE, 129, 0), EINVAL);
        if (kinds[k] == SOP_GUEST_PV) {
            assert_rc(poll_at(w, d, 0, XEN_RANGE, 1, 0), EFAULT);
            *upcall_mask(d, 0) = 1;
        } else {
            d->vcpu[0].irq_on = false;
        }
        /* Held off: now the ports count. */
        assert_rc(poll_one(w, d, 0, 0, 0), EINVAL);
        assert_rc(poll_at(w, d, 0, HOLE, 128, 0), EFAULT);
        assert_true(is_running(d, 0));
        assert_int_equal(d->vcpu[0].v->poll_port, 0);
        world_free(w);
    }
}

/* Fact 44, wide and narrow. */
static void bad_ports(void **state)
{
    static const uint32_t bad[] = {0, 2, 63, 64, 1024, 4095, 4096, UINT32_MAX};
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);
    struct sched_poll32 narrow = {.ports = ARRAY_AT, .nr_ports = 1};
    unsigned i;

    (void)state;
    assert_int_equal(bind_ipi(w, d, 0, 0), 1);
    for (i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_rc(poll_one(w, d, 0, bad[i], 0), EINVAL);
        put_at(d, ARRAY_AT, &bad[i], sizeof(bad[i]));
        assert_rc(call32(w, d, 0, 29, SCHEDOP_poll,
                         put(d, &narrow, sizeof(narrow)), 0),
                  EINVAL);
        assert_true(is_running(d, 0));
        assert_int_equal(d->d->polling, 0);
    }
    world_free(w);
}

/* Facts 45, 46: the first entry that decides. */
static void first_decides(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);
    uint32_t hot = bind_ipi(w, d, 0, 0), idle = bind_ipi(w, d, 0, 0);
    uint32_t list[128];
    unsigned i;

    (void)state;
    assert_int_equal(send(w, d, 0, hot), 0);
    assert_int_equal(poll_one(w, d, 0, hot, 0), 0);
    set_masked(d, hot, true);
    assert_int_equal(poll_one(w, d, 0, hot, 0), 0);
    assert_true(pending(d, hot));
    assert_int_equal(*upcall_mask(d, 0), 1); /* fact 56 */
    assert_int_equal(poll_ports(w, d, 0, (uint32_t[]){hot, 0}, 2, 0), 0);
    assert_rc(poll_ports(w, d, 0, (uint32_t[]){0, hot}, 2, 0), EINVAL);
    assert_rc(poll_ports(w, d, 0, (uint32_t[]){idle, 0}, 2, 0), EINVAL);
    for (i = 0; i < 128; i++) {
        list[i] = idle;
    }
    list[127] = hot;
    assert_int_equal(poll_ports(w, d, 0, list, 128, 0), 0);
    list[126] = 4095;
    assert_rc(poll_ports(w, d, 0, list, 128, 0), EINVAL);
    assert_true(is_running(d, 0));
    world_free(w);
}

/* Fact 47: an entry that cannot be read counts only when it is reached. */
static void torn_array(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);
    uint32_t hot = bind_ipi(w, d, 0, 0), idle = bind_ipi(w, d, 0, 0);
    uint32_t list[3] = {idle, 0, 0};
    unsigned readable;

    (void)state;
    assert_int_equal(send(w, d, 0, hot), 0);
    for (readable = 0; readable < 3; readable++) {
        uint64_t at = MEM_BASE + FAKE_PAGE - readable * 4;

        d->hole[1] = true;
        list[0] = list[1] = list[2] = idle;
        put_at(d, at, list, sizeof(list));
        assert_rc(poll_at(w, d, 0, at, 3, 0), EFAULT);
        /* The same with half of the next entry readable. */
        put_at(d, at - 2, list, sizeof(list));
        assert_rc(poll_at(w, d, 0, at - 2, 3, 0), EFAULT);
        if (readable > 0) {
            list[readable - 1] = hot;
            put_at(d, at, list, sizeof(list));
            assert_int_equal(poll_at(w, d, 0, at, 3, 0), 0);
            list[0] = 0;
            put_at(d, at, list, sizeof(list));
            assert_rc(poll_at(w, d, 0, at, 3, 0), EINVAL);
        }
    }
    assert_true(is_running(d, 0));
    world_free(w);
}

/* Fact 16: each caller's own layout. */
static void layouts(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct sched_poll32 narrow = {.ports = ARRAY_AT, .nr_ports = 1};
    uint32_t port = bind_ipi(w, d, 0, 0);

    (void)state;
    put_at(d, ARRAY_AT, &port, sizeof(port));
    narrow.timeout = w->now + MS;
    assert_int_equal(
        call32(w, d, 0, 29, SCHEDOP_poll, put(d, &narrow, sizeof(narrow)), 0),
        0);
    assert_false(is_running(d, 0));
    assert_int_equal(d->vcpu[0].v->poll_port, port);
    world_advance(w, MS - 1);
    assert_false(is_running(d, 0));
    world_advance(w, 1);
    assert_true(is_running(d, 0));
    world_free(w);
}

/* ---- time ---- */

/* Facts 38 to 40. */
static void timeouts(void **state)
{
    unsigned k;

    (void)state;
    for (k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct world *w = world_new(1);
        struct fake_domain *d = world_domain(w, 1, kinds[k], 1, false);
        const uint64_t past[] = {1, w->now, (uint64_t)1 << 63, UINT64_MAX};
        unsigned i;

        for (i = 0; i < ARRAY_SIZE(past); i++) {
            assert_int_equal(poll_ports(w, d, 0, NULL, 0, past[i]), 0);
            world_advance(w, 0);
            assert_true(is_running(d, 0));
        }
        assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + 50 * MS), 0);
        world_advance(w, 50 * MS - 1);
        assert_false(is_running(d, 0));
        assert_int_equal(runstate(d, 0), RUNSTATE_blocked);
        world_advance(w, 1);
        assert_true(is_running(d, 0));
        /* Timeout 0 is none. */
        assert_int_equal(poll_ports(w, d, 0, NULL, 0, 0), 0);
        world_advance(w, 1000ull * SEC);
        assert_false(is_running(d, 0));
        world_free(w);
    }
}

/* A poll whose time is over lets others run, for it is a sleep. */
static void past_gives_way(void **state)
{
    const uint64_t past[] = {1, (uint64_t)1 << 63, UINT64_MAX};
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(past); i++) {
        struct world *w = world_new(1);
        struct fake_domain *a = world_domain(w, 1, SOP_GUEST_PV, 1, false);
        struct fake_domain *b = world_domain(w, 2, SOP_GUEST_PV, 1, false);

        if (!is_running(a, 0)) {
            struct fake_domain *t = a;

            a = b;
            b = t;
        }
        assert_int_equal(poll_ports(w, a, 0, NULL, 0, past[i]), 0);
        assert_false(is_running(a, 0));
        assert_true(is_running(b, 0));
        world_advance(w, 0);
        assert_int_equal(a->d->polling, 0);
        world_advance(w, 20 * MS);
        world_free(w);
    }
}

/* Ports are checked before the time is looked at. */
static void ports_before_time(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);

    (void)state;
    assert_rc(poll_one(w, d, 0, 0, 1), EINVAL);
    assert_rc(poll_at(w, d, 0, HOLE, 1, UINT64_MAX), EFAULT);
    world_free(w);
}

/* Fact 58 is what Xen does; that the old timer is gone is our departure. */
static void no_stale_timer(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 2, false);
    uint32_t port;

    (void)state;
    bring_up(w, d, 1);
    port = bind_ipi(w, d, 0, 1);
    assert_int_equal(poll_one(w, d, 1, port, w->now + 50 * MS), 0);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(is_running(d, 1));
    consume(d, 1);
    clear_pending(d, port);
    assert_int_equal(poll_one(w, d, 1, port, 0), 0);
    world_advance(w, 100 * MS);
    assert_false(is_running(d, 1));
    world_free(w);
}

/* ---- what ends the sleep: the table of spec 3.4 ---- */

enum who { POLLED, OTHER_MASKED, OTHER_OWN, OTHER_OWN_PENDING, OTHER_AGAIN };

static const struct {
    const char *name;
    enum who event;
    bool one, none_or_two; /* ends it, by nr_ports */
} causes[] = {
    {"the polled port", POLLED, true, true},
    {"another port, masked, of another vCPU", OTHER_MASKED, false, true},
    {"another port of the own vCPU", OTHER_OWN, true, true},
    {"the same with an upcall pending", OTHER_OWN_PENDING, false, true},
    {"a port that was pending already", OTHER_AGAIN, false, false},
};

static void wake_case(enum sop_guest_kind kind, unsigned cause, uint32_t nr,
                      bool mask_polled)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, kind, 2, false);
    enum who who = causes[cause].event;
    bool ends = nr == 1 ? causes[cause].one : causes[cause].none_or_two;
    uint32_t polled, other, list[2];

    if (kind == SOP_GUEST_HVM) {
        set_callback(w, d, 0x20);
    }
    bring_up(w, d, 1);
    polled = bind_ipi(w, d, 0, 1);
    other = bind_ipi(w, d, 0, who == OTHER_MASKED ? 0 : 1);
    set_masked(d, polled, mask_polled);
    set_masked(d, other, who == OTHER_MASKED);
    d->vcpu[1].irq_on = false; /* the caller's upcalls are held off */
    *upcall_mask(d, 1) = 1;
    *upcall_mask(d, 0) = 1;
    d->vcpu[0].irq_on = false;
    if (who == OTHER_OWN_PENDING) {
        *upcall_pending(d, 1) = 1;
    }
    if (who == OTHER_AGAIN) {
        assert_int_equal(send(w, d, 0, other), 0);
    }
    list[0] = polled;
    list[1] = bind_ipi(w, d, 0, 0);
    assert_int_equal(poll_ports(w, d, 1, list, nr, 0), 0);
    assert_false(is_running(d, 1));
    assert_int_equal(send(w, d, 0, who == POLLED ? polled : other), 0);
    if (is_running(d, 1) != ends) {
        fail_msg("%s, %u ports, kind %d: %s", causes[cause].name, nr, kind,
                 ends ? "did not end the poll" : "ended the poll");
    }
    if (ends) {
        assert_int_equal(d->d->polling, 0);
        assert_int_equal(*upcall_mask(d, 1), 1);
    }
    world_free(w);
}

/* Facts 49 to 54, 59. */
static void wake_table(void **state)
{
    unsigned k, c;
    uint32_t nr;

    (void)state;
    for (k = 0; k < ARRAY_SIZE(kinds); k++) {
        for (c = 0; c < ARRAY_SIZE(causes); c++) {
            for (nr = 0; nr <= 2; nr++) {
                if (causes[c].event == POLLED && nr == 0) {
                    continue;
                }
                wake_case(kinds[k], c, nr, false);
                wake_case(kinds[k], c, nr, true);
            }
        }
    }
}

/* Fact 59: without a callback only the own ports end a one-port poll. */
static void hvm_without_callback(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    uint32_t polled, other;

    (void)state;
    bring_up(w, d, 1);
    polled = bind_ipi(w, d, 0, 1);
    other = bind_ipi(w, d, 0, 1);
    assert_int_equal(poll_one(w, d, 1, polled, 0), 0);
    assert_int_equal(send(w, d, 0, other), 0);
    assert_false(is_running(d, 1));
    assert_int_equal(send(w, d, 0, polled), 0);
    assert_true(is_running(d, 1));
    world_free(w);
}

/* Fact 59: a per-vCPU vector ends it, interrupts off. Any interrupt does. */
static void hvm_vector(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    struct xen_hvm_evtchn_upcall_vector op = {.vcpu = 1, .vector = 0x30};
    uint32_t polled, other;

    (void)state;
    bring_up(w, d, 1);
    polled = bind_ipi(w, d, 0, 1);
    other = bind_ipi(w, d, 0, 1);
    assert_int_equal(call(w, d, 0, 34, HVMOP_set_evtchn_upcall_vector,
                          put(d, &op, sizeof(op)), 0),
                     0);
    d->vcpu[1].irq_on = false;
    assert_int_equal(poll_one(w, d, 1, polled, 0), 0);
    assert_int_equal(send(w, d, 0, other), 0);
    assert_true(is_running(d, 1));
    assert_int_equal(poll_one(w, d, 1, polled, 0), 0);
    sop_vcpu_kick(w->p[0], d->vcpu[1].v);
    world_settle(w);
    assert_true(is_running(d, 1));
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_send_nmi, 1, 0), 0);
    assert_int_equal(poll_one(w, d, 1, polled, 0), 0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_send_nmi, 1, 0), 0);
    assert_true(is_running(d, 1));
    assert_int_equal(d->vcpu[1].nmis, 2);
    world_free(w);
}

/* Fact 49: a masked VIRQ_TIMER. */
static void masked_timer(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);
    uint32_t port = bind_virq(w, d, 0, VIRQ_TIMER, 0);

    (void)state;
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_stop_periodic_timer, 0, 0), 0);
    consume(d, 0);
    clear_pending(d, port);
    set_masked(d, port, true);
    assert_int_equal(call(w, d, 0, 15, w->now + 10 * MS, 0, 0), 0);
    assert_int_equal(poll_one(w, d, 0, port, 0), 0);
    world_advance(w, 10 * MS - 1);
    assert_false(is_running(d, 0));
    world_advance(w, 1);
    assert_true(is_running(d, 0));
    assert_true(pending(d, port));
    assert_int_equal(*upcall_pending(d, 0), 0);
    world_free(w);
}

/* Fact 55: a bit set by hand ends nothing. */
static void bit_by_hand(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 2, false);
    uint32_t port;

    (void)state;
    bring_up(w, d, 1);
    port = bind_ipi(w, d, 0, 1);
    assert_int_equal(poll_one(w, d, 1, port, 0), 0);
    (void)atomic_test_and_set_bit((uint32_t *)(void *)(d->shared + 2048), port);
    world_advance(w, 10 * MS);
    assert_false(is_running(d, 1));
    assert_int_equal(send(w, d, 0, port), 0); /* no edge: lost too */
    assert_false(is_running(d, 1));
    world_free(w);
}

/* Fact 57: all that poll for it. */
static void two_pollers(void **state)
{
    struct world *w = world_new(3);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 3, false);
    uint32_t port;

    (void)state;
    bring_up(w, d, 1);
    bring_up(w, d, 2);
    port = bind_ipi(w, d, 0, 0);
    assert_int_equal(poll_one(w, d, 1, port, 0), 0);
    assert_int_equal(poll_one(w, d, 2, port, 0), 0);
    assert_int_equal(d->d->polling, 6);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(is_running(d, 1));
    assert_true(is_running(d, 2));
    world_free(w);
}

/* ---- other holds ---- */

/* Fact 60. */
static void taken_down(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 2, false);
    uint32_t port;

    (void)state;
    bring_up(w, d, 1);
    port = bind_ipi(w, d, 0, 1);
    assert_int_equal(poll_one(w, d, 1, port, 0), 0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_down, 1, 0), 0);
    assert_int_equal(runstate(d, 1), RUNSTATE_blocked);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_false(is_running(d, 1));
    assert_int_equal(runstate(d, 1), RUNSTATE_offline);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_up, 1, 0), 0);
    assert_true(is_running(d, 1));
    world_free(w);
}

/* Facts 61, 62: time runs on through a shutdown. */
static void across_shutdown(void **state)
{
    unsigned late;

    (void)state;
    for (late = 0; late < 2; late++) {
        struct world *w = world_new(1);
        struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);
        uint64_t end = w->now + 10 * MS;

        assert_int_equal(poll_ports(w, d, 0, NULL, 0, end), 0);
        sop_domain_shutdown(w->p[0], d->d, SHUTDOWN_suspend);
        world_advance(w, late ? 20 * MS : 5 * MS);
        assert_false(is_running(d, 0));
        assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
        world_settle(w);
        assert_int_equal(is_running(d, 0), late);
        world_advance(w, 10 * MS);
        assert_true(is_running(d, 0));
        world_free(w);
    }
}

/* ---- no wake-up is lost between a sender and a poller or blocker ---- */

static uint32_t race_port;
static struct fake_domain *race_domain;

static void send_now(struct world *w, unsigned cpu)
{
    struct sop_call c = {.nr = __HYPERVISOR_event_channel_op, .wide = true};
    unsigned other = cpu == 0 ? 1 : 0;
    struct evtchn_send op = {.port = race_port};

    c.arg[0] = EVTCHNOP_send;
    c.arg[1] = MEM_BASE + 0x800;
    put_at(race_domain, c.arg[1], &op, sizeof(op));
    assert_int_equal(sop_hypercall(w->p[other], race_domain->vcpu[0].v, &c), 0);
    assert_int_equal(c.result, 0);
}

/*
 * The sender acts before the call, between the call and the choice, in the
 * middle of the switch with the lock dropped, and after it.
 */
static void race_case(enum sop_guest_kind kind, bool poll, unsigned when)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, kind, 2, false);
    struct sop_call c = {.nr = 29, .wide = true};
    struct {
        uint64_t ports;
        uint32_t nr, pad;
        uint64_t timeout;
    } op = {ARRAY_AT, 1, 0, 0};
    unsigned cpu;

    if (kind == SOP_GUEST_HVM) {
        set_callback(w, d, 0x20);
    }
    bring_up(w, d, 1);
    race_domain = d;
    race_port = bind_ipi(w, d, 0, 1);
    put_at(d, ARRAY_AT, &race_port, sizeof(race_port));
    *upcall_mask(d, 1) = poll;
    cpu = cpu_of(w, d, 1);
    c.arg[0] = poll ? SCHEDOP_poll : SCHEDOP_block;
    c.arg[1] = put(d, &op, sizeof(op));
    if (when == 0) {
        send_now(w, cpu);
    }
    assert_int_equal(call_raw(w, d, 1, &c), SOP_CALL_DONE);
    assert_int_equal(c.result, 0);
    if (when == 1) {
        send_now(w, cpu);
    }
    if (when == 2) {
        w->in_switch = send_now;
    }
    world_settle(w);
    if (when == 3) {
        assert_false(is_running(d, 1));
        send_now(w, cpu);
        world_settle(w);
    }
    assert_true(w->in_switch == NULL);
    assert_true(is_running(d, 1));
    world_free(w);
}

static void no_lost_wakeup(void **state)
{
    unsigned k, when;

    (void)state;
    for (k = 0; k < ARRAY_SIZE(kinds); k++) {
        for (when = 0; when < 4; when++) {
            race_case(kinds[k], true, when);
            race_case(kinds[k], false, when);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(count_and_range),
        cmocka_unit_test(deliverable_at_entry),
        cmocka_unit_test(bad_ports),
        cmocka_unit_test(first_decides),
        cmocka_unit_test(torn_array),
        cmocka_unit_test(layouts),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(past_gives_way),
        cmocka_unit_test(ports_before_time),
        cmocka_unit_test(no_stale_timer),
        cmocka_unit_test(wake_table),
        cmocka_unit_test(hvm_without_callback),
        cmocka_unit_test(hvm_vector),
        cmocka_unit_test(masked_timer),
        cmocka_unit_test(bit_by_hand),
        cmocka_unit_test(two_pollers),
        cmocka_unit_test(taken_down),
        cmocka_unit_test(across_shutdown),
        cmocka_unit_test(no_lost_wakeup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
