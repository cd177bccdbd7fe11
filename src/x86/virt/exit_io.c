/* SPDX-License-Identifier: MIT */
/* I/O ports: there is only the one for text, but any may be asked. */
#include "exits.h"

#define PORT_DEBUG 0xe9u
#define IO_ROUNDS 64u /* of a repeated instruction in one exit */

void vcpu_text_flush(struct x86_vcpu *v)
{
    if (v->nr_text > 0) {
        host_domain_output(v->domain, v->text, v->nr_text);
        v->nr_text = 0;
    }
}

static void port_write(struct x86_vcpu *v, uint16_t port, uint32_t value,
                       unsigned size)
{
    if (port != PORT_DEBUG || size != 1) {
        return; /* nothing is there */
    }
    v->text[v->nr_text++] = (char)value;
    if ((char)value == '\n' || v->nr_text == sizeof(v->text)) {
        vcpu_text_flush(v);
    }
}

/* One round of INS or OUTS; false when a page fault is on its way in. */
static bool string_io_round(struct x86_vcpu *v, uint16_t port, bool in,
                            unsigned size, uint64_t linear)
{
    uint32_t value = UINT32_MAX;
    unsigned access =
        (in ? WALK_WRITE : 0) | (v->vmcb->cpl == 3 ? WALK_USER : 0);
    unsigned fault;
    uint64_t gpa;

    for (unsigned i = 0; i < size; i++) {
        uint8_t *byte = (uint8_t *)&value + i;

        if (!guest_translate(v, linear + i, access, &gpa, &fault)) {
            event_page_fault(v, linear + i, fault);
            return false;
        }
        if (in) {
            gpa_copy_out(v->domain, gpa, byte, 1); /* no RAM: dropped */
        } else {
            gpa_copy_in(v->domain, byte, gpa, 1); /* no RAM: all ones */
        }
    }
    if (!in) {
        port_write(v, port, value, size);
    }
    return true;
}

static uint64_t string_io_linear(const struct x86_vcpu *v, bool in, int segment,
                                 uint64_t offset)
{
    const struct vmcb *c = v->vmcb;
    const struct vmcb_seg *seg[6] = {&c->es, &c->cs, &c->ss,
                                     &c->ds, &c->fs, &c->gs};

    if (in) {
        segment = SEG_ES;
    } else if (segment < 0) {
        segment = SEG_DS;
    }
    if (vcpu_is_wide(v) && segment != SEG_FS && segment != SEG_GS) {
        return offset; /* the other bases count as 0 in 64-bit mode */
    }
    offset += seg[segment]->base;
    return vcpu_is_wide(v) ? offset : (uint32_t)offset;
}

/* The emulator this runs on does not report the address size. */
static uint64_t address_mask(const struct x86_vcpu *v, bool flip)
{
    if (vcpu_is_wide(v)) {
        return flip ? UINT32_MAX : UINT64_MAX;
    }
    return !(v->vmcb->cs.attr & 0x400) == flip ? UINT32_MAX : 0xffff;
}

/* Adds to a register as wide as addresses are. */
static void step_register(struct x86_vcpu *v, unsigned reg, uint64_t step,
                          uint64_t mask)
{
    uint64_t old = v->gpr[reg], value = (old + step) & mask;

    v->gpr[reg] = mask == 0xffff ? (old & ~mask) | value : value;
}

static bool string_io(struct x86_vcpu *v, uint16_t port, uint32_t info)
{
    unsigned size = info >> 4 & 7, reg = info & 1 ? REG_RDI : REG_RSI;
    uint64_t step = v->vmcb->rflags & X86_FLAGS_DF ? -(uint64_t)size : size;
    struct insn_prefixes p = {.segment = -1};
    uint8_t bytes[INSN_MAX];
    uint64_t mask;

    insn_prefixes(bytes, guest_fetch(v, bytes), vcpu_is_wide(v), &p);
    mask = address_mask(v, p.address_flip);
    for (unsigned i = 0; i < IO_ROUNDS; i++) {
        bool repeat = info & 1u << 3;
        uint64_t linear =
            string_io_linear(v, info & 1, p.segment, v->gpr[reg] & mask);

        if (repeat && (v->gpr[REG_RCX] & mask) == 0) {
            return true;
        }
        if (!string_io_round(v, port, info & 1, size, linear)) {
            return false;
        }
        step_register(v, reg, step, mask);
        if (!repeat) {
            return true;
        }
        step_register(v, REG_RCX, UINT64_MAX, mask);
    }
    return (v->gpr[REG_RCX] & mask) == 0;
}

void exit_io(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;
    uint32_t info = (uint32_t)c->exitinfo1;
    unsigned size = info >> 4 & 7;
    uint64_t ones = (1ull << (size * 8)) - 1;

    if (info & 1u << 2) {
        if (!string_io(v, (uint16_t)(info >> 16), info)) {
            return;
        }
    } else if (info & 1) {
        c->rax = size == 4 ? ones : c->rax | ones;
    } else {
        port_write(v, (uint16_t)(info >> 16), (uint32_t)(c->rax & ones), size);
    }
    exit_advance(v, (unsigned)(c->exitinfo2 - c->rip), vcpu_is_wide(v));
}
