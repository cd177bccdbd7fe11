/* SPDX-License-Identifier: MIT */
/*
 * The table: a count, then that many pairs (address, offset of the name from
 * the table's start) by ascending address, then the names.
 */
#include "symbols.h"

#include <stddef.h>

#include "../mm/mm.h"

struct symbol {
    uint32_t address, name;
};

struct symbol_table {
    uint32_t count;
    struct symbol symbol[];
};

extern const struct symbol_table image_symbols;

const char *symbol_find(uint64_t address, uint64_t *offset)
{
    const struct symbol_table *t = &image_symbols;
    uint32_t low = 0, high = t->count;

    if (address < (uint64_t)image_start ||
        address >= (uint64_t)image_text_end) {
        return NULL;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (t->symbol[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return NULL;
    }
    *offset = address - t->symbol[low - 1].address;
    return (const char *)t + t->symbol[low - 1].name;
}
