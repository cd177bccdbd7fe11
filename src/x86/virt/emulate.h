/* SPDX-License-Identifier: MIT */
/*
 * The small emulator for instructions that touch memory which is not RAM.
 *
 * Knows the moves, tests, read-modify-write and stack forms that compilers
 * emit, with 32- and 64-bit addressing. Pure: memory is reached through two
 * callbacks with linear addresses.
 */
#ifndef SCHEDOP_X86_VIRT_EMULATE_H
#define SCHEDOP_X86_VIRT_EMULATE_H

#include "insn.h"

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
