/* SPDX-License-Identifier: MIT */
/*
 * What C cannot say: other processor modes, registers, bad memory. 64-bit
 * guests only; what is marked PVH must not be called in a PV one.
 */
#ifndef SCHEDOP_TESTS_ARCH_H
#define SCHEDOP_TESTS_ARCH_H

#include <stdbool.h>
#include <stdint.h>

/* Makes the descriptors and page tables below. Once, on vCPU 0. */
void arch_start(bool pv);

/* False: only the core of a hypervisor is here, in a process. */
bool arch_is_processor(void);

void cpu_relax(void);     /* in every loop that waits for another vCPU */
void interrupts_on(void); /* PV: the upcall mask off; takes nothing yet */

void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* Bit n set: register n of rdi (but its low half, the command), rsi, rdx,
 * rcx, r8, r9, r10, r11 changed over a yield through the hypercall page. */
uint32_t registers_changed_by_yield(void);

const uint8_t *hypercall_page_bytes(void);

/* Machine frame (PV) or guest frame (PVH) of an object of the image. */
uint64_t frame_of(const void *object);

/* `size` readable, zeroed bytes right before a page that is not mapped. */
void *arch_edge(unsigned int size);
uint64_t arch_unmapped(void); /* the address of that page */

/* ---- PVH ---- */

bool interrupts_are_on(void);
void enable_and_halt(void);     /* sti; hlt */
void halt_interrupts_off(void); /* cli; hlt */

/* The local APIC of this vCPU, in x2APIC mode. */
void apic_enable(void);
void apic_end_of_interrupt(void);

/* Zeroed memory below 4 GiB, the same at each call; at most 64 bytes. */
void *low_memory(unsigned int size);

/* A hypercall by vmmcall in 32-bit code, paging on. Interrupts off. */
uint32_t call32(uint32_t number, uint32_t a1, uint32_t a2);

/* Polls with operand address 0 from 32-bit code with paging off; there are
 * 129 ports in the structure. Interrupts off. */
uint32_t poll_at_zero_without_paging(void);

/* Results of a yield and of hypercall 99 at privilege level 3. */
void call_from_user_mode(int results[2]);

#endif
