/* SPDX-License-Identifier: MIT */
/*
 * From the first C function to x86_main(): the order in which the rooms of
 * the lower half come to life.
 */
#include "boot.h"

#include "../console.h"
#include "../cpu/cpu.h"
#include "../irq/irq.h"
#include "../mm/mm.h"
#include "acpi.h"

__attribute__((noreturn)) void boot_main(uint32_t magic, uint64_t info_pa);

/* What the boot alone needed is good for other things now. */
static void boot_settle(void)
{
    multiboot_settle();
    ram_settle();
    heap_give(image_boot_start, image_boot_end);
}

/* On the boot pCPU's own stack, with the final page tables. */
static void boot_continue(void)
{
    struct x86_pcpu *self = x86_self();

    pcpu_load_tss(self);
    trap_use_ist();
    apic_init();
    time_init();
    ioapic_init();
    console_input(); /* what came before went unheard */
    link_input();
    self->online = true;
    smp_start_all();
    boot_settle();
    if (boot_options.test[0] != '\0') {
        test_run(boot_options.test);
    }
    x86_main();
}

/* Entered from head.S on the boot stack, the low 4 GiB mapped. */
void boot_main(uint32_t magic, uint64_t info_pa)
{
    pcpu_add(0);
    pcpu_load(x86_pcpu(0));
    trap_init();
    console_init();
    multiboot_read(magic, info_pa);
    cmdline_parse();
    link_init();
    ram_init();
    acpi_init();
    paging_init();
    window_init();
    paging_map_stacks(0);
    boot_call_on(boot_continue, stack_top(0, STACK_MAIN));
}
