/* SPDX-License-Identifier: MIT */
/* See memmap.h. */
#include "memmap.h"

#define ACPI_START 0xfc000000ull
#define LAPIC_START 0xfee00000ull
#define SPECIAL_START 0xfeff8000ull
#define SPECIAL_END 0xff000000ull

static void add(struct memmap *m, uint64_t addr, uint64_t size, uint32_t type)
{
    m->entry[m->nr++] = (struct memmap_entry){addr, size, type};
}

void memmap_build(struct memmap *m, uint64_t ram, uint64_t acpi_bytes)
{
    uint64_t low = ram < MEMMAP_HOLE ? ram : MEMMAP_HOLE;

    m->nr = 0;
    add(m, 0, low, MEMMAP_RAM);
    add(m, ACPI_START, acpi_bytes, MEMMAP_ACPI);
    add(m, LAPIC_START, 0x1000, MEMMAP_RESERVED);
    add(m, SPECIAL_START, SPECIAL_END - SPECIAL_START, MEMMAP_RESERVED);
    if (ram > low) {
        add(m, MEMMAP_4G, ram - low, MEMMAP_RAM);
    }
}
