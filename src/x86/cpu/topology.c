/* SPDX-License-Identifier: MIT */
/*
 * Where a processor is: its local APIC's id is, from the right, a number of
 * the thread in its core, of the core in its socket, and of the socket. How
 * many bits each has is asked of the boot processor, once for all.
 */
#include "../x86.h"

#include "asm.h"

#define LEVEL_THREAD 1u
#define LEVEL_CORE 2u

static unsigned thread_bits, core_bits;
static bool is_known;

/* Leaf 0xb: a level each sub-leaf, with the bits up to the next one. */
static bool by_levels(void)
{
    bool any = false;

    if (cpuid(0, 0).a < 0xb) {
        return false;
    }
    for (uint32_t i = 0; i < 8; i++) {
        struct cpuid r = cpuid(0xb, i);
        unsigned level = r.c >> 8 & 0xff;

        if (level == 0) {
            break;
        }
        if (level == LEVEL_THREAD) {
            thread_bits = r.a & 0x1f;
        }
        core_bits = (r.a & 0x1f) - thread_bits;
        any = true;
    }
    return any;
}

/* AMD without that leaf: cores of a socket, each a thread. */
static void by_cores(void)
{
    thread_bits = 0;
    core_bits = 8; /* all in one socket */
    if (cpuid(0x80000000, 0).a >= 0x80000008 &&
        (cpuid(0x80000008, 0).c >> 12 & 0xf) != 0) {
        core_bits = cpuid(0x80000008, 0).c >> 12 & 0xf;
    }
}

struct topology topology_of(uint32_t apic_id)
{
    if (!is_known) {
        if (!by_levels()) {
            by_cores();
        }
        is_known = true;
    }
    return (struct topology){
        .thread = apic_id & ((1u << thread_bits) - 1),
        .core = (uint16_t)(apic_id >> thread_bits & ((1u << core_bits) - 1)),
        .socket = (uint16_t)(apic_id >> (thread_bits + core_bits)),
    };
}

struct topology topology_size(void)
{
    struct topology most = {0};

    for (unsigned i = 0; i < x86_nr_pcpus(); i++) {
        struct topology t = topology_of(x86_pcpu(i)->apic_id);

        most.thread = t.thread + 1 > most.thread ? t.thread + 1 : most.thread;
        if (t.core >= most.core) {
            most.core = (uint16_t)(t.core + 1);
        }
        if (t.socket >= most.socket) {
            most.socket = (uint16_t)(t.socket + 1);
        }
    }
    return most;
}
