/* SPDX-License-Identifier: MIT */
/*
 * boot/: what its files, and the lower half, know of each other.
 */
#ifndef SCHEDOP_X86_BOOT_BOOT_H
#define SCHEDOP_X86_BOOT_BOOT_H

#include "../x86.h"

/* The hypervisor's own words (docs/link.md), read once. */
struct boot_options {
    uint16_t qemu_exit; /* port of the isa-debug-exit device, 0 none */
    bool link;          /* link=com2 */
    bool host;          /* host=1: stay when no domain is left */
    char debug[64];     /* debug=: domain that waits for a debugger, or "" */
    unsigned pcpus;     /* use at most so many */
    enum sop_log_level loglvl;
    uint32_t trace;     /* classes of records to trace, 0 none */
    unsigned trace_kib; /* of a pCPU's ring */
    char test[16];      /* test=: see provoke.c; "" for none */
};

extern struct boot_options boot_options;
extern uint64_t boot_tsc; /* at the first instruction */

/* multiboot.c: fills boot_info; `magic` and `info_pa` come from the loader. */
void multiboot_read(uint32_t magic, uint64_t info_pa);
void multiboot_settle(void); /* keeps what it says, in no more than it takes */

/* cmdline.c: fills boot_options. */
void cmdline_parse(void);

/* smp.c */
void smp_start_all(void); /* brings all pCPUs up, parked */

/* provoke.c: does what test= says; returns only if it says nothing known. */
void test_run(const char *word);

/* selftest.c: stops the machine. */
void selftest_run(void);

/* head.S */
__attribute__((noreturn)) void boot_call_on(void (*fn)(void),
                                            uint64_t stack_top);

#endif
