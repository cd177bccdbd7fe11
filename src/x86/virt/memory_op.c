/* SPDX-License-Identifier: MIT */
/*
 * memory_op for PVH domains: the physical map and the memory accounts.
 *
 * Every frame a domain ever owned stays its own until it ends, so whatever a
 * guest does here it can only hurt itself; freed frames wait on a list for
 * populate_physmap. A caller is understood in its own layout, 32 or 64 bits.
 * Calls on lists of frames do FRAMES_PER_CALL at a time and go on where they
 * were, as Xen's do: the guest gets its interrupts in between.
 */
#include "domain.h"

#include <xen/errno.h>
#include <xen/memory.h>
#include <xen/hvm/e820.h>

#define COMMAND_BITS 6u /* the rest of the number: extents already done */
#define EXTENT_ORDER_MAX 9u
#define FRAMES_PER_CALL 4096u

/* The 32-bit layouts of what memory_op takes. */
struct reservation32 {
    uint32_t extent_start, nr_extents, extent_order, mem_flags;
    uint16_t domid;
};
struct add32 {
    uint16_t domid, size;
    uint32_t space, idx, gpfn;
};
struct remove32 {
    uint16_t domid;
    uint32_t gpfn;
};
struct map32 {
    uint32_t nr_entries, buffer;
};
struct foreign_map32 {
    uint16_t domid;
    struct map32 map;
};

_Static_assert(sizeof(struct reservation32) == 20, "32-bit ABI");
_Static_assert(sizeof(struct add32) == 16, "32-bit ABI");
_Static_assert(sizeof(struct remove32) == 8, "32-bit ABI");
_Static_assert(sizeof(struct map32) == 8, "32-bit ABI");
_Static_assert(sizeof(struct foreign_map32) == 12, "32-bit ABI");
_Static_assert(sizeof(struct xen_memory_reservation) == 32, "64-bit ABI");
_Static_assert(sizeof(struct xen_add_to_physmap) == 24, "64-bit ABI");

struct e820_entry {
    uint64_t addr, size;
    uint32_t type;
} __attribute__((packed));

_Static_assert(sizeof(struct e820_entry) == 20, "as the BIOS lays it out");

/* A call under way. */
struct request {
    struct x86_vcpu *v;
    struct x86_domain *d;
    struct sop_system *sys;
    uint64_t operand;
    uint64_t start; /* extents done by an earlier part of the call */
    bool wide;
};

/* 0 when `domid` means the caller; else the error for it. */
static int check_domid(const struct request *r, uint16_t domid)
{
    if (domid == DOMID_SELF || domid == r->d->domid) {
        return 0;
    }
    /* To a guest there always is a domain 0. */
    return domid == 0 || sop_domain_by_id(r->sys, domid) ? -XEN_EPERM
                                                         : -XEN_ESRCH;
}

/* ---------------------------------------------------------- add_to_physmap */

static int read_add(const struct request *r, struct xen_add_to_physmap *x)
{
    struct add32 n;

    if (r->wide) {
        return guest_copy_in(r->v, x, r->operand, sizeof(*x));
    }
    if (guest_copy_in(r->v, &n, r->operand, sizeof(n)) != 0) {
        return -XEN_EFAULT;
    }
    *x = (struct xen_add_to_physmap){n.domid, n.size, n.space, n.idx, n.gpfn};
    return 0;
}

/* Takes away whatever is at `gfn`. */
static void vacate_locked(struct x86_domain *d, uint64_t gfn)
{
    uint64_t pa;
    enum p2m_type type = p2m_lookup(d, gfn, &pa);

    if (type == P2M_NONE) {
        return;
    }
    p2m_clear_locked(d, gfn);
    if (p2m_lookup(d, gfn, &pa) != P2M_NONE) {
        return; /* it could not be split off */
    }
    if (type == P2M_RAM) {
        frame_put_locked(d, pa);
    }
    if (d->shared_info_gfn == gfn) {
        d->shared_info_gfn = GFN_NONE;
    }
    for (unsigned i = 0; i < d->nr_grant_frames; i++) {
        if (d->grant_gfn[i] == gfn) {
            d->grant_gfn[i] = GFN_NONE;
        }
    }
}

/* Puts the special page `pa`, now at *where, to `gfn`. */
static int place_locked(struct x86_domain *d, uint64_t gfn, uint64_t pa,
                        uint64_t *where)
{
    int rc = 0;

    if (*where == gfn) {
        return 0;
    }
    vacate_locked(d, gfn);
    rc = p2m_set_locked(d, gfn, pa, P2M_SPECIAL);
    if (rc == 0) {
        uint64_t old = *where;

        if (old != GFN_NONE) {
            p2m_clear_locked(d, old);
        }
        *where = gfn;
    }
    return rc;
}

/* Moves the caller's own frame from `from` to `gfn`. */
static int move_locked(struct x86_domain *d, uint64_t gfn, uint64_t from)
{
    uint64_t pa, left;
    int rc;

    if (p2m_lookup(d, from, &pa) != P2M_RAM) {
        return -XEN_EINVAL;
    }
    if (from == gfn) {
        return 0;
    }
    p2m_clear_locked(d, from);
    if (p2m_lookup(d, from, &left) != P2M_NONE) {
        return -XEN_ENOMEM; /* it could not be split off: not twice, then */
    }
    vacate_locked(d, gfn);
    rc = p2m_set_locked(d, gfn, pa, P2M_RAM);
    if (rc != 0) {
        frame_put_locked(d, pa);
    }
    return rc;
}

static int add_locked(struct x86_domain *d, const struct xen_add_to_physmap *x)
{
    uint64_t pa;

    switch (x->space) {
    case XENMAPSPACE_shared_info:
        if (x->idx != 0) {
            return -XEN_EINVAL;
        }
        return place_locked(d, x->gpfn, hv_pa(d->shared_info),
                            &d->shared_info_gfn);
    case XENMAPSPACE_grant_table:
        pa = grant_frame_locked(d, x->idx);
        if (pa == 0) {
            return -XEN_EINVAL;
        }
        return place_locked(d, x->gpfn, pa, &d->grant_gfn[x->idx]);
    case XENMAPSPACE_gmfn:
        return move_locked(d, x->gpfn, x->idx);
    case XENMAPSPACE_gmfn_range:
        return x->size == 0 ? 0 : -XEN_ENOSYS;
    case XENMAPSPACE_dev_mmio:
        return -XEN_EACCES;
    default:
        return -XEN_EINVAL;
    }
}

int physmap_check_domid(const struct x86_domain *d, struct sop_system *sys,
                        uint16_t domid)
{
    if (domid == DOMID_SELF || domid == d->domid) {
        return 0;
    }
    if (domid == 0) {
        return -XEN_EACCES; /* it has no physical map, as a PV domain 0 */
    }
    return sop_domain_by_id(sys, domid) ? -XEN_EPERM : -XEN_ESRCH;
}

int physmap_add(struct x86_domain *d, const struct xen_add_to_physmap *x)
{
    int rc;

    if (x->gpfn >> (GPA_BITS - PAGE_SHIFT)) {
        return -XEN_ENOENT; /* as Xen says it */
    }
    x86_lock(&d->lock);
    rc = add_locked(d, x);
    x86_unlock(&d->lock);
    p2m_flush(d);
    return rc;
}

static int64_t add_to_physmap(const struct request *r)
{
    struct xen_add_to_physmap x = {0};
    int rc = read_add(r, &x);

    if (rc != 0) {
        return rc;
    }
    if (x.space == XENMAPSPACE_gmfn_foreign) {
        return -XEN_ENOSYS;
    }
    rc = physmap_check_domid(r->d, r->sys, x.domid);
    return rc != 0 ? rc : physmap_add(r->d, &x);
}

static int64_t remove_from_physmap(const struct request *r)
{
    struct xen_remove_from_physmap x = {0};
    struct remove32 n;
    uint64_t pa, now;
    bool found;
    int rc = 0;

    if (r->wide) {
        rc = guest_copy_in(r->v, &x, r->operand, sizeof(x));
    } else {
        rc = guest_copy_in(r->v, &n, r->operand, sizeof(n));
        if (rc == 0) {
            x = (struct xen_remove_from_physmap){n.domid, n.gpfn};
        }
    }
    if (rc == 0) {
        rc = physmap_check_domid(r->d, r->sys, x.domid);
    }
    if (rc != 0) {
        return rc;
    }
    x86_lock(&r->d->lock);
    found = p2m_lookup(r->d, x.gpfn, &pa) != P2M_NONE;
    /* Xen does not give memory back that is taken out of the map. */
    now = r->d->frames_now;
    vacate_locked(r->d, x.gpfn);
    r->d->frames_now = now;
    x86_unlock(&r->d->lock);
    p2m_flush(r->d);
    return found ? 0 : -XEN_ENOENT;
}

/* ------------------------------------------------------------- reservation */

/* A list of extents, in one layout for both callers. */
struct extents {
    uint64_t list, nr;
    unsigned order;
    uint16_t domid;
};

static bool read_extents(const struct request *r, struct extents *x)
{
    struct xen_memory_reservation w;
    struct reservation32 n;

    if (r->wide) {
        if (guest_copy_in(r->v, &w, r->operand, sizeof(w)) != 0) {
            return false;
        }
        *x = (struct extents){(uint64_t)w.extent_start.p, w.nr_extents,
                              w.extent_order, w.domid};
    } else {
        if (guest_copy_in(r->v, &n, r->operand, sizeof(n)) != 0) {
            return false;
        }
        *x = (struct extents){n.extent_start, n.nr_extents, n.extent_order,
                              n.domid};
    }
    return x->order <= EXTENT_ORDER_MAX &&
           x->nr <= UINT32_MAX >> COMMAND_BITS && check_domid(r, x->domid) == 0;
}

static bool read_extent(const struct request *r, const struct extents *x,
                        uint64_t i, uint64_t *gfn)
{
    unsigned size = r->wide ? 8 : 4;

    *gfn = 0;
    return guest_copy_in(r->v, gfn, x->list + i * size, size) == 0;
}

static bool release_extent(struct x86_domain *d, uint64_t gfn, uint64_t frames)
{
    bool good = true;

    x86_lock(&d->lock);
    for (uint64_t i = 0; i < frames && good; i++) {
        uint64_t pa;

        good = p2m_lookup(d, gfn + i, &pa) != P2M_NONE;
        vacate_locked(d, gfn + i);
    }
    x86_unlock(&d->lock);
    return good;
}

static bool populate_extent(struct x86_domain *d, uint64_t gfn, uint64_t frames)
{
    bool good;

    x86_lock(&d->lock);
    good = d->frames_now + frames <= d->frames_limit;
    for (uint64_t i = 0; i < frames && good; i++) {
        uint64_t pa;

        if (p2m_lookup(d, gfn + i, &pa) == P2M_RAM) {
            /* On Xen a fresh one takes its place, and the old one is lost. */
            pa_zero(pa, PAGE_SIZE);
            d->frames_now++;
            continue;
        }
        vacate_locked(d, gfn + i);
        pa = frame_take_locked(d);
        good = pa != 0;
        if (good && p2m_set_locked(d, gfn + i, pa, P2M_RAM) != 0) {
            frame_put_locked(d, pa);
            good = false;
        }
    }
    x86_unlock(&d->lock);
    return good;
}

/*
 * increase_reservation: for a domain with a physical map the frames appear
 * nowhere, so only the account changes.
 */
static int64_t increase(const struct request *r)
{
    struct x86_domain *d = r->d;
    uint64_t done = r->start;
    struct extents x = {0};

    if (!read_extents(r, &x)) {
        return (int64_t)r->start;
    }
    x86_lock(&d->lock);
    while (done < x.nr &&
           d->frames_now + (1ull << x.order) <= d->frames_limit) {
        d->frames_now += 1ull << x.order;
        done++;
    }
    x86_unlock(&d->lock);
    return (int64_t)done;
}

/* decrease_reservation, populate_physmap: how many extents were done. */
static int64_t adjust(const struct request *r, struct sop_call *call,
                      bool populate)
{
    uint64_t done = r->start, frames;
    struct extents x = {0};
    bool good = true;

    if (!read_extents(r, &x)) {
        return (int64_t)r->start;
    }
    frames = 1ull << x.order;
    for (uint64_t budget = FRAMES_PER_CALL;
         good && done < x.nr && budget >= frames; budget -= frames) {
        uint64_t gfn;

        good = read_extent(r, &x, done, &gfn) &&
               (populate ? populate_extent(r->d, gfn, frames)
                         : release_extent(r->d, gfn, frames));
        done += good;
    }
    if (!populate) {
        p2m_flush(r->d);
    }
    if (good && done < x.nr) {
        call->arg[0] =
            (call->arg[0] & ((1u << COMMAND_BITS) - 1)) | done << COMMAND_BITS;
        return PORT_CALL_AGAIN;
    }
    return (int64_t)done;
}

static int64_t reservation(const struct request *r, bool maximum)
{
    uint16_t domid;
    int rc = guest_copy_in(r->v, &domid, r->operand, sizeof(domid));

    if (rc == 0) {
        rc = check_domid(r, domid);
    }
    if (rc != 0) {
        return rc;
    }
    return (int64_t)(maximum ? r->d->frames_limit : r->d->frames_now);
}

static int64_t maximum_gpfn(const struct request *r)
{
    uint16_t domid;
    int rc = guest_copy_in(r->v, &domid, r->operand, sizeof(domid));

    if (rc == 0) {
        rc = check_domid(r, domid);
    }
    return rc != 0 ? rc : (int64_t)r->d->gfn_max;
}

/* -------------------------------------------------------------- memory map */

static int read_map(const struct request *r, uint64_t operand, uint32_t *nr,
                    uint64_t *buffer)
{
    struct xen_memory_map w;
    struct map32 n;

    if (r->wide) {
        if (guest_copy_in(r->v, &w, operand, sizeof(w)) != 0) {
            return -XEN_EFAULT;
        }
        *nr = w.nr_entries;
        *buffer = (uint64_t)w.buffer.p;
        return 0;
    }
    if (guest_copy_in(r->v, &n, operand, sizeof(n)) != 0) {
        return -XEN_EFAULT;
    }
    *nr = n.nr_entries;
    *buffer = n.buffer;
    return 0;
}

static bool memmap_entry_get(struct x86_domain *d, unsigned i,
                             struct e820_entry *e)
{
    bool there;

    x86_lock(&d->lock);
    there = i < d->memmap.nr;
    if (there) {
        *e = (struct e820_entry){d->memmap.entry[i].addr,
                                 d->memmap.entry[i].size,
                                 d->memmap.entry[i].type};
    }
    x86_unlock(&d->lock);
    return there;
}

static int64_t memory_map(const struct request *r)
{
    struct e820_entry e;
    uint64_t buffer;
    uint32_t nr, i;
    int rc = read_map(r, r->operand, &nr, &buffer);

    if (rc != 0) {
        return rc;
    }
    for (i = 0; i < nr && memmap_entry_get(r->d, i, &e); i++) {
        if (guest_copy_out(r->v, buffer + i * sizeof(e), &e, sizeof(e)) != 0) {
            return -XEN_EFAULT;
        }
    }
    return guest_copy_out(r->v, r->operand, &i, sizeof(i));
}

static int read_entries(const struct request *r, uint64_t buffer,
                        struct memmap *m)
{
    for (unsigned i = 0; i < m->nr; i++) {
        struct e820_entry e;

        if (guest_copy_in(r->v, &e, buffer + i * sizeof(e), sizeof(e)) != 0) {
            return -XEN_EFAULT;
        }
        m->entry[i] = (struct memmap_entry){e.addr, e.size, e.type};
    }
    return 0;
}

/* A boot loader tells the kernel it starts what it keeps for itself. */
static int64_t set_memory_map(const struct request *r)
{
    uint64_t buffer;
    uint16_t domid;
    uint32_t nr;
    struct memmap *m;
    int rc = guest_copy_in(r->v, &domid, r->operand, sizeof(domid));

    if (rc == 0) {
        rc = read_map(r, r->operand + (r->wide ? 8 : 4), &nr, &buffer);
    }
    if (rc != 0) {
        return rc;
    }
    if (nr > MEMMAP_MAX) {
        return -XEN_EINVAL;
    }
    rc = check_domid(r, domid);
    if (rc != 0) {
        return rc;
    }
    m = hv_alloc(sizeof(*m));
    if (!m) {
        return -XEN_ENOMEM;
    }
    m->nr = nr;
    rc = read_entries(r, buffer, m);
    if (rc == 0) {
        x86_lock(&r->d->lock);
        r->d->memmap = *m;
        x86_unlock(&r->d->lock);
    }
    hv_free(m, sizeof(*m));
    return rc;
}

/* ---------------------------------------------------------------- dispatch */

int64_t memory_op(struct x86_pcpu *self, struct x86_vcpu *v,
                  struct sop_call *call)
{
    uint32_t command = (uint32_t)call->arg[0];
    struct request r = {
        .v = v,
        .d = v->domain,
        .sys = sop_pcpu_system(self->sop),
        .operand = call->arg[1],
        .start = command >> COMMAND_BITS,
        .wide = call->wide,
    };

    switch (command & ((1u << COMMAND_BITS) - 1)) {
    case XENMEM_increase_reservation:
        return increase(&r);
    case XENMEM_decrease_reservation:
        return adjust(&r, call, false);
    case XENMEM_populate_physmap:
        return adjust(&r, call, true);
    case XENMEM_maximum_ram_page:
    case XENMEM_maximum_gpfn:
        return (command & 15) == XENMEM_maximum_gpfn ? maximum_gpfn(&r)
                                                     : (int64_t)r.d->gfn_max;
    case XENMEM_current_reservation:
        return reservation(&r, false);
    case XENMEM_maximum_reservation:
        return reservation(&r, true);
    case XENMEM_add_to_physmap:
        return add_to_physmap(&r);
    case XENMEM_remove_from_physmap:
        return remove_from_physmap(&r);
    case XENMEM_memory_map:
        return memory_map(&r);
    case XENMEM_set_memory_map:
        return set_memory_map(&r);
    default:
        return memory_more(v, r.sys, call);
    }
}
