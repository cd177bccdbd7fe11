/* SPDX-License-Identifier: MIT */
/*
 * Event channels: results and their order, the two-level protocol, layouts,
 * the host side (spec 4, facts 115, 124 to 128, 133).
 */
#include "core_fake.h"

static int64_t op(struct world *w, struct fake_domain *d, int cmd, void *data,
                  size_t size)
{
    return evtchn_op(w, d, 0, cmd, data, size);
}

static int64_t close_port(struct world *w, struct fake_domain *d, uint32_t p)
{
    struct evtchn_close c = {.port = p};

    return op(w, d, EVTCHNOP_close, &c, sizeof(c));
}

static int64_t unmask(struct world *w, struct fake_domain *d, uint32_t p)
{
    struct evtchn_unmask u = {.port = p};

    return op(w, d, EVTCHNOP_unmask, &u, sizeof(u));
}

static int64_t bind_vcpu(struct world *w, struct fake_domain *d, uint32_t p,
                         uint32_t vcpu)
{
    struct evtchn_bind_vcpu b = {.port = p, .vcpu = vcpu};

    return op(w, d, EVTCHNOP_bind_vcpu, &b, sizeof(b));
}

/* Status as one number, or the error. */
static int64_t status(struct world *w, struct fake_domain *d, uint16_t dom,
                      uint32_t port, struct evtchn_status *s)
{
    struct evtchn_status local;
    int64_t rc;

    s = s != NULL ? s : &local;
    *s = (struct evtchn_status){.dom = dom, .port = port};
    rc = op(w, d, EVTCHNOP_status, s, sizeof(*s));
    return rc != 0 ? rc : (int64_t)s->status;
}

static uint32_t alloc_for(struct world *w, struct fake_domain *d,
                          uint16_t remote)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = remote};

    assert_int_equal(op(w, d, EVTCHNOP_alloc_unbound, &a, sizeof(a)), 0);
    return a.port;
}

static int64_t bind_to(struct world *w, struct fake_domain *d, uint16_t remote,
                       uint32_t port, uint32_t *local)
{
    struct evtchn_bind_interdomain b = {
        .remote_dom = remote, .remote_port = port, .local_port = 0xabcd};
    int64_t rc = op(w, d, EVTCHNOP_bind_interdomain, &b, sizeof(b));

    if (local != NULL) {
        *local = b.local_port;
    }
    return rc;
}

/* ---- results and their order ---- */

static void decode(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    const uint64_t cont = EVTCHNOP_set_priority + 1; /* Xen's own */
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    uint64_t cmd;

    (void)state;
    for (cmd = 0; cmd <= cont; cmd++) {
        assert_rc(call(w, d, 0, 32, cmd, HOLE, 0), EFAULT);
        assert_rc(call32(w, d, 0, 32, cmd, HOLE, 0), EFAULT);
    }
    assert_rc(call(w, d, 0, 32, 15, HOLE, 0), ENOSYS);
    assert_rc(call(w, d, 0, 32, 99, HOLE, 0), ENOSYS);
    assert_rc(call(w, d, 0, 32, UINT64_MAX, HOLE, 0), ENOSYS);
    /* A reset that is not under way cannot go on. */
    assert_rc(op(w, d, (int)cont, &reset, sizeof(reset)), EBUSY);
    reset.dom = 77;
    assert_rc(op(w, d, (int)cont, &reset, sizeof(reset)), ESRCH);
    /* The command is 32 bits wide. */
    assert_rc(call(w, d, 0, 32, 0x100000000 | EVTCHNOP_send, HOLE, 0), EFAULT);
    world_free(w);
}

/* The lowest free port; closed against unknown ports (4.1). */
static void closed_and_unknown(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct evtchn_set_priority prio = {.port = 5, .priority = 99};
    uint32_t i;

    (void)state;
    assert_int_equal(status(w, d, DOMID_SELF, 0, NULL), EVTCHNSTAT_closed);
    assert_int_equal(status(w, d, DOMID_SELF, 63, NULL), EVTCHNSTAT_closed);
    assert_rc(status(w, d, DOMID_SELF, 64, NULL), EINVAL);
    assert_rc(status(w, d, DOMID_SELF, UINT32_MAX, NULL), EINVAL);
    set_masked(d, 5, true);
    assert_int_equal(unmask(w, d, 5), 0); /* fact 128 */
    assert_true(masked(d, 5));
    set_masked(d, 0, true);
    assert_int_equal(unmask(w, d, 0), 0);
    assert_true(masked(d, 0));
    assert_rc(unmask(w, d, 64), EINVAL);
    assert_rc(close_port(w, d, 0), EINVAL);
    assert_rc(close_port(w, d, 5), EINVAL);
    assert_rc(close_port(w, d, 64), EINVAL);
    assert_rc(send(w, d, 0, 0), EINVAL);
    assert_rc(send(w, d, 0, 5), EINVAL);
    assert_rc(send(w, d, 0, 64), EINVAL);
    assert_rc(bind_vcpu(w, d, 0, 0), EINVAL);
    assert_rc(bind_vcpu(w, d, 5, 0), EINVAL);
    assert_rc(bind_vcpu(w, d, 64, 0), EINVAL);
    assert_rc(bind_vcpu(w, d, 64, 9), ENOENT);
    /* Priorities belong to the FIFO ABI; an unknown port is seen first. */
    assert_rc(op(w, d, EVTCHNOP_set_priority, &prio, sizeof(prio)), ENOSYS);
    prio.port = 64;
    assert_rc(op(w, d, EVTCHNOP_set_priority, &prio, sizeof(prio)), EINVAL);

    for (i = 1; i <= 64; i++) {
        assert_int_equal(bind_ipi(w, d, 0, 0), i);
    }
    /* The table grew by 64. */
    assert_int_equal(status(w, d, DOMID_SELF, 127, NULL), EVTCHNSTAT_closed);
    assert_rc(status(w, d, DOMID_SELF, 128, NULL), EINVAL);
    assert_int_equal(close_port(w, d, 7), 0);
    assert_int_equal(close_port(w, d, 3), 0);
    assert_rc(close_port(w, d, 3), EINVAL);
    assert_int_equal(bind_ipi(w, d, 0, 0), 3);
    assert_int_equal(bind_ipi(w, d, 0, 0), 7);
    assert_int_equal(bind_ipi(w, d, 0, 0), 65);
    world_free(w);
}

static void fill(struct world *w, struct fake_domain *d, uint32_t limit)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};
    struct evtchn_bind_virq v = {.virq = VIRQ_TIMER};
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF};
    uint32_t i;

    for (i = 1; i < limit; i++) {
        assert_int_equal(bind_ipi(w, d, 0, 0), i);
    }
    assert_rc(op(w, d, EVTCHNOP_bind_ipi, &b, sizeof(b)), ENOSPC);
    assert_rc(op(w, d, EVTCHNOP_bind_virq, &v, sizeof(v)), ENOSPC);
    assert_rc(op(w, d, EVTCHNOP_alloc_unbound, &a, sizeof(a)), ENOSPC);
    assert_rc(bind_to(w, d, DOMID_SELF, 0, NULL), ENOSPC);
    assert_rc(bind_to(w, d, 77, 0, NULL), ESRCH);
    assert_rc(status(w, d, DOMID_SELF, limit, NULL), EINVAL);
    /* The last one works. */
    assert_int_equal(send(w, d, 0, limit - 1), 0);
    assert_true(pending(d, limit - 1));
    assert_true(selector(d, 0) >> (d->d->layout->word_bits - 1));
    assert_int_equal(close_port(w, d, 9), 0);
    assert_int_equal(bind_ipi(w, d, 0, 0), 9);
}

static void full_table(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);

    (void)state;
    fill(w, d, 4096);
    /* Ports beyond a narrowed layout have no bits: signals go nowhere. */
    sop_domain_latch_width(d->d, false);
    memset(d->shared, 0, sizeof(d->shared));
    assert_int_equal(send(w, d, 0, 1024), 0);
    assert_int_equal(send(w, d, 0, 4095), 0);
    assert_int_equal(unmask(w, d, 4095), 0);
    world_domain_destroy(w, d);
    d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    sop_domain_latch_width(d->d, false);
    fill(w, d, 1024);
    world_free(w);
}

/* Facts 124, 125. */
static void virqs(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    struct evtchn_bind_virq b;
    struct evtchn_status s;
    uint32_t virq, port;

    (void)state;
    for (virq = 0; virq < 26; virq++) {
        bool own = virq == VIRQ_TIMER || virq == VIRQ_DEBUG ||
                   virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;

        b = (struct evtchn_bind_virq){.virq = virq, .vcpu = 9};
        if (own) {
            assert_rc(op(w, d, EVTCHNOP_bind_virq, &b, sizeof(b)), ENOENT);
        } else {
            assert_rc(op(w, d, EVTCHNOP_bind_virq, &b, sizeof(b)), EINVAL);
        }
        if (virq >= 24) {
            b.vcpu = 0;
            assert_rc(op(w, d, EVTCHNOP_bind_virq, &b, sizeof(b)), EINVAL);
            continue;
        }
        b.vcpu = 1;
        if (!own) {
            assert_rc(op(w, d, EVTCHNOP_bind_virq, &b, sizeof(b)), EINVAL);
            b.vcpu = 0;
        }
        assert_int_equal(op(w, d, EVTCHNOP_bind_virq, &b, sizeof(b)), 0);
        assert_rc(op(w, d, EVTCHNOP_bind_virq, &b, sizeof(b)), EEXIST);
        assert_int_equal(status(w, d, 1, b.port, &s), EVTCHNSTAT_virq);
        assert_int_equal(s.u.virq, virq);
        assert_int_equal(s.vcpu, own ? 1 : 0);
        assert_rc(send(w, d, 0, b.port), EINVAL);
        if (own) {
            assert_rc(bind_vcpu(w, d, b.port, 0), EINVAL);
        } else {
            assert_int_equal(bind_vcpu(w, d, b.port, 1), 0);
            assert_int_equal(status(w, d, 1, b.port, &s), EVTCHNSTAT_virq);
            assert_int_equal(s.vcpu, 1);
            /* Moved, and still bound. */
            assert_rc(op(w, d, EVTCHNOP_bind_virq, &b, sizeof(b)), EEXIST);
        }
    }
    /* Closing frees it for another binding. */
    port = bind_virq(w, d, 0, VIRQ_TIMER, 0);
    assert_int_equal(close_port(w, d, port), 0);
    assert_int_equal(bind_virq(w, d, 0, VIRQ_TIMER, 0), port);
    world_free(w);
}

/* A global virq goes to the hardware domain, to the vCPU it was moved to. */
static void global_virq(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 2, true);
    struct fake_domain *d;
    uint32_t mine, other;

    (void)state;
    bring_up(w, hw, 1);
    sop_virq_global(w->p[0], w->sys, VIRQ_CONSOLE); /* nobody listens */
    mine = bind_virq(w, hw, 0, VIRQ_CONSOLE, 0);
    assert_int_equal(bind_vcpu(w, hw, mine, 1), 0);
    sop_virq_global(w->p[0], w->sys, VIRQ_CONSOLE);
    world_settle(w);
    assert_true(pending(hw, mine));
    assert_int_equal(*upcall_pending(hw, 0), 0);
    assert_int_equal(*upcall_pending(hw, 1), 1);

    consume(hw, 1);
    clear_pending(hw, mine);
    assert_int_equal(sched(w, hw, 1, SCHEDOP_block, NULL, 0), 0);
    d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    /* Fact 129: bound by another domain, silence. */
    other = bind_virq(w, d, 0, VIRQ_CONSOLE, 0);
    sop_virq_global(w->p[0], w->sys, VIRQ_CONSOLE);
    world_settle(w);
    assert_false(pending(d, other));
    assert_true(pending(hw, mine));
    world_free(w);
}

static void ipis(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    struct evtchn_bind_ipi b = {.vcpu = 2};
    struct evtchn_status s;
    uint32_t port;

    (void)state;
    assert_rc(op(w, d, EVTCHNOP_bind_ipi, &b, sizeof(b)), ENOENT);
    port = bind_ipi(w, d, 0, 1);
    assert_int_equal(status(w, d, DOMID_SELF, port, &s), EVTCHNSTAT_ipi);
    assert_int_equal(s.vcpu, 1);
    assert_rc(bind_vcpu(w, d, port, 0), EINVAL);
    /* Fact 115: to a vCPU that is down. */
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(pending(d, port));
    assert_int_equal(*upcall_pending(d, 1), 1);
    assert_int_equal(selector(d, 1), 1);
    assert_int_equal(close_port(w, d, port), 0);
    assert_false(pending(d, port));
    assert_int_equal(status(w, d, DOMID_SELF, port, &s), EVTCHNSTAT_closed);
    assert_int_equal(s.vcpu, 0);
    world_free(w);
}

/* ---- between domains ---- */

static void alloc_unbound(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct evtchn_alloc_unbound a = {.dom = 77};
    struct evtchn_status s;

    (void)state;
    assert_rc(op(w, d, EVTCHNOP_alloc_unbound, &a, sizeof(a)), ESRCH);
    a = (struct evtchn_alloc_unbound){.dom = 0, .remote_dom = 1};
    assert_rc(op(w, d, EVTCHNOP_alloc_unbound, &a, sizeof(a)), EPERM);
    assert_int_equal(status(w, hw, 0, 1, NULL), EVTCHNSTAT_closed);
    a = (struct evtchn_alloc_unbound){.dom = 1, .remote_dom = 12345};
    assert_int_equal(op(w, d, EVTCHNOP_alloc_unbound, &a, sizeof(a)), 0);
    assert_int_equal(status(w, d, 1, a.port, &s), EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, 12345);
    assert_int_equal(send(w, d, 0, a.port), 0); /* fact 127 */
    assert_false(pending(d, a.port));
    /* Privileged, on behalf of another, for itself. */
    a = (struct evtchn_alloc_unbound){.dom = 1, .remote_dom = DOMID_SELF};
    assert_int_equal(op(w, hw, EVTCHNOP_alloc_unbound, &a, sizeof(a)), 0);
    assert_int_equal(a.port, 2);
    assert_int_equal(status(w, hw, 1, a.port, &s), EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, 0);
    /* Status of others is for the privileged. */
    assert_rc(status(w, d, 0, 1, NULL), EPERM);
    assert_rc(status(w, d, 77, 1, NULL), ESRCH);
    assert_rc(status(w, d, 0, 999, NULL), EINVAL);
    world_free(w);
}

/* Fact 126, and everything that happens to a pair. */
static void pair(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *a = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct fake_domain *b = world_domain(w, 2, SOP_GUEST_HVM, 1, false);
    uint32_t pa = alloc_for(w, a, 2), pb, wrong = alloc_for(w, a, 3);
    struct evtchn_status s;

    (void)state;
    assert_rc(bind_to(w, b, 77, pa, NULL), ESRCH);
    assert_rc(bind_to(w, b, 1, wrong, NULL), EINVAL);
    assert_rc(bind_to(w, b, 1, 0, NULL), EINVAL);
    assert_rc(bind_to(w, b, 1, 5000, NULL), EINVAL);
    assert_int_equal(bind_to(w, b, 1, pa, &pb), 0);
    assert_int_equal(pb, 1); /* failures kept no port */
    assert_true(pending(b, pb));
    assert_false(pending(a, pa));
    assert_rc(bind_to(w, b, 1, pa, NULL), EINVAL);
    assert_int_equal(status(w, a, 1, pa, &s), EVTCHNSTAT_interdomain);
    assert_int_equal(s.u.interdomain.dom, 2);
    assert_int_equal(s.u.interdomain.port, pb);
    assert_int_equal(status(w, b, 2, pb, &s), EVTCHNSTAT_interdomain);
    assert_int_equal(s.u.interdomain.dom, 1);
    assert_int_equal(s.u.interdomain.port, pa);

    clear_pending(b, pb);
    assert_int_equal(send(w, b, 0, pb), 0);
    assert_true(pending(a, pa));
    assert_false(pending(b, pb));
    assert_int_equal(send(w, a, 0, pa), 0);
    assert_true(pending(b, pb));

    /* Closing one end leaves the other unbound, for the same domain. */
    assert_int_equal(close_port(w, b, pb), 0);
    assert_int_equal(status(w, a, 1, pa, &s), EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, 2);
    assert_int_equal(bind_to(w, b, 1, pa, &pb), 0);

    /* So does the end of a domain. */
    world_domain_destroy(w, b);
    assert_int_equal(status(w, a, 1, pa, &s), EVTCHNSTAT_unbound);
    assert_int_equal(send(w, a, 0, pa), 0);
    world_free(w);
}

/*
 * A destroyed domain that still has its slot takes no new ports: whoever bound
 * to one would be left with a peer that is gone.
 */
static void dead_domain(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct evtchn_alloc_unbound a = {.dom = 1, .remote_dom = DOMID_SELF};
    uint32_t port;

    (void)state;
    while (sop_domain_destroy(w->p[0], d->d) == -XEN_EAGAIN) {
        world_settle(w);
    }
    assert_rc(op(w, hw, EVTCHNOP_alloc_unbound, &a, sizeof(a)), EINVAL);
    assert_rc(bind_to(w, hw, 1, 1, &port), EINVAL);
    assert_rc(sop_evtchn_host_port(d->d), EINVAL);
    world_domain_destroy(w, d);
    world_free(w);
}

/* A domain may connect to itself. */
static void loopback(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint32_t one = alloc_for(w, d, DOMID_SELF), two;

    (void)state;
    assert_int_equal(bind_to(w, d, DOMID_SELF, one, &two), 0);
    clear_pending(d, two);
    assert_int_equal(send(w, d, 0, one), 0);
    assert_true(pending(d, two));
    assert_int_equal(send(w, d, 0, two), 0);
    assert_true(pending(d, one));
    assert_int_equal(close_port(w, d, one), 0);
    assert_int_equal(status(w, d, 1, two, NULL), EVTCHNSTAT_unbound);
    world_free(w);
}

static void reset(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct evtchn_reset r = {.dom = 77};
    uint32_t port, virq;

    (void)state;
    virq = bind_virq(w, d, 0, VIRQ_TIMER, 0);
    port = bind_ipi(w, d, 0, 0);
    assert_rc(op(w, d, EVTCHNOP_reset, &r, sizeof(r)), ESRCH);
    r.dom = 0;
    assert_rc(op(w, d, EVTCHNOP_reset, &r, sizeof(r)), EPERM);
    r.dom = 1;
    assert_rc(op(w, hw, EVTCHNOP_reset, &r, sizeof(r)), EINVAL);
    assert_int_equal(status(w, d, 1, port, NULL), EVTCHNSTAT_ipi);
    r.dom = DOMID_SELF;
    assert_int_equal(op(w, d, EVTCHNOP_reset, &r, sizeof(r)), 0);
    assert_int_equal(status(w, d, 1, port, NULL), EVTCHNSTAT_closed);
    assert_int_equal(bind_virq(w, d, 0, VIRQ_TIMER, 0), virq);
    /* By the control domain, once paused. */
    assert_int_equal(sop_domain_pause(w->p[0], d->d), 0);
    r.dom = 1;
    assert_int_equal(op(w, hw, EVTCHNOP_reset, &r, sizeof(r)), 0);
    assert_int_equal(status(w, hw, 1, virq, NULL), EVTCHNSTAT_closed);
    world_free(w);
}

static void refused(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct evtchn_init_control init = {.vcpu = 9};
    struct evtchn_expand_array expand = {.array_gfn = 1};
    struct evtchn_bind_pirq pirq = {.pirq = 99999};

    (void)state;
    assert_rc(op(w, d, EVTCHNOP_init_control, &init, sizeof(init)), ENOENT);
    assert_rc(op(w, d, EVTCHNOP_expand_array, &expand, sizeof(expand)),
              EOPNOTSUPP);
    assert_rc(op(w, d, EVTCHNOP_bind_pirq, &pirq, sizeof(pirq)), EINVAL);
    world_free(w);
}

/* An output that cannot be written: an error, and what was made stays. */
static void output_lost(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);

    struct evtchn_bind_ipi b = {.vcpu = 0};

    (void)state;
    assert_rc(
        call(w, d, 0, 32, EVTCHNOP_bind_ipi, put_torn(d, &b, sizeof(b), 4), 0),
        EFAULT);
    assert_int_equal(status(w, d, 1, 1, NULL), EVTCHNSTAT_closed);
    put_at(d, MEM_BASE + 2 * FAKE_PAGE, &b, sizeof(b));
    d->read_only[2] = true;
    assert_rc(call(w, d, 0, 32, EVTCHNOP_bind_ipi, MEM_BASE + 2 * FAKE_PAGE, 0),
              EFAULT);
    assert_int_equal(status(w, d, 1, 1, NULL), EVTCHNSTAT_ipi);
    world_free(w);
}

/* ---- the protocol, step by step (4.2) ---- */

static void protocol(bool wide)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    struct xen_hvm_evtchn_upcall_vector vec = {.vcpu = 1, .vector = 0x40};
    uint32_t bits = wide ? 64 : 32, port, i;
    struct fake_vcpu *f = &d->vcpu[1];

    sop_domain_latch_width(d->d, wide);
    bring_up(w, d, 1);
    assert_int_equal(call(w, d, 0, 34, HVMOP_set_evtchn_upcall_vector,
                          put(d, &vec, sizeof(vec)), 0),
                     0);
    consume(d, 1);
    f->injected = 0;
    for (i = 1; i <= bits + 1; i++) {
        port = bind_ipi(w, d, 0, 1);
    }
    assert_int_equal(port, bits + 1);

    /* P set, S set, U set, one kick. */
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(pending(d, port));
    assert_int_equal(selector(d, 1), 2);
    assert_int_equal(*upcall_pending(d, 1), 1);
    assert_int_equal(f->injected, 1);
    /* P already set: nothing else, even with the rest consumed. */
    consume(d, 1);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_int_equal(selector(d, 1), 0);
    assert_int_equal(*upcall_pending(d, 1), 0);
    assert_int_equal(f->injected, 1);
    /* S already set: no kick although U is clear. */
    clear_pending(d, port);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_int_equal(f->injected, 2);
    *upcall_pending(d, 1) = 0;
    clear_pending(d, port);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_int_equal(*upcall_pending(d, 1), 0);
    assert_int_equal(f->injected, 2);
    /* U already set: no kick. */
    consume(d, 1);
    *upcall_pending(d, 1) = 1;
    clear_pending(d, port);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_int_equal(selector(d, 1), 2);
    assert_int_equal(f->injected, 2);
    /* Masked: only P. Unmasking does the rest. */
    consume(d, 1);
    clear_pending(d, port);
    set_masked(d, port, true);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(pending(d, port));
    assert_int_equal(selector(d, 1), 0);
    assert_int_equal(unmask(w, d, port), 0);
    assert_false(masked(d, port));
    assert_int_equal(selector(d, 1), 2);
    assert_int_equal(f->injected, 3);
    /* Nothing pending: only the mask changes. */
    consume(d, 1);
    clear_pending(d, port);
    set_masked(d, port, true);
    assert_int_equal(unmask(w, d, port), 0);
    assert_false(masked(d, port));
    assert_int_equal(selector(d, 1), 0);
    assert_int_equal(f->injected, 3);
    /* Unmasked already: unmasking again does nothing. */
    consume(d, 1);
    assert_int_equal(unmask(w, d, port), 0);
    assert_int_equal(selector(d, 1), 0);
    assert_int_equal(f->injected, 3);
    world_free(w);
}

static void protocol_both(void **state)
{
    (void)state;
    protocol(true);
    protocol(false);
}

/* A vCPU that runs elsewhere is got out of the guest, to see its event. */
static void kicks_who_runs(void **state)
{
    const enum sop_guest_kind kinds[] = {SOP_GUEST_PV, SOP_GUEST_HVM};
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct world *w = world_new(2);
        struct fake_domain *d = world_domain(w, 1, kinds[i], 2, false);
        struct evtchn_send op;
        struct sop_call c = {.nr = 32, .arg = {EVTCHNOP_send}, .wide = true};

        bring_up(w, d, 1);
        if (kinds[i] == SOP_GUEST_HVM) {
            set_callback(w, d, 0x20);
        }
        op.port = bind_ipi(w, d, 0, 1);
        c.arg[1] = put(d, &op, sizeof(op));
        consume(d, 1);
        world_settle(w);
        assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_DONE);
        assert_int_equal(c.result, 0);
        assert_true(w->kicked[cpu_of(w, d, 1)]);
        assert_false(w->kicked[cpu_of(w, d, 0)]);
        world_free(w);
    }
}

/* Fact 133, spec 8.5: what latches, and that the wall clock follows. */
static void latch(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct xen_hvm_param p = {.domid = DOMID_SELF,
                              .index = HVM_PARAM_CALLBACK_IRQ};
    struct shared_info_x86_32 *narrow = (void *)d->shared;
    struct shared_info *wide = (void *)d->shared;

    (void)state;
    assert_int_equal(wide->wc_sec, 1700000000);
    assert_int_equal(wide->wc_nsec, 123456789);
    assert_int_equal(wide->wc_version & 1, 0);
    assert_int_equal(d->d->layout->word_bits, 64);
    /* Any value of the parameter latches, ignored types too. */
    assert_int_equal(
        call32(w, d, 0, 34, HVMOP_set_param, put(d, &p, sizeof(p)), 0), 0);
    assert_int_equal(d->d->layout->word_bits, 32);
    assert_int_equal(narrow->wc_sec, 1700000000);
    assert_int_equal(narrow->wc_nsec, 123456789);
    assert_int_equal(
        call(w, d, 0, 34, HVMOP_set_param, put(d, &p, sizeof(p)), 0), 0);
    assert_int_equal(d->d->layout->word_bits, 64);
    sop_domain_latch_width(d->d, false);
    assert_int_equal(d->d->layout->word_bits, 32);
    world_free(w);
}

/* ---- the host side ---- */

static void host_ports(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct evtchn_status s;
    int port = sop_evtchn_host_port(d->d);

    (void)state;
    assert_int_equal(port, 1);
    assert_int_equal(status(w, d, 1, 1, &s), EVTCHNSTAT_interdomain);
    assert_int_equal(s.u.interdomain.dom, 0);
    assert_int_equal(send(w, d, 0, 1), 0);
    assert_int_equal(d->host_events, 1);
    assert_int_equal(d->host_port, 1);
    assert_false(pending(d, 1));
    sop_evtchn_host_notify(w->p[0], d->d, 1);
    world_settle(w);
    assert_true(pending(d, 1));
    assert_int_equal(bind_vcpu(w, d, 1, 0), 0);
    /* The guest closes it: the host talks to nobody, also not to a new
       owner of that number. */
    assert_int_equal(close_port(w, d, 1), 0);
    sop_evtchn_host_notify(w->p[0], d->d, 1);
    assert_false(pending(d, 1));
    assert_int_equal(bind_ipi(w, d, 0, 0), 1);
    sop_evtchn_host_notify(w->p[0], d->d, 1);
    assert_false(pending(d, 1));
    sop_evtchn_host_notify(w->p[0], d->d, 5000);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode),         cmocka_unit_test(closed_and_unknown),
        cmocka_unit_test(full_table),     cmocka_unit_test(virqs),
        cmocka_unit_test(global_virq),    cmocka_unit_test(ipis),
        cmocka_unit_test(alloc_unbound),  cmocka_unit_test(pair),
        cmocka_unit_test(loopback),       cmocka_unit_test(reset),
        cmocka_unit_test(refused),        cmocka_unit_test(output_lost),
        cmocka_unit_test(protocol_both),  cmocka_unit_test(latch),
        cmocka_unit_test(kicks_who_runs), cmocka_unit_test(host_ports),
        cmocka_unit_test(dead_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
