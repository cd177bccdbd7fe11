/* SPDX-License-Identifier: MIT */
/*
 * Starts the other pCPUs, one after the other, before x86_main(): so their
 * number is known when tables are sized. Each checks its TSC against the boot
 * pCPU's and then sleeps until x86_start_pcpus() says where to go.
 */
#include "../cpu/asm.h"
#include "../cpu/cpu.h"
#include "../irq/irq.h"
#include "../mm/mm.h"
#include "../time.h"
#include "acpi.h"
#include "boot.h"

#define LOW_START 0x1000ull
#define LOW_END 0xa0000ull
#define INIT_WAIT_NS 200000u
#define STARTUP_WAIT_NS 200000u
#define ONLINE_WAIT_NS 1000000000u

extern const char ap_trampoline[], ap_trampoline_end[];
extern volatile uint64_t ap_stack;
extern struct x86_pcpu *volatile ap_self;

__attribute__((noreturn)) void smp_ap_main(struct x86_pcpu *self);

static void (*volatile start_entry)(struct x86_pcpu *self);

static bool is_free_low_page(uint64_t pa)
{
    bool ram = false;

    for (unsigned i = 0; i < boot_info.nr_ram; i++) {
        const struct boot_ram *r = &boot_info.ram[i];

        ram |= pa >= r->pa && pa + PAGE_SIZE <= r->pa + r->size;
    }
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        const struct boot_module *m = &boot_info.module[i];

        ram &= pa + PAGE_SIZE <= m->pa || pa >= m->pa + m->size;
    }
    return ram;
}

/* The page where the others begin, in real mode; 0 if there is none. */
static uint64_t place_trampoline(void)
{
    uint64_t pa = LOW_END - PAGE_SIZE;

    while (pa >= LOW_START && !is_free_low_page(pa)) {
        pa -= PAGE_SIZE;
    }
    if (pa < LOW_START) {
        return 0;
    }
    pa_copy_in(pa, ap_trampoline,
               (size_t)ap_trampoline_end - (size_t)ap_trampoline);
    return pa;
}

static bool wait_online(const struct x86_pcpu *p, uint64_t ns)
{
    uint64_t end = time_now() + ns;

    while (!p->online && time_now() < end) {
        pause();
    }
    return p->online;
}

static bool start(struct x86_pcpu *p, uint64_t trampoline)
{
    ap_stack = stack_top(p->index, STACK_MAIN);
    ap_self = p;
    apic_send_init(p->apic_id);
    wait_online(p, INIT_WAIT_NS);
    /*
     * An emulator that counts instructions lets time jump to its next timer
     * when the other one takes the INIT: give it one nearby.
     */
    time_arm(time_now() + STARTUP_WAIT_NS, time_now());
    apic_send_startup(p->apic_id, (uint8_t)(trampoline >> PAGE_SHIFT));
    if (!wait_online(p, STARTUP_WAIT_NS)) {
        /* The second one is for old processors; others ignore it. */
        apic_send_startup(p->apic_id, (uint8_t)(trampoline >> PAGE_SHIFT));
    }
    return wait_online(p, ONLINE_WAIT_NS);
}

void smp_start_all(void)
{
    uint64_t trampoline = place_trampoline();
    uint32_t boot_id = x86_self()->apic_id;

    for (unsigned i = 0; i < acpi_info.nr_cpus; i++) {
        struct x86_pcpu *p;

        if (acpi_info.apic_id[i] == boot_id) {
            continue;
        }
        if (x86_nr_pcpus() == boot_options.pcpus || trampoline == 0) {
            break;
        }
        pcpu_add(acpi_info.apic_id[i]);
        p = x86_pcpu(x86_nr_pcpus() - 1);
        paging_map_stacks(p->index);
        if (!start(p, trampoline)) {
            x86_log(SOP_LOG_WARNING, "the pCPU with APIC id %u does not start",
                    p->apic_id);
            apic_send_init(p->apic_id); /* lest it wakes later */
            pcpu_forget_last();
            break; /* the stacks of its index may still be in use */
        }
        time_check_sync_source();
    }
    time_arm(SOP_TIME_NEVER, 0);
    irq_take_pending();
    x86_self()->timer_fired = false;
}

/* Another pCPU, from head.S, on its own stack. */
void smp_ap_main(struct x86_pcpu *self)
{
    paging_load();
    pcpu_load(self);
    pcpu_load_tss(self);
    trap_load();
    apic_init_pcpu();
    self->online = true;
    time_check_sync_target();
    time_init_pcpu();
    while (start_entry == NULL) {
        irq_wait();
        self->kicked = false;
    }
    start_entry(self);
    x86_panic("pCPU %u has nothing more to do", self->index);
}

void x86_start_pcpus(void (*entry)(struct x86_pcpu *self))
{
    start_entry = entry;
    for (unsigned i = 1; i < x86_nr_pcpus(); i++) {
        irq_send_kick(x86_pcpu(i));
    }
}
