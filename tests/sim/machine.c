/* SPDX-License-Identifier: MIT */
/*
 * The machine in virtual time: everything it does is exact to the nanosecond,
 * so every expectation here is an equality.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <xen/errno.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/xen.h>

#include "sim/sim.h"

#define MS 1000000u
#define SEC 1000000000u

/* ---- behaviours ---- */

static void hog(struct sim_vcpu *v, struct sim_step *s)
{
    (void)v;
    sim_compute(s, SIM_FOREVER);
}

/* Computes 2 ms, then sleeps until the next whole 10 ms. */
struct periodic {
    uint64_t next;
    unsigned jobs, late;
    bool worked;
};

static void periodic(struct sim_vcpu *v, struct sim_step *s)
{
    struct periodic *p = v->ctx;

    p->worked = !p->worked;
    if (p->worked) {
        sim_compute(s, 2 * MS);
        return;
    }
    p->jobs++;
    p->next += 10 * MS;
    p->late += sim_now(v->d->m) > p->next;
    sim_poll(v, s, NULL, 0, p->next);
}

static void yielder(struct sim_vcpu *v, struct sim_step *s)
{
    (void)v;
    sim_sched(s, SCHEDOP_yield);
}

/* ---- aids ---- */

static struct sim_machine *machine(unsigned cpus)
{
    struct sim_config cfg = {
        .cores = cpus, .nr_domains = 8, .nr_vcpus = 32, .seed = 1};

    return sim_new(&cfg);
}

static struct sim_domain *domain(struct sim_machine *m, uint16_t domid,
                                 sim_behaviour *behaviour, void *ctx)
{
    void *all[1] = {ctx};
    struct sim_domain_config cfg = {.domid = domid,
                                    .kind = SOP_GUEST_PV,
                                    .nr_vcpus = 1,
                                    .behaviour = behaviour,
                                    .ctx = all};
    struct sim_domain *d = NULL;

    assert_int_equal(sim_domain_new(m, &cfg, &d), 0);
    return d;
}

static void assert_times(const struct sim_domain *d, uint64_t running,
                         uint64_t runnable, uint64_t blocked, uint64_t offline)
{
    uint64_t t[4];

    sim_vcpu_times(&d->vcpu[0], t);
    assert_int_equal(t[RUNSTATE_running], running);
    assert_int_equal(t[RUNSTATE_runnable], runnable);
    assert_int_equal(t[RUNSTATE_blocked], blocked);
    assert_int_equal(t[RUNSTATE_offline], offline);
}

/* ---- tests ---- */

static void test_alone(void **state)
{
    struct sim_machine *m = machine(1);
    struct sim_domain *d = domain(m, 1, hog, NULL);

    (void)state;
    assert_int_equal(sim_run(m, SEC), SIM_DONE);
    assert_int_equal(sim_now(m), SEC);
    assert_times(d, SEC, 0, 0, 0);
    assert_int_equal(d->vcpu[0].stats.switched_in, 1);
    sim_free(m);
}

static void test_periodic(void **state)
{
    struct sim_machine *m = machine(1);
    struct periodic p = {0};
    struct sim_domain *d = domain(m, 1, periodic, &p);

    (void)state;
    assert_int_equal(sim_run(m, SEC), SIM_DONE);
    assert_times(d, 200 * MS, 0, 800 * MS, 0);
    assert_int_equal(p.jobs, 100);
    assert_int_equal(p.late, 0);
    assert_int_equal(d->vcpu[0].stats.woken, 99);
    assert_int_equal(d->vcpu[0].stats.latency.max, 0);
    sim_free(m);
}

/* Two equals share one pCPU: to within a slice after any time. */
static void test_share(void **state)
{
    struct sim_machine *m = machine(1);
    struct sim_domain *a = domain(m, 1, hog, NULL);
    struct sim_domain *b = domain(m, 2, hog, NULL);
    uint64_t ta[4], tb[4];

    (void)state;
    assert_int_equal(sim_run(m, SEC), SIM_DONE);
    sim_vcpu_times(&a->vcpu[0], ta);
    sim_vcpu_times(&b->vcpu[0], tb);
    assert_int_equal(ta[0] + tb[0], SEC);
    assert_int_equal(ta[0] + ta[1], SEC);
    assert_true(ta[0] > 490 * MS && ta[0] < 510 * MS);
    sim_free(m);
}

static void pause(struct sim_machine *m, void *arg)
{
    struct sim_domain *d = arg;

    assert_int_equal(sop_domain_pause(sim_self(m), d->d), 0);
}

static void unpause(struct sim_machine *m, void *arg)
{
    struct sim_domain *d = arg;

    assert_int_equal(sop_domain_unpause(sim_self(m), d->d), 0);
}

static void test_outside(void **state)
{
    struct sim_machine *m = machine(2);
    struct sim_domain *d = domain(m, 1, hog, NULL);

    (void)state;
    sim_at(m, 100 * MS, pause, d);
    sim_at(m, 350 * MS, unpause, d);
    assert_int_equal(sim_run(m, SEC), SIM_DONE);
    assert_times(d, 750 * MS, 0, 0, 250 * MS);
    sim_free(m);
}

static void end_it(struct sim_vcpu *v, struct sim_step *s)
{
    struct sched_shutdown op = {.reason = SHUTDOWN_crash};

    if (v->ctx == NULL) {
        v->ctx = v;
        sim_compute(s, 5 * MS);
    } else {
        sim_sched_with(v, s, SCHEDOP_shutdown, &op, sizeof(op));
    }
}

static void test_shutdown_and_destroy(void **state)
{
    struct sim_machine *m = machine(1);
    struct sim_domain *d = domain(m, 1, end_it, NULL);

    (void)state;
    assert_int_equal(sim_run(m, 20 * MS), SIM_DONE);
    assert_true(d->ended);
    assert_int_equal(d->code, SHUTDOWN_crash);
    assert_int_equal(d->ended_ns, 5 * MS);
    sim_domain_destroy(d);
    assert_int_equal(sim_run(m, 30 * MS), SIM_DONE);
    assert_true(d->gone);
    assert_times(d, 5 * MS, 0, 0, 15 * MS);
    /* The id is free again. */
    (void)domain(m, 1, hog, NULL);
    assert_int_equal(sim_run(m, 40 * MS), SIM_DONE);
    sim_free(m);
}

/* ---- events between two domains ---- */

struct player {
    uint32_t port;
    bool ball;
    unsigned turns;
};

static void play(struct sim_vcpu *v, struct sim_step *s)
{
    struct player *p = v->ctx;

    if (p->ball) {
        p->ball = false;
        p->turns++;
        sim_send(v, s, p->port);
    } else if (sim_take_event(v, p->port)) {
        sim_take_upcall(v);
        p->ball = true;
        sim_compute(s, 10000);
    } else {
        sim_sched(s, SCHEDOP_block);
    }
}

static void test_ping_pong(void **state)
{
    struct sim_machine *m = machine(2);
    struct player a = {.ball = true}, b = {0};
    struct sim_domain *da = domain(m, 1, play, &a);
    struct sim_domain *db = domain(m, 2, play, &b);
    uint32_t port[2];

    (void)state;
    assert_int_equal(sim_connect(&da->vcpu[0], &db->vcpu[0], port), 0);
    a.port = port[0];
    b.port = port[1];
    assert_int_equal(sim_run(m, SEC), SIM_DONE);
    /* The first throw is at 0, then one every 10 us: half of all time each. */
    assert_int_equal(a.turns + b.turns, 100000);
    assert_times(da, 500 * MS, 0, 500 * MS, 0);
    sim_free(m);
}

/* ---- unkind machines ---- */

static uint64_t late(void *ctx, unsigned cpu, uint64_t deadline)
{
    (void)ctx;
    (void)cpu;
    return deadline + 300000;
}

static void test_late_timers(void **state)
{
    struct sim_hooks hooks = {.timer = late};
    struct sim_config cfg = {.nr_domains = 1, .nr_vcpus = 1, .hooks = &hooks};
    struct sim_machine *m = sim_new(&cfg);
    struct periodic p = {0};
    struct sim_domain *d = domain(m, 1, periodic, &p);

    (void)state;
    assert_int_equal(sim_run(m, SEC), SIM_DONE);
    /* It is woken late, which is nobody's wait for a pCPU. */
    assert_int_equal(d->vcpu[0].stats.latency.max, 0);
    assert_times(d, 200 * MS, 0, 800 * MS, 0);
    sim_free(m);
}

static bool no_copies(void *ctx, struct sim_vcpu *v, uint64_t addr, size_t len,
                      bool out)
{
    (void)v;
    (void)addr;
    (void)len;
    (void)out;
    ++*(unsigned *)ctx;
    return true;
}

static void poll_once(struct sim_vcpu *v, struct sim_step *s)
{
    if (v->ctx == NULL) {
        v->ctx = v;
        sim_poll(v, s, NULL, 0, 1000);
    } else {
        sim_compute(s, SIM_FOREVER);
    }
}

static void test_failing_copies(void **state)
{
    unsigned copies = 0;
    struct sim_hooks hooks = {.ctx = &copies, .copy = no_copies};
    struct sim_config cfg = {.nr_domains = 1, .nr_vcpus = 1, .hooks = &hooks};
    struct sim_machine *m = sim_new(&cfg);
    struct sim_domain *d = domain(m, 1, poll_once, NULL);

    (void)state;
    assert_int_equal(sim_run(m, SEC), SIM_DONE);
    assert_int_equal(copies, 1);
    assert_int_equal(d->vcpu[0].result, -XEN_EFAULT);
    sim_free(m);
}

static unsigned highest(void *ctx, sop_cpumask_t due)
{
    ++*(unsigned *)ctx;
    assert_int_not_equal(due, 0);
    return 63u - (unsigned)__builtin_clzll(due);
}

static void test_choosing(void **state)
{
    unsigned asked = 0;
    struct sim_hooks hooks = {.ctx = &asked, .choose = highest};
    struct sim_config cfg = {
        .cores = 4, .nr_domains = 8, .nr_vcpus = 8, .hooks = &hooks};
    struct sim_machine *m = sim_new(&cfg);
    unsigned i;

    (void)state;
    for (i = 0; i < 6; i++) {
        (void)domain(m, (uint16_t)i, hog, NULL);
    }
    assert_int_equal(sim_run(m, SEC), SIM_DONE);
    assert_true(asked > 500);
    sop_check(sim_system(m), sim_now(m));
    sim_free(m);
}

/* Calls for ever without time passing end the run, not the program. */
static void test_stuck(void **state)
{
    struct sim_machine *m = machine(1);

    (void)state;
    (void)domain(m, 1, yielder, NULL);
    (void)domain(m, 2, yielder, NULL);
    assert_int_equal(sim_run(m, SEC), SIM_STUCK);
    assert_non_null(strstr(sim_why(m), "calls again and again"));
    sim_free(m);
}

static void panic(struct sim_machine *m, void *arg)
{
    (void)m;
    (void)arg;
    port_panic("here.c", 7, "something");
}

static void test_panic(void **state)
{
    struct sim_machine *m = machine(1);

    (void)state;
    sim_at(m, 5, panic, NULL);
    assert_int_equal(sim_run(m, SEC), SIM_PANIC);
    assert_string_equal(sim_why(m), "here.c:7: something, at 5 ns with seed 1");
    assert_int_equal(sim_run(m, SEC), SIM_PANIC);
    sim_free(m);
}

/* What calls and switches cost, if they are to cost anything. */
static void test_costs(void **state)
{
    struct sim_config cfg = {
        .nr_domains = 2, .nr_vcpus = 2, .call_ns = 1000, .switch_ns = 500};
    struct sim_machine *m = sim_new(&cfg);
    struct sim_domain *a, *b;

    (void)state;
    a = domain(m, 1, yielder, NULL);
    b = domain(m, 2, yielder, NULL);
    assert_int_equal(sim_run(m, 15000), SIM_DONE);
    /* Each turn takes 1500 ns, and the two take turns. */
    assert_times(a, 7500, 7500, 0, 0);
    assert_times(b, 7500, 7500, 0, 0);
    sim_free(m);
}

static unsigned order[64], nr_order;

static void note(struct sim_machine *m, void *arg)
{
    (void)m;
    order[nr_order++] = *(unsigned *)arg;
}

static void test_acts_in_order(void **state)
{
    static unsigned number[64];
    struct sim_machine *m = machine(1);
    unsigned i;

    (void)state;
    nr_order = 0;
    for (i = 0; i < 64; i++) {
        number[i] = i;
        sim_at(m, i % 4, note, &number[i]);
    }
    assert_int_equal(sim_run(m, SEC), SIM_DONE);
    assert_int_equal(nr_order, 64);
    for (i = 0; i < 64; i++) {
        assert_int_equal(order[i], i % 16 * 4 + i / 16);
    }
    sim_free(m);
}

static void test_hist(void **state)
{
    struct sim_hist h = {0}, sum = {0};
    uint64_t i;

    (void)state;
    assert_int_equal(sim_hist_at(&h, 500), 0);
    for (i = 1; i <= 31; i++) {
        sim_hist_add(&h, i);
    }
    assert_int_equal(sim_hist_at(&h, 500), 16);
    assert_int_equal(sim_hist_at(&h, 1000), 31);
    assert_int_equal(sim_hist_at(&h, 1), 1);
    for (i = 0; i < 69; i++) {
        sim_hist_add(&h, 123456789);
    }
    sim_hist_add(&sum, UINT64_MAX);
    sim_hist_merge(&sum, &h);
    assert_int_equal(sim_hist_at(&sum, 900), 123456789);
    assert_int_equal(sim_hist_at(&sum, 1000), UINT64_MAX);
    assert_int_equal(sum.count, 101);
    sim_hist_free(&h);
    sim_hist_free(&sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_periodic),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_outside),
        cmocka_unit_test(test_shutdown_and_destroy),
        cmocka_unit_test(test_ping_pong),
        cmocka_unit_test(test_late_timers),
        cmocka_unit_test(test_failing_copies),
        cmocka_unit_test(test_choosing),
        cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_panic),
        cmocka_unit_test(test_costs),
        cmocka_unit_test(test_acts_in_order),
        cmocka_unit_test(test_hist),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
