/* SPDX-License-Identifier: MIT */
/*
 * Transports: the hypercall instruction itself, for PVH/HVM kernels that have
 * no hypercall page (spec 1.2). vmcall on an AMD machine and vmmcall on an
 * Intel one are invalid opcodes, hence the choice by vendor.
 */
#include "private.h"

#if defined(__x86_64__)

#define DEFINE_INSN_TRANSPORT(insn)                                            \
    static intptr_t insn##3(uintptr_t a1, uintptr_t a2, uintptr_t a3,          \
                            uintptr_t number)                                  \
    {                                                                          \
        __asm__ volatile(#insn                                                 \
                         : "+a"(number), "+D"(a1), "+S"(a2), "+d"(a3)          \
                         :                                                     \
                         : "memory", "cc");                                    \
        return (intptr_t)number;                                               \
    }                                                                          \
    static intptr_t insn##5(uintptr_t a1, uintptr_t a2, uintptr_t a3,          \
                            uintptr_t a4, uintptr_t a5, uintptr_t number)      \
    {                                                                          \
        register uintptr_t r10 __asm__("r10") = a4;                            \
        register uintptr_t r8 __asm__("r8") = a5;                              \
        __asm__ volatile(#insn                                                 \
                         : "+a"(number), "+D"(a1), "+S"(a2), "+d"(a3),         \
                           "+r"(r10), "+r"(r8)                                 \
                         :                                                     \
                         : "memory", "cc");                                    \
        return (intptr_t)number;                                               \
    }                                                                          \
    const struct schedop_transport schedop_transport_##insn = {#insn, insn##3, \
                                                               insn##5};

#else /* i386: ebx ecx edx esi edi */

#define DEFINE_INSN_TRANSPORT(insn)                                            \
    static intptr_t SCHEDOP_REGS insn##3(uintptr_t a1, uintptr_t a2,           \
                                         uintptr_t a3, uintptr_t number)       \
    {                                                                          \
        __asm__ volatile(#insn                                                 \
                         : "+a"(number), "+b"(a1), "+c"(a2), "+d"(a3)          \
                         :                                                     \
                         : "memory", "cc");                                    \
        return (intptr_t)number;                                               \
    }                                                                          \
    static intptr_t SCHEDOP_REGS insn##5(uintptr_t a1, uintptr_t a2,           \
                                         uintptr_t a3, uintptr_t a4,           \
                                         uintptr_t a5, uintptr_t number)       \
    {                                                                          \
        __asm__ volatile(#insn                                                 \
                         : "+a"(number), "+b"(a1), "+c"(a2), "+d"(a3),         \
                           "+S"(a4), "+D"(a5)                                  \
                         :                                                     \
                         : "memory", "cc");                                    \
        return (intptr_t)number;                                               \
    }                                                                          \
    const struct schedop_transport schedop_transport_##insn = {#insn, insn##3, \
                                                               insn##5};

#endif

DEFINE_INSN_TRANSPORT(vmcall)
DEFINE_INSN_TRANSPORT(vmmcall)

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
