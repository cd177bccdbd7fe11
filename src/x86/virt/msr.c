/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers: what a PVH domain may read and write. Everything
 * not named here is a general protection fault, as on Xen 4.17 without
 * msr_relaxed. Registers that VMLOAD and VMSAVE swap do not get here.
 */
#include "domain.h"

#include "../cpu/asm.h"

#define MSR_HYPERCALL_PAGE 0x40000000u
#define MSR_TSC 0x10u
#define MSR_MTRR_CAP 0xfeu
#define MSR_MTRR_VAR 0x200u
#define MSR_MTRR_DEFAULT 0x2ffu
#define MSR_PAT 0x277u
#define MSR_MICROCODE 0x8bu
#define MSR_PLATFORM_INFO 0xceu
#define MSR_FEATURES_ENABLES 0x140u
#define MSR_MCG_CAP 0x179u
#define MSR_DE_CFG 0xc0011029u
#define MSR_TSC_AUX_GUEST 0xc0000103u
#define MTRR_CAP 0x508ull /* 8 variable ranges, fixed ones, write-combining */

/* ---------------------------------------------------------------- hypercall
 * page */

#define HYPERCALLS 128u
#define SLOT_BYTES 32u
#define SLOT_IRET 23u

static void hypercall_page_fill(uint8_t page[PAGE_SIZE])
{
    static const uint8_t code[9] = {0xb8, 0, 0, 0, 0, 0x0f, 0x01, 0xd9, 0xc3};

    __builtin_memset(page, 0xcc, PAGE_SIZE);
    for (unsigned nr = 0; nr < HYPERCALLS; nr++) {
        uint8_t *slot = page + nr * SLOT_BYTES;

        __builtin_memcpy(slot, code, sizeof(code));
        slot[1] = (uint8_t)nr;
    }
    __builtin_memset(page + SLOT_IRET * SLOT_BYTES, 0xcc, SLOT_BYTES);
    page[SLOT_IRET * SLOT_BYTES] = 0x0f; /* iret is not for us: UD2 */
    page[SLOT_IRET * SLOT_BYTES + 1] = 0x0b;
}

static bool write_hypercall_page(struct x86_vcpu *v, uint64_t value)
{
    struct x86_domain *d = v->domain;
    uint64_t pa;

    if ((value & ~PAGE_MASK) ||
        p2m_lookup(d, value >> PAGE_SHIFT, &pa) != P2M_RAM) {
        return false;
    }
    hypercall_page_fill(window_open(0, pa));
    window_close(0);
    sop_domain_latch_width(d->sop, vcpu_is_wide(v));
    return true;
}

/* ------------------------------------------------------------------- memory
 * types */

static bool is_memory_type(uint64_t type)
{
    return type < 7 && type != 2 && type != 3;
}

static bool are_memory_types(uint64_t value, bool pat)
{
    for (unsigned i = 0; i < 64; i += 8) {
        uint64_t type = value >> i & 0xff;

        if (!is_memory_type(type) && !(pat && type == 7)) {
            return false;
        }
    }
    return true;
}

static int fixed_mtrr_index(uint32_t msr)
{
    switch (msr) {
    case 0x250:
        return 0;
    case 0x258:
    case 0x259:
        return (int)(msr - 0x258) + 1;
    default:
        return msr >= 0x268 && msr <= 0x26f ? (int)(msr - 0x268) + 3 : -1;
    }
}

static bool mtrr_read(const struct x86_vcpu *v, uint32_t msr, uint64_t *value)
{
    int fixed = fixed_mtrr_index(msr);

    if (msr == MSR_MTRR_CAP) {
        *value = MTRR_CAP;
    } else if (msr == MSR_MTRR_DEFAULT) {
        *value = v->mtrr_default;
    } else if (msr == MSR_PAT) {
        *value = v->vmcb->g_pat;
    } else if (fixed >= 0) {
        *value = v->fixed_mtrr[fixed];
    } else if (msr >= MSR_MTRR_VAR && msr < MSR_MTRR_VAR + VAR_MTRRS) {
        *value = v->var_mtrr[msr - MSR_MTRR_VAR];
    } else {
        return false;
    }
    return true;
}

static bool mtrr_write_var(struct x86_vcpu *v, unsigned index, uint64_t value)
{
    uint64_t wide = (1ull << GPA_BITS) - PAGE_SIZE;
    uint64_t allowed = wide | (index & 1 ? 0x800 : 0xff);

    if ((value & ~allowed) || (!(index & 1) && !is_memory_type(value & 0xff))) {
        return false;
    }
    v->var_mtrr[index] = value;
    return true;
}

/* Kept for reading back only: with nested paging they have no effect. */
static bool mtrr_write(struct x86_vcpu *v, uint32_t msr, uint64_t value)
{
    int fixed = fixed_mtrr_index(msr);

    if (msr == MSR_MTRR_DEFAULT) {
        if ((value & ~0xcffull) || !is_memory_type(value & 0xff)) {
            return false;
        }
        v->mtrr_default = value;
    } else if (msr == MSR_PAT) {
        if (!are_memory_types(value, true)) {
            return false;
        }
        v->vmcb->g_pat = value;
    } else if (fixed >= 0) {
        if (!are_memory_types(value, false)) {
            return false;
        }
        v->fixed_mtrr[fixed] = value;
    } else if (msr >= MSR_MTRR_VAR && msr < MSR_MTRR_VAR + VAR_MTRRS) {
        return mtrr_write_var(v, msr - MSR_MTRR_VAR, value);
    } else {
        return false;
    }
    return true;
}

/* -------------------------------------------------------------------------
 * EFER */

static bool write_efer(struct x86_vcpu *v, uint64_t value)
{
    uint64_t may = X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE;
    struct vmcb *c = v->vmcb;

    if (value & ~may) {
        return false;
    }
    if (((value ^ c->efer) & X86_EFER_LME) && (c->cr0 & X86_CR0_PG)) {
        return false;
    }
    value &= ~X86_EFER_LMA;
    c->efer = value | (c->efer & X86_EFER_LMA) | X86_EFER_SVME;
    atomic_store(&v->asid_generation, 0); /* NXE changes what is cached */
    return true;
}

/* ------------------------------------------------------------------ all the
 * others */

/* Reads do not get here: these are swapped by VMLOAD and VMSAVE. */
static bool write_address(struct vmcb *c, uint32_t msr, uint64_t value)
{
    if (value >> 47 != 0 && value >> 47 != 0x1ffff) {
        return false;
    }
    switch (msr) {
    case 0x175:
        c->sysenter_esp = value;
        return true;
    case 0x176:
        c->sysenter_eip = value;
        return true;
    case 0xc0000082:
        c->lstar = value;
        return true;
    case 0xc0000083:
        c->cstar = value;
        return true;
    case 0xc0000100:
        c->fs.base = value;
        return true;
    case 0xc0000101:
        c->gs.base = value;
        return true;
    case 0xc0000102:
        c->kernel_gs_base = value;
        return true;
    default:
        return false;
    }
}

/*
 * Read as 0 on Xen as well (measured); writes ignored or refused. Counters,
 * machine check banks and switches of AMD processors, some of Intel's.
 */
static const struct zero_msr {
    uint32_t first, last;
    bool fixed; /* a write is a fault */
} zero_msrs[] = {
    {0x0, 0x1, true},
    {0x2c, 0x2c, true},
    {0x3b, 0x3b, false},
    {0x17a, 0x17b, false},
    {0x1d9, 0x1d9, false},
    {0x1db, 0x1de, false},
    {0x280, 0x29f, false},
    {0x400, 0x47f, false},
    {0x6e0, 0x6e0, false},
    {0xc0000104, 0xc0000104, false},
    {0xc0010000, 0xc0010007, false},
    {0xc0010010, 0xc0010010, false},
    {0xc0010015, 0xc0010015, true},
    {0xc001001a, 0xc001001a, false},
    {0xc001001d, 0xc001001d, false},
    {0xc001001f, 0xc001001f, false},
    {0xc0010055, 0xc0010055, true},
    {0xc0010114, 0xc0010114, true},
    {0xc0010117, 0xc0010117, true},
    {0xc001011f, 0xc001011f, false},
    {0xc0010200, 0xc001020b, false},
    {0xc0011023, 0xc0011023, false},
    {0xc001102a, 0xc001102a, false},
    {0xc001102c, 0xc001102c, false},
};

static const struct zero_msr *find_zero_msr(uint32_t msr)
{
    for (unsigned i = 0; i < sizeof(zero_msrs) / sizeof(zero_msrs[0]); i++) {
        if (msr >= zero_msrs[i].first && msr <= zero_msrs[i].last) {
            return &zero_msrs[i];
        }
    }
    return NULL;
}

static bool read_other(const struct x86_vcpu *v, uint32_t msr, uint64_t *value)
{
    *value = 0;
    switch (msr) {
    case MSR_HYPERCALL_PAGE:
        return true;
    case MSR_TSC:
        *value = rdtsc_ordered();
        return true;
    case MSR_MICROCODE:
        *value = rdmsr(MSR_MICROCODE);
        return true;
    case MSR_PLATFORM_INFO:
        *value = 1u << 31; /* CPUID faulting */
        return true;
    case MSR_FEATURES_ENABLES:
        *value = v->cpuid_faulting;
        return true;
    case MSR_MCG_CAP:
        *value = 2; /* banks */
        return true;
    case 0x400: /* their control registers */
    case 0x404:
        *value = UINT64_MAX;
        return true;
    case MSR_DE_CFG:
        *value = 2; /* LFENCE is dispatch serialising */
        return true;
    default:
        return find_zero_msr(msr) != NULL;
    }
}

static bool write_other(struct x86_vcpu *v, uint32_t msr, uint64_t value)
{
    const struct zero_msr *zero = find_zero_msr(msr);

    switch (msr) {
    case MSR_TSC: /* system time is derived from it: it stays as it is */
    case MSR_MCG_CAP:
    case MSR_DE_CFG:
        return true;
    case MSR_FEATURES_ENABLES:
        if (value > 1) {
            return false;
        }
        v->cpuid_faulting = value;
        return true;
    default:
        return zero && !zero->fixed;
    }
}

static bool is_x2apic(uint32_t msr)
{
    return msr >= 0x800 && msr <= 0xbff;
}

bool msr_read(struct x86_vcpu *v, uint32_t msr, uint64_t *value)
{
    if (is_x2apic(msr)) {
        vcpu_sync_tpr(v);
        return vlapic_msr_read(&v->lapic, msr, time_now(), value);
    }
    switch (msr) {
    case MSR_APIC_BASE:
        *value = v->lapic.base;
        return true;
    case MSR_EFER:
        *value = v->vmcb->efer & ~X86_EFER_SVME;
        return true;
    case MSR_TSC_AUX_GUEST:
        *value = v->tsc_aux;
        return svm_has_tsc_aux();
    default:
        return mtrr_read(v, msr, value) || read_other(v, msr, value);
    }
}

bool msr_write(struct x86_pcpu *self, struct x86_vcpu *v, uint32_t msr,
               uint64_t value)
{
    struct vlapic_effect effect = {0};

    if (is_x2apic(msr)) {
        vcpu_sync_tpr(v);
        if (!vlapic_msr_write(&v->lapic, msr, value, time_now(), &effect)) {
            return false;
        }
        vcpu_set_cr8(v);
        apic_effect(self, v, &effect);
        return true;
    }
    switch (msr) {
    case MSR_APIC_BASE:
        if (!vlapic_set_base(&v->lapic, value)) {
            return false;
        }
        vcpu_set_cr8(v);
        return true;
    case MSR_EFER:
        return write_efer(v, value);
    case MSR_TSC_AUX_GUEST:
        if (value >> 32 || !svm_has_tsc_aux()) {
            return false;
        }
        v->tsc_aux = (uint32_t)value;
        wrmsr(MSR_TSC_AUX_GUEST, value);
        return true;
    case MSR_HYPERCALL_PAGE:
        return write_hypercall_page(v, value);
    default:
        return write_address(v->vmcb, msr, value) ||
               mtrr_write(v, msr, value) || write_other(v, msr, value);
    }
}
