/* SPDX-License-Identifier: MIT */
/*
 * The grant table as far as a domain without back ends can use it: version 1,
 * its frames made on demand and mapped by add_to_physmap, nobody to map what
 * is granted. A guest may fill in entries; nothing reads them yet.
 */
#include "domain.h"

#include <xen/errno.h>
#include <xen/grant_table.h>

/* The 32-bit layout of setup_table; the other operands have one layout. */
struct setup32 {
    uint16_t dom;
    uint32_t nr_frames;
    int16_t status;
    uint32_t frame_list;
};

_Static_assert(sizeof(struct setup32) == 16, "32-bit ABI");
_Static_assert(sizeof(struct gnttab_setup_table) == 24, "64-bit ABI");
_Static_assert(sizeof(struct gnttab_query_size) == 16, "ABI");

uint64_t grant_frame_locked(struct x86_domain *d, uint64_t idx)
{
    if (idx >= GRANT_FRAMES_MAX) {
        return 0;
    }
    while (d->nr_grant_frames <= idx) {
        void *page = hv_alloc(PAGE_SIZE);

        if (!page) {
            return 0;
        }
        d->grant_frame[d->nr_grant_frames] = page;
        d->grant_gfn[d->nr_grant_frames] = GFN_NONE;
        d->nr_grant_frames++;
    }
    return hv_pa(d->grant_frame[idx]);
}

void grant_free(struct x86_domain *d)
{
    for (unsigned i = 0; i < d->nr_grant_frames; i++) {
        hv_free(d->grant_frame[i], PAGE_SIZE);
    }
    d->nr_grant_frames = 0;
}

static bool is_self(const struct x86_vcpu *v, uint16_t domid)
{
    return domid == DOMID_SELF || domid == v->domain->domid;
}

/* The frames as the guest knows them; where one is not mapped, all ones. */
static int16_t list_frames(struct x86_vcpu *v, bool wide, uint32_t nr,
                           uint64_t list)
{
    struct x86_domain *d = v->domain;
    unsigned size = wide ? 8 : 4;
    bool good;

    x86_lock(&d->lock);
    good = nr <= GRANT_FRAMES_MAX &&
           (nr == 0 || grant_frame_locked(d, nr - 1) != 0);
    x86_unlock(&d->lock);
    if (!good) {
        return GNTST_general_error;
    }
    for (uint32_t i = 0; i < nr; i++) {
        uint64_t gfn = d->grant_gfn[i];

        if (guest_copy_out(v, list + i * size, &gfn, size) != 0) {
            return GNTST_bad_virt_addr;
        }
    }
    return GNTST_okay;
}

/* The status of a call that is about another domain. */
static int16_t other_status(struct sop_system *sys, uint16_t domid,
                            int16_t known)
{
    return domid == 0 || sop_domain_by_id(sys, domid) ? known
                                                      : GNTST_bad_domain;
}

static int64_t setup_table(struct x86_vcpu *v, struct sop_system *sys,
                           bool wide, uint64_t operand)
{
    struct gnttab_setup_table x = {0};
    struct setup32 n;
    uint64_t status_at =
        operand + (wide ? offsetof(struct gnttab_setup_table, status)
                        : offsetof(struct setup32, status));
    uint64_t list;
    int16_t status;

    if (wide) {
        if (guest_copy_in(v, &x, operand, sizeof(x)) != 0) {
            return -XEN_EFAULT;
        }
        list = (uint64_t)x.frame_list.p;
    } else {
        if (guest_copy_in(v, &n, operand, sizeof(n)) != 0) {
            return -XEN_EFAULT;
        }
        x.dom = n.dom;
        x.nr_frames = n.nr_frames;
        list = n.frame_list;
    }
    status = is_self(v, x.dom)
                 ? list_frames(v, wide, x.nr_frames, list)
                 : other_status(sys, x.dom, GNTST_permission_denied);
    return guest_copy_out(v, status_at, &status, sizeof(status));
}

static int64_t query_size(struct x86_vcpu *v, struct sop_system *sys,
                          uint64_t operand)
{
    struct gnttab_query_size x;

    if (guest_copy_in(v, &x, operand, sizeof(x)) != 0) {
        return -XEN_EFAULT;
    }
    x.status = other_status(sys, x.dom, GNTST_permission_denied);
    if (is_self(v, x.dom)) {
        x.nr_frames = v->domain->nr_grant_frames;
        x.max_nr_frames = GRANT_FRAMES_MAX;
        x.status = GNTST_okay;
    }
    return guest_copy_out(v, operand, &x, sizeof(x));
}

static int64_t set_version(struct x86_vcpu *v, uint64_t operand)
{
    struct gnttab_set_version x;
    int rc;

    if (guest_copy_in(v, &x, operand, sizeof(x)) != 0) {
        return -XEN_EFAULT;
    }
    rc = x.version == 1 ? 0 : x.version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
    x.version = 1; /* as it is, whatever was asked for */
    return guest_copy_out(v, operand, &x, sizeof(x)) != 0 ? -XEN_EFAULT : rc;
}

static int64_t get_version(struct x86_vcpu *v, struct sop_system *sys,
                           uint64_t operand)
{
    struct gnttab_get_version x;

    if (guest_copy_in(v, &x, operand, sizeof(x)) != 0) {
        return -XEN_EFAULT;
    }
    if (!is_self(v, x.dom)) {
        return x.dom == 0 || sop_domain_by_id(sys, x.dom) ? -XEN_EPERM
                                                          : -XEN_ESRCH;
    }
    x.version = 1;
    return guest_copy_out(v, operand, &x, sizeof(x));
}

/* ---------------------------------------------------------- lists of ops */

/*
 * Nobody grants anything: each op of a list gets its status, and nothing else
 * happens. One layout serves both callers, but for copy.
 */

static int16_t map_status(struct sop_system *sys, uint16_t domid)
{
    return other_status(sys, domid, GNTST_general_error);
}

static int one_map(struct x86_vcpu *v, struct sop_system *sys, uint64_t at)
{
    struct gnttab_map_grant_ref x;

    if (guest_copy_in(v, &x, at, sizeof(x)) != 0) {
        return -XEN_EFAULT;
    }
    x.status = map_status(sys, x.dom);
    return guest_copy_out(v, at, &x, sizeof(x));
}

static int one_unmap(struct x86_vcpu *v, uint64_t at)
{
    struct gnttab_unmap_grant_ref x;

    if (guest_copy_in(v, &x, at, sizeof(x)) != 0) {
        return -XEN_EFAULT;
    }
    x.status = GNTST_bad_handle;
    return guest_copy_out(v, at, &x, sizeof(x));
}

/* The 32-bit layout: addresses of frames are shorter. */
struct copy32 {
    struct {
        uint32_t ref;
        uint16_t domid, offset;
    } source, dest;
    uint16_t len, flags;
    int16_t status;
};

_Static_assert(sizeof(struct copy32) == 24, "32-bit ABI");
_Static_assert(sizeof(struct gnttab_copy) == 40, "64-bit ABI");
_Static_assert(sizeof(struct gnttab_map_grant_ref) == 32, "ABI");
_Static_assert(sizeof(struct gnttab_unmap_grant_ref) == 24, "ABI");
_Static_assert(sizeof(struct gnttab_swap_grant_ref) == 12, "ABI");

static int one_copy(struct x86_vcpu *v, struct sop_system *sys, bool wide,
                    uint64_t at)
{
    struct gnttab_copy w;
    struct copy32 n;
    uint64_t status_at = at + (wide ? offsetof(struct gnttab_copy, status)
                                    : offsetof(struct copy32, status));
    uint16_t source, dest;
    int16_t status;

    if (wide ? guest_copy_in(v, &w, at, sizeof(w)) != 0
             : guest_copy_in(v, &n, at, sizeof(n)) != 0) {
        return -XEN_EFAULT;
    }
    source = wide ? w.source.domid : n.source.domid;
    dest = wide ? w.dest.domid : n.dest.domid;
    status = map_status(sys, is_self(v, source) ? dest : source);
    if (is_self(v, source) && is_self(v, dest)) {
        status = GNTST_general_error;
    }
    return guest_copy_out(v, status_at, &status, sizeof(status));
}

/* Two of the domain's own entries change places. */
static int16_t swap_locked(struct x86_domain *d, uint32_t a, uint32_t b)
{
    const uint32_t per = PAGE_SIZE / sizeof(grant_entry_v1_t);
    volatile uint64_t *ea, *eb;
    uint64_t kept;

    if (a / per >= d->nr_grant_frames || b / per >= d->nr_grant_frames) {
        return GNTST_bad_gntref;
    }
    ea = (uint64_t *)d->grant_frame[a / per] + a % per;
    eb = (uint64_t *)d->grant_frame[b / per] + b % per;
    kept = *ea;
    *ea = *eb;
    *eb = kept;
    return GNTST_okay;
}

static int one_swap(struct x86_vcpu *v, uint64_t at)
{
    struct gnttab_swap_grant_ref x;

    _Static_assert(sizeof(grant_entry_v1_t) == sizeof(uint64_t), "entries");
    if (guest_copy_in(v, &x, at, sizeof(x)) != 0) {
        return -XEN_EFAULT;
    }
    x86_lock(&v->domain->lock);
    x.status = swap_locked(v->domain, x.ref_a, x.ref_b);
    x86_unlock(&v->domain->lock);
    return guest_copy_out(v, at, &x, sizeof(x));
}

#define OPS_PER_CALL 512u

static int64_t list_of_ops(struct x86_vcpu *v, struct sop_system *sys,
                           struct sop_call *call)
{
    uint32_t command = (uint32_t)call->arg[0], count = (uint32_t)call->arg[2];
    uint32_t n = count < OPS_PER_CALL ? count : OPS_PER_CALL;
    uint64_t size = command == GNTTABOP_map_grant_ref     ? 32
                    : command == GNTTABOP_unmap_grant_ref ? 24
                    : command == GNTTABOP_swap_grant_ref  ? 12
                    : call->wide                          ? 40
                                                          : 24;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t at = call->arg[1] + i * size;
        int rc = command == GNTTABOP_map_grant_ref     ? one_map(v, sys, at)
                 : command == GNTTABOP_unmap_grant_ref ? one_unmap(v, at)
                 : command == GNTTABOP_swap_grant_ref
                     ? one_swap(v, at)
                     : one_copy(v, sys, call->wide, at);

        if (rc != 0) {
            return rc;
        }
    }
    if (n < count) {
        call->arg[1] += n * size;
        call->arg[2] = count - n;
        return PORT_CALL_AGAIN;
    }
    return 0;
}

int64_t grant_table_op(struct x86_vcpu *v, struct sop_system *sys,
                       struct sop_call *call)
{
    uint64_t operand = call->arg[1];
    uint32_t count = (uint32_t)call->arg[2];
    bool many = (int32_t)count < 0;

    switch ((uint32_t)call->arg[0]) {
    case GNTTABOP_setup_table:
        return count != 1 ? -XEN_EINVAL
                          : setup_table(v, sys, call->wide, operand);
    case GNTTABOP_query_size:
        return count != 1 ? -XEN_EINVAL : query_size(v, sys, operand);
    case GNTTABOP_set_version: /* these two do not look at the count */
        return many ? -XEN_EINVAL : set_version(v, operand);
    case GNTTABOP_get_version:
        return many ? -XEN_EINVAL : get_version(v, sys, operand);
    case GNTTABOP_map_grant_ref:
    case GNTTABOP_unmap_grant_ref:
    case GNTTABOP_copy:
    case GNTTABOP_swap_grant_ref:
        return many ? -XEN_EINVAL : list_of_ops(v, sys, call);
    default:
        return -XEN_ENOSYS;
    }
}
