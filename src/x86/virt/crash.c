/* SPDX-License-Identifier: MIT */
/* The end of a guest that cannot go on, with what its registers were. */
#include "domain.h"

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
