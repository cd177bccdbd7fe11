/* SPDX-License-Identifier: MIT */
/*
 * The IO-APICs: everything masked, except that the serial ports interrupt
 * the boot pCPU, so that input wakes it.
 */
#include "irq.h"

#include "../boot/acpi.h"
#include "../mm/mm.h"

#define IOAPIC_VERSION 1u
#define IOAPIC_REDIRECTION 0x10u
#define REDIRECTION_MASKED 0x10000u
#define REDIRECTION_LEVEL 0x8000u
#define REDIRECTION_LOW 0x2000u

#define ISA_COM1 4u
#define ISA_COM2 3u

static uint32_t ioapic_read(volatile uint32_t *io, uint32_t reg)
{
    io[0] = reg;
    return io[4];
}

static void ioapic_write(volatile uint32_t *io, uint32_t reg, uint32_t value)
{
    io[0] = reg;
    io[4] = value;
}

/* Flags of an interrupt source override: polarity in 1:0, trigger in 3:2. */
static uint32_t trigger_bits(uint16_t flags)
{
    return ((flags & 3) == 3 ? REDIRECTION_LOW : 0) |
           ((flags >> 2 & 3) == 3 ? REDIRECTION_LEVEL : 0);
}

static void route(volatile uint32_t *io, uint32_t pin, uint32_t low)
{
    ioapic_write(io, IOAPIC_REDIRECTION + 2 * pin + 1,
                 x86_pcpu(0)->apic_id << 24);
    ioapic_write(io, IOAPIC_REDIRECTION + 2 * pin, low);
}

static void route_isa(volatile uint32_t *io, uint32_t first, uint32_t pins,
                      unsigned isa, uint32_t vector)
{
    const struct acpi_isa *source = &acpi_info.isa[isa];

    if (source->gsi >= first && source->gsi - first < pins) {
        route(io, source->gsi - first, vector | trigger_bits(source->flags));
    }
}

void ioapic_init(void)
{
    for (unsigned i = 0; i < acpi_info.nr_ioapics; i++) {
        const struct acpi_ioapic *a = &acpi_info.ioapic[i];
        volatile uint32_t *io = paging_map_device(a->pa);
        uint32_t pins = (ioapic_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;

        for (uint32_t pin = 0; pin < pins; pin++) {
            route(io, pin, REDIRECTION_MASKED);
        }
        route_isa(io, a->first_gsi, pins, ISA_COM1, VECTOR_SERIAL1);
        route_isa(io, a->first_gsi, pins, ISA_COM2, VECTOR_SERIAL2);
    }
}
