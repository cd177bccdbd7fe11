/* SPDX-License-Identifier: MIT */
/*
 * Guest memory as the hypervisor touches it: page by page through the windows
 * of the calling pCPU, one for the guest's page tables and one for the data.
 * Nothing is mapped for longer than a call.
 */
#include "domain.h"

#include <xen/errno.h>

#define WINDOW_TABLE 0u
#define WINDOW_DATA 1u

static void *table_frame(void *context, uint64_t gfn)
{
    const struct x86_domain *d = context;
    uint64_t pa;

    if (p2m_lookup(d, gfn, &pa) == P2M_NONE) {
        return NULL;
    }
    return window_open(WINDOW_TABLE, pa);
}

bool guest_translate(struct x86_vcpu *v, uint64_t linear, unsigned access,
                     uint64_t *gpa, unsigned *fault)
{
    const struct vmcb *c = v->vmcb;
    struct walk_state s = {
        .cr0 = c->cr0,
        .cr3 = c->cr3,
        .cr4 = c->cr4,
        .efer = c->efer,
        .rflags = c->rflags,
        .frame = table_frame,
        .context = v->domain,
    };

    return walk_linear(&s, linear, access, gpa, fault);
}

/* The frame at `gpa`, in the data window; NULL when it is no RAM. */
static uint8_t *data_at(struct x86_domain *d, uint64_t gpa)
{
    uint64_t pa;

    if (p2m_lookup(d, gpa >> PAGE_SHIFT, &pa) == P2M_NONE) {
        return NULL;
    }
    return (uint8_t *)window_open(WINDOW_DATA, pa) + (gpa & ~PAGE_MASK);
}

static size_t within_page(uint64_t address, size_t len)
{
    size_t left = PAGE_SIZE - (address & ~PAGE_MASK);

    return len < left ? len : left;
}

int gpa_copy_in(struct x86_domain *d, void *dst, uint64_t gpa, size_t len)
{
    uint8_t *to = dst;

    while (len > 0) {
        size_t part = within_page(gpa, len);
        const uint8_t *from = data_at(d, gpa);

        if (!from) {
            return -XEN_EFAULT;
        }
        __builtin_memcpy(to, from, part);
        window_close(WINDOW_DATA);
        to += part;
        gpa += part;
        len -= part;
    }
    return 0;
}

int gpa_copy_out(struct x86_domain *d, uint64_t gpa, const void *src,
                 size_t len)
{
    const uint8_t *from = src;

    while (len > 0) {
        size_t part = within_page(gpa, len);
        uint8_t *to = data_at(d, gpa);

        if (!to) {
            return -XEN_EFAULT;
        }
        __builtin_memcpy(to, from, part);
        window_close(WINDOW_DATA);
        from += part;
        gpa += part;
        len -= part;
    }
    return 0;
}

int guest_copy_in(struct x86_vcpu *v, void *dst, uint64_t linear, size_t len)
{
    uint8_t *to = dst;

    while (len > 0) {
        size_t part = within_page(linear, len);
        unsigned fault;
        uint64_t gpa;

        if (!guest_translate(v, linear, 0, &gpa, &fault) ||
            gpa_copy_in(v->domain, to, gpa, part) != 0) {
            window_close(WINDOW_TABLE);
            return -XEN_EFAULT;
        }
        to += part;
        linear += part;
        len -= part;
    }
    window_close(WINDOW_TABLE);
    return 0;
}

int guest_copy_out(struct x86_vcpu *v, uint64_t linear, const void *src,
                   size_t len)
{
    const uint8_t *from = src;

    while (len > 0) {
        size_t part = within_page(linear, len);
        unsigned fault;
        uint64_t gpa;

        if (!guest_translate(v, linear, WALK_WRITE, &gpa, &fault) ||
            gpa_copy_out(v->domain, gpa, from, part) != 0) {
            window_close(WINDOW_TABLE);
            return -XEN_EFAULT;
        }
        from += part;
        linear += part;
        len -= part;
    }
    window_close(WINDOW_TABLE);
    return 0;
}

unsigned guest_fetch(struct x86_vcpu *v, uint8_t bytes[INSN_MAX])
{
    const struct vmcb *c = v->vmcb;
    uint64_t linear = c->rip + (vcpu_is_wide(v) ? 0 : c->cs.base);
    unsigned access = WALK_FETCH | (c->cpl == 3 ? WALK_USER : 0);
    unsigned n = 0;

    while (n < INSN_MAX) {
        size_t part = within_page(linear, INSN_MAX - n);
        unsigned fault;
        uint64_t gpa;

        if (!guest_translate(v, linear, access, &gpa, &fault) ||
            gpa_copy_in(v->domain, bytes + n, gpa, part) != 0) {
            break;
        }
        n += (unsigned)part;
        linear += part;
    }
    window_close(WINDOW_TABLE);
    return n;
}
