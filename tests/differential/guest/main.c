/* SPDX-License-Identifier: MIT */
/*
 * The interpreter of differential programs: one PVH image for real Xen and
 * for schedop, run as the hardware domain with four vCPUs on two pCPUs. The
 * programs are its module, see ../program.h.
 *
 * It prints "= ID HASH" for each program, the hash being that of the
 * transcript; with `show` on the command line also the transcript, as lines
 * "| ID text", with `show=ID` that of one program. "? ID late" and "! ID stuck"
 * are what they say; after the latter nothing more is run. Lines with "+" say
 * at the end which operations had which results. `alter=OPERATION` makes the
 * transcript wrong.
 */
#include "guest.h"

#include <xen/hvm/params.h>

#define ATTEMPTS 3u

/* Segments for code of either width; the kit has no 32-bit one. */
static void extend_segments(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } pointer;
    static uint64_t gdt[VCPUS][6];
    unsigned int cpu = kit_cpu();

    __asm__ volatile("sgdt %0" : "=m"(pointer));
    memcpy(gdt[cpu], (const void *)(uintptr_t)pointer.base, 5 * 8);
    gdt[cpu][5] = 0x00cf9b000000ffff; /* 0x28 */
    pointer.limit = sizeof(gdt[cpu]) - 1;
    pointer.base = (uintptr_t)gdt[cpu];
    __asm__ volatile("lgdt %0" : : "m"(pointer) : "memory");
}

void start_vcpu(void)
{
    extend_segments();
}

/* False when nothing more can be run. */
static bool run_one(const struct program *p, bool show)
{
    enum outcome outcome = OUTCOME_LATE;

    for (unsigned int i = 0; i < ATTEMPTS && outcome == OUTCOME_LATE; i++) {
        record_begin(p->id, show);
        outcome = conduct((const struct statement *)(p + 1), p->statements);
    }
    record_print();
    if (outcome == OUTCOME_LATE) {
        kit_printf("? %u late\n", p->id);
    } else if (outcome == OUTCOME_STUCK) {
        kit_printf("! %u stuck\n", p->id);
        return false;
    } else {
        kit_printf("= %u %016lx\n", p->id, (unsigned long)record_hash());
    }
    return true;
}

/* The program at `*from` of the module, if it is whole. */
static const struct program *next(const uint8_t **from, const uint8_t *end)
{
    const struct program *p = (const void *)*from;
    size_t left = (size_t)(end - *from);

    if (left < sizeof(*p) || p->statements > PROGRAM_STATEMENTS_MAX ||
        left - sizeof(*p) < p->statements * sizeof(struct statement)) {
        return NULL;
    }
    *from += sizeof(*p) + p->statements * sizeof(struct statement);
    return p;
}

/* Whether the transcript of this program is wanted. */
static bool is_shown(uint32_t id)
{
    char word[12];

    return kit_arg("show", word, sizeof(word)) &&
           (word[0] == '\0' || kit_arg_u64("show", 0) == id);
}

static void run_all(const struct batch *batch, const uint8_t *end)
{
    const uint8_t *from = (const uint8_t *)(batch + 1);

    for (uint32_t i = 0; i < batch->programs; i++) {
        const struct program *p = next(&from, end);

        if (!p) {
            kit_panic("program %u of the module is broken", i);
        }
        if (!run_one(p, is_shown(p->id))) {
            return;
        }
    }
    calls_print_coverage();
    kit_printf("differential: all done\n");
}

int main(void)
{
    size_t size = 0;
    const uint8_t *module = kit_module(0, &size);
    const struct batch *batch = (const void *)module;
    static char alter[32];

    if (!module || size < sizeof(*batch) || batch->magic != PROGRAM_MAGIC ||
        batch->version != PROGRAM_VERSION) {
        kit_panic("no programs: a module of %lu bytes", (unsigned long)size);
    }
    kit_printf("differential: %u programs\n", batch->programs);
    if (kit_arg("alter", alter, sizeof(alter))) {
        calls_alter(alter);
    }
    start_vcpu();
    memory_start();
    perform_start();
    conduct_start();
    run_all(batch, module + size);
    kit_exit(SHUTDOWN_poweroff);
}
