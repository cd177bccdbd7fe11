/* SPDX-License-Identifier: MIT */
/* Descriptor tables and vCPU start of a 64-bit PVH domain. */
#include "pvh.h"
#include <xen/hvm/hvm_vcpu.h>

#define VECTORS (KIT_VECTOR_EVENT + 1)
#define VECTOR_DOUBLE_FAULT 8

struct gate {
    uint16_t low, selector;
    uint8_t stack, type;
    uint16_t middle;
    uint32_t high, zero;
};
_Static_assert(sizeof(struct gate) == 16, "IDT gate");

struct tss {
    uint32_t zero;
    uint32_t rsp[3][2];
    uint32_t zero2[2];
    uint32_t fault_stack[7][2];
    uint32_t zero3[2];
    uint16_t zero4, iomap;
};
_Static_assert(sizeof(struct tss) == 104, "TSS");

struct gdt {
    uint64_t entry[5]; /* null, code, data, TSS in two */
};

struct __attribute__((packed)) table_pointer {
    uint16_t limit;
    uint64_t base;
};

static struct gate idt[VECTORS];
static struct gdt gdts[KIT_VCPUS_MAX];
static struct tss tsss[KIT_VCPUS_MAX];
static uint8_t fault_stack[4096] __attribute__((aligned(16)));

extern const char kit_boot_pml4[];

uintptr_t kit_pvh_paddr(const void *object)
{
    uintptr_t address = (uintptr_t)object;

    return address >= KIT_VIRT_BASE ? address - KIT_VIRT_BASE : address;
}

static void fill_idt(void)
{
    for (unsigned int i = 0; i < VECTORS; i++) {
        uintptr_t entry = kit_stubs[i];

        idt[i] = (struct gate){
            .low = (uint16_t)entry,
            .selector = KIT_CS,
            /* A double fault may come from a broken stack: use another. */
            .stack = i == VECTOR_DOUBLE_FAULT ? 1 : 0,
            .type = 0x8e, /* present, interrupt gate */
            .middle = (uint16_t)(entry >> 16),
            .high = (uint32_t)(entry >> 32),
        };
    }
}

static void fill_gdt(unsigned int cpu)
{
    struct tss *tss = &tsss[cpu];
    uintptr_t base = (uintptr_t)tss;
    uintptr_t stack = (uintptr_t)fault_stack + sizeof(fault_stack);

    tss->fault_stack[0][0] = (uint32_t)stack;
    tss->fault_stack[0][1] = (uint32_t)(stack >> 32);
    tss->iomap = sizeof(*tss);
    gdts[cpu] = (struct gdt){{
        0,
        0x00af9b000000ffff, /* KIT_CS: 64-bit code */
        0x00cf93000000ffff, /* KIT_DS */
        /* KIT_TSS: available 64-bit TSS, base in four pieces */
        UINT64_C(0x0000890000000000) | (sizeof(*tss) - 1) |
            (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56,
        base >> 32,
    }};
}

void kit_pvh_set_traps(unsigned int cpu)
{
    const struct table_pointer gdt = {sizeof(gdts[cpu]) - 1,
                                      (uintptr_t)&gdts[cpu]};
    const struct table_pointer idtr = {sizeof(idt) - 1, (uintptr_t)idt};

    fill_idt();
    fill_gdt(cpu);
    __asm__ volatile("lgdt %0; lidt %1" : : "m"(gdt), "m"(idtr) : "memory");
    __asm__ volatile("push %0; push $1f; lretq; 1:" : : "i"(KIT_CS) : "memory");
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss"
                     :
                     : "r"(KIT_DS)
                     : "memory");
    __asm__ volatile("ltr %w0" : : "r"(KIT_TSS) : "memory");
}

int kit_pvh_init_vcpu(unsigned int cpu, uintptr_t stack_top)
{
    struct vcpu_hvm_context context;

    memset(&context, 0, sizeof(context));
    context.mode = VCPU_HVM_MODE_64B;
    context.cpu_regs.x86_64.rip = (uintptr_t)kit_entry_vcpu;
    context.cpu_regs.x86_64.rsp = stack_top;
    context.cpu_regs.x86_64.rdi = cpu;
    context.cpu_regs.x86_64.rflags = 2;
    context.cpu_regs.x86_64.cr0 = 0x80010011; /* PG WP ET PE */
    context.cpu_regs.x86_64.cr3 = kit_pvh_paddr(kit_boot_pml4);
    context.cpu_regs.x86_64.cr4 = 0x20;   /* PAE */
    context.cpu_regs.x86_64.efer = 0x500; /* LMA LME */
    return schedop_vcpu_initialise(cpu, &context);
}
