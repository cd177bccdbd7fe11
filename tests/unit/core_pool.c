/* SPDX-License-Identifier: MIT */
/*
 * Cpupools and hotplug (spec 6.3, facts 107 and 108): the calls with all their
 * errors as real Xen gives them, and that no vCPU, timer or pin is lost when
 * pCPUs and domains move.
 */
#include "core_fake.h"

#define POOL_OP(name) XEN_SYSCTL_CPUPOOL_OP_##name
#define ANY SOP_POOL_ANY
#define ELSEWHERE (MEM_BASE + 8 * FAKE_PAGE) /* put() stays away */

/* ---- calls of the hardware domain ---- */

static struct xen_sysctl op;

static int64_t sysctl(struct world *w, struct fake_domain *d, uint32_t cmd)
{
    uint64_t at;
    int64_t rc;

    op.cmd = cmd;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    at = put(d, &op, sizeof(op));
    rc = call(w, d, 0, __HYPERVISOR_sysctl, at, 0, 0);
    get_at(d, at, &op, sizeof(op));
    return rc;
}

static int64_t pool(struct world *w, struct fake_domain *d, uint32_t what,
                    uint32_t id, uint32_t arg)
{
    memset(&op, 0, sizeof(op));
    op.u.cpupool_op.op = what;
    op.u.cpupool_op.cpupool_id = id;
    op.u.cpupool_op.sched_id = what == POOL_OP(CREATE) ? arg : 0;
    op.u.cpupool_op.cpu = arg;
    op.u.cpupool_op.domid = arg;
    return sysctl(w, d, XEN_SYSCTL_cpupool_op);
}

static int64_t hotplug(struct world *w, struct fake_domain *d, uint32_t what,
                       uint32_t cpu)
{
    memset(&op, 0, sizeof(op));
    op.u.cpu_hotplug.op = what;
    op.u.cpu_hotplug.cpu = cpu;
    return sysctl(w, d, XEN_SYSCTL_cpu_hotplug);
}

static int64_t pin(struct world *w, struct fake_domain *d, int32_t pcpu)
{
    struct sched_pin_override p = {.pcpu = pcpu};

    return sched(w, d, 0, SCHEDOP_pin_override, &p, sizeof(p));
}

static sop_cpumask_t members(struct world *w, uint32_t id)
{
    struct sop_pool_info info;

    assert_int_equal(sop_pool_info(w->p[0], id, &info), 0);
    assert_int_equal(info.id, id);
    return info.pcpus;
}

/* ---- errors, in the order Xen has them ---- */

static void making(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    uint32_t id;

    (void)state;
    assert_rc(pool(w, d, 0, 0, 0), ENOSYS);
    assert_rc(pool(w, d, 8, 0, 0), ENOSYS);
    assert_rc(pool(w, d, POOL_OP(CREATE), ANY, 4), ENOENT);
    assert_rc(pool(w, d, POOL_OP(CREATE), ANY, 99), ENOENT);
    assert_rc(pool(w, d, POOL_OP(CREATE), 0, 99), EEXIST);
    assert_rc(pool(w, d, POOL_OP(CREATE), 0, XEN_SCHEDULER_CREDIT2), EEXIST);
    assert_int_equal(pool(w, d, POOL_OP(CREATE), 5, XEN_SCHEDULER_CREDIT2), 0);
    assert_int_equal(op.u.cpupool_op.cpupool_id, 5);
    assert_rc(pool(w, d, POOL_OP(CREATE), 5, XEN_SCHEDULER_CREDIT2), EEXIST);
    assert_int_equal(pool(w, d, POOL_OP(CREATE), ANY, XEN_SCHEDULER_CREDIT2),
                     0);
    assert_int_equal(op.u.cpupool_op.cpupool_id, 6);
    assert_int_equal(
        pool(w, d, POOL_OP(CREATE), ANY - 1, XEN_SCHEDULER_CREDIT2), 0);
    assert_int_equal(pool(w, d, POOL_OP(CREATE), ANY, XEN_SCHEDULER_CREDIT2),
                     0);
    assert_int_equal(op.u.cpupool_op.cpupool_id, 1);
    while ((id = ANY, sop_pool_create(w->p[0], XEN_SCHEDULER_CREDIT2, &id)) ==
           0) {
    }
    assert_rc(pool(w, d, POOL_OP(CREATE), ANY, XEN_SCHEDULER_CREDIT2), ENOMEM);
    assert_rc(pool(w, d, POOL_OP(DESTROY), 0, 0), EBUSY);
    assert_rc(pool(w, d, POOL_OP(DESTROY), ANY, 0), ENOENT);
    for (id = 1; id < SOP_POOLS_MAX; id++) {
        struct sop_pool_info info;

        assert_int_equal(sop_pool_info(w->p[0], 1, &info), 0);
        assert_int_equal(pool(w, d, POOL_OP(DESTROY), info.id, 0), 0);
        assert_rc(pool(w, d, POOL_OP(DESTROY), info.id, 0), ENOENT);
    }
    world_free(w);
}

static void about(void **state)
{
    struct world *w = world_new(4);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    uint64_t map[3] = {0, 0, 0x5a};

    (void)state;
    assert_int_equal(pool(w, d, POOL_OP(CREATE), 7, XEN_SCHEDULER_CREDIT2), 0);
    assert_int_equal(sop_pool_remove(w->p[0], 0, 3), 0);
    memset(&op, 0, sizeof(op));
    op.u.cpupool_op.op = POOL_OP(INFO);
    op.u.cpupool_op.cpumap.nr_bits = 128;
    op.u.cpupool_op.cpumap.bitmap.p = (void *)(uintptr_t)ELSEWHERE;
    put_at(d, ELSEWHERE, map, sizeof(map));
    assert_int_equal(sysctl(w, d, XEN_SYSCTL_cpupool_op), 0);
    assert_int_equal(op.u.cpupool_op.sched_id, XEN_SCHEDULER_CREDIT2);
    assert_int_equal(op.u.cpupool_op.n_dom, 1);
    get_at(d, ELSEWHERE, map, sizeof(map));
    assert_int_equal(map[0], 7);
    assert_int_equal(map[1], 0);
    assert_int_equal(map[2], 0x5a);
    op.u.cpupool_op.cpupool_id = 1; /* or the next higher one */
    assert_int_equal(sysctl(w, d, XEN_SYSCTL_cpupool_op), 0);
    assert_int_equal(op.u.cpupool_op.cpupool_id, 7);
    assert_int_equal(op.u.cpupool_op.n_dom, 0);
    op.u.cpupool_op.cpupool_id = 8;
    assert_rc(sysctl(w, d, XEN_SYSCTL_cpupool_op), ENOENT);
    op.u.cpupool_op.op = POOL_OP(FREEINFO);
    assert_int_equal(sysctl(w, d, XEN_SYSCTL_cpupool_op), 0);
    get_at(d, ELSEWHERE, map, sizeof(map));
    assert_int_equal(map[0], 8);
    op.u.cpupool_op.cpumap.bitmap.p = (void *)(uintptr_t)HOLE;
    assert_rc(sysctl(w, d, XEN_SYSCTL_cpupool_op), EFAULT);
    op.u.cpupool_op.op = POOL_OP(INFO);
    op.u.cpupool_op.cpupool_id = 0;
    assert_rc(sysctl(w, d, XEN_SYSCTL_cpupool_op), EFAULT);
    world_free(w);
}

static void adding_and_removing(void **state)
{
    struct world *w = world_new(4);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);

    (void)state;
    assert_rc(pool(w, d, POOL_OP(ADDCPU), 7, 1), ENOENT);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 7, 300), ENOENT);
    assert_rc(pool(w, d, POOL_OP(ADDCPU), 0, 1), ENODEV);
    assert_rc(pool(w, d, POOL_OP(ADDCPU), 0, ANY), ENODEV);
    assert_rc(pool(w, d, POOL_OP(ADDCPU), 0, 4), EINVAL);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 0, 4), EINVAL);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 0, 0), EINVAL);
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, 2), 0);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 0, 2), EADDRNOTAVAIL);
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, ANY), 0);
    assert_int_equal(sop_pool_free_pcpus(w->p[0]), 12);
    assert_rc(pool(w, d, POOL_OP(ADDCPU), 7, 3), ENOENT);
    assert_int_equal(pool(w, d, POOL_OP(CREATE), 1, XEN_SCHEDULER_CREDIT2), 0);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 1, ANY), EINVAL);
    assert_int_equal(pool(w, d, POOL_OP(ADDCPU), 1, ANY), 0);
    assert_int_equal(members(w, 1), 4);
    assert_rc(pool(w, d, POOL_OP(ADDCPU), 1, 1), ENODEV);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 1, 1), EADDRNOTAVAIL);
    assert_rc(pool(w, d, POOL_OP(DESTROY), 1, 0), EBUSY);
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, ANY), 0);
    assert_int_equal(members(w, 0), 1);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 0, ANY), EINVAL);
    world_free(w);
}

static void moving(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *u = world_domain(w, 9, SOP_GUEST_HVM, 2, false);

    (void)state;
    assert_rc(pool(w, d, POOL_OP(MOVEDOMAIN), 99, 8), ESRCH);
    assert_rc(pool(w, d, POOL_OP(MOVEDOMAIN), 0, DOMID_SELF), ESRCH);
    assert_rc(pool(w, d, POOL_OP(MOVEDOMAIN), 99, 0), EPERM);
    assert_rc(pool(w, d, POOL_OP(MOVEDOMAIN), 0, 0), EPERM);
    assert_rc(pool(w, d, POOL_OP(MOVEDOMAIN), 99, 9), ENOENT);
    assert_int_equal(pool(w, d, POOL_OP(MOVEDOMAIN), 0, 9), 0);
    assert_int_equal(pool(w, d, POOL_OP(CREATE), 1, XEN_SCHEDULER_CREDIT2), 0);
    assert_rc(pool(w, d, POOL_OP(MOVEDOMAIN), 1, 9), ENOENT); /* no pCPU */
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, 1), 0);
    assert_int_equal(pool(w, d, POOL_OP(ADDCPU), 1, 1), 0);
    u->vcpu[0].v->hard = 1;
    u->vcpu[1].v->soft = 2;
    assert_int_equal(pool(w, d, POOL_OP(MOVEDOMAIN), 1, 9), 0);
    assert_int_equal(u->vcpu[0].v->hard, 3);
    assert_int_equal(u->vcpu[1].v->soft, 3);
    assert_int_equal(cpu_of(w, u, 0), 1);
    assert_int_equal(cpu_of(w, d, 0), 0);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 1, 1), EBUSY);
    assert_int_equal(sop_domain_pause(w->p[0], u->d), 0);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 1, 1), EBUSY);
    assert_int_equal(sop_domain_unpause(w->p[0], u->d), 0);
    assert_rc(pool(w, d, POOL_OP(DESTROY), 1, 0), EBUSY);
    assert_int_equal(pool(w, d, POOL_OP(MOVEDOMAIN), 0, 9), 0);
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 1, 1), 0);
    assert_int_equal(pool(w, d, POOL_OP(DESTROY), 1, 0), 0);
    world_free(w);
}

/* Domains are made in pools that can run them. */
static void creating_in(void **state)
{
    struct world *w = world_new(2);
    struct sop_domain_config cfg = {.domid = 3, .nr_vcpus = 2, .pool = 4};
    struct sop_domain *out = NULL;
    struct fake_domain *d;
    uint32_t id = 4;

    (void)state;
    cfg.weight = 1;
    cfg.hard = 3;
    cfg.shared_info = w; /* never used */
    assert_rc(sop_domain_create(w->sys, 0, &cfg, NULL, &out), ESRCH);
    assert_int_equal(sop_pool_create(w->p[0], XEN_SCHEDULER_CREDIT2, &id), 0);
    assert_rc(sop_domain_create(w->sys, 0, &cfg, NULL, &out), ENODEV);
    assert_null(out);
    assert_int_equal(sop_pool_remove(w->p[0], 0, 1), 0);
    assert_int_equal(sop_pool_add(w->p[0], 4, 1), 0);
    d = world_domain_cfg(w, &cfg);
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    world_settle(w);
    assert_int_equal(cpu_of(w, d, 0), 1);
    /* Dead, it stays in its pool until that loses its last pCPU. */
    while (sop_domain_destroy(w->p[0], d->d) != 0) {
        world_settle(w);
    }
    assert_rc(sop_pool_destroy(w->p[0], 4), EBUSY);
    assert_int_equal(sop_pool_move(w->p[0], 0, d->d), 0);
    assert_int_equal(sop_pool_move(w->p[0], 4, d->d), 0);
    assert_int_equal(sop_pool_remove(w->p[0], 4, 1), 0);
    assert_int_equal(sop_pool_destroy(w->p[0], 4), 0);
    world_free(w);
}

/* ---- pins ---- */

/* Fact 107, and what is not possible meanwhile. */
static void pinned_pcpu(void **state)
{
    struct world *w = world_new(4);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *u;
    sop_cpumask_t hard = 2;

    (void)state;
    assert_int_equal(pool(w, d, POOL_OP(CREATE), 1, XEN_SCHEDULER_CREDIT2), 0);
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, 3), 0);
    assert_int_equal(pin(w, d, 1), 0);
    u = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 0, 1), EADDRINUSE);
    assert_int_equal(cpu_of(w, d, 0), 1); /* and goes on there */
    world_advance(w, 100 * MS);
    assert_int_equal(cpu_of(w, d, 0), 1);
    assert_int_equal(members(w, 0), 5);
    assert_int_equal(sop_pool_free_pcpus(w->p[0]), 10);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 0, 1), EADDRINUSE);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 0, 2), EADDRNOTAVAIL);
    assert_rc(pool(w, d, POOL_OP(ADDCPU), 1, 1), EADDRNOTAVAIL);
    assert_int_equal(pool(w, d, POOL_OP(ADDCPU), 1, 3), 0);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 1, 3), EADDRNOTAVAIL);
    assert_rc(pool(w, d, POOL_OP(ADDCPU), 1, ANY), EADDRNOTAVAIL);
    assert_rc(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 2), EADDRNOTAVAIL);
    assert_rc(sop_vcpu_set_affinity(w->p[0], u->vcpu[0].v, SOP_AFFINITY_HARD,
                                    &hard, NULL),
              EINVAL);
    /* Nobody else may come there. */
    assert_int_equal(u->vcpu[0].v->pol.hard, 5);
    /* Taken back: everybody may again. */
    assert_int_equal(pool(w, d, POOL_OP(ADDCPU), 0, 1), 0);
    assert_int_equal(u->vcpu[0].v->pol.hard, 7);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 0, 1), EADDRINUSE);
    assert_int_equal(pin(w, d, -1), 0);
    assert_true(cpu_of(w, d, 0) != 1);
    assert_rc(pin(w, d, 1), EINVAL);
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, 1), 0);
    assert_int_equal(pool(w, d, POOL_OP(ADDCPU), 1, 1), 0);
    world_free(w);
}

/* What the pin hid is gone when the pin goes. */
static void mask_under_pin(void **state)
{
    struct world *w = world_new(3);
    struct sop_domain_config cfg = {
        .domid = 0, .hardware = true, .nr_vcpus = 1, .hard = 4};
    struct fake_domain *d = world_domain_cfg(w, &cfg);

    (void)state;
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    world_settle(w);
    assert_int_equal(pin(w, d, 1), 0);
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, 2), 0);
    assert_int_equal(cpu_of(w, d, 0), 1);
    assert_int_equal(pin(w, d, -1), 0);
    assert_int_equal(d->vcpu[0].v->hard, 7);
    assert_true(is_running(d, 0));
    world_free(w);
}

static void pinned_domain_stays(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);

    (void)state;
    assert_int_equal(pool(w, d, POOL_OP(CREATE), 1, XEN_SCHEDULER_CREDIT2), 0);
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, 1), 0);
    assert_int_equal(pool(w, d, POOL_OP(ADDCPU), 1, 1), 0);
    assert_int_equal(pin(w, d, 0), 0);
    assert_rc(sop_pool_move(w->p[0], 1, d->d), EBUSY);
    assert_rc(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 1), ENODEV);
    assert_int_equal(pin(w, d, -1), 0);
    while (sop_pool_move(w->p[0], 1, d->d) != 0) {
        world_settle(w);
    }
    world_settle(w);
    assert_int_equal(cpu_of(w, d, 0), 1);
    world_free(w);
}

/* ---- masks ---- */

/* Fact 108. */
static void widened_mask(void **state)
{
    struct world *w = world_new(3);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    sop_cpumask_t hard = 4, soft = 4;

    (void)state;
    assert_int_equal(sop_vcpu_set_affinity(
                         w->p[0], d->vcpu[0].v,
                         SOP_AFFINITY_HARD | SOP_AFFINITY_SOFT, &hard, &soft),
                     0);
    world_settle(w);
    assert_int_equal(cpu_of(w, d, 0), 2);
    /* From the very pCPU that goes: the call goes on on another. */
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, 2), 0);
    assert_true(cpu_of(w, d, 0) != 2);
    assert_int_equal(d->vcpu[0].v->hard, 7);
    assert_int_equal(d->vcpu[0].v->soft, 4);
    assert_int_equal(pool(w, d, POOL_OP(ADDCPU), 0, 2), 0);
    assert_int_equal(d->vcpu[0].v->hard, 7);
    assert_int_equal(d->vcpu[0].v->pol.soft, 4);
    world_free(w);
}

/* ---- in between ---- */

/* One try at a time, as a controller outside does it. */
static void leaving_step_by_step(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    unsigned n;

    (void)state;
    bring_up(w, d, 1);
    n = cpu_of(w, d, 0) == 1 ? 0 : 1;
    assert_int_equal(cpu_of(w, d, n), 1);
    assert_rc(sop_pool_remove(w->p[0], 0, 1), EAGAIN);
    assert_ptr_equal(w->loaded[1], d->vcpu[n].v); /* not gone yet */
    assert_int_equal(members(w, 0), 1);
    assert_rc(sop_pool_remove(w->p[0], 0, 1), EAGAIN);
    /* Taken back while the policy knows already. */
    assert_rc(sop_pool_add(w->p[0], 0, 1), EAGAIN);
    world_settle(w);
    assert_null(w->loaded[1]);
    assert_int_equal(sop_pool_add(w->p[0], 0, 1), 0);
    world_settle(w);
    assert_int_equal(members(w, 0), 3);
    assert_non_null(w->loaded[1]);
    assert_rc(sop_pool_remove(w->p[0], 0, 1), EAGAIN);
    world_settle(w);
    assert_int_equal(sop_pool_remove(w->p[0], 0, 1), 0);
    world_settle(w);
    assert_null(w->loaded[1]);
    assert_null(w->p[1]->pool);
    world_advance(w, 100 * MS);
    assert_true(info_of(w, d).cpu_ns > 0);
    world_free(w);
}

static void still_paused_while_moving(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct vcpu_runstate_info r;
    uint32_t id = 1;

    (void)state;
    assert_int_equal(sop_pool_create(w->p[0], XEN_SCHEDULER_CREDIT2, &id), 0);
    while (sop_pool_remove(w->p[0], 0, 1) != 0) {
        world_settle(w);
    }
    assert_int_equal(sop_pool_add(w->p[0], 1, 1), 0);
    world_settle(w);
    assert_int_equal(cpu_of(w, d, 0), 0);
    assert_rc(sop_pool_move(w->p[0], 1, d->d), EAGAIN);
    world_settle(w);
    assert_false(is_running(d, 0));
    world_advance(w, 5 * MS);
    assert_false(is_running(d, 0));
    runstate_get(d->vcpu[0].v, w->now, &r);
    assert_true(r.time[RUNSTATE_offline] >= 5 * MS);
    /* To where it came from: nothing has changed, it goes on. */
    assert_int_equal(sop_pool_move(w->p[0], 0, d->d), 0);
    world_settle(w);
    assert_int_equal(cpu_of(w, d, 0), 0);
    assert_rc(sop_pool_move(w->p[0], 1, d->d), EAGAIN);
    world_settle(w);
    assert_int_equal(sop_pool_move(w->p[0], 1, d->d), 0);
    world_settle(w);
    assert_int_equal(cpu_of(w, d, 0), 1);
    /* Destroyed half-way. */
    assert_rc(sop_pool_move(w->p[0], 0, d->d), EAGAIN);
    world_domain_destroy(w, d);
    world_free(w);
}

/* Sleepers move as well, and what wakes them finds them. */
static void sleepers_move(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *u = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint64_t end = w->now + 50 * MS;

    (void)state;
    assert_int_equal(poll_ports(w, u, 0, NULL, 0, end), 0);
    assert_false(is_running(u, 0));
    assert_int_equal(pool(w, d, POOL_OP(CREATE), 1, XEN_SCHEDULER_CREDIT2), 0);
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, 1), 0);
    assert_int_equal(pool(w, d, POOL_OP(ADDCPU), 1, 1), 0);
    assert_int_equal(pool(w, d, POOL_OP(MOVEDOMAIN), 1, 1), 0);
    assert_int_equal(runstate(u, 0), RUNSTATE_blocked);
    world_advance(w, end - w->now);
    assert_int_equal(cpu_of(w, u, 0), 1);
    world_free(w);
}

/* ---- policies ---- */

static const uint32_t all_policies[] = {XEN_SCHEDULER_CREDIT2,
                                        XEN_SCHEDULER_RTDS, XEN_SCHEDULER_NULL,
                                        XEN_SCHEDULER_ARINC653};

/* A pool of one pCPU, the last; returns its id. */
static uint32_t small_pool(struct world *w, uint32_t sched_id)
{
    uint32_t id = ANY, cpu = w->nr_pcpus - 1;

    assert_int_equal(sop_pool_create(w->p[0], sched_id, &id), 0);
    while (sop_pool_remove(w->p[0], 0, cpu) != 0) {
        world_settle(w);
    }
    assert_int_equal(sop_pool_add(w->p[0], id, cpu), 0);
    world_settle(w);
    return id;
}

/* Each policy has domains move in and out, asleep and awake. */
static void through_policies(void **state)
{
    struct world *w = world_new(3);
    struct fake_domain *d = world_domain(w, 4, SOP_GUEST_HVM, 3, false);
    unsigned i;

    (void)state;
    bring_up(w, d, 1);
    bring_up(w, d, 2);
    for (i = 0; i < ARRAY_SIZE(all_policies); i++) {
        uint32_t id = small_pool(w, all_policies[i]);
        struct policy_pool_knobs knobs = {
            .sched_id = XEN_SCHEDULER_ARINC653,
            .u.arinc653 = {.major_frame_ns = MS,
                           .count = 1,
                           .window = {{.runtime_ns = MS, .vcpu_id = 1}}}};
        uint64_t before;

        if (all_policies[i] == XEN_SCHEDULER_ARINC653) {
            assert_int_equal(sop_pool_knobs(w->p[0], id, &knobs, true), 0);
        }
        while (sop_pool_move(w->p[0], id, d->d) != 0) {
            world_settle(w);
        }
        world_settle(w);
        before = info_of(w, d).cpu_ns;
        world_advance(w, 50 * MS);
        assert_true(info_of(w, d).cpu_ns >= before + 40 * MS);
        while (sop_pool_move(w->p[0], 0, d->d) != 0) {
            world_settle(w);
        }
        world_settle(w);
        assert_int_equal(sop_pool_remove(w->p[0], id, 2), 0);
        assert_int_equal(sop_pool_destroy(w->p[0], id), 0);
        assert_int_equal(sop_pool_add(w->p[0], 0, 2), 0);
        world_settle(w);
    }
    world_free(w);
}

/* Knobs at the birth of a domain. */
static void born_with_knobs(void **state)
{
    struct world *w = world_new(3);
    uint32_t id = small_pool(w, XEN_SCHEDULER_RTDS);
    struct policy_domain_knobs k = {
        .sched_id = XEN_SCHEDULER_RTDS,
        .u.rtds = {.period_us = 10000, .budget_us = 3000}};
    struct policy_vcpu_knobs v = {.sched_id = XEN_SCHEDULER_RTDS};
    struct sop_domain_config cfg = {
        .domid = 5, .nr_vcpus = 2, .pool = id, .knobs = &k};
    struct fake_domain *d = world_domain_cfg(w, &cfg);
    struct sop_domain *out = NULL;

    (void)state;
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    world_settle(w);
    bring_up(w, d, 1);
    assert_int_equal(sop_vcpu_knobs(w->p[0], d->vcpu[1].v, &v, false), 0);
    assert_int_equal(v.u.rtds.budget_us, 3000);
    world_advance(w, 100 * MS);
    assert_in_range(info_of(w, d).cpu_ns, 57 * MS, 60 * MS);
    /* Two of three tenths leave no room for two of five. */
    k.u.rtds.budget_us = 5000;
    cfg.domid = 6;
    cfg.ports = NULL;
    assert_rc(sop_domain_create(w->sys, w->now, &cfg, NULL, &out), ENOSPC);
    k.sched_id = XEN_SCHEDULER_CREDIT2;
    assert_rc(sop_domain_create(w->sys, w->now, &cfg, NULL, &out), EINVAL);
    assert_null(out);
    world_free(w);
}

static int refuse(struct policy_pool *pool, struct policy_vcpu *v)
{
    (void)pool;
    return v->id == 1 ? -XEN_ENOSPC : 0;
}

static void forget(struct policy_pool *pool, struct policy_vcpu *v)
{
    (void)pool;
    assert_int_equal(v->id, 0); /* the one that was not refused */
}

/* A domain that is refused goes on where it was, as it was. */
static void refused_move(void **state)
{
    struct policy_ops refusing = policy_null;
    struct world *w;
    struct fake_domain *d;
    struct policy_domain_knobs k = {.sched_id = XEN_SCHEDULER_CREDIT2,
                                    .u.credit2 = {.weight = 77, .cap = 50}};
    sop_cpumask_t hard = 3;
    uint32_t id;

    (void)state;
    refusing.insert = refuse;
    refusing.remove = forget;
    fake_policies[2] = &refusing;
    w = world_new(3);
    d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    assert_int_equal(sop_domain_knobs(w->p[0], d->d, &k, true), 0);
    assert_int_equal(sop_vcpu_set_affinity(w->p[0], d->vcpu[0].v,
                                           SOP_AFFINITY_HARD, &hard, NULL),
                     0);
    id = small_pool(w, XEN_SCHEDULER_NULL);
    while (sop_pool_move(w->p[0], id, d->d) == -XEN_EAGAIN) {
        world_settle(w);
    }
    world_settle(w);
    assert_int_equal(d->d->pool->id, 0);
    assert_true(is_running(d, 0));
    assert_int_equal(d->vcpu[0].v->hard, 3);
    k.u.credit2.weight = 0;
    assert_int_equal(sop_domain_knobs(w->p[0], d->d, &k, false), 0);
    assert_int_equal(k.u.credit2.weight, 77);
    assert_int_equal(k.u.credit2.cap, 50);
    world_free(w);
    fake_policies[2] = &policy_null;
}

/* ---- hotplug ---- */

static void hotplug_errors(void **state)
{
    struct world *w = world_new(4);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);

    (void)state;
    assert_rc(hotplug(w, d, 2, 1), EOPNOTSUPP);
    assert_rc(hotplug(w, d, 9, 300), EOPNOTSUPP);
    assert_rc(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 4), EINVAL);
    assert_rc(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 0), EINVAL);
    assert_rc(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_ONLINE, 4), EINVAL);
    assert_rc(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_ONLINE, 1), EEXIST);
    assert_int_equal(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 1), 0);
    assert_int_equal(members(w, 0), 13);
    assert_int_equal(sop_pool_free_pcpus(w->p[0]), 0);
    assert_rc(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 1), EEXIST);
    assert_rc(pool(w, d, POOL_OP(RMCPU), 0, 1), EINVAL);
    assert_rc(pool(w, d, POOL_OP(ADDCPU), 0, 1), ENODEV);
    assert_int_equal(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_ONLINE, 1), 0);
    assert_int_equal(members(w, 0), 15);
    /* A free one goes, and comes back to pool 0. */
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, 2), 0);
    assert_int_equal(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 2), 0);
    assert_int_equal(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_ONLINE, 2), 0);
    assert_int_equal(members(w, 0), 15);
    /* Another pool's does not; nor any while somebody is pinned. */
    assert_int_equal(pool(w, d, POOL_OP(CREATE), 1, XEN_SCHEDULER_CREDIT2), 0);
    assert_int_equal(pool(w, d, POOL_OP(RMCPU), 0, 3), 0);
    assert_int_equal(pool(w, d, POOL_OP(ADDCPU), 1, 3), 0);
    assert_rc(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 3), ENODEV);
    assert_int_equal(pin(w, d, 1), 0);
    assert_rc(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 2), EADDRINUSE);
    assert_rc(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 1), EADDRINUSE);
    assert_int_equal(members(w, 0), 7);
    world_free(w);
}

/* Timers of a pCPU that goes are served by another. */
static void timers_survive(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct sched_watchdog dog = {.id = 0, .timeout = 1};
    struct fake_domain *u;
    uint64_t end;

    (void)state;
    assert_int_equal(pin(w, d, 0), 0);
    u = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    assert_int_equal(cpu_of(w, u, 0), 1);
    assert_int_equal(pin(w, d, -1), 0);
    assert_int_equal(sched(w, u, 0, SCHEDOP_watchdog, &dog, sizeof(dog)), 1);
    end = w->now + 50 * MS;
    assert_int_equal(poll_ports(w, u, 0, NULL, 0, end), 0);
    assert_true(w->p[1]->timers.count >= 2);
    while (sop_hotplug_offline(w->p[0], 1) != 0) {
        world_settle(w);
    }
    world_settle(w);
    assert_int_equal(w->p[1]->timers.count, 0);
    w->armed[1] = SOP_TIME_NEVER; /* its processor is off */
    world_advance(w, 49 * MS);
    assert_int_equal(runstate(u, 0), RUNSTATE_blocked);
    world_advance(w, 2 * MS);
    assert_true(runstate(u, 0) != RUNSTATE_blocked);
    world_advance(w, SEC);
    assert_int_equal(code_of(u), SHUTDOWN_watchdog);
    world_free(w);
}

/* The call comes from the pCPU that goes; a timer of its own goes too. */
static void offline_self(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    uint32_t port = bind_virq(w, d, 0, VIRQ_TIMER, 0);

    (void)state;
    assert_int_equal(pin(w, d, 1), 0);
    assert_int_equal(
        call(w, d, 0, __HYPERVISOR_set_timer_op, w->now + 10 * MS, 0, 0), 0);
    assert_true(w->p[1]->timers.count >= 1);
    assert_int_equal(pin(w, d, -1), 0);
    if (cpu_of(w, d, 0) == 0) {
        sop_cpumask_t hard = 2;

        assert_int_equal(sop_vcpu_set_affinity(w->p[0], d->vcpu[0].v,
                                               SOP_AFFINITY_HARD, &hard, NULL),
                         0);
        world_settle(w);
    }
    assert_int_equal(cpu_of(w, d, 0), 1);
    assert_int_equal(hotplug(w, d, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, 1), 0);
    assert_int_equal(cpu_of(w, d, 0), 0);
    w->armed[1] = SOP_TIME_NEVER;
    world_advance(w, 11 * MS);
    assert_true(pending(d, port));
    world_free(w);
}

/* ---- about the machine ---- */

static void topology(void **state)
{
    struct world *w = world_new(3);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct xen_sysctl_cputopo topo[4];

    (void)state;
    memset(&op, 0, sizeof(op));
    assert_int_equal(sysctl(w, d, XEN_SYSCTL_sched_id), 0);
    assert_int_equal(op.u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);
    memset(&op, 0, sizeof(op));
    assert_int_equal(sysctl(w, d, XEN_SYSCTL_cputopoinfo), 0);
    assert_int_equal(op.u.cputopoinfo.num_cpus, 3);
    while (sop_hotplug_offline(w->p[0], 1) != 0) {
        world_settle(w);
    }
    op.u.cputopoinfo.num_cpus = 4;
    op.u.cputopoinfo.cputopo.p = (void *)(uintptr_t)ELSEWHERE;
    put_at(d, ELSEWHERE, topo, sizeof(topo));
    assert_int_equal(sysctl(w, d, XEN_SYSCTL_cputopoinfo), 0);
    assert_int_equal(op.u.cputopoinfo.num_cpus, 3);
    get_at(d, ELSEWHERE, topo, sizeof(topo));
    assert_int_equal(topo[1].core, XEN_INVALID_CORE_ID);
    assert_int_equal(topo[2].core, 2);
    assert_int_equal(topo[2].socket, 0);
    op.u.cputopoinfo.cputopo.p = (void *)(uintptr_t)HOLE;
    assert_rc(sysctl(w, d, XEN_SYSCTL_cputopoinfo), EFAULT);
    world_free(w);
}

/* pCPUs that share a run queue, by Xen's names. */
static void run_queues(void **state)
{
    static const struct {
        const char *name;
        uint16_t group; /* of core 3 in socket 1 */
    } want[] = {
        {"socket", 1}, {"core", 0x103}, {"cpu", 2}, {"all", 0}, {"node", 0},
    };
    struct world *w = world_new(3);
    unsigned i;

    (void)state;
    while (sop_hotplug_offline(w->p[0], 2) != 0) {
        world_settle(w);
    }
    for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        int runqueue = sop_runqueue_by_name(want[i].name);

        assert_true(runqueue >= 0);
        w->sys->cfg.runqueue = (enum sop_runqueue)runqueue;
        sop_pcpu_set_topology(w->p[2], 3, 1);
        assert_int_equal(w->p[2]->pol.group, want[i].group);
    }
    assert_int_equal(sop_runqueue_by_name("cor"), -1);
    assert_int_equal(sop_runqueue_by_name("cores"), -1);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making),
        cmocka_unit_test(about),
        cmocka_unit_test(adding_and_removing),
        cmocka_unit_test(moving),
        cmocka_unit_test(creating_in),
        cmocka_unit_test(pinned_pcpu),
        cmocka_unit_test(mask_under_pin),
        cmocka_unit_test(pinned_domain_stays),
        cmocka_unit_test(widened_mask),
        cmocka_unit_test(leaving_step_by_step),
        cmocka_unit_test(still_paused_while_moving),
        cmocka_unit_test(sleepers_move),
        cmocka_unit_test(through_policies),
        cmocka_unit_test(born_with_knobs),
        cmocka_unit_test(refused_move),
        cmocka_unit_test(hotplug_errors),
        cmocka_unit_test(timers_survive),
        cmocka_unit_test(offline_self),
        cmocka_unit_test(topology),
        cmocka_unit_test(run_queues),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
