/* SPDX-License-Identifier: MIT */
/*
 * solo: what Solo5 asks. A local APIC that it reads by MMIO, per-vCPU upcall
 * vector with an end-of-interrupt after each, CALLBACK_IRQ 1, the console
 * ring alone, and a yield whenever that is full.
 */
#include "field.h"

static struct e820entry {
    uint64_t addr, size;
    uint32_t type;
} __attribute__((packed)) map[32];

void on_upcall(void)
{
    take_events();
    mmio_write(0xfee000b0, 0);
}

static void check_apic(void)
{
    uint64_t base = rdmsr(0x1b);

    expect(base == 0xfee00900, "APIC base", base);
    expect((mmio_read(0xfee00030) & 0xff) != 0, "APIC version", 0);
    mmio_write(0xfee000f0, mmio_read(0xfee000f0) | 0x1ff);
}

static void check_memory(void)
{
    struct xen_memory_map op = {.nr_entries = 32};
    uint64_t ram = 0;
    long rc;

    set_xen_guest_handle(op.buffer, (void *)map);
    rc = call(__HYPERVISOR_memory_op, XENMEM_memory_map, POINTER(&op), 0);
    expect(rc == 0, "memory_map", (uint64_t)rc);
    for (unsigned i = 0; i < op.nr_entries; i++) {
        ram += map[i].type == 1 ? map[i].size : 0;
    }
    expect(ram >= 16u << 20, "RAM", ram);
}

static void sleep_by_vector(void)
{
    uint64_t from = now_ns();
    uint32_t seen = upcalls;

    expect(call(__HYPERVISOR_set_timer_op, from + 20000000, 0, 0) == 0,
           "set_timer_op", 0);
    while (now_ns() - from < 20000000) {
        __asm__ volatile("sti; hlt; cli" : : : "memory");
    }
    expect(upcalls != seen, "no upcall", 0);
}

/* Far more than the ring holds: only a consumer lets this end. */
static void fill_ring(void)
{
    for (unsigned i = 0; i < 200; i++) {
        say("the ring is full now and then, and nothing of it is lost\n");
    }
}

void guest(void)
{
    struct xen_hvm_evtchn_upcall_vector vector = {.vcpu = 0, .vector = 0x20};
    long rc;

    check_memory();
    expect(map_page(XENMAPSPACE_shared_info, 0, &shared_info) == 0,
           "shared info", 0);
    check_apic();
    set_vector(0x20);
    rc = call(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector,
              POINTER(&vector), 0);
    expect(rc == 0, "upcall vector", (uint64_t)rc);
    expect(set_hvm_param(HVM_PARAM_CALLBACK_IRQ, 1) == 0, "callback", 0);
    (void)bind_timer();
    sleep_by_vector();
    sleep_by_vector();
    fill_ring();
}
