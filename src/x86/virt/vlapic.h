/* SPDX-License-Identifier: MIT */
/*
 * The emulated local APIC of one vCPU: registers in their xAPIC (memory) and
 * x2APIC (MSR) forms, priorities, the timer. PVH domains have nothing else:
 * no PIC, no IO-APIC.
 *
 * Only the IRR is shared between pCPUs: vlapic_raise() and vlapic_timer_fire()
 * may run anywhere, all else only on the pCPU that runs the vCPU. Time is
 * passed in; what a register write asks of others (a timer, an interrupt for
 * another vCPU) is returned in a struct vlapic_effect. Pure, so that the unit
 * tests compile this file.
 */
#ifndef SCHEDOP_X86_VIRT_VLAPIC_H
#define SCHEDOP_X86_VIRT_VLAPIC_H

#include <stdbool.h>
#include <stdint.h>

#define VLAPIC_BASE 0xfee00000ull
#define VLAPIC_BASE_BSP (1ull << 8)
#define VLAPIC_BASE_EXTD (1ull << 10)
#define VLAPIC_BASE_ENABLE (1ull << 11)
#define VLAPIC_TICK_NS 10u /* the APIC's clock runs at 100 MHz */

/* Register offsets; the x2APIC MSR is 0x800 + offset / 16. */
enum {
    VLAPIC_ID = 0x20,
    VLAPIC_VERSION = 0x30,
    VLAPIC_TPR = 0x80,
    VLAPIC_PPR = 0xa0,
    VLAPIC_EOI = 0xb0,
    VLAPIC_LDR = 0xd0,
    VLAPIC_DFR = 0xe0,
    VLAPIC_SVR = 0xf0,
    VLAPIC_ISR = 0x100,
    VLAPIC_TMR = 0x180,
    VLAPIC_IRR = 0x200,
    VLAPIC_ESR = 0x280,
    VLAPIC_ICR = 0x300,
    VLAPIC_ICR2 = 0x310,
    VLAPIC_LVT_TIMER = 0x320,
    VLAPIC_LVT_ERROR = 0x370,
    VLAPIC_TIMER_INIT = 0x380,
    VLAPIC_TIMER_NOW = 0x390,
    VLAPIC_TIMER_DIVIDE = 0x3e0,
    VLAPIC_SELF = 0x3f0,
};

#define VLAPIC_LVTS 6u /* timer, thermal, counters, lint0, lint1, error */

struct vlapic {
    uint32_t id; /* APIC id, twice the vCPU id as on Xen */
    uint64_t base;
    uint32_t tpr, ldr, dfr, svr, esr, esr_next;
    uint32_t icr, icr2;
    uint32_t lvt[VLAPIC_LVTS];
    uint32_t timer_init, timer_divide;
    uint64_t timer_start_ns; /* when timer_init was loaded */
    uint64_t timer_due_ns;   /* next expiry, UINT64_MAX when stopped */
    uint32_t isr[8], tmr[8];
    uint32_t irr[8];   /* atomic */
    uint32_t irr_hint; /* not 0 when irr may hold a bit; atomic */
};

/* What a register write asks of the machine around it. */
struct vlapic_effect {
    bool timer;       /* timer_due_ns changed: set the vCPU's timer to it */
    bool icr;         /* an interrupt command is to be sent, below */
    uint64_t command; /* ICR, destination in bits 63:32 (x2APIC form) */
};

void vlapic_reset(struct vlapic *l, unsigned vcpu);
/* As INIT does it: all but the id and the base. */
void vlapic_init(struct vlapic *l);

static inline bool vlapic_x2apic(const struct vlapic *l)
{
    return (l->base & (VLAPIC_BASE_ENABLE | VLAPIC_BASE_EXTD)) ==
           (VLAPIC_BASE_ENABLE | VLAPIC_BASE_EXTD);
}

/* Enabled by the MSR and by the spurious-vector register. */
static inline bool vlapic_enabled(const struct vlapic *l)
{
    return (l->base & VLAPIC_BASE_ENABLE) && (l->svr & 0x100);
}

/* Raises edge interrupt `vector`; any pCPU. */
void vlapic_raise(struct vlapic *l, uint8_t vector);

/*
 * The highest pending vector whatever holds it off, -1 if none or if the APIC
 * is disabled. Clears irr_hint when nothing is left.
 */
int vlapic_pending(struct vlapic *l);
/* Of vlapic_pending()'s vectors: is it above the processor's priority? */
bool vlapic_accepts(const struct vlapic *l, int vector);
/* Held off by the task priority rather than by an interrupt in service? */
bool vlapic_held_by_tpr(const struct vlapic *l, int vector);
/* The processor takes `vector`: pending to in service. */
void vlapic_acknowledge(struct vlapic *l, int vector);

/* Register access as in memory; offset is a multiple of 16, size 4 bytes. */
uint32_t vlapic_read(const struct vlapic *l, unsigned offset, uint64_t now);
void vlapic_write(struct vlapic *l, unsigned offset, uint32_t value,
                  uint64_t now, struct vlapic_effect *effect);

/* MSRs 0x800 to 0x83f; false: general protection fault. */
bool vlapic_msr_read(const struct vlapic *l, uint32_t msr, uint64_t now,
                     uint64_t *value);
bool vlapic_msr_write(struct vlapic *l, uint32_t msr, uint64_t value,
                      uint64_t now, struct vlapic_effect *effect);
/* MSR 0x1b. */
bool vlapic_set_base(struct vlapic *l, uint64_t value);

/*
 * The time that timer_due_ns was set to has come: raises the timer's
 * interrupt unless it is masked; true when it did. Any pCPU.
 */
bool vlapic_timer_fire(struct vlapic *l);
/*
 * After that, on the vCPU's own pCPU: moves timer_due_ns on if it has passed.
 * True when the vCPU's timer must be set to it again.
 */
bool vlapic_timer_next(struct vlapic *l, uint64_t now);

/* Is `l` addressed by `command` sent by `from`? Shorthands included. */
bool vlapic_matches(const struct vlapic *l, const struct vlapic *from,
                    uint64_t command);

#endif
