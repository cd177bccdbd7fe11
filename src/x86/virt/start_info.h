/* SPDX-License-Identifier: MIT */
/*
 * The start info a PVH guest finds at its entry (spec section 8): what it was
 * given, in Xen's structures, and all that these point to, in a few pages side
 * by side. Pure, for the unit tests.
 */
#ifndef SCHEDOP_X86_VIRT_START_INFO_H
#define SCHEDOP_X86_VIRT_START_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memmap.h"

#define START_INFO_MODULES 4u

struct start_info_source {
    bool hardware; /* the hardware domain: it asks for its map (spec 8.3) */
    uint64_t rsdp; /* guest address */
    const char *cmdline;
    const struct memmap *memmap;
    unsigned nr_modules;
    struct {
        uint64_t gpa, bytes;
    } module[START_INFO_MODULES];
};

/*
 * Writes it to `bytes` (zeroed, `room` of them), which the guest sees at `gpa`.
 * The number of bytes used, or 0 when there is not room enough.
 */
size_t start_info_build(uint8_t *bytes, size_t room, uint64_t gpa,
                        const struct start_info_source *from);

#endif
