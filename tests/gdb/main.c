/* SPDX-License-Identifier: MIT */
/*
 * A guest to be debugged (run.sh). It says what it sees of itself, which must
 * be the same with a debugger that stops and steps it and without one.
 *
 * do=flags   runs instructions that show or load the flags, and others that
 *            do not go the straight way; says what it saw of the trap flag
 * do=own     steps itself by the trap flag, and counts the traps
 * do=spin    two vCPUs count until `stop` is not 0
 * do=hits    two vCPUs call hit() 60 times each
 * do=arm     puts at=ADDRESS into its debug registers: a breakpoint there
 * do=int3    an INT3 of its own
 * do=crash   crashes
 */
#include <schedop/kit.h>

#define TF 0x100u
#define RF 0x10000u
#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_SFMASK 0xc0000084u

static volatile int stop, answer = 42;
static volatile uint64_t count[2];

static volatile uint64_t seen;  /* flags, of all sources together */
static volatile uint32_t traps; /* vectors that came */
static volatile int own_steps;  /* #DB that came */

static bool on_trap(struct kit_regs *r)
{
    seen |= r->rflags & ~(uint64_t)RF;
    traps |= 1u << (r->vector & 31);
    own_steps += r->vector == 1;
    if (r->vector == 6 || r->vector == 14) {
        r->rip += 2; /* UD2, MOV from (RAX) */
        return true;
    }
    return r->vector == 1 || r->vector == 3 || r->vector == 31;
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

/* SYSCALL within the kernel comes back by itself: rcx, flags in r11. */
static void call_system(void)
{
    uint64_t flags;

    __asm__ volatile("syscall" : "=a"(flags) : : "rcx", "r11", "memory", "cc");
    seen |= flags;
}

__asm__("system_entry:\n\t"
        "mov %r11, %rax\n\t"
        "jmp *%rcx\n");
extern const char system_entry[];

static void prepare_system(void)
{
    uint16_t cs;

    __asm__ volatile("mov %%cs, %0" : "=r"(cs));
    wrmsr(MSR_STAR, (uint64_t)cs << 32);
    wrmsr(MSR_LSTAR, (uintptr_t)system_entry);
    wrmsr(MSR_SFMASK, TF);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
}

/* The debugger steps through this one. */
__attribute__((noinline)) static void steps(void)
{
    uint64_t flags, scratch;

    __asm__ volatile("pushfq; pop %0" : "=r"(flags) : : "memory");
    seen |= flags;
    __asm__ volatile("pushfw; pushfq; pop %0; add $2, %%rsp; push %0; popfq"
                     : "=r"(flags)
                     :
                     : "memory", "cc");
    seen |= flags;
    __asm__ volatile("ud2" : : : "memory");
    __asm__ volatile("int $31" : : : "memory");
    __asm__ volatile(
        "xor %%eax, %%eax; not %%rax; shr $17, %%rax; mov (%%rax), "
        "%%ebx"
        : "=&a"(scratch)
        :
        : "rbx", "memory", "cc");
    /* IRET to the next instruction. */
    __asm__ volatile("mov %%rsp, %0\n\t"
                     "mov %%ss, %%eax\n\t"
                     "push %%rax\n\t"
                     "push %0\n\t"
                     "pushfq\n\t"
                     "mov %%cs, %%eax\n\t"
                     "push %%rax\n\t"
                     "lea 1f(%%rip), %%rax\n\t"
                     "push %%rax\n\t"
                     "iretq\n"
                     "1:"
                     : "=&r"(scratch)
                     :
                     : "rax", "memory", "cc");
    __asm__ volatile("cpuid" : "=a"(scratch) : "a"(0) : "rbx", "rcx", "rdx");
    call_system();
    schedop_yield();
    __asm__ volatile("pushfq; pop %0" : "=r"(flags) : : "memory");
    seen |= flags;
}

__attribute__((noinline)) static void stepped(void)
{
    kit_printf("trap flag %s, traps %x\n", seen & TF ? "seen" : "never seen",
               traps);
}

/* Eight instructions behind the first POPF, the last of which ends it. */
__attribute__((noinline)) static void step_oneself(void)
{
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n\t"
                     "nop; nop; cpuid; ud2\n\t"
                     "pushfq; andq $~0x100, (%%rsp); popfq\n\t"
                     "nop"
                     :
                     : "a"(0)
                     : "rbx", "rcx", "rdx", "memory", "cc");
}

__attribute__((noinline)) static void stepped_oneself(void)
{
    uint64_t dr6;

    __asm__ volatile("mov %%db6, %0" : "=r"(dr6));
    kit_printf("own steps: %d, traps %x, dr6 %lx\n", own_steps, traps,
               (unsigned long)dr6);
}

static void spin(void *context)
{
    volatile uint64_t *n = context;

    while (stop == 0) {
        (*n)++;
    }
}

static volatile uint64_t hits[2];

__attribute__((noinline)) static void hit(unsigned vcpu)
{
    hits[vcpu]++;
}

static void hit_often(void *context)
{
    for (unsigned i = 0; i < 60; i++) {
        hit((unsigned)(uintptr_t)context);
    }
}

__attribute__((noinline)) static int triple(int n)
{
    int result = n * 3;

    return result + answer;
}

/* Exits in many ways meanwhile; reads back what it wrote. */
static void arm(uint64_t address)
{
    uint64_t dr0, dr7;

    __asm__ volatile("mov %0, %%db0" : : "r"(address));
    __asm__ volatile("mov %0, %%db7" : : "r"(UINT64_C(0x402)));
    for (unsigned i = 0; i < 50; i++) {
        uint32_t a = 0, b, c, d;

        __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
        schedop_yield();
    }
    __asm__ volatile("mov %%db0, %0" : "=r"(dr0));
    __asm__ volatile("mov %%db7, %0" : "=r"(dr7));
    kit_printf("armed: %s\n",
               dr0 == address && dr7 == 0x402 ? "as written" : "otherwise");
}

static void own_breakpoint(void)
{
    __asm__ volatile("int3");
    kit_printf("past its own int3, traps %x\n", traps);
}

int main(void)
{
    char what[8] = "";

    (void)kit_arg("do", what, sizeof(what));
    kit_on_trap(on_trap);
    kit_printf("the answer is %d\n", triple(0));
    if (strcmp(what, "flags") == 0) {
        prepare_system();
        steps();
        stepped();
    } else if (strcmp(what, "own") == 0) {
        step_oneself();
        stepped_oneself();
    } else if (strcmp(what, "spin") == 0) {
        if (kit_start_vcpu(1, spin, (void *)(uintptr_t)&count[1]) != 0) {
            return 1;
        }
        spin((void *)(uintptr_t)&count[0]);
        kit_printf("stopped, stop is %d\n", stop);
    } else if (strcmp(what, "hits") == 0) {
        if (kit_start_vcpu(1, hit_often, (void *)1) != 0) {
            return 1;
        }
        hit_often((void *)0);
        while (schedop_vcpu_is_up(1) == 1) {
            schedop_yield();
        }
        kit_printf("hits: %u and %u\n", (unsigned)hits[0], (unsigned)hits[1]);
    } else if (strcmp(what, "arm") == 0) {
        arm(kit_arg_u64("at", 0));
    } else if (strcmp(what, "int3") == 0) {
        own_breakpoint();
    } else if (strcmp(what, "crash") == 0) {
        kit_exit(SHUTDOWN_crash);
    }
    return 0;
}
