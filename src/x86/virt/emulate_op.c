/* SPDX-License-Identifier: MIT */
/* Operands: immediates, registers, memory by ModRM. See emulate_op.h. */
#include "emulate_op.h"

uint8_t op_byte(struct op *o)
{
    if (o->at >= o->e->nr_bytes) {
        o->truncated = true;
        return 0;
    }
    return o->e->bytes[o->at++];
}

uint64_t op_immediate(struct op *o, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)op_byte(o) << (i * 8);
    }
    return value;
}

/* A general register of `size` bytes; AH to BH without REX. */
uint64_t op_get_reg(const struct op *o, unsigned n, unsigned size)
{
    if (size == 1 && o->p.rex == 0 && n >= 4 && n < 8) {
        return o->e->gpr[n - 4] >> 8 & 0xff;
    }
    return o->e->gpr[n] & op_mask(size);
}

void op_set_reg(struct op *o, unsigned n, unsigned size, uint64_t value)
{
    uint64_t *reg = &o->e->gpr[n];

    if (size == 1 && o->p.rex == 0 && n >= 4 && n < 8) {
        reg = &o->e->gpr[n - 4];
        *reg = (*reg & ~0xff00ull) | (value & 0xff) << 8;
    } else if (size >= 4) {
        *reg = value & op_mask(size); /* 32-bit writes clear the rest */
    } else {
        *reg = (*reg & ~op_mask(size)) | (value & op_mask(size));
    }
}

/* ------------------------------------------------------- effective address */

static uint64_t sib_address(struct op *o, int *segment)
{
    uint8_t sib = op_byte(o);
    unsigned base = (sib & 7u) | (o->p.rex & INSN_REX_B ? 8u : 0);
    unsigned index = (sib >> 3 & 7u) | (o->p.rex & INSN_REX_X ? 8u : 0);
    uint64_t address = 0;

    if ((base & 7) == 5 && o->mod == 0) {
        address = op_sign_extend(op_immediate(o, 4), 4);
    } else {
        address = o->e->gpr[base];
        if (base == REG_RSP || base == REG_RBP) {
            *segment = SEG_SS;
        }
    }
    if (index != REG_RSP) {
        address += o->e->gpr[index] << (sib >> 6);
    }
    return address;
}

static uint64_t segment_base(const struct op *o, int segment)
{
    if (o->p.segment >= 0) {
        segment = o->p.segment;
    }
    if (o->e->wide && segment != SEG_FS && segment != SEG_GS) {
        return 0;
    }
    return o->e->base[segment];
}

uint64_t op_linear(const struct op *o, int segment, uint64_t offset)
{
    uint64_t linear;

    offset &= op_mask(o->address);
    linear = segment_base(o, segment) + offset;
    return o->e->wide ? linear : linear & 0xffffffff;
}

void op_decode_modrm(struct op *o, unsigned trailing)
{
    uint8_t modrm = op_byte(o);
    int segment = SEG_DS;
    uint64_t address;

    o->mod = modrm >> 6;
    o->reg = (modrm >> 3 & 7u) | (o->p.rex & INSN_REX_R ? 8u : 0);
    o->rm = (modrm & 7u) | (o->p.rex & INSN_REX_B ? 8u : 0);
    o->is_memory = o->mod != 3;
    if (!o->is_memory) {
        return;
    }
    if ((modrm & 7) == 4) {
        address = sib_address(o, &segment);
    } else if (o->mod == 0 && (modrm & 7) == 5) {
        address = op_sign_extend(op_immediate(o, 4), 4);
        if (o->e->wide) {
            address += o->e->rip + o->at + trailing;
        }
    } else {
        address = o->e->gpr[o->rm];
        segment = o->rm == REG_RBP ? SEG_SS : SEG_DS;
    }
    if (o->mod == 1) {
        address += op_sign_extend(op_byte(o), 1);
    } else if (o->mod == 2) {
        address += op_sign_extend(op_immediate(o, 4), 4);
    }
    o->linear = op_linear(o, segment, address);
}

bool op_read_rm(struct op *o, unsigned size, uint64_t *value)
{
    *value = 0;
    if (!o->is_memory) {
        *value = op_get_reg(o, o->rm, size);
        return true;
    }
    return o->e->read(o->e, o->linear, value, size);
}

bool op_write_rm(struct op *o, unsigned size, uint64_t value)
{
    if (!o->is_memory) {
        op_set_reg(o, o->rm, size, value);
        return true;
    }
    return o->e->write(o->e, o->linear, &value, size);
}

enum emulate_result op_store_rm(struct op *o, uint64_t value,
                                uint64_t old_flags)
{
    if (!op_write_rm(o, o->size, value)) {
        o->e->rflags = old_flags;
        return EMULATE_FAULT;
    }
    return op_finish(o);
}
