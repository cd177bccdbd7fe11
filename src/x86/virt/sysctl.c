/* SPDX-License-Identifier: MIT */
/*
 * What sysctl says of the machine, as a toolstack's `info` asks it: the core
 * has looked at version and privilege, and does what is about scheduling.
 */
#include "domain.h"

#include <xen/errno.h>
#include <xen/sysctl.h>

#include "lib/string.h"
#include "../mm/mm.h"

#define MAX_NODE_ID 63u /* as Xen is built, whatever there is */

/* scrub_pages and the like stay 0: memory is cleared when it is given out. */
static void physinfo(struct xen_sysctl_physinfo *info)
{
    struct topology size = topology_size();

    memset(info, 0, sizeof(*info));
    info->threads_per_core = size.thread;
    info->cores_per_socket = size.core;
    for (unsigned i = 0; i < x86_nr_pcpus(); i++) {
        info->nr_cpus += x86_pcpu(i)->online;
    }
    info->max_cpu_id = x86_nr_pcpus() - 1;
    info->nr_nodes = 1;
    info->max_node_id = MAX_NODE_ID;
    info->cpu_khz = (uint32_t)time_tsc_khz();
    info->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap |
                         XEN_SYSCTL_PHYSCAP_gnttab_v1;
    info->total_pages = ram_bytes_total() / PAGE_SIZE;
    info->free_pages = ram_bytes_free() / PAGE_SIZE;
}

/* One node; without a buffer, how many there are. */
static int numainfo(struct x86_vcpu *v, struct xen_sysctl_numainfo *info)
{
    struct xen_sysctl_meminfo memory = {.memsize = ram_bytes_total(),
                                        .memfree = ram_bytes_free()};
    uint32_t distance = 10; /* to itself */
    bool room = info->num_nodes != 0;
    uint64_t to_memory = (uintptr_t)info->meminfo.p;
    uint64_t to_distance = (uintptr_t)info->distance.p;

    if ((room && to_memory != 0 &&
         guest_copy_out(v, to_memory, &memory, sizeof(memory)) != 0) ||
        (room && to_distance != 0 &&
         guest_copy_out(v, to_distance, &distance, sizeof(distance)) != 0)) {
        return -XEN_EFAULT;
    }
    info->num_nodes = 1;
    return 0;
}

int64_t sysctl_op(struct x86_vcpu *v, const struct sop_call *call)
{
    struct xen_sysctl op;
    int rc = 0;

    if (guest_copy_in(v, &op, call->arg[0], sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    if (op.cmd == XEN_SYSCTL_physinfo) {
        physinfo(&op.u.physinfo);
    } else if (op.cmd == XEN_SYSCTL_numainfo) {
        rc = numainfo(v, &op.u.numainfo);
    } else {
        return -XEN_ENOSYS;
    }
    if (rc == 0 && guest_copy_out(v, call->arg[0], &op, sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    return rc;
}
