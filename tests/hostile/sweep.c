/* SPDX-License-Identifier: MIT */
/*
 * Sweeps: every MSR of the known ranges, I/O ports of all sizes, CPUID leaves.
 *
 * A guest may read what a virtual processor has and gets #GP or all ones for
 * the rest. What must not be: another trap, a hang, a crash, or a register of
 * the machine below that a write changes.
 */
#include "hostile.h"

/* ---- MSRs ---- */

/* What a write of would take from under our feet, not from others'. */
bool msr_is_ours(uint32_t msr)
{
    return msr == 0x1b ||                             /* where the APIC is */
           (msr >= 0x40000000 && msr < 0x40000200) || /* hypercall page */
           (msr >= 0x800 && msr < 0x900) ||           /* x2APIC: INIT, timers */
           (msr >= 0xc0000080 && msr < 0xc0000104);   /* EFER, FS, GS */
}

static unsigned int msr_range(uint32_t first, uint32_t last)
{
    unsigned int readable = 0;

    for (uint32_t i = first; i <= last; i++) {
        struct access a = {i, 0};
        int trap = attempt(try_rdmsr, &a);
        uint64_t old = a.value;

        readable += trap == NO_TRAP;
        if (trap != NO_TRAP && trap != 13) {
            complain("rdmsr %x: trap %d", i, trap);
        }
        if (msr_is_ours(i)) {
            continue;
        }
        a.value = random_odd();
        trap = attempt(try_wrmsr, &a);
        if (trap != NO_TRAP && trap != 13) {
            complain("wrmsr %x: trap %d", i, trap);
        }
        a.value = old;
        (void)attempt(try_wrmsr, &a);
    }
    return readable;
}

static void sweep_msrs(void)
{
    unsigned int n = msr_range(0, 0xfff);

    n += msr_range(0x40000000, 0x400001ff);
    n += msr_range(0xc0000000, 0xc00002ff);
    n += msr_range(0xc0010000, 0xc00101ff);
    n += msr_range(0xc0011000, 0xc00110ff);
    for (unsigned int i = 0; i < 500; i++) {
        uint32_t msr = (uint32_t)random_next();

        n += msr_is_ours(msr) ? 0 : msr_range(msr, msr);
    }
    kit_printf("sweep: MSRs done, %s readable\n", n > 10 ? "some" : "few");
}

/* Owning these would be the end of the others. */
static void forbidden_msrs(void)
{
    static const struct access wants[] = {
        {0xc0000080, 0x1d01},     /* EFER.SVME */
        {0xc0010114, 0},          /* VM_CR */
        {0xc0010117, 0x1000},     /* VM_HSAVE_PA */
        {0x1b, 0xfee00d01},       /* reserved bits of the APIC base */
        {0x40000000, 0x123},      /* hypercall page, not aligned */
        {0x40000000, 0xfee00000}, /* hypercall page where no RAM is */
        {0x40000000, UINT64_C(1) << 51},
    };

    for (unsigned int i = 0; i < sizeof(wants) / sizeof(*wants); i++) {
        struct access a = wants[i];
        int trap = attempt(try_wrmsr, &a);

        if (trap != 13) {
            complain("wrmsr %x with %lx: trap %d, not 13", a.index, a.value,
                     trap);
        }
    }
}

/* ---- ports ---- */

struct port {
    uint16_t number;
    uint32_t value;
    unsigned int how;
};

static void do_port(void *context)
{
    struct port *p = context;

    switch (p->how) {
    case 0:
        __asm__ volatile("inb %1, %b0" : "+a"(p->value) : "d"(p->number));
        break;
    case 1:
        __asm__ volatile("inw %1, %w0" : "+a"(p->value) : "d"(p->number));
        break;
    case 2:
        __asm__ volatile("inl %1, %0" : "+a"(p->value) : "d"(p->number));
        break;
    case 3:
        __asm__ volatile("outb %b0, %1" : : "a"(p->value), "d"(p->number));
        break;
    case 4:
        __asm__ volatile("outw %w0, %1" : : "a"(p->value), "d"(p->number));
        break;
    default:
        __asm__ volatile("outl %0, %1" : : "a"(p->value), "d"(p->number));
        break;
    }
}

#define DEBUG_PORT 0xe9u

static void one_port(uint16_t number, unsigned int how)
{
    static const uint32_t ones[] = {0xff, 0xffff, 0xffffffff};
    struct port p = {number, 0, how};
    int trap;

    if (how >= 3) {
        if (number == DEBUG_PORT) {
            return; /* would garble the console */
        }
        p.value = (uint32_t)random_next();
    }
    trap = attempt(do_port, &p);
    if (trap != NO_TRAP) {
        complain("port %x: trap %d", number, trap);
    } else if (how < 3 && p.value != ones[how] && number != DEBUG_PORT) {
        complain("port %x reads %x", number, p.value);
    }
}

static void sweep_ports(void)
{
    for (uint32_t i = 0; i < 0x500; i++) { /* where devices are */
        one_port((uint16_t)i, i % 6);
        one_port((uint16_t)i, (i + 3) % 6);
    }
    for (uint32_t i = 0; i < 0x10000; i += 1 + random_below(40)) {
        one_port((uint16_t)i, random_below(6));
    }
    for (uint16_t i = 0xcf8; i < 0xd00; i++) {
        for (unsigned int how = 0; how < 6; how++) {
            one_port(i, how);
        }
    }
    kit_printf("sweep: ports done\n");
}

struct string_io {
    uint64_t address, count;
    bool in;
};

static void do_string_io(void *context)
{
    struct string_io s = *(struct string_io *)context;

    if (s.in) {
        __asm__ volatile("rep insb"
                         : "+D"(s.address), "+c"(s.count)
                         : "d"(0x80)
                         : "memory");
    } else {
        __asm__ volatile("rep outsl"
                         : "+S"(s.address), "+c"(s.count)
                         : "d"(0x80)
                         : "memory");
    }
}

static void sweep_string_io(void)
{
    struct string_io s = {(uintptr_t)arena, 100, true};

    arena[99] = 0;
    arena[100] = 0x5a;
    if (attempt(do_string_io, &s) != NO_TRAP || arena[99] != 0xff ||
        arena[100] != 0x5a) {
        complain("rep insb went wrong");
    }
    s.address = unmapped_page() - 50; /* faults half-way */
    if (attempt(do_string_io, &s) != 14) {
        complain("rep insb into nothing: no page fault");
    }
    s.in = false;
    s.count = UINT64_C(1) << 60; /* faults at the end of the page at most */
    if (attempt(do_string_io, &s) != 14) {
        complain("rep outsl from nothing: no page fault");
    }
    s.address = 0xfee00000; /* out of a device */
    s.count = 4;
    (void)attempt(do_string_io, &s);
    s.in = true;
    (void)attempt(do_string_io, &s);
    s.count = 0;
    s.address = UINT64_MAX;
    if (attempt(do_string_io, &s) != NO_TRAP) {
        complain("rep insb of nothing traps");
    }
}

/* ---- CPUID ---- */

static void do_cpuid(void *context)
{
    struct access *a = context;
    uint32_t eax = a->index, ebx, ecx = (uint32_t)a->value, edx;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    a->value = ecx;
}

static void sweep_cpuid(void)
{
    static const uint32_t bases[] = {0,          0x40000000, 0x40000100,
                                     0x80000000, 0x8fffff00, 0xc0000000,
                                     0xffffff00};

    for (unsigned int b = 0; b < sizeof(bases) / sizeof(*bases); b++) {
        for (uint32_t i = 0; i < 0x60; i++) {
            struct access a = {bases[b] + i, random_below(8)};

            if (attempt(do_cpuid, &a) != NO_TRAP) {
                complain("cpuid %x traps", a.index);
            }
        }
    }
    struct access svm = {0x80000001, 0};

    (void)attempt(do_cpuid, &svm);
    if (svm.value & 4) {
        complain("CPUID offers SVM");
    }
    kit_printf("sweep: CPUID done\n");
}

void sweep(void)
{
    sweep_cpuid();
    for (uint64_t i = kit_arg_u64("repeat", 1); i > 0; i--) {
        sweep_msrs();
    }
    forbidden_msrs();
    sweep_ports();
    sweep_string_io();
}
