/* SPDX-License-Identifier: MIT */
/*
 * The records of domains and vCPUs on this machine, private to virt/ and
 * port.c, and what the files of virt/ offer each other.
 *
 * Locks: d->lock guards the physical map, the memory accounts, the grant
 * frames and the memory map of a domain. It ranks below the core lock, and
 * nothing of the core is called and no guest memory copied while it is held.
 * Everything of a vCPU that is not marked "any pCPU" belongs to the pCPU that
 * runs it.
 */
#ifndef SCHEDOP_X86_VIRT_DOMAIN_H
#define SCHEDOP_X86_VIRT_DOMAIN_H

#include "../cpu/lock.h"
#include "insn.h"
#include "memmap.h"
#include "virt.h"
#include "vlapic.h"
#include "vmcb.h"
#include "walk.h"

#define GRANT_FRAMES_MAX 64u
#define CHUNKS_MAX 64u /* pieces of RAM a domain is made of */
#define GFN_NONE UINT64_MAX
#define GPA_BITS 40u /* guest-physical address width */
#define P2M_DIRECTORIES 8u

/* Where PVH domains find things, as on Xen. */
#define GFN_CONSOLE 0xfeffful
#define GFN_XENSTORE 0xfeffeul
#define GPA_ACPI 0xfc000000ull

struct ram_chunk {
    uint64_t pa, bytes;
};

struct mapped_frame {
    uint64_t pa;
    void *va;
    unsigned users; /* as often it was asked for */
};

struct x86_domain {
    const struct domain_spec *spec;
    struct sop_domain *sop;
    uint16_t domid;
    unsigned nr_vcpus;
    struct x86_vcpu *vcpu[SOP_VCPUS_MAX];
    bool started;         /* host_domain_started() was called; any pCPU */
    unsigned nr_warnings; /* said about it so far; not exact */

    struct x86_lock lock;
    /* physical map (p2m.c) */
    uint64_t *p2m_root;
    uint64_t *p2m_directory[P2M_DIRECTORIES]; /* of each GiB, once made */
    uint64_t p2m_tables, p2m_tables_max;
    _Atomic uint64_t p2m_version;    /* counts changes; any pCPU */
    uint64_t gfn_max;                /* highest one ever mapped */
    uint64_t frames_now, frames_max; /* accounted now; owned */
    uint64_t frames_limit;           /* frames_now may be raised to */
    uint64_t *free_map; /* a bit for each frame owned, set while it is free */
    uint64_t free_hint; /* no word before this one has a bit set */
    unsigned nr_chunks;
    struct ram_chunk chunk[CHUNKS_MAX];
    /* pages that are the hypervisor's and may appear in the map */
    void *shared_info, *console, *xenstore, *acpi;
    void *ports; /* the core's table of event channels; not in the map */
    size_t ports_bytes;
    uint64_t shared_info_gfn;
    unsigned nr_grant_frames;
    void *grant_frame[GRANT_FRAMES_MAX];
    uint64_t grant_gfn[GRANT_FRAMES_MAX];
    struct memmap memmap;
    unsigned nr_mapped;
    struct mapped_frame mapped[SOP_FRAMES_MAX];

    uint32_t console_port, xenstore_port;
};

#define PCPU_NONE UINT32_MAX

/* Instruction lengths found by decoding, by address (exit_step.c). */
#define LENGTHS 8u
struct insn_length {
    uint64_t rip;
    uint32_t exitcode, length;
};

/*
 * The way a walk of 4-level tables took: linear page to physical page. While
 * all it read is as it was the page need not be looked for again.
 */
#define PATHS 4u
#define PATH_STEPS 4u
struct path {
    uint64_t page; /* bit 0: for writing, bit 1: in use */
    uint64_t cr0, cr3, cr4, efer, p2m_version;
    uint64_t pa;
    unsigned nr_steps;
    struct path_step {
        uint64_t pa, value; /* of an entry */
    } step[PATH_STEPS];
};

/* Under a debugger (debug.c). */
struct vcpu_debug {
    bool on;
    bool held;       /* paused on its behalf; any pCPU */
    bool step;       /* to do one instruction and stop */
    bool armed;      /* the trap flag is ours; what was the guest's: */
    bool own_tf;     /*   in its flags */
    bool own_bs;     /*   in DR6, */
    bool own_r11;    /*   and where SYSRET takes them from */
    bool delivering; /* the last entry injected what the step ends with */
    uint8_t fix;     /* what the instruction does to the flags */
    uint8_t stop;    /* SCHEDOP_DEBUG_*, until it was said; any pCPU */
};

#define VAR_MTRRS 16u
#define FIXED_MTRRS 11u

/* What makes the next entry leave the short path; any pCPU may set one. */
union attention {
    struct {
        bool event;  /* `event` below is to be injected */
        bool nmi;    /* an NMI is pending */
        bool window; /* the VMCB asks for an exit on behalf of an interrupt */
        bool timer;  /* the local APIC's timer fired: move it on */
        union {
            struct {
                bool start; /* the vCPU has not run yet */
                bool debug; /* it does one instruction for a debugger */
            };
            uint16_t rare; /* either */
        };
    };
    uint64_t any;
};

struct x86_vcpu {
    uint64_t gpr[16]; /* but rax and rsp, which are in the VMCB; enter.S */
    uint64_t vmcb_pa; /* enter.S */
    struct vmcb *vmcb;
    struct sop_vcpu *sop;
    const uint8_t *const *upcall_byte; /* see sop_vcpu_upcall_byte() */
    struct x86_domain *domain;
    unsigned id;

    /* TLB tag; asid_generation 0 (any pCPU) asks for a new one. */
    uint32_t asid;
    _Atomic uint64_t asid_generation;

    union attention attention;
    uint64_t event;          /* eventinj of the next entry */
    uint64_t injected_rip;   /* where an interrupt was injected last */
    uint8_t injected_vector; /* and which */
    bool nmi_blocked;        /* until IRET */
    bool nmi_retried;
    struct vlapic lapic; /* its tpr may lag behind: vcpu_sync_tpr() */

    struct x86_lock boot; /* held while another vCPU starts this one */
    bool initialised;     /* has got registers to start with; under boot */

    /* where its registers are: a pCPU's index, or PCPU_NONE; any pCPU */
    volatile uint32_t on_pcpu;

    /* state that is in the pCPU only while this vCPU is loaded there */
    void *fpu;
    uint32_t fpu_pcpu; /* whose registers still hold `fpu` */
    bool dr_loaded;
    uint64_t dr[4], xcr0;
    uint32_t tsc_aux;

    /* MSRs without hardware behind them */
    bool cpuid_faulting; /* CPUID faults outside CPL 0 */
    uint64_t var_mtrr[VAR_MTRRS], fixed_mtrr[FIXED_MTRRS], mtrr_default;

    struct insn_length length[LENGTHS];
    struct path path[PATHS]; /* guest_mem.c */
    struct vcpu_debug debug;
    unsigned nr_text; /* bytes written to port 0xe9, not yet passed on */
    char text[128];
};

_Static_assert(offsetof(struct x86_vcpu, gpr) == 0, "enter.S");
_Static_assert(offsetof(struct x86_vcpu, vmcb_pa) == 128, "enter.S");
_Static_assert(sizeof(union attention) == 8, "read as one word");

/* virt/'s state of a pCPU. */
struct x86_svm_pcpu {
    uint64_t host_vmcb_pa; /* where vmsave put what vmload brings back */
    uint64_t asid_generation;
    uint32_t asid_next;
    struct x86_vcpu *volatile running; /* in the guest now */
    uint64_t entries;                  /* how often it went there */
    struct x86_vcpu *fpu_owner; /* valid if its fpu_pcpu says so as well */
};

static inline struct x86_vcpu *vcpu_of(const struct sop_vcpu *v)
{
    return sop_vcpu_port(v);
}

static inline bool vcpu_is_wide(const struct x86_vcpu *v)
{
    return (v->vmcb->efer & X86_EFER_LMA) && (v->vmcb->cs.attr & 0x200);
}

static inline uint64_t reg_get(const struct x86_vcpu *v, unsigned n)
{
    return n == REG_RAX   ? v->vmcb->rax
           : n == REG_RSP ? v->vmcb->rsp
                          : v->gpr[n];
}

static inline void reg_set(struct x86_vcpu *v, unsigned n, uint64_t value)
{
    if (n == REG_RAX) {
        v->vmcb->rax = value;
    } else if (n == REG_RSP) {
        v->vmcb->rsp = value;
    } else {
        v->gpr[n] = value;
    }
}

/* ------------------------------------------------------------------- p2m.c */

enum p2m_type {
    P2M_NONE,    /* nothing there */
    P2M_RAM,     /* a frame of the domain's own */
    P2M_SPECIAL, /* a page of the hypervisor's, shared with the domain */
};

/* Both set up and torn down with no vCPU running. */
int p2m_init(struct x86_domain *d, uint64_t ram_bytes);
void p2m_free(struct x86_domain *d);

#define NPT_P (1ull << 0)
#define NPT_PS (1ull << 7)
#define NPT_ADDR 0x000ffffffffff000ull
#define NPT_TYPE_SHIFT 9u
#define FRAMES_2M (SUPERPAGE_SIZE / PAGE_SIZE)
#define FRAMES_1G (FRAMES_2M * 512u)

static inline enum p2m_type npt_type(uint64_t entry)
{
    return (enum p2m_type)(entry >> NPT_TYPE_SHIFT & 7);
}

/* Type and physical address of `gfn`; *pa stays for none. Lock-free. */
enum p2m_type p2m_walk(const struct x86_domain *d, uint64_t gfn, uint64_t *pa);

/*
 * How many frames from `gfn` on one entry covers, mapped or not; what is
 * there, and where.
 */
uint64_t p2m_span(const struct x86_domain *d, uint64_t gfn, enum p2m_type *type,
                  uint64_t *pa);

/* The same, faster: tables once made stay, so most walks can begin halfway. */
static inline enum p2m_type p2m_lookup(const struct x86_domain *d, uint64_t gfn,
                                       uint64_t *pa)
{
    const uint64_t *table = NULL;
    uint64_t entry;

    if (gfn / FRAMES_1G < P2M_DIRECTORIES) {
        table = __atomic_load_n(&d->p2m_directory[gfn / FRAMES_1G],
                                __ATOMIC_ACQUIRE);
    }
    if (!table) {
        return p2m_walk(d, gfn, pa);
    }
    entry = __atomic_load_n(&table[gfn / FRAMES_2M % 512], __ATOMIC_ACQUIRE);
    if ((entry & (NPT_P | NPT_PS)) == NPT_P) {
        table = (const uint64_t *)(entry & NPT_ADDR);
        entry = __atomic_load_n(&table[gfn % 512], __ATOMIC_ACQUIRE);
        gfn = 0;
    }
    if (!(entry & NPT_P)) {
        return P2M_NONE;
    }
    *pa = (entry & NPT_ADDR) + gfn % FRAMES_2M * PAGE_SIZE;
    return npt_type(entry);
}

/* d->lock held for the rest, which return -ENOMEM when tables run out. */
int p2m_set_locked(struct x86_domain *d, uint64_t gfn, uint64_t pa,
                   enum p2m_type type);
int p2m_map_range(struct x86_domain *d, uint64_t gfn, uint64_t pa,
                  uint64_t frames);
void p2m_clear_locked(struct x86_domain *d, uint64_t gfn);

/*
 * Returns when no vCPU of `d` can use a translation older than the call. No
 * lock held.
 */
void p2m_flush(struct x86_domain *d);

/* Frees or takes a frame of RAM of the domain's own; d->lock held. */
void frame_put_locked(struct x86_domain *d, uint64_t pa);
uint64_t frame_take_locked(struct x86_domain *d); /* zeroed; 0 none */

/* ------------------------------------------------------------- guest_mem.c */

/* port_copy_in() and its mirror; on failure *cr2 and *fault say why. */
int guest_copy_in(struct x86_vcpu *v, void *dst, uint64_t linear, size_t len);
int guest_copy_out(struct x86_vcpu *v, uint64_t linear, const void *src,
                   size_t len);
/* As instructions of the guest see memory: also at CPL 3. */
bool guest_translate(struct x86_vcpu *v, uint64_t linear, unsigned access,
                     uint64_t *gpa, unsigned *fault);
/* Bytes of the instruction at CS:RIP; returns how many are readable. */
unsigned guest_fetch(struct x86_vcpu *v, uint8_t bytes[INSN_MAX]);
int gpa_copy_in(struct x86_domain *d, void *dst, uint64_t gpa, size_t len);
int gpa_copy_out(struct x86_domain *d, uint64_t gpa, const void *src,
                 size_t len);

/* ------------------------------------------------------------------- svm.c */

int vcpu_init(struct x86_vcpu *v);  /* allocates and resets */
void vcpu_free(struct x86_vcpu *v); /* what vcpu_init() took */
void vcpu_reset_flat(struct x86_vcpu *v, uint64_t rip, uint64_t rbx);
void vcpu_reset_real(struct x86_vcpu *v, uint8_t page);
void vcpu_load(struct x86_pcpu *self, struct x86_vcpu *v);
void vcpu_unload(struct x86_pcpu *self, struct x86_vcpu *v);
/* Gives `v` a tag of this pCPU, for its next entry. */
void vcpu_tag(struct x86_svm_pcpu *svm, struct x86_vcpu *v);
void vcpu_use_debug_registers(struct x86_vcpu *v);
void vcpu_set_debug_address(struct x86_vcpu *v, unsigned n, uint64_t address);
void vcpu_set_xcr0(struct x86_vcpu *v, uint64_t value);
uint64_t svm_xcr0_mask(void); /* what guests may enable, 0: no XSAVE */
bool svm_has_tsc_aux(void);   /* there is such an MSR */
uint32_t svm_nr_asids(void);
bool svm_is_emulated(void); /* by QEMU, which has its faults */

/* ---------------------------------------------------------------- events.c */

#define VECTOR_DB 1u
#define VECTOR_BP 3u
#define VECTOR_UD 6u
#define VECTOR_DF 8u
#define VECTOR_GP 13u
#define VECTOR_PF 14u
#define VECTOR_AC 17u
#define VECTOR_MC 18u

/*
 * Exceptions that always exit. #DB and #AC can be made to recur without an
 * end, so they are delivered by hand.
 */
#define SVM_EXCEPTIONS (1u << VECTOR_DB | 1u << VECTOR_AC | 1u << VECTOR_MC)

void event_exception(struct x86_vcpu *v, unsigned vector);
void event_exception_error(struct x86_vcpu *v, unsigned vector, uint32_t error);
void event_page_fault(struct x86_vcpu *v, uint64_t linear, uint32_t error);

/* Delivers again what an exit cut short; `info` is its exitintinfo. */
void event_again(struct x86_vcpu *v, uint64_t info);

/* Has the next entry inject `event`, which is pending, whatever else is. */
void event_deliver(struct x86_vcpu *v);

/* Looks at what the processor makes of injected events. Once, at boot. */
void event_init(void);

/*
 * Chooses what the next entry injects; asks for a window for the rest. Needed
 * only when event_is_due(): an upcall may be, or something else is.
 */
void event_prepare(struct x86_vcpu *v);

static inline bool event_is_due(const struct x86_vcpu *v)
{
    const uint8_t *byte = __atomic_load_n(v->upcall_byte, __ATOMIC_RELAXED);

    return v->attention.any || v->lapic.irr_hint ||
           __atomic_load_n(byte, __ATOMIC_SEQ_CST) != 0;
}

/* The task priority as the guest last set it by CR8. */
static inline void vcpu_sync_tpr(struct x86_vcpu *v)
{
    uint8_t high = v->vmcb->v_tpr & 0xf;

    if (v->lapic.tpr >> 4 != high) {
        v->lapic.tpr = (uint32_t)high << 4;
    }
}

/* The other way, after it was set by other means. */
static inline void vcpu_set_cr8(struct x86_vcpu *v)
{
    v->vmcb->v_tpr = (uint8_t)(v->lapic.tpr >> 4);
}

bool event_deliverable(struct x86_vcpu *v);

/* ------------------------------------------- exits.c, exit_step.c, crash.c */

/* Handles the exit `v` just made, but for VMMCALL. */
void exit_handle(struct x86_pcpu *self, struct x86_vcpu *v);
void exit_advance_slow(struct x86_vcpu *v);

/* Steps over `length` bytes of the current instruction. */
static inline void exit_advance(struct x86_vcpu *v, unsigned length, bool wide)
{
    struct vmcb *c = v->vmcb;

    c->rip += length;
    if (!wide) {
        c->rip &= 0xffffffff;
    }
    c->shadow = 0;
    if (__builtin_expect(c->rflags & (X86_FLAGS_TF | X86_FLAGS_RF), 0)) {
        exit_advance_slow(v);
    }
}

void vcpu_text_flush(struct x86_vcpu *v);
/* Ends the domain with a register dump; printf-like reason. */
void vcpu_crash(struct x86_pcpu *self, struct x86_vcpu *v, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ----------------------------------------------------------------- debug.c */

void debug_init(bool is_emulator); /* once, at boot */
/* The entry of a vCPU that does a step; true: nothing else is injected. */
bool debug_prepare(struct x86_vcpu *v);
/* An instruction was emulated with TF set; true: for the debugger alone. */
bool debug_stepped(struct x86_vcpu *v);
/* Exceptions and software interrupts; true: it was the debugger's. */
bool debug_exit(struct x86_vcpu *v, uint64_t code);

/* -------------------------------------------------- cpuid.c, msr.c, apic.c */

void cpuid_emulate(struct x86_vcpu *v);
uint64_t cpuid_cr4_mask(void); /* CR4 bits that a guest may set */
bool msr_read(struct x86_vcpu *v, uint32_t msr, uint64_t *value);
bool msr_write(struct x86_pcpu *self, struct x86_vcpu *v, uint32_t msr,
               uint64_t value);
/* Carries out what a write to the local APIC asks for. */
void apic_effect(struct x86_pcpu *self, struct x86_vcpu *v,
                 const struct vlapic_effect *effect);
bool apic_access(struct x86_pcpu *self, struct x86_vcpu *v, unsigned offset,
                 bool write, void *data, unsigned len);

/* ---------------------------------------------------- memory_op.c, grant.c */

struct xen_add_to_physmap;
/* 0 when `domid` means the domain itself; else the error for it. */
int physmap_check_domid(const struct x86_domain *d, struct sop_system *sys,
                        uint16_t domid);
int physmap_add(struct x86_domain *d, const struct xen_add_to_physmap *x);
/* memory_more.c: what memory_op() leaves to it */
int64_t memory_more(struct x86_vcpu *v, struct sop_system *sys,
                    struct sop_call *call);
int64_t memory_op(struct x86_pcpu *self, struct x86_vcpu *v,
                  struct sop_call *call);
int64_t grant_table_op(struct x86_vcpu *v, struct sop_system *sys,
                       struct sop_call *call);

/* ------------------------------------------------------- context.c, save.c */

/* Control registers that a guest could have; EFER without SVME. */
bool vcpu_control_is_good(const struct vmcb *c);

/*
 * Parts of domain_restore(), in their order. Each returns NULL, or what is
 * wrong with the record.
 */
const char *save_check(const struct save_area *r, unsigned nr_vcpus);
/* How many frames the domain had; UINT64_MAX for more than there can be. */
uint64_t save_frames(const struct save_area *r);
/*
 * Maps them to the RAM in d->chunk, and puts runs that say where behind those
 * of the record, as its runs from now on.
 */
const char *save_map(const struct save_area *r, struct x86_domain *d);
const char *save_load_vcpus(const struct save_area *r, struct x86_domain *d);
/* After the core knows the domain. */
const char *save_start_vcpus(const struct save_area *r, struct x86_domain *d);
/* save_vcpu.c: one vCPU, none of whose registers is in a pCPU. */
struct schedop_state_vcpu;
void save_vcpu(struct sop_pcpu *self, struct x86_vcpu *v,
               struct schedop_state_vcpu *r);
const char *load_vcpu(struct x86_vcpu *v, const struct schedop_state_vcpu *r);
/* Of that only registers, and an event to inject; it may have run. */
const char *load_vcpu_registers(struct x86_vcpu *v,
                                const struct schedop_state_vcpu *r);

/* ---------------------------------------------------------------- domctl.c */

/* What the core does not know of hypercall 36; its caller is allowed to. */
int64_t sysctl_op(struct x86_vcpu *v, const struct sop_call *call);
int64_t domctl(struct sop_pcpu *self, struct x86_vcpu *v,
               const struct sop_call *call);
/* Physical address of grant frame `idx`, made if need be; 0 none. */
uint64_t grant_frame_locked(struct x86_domain *d, uint64_t idx);
void grant_free(struct x86_domain *d);

#endif
