/* SPDX-License-Identifier: MIT */
/*
 * The notes of a core: see core_notes.h. Layouts are Linux's for x86-64 and
 * i386, whatever machine this runs on: hence no <sys/procfs.h>.
 */
#include "core_notes.h"

#include <elf.h>
#include <string.h>

#define EFER_LMA (1ull << 10)
#define XCR0_AVX 4u
#define XCR0_KNOWN 7u

enum {
    FXSAVE = 512,
    XSAVE = FXSAVE + 64, /* with its header */
    XSAVE_AVX = XSAVE + 256,
    XSAVE_XCR0 = 464, /* where Linux says which parts there are */
};

_Static_assert(XSAVE_AVX <= SCHEDOP_STATE_FPU, "the record has all of it");

struct status64 {
    uint32_t signal[3];
    uint16_t current, pad;
    uint64_t pending, held;
    int32_t pid, ppid, pgrp, sid;
    uint64_t times[8];
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi,
        rdi, orig_rax, rip, cs, rflags, rsp, ss, fs_base, gs_base, ds, es, fs,
        gs;
    int32_t fp_valid, pad2;
};

struct status32 {
    uint32_t signal[3];
    uint16_t current, pad;
    uint32_t pending, held;
    int32_t pid, ppid, pgrp, sid;
    uint32_t times[8];
    uint32_t ebx, ecx, edx, esi, edi, ebp, eax, ds, es, fs, gs, orig_eax, eip,
        cs, eflags, esp, ss;
    int32_t fp_valid;
};

_Static_assert(sizeof(struct status64) == 336, "prstatus");
_Static_assert(sizeof(struct status32) == 144, "prstatus");

bool core_is_narrow(const struct schedop_state *s)
{
    for (unsigned n = 0; n < s->nr_vcpus; n++) {
        if ((state_vcpu(s, n)->efer & EFER_LMA) != 0) {
            return false;
        }
    }
    return true;
}

static void add_padded(struct cli_text *out, const void *data, size_t len)
{
    static const char zeros[4];

    cli_text_add(out, data, len);
    cli_text_add(out, zeros, -len & 3);
}

static void add(struct cli_text *out, const char *owner, uint32_t type,
                const void *data, size_t len)
{
    Elf64_Nhdr head = {/* the same in 32 bits */
                       .n_namesz = (uint32_t)strlen(owner) + 1,
                       .n_descsz = (uint32_t)len,
                       .n_type = type};

    cli_text_add(out, &head, sizeof(head));
    add_padded(out, owner, strlen(owner) + 1);
    add_padded(out, data, len);
}

/* ---- of a vCPU ---- */

static uint16_t selector(const struct schedop_state_vcpu *v, unsigned segment)
{
    return v->segment[segment].selector;
}

static void add_status64(struct cli_text *out, int thread,
                         const struct schedop_state_vcpu *v)
{
    const uint64_t *g = v->gpr; /* rax rcx rdx rbx rsp rbp rsi rdi r8... */
    const struct status64 status = {
        .pid = thread,
        .r15 = g[15],
        .r14 = g[14],
        .r13 = g[13],
        .r12 = g[12],
        .rbp = g[5],
        .rbx = g[3],
        .r11 = g[11],
        .r10 = g[10],
        .r9 = g[9],
        .r8 = g[8],
        .rax = g[0],
        .rcx = g[1],
        .rdx = g[2],
        .rsi = g[6],
        .rdi = g[7],
        .orig_rax = UINT64_MAX, /* it is in no system call */
        .rip = v->rip,
        .cs = selector(v, SCHEDOP_STATE_CS),
        .rflags = v->rflags,
        .rsp = g[4],
        .ss = selector(v, SCHEDOP_STATE_SS),
        .fs_base = v->segment[SCHEDOP_STATE_FS].base,
        .gs_base = v->segment[SCHEDOP_STATE_GS].base,
        .ds = selector(v, SCHEDOP_STATE_DS),
        .es = selector(v, SCHEDOP_STATE_ES),
        .fs = selector(v, SCHEDOP_STATE_FS),
        .gs = selector(v, SCHEDOP_STATE_GS),
        .fp_valid = 1,
    };

    add(out, "CORE", NT_PRSTATUS, &status, sizeof(status));
    add(out, "CORE", NT_FPREGSET, v->fpu, FXSAVE);
}

static void add_status32(struct cli_text *out, int thread,
                         const struct schedop_state_vcpu *v)
{
    const uint64_t *g = v->gpr;
    const struct status32 status = {
        .pid = thread,
        .ebx = (uint32_t)g[3],
        .ecx = (uint32_t)g[1],
        .edx = (uint32_t)g[2],
        .esi = (uint32_t)g[6],
        .edi = (uint32_t)g[7],
        .ebp = (uint32_t)g[5],
        .eax = (uint32_t)g[0],
        .ds = selector(v, SCHEDOP_STATE_DS),
        .es = selector(v, SCHEDOP_STATE_ES),
        .fs = selector(v, SCHEDOP_STATE_FS),
        .gs = selector(v, SCHEDOP_STATE_GS),
        .orig_eax = UINT32_MAX,
        .eip = (uint32_t)v->rip,
        .cs = selector(v, SCHEDOP_STATE_CS),
        .eflags = (uint32_t)v->rflags,
        .esp = (uint32_t)g[4],
        .ss = selector(v, SCHEDOP_STATE_SS),
        .fp_valid = 1,
    };

    add(out, "CORE", NT_PRSTATUS, &status, sizeof(status));
    add(out, "LINUX", NT_PRXFPREG, v->fpu, FXSAVE);
}

static void add_xsave(struct cli_text *out, const struct schedop_state_vcpu *v)
{
    uint64_t parts = (v->xcr0 & XCR0_KNOWN) | 3;
    uint8_t area[XSAVE_AVX];
    size_t size = parts & XCR0_AVX ? XSAVE_AVX : XSAVE;

    memcpy(area, v->fpu, size);
    memcpy(area + XSAVE_XCR0, &parts, sizeof(parts));
    add(out, "LINUX", NT_X86_XSTATE, area, size);
}

/* ---- of all ---- */

void core_notes(struct cli_text *out, const struct schedop_state *s,
                bool narrow)
{
    for (unsigned n = 0; n < s->nr_vcpus; n++) {
        const struct schedop_state_vcpu *v = state_vcpu(s, n);

        if ((v->flags & SCHEDOP_STATE_INITIALISED) == 0) {
            continue;
        }
        if (narrow) {
            add_status32(out, (int)n + 1, v);
        } else {
            add_status64(out, (int)n + 1, v);
        }
        add_xsave(out, v);
    }
}
