/* SPDX-License-Identifier: MIT */
/* Event-channel operations, and draining the 2-level bits (spec 4.1, 4.2). */
#include "private.h"
#include <schedop/guest.h>

static int evtchn_op(unsigned int op, void *operand)
{
    return call3(__HYPERVISOR_event_channel_op, op, (uintptr_t)operand, 0);
}

int schedop_evtchn_alloc_unbound(domid_t remote, evtchn_port_t *port)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = remote};
    int rc = evtchn_op(EVTCHNOP_alloc_unbound, &op);

    *port = rc == 0 ? op.port : 0;
    return rc;
}

int schedop_evtchn_bind_interdomain(domid_t remote, evtchn_port_t remote_port,
                                    evtchn_port_t *port)
{
    struct evtchn_bind_interdomain op = {.remote_dom = remote,
                                         .remote_port = remote_port};
    int rc = evtchn_op(EVTCHNOP_bind_interdomain, &op);

    *port = rc == 0 ? op.local_port : 0;
    return rc;
}

int schedop_evtchn_bind_virq(uint32_t virq, uint32_t vcpu, evtchn_port_t *port)
{
    struct evtchn_bind_virq op = {.virq = virq, .vcpu = vcpu};
    int rc = evtchn_op(EVTCHNOP_bind_virq, &op);

    *port = rc == 0 ? op.port : 0;
    return rc;
}

int schedop_evtchn_bind_ipi(uint32_t vcpu, evtchn_port_t *port)
{
    struct evtchn_bind_ipi op = {.vcpu = vcpu};
    int rc = evtchn_op(EVTCHNOP_bind_ipi, &op);

    *port = rc == 0 ? op.port : 0;
    return rc;
}

int schedop_evtchn_bind_vcpu(evtchn_port_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu op = {.port = port, .vcpu = vcpu};

    return evtchn_op(EVTCHNOP_bind_vcpu, &op);
}

int schedop_evtchn_close(evtchn_port_t port)
{
    struct evtchn_close op = {.port = port};

    return evtchn_op(EVTCHNOP_close, &op);
}

int schedop_evtchn_send(evtchn_port_t port)
{
    struct evtchn_send op = {.port = port};

    return evtchn_op(EVTCHNOP_send, &op);
}

int schedop_evtchn_status(struct evtchn_status *status)
{
    return evtchn_op(EVTCHNOP_status, status);
}

int schedop_evtchn_reset(void)
{
    struct evtchn_reset op = {.dom = DOMID_SELF};

    return evtchn_op(EVTCHNOP_reset, &op);
}

int schedop_event_unmask(evtchn_port_t port)
{
    struct evtchn_unmask op = {.port = port};

    return evtchn_op(EVTCHNOP_unmask, &op);
}

void schedop_events_mask_all(const struct schedop_events *events)
{
    for (uint32_t i = 0; i < events->nr_ports / 32; i++) {
        __atomic_store_n(&events->mask[i], UINT32_MAX, __ATOMIC_RELAXED);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

struct drain {
    const struct schedop_events *events;
    const volatile uint32_t *own; /* NULL: all */
    void (*handler)(void *context, evtchn_port_t port);
    void *context;
    uint32_t handled;
};

/* Handles the pending, unmasked ports of 32-bit word `word`, lowest first. */
static void drain_word(struct drain *drain, uint32_t word)
{
    const struct schedop_events *events = drain->events;
    uint32_t ready = __atomic_load_n(&events->pending[word], __ATOMIC_ACQUIRE) &
                     ~__atomic_load_n(&events->mask[word], __ATOMIC_ACQUIRE);

    if (drain->own) {
        ready &= __atomic_load_n(&drain->own[word], __ATOMIC_ACQUIRE);
    }
    while (ready != 0) {
        evtchn_port_t port = word * 32 + (uint32_t)__builtin_ctz(ready);

        ready &= ready - 1;
        if (schedop_event_clear(events, port)) {
            drain->handler(drain->context, port);
            drain->handled++;
        }
    }
}

/* Handles the words that bits of `selected` stand for, from bit `base` on. */
static void drain_selected(struct drain *drain, uint32_t selected,
                           uint32_t base)
{
    uint32_t words_per_bit = drain->events->word_bits / 32;

    while (selected != 0) {
        uint32_t bit = base + (uint32_t)__builtin_ctz(selected);

        selected &= selected - 1;
        for (uint32_t i = 0; i < words_per_bit; i++) {
            drain_word(drain, bit * words_per_bit + i);
        }
    }
}

uint32_t schedop_events_drain_own(
    const struct schedop_events *events, volatile struct vcpu_info *vcpu_info,
    const volatile uint32_t *own,
    void (*handler)(void *context, evtchn_port_t port), void *context)
{
    struct drain drain = {events, own, handler, context, 0};
    bool wide = events->word_bits == 64;
    /* The selector is the native word after the two bytes (spec 1.5). */
    volatile uint32_t *selector =
        (volatile uint32_t *)((uintptr_t)vcpu_info + (wide ? 8 : 4));

    /* The exchange is a full barrier between this byte and the selector. */
    while (__atomic_exchange_n(&vcpu_info->evtchn_upcall_pending, 0,
                               __ATOMIC_SEQ_CST) != 0) {
        uint32_t low = __atomic_exchange_n(&selector[0], 0, __ATOMIC_SEQ_CST);
        uint32_t high =
            wide ? __atomic_exchange_n(&selector[1], 0, __ATOMIC_SEQ_CST) : 0;

        drain_selected(&drain, low, 0);
        drain_selected(&drain, high, 32);
    }
    return drain.handled;
}

uint32_t schedop_events_drain(
    const struct schedop_events *events, volatile struct vcpu_info *vcpu_info,
    void (*handler)(void *context, evtchn_port_t port), void *context)
{
    return schedop_events_drain_own(events, vcpu_info, NULL, handler, context);
}
