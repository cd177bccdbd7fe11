/* SPDX-License-Identifier: MIT */
/*
 * mini: what Mini-OS asks. Linked at physical 0 and entered there; its idle
 * loop is HLT, woken by the callback vector; grant frames go into holes of
 * the memory map; no APIC, no ports.
 */
#include "field.h"

#define GRANT_HOLE 0xfd000000u

void on_upcall(void)
{
    take_events();
}

static void check_features(void)
{
    struct xen_feature_info info = {.submap_idx = 0};
    long rc =
        call(__HYPERVISOR_xen_version, XENVER_get_features, POINTER(&info), 0);

    expect(rc == 0, "features", (uint64_t)rc);
    expect(info.submap & 1u << XENFEAT_hvm_callback_vector, "callback vector",
           info.submap);
}

/* set_timer_op, then HLT until its upcall. */
static void sleep_by_hlt(void)
{
    uint64_t from = now_ns();
    uint32_t seen = upcalls;

    expect(call(__HYPERVISOR_set_timer_op, from + 20000000, 0, 0) == 0,
           "set_timer_op", 0);
    __asm__ volatile("cli" : : : "memory");
    while (upcalls == seen) {
        __asm__ volatile("sti; hlt; cli" : : : "memory");
    }
    __asm__ volatile("sti" : : : "memory");
    expect(now_ns() - from >= 20000000, "woken early", now_ns() - from);
    expect(call(__HYPERVISOR_set_timer_op, 0, 0, 0) == 0, "cancel", 0);
}

void guest(void)
{
    domid_t self = DOMID_SELF;
    long pages, rc;

    pages = call(__HYPERVISOR_memory_op, XENMEM_current_reservation,
                 POINTER(&self), 0);
    expect(pages > 1024, "current_reservation", (uint64_t)pages);
    expect(map_page(XENMAPSPACE_shared_info, 0, &shared_info) == 0,
           "shared info", 0);
    for (unsigned i = 0; i < 4; i++) {
        expect(map_page(XENMAPSPACE_grant_table, i,
                        (void *)(uintptr_t)(GRANT_HOLE + i * 4096u)) == 0,
               "grant frame", i);
    }
    mmio_write(GRANT_HOLE, 0x5a5a);
    expect(mmio_read(GRANT_HOLE) == 0x5a5a, "grant frame holds no data", 0);
    check_features();
    set_vector(0x20);
    expect(set_hvm_param(HVM_PARAM_CALLBACK_IRQ, 2ull << 56 | 0x20) == 0,
           "callback", 0);
    (void)hvm_param(HVM_PARAM_STORE_PFN, &rc);
    expect(rc == 0, "store", (uint64_t)rc);
    wrmsr(0xc0000101, 0x123456);
    expect(rdmsr(0xc0000101) == 0x123456 && faulted == 0, "GS base", 0);
    (void)bind_timer();
    sleep_by_hlt();
    sleep_by_hlt();
}
