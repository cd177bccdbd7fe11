/* SPDX-License-Identifier: MIT */
/*
 * What a guest exits for: one small function per reason behind one switch.
 *
 * The emulator this project runs on does not tell where the next instruction
 * is, so lengths are decoded, prefixes included, and those of kernel code are
 * remembered by address: a kernel that changes its code under us fools only
 * itself. Every handler is bounded; a repeated instruction is done a round at a
 * time.
 */
#include "domain.h"

#include <xen/hvm/params.h>
#include <xen/sched.h>

#include "../cpu/asm.h"
#include "emulate.h"

/* ------------------------------------------------------- stepping, crashes */

/* The instruction is done: single-stepping traps after it. */
void exit_advance_slow(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;

    c->rflags &= ~X86_FLAGS_RF;
    if (c->rflags & X86_FLAGS_TF) {
        c->dr6 |= 1u << 14;
        event_exception(v, VECTOR_DB);
    }
}

/* Length of the current instruction, which is `opcode` after any prefixes. */
static unsigned decode_length(struct x86_vcpu *v, const uint8_t *opcode,
                              unsigned len)
{
    uint8_t bytes[INSN_MAX];
    unsigned n = guest_fetch(v, bytes);
    unsigned length = insn_match(bytes, n, vcpu_is_wide(v), opcode, len);

    return length ? length : len;
}

/*
 * What user code has at an address is its own business: another process has
 * something else there, and must not be stepped over by the wrong length.
 */
static unsigned learn_length(struct x86_vcpu *v, const uint8_t *opcode,
                             unsigned len, struct insn_length *known)
{
    unsigned length = decode_length(v, opcode, len);

    if (v->vmcb->cpl == 0) {
        known->length = length;
        known->rip = v->vmcb->rip;
        known->exitcode = (uint32_t)v->vmcb->exitcode;
    }
    return length;
}

static inline unsigned insn_length(struct x86_vcpu *v, const uint8_t *opcode,
                                   unsigned len)
{
    const struct vmcb *c = v->vmcb;
    struct insn_length *known = &v->length[(c->rip >> 5) % LENGTHS];

    if (c->next_rip != 0) {
        return (unsigned)(c->next_rip - c->rip) & 15;
    }
    if (__builtin_expect(known->rip == c->rip &&
                             known->exitcode == (uint32_t)c->exitcode,
                         1)) {
        return known->length;
    }
    return learn_length(v, opcode, len, known);
}

/* Steps over an instruction known by its opcode. */
static void step(struct x86_vcpu *v, const uint8_t *opcode, unsigned len)
{
    exit_advance(v, insn_length(v, opcode, len), vcpu_is_wide(v));
}

#define STEP(v, ...)                                                           \
    step(v, (const uint8_t[]){__VA_ARGS__},                                    \
         sizeof((const uint8_t[]){__VA_ARGS__}))

static void dump_line(struct x86_domain *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void dump_line(struct x86_domain *d, const char *fmt, ...)
{
    char line[128];
    va_list ap;

    va_start(ap, fmt);
    x86_vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    host_domain_crash_line(d, line);
}

typedef unsigned long long ull;

static void dump_registers(struct x86_vcpu *v)
{
    static const char names[16][4] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                      "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                      "r12", "r13", "r14", "r15"};
    const struct vmcb *c = v->vmcb;
    struct x86_domain *d = v->domain;

    dump_line(d, "vcpu %u rip %04x:%016llx rflags %08llx cpl %u", v->id,
              c->cs.sel, (ull)c->rip, (ull)c->rflags, c->cpl);
    for (unsigned i = 0; i < 16; i += 4) {
        dump_line(d, "%s %016llx %s %016llx %s %016llx %s %016llx", names[i],
                  (ull)reg_get(v, i), names[i + 1], (ull)reg_get(v, i + 1),
                  names[i + 2], (ull)reg_get(v, i + 2), names[i + 3],
                  (ull)reg_get(v, i + 3));
    }
    dump_line(d, "cr0 %08llx cr2 %016llx cr3 %016llx cr4 %08llx efer %04llx",
              (ull)c->cr0, (ull)c->cr2, (ull)c->cr3, (ull)c->cr4,
              (ull)(c->efer & ~X86_EFER_SVME));
    dump_line(d, "exit %llx info %llx %llx event %llx", (ull)c->exitcode,
              (ull)c->exitinfo1, (ull)c->exitinfo2, (ull)c->exitintinfo);
}

void vcpu_crash(struct x86_pcpu *self, struct x86_vcpu *v, const char *fmt, ...)
{
    char why[128];
    va_list ap;

    va_start(ap, fmt);
    x86_vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    host_domain_crash_line(v->domain, why);
    dump_registers(v);
    sop_domain_crash(self->sop, v->domain->sop, why);
}

/* -------------------------------------------------------------- hypercalls */

/* Argument registers (spec 1.2). */
static const uint8_t wide_args[6] = {REG_RDI, REG_RSI, REG_RDX, 10, 8, 9};
static const uint8_t narrow_args[6] = {REG_RBX, REG_RCX, REG_RDX,
                                       REG_RSI, REG_RDI, REG_RBP};

static inline void call_decode(const struct x86_vcpu *v, struct sop_call *call,
                               bool wide)
{
    const struct vmcb *c = v->vmcb;

    call->wide = wide;
    call->user = c->cpl != 0 || (c->rflags & X86_FLAGS_VM);
    if (wide) {
        call->nr = c->rax;
        call->arg[0] = v->gpr[REG_RDI];
        call->arg[1] = v->gpr[REG_RSI];
        call->arg[2] = v->gpr[REG_RDX];
        call->arg[3] = v->gpr[10];
        call->arg[4] = v->gpr[8];
        call->arg[5] = v->gpr[9];
        return;
    }
    call->nr = (uint32_t)c->rax;
    call->arg[0] = (uint32_t)v->gpr[REG_RBX];
    call->arg[1] = (uint32_t)v->gpr[REG_RCX];
    call->arg[2] = (uint32_t)v->gpr[REG_RDX];
    call->arg[3] = (uint32_t)v->gpr[REG_RSI];
    call->arg[4] = (uint32_t)v->gpr[REG_RDI];
    call->arg[5] = (uint32_t)v->gpr[REG_RBP];
}

static void call_restart(struct x86_vcpu *v, const struct sop_call *call)
{
    v->vmcb->rax = call->nr;
    for (unsigned i = 0; i < 6; i++) {
        v->gpr[call->wide ? wide_args[i] : narrow_args[i]] = call->arg[i];
    }
}

void exit_hypercall(struct x86_pcpu *self, struct x86_vcpu *v)
{
    static const uint8_t vmmcall[] = {0x0f, 0x01, 0xd9};
    bool wide = vcpu_is_wide(v);
    struct sop_call call;

    call_decode(v, &call, wide);
    v->vmcb->shadow = 0; /* it ends with this instruction */
    if (sop_hypercall(self->sop, v->sop, &call) == SOP_CALL_AGAIN) {
        call_restart(v, &call);
        return;
    }
    v->vmcb->rax = wide ? (uint64_t)call.result : (uint32_t)call.result;
    exit_advance(v, insn_length(v, vmmcall, sizeof(vmmcall)), wide);
}

/* --------------------------------------------------------------- I/O ports */

#define PORT_DEBUG 0xe9u
#define CR0_DEFINED 0xe005003full
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

static void exit_io(struct x86_vcpu *v)
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

/* -------------------------------------------------- memory that is not RAM */

#define WARNINGS_MAX 8u /* a domain: the log is not for guests to fill */

struct access {
    struct x86_pcpu *self;
    struct x86_vcpu *v;
};

static void device_access(struct x86_pcpu *self, struct x86_vcpu *v,
                          uint64_t gpa, bool write, void *data, unsigned len)
{
    bool is_apic = (gpa & PAGE_MASK) == VLAPIC_BASE &&
                   (v->lapic.base & VLAPIC_BASE_ENABLE) &&
                   !vlapic_x2apic(&v->lapic);

    if (is_apic && apic_access(self, v, gpa & ~PAGE_MASK, write, data, len)) {
        return;
    }
    if (!write) {
        __builtin_memset(data, 0xff, len);
    }
}

/* One piece within a page. */
static bool access_piece(struct access *a, uint64_t linear, bool write,
                         uint8_t *data, unsigned len)
{
    struct x86_vcpu *v = a->v;
    unsigned access =
        (write ? WALK_WRITE : 0) | (v->vmcb->cpl == 3 ? WALK_USER : 0);
    unsigned fault;
    uint64_t gpa, pa;

    if ((v->vmcb->efer & X86_EFER_LMA) && !walk_is_canonical(linear)) {
        event_exception_error(v, VECTOR_GP, 0);
        return false;
    }
    if (!guest_translate(v, linear, access, &gpa, &fault)) {
        event_page_fault(v, linear, fault);
        return false;
    }
    if (p2m_lookup(v->domain, gpa >> PAGE_SHIFT, &pa) == P2M_NONE) {
        device_access(a->self, v, gpa, write, data, len);
    } else if (write) {
        gpa_copy_out(v->domain, gpa, data, len);
    } else {
        gpa_copy_in(v->domain, data, gpa, len);
    }
    return true;
}

static bool access_linear(struct emulate *e, uint64_t linear, bool write,
                          uint8_t *data, unsigned len)
{
    uint64_t left = PAGE_SIZE - (linear & ~PAGE_MASK);
    unsigned first = left < len ? (unsigned)left : len;

    return access_piece(e->context, linear, write, data, first) &&
           (first == len || access_piece(e->context, linear + first, write,
                                         data + first, len - first));
}

static bool access_read(struct emulate *e, uint64_t linear, void *to,
                        unsigned len)
{
    return access_linear(e, linear, false, to, len);
}

static bool access_write(struct emulate *e, uint64_t linear, const void *from,
                         unsigned len)
{
    uint8_t copy[8];

    __builtin_memcpy(copy, from, len);
    return access_linear(e, linear, true, copy, len);
}

static void emulate_begin(struct emulate *e, const struct x86_vcpu *v)
{
    const struct vmcb *c = v->vmcb;

    for (unsigned i = 0; i < 16; i++) {
        e->gpr[i] = reg_get(v, i);
    }
    e->rip = c->rip;
    e->rflags = c->rflags;
    e->base[SEG_ES] = c->es.base;
    e->base[SEG_CS] = c->cs.base;
    e->base[SEG_SS] = c->ss.base;
    e->base[SEG_DS] = c->ds.base;
    e->base[SEG_FS] = c->fs.base;
    e->base[SEG_GS] = c->gs.base;
    e->wide = vcpu_is_wide(v);
    e->data32 = (c->cs.attr & 0x400) && !(c->rflags & X86_FLAGS_VM);
    e->read = access_read;
    e->write = access_write;
}

static void emulate_end(const struct emulate *e, struct x86_vcpu *v)
{
    for (unsigned i = 0; i < 16; i++) {
        reg_set(v, i, e->gpr[i]);
    }
    v->vmcb->rflags = e->rflags;
    if (e->rip != v->vmcb->rip) {
        v->vmcb->rip = e->rip;
        exit_advance(v, 0, true);
    }
}

static bool exit_mmio(struct x86_pcpu *self, struct x86_vcpu *v)
{
    struct access access = {self, v};
    struct emulate e = {.context = &access};
    uint8_t bytes[INSN_MAX];

    emulate_begin(&e, v);
    e.bytes = bytes;
    e.nr_bytes = guest_fetch(v, bytes);
    switch (emulate_insn(&e)) {
    case EMULATE_DONE:
        emulate_end(&e, v);
        break;
    case EMULATE_FAULT:
        break; /* its page fault is on its way in */
    case EMULATE_UNKNOWN:
        if (v->domain->nr_warnings++ < WARNINGS_MAX) {
            x86_log(SOP_LOG_WARNING,
                    "d%uv%u: cannot emulate access to %llx by rip %llx",
                    v->domain->domid, v->id, (ull)v->vmcb->exitinfo2,
                    (ull)v->vmcb->rip);
        }
        event_exception_error(v, VECTOR_GP, 0);
        break;
    }
    return true; /* a register write may have woken somebody */
}

static bool exit_nested_fault(struct x86_pcpu *self, struct x86_vcpu *v)
{
    const struct vmcb *c = v->vmcb;
    uint64_t pa;

    if (p2m_lookup(v->domain, c->exitinfo2 >> PAGE_SHIFT, &pa) != P2M_NONE) {
        return false; /* the map has changed meanwhile: try again */
    }
    if (v->attention.event) {
        vcpu_crash(self, v, "event delivery met no RAM at %llx",
                   (ull)c->exitinfo2);
        return true;
    }
    if (c->exitinfo1 & NPF_TABLE) {
        vcpu_crash(self, v, "page tables are not in RAM: %llx",
                   (ull)c->exitinfo2);
        return true;
    }
    if (c->exitinfo1 & NPF_FETCH) {
        event_exception_error(v, VECTOR_GP, 0);
        return false;
    }
    return exit_mmio(self, v);
}

/* --------------------------------------------------- control and other
 * registers */

static void general_protection(struct x86_vcpu *v)
{
    event_exception_error(v, VECTOR_GP, 0);
}

static bool set_guest_cr4(struct x86_vcpu *v, uint64_t value)
{
    struct vmcb *c = v->vmcb;

    if ((value & ~cpuid_cr4_mask()) ||
        ((c->efer & X86_EFER_LMA) && !(value & X86_CR4_PAE))) {
        return false;
    }
    c->cr4 = value;
    atomic_store(&v->asid_generation, 0); /* as the instruction flushes */
    return true;
}

/* Switching paging on or off switches long mode with it, if asked for. */
static bool set_guest_cr0(struct x86_vcpu *v, uint64_t value)
{
    struct vmcb *c = v->vmcb;
    bool on = (value & X86_CR0_PG) && !(c->cr0 & X86_CR0_PG);
    bool off = !(value & X86_CR0_PG) && (c->cr0 & X86_CR0_PG);

    if (value >> 32 || ((value & X86_CR0_PG) && !(value & X86_CR0_PE)) ||
        ((value & X86_CR0_NW) && !(value & X86_CR0_CD)) ||
        (off && vcpu_is_wide(v))) {
        return false;
    }
    if (on && (c->efer & X86_EFER_LME)) {
        if (!(c->cr4 & X86_CR4_PAE) || (c->cs.attr & 0x200)) {
            return false;
        }
        c->efer |= X86_EFER_LMA;
    } else if (off) {
        c->efer &= ~X86_EFER_LMA;
    }
    c->cr0 = (value & CR0_DEFINED) | X86_CR0_ET;
    atomic_store(&v->asid_generation, 0); /* as the instruction flushes */
    return true;
}

/* Only for writes that change more than TS and MP. */
static void exit_cr0_write(struct x86_vcpu *v)
{
    uint8_t bytes[INSN_MAX];
    unsigned cr = 0, gpr = 0, n = guest_fetch(v, bytes);
    bool wide = vcpu_is_wide(v);
    unsigned length = insn_mov_cr(bytes, n, wide, true, &cr, &gpr);
    uint64_t value = reg_get(v, gpr), old = v->vmcb->cr0;

    if (length == 0) {
        length = insn_lmsw(bytes, n, wide, &gpr);
        value = (old & ~0xeull) | (reg_get(v, gpr) & 0xf);
    } else if (!wide) {
        value &= 0xffffffff;
    }
    if (length == 0) {
        event_exception(v, VECTOR_UD);
    } else if (cr == 0 && set_guest_cr0(v, value)) {
        exit_advance(v, length, vcpu_is_wide(v));
    } else {
        general_protection(v);
    }
}

static void exit_cr_write(struct x86_vcpu *v)
{
    uint8_t bytes[INSN_MAX];
    unsigned cr = 0, gpr = 0, n = guest_fetch(v, bytes);
    unsigned length = insn_mov_cr(bytes, n, vcpu_is_wide(v), true, &cr, &gpr);
    uint64_t value = reg_get(v, gpr);
    bool good = false;

    if (!vcpu_is_wide(v)) {
        value &= 0xffffffff;
    }
    if (length != 0 && cr == 4) {
        good = set_guest_cr4(v, value);
    } else if (length != 0 && cr == 8 && value < 16) {
        v->lapic.tpr = (uint32_t)value << 4;
        vcpu_set_cr8(v);
        good = true;
    }
    if (good) {
        exit_advance(v, length, vcpu_is_wide(v));
    } else {
        general_protection(v);
    }
}

static void exit_msr(struct x86_pcpu *self, struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;
    uint32_t msr = (uint32_t)v->gpr[REG_RCX];
    uint64_t value = 0;

    if (c->exitinfo1 & 1) {
        value = (uint32_t)c->rax | v->gpr[REG_RDX] << 32;
        if (!msr_write(self, v, msr, value)) {
            general_protection(v);
            return;
        }
        STEP(v, 0x0f, 0x30);
        return;
    }
    if (!msr_read(v, msr, &value)) {
        general_protection(v);
        return;
    }
    c->rax = (uint32_t)value;
    v->gpr[REG_RDX] = value >> 32;
    STEP(v, 0x0f, 0x32);
}

static void exit_xsetbv(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;
    uint64_t value = (uint32_t)c->rax | v->gpr[REG_RDX] << 32;
    bool good = c->cpl == 0 && (uint32_t)v->gpr[REG_RCX] == 0 && (value & 1) &&
                !(value & ~svm_xcr0_mask()) && (!(value & 4) || (value & 2));

    if (!good) {
        general_protection(v);
        return;
    }
    vcpu_set_xcr0(v, value);
    STEP(v, 0x0f, 0x01, 0xd1);
}

static void exit_iret(struct x86_vcpu *v)
{
    /* Runs next; the shadow keeps a further NMI out until it is done. */
    v->vmcb->intercept1 &= ~SVM_I1_IRET;
    v->vmcb->shadow |= 1;
    v->nmi_blocked = false;
}

static void exit_triple_fault(struct x86_pcpu *self, struct x86_vcpu *v)
{
    uint64_t reason = SHUTDOWN_reboot;

    if (sop_domain_get_param(v->domain->sop, HVM_PARAM_TRIPLE_FAULT_REASON,
                             &reason) != 0 ||
        reason > SHUTDOWN_MAX) {
        reason = SHUTDOWN_reboot;
    }
    x86_log(SOP_LOG_INFO, "d%uv%u: triple fault, shutdown reason %u",
            v->domain->domid, v->id, (unsigned)reason);
    sop_domain_shutdown(self->sop, v->domain->sop, (uint32_t)reason);
}

/* ---------------------------------------------------------------- dispatch */

/* Events whose delivery the exit cut short are delivered again. */
static void keep_event(struct x86_vcpu *v)
{
    uint64_t info = v->vmcb->exitintinfo;
    uint64_t type = info & SVM_EVENT_TYPE;
    unsigned vector = (uint8_t)info;

    if (type == SVM_EVENT_SOFT ||
        (type == SVM_EVENT_EXCEPTION && (vector == 3 || vector == 4))) {
        return; /* the instruction runs again */
    }
    v->event = (info & 0xffffffff00000fffull) | SVM_EVENT_VALID;
    v->attention.event = true;
}

static void undefined(struct x86_vcpu *v)
{
    event_exception(v, VECTOR_UD);
}

/* Reasons that never concern the core. */
static void exit_local(struct x86_vcpu *v, uint64_t code)
{
    switch (code) {
    case SVM_EXIT_CPUID:
        if (v->cpuid_faulting && v->vmcb->cpl != 0) {
            general_protection(v);
            break;
        }
        cpuid_emulate(v);
        STEP(v, 0x0f, 0xa2);
        break;
    case SVM_EXIT_IOIO:
        exit_io(v);
        break;
    case SVM_EXIT_XSETBV:
        exit_xsetbv(v);
        break;
    case SVM_EXIT_INVD:
        STEP(v, 0x0f, 0x08);
        break;
    case SVM_EXIT_WBINVD:
        STEP(v, 0x0f, 0x09);
        break;
    case SVM_EXIT_CR0_SELECTIVE:
        exit_cr0_write(v);
        break;
    case SVM_EXIT_RDPMC:
        general_protection(v);
        break;
    case SVM_EXIT_IRET:
        exit_iret(v);
        break;
    case SVM_EXIT_ICEBP:
        STEP(v, 0xf1);
        event_exception(v, VECTOR_DB);
        break;
    case SVM_EXIT_EXCEPTION + VECTOR_DB:
        event_exception(v, VECTOR_DB);
        break;
    case SVM_EXIT_EXCEPTION + VECTOR_AC:
        event_exception_error(v, VECTOR_AC, 0);
        break;
    case SVM_EXIT_VINTR: /* a window opened: event_prepare() looks again */
    case SVM_EXIT_NMI:   /* the host's, taken already */
    case SVM_EXIT_SMI:
    case SVM_EXIT_INIT:
        break;
    default:
        undefined(v); /* MONITOR, VMRUN and others not offered */
        break;
    }
}

static bool is_register_exit(uint64_t code)
{
    return code < SVM_EXIT_EXCEPTION;
}

static void exit_register(struct x86_vcpu *v, uint64_t code)
{
    if (code >= SVM_EXIT_DR_READ) {
        vcpu_use_debug_registers(v);
    } else {
        exit_cr_write(v);
    }
}

bool exit_handle(struct x86_pcpu *self, struct x86_vcpu *v)
{
    uint64_t code = (uint32_t)v->vmcb->exitcode; /* the emulator's has 32 */

    if (v->vmcb->exitintinfo & SVM_EVENT_VALID) {
        keep_event(v);
    }
    switch (code) {
    case SVM_EXIT_VMMCALL:
        exit_hypercall(self, v);
        return true;
    case SVM_EXIT_INTR:
        irq_take_pending();
        self->host_check = true;
        return true;
    case SVM_EXIT_HLT:
        STEP(v, 0xf4);
        sop_vcpu_halt(self->sop, v->sop, v->vmcb->rflags & X86_FLAGS_IF);
        return true;
    case SVM_EXIT_NPF:
        return exit_nested_fault(self, v);
    case SVM_EXIT_MSR:
        exit_msr(self, v);
        return true; /* may have sent an interrupt */
    case SVM_EXIT_SHUTDOWN:
        exit_triple_fault(self, v);
        return true;
    case SVM_EXIT_TASK_SWITCH:
        vcpu_crash(self, v, "task switches are not offered");
        return true;
    case SVM_EXIT_INVALID:
        vcpu_crash(self, v, "the processor refused the guest's state");
        return true;
    case SVM_EXIT_EXCEPTION + 18:
        x86_panic("machine check in domain %u", v->domain->domid);
    default:
        break;
    }
    if (is_register_exit(code)) {
        exit_register(v, code);
    } else if (code <= SVM_EXIT_RDPRU) {
        exit_local(v, code);
    } else {
        vcpu_crash(self, v, "unknown exit %llx", (ull)code);
        return true;
    }
    return false;
}
