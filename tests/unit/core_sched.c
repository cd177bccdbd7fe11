/* SPDX-License-Identifier: MIT */
/*
 * Who runs where: affinity, pins, the switch (spec 6, 3.8; facts 99 to 109),
 * and the default policy through the core: shares, latency, caps.
 */
#include "core_fake.h"

/* ---- pin_override ---- */

static int64_t pin(struct world *w, struct fake_domain *d, unsigned n,
                   int32_t pcpu)
{
    struct sched_pin_override op = {.pcpu = pcpu};

    return sched(w, d, n, SCHEDOP_pin_override, &op, sizeof(op));
}

/* Fact 99: permission before anything else. */
static void pin_needs_hardware(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);

    (void)state;
    assert_rc(sched(w, d, 0, SCHEDOP_pin_override, NULL, 0), EPERM);
    assert_rc(call(w, d, 0, 29, SCHEDOP_pin_override, HOLE, 0), EPERM);
    assert_rc(pin(w, d, 0, 0), EPERM);
    assert_rc(pin(w, d, 0, -1), EPERM);
    assert_rc(pin(w, d, 0, 9999), EPERM);
    world_free(w);
}

/* Facts 100 to 105, 109. */
static void pin_table(void **state)
{
    static const enum sop_guest_kind kinds[] = {SOP_GUEST_HVM, SOP_GUEST_PV};
    unsigned k;

    (void)state;
    for (k = 0; k < 2; k++) {
        struct world *w = world_new(4);
        struct fake_domain *d;
        int32_t p;

        /* pCPU 3 is possible, but not a member of the pool. */
        assert_int_equal(sop_pool_remove(w->p[0], 0, 3), 0);
        d = world_domain(w, 0, kinds[k], 1, true);
        assert_rc(pin(w, d, 0, -1), EINVAL);
        assert_rc(pin(w, d, 0, INT32_MIN), EINVAL);
        assert_rc(pin(w, d, 0, 256), EINVAL);
        assert_rc(pin(w, d, 0, INT32_MAX), EINVAL);
        assert_rc(pin(w, d, 0, 4), EINVAL);
        assert_rc(pin(w, d, 0, 3), EINVAL);
        for (p = 0; p < 3; p++) {
            assert_int_equal(pin(w, d, 0, p), 0);
            assert_int_equal(cpu_of(w, d, 0), p); /* at once */
            assert_rc(pin(w, d, 0, p), EBUSY);
            assert_rc(pin(w, d, 0, (p + 1) % 3), EBUSY);
            assert_rc(pin(w, d, 0, 3), EBUSY);
            assert_rc(pin(w, d, 0, 4), EINVAL);
            assert_rc(pin(w, d, 0, 255), EINVAL);
            assert_rc(pin(w, d, 0, 256), EINVAL);
            assert_int_equal(pin(w, d, 0, p == 0 ? -1 : INT32_MIN), 0);
            assert_rc(pin(w, d, 0, -1), EINVAL);
            assert_int_equal(d->vcpu[0].v->hard, SOP_CPUMASK_ALL);
        }
        world_domain_destroy(w, d);
        world_free(w);
    }
}

/* A pinned vCPU has the physical id of the pCPU of its own number. */
static void pin_gives_physid(void **state)
{
    struct world *w = world_new(3);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 4, true);
    uint64_t id = 0;

    (void)state;
    assert_rc(call(w, d, 0, 24, VCPUOP_get_physid, 1, MEM_BASE), EINVAL);
    bring_up(w, d, 1);
    bring_up(w, d, 3);
    assert_int_equal(pin(w, d, 1, (int32_t)cpu_of(w, d, 1)), 0);
    assert_rc(call(w, d, 0, 24, VCPUOP_get_physid, 1, HOLE), EFAULT);
    assert_int_equal(call(w, d, 0, 24, VCPUOP_get_physid, 1, MEM_BASE), 0);
    get_at(d, MEM_BASE, &id, sizeof(id));
    assert_int_equal(id, 0x100000001);
    assert_int_equal(pin(w, d, 3, (int32_t)cpu_of(w, d, 3)), 0);
    assert_int_equal(call(w, d, 0, 24, VCPUOP_get_physid, 3, MEM_BASE), 0);
    get_at(d, MEM_BASE, &id, sizeof(id));
    assert_int_equal(id, UINT64_MAX); /* there is no fourth pCPU */
    assert_int_equal(pin(w, d, 1, -1), 0);
    assert_rc(call(w, d, 0, 24, VCPUOP_get_physid, 1, MEM_BASE), EINVAL);
    world_free(w);
}

/* Fact 104: outside the hard mask, and back. */
static void pin_over_affinity(void **state)
{
    struct world *w = world_new(3);
    struct sop_domain_config cfg = {
        .domid = 0, .hardware = true, .nr_vcpus = 1, .hard = 2};
    struct fake_domain *d = world_domain_cfg(w, &cfg);

    (void)state;
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    world_settle(w);
    assert_int_equal(cpu_of(w, d, 0), 1);
    assert_int_equal(pin(w, d, 0, 2), 0);
    assert_int_equal(cpu_of(w, d, 0), 2);
    /* It survives sleep, down and up, shutdown (6.2). */
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + MS), 0);
    world_advance(w, MS);
    assert_int_equal(cpu_of(w, d, 0), 2);
    assert_int_equal(pin(w, d, 0, -5), 0);
    assert_int_equal(d->vcpu[0].v->hard, 2);
    assert_int_equal(cpu_of(w, d, 0), 1);
    world_free(w);
}

/* Fact 106, and the checks of ordinary affinity (6.1). */
static void affinity(void **state)
{
    struct world *w = world_new(3);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct sop_vcpu *v = d->vcpu[0].v;
    struct sop_pcpu *p = w->p[0];
    sop_cpumask_t hard, soft;

    (void)state;
    hard = soft = 1;
    assert_rc(sop_vcpu_set_affinity(p, v, 0, &hard, &soft), EINVAL);
    assert_rc(sop_vcpu_set_affinity(p, v, 8, &hard, &soft), EINVAL);
    assert_rc(sop_vcpu_set_affinity(p, v, SOP_AFFINITY_HARD, NULL, &soft),
              EINVAL);
    assert_rc(sop_vcpu_set_affinity(p, v, SOP_AFFINITY_SOFT, &hard, NULL),
              EINVAL);
    hard = 8; /* no such pCPU here */
    assert_rc(sop_vcpu_set_affinity(p, v, SOP_AFFINITY_HARD, &hard, NULL),
              EINVAL);
    hard = 0;
    assert_rc(sop_vcpu_set_affinity(p, v, SOP_AFFINITY_HARD, &hard, NULL),
              EINVAL);
    hard = 0xfffffffffffffff4;
    assert_int_equal(
        sop_vcpu_set_affinity(p, v, SOP_AFFINITY_HARD, &hard, NULL), 0);
    assert_int_equal(hard, 4); /* what is in effect */
    world_settle(w);
    assert_int_equal(cpu_of(w, d, 0), 2); /* a running one moves */
    hard = 6;
    assert_int_equal(
        sop_vcpu_set_affinity(p, v, SOP_AFFINITY_HARD, &hard, NULL), 0);
    soft = 2;
    assert_int_equal(
        sop_vcpu_set_affinity(p, v, SOP_AFFINITY_SOFT, NULL, &soft), 0);
    assert_int_equal(v->pol.soft, 2); /* the soft one alone counts too */
    hard = 4;
    assert_int_equal(
        sop_vcpu_set_affinity(p, v, SOP_AFFINITY_HARD, &hard, NULL), 0);
    world_settle(w);
    soft = 3;
    assert_int_equal(
        sop_vcpu_set_affinity(p, v, SOP_AFFINITY_SOFT, NULL, &soft), 0);
    assert_int_equal(soft, 0); /* empty: reported, ignored */
    assert_int_equal(v->pol.soft, 4);
    hard = 7;
    soft = 2;
    assert_int_equal(
        sop_vcpu_set_affinity(p, v, SOP_AFFINITY_HARD | SOP_AFFINITY_SOFT,
                              &hard, &soft),
        0);
    assert_int_equal(hard, 7);
    assert_int_equal(soft, 2);
    world_settle(w);

    assert_int_equal(pin(w, d, 0, 0), 0);
    hard = 8;
    assert_rc(sop_vcpu_set_affinity(p, v, SOP_AFFINITY_HARD, &hard, NULL),
              EINVAL);
    hard = 1;
    assert_rc(sop_vcpu_set_affinity(p, v, SOP_AFFINITY_HARD, &hard, NULL),
              EBUSY);
    soft = 1;
    assert_rc(sop_vcpu_set_affinity(p, v, SOP_AFFINITY_SOFT, NULL, &soft),
              EBUSY);
    hard = 2;
    assert_int_equal(
        sop_vcpu_set_affinity(p, v, SOP_AFFINITY_HARD | SOP_AFFINITY_FORCE,
                              &hard, NULL),
        0);
    world_settle(w);
    assert_int_equal(cpu_of(w, d, 0), 1);
    assert_rc(pin(w, d, 0, -1), EINVAL);
    assert_int_equal(pin(w, d, 0, 0), 0);
    assert_int_equal(
        sop_vcpu_set_affinity(p, v, SOP_AFFINITY_FORCE, NULL, NULL), 0);
    assert_rc(pin(w, d, 0, -1), EINVAL);
    world_settle(w);
    assert_int_equal(v->hard, 2);
    world_free(w);
}

/* A vCPU of another domain, running, queued and asleep, is moved. */
static void affinity_moves(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *a = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct fake_domain *b = world_domain(w, 2, SOP_GUEST_HVM, 1, false);
    sop_cpumask_t one = 1, two = 2;

    (void)state;
    assert_int_equal(sop_vcpu_set_affinity(w->p[0], a->vcpu[0].v,
                                           SOP_AFFINITY_HARD, &one, NULL),
                     0);
    assert_int_equal(sop_vcpu_set_affinity(w->p[0], b->vcpu[0].v,
                                           SOP_AFFINITY_HARD, &one, NULL),
                     0);
    world_settle(w);
    /* Both want pCPU 0: one waits, and pCPU 1 is idle. */
    assert_true(is_running(a, 0) != is_running(b, 0));
    one = 1;
    if (is_running(a, 0)) {
        struct fake_domain *t = a;

        a = b;
        b = t;
    }
    assert_int_equal(runstate(a, 0), RUNSTATE_runnable);
    assert_int_equal(sop_vcpu_set_affinity(w->p[0], a->vcpu[0].v,
                                           SOP_AFFINITY_HARD, &two, NULL),
                     0);
    world_settle(w);
    assert_int_equal(cpu_of(w, a, 0), 1);
    assert_int_equal(poll_ports(w, a, 0, NULL, 0, w->now + MS), 0);
    one = 1;
    assert_int_equal(sop_vcpu_set_affinity(w->p[0], a->vcpu[0].v,
                                           SOP_AFFINITY_HARD, &one, NULL),
                     0);
    world_advance(w, 10 * MS);
    assert_true(!is_running(a, 0) || cpu_of(w, a, 0) == 0);
    world_free(w);
}

/* Soft affinity: preferred when free, never in the way of running. */
static void soft_affinity(void **state)
{
    struct world *w = world_new(2);
    struct sop_domain_config cfg = {.domid = 1, .nr_vcpus = 1, .soft = 2};
    struct fake_domain *d = world_domain_cfg(w, &cfg);
    struct sop_domain_config other = {.domid = 2, .nr_vcpus = 1, .soft = 2};
    struct fake_domain *e;
    unsigned i;

    (void)state;
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    world_settle(w);
    assert_int_equal(cpu_of(w, d, 0), 1);
    for (i = 0; i < 5; i++) {
        assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + MS), 0);
        world_advance(w, 2 * MS);
        assert_int_equal(cpu_of(w, d, 0), 1);
    }
    e = world_domain_cfg(w, &other);
    assert_int_equal(sop_domain_unpause(w->p[0], e->d), 0);
    world_settle(w);
    /* Both prefer pCPU 1; one of them runs on 0 rather than wait. */
    assert_true(is_running(d, 0));
    assert_true(is_running(e, 0));
    if (cpu_of(w, d, 0) == 0) {
        struct fake_domain *t = d;

        d = e;
        e = t;
    }
    /* When the preferred one falls free, it moves there in time. */
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, 0), 0);
    world_advance(w, 20 * MS);
    assert_int_equal(cpu_of(w, e, 0), 1);
    world_free(w);
}

/* A pCPU that comes online serves the vCPUs whose masks name it. */
static void late_pcpu(void **state)
{
    struct world *w = world_new_partly(2, 1);
    struct fake_domain *a = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *b = world_domain(w, 2, SOP_GUEST_HVM, 1, false);
    struct sop_domain_config cfg = {.domid = 3, .nr_vcpus = 1, .hard = 2};
    struct fake_domain *c = world_domain_cfg(w, &cfg);

    (void)state;
    assert_int_equal(sop_domain_unpause(w->p[0], c->d), 0);
    world_settle(w);
    assert_false(is_running(c, 0));
    assert_int_equal(c->vcpu[0].v->pol.hard, 0);
    if (is_running(a, 0)) {
        assert_rc(pin(w, a, 0, 1), EINVAL);
    }
    w->nr_pcpus = 2;
    sop_pcpu_online(w->p[1]);
    world_settle(w);
    assert_int_equal(a->vcpu[0].v->pol.hard, 3);
    assert_int_equal(b->vcpu[0].v->pol.hard, 3);
    assert_true(is_running(c, 0) || is_running(b, 0));
    world_advance(w, 20 * MS);
    assert_true(info_of(w, c).cpu_ns > 0);
    world_free(w);
}

/* ---- the switch ---- */

static struct fake_domain *hook_domain;
static unsigned hook_cpu;

static void pause_now(struct world *w, unsigned cpu)
{
    hook_cpu = cpu;
    assert_int_equal(sop_domain_pause(w->p[1 - cpu], hook_domain->d), 0);
    assert_int_equal(sop_domain_unpause(w->p[1 - cpu], hook_domain->d), 0);
}

/*
 * A vCPU woken while its registers are still being saved is queued at once
 * and runs soon, but no pCPU may take it before; the fake asserts that.
 */
static void woken_in_switch(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    unsigned i;

    (void)state;
    hook_domain = d;
    for (i = 0; i < 20; i++) {
        assert_int_equal(sop_domain_pause(w->p[0], d->d), 0);
        w->in_switch = pause_now;
        /* The pause's own hold goes while the switch is on its way. */
        assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
        world_settle(w);
        assert_true(is_running(d, 0));
        w->in_switch = NULL;
    }
    world_free(w);
}

static void steal_now(struct world *w, unsigned cpu)
{
    /* Wakes the vCPU that is being switched out, then lets the other pCPU
       choose: it must leave it alone. */
    sop_vcpu_kick(w->p[1 - cpu], hook_domain->vcpu[0].v);
    assert_ptr_equal(hook_domain->vcpu[0].v->pol.on, &w->p[cpu]->pol);
    hook_cpu = cpu;
    w->kicked[1 - cpu] = false;
    sop_kicked(w->p[1 - cpu]);
    (void)__atomic_fetch_or(&w->p[1 - cpu]->work, PCPU_RESCHEDULE,
                            __ATOMIC_SEQ_CST);
    {
        jmp_buf saved;

        memcpy(saved, w->idle, sizeof(saved));
        (void)world_run(w, 1 - cpu);
        memcpy(w->idle, saved, sizeof(saved));
        w->may_idle = true;
    }
    assert_null(w->loaded[1 - cpu]);
}

static void not_stolen_in_switch(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct sop_call c = {.nr = 29, .arg = {SCHEDOP_block}, .wide = true};

    (void)state;
    hook_domain = d;
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_DONE);
    w->in_switch = steal_now;
    hook_cpu = 99;
    world_settle(w);
    assert_int_not_equal(hook_cpu, 99);
    assert_true(is_running(d, 0));
    world_free(w);
}

/* An exit that changed nothing costs no clock, lock or switch. */
static void cheap_exit(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    unsigned reads = w->clock_reads, switches = w->switches;
    unsigned cpu = cpu_of(w, d, 0);

    (void)state;
    assert_ptr_equal(world_run(w, cpu), d->vcpu[0].v);
    assert_int_equal(w->clock_reads, reads);
    assert_int_equal(w->switches, switches);
    world_free(w);
}

/* ---- shares ---- */

static uint64_t ran(struct world *w, struct fake_domain *d)
{
    return info_of(w, d).cpu_ns;
}

static struct fake_domain *spinner(struct world *w, uint16_t id,
                                   unsigned weight, unsigned cap,
                                   unsigned nr_vcpus)
{
    struct sop_domain_config cfg = {
        .domid = id, .nr_vcpus = nr_vcpus, .weight = weight, .cap = cap};
    struct fake_domain *d = world_domain_cfg(w, &cfg);
    unsigned i;

    for (i = 1; i < nr_vcpus; i++) {
        assert_int_equal(sop_vcpu_set_initialised(d->vcpu[i].v), 0);
        assert_int_equal(sop_vcpu_up(w->p[0], d->vcpu[i].v), 0);
    }
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    world_settle(w);
    return d;
}

/* Within `percent` of `share` per mille of `total`. */
static void assert_share(uint64_t got, uint64_t total, uint64_t share)
{
    uint64_t want = total * share / 1000;
    uint64_t slack = total / 100 + 10 * MS;

    assert_in_range(got, want > slack ? want - slack : 0, want + slack);
}

static void share_by_weight(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *a = spinner(w, 1, 256, 0, 1);
    struct fake_domain *b = spinner(w, 2, 512, 0, 1);
    struct fake_domain *c = spinner(w, 3, 1024, 0, 1);
    uint64_t a0 = ran(w, a), b0 = ran(w, b), c0 = ran(w, c);

    (void)state;
    world_advance(w, 7ull * SEC);
    assert_share(ran(w, a) - a0, 7ull * SEC, 143);
    assert_share(ran(w, b) - b0, 7ull * SEC, 286);
    assert_share(ran(w, c) - c0, 7ull * SEC, 571);
    /* Nothing is lost: one of them always runs. */
    assert_int_equal(ran(w, a) + ran(w, b) + ran(w, c) - a0 - b0 - c0,
                     7ull * SEC);
    world_free(w);
}

/* Three on two pCPUs: two thirds each, though that cannot be split. */
static void share_over_pcpus(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d[3];
    uint64_t start[3], sum = 0;
    unsigned i;

    (void)state;
    for (i = 0; i < 3; i++) {
        d[i] = spinner(w, (uint16_t)i, 256, 0, 1);
    }
    for (i = 0; i < 3; i++) {
        start[i] = ran(w, d[i]);
    }
    world_advance(w, 3ull * SEC);
    for (i = 0; i < 3; i++) {
        assert_share(ran(w, d[i]) - start[i], 3ull * SEC, 667);
        sum += ran(w, d[i]) - start[i];
    }
    assert_int_equal(sum, 6ull * SEC);
    world_free(w);
}

/* One that yields all the time beside one that spins. */
static void yielder_gives_way(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *y = spinner(w, 1, 256, 0, 1);
    struct fake_domain *s = spinner(w, 2, 256, 0, 1);
    uint64_t end = w->now + SEC, y0 = ran(w, y);

    (void)state;
    while (w->now < end) {
        if (is_running(y, 0)) {
            assert_int_equal(sched(w, y, 0, SCHEDOP_yield, NULL, 0), 0);
        }
        world_advance(w, MS / 10);
    }
    assert_true(ran(w, y) - y0 < 100 * MS);
    assert_true(ran(w, s) > 800 * MS);
    world_free(w);
}

/* A sleeper that wakes runs at once, past the rate limit, beside a spinner. */
static void wakeup_latency(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *s = spinner(w, 1, 256, 0, 1);
    struct fake_domain *d = spinner(w, 2, 256, 0, 1);
    uint64_t worst = 0;
    unsigned i;

    (void)state;
    for (i = 0; i < 100; i++) {
        uint64_t wake;

        while (!is_running(d, 0)) {
            world_advance(w, MS / 10);
        }
        wake = w->now + 3 * MS;
        assert_int_equal(poll_ports(w, d, 0, NULL, 0, wake), 0);
        while (!is_running(d, 0)) {
            world_advance(w, MS / 20);
        }
        if (w->now - wake > worst) {
            worst = w->now - wake;
        }
    }
    assert_true(worst <= MS);
    assert_true(is_running(s, 0) || runstate(s, 0) == RUNSTATE_runnable);
    world_free(w);
}

/* Two that spin take turns of at most a quantum. */
static void turns(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *a = spinner(w, 1, 256, 0, 1);
    uint64_t since = w->now, longest = 0;
    bool was = true;
    unsigned i;

    (void)state;
    (void)spinner(w, 2, 256, 0, 1);
    for (i = 0; i < 5000; i++) {
        world_advance(w, MS / 10);
        if (is_running(a, 0) != was) {
            longest = max_u64(longest, w->now - since);
            was = !was;
            since = w->now;
        }
    }
    assert_true(longest <= 5 * MS);
    assert_true(longest >= MS);
    world_free(w);
}

/* Who has only begun to run keeps the pCPU for the rate limit, no longer. */
static void rate_limit(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = spinner(w, 1, 65535, 0, 1);
    struct fake_domain *s;
    uint64_t wake;

    (void)state;
    /* The heavy one's deadline is early whenever it wakes. */
    s = spinner(w, 2, 1, 0, 1);
    while (!is_running(d, 0)) {
        world_advance(w, MS / 10);
    }
    wake = w->now + MS / 2;
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, wake), 0);
    assert_true(is_running(s, 0)); /* since now */
    world_advance(w, MS - 1);
    assert_true(is_running(s, 0));
    world_advance(w, 1);
    assert_true(is_running(d, 0));
    world_free(w);
}

/* Sleeping saves nothing up: a late riser gets its share and no more. */
static void no_hoarding(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *a = spinner(w, 1, 256, 0, 1);
    struct fake_domain *b = spinner(w, 2, 256, 0, 1);
    uint64_t a0, b0;

    (void)state;
    while (!is_running(b, 0)) {
        world_advance(w, MS);
    }
    assert_int_equal(poll_ports(w, b, 0, NULL, 0, w->now + 10ull * SEC), 0);
    world_advance(w, 10ull * SEC);
    a0 = ran(w, a);
    b0 = ran(w, b);
    world_advance(w, SEC);
    assert_share(ran(w, a) - a0, SEC, 500);
    assert_share(ran(w, b) - b0, SEC, 500);
    world_free(w);
}

/* Caps, alone and beside others, and of several vCPUs together. */
static void caps(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *a = spinner(w, 1, 256, 25, 1);
    struct fake_domain *b, *c;
    uint64_t a0 = ran(w, a), b0, c0;

    (void)state;
    world_advance(w, 2ull * SEC);
    assert_share(ran(w, a) - a0, 2ull * SEC, 250);
    b = spinner(w, 2, 256, 0, 2);
    a0 = ran(w, a);
    b0 = ran(w, b);
    world_advance(w, 2ull * SEC);
    assert_share(ran(w, a) - a0, 2ull * SEC, 250);
    assert_share(ran(w, b) - b0, 2ull * SEC, 1750);
    world_domain_destroy(w, b);
    world_domain_destroy(w, a);
    c = spinner(w, 3, 256, 150, 2); /* one and a half pCPUs */
    c0 = ran(w, c);
    world_advance(w, 2ull * SEC);
    assert_share(ran(w, c) - c0, 2ull * SEC, 1500);
    world_free(w);
}

/* Hard affinity is kept under load, and the rest is still shared. */
static void pinned_load(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d[4];
    uint64_t start[4];
    unsigned i, step;

    (void)state;
    for (i = 0; i < 4; i++) {
        sop_cpumask_t hard = i < 3 ? 1 : 3;

        d[i] = spinner(w, (uint16_t)i, 256, 0, 1);
        assert_int_equal(sop_vcpu_set_affinity(w->p[0], d[i]->vcpu[0].v,
                                               SOP_AFFINITY_HARD, &hard, NULL),
                         0);
        world_settle(w);
    }
    for (i = 0; i < 4; i++) {
        start[i] = ran(w, d[i]);
    }
    for (step = 0; step < 3000; step++) {
        world_advance(w, MS);
        for (i = 0; i < 3; i++) {
            assert_true(!is_running(d[i], 0) || cpu_of(w, d[i], 0) == 0);
        }
    }
    for (i = 0; i < 3; i++) {
        assert_share(ran(w, d[i]) - start[i], 3ull * SEC, 333);
    }
    assert_share(ran(w, d[3]) - start[3], 3ull * SEC, 1000);
    world_free(w);
}

/* ---- the same seed, the same run ---- */

static uint64_t fingerprint(void)
{
    struct world *w = world_new(2);
    struct fake_domain *d[4];
    uint64_t hash = 0;
    unsigned i, step;

    for (i = 0; i < 4; i++) {
        d[i] = spinner(w, (uint16_t)i, 100 + 100 * i, 0, 1);
    }
    for (step = 0; step < 500; step++) {
        world_advance(w, MS);
        for (i = 0; i < 4; i++) {
            hash =
                hash * 31 + (is_running(d[i], 0) ? 1 + cpu_of(w, d[i], 0) : 0);
        }
    }
    world_free(w);
    return hash;
}

static void repeatable(void **state)
{
    uint64_t first = fingerprint();

    (void)state;
    assert_true(first == fingerprint());
    assert_true(first != 0);
}

static unsigned dumped;

static void count_line(void *arg, const char *line)
{
    assert_null(arg);
    assert_null(strchr(line, '\n'));
    dumped++;
}

static void knobs_and_dump(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *a = spinner(w, 1, 77, 33, 1);
    struct policy_pool *pool = &w->sys->pool[0].pol;
    struct policy_domain_knobs k = {.sched_id = XEN_SCHEDULER_CREDIT2};

    (void)state;
    (void)spinner(w, 2, 256, 0, 1);
    assert_int_equal(policy_domain_knobs(pool, &a->d->pol, &k, false), 0);
    assert_int_equal(k.u.credit2.weight, 77);
    assert_int_equal(k.u.credit2.cap, 33);
    k.u.credit2.weight = 0;
    assert_rc(policy_domain_knobs(pool, &a->d->pol, &k, true), EINVAL);
    k.u.credit2.weight = 65536;
    assert_rc(policy_domain_knobs(pool, &a->d->pol, &k, true), EINVAL);
    k.u.credit2.weight = 1;
    assert_int_equal(policy_domain_knobs(pool, &a->d->pol, &k, true), 0);
    k.u.credit2.weight = 65535;
    assert_int_equal(policy_domain_knobs(pool, &a->d->pol, &k, true), 0);
    dumped = 0;
    policy_dump(pool, count_line, NULL);
    assert_int_equal(dumped, 2); /* the pool, and the one that waits */
    assert_string_equal(pool->ops->name, "credit2");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pin_needs_hardware),
        cmocka_unit_test(pin_table),
        cmocka_unit_test(pin_gives_physid),
        cmocka_unit_test(pin_over_affinity),
        cmocka_unit_test(affinity),
        cmocka_unit_test(affinity_moves),
        cmocka_unit_test(soft_affinity),
        cmocka_unit_test(late_pcpu),
        cmocka_unit_test(woken_in_switch),
        cmocka_unit_test(not_stolen_in_switch),
        cmocka_unit_test(cheap_exit),
        cmocka_unit_test(share_by_weight),
        cmocka_unit_test(share_over_pcpus),
        cmocka_unit_test(yielder_gives_way),
        cmocka_unit_test(wakeup_latency),
        cmocka_unit_test(turns),
        cmocka_unit_test(rate_limit),
        cmocka_unit_test(no_hoarding),
        cmocka_unit_test(caps),
        cmocka_unit_test(pinned_load),
        cmocka_unit_test(repeatable),
        cmocka_unit_test(knobs_and_dump),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
