/* SPDX-License-Identifier: MIT */
/* What is particular to a 64-bit PV domain (spec 1.6, 4.4). */
#include "private.h"

#define PTE_FLAGS 7u /* present, writable, user: PV kernels run in ring 3 */
#define TRAP_EVENTS_OFF 4u
#define TRAP_ANYONE 3u

static struct start_info *start;
static struct trap_info traps[KIT_VECTOR_EVENT + 1];

static uintptr_t pv_pfn(const void *object)
{
    return ((uintptr_t)object - KIT_VIRT_BASE) >> 12;
}

/* Machine frame of an object, by the table Xen built for this domain. */
static uintptr_t pv_frame(const void *object)
{
    const unsigned long *table = (const unsigned long *)start->mfn_list;

    return table[pv_pfn(object)];
}

/* Where machine frame `mfn` of this domain is mapped, by Xen's own table. */
static void *pv_virt_of_frame(uintptr_t mfn)
{
    return kit_virt((uint64_t)machine_to_phys_mapping[mfn] << 12);
}

static int pv_attach(void)
{
    intptr_t rc = schedop_hypercall3(
        __HYPERVISOR_update_va_mapping, (uintptr_t)kit_shared_info,
        start->shared_info | PTE_FLAGS, UVMF_INVLPG);

    if (rc == 0) {
        rc = schedop_hypercall3(__HYPERVISOR_set_callbacks,
                                kit_pv_stubs[KIT_VECTOR_EVENT],
                                (uintptr_t)kit_entry_failsafe, 0);
    }
    if (rc == 0) {
        rc = schedop_vcpu_periodic_timer(0, 0);
    }
    return (int)rc;
}

static void fill_traps(void)
{
    unsigned int used = 0;

    for (uint8_t i = 0; i < KIT_VECTOR_EVENT; i++) {
        if (i == 2) {
            continue; /* NMIs have a callback of their own */
        }
        traps[used++] = (struct trap_info){
            .vector = i,
            .flags = TRAP_EVENTS_OFF | (i == 3 || i == 4 ? TRAP_ANYONE : 0),
            .cs = FLAT_KERNEL_CS,
            .address = kit_pv_stubs[i],
        };
    }
}

/* Later vCPUs bring the table in their context. */
static void pv_set_traps(unsigned int cpu)
{
    intptr_t rc;

    if (cpu != 0) {
        return;
    }
    fill_traps();
    rc =
        schedop_hypercall3(__HYPERVISOR_set_trap_table, (uintptr_t)traps, 0, 0);
    if (rc != 0) {
        kit_panic("set_trap_table: %s", schedop_error_name((int)rc));
    }
}

static bool pv_events_off(void)
{
    volatile struct vcpu_info *info = kit_vcpu_info();
    bool on = info->evtchn_upcall_mask == 0;

    schedop_upcalls_off_pv(info);
    return on;
}

static void pv_events_on(void)
{
    schedop_upcalls_on_pv(kit_vcpu_info());
}

static int pv_wait(bool (*ready)(void *context), void *context)
{
    return schedop_wait_pv(kit_vcpu_info(), ready, context);
}

static int pv_init_vcpu(unsigned int cpu, uintptr_t stack_top)
{
    static struct vcpu_guest_context context; /* 5 KB: not on a stack */
    uintptr_t pml4 = pv_frame((const void *)start->pt_base);

    memset(&context, 0, sizeof(context));
    context.flags = VGCF_in_kernel;
    context.user_regs.rip = (uintptr_t)kit_entry_vcpu;
    context.user_regs.rsp = stack_top;
    context.user_regs.rdi = cpu;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = stack_top;
    context.ctrlreg[3] = xen_pfn_to_cr3(pml4);
    context.event_callback_eip = kit_pv_stubs[KIT_VECTOR_EVENT];
    context.failsafe_callback_eip = (uintptr_t)kit_entry_failsafe;
    for (unsigned int i = 0; traps[i].address; i++) {
        context.trap_ctxt[traps[i].vector] = traps[i];
    }
    return schedop_vcpu_initialise(cpu, &context);
}

/* PV memory is one piece from pseudo-physical 0. */
static int pv_memory_map(struct kit_region *regions, uint32_t count)
{
    if (count == 0) {
        return 0;
    }
    regions[0] = (struct kit_region){0, (uint64_t)start->nr_pages << 12, 1};
    return 1;
}

/* Its address is virtual unless the kernel asked for a frame number. */
static const void *pv_module(uint32_t index, size_t *size)
{
    if (index != 0 || start->mod_len == 0 ||
        (start->flags & SIF_MOD_START_PFN)) {
        return NULL;
    }
    *size = start->mod_len;
    return (const void *)start->mod_start;
}

static bool pv_ring(void **ring, evtchn_port_t *port)
{
    if (start->console.domU.mfn == 0 || start->console.domU.evtchn == 0) {
        return false;
    }
    *ring = pv_virt_of_frame(start->console.domU.mfn);
    *port = start->console.domU.evtchn;
    return true;
}

static uintptr_t pv_start_info_frame(void)
{
    return pv_frame(start);
}

static uint64_t pv_fault_address(void)
{
    return kit_vcpu_info()->arch.cr2;
}

const struct kit_platform kit_platform_pv = {
    .attach = pv_attach,
    .set_traps = pv_set_traps,
    .events_off = pv_events_off,
    .events_on = pv_events_on,
    .wait = pv_wait,
    .init_vcpu = pv_init_vcpu,
    .memory_map = pv_memory_map,
    .module = pv_module,
    .frame = pv_frame,
    .ring = pv_ring,
    .start_info_frame = pv_start_info_frame,
    .fault_address = pv_fault_address,
};

void kit_start_pv(struct start_info *start_info)
{
    start = start_info;
    kit_is_pv = true;
    kit_platform = &kit_platform_pv;
    kit_the_info.kind = "PV";
    kit_the_info.pv = true;
    kit_the_info.flags = start->flags;
    if (start->flags & SIF_INITDOMAIN) {
        kit_the_info.domid = 0;
    }
    kit_set_cmdline((const char *)start->cmd_line, sizeof(start->cmd_line));
    schedop_hypercall_page_at(kit_hypercall_page);
    schedop_transport_use(&schedop_transport_page);
    kit_run();
}
