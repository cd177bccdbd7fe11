/* SPDX-License-Identifier: MIT */
/*
 * Event bits, draining and poll outcomes of the guest library, in both layouts
 * of shared info. The model here is written from the specification's table of
 * offsets (1.5) and does not use the library's own.
 */
#include "guest_fake.h"

static _Alignas(4096) unsigned char page[4096];

struct shape {
    enum schedop_layout layout;
    size_t pending, mask, selector; /* byte offsets; selector in vcpu_info */
    uint32_t ports;
};

static const struct shape shapes[] = {
    {SCHEDOP_LAYOUT_64, 2048, 2560, 8, 4096},
    {SCHEDOP_LAYOUT_32, 2048, 2176, 4, 1024},
};

static bool bit(size_t base, uint32_t index)
{
    return (page[base + index / 8] >> (index % 8) & 1) != 0;
}

static void set_bit(size_t base, uint32_t index)
{
    page[base + index / 8] |= (unsigned char)(1u << (index % 8));
}

/* What Xen does when an event happens (spec 4.2), for vCPU `v`. */
static void raise_event(const struct shape *s, uint32_t port, unsigned int v)
{
    if (bit(s->pending, port)) {
        return;
    }
    set_bit(s->pending, port);
    if (!bit(s->mask, port)) {
        set_bit(v * 64 + s->selector, port / (uint32_t)s->layout);
        page[v * 64] = 1;
    }
}

static volatile struct vcpu_info *vcpu(unsigned int v)
{
    return (volatile struct vcpu_info *)(void *)(page + v * 64);
}

static struct schedop_events start(const struct shape *s)
{
    struct schedop_events events;

    memset(page, 0, sizeof(page));
    schedop_events_init(&events, page, s->layout);
    assert_int_equal(events.nr_ports, s->ports);
    return events;
}

static void test_bits(void **state)
{
    static const uint32_t some[] = {1, 31, 32, 63, 64, 500, 1023};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct shape *s = &shapes[i];
        struct schedop_events e = start(s);

        for (size_t k = 0; k < sizeof(some) / sizeof(*some); k++) {
            assert_false(schedop_event_is_pending(&e, some[k]));
            set_bit(s->pending, some[k]);
            assert_true(schedop_event_is_pending(&e, some[k]));
            assert_false(schedop_event_is_masked(&e, some[k]));
            schedop_event_mask(&e, some[k]);
            assert_true(bit(s->mask, some[k]));
            assert_true(schedop_event_is_masked(&e, some[k]));
            assert_true(schedop_event_clear(&e, some[k]));
            assert_false(bit(s->pending, some[k]));
            assert_false(schedop_event_clear(&e, some[k]));
        }
    }
}

/* Ports no guest can have touch nothing. */
static void test_ports_beyond_the_table(void **state)
{
    static const uint32_t over[] = {0, 1, 5000, 0x7fffffff};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct schedop_events e = start(&shapes[i]);

        memset(page, 0xff, sizeof(page));
        for (size_t k = 0; k < 4; k++) {
            evtchn_port_t port = e.nr_ports + over[k];

            assert_false(schedop_event_is_pending(&e, port));
            assert_true(schedop_event_is_masked(&e, port));
            assert_false(schedop_event_clear(&e, port));
            schedop_event_mask(&e, port);
        }
        for (size_t k = 0; k < sizeof(page); k++) {
            assert_int_equal(page[k], 0xff);
        }
    }
}

static void test_mask_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct shape *s = &shapes[i];
        struct schedop_events e = start(s);
        size_t end = s->mask + s->ports / 8;

        schedop_events_mask_all(&e);
        assert_int_equal(page[s->mask - 1], 0);
        assert_int_equal(page[end], 0);
        for (uint32_t port = 0; port < s->ports; port++) {
            assert_true(bit(s->mask, port));
        }
    }
}

/* ---- draining ---- */

static struct {
    evtchn_port_t seen[64];
    uint32_t count;
    const struct shape *shape;
    evtchn_port_t again; /* raised once more while `at` is handled */
    evtchn_port_t at;
} journal;

static void on_event(void *context, evtchn_port_t port)
{
    assert_ptr_equal(context, &journal);
    assert_false(
        bit(journal.shape->pending, port)); /* cleared before handling */
    assert_true(journal.count < 64);
    journal.seen[journal.count++] = port;
    if (journal.again && port == journal.at) {
        evtchn_port_t again = journal.again;

        journal.again = 0;
        raise_event(journal.shape, again, 0);
    }
}

static uint32_t drain(const struct shape *s, const struct schedop_events *e,
                      unsigned int v)
{
    journal.shape = s;
    journal.count = 0;
    return schedop_events_drain(e, vcpu(v), on_event, &journal);
}

static void test_drain_order(void **state)
{
    static const evtchn_port_t raised[] = {900, 3, 64, 1023, 31, 33, 1};
    static const evtchn_port_t expected[] = {1, 3, 31, 33, 64, 900, 1023};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct shape *s = &shapes[i];
        struct schedop_events e = start(s);

        for (size_t k = 0; k < 7; k++) {
            raise_event(s, raised[k], 0);
        }
        assert_int_equal(drain(s, &e, 0), 7);
        assert_int_equal(journal.count, 7);
        assert_memory_equal(journal.seen, expected, sizeof(expected));
        assert_int_equal(page[0], 0);
        for (size_t k = 0; k < (size_t)s->layout / 8; k++) {
            assert_int_equal(page[s->selector + k], 0);
        }
        assert_int_equal(drain(s, &e, 0), 0);
    }
}

static void test_drain_every_port(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct shape *s = &shapes[i];
        struct schedop_events e = start(s);

        for (evtchn_port_t port = 1; port < s->ports; port++) {
            raise_event(s, port, 0);
            assert_int_equal(drain(s, &e, 0), 1);
            assert_int_equal(journal.seen[0], port);
        }
    }
}

/* Masked ports stay; those of other vCPUs stay; neighbours are untouched. */
static void test_drain_takes_only_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct shape *s = &shapes[i];
        struct schedop_events e = start(s);

        schedop_event_mask(&e, 10);
        raise_event(s, 10, 0);
        raise_event(s, 200, 3);
        assert_int_equal(drain(s, &e, 0), 0);
        assert_true(bit(s->pending, 10));
        assert_true(bit(s->pending, 200));
        assert_int_equal(page[3 * 64], 1);
        raise_event(s, 11, 0); /* selects the word of port 10 */
        assert_int_equal(drain(s, &e, 0), 1);
        assert_int_equal(journal.seen[0], 11);
        assert_true(bit(s->pending, 10));
        assert_int_equal(drain(s, &e, 3), 1);
        assert_int_equal(journal.seen[0], 200);
    }
}

/* Of one word, what is whose: the others' stay, and are there for them. */
static void test_drain_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct shape *s = &shapes[i];
        struct schedop_events e = start(s);
        uint32_t own[128] = {0};

        own[0] = 1u << 10;
        own[31] = 1u << 31;
        journal.shape = s;
        journal.count = 0;
        raise_event(s, 10, 0);
        raise_event(s, 11, 0); /* another vCPU is told of it, too */
        set_bit(64 + s->selector, 11 / (uint32_t)s->layout);
        page[64] = 1;
        raise_event(s, 1023, 0);
        raise_event(s, 1022, 0);
        assert_int_equal(
            schedop_events_drain_own(&e, vcpu(0), own, on_event, &journal), 2);
        assert_int_equal(journal.seen[0], 10);
        assert_int_equal(journal.seen[1], 1023);
        assert_true(bit(s->pending, 11));
        assert_true(bit(s->pending, 1022));
        assert_int_equal(drain(s, &e, 1), 1);
        assert_int_equal(journal.seen[0], 11);
    }
}

/* An event raised while draining, behind or ahead of where we are. */
static void test_drain_sees_new_events(void **state)
{
    static const evtchn_port_t again[] = {2, 40, 50, 700};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 4; k++) {
            const struct shape *s = &shapes[i];
            struct schedop_events e = start(s);

            raise_event(s, 40, 0);
            journal.again = again[k];
            journal.at = 40;
            assert_int_equal(drain(s, &e, 0), 2);
            assert_int_equal(journal.seen[0], 40);
            assert_int_equal(journal.seen[1], again[k]);
            assert_int_equal(page[0], 0);
        }
    }
}

/* A selector bit without a pending port (spec 4.6: all ones at first). */
static void test_drain_of_a_spurious_upcall(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct shape *s = &shapes[i];
        struct schedop_events e = start(s);

        page[0] = 1;
        memset(page + s->selector, 0xff, (size_t)s->layout / 8);
        assert_int_equal(drain(s, &e, 0), 0);
        assert_int_equal(page[0], 0);
    }
}

/* ---- poll outcomes (spec 3.4) ---- */

struct outcome {
    uint32_t pending;  /* bit k: ports[k] is pending */
    uint32_t nr_ports; /* of {5, 6, 7} */
    uint64_t deadline, now;
    enum schedop_wake wake;
    uint32_t first;
};

#define NEVER SCHEDOP_NO_DEADLINE
#define EVENT SCHEDOP_WAKE_EVENT
#define TIMEOUT SCHEDOP_WAKE_TIMEOUT
#define OTHER SCHEDOP_WAKE_OTHER
#define BIT63 (UINT64_C(1) << 63)

static const struct outcome outcomes[] = {
    /* an event wins, whatever the clock says */
    {1, 3, NEVER, 0, EVENT, 0},
    {1, 3, 100, 50, EVENT, 0},
    {1, 3, 100, 200, EVENT, 0},
    {4, 3, 100, 200, EVENT, 2},
    {6, 3, NEVER, 9, EVENT, 1},
    /* only polled ports count */
    {4, 2, NEVER, 9, OTHER, 2},
    {4, 2, 100, 100, TIMEOUT, 2},
    {7, 0, NEVER, 9, OTHER, 0},
    {7, 0, 100, 101, TIMEOUT, 0},
    /* the deadline itself counts as passed, the ns before does not */
    {0, 3, 100, 99, OTHER, 3},
    {0, 3, 100, 100, TIMEOUT, 3},
    {0, 3, 100, 101, TIMEOUT, 3},
    {0, 3, 1, 0, OTHER, 3},
    /* no deadline never times out */
    {0, 3, NEVER, INT64_MAX, OTHER, 3},
    /* bit 63 is the past */
    {0, 3, BIT63, 1, TIMEOUT, 3},
    {0, 3, UINT64_MAX, 1, TIMEOUT, 3},
    {0, 3, INT64_MAX, 1, OTHER, 3},
};

static void test_outcomes(void **state)
{
    static const evtchn_port_t ports[] = {5, 6, 7};

    (void)state;
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++) {
        const struct outcome *o = &outcomes[i];
        struct schedop_events e = start(&shapes[0]);
        uint32_t first = 99;

        for (uint32_t k = 0; k < 3; k++) {
            if (o->pending >> k & 1) {
                set_bit(shapes[0].pending, ports[k]);
            }
        }
        assert_int_equal(schedop_poll_outcome(&e, ports, o->nr_ports,
                                              o->deadline, o->now, &first),
                         o->wake);
        assert_int_equal(first, o->first);
        assert_int_equal(schedop_poll_outcome(&e, ports, o->nr_ports,
                                              o->deadline, o->now, NULL),
                         o->wake);
    }
}

static intptr_t raise_port_6(struct fake *f)
{
    (void)f;
    raise_event(&shapes[0], 6, 0);
    return 0;
}

static void test_poll_wait(void **state)
{
    static const evtchn_port_t ports[] = {5, 6};
    struct schedop_poller poller = {.events = start(&shapes[0])};
    struct vcpu_time_info time = {.system_time = 1000};
    uint32_t first = 0;

    (void)state;
    poller.time = &time; /* multiplier 0: the clock stands at 1000 */
    fake_reset(24);
    fake.result = -XEN_EFAULT;
    assert_int_equal(schedop_poll_wait(&poller, ports, 2, 0, NULL),
                     -XEN_EFAULT);
    fake.result = 0;
    assert_int_equal(schedop_poll_wait(&poller, ports, 2, 1000, NULL), TIMEOUT);
    assert_int_equal(schedop_poll_wait(&poller, ports, 2, 1001, NULL), OTHER);
    poller.time = NULL; /* the clock is not read without need */
    assert_int_equal(schedop_poll_wait(&poller, ports, 2, 0, NULL), OTHER);
    fake.act = raise_port_6;
    assert_int_equal(schedop_poll_wait(&poller, ports, 2, 0, &first), EVENT);
    assert_int_equal(first, 1);
    assert_true(schedop_event_is_pending(&poller.events, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_ports_beyond_the_table),
        cmocka_unit_test(test_mask_all),
        cmocka_unit_test(test_drain_order),
        cmocka_unit_test(test_drain_every_port),
        cmocka_unit_test(test_drain_takes_only_its_own),
        cmocka_unit_test(test_drain_own),
        cmocka_unit_test(test_drain_sees_new_events),
        cmocka_unit_test(test_drain_of_a_spurious_upcall),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_poll_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
