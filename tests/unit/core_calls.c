/* SPDX-License-Identifier: MIT */
/*
 * The other hypercalls: what goes to the port, multicall, xen_version,
 * hvm_op, console_io, vm_assist, domctl and sysctl. Results without a fact
 * number were measured on Xen 4.17.7 as a PVH hardware domain.
 */
#include "core_fake.h"

/* Facts 3, 17: numbers the core does not own are the port's to answer. */
static void unknown_numbers(void **state)
{
    static const uint64_t numbers[] = {0,  4,  11, 12,  20,
                                       43, 55, 99, 127, UINT64_MAX};
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(numbers); i++) {
        assert_rc(call(w, d, 0, numbers[i], 1, 2, 3), ENOSYS);
        assert_int_equal(w->port_calls, i + 1);
        assert_true(w->last_port_call.nr == numbers[i]);
        assert_int_equal(w->last_port_call.arg[2], 3);
    }
    w->port_result = 42;
    assert_int_equal(call(w, d, 0, 12, 0, 0, 0), 42);
    /* Not the upper half of a number either. */
    (void)call(w, d, 0, 0x10000001d, 0, 0, 0);
    assert_int_equal(info_of(w, d).commands[0], 0);
    world_free(w);
}

/* ---- multicall: facts 20, 21 ---- */

#define CALLS (MEM_BASE + 6 * FAKE_PAGE)

static void entry(struct fake_domain *d, unsigned i, uint64_t op, uint64_t a0,
                  uint64_t a1)
{
    struct multicall_entry e = {.op = op, .result = 0xdead, .args = {a0, a1}};

    put_at(d, CALLS + i * sizeof(e), &e, sizeof(e));
}

static int64_t result(struct fake_domain *d, unsigned i)
{
    struct multicall_entry e;

    get_at(d, CALLS + i * sizeof(e), &e, sizeof(e));
    return (int64_t)e.result;
}

static void multicall_results(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct sched_watchdog wd = {.timeout = 10};
    uint64_t op = put(d, &wd, sizeof(wd));
    unsigned i;

    (void)state;
    for (i = 0; i < 3; i++) {
        entry(d, i, 29, SCHEDOP_watchdog, op);
    }
    entry(d, 3, 29, 99, 0);
    entry(d, 4, 13, CALLS, 1); /* nested */
    entry(d, 5, 17, 0, 0);
    entry(d, 6, 0x10000001d, 0, 0); /* not sched_op */
    assert_int_equal(call(w, d, 0, 13, CALLS, 7, 0), 0);
    assert_int_equal(result(d, 0), 1);
    assert_int_equal(result(d, 1), 2);
    assert_rc(result(d, 2), ENOSPC);
    assert_rc(result(d, 3), ENOSYS);
    assert_rc(result(d, 4), EINVAL);
    assert_int_equal(result(d, 5), 0x40011);
    assert_rc(result(d, 6), ENOSYS);
    assert_int_equal(call(w, d, 0, 13, HOLE, 0, 0), 0);
    assert_rc(call(w, d, 0, 13, HOLE, 1, 0), EFAULT);
    world_free(w);
}

static void multicall_narrow(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct multicall_entry32 e[3] = {
        {.op = 29, .args = {99}},
        {.op = 17, .args = {0}},
        {.op = 15, .args = {0xfffffffb, 0xffffffff}},
    };

    (void)state;
    put_at(d, CALLS, e, sizeof(e));
    assert_int_equal(call32(w, d, 0, 13, CALLS, 3, 0), 0);
    get_at(d, CALLS, e, sizeof(e));
    assert_int_equal((int32_t)e[0].result, -XEN_ENOSYS);
    assert_int_equal(e[1].result, 0x40011);
    assert_int_equal(e[1].op, 17);
    assert_int_equal(e[1].args[0], 0);
    assert_int_equal(e[2].result, 0);
    world_free(w);
}

/* An array that faults ends it there; what was done stays done. */
static void multicall_faults(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);

    (void)state;
    entry(d, 63, 29, SCHEDOP_yield, 0);
    d->hole[7] = true;
    assert_rc(call(w, d, 0, 13, CALLS + 63 * 64, 2, 0), EFAULT);
    assert_int_equal(result(d, 63), 0);
    assert_int_equal(info_of(w, d).commands[0], 1);
    d->read_only[6] = true;
    assert_rc(call(w, d, 0, 13, CALLS + 63 * 64, 1, 0), EFAULT);
    assert_int_equal(info_of(w, d).commands[0], 2);
    assert_rc(call(w, d, 0, 13, XEN_RANGE, 0, 0), EFAULT);
    world_free(w);
}

/* Fact 21: a sleep is honoured between entries. */
static void multicall_sleeps(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct {
        uint64_t ports;
        uint32_t nr, pad;
        uint64_t timeout;
    } op = {0, 0, 0, w->now + 20 * MS};
    struct sop_call c = {.nr = 13, .arg = {CALLS, 2}, .wide = true};

    (void)state;
    entry(d, 0, 29, SCHEDOP_poll, put(d, &op, sizeof(op)));
    entry(d, 1, 29, 99, 0);
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_AGAIN);
    world_settle(w);
    assert_false(is_running(d, 0));
    assert_int_equal(result(d, 0), 0);
    assert_int_equal(result(d, 1), 0xdead);
    assert_int_equal(c.arg[0], CALLS + 64);
    assert_int_equal(c.arg[1], 1);
    world_advance(w, 20 * MS);
    assert_true(is_running(d, 0));
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_DONE);
    assert_int_equal(c.result, 0);
    assert_rc(result(d, 1), ENOSYS);
    /* As the last entry it does not come back. */
    op.timeout = w->now + MS;
    entry(d, 0, 29, SCHEDOP_poll, put(d, &op, sizeof(op)));
    c = (struct sop_call){.nr = 13, .arg = {CALLS, 1}, .wide = true};
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_DONE);
    assert_int_equal(c.result, 0);
    world_settle(w);
    assert_false(is_running(d, 0));
    world_free(w);
}

/* A long list, or a long write inside one, lets interrupts in. */
/* An upcall that can be taken comes before the next entry. */
static void multicall_lets_events_in(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct sop_call c = {.nr = 13, .arg = {CALLS, 2}, .wide = true};
    struct evtchn_send op;

    (void)state;
    set_callback(w, d, 0x20);
    op.port = bind_ipi(w, d, 0, 0);
    entry(d, 0, 32, EVTCHNOP_send, put(d, &op, sizeof(op)));
    entry(d, 1, 29, 99, 0);
    d->vcpu[0].irq_on = true;
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_AGAIN);
    assert_int_equal(c.arg[1], 1);
    assert_int_equal(result(d, 1), 0xdead);
    d->vcpu[0].irq_on = false;
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_DONE);
    assert_rc(result(d, 1), ENOSYS);
    world_free(w);
}

static void multicall_is_bounded(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct sop_call c = {.nr = 13, .arg = {CALLS, 100}, .wide = true};
    unsigned i;

    (void)state;
    for (i = 0; i < 100; i++) {
        entry(d, i, 17, 0, 0);
    }
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_AGAIN);
    assert_int_equal(c.arg[0], CALLS + 64 * 64);
    assert_int_equal(c.arg[1], 36);
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_DONE);
    for (i = 0; i < 100; i++) {
        assert_int_equal(result(d, i), 0x40011);
    }
    /* 5,000 bytes from MEM_BASE by console_io in the middle. */
    entry(d, 0, 17, 0, 0);
    entry(d, 1, 18, CONSOLEIO_write, 5000);
    put_at(d, CALLS + 64 + offsetof(struct multicall_entry, args) + 16,
           &(uint64_t){MEM_BASE}, 8);
    entry(d, 2, 17, 0, 0);
    for (i = 0; i < 5000; i++) {
        d->mem[i] = (uint8_t)('a' + i % 26);
    }
    c = (struct sop_call){.nr = 13, .arg = {CALLS, 3}, .wide = true};
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_AGAIN);
    assert_int_equal(c.arg[1], 2);
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_DONE);
    assert_int_equal(w->console_len, 5000);
    assert_memory_equal(w->console, d->mem, 5000);
    assert_int_equal(result(d, 1), 0);
    assert_int_equal(result(d, 2), 0x40011);
    world_free(w);
}

/* ---- xen_version ---- */

#define OUT (MEM_BASE + 8 * FAKE_PAGE)

static void version(void **state)
{
    static const struct {
        uint64_t cmd;
        size_t size;
    } copies[] = {{1, 16}, {2, 144}, {3, 1024}, {4, 64},
                  {5, 8},  {6, 8},   {8, 16},   {9, 1}};
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint8_t *out = &d->mem[OUT - MEM_BASE];
    unsigned i;

    (void)state;
    assert_int_equal(call(w, d, 0, 17, XENVER_version, HOLE, 0), 0x40011);
    for (i = 0; i < ARRAY_SIZE(copies); i++) {
        assert_rc(call(w, d, 0, 17, copies[i].cmd, HOLE, 0), EFAULT);
        memset(out, 0, 4);
        memset(out + 4, 0x77, 2000);
        assert_int_equal(call(w, d, 0, 17, copies[i].cmd, OUT, 0), 0);
        if (copies[i].size > 1) {
            assert_int_equal(out[copies[i].size], 0x77);
            assert_int_not_equal(out[copies[i].size - 1], 0x77);
        }
    }
    assert_string_equal((char *)out, "<denied>");
    assert_int_equal(call(w, d, 0, 17, XENVER_extraversion, OUT, 0), 0);
    assert_string_equal((char *)out, ".7");
    assert_int_equal(call(w, d, 0, 17, XENVER_pagesize, 0, 0), 4096);
    assert_rc(call(w, d, 0, 17, XENVER_pagesize, OUT, 0), EINVAL);
    assert_rc(call(w, d, 0, 17, XENVER_build_id, OUT, 0), EPERM);
    assert_rc(call(w, d, 0, 17, 11, HOLE, 0), ENOSYS);
    assert_rc(call(w, d, 0, 17, UINT64_MAX, 0, 0), ENOSYS);
    /* 32-bit: a platform word is 4 bytes. */
    memset(out, 0x77, 8);
    assert_int_equal(call32(w, d, 0, 17, XENVER_platform_parameters, OUT, 0),
                     0);
    assert_int_equal(out[3], 0);
    assert_int_equal(out[4], 0x77);
    world_free(w);
}

static void features(void **state)
{
    static const struct {
        enum sop_guest_kind kind;
        bool hardware;
        uint32_t submap;
    } table[] = {
        {SOP_GUEST_HVM, false, 0x12305},
        {SOP_GUEST_HVM, true, 0x12b05},
        {SOP_GUEST_PV, true, 0x228e0},
        {SOP_GUEST_PV, false, 0x220e0},
    };
    uint32_t info[2] = {0, 0};
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(table); i++) {
        struct world *w = world_new(1);
        struct fake_domain *d =
            world_domain(w, 0, table[i].kind, 1, table[i].hardware);

        info[0] = 0;
        put_at(d, OUT, info, sizeof(info));
        assert_int_equal(call(w, d, 0, 17, XENVER_get_features, OUT, 0), 0);
        get_at(d, OUT, info, sizeof(info));
        assert_int_equal(info[1], table[i].submap);
        info[0] = 1;
        put_at(d, OUT, info, sizeof(info));
        assert_rc(call(w, d, 0, 17, XENVER_get_features, OUT, 0), EINVAL);
        world_free(w);
    }
}

/* ---- hvm_op ---- */

static int64_t set_param(struct world *w, struct fake_domain *d, uint16_t dom,
                         uint32_t index, uint64_t value)
{
    struct xen_hvm_param p = {.domid = dom, .index = index, .value = value};

    return call(w, d, 0, 34, HVMOP_set_param, put(d, &p, sizeof(p)), 0);
}

static int64_t get_param(struct world *w, struct fake_domain *d, uint16_t dom,
                         uint32_t index, uint64_t *value)
{
    struct xen_hvm_param p = {.domid = dom, .index = index, .value = 99};
    uint64_t at = put(d, &p, sizeof(p));
    int64_t rc = call(w, d, 0, 34, HVMOP_get_param, at, 0);

    get_at(d, at, &p, sizeof(p));
    if (value != NULL) {
        *value = p.value;
    }
    return rc;
}

/* Results of get and of set to 0, by parameter, as real Xen gave them. */
static void param_rights(void **state)
{
    static const int16_t get[41] = {
        [3] = -1,   [4] = -22,  [5] = -1,   [6] = -1,   [7] = -1,   [8] = -1,
        [9] = -1,   [10] = -1,  [11] = -1,  [12] = -1,  [13] = -22, [14] = -1,
        [16] = -1,  [20] = -22, [21] = -22, [22] = -22, [23] = -22, [24] = -22,
        [25] = -22, [26] = -22, [27] = -1,  [28] = -1,  [29] = -1,  [30] = -22,
        [31] = -1,  [32] = -1,  [33] = -1,  [38] = -1,  [39] = -22, [40] = -22,
    };
    static const int16_t set[41] = {
        [1] = -1,   [3] = -1,   [4] = -22,  [5] = -1,   [6] = -1,   [7] = -1,
        [8] = -1,   [9] = -1,   [10] = -1,  [11] = -1,  [12] = -1,  [13] = -22,
        [14] = -1,  [16] = -1,  [17] = -1,  [19] = -19, [20] = -22, [21] = -22,
        [22] = -22, [23] = -22, [24] = -22, [25] = -22, [26] = -22, [27] = -1,
        [28] = -1,  [29] = -1,  [30] = -22, [31] = -1,  [32] = -1,  [33] = -1,
        [35] = -1,  [37] = -22, [38] = -1,  [39] = -22, [40] = -22,
    };
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 3, SOP_GUEST_HVM, 1, false);
    uint32_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(get); i++) {
        assert_int_equal(get_param(w, d, DOMID_SELF, i, NULL), get[i]);
        assert_int_equal(get_param(w, d, 3, i, NULL), get[i]);
        assert_int_equal(set_param(w, d, DOMID_SELF, i, 0), set[i]);
    }
    assert_rc(set_param(w, d, DOMID_SELF, HVM_PARAM_VM86_TSS_SIZED,
                        (uint64_t)103 << 32),
              EINVAL);
    assert_int_equal(set_param(w, d, DOMID_SELF, HVM_PARAM_VM86_TSS_SIZED,
                               (uint64_t)104 << 32),
                     0);
    assert_rc(
        set_param(w, d, DOMID_SELF, HVM_PARAM_VM86_TSS, (uint64_t)1 << 32),
        EINVAL);
    assert_rc(set_param(w, d, DOMID_SELF, HVM_PARAM_X87_FIP_WIDTH, 1), EINVAL);
    assert_int_equal(set_param(w, d, DOMID_SELF, HVM_PARAM_X87_FIP_WIDTH, 8),
                     0);
    world_free(w);
}

static void param_others(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *d = world_domain(w, 3, SOP_GUEST_HVM, 1, false);
    struct fake_domain *pv;
    uint64_t value;

    (void)state;
    assert_rc(call(w, d, 0, 34, HVMOP_get_param, HOLE, 0), EFAULT);
    assert_rc(call(w, d, 0, 34, HVMOP_set_param, HOLE, 0), EFAULT);
    assert_rc(get_param(w, d, 77, 0, NULL), ESRCH);
    assert_rc(get_param(w, d, 77, 99, NULL), EINVAL); /* index first */
    assert_rc(get_param(w, d, 0x7ff2, 0, NULL), ESRCH);
    assert_rc(get_param(w, d, 0, 0, NULL), EPERM);
    assert_rc(set_param(w, d, 0, 0, 0), EPERM);
    /* The control domain sets what the domain itself may only read. */
    assert_int_equal(set_param(w, hw, 3, HVM_PARAM_CONSOLE_PFN, 0x1234), 0);
    assert_int_equal(get_param(w, d, 3, HVM_PARAM_CONSOLE_PFN, &value), 0);
    assert_int_equal(value, 0x1234);
    assert_rc(set_param(w, d, 3, HVM_PARAM_CONSOLE_PFN, 1), EPERM);
    /* Its own rights are an ordinary domain's. */
    assert_rc(set_param(w, hw, 0, HVM_PARAM_CONSOLE_PFN, 1), EPERM);
    /* Only the own callback latches a width (spec 8.5). */
    {
        struct xen_hvm_param p = {.domid = 3, .index = HVM_PARAM_CALLBACK_IRQ};

        assert_int_equal(
            call32(w, hw, 0, 34, HVMOP_set_param, put(hw, &p, sizeof(p)), 0),
            0);
        p.index = HVM_PARAM_STORE_EVTCHN;
        assert_int_equal(
            call32(w, d, 0, 34, HVMOP_set_param, put(d, &p, sizeof(p)), 0), 0);
        assert_int_equal(d->d->layout->word_bits, 64);
    }
    /* The port presets. */
    assert_int_equal(sop_domain_set_param(d->d, HVM_PARAM_STORE_EVTCHN, 5), 0);
    assert_int_equal(get_param(w, d, 3, HVM_PARAM_STORE_EVTCHN, &value), 0);
    assert_int_equal(value, 5);
    assert_int_equal(sop_domain_get_param(d->d, HVM_PARAM_CONSOLE_PFN, &value),
                     0);
    assert_int_equal(value, 0x1234);
    assert_rc(sop_domain_set_param(d->d, HVM_NR_PARAMS, 0), EINVAL);
    assert_rc(sop_domain_get_param(d->d, HVM_NR_PARAMS, &value), EINVAL);
    world_domain_destroy(w, d);
    pv = world_domain(w, 4, SOP_GUEST_PV, 1, false);
    assert_rc(get_param(w, pv, DOMID_SELF, 0, NULL), EINVAL);
    assert_rc(set_param(w, pv, DOMID_SELF, 0, 0), EINVAL);
    world_free(w);
}

/* Fact 137: types but vectors are ignored, and leave the vector in force. */
static void callback_types(void **state)
{
    static const uint64_t ignored[] = {0, 5, (uint64_t)1 << 56 | 0x21,
                                       (uint64_t)9 << 56 | 0x22};
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint64_t value;
    unsigned i;

    (void)state;
    *upcall_pending(d, 0) = 1;
    assert_int_equal(sop_vcpu_upcall_vector(d->vcpu[0].v), -1);
    set_callback(w, d, 0x33);
    assert_int_equal(sop_vcpu_upcall_vector(d->vcpu[0].v), 0x33);
    for (i = 0; i < ARRAY_SIZE(ignored); i++) {
        assert_int_equal(set_param(w, d, DOMID_SELF, 0, ignored[i]), 0);
        assert_int_equal(get_param(w, d, DOMID_SELF, 0, &value), 0);
        assert_true(value == ignored[i]);
        assert_int_equal(sop_vcpu_upcall_vector(d->vcpu[0].v), 0x33);
    }
    *upcall_pending(d, 0) = 0;
    assert_int_equal(sop_vcpu_upcall_vector(d->vcpu[0].v), -1);
    world_free(w);
}

/* Facts 134, 138. */
static void upcall_vectors(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    struct xen_hvm_evtchn_upcall_vector op = {.vcpu = 9, .vector = 0x0f};
    struct fake_domain *pv;
    uint32_t port;

    (void)state;
    assert_rc(call(w, d, 0, 34, 23, 0, 0), EFAULT);
    assert_rc(call(w, d, 0, 34, 23, put(d, &op, sizeof(op)), 0), EINVAL);
    op.vector = 0x10;
    assert_rc(call(w, d, 0, 34, 23, put(d, &op, sizeof(op)), 0), ENOENT);
    op.vcpu = 0;
    assert_int_equal(call(w, d, 0, 34, 23, put(d, &op, sizeof(op)), 0), 0);
    assert_int_equal(call(w, d, 0, 34, 23, put(d, &op, sizeof(op)), 0), 0);
    assert_int_equal(d->vcpu[0].injected, 2);
    assert_int_equal(*upcall_pending(d, 0), 0);
    set_callback(w, d, 0x20);
    assert_int_equal(d->vcpu[0].injected, 2);
    /* It goes before the callback vector. */
    port = bind_ipi(w, d, 0, 0);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_int_equal(d->vcpu[0].injected, 3);
    world_domain_destroy(w, d);
    pv = world_domain(w, 1, SOP_GUEST_PV, 1, false);
    assert_rc(call(w, pv, 0, 34, 23, HOLE, 0), EINVAL);
    world_free(w);
}

static void hvm_others(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    uint64_t now;

    (void)state;
    assert_rc(call(w, d, 0, 34, 9, HOLE, 0), ENOSYS);
    assert_int_equal(w->last_port_call.nr, 34);
    assert_rc(call(w, d, 0, 34, 99, HOLE, 0), ENOSYS);
    assert_int_equal(w->port_calls, 2);
    assert_rc(call(w, d, 0, 34, HVMOP_get_time, HOLE, 0), EFAULT);
    assert_int_equal(call(w, d, 0, 34, HVMOP_get_time, OUT, 0), 0);
    get_at(d, OUT, &now, sizeof(now));
    assert_int_equal(now, w->now);
    world_free(w);
}

/* ---- console_io: fact 136 ---- */

static void console(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    static const char text[] = "Hello, world\n";

    (void)state;
    assert_rc(call(w, d, 0, 18, CONSOLEIO_write, 13, put(d, text, 13)), EPERM);
    assert_rc(call(w, d, 0, 18, CONSOLEIO_read, 13, HOLE), EPERM);
    assert_rc(call(w, d, 0, 18, 2, 13, HOLE), EPERM);
    assert_int_equal(call(w, hw, 0, 18, CONSOLEIO_write, 13, put(hw, text, 13)),
                     0);
    assert_string_equal(w->console, text);
    assert_rc(call(w, hw, 0, 18, CONSOLEIO_write, 10, HOLE), EFAULT);
    assert_int_equal(call(w, hw, 0, 18, CONSOLEIO_write, 0, HOLE), 0);
    assert_rc(call(w, hw, 0, 18, 2, 10, HOLE), ENOSYS);
    assert_int_equal(call(w, hw, 0, 18, CONSOLEIO_read, 10, HOLE), 0);
    assert_rc(call(w, hw, 0, 18, CONSOLEIO_read, 0x80000000, HOLE), E2BIG);
    w->typed = "abc";
    assert_int_equal(call(w, hw, 0, 18, CONSOLEIO_read, 2, OUT), 2);
    assert_int_equal(call(w, hw, 0, 18, CONSOLEIO_read, 2, OUT + 2), 1);
    assert_int_equal(call(w, hw, 0, 18, CONSOLEIO_read, 2, OUT + 3), 0);
    assert_memory_equal(&hw->mem[OUT - MEM_BASE], "abc", 3);
    w->typed = "x";
    assert_rc(call(w, hw, 0, 18, CONSOLEIO_read, 2, HOLE), EFAULT);
    world_free(w);
}

static void assist(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct fake_domain *pv;
    uint64_t t;

    (void)state;
    for (t = 0; t < 70; t++) {
        int64_t rc = call(w, d, 0, 21, VMASST_CMD_enable, t, 0);

        assert_int_equal(rc, t == 5 ? 0 : -XEN_EINVAL);
    }
    assert_rc(call(w, d, 0, 21, 2, 5, 0), ENOSYS);
    assert_rc(call(w, d, 0, 21, 2, 9, 0), EINVAL);
    assert_int_equal(d->d->assist, 1u << 5);
    assert_int_equal(call(w, d, 0, 21, VMASST_CMD_disable, 5, 0), 0);
    assert_int_equal(d->d->assist, 0);
    world_domain_destroy(w, d);
    pv = world_domain(w, 1, SOP_GUEST_PV, 1, false);
    assert_int_equal(call(w, pv, 0, 21, VMASST_CMD_enable, 4, 0), 0);
    assert_rc(call(w, pv, 0, 21, VMASST_CMD_enable, 3, 0), EINVAL);
    assert_int_equal(call(w, pv, 0, 21, VMASST_CMD_enable, 32, 0), 0);
    world_free(w);
}

/* ---- domctl, sysctl ---- */

static int64_t domctl(struct world *w, struct fake_domain *d, uint32_t cmd,
                      uint16_t dom, struct xen_domctl *out)
{
    struct xen_domctl op = {.cmd = cmd,
                            .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                            .domain = dom};
    int64_t rc;

    if (out != NULL && cmd == XEN_DOMCTL_subscribe) {
        op.u = out->u;
    }
    put_at(d, OUT, &op, sizeof(op));
    rc = call(w, d, 0, __HYPERVISOR_domctl, OUT, 0, 0);
    if (out != NULL) {
        get_at(d, OUT, out, sizeof(*out));
    }
    return rc;
}

/* An affinity operation with its masks in guest memory. */
static int64_t affinity(struct world *w, struct fake_domain *d, uint32_t cmd,
                        struct xen_domctl_vcpuaffinity *a)
{
    struct xen_domctl op = {.cmd = cmd,
                            .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
                            .domain = 5};

    op.u.vcpuaffinity = *a;
    put_at(d, OUT, &op, sizeof(op));
    return call(w, d, 0, __HYPERVISOR_domctl, OUT, 0, 0);
}

#define HARD_AT (MEM_BASE + 5 * FAKE_PAGE)
#define SOFT_AT (HARD_AT + 16)

static void affinities(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *d = world_domain(w, 5, SOP_GUEST_HVM, 2, false);
    struct xen_domctl_vcpuaffinity a = {.flags = XEN_VCPUAFFINITY_HARD};
    uint64_t mask = 2;

    (void)state;
    *(uint64_t *)&a.cpumap_hard.bitmap = HARD_AT;
    *(uint64_t *)&a.cpumap_soft.bitmap = SOFT_AT;
    a.cpumap_hard.nr_bits = a.cpumap_soft.nr_bits = 64;
    put_at(hw, HARD_AT, &mask, sizeof(mask));
    assert_rc(affinity(w, d, XEN_DOMCTL_setvcpuaffinity, &a), EPERM);
    assert_int_equal(affinity(w, hw, XEN_DOMCTL_setvcpuaffinity, &a), 0);
    assert_int_equal(d->d->vcpu[0]->hard, 2);
    mask = 0;
    put_at(hw, HARD_AT, &mask, sizeof(mask));
    assert_rc(affinity(w, hw, XEN_DOMCTL_setvcpuaffinity, &a), EINVAL);
    assert_int_equal(affinity(w, hw, XEN_DOMCTL_getvcpuaffinity, &a), 0);
    get_at(hw, HARD_AT, &mask, sizeof(mask));
    assert_int_equal(mask, 2);
    /* A map of few bits: what is above is neither read nor written. */
    mask = UINT64_MAX;
    put_at(hw, HARD_AT, &mask, sizeof(mask));
    a.cpumap_hard.nr_bits = 1;
    assert_int_equal(affinity(w, hw, XEN_DOMCTL_setvcpuaffinity, &a), 0);
    assert_int_equal(d->d->vcpu[0]->hard, 1);
    get_at(hw, HARD_AT, &mask, sizeof(mask));
    assert_int_equal(mask, 0xffffffffffffff01);
    a.cpumap_hard.nr_bits = UINT32_MAX;
    assert_int_equal(affinity(w, hw, XEN_DOMCTL_getvcpuaffinity, &a), 0);
    /* Bad ones. */
    a.vcpu = 2;
    assert_rc(affinity(w, hw, XEN_DOMCTL_setvcpuaffinity, &a), EINVAL);
    a.vcpu = 0;
    *(uint64_t *)&a.cpumap_hard.bitmap = HOLE;
    assert_rc(affinity(w, hw, XEN_DOMCTL_setvcpuaffinity, &a), EFAULT);
    assert_rc(affinity(w, hw, XEN_DOMCTL_getvcpuaffinity, &a), EFAULT);
    a.flags = XEN_VCPUAFFINITY_FORCE;
    assert_int_equal(affinity(w, hw, XEN_DOMCTL_setvcpuaffinity, &a), 0);
    a.flags = 0;
    assert_rc(affinity(w, hw, XEN_DOMCTL_setvcpuaffinity, &a), EINVAL);
    world_free(w);
}

static int note(struct sop_vcpu *v, void *context)
{
    *(struct sop_vcpu **)context = v;
    return 7;
}

/* A vCPU's information, and a look at one that cannot run. */
static void looks_at_vcpus(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *d = world_domain(w, 5, SOP_GUEST_HVM, 2, false);
    struct xen_domctl op;
    struct sop_vcpu *seen = NULL;

    (void)state;
    assert_int_equal(domctl(w, hw, XEN_DOMCTL_getvcpuinfo, 5, &op), 0);
    assert_int_equal(op.u.getvcpuinfo.online, 1);
    assert_int_equal(op.u.getvcpuinfo.running, 1);
    assert_int_equal(op.u.getvcpuinfo.cpu, cpu_of(w, d, 0));
    assert_rc(domctl(w, hw, XEN_DOMCTL_getvcpuinfo, 77, NULL), ESRCH);
    assert_rc(domctl(w, d, XEN_DOMCTL_getvcpuinfo, 5, NULL), EPERM);
    assert_rc(sop_vcpu_inspect(w->p[0], 5, 0, note, &seen), EBUSY);
    assert_null(seen);
    assert_int_equal(sop_vcpu_inspect(w->p[0], 5, 1, note, &seen), 7);
    assert_ptr_equal(seen, d->d->vcpu[1]);
    assert_rc(sop_vcpu_inspect(w->p[0], 5, 2, note, &seen), ESRCH);
    assert_rc(sop_vcpu_inspect(w->p[0], 6, 0, note, &seen), ESRCH);
    world_free(w);
}

static void domctls(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *d = world_domain(w, 5, SOP_GUEST_HVM, 2, false);
    struct xen_domctl op = {.cmd = XEN_DOMCTL_getdomaininfo};
    struct sched_shutdown code = {.reason = 9};

    (void)state;
    assert_rc(call(w, hw, 0, 36, HOLE, 0, 0), EFAULT);
    put_at(hw, OUT, &op, sizeof(op));
    assert_rc(call(w, hw, 0, 36, OUT, 0, 0), EACCES);
    put_at(d, OUT, &op, sizeof(op));
    assert_rc(call(w, d, 0, 36, OUT, 0, 0), EACCES);
    assert_rc(domctl(w, d, XEN_DOMCTL_getdomaininfo, 5, NULL), EPERM);
    assert_rc(domctl(w, d, XEN_DOMCTL_pausedomain, 77, NULL), ESRCH);
    assert_rc(domctl(w, d, 99, 5, NULL), EPERM);

    assert_int_equal(domctl(w, hw, XEN_DOMCTL_getdomaininfo, 1, &op), 0);
    assert_int_equal(op.domain, 5);
    assert_int_equal(op.u.getdomaininfo.domain, 5);
    assert_int_equal(op.u.getdomaininfo.flags, 0xffff0122);
    assert_int_equal(op.u.getdomaininfo.nr_online_vcpus, 1);
    assert_int_equal(op.u.getdomaininfo.max_vcpu_id, 1);
    assert_int_equal(sched(w, d, 0, SCHEDOP_shutdown_code, &code, sizeof(code)),
                     0);
    assert_int_equal(domctl(w, hw, XEN_DOMCTL_getdomaininfo, 5, &op), 0);
    assert_int_equal(op.u.getdomaininfo.flags, 0x00090122);
    assert_rc(domctl(w, hw, XEN_DOMCTL_getdomaininfo, 6, NULL), ESRCH);
    assert_rc(domctl(w, hw, XEN_DOMCTL_getdomaininfo, DOMID_SELF, NULL),
              EINVAL);

    assert_rc(domctl(w, hw, XEN_DOMCTL_pausedomain, 0, NULL), EINVAL);
    assert_rc(domctl(w, hw, XEN_DOMCTL_unpausedomain, 0, NULL), EINVAL);
    assert_rc(domctl(w, hw, XEN_DOMCTL_resumedomain, 0, NULL), EINVAL);
    assert_rc(domctl(w, hw, XEN_DOMCTL_pausedomain, 77, NULL), ESRCH);
    assert_int_equal(domctl(w, hw, XEN_DOMCTL_pausedomain, 5, NULL), 0);
    assert_false(is_running(d, 0));
    assert_int_equal(domctl(w, hw, XEN_DOMCTL_unpausedomain, 5, NULL), 0);
    assert_rc(domctl(w, hw, XEN_DOMCTL_unpausedomain, 5, NULL), EINVAL);
    assert_true(is_running(d, 0));
    sop_domain_shutdown(w->p[0], d->d, 1);
    world_settle(w);
    assert_int_equal(domctl(w, hw, XEN_DOMCTL_resumedomain, 5, NULL), 0);
    assert_true(is_running(d, 0));
    assert_int_equal(code_of(d), -1);
    op.u.subscribe.port = 17;
    assert_int_equal(domctl(w, hw, XEN_DOMCTL_subscribe, 5, &op), 0);
    assert_int_equal(d->d->suspend_port, 17);
    /* The rest is the port's, once the domain is known to exist. */
    assert_rc(domctl(w, hw, 99, 77, NULL), ESRCH);
    assert_int_equal(w->port_calls, 0);
    assert_rc(domctl(w, hw, 99, 5, NULL), ENOSYS);
    assert_rc(domctl(w, hw, XEN_DOMCTL_createdomain, 77, NULL), ENOSYS);
    assert_int_equal(w->port_calls, 2);
    world_free(w);
}

/* A suspend port that is nonsense tells nobody and breaks nothing. */
static void bad_suspend_port(void **state)
{
    static const uint32_t bad[] = {1, 64, 5000, UINT32_MAX};
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 5, SOP_GUEST_HVM, 1, false);
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(sop_domain_set_suspend_port(d->d, bad[i]), 0);
        sop_domain_shutdown(w->p[0], d->d, SHUTDOWN_suspend);
        assert_ptr_equal(sop_controller_next(w->sys), d->d);
        assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
        world_settle(w);
    }
    world_free(w);
}

static void sysctls(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *d = world_domain(w, 5, SOP_GUEST_HVM, 1, false);
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_getdomaininfolist};
    struct xen_domctl_getdomaininfo *info = (void *)&hw->mem[9 * FAKE_PAGE];

    (void)state;
    assert_rc(call(w, hw, 0, 35, HOLE, 0, 0), EFAULT);
    put_at(hw, OUT, &op, sizeof(op));
    assert_rc(call(w, hw, 0, 35, OUT, 0, 0), EACCES);
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    put_at(d, OUT, &op, sizeof(op));
    assert_rc(call(w, d, 0, 35, OUT, 0, 0), EPERM);

    op.u.getdomaininfolist.max_domains = 10;
    op.u.getdomaininfolist.buffer.p = (void *)(MEM_BASE + 9 * FAKE_PAGE);
    put_at(hw, OUT, &op, sizeof(op));
    assert_int_equal(call(w, hw, 0, 35, OUT, 0, 0), 0);
    get_at(hw, OUT, &op, sizeof(op));
    assert_int_equal(op.u.getdomaininfolist.num_domains, 2);
    assert_int_equal(info[0].domain, 0);
    assert_int_equal(info[1].domain, 5);
    op.u.getdomaininfolist.first_domain = 1;
    op.u.getdomaininfolist.max_domains = 1;
    put_at(hw, OUT, &op, sizeof(op));
    assert_int_equal(call(w, hw, 0, 35, OUT, 0, 0), 0);
    get_at(hw, OUT, &op, sizeof(op));
    assert_int_equal(op.u.getdomaininfolist.num_domains, 1);
    assert_int_equal(info[0].domain, 5);
    /* No more than asked for. */
    info[0].domain = info[1].domain = 777;
    op.u.getdomaininfolist.first_domain = 0;
    put_at(hw, OUT, &op, sizeof(op));
    assert_int_equal(call(w, hw, 0, 35, OUT, 0, 0), 0);
    get_at(hw, OUT, &op, sizeof(op));
    assert_int_equal(op.u.getdomaininfolist.num_domains, 1);
    assert_int_equal(info[0].domain, 0);
    assert_int_equal(info[1].domain, 777);
    op.u.getdomaininfolist.buffer.p = (void *)HOLE;
    put_at(hw, OUT, &op, sizeof(op));
    assert_rc(call(w, hw, 0, 35, OUT, 0, 0), EFAULT);
    op.cmd = 99;
    put_at(hw, OUT, &op, sizeof(op));
    assert_rc(call(w, hw, 0, 35, OUT, 0, 0), ENOSYS);
    assert_int_equal(w->port_calls, 1);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_numbers),
        cmocka_unit_test(multicall_results),
        cmocka_unit_test(multicall_narrow),
        cmocka_unit_test(multicall_faults),
        cmocka_unit_test(multicall_sleeps),
        cmocka_unit_test(multicall_lets_events_in),
        cmocka_unit_test(multicall_is_bounded),
        cmocka_unit_test(version),
        cmocka_unit_test(features),
        cmocka_unit_test(param_rights),
        cmocka_unit_test(param_others),
        cmocka_unit_test(callback_types),
        cmocka_unit_test(upcall_vectors),
        cmocka_unit_test(hvm_others),
        cmocka_unit_test(console),
        cmocka_unit_test(assist),
        cmocka_unit_test(domctls),
        cmocka_unit_test(affinities),
        cmocka_unit_test(looks_at_vcpus),
        cmocka_unit_test(bad_suspend_port),
        cmocka_unit_test(sysctls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
