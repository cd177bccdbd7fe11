/* SPDX-License-Identifier: MIT */
/*
 * Images of guests: whatever the file says, nothing is read outside it, what
 * is to be loaded lies inside it, and the functions agree with each other.
 */
#include "input.h"

#include "lib/elf.h"

static void check_segments(const struct elf_image *image, uint64_t low,
                           uint64_t high)
{
    struct elf_segment s;
    uint32_t cursor = 0;
    unsigned n = 0;
    uint8_t sum = 0;

    for (;; n++) {
        int rc = elf_load_next(image, &cursor, &s);

        MUST(rc == 0 || rc == 1); /* elf_bounds() has looked at all */
        if (rc == 0) {
            break;
        }
        MUST(n < ELF_PHDRS_MAX && s.mem_size != 0);
        MUST(s.paddr >= low && s.mem_size <= high - s.paddr);
        MUST(s.file_size <= s.mem_size);
        MUST(s.file_size == 0 ||
             (s.data >= image->data && s.file_size <= image->size &&
              s.data + s.file_size <= image->data + image->size));
        for (size_t i = 0; i < s.file_size; i += 61) {
            sum = (uint8_t)(sum ^ s.data[i]);
        }
    }
    MUST(n > 0 || sum != 0);
}

static void read_image(const uint8_t *data, size_t size)
{
    struct elf_image image;
    uint64_t low = 0, high = 0;
    uint32_t entry = 0;
    int opened = elf_open(&image, data, size), bounds, pvh;

    MUST(elf_explain(opened) != NULL);
    if (opened != ELF_OK) {
        return;
    }
    bounds = elf_bounds(&image, &low, &high);
    pvh = elf_pvh_entry(&image, &entry);
    MUST(elf_explain(bounds) != NULL && elf_explain(pvh) != NULL);
    if (bounds == ELF_OK) {
        MUST(low < high);
        check_segments(&image, low, high);
        MUST(pvh != ELF_OK || (entry >= low && entry < high));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy that ends where its memory ends, at an odd address. */
    uint8_t *copy = malloc(size + 1);

    MUST(copy != NULL);
    memcpy(copy + 1, data, size);
    read_image(copy + 1, size);
    free(copy);
    return 0;
}
