/* SPDX-License-Identifier: MIT */
/*
 * Instruction bytes: prefixes, and the lengths of the few instructions that
 * exits are about. Pure.
 */
#ifndef SCHEDOP_X86_VIRT_INSN_H
#define SCHEDOP_X86_VIRT_INSN_H

#include <stdbool.h>
#include <stdint.h>

#define INSN_MAX 15u

enum { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI };
enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

#define INSN_REX_W 8u
#define INSN_REX_R 4u
#define INSN_REX_X 2u
#define INSN_REX_B 1u

/* Prefixes of an instruction; `next` is the index of its opcode. */
struct insn_prefixes {
    unsigned next;
    uint8_t rex;
    bool operand16, address_flip, rep, repne, lock;
    int segment; /* SEG_*, -1 without override */
};

/* False when there are nothing but prefixes in the `n` bytes. */
bool insn_prefixes(const uint8_t *bytes, unsigned n, bool wide,
                   struct insn_prefixes *p);

/*
 * Length of the instruction at `bytes` if after its prefixes comes `opcode`
 * (`len` bytes, no operand bytes); 0 if something else is there.
 */
unsigned insn_match(const uint8_t *bytes, unsigned n, bool wide,
                    const uint8_t *opcode, unsigned len);

/*
 * Length of a MOV to (`write`) or from control register *cr, and its general
 * register; 0 if it is none.
 */
unsigned insn_mov_cr(const uint8_t *bytes, unsigned n, bool wide, bool write,
                     unsigned *cr, unsigned *gpr);

/* The same for a MOV to a debug register. */
unsigned insn_mov_dr(const uint8_t *bytes, unsigned n, bool wide, unsigned *dr,
                     unsigned *gpr);

/* The same for LMSW from a register; its memory form is not known. */
unsigned insn_lmsw(const uint8_t *bytes, unsigned n, bool wide, unsigned *gpr);

#endif
