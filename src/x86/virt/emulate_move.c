/* SPDX-License-Identifier: MIT */
/* Moves, extensions, exchanges and string instructions. See emulate_op.h. */
#include "emulate_op.h"

enum emulate_result do_mov(struct op *o)
{
    uint64_t value;

    op_decode_modrm(o, 0);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (o->opcode < 0x8a) {
        return op_store_rm(o, op_get_reg(o, o->reg, o->size), o->e->rflags);
    }
    if (!op_read_rm(o, o->size, &value)) {
        return EMULATE_FAULT;
    }
    op_set_reg(o, o->reg, o->size, value);
    return op_finish(o);
}

enum emulate_result do_mov_immediate(struct op *o)
{
    unsigned size = o->size > 4 ? 4 : o->size;
    uint64_t value;

    op_decode_modrm(o, size);
    value = op_sign_extend(op_immediate(o, size), size);
    if (o->truncated || (o->reg & 7) != 0) {
        return EMULATE_UNKNOWN;
    }
    return op_store_rm(o, value, o->e->rflags);
}

enum emulate_result do_mov_offset(struct op *o)
{
    uint64_t value = 0;

    o->linear = op_linear(o, SEG_DS, op_immediate(o, o->address));
    o->is_memory = true;
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (o->opcode >= 0xa2) {
        return op_store_rm(o, op_get_reg(o, REG_RAX, o->size), o->e->rflags);
    }
    if (!op_read_rm(o, o->size, &value)) {
        return EMULATE_FAULT;
    }
    op_set_reg(o, REG_RAX, o->size, value);
    return op_finish(o);
}

/* MOVZX, MOVSX, MOVSXD: `from` bytes extended to the operand size. */
enum emulate_result do_extend(struct op *o, unsigned from, bool sign)
{
    uint64_t value;

    op_decode_modrm(o, 0);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (!op_read_rm(o, from, &value)) {
        return EMULATE_FAULT;
    }
    op_set_reg(o, o->reg, o->size, sign ? op_sign_extend(value, from) : value);
    return op_finish(o);
}

enum emulate_result do_exchange(struct op *o)
{
    uint64_t memory, value;

    op_decode_modrm(o, 0);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    value = op_get_reg(o, o->reg, o->size);
    if (!op_read_rm(o, o->size, &memory) || !op_write_rm(o, o->size, value)) {
        return EMULATE_FAULT;
    }
    op_set_reg(o, o->reg, o->size, memory);
    return op_finish(o);
}

/* ----------------------------------------------------- string instructions */

static uint64_t string_linear(const struct op *o, unsigned reg, int segment)
{
    if (reg == REG_RDI) { /* always ES, no override */
        struct op plain = *o;

        plain.p.segment = -1;
        return op_linear(&plain, SEG_ES, o->e->gpr[reg]);
    }
    return op_linear(o, segment, o->e->gpr[reg]);
}

static void string_advance(struct op *o, unsigned reg)
{
    uint64_t step = o->e->rflags & FLAG_DF ? -(uint64_t)o->size : o->size;

    op_set_reg(o, reg, o->address, o->e->gpr[reg] + step);
}

/* A4-A5 MOVS, AA-AB STOS, AC-AD LODS: one round. */
enum emulate_result do_string(struct op *o)
{
    bool repeat = o->p.rep || o->p.repne;
    bool from = o->opcode != 0xaa && o->opcode != 0xab;
    bool to = o->opcode < 0xac;
    uint64_t value = op_get_reg(o, REG_RAX, o->size);
    uint64_t count = op_get_reg(o, REG_RCX, o->address);

    if (repeat && count == 0) {
        return op_finish(o);
    }
    if (from &&
        !o->e->read(o->e, string_linear(o, REG_RSI, SEG_DS), &value, o->size)) {
        return EMULATE_FAULT;
    }
    if (to && !o->e->write(o->e, string_linear(o, REG_RDI, SEG_ES), &value,
                           o->size)) {
        return EMULATE_FAULT;
    }
    if (from) {
        string_advance(o, REG_RSI);
    }
    if (to) {
        string_advance(o, REG_RDI);
    } else {
        op_set_reg(o, REG_RAX, o->size, value);
    }
    if (repeat) {
        op_set_reg(o, REG_RCX, o->address, count - 1);
        if (count > 1) {
            return EMULATE_DONE;
        }
    }
    return op_finish(o);
}
