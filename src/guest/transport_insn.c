/* SPDX-License-Identifier: MIT */
/*
 * Transports: the hypercall instruction itself, for PVH/HVM kernels that have
 * no hypercall page (spec 1.2). vmcall on an AMD machine and vmmcall on an
 * Intel one are invalid opcodes, hence the choice by vendor.
 */
#include "private.h"

#if defined(__x86_64__)

#define HYPERCALL3(insn)                                                       \
    __asm__ volatile(#insn                                                     \
                     : "+a"(number), "+D"(a1), "+S"(a2), "+d"(a3)              \
                     :                                                         \
                     : "memory", "cc")
#define HYPERCALL5(insn)                                                       \
    register uintptr_t r10 __asm__("r10") = a4;                                \
    register uintptr_t r8 __asm__("r8") = a5;                                  \
    __asm__ volatile(#insn                                                     \
                     : "+a"(number), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10),  \
                       "+r"(r8)                                                \
                     :                                                         \
                     : "memory", "cc")

#else /* i386: ebx ecx edx esi edi */

#define HYPERCALL3(insn)                                                       \
    __asm__ volatile(#insn                                                     \
                     : "+a"(number), "+b"(a1), "+c"(a2), "+d"(a3)              \
                     :                                                         \
                     : "memory", "cc")
#define HYPERCALL5(insn)                                                       \
    __asm__ volatile(#insn                                                     \
                     : "+a"(number), "+b"(a1), "+c"(a2), "+d"(a3), "+S"(a4),   \
                       "+D"(a5)                                                \
                     :                                                         \
                     : "memory", "cc")

#endif

static SCHEDOP_HYPERCALL3(vmcall3)
{
    HYPERCALL3(vmcall);
    return (intptr_t)number;
}

static SCHEDOP_HYPERCALL5(vmcall5)
{
    HYPERCALL5(vmcall);
    return (intptr_t)number;
}

static SCHEDOP_HYPERCALL3(vmmcall3)
{
    HYPERCALL3(vmmcall);
    return (intptr_t)number;
}

static SCHEDOP_HYPERCALL5(vmmcall5)
{
    HYPERCALL5(vmmcall);
    return (intptr_t)number;
}

const struct schedop_transport schedop_transport_vmcall = {"vmcall", vmcall3,
                                                           vmcall5};
const struct schedop_transport schedop_transport_vmmcall = {"vmmcall", vmmcall3,
                                                            vmmcall5};

/* The vendor string that CPUID leaf 0 spreads over ebx, edx, ecx. */
#define VENDOR(b, d, c) (ebx == (b) && edx == (d) && ecx == (c))

const struct schedop_transport *schedop_transport_detect(void)
{
    uint32_t eax = 0, ebx, ecx = 0, edx;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    if (VENDOR(0x68747541, 0x69746e65, 0x444d4163) || /* AuthenticAMD */
        VENDOR(0x6f677948, 0x6e65476e, 0x656e6975)) { /* HygonGenuine */
        return &schedop_transport_vmmcall;
    }
    return &schedop_transport_vmcall;
}
