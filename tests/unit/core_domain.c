/* SPDX-License-Identifier: MIT */
/*
 * Life of domains: creation, pausing, shutdown, resume, watchdogs, the
 * hardware domain, destruction (spec 2.2, 3.7, 7; facts 61 to 98).
 */
#include "core_fake.h"

#include <stdlib.h>

static int64_t shut(struct world *w, struct fake_domain *d, uint32_t reason)
{
    struct sched_shutdown op = {.reason = reason};

    return sched(w, d, 0, SCHEDOP_shutdown, &op, sizeof(op));
}

/* ---- the arena and slots ---- */

static void system_config(void **state)
{
    struct sop_config cfg = {.nr_pcpus = 1,
                             .nr_domains = 1,
                             .nr_vcpus = 1,
                             .policy = &policy_credit2};
    struct sop_config bad;
    size_t size = sop_system_size(&cfg);
    uint8_t *arena = aligned_alloc(64, size + 64);
    struct sop_system *sys;

    (void)state;
    assert_true(size > 0 && size % 64 == 0);
    bad = cfg;
    bad.nr_pcpus = 0;
    assert_int_equal(sop_system_size(&bad), 0);
    bad.nr_pcpus = SOP_PCPUS_MAX + 1;
    assert_int_equal(sop_system_size(&bad), 0);
    bad = cfg;
    bad.nr_domains = 0;
    assert_int_equal(sop_system_size(&bad), 0);
    bad.nr_domains = SOP_DOMAINS_MAX + 1;
    assert_int_equal(sop_system_size(&bad), 0);
    bad = cfg;
    bad.nr_vcpus = 0;
    assert_int_equal(sop_system_size(&bad), 0);
    bad.nr_vcpus = SOP_DOMAINS_MAX * SOP_VCPUS_MAX + 1;
    assert_int_equal(sop_system_size(&bad), 0);
    bad = cfg;
    bad.policy = NULL;
    assert_int_equal(sop_system_size(&bad), 0);
    assert_null(sop_system_init(arena, size, &bad));
    assert_null(sop_system_init(arena, size - 1, &cfg));
    /* Nothing is written behind what was asked for. */
    memset(arena + size, 0x5a, 64);
    sys = sop_system_init(arena, size, &cfg);
    assert_ptr_equal(sys, arena);
    assert_int_equal(arena[size], 0x5a);
    assert_non_null(sop_pcpu(sys, 0));
    assert_null(sop_pcpu(sys, 1));
    assert_ptr_equal(sop_pcpu_system(sop_pcpu(sys, 0)), sys);
    sop_pcpu_set_port(sop_pcpu(sys, 0), arena);
    assert_ptr_equal(sop_pcpu_port(sop_pcpu(sys, 0)), arena);
    free(arena);
}

/* Domains that bring their tables of ports. */
static void own_ports(void **state)
{
    struct sop_config cfg = {.nr_pcpus = 1,
                             .nr_domains = 3,
                             .nr_vcpus = 3,
                             .policy = &policy_credit2};
    struct sop_domain_config c = {
        .domid = 1, .nr_vcpus = 1, .weight = 256, .hard = 1};
    size_t with = sop_system_size(&cfg), size, tables;
    struct sop_domain *d = NULL;
    struct sop_system *sys;
    uint64_t *ports, *page;
    uint8_t *arena;

    (void)state;
    cfg.own_ports = true;
    size = sop_system_size(&cfg);
    tables = sop_ports_size(0, SOP_VCPUS_MAX) +
             (SOP_PORTS_2L / PORTS_PAGE - 1) * sizeof(struct port_page);
    assert_int_equal(with - size, 3 * ((tables + 63) & ~(size_t)63));
    arena = aligned_alloc(64, size);
    page = calloc(1, 4096);
    ports = malloc(sop_ports_size(0, 1));
    memset(ports, 0x5a, sop_ports_size(0, 1));
    sys = sop_system_init(arena, size, &cfg);
    c.shared_info = page;
    assert_rc(sop_domain_create(sys, 0, &c, NULL, &d), EINVAL);
    c.ports = ports;
    assert_int_equal(sop_domain_create(sys, 0, &c, NULL, &d), 0);
    assert_int_equal(sop_evtchn_host_port(d), 1);
    free(ports);
    free(page);
    free(arena);
}

/*
 * Pages of ports come as they are used, the first with the domain. While there
 * is none ports are short of memory, and nothing else has changed; the end of
 * the domain gives all back.
 */
static void pages_of_ports(void **state)
{
    struct sop_config cfg = {.nr_pcpus = 1,
                             .nr_domains = 1,
                             .nr_vcpus = 1,
                             .own_ports = true,
                             .policy = &policy_credit2};
    struct sop_domain_config c = {.domid = 1,
                                  .nr_vcpus = 1,
                                  .weight = 256,
                                  .hard = 1,
                                  .nr_ports = 3 * PORTS_PAGE + 70};
    size_t size = sop_system_size(&cfg), own;
    struct fake_domain *fake = aligned_alloc(4096, sizeof(*fake));
    struct world *w = test_calloc(1, sizeof(*w));
    struct sop_domain *d = NULL;
    unsigned life;
    int port;

    (void)state;
    own = sop_ports_size(c.nr_ports, 1);
    assert_in_range(own, sizeof(struct port_page), 4096);
    assert_true(sop_ports_size(SOP_PORTS_MAX, 1) < 3 * 4096);
    fake_world = w;
    w->sys = sop_system_init(aligned_alloc(64, size), size, &cfg);
    memset(fake, 0, sizeof(*fake));
    c.shared_info = fake->shared;
    c.port = fake;
    c.ports = malloc(own);
    for (life = 0; life < 2; life++) {
        memset(c.ports, 0x5a, own);
        assert_int_equal(sop_domain_create(w->sys, 0, &c, NULL, &d), 0);
        fake_pages_max = 2;
        for (port = 1; port < (int)(3 * PORTS_PAGE); port++) {
            assert_int_equal(sop_evtchn_host_port(d), port);
            assert_int_equal(fake_pages, (unsigned)port / PORTS_PAGE);
        }
        assert_int_equal(sop_evtchn_host_port(d), -XEN_ENOMEM);
        assert_int_equal(sop_evtchn_host_port(d), -XEN_ENOMEM);
        assert_int_equal(d->nr_ports, 3 * PORTS_PAGE);
        evtchn_free(d, 300);
        assert_int_equal(sop_evtchn_host_port(d), 300);
        fake_pages_max = UINT_MAX;
        for (; port < (int)c.nr_ports; port++) {
            assert_int_equal(sop_evtchn_host_port(d), port);
        }
        assert_int_equal(sop_evtchn_host_port(d), -XEN_ENOSPC);
        assert_int_equal(fake_pages, 3);
        sop_check(w->sys, 0);
        assert_int_equal(sop_domain_destroy(sop_pcpu(w->sys, 0), d), 0);
        sop_domain_free(d);
        assert_int_equal(fake_pages, 0);
    }
    free(c.ports);
    free(fake);
    free(w->sys);
    test_free(w);
}

/* Credit2, but it has room for two vCPUs. */
static unsigned inserted;

static int insert_two(struct policy_pool *pool, struct policy_vcpu *v)
{
    int rc = inserted < 2 ? policy_credit2.insert(pool, v) : -XEN_ENOSPC;

    inserted += rc == 0;
    return rc;
}

static void remove_one(struct policy_pool *pool, struct policy_vcpu *v)
{
    inserted--;
    policy_credit2.remove(pool, v);
}

/* What a policy refuses leaves nothing behind. */
static void refused_by_policy(void **state)
{
    struct policy_ops two = policy_credit2;
    struct sop_config cfg = {
        .nr_pcpus = 1, .nr_domains = 3, .nr_vcpus = 6, .policy = &two};
    struct sop_domain_config c = {
        .domid = 1, .nr_vcpus = 3, .weight = 256, .hard = 1};
    struct sop_domain *d = NULL;
    struct sop_system *sys;
    uint8_t *arena;
    unsigned i;

    (void)state;
    inserted = 0;
    two.insert = insert_two;
    two.remove = remove_one;
    arena = aligned_alloc(64, sop_system_size(&cfg));
    sys = sop_system_init(arena, sop_system_size(&cfg), &cfg);
    c.shared_info = calloc(1, 4096);
    for (i = 0; i < 5; i++) {
        assert_rc(sop_domain_create(sys, 0, &c, NULL, &d), ENOSPC);
        assert_int_equal(inserted, 0);
        assert_null(sop_domain_by_id(sys, 1));
        sop_check(sys, 0);
    }
    c.weight = 65536; /* and so what it does not take */
    assert_rc(sop_domain_create(sys, 0, &c, NULL, &d), EINVAL);
    c.weight = 256;
    c.nr_vcpus = 2;
    assert_int_equal(sop_domain_create(sys, 0, &c, NULL, &d), 0);
    assert_int_equal(inserted, 2);
    sop_check(sys, 0);
    free(c.shared_info);
    free(arena);
}

static void create(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 5, SOP_GUEST_HVM, 2, true);
    struct sop_domain_config good = {.domid = 6,
                                     .nr_vcpus = 1,
                                     .weight = 256,
                                     .hard = 1,
                                     .shared_info = d->shared};
    struct sop_domain_config c;
    struct sop_domain *out = NULL;

    (void)state;
#define REFUSED(field, value, error)                                           \
    do {                                                                       \
        c = good;                                                              \
        c.field = (value);                                                     \
        assert_rc(sop_domain_create(w->sys, w->now, &c, NULL, &out), error);   \
        assert_null(out);                                                      \
    } while (0)
    REFUSED(domid, DOMID_FIRST_RESERVED, EINVAL);
    REFUSED(domid, 5, EEXIST);
    REFUSED(nr_vcpus, 0, EINVAL);
    REFUSED(nr_vcpus, SOP_VCPUS_MAX + 1, EINVAL);
    REFUSED(nr_vcpus, 31, ENOMEM);
    REFUSED(weight, 0, EINVAL);
    REFUSED(weight, 65536, EINVAL);
    REFUSED(hard, 4, EINVAL);
    REFUSED(pool, 1, ESRCH);
    REFUSED(pool, SOP_POOL_ANY, ESRCH);
    REFUSED(hardware, true, EINVAL);
    REFUSED(shared_info, NULL, EINVAL);
    REFUSED(ports, d->shared, EINVAL);
#undef REFUSED
    assert_ptr_equal(sop_domain_by_id(w->sys, 5), d->d);
    assert_null(sop_domain_by_id(w->sys, 6));
    assert_null(sop_domain_by_id(w->sys, 0x7ff0));
    assert_int_equal(sop_domain_id(d->d), 5);
    assert_true(sop_domain_is_hardware(d->d));
    assert_int_equal(sop_domain_nr_vcpus(d->d), 2);
    assert_ptr_equal(sop_vcpu_domain(sop_domain_vcpu(d->d, 1)), d->d);
    assert_int_equal(sop_vcpu_id(sop_domain_vcpu(d->d, 1)), 1);
    assert_null(sop_domain_vcpu(d->d, 2));
    world_free(w);
}

/* Slots and vCPUs run out, and come back. */
static void slots(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d[FAKE_DOMAINS];
    struct sop_domain *out;
    unsigned i, round;

    (void)state;
    for (round = 0; round < 3; round++) {
        struct sop_domain_config c = {
            .domid = 999, .nr_vcpus = 1, .weight = 1, .hard = 1};

        for (i = 0; i < FAKE_DOMAINS; i++) {
            d[i] = world_domain(w, (uint16_t)(round * 100 + i), SOP_GUEST_HVM,
                                4, false);
        }
        c.shared_info = d[0]->shared;
        assert_rc(sop_domain_create(w->sys, w->now, &c, NULL, &out), ENOMEM);
        for (i = 0; i < FAKE_DOMAINS; i++) {
            world_domain_destroy(w, d[i]);
        }
    }
    world_free(w);
}

/* A new life in an old slot starts from nothing. */
static void fresh_slot(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 2, true);
    struct sched_watchdog wd = {.timeout = 10};
    struct sched_shutdown code = {.reason = 4};
    struct sched_pin_override pin = {.pcpu = 0};
    unsigned i;

    (void)state;
    for (i = 0; i < 70; i++) {
        (void)bind_ipi(w, d, 0, 0);
    }
    assert_int_equal(sched(w, d, 0, SCHEDOP_watchdog, &wd, sizeof(wd)), 1);
    assert_int_equal(sched(w, d, 0, SCHEDOP_pin_override, &pin, sizeof(pin)),
                     0);
    assert_int_equal(sched(w, d, 0, SCHEDOP_shutdown_code, &code, sizeof(code)),
                     0);
    assert_int_equal(call(w, d, 0, 15, w->now + SEC, 0, 0), 0);
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, w->now + SEC), 0);
    world_domain_destroy(w, d);
    d = world_domain(w, 1, SOP_GUEST_HVM, 2, true);
    assert_int_equal(code_of(d), -1);
    assert_int_equal(info_of(w, d).commands[SCHEDOP_watchdog], 0);
    assert_int_equal(bind_ipi(w, d, 0, 0), 1);
    assert_rc(evtchn_op(w, d, 0, EVTCHNOP_status,
                        &(struct evtchn_status){.dom = 1, .port = 64},
                        sizeof(struct evtchn_status)),
              EINVAL);
    assert_int_equal(sched(w, d, 0, SCHEDOP_watchdog, &wd, sizeof(wd)), 1);
    assert_int_equal(sched(w, d, 0, SCHEDOP_pin_override, &pin, sizeof(pin)),
                     0);
    world_advance(w, 5ull * SEC);
    assert_true(is_running(d, 0));
    world_free(w);
}

/* ---- pausing: fact 85 ---- */

static void pause_counts(void **state)
{
    struct world *w = world_new(1);
    struct sop_domain_config cfg = {.domid = 1, .nr_vcpus = 1};
    struct fake_domain *d = world_domain_cfg(w, &cfg);
    unsigned i;

    (void)state;
    world_settle(w);
    assert_false(is_running(d, 0));
    assert_true((info_of(w, d).flags & XEN_DOMINF_paused) != 0);
    for (i = 1; i < 255; i++) {
        assert_int_equal(sop_domain_pause(w->p[0], d->d), 0);
    }
    assert_rc(sop_domain_pause(w->p[0], d->d), EOVERFLOW);
    for (i = 0; i < 255; i++) {
        assert_false(is_running(d, 0));
        assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
        world_settle(w);
    }
    assert_true(is_running(d, 0));
    assert_rc(sop_domain_unpause(w->p[0], d->d), EINVAL);
    assert_true((info_of(w, d).flags & XEN_DOMINF_paused) == 0);
    /* Pause and shutdown do not undo each other (2.2). */
    assert_int_equal(sop_domain_pause(w->p[0], d->d), 0);
    sop_domain_shutdown(w->p[0], d->d, 1);
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    world_settle(w);
    assert_false(is_running(d, 0));
    assert_int_equal(sop_domain_pause(w->p[0], d->d), 0);
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    world_settle(w);
    assert_false(is_running(d, 0));
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    world_settle(w);
    assert_true(is_running(d, 0));
    world_free(w);
}

/* ---- what the controller sees: spec 7.2 ---- */

static void info_flags(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    struct sop_domain_info i = info_of(w, d);

    (void)state;
    assert_int_equal(i.flags, 0xff0000 | XEN_DOMINF_hvm_guest | XEN_DOMINF_hap |
                                  XEN_DOMINF_running);
    assert_int_equal(i.domid, 1);
    assert_int_equal(i.nr_vcpus, 2);
    assert_int_equal(i.nr_online, 1);
    world_advance(w, 3 * MS);
    assert_int_equal(info_of(w, d).cpu_ns, 3 * MS);
    assert_int_equal(info_of(w, d).ended_ns, 0);
    assert_int_equal(poll_ports(w, d, 0, NULL, 0, 0), 0);
    i = info_of(w, d);
    assert_int_equal(i.flags, 0xff0000 | XEN_DOMINF_hvm_guest | XEN_DOMINF_hap |
                                  XEN_DOMINF_blocked);
    sop_domain_shutdown(w->p[0], d->d, 2);
    i = info_of(w, d);
    assert_int_equal(i.flags & XEN_DOMINF_shutdown, XEN_DOMINF_shutdown);
    assert_int_equal(i.flags >> 16, 2);
    assert_int_equal(i.ended_ns, w->now);
    assert_int_equal(i.flags & XEN_DOMINF_dying, 0);
    /* Of several ends it is the first. */
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    world_advance(w, MS);
    sop_domain_shutdown(w->p[0], d->d, 0);
    assert_int_equal(info_of(w, d).ended_ns, w->now - MS);
    assert_int_equal(sop_domain_destroy(w->p[0], d->d), 0);
    assert_int_equal(info_of(w, d).flags & XEN_DOMINF_dying, XEN_DOMINF_dying);
    world_free(w);
}

/* With no vCPU up a domain is neither blocked nor running. */
static void info_none_up(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);

    (void)state;
    sop_vcpu_halt(w->p[0], d->vcpu[0].v, false);
    world_settle(w);
    assert_int_equal(info_of(w, d).nr_online, 0);
    assert_int_equal(
        info_of(w, d).flags & (XEN_DOMINF_blocked | XEN_DOMINF_running), 0);
    world_free(w);
}

/* ---- shutdown and resume ---- */

/* Facts 66 to 69: result 0 before the pause, argument 3 untouched. */
static void result_is_saved(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);
    struct sched_shutdown op = {.reason = SHUTDOWN_suspend};
    struct sop_call c = {
        .nr = 29,
        .arg = {SCHEDOP_shutdown, put(d, &op, sizeof(op)), 0x1234},
        .result = -77,
        .wide = true};

    (void)state;
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_DONE);
    assert_int_equal(c.result, 0);
    assert_int_equal(c.arg[2], 0x1234);
    world_settle(w);
    assert_false(is_running(d, 0));
    /* Again from outside: nothing changes, nobody is told. */
    sop_domain_shutdown(w->p[0], d->d, 3);
    sop_domain_crash(w->p[0], d->d, "twice");
    assert_false(logged(w, "twice"));
    assert_int_equal(code_of(d), 2);
    assert_int_equal(d->changed, 1);
    world_free(w);
}

/* Facts 69, 70, 76, and the third notification when a domain is gone. */
static void notification(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint32_t exc = bind_virq(w, hw, 0, VIRQ_DOM_EXC, 0);
    struct evtchn_alloc_unbound a = {.dom = 1, .remote_dom = DOMID_SELF};
    struct evtchn_bind_interdomain b = {.remote_dom = 1};

    (void)state;
    assert_int_equal(evtchn_op(w, hw, 0, EVTCHNOP_alloc_unbound, &a, sizeof(a)),
                     0);
    b.remote_port = a.port;
    assert_int_equal(
        evtchn_op(w, hw, 0, EVTCHNOP_bind_interdomain, &b, sizeof(b)), 0);
    clear_pending(hw, b.local_port);
    assert_null(sop_controller_next(w->sys));

    assert_int_equal(shut(w, d, 1), 0);
    assert_true(pending(hw, exc));
    assert_ptr_equal(sop_controller_next(w->sys), d->d);
    assert_null(sop_controller_next(w->sys));
    clear_pending(hw, exc);
    consume(hw, 0);
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    assert_null(sop_controller_next(w->sys));
    world_settle(w);

    /* Suspend with a port registered: that port and no VIRQ. */
    assert_int_equal(sop_domain_set_suspend_port(d->d, a.port), 0);
    assert_int_equal(shut(w, d, SHUTDOWN_suspend), 0);
    assert_false(pending(hw, exc));
    assert_true(pending(hw, b.local_port));
    assert_ptr_equal(sop_controller_next(w->sys), d->d);
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    world_settle(w);
    clear_pending(hw, b.local_port);
    consume(hw, 0);
    assert_int_equal(shut(w, d, SHUTDOWN_reboot), 0);
    assert_true(pending(hw, exc));
    assert_false(pending(hw, b.local_port));

    /* Dead, then gone: one each. */
    clear_pending(hw, exc);
    consume(hw, 0);
    assert_int_equal(sop_domain_destroy(w->p[0], d->d), 0);
    assert_true(pending(hw, exc));
    assert_ptr_equal(sop_controller_next(w->sys), d->d);
    assert_int_equal(sop_domain_destroy(w->p[0], d->d), 0);
    assert_null(sop_controller_next(w->sys));
    clear_pending(hw, exc);
    consume(hw, 0);
    world_domain_destroy(w, d);
    assert_true(pending(hw, exc));
    world_free(w);
}

/* Several changes, first come first served, each domain once. */
static void changed_list(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *a = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct fake_domain *b = world_domain(w, 2, SOP_GUEST_HVM, 1, false);

    (void)state;
    sop_domain_shutdown(w->p[0], b->d, 0);
    sop_domain_shutdown(w->p[0], a->d, 0);
    assert_int_equal(sop_domain_resume(w->p[0], b->d), 0);
    sop_domain_shutdown(w->p[0], b->d, 0);
    assert_ptr_equal(sop_controller_next(w->sys), b->d);
    assert_ptr_equal(sop_controller_next(w->sys), a->d);
    assert_null(sop_controller_next(w->sys));
    world_free(w);
}

/* Other holds stay as they are (7.1), through a resume too (7.4). */
static void holds_survive(void **state)
{
    struct world *w = world_new(3);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 3, false);
    uint32_t port;

    (void)state;
    bring_up(w, d, 1);
    bring_up(w, d, 2);
    port = bind_ipi(w, d, 0, 1);
    assert_int_equal(poll_ports(w, d, 1, &port, 1, 0), 0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_down, 2, 0), 0);
    assert_int_equal(shut(w, d, SHUTDOWN_suspend), 0);
    assert_int_equal(runstate(d, 0), RUNSTATE_offline);
    assert_int_equal(runstate(d, 1), RUNSTATE_blocked);
    assert_int_equal(runstate(d, 2), RUNSTATE_offline);
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    world_settle(w);
    assert_true(is_running(d, 0));
    assert_false(is_running(d, 1));
    assert_false(is_running(d, 2));
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(is_running(d, 1));
    world_free(w);
}

/* Fact 84: a shut-down domain's vCPU may still be running elsewhere. */
static void shutdown_of_running(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);
    unsigned cpu = cpu_of(w, d, 0);

    (void)state;
    sop_domain_shutdown(w->p[1 - cpu], d->d, 1);
    assert_int_equal(info_of(w, d).flags &
                         (XEN_DOMINF_shutdown | XEN_DOMINF_running),
                     XEN_DOMINF_shutdown | XEN_DOMINF_running);
    assert_true(w->kicked[cpu]);
    assert_rc(sop_domain_destroy(w->p[1 - cpu], d->d), EAGAIN);
    world_settle(w);
    assert_int_equal(info_of(w, d).flags & XEN_DOMINF_running, 0);
    assert_int_equal(sop_domain_destroy(w->p[1 - cpu], d->d), 0);
    world_free(w);
}

static void crash(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 12, SOP_GUEST_HVM, 1, false);

    (void)state;
    sop_domain_crash(w->p[0], d->d, "it wrote where it may not");
    assert_true(logged(w, "domain 12 crashed: it wrote where it may not\n"));
    assert_int_equal(code_of(d), SHUTDOWN_crash);
    world_free(w);
}

/* ---- the hardware domain: spec 7.5, facts 82, 130 ---- */

static void hardware_lines(void **state)
{
    static const struct {
        uint32_t code;
        const char *line;
    } table[] = {
        {0, "Hardware Dom0 halted: halting machine\n"},
        {1, "Hardware Dom0 shutdown: rebooting machine\n"},
        {2, "Hardware Dom0 shutdown (unknown reason 2): rebooting machine in "
            "5 seconds.\n"},
        {3, "Hardware Dom0 crashed: rebooting machine in 5 seconds.\n"},
        {4, "Hardware Dom0 shutdown: watchdog rebooting machine\n"},
        {5, "Hardware domain 0 did unsupported soft reset, rebooting.\n"},
        {12, "Hardware Dom0 shutdown (unknown reason 12): rebooting machine "
             "in 5 seconds.\n"},
        {255, "Hardware Dom0 shutdown (unknown reason 255): rebooting machine "
              "in 5 seconds.\n"},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(table); i++) {
        struct world *w = world_new(1);
        struct fake_domain *d = world_domain(w, 0, SOP_GUEST_PV, 1, true);

        assert_int_equal(shut(w, d, table[i].code), 0);
        assert_string_equal(w->log, table[i].line);
        assert_int_equal(w->stopped, (int)table[i].code);
        assert_false(is_running(d, 0));
        /* Only once. */
        sop_domain_shutdown(w->p[0], d->d, 0);
        assert_string_equal(w->log, table[i].line);
        world_free(w);
    }
}

/* The latched code decides here too. */
static void hardware_latch(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct sched_shutdown op = {.reason = 1};

    (void)state;
    assert_int_equal(sched(w, d, 0, SCHEDOP_shutdown_code, &op, sizeof(op)), 0);
    assert_int_equal(shut(w, d, 0), 0);
    assert_int_equal(w->stopped, 1);
    assert_true(logged(w, "Hardware Dom0 shutdown: rebooting machine"));
    world_free(w);
}

/* ---- watchdogs: facts 87 to 97 ---- */

static int64_t dog(struct world *w, struct fake_domain *d, uint32_t id,
                   uint32_t timeout)
{
    struct sched_watchdog op = {.id = id, .timeout = timeout};
    uint64_t at = put(d, &op, sizeof(op));
    int64_t rc = call(w, d, 0, 29, SCHEDOP_watchdog, at, 0);
    struct sched_watchdog after;

    get_at(d, at, &after, sizeof(after));
    assert_memory_equal(&op, &after, sizeof(op)); /* nothing is written */
    return rc;
}

static void watchdog_slots(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);

    (void)state;
    assert_rc(dog(w, d, 3, 10), EINVAL);
    assert_rc(dog(w, d, 3, 0), EINVAL);
    /* Whatever lies behind the two: not zeros, with many ports in use. */
    for (unsigned i = 1; i < 1000; i++) {
        (void)bind_ipi(w, d, 0, 0);
    }
    for (uint32_t id = 3; id < 20; id++) {
        assert_rc(dog(w, d, id, 0), EINVAL);
    }
    assert_rc(dog(w, d, UINT32_MAX, 0), EINVAL);
    assert_rc(dog(w, d, 1, 10), EINVAL);
    assert_rc(dog(w, d, 2, 0), EINVAL);
    assert_int_equal(dog(w, d, 0, 10), 1);
    assert_int_equal(dog(w, d, 0, UINT32_MAX), 2);
    assert_rc(dog(w, d, 0, 10), ENOSPC);
    assert_rc(dog(w, d, 0, 0), ENOSPC);
    assert_int_equal(dog(w, d, 1, 0), 0);
    assert_rc(dog(w, d, 1, 0), EINVAL);
    assert_rc(dog(w, d, 1, 5), EINVAL);
    assert_int_equal(dog(w, d, 0, 10), 1);
    assert_int_equal(dog(w, d, 2, 0), 0);
    assert_int_equal(dog(w, d, 1, 0), 0);
    assert_int_equal(dog(w, d, 0, 10), 1);
    assert_true(is_running(d, 0));
    world_advance(w, 9ull * SEC);
    assert_int_equal(dog(w, d, 1, 10), 0);
    world_advance(w, 9ull * SEC);
    assert_int_equal(code_of(d), -1);
    world_free(w);
}

static void watchdog_expiry(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 7, SOP_GUEST_HVM, 1, false);

    (void)state;
    assert_int_equal(dog(w, d, 0, 1), 1);
    world_advance(w, SEC - 1);
    assert_int_equal(code_of(d), -1);
    world_advance(w, 1);
    assert_int_equal(code_of(d), SHUTDOWN_watchdog);
    assert_string_equal(w->log, "Watchdog timer fired for domain 7\n");
    assert_int_equal(d->changed, 1);
    /* The slot is still claimed after a resume (fact 94). */
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    world_settle(w);
    world_advance(w, 10ull * SEC);
    assert_int_equal(code_of(d), -1);
    assert_int_equal(dog(w, d, 0, 100), 2);
    assert_int_equal(dog(w, d, 1, 100), 0);
    assert_int_equal(dog(w, d, 1, 0), 0);
    world_free(w);
}

/* Fact 91. */
static void watchdog_at_once(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);

    (void)state;
    assert_int_equal(dog(w, d, 0, 0), 1);
    assert_false(is_running(d, 0));
    assert_int_equal(code_of(d), SHUTDOWN_watchdog);
    assert_true(d->d->watchdog[0].claimed);
    world_free(w);
}

/* Facts 95, 96. */
static void watchdog_paused_or_down(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);

    (void)state;
    assert_int_equal(dog(w, d, 0, 1), 1);
    assert_int_equal(sop_domain_pause(w->p[0], d->d), 0);
    world_advance(w, 2ull * SEC);
    assert_int_equal(code_of(d), SHUTDOWN_watchdog);
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    world_settle(w);

    assert_int_equal(dog(w, d, 1, 1), 0);
    sop_domain_shutdown(w->p[0], d->d, SHUTDOWN_suspend);
    w->log[0] = '\0';
    world_advance(w, 2ull * SEC);
    assert_string_equal(w->log, "");
    assert_int_equal(code_of(d), SHUTDOWN_suspend);
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    world_advance(w, 10ull * SEC);
    assert_int_equal(code_of(d), -1);

    /* Not expired while it was shut down: runs on. */
    world_settle(w);
    assert_int_equal(dog(w, d, 1, 2), 0);
    sop_domain_shutdown(w->p[0], d->d, SHUTDOWN_suspend);
    world_advance(w, SEC);
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    world_advance(w, 2ull * SEC);
    assert_int_equal(code_of(d), SHUTDOWN_watchdog);
    world_free(w);
}

/* Both at the same moment, and those of several domains. */
static void watchdogs_together(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *a = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct fake_domain *b = world_domain(w, 2, SOP_GUEST_HVM, 1, false);

    (void)state;
    assert_int_equal(dog(w, a, 0, 1), 1);
    assert_int_equal(dog(w, a, 0, 1), 2);
    assert_int_equal(dog(w, b, 0, 1), 1);
    assert_int_equal(dog(w, b, 0, 1), 2);
    world_advance(w, SEC);
    assert_int_equal(code_of(a), SHUTDOWN_watchdog);
    assert_int_equal(code_of(b), SHUTDOWN_watchdog);
    assert_non_null(strstr(w->log, "domain 1\n"));
    assert_true(logged(w, "domain 2\n"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_config),
        cmocka_unit_test(own_ports),
        cmocka_unit_test(pages_of_ports),
        cmocka_unit_test(refused_by_policy),
        cmocka_unit_test(create),
        cmocka_unit_test(slots),
        cmocka_unit_test(fresh_slot),
        cmocka_unit_test(pause_counts),
        cmocka_unit_test(info_flags),
        cmocka_unit_test(info_none_up),
        cmocka_unit_test(result_is_saved),
        cmocka_unit_test(notification),
        cmocka_unit_test(changed_list),
        cmocka_unit_test(holds_survive),
        cmocka_unit_test(shutdown_of_running),
        cmocka_unit_test(crash),
        cmocka_unit_test(hardware_lines),
        cmocka_unit_test(hardware_latch),
        cmocka_unit_test(watchdog_slots),
        cmocka_unit_test(watchdog_expiry),
        cmocka_unit_test(watchdog_at_once),
        cmocka_unit_test(watchdog_paused_or_down),
        cmocka_unit_test(watchdogs_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
