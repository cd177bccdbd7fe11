/* SPDX-License-Identifier: MIT */
/*
 * What the ACPI tables say about processors, interrupts and the timer port.
 * Read once, while the first page tables still map the low 4 GiB.
 */
#ifndef SCHEDOP_X86_BOOT_ACPI_H
#define SCHEDOP_X86_BOOT_ACPI_H

#include <stdint.h>

#define ACPI_IOAPICS_MAX 8u
#define ACPI_ISA_IRQS 16u
#define ACPI_CPUS_MAX 64u

struct acpi_ioapic {
    uint64_t pa;
    uint32_t first_gsi;
};

struct acpi_isa {
    uint32_t gsi;
    uint16_t flags; /* as in an interrupt source override */
};

struct acpi_info {
    unsigned nr_cpus, nr_ioapics;
    uint32_t apic_id[ACPI_CPUS_MAX]; /* in table order */
    struct acpi_ioapic ioapic[ACPI_IOAPICS_MAX];
    struct acpi_isa isa[ACPI_ISA_IRQS];
    uint16_t pm_timer; /* I/O port of the 24- or 32-bit timer, 0 none */
};

extern struct acpi_info acpi_info;

void acpi_init(void);

#endif
