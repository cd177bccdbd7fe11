/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder: lengths of the instructions that exits are about,
 * and the small emulator for instructions that touch memory which is not RAM.
 *
 * Knows the moves, tests and read-modify-write forms that compilers emit for
 * device registers, with 32- and 64-bit addressing. Pure: memory is reached
 * through two callbacks with linear addresses.
 */
#ifndef SCHEDOP_X86_VIRT_MMIO_H
#define SCHEDOP_X86_VIRT_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#define INSN_MAX 15u

enum { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI };
enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

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

enum emulate_result {
    EMULATE_DONE,    /* registers and rip are updated */
    EMULATE_FAULT,   /* a callback refused: nothing changed */
    EMULATE_UNKNOWN, /* not an instruction we know: nothing changed */
};

struct emulate {
    const uint8_t *bytes; /* of the instruction, as far as readable */
    unsigned nr_bytes;
    uint64_t gpr[16], rip, rflags;
    uint64_t base[6]; /* of the segments */
    bool wide;        /* 64-bit code segment */
    bool data32;      /* default operand and address size is 32 bits */
    /* Access to `len` (1, 2, 4, 8) bytes; false refuses. */
    bool (*read)(struct emulate *e, uint64_t linear, void *to, unsigned len);
    bool (*write)(struct emulate *e, uint64_t linear, const void *from,
                  unsigned len);
    void *context;
};

/*
 * Carries out one instruction; of a repeated one a single round, with rip
 * left in place until the count is used up.
 */
enum emulate_result emulate_insn(struct emulate *e);

#endif
