/* SPDX-License-Identifier: MIT */
/* The few operations on the own domain that start-up needs (spec 8.6). */
#include "private.h"
#include <schedop/guest.h>
#include <xen/memory.h>
#include <xen/version.h>

int schedop_add_to_physmap(uint32_t space, uintptr_t index, uintptr_t frame)
{
    const struct xen_add_to_physmap op = {
        .domid = DOMID_SELF, .space = space, .idx = index, .gpfn = frame};

    return call3(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, (uintptr_t)&op,
                 0);
}

int schedop_memory_map(void *entries, uint32_t count)
{
    struct xen_memory_map op = {.nr_entries = count};
    int rc;

    set_xen_guest_handle(op.buffer, entries);
    rc = call3(__HYPERVISOR_memory_op, XENMEM_memory_map, (uintptr_t)&op, 0);
    return rc < 0 ? rc : (int)op.nr_entries;
}

static int reservation(unsigned command, const uintptr_t *frames,
                       uint32_t count)
{
    struct xen_memory_reservation op = {.nr_extents = count,
                                        .domid = DOMID_SELF};

    _Static_assert(sizeof(xen_pfn_t) == sizeof(*frames), "frame numbers");
    set_xen_guest_handle(op.extent_start, (xen_pfn_t *)(uintptr_t)frames);
    return call3(__HYPERVISOR_memory_op, command, (uintptr_t)&op, 0);
}

int schedop_memory_give(const uintptr_t *frames, uint32_t count)
{
    return reservation(XENMEM_decrease_reservation, frames, count);
}

int schedop_memory_take(const uintptr_t *frames, uint32_t count)
{
    return reservation(XENMEM_populate_physmap, frames, count);
}

int schedop_xen_version(void)
{
    return call3(__HYPERVISOR_xen_version, XENVER_version, 0, 0);
}

int schedop_xen_features(uint32_t *features)
{
    struct xen_feature_info op = {.submap_idx = 0};
    int rc =
        call3(__HYPERVISOR_xen_version, XENVER_get_features, (uintptr_t)&op, 0);

    *features = rc == 0 ? op.submap : 0;
    return rc;
}

int schedop_console_write(const char *text, size_t length)
{
    return call3(__HYPERVISOR_console_io, CONSOLEIO_write, length,
                 (uintptr_t)text);
}

int schedop_console_read(char *text, size_t length)
{
    return call3(__HYPERVISOR_console_io, CONSOLEIO_read, length,
                 (uintptr_t)text);
}
