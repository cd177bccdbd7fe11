/* SPDX-License-Identifier: MIT */
/* PVH/HVM set-up: finding Xen, the hypercall page, upcalls (spec 8.4, 8.6). */
#include "private.h"
#include <schedop/guest.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>

static int hvm_op(unsigned int op, void *operand)
{
    return call3(__HYPERVISOR_hvm_op, op, (uintptr_t)operand, 0);
}

int schedop_hvm_param_get(uint32_t index, uint64_t *value)
{
    struct xen_hvm_param op = {.domid = DOMID_SELF, .index = index};
    int rc = hvm_op(HVMOP_get_param, &op);

    *value = rc == 0 ? op.value : 0;
    return rc;
}

int schedop_hvm_param_set(uint32_t index, uint64_t value)
{
    struct xen_hvm_param op = {
        .domid = DOMID_SELF, .index = index, .value = value};

    return hvm_op(HVMOP_set_param, &op);
}

int schedop_hvm_callback_vector(uint8_t vector)
{
    uint64_t type = HVM_PARAM_CALLBACK_TYPE_VECTOR;

    return schedop_hvm_param_set(HVM_PARAM_CALLBACK_IRQ, type << 56 | vector);
}

int schedop_hvm_upcall_vector(uint32_t vcpu, uint8_t vector)
{
    struct xen_hvm_evtchn_upcall_vector op = {.vcpu = vcpu, .vector = vector};

    return hvm_op(HVMOP_set_evtchn_upcall_vector, &op);
}

struct leaf {
    uint32_t a, b, c, d;
};

static struct leaf cpuid(uint32_t index)
{
    struct leaf leaf = {.a = index};

    __asm__ volatile("cpuid"
                     : "+a"(leaf.a), "=b"(leaf.b), "+c"(leaf.c), "=d"(leaf.d));
    return leaf;
}

/* Last place to look: Xen itself never goes beyond this one. */
#define LAST_BASE (XEN_CPUID_FIRST_LEAF + 0xff00u)

uint32_t schedop_hvm_cpuid_base(void)
{
    for (uint32_t base = XEN_CPUID_FIRST_LEAF; base <= LAST_BASE;
         base += 0x100) {
        struct leaf leaf = cpuid(base);

        if (leaf.b == XEN_CPUID_SIGNATURE_EBX &&
            leaf.c == XEN_CPUID_SIGNATURE_ECX &&
            leaf.d == XEN_CPUID_SIGNATURE_EDX && leaf.a >= base + 2) {
            return base;
        }
    }
    return 0;
}

void schedop_hvm_install_page(uint32_t cpuid_base, uint64_t page_paddr)
{
    struct leaf leaf = cpuid(cpuid_base + 2);

    __asm__ volatile("wrmsr"
                     :
                     : "c"(leaf.b), "a"((uint32_t)page_paddr),
                       "d"((uint32_t)(page_paddr >> 32))
                     : "memory");
}
