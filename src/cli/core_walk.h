/* SPDX-License-Identifier: MIT */
/*
 * What a domain's memory looks like through its page tables: which piece of
 * guest-physical memory is at which virtual address. A debugger asks for the
 * latter; a core has to say it in advance (core_file.h).
 *
 * Tables are the guest's own and may be nonsense: everything is bounded, and
 * what is not memory of the domain does not appear.
 */
#ifndef SCHEDOP_CLI_CORE_WALK_H
#define SCHEDOP_CLI_CORE_WALK_H

#include "state.h"

struct core_map {
    uint64_t va, pa, size; /* bytes; pa is guest-physical */
};

/* In ascending order of va, without overlap; to be zeroed before. */
struct core_maps {
    struct core_map *map;
    size_t nr;
    bool cut; /* there are more, beyond a limit */
};

#define CORE_MAPS_MAX 50000u

/*
 * All mappings of the vCPUs of a domain. Where their tables differ those of
 * the lower number count. Without any that pages: memory as it is.
 */
void core_walk(const struct schedop_state *s, const struct ram *ram,
               struct core_maps *maps);
void core_maps_free(struct core_maps *maps);

/*
 * The memory of a domain at `pa`: how much of `size` follows each other from
 * there, 0 for none, and where it is now.
 */
uint64_t core_memory(const struct schedop_state *s, const struct ram *ram,
                     uint64_t pa, uint64_t size, const uint8_t **at);

#endif
