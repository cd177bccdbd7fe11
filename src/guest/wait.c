/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a condition that an event handler makes true. The condition is
 * tested with upcalls held off, and letting them in and going to sleep is one
 * step: inside the hypervisor for block on PV, inside the processor for
 * sti;hlt (the shadow of sti). An event between test and sleep is therefore
 * never slept through (spec 3.2).
 */
#include "private.h"
#include <schedop/guest.h>

void schedop_upcalls_off_pv(volatile struct vcpu_info *vcpu_info)
{
    __atomic_store_n(&vcpu_info->evtchn_upcall_mask, 1, __ATOMIC_SEQ_CST);
}

void schedop_upcalls_on_pv(volatile struct vcpu_info *vcpu_info)
{
    __atomic_store_n(&vcpu_info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&vcpu_info->evtchn_upcall_pending, __ATOMIC_SEQ_CST)) {
        /* An upcall happens on the way out of any hypercall (spec 4.4). */
        call3(__HYPERVISOR_xen_version, 0, 0, 0);
    }
}

int schedop_wait_pv(volatile struct vcpu_info *vcpu_info,
                    bool (*ready)(void *context), void *context)
{
    int rc = 0;

    schedop_upcalls_off_pv(vcpu_info);
    while (rc == 0 && !ready(context)) {
        rc = schedop_block(); /* leaves upcalls on */
        schedop_upcalls_off_pv(vcpu_info);
    }
    schedop_upcalls_on_pv(vcpu_info);
    return rc;
}

#if defined(__i386__) || defined(__x86_64__)

int schedop_wait_hvm(bool (*ready)(void *context), void *context)
{
    __asm__ volatile("cli" ::: "memory");
    while (!ready(context)) {
        __asm__ volatile("sti; hlt; cli" ::: "memory");
    }
    __asm__ volatile("sti" ::: "memory");
    return 0;
}

#endif
