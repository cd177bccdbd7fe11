/* SPDX-License-Identifier: MIT */
/*
 * Everything at random, on two vCPUs at once: hypercalls, MSRs, I/O ports,
 * CPUID leaves, and instructions whose bytes are made up, aimed at devices,
 * holes and ordinary memory.
 *
 * Mild, it leaves out what would end this domain by right, lives through its
 * `count` hypercalls a vCPU and powers off. Wild, nothing is left out: such a
 * life is short and ends by whatever it did first, or by a watchdog. Its
 * domain is restarted for another one, with another seed as time has passed,
 * until `seconds` of system time; then it ends by a soft reset.
 *
 * Whatever happens here, what counts is what others notice: nothing.
 */
#include "hostile.h"

#define CODE_MAX 64u
#define SHOW_EVERY 12u
#define WILD_LIFE_S 1u
#define VLAPIC 0xfee00000u

static bool wild;
static bool calls_only; /* such a life is longer */
static bool verbose;    /* verbose=1: what is about to be done */
static uint64_t count;
static volatile bool second_done;
static evtchn_port_t first_port;

struct tally {
    uint64_t calls, others;
};

static struct tally tallies[2];

/* ---- words that get out whatever has become of the console ---- */

static void say(const char *text)
{
    for (; *text; text++) {
        __asm__ volatile("outb %0, %1" : : "a"(*text), "d"((uint16_t)0xe9));
    }
}

/* ---- hypercalls ---- */

/*
 * The watchdog is what ends a life that has come to a standstill; and one that
 * sleeps most of the time does little harm.
 */
static bool may_call(struct call *c)
{
    uint32_t command = (uint32_t)c->arg[0];

    if (!wild) {
        return is_mild(c);
    }
    if (c->nr != __HYPERVISOR_sched_op) {
        return true;
    }
    return command != SCHEDOP_watchdog &&
           ((command != SCHEDOP_block && command != SCHEDOP_poll) ||
            random_below(8) == 0);
}

static void fuzz_call(struct tally *t)
{
    struct call c;

    if (random_below(16) == 0) {
        random_multicall();
        t->calls++;
        return;
    }
    do {
        random_call(&c);
    } while (!may_call(&c));
    if (verbose) {
        kit_printf("call %lu(%lx, %lx, %lx, %lx)\n", c.nr, c.arg[0], c.arg[1],
                   c.arg[2], c.arg[3]);
    }
    make_call(&c);
    t->calls++;
}

/* So that there are ports to be had again, and timers end. */
static void tidy(void)
{
    for (evtchn_port_t port = first_port; port < 4096; port++) {
        if (schedop_evtchn_close(port) == -XEN_EINVAL && port % 64 == 63) {
            break;
        }
    }
    for (unsigned int v = 0; v < 2; v++) {
        (void)schedop_hypercall3(__HYPERVISOR_vcpu_op,
                                 VCPUOP_stop_periodic_timer, v, 0);
    }
    release_watchdogs();
}

/* ---- instructions ---- */

struct run {
    uint64_t reg[16]; /* in the processor's order; rsp is left alone */
    uint64_t flags;
    const void *code;
};

void fuzz_run(void *run);

__asm__(".text\n"
        "fuzz_run:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "pushq 136(%rdi); pushq 128(%rdi); popfq\n"
        "mov 0(%rdi), %rax; mov 8(%rdi), %rcx; mov 16(%rdi), %rdx\n"
        "mov 24(%rdi), %rbx; mov 40(%rdi), %rbp; mov 48(%rdi), %rsi\n"
        "mov 64(%rdi), %r8; mov 72(%rdi), %r9; mov 80(%rdi), %r10\n"
        "mov 88(%rdi), %r11; mov 96(%rdi), %r12; mov 104(%rdi), %r13\n"
        "mov 112(%rdi), %r14; mov 120(%rdi), %r15; mov 56(%rdi), %rdi\n"
        "call *(%rsp)\n"
        "cld; add $8, %rsp\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "ret\n");

static uint8_t code[2][CODE_MAX] __attribute__((aligned(64)));

/* One-byte and 0F opcodes with a memory operand that harm nobody else. */
static const uint8_t plain[] = {
    0x00, 0x01, 0x02, 0x03, 0x08, 0x09, 0x0a, 0x0b, 0x10, 0x11, 0x12,
    0x13, 0x18, 0x19, 0x1a, 0x1b, 0x20, 0x21, 0x22, 0x23, 0x28, 0x29,
    0x2a, 0x2b, 0x30, 0x31, 0x32, 0x33, 0x38, 0x39, 0x3a, 0x3b, 0x63,
    0x69, 0x6b, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x8b, 0x8c, 0x8d, 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac,
    0xad, 0xae, 0xaf, 0xc0, 0xc1, 0xc6, 0xc7, 0xd0, 0xd1, 0xd2, 0xd3,
    0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xf6, 0xf7, 0xfe,
};

static const uint8_t extended[] = {
    0x0d, 0x10, 0x11, 0x12, 0x16, 0x18, 0x1f, 0x28, 0x29, 0x2a, 0x40,
    0x45, 0x4f, 0x51, 0x58, 0x6e, 0x6f, 0x7e, 0x7f, 0x90, 0x9f, 0xa4,
    0xa5, 0xac, 0xad, 0xae, 0xaf, 0xb0, 0xb1, 0xb6, 0xb7, 0xba, 0xbc,
    0xbd, 0xbe, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xc7, 0xd6, 0xe7, 0xfe,
};

/* Privileged, of virtualisation, or just odd; none that takes our tables. */
static const uint8_t privileged[][4] = {
    {2, 0x0f, 0x08},       /* invd */
    {2, 0x0f, 0x09},       /* wbinvd */
    {2, 0x0f, 0x06},       /* clts */
    {2, 0x0f, 0x0b},       /* ud2 */
    {2, 0x0f, 0x31},       /* rdtsc */
    {2, 0x0f, 0x33},       /* rdpmc */
    {2, 0x0f, 0x37},       /* getsec */
    {2, 0x0f, 0xaa},       /* rsm */
    {3, 0x0f, 0x01, 0xc1}, /* vmcall */
    {3, 0x0f, 0x01, 0xc8}, /* monitor */
    {3, 0x0f, 0x01, 0xc9}, /* mwait */
    {3, 0x0f, 0x01, 0xd0}, /* xgetbv */
    {3, 0x0f, 0x01, 0xd1}, /* xsetbv */
    {3, 0x0f, 0x01, 0xd8}, /* vmrun */
    {3, 0x0f, 0x01, 0xda}, /* vmload */
    {3, 0x0f, 0x01, 0xdb}, /* vmsave */
    {3, 0x0f, 0x01, 0xdc}, /* stgi */
    {3, 0x0f, 0x01, 0xdd}, /* clgi */
    {3, 0x0f, 0x01, 0xde}, /* skinit */
    {3, 0x0f, 0x01, 0xdf}, /* invlpga */
    {3, 0x0f, 0x01, 0xf9}, /* rdtscp */
    {3, 0x0f, 0x01, 0xfd}, /* rdpru */
    {3, 0x0f, 0x01, 0x3b}, /* invlpg (%rbx) */
    {3, 0x0f, 0x01, 0xe0}, /* smsw */
    {3, 0x0f, 0x20, 0xc0}, /* mov %cr0, %rax */
    {3, 0x0f, 0x20, 0xd8}, /* mov %cr3, %rax */
    {3, 0x0f, 0x20, 0xc8}, /* mov %cr1, %rax */
    {3, 0x0f, 0x20, 0xf8}, /* mov %cr7, %rax */
    {3, 0x0f, 0x21, 0xc0}, /* mov %dr0, %rax */
    {3, 0x0f, 0x21, 0xf0}, /* mov %dr6, %rax */
    {3, 0x0f, 0x23, 0xc0}, /* mov %rax, %dr0 */
    {2, 0x0f, 0xa2},       /* cpuid */
    {1, 0xcc},             /* int3 */
    {1, 0xf1},             /* icebp */
    {2, 0xcd, 0x80},       /* int $0x80 */
    {2, 0xf3, 0x90},       /* pause */
};

static unsigned int put_prefixes(uint8_t *at)
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3,
                                       0x2e, 0x36, 0x3e, 0x26, 0x64};
    unsigned int n = 0;

    while (n < 5 && random_below(3) == 0) {
        at[n++] = prefixes[random_below(sizeof(prefixes))];
    }
    if (random_below(2)) { /* REX: base and index stay rbx */
        at[n++] = 0x40 | (random_next() & 0xc);
    }
    return n;
}

/* No register operand is rsp: traps need a stack. */
static uint8_t some_modrm(void)
{
    uint8_t reg;

    do {
        reg = (uint8_t)random_below(8);
    } while (reg == 4);
    return (uint8_t)(reg << 3 | 3 | (random_below(4) ? 0 : 0x40));
}

/* Of the one-byte opcodes, those without operand bytes. */
static bool is_string(uint8_t opcode)
{
    return (opcode >= 0xa4 && opcode <= 0xa7) ||
           (opcode >= 0xaa && opcode <= 0xaf);
}

static void put_mild(uint8_t *at)
{
    unsigned int n = put_prefixes(at);

    if (random_below(4) == 0) {
        const uint8_t *p =
            privileged[random_below(sizeof(privileged) / sizeof(*privileged))];

        memcpy(at + n, p + 1, p[0]);
        at[n + p[0]] = 0xc3;
        return;
    }
    if (random_below(3) == 0) {
        at[n++] = 0x0f;
        at[n++] = extended[random_below(sizeof(extended))];
        at[n++] = some_modrm();
    } else {
        at[n++] = plain[random_below(sizeof(plain))];
        at[n] = is_string(at[n - 1]) ? 0xc3 : some_modrm();
        n++;
    }
    /* What an immediate takes too much or leaves over: returns. */
    memset(at + n, 0xc3, 12);
}

static void put_wild(uint8_t *at)
{
    for (unsigned int i = 0; i < CODE_MAX - 1; i++) {
        at[i] = (uint8_t)random_next();
    }
    if (random_below(2)) {
        at[put_prefixes(at)] = 0x0f;
    }
    at[CODE_MAX - 1] = 0xc3;
}

/* Not near the register that commands interrupts: one to reset ourselves would
 * end us. Strings go at most 512 bytes either way. */
static uint64_t apic_address(void)
{
    uint32_t low = 0x300 - 520, high = 0x310 + 520;

    return VLAPIC + (random_below(3) ? random_below(low)
                                     : high + random_below(0x1010 - high));
}

static uint64_t mild_address(void)
{
    uint64_t in_arena =
        (uintptr_t)own_arena() + 2048 + random_below(ARENA_SIZE - 8192);

    switch (random_below(8)) {
    case 0:
    case 1:
        return apic_address();
    case 2:
    case 3:
        return 0xd0000000 + random_below(0x2000);
    case 4:
        return unmapped_page() - random_below(16);
    case 5:
        return UINT64_C(0x1234700000000000) + random_below(64);
    default:
        return in_arena;
    }
}

static void fuzz_instruction(struct tally *t)
{
    uint8_t *at = code[kit_cpu()];
    struct run r = {.flags = 0x2 | (random_next() & 0xcd5), .code = at};
    bool on;

    for (unsigned int i = 0; i < 16; i++) {
        r.reg[i] = wild              ? random_odd()
                   : random_below(2) ? random_below(256)
                                     : mild_address();
    }
    r.reg[1] = random_below(64);
    r.reg[3] = mild_address();
    r.reg[6] = mild_address();
    r.reg[7] = mild_address();
    memset(at, 0xc3, CODE_MAX);
    if (wild) {
        put_wild(at);
    } else {
        put_mild(at);
    }
    on = kit_events_off();
    if (verbose) {
        kit_printf("insn %02x %02x %02x %02x %02x %02x %02x %02x rcx %lx rbx "
                   "%lx rsi %lx rdi %lx flags %lx\n",
                   at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7],
                   r.reg[1], r.reg[3], r.reg[6], r.reg[7], r.flags);
    }
    (void)attempt(fuzz_run, &r);
    kit_events_restore(on);
    t->others++;
}

/* ---- MSRs, ports, CPUID ---- */

static uint32_t random_msr(void)
{
    static const uint32_t bases[] = {
        0,          0x100,      0x200,      0x400,      0x800,      0x40000000,
        0xc0000080, 0xc0000100, 0xc0010000, 0xc0010100, 0xc0011000, 0xe0000000};

    if (random_below(8) == 0) {
        return (uint32_t)random_odd();
    }
    return bases[random_below(sizeof(bases) / sizeof(*bases))] +
           random_below(256);
}

static void fuzz_msr(struct tally *t)
{
    struct access a = {random_msr(), 0};
    uint64_t old;
    int trap = attempt(try_rdmsr, &a);

    old = a.value;
    if (verbose) {
        kit_printf("msr %x\n", a.index);
    }
    if (wild || !msr_is_ours(a.index)) {
        a.value = random_odd();
        (void)attempt(try_wrmsr, &a);
        if (!wild && trap == NO_TRAP) {
            a.value = old;
            (void)attempt(try_wrmsr, &a);
        }
    }
    if (!wild && trap != NO_TRAP && trap != 13) {
        complain("rdmsr %x: trap %d", a.index, trap);
    }
    t->others++;
}

static void fuzz_port(struct tally *t)
{
    static const uint8_t forms[][2] = {
        {0xec, 0x90}, {0x66, 0xed}, {0xed, 0x90}, {0xee, 0x90},
        {0x66, 0xef}, {0xef, 0x90}, {0xf3, 0x6c}, {0xf3, 0x6d},
        {0xf3, 0x6e}, {0xf3, 0x6f}, {0x6c, 0x90}, {0x6f, 0x90},
    };
    struct run r = {.flags = 0x2 | (random_next() & 0x400)};
    uint8_t *at = code[kit_cpu()];
    bool on = kit_events_off();
    uint16_t port =
        (uint16_t)(random_below(2) ? random_below(0x1000) : random_next());

    r.code = at;
    r.reg[0] = random_next();
    r.reg[1] = random_below(100);
    r.reg[2] = port == 0xe9 ? 0xea : port; /* what prints */
    r.reg[6] = wild ? random_target() : mild_address();
    r.reg[7] = wild ? random_target() : mild_address();
    memset(at, 0xc3, CODE_MAX);
    memcpy(at, forms[random_below(sizeof(forms) / 2)], 2);
    (void)attempt(fuzz_run, &r);
    kit_events_restore(on);
    t->others++;
}

static void do_cpuid(void *context)
{
    struct access *a = context;
    uint32_t eax = a->index, ebx, ecx = (uint32_t)a->value, edx;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
}

static void fuzz_cpuid(struct tally *t)
{
    static const uint32_t bases[] = {0, 0x40000000, 0x80000000, 0xc0000000};
    struct access a = {0, random_odd()};

    a.index = random_below(4) ? bases[random_below(4)] + random_below(64)
                              : (uint32_t)random_odd();
    if (attempt(do_cpuid, &a) != NO_TRAP && !wild) {
        complain("cpuid %x traps", a.index);
    }
    t->others++;
}

/* ---- the two vCPUs ---- */

static void one_step(struct tally *t)
{
    switch (calls_only ? 15 : random_below(16)) {
    case 0:
        fuzz_msr(t);
        break;
    case 1:
        fuzz_port(t);
        break;
    case 2:
        fuzz_cpuid(t);
        break;
    case 3:
    case 4:
        fuzz_instruction(t);
        break;
    default:
        fuzz_call(t);
        break;
    }
}

static void fuzz_vcpu(void *context)
{
    struct tally *t = &tallies[kit_cpu()];
    uint64_t shown = 0;

    (void)context;
    while (t->calls < count) {
        one_step(t);
        if (kit_cpu() == 0 && t->calls % 2048 == 2047 && !wild) {
            tidy();
            t->calls++;
        }
        if (wild && t->calls >= shown + SHOW_EVERY) {
            shown = t->calls;
            say("fuzz: a dozen wild calls\n");
        }
    }
    second_done = second_done || kit_cpu() == 1;
}

static void live_wildly(void)
{
    uint64_t now = kit_now_ns();
    struct schedop_watchdog dog;

    if (now > kit_arg_u64("seconds", 5) * 1000 * MS) {
        (void)schedop_shutdown(SHUTDOWN_soft_reset);
    }
    random_seed(kit_arg_u64("seed", 1) + now);
    calls_only = random_below(2) != 0;
    (void)schedop_watchdog_start(&dog, WILD_LIFE_S);
    count = UINT64_MAX;
    (void)kit_start_vcpu(1, fuzz_vcpu, NULL);
    fuzz_vcpu(NULL);
}

void fuzz(void)
{
    verbose = kit_arg_u64("verbose", 0) != 0;
    wild = kit_arg_u64("wild", 0) != 0;
    count = kit_arg_u64("count", 20000);
    if (wild) {
        live_wildly();
    }
    if (schedop_evtchn_alloc_unbound(DOMID_SELF, &first_port) != 0 ||
        kit_start_vcpu(1, fuzz_vcpu, NULL) != 0) {
        complain("cannot set up");
        return;
    }
    fuzz_vcpu(NULL);
    while (!second_done || schedop_vcpu_is_up(1) == 1) {
        release_watchdogs();
        kit_sleep_ns(MS);
    }
    for (unsigned int i = 0; i < 2; i++) {
        kit_printf("fuzz: vCPU %u: %lu calls, %lu others\n", i,
                   tallies[i].calls, tallies[i].others);
    }
}
