/* SPDX-License-Identifier: MIT */
/*
 * CPUID as a PVH domain sees it: the processor's own leaves, cut down to what
 * is virtualised here, and Xen's leaves from 0x40000000 (spec 8.4).
 *
 * Kept out: virtualisation itself, MONITOR, TSC deadline, PCID, performance
 * counters, everything with state we do not switch (protection keys, AVX-512)
 * and everything behind MSRs we do not have.
 */
#include "domain.h"

#include <xen/arch-x86/cpuid.h>

#include "../cpu/asm.h"

#define BIT(n) (1u << (n))

#define BASIC_MAX 0xdu
#define EXTENDED_MAX 0x8000001eu
#define XEN_VERSION_WORD 0x00040011u /* 4.17 */

/* Leaf 1: SSE3 to SSE4.2, CX16, x2APIC, MOVBE, POPCNT, AES, XSAVE, AVX... */
#define L1_ECX                                                                 \
    (BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) |        \
     BIT(22) | BIT(23) | BIT(25) | BIT(26) | BIT(28) | BIT(29) | BIT(30))
#define L1_ECX_X2APIC BIT(21)
#define L1_ECX_OSXSAVE BIT(27)
#define L1_ECX_HYPERVISOR BIT(31)
#define L1_ECX_AVX (BIT(12) | BIT(28) | BIT(29)) /* FMA, AVX, F16C */
/* FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36
   CLFLUSH MMX FXSR SSE SSE2 */
#define L1_EDX 0x078bfbffu
#define L1_EDX_APIC BIT(9)
#define L1_EDX_HTT BIT(28) /* ebx says how many */
/* FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS RDSEED ADX SMAP CLFLUSHOPT CLWB SHA */
#define L7_EBX                                                                 \
    (BIT(0) | BIT(3) | BIT(5) | BIT(7) | BIT(8) | BIT(9) | BIT(18) | BIT(19) | \
     BIT(20) | BIT(23) | BIT(24) | BIT(29))
#define L7_ECX (BIT(2) | BIT(9) | BIT(10) | BIT(22)) /* UMIP VAES ... RDPID */
/* LAHF CR8 ABM SSE4A MISALIGNSSE 3DNOWPREFETCH */
#define E1_ECX (BIT(0) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8))
#define E1_EDX_COMMON 0x0183f3ffu /* the same bits as in leaf 1 */
/* SYSCALL NX MMXEXT PAGE1GB RDTSCP LM */
#define E1_EDX (BIT(11) | BIT(20) | BIT(22) | BIT(26) | BIT(27) | BIT(29))

static bool has_avx(void)
{
    return svm_xcr0_mask() & 4;
}

/* As many as APIC ids are set aside: they are even (all in one package). */
static uint32_t threads(const struct x86_vcpu *v)
{
    return v->domain->nr_vcpus * 2;
}

static void leaf_1(const struct x86_vcpu *v, struct cpuid *r)
{
    r->b = (r->b & 0x0000ff00) | v->lapic.id << 24 | threads(v) << 16;
    r->c &= svm_xcr0_mask() ? L1_ECX : L1_ECX & ~(BIT(26) | L1_ECX_AVX);
    if (!has_avx()) {
        r->c &= ~L1_ECX_AVX;
    }
    r->c |= L1_ECX_X2APIC | L1_ECX_HYPERVISOR;
    if (v->vmcb->cr4 & BIT(18)) {
        r->c |= L1_ECX_OSXSAVE;
    }
    r->d = (r->d & L1_EDX) | L1_EDX_APIC | L1_EDX_HTT;
    if (!(v->lapic.base & VLAPIC_BASE_ENABLE)) {
        r->d &= ~L1_EDX_APIC;
    }
}

static void leaf_7(uint32_t subleaf, struct cpuid *r)
{
    if (subleaf != 0) {
        *r = (struct cpuid){0};
        return;
    }
    r->a = 0;
    r->b &= L7_EBX;
    r->c &= L7_ECX;
    r->d &= BIT(4); /* fast short REP MOVSB */
    if (!has_avx()) {
        r->b &= ~BIT(5);
        r->c &= ~(BIT(9) | BIT(10));
    }
}

/* The processor holds the guest's XCR0 now, so its sizes are right. */
static void leaf_d(uint32_t subleaf, struct cpuid *r)
{
    uint32_t mask = (uint32_t)svm_xcr0_mask();

    if (mask == 0) {
        *r = (struct cpuid){0};
    } else if (subleaf == 0) {
        r->a = mask;
        r->c = has_avx() ? 0x340 : 0x240;
        r->d = 0;
    } else if (subleaf == 1) {
        *r = (struct cpuid){.a = r->a & (BIT(0) | BIT(1) | BIT(2))};
    } else if (subleaf != 2 || !has_avx()) {
        *r = (struct cpuid){0};
    }
}

static void leaf_basic(const struct x86_vcpu *v, uint32_t leaf,
                       uint32_t subleaf, struct cpuid *r)
{
    switch (leaf) {
    case 0:
        r->a = r->a < BASIC_MAX ? r->a : BASIC_MAX;
        break;
    case 1:
        leaf_1(v, r);
        break;
    case 7:
        leaf_7(subleaf, r);
        break;
    case 0xd:
        leaf_d(subleaf, r);
        break;
    default:
        *r = (struct cpuid){0};
        break;
    }
}

/* Bits of an APIC id that tell the threads of a package apart. */
static uint32_t id_bits(const struct x86_vcpu *v)
{
    uint32_t bits = 0;

    while (1u << bits < threads(v)) {
        bits++;
    }
    return bits;
}

static void leaf_extended(const struct x86_vcpu *v, uint32_t leaf,
                          struct cpuid *r)
{
    switch (leaf) {
    case 0x80000000:
        r->a = r->a < EXTENDED_MAX ? r->a : EXTENDED_MAX;
        break;
    case 0x80000001:
        r->b = 0;
        r->c &= E1_ECX;
        r->d = (r->d & E1_EDX) | (r->d & L1_EDX & E1_EDX_COMMON);
        break;
    case 0x80000002: /* the name of the processor, its caches and TLBs */
    case 0x80000003:
    case 0x80000004:
    case 0x80000005:
    case 0x80000006:
        break;
    case 0x80000007:
        *r = (struct cpuid){.d = r->d & BIT(8)}; /* invariant TSC */
        break;
    case 0x80000008:
        *r = (struct cpuid){.a = (r->a & 0xff00) | GPA_BITS,
                            .c = id_bits(v) << 12 | (threads(v) - 1)};
        break;
    default:
        *r = (struct cpuid){0};
        break;
    }
}

static void leaf_time(uint32_t subleaf, struct cpuid *r)
{
    const struct sop_time_scale *scale = time_scale();

    switch (subleaf) {
    case 0: /* TSC not emulated, reliable, RDTSCP available */
        r->a = BIT(1) | BIT(2);
        r->c = (uint32_t)time_tsc_khz();
        r->d = 1; /* incarnation */
        break;
    case 1:
        r->c = scale->mul;
        r->d = (uint32_t)(int32_t)scale->shift;
        break;
    case 2:
        r->a = (uint32_t)time_tsc_khz();
        break;
    default:
        break;
    }
}

static void leaf_xen(const struct x86_vcpu *v, uint32_t leaf, uint32_t subleaf,
                     struct cpuid *r)
{
    *r = (struct cpuid){0};
    switch (leaf - XEN_CPUID_FIRST_LEAF) {
    case 0:
        r->a = XEN_CPUID_FIRST_LEAF + 5;
        r->b = XEN_CPUID_SIGNATURE_EBX;
        r->c = XEN_CPUID_SIGNATURE_ECX;
        r->d = XEN_CPUID_SIGNATURE_EDX;
        break;
    case 1:
        r->a = XEN_VERSION_WORD;
        break;
    case 2:
        r->a = 1;
        r->b = 0x40000000; /* the MSR of the hypercall page */
        break;
    case 3:
        leaf_time(subleaf, r);
        break;
    case 4:
        r->a = XEN_HVM_CPUID_IOMMU_MAPPINGS | XEN_HVM_CPUID_VCPU_ID_PRESENT |
               XEN_HVM_CPUID_DOMID_PRESENT | XEN_HVM_CPUID_UPCALL_VECTOR;
        r->b = v->id;
        r->c = v->domain->domid;
        break;
    default:
        break;
    }
}

static struct cpuid guest_cpuid(const struct x86_vcpu *v, uint32_t leaf,
                                uint32_t subleaf)
{
    struct cpuid r = {0};

    if (leaf <= BASIC_MAX) {
        r = cpuid(leaf, subleaf);
        leaf_basic(v, leaf, subleaf, &r);
    } else if (leaf >= 0x80000000 && leaf <= EXTENDED_MAX) {
        r = cpuid(leaf, subleaf);
        leaf_extended(v, leaf, &r);
    } else if (leaf >> 8 == XEN_CPUID_FIRST_LEAF >> 8) {
        leaf_xen(v, leaf, subleaf, &r);
    }
    return r;
}

void cpuid_emulate(struct x86_vcpu *v)
{
    struct cpuid r =
        guest_cpuid(v, (uint32_t)v->vmcb->rax, (uint32_t)v->gpr[REG_RCX]);

    v->vmcb->rax = r.a;
    v->gpr[REG_RBX] = r.b;
    v->gpr[REG_RCX] = r.c;
    v->gpr[REG_RDX] = r.d;
}

uint64_t cpuid_cr4_mask(void)
{
    static uint64_t mask;
    uint64_t m = 0x7ff; /* VME to OSXMMEXCPT */
    struct cpuid r = cpuid(7, 0);

    if (mask == 0) {
        m |= r.c & BIT(2) ? BIT(11) : 0; /* UMIP */
        m |= r.b & BIT(0) ? BIT(16) : 0; /* FSGSBASE */
        m |= svm_xcr0_mask() ? BIT(18) : 0;
        m |= r.b & BIT(7) ? BIT(20) : 0;  /* SMEP */
        m |= r.b & BIT(20) ? BIT(21) : 0; /* SMAP */
        mask = m;
    }
    return mask;
}
