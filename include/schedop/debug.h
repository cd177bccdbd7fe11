/* SPDX-License-Identifier: MIT */
/*
 * A domain under a debugger, as hypervisor and host tool share it: a window
 * of RAM with the registers of its vCPUs (docs/link.md, `debug-attach`). The
 * hypervisor fills it in when all vCPUs have stopped; the tool changes what
 * it wants to change and marks it, and the hypervisor takes that over when
 * the domain goes on. In between nobody writes.
 */
#ifndef SCHEDOP_DEBUG_H
#define SCHEDOP_DEBUG_H

#include <schedop/save.h>

#define SCHEDOP_DEBUG_MAGIC 0x64626f70u
#define SCHEDOP_DEBUG_DATA 4096u
#define SCHEDOP_DEBUG_BREAKPOINTS 256u /* a domain may have */

/* Why a vCPU stopped. */
enum {
    SCHEDOP_DEBUG_HELD,       /* because others did, or the tool wished so */
    SCHEDOP_DEBUG_BREAKPOINT, /* at an INT3, which is the next instruction */
    SCHEDOP_DEBUG_STEP,       /* after the one instruction asked for */
};

struct schedop_debug_vcpu {
    uint32_t stop;
    uint32_t changed; /* by the tool: registers to be taken over */
    struct schedop_state_vcpu state;
};

/* The window: this, and behind it the vCPUs. */
struct schedop_debug {
    uint32_t magic, nr_vcpus, vcpu_bytes, reserved;
    uint8_t data[SCHEDOP_DEBUG_DATA]; /* for debug-write */
};

static inline struct schedop_debug_vcpu *
schedop_debug_vcpus(struct schedop_debug *d)
{
    void *end = d + 1; /* a multiple of 8 bytes behind the start */

    return (struct schedop_debug_vcpu *)end;
}

#endif
