/* SPDX-License-Identifier: MIT */
/* See arch.h; the assembly is in modes.S. */
#include <schedop/kit.h>

#include "../../src/guest/kit/layout.h"
#include "arch.h"
#include "lab.h"

#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>

#define PAGE 4096u
#define PTE_PRESENT 1u
#define PTE_WRITABLE 2u
#define PTE_USER 4u

#define MSR_APIC_BASE 0x1bu
#define MSR_X2APIC_EOI 0x80bu
#define MSR_X2APIC_SPURIOUS 0x80fu
#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_SFMASK 0xc0000084u
#define EFER_SCE 1u

extern const uint8_t kit_hypercall_page[];
extern const uint8_t mode_user_code[];
void mode_user_return(void);
uint32_t mode_call32(uint32_t number, uint32_t a1, uint32_t a2);
uint32_t mode_call_unpaged(uint32_t number, uint32_t a1, uint32_t a2);
uint64_t mode_user(uint64_t entry);
uint32_t mode_yield_changes(const void *slot);

struct __attribute__((packed)) table_pointer {
    uint16_t limit;
    uint64_t base;
};

/* ---- a mapped page with an unmapped neighbour ---- */

static uint8_t edge_pages[2 * PAGE] __attribute__((aligned(4096)));
static uint64_t tables[3][512] __attribute__((aligned(4096)));
static uint64_t edge_base; /* linear address of the two pages */

static uint64_t paddr_of(const void *object)
{
    return kit_frame(object) << 12;
}

/* PVH: own tables below an unused entry of the top level, at 512 GiB. */
static void map_edge_pvh(void)
{
    uint64_t cr3, *pml4;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    pml4 = kit_virt(cr3 & ~UINT64_C(0xfff));
    tables[2][0] = paddr_of(edge_pages) | PTE_PRESENT | PTE_WRITABLE;
    tables[2][2] = paddr_of(mode_user_code) | PTE_PRESENT | PTE_USER;
    tables[1][0] = paddr_of(tables[2]) | PTE_PRESENT | PTE_WRITABLE | PTE_USER;
    tables[0][0] = paddr_of(tables[1]) | PTE_PRESENT | PTE_WRITABLE | PTE_USER;
    pml4[1] = paddr_of(tables[0]) | PTE_PRESENT | PTE_WRITABLE | PTE_USER;
    __asm__ volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
    edge_base = UINT64_C(1) << 39;
}

static void map_edge_pv(void)
{
    edge_base = (uintptr_t)edge_pages;
    (void)schedop_hypercall3(__HYPERVISOR_update_va_mapping, edge_base + PAGE,
                             0, UVMF_INVLPG);
}

void *arch_edge(unsigned int size)
{
    uint8_t *p = (uint8_t *)(uintptr_t)(edge_base + PAGE - size);

    memset(p, 0, size);
    return p;
}

uint64_t arch_unmapped(void)
{
    return edge_base + PAGE;
}

/* ---- descriptors: the kit's five, then code for 32 bits and for users ---- */

static uint64_t gdt[9];

static void extend_gdt(void)
{
    struct table_pointer p;

    __asm__ volatile("sgdt %0" : "=m"(p));
    memcpy(gdt, (const void *)(uintptr_t)p.base, 5 * sizeof(gdt[0]));
    gdt[6] = 0x00cf9b000000ffff; /* 0x30: 32-bit code */
    gdt[7] = 0x00cff3000000ffff; /* 0x38: user data */
    gdt[8] = 0x00affb000000ffff; /* 0x40: user code */
    p.limit = sizeof(gdt) - 1;
    p.base = (uintptr_t)gdt;
    __asm__ volatile("lgdt %0" : : "m"(p) : "memory");
}

void arch_start(bool pv)
{
    if (pv) {
        map_edge_pv();
    } else {
        map_edge_pvh();
        extend_gdt();
    }
}

/* ---- either kind of guest ---- */

bool arch_is_processor(void)
{
    return true;
}

void cpu_relax(void)
{
    __builtin_ia32_pause();
}

void interrupts_on(void)
{
    if (lab_world() & IN_PV) {
        info_of(0)->evtchn_upcall_mask = 0;
    } else {
        __asm__ volatile("sti" ::: "memory");
    }
}

void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "0"(leaf), "2"(subleaf));
}

uint32_t registers_changed_by_yield(void)
{
    return mode_yield_changes(kit_hypercall_page + __HYPERVISOR_sched_op * 32);
}

const uint8_t *hypercall_page_bytes(void)
{
    return kit_hypercall_page;
}

uint64_t frame_of(const void *object)
{
    return kit_frame(object);
}

/* ---- PVH ---- */

bool interrupts_are_on(void)
{
    uint64_t flags;

    __asm__ volatile("pushf; pop %0" : "=r"(flags));
    return (flags & 0x200) != 0;
}

void enable_and_halt(void)
{
    __asm__ volatile("sti; hlt" ::: "memory");
}

void halt_interrupts_off(void)
{
    __asm__ volatile("cli; hlt" ::: "memory");
}

void *low_memory(unsigned int size)
{
    static uint8_t memory[64] __attribute__((aligned(64)));

    if (size > sizeof(memory)) {
        kit_panic("low_memory(%u)", size);
    }
    memset(memory, 0, sizeof(memory));
    return kit_virt(paddr_of(memory) + ((uintptr_t)memory & (PAGE - 1)));
}

uint32_t call32(uint32_t number, uint32_t a1, uint32_t a2)
{
    return mode_call32(number, a1, a2);
}

uint32_t poll_at_zero_without_paging(void)
{
    volatile uint32_t *zero = kit_virt(0);
    uint32_t kept, result;

    __asm__("" : "+r"(zero)); /* address 0 is memory here */
    kept = zero[1];
    zero[1] = 129;
    result = mode_call_unpaged(__HYPERVISOR_sched_op, SCHEDOP_poll, 0);
    zero[1] = kept;
    return result;
}

static uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32)));
}

void apic_enable(void)
{
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00); /* on, x2APIC */
    wrmsr(MSR_X2APIC_SPURIOUS, 0x1ff);                  /* on, vector 0xff */
}

void apic_end_of_interrupt(void)
{
    wrmsr(MSR_X2APIC_EOI, 0);
}

void call_from_user_mode(int results[2])
{
    uint64_t both;

    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
    wrmsr(MSR_STAR, (uint64_t)KIT_CS << 32);
    wrmsr(MSR_LSTAR, (uintptr_t)mode_user_return);
    wrmsr(MSR_SFMASK, 0x200);
    both = mode_user(edge_base + 2 * PAGE);
    results[0] = (int)(uint32_t)both;
    results[1] = (int)(uint32_t)(both >> 32);
}
