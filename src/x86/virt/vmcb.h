/* SPDX-License-Identifier: MIT */
/*
 * The AMD-V virtual machine control block: its layout, the intercept bits and
 * exit codes used here (AMD64 Architecture Programmer's Manual, volume 2,
 * appendices B and C).
 */
#ifndef SCHEDOP_X86_VIRT_VMCB_H
#define SCHEDOP_X86_VIRT_VMCB_H

#include <stddef.h>
#include <stdint.h>

struct vmcb_seg {
    uint16_t sel;
    uint16_t attr; /* type 3:0, S 4, DPL 6:5, P 7, AVL 8, L 9, D/B 10, G 11 */
    uint32_t limit;
    uint64_t base;
};

struct vmcb {
    /* control area */
    uint16_t cr_read, cr_write; /* 0x000 */
    uint16_t dr_read, dr_write;
    uint32_t exceptions;
    uint32_t intercept1, intercept2; /* 0x00c */
    uint8_t reserved1[0x40 - 0x14];
    uint64_t iopm_pa, msrpm_pa; /* 0x040 */
    uint64_t tsc_offset;
    uint32_t asid; /* 0x058 */
    uint8_t tlb_control;
    uint8_t reserved2[3];
    /* 0x060: the virtual interrupt, one word in the manual */
    uint8_t v_tpr;
    uint8_t v_irq;   /* bit 0 V_IRQ, bit 1 VGIF */
    uint8_t v_prio;  /* 3:0 priority, bit 4 ignore TPR */
    uint8_t v_flags; /* bit 0 V_INTR_MASKING */
    uint8_t v_vector;
    uint8_t reserved3[3];
    uint64_t shadow; /* 0x068, bit 0: interrupt shadow */
    uint64_t exitcode, exitinfo1, exitinfo2, exitintinfo;
    uint64_t np_enable; /* 0x090 */
    uint64_t avic_bar, ghcb;
    uint64_t eventinj; /* 0x0a8 */
    uint64_t nested_cr3;
    uint64_t lbr_control;
    uint32_t clean; /* 0x0c0 */
    uint32_t reserved4;
    uint64_t next_rip;
    uint8_t reserved5[0x400 - 0xd0];
    /* state save area */
    struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr; /* 0x400 */
    uint8_t reserved6[0x4cb - 0x4a0];
    uint8_t cpl; /* 0x4cb */
    uint32_t reserved7;
    uint64_t efer; /* 0x4d0 */
    uint8_t reserved8[0x548 - 0x4d8];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip; /* 0x548 */
    uint8_t reserved9[0x5d8 - 0x580];
    uint64_t rsp; /* 0x5d8 */
    uint64_t reserved10[3];
    uint64_t rax; /* 0x5f8 */
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip, cr2;
    uint8_t reserved11[0x668 - 0x648];
    uint64_t g_pat; /* 0x668 */
    uint64_t debugctl;
    uint8_t reserved12[0x1000 - 0x678];
};

_Static_assert(offsetof(struct vmcb, iopm_pa) == 0x40, "vmcb layout");
_Static_assert(offsetof(struct vmcb, asid) == 0x58, "vmcb layout");
_Static_assert(offsetof(struct vmcb, v_tpr) == 0x60, "vmcb layout");
_Static_assert(offsetof(struct vmcb, exitcode) == 0x70, "vmcb layout");
_Static_assert(offsetof(struct vmcb, eventinj) == 0xa8, "vmcb layout");
_Static_assert(offsetof(struct vmcb, next_rip) == 0xc8, "vmcb layout");
_Static_assert(offsetof(struct vmcb, tr) == 0x490, "vmcb layout");
_Static_assert(offsetof(struct vmcb, cpl) == 0x4cb, "vmcb layout");
_Static_assert(offsetof(struct vmcb, efer) == 0x4d0, "vmcb layout");
_Static_assert(offsetof(struct vmcb, cr4) == 0x548, "vmcb layout");
_Static_assert(offsetof(struct vmcb, rip) == 0x578, "vmcb layout");
_Static_assert(offsetof(struct vmcb, rsp) == 0x5d8, "vmcb layout");
_Static_assert(offsetof(struct vmcb, rax) == 0x5f8, "vmcb layout");
_Static_assert(offsetof(struct vmcb, cr2) == 0x640, "vmcb layout");
_Static_assert(offsetof(struct vmcb, g_pat) == 0x668, "vmcb layout");
_Static_assert(sizeof(struct vmcb) == 0x1000, "vmcb layout");

/* intercept1 */
#define SVM_I1_INTR (1u << 0)
#define SVM_I1_NMI (1u << 1)
#define SVM_I1_SMI (1u << 2)
#define SVM_I1_INIT (1u << 3)
#define SVM_I1_VINTR (1u << 4)
#define SVM_I1_CR0_SELECTIVE (1u << 5)
#define SVM_I1_RDPMC (1u << 15)
#define SVM_I1_CPUID (1u << 18)
#define SVM_I1_RSM (1u << 19)
#define SVM_I1_IRET (1u << 20)
#define SVM_I1_SWINT (1u << 21)
#define SVM_I1_INVD (1u << 22)
#define SVM_I1_HLT (1u << 24)
#define SVM_I1_INVLPGA (1u << 26)
#define SVM_I1_IOIO (1u << 27)
#define SVM_I1_MSR (1u << 28)
#define SVM_I1_TASK_SWITCH (1u << 29)
#define SVM_I1_FERR (1u << 30)
#define SVM_I1_SHUTDOWN (1u << 31)

/* intercept2 */
#define SVM_I2_VMRUN (1u << 0)
#define SVM_I2_VMMCALL (1u << 1)
#define SVM_I2_VMLOAD (1u << 2)
#define SVM_I2_VMSAVE (1u << 3)
#define SVM_I2_STGI (1u << 4)
#define SVM_I2_CLGI (1u << 5)
#define SVM_I2_SKINIT (1u << 6)
#define SVM_I2_ICEBP (1u << 8)
#define SVM_I2_WBINVD (1u << 9)
#define SVM_I2_MONITOR (1u << 10)
#define SVM_I2_MWAIT (1u << 11)
#define SVM_I2_XSETBV (1u << 13)
#define SVM_I2_RDPRU (1u << 14)

/* exit codes */
#define SVM_EXIT_CR_READ 0x000u  /* + n */
#define SVM_EXIT_CR_WRITE 0x010u /* + n */
#define SVM_EXIT_DR_READ 0x020u
#define SVM_EXIT_DR_WRITE 0x030u
#define SVM_EXIT_EXCEPTION 0x040u
#define SVM_EXIT_INTR 0x060u
#define SVM_EXIT_NMI 0x061u
#define SVM_EXIT_SMI 0x062u
#define SVM_EXIT_INIT 0x063u
#define SVM_EXIT_VINTR 0x064u
#define SVM_EXIT_CR0_SELECTIVE 0x065u
#define SVM_EXIT_RDPMC 0x06fu
#define SVM_EXIT_CPUID 0x072u
#define SVM_EXIT_RSM 0x073u
#define SVM_EXIT_IRET 0x074u
#define SVM_EXIT_SWINT 0x075u
#define SVM_EXIT_INVD 0x076u
#define SVM_EXIT_HLT 0x078u
#define SVM_EXIT_INVLPGA 0x07au
#define SVM_EXIT_IOIO 0x07bu
#define SVM_EXIT_MSR 0x07cu
#define SVM_EXIT_TASK_SWITCH 0x07du
#define SVM_EXIT_FERR 0x07eu
#define SVM_EXIT_SHUTDOWN 0x07fu
#define SVM_EXIT_VMRUN 0x080u
#define SVM_EXIT_VMMCALL 0x081u
#define SVM_EXIT_VMLOAD 0x082u
#define SVM_EXIT_VMSAVE 0x083u
#define SVM_EXIT_STGI 0x084u
#define SVM_EXIT_CLGI 0x085u
#define SVM_EXIT_SKINIT 0x086u
#define SVM_EXIT_ICEBP 0x088u
#define SVM_EXIT_WBINVD 0x089u
#define SVM_EXIT_MONITOR 0x08au
#define SVM_EXIT_MWAIT 0x08bu
#define SVM_EXIT_MWAIT_ARMED 0x08cu
#define SVM_EXIT_XSETBV 0x08du
#define SVM_EXIT_RDPRU 0x08eu
#define SVM_EXIT_NPF 0x400u
#define SVM_EXIT_INVALID UINT32_MAX

/* eventinj and exitintinfo */
#define SVM_EVENT_INTR (0ull << 8)
#define SVM_EVENT_NMI (2ull << 8)
#define SVM_EVENT_EXCEPTION (3ull << 8)
#define SVM_EVENT_SOFT (4ull << 8)
#define SVM_EVENT_TYPE (7ull << 8)
#define SVM_EVENT_ERROR (1ull << 11)
#define SVM_EVENT_VALID (1ull << 31)

/* tlb_control */
#define SVM_TLB_KEEP 0u
#define SVM_TLB_FLUSH_ALL 1u

/* v_irq, v_prio, v_flags */
#define SVM_V_IRQ 1u
#define SVM_V_IGNORE_TPR 0x10u
#define SVM_V_INTR_MASKING 1u

/* exitinfo1 of a nested page fault */
#define NPF_PRESENT (1ull << 0)
#define NPF_WRITE (1ull << 1)
#define NPF_FETCH (1ull << 4)
#define NPF_TABLE (1ull << 33) /* while walking the guest's page tables */

#endif
