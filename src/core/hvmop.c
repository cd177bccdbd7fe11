/* SPDX-License-Identifier: MIT */
/*
 * Hypercall 34, as far as it is about events: parameters and upcall vectors
 * (spec 4.5, 8.6). The rest is the machine's and goes to the port.
 */
#include "private.h"

#include <xen/hvm/hvm_op.h>

#define VECTOR_MIN 0x10u /* below are exceptions */
#define TSS_BYTES 104u   /* of a 32-bit task */
#define CALLBACK_TYPE(value) ((uint32_t)((value) >> 56))

ABI_SIZE(struct xen_hvm_param, 16);
ABI_OFFSET(struct xen_hvm_param, index, 4);
ABI_OFFSET(struct xen_hvm_param, value, 8);
ABI_SIZE(struct xen_hvm_evtchn_upcall_vector, 8);

/* ---- parameters ---- */

/* Parameters that Xen no longer has (measured on 4.17). */
static bool is_gone(uint32_t index)
{
    switch (index) {
    case HVM_PARAM_PAE_ENABLED:
    case HVM_PARAM_DM_DOMAIN:
    case HVM_PARAM_MEMORY_EVENT_CR0:
    case HVM_PARAM_MEMORY_EVENT_CR3:
    case HVM_PARAM_MEMORY_EVENT_CR4:
    case HVM_PARAM_MEMORY_EVENT_INT3:
    case HVM_PARAM_NESTEDHVM:
    case HVM_PARAM_MEMORY_EVENT_SINGLE_STEP:
    case HVM_PARAM_BUFIOREQ_EVTCHN:
    case HVM_PARAM_MEMORY_EVENT_MSR:
        return true;
    default:
        return false;
    }
}

/* What a domain may set of its own (measured on 4.17). */
static bool guest_may_set(uint32_t index)
{
    switch (index) {
    case HVM_PARAM_CALLBACK_IRQ:
    case HVM_PARAM_STORE_EVTCHN:
    case HVM_PARAM_VM86_TSS:
    case HVM_PARAM_CONSOLE_EVTCHN:
    case HVM_PARAM_ACPI_IOPORTS_LOCATION:
    case HVM_PARAM_VM_GENERATION_ID_ADDR:
    case HVM_PARAM_X87_FIP_WIDTH:
    case HVM_PARAM_VM86_TSS_SIZED:
        return true;
    default:
        return false;
    }
}

/* What a domain may read of its own (measured on 4.17). */
static bool guest_may_get(uint32_t index)
{
    switch (index) {
    case HVM_PARAM_STORE_PFN:
    case HVM_PARAM_CONSOLE_PFN:
    case HVM_PARAM_ALTP2M:
        return true;
    default:
        return guest_may_set(index);
    }
}

/*
 * Types other than a vector need a PIC and an IO-APIC, which PVH domains
 * lack: they are ignored, and a vector set before stays (spec 4.5).
 */
static void set_param(struct sop_domain *d, uint32_t index, uint64_t value)
{
    ASSERT(index < HVM_NR_PARAMS);
    d->param[index] = value;
    if (index == HVM_PARAM_CALLBACK_IRQ &&
        CALLBACK_TYPE(value) == HVM_PARAM_CALLBACK_TYPE_VECTOR) {
        __atomic_store_n(&d->callback_vector, (uint8_t)value, __ATOMIC_SEQ_CST);
    }
}

/* Whether Xen takes that value: 0, or its error. */
static int param_value_ok(uint32_t index, uint64_t value)
{
    switch (index) {
    case HVM_PARAM_ACPI_IOPORTS_LOCATION:
        return -XEN_ENODEV; /* no ACPI timer to move */
    case HVM_PARAM_X87_FIP_WIDTH:
        return value == 0 || value == 4 || value == 8 ? 0 : -XEN_EINVAL;
    case HVM_PARAM_VM86_TSS:
        return value <= UINT32_MAX ? 0 : -XEN_EINVAL;
    case HVM_PARAM_VM86_TSS_SIZED:
        return value >> 32 >= TSS_BYTES ? 0 : -XEN_EINVAL;
    default:
        return 0;
    }
}

/* Finds the domain a parameter operand names; NULL with `*rc` set. */
static struct sop_domain *param_domain(const struct sop_vcpu *v,
                                       const struct xen_hvm_param *op, int *rc)
{
    struct sop_domain *d = domain_find_any(v, op->domid);

    if (d == NULL) {
        /* There always is a domain 0, and it is no HVM one. */
        *rc = op->domid == 0 ? -XEN_EINVAL : -XEN_ESRCH;
    } else if (d->kind != SOP_GUEST_HVM) {
        *rc = -XEN_EINVAL;
    } else if (d != v->domain && !v->domain->hardware) {
        *rc = -XEN_EPERM;
    } else {
        return d;
    }
    return NULL;
}

/* The operand, once it has passed the checks that set and get share. */
static int read_param(struct sop_vcpu *v, uint64_t operand,
                      struct xen_hvm_param *op)
{
    if (port_copy_in(v, op, operand, sizeof(*op)) != 0) {
        return -XEN_EFAULT;
    }
    return op->index < HVM_NR_PARAMS ? 0 : -XEN_EINVAL;
}

/* The controlling domain may set what the domain itself may not. */
static int may_set_param(const struct sop_vcpu *v, const struct sop_domain *d,
                         const struct xen_hvm_param *op)
{
    if (is_gone(op->index)) {
        return -XEN_EINVAL;
    }
    if (d == v->domain && !guest_may_set(op->index)) {
        return -XEN_EPERM;
    }
    return param_value_ok(op->index, op->value);
}

static int64_t op_set_param(struct sop_pcpu *self, struct sop_vcpu *v,
                            const struct sop_call *call)
{
    struct xen_hvm_param op;
    struct sop_domain *d;
    int rc = read_param(v, call->arg[1], &op);

    if (rc != 0) {
        return rc;
    }
    core_lock(self->sys, self);
    d = param_domain(v, &op, &rc);
    if (d != NULL) {
        rc = may_set_param(v, d, &op);
    }
    if (rc == 0) {
        set_param(d, op.index, op.value);
        if (op.index == HVM_PARAM_CALLBACK_IRQ && d == v->domain) {
            evtchn_latch_width(d, call->wide); /* spec 8.5 */
        }
    }
    core_unlock(self->sys);
    return rc;
}

static int64_t op_get_param(struct sop_pcpu *self, struct sop_vcpu *v,
                            const struct sop_call *call)
{
    struct xen_hvm_param op;
    struct sop_domain *d;
    int rc = read_param(v, call->arg[1], &op);

    if (rc != 0) {
        return rc;
    }
    core_lock(self->sys, self);
    d = param_domain(v, &op, &rc);
    if (d != NULL && is_gone(op.index)) {
        rc = -XEN_EINVAL;
    } else if (d == v->domain && !guest_may_get(op.index)) {
        rc = -XEN_EPERM;
    } else if (d != NULL) {
        op.value = d->param[op.index];
    }
    core_unlock(self->sys);
    if (rc != 0) {
        return rc;
    }
    return port_copy_out(v, call->arg[1], &op, sizeof(op)) == 0 ? 0
                                                                : -XEN_EFAULT;
}

/* ---- upcall vector of one vCPU ---- */

/* Checks in the order of fact 134. */
static int64_t op_upcall_vector(struct sop_pcpu *self, struct sop_vcpu *v,
                                const struct sop_call *call)
{
    struct xen_hvm_evtchn_upcall_vector op;
    struct sop_vcpu *target;
    uint64_t now;

    if (v->domain->kind != SOP_GUEST_HVM) {
        return -XEN_EINVAL;
    }
    if (port_copy_in(v, &op, call->arg[1], sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    if (op.vector < VECTOR_MIN) {
        return -XEN_EINVAL;
    }
    if (op.vcpu >= v->domain->nr_vcpus) {
        return -XEN_ENOENT;
    }
    target = v->domain->vcpu[op.vcpu];
    now = core_enter(self);
    target->upcall_vector = op.vector;
    /* One interrupt whether or not anything is pending (spec 4.5). */
    evtchn_upcall(self, target, now);
    core_leave(self);
    return 0;
}

/* The clock that poll and timers compare against (spec 5.1). */
static int64_t op_get_time(struct sop_pcpu *self, struct sop_vcpu *v,
                           const struct sop_call *call)
{
    struct xen_hvm_get_time op = {.now = port_now(self)};

    return port_copy_out(v, call->arg[1], &op, sizeof(op)) == 0 ? 0
                                                                : -XEN_EFAULT;
}

int64_t hvmop_call(struct sop_pcpu *self, struct sop_vcpu *v,
                   struct sop_call *call)
{
    switch ((uint32_t)call->arg[0]) {
    case HVMOP_set_param:
        return op_set_param(self, v, call);
    case HVMOP_get_param:
        return op_get_param(self, v, call);
    case HVMOP_get_time:
        return op_get_time(self, v, call);
    case HVMOP_set_evtchn_upcall_vector:
        return op_upcall_vector(self, v, call);
    default:
        return port_hypercall(self, v, call);
    }
}

/* ---- for ports ---- */

int sop_domain_set_param(struct sop_domain *d, uint32_t index, uint64_t value)
{
    if (index >= HVM_NR_PARAMS) {
        return -XEN_EINVAL;
    }
    core_lock(d->sys, NULL);
    set_param(d, index, value);
    core_unlock(d->sys);
    return 0;
}

int sop_domain_get_param(const struct sop_domain *d, uint32_t index,
                         uint64_t *value)
{
    if (index >= HVM_NR_PARAMS) {
        return -XEN_EINVAL;
    }
    core_lock(d->sys, NULL);
    *value = d->param[index];
    core_unlock(d->sys);
    return 0;
}
