/* SPDX-License-Identifier: MIT */
/*
 * The page tables of the hypervisor; see mm.h for the layout. Tables are heap
 * pages and, once made, stay: a later mapping at the same place uses them.
 */
#include "mm.h"

#include "../cpu/asm.h"
#include "../cpu/lock.h"

uint64_t paging_root[512] __attribute__((aligned(4096), section(".bss.page")));
static uint64_t low_pdpt[512]
    __attribute__((aligned(4096), section(".bss.page")));

static struct x86_lock paging_lock;
static bool heap_tables; /* the directories for the heap exist */
static unsigned nr_devices;

static uint64_t *table_of(uint64_t entry)
{
    return (uint64_t *)(entry & PTE_ADDRESS);
}

/* NULL without memory. */
static uint64_t *next_table(uint64_t *entry)
{
    void *page;

    if ((*entry & PTE_P) == 0) {
        page = hv_alloc(PAGE_SIZE);
        if (page == NULL) {
            return NULL;
        }
        *(volatile uint64_t *)entry = (uint64_t)page | PTE_TABLE;
    }
    return table_of(*entry);
}

/* NULL when there is no memory for a table on the way. */
static uint64_t *find_slot(uint64_t va, unsigned level)
{
    uint64_t *table = paging_root, *slot = NULL;

    x86_lock(&paging_lock);
    for (unsigned l = 4; l >= level && table != NULL; l--) {
        slot = &table[va >> (12 + 9 * (l - 1)) & 511];
        if (l > level) {
            table = next_table(slot);
        }
    }
    x86_unlock(&paging_lock);
    return table != NULL ? slot : NULL;
}

uint64_t *paging_slot(uint64_t va, unsigned level)
{
    uint64_t *slot = find_slot(va, level);

    if (slot == NULL) {
        x86_panic("no memory for page tables");
    }
    return slot;
}

void paging_map(uint64_t va, uint64_t pa, uint64_t flags)
{
    *(volatile uint64_t *)paging_slot(va, 1) = pa | flags;
}

bool paging_try_map(uint64_t va, uint64_t pa, uint64_t flags)
{
    uint64_t *slot = find_slot(va, 1);

    if (slot != NULL) {
        *(volatile uint64_t *)slot = pa | flags;
    }
    return slot != NULL;
}

bool paging_lookup(uint64_t va, uint64_t *pa)
{
    const uint64_t *table = paging_root;

    for (unsigned level = 4; level > 0; level--) {
        uint64_t entry = table[va >> (12 + 9 * (level - 1)) & 511];
        uint64_t offset = (1ull << (12 + 9 * (level - 1))) - 1;

        if ((entry & PTE_P) == 0) {
            return false;
        }
        if (level == 1 || (entry & PTE_PS) != 0) {
            *pa = (entry & PTE_ADDRESS & ~offset) | (va & offset);
            return true;
        }
        table = table_of(entry);
    }
    return false;
}

uint64_t hv_pa(const void *p)
{
    uint64_t pa = 0;

    if ((uint64_t)p < PA_LIMIT) {
        return (uint64_t)p;
    }
    if (!paging_lookup((uint64_t)p, &pa)) {
        x86_panic("hv_pa: %p is not mapped", p);
    }
    return pa;
}

/*
 * Called with the heap lock held: must not allocate. The directories are
 * there, paging_init() made one for each GiB that has RAM.
 */
void paging_map_heap(uint64_t pa, uint64_t bytes)
{
    if (!heap_tables) {
        return; /* paging_init() will */
    }
    for (uint64_t at = pa; at < pa + bytes; at += SUPERPAGE_SIZE) {
        uint64_t *directory = table_of(low_pdpt[at / GIB]);

        directory[at / SUPERPAGE_SIZE & 511] = at | PTE_RW | PTE_PS;
    }
}

static void make_directories(void)
{
    paging_root[0] = (uint64_t)low_pdpt | PTE_TABLE;
    for (unsigned i = 0; i < boot_info.nr_ram; i++) {
        const struct boot_ram *ram = &boot_info.ram[i];
        uint64_t end = ram->pa + ram->size;

        if (end > PA_LIMIT) {
            end = PA_LIMIT;
        }
        for (uint64_t at = ram->pa & ~(GIB - 1); at < end; at += GIB) {
            if (next_table(&low_pdpt[at / GIB]) == NULL) {
                x86_panic("no memory for page tables");
            }
        }
    }
}

static void map_range(const char *start, const char *end, uint64_t flags)
{
    for (const char *at = start; at < end; at += PAGE_SIZE) {
        paging_map((uint64_t)at, (uint64_t)at, flags);
    }
}

static void map_image(void)
{
    map_range(image_start, image_text_end, PTE_RX);
    map_range(image_text_end, image_rodata_end, PTE_RO);
    map_range(image_rodata_end, image_guard, PTE_RW);
    map_range(image_guard + PAGE_SIZE, image_end, PTE_RW);
}

/* Modules are input to the builder of domains: read-only where they lie. */
static void map_module(const struct boot_module *m)
{
    uint64_t at = m->pa, end = m->pa + m->size;

    while (at < end) {
        if (at % SUPERPAGE_SIZE == 0 && end - at >= SUPERPAGE_SIZE) {
            *paging_slot(at, 2) = at | PTE_RO | PTE_PS;
            at += SUPERPAGE_SIZE;
        } else {
            paging_map(at, at, PTE_RO);
            at += PAGE_SIZE;
        }
    }
}

void paging_load(void)
{
    uint64_t cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if (cpuid(0, 0).a >= 7) {
        uint32_t features = cpuid(7, 0).b;

        cr4 |= (features & 1u << 7) != 0 ? CR4_SMEP : 0;
        cr4 |= (features & 1u << 20) != 0 ? CR4_SMAP : 0;
    }
    write_cr4(cr4);
    write_cr3((uint64_t)paging_root);
}

void paging_init(void)
{
    make_directories();
    heap_tables = true;
    heap_for_each(paging_map_heap);
    map_image();
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        map_module(&boot_info.module[i]);
    }
    paging_load();
}

void paging_map_stacks(unsigned index)
{
    for (unsigned s = 0; s < STACKS; s++) {
        uint64_t top = stack_top(index, (enum stack)s);
        uint64_t size = stack_size((enum stack)s);
        char *memory = hv_alloc(size);

        if (memory == NULL) {
            x86_panic("no memory for the stacks of pCPU %u", index);
        }
        for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
            paging_map(top - size + at, (uint64_t)memory + at, PTE_RW);
        }
    }
}

volatile void *paging_map_device(uint64_t pa)
{
    uint64_t va = VA_DEVICES + nr_devices++ * PAGE_SIZE;

    paging_map(va, pa & PAGE_MASK, PTE_DEVICE);
    return (volatile void *)(va + (pa & ~PAGE_MASK));
}
