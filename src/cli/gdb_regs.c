/* SPDX-License-Identifier: MIT */
/* Registers as gdb numbers them: see gdb_regs.h. */
#include "gdb_regs.h"

#include <stdlib.h>
#include <string.h>

#define FPU_ST 32u /* in the save area of FXSAVE and XSAVE */
#define FPU_XMM 160u
#define FPU_MXCSR 24u
#define FPU_COMPONENTS 512u
#define FLAGS_SETTABLE 0x244fd5u /* CF to OF, NT, AC, ID; not IOPL, RF, VM */

/* ---- which there are ---- */

static void add(struct gdb_regs *r, const char *name, const char *type,
                unsigned bytes, enum gdb_where where, unsigned index)
{
    struct gdb_reg *reg = &r->reg[r->count++];

    (void)memccpy(reg->name, name, '\0', sizeof(reg->name) - 1);
    reg->type = type;
    reg->bytes = (uint8_t)bytes;
    reg->where = (uint8_t)where;
    reg->index = (uint8_t)index;
    r->bytes += bytes;
}

static void add_many(struct gdb_regs *r, const char *name, const char *type,
                     unsigned bytes, enum gdb_where where, unsigned from,
                     unsigned count)
{
    for (unsigned i = from; i < count; i++) {
        char *numbered = cli_format("%s%u", name, i);

        add(r, numbered, type, bytes, where, i);
        free(numbered);
    }
}

/* gdb's order of the first eight is the processor's only for i386. */
static void add_general(struct gdb_regs *r)
{
    static const char *const names[] = {"ax", "cx", "dx", "bx",
                                        "sp", "bp", "si", "di"};
    static const uint8_t order64[] = {0, 3, 1, 2, 6, 7, 5, 4};
    unsigned bytes = r->wide ? 8 : 4;

    for (unsigned i = 0; i < 8; i++) {
        unsigned n = r->wide ? order64[i] : i;
        char *name = cli_format("%c%s", r->wide ? 'r' : 'e', names[n]);
        bool points = n == 4 || n == 5;

        add(r, name,
            points    ? "data_ptr"
            : r->wide ? "int64"
                      : "int32",
            bytes, GDB_GPR, n);
        free(name);
    }
    if (r->wide) {
        add_many(r, "r", "int64", 8, GDB_GPR, 8, 16);
    }
    add(r, r->wide ? "rip" : "eip", "code_ptr", bytes, GDB_RIP, 0);
    add(r, "eflags", "i386_eflags", 4, GDB_FLAGS, 0);
}

static void add_others(struct gdb_regs *r)
{
    static const struct {
        const char *name;
        uint8_t index;
    } selectors[] = {
        {"cs", SCHEDOP_STATE_CS}, {"ss", SCHEDOP_STATE_SS},
        {"ds", SCHEDOP_STATE_DS}, {"es", SCHEDOP_STATE_ES},
        {"fs", SCHEDOP_STATE_FS}, {"gs", SCHEDOP_STATE_GS},
    };
    static const char *const x87[] = {"fctrl", "fstat", "ftag",  "fiseg",
                                      "fioff", "foseg", "fooff", "fop"};
    static const char *const control[] = {"cr0", "cr2", "cr3", "cr4", "efer"};

    for (unsigned i = 0; i < 6; i++) {
        add(r, selectors[i].name, "int32", 4, GDB_SELECTOR, selectors[i].index);
    }
    add_many(r, "st", "i387_ext", 10, GDB_ST, 0, 8);
    for (unsigned i = 0; i < 8; i++) {
        add(r, x87[i], "int", 4, GDB_X87, i);
    }
    add_many(r, "xmm", "vec128", 16, GDB_XMM, 0, r->wide ? 16 : 8);
    add(r, "mxcsr", "int32", 4, GDB_MXCSR, 0);
    if (r->wide) {
        add(r, "fs_base", "int64", 8, GDB_BASE, SCHEDOP_STATE_FS);
        add(r, "gs_base", "int64", 8, GDB_BASE, SCHEDOP_STATE_GS);
    }
    for (unsigned i = 0; i < 5; i++) {
        add(r, control[i], r->wide ? "int64" : "int32", r->wide ? 8 : 4,
            GDB_CONTROL, i);
    }
}

void gdb_regs_init(struct gdb_regs *r, bool wide)
{
    memset(r, 0, sizeof(*r));
    r->wide = wide;
    add_general(r);
    add_others(r);
}

/* ---- target.xml ---- */

static const char *feature_of(const struct gdb_reg *reg)
{
    switch (reg->where) {
    case GDB_XMM:
    case GDB_MXCSR:
        return "org.gnu.gdb.i386.sse";
    case GDB_BASE:
        return "org.gnu.gdb.i386.segments";
    case GDB_CONTROL:
        return "org.schedop.control";
    default:
        return "org.gnu.gdb.i386.core";
    }
}

static void describe_types(const char *feature, struct cli_text *xml)
{
    static const struct {
        const char *name;
        unsigned bit;
    } flags[] = {
        {"CF", 0},  {"PF", 2},   {"AF", 4},   {"ZF", 6},
        {"SF", 7},  {"TF", 8},   {"IF", 9},   {"DF", 10},
        {"OF", 11}, {"NT", 14},  {"RF", 16},  {"VM", 17},
        {"AC", 18}, {"VIF", 19}, {"VIP", 20}, {"ID", 21},
    };

    if (strcmp(feature, "org.gnu.gdb.i386.core") == 0) {
        cli_text_str(xml, "<flags id=\"i386_eflags\" size=\"4\">");
        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
            cli_text_printf(xml, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>",
                            flags[i].name, flags[i].bit, flags[i].bit);
        }
        cli_text_str(xml, "</flags>");
    } else if (strcmp(feature, "org.gnu.gdb.i386.sse") == 0) {
        cli_text_str(xml,
                     "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
                     "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
                     "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
                     "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
                     "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
                     "<union id=\"vec128\">"
                     "<field name=\"v4_float\" type=\"v4f\"/>"
                     "<field name=\"v2_double\" type=\"v2d\"/>"
                     "<field name=\"v16_int8\" type=\"v16i8\"/>"
                     "<field name=\"v4_int32\" type=\"v4i32\"/>"
                     "<field name=\"v2_int64\" type=\"v2i64\"/>"
                     "<field name=\"uint128\" type=\"uint128\"/></union>");
    }
}

void gdb_regs_describe(const struct gdb_regs *r, struct cli_text *xml)
{
    const char *feature = NULL;

    cli_text_printf(xml,
                    "<?xml version=\"1.0\"?>"
                    "<!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
                    "<architecture>%s</architecture>",
                    r->wide ? "i386:x86-64" : "i386");
    for (size_t i = 0; i < r->count; i++) {
        const struct gdb_reg *reg = &r->reg[i];

        if (feature == NULL || strcmp(feature, feature_of(reg)) != 0) {
            cli_text_str(xml, feature != NULL ? "</feature>" : "");
            feature = feature_of(reg);
            cli_text_printf(xml, "<feature name=\"%s\">", feature);
            describe_types(feature, xml);
        }
        cli_text_printf(xml,
                        "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" "
                        "regnum=\"%zu\"%s/>",
                        reg->name, reg->bytes * 8u, reg->type, i,
                        reg->where == GDB_X87 ? " group=\"float\"" : "");
    }
    cli_text_str(xml, "</feature></target>");
}

/* ---- values ---- */

static uint64_t control_of(const struct schedop_state_vcpu *v, unsigned n)
{
    const uint64_t control[] = {v->cr0, v->cr2, v->cr3, v->cr4, v->efer};

    return control[n];
}

/*
 * The FPU's words: where they are in the save area, and of how many bytes.
 * Selectors are not kept in 64-bit mode; the tag word is kept as a bit a
 * register.
 */
static const struct {
    uint8_t offset, bytes;
} x87[] = {{0, 2}, {2, 2}, {4, 1}, {0, 0}, {8, 4}, {0, 0}, {16, 4}, {6, 2}};

enum { X87_TAG = 2 };

static uint64_t tags_widened(uint64_t used)
{
    uint64_t tags = 0;

    for (unsigned i = 0; i < 8; i++) {
        tags |= (used >> i & 1 ? 0ull : 3ull) << (2 * i);
    }
    return tags;
}

static uint64_t tags_narrowed(uint64_t tags)
{
    uint64_t used = 0;

    for (unsigned i = 0; i < 8; i++) {
        used |= (uint64_t)((tags >> (2 * i) & 3) != 3) << i;
    }
    return used;
}

static uint64_t word_of(const struct gdb_reg *reg,
                        const struct schedop_state_vcpu *v)
{
    uint64_t word = 0;

    switch (reg->where) {
    case GDB_GPR:
        return v->gpr[reg->index];
    case GDB_RIP:
        return v->rip;
    case GDB_FLAGS:
        return v->rflags;
    case GDB_SELECTOR:
        return v->segment[reg->index].selector;
    case GDB_BASE:
        return v->segment[reg->index].base;
    case GDB_CONTROL:
        return control_of(v, reg->index);
    case GDB_MXCSR:
        memcpy(&word, v->fpu + FPU_MXCSR, 4);
        return word;
    default:
        memcpy(&word, v->fpu + x87[reg->index].offset, x87[reg->index].bytes);
        return reg->index == X87_TAG ? tags_widened(word) : word;
    }
}

/* Where it is in the save area; 0 for those that are words. */
static size_t vector_at(const struct gdb_reg *reg)
{
    return reg->where == GDB_ST    ? FPU_ST + 16u * reg->index
           : reg->where == GDB_XMM ? FPU_XMM + 16u * reg->index
                                   : 0;
}

void gdb_reg_get(const struct gdb_reg *reg, const struct schedop_state_vcpu *v,
                 uint8_t *out)
{
    uint64_t word;

    if (vector_at(reg) != 0) {
        memcpy(out, v->fpu + vector_at(reg), reg->bytes);
        return;
    }
    word = word_of(reg, v);
    memcpy(out, &word, reg->bytes);
}

/* The save area says which parts of it are not as after a reset. */
static void mark_fpu(struct schedop_state_vcpu *v)
{
    v->fpu[FPU_COMPONENTS] |= 3;
}

static void set_word(const struct gdb_reg *reg, struct schedop_state_vcpu *v,
                     uint64_t word)
{
    switch (reg->where) {
    case GDB_GPR:
        v->gpr[reg->index] = word;
        break;
    case GDB_RIP:
        v->rip = word;
        break;
    case GDB_FLAGS:
        v->rflags =
            (v->rflags & ~(uint64_t)FLAGS_SETTABLE) | (word & FLAGS_SETTABLE);
        break;
    case GDB_BASE:
        v->segment[reg->index].base = word;
        break;
    case GDB_MXCSR:
        memcpy(v->fpu + FPU_MXCSR, &word, 4);
        mark_fpu(v);
        break;
    default:
        word = reg->index == X87_TAG ? tags_narrowed(word) : word;
        memcpy(v->fpu + x87[reg->index].offset, &word, x87[reg->index].bytes);
        mark_fpu(v);
        break;
    }
}

bool gdb_reg_set(const struct gdb_reg *reg, struct schedop_state_vcpu *v,
                 const uint8_t *in)
{
    uint64_t word = 0, old = 0;

    if (vector_at(reg) != 0) {
        memcpy(v->fpu + vector_at(reg), in, reg->bytes);
        mark_fpu(v);
        return true;
    }
    memcpy(&word, in, reg->bytes);
    gdb_reg_get(reg, v, (uint8_t *)&old);
    if (word == old) {
        return true;
    }
    if (reg->where == GDB_SELECTOR || reg->where == GDB_CONTROL) {
        return false; /* more hangs on them than the register */
    }
    set_word(reg, v, word);
    return true;
}
