/* SPDX-License-Identifier: MIT */
/*
 * Knobs through scheduler_op of domctl and sysctl: the numbers and the order
 * of checks are what real Xen 4.17 gave for credit2.
 */
#include "core_fake.h"

#define CREDIT2 XEN_SCHEDULER_CREDIT2
#define RTDS XEN_SCHEDULER_RTDS

static struct xen_domctl dom;
static struct xen_sysctl sys;

static int64_t domctl(struct world *w, struct fake_domain *d, uint16_t domid)
{
    uint64_t at;
    int64_t rc;

    dom.cmd = XEN_DOMCTL_scheduler_op;
    dom.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    dom.domain = domid;
    at = put(d, &dom, sizeof(dom));
    rc = call(w, d, 0, __HYPERVISOR_domctl, at, 0, 0);
    get_at(d, at, &dom, sizeof(dom));
    return rc;
}

static int64_t domain_op(struct world *w, struct fake_domain *d,
                         uint32_t sched_id, uint32_t cmd)
{
    memset(&dom, 0, sizeof(dom));
    dom.u.scheduler_op.sched_id = sched_id;
    dom.u.scheduler_op.cmd = cmd;
    return domctl(w, d, 0);
}

static int64_t put_credit2(struct world *w, struct fake_domain *d,
                           uint16_t weight, uint16_t cap)
{
    memset(&dom, 0, sizeof(dom));
    dom.u.scheduler_op.sched_id = CREDIT2;
    dom.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    dom.u.scheduler_op.u.credit2.weight = weight;
    dom.u.scheduler_op.u.credit2.cap = cap;
    return domctl(w, d, 0);
}

static void expect_credit2(struct world *w, struct fake_domain *d,
                           uint16_t weight, uint16_t cap)
{
    assert_int_equal(domain_op(w, d, CREDIT2, XEN_DOMCTL_SCHEDOP_getinfo), 0);
    assert_int_equal(dom.u.scheduler_op.u.credit2.weight, weight);
    assert_int_equal(dom.u.scheduler_op.u.credit2.cap, cap);
}

static void of_a_domain(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 2, true);
    uint32_t cmd;

    (void)state;
    expect_credit2(w, d, 256, 0);
    memset(&dom, 0, sizeof(dom));
    assert_rc(domctl(w, d, 99), ESRCH);
    assert_rc(domctl(w, d, DOMID_SELF), ESRCH);
    assert_rc(domain_op(w, d, 5, XEN_DOMCTL_SCHEDOP_getinfo), EINVAL);
    assert_rc(domain_op(w, d, RTDS, XEN_DOMCTL_SCHEDOP_getinfo), EINVAL);
    assert_rc(domain_op(w, d, 5, 9), EINVAL);
    for (cmd = XEN_DOMCTL_SCHEDOP_putvcpuinfo; cmd < 10; cmd++) {
        assert_rc(domain_op(w, d, CREDIT2, cmd), EINVAL);
    }
    assert_int_equal(put_credit2(w, d, 0, 0), 0); /* leaves the weight */
    expect_credit2(w, d, 256, 0);
    assert_int_equal(put_credit2(w, d, 1, 0), 0);
    expect_credit2(w, d, 1, 0);
    assert_int_equal(put_credit2(w, d, 65535, 200), 0);
    expect_credit2(w, d, 65535, 200);
    /* More than two vCPUs can use: the weight is set all the same. */
    assert_rc(put_credit2(w, d, 7, 201), EINVAL);
    expect_credit2(w, d, 7, 200);
    assert_int_equal(put_credit2(w, d, 256, 1), 0);
    expect_credit2(w, d, 256, 1);
    world_free(w);
}

static int64_t pool_op(struct world *w, struct fake_domain *d, uint32_t pool,
                       uint32_t sched_id, uint32_t cmd, uint32_t ratelimit)
{
    uint64_t at;
    int64_t rc;

    memset(&sys, 0, sizeof(sys));
    sys.cmd = XEN_SYSCTL_scheduler_op;
    sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    sys.u.scheduler_op.cpupool_id = pool;
    sys.u.scheduler_op.sched_id = sched_id;
    sys.u.scheduler_op.cmd = cmd;
    sys.u.scheduler_op.u.sched_credit2.ratelimit_us = ratelimit;
    at = put(d, &sys, sizeof(sys));
    rc = call(w, d, 0, __HYPERVISOR_sysctl, at, 0, 0);
    get_at(d, at, &sys, sizeof(sys));
    return rc;
}

static void of_a_pool(void **state)
{
    static const struct {
        uint32_t us;
        bool good;
    } limits[] = {
        {0, true},      {1, false},      {99, false},      {100, true},
        {500000, true}, {500001, false}, {1000000, false}, {5000, true},
    };
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    uint32_t now = 1000;
    unsigned i;

    (void)state;
    if (w->sys->pool[0].pol.ops->pool_knobs == NULL) {
        world_free(w);
        skip();
    }
    assert_rc(pool_op(w, d, 9, CREDIT2, XEN_SYSCTL_SCHEDOP_getinfo, 0), ESRCH);
    assert_rc(pool_op(w, d, 9, CREDIT2, 7, 0), EINVAL);
    assert_rc(pool_op(w, d, 0, CREDIT2, 2, 0), EINVAL);
    assert_rc(pool_op(w, d, 0, RTDS, XEN_SYSCTL_SCHEDOP_getinfo, 0), EINVAL);
    assert_rc(pool_op(w, d, 0, 99, XEN_SYSCTL_SCHEDOP_putinfo, 0), EINVAL);
    for (i = 0; i < ARRAY_SIZE(limits); i++) {
        assert_int_equal(
            pool_op(w, d, 0, CREDIT2, XEN_SYSCTL_SCHEDOP_getinfo, 0), 0);
        assert_int_equal(sys.u.scheduler_op.u.sched_credit2.ratelimit_us, now);
        assert_int_equal(
            pool_op(w, d, 0, CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, limits[i].us),
            limits[i].good ? 0 : -XEN_EINVAL);
        now = limits[i].good ? limits[i].us : now;
    }
    world_free(w);
}

/* A knob of another policy, from a port. */
static void from_outside(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 3, SOP_GUEST_HVM, 1, false);
    struct policy_domain_knobs knobs = {.sched_id = RTDS};
    struct policy_pool_knobs pool = {.sched_id = CREDIT2};

    (void)state;
    assert_rc(sop_domain_knobs(w->p[0], d->d, &knobs, false), EINVAL);
    knobs.sched_id = CREDIT2;
    assert_int_equal(sop_domain_knobs(w->p[0], d->d, &knobs, false), 0);
    assert_int_equal(knobs.u.credit2.weight, 256);
    knobs.u.credit2.weight = 0;
    assert_rc(sop_domain_knobs(w->p[0], d->d, &knobs, true), EINVAL);
    assert_rc(sop_pool_knobs(w->p[0], 1, &pool, false), ENOENT);
    assert_int_equal(sop_pool_knobs(w->p[0], 0, &pool, false), 0);
    while (sop_domain_destroy(w->p[0], d->d) != 0) {
        world_settle(w);
    }
    assert_rc(sop_domain_knobs(w->p[0], d->d, &knobs, false), ESRCH);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_domain),
        cmocka_unit_test(of_a_pool),
        cmocka_unit_test(from_outside),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
