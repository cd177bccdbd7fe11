/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's registers as gdb numbers them, for i386 and x86-64, and the
 * description of that which gdb reads (target.xml).
 */
#ifndef SCHEDOP_CLI_GDB_REGS_H
#define SCHEDOP_CLI_GDB_REGS_H

#include <schedop/save.h>

#include "cli.h"

#define GDB_REGS_MAX 80u

enum gdb_where {
    GDB_GPR,
    GDB_RIP,
    GDB_FLAGS,
    GDB_SELECTOR,
    GDB_BASE, /* of a segment */
    GDB_CONTROL,
    GDB_ST,
    GDB_X87, /* control words of the FPU */
    GDB_XMM,
    GDB_MXCSR,
};

struct gdb_reg {
    char name[8];
    const char *type;
    uint8_t bytes, where, index;
};

struct gdb_regs {
    bool wide; /* x86-64 */
    size_t count;
    struct gdb_reg reg[GDB_REGS_MAX];
    size_t bytes; /* of all of them, as `g` has them */
};

void gdb_regs_init(struct gdb_regs *r, bool wide);

/* target.xml. */
void gdb_regs_describe(const struct gdb_regs *r, struct cli_text *xml);

/* `reg` of `v` as bytes, lowest first: reg->bytes of them. */
void gdb_reg_get(const struct gdb_reg *reg, const struct schedop_state_vcpu *v,
                 uint8_t *out);
/* False, with nothing changed, when that register cannot be set to it. */
bool gdb_reg_set(const struct gdb_reg *reg, struct schedop_state_vcpu *v,
                 const uint8_t *in);

#endif
