/* SPDX-License-Identifier: MIT */
/*
 * irq/: the local APICs and the IO-APIC, for the rooms of the lower half.
 * What virt/ needs is in ../x86.h.
 */
#ifndef SCHEDOP_X86_IRQ_IRQ_H
#define SCHEDOP_X86_IRQ_IRQ_H

#include "../cpu/cpu.h"

/* apic.c */
void apic_init(void);      /* boot pCPU: finds the kind, disables the 8259s */
void apic_init_pcpu(void); /* each pCPU: enables its own */
uint32_t apic_id(void);
void apic_eoi(void);
extern volatile uint32_t *apic_eoi_register; /* NULL: it is an MSR */
void apic_send_nmi(uint32_t target);
void apic_send_init(uint32_t target);
void apic_send_startup(uint32_t target, uint8_t page);
void apic_stop_others(void); /* NMI to all that are online but self */

/* The timer counts down from what is written; 0 stops it. */
void apic_timer_start(uint32_t count);
uint32_t apic_timer_left(void);
void apic_timer_mode(bool tsc_deadline, bool masked);

/* ioapic.c: sends ISA interrupts of the serial ports to the boot pCPU. */
void ioapic_init(void);

/* handler.c: what other interrupts do; called from trap_dispatch(). */
void irq_handle(uint64_t vector);

#endif
