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

static int64_t setup_table(struct x86_vcpu *v, bool wide, uint64_t operand)
{
    struct gnttab_setup_table x = {0};
    struct setup32 n;
    uint64_t status_at =
        operand + (wide ? offsetof(struct gnttab_setup_table, status)
                        : offsetof(struct setup32, status));
    uint64_t list;
    int16_t status = GNTST_bad_domain;

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
    if (is_self(v, x.dom)) {
        status = list_frames(v, wide, x.nr_frames, list);
    }
    return guest_copy_out(v, status_at, &status, sizeof(status));
}

static int64_t query_size(struct x86_vcpu *v, uint64_t operand)
{
    struct gnttab_query_size x;

    if (guest_copy_in(v, &x, operand, sizeof(x)) != 0) {
        return -XEN_EFAULT;
    }
    x.status = x.dom == 0 ? GNTST_permission_denied : GNTST_bad_domain;
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

    if (guest_copy_in(v, &x, operand, sizeof(x)) != 0) {
        return -XEN_EFAULT;
    }
    if (x.version != 1) {
        return x.version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
    }
    return guest_copy_out(v, operand, &x, sizeof(x));
}

static int64_t get_version(struct x86_vcpu *v, uint64_t operand)
{
    struct gnttab_get_version x;

    if (guest_copy_in(v, &x, operand, sizeof(x)) != 0) {
        return -XEN_EFAULT;
    }
    if (!is_self(v, x.dom)) {
        return -XEN_ESRCH;
    }
    x.version = 1;
    return guest_copy_out(v, operand, &x, sizeof(x));
}

/* Grants of others: there are none, but the operand is looked at first. */
static int64_t foreign(struct x86_vcpu *v, uint64_t operand, uint32_t count)
{
    uint8_t byte;

    if (count == 0) {
        return 0;
    }
    return guest_copy_in(v, &byte, operand, 1) != 0 ? -XEN_EFAULT : -XEN_ENOSYS;
}

int64_t grant_table_op(struct x86_vcpu *v, struct sop_call *call)
{
    uint64_t operand = call->arg[1];
    uint32_t count = (uint32_t)call->arg[2];

    if ((int32_t)count < 0) {
        return -XEN_EINVAL;
    }
    switch ((uint32_t)call->arg[0]) {
    case GNTTABOP_setup_table:
        return count != 1 ? -XEN_EINVAL : setup_table(v, call->wide, operand);
    case GNTTABOP_query_size:
        return count != 1 ? -XEN_EINVAL : query_size(v, operand);
    case GNTTABOP_set_version:
        return count != 1 ? -XEN_EINVAL : set_version(v, operand);
    case GNTTABOP_get_version:
        return count == 0 ? 0 : get_version(v, operand);
    case GNTTABOP_map_grant_ref:
    case GNTTABOP_unmap_grant_ref:
    case GNTTABOP_copy:
    case GNTTABOP_swap_grant_ref:
        return foreign(v, operand, count);
    default:
        return -XEN_ENOSYS;
    }
}
