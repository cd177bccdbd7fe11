/* SPDX-License-Identifier: MIT */
/*
 * cpu/: pCPU records, descriptor tables, exceptions, panic; for the other
 * rooms of the lower half. What virt/ needs is in ../x86.h.
 */
#ifndef SCHEDOP_X86_CPU_CPU_H
#define SCHEDOP_X86_CPU_CPU_H

#include <stdatomic.h>

#include "../x86.h"

#define SELECTOR_CODE 0x08u
#define SELECTOR_DATA 0x10u
#define SELECTOR_TSS 0x20u

#define VECTOR_NMI 2u
#define VECTOR_DOUBLE_FAULT 8u
#define VECTOR_PAGE_FAULT 14u
#define VECTOR_MACHINE_CHECK 18u
#define VECTOR_EXCEPTIONS 32u /* those below are the processor's own */

/* Interrupt stack table entries: which stack an exception gets. */
#define IST_NMI 1u
#define IST_FAULT 2u
#define IST_DEAD 3u /* double fault, machine check */

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t stack[7];
    uint64_t reserved2;
    uint16_t reserved3, io_map;
} __attribute__((packed));

_Static_assert(sizeof(struct tss) == 104, "as the processor reads it");

struct x86_pcpu_private {
    uint64_t gdt[6]; /* null, code, data, code32, TSS in two */
    struct tss tss;
    _Atomic uint64_t flush_seen; /* last TLB flush this pCPU took part in */
    uint64_t nmis;
    uint64_t stray; /* interrupts nobody asked for */
    bool tsc_warped;
};

/* As trap_common pushes it, lowest address first. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct trap_frame) == 22 * sizeof(uint64_t),
               "as entry.S builds it");

/* pcpu.c */
void pcpu_add(uint32_t apic_id);    /* the first is the boot pCPU */
void pcpu_forget_last(void);        /* it did not start */
void pcpu_load(struct x86_pcpu *p); /* GDT, GS base; on the pCPU itself */
void pcpu_load_tss(struct x86_pcpu *p);
struct x86_pcpu *pcpu_by_stack(uint64_t rsp);

/* trap.c */
void trap_init(void);    /* fills and loads the IDT, no stack switching yet */
void trap_use_ist(void); /* from now on exceptions switch stacks */
void trap_load(void);    /* loads the IDT on another pCPU */
void trap_dispatch(struct trap_frame *frame);
bool trap_is_stack_address(uint64_t va);

/* panic.c */
extern volatile bool panic_active;
__attribute__((noreturn)) void panic_frame(const struct trap_frame *frame);

#endif
