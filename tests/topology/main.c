/* SPDX-License-Identifier: MIT */
/*
 * What the control domain is told of the machine: physinfo, cputopoinfo and
 * numainfo, as a toolstack's `info -n` asks, and what bad operands give. Runs
 * as the hardware domain, on real Xen as well.
 */
#include <schedop/kit.h>

#include <stddef.h>
#include <string.h>

#include <xen/errno.h>
#include <xen/sysctl.h>

#define NOWHERE 0x7ffffff000ull

static struct xen_sysctl op;
static struct xen_sysctl_cputopo topo[64];
static struct xen_sysctl_meminfo memory[4];
static uint32_t distance[16];

static int ask(uint32_t cmd)
{
    op.cmd = cmd;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return (int)schedop_hypercall3(__HYPERVISOR_sysctl, (uintptr_t)&op, 0, 0);
}

static void about_machine(void)
{
    const struct xen_sysctl_physinfo *p = &op.u.physinfo;

    memset(&op, 0xff, sizeof(op));
    kit_printf("physinfo: %d\n", ask(XEN_SYSCTL_physinfo));
    kit_printf("threads %u cores %u cpus %u last %u nodes %u last %u\n",
               p->threads_per_core, p->cores_per_socket, p->nr_cpus,
               p->max_cpu_id, p->nr_nodes, p->max_node_id);
    kit_printf("hvm %u hap %u, %s\n", p->capabilities & 1,
               p->capabilities >> 3 & 1,
               p->free_pages < p->total_pages && p->cpu_khz > 1000
                   ? "memory and a clock"
                   : "what memory?");
}

static void about_pcpus(void)
{
    memset(&op, 0, sizeof(op));
    kit_printf("cputopoinfo: %d", ask(XEN_SYSCTL_cputopoinfo));
    kit_printf(", %u pCPUs\n", op.u.cputopoinfo.num_cpus);
    op.u.cputopoinfo.num_cpus = 64;
    set_xen_guest_handle(op.u.cputopoinfo.cputopo, topo);
    kit_printf("cputopoinfo: %d\n", ask(XEN_SYSCTL_cputopoinfo));
    for (unsigned i = 0; i < op.u.cputopoinfo.num_cpus; i++) {
        kit_printf("pCPU %u: core %u socket %u node %u\n", i, topo[i].core,
                   topo[i].socket, topo[i].node);
    }
}

static void about_nodes(void)
{
    struct xen_sysctl_numainfo *n = &op.u.numainfo;

    memset(&op, 0, sizeof(op));
    kit_printf("numainfo: %d", ask(XEN_SYSCTL_numainfo));
    kit_printf(", %u nodes\n", n->num_nodes);
    n->num_nodes = 4;
    set_xen_guest_handle(n->meminfo, memory);
    set_xen_guest_handle(n->distance, distance);
    kit_printf("numainfo: %d", ask(XEN_SYSCTL_numainfo));
    kit_printf(", %u nodes, distance %u, %s\n", n->num_nodes, distance[0],
               memory[0].memfree < memory[0].memsize ? "memory"
                                                     : "what memory?");
    n->num_nodes = 4;
    n->meminfo.p = (void *)(uintptr_t)NOWHERE;
    kit_printf("numainfo to nowhere: %d\n", ask(XEN_SYSCTL_numainfo));
}

int main(void)
{
    about_machine();
    about_pcpus();
    about_nodes();
    kit_printf("to nowhere: %d\n",
               (int)schedop_hypercall3(__HYPERVISOR_sysctl, NOWHERE, 0, 0));
    return SHUTDOWN_poweroff;
}
