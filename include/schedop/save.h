/* SPDX-License-Identifier: MIT */
/*
 * The record of a stopped domain: all that is not memory, as the hypervisor
 * writes it to a window of RAM for the host tool, and reads it again to build
 * a domain that goes on there (docs/save.md). Little-endian, offsets and
 * sizes in bytes, from the start of the record.
 *
 * What is not here is what a restored domain must set up anew, as on Xen:
 * event channels, the places of shared info, vcpu_info and other records,
 * timers of vcpu_op and set_timer_op, watchdogs, grant frames, the callback.
 */
#ifndef SCHEDOP_SAVE_H
#define SCHEDOP_SAVE_H

#include <stdint.h>

#define SCHEDOP_STATE_MAGIC 0x73646f70u
#define SCHEDOP_STATE_VERSION 1u
#define SCHEDOP_STATE_PARAMS 4u
#define SCHEDOP_STATE_FPU 1024u /* bytes of an XSAVE area, standard format */

struct schedop_state {
    uint32_t magic, version;
    uint64_t bytes; /* of all of it */
    uint32_t nr_vcpus, vcpu_bytes;
    uint64_t memory; /* bytes of RAM that the domain may have */
    uint64_t vcpus;  /* where the vCPUs are */
    uint64_t runs;   /* where the runs are */
    uint64_t nr_runs;
    uint64_t param[SCHEDOP_STATE_PARAMS]; /* of hvm_op, see save.c */
};

/*
 * Frames that follow each other in the domain and in RAM. `pa` is where they
 * are now: a restore writes where they are to be filled in.
 */
struct schedop_state_run {
    uint64_t gfn, frames, pa;
};

struct schedop_state_segment {
    uint16_t selector, attributes; /* as in a VMCB */
    uint32_t limit;
    uint64_t base;
};

enum {
    SCHEDOP_STATE_ES,
    SCHEDOP_STATE_CS,
    SCHEDOP_STATE_SS,
    SCHEDOP_STATE_DS,
    SCHEDOP_STATE_FS,
    SCHEDOP_STATE_GS,
    SCHEDOP_STATE_GDTR,
    SCHEDOP_STATE_LDTR,
    SCHEDOP_STATE_IDTR,
    SCHEDOP_STATE_TR,
    SCHEDOP_STATE_SEGMENTS,
};

#define SCHEDOP_STATE_INITIALISED 1u /* it has registers to start with */
#define SCHEDOP_STATE_UP 2u
#define SCHEDOP_STATE_EVENT 4u /* `event` is to be injected */
#define SCHEDOP_STATE_NMI 8u   /* one is pending */
#define SCHEDOP_STATE_NMI_BLOCKED 16u
#define SCHEDOP_STATE_SHADOW 32u         /* of an interrupt */
#define SCHEDOP_STATE_CPUID_FAULTING 64u /* outside CPL 0 */
#define SCHEDOP_STATE_TIMER_PENDING 128u /* fired, not yet moved on */

#define SCHEDOP_STATE_NO_TIMER UINT64_MAX

struct schedop_state_lapic {
    uint64_t base;
    uint32_t tpr, ldr, dfr, svr, esr, esr_next, icr, icr2;
    uint32_t lvt[6], timer_init, timer_divide;
    uint32_t isr[8], tmr[8], irr[8];
    uint64_t timer_ran_ns;  /* since it was started */
    uint64_t timer_left_ns; /* until it expires, or SCHEDOP_STATE_NO_TIMER */
};

struct schedop_state_vcpu {
    uint32_t flags, cpl;
    uint64_t gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8 to r15 */
    uint64_t rip, rflags, cr0, cr2, cr3, cr4, efer, xcr0;
    uint64_t dr[4], dr6, dr7;
    struct schedop_state_segment segment[SCHEDOP_STATE_SEGMENTS];
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t pat, tsc_aux, event;
    uint64_t var_mtrr[16], fixed_mtrr[11], mtrr_default;
    uint64_t hard, soft; /* affinity; hard 0: as configured */
    struct schedop_state_lapic lapic;
    uint8_t fpu[SCHEDOP_STATE_FPU];
};

#endif
