/* SPDX-License-Identifier: MIT */
/*
 * Hypercall 24: operations on a vCPU of the caller's domain (spec 2.4, 5).
 */
#include "private.h"

#include <xen/hvm/hvm_vcpu.h>

#include "../lib/string.h"

#define PERIOD_MIN_NS 1000000u
#define PERIOD_MAX_NS (UINT64_MAX >> 2)
#define FRAME_BYTES 4096u

_Static_assert(sizeof(struct vcpu_hvm_context) == 128, "spec 8.6");

/* The parties of one call: `v` calls, `target` is the vCPU it names. */
struct vcpu_call {
    struct sop_pcpu *self;
    struct sop_vcpu *v;
    struct sop_vcpu *target;
    uint64_t operand;
    bool wide;
};

/* ---- life cycle ---- */

/* Nobody may load it twice, or run it half loaded. */
static bool claim_load(const struct vcpu_call *c)
{
    bool free;

    core_lock(c->self->sys, c->self);
    free = !c->target->initialised && !c->target->loading;
    if (free) {
        c->target->loading = true;
    }
    core_unlock(c->self->sys);
    return free;
}

/* Operand, then whether it is initialised, then its contents (spec 2.4). */
static int64_t op_initialise(const struct vcpu_call *c)
{
    size_t size = c->v->domain->kind == SOP_GUEST_PV
                      ? sizeof(struct vcpu_guest_context)
                      : sizeof(struct vcpu_hvm_context);
    uint8_t *context = c->self->scratch.bytes;
    int rc;

    ASSERT(size <= sizeof(c->self->scratch.bytes));
    if (port_copy_in(c->v, context, c->operand, size) != 0) {
        return -XEN_EFAULT;
    }
    if (!claim_load(c)) {
        return -XEN_EEXIST;
    }
    rc = port_vcpu_load(c->target, context);
    core_lock(c->self->sys, c->self);
    c->target->loading = false;
    c->target->initialised = rc == 0;
    core_unlock(c->self->sys);
    return rc;
}

static int64_t op_up(const struct vcpu_call *c)
{
    return sop_vcpu_up(c->self, c->target);
}

static int64_t op_down(const struct vcpu_call *c)
{
    uint64_t now = core_enter(c->self);

    vcpu_op_down(c->self, c->target, now);
    core_leave(c->self);
    return 0;
}

static int64_t op_is_up(const struct vcpu_call *c)
{
    return sop_vcpu_is_up(c->target);
}

/* ---- runstate and time records ---- */

static int64_t op_get_runstate(const struct vcpu_call *c)
{
    struct vcpu_runstate_info info;
    uint64_t now = core_enter(c->self);

    runstate_get(c->target, now, &info);
    core_leave(c->self);
    return runstate_copy_out(c->v, c->operand, c->wide, &info) == 0
               ? 0
               : -XEN_EFAULT;
}

/* The address in a registration: 32-bit callers give, and have, 32 bits. */
static int read_area(const struct vcpu_call *c, uint64_t *addr)
{
    *addr = 0;
    if (port_copy_in(c->v, addr, c->operand, c->wide ? 8 : 4) != 0) {
        return -XEN_EFAULT;
    }
    return call_address_ok(c->v, *addr) ? 0 : -XEN_EFAULT;
}

/*
 * The own record is written as of its last change, another's brought up to
 * date. Updates follow at every switch (spec 2.3).
 */
static int64_t op_runstate_area(const struct vcpu_call *c)
{
    struct vcpu_runstate_info info;
    uint64_t addr, now;

    if (read_area(c, &addr) != 0) {
        return -XEN_EFAULT;
    }
    now = core_enter(c->self);
    c->target->runstate_area = addr;
    info = c->target->runstate;
    if (c->target != c->v) {
        runstate_get(c->target, now, &info);
    }
    core_leave(c->self);
    if (addr != 0) {
        /* Nothing behind the address is the guest's loss (spec 2.3). */
        (void)runstate_copy_out(c->v, addr, c->wide, &info);
    }
    return 0;
}

/* For another vCPU the record appears when that next runs. */
static int64_t op_time_area(const struct vcpu_call *c)
{
    uint64_t addr;

    if (read_area(c, &addr) != 0) {
        return -XEN_EFAULT;
    }
    core_lock(c->self->sys, c->self);
    c->target->time_area = addr;
    core_unlock(c->self->sys);
    if (c->target == c->v) {
        vtime_write_area(c->v);
    }
    return 0;
}

/* ---- timers (spec 5.2, 5.3) ---- */

static void set_period(const struct vcpu_call *c, uint64_t period_ns)
{
    uint64_t now = core_enter(c->self);

    vtime_set_period(c->self, c->target, period_ns, now);
    core_leave(c->self);
}

/* Limits of fact 121. */
static int64_t op_set_periodic(const struct vcpu_call *c)
{
    struct vcpu_set_periodic_timer op;

    if (port_copy_in(c->v, &op, c->operand, sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    if (op.period_ns < PERIOD_MIN_NS || op.period_ns > PERIOD_MAX_NS) {
        return -XEN_EINVAL;
    }
    set_period(c, op.period_ns);
    return 0;
}

static int64_t op_stop_periodic(const struct vcpu_call *c)
{
    set_period(c, 0);
    return 0;
}

/* The vCPU is judged before the operand is read (fact 120). */
static int64_t op_set_singleshot(const struct vcpu_call *c)
{
    struct vcpu_set_singleshot_timer op;
    uint64_t now;

    if (c->target != c->v) {
        return -XEN_EINVAL;
    }
    if (port_copy_in(c->v, &op, c->operand,
                     c->wide ? sizeof(op) : SINGLESHOT32_SIZE) != 0) {
        return -XEN_EFAULT;
    }
    now = core_enter(c->self);
    vtime_set_singleshot(c->self, c->v, op.timeout_abs_ns, now);
    core_leave(c->self);
    return 0;
}

static int64_t op_stop_singleshot(const struct vcpu_call *c)
{
    if (c->target != c->v) {
        return -XEN_EINVAL;
    }
    core_lock(c->self->sys, c->self);
    timer_cancel(&c->v->singleshot);
    core_unlock(c->self->sys);
    return 0;
}

/* ---- vcpu_info (spec 4.6) ---- */

/* The checks of 4.17 in their order (spec 4.6, fact 116). */
static int info_may_move(const struct vcpu_call *c, uint32_t offset)
{
    uint32_t word = c->v->domain->layout->word_bits / 8u;

    if (offset > FRAME_BYTES - sizeof(struct vcpu_info) || offset % word != 0) {
        return -XEN_ENXIO;
    }
    if (c->target->info_moved) {
        return -XEN_EINVAL;
    }
    if (c->target != c->v && (c->target->holds & VCPU_HOLD_DOWN) == 0) {
        return -XEN_EINVAL;
    }
    return 0;
}

/* Who reads without the lock sees the old place or the new, both mapped. */
static void info_move(struct sop_vcpu *v, uint8_t *info)
{
    memcpy(info, v->info, sizeof(struct vcpu_info));
    __atomic_store_n(&v->info, info, __ATOMIC_SEQ_CST);
    v->info_moved = true;
    /* So that an event that went to the old place is not lost. */
    evtchn_mark_all_selected(v);
}

/*
 * The frame is mapped between two looks, as that cannot be done under the
 * lock. What was allowed at the first look and is not at the second is the
 * guest's own doing on another vCPU.
 */
static int64_t op_register_info(const struct vcpu_call *c)
{
    struct vcpu_register_vcpu_info op;
    uint8_t *frame;
    int rc;

    if (port_copy_in(c->v, &op, c->operand, sizeof(op)) != 0) {
        return -XEN_EFAULT;
    }
    core_lock(c->self->sys, c->self);
    rc = info_may_move(c, op.offset);
    core_unlock(c->self->sys);
    if (rc != 0) {
        return rc;
    }
    frame = port_frame_map(c->v->domain, op.mfn);
    if (frame == NULL) {
        return -XEN_EINVAL;
    }
    core_lock(c->self->sys, c->self);
    rc = info_may_move(c, op.offset);
    if (rc == 0) {
        info_move(c->target, frame + op.offset);
        vtime_refresh_info(c->target);
    }
    core_unlock(c->self->sys);
    if (rc != 0) {
        port_frame_unmap(c->v->domain, frame);
    }
    return rc;
}

/* ---- others ---- */

/* An NMI ends block and poll as an interrupt does. */
static int64_t op_send_nmi(const struct vcpu_call *c)
{
    uint64_t now;

    if (c->operand != 0) {
        return -XEN_EINVAL;
    }
    now = core_enter(c->self);
    port_inject_nmi(c->target);
    vcpu_kick(c->self, c->target, now);
    core_leave(c->self);
    return 0;
}

/*
 * Of a hardware domain's vCPU that may run on one pCPU only, the identifiers
 * of the pCPU *of its own number*, as Xen has it: that is how it pins them at
 * boot. APIC id and ACPI id are the number of a pCPU, all ones without one.
 */
static int64_t op_get_physid(const struct vcpu_call *c)
{
    const struct sop_vcpu *v = c->target;
    uint32_t pcpus = c->self->sys->cfg.nr_pcpus;
    struct vcpu_get_physid op = {UINT64_MAX};
    bool one;

    core_lock(c->self->sys, c->self);
    one = bits_count(v->hard) == 1;
    core_unlock(c->self->sys);
    if (!v->domain->hardware || !one) {
        return -XEN_EINVAL;
    }
    if (v->id < pcpus) {
        op.phys_id = (uint64_t)v->id << 32 | v->id;
    }
    return port_copy_out(c->v, c->operand, &op, sizeof(op)) != 0 ? -XEN_EFAULT
                                                                 : 0;
}

typedef int64_t vcpuop(const struct vcpu_call *c);

static vcpuop *const ops[] = {
    [VCPUOP_initialise] = op_initialise,
    [VCPUOP_up] = op_up,
    [VCPUOP_down] = op_down,
    [VCPUOP_is_up] = op_is_up,
    [VCPUOP_get_runstate_info] = op_get_runstate,
    [VCPUOP_register_runstate_memory_area] = op_runstate_area,
    [VCPUOP_set_periodic_timer] = op_set_periodic,
    [VCPUOP_stop_periodic_timer] = op_stop_periodic,
    [VCPUOP_set_singleshot_timer] = op_set_singleshot,
    [VCPUOP_stop_singleshot_timer] = op_stop_singleshot,
    [VCPUOP_register_vcpu_info] = op_register_info,
    [VCPUOP_send_nmi] = op_send_nmi,
    [VCPUOP_get_physid] = op_get_physid,
    [VCPUOP_register_vcpu_time_memory_area] = op_time_area,
};

int64_t vcpuop_call(struct sop_pcpu *self, struct sop_vcpu *v,
                    struct sop_call *call)
{
    uint32_t command = (uint32_t)call->arg[0];
    uint32_t id = (uint32_t)call->arg[1];
    struct vcpu_call c = {
        .self = self,
        .v = v,
        .operand = call->arg[2],
        .wide = call->wide,
    };

    /* The vCPU before the command (spec 2.4). */
    if (id >= v->domain->nr_vcpus) {
        return -XEN_ENOENT;
    }
    c.target = v->domain->vcpu[id];
    if (command >= ARRAY_SIZE(ops)) {
        return -XEN_ENOSYS;
    }
    ASSERT(ops[command] != NULL);
    return ops[command](&c);
}
