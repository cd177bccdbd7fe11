/* SPDX-License-Identifier: MIT */
/*
 * Where operands lie. Each region is eight pages of address space at 3 GiB,
 * below 4 GiB so that 32-bit code can name them: two frames that are no
 * neighbours, a gap, and a read-only one. The guest itself reaches the frames
 * through the image.
 */
#include "guest.h"

#define PAGE 4096u
#define WINDOW UINT64_C(0xc0000000)
#define REGION_PAGES 8u
#define REGIONS_ALL (REGIONS + REGIONS_OTHER)
#define FRAMES 3u /* of a region */
#define PTE_PRESENT 1u
#define PTE_WRITABLE 2u

enum page { PAGE_A, PAGE_B, PAGE_GAP, PAGE_RO };

static uint8_t frames[VCPUS * REGIONS_ALL * FRAMES][PAGE]
    __attribute__((aligned(4096)));
static uint64_t table[512] __attribute__((aligned(4096)));

static struct {
    uint64_t address; /* 0: none */
    bool readable;
} areas[VCPUS][2]; /* runstate, time */

static uint64_t paddr_of(const void *object)
{
    return ((uint64_t)kit_frame(object) << 12) +
           ((uintptr_t)object & (PAGE - 1));
}

static void map(uint32_t page, const uint8_t *frame, uint64_t flags)
{
    table[page] = paddr_of(frame) | flags | PTE_PRESENT;
}

/* Two frames of region `r`, B before A, then the read-only one. */
static void map_region(uint32_t r)
{
    uint32_t page = r * REGION_PAGES;

    map(page + PAGE_A, frames[r * FRAMES + 1], PTE_WRITABLE);
    map(page + PAGE_B, frames[r * FRAMES], PTE_WRITABLE);
    map(page + PAGE_RO, frames[r * FRAMES + 2], 0);
}

void memory_start(void)
{
    uint64_t cr3, *level4, *level3, *level2;

    for (uint32_t r = 0; r < VCPUS * REGIONS_ALL; r++) {
        map_region(r);
    }
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    level4 = kit_virt(cr3 & ~UINT64_C(0xfff));
    level3 = kit_virt(level4[0] & ~UINT64_C(0xfff));
    level2 = kit_virt(level3[WINDOW >> 30] & ~UINT64_C(0xfff));
    level2[0] = paddr_of(table) | PTE_PRESENT | PTE_WRITABLE;
    __asm__ volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
}

uint64_t memory_at(unsigned int cpu, unsigned int region, uint32_t place,
                   uint32_t size)
{
    uint64_t base =
        WINDOW + (cpu * REGIONS_ALL + region) * REGION_PAGES * (uint64_t)PAGE;

    switch (place) {
    case AT_ok:
        return base + 64;
    case AT_odd:
        return base + 129;
    case AT_cross:
        return base + PAGE_B * PAGE - (size + 1) / 2;
    case AT_edge:
        return base + PAGE_GAP * PAGE - size;
    case AT_tail:
        return base + PAGE_GAP * PAGE - size + 1;
    case AT_ro:
        return base + PAGE_RO * PAGE + 256;
    case AT_gap:
        return base + PAGE_GAP * PAGE + 32;
    case AT_hole:
        return 0xe0000000;
    case AT_mmio:
        return 0xfee00000;
    case AT_noncanon: /* of which 48 bits count */
        return (base + 64) | UINT64_C(1) << 63;
    case AT_xen: /* of which 32-bit code passes 32 bits */
        return (base + 64) | 0xffff830000000000;
    default: /* AT_top */
        return UINT64_MAX - 3;
    }
}

/* What is at `address`, through the image; NULL if nothing of ours. */
static uint8_t *alias(uint64_t address)
{
    uint64_t page, entry;

    address &= address >> 48 == 0xffff ? UINT32_MAX : (UINT64_C(1) << 48) - 1;
    page = (address - WINDOW) / PAGE;
    if (address < WINDOW || page >= 512 || !(table[page] & PTE_PRESENT)) {
        return NULL;
    }
    entry = table[page] & ~UINT64_C(0xfff);
    return (uint8_t *)kit_virt(entry) + address % PAGE;
}

void memory_put(uint64_t address, const void *bytes, uint32_t size)
{
    const uint8_t *from = bytes;

    for (uint32_t i = 0; i < size; i++) {
        uint8_t *at = alias(address + i);

        if (at) {
            *at = from[i];
        }
    }
}

void memory_get(uint64_t address, void *bytes, const void *otherwise,
                uint32_t size)
{
    const uint8_t *other = otherwise;
    uint8_t *to = bytes;

    for (uint32_t i = 0; i < size; i++) {
        const volatile uint8_t *at = alias(address + i);

        to[i] = at ? *at : other[i];
    }
}

/* ---- areas ---- */

uint64_t area_address(unsigned int vcpu, uint32_t place, bool time)
{
    uint32_t size = time ? (uint32_t)sizeof(struct vcpu_time_info)
                         : (uint32_t)sizeof(struct vcpu_runstate_info);
    uint64_t address =
        memory_at(vcpu, time ? REGION_TIME : REGION_RUNSTATE, place, size);
    uint8_t zero[sizeof(struct vcpu_runstate_info)] = {0};

    areas[vcpu][time].address = address;
    areas[vcpu][time].readable = place <= AT_edge || place == AT_noncanon;
    zero[0] = 9; /* no runstate */
    memory_put(address, zero, size);
    return address;
}

void areas_clear(void)
{
    memset(areas, 0, sizeof(areas));
}

bool area_is_used(unsigned int vcpu)
{
    return areas[vcpu][0].address != 0 && areas[vcpu][0].readable;
}

int area_state(unsigned int vcpu)
{
    struct vcpu_runstate_info info;

    memset(&info, 0xff, sizeof(info));
    memory_get(areas[vcpu][0].address, &info, &info, sizeof(info));
    return info.state;
}

/* An even version, a scale, and a time not ahead of the clock. */
bool area_time_is_sane(unsigned int vcpu)
{
    struct vcpu_time_info time;

    memset(&time, 0, sizeof(time));
    memory_get(areas[vcpu][1].address, &time, &time, sizeof(time));
    return time.version % 2 == 0 && time.tsc_to_system_mul != 0 &&
           time.system_time <= kit_now_ns();
}
