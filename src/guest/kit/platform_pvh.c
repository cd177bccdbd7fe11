/* SPDX-License-Identifier: MIT */
/* What is particular to a PVH domain, 32- and 64-bit (spec 8). */
#include "pvh.h"
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>

/* An entry of XENMEM_memory_map, in the BIOS's own packed format. */
struct e820_entry {
    uint32_t addr[2], size[2], type;
};

#define E820_MAX 64u

static const struct hvm_start_info *start;
static uint32_t cpuid_base;

static uintptr_t pvh_frame(const void *object)
{
    return kit_pvh_paddr(object) >> 12;
}

static int pvh_attach(void)
{
    int rc = schedop_add_to_physmap(XENMAPSPACE_shared_info, 0,
                                    pvh_frame(kit_shared_info));

    if (rc != 0 || kit_arg_u64("kit_upcall", 1) == 0) {
        return rc;
    }
    return schedop_hvm_callback_vector(KIT_VECTOR_EVENT);
}

#define FLAGS_IF 0x200u

static bool pvh_events_off(void)
{
    uintptr_t flags;

    __asm__ volatile("pushf; pop %0; cli" : "=r"(flags) : : "memory");
    return (flags & FLAGS_IF) != 0;
}

static void pvh_events_on(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static bool pvh_ring(void **ring, evtchn_port_t *port)
{
    uint64_t frame, event;

    if (schedop_hvm_param_get(HVM_PARAM_CONSOLE_PFN, &frame) != 0 ||
        schedop_hvm_param_get(HVM_PARAM_CONSOLE_EVTCHN, &event) != 0 ||
        frame == 0 || frame >= UINT64_C(1) << 20 || event == 0) {
        return false;
    }
    *ring = kit_virt(frame << 12);
    *port = (evtchn_port_t)event;
    return true;
}

static int map_from_start_info(struct kit_region *regions, uint32_t count)
{
    const struct hvm_memmap_table_entry *map = kit_virt(start->memmap_paddr);
    uint32_t i;

    for (i = 0; i < start->memmap_entries && i < count; i++) {
        regions[i] = (struct kit_region){map[i].addr, map[i].size, map[i].type};
    }
    return (int)i;
}

static int map_from_xen(struct kit_region *regions, uint32_t count)
{
    static struct e820_entry map[E820_MAX];
    int entries = schedop_memory_map(map, E820_MAX);
    int i;

    for (i = 0; i < entries && (uint32_t)i < count; i++) {
        regions[i].addr = (uint64_t)map[i].addr[1] << 32 | map[i].addr[0];
        regions[i].size = (uint64_t)map[i].size[1] << 32 | map[i].size[0];
        regions[i].type = map[i].type;
    }
    return entries < 0 ? entries : i;
}

/* The hardware domain gets version 0 and no map (spec 8.3). */
static int pvh_memory_map(struct kit_region *regions, uint32_t count)
{
    if (start->version >= 1 && start->memmap_entries > 0) {
        return map_from_start_info(regions, count);
    }
    return map_from_xen(regions, count);
}

static const void *pvh_module(uint32_t index, size_t *size)
{
    const struct hvm_modlist_entry *module;

    if (index >= start->nr_modules) {
        return NULL;
    }
    module = kit_virt(start->modlist_paddr);
    *size = (size_t)module[index].size;
    return kit_virt(module[index].paddr);
}

static int pvh_wait(bool (*ready)(void *context), void *context)
{
    return schedop_wait_hvm(ready, context);
}

static uintptr_t pvh_start_info_frame(void)
{
    return 0; /* only PV has one to pass */
}

static uint64_t pvh_fault_address(void)
{
    uintptr_t cr2;

    __asm__("mov %%cr2, %0" : "=r"(cr2));
    return cr2;
}

const struct kit_platform kit_platform_pvh = {
    .attach = pvh_attach,
    .set_traps = kit_pvh_set_traps,
    .events_off = pvh_events_off,
    .events_on = pvh_events_on,
    .wait = pvh_wait,
    .init_vcpu = kit_pvh_init_vcpu,
    .memory_map = pvh_memory_map,
    .module = pvh_module,
    .frame = pvh_frame,
    .ring = pvh_ring,
    .start_info_frame = pvh_start_info_frame,
    .fault_address = pvh_fault_address,
};

/* Domain id from the leaf that only HVM guests have, if it says it is valid. */
static uint32_t own_domid(void)
{
    uint32_t a = cpuid_base + 4, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return a & XEN_HVM_CPUID_DOMID_PRESENT ? c : KIT_DOMID_UNKNOWN;
}

void kit_start_pvh(uint32_t start_paddr)
{
    kit_platform = &kit_platform_pvh;
    start = kit_virt(start_paddr);
    kit_the_info.kind = sizeof(void *) == 8 ? "PVH" : "PVH 32-bit";
    kit_the_info.flags = start->flags;
    kit_the_info.start_version = start->version;
    kit_the_info.nr_modules = start->nr_modules;
    kit_set_cmdline(start->cmdline_paddr ? kit_virt(start->cmdline_paddr) : "",
                    SIZE_MAX);
    kit_pvh_set_traps(0);
    cpuid_base = schedop_hvm_cpuid_base();
    if (cpuid_base == 0) {
        __builtin_trap(); /* no Xen: nobody to tell */
    }
    /* The page also sets the width of shared info to that of this mode. */
    schedop_hvm_install_page(cpuid_base, kit_pvh_paddr(kit_hypercall_page));
    schedop_hypercall_page_at(kit_hypercall_page);
    schedop_transport_use(&schedop_transport_page);
    kit_the_info.domid = own_domid();
    kit_run();
}
