/* SPDX-License-Identifier: MIT */
/* Exceptions: shown to a hook, or printed before the domain crashes. */
#include "private.h"

static bool (*trap_hook)(struct kit_regs *regs);

void kit_on_trap(bool (*hook)(struct kit_regs *regs))
{
    trap_hook = hook;
}

#if defined(__x86_64__)
static void print_regs(const struct kit_regs *r)
{
    kit_printf("rip %016lx rsp %016lx rflags %lx cs %lx ss %lx cr2 %lx\n",
               r->rip, r->rsp, r->rflags, r->cs & 0xffff, r->ss & 0xffff,
               kit_platform->fault_address());
    kit_printf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx,
               r->rcx, r->rdx);
    kit_printf("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", r->rsi, r->rdi,
               r->rbp, r->r8);
    kit_printf("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", r->r9, r->r10,
               r->r11, r->r12);
    kit_printf("r13 %016lx r14 %016lx r15 %016lx\n", r->r13, r->r14, r->r15);
}
#else
static void print_regs(const struct kit_regs *r)
{
    kit_printf("eip %08x esp %08x eflags %x cs %x\n", r->eip,
               (uint32_t)(uintptr_t)(r + 1), r->eflags, r->cs & 0xffff);
    kit_printf("eax %08x ebx %08x ecx %08x edx %08x\n", r->eax, r->ebx, r->ecx,
               r->edx);
    kit_printf("esi %08x edi %08x ebp %08x\n", r->esi, r->edi, r->ebp);
}
#endif

void kit_trap(struct kit_regs *regs)
{
    if (regs->vector == KIT_VECTOR_EVENT) {
        kit_upcall();
        return;
    }
    if (trap_hook && trap_hook(regs)) {
        return;
    }
    kit_printf("trap %lu, error code %lx, on vCPU %u\n",
               (unsigned long)regs->vector, (unsigned long)regs->error,
               kit_cpu());
    print_regs(regs);
    kit_exit(SHUTDOWN_crash);
}

void kit_failsafe(void)
{
    kit_panic("failsafe callback");
}
