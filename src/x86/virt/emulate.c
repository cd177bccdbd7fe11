/* SPDX-License-Identifier: MIT */
/* From opcodes to what does them. See emulate.h. */
#include "emulate_op.h"

static enum emulate_result two_byte(struct op *o)
{
    switch (op_byte(o)) {
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
    o.opcode = op_byte(&o);
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
