/* SPDX-License-Identifier: MIT */
/*
 * The end: stops the other pCPUs, tells what is known on COM1 and on the
 * link, and stops the machine. Uses no lock that a stopped pCPU may hold.
 */
#include "cpu.h"

#include "../console.h"
#include "../irq/irq.h"
#include "../mm/mm.h"
#include "asm.h"
#include "power.h"
#include "symbols.h"

#define TRACE_MAX 24u
#define STOP_TICKS_MAX (1ull << 28) /* of the TSC: 0.1 s or so */

volatile bool panic_active;

static _Atomic bool panic_taken;

static const char *const exception_names[VECTOR_EXCEPTIONS] = {
    [0] = "divide error",        [1] = "debug exception",
    [3] = "breakpoint",          [4] = "overflow",
    [5] = "bound exceeded",      [6] = "invalid opcode",
    [7] = "no coprocessor",      [8] = "double fault",
    [10] = "invalid TSS",        [11] = "segment not present",
    [12] = "stack fault",        [13] = "general protection fault",
    [14] = "page fault",         [16] = "floating-point error",
    [17] = "alignment check",    [18] = "machine check",
    [19] = "SIMD error",         [20] = "virtualization exception",
    [21] = "control protection", [29] = "VMM communication",
    [30] = "security exception",
};

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
    char line[256];
    va_list ap;

    va_start(ap, fmt);
    int len = x86_vsnprintf(line, sizeof(line) - 1, fmt, ap);
    va_end(ap);
    if (len > (int)sizeof(line) - 2) {
        len = (int)sizeof(line) - 2;
    }
    line[len] = '\n';
    console_write(line, (size_t)len + 1);
}

/* Their NMI handler says they are off; not for ever, one may be lost. */
static void wait_stopped(void)
{
    const struct x86_pcpu *self = x86_self();
    uint64_t start = rdtsc_ordered();

    for (unsigned i = 0; i < x86_nr_pcpus(); i++) {
        const struct x86_pcpu *p = x86_pcpu(i);

        while (p != self && p->online &&
               rdtsc_ordered() - start < STOP_TICKS_MAX) {
            pause();
        }
    }
}

/* Only one pCPU tells; a second fault while telling just stops. */
static void begin(void)
{
    if (atomic_exchange(&panic_taken, true)) {
        halt_forever();
    }
    panic_active = true;
    apic_stop_others();
    wait_stopped();
    console_break_locks();
    console_write("\n", 1);
}

static void say_address(const char *what, uint64_t address)
{
    uint64_t offset = 0;
    const char *name = symbol_find(address, &offset);

    if (name == NULL) {
        say("%s%016llx", what, (unsigned long long)address);
    } else {
        say("%s%016llx %s+0x%llx", what, (unsigned long long)address, name,
            (unsigned long long)offset);
    }
}

static void say_trace(uint64_t rbp)
{
    say("call trace:");
    for (unsigned i = 0; i < TRACE_MAX; i++) {
        const uint64_t *frame = (const uint64_t *)rbp;

        if (rbp % 8 != 0 || !trap_is_stack_address(rbp) ||
            !trap_is_stack_address(rbp + 8) || frame[1] == 0) {
            break;
        }
        say_address("  ", frame[1]);
        if (frame[0] <= rbp) {
            break;
        }
        rbp = frame[0];
    }
}

__attribute__((noreturn)) static void finish(const char *text)
{
    link_panic(text);
    power_panic();
}

static void say_registers(const struct trap_frame *f)
{
    const uint64_t r[][4] = {
        {f->rax, f->rbx, f->rcx, f->rdx},
        {f->rsi, f->rdi, f->rbp, f->rsp},
        {f->r8, f->r9, f->r10, f->r11},
        {f->r12, f->r13, f->r14, f->r15},
        {read_cr0(), read_cr2(), read_cr3(), read_cr4()},
    };
    static const char *const names[][4] = {
        {"rax", "rbx", "rcx", "rdx"}, {"rsi", "rdi", "rbp", "rsp"},
        {"r8 ", "r9 ", "r10", "r11"}, {"r12", "r13", "r14", "r15"},
        {"cr0", "cr2", "cr3", "cr4"},
    };

    for (unsigned i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
        say("%s %016llx %s %016llx %s %016llx %s %016llx", names[i][0],
            (unsigned long long)r[i][0], names[i][1],
            (unsigned long long)r[i][1], names[i][2],
            (unsigned long long)r[i][2], names[i][3],
            (unsigned long long)r[i][3]);
    }
    say("rflags %llx cs %llx ss %llx", (unsigned long long)f->rflags,
        (unsigned long long)f->cs, (unsigned long long)f->ss);
}

/* What a page fault address means, where we know. */
static const char *explain(const struct trap_frame *f, uint64_t address)
{
    if (address < PAGE_SIZE) {
        return " (NULL pointer)";
    }
    if ((f->error & 16) != 0) {
        return " (execution of data)";
    }
    if (address >= VA_STACKS && address < VA_DEVICES) {
        return " (stack overflow)";
    }
    if (address >= (uint64_t)image_start && address < (uint64_t)image_end) {
        if (address >= (uint64_t)image_guard &&
            address < (uint64_t)image_guard + PAGE_SIZE) {
            return " (boot stack overflow)";
        }
        return " (write to read-only image)";
    }
    return "";
}

/* "function+0x12", or the bare address. */
static void place(char *out, size_t size, uint64_t address)
{
    uint64_t offset = 0;
    const char *name = symbol_find(address, &offset);

    if (name == NULL) {
        x86_snprintf(out, size, "0x%llx", (unsigned long long)address);
    } else {
        x86_snprintf(out, size, "%s+0x%llx", name, (unsigned long long)offset);
    }
}

static void describe(char *out, size_t size, const struct trap_frame *f)
{
    const char *name = exception_names[f->vector];
    char where[80];

    place(where, sizeof(where), f->rip);
    if (f->vector == VECTOR_PAGE_FAULT || f->vector == VECTOR_DOUBLE_FAULT) {
        x86_snprintf(out, size, "%s at %s, address 0x%llx%s", name, where,
                     (unsigned long long)read_cr2(), explain(f, read_cr2()));
    } else {
        x86_snprintf(out, size, "%s at %s", name != NULL ? name : "exception",
                     where);
    }
}

void panic_frame(const struct trap_frame *f)
{
    uint64_t offset;
    char text[200];

    begin();
    describe(text, sizeof(text), f);
    say("PANIC on pCPU %u: %s", x86_self()->index, text);
    say("vector %llu error %llx", (unsigned long long)f->vector,
        (unsigned long long)f->error);
    say_address("rip ", f->rip);
    say_registers(f);
    if (symbol_find(f->rip, &offset) == NULL && trap_is_stack_address(f->rsp)) {
        /* Jumped to nowhere: who did is on top of the stack. */
        say_address("called from ", *(const uint64_t *)f->rsp);
    }
    say_trace(f->rbp);
    finish(text);
}

void x86_panic(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    begin();
    va_start(ap, fmt);
    x86_vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    say("PANIC on pCPU %u: %s", x86_self()->index, text);
    say_trace((uint64_t)__builtin_frame_address(0));
    finish(text);
}
