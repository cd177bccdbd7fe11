/* SPDX-License-Identifier: MIT */
/* The emulated local APIC: registers, priorities, timer, destinations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "x86/virt/vlapic.h"

#define NEVER UINT64_MAX

static struct vlapic apic(unsigned vcpu)
{
    struct vlapic l;

    memset(&l, 0, sizeof(l));
    vlapic_reset(&l, vcpu);
    return l;
}

static struct vlapic enabled_apic(unsigned vcpu)
{
    struct vlapic_effect effect = {0};
    struct vlapic l = apic(vcpu);

    vlapic_write(&l, VLAPIC_SVR, 0x1ff, 0, &effect);
    return l;
}

static struct vlapic_effect write_at(struct vlapic *l, unsigned offset,
                                     uint32_t value, uint64_t now)
{
    struct vlapic_effect effect = {0};

    vlapic_write(l, offset, value, now, &effect);
    return effect;
}

static void after_reset(void **state)
{
    struct vlapic l = apic(3);

    (void)state;
    assert_int_equal(l.base, 0xfee00800);
    assert_int_equal(apic(0).base, 0xfee00900);
    assert_int_equal(vlapic_read(&l, VLAPIC_ID, 0), 6u << 24);
    assert_int_equal(vlapic_read(&l, VLAPIC_VERSION, 0) & 0xff, 0x14);
    assert_int_equal(vlapic_read(&l, VLAPIC_SVR, 0), 0xff);
    assert_int_equal(vlapic_read(&l, VLAPIC_DFR, 0), 0xffffffff);
    for (unsigned i = VLAPIC_LVT_TIMER; i <= VLAPIC_LVT_ERROR; i += 16) {
        assert_int_equal(vlapic_read(&l, i, 0), 0x10000);
    }
    assert_false(vlapic_enabled(&l));
}

/* Highest first; only above the one in service and above the TPR. */
static void priorities(void **state)
{
    struct vlapic l = enabled_apic(0);

    (void)state;
    assert_int_equal(vlapic_pending(&l), -1);
    vlapic_raise(&l, 0x31);
    vlapic_raise(&l, 0xef);
    assert_int_equal(vlapic_pending(&l), 0xef);
    assert_true(vlapic_accepts(&l, 0xef));
    vlapic_acknowledge(&l, 0xef);
    assert_int_equal(vlapic_read(&l, VLAPIC_ISR + 0x70, 0), 1u << 15);
    assert_int_equal(vlapic_read(&l, VLAPIC_PPR, 0), 0xe0);
    assert_int_equal(vlapic_pending(&l), 0x31);
    assert_false(vlapic_accepts(&l, 0x31));
    assert_false(vlapic_held_by_tpr(&l, 0x31));
    assert_false(vlapic_accepts(&l, 0xe0)); /* the same class waits */
    assert_true(vlapic_accepts(&l, 0xf0));
    write_at(&l, VLAPIC_EOI, 0, 0);
    assert_true(vlapic_accepts(&l, 0x31));
    write_at(&l, VLAPIC_TPR, 0x3f, 0);
    assert_false(vlapic_accepts(&l, 0x31));
    assert_true(vlapic_held_by_tpr(&l, 0x31));
    assert_int_equal(vlapic_read(&l, VLAPIC_PPR, 0), 0x3f);
    write_at(&l, VLAPIC_TPR, 0x20, 0);
    vlapic_acknowledge(&l, 0x31);
    assert_int_equal(vlapic_pending(&l), -1);
    assert_int_equal(l.irr_hint, 0);
}

/* Kept while disabled, and seen once enabled. */
static void disabled(void **state)
{
    struct vlapic l = apic(0);

    (void)state;
    vlapic_raise(&l, 0x40);
    assert_int_equal(vlapic_pending(&l), -1);
    write_at(&l, VLAPIC_SVR, 0x1ff, 0);
    assert_int_equal(vlapic_pending(&l), 0x40);
    write_at(&l, VLAPIC_LVT_TIMER, 0x40, 0);
    assert_int_equal(vlapic_read(&l, VLAPIC_LVT_TIMER, 0), 0x40);
    write_at(&l, VLAPIC_SVR, 0xff, 0); /* masks all local vectors */
    assert_int_equal(vlapic_read(&l, VLAPIC_LVT_TIMER, 0), 0x10040);
    write_at(&l, VLAPIC_LVT_TIMER, 0x40, 0);
    assert_int_equal(vlapic_read(&l, VLAPIC_LVT_TIMER, 0), 0x10040);
}

static void one_shot(void **state)
{
    struct vlapic l = enabled_apic(0);
    struct vlapic_effect e;

    (void)state;
    write_at(&l, VLAPIC_LVT_TIMER, 0x50, 0);
    write_at(&l, VLAPIC_TIMER_DIVIDE, 0xb, 0); /* by 1 */
    e = write_at(&l, VLAPIC_TIMER_INIT, 1000, 5000);
    assert_true(e.timer);
    assert_int_equal(l.timer_due_ns, 15000);
    assert_int_equal(vlapic_read(&l, VLAPIC_TIMER_NOW, 10000), 500);
    assert_int_equal(vlapic_read(&l, VLAPIC_TIMER_NOW, 15000), 0);
    assert_false(vlapic_timer_next(&l, 14999)); /* too early: nothing */
    assert_int_equal(l.timer_due_ns, 15000);
    assert_true(vlapic_timer_fire(&l));
    assert_int_equal(vlapic_pending(&l), 0x50);
    assert_false(vlapic_timer_next(&l, 15001));
    assert_int_equal(l.timer_due_ns, NEVER);
    e = write_at(&l, VLAPIC_TIMER_INIT, 0, 20000);
    assert_true(e.timer);
    assert_int_equal(l.timer_due_ns, NEVER);
}

static void divides(void **state)
{
    static const unsigned code[8] = {0xb, 0, 1, 2, 3, 8, 9, 0xa};
    struct vlapic l = enabled_apic(0);

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        write_at(&l, VLAPIC_TIMER_INIT, 0, 0);
        write_at(&l, VLAPIC_TIMER_DIVIDE, code[i], 0);
        write_at(&l, VLAPIC_TIMER_INIT, 100, 0);
        assert_int_equal(l.timer_due_ns, 1000u << i);
    }
    /* A change on the way keeps the count and stretches the time. */
    write_at(&l, VLAPIC_TIMER_DIVIDE, 0xb, 0);
    write_at(&l, VLAPIC_TIMER_INIT, 100, 0);
    write_at(&l, VLAPIC_TIMER_DIVIDE, 0, 500);
    assert_int_equal(l.timer_due_ns, 500 + 50 * 20);
}

static void periodic(void **state)
{
    struct vlapic l = enabled_apic(0);

    (void)state;
    write_at(&l, VLAPIC_LVT_TIMER, 0x20050, 0);
    write_at(&l, VLAPIC_TIMER_DIVIDE, 0xb, 0);
    write_at(&l, VLAPIC_TIMER_INIT, 100000, 0); /* 1 ms */
    assert_true(vlapic_timer_next(&l, 1000100));
    assert_int_equal(l.timer_due_ns, 2000000); /* no drift */
    assert_true(vlapic_timer_next(&l, 9500000));
    assert_int_equal(l.timer_due_ns, 10500000); /* what was missed is lost */
    write_at(&l, VLAPIC_TIMER_INIT, 1, 0);      /* 10 ns would be no life */
    assert_true(vlapic_timer_next(&l, 1000));
    assert_true(l.timer_due_ns >= 100000);
    write_at(&l, VLAPIC_LVT_TIMER, 0x30050, 0); /* masked: counts on */
    assert_false(vlapic_timer_fire(&l));
}

static void x2apic(void **state)
{
    struct vlapic l = enabled_apic(9);
    struct vlapic_effect e = {0};
    uint64_t v;

    (void)state;
    assert_false(vlapic_msr_read(&l, 0x802, 0, &v)); /* not in that mode */
    assert_false(vlapic_msr_write(&l, 0x808, 0, 0, &e));
    assert_true(vlapic_set_base(&l, 0xfee00c00));
    assert_true(vlapic_x2apic(&l));
    assert_true(vlapic_msr_read(&l, 0x802, 0, &v) && v == 18);
    assert_true(vlapic_msr_read(&l, 0x80d, 0, &v) && v == (1u << 16 | 4));
    assert_false(vlapic_msr_read(&l, 0x80e, 0, &v)); /* DFR */
    assert_false(vlapic_msr_read(&l, 0x80b, 0, &v)); /* EOI */
    assert_false(vlapic_msr_read(&l, 0x831, 0, &v));
    assert_false(vlapic_msr_read(&l, 0x840, 0, &v));
    assert_false(vlapic_msr_write(&l, 0x80b, 1, 0, &e));
    assert_true(vlapic_msr_write(&l, 0x80b, 0, 0, &e));
    assert_false(vlapic_msr_write(&l, 0x802, 0, 0, &e));
    assert_false(vlapic_msr_write(&l, 0x808, 0x100, 0, &e));
    assert_true(vlapic_msr_write(&l, 0x808, 0x20, 0, &e));
    assert_true(vlapic_msr_write(&l, 0x830, 0x7ull << 32 | 0x40, 0, &e));
    assert_true(e.icr);
    assert_int_equal(e.command, 0x7ull << 32 | 0x40);
    memset(&e, 0, sizeof(e));
    assert_true(vlapic_msr_write(&l, 0x83f, 0x41, 0, &e));
    assert_true(e.icr && vlapic_matches(&l, &l, e.command));
    assert_int_equal(e.command & 0xff, 0x41);
}

static void base_msr(void **state)
{
    struct vlapic l = apic(0);

    (void)state;
    assert_false(vlapic_set_base(&l, 0xfee00500)); /* EXTD without EN */
    assert_false(vlapic_set_base(&l, 0xfed00900)); /* elsewhere */
    assert_false(vlapic_set_base(&l, 0xfee00901)); /* reserved bit */
    assert_true(vlapic_set_base(&l, 0xfee00000));  /* off; BSP stays */
    assert_int_equal(l.base, 0xfee00100);
    assert_false(vlapic_set_base(&l, 0xfee00c00)); /* off to x2APIC */
    assert_true(vlapic_set_base(&l, 0xfee00900));
    assert_true(vlapic_set_base(&l, 0xfee00d00));
    assert_false(vlapic_set_base(&l, 0xfee00900)); /* x2APIC to xAPIC */
    assert_true(vlapic_set_base(&l, 0xfee00000));
}

static void commands(void **state)
{
    struct vlapic l = enabled_apic(0);
    struct vlapic_effect e;

    (void)state;
    write_at(&l, VLAPIC_ICR2, 0x04000000, 0);
    e = write_at(&l, VLAPIC_ICR, 0x4500, 0); /* INIT */
    assert_true(e.icr);
    assert_int_equal(e.command, 4ull << 32 | 0x4500);
    e = write_at(&l, VLAPIC_ICR, 0x0f, 0); /* no such vector */
    assert_false(e.icr);
    assert_int_equal(vlapic_read(&l, VLAPIC_ESR, 0), 0);
    write_at(&l, VLAPIC_ESR, 0, 0);
    assert_int_equal(vlapic_read(&l, VLAPIC_ESR, 0), 0x20);
    write_at(&l, VLAPIC_ESR, 0, 0);
    assert_int_equal(vlapic_read(&l, VLAPIC_ESR, 0), 0);
}

static void destinations(void **state)
{
    struct vlapic a = enabled_apic(0), b = enabled_apic(1);

    (void)state;
    write_at(&a, VLAPIC_LDR, 0x01000000, 0);
    write_at(&b, VLAPIC_LDR, 0x12000000, 0);
    assert_true(vlapic_matches(&b, &a, 2ull << 32));
    assert_false(vlapic_matches(&b, &a, 1ull << 32));
    assert_true(vlapic_matches(&b, &a, 0xffull << 32));
    assert_true(vlapic_matches(&a, &a, 1u << 18));
    assert_false(vlapic_matches(&b, &a, 1u << 18));
    assert_true(vlapic_matches(&b, &a, 2u << 18));
    assert_false(vlapic_matches(&a, &a, 3u << 18));
    assert_true(vlapic_matches(&b, &a, 3u << 18));
    assert_true(vlapic_matches(&b, &a, 0x10ull << 32 | 0x800)); /* flat */
    assert_false(vlapic_matches(&a, &a, 0x10ull << 32 | 0x800));
    write_at(&b, VLAPIC_DFR, 0, 0); /* cluster 1, member 2 */
    assert_true(vlapic_matches(&b, &a, 0x12ull << 32 | 0x800));
    assert_false(vlapic_matches(&b, &a, 0x22ull << 32 | 0x800));
    assert_false(vlapic_matches(&b, &a, 0x11ull << 32 | 0x800));
}

/* Every offset, read and written with everything. */
static void any_register(void **state)
{
    (void)state;
    for (unsigned offset = 0; offset < 0x1000; offset += 16) {
        struct vlapic l = enabled_apic(0);
        uint64_t v;

        write_at(&l, offset, 0xffffffff, 1);
        (void)vlapic_read(&l, offset, 2);
        write_at(&l, offset, 0, 3);
        assert_true(vlapic_set_base(&l, 0xfee00d00));
        (void)vlapic_msr_read(&l, 0x800 + offset / 16, 4, &v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_reset),  cmocka_unit_test(priorities),
        cmocka_unit_test(disabled),     cmocka_unit_test(one_shot),
        cmocka_unit_test(divides),      cmocka_unit_test(periodic),
        cmocka_unit_test(x2apic),       cmocka_unit_test(base_msr),
        cmocka_unit_test(commands),     cmocka_unit_test(destinations),
        cmocka_unit_test(any_register),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
