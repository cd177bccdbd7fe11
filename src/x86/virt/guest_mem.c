/* SPDX-License-Identifier: MIT */
/*
 * Guest memory as the hypervisor touches it: through one view a copy, which
 * shows the guest's page tables and the data in turn. Nothing is mapped for
 * longer than a call.
 */
#include "domain.h"

#include <xen/errno.h>

#include "../mm/view.h"
#include "walk_long.h"

/* What a copy looks through, and at whom. */
struct sight {
    struct view view;
    const struct x86_domain *d;
};

/* Frame `gfn`, NULL when there is no RAM. Valid until the next call. */
static inline __attribute__((always_inline)) void *frame_at(void *context,
                                                            uint64_t gfn)
{
    struct sight *sight = context;
    uint64_t pa;
    enum p2m_type type = p2m_lookup(sight->d, gfn, &pa);

    if (type == P2M_RAM) {
        return view_at(&sight->view, pa);
    }
    /* A page of ours that the guest shares is mapped where it is. */
    return type == P2M_SPECIAL ? (void *)pa : NULL;
}

static inline struct sight sight_begin(const struct x86_domain *d)
{
    struct sight sight = {.d = d};

    view_begin(&sight.view);
    return sight;
}

/* Out of line: the other modes of paging, and none. */
static __attribute__((noinline)) bool
translate_other(struct sight *sight, struct walk_state *s, uint64_t linear,
                unsigned access, uint64_t *gpa, unsigned *fault)
{
    s->frame = frame_at;
    s->context = sight;
    return walk_linear(s, linear, access, gpa, fault);
}

static inline bool translate(struct sight *sight, const struct x86_vcpu *v,
                             uint64_t linear, unsigned access, uint64_t *gpa,
                             unsigned *fault)
{
    const struct vmcb *c = v->vmcb;
    struct walk_state s = {
        .cr0 = c->cr0,
        .cr3 = c->cr3,
        .cr4 = c->cr4,
        .efer = c->efer,
        .rflags = c->rflags,
    };

    if (!(s.efer & X86_EFER_LMA) || !walk_is_canonical(linear)) {
        return translate_other(sight, &s, linear, access, gpa, fault);
    }
    return walk_long(&s, frame_at, sight, linear, access, gpa, fault);
}

bool guest_translate(struct x86_vcpu *v, uint64_t linear, unsigned access,
                     uint64_t *gpa, unsigned *fault)
{
    struct sight sight = sight_begin(v->domain);
    bool good = translate(&sight, v, linear, access, gpa, fault);

    view_end(&sight.view);
    return good;
}

/* The byte at `gpa`; NULL when it is no RAM. */
static inline uint8_t *byte_at(struct sight *sight, uint64_t gpa)
{
    uint8_t *frame = frame_at(sight, gpa >> PAGE_SHIFT);

    return frame ? frame + (gpa & ~PAGE_MASK) : NULL;
}

static inline size_t within_page(uint64_t address, size_t len)
{
    size_t left = PAGE_SIZE - (address & ~PAGE_MASK);

    return len < left ? len : left;
}

/* Sizes that operands have are worth a test. */
static inline void copy(void *to, const void *from, size_t len)
{
    if (len == 8) {
        __builtin_memcpy(to, from, 8);
    } else if (len == 4) {
        __builtin_memcpy(to, from, 4);
    } else {
        __builtin_memcpy(to, from, len);
    }
}

int gpa_copy_in(struct x86_domain *d, void *dst, uint64_t gpa, size_t len)
{
    struct sight sight = sight_begin(d);
    uint8_t *to = dst, *from = NULL;

    while (len > 0) {
        size_t part = within_page(gpa, len);

        from = byte_at(&sight, gpa);
        if (!from) {
            break;
        }
        copy(to, from, part);
        to += part;
        gpa += part;
        len -= part;
    }
    view_end(&sight.view);
    return len == 0 ? 0 : -XEN_EFAULT;
}

int gpa_copy_out(struct x86_domain *d, uint64_t gpa, const void *src,
                 size_t len)
{
    struct sight sight = sight_begin(d);
    const uint8_t *from = src;

    while (len > 0) {
        size_t part = within_page(gpa, len);
        uint8_t *to = byte_at(&sight, gpa);

        if (!to) {
            break;
        }
        copy(to, from, part);
        from += part;
        gpa += part;
        len -= part;
    }
    view_end(&sight.view);
    return len == 0 ? 0 : -XEN_EFAULT;
}

/* Where the guest has `linear`; NULL when `access` there would fault. */
static inline uint8_t *linear_at(struct sight *sight, const struct x86_vcpu *v,
                                 uint64_t linear, unsigned access)
{
    unsigned fault;
    uint64_t gpa;

    if (!translate(sight, v, linear, access, &gpa, &fault)) {
        return NULL;
    }
    return byte_at(sight, gpa);
}

int guest_copy_in(struct x86_vcpu *v, void *dst, uint64_t linear, size_t len)
{
    struct sight sight = sight_begin(v->domain);
    uint8_t *to = dst;

    while (len > 0) {
        size_t part = within_page(linear, len);
        const uint8_t *from = linear_at(&sight, v, linear, 0);

        if (!from) {
            break;
        }
        copy(to, from, part);
        to += part;
        linear += part;
        len -= part;
    }
    view_end(&sight.view);
    return len == 0 ? 0 : -XEN_EFAULT;
}

int guest_copy_out(struct x86_vcpu *v, uint64_t linear, const void *src,
                   size_t len)
{
    struct sight sight = sight_begin(v->domain);
    const uint8_t *from = src;

    while (len > 0) {
        size_t part = within_page(linear, len);
        uint8_t *to = linear_at(&sight, v, linear, WALK_WRITE);

        if (!to) {
            break;
        }
        copy(to, from, part);
        from += part;
        linear += part;
        len -= part;
    }
    view_end(&sight.view);
    return len == 0 ? 0 : -XEN_EFAULT;
}

unsigned guest_fetch(struct x86_vcpu *v, uint8_t bytes[INSN_MAX])
{
    struct sight sight = sight_begin(v->domain);
    const struct vmcb *c = v->vmcb;
    uint64_t linear = c->rip + (vcpu_is_wide(v) ? 0 : c->cs.base);
    unsigned access = WALK_FETCH | (c->cpl == 3 ? WALK_USER : 0);
    unsigned n = 0;

    while (n < INSN_MAX) {
        size_t part = within_page(linear, INSN_MAX - n);
        const uint8_t *from = linear_at(&sight, v, linear, access);

        if (!from) {
            break;
        }
        __builtin_memcpy(bytes + n, from, part);
        n += (unsigned)part;
        linear += part;
    }
    view_end(&sight.view);
    return n;
}
