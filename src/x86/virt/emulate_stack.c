/* SPDX-License-Identifier: MIT */
/* Pushes, pops, calls and returns. See emulate_op.h. */
#include "emulate_op.h"

/* Bytes a stack slot has: 64-bit code knows no 4-byte ones. */
static unsigned stack_size(const struct op *o)
{
    return o->p.operand16 ? 2 : o->e->wide ? 8 : 4;
}

static uint64_t stack_linear(const struct op *o, uint64_t rsp)
{
    uint64_t base = o->e->wide ? 0 : o->e->base[SEG_SS];

    return o->e->wide ? rsp : (base + rsp) & 0xffffffff;
}

static bool push(struct op *o, uint64_t value)
{
    unsigned size = stack_size(o);
    uint64_t rsp = (o->e->gpr[REG_RSP] - size) & op_mask(o->e->wide ? 8 : 4);

    if (!o->e->write(o->e, stack_linear(o, rsp), &value, size)) {
        return false;
    }
    o->e->gpr[REG_RSP] = rsp;
    return true;
}

static bool pop(struct op *o, uint64_t *value)
{
    unsigned size = stack_size(o);
    uint64_t rsp = o->e->gpr[REG_RSP];

    *value = 0;
    if (!o->e->read(o->e, stack_linear(o, rsp), value, size)) {
        return false;
    }
    o->e->gpr[REG_RSP] = (rsp + size) & op_mask(o->e->wide ? 8 : 4);
    return true;
}

/* 50-57, 68, 6A: a register or an immediate. */
enum emulate_result do_push(struct op *o)
{
    unsigned size = o->opcode == 0x6a ? 1 : o->p.operand16 ? 2 : 4;
    uint64_t value;

    if (o->opcode >= 0x68) {
        value = op_sign_extend(op_immediate(o, size), size);
    } else {
        value = o->e->gpr[(o->opcode & 7) | (o->p.rex & INSN_REX_B ? 8u : 0)];
    }
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    return push(o, value) ? op_finish(o) : EMULATE_FAULT;
}

/* 58-5F. */
enum emulate_result do_pop(struct op *o)
{
    uint64_t value;

    if (!pop(o, &value)) {
        return EMULATE_FAULT;
    }
    op_set_reg(o, (o->opcode & 7) | (o->p.rex & INSN_REX_B ? 8u : 0),
               stack_size(o), value);
    return op_finish(o);
}

/* E8: what follows is found by the return address. */
enum emulate_result do_call(struct op *o)
{
    uint64_t offset = op_sign_extend(op_immediate(o, 4), 4);

    if (o->truncated || o->p.operand16) {
        return EMULATE_UNKNOWN;
    }
    if (!push(o, o->e->rip + o->at)) {
        return EMULATE_FAULT;
    }
    o->e->rip += o->at + offset;
    return EMULATE_DONE;
}

enum emulate_result do_return(struct op *o)
{
    uint64_t value;

    if (o->p.operand16) {
        return EMULATE_UNKNOWN;
    }
    if (!pop(o, &value)) {
        return EMULATE_FAULT;
    }
    o->e->rip = value;
    return EMULATE_DONE;
}

/* FF /2, /4, /6: CALL, JMP, PUSH of what memory holds. */
enum emulate_result do_indirect(struct op *o, unsigned operation)
{
    unsigned size = stack_size(o);
    uint64_t value;

    if (o->p.operand16) {
        return EMULATE_UNKNOWN;
    }
    if (!op_read_rm(o, size, &value)) {
        return EMULATE_FAULT;
    }
    if (operation == 6) {
        return push(o, value) ? op_finish(o) : EMULATE_FAULT;
    }
    if (operation == 2 && !push(o, o->e->rip + o->at)) {
        return EMULATE_FAULT;
    }
    o->e->rip = value;
    return EMULATE_DONE;
}
