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

#define PATH_WRITE 1u
#define PATH_USED 2u
#define PATH_NEAR 4u /* all of it lies in one block of 2 MiB */

/* What a copy looks through, and at whom. */
struct sight {
    struct view *view;
    const struct x86_domain *d;
    uint64_t pa;       /* of the frame looked at last */
    struct path *path; /* what is known of the way, unless it is of no use */
};

/* Frame `gfn`, NULL when there is no RAM. Valid until the next call. */
static inline __attribute__((always_inline)) void *frame_at(void *context,
                                                            uint64_t gfn)
{
    struct sight *sight = context;
    enum p2m_type type = p2m_lookup(sight->d, gfn, &sight->pa);

    if (type == P2M_RAM) {
        return view_at(sight->view, sight->pa);
    }
    /* A page of ours that the guest shares is mapped where it is. */
    sight->path = NULL;
    return type == P2M_SPECIAL ? (void *)sight->pa : NULL;
}

static inline struct sight sight_begin(const struct x86_domain *d)
{
    return (struct sight){.view = view_begin(), .d = d};
}

static inline struct walk_state walk_state(const struct vmcb *c)
{
    return (struct walk_state){
        .cr0 = c->cr0,
        .cr3 = c->cr3,
        .cr4 = c->cr4,
        .efer = c->efer,
        .rflags = c->rflags,
    };
}

static bool translate(struct sight *sight, const struct x86_vcpu *v,
                      uint64_t linear, unsigned access, uint64_t *gpa,
                      unsigned *fault)
{
    struct walk_state s = walk_state(v->vmcb);

    s.frame = frame_at;
    s.context = sight;
    return walk_linear(&s, linear, access, gpa, fault);
}

bool guest_translate(struct x86_vcpu *v, uint64_t linear, unsigned access,
                     uint64_t *gpa, unsigned *fault)
{
    struct sight sight = sight_begin(v->domain);
    bool good = translate(&sight, v, linear, access, gpa, fault);

    view_end(sight.view);
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

/* ------------------------------------------------------------------- paths */

/*
 * Hypercalls name the same few pages again and again. What a walk read, page
 * table entries included, is compared with what is there now: so the answer is
 * the one that a walk would give, for a fraction of the instructions.
 */

static uint64_t path_key(uint64_t linear, unsigned access)
{
    return (linear & PAGE_MASK) | PATH_USED |
           (access & WALK_WRITE ? PATH_WRITE : 0);
}

/* Was the way found for such a page, and as things are? */
static inline bool path_is(const struct path *path, uint64_t key,
                           const struct vmcb *c, const struct x86_domain *d)
{
    return ((path->page ^ key) | (path->cr0 ^ c->cr0) | (path->cr3 ^ c->cr3) |
            (path->cr4 ^ c->cr4) | (path->efer ^ c->efer) |
            (path->p2m_version ^ atomic_load(&d->p2m_version))) == 0;
}

/* Where `path` leads to; NULL when it is another's or out of date. */
static inline uint8_t *path_follow(struct sight *sight, const struct path *path,
                                   const struct vmcb *c, uint64_t linear,
                                   unsigned access)
{
    uint64_t key = path_key(linear, access) | (path->page & PATH_NEAR);

    if (!path_is(path, key, c, sight->d)) {
        return NULL;
    }
    for (unsigned i = 0; i < path->nr_steps; i++) {
        const uint64_t *entry = view_at(sight->view, path->step[i].pa);

        if (__atomic_load_n(entry, __ATOMIC_RELAXED) != path->step[i].value) {
            return NULL;
        }
    }
    return (uint8_t *)view_at(sight->view, path->pa) + (linear & ~PAGE_MASK);
}

static void path_step(void *context, const uint64_t *entry, uint64_t value)
{
    const struct sight *sight = context;
    struct path *path = sight->path;

    if (path) {
        path->step[path->nr_steps++] = (struct path_step){
            sight->pa + ((uintptr_t)entry & ~PAGE_MASK), value};
    }
}

static bool path_is_near(const struct path *path)
{
    uint64_t differ = 0;

    for (unsigned i = 0; i < path->nr_steps; i++) {
        differ |= path->step[i].pa ^ path->pa;
    }
    return differ < SUPERPAGE_SIZE;
}

/* With SMAP a page of the guest's users is there or not as RFLAGS says. */
static bool path_is_fickle(const struct path *path)
{
    uint64_t user = PTE_LONG_U;

    for (unsigned i = 0; i < path->nr_steps; i++) {
        user &= path->step[i].value;
    }
    return (path->cr4 & X86_CR4_SMAP) && user;
}

/* Walks, and notes the way. */
static __attribute__((noinline)) uint8_t *
path_find(struct sight *sight, struct path *path, const struct vmcb *c,
          uint64_t linear, unsigned access)
{
    struct walk_state s = walk_state(c);
    uint8_t *byte = NULL;
    unsigned fault;
    uint64_t gpa;

    *path = (struct path){
        .cr0 = s.cr0,
        .cr3 = s.cr3,
        .cr4 = s.cr4,
        .efer = s.efer,
        .p2m_version = atomic_load(&sight->d->p2m_version),
    };
    sight->path = path;
    if (walk_long(&s, frame_at, path_step, sight, linear, access, &gpa,
                  &fault)) {
        byte = byte_at(sight, gpa);
    }
    if (byte && sight->path && !path_is_fickle(path)) {
        path->pa = sight->pa;
        path->page =
            path_key(linear, access) | (path_is_near(path) ? PATH_NEAR : 0);
        /* path_near() looks at all. */
        for (unsigned i = path->nr_steps; i < PATH_STEPS; i++) {
            path->step[i] = path->step[0];
        }
    }
    return byte;
}

static inline uint64_t path_differs(const struct path_step *step, uint64_t va)
{
    const uint64_t *entry = (uint64_t *)(va + step->pa % SUPERPAGE_SIZE);

    return __atomic_load_n(entry, __ATOMIC_RELAXED) ^ step->value;
}

/*
 * Where the guest has `len` bytes at `linear` if that is found at once: in one
 * page, by a path that is near; else NULL, and the view is closed.
 */
static inline uint8_t *path_near(struct view *view, const struct x86_vcpu *v,
                                 uint64_t linear, size_t len, unsigned access)
{
    const struct path *path = &v->path[linear / PAGE_SIZE % PATHS];
    uint64_t offset = linear & ~PAGE_MASK;

    if (!path_is(path, path_key(linear, access) | PATH_NEAR, v->vmcb,
                 v->domain) ||
        offset + len > PAGE_SIZE) {
        return NULL;
    }
    _Static_assert(PATH_STEPS == 4, "each is looked at");
    view_open(view, path->pa);
    if (path_differs(&path->step[0], view->va) |
        path_differs(&path->step[1], view->va) |
        path_differs(&path->step[2], view->va) |
        path_differs(&path->step[3], view->va)) {
        view_close(view);
        return NULL;
    }
    return (uint8_t *)(view->va + path->pa % SUPERPAGE_SIZE + offset);
}

/* Where the guest has `linear`; NULL when `access` there would fault. */
static inline uint8_t *linear_at(struct sight *sight, struct x86_vcpu *v,
                                 uint64_t linear, unsigned access)
{
    struct path *path = &v->path[linear / PAGE_SIZE % PATHS];
    uint8_t *byte = path_follow(sight, path, v->vmcb, linear, access);
    unsigned fault;
    uint64_t gpa;

    if (__builtin_expect(byte != NULL, 1)) {
        return byte;
    }
    if (v->vmcb->efer & X86_EFER_LMA) {
        return path_find(sight, path, v->vmcb, linear, access);
    }
    if (!translate(sight, v, linear, access, &gpa, &fault)) {
        return NULL;
    }
    return byte_at(sight, gpa);
}

/* ------------------------------------------------------------------- copies */

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
    view_end(sight.view);
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
    view_end(sight.view);
    return len == 0 ? 0 : -XEN_EFAULT;
}

static __attribute__((noinline)) int copy_in(struct x86_vcpu *v, void *dst,
                                             uint64_t linear, size_t len)
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
    view_end(sight.view);
    return len == 0 ? 0 : -XEN_EFAULT;
}

int guest_copy_in(struct x86_vcpu *v, void *dst, uint64_t linear, size_t len)
{
    struct view *view = view_begin();
    const uint8_t *from = path_near(view, v, linear, len, 0);

    if (!from) {
        return copy_in(v, dst, linear, len);
    }
    copy(dst, from, len);
    view_close(view);
    return 0;
}

static __attribute__((noinline)) int
copy_out(struct x86_vcpu *v, uint64_t linear, const void *src, size_t len)
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
    view_end(sight.view);
    return len == 0 ? 0 : -XEN_EFAULT;
}

int guest_copy_out(struct x86_vcpu *v, uint64_t linear, const void *src,
                   size_t len)
{
    struct view *view = view_begin();
    uint8_t *to = path_near(view, v, linear, len, WALK_WRITE);

    if (!to) {
        return copy_out(v, linear, src, len);
    }
    copy(to, src, len);
    view_close(view);
    return 0;
}

unsigned guest_fetch(struct x86_vcpu *v, uint8_t bytes[INSN_MAX])
{
    struct sight sight = sight_begin(v->domain);
    const struct vmcb *c = v->vmcb;
    bool wide = vcpu_is_wide(v);
    uint64_t linear = wide ? c->rip : (uint32_t)(c->cs.base + c->rip);
    unsigned access = WALK_FETCH | (c->cpl == 3 ? WALK_USER : 0);
    unsigned n = 0;

    while (n < INSN_MAX) {
        size_t part = within_page(linear, INSN_MAX - n);
        const uint8_t *from = NULL;
        unsigned fault;
        uint64_t gpa;

        if (translate(&sight, v, linear, access, &gpa, &fault)) {
            from = byte_at(&sight, gpa);
        }
        if (!from) {
            break;
        }
        __builtin_memcpy(bytes + n, from, part);
        n += (unsigned)part;
        linear += part;
    }
    view_end(sight.view);
    return n;
}
