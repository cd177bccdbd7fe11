/* SPDX-License-Identifier: MIT */
/*
 * See start_info.h. The structures stand in the order in which they are added,
 * each at a multiple of 8; only the first has its place known beforehand, so
 * it is written last.
 */
#include "start_info.h"

#include <xen/arch-x86/hvm/start_info.h>
#include <xen/xen.h>

#include "../../lib/string.h"

/* The bytes, filled from the front. */
struct info {
    uint8_t *bytes;
    uint64_t room, gpa, used;
    bool full; /* something did not fit: nothing of it counts */
};

/* Room for `len` bytes; their guest address. */
static uint64_t add(struct info *i, const void *data, uint64_t len)
{
    uint64_t at = (i->used + 7) & ~7ull;

    if (len > i->room || at > i->room - len) {
        i->full = true;
        return 0;
    }
    if (data) {
        __builtin_memcpy(i->bytes + at, data, len);
    }
    i->used = at + len;
    return i->gpa + at;
}

static uint64_t add_modules(struct info *i,
                            const struct start_info_source *from)
{
    struct hvm_modlist_entry list[START_INFO_MODULES] = {0};

    for (unsigned n = 0; n < from->nr_modules; n++) {
        list[n].paddr = from->module[n].gpa;
        list[n].size = from->module[n].bytes;
    }
    return add(i, list, from->nr_modules * sizeof(list[0]));
}

static uint64_t add_memmap(struct info *i, const struct memmap *m)
{
    uint64_t first = 0;

    for (unsigned n = 0; n < m->nr; n++) {
        struct hvm_memmap_table_entry e = {
            .addr = m->entry[n].addr,
            .size = m->entry[n].size,
            .type = m->entry[n].type,
        };
        uint64_t at = add(i, &e, sizeof(e));

        if (n == 0) {
            first = at;
        }
    }
    return first;
}

size_t start_info_build(uint8_t *bytes, size_t room, uint64_t gpa,
                        const struct start_info_source *from)
{
    struct info i = {.bytes = bytes, .room = room, .gpa = gpa};
    struct hvm_start_info si = {
        .magic = XEN_HVM_START_MAGIC_VALUE,
        .version = 0,
        .flags = from->hardware ? SIF_PRIVILEGED | SIF_INITDOMAIN : 0,
        .nr_modules = from->nr_modules,
        .rsdp_paddr = from->rsdp,
    };

    add(&i, NULL, sizeof(si));
    if (!from->hardware) {
        si.version = 1;
        si.memmap_entries = from->memmap->nr;
        si.memmap_paddr = add_memmap(&i, from->memmap);
    }
    if (from->nr_modules > 0) {
        si.modlist_paddr = add_modules(&i, from);
    }
    si.cmdline_paddr = add(&i, from->cmdline, strlen(from->cmdline) + 1);
    if (i.full) {
        return 0;
    }
    __builtin_memcpy(bytes, &si, sizeof(si));
    return i.used;
}
