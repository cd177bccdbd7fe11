/* SPDX-License-Identifier: MIT */
/*
 * micro: what the microkernels of a hypervisor test suite ask. 64-bit code in
 * an ELF32 file. They probe a lot that is not there, and none of it may kill
 * them: every model-specific register, every event channel until there is no
 * more, devices a PC would have, operations a domain has no right to.
 */
#include "field.h"

static uint8_t grants[4096] PAGE;

void on_upcall(void)
{
}

static void probe_msrs(uint32_t from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        (void)rdmsr(from + i);
    }
}

static void probe_processor(void)
{
    static const uint32_t leaves[] = {
        0,          1,          7,          0xd,        0x80000000,
        0x80000001, 0x80000007, 0x80000008, 0x40000000, 0x40000002};
    uint64_t dr6, dr7;
    uint32_t b = 0;

    for (unsigned i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        uint32_t a = leaves[i], c = 0, d;

        __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        if (leaves[i] == 0x40000000) {
            expect(b == 0x566e6558, "signature", b);
        }
    }
    __asm__ volatile("mov %%db6, %0; mov %%db7, %1" : "=r"(dr6), "=r"(dr7));
    expect(dr6 == 0xffff0ff0, "dr6 at reset", dr6);
    expect(dr7 == 0x400, "dr7 at reset", dr7);
    probe_msrs(0, 0x2080);
    probe_msrs(0xc0000000, 0x1000);
    probe_msrs(0xc0010000, 0x1060);
    (void)rdmsr(0xc0000080);
    expect(faulted == 0, "EFER cannot be read", 0);
    (void)rdmsr(0x12345678);
    expect(faulted == 1, "an MSR that does not exist can be read", 0);
}

/* Absent devices float. */
static void probe_devices(void)
{
    expect(mmio_read(0xfee00030) != 0xffffffff, "no local APIC", 0);
    expect(mmio_read(0xfec00010) == 0xffffffff, "an IO-APIC", 0);
    mmio_write(0xfec00000, 1);
    expect(mmio_read(0xfed00000) == 0xffffffff, "an HPET", 0);
}

static void probe_calls(void)
{
    struct evtchn_alloc_unbound unbound = {.dom = DOMID_SELF};
    struct evtchn_init_control control = {.control_gfn = ~0ull};
    struct evtchn_expand_array array = {.array_gfn = ~0ull};
    static char text[1024];
    unsigned ports = 0;
    long rc;

    do {
        rc = call(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
                  POINTER(&unbound), 0);
        ports += rc == 0;
    } while (rc == 0 && ports < 10000);
    expect(rc == -28, "alloc_unbound when full", (uint64_t)rc);
    expect(ports > 1000 && ports <= 1023, "ports", ports); /* as xl limits */
    expect(call(__HYPERVISOR_event_channel_op, EVTCHNOP_init_control,
                POINTER(&control), 0) < 0,
           "init_control", 0);
    expect(call(__HYPERVISOR_event_channel_op, EVTCHNOP_expand_array,
                POINTER(&array), 0) < 0,
           "expand_array", 0);
    for (unsigned i = 1; i <= 4; i++) {
        rc = i == 3 ? 0 : call(__HYPERVISOR_xen_version, i, POINTER(text), 0);
        expect(rc == 0, "xen_version", i);
    }
    for (unsigned i = 0; i <= 2; i++) {
        (void)call(__HYPERVISOR_memory_op, i, 0, 0);
    }
    (void)call(__HYPERVISOR_grant_table_op, 8, 0, 1);
    (void)call(__HYPERVISOR_grant_table_op, 12, 0, 1);
}

void guest(void)
{
    expect(map_page(XENMAPSPACE_shared_info, 0, &shared_info) == 0,
           "shared info", 0);
    expect(map_page(XENMAPSPACE_grant_table, 0, grants) == 0, "grant table", 0);
    expect(start_info->flags == 0, "start info flags", start_info->flags);
    probe_processor();
    probe_devices();
    probe_calls();
}
