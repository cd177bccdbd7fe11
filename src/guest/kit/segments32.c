/* SPDX-License-Identifier: MIT */
/* Descriptor tables and vCPU start of a 32-bit PVH domain, paging off. */
#include "pvh.h"
#include <xen/hvm/hvm_vcpu.h>

#define VECTORS (KIT_VECTOR_EVENT + 1)

struct gate {
    uint16_t low, selector;
    uint8_t zero, type;
    uint16_t high;
};
_Static_assert(sizeof(struct gate) == 8, "IDT gate");

struct __attribute__((packed)) table_pointer {
    uint16_t limit;
    uint32_t base;
};

static struct gate idt[VECTORS];
static const uint64_t gdt[] = {
    0, 0x00cf9b000000ffff, /* KIT_CS */
    0x00cf93000000ffff,    /* KIT_DS */
};

uintptr_t kit_pvh_paddr(const void *object)
{
    return (uintptr_t)object;
}

static void fill_idt(void)
{
    for (unsigned int i = 0; i < VECTORS; i++) {
        uintptr_t entry = kit_stubs[i];

        idt[i] = (struct gate){
            .low = (uint16_t)entry,
            .selector = KIT_CS,
            .type = 0x8e, /* present, 32-bit interrupt gate */
            .high = (uint16_t)(entry >> 16),
        };
    }
}

void kit_pvh_set_traps(unsigned int cpu)
{
    const struct table_pointer gdtr = {sizeof(gdt) - 1, (uintptr_t)gdt};
    const struct table_pointer idtr = {sizeof(idt) - 1, (uintptr_t)idt};

    (void)cpu;
    fill_idt();
    __asm__ volatile("lgdt %0; lidt %1" : : "m"(gdtr), "m"(idtr) : "memory");
    __asm__ volatile("ljmp %0, $1f; 1:" : : "i"(KIT_CS) : "memory");
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss"
                     :
                     : "r"(KIT_DS)
                     : "memory");
}

int kit_pvh_init_vcpu(unsigned int cpu, uintptr_t stack_top)
{
    struct vcpu_hvm_context context;
    struct vcpu_hvm_x86_32 *regs = &context.cpu_regs.x86_32;

    memset(&context, 0, sizeof(context));
    context.mode = VCPU_HVM_MODE_32B;
    regs->eip = (uintptr_t)kit_entry_vcpu;
    regs->esp = stack_top;
    regs->eax = cpu;
    regs->eflags = 2;
    regs->cr0 = 0x11; /* ET PE */
    regs->cs_limit = regs->ds_limit = UINT32_MAX;
    regs->ss_limit = regs->es_limit = UINT32_MAX;
    regs->tr_limit = 0x67;
    regs->cs_ar = 0xc9b; /* flat 32-bit code */
    regs->ds_ar = regs->ss_ar = regs->es_ar = 0xc93;
    regs->tr_ar = 0x8b; /* busy 32-bit TSS */
    return schedop_vcpu_initialise(cpu, &context);
}
