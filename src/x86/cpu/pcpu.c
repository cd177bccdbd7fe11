/* SPDX-License-Identifier: MIT */
/*
 * The records of all pCPUs and the tables the processor reads from them. The
 * records are static: their number is small and x86_self() must work before
 * there is a heap.
 */
#include "cpu.h"

#include "../mm/mm.h"
#include "asm.h"

static struct x86_pcpu records[X86_PCPUS_MAX];
static struct x86_pcpu_private privates[X86_PCPUS_MAX];
static unsigned nr_records;

extern const uint64_t boot_gdt[4];

struct x86_pcpu *x86_pcpu(unsigned index)
{
    return index < nr_records ? &records[index] : NULL;
}

unsigned x86_nr_pcpus(void)
{
    return nr_records;
}

void pcpu_add(uint32_t apic_id)
{
    struct x86_pcpu *p = &records[nr_records];

    p->self = p;
    p->index = nr_records;
    p->apic_id = apic_id;
    p->priv = &privates[nr_records];
    nr_records++;
}

void pcpu_forget_last(void)
{
    nr_records--;
}

struct x86_pcpu *pcpu_by_stack(uint64_t rsp)
{
    if (rsp < VA_STACKS || rsp >= VA_STACKS + X86_PCPUS_MAX * STACK_STRIDE) {
        return &records[0];
    }
    return &records[(rsp - VA_STACKS) / STACK_STRIDE];
}

static void load_gdt(const uint64_t *gdt, size_t size)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {(uint16_t)(size - 1), (uint64_t)gdt};

    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%ds\n\t"
                     "movl %2, %%es\n\t"
                     "movl %2, %%ss"
                     :
                     : "m"(pointer), "i"(SELECTOR_CODE), "r"(SELECTOR_DATA)
                     : "rax", "memory");
}

void pcpu_load(struct x86_pcpu *p)
{
    struct x86_pcpu_private *priv = p->priv;

    for (unsigned i = 0; i < 4; i++) {
        priv->gdt[i] = boot_gdt[i];
    }
    load_gdt(priv->gdt, sizeof(priv->gdt));
    wrmsr(MSR_FS_BASE, 0);
    wrmsr(MSR_GS_BASE, (uint64_t)p);
}

void pcpu_load_tss(struct x86_pcpu *p)
{
    struct x86_pcpu_private *priv = p->priv;
    uint64_t base = (uint64_t)&priv->tss;

    priv->tss.rsp[0] = stack_top(p->index, STACK_MAIN);
    priv->tss.stack[IST_NMI - 1] = stack_top(p->index, STACK_NMI);
    priv->tss.stack[IST_FAULT - 1] = stack_top(p->index, STACK_FAULT);
    priv->tss.stack[IST_DEAD - 1] = stack_top(p->index, STACK_DEAD);
    priv->tss.io_map = sizeof(struct tss);
    priv->gdt[4] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 |
                   0x89ull << 40 | (base >> 24 & 0xff) << 56;
    priv->gdt[5] = base >> 32;
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS) : "memory");
}
