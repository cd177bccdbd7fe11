/* SPDX-License-Identifier: MIT */
/*
 * Random operations from fixed seeds on a machine with several pCPUs, all
 * invariants checked after each (sop_check), kicks late, timers late and
 * copies that fault. SEEDS and FIRST_SEED in the environment choose which. A
 * model beside it predicts what is simple to predict: watchdog slots, latches,
 * pause counts and that no poller or blocker sleeps past what should have woken
 * it.
 */
#include "core_fake.h"

#include <stdlib.h>

#define STEPS 3000
#define NR_DOMAINS 4
#define NR_VCPUS 3

struct model {
    bool dog[2];
    int code;
    bool shut;
    unsigned pauses;
    uint32_t port[8]; /* own ports, ipi to some vCPU */
};

struct run {
    struct world *w;
    struct prng prng;
    struct fake_domain *d[NR_DOMAINS];
    struct model m[NR_DOMAINS];
};

static uint32_t pick(struct run *r, uint32_t n)
{
    return (uint32_t)(prng_next(&r->prng) >> 33) % n;
}

/* One of some values that matter to a check, or any. */
static uint64_t odd_value(struct run *r)
{
    static const uint64_t values[] = {
        0,      1,          2,          3,           63,          64,
        65,     127,        128,        129,         255,         256,
        1023,   1024,       4095,       4096,        0x7fef,      0x7ff0,
        0xffff, 0x80000000, UINT32_MAX, UINT64_MAX,  INT64_MAX,   XEN_RANGE,
        HOLE,   MEM_BASE,   MEM_END,    MEM_END - 4, MEM_END - 1, 999999,
    };
    uint32_t i = pick(r, 2 * (uint32_t)ARRAY_SIZE(values));

    return i < ARRAY_SIZE(values) ? values[i] : prng_next(&r->prng);
}

/* A vCPU that runs, or false if none does. */
static bool any_running(struct run *r, unsigned *dom, unsigned *n)
{
    unsigned tries;

    for (tries = 0; tries < 20; tries++) {
        *dom = pick(r, NR_DOMAINS);
        *n = pick(r, NR_VCPUS);
        if (is_running(r->d[*dom], *n)) {
            return true;
        }
    }
    return false;
}

static void domain_make(struct run *r, unsigned i)
{
    struct sop_domain_config cfg = {
        .domid = (uint16_t)i,
        .hardware = i == 0,
        .kind = i % 2 == 0 ? SOP_GUEST_HVM : SOP_GUEST_PV,
        .nr_vcpus = NR_VCPUS,
        .weight = 1 + pick(r, 1000),
        .cap = pick(r, 4) == 0 ? 1 + pick(r, 150) : 0,
    };
    unsigned n;

    r->d[i] = world_domain_cfg(r->w, &cfg);
    r->m[i] = (struct model){.code = -1, .pauses = 1};
    for (n = 1; n < NR_VCPUS; n++) {
        assert_int_equal(sop_vcpu_set_initialised(r->d[i]->vcpu[n].v), 0);
    }
}

/* ---- what a guest does, with the model ---- */

static void model_shutdown(struct run *r, unsigned dom, uint32_t reason)
{
    struct model *m = &r->m[dom];

    if (m->code == -1) {
        m->code = (uint8_t)reason;
    }
    m->shut = true;
}

static void guest_watchdog(struct run *r, unsigned dom, unsigned n)
{
    struct sched_watchdog op = {.id = pick(r, 4), .timeout = pick(r, 3)};
    struct model *m = &r->m[dom];
    int64_t want = 0;
    int64_t rc = sched(r->w, r->d[dom], n, SCHEDOP_watchdog, &op, sizeof(op));

    if (op.id == 3) {
        want = -XEN_EINVAL;
    } else if (op.id == 0) {
        want = !m->dog[0] ? 1 : !m->dog[1] ? 2 : -XEN_ENOSPC;
        if (want > 0) {
            m->dog[want - 1] = true;
            if (op.timeout == 0) {
                model_shutdown(r, dom, SHUTDOWN_watchdog);
            }
        }
    } else if (!m->dog[op.id - 1]) {
        want = -XEN_EINVAL;
    } else if (op.timeout == 0) {
        m->dog[op.id - 1] = false;
    }
    assert_int_equal(rc, want);
}

static void guest_end(struct run *r, unsigned dom, unsigned n)
{
    struct sched_shutdown op = {.reason = pick(r, 300)};

    if (pick(r, 3) != 0) {
        assert_int_equal(
            sched(r->w, r->d[dom], n, SCHEDOP_shutdown_code, &op, sizeof(op)),
            0);
        if (r->m[dom].code == -1) {
            r->m[dom].code = (uint8_t)op.reason;
        }
    } else if (dom != 0) {
        assert_int_equal(
            sched(r->w, r->d[dom], n, SCHEDOP_shutdown, &op, sizeof(op)), 0);
        model_shutdown(r, dom, op.reason);
    }
}

static void guest_sleep(struct run *r, unsigned dom, unsigned n)
{
    struct fake_domain *d = r->d[dom];
    uint64_t timeout = pick(r, 3) == 0 ? 0 : r->w->now + pick(r, 3 * MS);
    uint32_t ports[3];
    unsigned i, nr = pick(r, 4);

    if (pick(r, 2) == 0) {
        assert_int_equal(sched(r->w, d, n, SCHEDOP_block, NULL, 0), 0);
        return;
    }
    for (i = 0; i < nr; i++) {
        ports[i] = pick(r, 20);
    }
    (void)poll_ports(r->w, d, n, ports, nr, timeout);
}

static void guest_event(struct run *r, unsigned dom, unsigned n)
{
    struct fake_domain *d = r->d[dom];
    uint8_t op[24];
    uint32_t word[6];
    unsigned i;

    for (i = 0; i < 6; i++) {
        word[i] = (uint32_t)(pick(r, 3) != 0 ? pick(r, 12) : odd_value(r));
    }
    memcpy(op, word, sizeof(op));
    (void)evtchn_op(r->w, d, n, (int)pick(r, 15), op, sizeof(op));
    if (pick(r, 3) == 0) {
        set_masked(d, pick(r, 20), pick(r, 2) != 0);
    }
    if (pick(r, 3) == 0) {
        clear_pending(d, pick(r, 20));
        consume(d, n);
    }
}

static void guest_vcpu(struct run *r, unsigned dom, unsigned n)
{
    struct fake_domain *d = r->d[dom];
    unsigned op = pick(r, 14), target = pick(r, NR_VCPUS + 1), i;
    bool last = true;
    uint64_t word[2];

    for (i = 0; i < NR_VCPUS; i++) {
        last = last && (i == target || !sop_vcpu_is_up(d->vcpu[i].v));
    }
    if (op == VCPUOP_down && target < NR_VCPUS && last) {
        if (dom == 0) {
            return; /* would stop the machine */
        }
        model_shutdown(r, dom, SHUTDOWN_poweroff);
    }
    word[0] = pick(r, 2) != 0 ? MEM_BASE + pick(r, FAKE_PAGE * FAKE_PAGES)
                              : odd_value(r);
    word[1] = pick(r, 80) * 8;
    if (op == VCPUOP_register_vcpu_info) {
        word[0] = MEM_BASE / FAKE_PAGE + 10 + pick(r, 4);
    }
    (void)vcpu_call(r->w, d, n, (int)op, target, put(d, word, sizeof(word)));
}

/* Anything at all, as a hostile guest might. */
static void guest_garbage(struct run *r, unsigned dom, unsigned n)
{
    static const uint8_t numbers[] = {32, 24, 15, 17, 18, 21, 34, 35, 36, 13};
    struct sop_call c = {
        .nr = numbers[pick(r, ARRAY_SIZE(numbers))],
        .wide = pick(r, 2) != 0,
        .user = pick(r, 50) == 0,
    };
    unsigned i;

    for (i = 0; i < 3; i++) {
        c.arg[i] = pick(r, 2) != 0 ? pick(r, 30) : odd_value(r);
    }
    if (c.nr == 13) {
        c.arg[0] = HOLE;
    } else if (c.nr == 24 && c.arg[0] == VCPUOP_down) {
        return;
    } else if (c.nr == 18) {
        c.arg[1] = pick(r, 50);
    }
    if (!c.wide) {
        for (i = 0; i < 3; i++) {
            c.arg[i] = (uint32_t)c.arg[i];
        }
    }
    r->w->console_len = 0;
    (void)call_raw(r->w, r->d[dom], n, &c);
    world_settle(r->w);
}

static void guest_pin(struct run *r, unsigned n)
{
    struct sched_pin_override op = {.pcpu = (int32_t)pick(r, 6) - 1};
    int64_t rc = sched(r->w, r->d[0], n, SCHEDOP_pin_override, &op, sizeof(op));

    if (rc == 0 && op.pcpu >= 0 && is_running(r->d[0], n)) {
        assert_int_equal(cpu_of(r->w, r->d[0], n), op.pcpu);
    }
}

static void guest_step(struct run *r)
{
    unsigned dom, n;

    if (!any_running(r, &dom, &n)) {
        return;
    }
    switch (pick(r, 12)) {
    case 0:
        /* The hardware domain's would stop the machine. */
        if (dom != 0) {
            guest_watchdog(r, dom, n);
        }
        break;
    case 1:
        if (pick(r, 8) == 0) {
            guest_end(r, dom, n);
        }
        break;
    case 2:
    case 3:
        guest_sleep(r, dom, n);
        break;
    case 4:
    case 5:
    case 6:
        guest_event(r, dom, n);
        break;
    case 7:
        guest_vcpu(r, dom, n);
        break;
    case 8:
        guest_garbage(r, dom, n);
        break;
    case 9:
        if (is_running(r->d[0], n)) {
            guest_pin(r, n);
        }
        break;
    default:
        assert_int_equal(sched(r->w, r->d[dom], n, SCHEDOP_yield, NULL, 0), 0);
        break;
    }
}

/* ---- what the controller and the machine do ---- */

/* Pools come and go, and pCPUs and domains with them; errors are fine. */
static void pool_step(struct run *r)
{
    static const uint32_t policies[] = {XEN_SCHEDULER_CREDIT2,
                                        XEN_SCHEDULER_RTDS, XEN_SCHEDULER_NULL};
    struct sop_pcpu *self = r->w->p[pick(r, r->w->nr_pcpus)];
    uint32_t id = pick(r, 3), cpu = pick(r, r->w->nr_pcpus + 1);
    struct sop_domain *d;

    switch (pick(r, 7)) {
    case 0:
        (void)sop_pool_create(self, policies[pick(r, 3)], &id);
        break;
    case 1:
        (void)sop_pool_destroy(self, id);
        break;
    case 2:
        (void)sop_pool_add(self, id, cpu);
        break;
    case 3:
        (void)sop_pool_remove(self, id, cpu);
        break;
    case 4:
        d = r->d[pick(r, NR_DOMAINS)]->d;
        /* Given up now and then: another move takes it from there. */
        while (sop_pool_move(self, id, d) == -XEN_EAGAIN && pick(r, 8) != 0) {
            world_settle(r->w);
        }
        break;
    case 5:
        (void)sop_hotplug_offline(self, cpu);
        break;
    default:
        (void)sop_hotplug_online(self, cpu);
        break;
    }
}

/* Nobody who could run has nowhere to. */
static void check_places(struct run *r)
{
    unsigned i, n;

    for (i = 0; i < NR_DOMAINS; i++) {
        for (n = 0; n < NR_VCPUS; n++) {
            assert_true(r->d[i]->vcpu[n].v->pol.hard != 0);
        }
    }
}

static void controller_step(struct run *r)
{
    unsigned dom = pick(r, NR_DOMAINS), n = pick(r, NR_VCPUS);
    struct fake_domain *d = r->d[dom];
    struct model *m = &r->m[dom];
    struct sop_pcpu *self = r->w->p[pick(r, r->w->nr_pcpus)];
    sop_cpumask_t hard = prng_next(&r->prng) & 0x1f;
    sop_cpumask_t soft = prng_next(&r->prng) & 0x1f;

    switch (pick(r, 8)) {
    case 0:
        if (m->pauses < 2) {
            assert_int_equal(sop_domain_pause(self, d->d), 0);
            m->pauses++;
        }
        break;
    case 1:
    case 2:
        assert_int_equal(sop_domain_unpause(self, d->d),
                         m->pauses == 0 ? -XEN_EINVAL : 0);
        m->pauses -= m->pauses != 0;
        break;
    case 3:
        assert_int_equal(sop_domain_resume(self, d->d), 0);
        m->shut = false;
        m->code = -1;
        break;
    case 4:
        (void)sop_vcpu_set_affinity(self, d->vcpu[n].v, pick(r, 8), &hard,
                                    &soft);
        break;
    case 5:
        sop_vcpu_kick(self, d->vcpu[n].v);
        break;
    case 6:
        (void)sop_vcpu_up(self, d->vcpu[n].v);
        break;
    default:
        if (dom != 0 && pick(r, 4) == 0) {
            world_domain_destroy(r->w, d);
            domain_make(r, dom);
        }
        break;
    }
}

static void watch_expiries(struct run *r)
{
    struct sop_domain *d;
    unsigned i;

    /* Timers fire by themselves: take over what they did. */
    for (i = 0; i < NR_DOMAINS; i++) {
        if (r->d[i]->d->shutting_down && !r->m[i].shut) {
            assert_true(r->m[i].dog[0] || r->m[i].dog[1]);
            model_shutdown(r, i, SHUTDOWN_watchdog);
        }
    }
    do {
        d = sop_controller_next(r->w->sys);
    } while (d != NULL);
}

static void compare(struct run *r)
{
    unsigned i, n;

    for (i = 0; i < NR_DOMAINS; i++) {
        const struct sop_domain *d = r->d[i]->d;
        const struct model *m = &r->m[i];

        assert_int_equal(d->shutting_down, m->shut);
        assert_int_equal(d->code, m->code);
        assert_int_equal(d->watchdog[0].claimed, m->dog[0]);
        assert_int_equal(d->watchdog[1].claimed, m->dog[1]);
        for (n = 0; n < NR_VCPUS; n++) {
            if (m->shut || d->controller_pause != 0) {
                assert_false(is_running(r->d[i], n));
            }
        }
    }
}

static uint64_t current_seed;

static void one_seed(uint64_t seed)
{
    struct run r = {.prng = {.state = seed}};
    unsigned i, step;

    r.w = world_new(1 + pick(&r, FAKE_PCPUS));
    r.w->seed = seed;
    r.w->tick = pick(&r, 2) * 50;
    for (i = 0; i < NR_DOMAINS; i++) {
        domain_make(&r, i);
    }
    for (step = 0; step < STEPS; step++) {
        if (pick(&r, 3) != 0) {
            guest_step(&r);
        } else {
            if (pick(&r, 6) == 0) {
                pool_step(&r);
            } else {
                controller_step(&r);
            }
            world_settle(r.w);
            check_places(&r);
        }
        world_advance(r.w, pick(&r, 4) == 0 ? pick(&r, 20 * MS) : 0);
        watch_expiries(&r);
        compare(&r);
    }
    assert_int_equal(r.w->stopped, -1);
    assert_true(r.w->switches > STEPS / 50); /* it did something */
    world_free(r.w);
}

/* A failure is replayed with FIRST_SEED=this SEEDS=1. */
static int name_seed(void **state)
{
    (void)state;
    if (current_seed != 0) {
        print_message("# failed with FIRST_SEED=%llu\n",
                      (unsigned long long)current_seed);
    }
    return 0;
}

/* That failed once: a cap lowered in mid-period gave new time. */
static const uint64_t known[] = {2003586};

static void seeds(void **state)
{
    const char *first = getenv("FIRST_SEED"), *count = getenv("SEEDS");
    uint64_t seed = first != NULL ? strtoull(first, NULL, 0) : 1;
    uint64_t end = seed + (count != NULL ? strtoull(count, NULL, 0) : 100);
    size_t i;

    (void)state;
    for (i = 0; first == NULL && i < ARRAY_SIZE(known); i++) {
        current_seed = known[i];
        one_seed(known[i]);
    }
    for (; seed < end; seed++) {
        current_seed = seed;
        one_seed(seed);
    }
    current_seed = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(seeds, name_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
