/* SPDX-License-Identifier: MIT */
/*
 * What the files that handle exits share: exits.c tells reasons apart, the
 * others each know some of them.
 */
#ifndef SCHEDOP_X86_VIRT_EXITS_H
#define SCHEDOP_X86_VIRT_EXITS_H

#include "domain.h"

#include "insn.h"

/* ------------------------------------------------------------- exit_step.c */

/* Where the length of the current instruction is kept once it is known. */
static inline struct insn_length *insn_known(struct x86_vcpu *v)
{
    return &v->length[(v->vmcb->rip >> 5) % LENGTHS];
}

unsigned exit_learn_length(struct x86_vcpu *v, const uint8_t *opcode,
                           unsigned len);

/* Length of the current instruction, which is `opcode` after any prefixes. */
static inline unsigned exit_length(struct x86_vcpu *v, const uint8_t *opcode,
                                   unsigned len)
{
    const struct vmcb *c = v->vmcb;
    const struct insn_length *known = insn_known(v);

    if (__builtin_expect(c->next_rip != 0, 0)) {
        return (unsigned)(c->next_rip - c->rip) & 15;
    }
    if (__builtin_expect(known->rip != c->rip ||
                             known->exitcode != (uint32_t)c->exitcode,
                         0)) {
        return exit_learn_length(v, opcode, len);
    }
    return known->length;
}

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
void exit_nested_fault(struct x86_pcpu *self, struct x86_vcpu *v);

/* ---------------------------------------------------------- exit_control.c */

void exit_cr0_write(struct x86_vcpu *v); /* of more than TS and MP */
void exit_cr_write(struct x86_vcpu *v);
void exit_dr_write(struct x86_vcpu *v);
void exit_msr(struct x86_pcpu *self, struct x86_vcpu *v);
void exit_xsetbv(struct x86_vcpu *v);

#endif
