/* SPDX-License-Identifier: MIT */
/*
 * Stepping over the instruction that made the guest exit.
 *
 * The emulator this project runs on does not tell where the next instruction
 * is, so lengths are decoded, prefixes included, and those of kernel code are
 * remembered by address: a kernel that changes its code under us fools only
 * itself.
 */
#include "exits.h"

/* The instruction is done: single-stepping traps after it. */
void exit_advance_slow(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;

    c->rflags &= ~X86_FLAGS_RF;
    if ((c->rflags & X86_FLAGS_TF) && !debug_stepped(v)) {
        c->dr6 |= 1u << 14;
        event_exception(v, VECTOR_DB);
    }
}

/* Length of the current instruction, which is `opcode` after any prefixes. */
static unsigned decode_length(struct x86_vcpu *v, const uint8_t *opcode,
                              unsigned len)
{
    uint8_t bytes[INSN_MAX];
    unsigned n = guest_fetch(v, bytes);
    unsigned length = insn_match(bytes, n, vcpu_is_wide(v), opcode, len);

    return length ? length : len;
}

/*
 * What user code has at an address is its own business: another process has
 * something else there, and must not be stepped over by the wrong length.
 */
unsigned exit_learn_length(struct x86_vcpu *v, const uint8_t *opcode,
                           unsigned len)
{
    struct insn_length *known = insn_known(v);
    unsigned length = decode_length(v, opcode, len);

    if (v->vmcb->cpl == 0) {
        known->length = length;
        known->rip = v->vmcb->rip;
        known->exitcode = (uint32_t)v->vmcb->exitcode;
    }
    return length;
}

void exit_step(struct x86_vcpu *v, const uint8_t *opcode, unsigned len)
{
    exit_advance(v, exit_length(v, opcode, len), vcpu_is_wide(v));
}
