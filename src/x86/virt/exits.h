/* SPDX-License-Identifier: MIT */
/*
 * What the files that handle exits share: exits.c tells reasons apart, the
 * others each know some of them.
 */
#ifndef SCHEDOP_X86_VIRT_EXITS_H
#define SCHEDOP_X86_VIRT_EXITS_H

#include "domain.h"

/* ------------------------------------------------------------- exit_call.c */

/* Steps over an instruction known by its opcode. */
void exit_step(struct x86_vcpu *v, const uint8_t *opcode, unsigned len);

#define STEP(v, ...)                                                           \
    exit_step(v, (const uint8_t[]){__VA_ARGS__},                               \
              sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void exit_gp(struct x86_vcpu *v)
{
    event_exception_error(v, VECTOR_GP, 0);
}

/* ---------------------------------------------------- exit_io.c, exit_mmio.c
 */

void exit_io(struct x86_vcpu *v);
/* True when the core must now be asked what to run. */
bool exit_nested_fault(struct x86_pcpu *self, struct x86_vcpu *v);

/* ---------------------------------------------------------- exit_control.c */

void exit_cr0_write(struct x86_vcpu *v); /* of more than TS and MP */
void exit_cr_write(struct x86_vcpu *v);
void exit_msr(struct x86_pcpu *self, struct x86_vcpu *v);
void exit_xsetbv(struct x86_vcpu *v);

#endif
