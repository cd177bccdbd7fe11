/* SPDX-License-Identifier: MIT */
/* From a statement to its hypercall: vcpu_op, and what is neither that nor
 * sched_op nor event_channel_op. */
#include "calls.h"

#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define VECTOR_MIN 0x10u
#define GUEST_VCPUS (VCPUS + 1u)

/* ---- vcpu_op ---- */

static const char *make_context(struct call *c)
{
    struct vcpu_hvm_context context;

    memset(&context, 0, sizeof(context));
    switch (c->s->arg[1]) {
    case CONTEXT_mode2:
        context.mode = 2;
        break;
    case CONTEXT_moden:
        context.mode = UINT32_MAX;
        break;
    default:
        context.mode = VCPU_HVM_MODE_64B;
        context.pad = 1;
        break;
    }
    return make_vcpu(c, VCPUOP_initialise, &context, sizeof(context));
}

static const char *make_singleshot(struct call *c)
{
    struct vcpu_set_singleshot_timer op;

    memset(&op, 0, sizeof(op));
    op.timeout_abs_ns = conduct_time(c->s->arg[1]);
    op.flags = c->s->arg[2];
    traces.timers[kit_cpu()] = true;
    return make_vcpu(c, VCPUOP_set_singleshot_timer, &op,
                     c->s->narrow ? 12 : sizeof(op));
}

static const char *make_periodic(struct call *c)
{
    static const uint64_t periods[] = {
        [PERIOD_tick] = TICK_NS * 3 / 4,
        [PERIOD_zero] = 0,
        [PERIOD_short] = 999999,
        [PERIOD_long] = UINT64_C(1) << 61,
        [PERIOD_longest] = (UINT64_C(1) << 62) - 1,
        [PERIOD_over] = UINT64_C(1) << 62,
        [PERIOD_all] = UINT64_MAX,
    };

    traces.periodic = true;
    traces.periodic_ticks += traces.periodic_ticks == 0;
    return make_vcpu(c, VCPUOP_set_periodic_timer,
                     &periods[c->s->arg[1] % PERIOD_COUNT], 8);
}

static const char *make_area(struct call *c, bool time)
{
    uint32_t vcpu = c->s->arg[0];
    uint64_t address = 0;

    if (vcpu < VCPUS) {
        traces.areas = true;
        if (readable(c->s)) {
            address = area_address(vcpu, c->s->array_place, time);
        }
    }
    return make_vcpu(c,
                     time ? VCPUOP_register_vcpu_time_memory_area
                          : VCPUOP_register_runstate_memory_area,
                     &address, c->s->narrow ? 4 : 8);
}

/* Moving vcpu_info cannot be undone: only what is refused. */
static const char *make_vcpu_info(struct call *c)
{
    struct vcpu_register_vcpu_info op;

    memset(&op, 0, sizeof(op));
    op.mfn = UINT64_C(0xfffff00000) | c->s->arg[1];
    op.offset = c->s->arg[2];
    return make_vcpu(c, VCPUOP_register_vcpu_info, &op, sizeof(op));
}

static const char *make_down(struct call *c)
{
    if (c->s->arg[0] == 0 && !traces.finale) {
        return avoided; /* it conducts */
    }
    traces.may_be_down = true;
    return make_vcpu(c, VCPUOP_down, NULL, 0);
}

static const char *make_vcpu_raw(struct call *c)
{
    static const uint8_t zero[32];

    if (c->s->arg[0] <= VCPUOP_register_vcpu_time_memory_area) {
        return avoided;
    }
    c->number = __HYPERVISOR_vcpu_op;
    c->arg[0] = c->s->arg[0];
    c->arg[1] = c->s->arg[1];
    c->arg[2] = put_operand(c, zero, sizeof(zero));
    return NULL;
}

static const char *make_nmi(struct call *c)
{
    traces.nmis = true;
    (void)make_vcpu(c, VCPUOP_send_nmi, NULL, 0);
    c->arg[2] = c->s->arg[1];
    return NULL;
}

static const char *make_runstate(struct call *c)
{
    struct vcpu_runstate_info info;

    memset(&info, 0x5a, sizeof(info));
    return make_vcpu(c, VCPUOP_get_runstate_info, &info,
                     c->s->narrow ? 44 : sizeof(info));
}

const char *make_vcpu_op(struct call *c)
{
    uint64_t zero = 0;

    switch (c->s->operation) {
    case DO_initialise:
        return make_context(c);
    case DO_up:
        return make_vcpu(c, VCPUOP_up, NULL, 0);
    case DO_down:
        return make_down(c);
    case DO_is_up:
        return make_vcpu(c, VCPUOP_is_up, NULL, 0);
    case DO_runstate:
        return make_runstate(c);
    case DO_singleshot:
        return make_singleshot(c);
    case DO_stop_singleshot:
        return make_vcpu(c, VCPUOP_stop_singleshot_timer, NULL, 0);
    case DO_periodic:
        return make_periodic(c);
    case DO_stop_periodic:
        return make_vcpu(c, VCPUOP_stop_periodic_timer, NULL, 0);
    case DO_runstate_area:
    case DO_time_area:
        return make_area(c, c->s->operation == DO_time_area);
    case DO_vcpu_info:
        return make_vcpu_info(c);
    case DO_nmi:
        return make_nmi(c);
    case DO_physid:
        return make_vcpu(c, VCPUOP_get_physid, &zero, 8);
    default:
        return make_vcpu_raw(c);
    }
}

/* ---- the others ---- */

static const char *make_set_timer(struct call *c)
{
    uint64_t when = conduct_time(c->s->arg[0]);

    traces.timers[kit_cpu()] = true;
    c->number = __HYPERVISOR_set_timer_op;
    c->arg[0] = when;
    c->arg[1] = when >> 32;
    if (!c->s->narrow) {
        c->arg[1] = 0;
    }
    return NULL;
}

/* Who the host is may differ; how it is asked may not. */
static const char *make_version(struct call *c)
{
    uint32_t command = c->s->arg[0];
    uint8_t zero[64] = {0};
    uint32_t size = 8;

    switch (command) {
    case XENVER_extraversion:
    case XENVER_guest_handle:
        size = 16;
        break;
    case XENVER_changeset:
        size = 64;
        break;
    case XENVER_platform_parameters:
        size = c->s->narrow ? 4 : 8;
        break;
    case XENVER_compile_info:
    case XENVER_capabilities:
    case XENVER_commandline:
    case XENVER_build_id:
        return avoided;
    default:
        break;
    }
    (void)make2(c, __HYPERVISOR_xen_version, command, zero, size);
    if (command == XENVER_pagesize && c->s->place == AT_ok) {
        c->arg[1] = 0;
    }
    return NULL;
}

static const char *make_param(struct call *c)
{
    struct xen_hvm_param op;

    memset(&op, 0, sizeof(op));
    op.domid = DOMID_SELF;
    op.index = c->s->arg[0];
    if (op.index != HVM_PARAM_CALLBACK_IRQ && op.index < HVM_NR_PARAMS) {
        return avoided;
    }
    return make2(c, __HYPERVISOR_hvm_op, HVMOP_get_param, &op, sizeof(op));
}

/* A vector of its own cannot be taken away again: only what is refused. */
static const char *make_upcall_vector(struct call *c)
{
    struct xen_hvm_evtchn_upcall_vector op;

    memset(&op, 0, sizeof(op));
    op.vcpu = c->s->arg[0];
    op.vector = (uint8_t)c->s->arg[1];
    if (op.vector >= VECTOR_MIN && op.vcpu < GUEST_VCPUS) {
        return avoided;
    }
    return make2(c, __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &op,
                 sizeof(op));
}

const char *make_other(struct call *c)
{
    switch (c->s->operation) {
    case DO_set_timer:
        return make_set_timer(c);
    case DO_version:
        return make_version(c);
    case DO_vm_assist:
        traces.assist = true;
        c->number = __HYPERVISOR_vm_assist;
        c->arg[0] = c->s->arg[0];
        c->arg[1] = c->s->arg[1];
        return NULL;
    case DO_hvm_param:
        return make_param(c);
    case DO_upcall_vector:
        return make_upcall_vector(c);
    default: /* hypercall: one that does not exist */
        if (c->s->arg[0] < 56) {
            return avoided;
        }
        c->number = c->s->arg[0];
        return NULL;
    }
}
