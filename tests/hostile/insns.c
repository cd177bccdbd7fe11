/* SPDX-License-Identifier: MIT */
/*
 * Privileged and odd instructions, and odd ways to reach a device.
 *
 * Each runs alone; what it ends in is compared with what a processor without
 * virtualisation does, or, where hypervisors may choose, only has to leave the
 * domain alive. Control registers are put back after each.
 */
#include "hostile.h"

#define ANY (-2)

#define UD 6
#define GP 13

struct insn {
    const char *name;
    void (*run)(void *);
    int trap; /* a vector, NO_TRAP or ANY */
};

/* Registers an instruction may use freely; rax to rdx start as given. */
#define INSN(name, a, b, c, d, text)                                           \
    static void run_##name(void *context)                                      \
    {                                                                          \
        uint64_t rax = (a), rbx = (b), rcx = (c), rdx = (d);                   \
                                                                               \
        (void)context;                                                         \
        __asm__ volatile(text                                                  \
                         : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx)          \
                         :                                                     \
                         : "rsi", "rdi", "r8", "r9", "r10", "r11", "memory",   \
                           "cc");                                              \
    }

#define ARENA ((uintptr_t)arena)

/* Virtualisation */
INSN(vmrun, ARENA & 0x7fffffff, 0, 0, 0, "vmrun")
INSN(vmload, 0x1000, 0, 0, 0, "vmload")
INSN(vmsave, 0x1000, 0, 0, 0, "vmsave")
INSN(stgi, 0, 0, 0, 0, "stgi")
INSN(clgi, 0, 0, 0, 0, "clgi")
INSN(skinit, 0, 0, 0, 0, "skinit %%eax")
INSN(invlpga, 0, 0, 1, 0, "invlpga %%rax, %%ecx")
INSN(vmcall, 99, 0, 0, 0, "vmcall")
INSN(vmxon, ARENA, 0, 0, 0, "vmxon (%%rax)")
INSN(vmxoff, 0, 0, 0, 0, "vmxoff")
INSN(vmmcall, 99, 0, 0, 0, "vmmcall")
INSN(vmmcall_prefixed, 99, 0, 0, 0, ".byte 0xf3, 0x66, 0x48; vmmcall")
INSN(rsm, 0, 0, 0, 0, "rsm")
INSN(monitor, ARENA, 0, 0, 0, "monitor")
INSN(mwait, 0, 0, 0, 0, "mwait")
INSN(getsec, 0, 0, 0, 0, ".byte 0x0f, 0x37")

/* Control and debug registers */
INSN(cr0_pg_without_pe, 0x80000010, 0, 0, 0, "mov %%rax, %%cr0")
INSN(cr0_upper, UINT64_C(0x180010011), 0, 0, 0, "mov %%rax, %%cr0")
INSN(cr1, 0, 0, 0, 0, ".byte 0x0f, 0x22, 0xc8")
INSN(cr4_all, UINT64_MAX, 0, 0, 0, "mov %%rax, %%cr4")
INSN(cr4_vmxe, 0x2020, 0, 0, 0, "mov %%rax, %%cr4")
INSN(cr4_no_pae, 0, 0, 0, 0, "mov %%rax, %%cr4")
INSN(cr8_odd, 0x10, 0, 0, 0, "mov %%rax, %%cr8")
INSN(cr8, 15, 0, 0, 0, "mov %%rax, %%cr8")
INSN(cr9, 0, 0, 0, 0, ".byte 0x44, 0x0f, 0x22, 0xc8")
INSN(dr7_upper, UINT64_C(1) << 32, 0, 0, 0, "mov %%rax, %%dr7")
INSN(dr6_upper, UINT64_C(1) << 32, 0, 0, 0, "mov %%rax, %%dr6")
INSN(dr8, 0, 0, 0, 0, ".byte 0x44, 0x0f, 0x23, 0xc0")
INSN(dr7_on, 0x400, 0, 0, 0, "mov %%rax, %%dr7")
INSN(lmsw, 0x1f, 0, 0, 0, "lmsw %%ax")
INSN(clts, 0, 0, 0, 0, "clts")
INSN(smsw, 0, 0, 0, 0, "smsw %%eax")
INSN(xsetbv, UINT64_MAX, 0, 0, UINT64_MAX, "xsetbv")
INSN(xsetbv_zero, 0, 0, 0, 0, "xsetbv")
INSN(xgetbv, 0, 0, 7, 0, "xgetbv")

/* Descriptors */
INSN(lgdt_bad, 0, 0, 0, 0,
     "movabs $0x1234567812345678, %%rax; push %%rax; push %%rax;"
     "lgdt 2(%%rsp); add $16, %%rsp")
INSN(lidt_bad, 0, 0, 0, 0,
     "movabs $0x1234567812345678, %%rax; push %%rax; push %%rax;"
     "lidt 2(%%rsp); add $16, %%rsp")
INSN(sidt, ARENA, 0, 0, 0, "sidt (%%rax); sgdt 16(%%rax); sldt 32(%%rax)")
INSN(lldt_bad, 0x1000, 0, 0, 0, "lldt %%ax")
INSN(ltr_busy, 0x18, 0, 0, 0, "ltr %%ax")
INSN(mov_ss_null_cpl, 0x3, 0, 0, 0, "mov %%eax, %%ss")
INSN(mov_ds_bad, 0x1000, 0, 0, 0, "mov %%eax, %%ds")
INSN(far_call_nowhere, 0, 0, 0, 0, "push $0x1000; push $0; lcall *(%%rsp)")
INSN(iret_nested_task, 0, 0, 0, 0, "pushf; orl $0x4000, (%%rsp); popf; iretq")
INSN(iret_bad_cs, 0, 0, 0, 0,
     "push $0; push $0; push $2; push $0x1000; push $0; iretq")
INSN(iret_not_canonical, 0, 0, 0, 0,
     "movabs $0x1234567812345678, %%rax; mov %%rsp, %%rcx; push $0x10;"
     "push %%rcx; push $2; push $8; push %%rax; iretq")
INSN(sysexit, 0, 0, 0, 0, "sysexitq")
INSN(sysret, 0, 0, 0, 0, "sysretq")
INSN(syscall, 0, 0, 0, 0, "syscall")

/* Traps */
INSN(int3, 0, 0, 0, 0, "int3")
INSN(icebp, 0, 0, 0, 0, ".byte 0xf1")
INSN(int80, 0, 0, 0, 0, "int $0x80")
INSN(int255, 0, 0, 0, 0, "int $0xff")
INSN(ud2, 0, 0, 0, 0, "ud2")
INSN(divide, 1, 0, 0, 0, "div %%ebx")
INSN(single_step, 0, 0, 0, 0, "pushf; orl $0x100, (%%rsp); popf; nop; nop")
INSN(step_over_cpuid, 0, 0, 0, 0,
     "pushf; orl $0x100, (%%rsp); popf; cpuid; nop")
INSN(step_over_call, 99, 0, 0, 0,
     "pushf; orl $0x100, (%%rsp); popf; vmmcall; nop")
INSN(not_canonical, UINT64_C(0x1234567812345678), 0, 0, 0, "mov (%%rax), %%bl")
INSN(too_long, 0, 0, 0, 0, ".fill 15, 1, 0x66; nop")
INSN(lock_bad, 0, 0, 0, 0, ".byte 0xf0, 0x90")

/* Caches, counters, others */
INSN(invd, 0, 0, 0, 0, "invd")
INSN(wbinvd, 0, 0, 0, 0, "wbinvd")
INSN(clflush_nowhere, UINT64_C(0x700000000000), 0, 0, 0, "clflush (%%rax)")
INSN(invlpg_nowhere, UINT64_C(0x700000000000), 0, 0, 0, "invlpg (%%rax)")
INSN(invpcid, 5, ARENA, 0, 0, "invpcid (%%rbx), %%rax")
INSN(rdpmc, 0, 0, 9, 0, "rdpmc")
INSN(rdtsc, 0, 0, 0, 0, "rdtsc")
INSN(rdtscp, 0, 0, 0, 0, "rdtscp")
INSN(rdpru, 0, 0, 0, 0, ".byte 0x0f, 0x01, 0xfd")
INSN(rdrand, 0, 0, 0, 0, "rdrand %%rax")
INSN(swapgs, 0, 0, 0, 0, "swapgs; swapgs")
INSN(pause, 0, 0, 0, 0, "pause")
INSN(cpuid_prefixed, 0, 0, 0, 0, ".byte 0xf2, 0x66, 0x48; cpuid")
INSN(wrmsr_prefixed, 0, 0, 0xdeadbeef, 0, ".byte 0xf2, 0x66; wrmsr")
INSN(xsaves, 0, ARENA, 0, 0, "xsaves (%%rbx)")

/* A device, reached oddly; 0xfee00000 is the local APIC, 0xd0000000 nothing */
#define APIC 0xfee00000u
#define HOLE 0xd0000000u
INSN(apic_byte, 0, APIC + 0x20, 0, 0, "movb (%%rbx), %%al; movb %%al, (%%rbx)")
INSN(apic_word, 0, APIC + 0x30, 0, 0, "movw 1(%%rbx), %%ax")
INSN(apic_quad, 0, APIC + 0x30, 0, 0, "mov (%%rbx), %%rax; mov %%rax, (%%rbx)")
INSN(apic_across, 0, APIC + 0xffe, 0, 0, "mov (%%rbx), %%eax")
INSN(apic_end, 0, APIC - 2, 0, 0, "mov (%%rbx), %%eax; mov %%eax, (%%rbx)")
INSN(apic_locked, 1, APIC + 0x80, 0, 0, "lock xadd %%eax, (%%rbx)")
INSN(apic_xchg, 0, APIC + 0x80, 0, 0, "xchg %%eax, (%%rbx)")
INSN(apic_cmpxchg8b, 0, APIC + 0x80, 0, 0, "lock cmpxchg8b (%%rbx)")
INSN(apic_cmpxchg16b, 0, APIC + 0x80, 0, 0, "lock cmpxchg16b (%%rbx)")
INSN(hole_stos, 0, HOLE, 600, 0, "mov %%rbx, %%rdi; rep stosq")
INSN(hole_stos_back, 0, HOLE, 600, 0, "mov %%rbx, %%rdi; std; rep stosb; cld")
INSN(hole_movs, ARENA, HOLE, 600, 0,
     "mov %%rbx, %%rsi; mov %%rax, %%rdi; rep movsb")
INSN(hole_movs_out, ARENA, HOLE, 600, 0,
     "mov %%rax, %%rsi; mov %%rbx, %%rdi; rep movsl")
INSN(hole_to_apic, APIC + 0x80, HOLE, 8, 0,
     "mov %%rbx, %%rsi; mov %%rax, %%rdi; rep movsl")
INSN(hole_cmps, ARENA, HOLE, 600, 0,
     "mov %%rax, %%rsi; mov %%rbx, %%rdi; repe cmpsb")
INSN(hole_push, 0, HOLE, 0, 0, "pushq (%%rbx); popq (%%rbx)")
INSN(hole_call, 0, HOLE, 0, 0, "call *(%%rbx)")
INSN(hole_jump, 0, HOLE, 0, 0, "jmp *(%%rbx)")
INSN(hole_fetch, 0, HOLE, 0, 0, "jmp *%%rbx")
INSN(hole_bts, 77, HOLE, 0, 0, "lock bts %%rax, (%%rbx)")
INSN(hole_neg, 0, HOLE, 0, 0, "negl (%%rbx); notb (%%rbx); incw (%%rbx)")
INSN(hole_shift, 0, HOLE, 3, 0, "shlq %%cl, (%%rbx); rolb (%%rbx)")
INSN(hole_div, 1, HOLE, 0, 0, "divl (%%rbx)")
INSN(hole_segment, 0, HOLE, 0, 0, "mov %%ds, (%%rbx); mov (%%rbx), %%es")
INSN(hole_x87, 0, HOLE, 0, 0, "fnstcw (%%rbx)")
INSN(hole_fxsave, 0, HOLE, 0, 0, "fxsave (%%rbx)")
INSN(hole_sse, 0, HOLE, 0, 0, "movups (%%rbx), %%xmm0; movups %%xmm0, (%%rbx)")
INSN(hole_lgdt, 0, HOLE, 0, 0, "lgdt (%%rbx)")
INSN(hole_sidt, 0, HOLE, 0, 0, "sidt (%%rbx)")
INSN(hole_xlat, 0, HOLE, 0, 0, "xlat")
INSN(hole_prefixes, 0, HOLE, 0, 0,
     ".byte 0x67, 0x2e, 0x3e, 0x64, 0x65, 0x66, 0x66, 0x66; mov (%%ebx), %%ax")
INSN(hole_vm, HOLE, 0, 0, 0, "vmload; vmsave")

#define ENTRY(name, trap)                                                      \
    {                                                                          \
#name, run_##name, trap                                                \
    }

static const struct insn insns[] = {
    ENTRY(vmrun, UD),
    ENTRY(vmload, UD),
    ENTRY(vmsave, UD),
    ENTRY(stgi, UD),
    ENTRY(clgi, UD),
    ENTRY(skinit, UD),
    ENTRY(invlpga, UD),
    ENTRY(vmcall, UD),
    ENTRY(vmxon, UD),
    ENTRY(vmxoff, UD),
    ENTRY(vmmcall, NO_TRAP),
    ENTRY(vmmcall_prefixed, ANY),
    ENTRY(rsm, UD),
    ENTRY(monitor, UD),
    ENTRY(mwait, UD),
    ENTRY(getsec, UD),
    ENTRY(cr0_pg_without_pe, ANY),
    ENTRY(cr0_upper, ANY),
    ENTRY(cr1, UD),
    ENTRY(cr4_all, GP),
    ENTRY(cr4_vmxe, GP),
    ENTRY(cr4_no_pae, GP),
    ENTRY(cr8_odd, ANY),
    ENTRY(cr8, NO_TRAP),
    ENTRY(cr9, UD),
    ENTRY(dr7_upper, ANY),
    ENTRY(dr6_upper, ANY),
    ENTRY(dr8, ANY),
    ENTRY(dr7_on, NO_TRAP),
    ENTRY(lmsw, NO_TRAP),
    ENTRY(clts, NO_TRAP),
    ENTRY(smsw, NO_TRAP),
    ENTRY(xsetbv, ANY),
    ENTRY(xsetbv_zero, ANY),
    ENTRY(xgetbv, ANY),
    ENTRY(lgdt_bad, ANY),
    ENTRY(lidt_bad, ANY),
    ENTRY(sidt, NO_TRAP),
    ENTRY(lldt_bad, GP),
    ENTRY(ltr_busy, GP),
    ENTRY(mov_ss_null_cpl, ANY),
    ENTRY(mov_ds_bad, GP),
    ENTRY(far_call_nowhere, GP),
    ENTRY(iret_nested_task, GP),
    ENTRY(iret_bad_cs, GP),
    ENTRY(iret_not_canonical, ANY),
    ENTRY(sysexit, ANY),
    ENTRY(sysret, UD),
    ENTRY(syscall, UD),
    ENTRY(int3, 3),
    ENTRY(icebp, ANY),
    ENTRY(int80, GP),
    ENTRY(int255, GP),
    ENTRY(ud2, UD),
    ENTRY(divide, 0),
    ENTRY(single_step, 1),
    ENTRY(step_over_cpuid, 1),
    ENTRY(step_over_call, 1),
    ENTRY(not_canonical, GP),
    ENTRY(too_long, ANY),
    ENTRY(lock_bad, UD),
    ENTRY(invd, ANY),
    ENTRY(wbinvd, NO_TRAP),
    ENTRY(clflush_nowhere, ANY),
    ENTRY(invlpg_nowhere, NO_TRAP),
    ENTRY(invpcid, ANY),
    ENTRY(rdpmc, ANY),
    ENTRY(rdtsc, NO_TRAP),
    ENTRY(rdtscp, ANY),
    ENTRY(rdpru, ANY),
    ENTRY(rdrand, ANY),
    ENTRY(swapgs, NO_TRAP),
    ENTRY(pause, NO_TRAP),
    ENTRY(cpuid_prefixed, NO_TRAP),
    ENTRY(wrmsr_prefixed, GP),
    ENTRY(xsaves, ANY),
    ENTRY(apic_byte, ANY),
    ENTRY(apic_word, ANY),
    ENTRY(apic_quad, ANY),
    ENTRY(apic_across, ANY),
    ENTRY(apic_end, ANY),
    ENTRY(apic_locked, ANY),
    ENTRY(apic_xchg, ANY),
    ENTRY(apic_cmpxchg8b, ANY),
    ENTRY(apic_cmpxchg16b, ANY),
    ENTRY(hole_stos, NO_TRAP),
    ENTRY(hole_stos_back, NO_TRAP),
    ENTRY(hole_movs, NO_TRAP),
    ENTRY(hole_movs_out, NO_TRAP),
    ENTRY(hole_to_apic, ANY),
    ENTRY(hole_cmps, ANY),
    ENTRY(hole_push, ANY),
    ENTRY(hole_call, ANY),
    ENTRY(hole_jump, ANY),
    ENTRY(hole_fetch, ANY),
    ENTRY(hole_bts, ANY),
    ENTRY(hole_neg, ANY),
    ENTRY(hole_shift, ANY),
    ENTRY(hole_div, ANY),
    ENTRY(hole_segment, ANY),
    ENTRY(hole_x87, ANY),
    ENTRY(hole_fxsave, ANY),
    ENTRY(hole_sse, ANY),
    ENTRY(hole_lgdt, ANY),
    ENTRY(hole_sidt, ANY),
    ENTRY(hole_xlat, ANY),
    ENTRY(hole_prefixes, ANY),
    ENTRY(hole_vm, UD),
};

struct registers {
    uint64_t cr0, cr3, cr4, cr8;
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } gdt, idt;
};

static void save(struct registers *r)
{
    __asm__ volatile("mov %%cr0, %0" : "=r"(r->cr0));
    __asm__ volatile("mov %%cr3, %0" : "=r"(r->cr3));
    __asm__ volatile("mov %%cr4, %0" : "=r"(r->cr4));
    __asm__ volatile("mov %%cr8, %0" : "=r"(r->cr8));
    __asm__ volatile("sgdt %0; sidt %1" : "=m"(r->gdt), "=m"(r->idt));
}

static void restore(const struct registers *r)
{
    __asm__ volatile("lgdt %0; lidt %1" : : "m"(r->gdt), "m"(r->idt));
    __asm__ volatile("mov %0, %%cr3" : : "r"(r->cr3) : "memory");
    __asm__ volatile("mov %0, %%cr0" : : "r"(r->cr0));
    __asm__ volatile("mov %0, %%cr4" : : "r"(r->cr4));
    __asm__ volatile("mov %0, %%cr8" : : "r"(r->cr8));
    __asm__ volatile("mov %0, %%ds; mov %0, %%es" : : "r"(0x10));
}

/* Everything off: an interrupt with a broken table would be our own end. */
void odd_instructions(void)
{
    struct registers registers;
    char only[32] = "";

    (void)kit_arg("only", only, sizeof(only));
    save(&registers);
    for (unsigned int i = 0; i < sizeof(insns) / sizeof(*insns); i++) {
        bool on;
        int trap;

        if (only[0] && strcmp(only, insns[i].name) != 0) {
            continue;
        }
        if (kit_arg_u64("verbose", 0)) {
            kit_printf("insns: %s\n", insns[i].name);
        }
        on = kit_events_off();
        trap = attempt(insns[i].run, NULL);
        restore(&registers);
        kit_events_restore(on);
        if (insns[i].trap != ANY && insns[i].trap != trap) {
            complain("%s: trap %d, not %d", insns[i].name, trap, insns[i].trap);
        }
    }
    kit_printf("insns: %s\n", only[0] ? only : "all done");
}
