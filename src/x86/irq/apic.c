/* SPDX-License-Identifier: MIT */
/*
 * The local APIC: by MSRs where the processor has the x2APIC mode, else by
 * the register page. Register numbers are the x2APIC's; times 16 they are
 * offsets in the page.
 */
#include "irq.h"

#include "../cpu/asm.h"
#include "../mm/mm.h"

#define REG_ID 0x02u
#define REG_TPR 0x08u
#define REG_EOI 0x0bu
#define REG_SPURIOUS 0x0fu
#define REG_ESR 0x28u
#define REG_ICR 0x30u
#define REG_ICR_HIGH 0x31u
#define REG_LVT_TIMER 0x32u
#define REG_LVT_LINT0 0x35u
#define REG_LVT_LINT1 0x36u
#define REG_LVT_ERROR 0x37u
#define REG_TIMER_INITIAL 0x38u
#define REG_TIMER_CURRENT 0x39u
#define REG_TIMER_DIVIDE 0x3eu

#define APIC_BASE_ENABLE (1ull << 11)
#define APIC_BASE_X2APIC (1ull << 10)
#define SPURIOUS_ENABLE 0x100u
#define LVT_MASKED 0x10000u
#define LVT_TSC_DEADLINE 0x40000u
#define DIVIDE_BY_1 0xbu

#define ICR_NMI 0x400u
#define ICR_INIT 0x500u
#define ICR_STARTUP 0x600u
#define ICR_PENDING 0x1000u
#define ICR_ASSERT 0x4000u

static bool x2apic;
static volatile uint32_t *page;

volatile uint32_t *apic_eoi_register; /* for entry.S */

static volatile uint32_t *reg_at(size_t reg)
{
    return &page[reg * 4];
}

static uint32_t apic_read(uint32_t reg)
{
    return x2apic ? (uint32_t)rdmsr(MSR_X2APIC + reg) : *reg_at(reg);
}

static void apic_write(uint32_t reg, uint32_t value)
{
    if (x2apic) {
        wrmsr(MSR_X2APIC + reg, value);
    } else {
        *reg_at(reg) = value;
    }
}

/* The 8259s: out of the way of the exceptions, then masked. */
static void pic_disable(void)
{
    outb(0x20, 0x11);
    outb(0xa0, 0x11);
    outb(0x21, 0x20);
    outb(0xa1, 0x28);
    outb(0x21, 4);
    outb(0xa1, 2);
    outb(0x21, 1);
    outb(0xa1, 1);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

void apic_init(void)
{
    struct cpuid features = cpuid(1, 0);

    if ((features.d & 1u << 9) == 0) {
        x86_panic("this processor has no local APIC");
    }
    x2apic = (features.c & 1u << 21) != 0;
    if (!x2apic) {
        page = paging_map_device(rdmsr(MSR_APIC_BASE) & PTE_ADDRESS);
        apic_eoi_register = reg_at(REG_EOI);
    }
    pic_disable();
    apic_init_pcpu();
    x86_self()->apic_id = apic_id();
}

void apic_init_pcpu(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

    wrmsr(MSR_APIC_BASE, base);
    if (x2apic) {
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
    }
    apic_write(REG_TPR, 0);
    apic_write(REG_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    apic_write(REG_LVT_LINT0, LVT_MASKED);
    apic_write(REG_LVT_LINT1, x86_self()->index == 0 ? ICR_NMI : LVT_MASKED);
    apic_write(REG_LVT_ERROR, LVT_MASKED);
    apic_write(REG_ESR, 0);
    apic_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    apic_write(REG_TIMER_INITIAL, 0);
    apic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    apic_eoi();
}

uint32_t apic_id(void)
{
    return x2apic ? apic_read(REG_ID) : apic_read(REG_ID) >> 24;
}

void apic_eoi(void)
{
    apic_write(REG_EOI, 0);
}

/* Stores made before are visible to whoever takes the interrupt. */
static void send(uint32_t target, uint32_t command)
{
    if (x2apic) {
        __asm__ volatile("mfence; lfence" : : : "memory");
        wrmsr(MSR_X2APIC + REG_ICR, (uint64_t)target << 32 | command);
        return;
    }
    while ((apic_read(REG_ICR) & ICR_PENDING) != 0) {
        pause();
    }
    apic_write(REG_ICR_HIGH, target << 24);
    apic_write(REG_ICR, command);
}

void irq_send_kick(const struct x86_pcpu *target)
{
    send(target->apic_id, ICR_ASSERT | VECTOR_KICK);
}

void apic_send_nmi(uint32_t target)
{
    send(target, ICR_ASSERT | ICR_NMI);
}

void apic_send_init(uint32_t target)
{
    send(target, ICR_ASSERT | ICR_INIT);
}

void apic_send_startup(uint32_t target, uint8_t start_page)
{
    send(target, ICR_ASSERT | ICR_STARTUP | start_page);
}

/* One by one: those we did not start are still the firmware's. */
void apic_stop_others(void)
{
    for (unsigned i = 0; i < x86_nr_pcpus(); i++) {
        const struct x86_pcpu *p = x86_pcpu(i);

        if (p != x86_self() && p->online) {
            apic_send_nmi(p->apic_id);
        }
    }
}

void apic_timer_start(uint32_t count)
{
    apic_write(REG_TIMER_INITIAL, count);
}

uint32_t apic_timer_left(void)
{
    return apic_read(REG_TIMER_CURRENT);
}

void apic_timer_mode(bool tsc_deadline, bool masked)
{
    apic_write(REG_LVT_TIMER, VECTOR_TIMER | (masked ? LVT_MASKED : 0) |
                                  (tsc_deadline ? LVT_TSC_DEADLINE : 0));
    if (tsc_deadline) {
        /* The mode must be in force before the first deadline is written. */
        __asm__ volatile("mfence; lfence" : : : "memory");
    }
}
