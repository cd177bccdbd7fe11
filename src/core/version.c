/* SPDX-License-Identifier: MIT */
/*
 * Hypercall 17: which Xen this is. We answer as the release whose behaviour
 * we reproduce.
 */
#include "private.h"

#include <xen/features.h>
#include <xen/version.h>

#include "../lib/string.h"

#define XEN_MAJOR 4u
#define XEN_MINOR 17u
#define PAGE_BYTES 4096
#define PV_VIRT_START 0xffff800000000000u
#define PV32_VIRT_START 0xf5800000u

#define FEATURE(name) (1u << XENFEAT_##name)

/* Spec 8.6: 0x12305, and with bit 11 for the hardware domain. */
#define FEATURES_HVM                                                           \
    (FEATURE(writable_page_tables) | FEATURE(auto_translated_physmap) |        \
     FEATURE(hvm_callback_vector) | FEATURE(hvm_safe_pvclock) |                \
     FEATURE(memory_op_vnode_supported) | FEATURE(not_direct_mapped))

/* Spec 8.6: 0x228e0 with bit 11. */
#define FEATURES_PV                                                            \
    (FEATURE(mmu_pt_update_preserve_ad) | FEATURE(highmem_assist) |            \
     FEATURE(gnttab_map_avail_bits) | FEATURE(memory_op_vnode_supported) |     \
     FEATURE(direct_mapped))

_Static_assert(FEATURES_HVM == 0x12305, "as measured");
_Static_assert((FEATURES_PV | FEATURE(dom0)) == 0x228e0, "as measured");

/* Copies `text` as a field of `size` bytes, zeroes behind it. */
static int64_t give_text(struct sop_pcpu *self, struct sop_vcpu *v,
                         uint64_t operand, const char *text, size_t size)
{
    uint8_t *field = self->scratch.bytes;
    size_t len = 0;

    ASSERT(size <= sizeof(self->scratch.bytes));
    memset(field, 0, size);
    for (; text[len] != '\0' && len + 1 < size; len++) {
        field[len] = (uint8_t)text[len];
    }
    return port_copy_out(v, operand, field, size) == 0 ? 0 : -XEN_EFAULT;
}

static int64_t give_compile_info(struct sop_vcpu *v, uint64_t operand)
{
    /* No date and no place: two builds of one source are the same. */
    static const struct xen_compile_info info = {
        .compiler = "schedop",
        .compile_by = "schedop",
        .compile_domain = "",
        .compile_date = "",
    };

    return port_copy_out(v, operand, &info, sizeof(info)) == 0 ? 0
                                                               : -XEN_EFAULT;
}

static int64_t give_platform(struct sop_vcpu *v, const struct sop_call *call)
{
    bool pv = v->domain->kind == SOP_GUEST_PV;
    uint64_t start = 0;

    if (pv) {
        start = call->wide ? PV_VIRT_START : PV32_VIRT_START;
    }
    return port_copy_out(v, call->arg[1], &start, call->wide ? 8 : 4) == 0
               ? 0
               : -XEN_EFAULT;
}

static int64_t give_features(struct sop_vcpu *v, uint64_t operand)
{
    struct xen_feature_info info;

    if (port_copy_in(v, &info, operand, sizeof(info)) != 0) {
        return -XEN_EFAULT;
    }
    if (info.submap_idx != 0) {
        return -XEN_EINVAL;
    }
    info.submap = v->domain->kind == SOP_GUEST_PV ? FEATURES_PV : FEATURES_HVM;
    if (v->domain->hardware) {
        info.submap |= FEATURE(dom0);
    }
    return port_copy_out(v, operand, &info, sizeof(info)) == 0 ? 0
                                                               : -XEN_EFAULT;
}

static int64_t give_handle(struct sop_vcpu *v, uint64_t operand)
{
    static const xen_domain_handle_t none = {0};

    return port_copy_out(v, operand, none, sizeof(none)) == 0 ? 0 : -XEN_EFAULT;
}

/* The hypervisor's command line is not for ordinary domains. */
static int64_t give_command_line(struct sop_vcpu *v, uint64_t operand)
{
    static const char denied[] = "<denied>";
    size_t len = v->domain->hardware ? sizeof("") : sizeof(denied);

    return port_copy_out(v, operand, v->domain->hardware ? "" : denied, len) ==
                   0
               ? 0
               : -XEN_EFAULT;
}

int64_t version_call(struct sop_pcpu *self, struct sop_vcpu *v,
                     struct sop_call *call)
{
    uint64_t operand = call->arg[1];

    switch ((uint32_t)call->arg[0]) {
    case XENVER_version:
        return XEN_MAJOR << 16 | XEN_MINOR;
    case XENVER_extraversion:
        return give_text(self, v, operand, ".7", XEN_EXTRAVERSION_LEN);
    case XENVER_compile_info:
        return give_compile_info(v, operand);
    case XENVER_capabilities:
        return give_text(self, v, operand,
                         "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ",
                         XEN_CAPABILITIES_INFO_LEN);
    case XENVER_changeset:
        return give_text(self, v, operand, "schedop", XEN_CHANGESET_INFO_LEN);
    case XENVER_platform_parameters:
        return give_platform(v, call);
    case XENVER_get_features:
        return give_features(v, operand);
    case XENVER_pagesize:
        return operand == 0 ? PAGE_BYTES : -XEN_EINVAL;
    case XENVER_guest_handle:
        return give_handle(v, operand);
    case XENVER_commandline:
        return give_command_line(v, operand);
    case XENVER_build_id:
        /* Not for ordinary domains; and this build has none. */
        return v->domain->hardware ? -XEN_ENODATA : -XEN_EPERM;
    default:
        return -XEN_ENOSYS;
    }
}
