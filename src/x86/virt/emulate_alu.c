/* SPDX-License-Identifier: MIT */
/* Arithmetic and logic, with the flags they leave. See emulate_op.h. */
#include "emulate_op.h"

/* -------------------------------------------------------------- arithmetic */

static void set_result_flags(struct op *o, uint64_t result, uint64_t extra)
{
    uint64_t flags = extra;
    uint8_t low = (uint8_t)result;

    low ^= (uint8_t)(low >> 4);
    low ^= (uint8_t)(low >> 2);
    low ^= (uint8_t)(low >> 1);
    flags |= low & 1 ? 0 : FLAG_PF;
    flags |= (result & op_mask(o->size)) == 0 ? FLAG_ZF : 0;
    flags |= result >> (o->size * 8 - 1) & 1 ? FLAG_SF : 0;
    o->e->rflags = (o->e->rflags & ~(uint64_t)FLAGS_ARITHMETIC) | flags;
}

static uint64_t add(struct op *o, uint64_t a, uint64_t b, uint64_t carry)
{
    uint64_t mask = op_mask(o->size), sum = (a + b + carry) & mask;
    uint64_t top = 1ull << (o->size * 8 - 1);
    uint64_t carries = (a & b) | ((a | b) & ~sum);

    set_result_flags(o, sum,
                     (carries & top ? FLAG_CF : 0) |
                         ((a ^ b ^ sum) & 0x10 ? FLAG_AF : 0) |
                         ((a ^ sum) & (b ^ sum) & top ? FLAG_OF : 0));
    return sum;
}

static uint64_t subtract(struct op *o, uint64_t a, uint64_t b, uint64_t borrow)
{
    uint64_t mask = op_mask(o->size), sum = (a - b - borrow) & mask;
    uint64_t top = 1ull << (o->size * 8 - 1);
    uint64_t borrows = (~a & b) | ((~a | b) & sum);

    set_result_flags(o, sum,
                     (borrows & top ? FLAG_CF : 0) |
                         ((a ^ b ^ sum) & 0x10 ? FLAG_AF : 0) |
                         ((a ^ b) & (a ^ sum) & top ? FLAG_OF : 0));
    return sum;
}

/* The eight operations of opcodes 00-3f and 80-83, by number; 7 compares. */
static uint64_t alu(struct op *o, unsigned operation, uint64_t a, uint64_t b)
{
    uint64_t carry = o->e->rflags & FLAG_CF;
    uint64_t result;

    a &= op_mask(o->size);
    b &= op_mask(o->size);
    switch (operation) {
    case 0:
        return add(o, a, b, 0);
    case 2:
        return add(o, a, b, carry);
    case 3:
        return subtract(o, a, b, carry);
    case 5:
    case 7:
        return subtract(o, a, b, 0);
    case 1:
        result = a | b;
        break;
    case 4:
        result = a & b;
        break;
    default:
        result = a ^ b;
        break;
    }
    set_result_flags(o, result, 0);
    return result;
}

#define ALU_AND 4u
#define ALU_COMPARE 7u

/* ------------------------------------------------------------ instructions
 */

/* 00-3b: operation in bits 5:3, direction in bit 1. */
enum emulate_result do_alu(struct op *o)
{
    unsigned operation = o->opcode >> 3;
    uint64_t flags = o->e->rflags, memory, result;

    op_decode_modrm(o, 0);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (!op_read_rm(o, o->size, &memory)) {
        return EMULATE_FAULT;
    }
    if (o->opcode & 2) {
        result = alu(o, operation, op_get_reg(o, o->reg, o->size), memory);
        if (operation != ALU_COMPARE) {
            op_set_reg(o, o->reg, o->size, result);
        }
        return op_finish(o);
    }
    result = alu(o, operation, memory, op_get_reg(o, o->reg, o->size));
    return operation == ALU_COMPARE ? op_finish(o)
                                    : op_store_rm(o, result, flags);
}

/* 80, 81, 83. */
enum emulate_result do_alu_immediate(struct op *o)
{
    unsigned size = o->opcode == 0x81 ? (o->size > 4 ? 4 : o->size) : 1;
    uint64_t flags = o->e->rflags, memory, value, result;

    op_decode_modrm(o, size);
    value = op_sign_extend(op_immediate(o, size), size);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (!op_read_rm(o, o->size, &memory)) {
        return EMULATE_FAULT;
    }
    result = alu(o, o->reg & 7, memory, value);
    return (o->reg & 7) == ALU_COMPARE ? op_finish(o)
                                       : op_store_rm(o, result, flags);
}

enum emulate_result do_test(struct op *o)
{
    uint64_t memory;

    op_decode_modrm(o, 0);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (!op_read_rm(o, o->size, &memory)) {
        return EMULATE_FAULT;
    }
    alu(o, ALU_AND, memory, op_get_reg(o, o->reg, o->size));
    return op_finish(o);
}

/* F6, F7: TEST with an immediate, NOT, NEG. */
enum emulate_result do_group3(struct op *o)
{
    unsigned size = o->size > 4 ? 4 : o->size;
    uint64_t flags = o->e->rflags, memory, value = 0;
    bool is_test;

    if (o->at >= o->e->nr_bytes) {
        return EMULATE_UNKNOWN;
    }
    is_test = (o->e->bytes[o->at] >> 3 & 7) < 2;
    op_decode_modrm(o, is_test ? size : 0);
    if (is_test) {
        value = op_sign_extend(op_immediate(o, size), size);
    }
    if (o->truncated || (o->reg & 7) > 3) {
        return EMULATE_UNKNOWN;
    }
    if (!op_read_rm(o, o->size, &memory)) {
        return EMULATE_FAULT;
    }
    if (is_test) {
        alu(o, ALU_AND, memory, value);
        return op_finish(o);
    }
    if ((o->reg & 7) == 2) {
        return op_store_rm(o, ~memory, flags);
    }
    return op_store_rm(o, subtract(o, 0, memory & op_mask(o->size), 0), flags);
}

/* FE, FF: INC, DEC; they keep the carry. */
enum emulate_result do_group4(struct op *o)
{
    uint64_t flags = o->e->rflags, memory, result;

    op_decode_modrm(o, 0);
    if (!o->truncated && o->opcode == 0xff &&
        ((o->reg & 7) == 2 || (o->reg & 7) == 4 || (o->reg & 7) == 6)) {
        return do_indirect(o, o->reg & 7);
    }
    if (o->truncated || (o->reg & 7) > 1) {
        return EMULATE_UNKNOWN;
    }
    if (!op_read_rm(o, o->size, &memory)) {
        return EMULATE_FAULT;
    }
    memory &= op_mask(o->size);
    result =
        (o->reg & 7) == 0 ? add(o, memory, 1, 0) : subtract(o, memory, 1, 0);
    o->e->rflags = (o->e->rflags & ~(uint64_t)FLAG_CF) | (flags & FLAG_CF);
    return op_store_rm(o, result, flags);
}
