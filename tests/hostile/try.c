/* SPDX-License-Identifier: MIT */
/* Attempts, random numbers and addresses: see hostile.h. */
#include "../../src/guest/kit/layout.h"
#include "hostile.h"

#define PAGE 4096u

/* ---- attempts ---- */

int try_run(void (*function)(void *), void *argument, uintptr_t *slot);
void try_landed(void);

static uintptr_t slots[KIT_VCPUS_MAX];
static uint64_t errors[KIT_VCPUS_MAX];

static bool on_trap(struct kit_regs *regs)
{
    unsigned int cpu = kit_cpu();

    if (regs->vector == 2) {
        return true; /* an NMI: ours, whoever sent it */
    }
    if (slots[cpu] == 0) {
        return false;
    }
    errors[cpu] = regs->error;
    regs->rip = (uintptr_t)try_landed;
    regs->rsp = slots[cpu];
    regs->rax = regs->vector;
    regs->rflags &= 0x202; /* interrupts as they were, all else plain */
    return true;
}

void attempts_start(void)
{
    kit_on_trap(on_trap);
}

int attempt(void (*function)(void *), void *argument)
{
    return try_run(function, argument, &slots[kit_cpu()]);
}

uint64_t last_error(void)
{
    return errors[kit_cpu()];
}

void try_rdmsr(void *access)
{
    struct access *a = access;
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(a->index));
    a->value = (uint64_t)high << 32 | low;
}

void try_wrmsr(void *access)
{
    const struct access *a = access;

    __asm__ volatile("wrmsr"
                     :
                     : "c"(a->index), "a"((uint32_t)a->value),
                       "d"((uint32_t)(a->value >> 32)));
}

/* ---- random numbers: xorshift64* ---- */

static uint64_t states[KIT_VCPUS_MAX];

void random_seed(uint64_t seed)
{
    for (unsigned int i = 0; i < KIT_VCPUS_MAX; i++) {
        states[i] =
            (seed + (uint64_t)i * 1000003) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    }
}

uint64_t random_next(void)
{
    uint64_t *state = &states[kit_cpu()];

    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

uint32_t random_below(uint32_t limit)
{
    return (uint32_t)((random_next() >> 32) * limit >> 32);
}

uint64_t random_odd(void)
{
    static const uint64_t extremes[] = {
        0,          1,           0x7fffffff,         0x80000000,
        0xffffffff, 0x100000000, INT64_MAX,          UINT64_C(1) << 63,
        UINT64_MAX, 0x7ff0,      0xffff800000000000, 0x800000000000};

    switch (random_below(4)) {
    case 0:
        return extremes[random_below(sizeof(extremes) / sizeof(*extremes))];
    case 1:
        return random_below(64);
    default:
        return random_next() >> random_below(64);
    }
}

/* ---- addresses ---- */

#define ANSWER_MAX 4096u /* no call writes more than that */

uint8_t arena[ARENA_SIZE] __attribute__((aligned(4096)));
static uint64_t tables[3][512] __attribute__((aligned(4096)));
static uint8_t second_arena[ARENA_SIZE] __attribute__((aligned(4096)));
static uint8_t last_pages[2][PAGE] __attribute__((aligned(4096)));

#define WINDOW (UINT64_C(1) << 39) /* own tables, from 512 GiB */
#define SLOT_LAST 0u               /* mapped, the next is not */
#define SLOT_LAST_SECOND 2u        /* the same of the other vCPUs */
#define SLOT_PHYSICAL 4u

static unsigned int second(void)
{
    return kit_cpu() != 0;
}

uint8_t *own_arena(void)
{
    return second() ? second_arena : arena;
}

static uint64_t table_paddr(const void *object)
{
    return kit_frame(object) << 12;
}

/* Small numbers are no addresses from here on: calls would write to us there.
 */
static void unmap_low(const uint64_t *pml4)
{
    uint64_t *pdpt = kit_virt(pml4[0] & ~UINT64_C(0xfff));

    pdpt[0] = 0;
}

static void reload_cr3(void)
{
    uint64_t cr3;

    __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
}

void targets_refresh(void)
{
    memset(last_pages[second()] + PAGE - 128, 0xff, 128);
}

void targets_start(void)
{
    uint64_t cr3, *pml4;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    pml4 = kit_virt(cr3 & ~UINT64_C(0xfff));
    targets_refresh();
    tables[2][SLOT_LAST] = table_paddr(last_pages[0]) | 3;
    tables[2][SLOT_LAST_SECOND] = table_paddr(last_pages[1]) | 3;
    tables[1][0] = table_paddr(tables[2]) | 3;
    tables[0][0] = table_paddr(tables[1]) | 3;
    pml4[1] = table_paddr(tables[0]) | 3;
    unmap_low(pml4);
    reload_cr3();
}

uint64_t unmapped_page(void)
{
    return WINDOW + ((second() ? SLOT_LAST_SECOND : SLOT_LAST) + 1) * PAGE;
}

void *physical(uint64_t paddr)
{
    tables[2][SLOT_PHYSICAL] = (paddr & ~UINT64_C(0xfff)) | 3;
    reload_cr3();
    return (void *)(WINDOW + SLOT_PHYSICAL * PAGE + (paddr & 0xfff));
}

uint64_t random_target(void)
{
    uint64_t in_arena =
        (uintptr_t)own_arena() + random_below(ARENA_SIZE - ANSWER_MAX);

    switch (random_below(12)) {
    case 0:
        return unmapped_page() + random_below(PAGE);
    case 1: /* across the end of what is mapped */
        return unmapped_page() - 1 - random_below(64);
    case 2: /* local APIC, IO-APIC, HPET, ACPI tables, above all that */
        return (random_next() & 1 ? 0xfee00000 : 0xfec00000) +
               random_below(PAGE);
    case 3:
        return 0xfc000000 + random_below(0x3ffffff);
    case 4: /* below 4 GiB but beyond RAM */
        return 0xc0000000 + random_below(0x20000000);
    case 5: /* where hypervisors live */
        return UINT64_C(0xffff800000000000) + random_next() % (1ull << 46);
    case 6: /* not canonical, and nothing behind the lower 48 bits */
        return UINT64_C(0x1234700000000000) + random_below(1u << 30);
    case 7: /* wraps around */
        return UINT64_MAX - random_below(64);
    default:
        return in_arena;
    }
}
