/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables of a domain: RSDP, XSDT and a MADT with one local APIC per
 * vCPU, in one page. Linux needs them to find its processors. Pure.
 */
#ifndef SCHEDOP_X86_VIRT_ACPI_H
#define SCHEDOP_X86_VIRT_ACPI_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the tables for `vcpus` processors with APIC ids 0, 2, 4, ... to
 * `page` (4096 bytes), which the domain sees at `gpa`; the RSDP comes first.
 */
void acpi_build(void *page, uint64_t gpa, unsigned vcpus);

#endif
