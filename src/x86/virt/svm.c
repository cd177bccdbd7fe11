/* SPDX-License-Identifier: MIT */
/*
 * AMD-V: what it takes to run a vCPU on a pCPU. Per pCPU the host state area
 * and a block for the registers VMRUN does not swap; per vCPU its control
 * block, its tag in the TLB, and the state that stays in the processor while
 * the vCPU is loaded: FPU, debug registers, XCR0, TSC_AUX.
 *
 * TLB tags: each pCPU hands out address-space identifiers in ascending order
 * and flushes everything when they run out. A vCPU keeps its tag while it
 * stays on a pCPU; elsewhere, or after its physical map changed, it gets a new
 * one, so no stale translation can be met. No two vCPUs share a tag.
 */
#include "domain.h"

#include <xen/errno.h>

#include "../cpu/asm.h"

#define PAT_OF_XEN 0x0000050100070406ull
#define MSR_VM_CR 0xc0010114u
#define MSR_VM_HSAVE_PA 0xc0010117u
#define MSR_TSC_AUX 0xc0000103u
#define VM_CR_SVMDIS (1ull << 4)
#define CR0_EM (1ull << 2)
#define CR4_OSXSAVE (1ull << 18)
#define DR_WRITES 0x00af  /* of DR0 to DR3, DR7, and DR5, which may be it */
#define XCR0_OFFERED 7ull /* x87, SSE, AVX */

#define MSRPM_BYTES 8192u
#define IOPM_BYTES 12288u

static uint8_t *msrpm, *iopm;
static uint32_t nr_asids;
static uint64_t xcr0_mask; /* 0: no XSAVE, FXSAVE is used */
static bool has_tsc_aux;
static bool is_emulated;
static _Atomic uint64_t asid_generations;

uint64_t svm_xcr0_mask(void)
{
    return xcr0_mask;
}

bool svm_has_tsc_aux(void)
{
    return has_tsc_aux;
}

bool svm_is_emulated(void)
{
    return is_emulated;
}

uint32_t svm_nr_asids(void)
{
    return nr_asids;
}

/* ------------------------------------------------------------------- setup */

static void msr_pass(uint32_t msr, bool writes)
{
    uint32_t bit = (msr & 0x1fff) * 2;

    if (msr >= 0xc0010000) {
        bit += 0x1000 * 8;
    } else if (msr >= 0xc0000000) {
        bit += 0x800 * 8;
    }
    msrpm[bit / 8] &= (uint8_t) ~((writes ? 3u : 1u) << (bit % 8));
}

/*
 * Registers that VMLOAD and VMSAVE swap: a guest may use them freely, but
 * emulators let it write addresses that no processor takes.
 */
static void msr_pass_all(void)
{
    static const uint32_t free[] = {0x174, 0xc0000081, 0xc0000084};
    static const uint32_t address[] = {
        0x175,      0x176,                  /* SYSENTER ESP, EIP */
        0xc0000082, 0xc0000083,             /* LSTAR, CSTAR */
        0xc0000100, 0xc0000101, 0xc0000102, /* FS, GS, kernel GS base */
    };

    for (unsigned i = 0; i < sizeof(free) / sizeof(free[0]); i++) {
        msr_pass(free[i], true);
    }
    for (unsigned i = 0; i < sizeof(address) / sizeof(address[0]); i++) {
        msr_pass(address[i], false);
    }
}

static void check_processor(void)
{
    struct cpuid r;

    if (cpuid(0x80000000, 0).a < 0x8000000a ||
        !(cpuid(0x80000001, 0).c & 1u << 2)) {
        x86_panic("this processor has no AMD-V (with QEMU: -cpu EPYC,+svm)");
    }
    if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS) {
        x86_panic("AMD-V is switched off in the firmware");
    }
    r = cpuid(0x8000000a, 0);
    if (!(r.d & 1)) {
        x86_panic("this processor has no nested paging (with QEMU: +npt)");
    }
    nr_asids = r.b;
    if (nr_asids < 2) {
        x86_panic("AMD-V offers only %u address-space ids", nr_asids);
    }
}

void virt_init(struct sop_system *sys)
{
    (void)sys;
    check_processor();
    if (cpuid(1, 0).c & 1u << 26) {
        xcr0_mask = cpuid(0xd, 0).a & XCR0_OFFERED;
    }
    has_tsc_aux = cpuid(0x80000001, 0).d & 1u << 27;
    is_emulated = cpuid(0x40000000, 0).b == 0x54474354; /* "TCGT" */
    event_init();
    msrpm = hv_alloc(MSRPM_BYTES);
    iopm = hv_alloc(IOPM_BYTES);
    if (!msrpm || !iopm) {
        x86_panic("no memory for the intercept maps");
    }
    __builtin_memset(msrpm, 0xff, MSRPM_BYTES);
    __builtin_memset(iopm, 0xff, IOPM_BYTES);
    msr_pass_all();
}

void virt_init_pcpu(struct x86_pcpu *self)
{
    struct x86_svm_pcpu *svm = hv_alloc(sizeof(*svm));
    void *hsave = hv_alloc(PAGE_SIZE), *host = hv_alloc(PAGE_SIZE);
    uint64_t cr0 = read_cr0() & ~(X86_CR0_TS | CR0_EM);

    if (!svm || !hsave || !host) {
        x86_panic("no memory for pCPU %u", self->index);
    }
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_MP) : "memory");
    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT |
              (xcr0_mask ? CR4_OSXSAVE : 0));
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | X86_EFER_SVME);
    wrmsr(MSR_VM_HSAVE_PA, hv_pa(hsave));
    svm->host_vmcb_pa = hv_pa(host);
    __asm__ volatile("vmsave %0" : : "a"(svm->host_vmcb_pa) : "memory");
    svm->asid_generation = atomic_fetch_add(&asid_generations, 1) + 1;
    svm->asid_next = 1;
    self->host_check = true;
    self->svm = svm;
}

/* ------------------------------------------------------------- vCPU memory */

static void set_intercepts(struct vmcb *c)
{
    c->cr_write = 1u << 4;
    c->dr_read = 0x000f;
    c->dr_write = DR_WRITES;
    c->exceptions = SVM_EXCEPTIONS;
    c->intercept1 = SVM_I1_INTR | SVM_I1_NMI | SVM_I1_SMI | SVM_I1_INIT |
                    SVM_I1_VINTR | SVM_I1_CR0_SELECTIVE | SVM_I1_RDPMC |
                    SVM_I1_CPUID | SVM_I1_RSM | SVM_I1_INVD | SVM_I1_HLT |
                    SVM_I1_INVLPGA | SVM_I1_IOIO | SVM_I1_MSR |
                    SVM_I1_TASK_SWITCH | SVM_I1_FERR | SVM_I1_SHUTDOWN;
    c->intercept2 = SVM_I2_VMRUN | SVM_I2_VMMCALL | SVM_I2_VMLOAD |
                    SVM_I2_VMSAVE | SVM_I2_STGI | SVM_I2_CLGI | SVM_I2_SKINIT |
                    SVM_I2_ICEBP | SVM_I2_WBINVD | SVM_I2_MONITOR |
                    SVM_I2_MWAIT | SVM_I2_XSETBV | SVM_I2_RDPRU;
}

/* The register image that FXRSTOR and XRSTOR read: as after a reset. */
static void fpu_reset(struct x86_vcpu *v)
{
    uint16_t control = 0x0040;
    uint32_t mxcsr = 0x1f80;
    uint64_t in_use = 1; /* of the XSAVE header: only x87 is given here */

    __builtin_memset(v->fpu, 0, PAGE_SIZE);
    __builtin_memcpy(v->fpu, &control, sizeof(control));
    __builtin_memcpy((uint8_t *)v->fpu + 24, &mxcsr, sizeof(mxcsr));
    if (xcr0_mask) {
        __builtin_memcpy((uint8_t *)v->fpu + 512, &in_use, sizeof(in_use));
    }
}

int vcpu_init(struct x86_vcpu *v)
{
    struct vmcb *c = hv_alloc(sizeof(*c));

    v->vmcb = c;
    v->fpu = hv_alloc(PAGE_SIZE);
    if (!c || !v->fpu) {
        return -XEN_ENOMEM;
    }
    v->vmcb_pa = hv_pa(c);
    set_intercepts(c);
    c->iopm_pa = hv_pa(iopm);
    c->msrpm_pa = hv_pa(msrpm);
    c->np_enable = 1;
    c->nested_cr3 = hv_pa(v->domain->p2m_root);
    c->v_flags = SVM_V_INTR_MASKING;
    c->v_prio = SVM_V_IGNORE_TPR;
    v->on_pcpu = v->fpu_pcpu = PCPU_NONE;
    v->attention.start = true;
    v->xcr0 = 1;
    v->mtrr_default = 6 | 1u << 11; /* enabled, write-back */
    vlapic_reset(&v->lapic, v->id);
    fpu_reset(v);
    vcpu_reset_real(v, 0);
    return 0;
}

void vcpu_free(struct x86_vcpu *v)
{
    hv_free(v->vmcb, sizeof(*v->vmcb));
    hv_free(v->fpu, PAGE_SIZE);
    v->vmcb = NULL;
    v->fpu = NULL;
}

/* ------------------------------------------------------------ reset states */

static void reset_common(struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;

    __builtin_memset(v->gpr, 0, sizeof(v->gpr));
    c->rax = c->rsp = c->rip = 0;
    c->rflags = 2;
    c->cr2 = c->cr3 = c->cr4 = 0;
    c->efer = X86_EFER_SVME;
    c->dr6 = 0xffff0ff0;
    c->dr7 = 0x400;
    c->g_pat = PAT_OF_XEN;
    c->cpl = 0;
    c->shadow = 0;
    c->fs = c->gs = c->ldtr = c->gdtr = c->idtr = (struct vmcb_seg){0};
    c->star = c->lstar = c->cstar = c->sfmask = c->kernel_gs_base = 0;
    c->sysenter_cs = c->sysenter_esp = c->sysenter_eip = 0;
    v->attention.event = false;
    v->nmi_blocked = v->nmi_retried = false;
    c->intercept1 &= ~SVM_I1_IRET;
}

/* PVH entry (spec 8.2): flat 32-bit protected mode, paging off. */
void vcpu_reset_flat(struct x86_vcpu *v, uint64_t rip, uint64_t rbx)
{
    struct vmcb *c = v->vmcb;
    const struct vmcb_seg data = {.attr = 0xc93, .limit = 0xffffffff};

    reset_common(v);
    c->cr0 = X86_CR0_PE | X86_CR0_ET;
    c->cs = (struct vmcb_seg){.attr = 0xc9b, .limit = 0xffffffff};
    c->ds = c->es = c->ss = data;
    c->tr = (struct vmcb_seg){.attr = 0x8b, .limit = 0x67};
    c->rip = rip;
    reg_set(v, REG_RBX, rbx);
}

/* What a start-up IPI with vector `page` leads to. */
void vcpu_reset_real(struct x86_vcpu *v, uint8_t page)
{
    struct vmcb *c = v->vmcb;
    const struct vmcb_seg data = {.attr = 0x93, .limit = 0xffff};

    reset_common(v);
    c->cr0 = X86_CR0_ET;
    c->cs = (struct vmcb_seg){(uint16_t)(page << 8), 0x9b, 0xffff,
                              (uint64_t)page << 12};
    c->ds = c->es = c->ss = c->fs = c->gs = data;
    c->gdtr.limit = c->idtr.limit = 0xffff;
    c->ldtr = (struct vmcb_seg){.attr = 0x82, .limit = 0xffff};
    c->tr = (struct vmcb_seg){.attr = 0x8b, .limit = 0xffff};
}

/* --------------------------------------- state that stays in the processor */

static void xsetbv(uint64_t value)
{
    __asm__ volatile("xsetbv"
                     :
                     : "c"(0), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32))
                     : "memory");
}

static uint64_t xgetbv(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

void vcpu_set_xcr0(struct x86_vcpu *v, uint64_t value)
{
    v->xcr0 = value;
    xsetbv(value);
}

static void fpu_save(struct x86_vcpu *v)
{
    if (!xcr0_mask) {
        __asm__ volatile("fxsave64 (%0)" : : "r"(v->fpu) : "memory");
        return;
    }
    v->xcr0 = xgetbv() & xcr0_mask; /* emulators let XSETBV pass */
    if (v->xcr0 != xcr0_mask) {
        xsetbv(xcr0_mask); /* parts the guest has switched off are kept too */
    }
    __asm__ volatile("xsave64 (%0)"
                     :
                     : "r"(v->fpu), "a"(0xffffffff), "d"(0xffffffff)
                     : "memory");
}

/*
 * AMD's restore leaves the last x87 addresses alone when no exception is
 * pending, so another guest's could be read: load something harmless first.
 */
static void fpu_restore(struct x86_vcpu *v)
{
    static const uint32_t zero;

    __asm__ volatile("fnclex; emms; fildl %0" : : "m"(zero));
    if (!xcr0_mask) {
        __asm__ volatile("fxrstor64 (%0)" : : "r"(v->fpu) : "memory");
        return;
    }
    xsetbv(xcr0_mask);
    __asm__ volatile("xrstor64 (%0)"
                     :
                     : "r"(v->fpu), "a"(0xffffffff), "d"(0xffffffff)
                     : "memory");
}

static void debug_load(struct x86_vcpu *v)
{
    __asm__ volatile("mov %0, %%db0" : : "r"(v->dr[0]));
    __asm__ volatile("mov %0, %%db1" : : "r"(v->dr[1]));
    __asm__ volatile("mov %0, %%db2" : : "r"(v->dr[2]));
    __asm__ volatile("mov %0, %%db3" : : "r"(v->dr[3]));
    v->vmcb->dr_read = 0;
    v->vmcb->dr_write = svm_is_emulated() ? DR_WRITES : 0;
    v->dr_loaded = true;
}

void vcpu_set_debug_address(struct x86_vcpu *v, unsigned n, uint64_t address)
{
    v->dr[n] = address;
    if (v->dr_loaded) {
        debug_load(v);
    }
}

/* First use of a debug register since the vCPU was loaded. */
void vcpu_use_debug_registers(struct x86_vcpu *v)
{
    debug_load(v);
}

static void debug_save(struct x86_vcpu *v)
{
    __asm__ volatile("mov %%db0, %0" : "=r"(v->dr[0]));
    __asm__ volatile("mov %%db1, %0" : "=r"(v->dr[1]));
    __asm__ volatile("mov %%db2, %0" : "=r"(v->dr[2]));
    __asm__ volatile("mov %%db3, %0" : "=r"(v->dr[3]));
    v->vmcb->dr_read = 0x000f;
    v->vmcb->dr_write = DR_WRITES;
    v->dr_loaded = false;
}

void vcpu_load(struct x86_pcpu *self, struct x86_vcpu *v)
{
    struct x86_svm_pcpu *svm = self->svm;

    if (svm->fpu_owner != v || v->fpu_pcpu != self->index) {
        fpu_restore(v);
        svm->fpu_owner = v;
        v->fpu_pcpu = self->index;
        if (has_tsc_aux) {
            wrmsr(MSR_TSC_AUX, v->tsc_aux);
        }
    }
    if (xcr0_mask) {
        xsetbv(v->xcr0);
    }
    if (v->vmcb->dr7 & 0xff) {
        debug_load(v);
    }
    v->on_pcpu = self->index;
    self->loaded = v;
}

void vcpu_unload(struct x86_pcpu *self, struct x86_vcpu *v)
{
    fpu_save(v);
    if (v->dr_loaded) {
        debug_save(v);
    }
    if (v->nr_text > 0) {
        vcpu_text_flush(v);
    }
    self->loaded = NULL;
    __atomic_store_n(&v->on_pcpu, PCPU_NONE, __ATOMIC_RELEASE);
}

/* ---------------------------------------------------------------- TLB tags */

void vcpu_tag(struct x86_svm_pcpu *svm, struct x86_vcpu *v)
{
    struct vmcb *c = v->vmcb;

    if (svm->asid_next >= nr_asids) {
        svm->asid_generation = atomic_fetch_add(&asid_generations, 1) + 1;
        svm->asid_next = 1;
    }
    c->tlb_control = svm->asid_next == 1 ? SVM_TLB_FLUSH_ALL : SVM_TLB_KEEP;
    v->asid = svm->asid_next++;
    c->asid = v->asid;
    atomic_store(&v->asid_generation, svm->asid_generation);
}
