/* SPDX-License-Identifier: MIT */
/* See emulate.h. */
#include "emulate.h"

#include <stddef.h>

#define FLAG_CF 0x001u
#define FLAG_PF 0x004u
#define FLAG_AF 0x010u
#define FLAG_ZF 0x040u
#define FLAG_SF 0x080u
#define FLAG_DF 0x400u
#define FLAG_OF 0x800u
#define FLAGS_ARITHMETIC                                                       \
    (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* ----------------------------------------------------------- one operation */

/* An instruction under way. */
struct op {
    struct emulate *e;
    struct insn_prefixes p;
    unsigned at;    /* next byte to decode */
    bool truncated; /* ran out of bytes */
    unsigned opcode;
    unsigned size;    /* operand bytes */
    unsigned address; /* address bytes: 4 or 8 */
    unsigned mod, reg, rm;
    bool is_memory;
    uint64_t linear;
};

static uint64_t mask_of(unsigned size)
{
    return size >= 8 ? UINT64_MAX : (1ull << (size * 8)) - 1;
}

static uint64_t sign_extend(uint64_t value, unsigned size)
{
    uint64_t top = 1ull << (size * 8 - 1);

    value &= mask_of(size);
    return (value ^ top) - top;
}

static uint8_t next_byte(struct op *o)
{
    if (o->at >= o->e->nr_bytes) {
        o->truncated = true;
        return 0;
    }
    return o->e->bytes[o->at++];
}

static uint64_t next_immediate(struct op *o, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)next_byte(o) << (i * 8);
    }
    return value;
}

/* A general register of `size` bytes; AH to BH without REX. */
static uint64_t get_reg(const struct op *o, unsigned n, unsigned size)
{
    if (size == 1 && o->p.rex == 0 && n >= 4 && n < 8) {
        return o->e->gpr[n - 4] >> 8 & 0xff;
    }
    return o->e->gpr[n] & mask_of(size);
}

static void set_reg(struct op *o, unsigned n, unsigned size, uint64_t value)
{
    uint64_t *reg = &o->e->gpr[n];

    if (size == 1 && o->p.rex == 0 && n >= 4 && n < 8) {
        reg = &o->e->gpr[n - 4];
        *reg = (*reg & ~0xff00ull) | (value & 0xff) << 8;
    } else if (size >= 4) {
        *reg = value & mask_of(size); /* 32-bit writes clear the rest */
    } else {
        *reg = (*reg & ~mask_of(size)) | (value & mask_of(size));
    }
}

/* ------------------------------------------------------- effective address */

static uint64_t sib_address(struct op *o, int *segment)
{
    uint8_t sib = next_byte(o);
    unsigned base = (sib & 7u) | (o->p.rex & INSN_REX_B ? 8u : 0);
    unsigned index = (sib >> 3 & 7u) | (o->p.rex & INSN_REX_X ? 8u : 0);
    uint64_t address = 0;

    if ((base & 7) == 5 && o->mod == 0) {
        address = sign_extend(next_immediate(o, 4), 4);
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

static uint64_t to_linear(const struct op *o, int segment, uint64_t offset)
{
    uint64_t linear;

    offset &= mask_of(o->address);
    linear = segment_base(o, segment) + offset;
    return o->e->wide ? linear : linear & 0xffffffff;
}

/* Decodes ModRM and what follows; `trailing` immediate bytes come after. */
static void decode_modrm(struct op *o, unsigned trailing)
{
    uint8_t modrm = next_byte(o);
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
        address = sign_extend(next_immediate(o, 4), 4);
        if (o->e->wide) {
            address += o->e->rip + o->at + trailing;
        }
    } else {
        address = o->e->gpr[o->rm];
        segment = o->rm == REG_RBP ? SEG_SS : SEG_DS;
    }
    if (o->mod == 1) {
        address += sign_extend(next_byte(o), 1);
    } else if (o->mod == 2) {
        address += sign_extend(next_immediate(o, 4), 4);
    }
    o->linear = to_linear(o, segment, address);
}

static bool read_rm(struct op *o, unsigned size, uint64_t *value)
{
    *value = 0;
    if (!o->is_memory) {
        *value = get_reg(o, o->rm, size);
        return true;
    }
    return o->e->read(o->e, o->linear, value, size);
}

static bool write_rm(struct op *o, unsigned size, uint64_t value)
{
    if (!o->is_memory) {
        set_reg(o, o->rm, size, value);
        return true;
    }
    return o->e->write(o->e, o->linear, &value, size);
}

/* -------------------------------------------------------------- arithmetic */

static void set_result_flags(struct op *o, uint64_t result, uint64_t extra)
{
    uint64_t flags = extra;
    uint8_t low = (uint8_t)result;

    low ^= (uint8_t)(low >> 4);
    low ^= (uint8_t)(low >> 2);
    low ^= (uint8_t)(low >> 1);
    flags |= low & 1 ? 0 : FLAG_PF;
    flags |= (result & mask_of(o->size)) == 0 ? FLAG_ZF : 0;
    flags |= result >> (o->size * 8 - 1) & 1 ? FLAG_SF : 0;
    o->e->rflags = (o->e->rflags & ~(uint64_t)FLAGS_ARITHMETIC) | flags;
}

static uint64_t add(struct op *o, uint64_t a, uint64_t b, uint64_t carry)
{
    uint64_t mask = mask_of(o->size), sum = (a + b + carry) & mask;
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
    uint64_t mask = mask_of(o->size), sum = (a - b - borrow) & mask;
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

    a &= mask_of(o->size);
    b &= mask_of(o->size);
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

/* ------------------------------------------------------------ instructions */

static enum emulate_result finish(struct op *o)
{
    o->e->rip += o->at;
    return EMULATE_DONE;
}

/* Memory is written before registers and flags are final, so keep a copy. */
static enum emulate_result store_rm(struct op *o, uint64_t value,
                                    uint64_t old_flags)
{
    if (!write_rm(o, o->size, value)) {
        o->e->rflags = old_flags;
        return EMULATE_FAULT;
    }
    return finish(o);
}

static enum emulate_result do_mov(struct op *o)
{
    uint64_t value;

    decode_modrm(o, 0);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (o->opcode < 0x8a) {
        return store_rm(o, get_reg(o, o->reg, o->size), o->e->rflags);
    }
    if (!read_rm(o, o->size, &value)) {
        return EMULATE_FAULT;
    }
    set_reg(o, o->reg, o->size, value);
    return finish(o);
}

static enum emulate_result do_mov_immediate(struct op *o)
{
    unsigned size = o->size > 4 ? 4 : o->size;
    uint64_t value;

    decode_modrm(o, size);
    value = sign_extend(next_immediate(o, size), size);
    if (o->truncated || (o->reg & 7) != 0) {
        return EMULATE_UNKNOWN;
    }
    return store_rm(o, value, o->e->rflags);
}

static enum emulate_result do_mov_offset(struct op *o)
{
    uint64_t value = 0;

    o->linear = to_linear(o, SEG_DS, next_immediate(o, o->address));
    o->is_memory = true;
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (o->opcode >= 0xa2) {
        return store_rm(o, get_reg(o, REG_RAX, o->size), o->e->rflags);
    }
    if (!read_rm(o, o->size, &value)) {
        return EMULATE_FAULT;
    }
    set_reg(o, REG_RAX, o->size, value);
    return finish(o);
}

/* MOVZX, MOVSX, MOVSXD: `from` bytes extended to the operand size. */
static enum emulate_result do_extend(struct op *o, unsigned from, bool sign)
{
    uint64_t value;

    decode_modrm(o, 0);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (!read_rm(o, from, &value)) {
        return EMULATE_FAULT;
    }
    set_reg(o, o->reg, o->size, sign ? sign_extend(value, from) : value);
    return finish(o);
}

/* 00-3b: operation in bits 5:3, direction in bit 1. */
static enum emulate_result do_alu(struct op *o)
{
    unsigned operation = o->opcode >> 3;
    uint64_t flags = o->e->rflags, memory, result;

    decode_modrm(o, 0);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (!read_rm(o, o->size, &memory)) {
        return EMULATE_FAULT;
    }
    if (o->opcode & 2) {
        result = alu(o, operation, get_reg(o, o->reg, o->size), memory);
        if (operation != ALU_COMPARE) {
            set_reg(o, o->reg, o->size, result);
        }
        return finish(o);
    }
    result = alu(o, operation, memory, get_reg(o, o->reg, o->size));
    return operation == ALU_COMPARE ? finish(o) : store_rm(o, result, flags);
}

/* 80, 81, 83. */
static enum emulate_result do_alu_immediate(struct op *o)
{
    unsigned size = o->opcode == 0x81 ? (o->size > 4 ? 4 : o->size) : 1;
    uint64_t flags = o->e->rflags, memory, value, result;

    decode_modrm(o, size);
    value = sign_extend(next_immediate(o, size), size);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (!read_rm(o, o->size, &memory)) {
        return EMULATE_FAULT;
    }
    result = alu(o, o->reg & 7, memory, value);
    return (o->reg & 7) == ALU_COMPARE ? finish(o) : store_rm(o, result, flags);
}

static enum emulate_result do_test(struct op *o)
{
    uint64_t memory;

    decode_modrm(o, 0);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    if (!read_rm(o, o->size, &memory)) {
        return EMULATE_FAULT;
    }
    alu(o, ALU_AND, memory, get_reg(o, o->reg, o->size));
    return finish(o);
}

/* F6, F7: TEST with an immediate, NOT, NEG. */
static enum emulate_result do_group3(struct op *o)
{
    unsigned size = o->size > 4 ? 4 : o->size;
    uint64_t flags = o->e->rflags, memory, value = 0;
    bool is_test;

    if (o->at >= o->e->nr_bytes) {
        return EMULATE_UNKNOWN;
    }
    is_test = (o->e->bytes[o->at] >> 3 & 7) < 2;
    decode_modrm(o, is_test ? size : 0);
    if (is_test) {
        value = sign_extend(next_immediate(o, size), size);
    }
    if (o->truncated || (o->reg & 7) > 3) {
        return EMULATE_UNKNOWN;
    }
    if (!read_rm(o, o->size, &memory)) {
        return EMULATE_FAULT;
    }
    if (is_test) {
        alu(o, ALU_AND, memory, value);
        return finish(o);
    }
    if ((o->reg & 7) == 2) {
        return store_rm(o, ~memory, flags);
    }
    return store_rm(o, subtract(o, 0, memory & mask_of(o->size), 0), flags);
}

/* ------------------------------------------------------------------- stack */

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
    uint64_t rsp = (o->e->gpr[REG_RSP] - size) & mask_of(o->e->wide ? 8 : 4);

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
    o->e->gpr[REG_RSP] = (rsp + size) & mask_of(o->e->wide ? 8 : 4);
    return true;
}

/* 50-57, 68, 6A: a register or an immediate. */
static enum emulate_result do_push(struct op *o)
{
    unsigned size = o->opcode == 0x6a ? 1 : o->p.operand16 ? 2 : 4;
    uint64_t value;

    if (o->opcode >= 0x68) {
        value = sign_extend(next_immediate(o, size), size);
    } else {
        value = o->e->gpr[(o->opcode & 7) | (o->p.rex & INSN_REX_B ? 8u : 0)];
    }
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    return push(o, value) ? finish(o) : EMULATE_FAULT;
}

/* 58-5F. */
static enum emulate_result do_pop(struct op *o)
{
    uint64_t value;

    if (!pop(o, &value)) {
        return EMULATE_FAULT;
    }
    set_reg(o, (o->opcode & 7) | (o->p.rex & INSN_REX_B ? 8u : 0),
            stack_size(o), value);
    return finish(o);
}

/* E8: what follows is found by the return address. */
static enum emulate_result do_call(struct op *o)
{
    uint64_t offset = sign_extend(next_immediate(o, 4), 4);

    if (o->truncated || o->p.operand16) {
        return EMULATE_UNKNOWN;
    }
    if (!push(o, o->e->rip + o->at)) {
        return EMULATE_FAULT;
    }
    o->e->rip += o->at + offset;
    return EMULATE_DONE;
}

static enum emulate_result do_return(struct op *o)
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
static enum emulate_result do_indirect(struct op *o, unsigned operation)
{
    unsigned size = stack_size(o);
    uint64_t value;

    if (o->p.operand16) {
        return EMULATE_UNKNOWN;
    }
    if (!read_rm(o, size, &value)) {
        return EMULATE_FAULT;
    }
    if (operation == 6) {
        return push(o, value) ? finish(o) : EMULATE_FAULT;
    }
    if (operation == 2 && !push(o, o->e->rip + o->at)) {
        return EMULATE_FAULT;
    }
    o->e->rip = value;
    return EMULATE_DONE;
}

/* FE, FF: INC, DEC; they keep the carry. */
static enum emulate_result do_group4(struct op *o)
{
    uint64_t flags = o->e->rflags, memory, result;

    decode_modrm(o, 0);
    if (!o->truncated && o->opcode == 0xff &&
        ((o->reg & 7) == 2 || (o->reg & 7) == 4 || (o->reg & 7) == 6)) {
        return do_indirect(o, o->reg & 7);
    }
    if (o->truncated || (o->reg & 7) > 1) {
        return EMULATE_UNKNOWN;
    }
    if (!read_rm(o, o->size, &memory)) {
        return EMULATE_FAULT;
    }
    memory &= mask_of(o->size);
    result =
        (o->reg & 7) == 0 ? add(o, memory, 1, 0) : subtract(o, memory, 1, 0);
    o->e->rflags = (o->e->rflags & ~(uint64_t)FLAG_CF) | (flags & FLAG_CF);
    return store_rm(o, result, flags);
}

static enum emulate_result do_exchange(struct op *o)
{
    uint64_t memory, value;

    decode_modrm(o, 0);
    if (o->truncated) {
        return EMULATE_UNKNOWN;
    }
    value = get_reg(o, o->reg, o->size);
    if (!read_rm(o, o->size, &memory) || !write_rm(o, o->size, value)) {
        return EMULATE_FAULT;
    }
    set_reg(o, o->reg, o->size, memory);
    return finish(o);
}

/* ----------------------------------------------------- string instructions */

static uint64_t string_linear(const struct op *o, unsigned reg, int segment)
{
    if (reg == REG_RDI) { /* always ES, no override */
        struct op plain = *o;

        plain.p.segment = -1;
        return to_linear(&plain, SEG_ES, o->e->gpr[reg]);
    }
    return to_linear(o, segment, o->e->gpr[reg]);
}

static void string_advance(struct op *o, unsigned reg)
{
    uint64_t step = o->e->rflags & FLAG_DF ? -(uint64_t)o->size : o->size;

    set_reg(o, reg, o->address, o->e->gpr[reg] + step);
}

/* A4-A5 MOVS, AA-AB STOS, AC-AD LODS: one round. */
static enum emulate_result do_string(struct op *o)
{
    bool repeat = o->p.rep || o->p.repne;
    bool from = o->opcode != 0xaa && o->opcode != 0xab;
    bool to = o->opcode < 0xac;
    uint64_t value = get_reg(o, REG_RAX, o->size);
    uint64_t count = get_reg(o, REG_RCX, o->address);

    if (repeat && count == 0) {
        return finish(o);
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
        set_reg(o, REG_RAX, o->size, value);
    }
    if (repeat) {
        set_reg(o, REG_RCX, o->address, count - 1);
        if (count > 1) {
            return EMULATE_DONE;
        }
    }
    return finish(o);
}

/* ---------------------------------------------------------------- dispatch */

static enum emulate_result two_byte(struct op *o)
{
    switch (next_byte(o)) {
    case 0xb6:
        return do_extend(o, 1, false);
    case 0xb7:
        return do_extend(o, 2, false);
    case 0xbe:
        return do_extend(o, 1, true);
    case 0xbf:
        return do_extend(o, 2, true);
    default:
        return EMULATE_UNKNOWN;
    }
}

static enum emulate_result one_byte(struct op *o)
{
    unsigned opcode = o->opcode;

    if (opcode < 0x40 && (opcode & 7) < 4) {
        return do_alu(o);
    }
    if ((opcode & 0xf0) == 0x50) {
        return opcode < 0x58 ? do_push(o) : do_pop(o);
    }
    switch (opcode) {
    case 0x63:
        return o->e->wide ? do_extend(o, 4, true) : EMULATE_UNKNOWN;
    case 0x68:
    case 0x6a:
        return do_push(o);
    case 0x80:
    case 0x81:
    case 0x83:
        return do_alu_immediate(o);
    case 0x84:
    case 0x85:
        return do_test(o);
    case 0x86:
    case 0x87:
        return do_exchange(o);
    case 0x88:
    case 0x89:
    case 0x8a:
    case 0x8b:
        return do_mov(o);
    case 0xa0:
    case 0xa1:
    case 0xa2:
    case 0xa3:
        return do_mov_offset(o);
    case 0xa4:
    case 0xa5:
    case 0xaa:
    case 0xab:
    case 0xac:
    case 0xad:
        return do_string(o);
    case 0xc3:
        return do_return(o);
    case 0xc6:
    case 0xc7:
        return do_mov_immediate(o);
    case 0xe8:
        return do_call(o);
    case 0xf6:
    case 0xf7:
        return do_group3(o);
    case 0xfe:
    case 0xff:
        return do_group4(o);
    default:
        return EMULATE_UNKNOWN;
    }
}

/* Opcodes whose lowest bit tells a byte operand from a full one. */
static bool has_byte_form(unsigned opcode)
{
    return opcode != 0x63 && opcode != 0x83;
}

enum emulate_result emulate_insn(struct emulate *e)
{
    struct op o = {.e = e};
    enum emulate_result result;

    if (!insn_prefixes(e->bytes, e->nr_bytes, e->wide, &o.p)) {
        return EMULATE_UNKNOWN;
    }
    if (e->wide) {
        o.address = o.p.address_flip ? 4 : 8;
        o.size = o.p.rex & INSN_REX_W ? 8 : o.p.operand16 ? 2 : 4;
    } else if (e->data32 != o.p.address_flip) {
        o.address = 4;
        o.size = e->data32 != o.p.operand16 ? 4 : 2;
    } else {
        return EMULATE_UNKNOWN; /* 16-bit addressing */
    }
    o.at = o.p.next;
    o.opcode = next_byte(&o);
    if (o.opcode == 0x0f) {
        result = two_byte(&o);
    } else {
        if (has_byte_form(o.opcode) && !(o.opcode & 1)) {
            o.size = 1;
        }
        result = one_byte(&o);
    }
    if (result == EMULATE_DONE && !e->wide) {
        e->rip &= 0xffffffff;
    }
    return result;
}
