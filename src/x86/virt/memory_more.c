/* SPDX-License-Identifier: MIT */
/*
 * memory_op, continued: lists of frames for add_to_physmap, and the calls that
 * come to nothing for a domain that is neither privileged nor has devices.
 * Those read their operand in Xen's order and fail with Xen's errors.
 */
#include "domain.h"

#include <xen/errno.h>
#include <xen/memory.h>

#define BATCH_PER_CALL 1024u
#define COMMAND_BITS 6u

/* The 32-bit layouts. */
struct batch32 {
    uint16_t domid, space, size, foreign;
    uint32_t idxs, gpfns, errs;
};
struct mfn_list32 {
    uint32_t max_extents, extent_start, nr_extents;
};

_Static_assert(sizeof(struct batch32) == 20, "32-bit ABI");
_Static_assert(sizeof(struct mfn_list32) == 12, "32-bit ABI");
_Static_assert(sizeof(struct xen_add_to_physmap_batch) == 32, "64-bit ABI");
_Static_assert(sizeof(struct xen_machphys_mfn_list) == 24, "64-bit ABI");

/* ------------------------------------------------- add_to_physmap in lists */

/* In one layout for both callers. */
struct batch {
    uint64_t idxs, gpfns, errs;
    uint16_t domid, space, size;
};

static int read_batch(struct x86_vcpu *v, const struct sop_call *call,
                      struct batch *b)
{
    struct xen_add_to_physmap_batch w;
    struct batch32 n;

    if (call->wide) {
        if (guest_copy_in(v, &w, call->arg[1], sizeof(w)) != 0) {
            return -XEN_EFAULT;
        }
        *b = (struct batch){(uint64_t)w.idxs.p,
                            (uint64_t)w.gpfns.p,
                            (uint64_t)w.errs.p,
                            w.domid,
                            w.space,
                            w.size};
        return 0;
    }
    if (guest_copy_in(v, &n, call->arg[1], sizeof(n)) != 0) {
        return -XEN_EFAULT;
    }
    *b = (struct batch){n.idxs, n.gpfns, n.errs, n.domid, n.space, n.size};
    return 0;
}

/* The `i`th of the list; an error that ends the call. */
static int add_one(struct x86_vcpu *v, bool wide, const struct batch *b,
                   uint64_t i)
{
    struct xen_add_to_physmap x = {.space = b->space};
    unsigned size = wide ? 8 : 4;
    uint64_t idx = 0, gfn = 0;
    int32_t rc;

    if (guest_copy_in(v, &idx, b->idxs + i * size, size) != 0 ||
        guest_copy_in(v, &gfn, b->gpfns + i * size, size) != 0) {
        return -XEN_EFAULT;
    }
    x.idx = idx;
    x.gpfn = gfn;
    rc = b->space == XENMAPSPACE_gmfn_foreign ? -XEN_EINVAL
                                              : physmap_add(v->domain, &x);
    return guest_copy_out(v, b->errs + i * sizeof(rc), &rc, sizeof(rc));
}

static int64_t add_batch(struct x86_vcpu *v, struct sop_system *sys,
                         struct sop_call *call)
{
    uint64_t done = (uint32_t)call->arg[0] >> COMMAND_BITS, budget;
    struct batch b = {0};
    int rc = read_batch(v, call, &b);

    if (rc != 0) {
        return rc;
    }
    if (b.space == XENMAPSPACE_gmfn_range) {
        return -XEN_EOPNOTSUPP;
    }
    rc = physmap_check_domid(v->domain, sys, b.domid);
    for (budget = BATCH_PER_CALL; rc == 0 && done < b.size && budget > 0;
         budget--) {
        rc = add_one(v, call->wide, &b, done);
        done += rc == 0;
    }
    if (rc == 0 && done < b.size) {
        call->arg[0] =
            (call->arg[0] & ((1u << COMMAND_BITS) - 1)) | done << COMMAND_BITS;
        return PORT_CALL_AGAIN;
    }
    return rc;
}

/* ------------------------------------------------------- come to nothing */

/* A list of the machine's frames: it is empty. */
static int64_t mfn_list(struct x86_vcpu *v, const struct sop_call *call)
{
    uint64_t at = call->arg[1];
    uint8_t whole[sizeof(struct xen_machphys_mfn_list)];
    uint32_t none = 0;
    size_t size = call->wide ? sizeof(whole) : sizeof(struct mfn_list32);

    if (guest_copy_in(v, whole, at, size) != 0) {
        return -XEN_EFAULT;
    }
    at += call->wide ? offsetof(struct xen_machphys_mfn_list, nr_extents)
                     : offsetof(struct mfn_list32, nr_extents);
    return guest_copy_out(v, at, &none, sizeof(none));
}

struct reserved {
    uint32_t flags, nr_entries;
};

/* Memory that devices reserve: there are none. */
static int64_t reserved_map(struct x86_vcpu *v, uint64_t at)
{
    struct reserved r;

    if (guest_copy_in(v, &r, at, sizeof(r)) != 0) {
        return -XEN_EFAULT;
    }
    if ((r.flags & ~(uint32_t)XENMEM_RDM_ALL) != 0) {
        return -XEN_EINVAL;
    }
    r.nr_entries = 0;
    return guest_copy_out(v, at, &r, sizeof(r));
}

/* The domain id at `at`; -EFAULT, or what Xen says of such a domain. */
static int64_t by_domid(struct x86_vcpu *v, struct sop_system *sys, uint64_t at,
                        int64_t own, int64_t nobody)
{
    uint16_t domid;

    if (guest_copy_in(v, &domid, at, sizeof(domid)) != 0) {
        return -XEN_EFAULT;
    }
    if (domid == DOMID_SELF || domid == v->domain->domid) {
        return own;
    }
    return domid == 0 || sop_domain_by_id(sys, domid) ? -XEN_EPERM : nobody;
}

static int64_t known(struct x86_vcpu *v, uint64_t at, int64_t rc)
{
    uint8_t byte;

    return guest_copy_in(v, &byte, at, 1) != 0 ? -XEN_EFAULT : rc;
}

/* With nothing but a number and a domain; no guest may. */
static int64_t claim(struct x86_vcpu *v, struct sop_system *sys,
                     const struct sop_call *call)
{
    struct xen_memory_reservation w = {0};
    uint32_t n[5];

    if (call->wide) {
        if (guest_copy_in(v, &w, call->arg[1], sizeof(w)) != 0) {
            return -XEN_EFAULT;
        }
    } else {
        if (guest_copy_in(v, n, call->arg[1], sizeof(n)) != 0) {
            return -XEN_EFAULT;
        }
        w.extent_start.p = (void *)(uintptr_t)n[0];
        w.extent_order = n[2];
        w.mem_flags = n[3];
        w.domid = (uint16_t)n[4];
    }
    if (w.extent_start.p != NULL || w.extent_order != 0 || w.mem_flags != 0) {
        return -XEN_EINVAL;
    }
    return w.domid == 0 || sop_domain_by_id(sys, w.domid) ? -XEN_EPERM
                                                          : -XEN_EINVAL;
}

/* What of xen_memory_exchange is looked at, in one layout for both callers. */
struct exchanged {
    uint64_t nr_in, nr_out, done;
    uint32_t order_in, order_out;
    uint16_t domid_in, domid_out;
};

static int read_exchange(struct x86_vcpu *v, const struct sop_call *call,
                         struct exchanged *x)
{
    struct xen_memory_exchange w;
    uint32_t n[11]; /* twice five words of a reservation, and the count */

    if (call->wide) {
        if (guest_copy_in(v, &w, call->arg[1], sizeof(w)) != 0) {
            return -XEN_EFAULT;
        }
        *x = (struct exchanged){w.in.nr_extents,    w.out.nr_extents,
                                w.nr_exchanged,     w.in.extent_order,
                                w.out.extent_order, w.in.domid,
                                w.out.domid};
        return 0;
    }
    if (guest_copy_in(v, n, call->arg[1], sizeof(n)) != 0) {
        return -XEN_EFAULT;
    }
    *x = (struct exchanged){n[1], n[6],           n[10],         n[2],
                            n[7], (uint16_t)n[4], (uint16_t)n[9]};
    return 0;
}

/* Frames of a domain with a physical map cannot be exchanged. */
static int64_t exchange(struct x86_vcpu *v, struct sop_system *sys,
                        const struct sop_call *call)
{
    struct exchanged x;
    int rc = read_exchange(v, call, &x);

    if (rc != 0) {
        return rc;
    }
    if (x.done > x.nr_in || x.domid_in != x.domid_out || x.order_in > 63 ||
        x.order_out > 63 || x.nr_in << x.order_in != x.nr_out << x.order_out) {
        return -XEN_EINVAL;
    }
    if (x.nr_in == 0) {
        return 0;
    }
    if (x.domid_in == DOMID_SELF || x.domid_in == v->domain->domid) {
        return -XEN_EOPNOTSUPP;
    }
    return x.domid_in == 0 || sop_domain_by_id(sys, x.domid_in) ? -XEN_EPERM
                                                                : -XEN_ESRCH;
}

int64_t memory_more(struct x86_vcpu *v, struct sop_system *sys,
                    struct sop_call *call)
{
    uint64_t at = call->arg[1];

    switch ((uint32_t)call->arg[0] & ((1u << COMMAND_BITS) - 1)) {
    case XENMEM_add_to_physmap_batch:
        return add_batch(v, sys, call);
    case XENMEM_machphys_mfn_list:
        return mfn_list(v, call);
    case XENMEM_reserved_device_memory_map:
        return reserved_map(v, at);
    case XENMEM_set_pod_target:
    case XENMEM_get_pod_target:
    case XENMEM_access_op:
        return known(v, at, -XEN_EINVAL);
    case XENMEM_claim_pages:
        return claim(v, sys, call);
    case XENMEM_get_vnumainfo:
        return by_domid(v, sys, at, -XEN_EOPNOTSUPP, -XEN_ESRCH);
    case XENMEM_exchange:
        return exchange(v, sys, call);
    case XENMEM_acquire_resource:
        return -XEN_EACCES;
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
        return 0;
    case XENMEM_machphys_compat_mfn_list:
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_ENOSYS;
    }
}
