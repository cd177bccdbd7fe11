/* SPDX-License-Identifier: MIT */
/* vCPU operations and the one-shot timer (spec 2.4, 4.6, 5.2, 5.3). */
#include "private.h"
#include <schedop/guest.h>

static int vcpu_op(unsigned int op, uint32_t vcpu, const void *operand)
{
    return call3(__HYPERVISOR_vcpu_op, op, vcpu, (uintptr_t)operand);
}

int schedop_vcpu_initialise(uint32_t vcpu, const void *context)
{
    return vcpu_op(VCPUOP_initialise, vcpu, context);
}

int schedop_vcpu_up(uint32_t vcpu)
{
    return vcpu_op(VCPUOP_up, vcpu, NULL);
}

int schedop_vcpu_down(uint32_t vcpu)
{
    return vcpu_op(VCPUOP_down, vcpu, NULL);
}

int schedop_vcpu_is_up(uint32_t vcpu)
{
    return vcpu_op(VCPUOP_is_up, vcpu, NULL);
}

int schedop_vcpu_runstate(uint32_t vcpu, struct vcpu_runstate_info *info)
{
    return vcpu_op(VCPUOP_get_runstate_info, vcpu, info);
}

int schedop_vcpu_register_info(uint32_t vcpu, uint64_t frame, uint32_t offset)
{
    const struct vcpu_register_vcpu_info op = {.mfn = frame, .offset = offset};

    return vcpu_op(VCPUOP_register_vcpu_info, vcpu, &op);
}

int schedop_vcpu_periodic_timer(uint32_t vcpu, uint64_t period_ns)
{
    const struct vcpu_set_periodic_timer op = {.period_ns = period_ns};

    if (period_ns == 0) {
        return vcpu_op(VCPUOP_stop_periodic_timer, vcpu, NULL);
    }
    return vcpu_op(VCPUOP_set_periodic_timer, vcpu, &op);
}

int schedop_set_timer(uint64_t deadline_ns)
{
#if UINTPTR_MAX > UINT32_MAX
    return call3(__HYPERVISOR_set_timer_op, deadline_ns, 0, 0);
#else
    return call3(__HYPERVISOR_set_timer_op, (uintptr_t)deadline_ns,
                 (uintptr_t)(deadline_ns >> 32), 0);
#endif
}
