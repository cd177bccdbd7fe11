/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls, and stepping over the instruction that made the guest exit.
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
    if (c->rflags & X86_FLAGS_TF) {
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
static unsigned learn_length(struct x86_vcpu *v, const uint8_t *opcode,
                             unsigned len, struct insn_length *known)
{
    unsigned length = decode_length(v, opcode, len);

    if (v->vmcb->cpl == 0) {
        known->length = length;
        known->rip = v->vmcb->rip;
        known->exitcode = (uint32_t)v->vmcb->exitcode;
    }
    return length;
}

static inline unsigned insn_length(struct x86_vcpu *v, const uint8_t *opcode,
                                   unsigned len)
{
    const struct vmcb *c = v->vmcb;
    struct insn_length *known = &v->length[(c->rip >> 5) % LENGTHS];

    if (c->next_rip != 0) {
        return (unsigned)(c->next_rip - c->rip) & 15;
    }
    if (__builtin_expect(known->rip == c->rip &&
                             known->exitcode == (uint32_t)c->exitcode,
                         1)) {
        return known->length;
    }
    return learn_length(v, opcode, len, known);
}

void exit_step(struct x86_vcpu *v, const uint8_t *opcode, unsigned len)
{
    exit_advance(v, insn_length(v, opcode, len), vcpu_is_wide(v));
}

/* -------------------------------------------------------------- hypercalls */

/* Argument registers (spec 1.2). */
static const uint8_t wide_args[6] = {REG_RDI, REG_RSI, REG_RDX, 10, 8, 9};
static const uint8_t narrow_args[6] = {REG_RBX, REG_RCX, REG_RDX,
                                       REG_RSI, REG_RDI, REG_RBP};

static inline void call_decode(const struct x86_vcpu *v, struct sop_call *call,
                               bool wide)
{
    const struct vmcb *c = v->vmcb;

    call->wide = wide;
    call->user = c->cpl != 0 || (c->rflags & X86_FLAGS_VM);
    if (wide) {
        call->nr = c->rax;
        call->arg[0] = v->gpr[REG_RDI];
        call->arg[1] = v->gpr[REG_RSI];
        call->arg[2] = v->gpr[REG_RDX];
        call->arg[3] = v->gpr[10];
        call->arg[4] = v->gpr[8];
        call->arg[5] = v->gpr[9];
        return;
    }
    call->nr = (uint32_t)c->rax;
    call->arg[0] = (uint32_t)v->gpr[REG_RBX];
    call->arg[1] = (uint32_t)v->gpr[REG_RCX];
    call->arg[2] = (uint32_t)v->gpr[REG_RDX];
    call->arg[3] = (uint32_t)v->gpr[REG_RSI];
    call->arg[4] = (uint32_t)v->gpr[REG_RDI];
    call->arg[5] = (uint32_t)v->gpr[REG_RBP];
}

static void call_restart(struct x86_vcpu *v, const struct sop_call *call)
{
    v->vmcb->rax = call->nr;
    for (unsigned i = 0; i < 6; i++) {
        v->gpr[call->wide ? wide_args[i] : narrow_args[i]] = call->arg[i];
    }
}

void exit_hypercall(struct x86_pcpu *self, struct x86_vcpu *v)
{
    static const uint8_t vmmcall[] = {0x0f, 0x01, 0xd9};
    bool wide = vcpu_is_wide(v);
    struct sop_call call;

    call_decode(v, &call, wide);
    v->vmcb->shadow = 0; /* it ends with this instruction */
    if (sop_hypercall(self->sop, v->sop, &call) == SOP_CALL_AGAIN) {
        call_restart(v, &call);
        return;
    }
    v->vmcb->rax = wide ? (uint64_t)call.result : (uint32_t)call.result;
    exit_advance(v, insn_length(v, vmmcall, sizeof(vmmcall)), wide);
}
