/* SPDX-License-Identifier: MIT */
/*
 * Commands of the guest library: what each puts into registers and memory, and
 * how each result register is read. Clauses are those of the specification.
 */
#include "guest_fake.h"

/* A little-endian 32-bit word of the last operand. */
static uint32_t word(size_t offset)
{
    uint32_t value;

    memcpy(&value, fake.operand + offset, sizeof(value));
    return value;
}

static uint64_t word64(size_t offset)
{
    uint64_t value;

    memcpy(&value, fake.operand + offset, sizeof(value));
    return value;
}

/* ---- encoding (spec 1.1, 1.5) ---- */

static void test_yield_and_block(void **state)
{
    (void)state;
    fake_reset(0);
    assert_int_equal(schedop_yield(), 0);
    fake_expect(29, 0);
    fake_reset(0);
    assert_int_equal(schedop_block(), 0);
    fake_expect(29, 1);
}

static void test_shutdown(void **state)
{
    static const uint32_t reasons[] = {0, 1, 3, 255, 256, 0xffffffff};

    (void)state;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        fake_reset(4);
        assert_int_equal(schedop_shutdown(reasons[i]), 0);
        fake_expect(29, 2);
        assert_int_equal(word(0), reasons[i]); /* never refused or cut */
    }
}

static void test_suspend(void **state)
{
    (void)state;
    fake_reset(4);
    fake.result = 1;
    assert_int_equal(schedop_suspend(0x123456789), SCHEDOP_CANCELLED);
    fake_expect(29, 2);
    assert_int_equal(word(0), 2);
    assert_int_equal(fake.args[2], 0x123456789); /* spec 7.4: argument 3 */
    fake_reset(4);
    assert_int_equal(schedop_suspend(0), SCHEDOP_RESUMED);
    assert_int_equal(fake.args[2], 0);
}

static void test_poll(void **state)
{
    static const evtchn_port_t ports[] = {7, 9};

    (void)state;
    fake_reset(24);
    assert_int_equal(schedop_poll(ports, 2, 0x1122334455667788), 0);
    fake_expect(29, 3);
    assert_int_equal(word64(0), (uintptr_t)ports);
    assert_int_equal(word(8), 2);
    assert_int_equal(word64(16), 0x1122334455667788);
    fake_reset(24);
    assert_int_equal(schedop_poll(NULL, 0, SCHEDOP_NO_DEADLINE), 0);
    assert_int_equal(word64(0), 0);
    assert_int_equal(word(8), 0);
    assert_int_equal(word64(16), 0);
}

static void test_remote_shutdown(void **state)
{
    (void)state;
    fake_reset(8);
    assert_int_equal(schedop_remote_shutdown(0xabcd, 0x103), 0);
    fake_expect(29, 4);
    assert_int_equal(word(0) & 0xffff, 0xabcd);
    assert_int_equal(word(4), 0x103);
}

static void test_shutdown_code(void **state)
{
    (void)state;
    fake_reset(4);
    assert_int_equal(schedop_shutdown_code(9), 0);
    fake_expect(29, 5);
    assert_int_equal(word(0), 9);
}

static void test_watchdog(void **state)
{
    struct schedop_watchdog w = {{.id = 77}};

    (void)state;
    fake_reset(8);
    fake.result = 2;
    assert_int_equal(schedop_watchdog_start(&w, 0xffffffff), 2);
    fake_expect(29, 6);
    assert_int_equal(word(0), 0);
    assert_int_equal(word(4), 0xffffffff);
    fake_reset(8);
    assert_int_equal(schedop_watchdog_poke(&w, 5), 0);
    fake_expect(29, 6);
    assert_int_equal(word(0), 2);
    assert_int_equal(word(4), 5);
    fake_reset(8);
    assert_int_equal(schedop_watchdog_stop(&w), 0);
    fake_expect(29, 6);
    assert_int_equal(word(0), 2);
    assert_int_equal(word(4), 0);
}

/* What Xen would take for something else never reaches it (spec 3.7, 3.8). */
static void test_misuse_is_caught(void **state)
{
    struct schedop_watchdog none = {{0}}, one = {{.id = 1}};

    (void)state;
    fake_reset(0);
    assert_int_equal(schedop_watchdog_poke(&none, 5), -XEN_EINVAL);
    assert_int_equal(schedop_watchdog_poke(&one, 0), -XEN_EINVAL);
    assert_int_equal(schedop_watchdog_stop(&none), -XEN_EINVAL);
    assert_int_equal(schedop_pin(-1), -XEN_EINVAL);
    assert_int_equal(schedop_pin(INT32_MIN), -XEN_EINVAL);
    assert_int_equal(fake.calls, 0);
}

static void test_pin(void **state)
{
    (void)state;
    fake_reset(4);
    assert_int_equal(schedop_pin(3), 0);
    fake_expect(29, 7);
    assert_int_equal(word(0), 3);
    fake_reset(4);
    assert_int_equal(schedop_unpin(), 0);
    fake_expect(29, 7);
    assert_true((int32_t)word(0) < 0);
}

/* ---- results (spec 1.3) ---- */

static int yield_or_block(unsigned int which)
{
    struct schedop_watchdog w = {{.id = 1}};
    const struct schedop_command c = {.op = SCHEDOP_poll};

    switch (which) {
    case 0:
        return schedop_yield();
    case 1:
        return schedop_block();
    case 2:
        return schedop_shutdown(0);
    case 3:
        return schedop_suspend(0);
    case 4:
        return schedop_poll(NULL, 0, 0);
    case 5:
        return schedop_remote_shutdown(1, 0);
    case 6:
        return schedop_shutdown_code(0);
    case 7:
        return schedop_watchdog_poke(&w, 1);
    case 8:
        return schedop_watchdog_stop(&w);
    case 9:
        return schedop_pin(0);
    case 10:
        return schedop_unpin();
    case 11:
        return schedop_watchdog_start(&w, 1);
    default:
        return schedop_issue(&c);
    }
}

#define FUNCTIONS 13u

/* Every error number, in both widths a register can have it in, through every
 * function. */
static void test_every_error_is_narrowed(void **state)
{
    (void)state;
    for (unsigned int which = 0; which < FUNCTIONS; which++) {
        for (int error = 1; error < 4096; error++) {
            fake_reset(0);
            fake.result = -error;
            assert_int_equal(yield_or_block(which), -error);
            fake.result = (intptr_t)(uint32_t)-error; /* zero-extended */
            assert_int_equal(yield_or_block(which), -error);
        }
    }
}

static void test_full_watchdogs(void **state)
{
    struct schedop_watchdog w = {{.id = 1}};

    (void)state;
    fake_reset(8);
    fake.result = 0x00000000ffffffe4; /* measured on Xen */
    assert_int_equal(schedop_watchdog_start(&w, 1), -XEN_ENOSPC);
    assert_false(w.operand.id == 1 || w.operand.id == 2);
    fake_reset(8);
    fake.result = -XEN_EINVAL; /* such an id is never valid */
    assert_int_equal(schedop_watchdog_poke(&w, 1), -XEN_EINVAL);
    fake_reset(8);
    fake.result = -28;
    assert_int_equal(schedop_watchdog_start(&w, 1), -XEN_ENOSPC);
}

static void test_upper_half_is_ignored(void **state)
{
    (void)state;
    fake_reset(0);
    fake.result = 0x7fffffff00000000;
    assert_int_equal(schedop_yield(), 0);
    fake.result = 0x5a5a5a5a00000001;
    assert_int_equal(schedop_suspend(0), SCHEDOP_CANCELLED);
}

/* ---- commands as data ---- */

static void test_issue(void **state)
{
    struct schedop_command c = {.op = SCHEDOP_remote_shutdown};
    static const evtchn_port_t port = 5;

    (void)state;
    c.u.remote_shutdown.domain_id = 12;
    c.u.remote_shutdown.reason = 3;
    fake_reset(8);
    assert_int_equal(schedop_issue(&c), 0);
    fake_expect(29, 4);
    assert_int_equal(word(0) & 0xffff, 12);
    assert_int_equal(word(4), 3);

    schedop_command_poll(&c, &port, 1, 99);
    fake_reset(24);
    assert_int_equal(schedop_issue(&c), 0);
    fake_expect(29, 3);
    assert_int_equal(word64(0), (uintptr_t)&port);
    assert_int_equal(word(8), 1);
    assert_int_equal(word64(16), 99);

    c = (struct schedop_command){.op = SCHEDOP_watchdog};
    c.u.watchdog.timeout = 4;
    fake_reset(8);
    fake.result = 1;
    assert_int_equal(schedop_issue(&c), 1);
    assert_int_equal(word(4), 4);
}

static void test_issue_suspend(void **state)
{
    struct schedop_command c = {.op = SCHEDOP_shutdown,
                                .start_info_frame = 0xabc};

    (void)state;
    c.u.shutdown.reason = SHUTDOWN_suspend;
    fake_reset(4);
    fake.result = 1;
    assert_int_equal(schedop_issue(&c), SCHEDOP_CANCELLED);
    assert_int_equal(fake.args[2], 0xabc);
}

static void test_issue_carries_unknown_commands(void **state)
{
    static const int32_t ops[] = {8, 99, -1, INT32_MIN};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const struct schedop_command c = {.op = ops[i]};

        fake_reset(0);
        fake.result = -XEN_ENOSYS;
        assert_int_equal(schedop_issue(&c), -XEN_ENOSYS);
        assert_int_equal((int32_t)fake.args[0], ops[i]);
    }
}

static void test_no_transport(void **state)
{
    (void)state;
    schedop_transport_use(&schedop_transport_none);
    assert_string_equal(schedop_transport_name(), "none");
    assert_int_equal(schedop_yield(), -XEN_ENOSYS);
    assert_int_equal(schedop_hypercall5(17, 1, 2, 3, 4, 5), -XEN_ENOSYS);
    schedop_transport_use(&schedop_transport_inprocess);
    schedop_inprocess_at(NULL, NULL);
    assert_int_equal(schedop_block(), -XEN_ENOSYS);
}

static void test_raw_calls(void **state)
{
    static const uintptr_t five[5] = {1, 2, 3, 4, 5};

    (void)state;
    fake_reset(0);
    fake.result = 0x1234567890;
    assert_int_equal(schedop_hypercall5(26, 1, 2, 3, 4, 5), 0x1234567890);
    assert_int_equal(fake.number, 26);
    assert_memory_equal(fake.args, five, sizeof(five));
    assert_int_equal(schedop_hypercall3(17, 1, 2, 3), 0x1234567890);
    assert_int_equal(fake.args[3], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yield_and_block),
        cmocka_unit_test(test_shutdown),
        cmocka_unit_test(test_suspend),
        cmocka_unit_test(test_poll),
        cmocka_unit_test(test_remote_shutdown),
        cmocka_unit_test(test_shutdown_code),
        cmocka_unit_test(test_watchdog),
        cmocka_unit_test(test_misuse_is_caught),
        cmocka_unit_test(test_pin),
        cmocka_unit_test(test_every_error_is_narrowed),
        cmocka_unit_test(test_full_watchdogs),
        cmocka_unit_test(test_upper_half_is_ignored),
        cmocka_unit_test(test_issue),
        cmocka_unit_test(test_issue_suspend),
        cmocka_unit_test(test_issue_carries_unknown_commands),
        cmocka_unit_test(test_no_transport),
        cmocka_unit_test(test_raw_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
