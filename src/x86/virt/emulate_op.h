/* SPDX-License-Identifier: MIT */
/*
 * The emulator's own: an instruction under way, what all instructions need of
 * operands (emulate_op.c), and the instructions themselves, a file a kind.
 * Each do_ function decodes what follows the opcode and carries it out; when
 * it does not return EMULATE_DONE nothing has changed.
 */
#ifndef SCHEDOP_X86_VIRT_EMULATE_OP_H
#define SCHEDOP_X86_VIRT_EMULATE_OP_H

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

static inline uint64_t op_mask(unsigned size)
{
    return size >= 8 ? UINT64_MAX : (1ull << (size * 8)) - 1;
}

static inline uint64_t op_sign_extend(uint64_t value, unsigned size)
{
    uint64_t top = 1ull << (size * 8 - 1);

    value &= op_mask(size);
    return (value ^ top) - top;
}

/* ------------------------------------------------------- emulate_op.c */

/* The next bytes of the instruction; 0, and `truncated`, past its end. */
uint8_t op_byte(struct op *o);
uint64_t op_immediate(struct op *o, unsigned size);

uint64_t op_get_reg(const struct op *o, unsigned n, unsigned size);
void op_set_reg(struct op *o, unsigned n, unsigned size, uint64_t value);
uint64_t op_linear(const struct op *o, int segment, uint64_t offset);

/* Decodes ModRM and what follows; `trailing` immediate bytes come after. */
void op_decode_modrm(struct op *o, unsigned trailing);

/* The operand that ModRM names; false when memory refuses. */
bool op_read_rm(struct op *o, unsigned size, uint64_t *value);
bool op_write_rm(struct op *o, unsigned size, uint64_t value);

/* Memory is written before registers and flags are final, so keep a copy. */
enum emulate_result op_store_rm(struct op *o, uint64_t value,
                                uint64_t old_flags);

static inline enum emulate_result op_finish(struct op *o)
{
    o->e->rip += o->at;
    return EMULATE_DONE;
}

/* ------------------------------------------- emulate_move.c, _alu.c, _stack.c
 */

enum emulate_result do_mov(struct op *o);
enum emulate_result do_mov_immediate(struct op *o);
enum emulate_result do_mov_offset(struct op *o);
enum emulate_result do_extend(struct op *o, unsigned from, bool sign);
enum emulate_result do_exchange(struct op *o);
enum emulate_result do_string(struct op *o);

enum emulate_result do_alu(struct op *o);
enum emulate_result do_alu_immediate(struct op *o);
enum emulate_result do_test(struct op *o);
enum emulate_result do_group3(struct op *o);
enum emulate_result do_group4(struct op *o);

enum emulate_result do_push(struct op *o);
enum emulate_result do_pop(struct op *o);
enum emulate_result do_call(struct op *o);
enum emulate_result do_return(struct op *o);
enum emulate_result do_indirect(struct op *o, unsigned operation);

#endif
