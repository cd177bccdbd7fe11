/* SPDX-License-Identifier: MIT */
/*
 * The emulated local APIC under a program of register accesses in both forms,
 * interrupts, acknowledgements and time.
 */
#include "input.h"

#include "x86/virt/vlapic.h"

struct state {
    struct input in;
    struct vlapic apic, other;
    uint64_t now;
};

static void check(struct state *s)
{
    int vector = vlapic_pending(&s->apic);

    MUST(vector >= -1 && vector < 256);
    if (vector >= 0) {
        bool accepted = vlapic_accepts(&s->apic, vector);

        MUST(!accepted || !vlapic_held_by_tpr(&s->apic, vector));
    }
    MUST(vlapic_enabled(&s->apic) || vector == -1);
}

static void effect_of(struct state *s, const struct vlapic_effect *e)
{
    if (e->icr) {
        (void)vlapic_matches(&s->other, &s->apic, e->command);
        (void)vlapic_matches(&s->apic, &s->apic, e->command);
    }
    MUST(!e->timer || s->apic.timer_due_ns == UINT64_MAX ||
         s->apic.timer_due_ns >= s->now);
}

static void time_passes(struct state *s, uint64_t ns)
{
    s->now += ns;
    if (s->apic.timer_due_ns <= s->now) {
        (void)vlapic_timer_fire(&s->apic);
        if (vlapic_timer_next(&s->apic, s->now)) {
            MUST(s->apic.timer_due_ns > s->now);
        }
    }
}

static void step_write(struct state *s, uint8_t op)
{
    struct vlapic_effect e = {0};
    uint64_t value = (op & 0x80) != 0 ? take_u64(&s->in) : take_u16(&s->in);

    if (vlapic_x2apic(&s->apic)) {
        (void)vlapic_msr_write(&s->apic, 0x800u + op % 64, value, s->now, &e);
    } else {
        vlapic_write(&s->apic, op % 64 * 16u, (uint32_t)value, s->now, &e);
    }
    effect_of(s, &e);
}

static void step(struct state *s)
{
    uint8_t what = take_u8(&s->in), op = take_u8(&s->in);
    uint64_t value = 0;
    int vector;

    switch (what % 8) {
    case 0:
        vlapic_raise(&s->apic, op);
        break;
    case 1:
        vector = vlapic_pending(&s->apic);
        if (vector >= 0 && vlapic_accepts(&s->apic, vector)) {
            vlapic_acknowledge(&s->apic, vector);
            MUST(vlapic_pending(&s->apic) != vector);
        }
        break;
    case 2:
        time_passes(s, (uint64_t)op << what % 40);
        break;
    case 3:
        (void)vlapic_read(&s->apic, op % 64 * 16u, s->now);
        (void)vlapic_msr_read(&s->apic, 0x800u + op % 64, s->now, &value);
        break;
    case 4:
        (void)vlapic_set_base(&s->apic, VLAPIC_BASE | (uint64_t)op << 8);
        MUST((s->apic.base & VLAPIC_BASE_EXTD) == 0 ||
             (s->apic.base & VLAPIC_BASE_ENABLE) != 0);
        break;
    case 5:
        if (op == 0) {
            vlapic_init(&s->apic);
        }
        break;
    default:
        step_write(s, op);
        break;
    }
    check(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct state s;

    memset(&s, 0, sizeof(s));
    s.in = input_of(data, size);
    vlapic_reset(&s.apic, 0);
    vlapic_reset(&s.other, 1 + take_u8(&s.in) % 4);
    for (unsigned n = 0; n < 64 && input_left(&s.in) != 0; n++) {
        step(&s);
    }
    return 0;
}
