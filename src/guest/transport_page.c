/* SPDX-License-Identifier: MIT */
/*
 * Transport: the hypercall page (spec 1.6), on x86 PV and PVH/HVM alike. Slot
 * n is a function that makes hypercall n. On x86-64 its first three arguments
 * are where the C ABI has them, and it destroys less than C allows, so the
 * common case is an indirect call; the rest needs to place registers by hand.
 */
#include "private.h"

#define SLOT_BYTES 32u

static uintptr_t page_base;

void schedop_hypercall_page_at(const void *page)
{
    page_base = (uintptr_t)page;
}

#if defined(__x86_64__)

static SCHEDOP_HYPERCALL3(page3)
{
    intptr_t (*slot)(uintptr_t, uintptr_t, uintptr_t) = (intptr_t(*)(
        uintptr_t, uintptr_t, uintptr_t))(page_base + number * SLOT_BYTES);

    return slot(a1, a2, a3);
}

static SCHEDOP_HYPERCALL5(page5)
{
    register uintptr_t r10 __asm__("r10") = a4;
    register uintptr_t r8 __asm__("r8") = a5;
    uintptr_t slot = page_base + number * SLOT_BYTES;

    __asm__ volatile("call *%%rax"
                     : "+a"(slot), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10),
                       "+r"(r8)
                     :
                     : "memory", "cc", "rcx", "r11", "r9");
    return (intptr_t)slot;
}

#else /* i386: ebx ecx edx esi edi */

static SCHEDOP_HYPERCALL3(page3)
{
    uintptr_t slot = page_base + number * SLOT_BYTES;

    __asm__ volatile("call *%%eax"
                     : "+a"(slot), "+b"(a1), "+c"(a2), "+d"(a3)
                     :
                     : "memory", "cc");
    return (intptr_t)slot;
}

static SCHEDOP_HYPERCALL5(page5)
{
    uintptr_t slot = page_base + number * SLOT_BYTES;

    __asm__ volatile("call *%%eax"
                     : "+a"(slot), "+b"(a1), "+c"(a2), "+d"(a3), "+S"(a4),
                       "+D"(a5)
                     :
                     : "memory", "cc");
    return (intptr_t)slot;
}

#endif

const struct schedop_transport schedop_transport_page = {"hypercall page",
                                                         page3, page5};
