/* SPDX-License-Identifier: MIT */
/* See insn.h. */
#include "insn.h"

#include <stddef.h>

static bool one_prefix(uint8_t byte, struct insn_prefixes *p)
{
    switch (byte) {
    case 0x26:
        p->segment = SEG_ES;
        return true;
    case 0x2e:
        p->segment = SEG_CS;
        return true;
    case 0x36:
        p->segment = SEG_SS;
        return true;
    case 0x3e:
        p->segment = SEG_DS;
        return true;
    case 0x64:
        p->segment = SEG_FS;
        return true;
    case 0x65:
        p->segment = SEG_GS;
        return true;
    case 0x66:
        p->operand16 = true;
        return true;
    case 0x67:
        p->address_flip = true;
        return true;
    case 0xf0:
        p->lock = true;
        return true;
    case 0xf2:
        p->repne = true;
        return true;
    case 0xf3:
        p->rep = true;
        return true;
    default:
        return false;
    }
}

bool insn_prefixes(const uint8_t *bytes, unsigned n, bool wide,
                   struct insn_prefixes *p)
{
    *p = (struct insn_prefixes){.segment = -1};
    for (; p->next < n; p->next++) {
        uint8_t byte = bytes[p->next];

        if (wide && (byte & 0xf0) == 0x40) {
            p->rex = byte;
        } else if (one_prefix(byte, p)) {
            p->rex = 0; /* REX counts only right before the opcode */
        } else {
            return true;
        }
    }
    return false;
}

unsigned insn_match(const uint8_t *bytes, unsigned n, bool wide,
                    const uint8_t *opcode, unsigned len)
{
    struct insn_prefixes p;

    if (!insn_prefixes(bytes, n, wide, &p) || p.next + len > n) {
        return 0;
    }
    for (unsigned i = 0; i < len; i++) {
        if (bytes[p.next + i] != opcode[i]) {
            return 0;
        }
    }
    return p.next + len;
}

unsigned insn_mov_cr(const uint8_t *bytes, unsigned n, bool wide, bool write,
                     unsigned *cr, unsigned *gpr)
{
    struct insn_prefixes p;
    const uint8_t *at;

    if (!insn_prefixes(bytes, n, wide, &p) || p.next + 3 > n) {
        return 0;
    }
    at = bytes + p.next;
    if (at[0] != 0x0f || at[1] != (write ? 0x22 : 0x20)) {
        return 0;
    }
    *cr = (at[2] >> 3 & 7u) | (p.rex & INSN_REX_R ? 8u : 0);
    if (p.lock && *cr == 0) {
        *cr = 8; /* AMD's way to name CR8 outside 64-bit mode */
    }
    *gpr = (at[2] & 7u) | (p.rex & INSN_REX_B ? 8u : 0);
    return p.next + 3;
}

unsigned insn_mov_dr(const uint8_t *bytes, unsigned n, bool wide, unsigned *dr,
                     unsigned *gpr)
{
    struct insn_prefixes p;
    const uint8_t *at;

    if (!insn_prefixes(bytes, n, wide, &p) || p.next + 3 > n) {
        return 0;
    }
    at = bytes + p.next;
    if (at[0] != 0x0f || at[1] != 0x23) {
        return 0;
    }
    *dr = (at[2] >> 3 & 7u) | (p.rex & INSN_REX_R ? 8u : 0);
    *gpr = (at[2] & 7u) | (p.rex & INSN_REX_B ? 8u : 0);
    return p.next + 3;
}

unsigned insn_lmsw(const uint8_t *bytes, unsigned n, bool wide, unsigned *gpr)
{
    struct insn_prefixes p;
    const uint8_t *at;

    if (!insn_prefixes(bytes, n, wide, &p) || p.next + 3 > n) {
        return 0;
    }
    at = bytes + p.next;
    if (at[0] != 0x0f || at[1] != 0x01 || (at[2] & 0xf8) != 0xf0) {
        return 0;
    }
    *gpr = (at[2] & 7u) | (p.rex & INSN_REX_B ? 8u : 0);
    return p.next + 3;
}
