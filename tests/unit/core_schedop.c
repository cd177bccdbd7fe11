/* SPDX-License-Identifier: MIT */
/*
 * The eight commands: encoding, orders of checks, and what each does to its
 * caller (spec 1 and 3; facts by number). Poll has a file of its own.
 */
#include "core_fake.h"

static const enum sop_guest_kind kinds[] = {SOP_GUEST_HVM, SOP_GUEST_PV};

/* Facts 1, 2: what is not a command, whatever the operand. */
static void unknown_commands(void **state)
{
    static const uint64_t bad[] = {8,  9,          10,         11,
                                   99, UINT64_MAX, 0x80000000, 0x100000063};
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_rc(call(w, d, 0, 29, bad[i], 0, 0), ENOSYS);
        assert_rc(call32(w, d, 0, 29, bad[i], HOLE, 0), ENOSYS);
    }
    assert_int_equal(call(w, d, 0, 29, 0x100000000, HOLE, 0), 0);
    assert_int_equal(info_of(w, d).commands[SCHEDOP_yield], 1);
    world_free(w);
}

/* Facts 7, 10: commands with an operand that cannot be read, or not whole. */
static void unreadable_operands(void **state)
{
    static const uint64_t bad[] = {0,          8,
                                   HOLE,       0xffff800000000000,
                                   XEN_RANGE,  0x8000000000000000,
                                   UINT64_MAX, UINT64_MAX - 3};
    static const uint8_t zeroes[32];
    unsigned k, c, i;

    (void)state;
    for (k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct world *w = world_new(1);
        struct fake_domain *d = world_domain(w, 0, kinds[k], 1, true);

        for (c = SCHEDOP_shutdown; c <= SCHEDOP_pin_override; c++) {
            for (i = 0; i < ARRAY_SIZE(bad); i++) {
                assert_rc(call(w, d, 0, 29, c, bad[i], 0), EFAULT);
            }
            assert_rc(call(w, d, 0, 29, c, put_torn(d, zeroes, 4, 1), 0),
                      EFAULT);
            assert_rc(call32(w, d, 0, 29, c, put_torn(d, zeroes, 4, 1), 0),
                      EFAULT);
        }
        assert_int_equal(code_of(d), -1);
        assert_int_equal(w->stopped, -1);
        assert_true(is_running(d, 0));
        world_free(w);
    }
}

/* A structure is read whole, in the caller's layout. */
static void operand_sizes(void **state)
{
    static const struct {
        int cmd;
        size_t wide, narrow;
    } size[] = {
        {SCHEDOP_shutdown, 4, 4},        {SCHEDOP_poll, 24, 16},
        {SCHEDOP_remote_shutdown, 8, 8}, {SCHEDOP_shutdown_code, 4, 4},
        {SCHEDOP_watchdog, 8, 8},        {SCHEDOP_pin_override, 4, 4},
    };
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    uint8_t op[24];
    unsigned i;

    (void)state;
    memset(op, 0xff, sizeof(op)); /* what is read is refused, or harmless */
    for (i = 1; i < ARRAY_SIZE(size); i++) {
        uint64_t c = (uint64_t)size[i].cmd;
        bool latch = size[i].cmd == SCHEDOP_shutdown_code;

        assert_rc(call(w, d, 0, 29, c, put_torn(d, op, size[i].wide, 1), 0),
                  EFAULT);
        if (!latch) {
            assert_true(call(w, d, 0, 29, c, put_torn(d, op, size[i].wide, 0),
                             0) != -XEN_EFAULT);
        }
        assert_rc(call32(w, d, 0, 29, c, put_torn(d, op, size[i].narrow, 1), 0),
                  EFAULT);
        if (!latch) {
            assert_true(call32(w, d, 0, 29, c,
                               put_torn(d, op, size[i].narrow, 0),
                               0) != -XEN_EFAULT);
        }
    }
    assert_int_equal(code_of(d), -1);
    world_free(w);
}

/* Fact 15: no hypercalls from user mode, known or not. */
static void user_mode(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct sop_call c = {.nr = 29, .wide = true, .user = true};

    (void)state;
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_DONE);
    assert_rc(c.result, EPERM);
    c.nr = 99;
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_DONE);
    assert_rc(c.result, EPERM);
    assert_int_equal(w->port_calls, 0);
    assert_int_equal(info_of(w, d).commands[SCHEDOP_yield], 0);
    world_free(w);
}

/* Facts 17, 18: the legacy call. */
static void legacy(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *hvm = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct fake_domain *pv;

    (void)state;
    assert_rc(call(w, hvm, 0, 6, 0, 0, 0), ENOSYS);
    assert_rc(call32(w, hvm, 0, 6, 1, 0, 0), ENOSYS);
    world_domain_destroy(w, hvm);

    pv = world_domain(w, 2, SOP_GUEST_PV, 1, false);
    assert_int_equal(call(w, pv, 0, 6, 0, HOLE, 0), 0);
    assert_rc(call(w, pv, 0, 6, 3, 0, 0), ENOSYS);
    assert_rc(call(w, pv, 0, 6, 5, 0, 0), ENOSYS);
    assert_rc(call(w, pv, 0, 6, 99, 0, 0), ENOSYS);
    assert_rc(call(w, pv, 0, 6, UINT64_MAX, 0, 0), ENOSYS);
    *upcall_pending(pv, 0) = 1;
    assert_int_equal(call(w, pv, 0, 6, 1, HOLE, 0), 0);
    assert_true(is_running(pv, 0));
    assert_int_equal(*upcall_mask(pv, 0), 0);
    assert_int_equal(call(w, pv, 0, 6, 2, 0x105, 0), 0);
    assert_false(is_running(pv, 0));
    assert_int_equal(code_of(pv), 5);
    assert_int_equal(info_of(w, pv).commands[SCHEDOP_shutdown], 1);
    world_free(w);
}

/* ---- yield ---- */

/* Facts 12, 23, 24. */
static void yield(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *a = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct fake_domain *b;
    unsigned i;

    (void)state;
    assert_int_equal(sched(w, a, 0, SCHEDOP_yield, NULL, 0), 0);
    assert_int_equal(call(w, a, 0, 29, SCHEDOP_yield, UINT64_MAX, 0), 0);
    assert_true(is_running(a, 0));
    b = world_domain(w, 2, SOP_GUEST_HVM, 1, false);
    /* Each yield hands over, at once and although deadlines may be equal. */
    for (i = 0; i < 10; i++) {
        struct fake_domain *now = is_running(a, 0) ? a : b;
        struct fake_domain *next = now == a ? b : a;

        assert_int_equal(sched(w, now, 0, SCHEDOP_yield, NULL, 0), 0);
        assert_true(is_running(next, 0));
        assert_int_equal(runstate(now, 0), RUNSTATE_runnable);
        w->now += 100;
    }
    world_free(w);
}

/* A yield costs neither a clock reading nor a switch on an idle host. */
static void yield_alone_is_cheap(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct sop_call c = {.nr = 29, .arg = {SCHEDOP_yield}, .wide = true};
    unsigned reads = w->clock_reads, switches = w->switches;
    unsigned cpu = cpu_of(w, d, 0);

    (void)state;
    assert_int_equal(call_raw(w, d, 0, &c), SOP_CALL_DONE);
    assert_ptr_equal(world_run(w, cpu), d->vcpu[0].v);
    assert_int_equal(w->clock_reads, reads);
    assert_int_equal(w->switches, switches);
    world_free(w);
}

/* ---- block ---- */

/* Facts 25, 27, 28: PV. The pending byte decides, and the mask ends at 0. */
static void block_pv(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 1, false);

    (void)state;
    assert_int_equal(*upcall_mask(d, 0), 1); /* fact 135 */
    *upcall_pending(d, 0) = 1;
    assert_int_equal(sched(w, d, 0, SCHEDOP_block, NULL, 0), 0);
    assert_true(is_running(d, 0));
    assert_int_equal(*upcall_mask(d, 0), 0);
    *upcall_pending(d, 0) = 0;
    *upcall_mask(d, 0) = 1;
    assert_int_equal(call(w, d, 0, 29, SCHEDOP_block, UINT64_MAX, 0), 0);
    assert_false(is_running(d, 0));
    assert_int_equal(runstate(d, 0), RUNSTATE_blocked);
    assert_int_equal(*upcall_mask(d, 0), 0);
    world_free(w);
}

/* Fact 29: a masked event does not end block; unmasking it by op 9 does. */
static void block_masked_event(void **state)
{
    unsigned k;

    (void)state;
    for (k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct world *w = world_new(2);
        struct fake_domain *d = world_domain(w, 1, kinds[k], 2, false);
        struct evtchn_unmask op;

        if (kinds[k] == SOP_GUEST_HVM) {
            set_callback(w, d, 0x20);
        }
        bring_up(w, d, 1);
        op.port = bind_ipi(w, d, 0, 1);
        set_masked(d, op.port, true);
        assert_int_equal(sched(w, d, 1, SCHEDOP_block, NULL, 0), 0);
        assert_int_equal(send(w, d, 0, op.port), 0);
        assert_true(pending(d, op.port));
        assert_false(is_running(d, 1));
        assert_int_equal(evtchn_op(w, d, 0, EVTCHNOP_unmask, &op, sizeof(op)),
                         0);
        assert_true(is_running(d, 1));
        assert_false(masked(d, op.port));
        world_free(w);
    }
}

/* Fact 30: up does not unblock, nor do unpause and resume. */
static void block_only_ends_by_events(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_PV, 2, false);
    uint32_t port;

    (void)state;
    bring_up(w, d, 1);
    port = bind_ipi(w, d, 0, 1);
    assert_int_equal(sched(w, d, 1, SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_up, 1, 0), 0);
    assert_false(is_running(d, 1));
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_down, 1, 0), 0);
    assert_int_equal(runstate(d, 1), RUNSTATE_blocked); /* fact 110 */
    assert_int_equal(vcpu_call(w, d, 0, VCPUOP_up, 1, 0), 0);
    assert_false(is_running(d, 1));
    assert_int_equal(sop_domain_pause(w->p[0], d->d), 0);
    assert_int_equal(sop_domain_unpause(w->p[0], d->d), 0);
    world_settle(w);
    assert_false(is_running(d, 1));
    sop_domain_shutdown(w->p[0], d->d, SHUTDOWN_suspend);
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    world_settle(w);
    assert_false(is_running(d, 1));
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(is_running(d, 1));
    world_free(w);
}

/* Facts 31 to 35: HVM, where interrupts decide and not the mask byte. */
static void block_hvm(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    uint32_t port;

    (void)state;
    bring_up(w, d, 1);
    port = bind_ipi(w, d, 0, 1);

    /* No callback: an event does not end block (35). */
    assert_int_equal(sched(w, d, 1, SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_false(is_running(d, 1));
    sop_vcpu_kick(w->p[0], d->vcpu[1].v); /* an interrupt of the port's */
    world_settle(w);
    assert_true(is_running(d, 1));

    /* With one, it does; a mask byte of 1 holds nothing off (31, 34). */
    consume(d, 1);
    clear_pending(d, port);
    set_callback(w, d, 0x20);
    *upcall_mask(d, 1) = 1;
    assert_int_equal(sched(w, d, 1, SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(*upcall_mask(d, 1), 0);
    *upcall_mask(d, 1) = 1;
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(is_running(d, 1));
    assert_int_equal(sop_vcpu_upcall_vector(d->vcpu[1].v), 0x20);

    /* Already deliverable: at once. */
    assert_int_equal(sched(w, d, 1, SCHEDOP_block, NULL, 0), 0);
    assert_true(is_running(d, 1));

    /* Interrupts off and nothing pending: an event ends it (32). */
    consume(d, 1);
    clear_pending(d, port);
    d->vcpu[1].irq_on = false;
    assert_int_equal(sched(w, d, 1, SCHEDOP_block, NULL, 0), 0);
    assert_false(is_running(d, 1));
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(is_running(d, 1));

    /* Interrupts off and the byte already 1: Xen would sleep for ever (33);
       returning at once is an allowed departure (3.10). */
    assert_int_equal(*upcall_pending(d, 1), 1);
    assert_int_equal(sched(w, d, 1, SCHEDOP_block, NULL, 0), 0);
    assert_true(is_running(d, 1));
    world_free(w);
}

/* Per-vCPU vectors: an interrupt that the APIC takes ends block. */
static void block_hvm_vector(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    struct xen_hvm_evtchn_upcall_vector op = {.vcpu = 1, .vector = 0x30};
    uint32_t port;

    (void)state;
    bring_up(w, d, 1);
    port = bind_ipi(w, d, 0, 1);
    assert_int_equal(call(w, d, 0, 34, HVMOP_set_evtchn_upcall_vector,
                          put(d, &op, sizeof(op)), 0),
                     0);
    assert_int_equal(d->vcpu[1].injected, 1); /* fact 138 */
    consume(d, 1);
    assert_int_equal(sched(w, d, 1, SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(is_running(d, 1));
    assert_int_equal(d->vcpu[1].injected, 2);
    assert_int_equal(d->vcpu[1].vector, 0x30);

    /* A disabled APIC takes none. */
    consume(d, 1);
    clear_pending(d, port);
    d->vcpu[1].apic_off = true;
    assert_int_equal(sched(w, d, 1, SCHEDOP_block, NULL, 0), 0);
    assert_int_equal(send(w, d, 0, port), 0);
    assert_false(is_running(d, 1));
    world_free(w);
}

/* Fact 36: HLT. */
static void halt(void **state)
{
    struct world *w = world_new(2);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 2, false);
    uint32_t port;

    (void)state;
    set_callback(w, d, 0x20);
    bring_up(w, d, 1);
    port = bind_ipi(w, d, 0, 1);
    *upcall_mask(d, 1) = 1;
    sop_vcpu_halt(w->p[cpu_of(w, d, 1)], d->vcpu[1].v, true);
    world_settle(w);
    assert_false(is_running(d, 1));
    assert_int_equal(runstate(d, 1), RUNSTATE_blocked);
    assert_int_equal(*upcall_mask(d, 1), 0); /* as block does */
    assert_int_equal(send(w, d, 0, port), 0);
    assert_true(is_running(d, 1));
    sop_vcpu_halt(w->p[cpu_of(w, d, 1)], d->vcpu[1].v, true);
    world_settle(w);
    assert_true(is_running(d, 1)); /* deliverable now */

    sop_vcpu_halt(w->p[cpu_of(w, d, 1)], d->vcpu[1].v, false);
    world_settle(w);
    assert_int_equal(runstate(d, 1), RUNSTATE_offline);
    assert_int_equal(code_of(d), -1);
    sop_vcpu_halt(w->p[cpu_of(w, d, 0)], d->vcpu[0].v, false);
    world_settle(w);
    assert_int_equal(code_of(d), SHUTDOWN_poweroff);
    assert_int_equal(info_of(w, d).nr_online, 0);
    assert_int_equal(info_of(w, d).commands[SCHEDOP_block], 0);
    world_free(w);
}

/* ---- shutdown and its kin ---- */

/* Facts 64, 65, 66: any reason, 8 bits of it, result 0. */
static void shutdown_reasons(void **state)
{
    static const struct {
        uint32_t reason;
        int code;
    } table[] = {{0, 0},       {1, 1},           {2, 2},   {3, 3},
                 {4, 4},       {5, 5},           {6, 6},   {7, 7},
                 {200, 200},   {255, 255},       {256, 0}, {0x105, 5},
                 {0x1ff, 255}, {UINT32_MAX, 255}};
    struct world *w = world_new(1);
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(table); i++) {
        struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
        struct sched_shutdown op = {.reason = table[i].reason};

        assert_int_equal(sched(w, d, 0, SCHEDOP_shutdown, &op, sizeof(op)), 0);
        assert_false(is_running(d, 0));
        assert_int_equal(code_of(d), table[i].code);
        assert_int_equal(d->changed, 1);
        assert_int_equal(info_of(w, d).flags >> 16, table[i].code);
        assert_true((info_of(w, d).flags & XEN_DOMINF_shutdown) != 0);
        world_domain_destroy(w, d);
    }
    world_free(w);
}

/* Facts 71 to 76: the latch. */
static void shutdown_code(void **state)
{
    static const uint32_t latches[] = {0, 1, 3, 9, 255, 0x105};
    unsigned i, how;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(latches); i++) {
        for (how = 0; how < 5; how++) {
            struct world *w = world_new(1);
            struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_PV, 1, true);
            struct fake_domain *d;
            struct sched_shutdown op = {.reason = latches[i]};
            struct sched_shutdown other = {.reason = 77};
            struct sched_watchdog wd = {.id = 0, .timeout = 0};
            struct sched_remote_shutdown remote = {.domain_id = 1, .reason = 3};

            assert_int_equal(sched(w, hw, 0, SCHEDOP_block, NULL, 0), 0);
            d = world_domain(w, 1, SOP_GUEST_PV, 1, false);
            assert_int_equal(info_of(w, d).flags >> 16, 255);
            assert_int_equal(
                sched(w, d, 0, SCHEDOP_shutdown_code, &op, sizeof(op)), 0);
            assert_int_equal(
                sched(w, d, 0, SCHEDOP_shutdown_code, &other, sizeof(other)),
                0);
            assert_int_equal(code_of(d), latches[i] & 0xff);
            assert_int_equal(info_of(w, d).flags >> 16, latches[i] & 0xff);
            assert_int_equal(d->changed, 0); /* no notification */
            assert_true(is_running(d, 0));
            switch (how) {
            case 0:
                sched(w, d, 0, SCHEDOP_shutdown, &other, sizeof(other));
                break;
            case 1:
                sched(w, d, 0, SCHEDOP_watchdog, &wd, sizeof(wd));
                break;
            case 2:
                call(w, d, 0, 6, SCHEDOP_shutdown, 7, 0);
                break;
            case 3:
                vcpu_call(w, d, 0, VCPUOP_down, 0, 0);
                break;
            default:
                sop_vcpu_kick(w->p[0], hw->vcpu[0].v);
                sched(w, d, 0, SCHEDOP_block, NULL, 0);
                sched(w, hw, 0, SCHEDOP_remote_shutdown, &remote,
                      sizeof(remote));
                break;
            }
            assert_false(is_running(d, 0));
            assert_int_equal(code_of(d), latches[i] & 0xff);
            assert_int_equal(d->changed, 1);
            world_free(w);
        }
    }
}

/* Fact 75: resume clears the latch, also of a domain that runs. */
static void latch_and_resume(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    struct sched_shutdown op = {.reason = 9};

    (void)state;
    assert_int_equal(sched(w, d, 0, SCHEDOP_shutdown_code, &op, sizeof(op)), 0);
    assert_int_equal(sop_domain_resume(w->p[0], d->d), 0);
    assert_int_equal(code_of(d), -1);
    assert_true(is_running(d, 0));
    op.reason = 2;
    assert_int_equal(sched(w, d, 0, SCHEDOP_shutdown, &op, sizeof(op)), 0);
    assert_int_equal(code_of(d), 2);
    world_free(w);
}

/* Facts 77 to 80, 82. */
static void remote_shutdown(void **state)
{
    static const uint16_t nobody[] = {
        7, 77, DOMID_SELF, 0x7ff1, 0x7ff2, 0x7ff4, 0x7fff, 0x8000, 0xffff};
    struct world *w = world_new(2);
    struct fake_domain *hw = world_domain(w, 0, SOP_GUEST_HVM, 1, true);
    struct fake_domain *d = world_domain(w, 3, SOP_GUEST_HVM, 1, false);
    struct sched_remote_shutdown op = {.reason = 0x1ff};
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(nobody); i++) {
        op.domain_id = nobody[i];
        assert_rc(sched(w, hw, 0, SCHEDOP_remote_shutdown, &op, sizeof(op)),
                  ESRCH);
        assert_rc(sched(w, d, 0, SCHEDOP_remote_shutdown, &op, sizeof(op)),
                  ESRCH);
    }
    op.domain_id = 0;
    assert_rc(sched(w, d, 0, SCHEDOP_remote_shutdown, &op, sizeof(op)), EPERM);
    op.domain_id = 3;
    assert_rc(sched(w, d, 0, SCHEDOP_remote_shutdown, &op, sizeof(op)), EPERM);
    assert_int_equal(code_of(d), -1);
    assert_int_equal(sched(w, hw, 0, SCHEDOP_remote_shutdown, &op, sizeof(op)),
                     0);
    assert_int_equal(code_of(d), 255);
    assert_int_equal(d->changed, 1);
    op.reason = 3;
    assert_int_equal(sched(w, hw, 0, SCHEDOP_remote_shutdown, &op, sizeof(op)),
                     0);
    assert_int_equal(code_of(d), 255);
    assert_int_equal(d->changed, 1);
    /* Destroyed, and still referenced. */
    assert_int_equal(sop_domain_destroy(w->p[0], d->d), 0);
    assert_int_equal(sched(w, hw, 0, SCHEDOP_remote_shutdown, &op, sizeof(op)),
                     0);
    /* Itself: that stops the machine. */
    op.domain_id = 0;
    op.reason = 1;
    assert_int_equal(sched(w, hw, 0, SCHEDOP_remote_shutdown, &op, sizeof(op)),
                     0);
    assert_int_equal(w->stopped, 1);
    assert_false(is_running(hw, 0));
    world_free(w);
}

/* Spec 3.9: commands are counted whatever becomes of them. */
static void counting(void **state)
{
    struct world *w = world_new(1);
    struct fake_domain *d = world_domain(w, 1, SOP_GUEST_HVM, 1, false);
    unsigned c;

    (void)state;
    for (c = SCHEDOP_shutdown; c <= SCHEDOP_pin_override; c++) {
        (void)call(w, d, 0, 29, c, HOLE, 0);
        assert_int_equal(info_of(w, d).commands[c], 1);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_commands),
        cmocka_unit_test(unreadable_operands),
        cmocka_unit_test(operand_sizes),
        cmocka_unit_test(user_mode),
        cmocka_unit_test(legacy),
        cmocka_unit_test(yield),
        cmocka_unit_test(yield_alone_is_cheap),
        cmocka_unit_test(block_pv),
        cmocka_unit_test(block_masked_event),
        cmocka_unit_test(block_only_ends_by_events),
        cmocka_unit_test(block_hvm),
        cmocka_unit_test(block_hvm_vector),
        cmocka_unit_test(halt),
        cmocka_unit_test(shutdown_reasons),
        cmocka_unit_test(shutdown_code),
        cmocka_unit_test(latch_and_resume),
        cmocka_unit_test(remote_shutdown),
        cmocka_unit_test(counting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
