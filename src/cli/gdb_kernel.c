/* SPDX-License-Identifier: MIT */
/* A kernel's ELF headers: see gdb_kernel.h. */
#include "gdb_kernel.h"

#include "lib/elf.h"

void gdb_kernel_read(struct gdb_kernel *k, const void *image, size_t size)
{
    struct elf_image elf;
    struct elf_segment s;
    uint32_t cursor = 0;

    *k = (struct gdb_kernel){.known = false};
    if (image == NULL || elf_open(&elf, image, size) != ELF_OK) {
        return;
    }
    k->known = true;
    k->wide = elf.is64;
    while (k->nr_parts < GDB_PARTS_MAX &&
           elf_load_next(&elf, &cursor, &s) == 1) {
        k->part[k->nr_parts++] =
            (struct gdb_part){s.vaddr, s.paddr, s.mem_size};
    }
}

bool gdb_kernel_find(const struct gdb_kernel *k, uint64_t address,
                     uint64_t *physical, uint64_t *left)
{
    for (size_t i = 0; i < k->nr_parts; i++) {
        uint64_t within = address - k->part[i].virtual;

        if (address >= k->part[i].virtual && within < k->part[i].size) {
            *physical = k->part[i].physical + within;
            *left = k->part[i].size - within;
            return true;
        }
    }
    return false;
}
