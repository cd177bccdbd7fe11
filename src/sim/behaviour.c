/* SPDX-License-Identifier: MIT */
/* Aids for behaviours: operands, common steps, event bits. */
#include "private.h"

#include <string.h>

#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/xen.h>

#include "../lib/atomic.h"
#include "guest.h"

#define POLL_MAX 64u

/* ---- operands ---- */

static uint8_t *memory_of(const struct sim_vcpu *v)
{
    return v->d->mem + (size_t)v->id * SIM_MEM;
}

uint64_t sim_put(struct sim_vcpu *v, const void *data, size_t len)
{
    memcpy(memory_of(v), data, len);
    return GUEST_MEM + (uint64_t)v->id * SIM_MEM;
}

void sim_get(const struct sim_vcpu *v, void *data, size_t len)
{
    memcpy(data, memory_of(v), len);
}

/* ---- steps ---- */

void sim_compute(struct sim_step *s, uint64_t ns)
{
    s->act = SIM_COMPUTE;
    s->ns = ns;
}

void sim_compute_until(struct sim_step *s, uint64_t when)
{
    s->act = SIM_COMPUTE;
    s->until_time = true;
    s->ns = when;
}

void sim_call(struct sim_step *s, uint64_t nr, uint64_t a0, uint64_t a1,
              uint64_t a2)
{
    s->act = SIM_CALL;
    s->call = (struct sop_call){.nr = nr, .arg = {a0, a1, a2}, .wide = true};
}

void sim_sched(struct sim_step *s, unsigned command)
{
    sim_call(s, __HYPERVISOR_sched_op, command, 0, 0);
}

void sim_sched_with(struct sim_vcpu *v, struct sim_step *s, unsigned command,
                    const void *operand, size_t len)
{
    sim_call(s, __HYPERVISOR_sched_op, command, sim_put(v, operand, len), 0);
}

void sim_poll(struct sim_vcpu *v, struct sim_step *s, const uint32_t *ports,
              unsigned count, uint64_t timeout)
{
    struct {
        uint64_t array; /* a guest handle */
        uint32_t nr, padding;
        uint64_t timeout;
        uint32_t port[POLL_MAX];
    } op;

    _Static_assert(sizeof(struct sched_poll) == offsetof(__typeof__(op), port),
                   "the operand of poll");
    count = count < POLL_MAX ? count : POLL_MAX;
    op.array =
        GUEST_MEM + (uint64_t)v->id * SIM_MEM + offsetof(__typeof__(op), port);
    op.nr = count;
    op.padding = 0;
    op.timeout = timeout;
    if (count != 0) {
        memcpy(op.port, ports, count * sizeof(*ports));
    }
    sim_sched_with(v, s, SCHEDOP_poll, &op,
                   offsetof(__typeof__(op), port) + count * sizeof(*ports));
}

void sim_send(struct sim_vcpu *v, struct sim_step *s, uint32_t port)
{
    struct evtchn_send op = {.port = port};

    sim_call(s, __HYPERVISOR_event_channel_op, EVTCHNOP_send,
             sim_put(v, &op, sizeof(op)), 0);
}

int sim_connect(struct sim_vcpu *a, struct sim_vcpu *b, uint32_t port[2])
{
    return sop_evtchn_connect(a->v, b->v, port);
}

/* ---- event bits, in the layout of 64-bit guests ---- */

static struct shared_info *shared_of(const struct sim_vcpu *v)
{
    return (struct shared_info *)(void *)v->d->shared;
}

bool sim_take_event(struct sim_vcpu *v, uint32_t port)
{
    return atomic_test_and_clear_bit(
        (uint32_t *)(void *)shared_of(v)->evtchn_pending, port);
}

void sim_take_upcall(struct sim_vcpu *v)
{
    struct vcpu_info *info = &shared_of(v)->vcpu_info[v->id];

    info->evtchn_upcall_pending = 0;
    info->evtchn_pending_sel = 0;
}
