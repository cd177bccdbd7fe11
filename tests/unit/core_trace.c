/* SPDX-License-Identifier: MIT */
/*
 * Trace records of the core: what is told, of whom, when, and by whom; that
 * nothing is while nobody asked; and that runstates in a trace add up to what
 * the core itself accounts.
 */
#include "core_fake.h"

static const struct sop_trace_rec *nth(const struct world *w, unsigned i)
{
    assert_true(i < w->records);
    assert_true(w->records <= FAKE_RECORDS);
    return &w->trace[i];
}

/* The first record of this event from `*at` on; moves `*at` behind it. */
static const struct sop_trace_rec *next(const struct world *w, unsigned *at,
                                        enum sop_trace_event event)
{
    for (; *at < w->records; ++*at) {
        if (nth(w, *at)->event == event) {
            return nth(w, (*at)++);
        }
    }
    fail_msg("no record of event %d", event);
    return NULL;
}

static unsigned count(const struct world *w, enum sop_trace_event event)
{
    unsigned i, n = 0;

    for (i = 0; i < w->records; i++) {
        n += nth(w, i)->event == event;
    }
    return n;
}

static void expect(const struct sop_trace_rec *r, unsigned domid, unsigned vcpu,
                   uint64_t a0, uint64_t a1)
{
    assert_int_equal(r->domid, domid);
    assert_int_equal(r->vcpu, vcpu);
    assert_int_equal(r->arg[0], a0);
    assert_int_equal(r->arg[1], a1);
}

static void test_off(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 2, false);

    (void)state;
    assert_int_equal(sop_trace_get(w->sys), 0);
    bring_up(w, d, 1);
    (void)sched(w, d, 0, SCHEDOP_block, NULL, 0);
    assert_int_equal(w->records, 0);
    world_free(w);
}

/* Whoever starts in the middle is told what there is. */
static void test_begin(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 7, SOP_GUEST_PV, 2, false);
    unsigned at = 0;

    (void)state;
    sop_trace_set(w->p[1], SOP_TRACE_ALL | 1u << 31);
    assert_int_equal(sop_trace_get(w->sys), SOP_TRACE_ALL);
    expect(nth(w, 0), SOP_TRACE_NONE, SOP_TRACE_NONE, SOP_TRACE_ALL, 2);
    assert_int_equal(nth(w, 0)->event, SOP_TRACE_EV_BEGIN);
    assert_int_equal(nth(w, 0)->pcpu, 1);
    expect(next(w, &at, SOP_TRACE_EV_POOL_CREATE), SOP_TRACE_NONE,
           SOP_TRACE_NONE, 0, XEN_SCHEDULER_CREDIT2);
    expect(next(w, &at, SOP_TRACE_EV_PCPU_ADD), SOP_TRACE_NONE, SOP_TRACE_NONE,
           0, 0);
    expect(next(w, &at, SOP_TRACE_EV_PCPU_ADD), SOP_TRACE_NONE, SOP_TRACE_NONE,
           1, 0);
    expect(next(w, &at, SOP_TRACE_EV_DOMAIN_CREATE), 7, SOP_TRACE_NONE, 2, 0);
    expect(next(w, &at, SOP_TRACE_EV_RUNSTATE), 7, 0, RUNSTATE_running,
           RUNSTATE_running);
    assert_int_equal(nth(w, at - 1)->pcpu, cpu_of(w, d, 0));
    expect(next(w, &at, SOP_TRACE_EV_RUNSTATE), 7, 1, RUNSTATE_offline,
           RUNSTATE_offline);
    sop_trace_set(w->p[1], 0);
    assert_int_equal(w->records, at);
    world_free(w);
}

/* One vCPU wakes another: command, switch to idle, event, wake, kick, run. */
static void test_wake(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 3, SOP_GUEST_PV, 2, false);
    uint32_t port;
    unsigned at, cpu;

    (void)state;
    bring_up(w, d, 1);
    port = bind_ipi(w, d, 0, 1);
    *upcall_mask(d, 1) = 0;
    cpu = cpu_of(w, d, 1);
    sop_trace_set(w->p[0], SOP_TRACE_ALL);

    at = w->records;
    (void)sched(w, d, 1, SCHEDOP_block, NULL, 0);
    expect(next(w, &at, SOP_TRACE_EV_BLOCK), 3, 1, 0, 0);
    expect(next(w, &at, SOP_TRACE_EV_RUNSTATE), 3, 1, RUNSTATE_running,
           RUNSTATE_blocked);
    expect(next(w, &at, SOP_TRACE_EV_SWITCH), SOP_TRACE_IDLE, cpu,
           SOP_TRACE_VCPU(3, 1), SOP_TIME_NEVER);
    assert_int_equal(nth(w, at - 1)->pcpu, cpu);

    at = w->records;
    (void)send(w, d, 0, port);
    expect(next(w, &at, SOP_TRACE_EV_PENDING), 3, 1, port,
           SOP_TRACE_VCPU(3, 0));
    expect(next(w, &at, SOP_TRACE_EV_WAKE), 3, 1, SOP_TRACE_VCPU(3, 0),
           SOP_TRACE_BY_VCPU);
    expect(next(w, &at, SOP_TRACE_EV_RUNSTATE), 3, 1, RUNSTATE_blocked,
           RUNSTATE_runnable);
    expect(next(w, &at, SOP_TRACE_EV_KICK), SOP_TRACE_NONE, SOP_TRACE_NONE, cpu,
           0);
    expect(next(w, &at, SOP_TRACE_EV_RUNSTATE), 3, 1, RUNSTATE_runnable,
           RUNSTATE_running);
    assert_int_equal(next(w, &at, SOP_TRACE_EV_SWITCH)->arg[0],
                     SOP_TRACE_VCPU(SOP_TRACE_IDLE, cpu));
    world_free(w);
}

/* A timer wakes: nobody did; so does the host side. */
static void test_nobody(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 3, SOP_GUEST_PV, 1, false);
    uint64_t due;
    unsigned at;
    int port;

    (void)state;
    sop_trace_set(w->p[0], SOP_TRACE_ALL);
    at = w->records;
    due = w->now + 5 * MS;
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, due), 0);
    assert_int_equal(next(w, &at, SOP_TRACE_EV_POLL)->arg[0], 0);
    assert_int_equal(next(w, &at, SOP_TRACE_EV_TIMER_SET)->arg[0],
                     SOP_TRACE_TIMER_POLL);
    world_advance(w, 6 * MS);
    /* The pCPU's own timer was set to the end of its slice, that comes first.
     */
    (void)next(w, &at, SOP_TRACE_EV_TIMER_ARM);
    expect(next(w, &at, SOP_TRACE_EV_TIMER_FIRE), 3, 0, SOP_TRACE_TIMER_POLL,
           due);
    expect(next(w, &at, SOP_TRACE_EV_WAKE), 3, 0, SOP_TRACE_NOBODY,
           SOP_TRACE_BY_TIMER);

    port = sop_evtchn_host_port(d->d);
    *upcall_mask(d, 0) = 0;
    (void)sched(w, d, 0, SCHEDOP_block, NULL, 0);
    at = w->records;
    sop_evtchn_host_notify(w->p[0], d->d, (uint32_t)port);
    expect(next(w, &at, SOP_TRACE_EV_PENDING), 3, 0, (uint64_t)port,
           SOP_TRACE_NOBODY);
    expect(next(w, &at, SOP_TRACE_EV_WAKE), 3, 0, SOP_TRACE_NOBODY,
           SOP_TRACE_BY_HOST);
    world_free(w);
}

static void test_life(void **state)
{
    struct world *w = world_new(1);
    struct sched_shutdown op = {.reason = SHUTDOWN_crash};
    struct fake_domain *d;
    unsigned at = 0;

    (void)state;
    sop_trace_set(w->p[0], SOP_TRACE_DOMAIN | SOP_TRACE_COMMAND);
    d = world_domain(w, 5, SOP_GUEST_HVM, 2, false);
    expect(next(w, &at, SOP_TRACE_EV_DOMAIN_CREATE), 5, SOP_TRACE_NONE, 2, 0);
    expect(next(w, &at, SOP_TRACE_EV_DOMAIN_UNPAUSE), 5, SOP_TRACE_NONE, 0, 0);
    bring_up(w, d, 1);
    expect(next(w, &at, SOP_TRACE_EV_VCPU_UP), 5, 1, 0, 0);
    (void)sched(w, d, 0, SCHEDOP_shutdown, &op, sizeof(op));
    expect(next(w, &at, SOP_TRACE_EV_SHUTDOWN), 5, 0, SHUTDOWN_crash, 0);
    expect(next(w, &at, SOP_TRACE_EV_DOMAIN_SHUTDOWN), 5, SOP_TRACE_NONE,
           SHUTDOWN_crash, 0);
    world_domain_destroy(w, d);
    expect(next(w, &at, SOP_TRACE_EV_DOMAIN_DESTROY), 5, SOP_TRACE_NONE, 0, 0);
    assert_int_equal(count(w, SOP_TRACE_EV_RUNSTATE), 0);
    assert_int_equal(count(w, SOP_TRACE_EV_SWITCH), 0);
    world_free(w);
}

/* Three vCPUs share a pCPU: their runstates in the trace are the core's. */
static void test_sums(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);
    struct fake_domain *e = world_domain(w, 2, SOP_GUEST_PV, 1, false);
    uint64_t ran[3] = {0}, since[3] = {0}, before, start;
    struct sop_domain_info i0, i1;
    unsigned i;

    (void)state;
    sop_trace_set(w->p[0], SOP_TRACE_SCHED);
    start = w->sys->now;
    i0 = info_of(w, d);
    before = i0.cpu_ns;
    world_advance(w, 40 * MS);
    (void)sched(w, is_running(d, 0) ? d : e, 0, SCHEDOP_yield, NULL, 0);
    world_advance(w, 25 * MS);
    i1 = info_of(w, d);
    for (i = 0; i < w->records; i++) {
        const struct sop_trace_rec *r = nth(w, i);

        if (r->event != SOP_TRACE_EV_RUNSTATE) {
            continue;
        }
        assert_true(r->domid == 1 || r->domid == 2);
        assert_true(r->time_ns >= start);
        if (r->arg[1] == RUNSTATE_running) {
            since[r->domid] = r->time_ns;
        } else if (r->arg[0] == RUNSTATE_running) {
            ran[r->domid] += r->time_ns - since[r->domid];
            since[r->domid] = 0;
        }
    }
    if (since[1] != 0) {
        ran[1] += w->now - since[1];
    }
    assert_true(count(w, SOP_TRACE_EV_SWITCH) >= 2);
    assert_int_equal(ran[1], i1.cpu_ns - before);
    assert_true(ran[1] > 20 * MS);
    (void)e;
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off),  cmocka_unit_test(test_begin),
        cmocka_unit_test(test_wake), cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_life), cmocka_unit_test(test_sums),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("core_trace", tests, NULL, NULL);
}
