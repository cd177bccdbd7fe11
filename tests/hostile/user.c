/* SPDX-License-Identifier: MIT */
/*
 * Code of user processes, at privilege level 3: nothing a hypervisor remembers
 * of one may be believed of another that has the same addresses.
 */
#include "../../src/guest/kit/layout.h"
#include "hostile.h"

#define PAGE 4096u
#define USER_BASE (UINT64_C(1) << 40)
#define USER_PML4_SLOT 2u
#define MAP_FOR_USERS 7u /* present, writable, user */

#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_SFMASK 0xc0000084u
#define EFER_SCE 1u

static uint8_t code[PAGE] __attribute__((aligned(4096)));
static uint64_t tables[3][512] __attribute__((aligned(4096)));
static uint64_t gdt[9];

/*
 * uint32_t user_run(uint64_t entry): to level 3 with interrupts off and flags
 * clear; comes back by SYSCALL with its result in ebx. Users run without a
 * stack, as there is no TSS entry for a trap to come back by.
 */
uint32_t user_run(uint64_t entry);
void user_back(void);

__asm__(".bss\n"
        ".balign 8\n"
        "user_rsp: .skip 8\n"
        ".text\n"
        "user_run:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "mov %rsp, user_rsp(%rip)\n"
        "push $0x3b; push $0; push $2; push $0x43; push %rdi; iretq\n"
        "user_back:\n"
        "mov user_rsp(%rip), %rsp\n"
        "mov %ebx, %eax\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "ret\n");

static void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32)));
}

static void map_code(void)
{
    uint64_t cr3, *pml4;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    pml4 = physical(cr3 & ~UINT64_C(0xfff));
    tables[2][0] = kit_frame(code) << 12 | MAP_FOR_USERS;
    tables[1][0] = kit_frame(tables[2]) << 12 | MAP_FOR_USERS;
    tables[0][0] = kit_frame(tables[1]) << 12 | MAP_FOR_USERS;
    pml4[USER_PML4_SLOT] = kit_frame(tables[0]) << 12 | MAP_FOR_USERS;
    __asm__ volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
}

static void extend_gdt(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } p;

    __asm__ volatile("sgdt %0" : "=m"(p));
    memcpy(gdt, (const void *)(uintptr_t)p.base, 5 * sizeof(gdt[0]));
    gdt[7] = 0x00cff3000000ffff; /* 0x38: user data */
    gdt[8] = 0x00affb000000ffff; /* 0x40: user code */
    p.limit = sizeof(gdt) - 1;
    p.base = (uintptr_t)gdt;
    __asm__ volatile("lgdt %0" : : "m"(p));
}

static uint32_t run(const void *bytes, size_t size)
{
    memcpy(code, bytes, size);
    return user_run(USER_BASE);
}

/*
 * Two processes with a CPUID at one address, which the first has written with
 * a prefix. The second's carry flag tells whether the byte behind it ran.
 */
void cpuid_of_users(void)
{
    static const uint8_t first[] = {0x66, 0x0f, 0xa2, 0x31, 0xdb, 0x0f, 0x05};
    static const uint8_t second[] = {
        0x0f, 0xa2,       /* cpuid */
        0xf9,             /* stc */
        0x0f, 0x92, 0xc3, /* setc bl */
        0x0f, 0xb6, 0xdb, /* movzx ebx, bl */
        0x0f, 0x05,       /* syscall */
    };
    bool on = kit_events_off();

    map_code();
    extend_gdt();
    wrmsr(MSR_EFER, EFER_SCE | 0x500); /* long mode stays on */
    wrmsr(MSR_STAR, (uint64_t)KIT_CS << 32);
    wrmsr(MSR_LSTAR, (uintptr_t)user_back);
    wrmsr(MSR_SFMASK, 0x200);
    if (run(second, sizeof(second)) != 1) {
        complain("a user's cpuid is not stepped over");
    }
    (void)run(first, sizeof(first));
    if (run(second, sizeof(second)) != 1) {
        complain("one user's cpuid is stepped over by another's length");
    }
    kit_events_restore(on);
}
