/* SPDX-License-Identifier: MIT */
/* See vlapic.h. */
#include "vlapic.h"

#include <stddef.h>

#define LVT_MASKED (1u << 16)
#define LVT_PERIODIC (1u << 17)
#define ESR_SEND_VECTOR (1u << 5)
#define ESR_RECEIVE_VECTOR (1u << 6)
#define SVR_ENABLED 0x100u
#define VERSION 0x00050014u /* six local vectors, as Xen shows it */
#define ICR_BUSY (1u << 12)

#define NEVER UINT64_MAX

/* Writable bits of the local vectors, in register order. */
static const uint32_t lvt_mask[VLAPIC_LVTS] = {
    0x000300ff, 0x000107ff, 0x000107ff, 0x0001a7ff, 0x0001a7ff, 0x000100ff,
};

void vlapic_init(struct vlapic *l)
{
    for (unsigned i = 0; i < 8; i++) {
        l->isr[i] = l->tmr[i] = 0;
        __atomic_store_n(&l->irr[i], 0, __ATOMIC_SEQ_CST);
    }
    for (unsigned i = 0; i < VLAPIC_LVTS; i++) {
        l->lvt[i] = LVT_MASKED;
    }
    l->tpr = l->esr = l->esr_next = l->icr = l->icr2 = 0;
    l->timer_init = l->timer_divide = 0;
    l->timer_start_ns = 0;
    l->timer_due_ns = NEVER;
    l->svr = 0xff;
    l->ldr = 0;
    l->dfr = 0xffffffff;
    if (vlapic_x2apic(l)) {
        l->ldr = (l->id >> 4) << 16 | 1u << (l->id & 15);
    }
}

void vlapic_reset(struct vlapic *l, unsigned vcpu)
{
    l->id = vcpu * 2;
    l->base = VLAPIC_BASE | VLAPIC_BASE_ENABLE;
    if (vcpu == 0) {
        l->base |= VLAPIC_BASE_BSP;
    }
    vlapic_init(l);
}

/* -------------------------------------------------------------- priorities */

static int highest_bit(const uint32_t *words)
{
    for (int i = 7; i >= 0; i--) {
        uint32_t word = __atomic_load_n(&words[i], __ATOMIC_SEQ_CST);

        if (word != 0) {
            return i * 32 + 31 - __builtin_clz(word);
        }
    }
    return -1;
}

static unsigned priority(int vector)
{
    return vector < 0 ? 0 : (unsigned)vector >> 4;
}

static uint32_t ppr(const struct vlapic *l)
{
    unsigned in_service = priority(highest_bit(l->isr));

    return (l->tpr >> 4) >= in_service ? l->tpr : in_service << 4;
}

void vlapic_raise(struct vlapic *l, uint8_t vector)
{
    __atomic_fetch_or(&l->irr[vector / 32], 1u << (vector % 32),
                      __ATOMIC_SEQ_CST);
    __atomic_store_n(&l->irr_hint, 1, __ATOMIC_SEQ_CST);
}

int vlapic_pending(struct vlapic *l)
{
    int vector;

    if (__atomic_load_n(&l->irr_hint, __ATOMIC_RELAXED) == 0) {
        return -1;
    }
    __atomic_store_n(&l->irr_hint, 0, __ATOMIC_SEQ_CST);
    vector = highest_bit(l->irr);
    if (vector >= 0) {
        __atomic_store_n(&l->irr_hint, 1, __ATOMIC_SEQ_CST);
    }
    return vlapic_enabled(l) ? vector : -1;
}

bool vlapic_accepts(const struct vlapic *l, int vector)
{
    return priority(vector) > ppr(l) >> 4;
}

bool vlapic_held_by_tpr(const struct vlapic *l, int vector)
{
    return priority(vector) <= l->tpr >> 4 &&
           priority(vector) > priority(highest_bit(l->isr));
}

void vlapic_acknowledge(struct vlapic *l, int vector)
{
    unsigned v = (unsigned)vector & 0xff;

    __atomic_fetch_and(&l->irr[v / 32], ~(1u << (v % 32)), __ATOMIC_SEQ_CST);
    l->isr[v / 32] |= 1u << (v % 32);
}

static void end_of_interrupt(struct vlapic *l)
{
    int vector = highest_bit(l->isr);

    if (vector >= 0) {
        l->isr[vector / 32] &= ~(1u << (vector % 32));
    }
}

static void error(struct vlapic *l, uint32_t bit)
{
    bool first = (l->esr_next & bit) == 0;

    l->esr_next |= bit;
    if (first && !(l->lvt[5] & LVT_MASKED) && (l->lvt[5] & 0xff) >= 16) {
        vlapic_raise(l, (uint8_t)l->lvt[5]);
    }
}

/* ------------------------------------------------------------------- timer */

static uint64_t timer_tick_ns(const struct vlapic *l)
{
    unsigned code = (l->timer_divide & 3) | (l->timer_divide & 8) >> 1;

    return (uint64_t)VLAPIC_TICK_NS << ((code + 1) & 7);
}

static uint64_t timer_period_ns(const struct vlapic *l)
{
    return timer_tick_ns(l) * l->timer_init;
}

static uint32_t timer_now(const struct vlapic *l, uint64_t now)
{
    uint64_t left = l->timer_due_ns - now;

    if (l->timer_due_ns == NEVER || l->timer_due_ns <= now) {
        return 0;
    }
    return (uint32_t)(left / timer_tick_ns(l));
}

static void timer_start(struct vlapic *l, uint64_t now,
                        struct vlapic_effect *effect)
{
    l->timer_start_ns = now;
    l->timer_due_ns = l->timer_init ? now + timer_period_ns(l) : NEVER;
    effect->timer = true;
}

/*
 * At most one tick in 100 us, so that a guest cannot keep the machine busy
 * with its timer alone.
 */
#define TIMER_PERIOD_MIN_NS 100000u

bool vlapic_timer_fire(struct vlapic *l)
{
    uint32_t lvt = __atomic_load_n(&l->lvt[0], __ATOMIC_RELAXED);

    if ((lvt & LVT_MASKED) || (lvt & 0xff) < 16 || !vlapic_enabled(l)) {
        return false;
    }
    vlapic_raise(l, (uint8_t)lvt);
    return true;
}

bool vlapic_timer_next(struct vlapic *l, uint64_t now)
{
    uint64_t period = timer_period_ns(l);

    if (l->timer_due_ns == NEVER || l->timer_due_ns > now) {
        return false;
    }
    if (!(l->lvt[0] & LVT_PERIODIC)) {
        l->timer_due_ns = NEVER;
        return false;
    }
    if (period < TIMER_PERIOD_MIN_NS) {
        period = TIMER_PERIOD_MIN_NS;
    }
    l->timer_due_ns += period;
    if (l->timer_due_ns <= now) {
        l->timer_due_ns = now + period; /* what was missed is lost */
    }
    return true;
}

/* --------------------------------------------------------------- registers */

uint32_t vlapic_read(const struct vlapic *l, unsigned offset, uint64_t now)
{
    unsigned word = (offset & 0x7f) / 16;

    if (offset >= VLAPIC_ISR && offset < VLAPIC_TMR) {
        return l->isr[word];
    }
    if (offset >= VLAPIC_TMR && offset < VLAPIC_IRR) {
        return l->tmr[word];
    }
    if (offset >= VLAPIC_IRR && offset < VLAPIC_ESR) {
        return __atomic_load_n(&l->irr[word], __ATOMIC_SEQ_CST);
    }
    if (offset >= VLAPIC_LVT_TIMER && offset <= VLAPIC_LVT_ERROR) {
        return l->lvt[(offset - VLAPIC_LVT_TIMER) / 16];
    }
    switch (offset) {
    case VLAPIC_ID:
        return vlapic_x2apic(l) ? l->id : l->id << 24;
    case VLAPIC_VERSION:
        return VERSION;
    case VLAPIC_TPR:
        return l->tpr;
    case VLAPIC_PPR:
        return ppr(l);
    case VLAPIC_LDR:
        return l->ldr;
    case VLAPIC_DFR:
        return vlapic_x2apic(l) ? 0 : l->dfr;
    case VLAPIC_SVR:
        return l->svr;
    case VLAPIC_ESR:
        return l->esr;
    case VLAPIC_ICR:
        return l->icr;
    case VLAPIC_ICR2:
        return l->icr2;
    case VLAPIC_TIMER_INIT:
        return l->timer_init;
    case VLAPIC_TIMER_NOW:
        return timer_now(l, now);
    case VLAPIC_TIMER_DIVIDE:
        return l->timer_divide;
    default:
        return 0;
    }
}

static void write_svr(struct vlapic *l, uint32_t value)
{
    l->svr = value & 0x1ff;
    if (!(l->svr & SVR_ENABLED)) {
        for (unsigned i = 0; i < VLAPIC_LVTS; i++) {
            l->lvt[i] |= LVT_MASKED;
        }
    }
}

static void write_lvt(struct vlapic *l, unsigned i, uint32_t value)
{
    l->lvt[i] = value & lvt_mask[i];
    if (!(l->svr & SVR_ENABLED)) {
        l->lvt[i] |= LVT_MASKED;
    }
}

static void write_icr(struct vlapic *l, uint32_t value, uint32_t dest,
                      struct vlapic_effect *effect)
{
    unsigned mode = value >> 8 & 7;

    l->icr = value & 0x000ccfffu & ~ICR_BUSY;
    if (!(l->base & VLAPIC_BASE_ENABLE)) {
        return;
    }
    if (mode <= 1 && (value & 0xff) < 16) {
        error(l, ESR_SEND_VECTOR);
        return;
    }
    effect->icr = true;
    effect->command = (uint64_t)dest << 32 | l->icr;
}

void vlapic_write(struct vlapic *l, unsigned offset, uint32_t value,
                  uint64_t now, struct vlapic_effect *effect)
{
    if (offset >= VLAPIC_LVT_TIMER && offset <= VLAPIC_LVT_ERROR) {
        write_lvt(l, (offset - VLAPIC_LVT_TIMER) / 16, value);
        return;
    }
    switch (offset) {
    case VLAPIC_TPR:
        l->tpr = value & 0xff;
        break;
    case VLAPIC_EOI:
        end_of_interrupt(l);
        break;
    case VLAPIC_LDR:
        l->ldr = value & 0xff000000;
        break;
    case VLAPIC_DFR:
        l->dfr = value | 0x0fffffff;
        break;
    case VLAPIC_SVR:
        write_svr(l, value);
        break;
    case VLAPIC_ESR:
        l->esr = l->esr_next;
        l->esr_next = 0;
        break;
    case VLAPIC_ICR:
        write_icr(l, value, l->icr2 >> 24, effect);
        break;
    case VLAPIC_ICR2:
        l->icr2 = value & 0xff000000;
        break;
    case VLAPIC_TIMER_INIT:
        l->timer_init = value;
        timer_start(l, now, effect);
        break;
    case VLAPIC_TIMER_DIVIDE: {
        uint64_t left = timer_now(l, now);

        l->timer_divide = value & 0xb;
        if (left != 0) {
            l->timer_due_ns = now + left * timer_tick_ns(l);
            effect->timer = true;
        }
        break;
    }
    default:
        break; /* read-only or absent: ignored */
    }
}

/* ------------------------------------------------------------ x2APIC, MSRs */

static bool x2apic_readable(unsigned offset)
{
    switch (offset) {
    case VLAPIC_ID:
    case VLAPIC_VERSION:
    case VLAPIC_TPR:
    case VLAPIC_PPR:
    case VLAPIC_LDR:
    case VLAPIC_SVR:
    case VLAPIC_ESR:
    case VLAPIC_ICR:
    case VLAPIC_TIMER_INIT:
    case VLAPIC_TIMER_NOW:
    case VLAPIC_TIMER_DIVIDE:
        return true;
    default:
        return (offset >= VLAPIC_ISR && offset < VLAPIC_ESR) ||
               (offset >= VLAPIC_LVT_TIMER && offset <= VLAPIC_LVT_ERROR);
    }
}

bool vlapic_msr_read(const struct vlapic *l, uint32_t msr, uint64_t now,
                     uint64_t *value)
{
    unsigned offset = (msr & 0x3f) << 4;

    if (!vlapic_x2apic(l) || msr > 0x83f || !x2apic_readable(offset)) {
        return false;
    }
    *value = vlapic_read(l, offset, now);
    if (offset == VLAPIC_ICR) {
        *value |= (uint64_t)l->icr2 << 32;
    }
    return true;
}

/* Bits of a register that an x2APIC write may set; 0 also for "no such". */
static uint32_t x2apic_writable(unsigned offset)
{
    if (offset >= VLAPIC_LVT_TIMER && offset <= VLAPIC_LVT_ERROR) {
        return lvt_mask[(offset - VLAPIC_LVT_TIMER) / 16] | 1u << 12;
    }
    switch (offset) {
    case VLAPIC_TPR:
    case VLAPIC_SELF:
        return 0xff;
    case VLAPIC_SVR:
        return 0x1ff;
    case VLAPIC_ICR:
        return 0xffffffff;
    case VLAPIC_TIMER_INIT:
        return 0xffffffff;
    case VLAPIC_TIMER_DIVIDE:
        return 0xb;
    default:
        return 0;
    }
}

bool vlapic_msr_write(struct vlapic *l, uint32_t msr, uint64_t value,
                      uint64_t now, struct vlapic_effect *effect)
{
    unsigned offset = (msr & 0x3f) << 4;
    uint32_t mask = x2apic_writable(offset);
    bool zero_only = offset == VLAPIC_EOI || offset == VLAPIC_ESR;

    if (!vlapic_x2apic(l) || msr > 0x83f || (mask == 0 && !zero_only)) {
        return false;
    }
    if (offset == VLAPIC_ICR) {
        if (value & 0xfff32000u) {
            return false;
        }
        l->icr2 = (uint32_t)(value >> 32);
        write_icr(l, (uint32_t)value, l->icr2, effect);
        return true;
    }
    if (value & ~(uint64_t)mask) {
        return false;
    }
    if (offset == VLAPIC_SELF) {
        write_icr(l, (uint32_t)value | 1u << 18, 0, effect);
        return true;
    }
    vlapic_write(l, offset, (uint32_t)value, now, effect);
    return true;
}

bool vlapic_set_base(struct vlapic *l, uint64_t value)
{
    uint64_t known = VLAPIC_BASE_BSP | VLAPIC_BASE_EXTD | VLAPIC_BASE_ENABLE;
    uint64_t old = l->base;

    if ((value & ~known) != VLAPIC_BASE) {
        return false; /* moving the window is not offered */
    }
    if ((value & VLAPIC_BASE_EXTD) &&
        (!(value & VLAPIC_BASE_ENABLE) || !(old & VLAPIC_BASE_ENABLE))) {
        return false;
    }
    if (vlapic_x2apic(l) && !(value & VLAPIC_BASE_EXTD) &&
        (value & VLAPIC_BASE_ENABLE)) {
        return false;
    }
    l->base = (value & ~VLAPIC_BASE_BSP) | (old & VLAPIC_BASE_BSP);
    if (!vlapic_x2apic(l) && (old & VLAPIC_BASE_EXTD)) {
        vlapic_init(l);
    }
    if (vlapic_x2apic(l)) {
        l->ldr = (l->id >> 4) << 16 | 1u << (l->id & 15);
    }
    return true;
}

/* ------------------------------------------------------------ destinations */

static bool matches_logical(const struct vlapic *l, uint32_t dest)
{
    if (vlapic_x2apic(l)) {
        return l->ldr >> 16 == dest >> 16 && (l->ldr & dest & 0xffff) != 0;
    }
    if (l->dfr == 0xffffffff) {
        return (l->ldr >> 24 & dest & 0xff) != 0;
    }
    return l->ldr >> 28 == (dest >> 4 & 15) && (l->ldr >> 24 & dest & 15) != 0;
}

bool vlapic_matches(const struct vlapic *l, const struct vlapic *from,
                    uint64_t command)
{
    uint32_t dest = (uint32_t)(command >> 32);
    uint32_t broadcast = vlapic_x2apic(from) ? 0xffffffff : 0xff;

    switch (command >> 18 & 3) {
    case 1:
        return l == from;
    case 2:
        return true;
    case 3:
        return l != from;
    default:
        break;
    }
    if (dest == broadcast) {
        return true;
    }
    return command & 0x800 ? matches_logical(l, dest) : l->id == dest;
}
