/* SPDX-License-Identifier: MIT */
/*
 * The memory map a domain sees: RAM up to a hole below 4 GiB, the rest above
 * it, and in the hole the ACPI tables, the local APIC and the special pages.
 * Pure, for the unit tests.
 */
#ifndef SCHEDOP_X86_VIRT_MEMMAP_H
#define SCHEDOP_X86_VIRT_MEMMAP_H

#include <stddef.h>
#include <stdint.h>

#define MEMMAP_MAX 128u /* entries a guest may set */

#define MEMMAP_RAM 1u
#define MEMMAP_RESERVED 2u
#define MEMMAP_ACPI 3u

#define MEMMAP_HOLE                                                            \
    0xf0000000ull /* RAM below 4 GiB ends here at the latest                   \
                   */
#define MEMMAP_4G 0x100000000ull

struct memmap_entry {
    uint64_t addr, size;
    uint32_t type;
};

struct memmap {
    unsigned nr;
    struct memmap_entry entry[MEMMAP_MAX];
};

/* The map of a domain with `ram` bytes, whole pages. */
void memmap_build(struct memmap *m, uint64_t ram, uint64_t acpi_bytes);

#endif
