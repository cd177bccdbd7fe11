/* SPDX-License-Identifier: MIT */
/*
 * The interrupt descriptor table. Every exception in the hypervisor is a bug
 * of ours and ends in panic; an NMI is a message from another pCPU or from a
 * person; the rest goes to irq/.
 */
#include "cpu.h"

#include "../irq/irq.h"
#include "../mm/mm.h"
#include "asm.h"

struct gate {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

_Static_assert(sizeof(struct gate) == 16, "as the processor reads it");

#define GATE_INTERRUPT 0x8eu /* present, privilege 0, interrupts off inside */
#define STUB_SIZE 16ull

extern const char trap_stubs[], irq_timer_stub[], irq_kick_stub[];

_Static_assert(offsetof(struct x86_pcpu, timer_fired) == 32, "entry.S");
_Static_assert(offsetof(struct x86_pcpu, kicked) == 33, "entry.S");

static struct gate idt[256];

static void set_gate(unsigned vector, uint64_t stub, unsigned stack)
{
    idt[vector] = (struct gate){
        .offset_low = (uint16_t)stub,
        .selector = SELECTOR_CODE,
        .stack = (uint8_t)stack,
        .type = GATE_INTERRUPT,
        .offset_middle = (uint16_t)(stub >> 16),
        .offset_high = (uint32_t)(stub >> 32),
    };
}

static uint64_t common_stub(unsigned vector)
{
    return (uint64_t)trap_stubs + vector * STUB_SIZE;
}

void trap_load(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof(idt) - 1, (uint64_t)idt};

    __asm__ volatile("lidt %0" : : "m"(pointer) : "memory");
}

void trap_init(void)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        set_gate(vector, common_stub(vector), 0);
    }
    set_gate(VECTOR_TIMER, (uint64_t)irq_timer_stub, 0);
    set_gate(VECTOR_KICK, (uint64_t)irq_kick_stub, 0);
    trap_load();
}

void trap_use_ist(void)
{
    for (unsigned vector = 0; vector < VECTOR_EXCEPTIONS; vector++) {
        set_gate(vector, common_stub(vector), IST_FAULT);
    }
    set_gate(VECTOR_NMI, common_stub(VECTOR_NMI), IST_NMI);
    set_gate(VECTOR_DOUBLE_FAULT, common_stub(VECTOR_DOUBLE_FAULT), IST_DEAD);
    set_gate(VECTOR_MACHINE_CHECK, common_stub(VECTOR_MACHINE_CHECK), IST_DEAD);
}

bool trap_is_stack_address(uint64_t va)
{
    uint64_t pa;

    if (va >= VA_STACKS && va < VA_STACKS + X86_PCPUS_MAX * STACK_STRIDE) {
        return paging_lookup(va, &pa);
    }
    return va >= (uint64_t)image_guard + PAGE_SIZE && va < (uint64_t)image_end;
}

static void handle_nmi(void)
{
    struct x86_pcpu *self = x86_self();

    if (panic_active) {
        self->online = false;
        halt_forever();
    }
    self->priv->nmis++;
    tlb_flush_nmi(self);
}

void trap_dispatch(struct trap_frame *frame)
{
    if (frame->vector == VECTOR_NMI) {
        handle_nmi();
    } else if (frame->vector >= VECTOR_EXCEPTIONS) {
        irq_handle(frame->vector);
    } else {
        /* A guest's GS base may be loaded: find ourselves by the stack. */
        wrmsr(MSR_GS_BASE, (uint64_t)pcpu_by_stack((uint64_t)frame));
        panic_frame(frame);
    }
}
