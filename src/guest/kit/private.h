/* SPDX-License-Identifier: MIT */
/*
 * What the files of the start-up kit share.
 *
 * The two kinds of domain differ in what struct kit_platform lists; start64.S
 * enters kit_start_pv() or kit_start_pvh(), which choose theirs and go on in
 * kit_run(). Per-vCPU data hangs off the number at the low end of each stack.
 */
#ifndef SCHEDOP_KIT_PRIVATE_H
#define SCHEDOP_KIT_PRIVATE_H

#include <schedop/kit.h>
#include "layout.h"

struct kit_platform {
    /* Maps shared info at kit_shared_info, installs the event upcall. */
    int (*attach)(void);
    /* Exception vectors of the calling vCPU (PV: of the boot vCPU). */
    void (*set_traps)(unsigned int cpu);
    bool (*events_off)(void);
    void (*events_on)(void);
    int (*wait)(bool (*ready)(void *context), void *context);
    /* Gives a vCPU registers that enter kit_entry_vcpu. */
    int (*init_vcpu)(unsigned int cpu, uintptr_t stack_top);
    int (*memory_map)(struct kit_region *regions, uint32_t count);
    const void *(*module)(uint32_t index, size_t *size);
    uintptr_t (*frame)(const void *object);
    /* Console ring and its port; false if the domain has none. */
    bool (*ring)(void **ring, evtchn_port_t *port);
    uintptr_t (*start_info_frame)(void);
    uint64_t (*fault_address)(void);
};

extern const struct kit_platform kit_platform_pv, kit_platform_pvh;
extern const struct kit_platform *kit_platform;
extern struct kit_info kit_the_info;
extern uint8_t kit_shared_info[4096];
extern uint8_t kit_stacks[KIT_VCPUS_MAX][KIT_STACK_SIZE];
extern bool kit_is_pv; /* read by start64.S */

/* From the assembly and the linker script. */
extern const char kit_image_start[], kit_image_end[];
extern char kit_hypercall_page[];
extern const uintptr_t kit_stubs[], kit_pv_stubs[];
void kit_entry_vcpu(void);
void kit_entry_failsafe(void);

/* Called by the assembly. */
KIT_NORETURN void kit_start_pv(struct start_info *start);
KIT_NORETURN void kit_start_pvh(uint32_t start_paddr);
KIT_NORETURN void kit_vcpu_main(unsigned int cpu);
KIT_NORETURN void kit_failsafe(void);
void kit_trap(struct kit_regs *regs);

/* start.c: what remains after the platform is chosen and calls work. */
KIT_NORETURN void kit_run(void);
/* Copies the command line, at most its buffer. */
void kit_set_cmdline(const char *text, size_t limit);

/* Files of their own. */
void kit_console_attach(void);
void kit_events_attach(void);
void kit_upcall(void);

#endif
