/* SPDX-License-Identifier: MIT */
/*
 * The 2-level event-channel bits of the shared info page (spec 4.2), and what
 * a poll means in their light (spec 3.4).
 *
 * Both layouts are little-endian bit arrays that differ only in where they
 * start and in how many ports a selector bit stands for, so all accesses are
 * by 32-bit words, whatever the build and the layout.
 */
#include "private.h"

/* Offsets in shared_info (spec 1.5); the native ones are Xen's own. */
#define PENDING 2048u /* in both */
#define MASK_32 2176u
#define MASK_64 2560u

#if defined(__x86_64__)
_Static_assert(offsetof(struct shared_info, evtchn_pending) == PENDING, "");
_Static_assert(offsetof(struct shared_info, evtchn_mask) == MASK_64, "");
#elif defined(__i386__)
_Static_assert(offsetof(struct shared_info, evtchn_pending) == PENDING, "");
_Static_assert(offsetof(struct shared_info, evtchn_mask) == MASK_32, "");
#endif

void schedop_events_init(struct schedop_events *events, void *shared_info,
                         enum schedop_layout layout)
{
    bool wide = layout == SCHEDOP_LAYOUT_64;
    uintptr_t base = (uintptr_t)shared_info;

    events->pending = (volatile uint32_t *)(base + PENDING);
    events->mask = (volatile uint32_t *)(base + (wide ? MASK_64 : MASK_32));
    events->word_bits = wide ? 64 : 32;
    events->nr_ports = events->word_bits * events->word_bits;
}

static uint32_t bit_of(evtchn_port_t port)
{
    return UINT32_C(1) << (port % 32);
}

bool schedop_event_is_pending(const struct schedop_events *events,
                              evtchn_port_t port)
{
    return port < events->nr_ports &&
           (__atomic_load_n(&events->pending[port / 32], __ATOMIC_ACQUIRE) &
            bit_of(port)) != 0;
}

bool schedop_event_is_masked(const struct schedop_events *events,
                             evtchn_port_t port)
{
    return port >= events->nr_ports ||
           (__atomic_load_n(&events->mask[port / 32], __ATOMIC_ACQUIRE) &
            bit_of(port)) != 0;
}

bool schedop_event_clear(const struct schedop_events *events,
                         evtchn_port_t port)
{
    if (port >= events->nr_ports) {
        return false;
    }
    return (__atomic_fetch_and(&events->pending[port / 32], ~bit_of(port),
                               __ATOMIC_SEQ_CST) &
            bit_of(port)) != 0;
}

void schedop_event_mask(const struct schedop_events *events, evtchn_port_t port)
{
    if (port < events->nr_ports) {
        __atomic_fetch_or(&events->mask[port / 32], bit_of(port),
                          __ATOMIC_SEQ_CST);
    }
}

static uint32_t first_pending(const struct schedop_events *events,
                              const evtchn_port_t *ports, uint32_t nr_ports)
{
    uint32_t i = 0;

    while (i < nr_ports && !schedop_event_is_pending(events, ports[i])) {
        i++;
    }
    return i;
}

enum schedop_wake schedop_poll_outcome(const struct schedop_events *events,
                                       const evtchn_port_t *ports,
                                       uint32_t nr_ports, uint64_t deadline_ns,
                                       uint64_t now_ns, uint32_t *first)
{
    uint32_t i = first_pending(events, ports, nr_ports);

    if (first) {
        *first = i;
    }
    if (i < nr_ports) {
        return SCHEDOP_WAKE_EVENT;
    }
    /* Xen compares signed: a deadline with bit 63 set has passed. */
    if (deadline_ns != SCHEDOP_NO_DEADLINE &&
        (int64_t)deadline_ns <= (int64_t)now_ns) {
        return SCHEDOP_WAKE_TIMEOUT;
    }
    return SCHEDOP_WAKE_OTHER;
}

int schedop_poll_wait(const struct schedop_poller *poller,
                      const evtchn_port_t *ports, uint32_t nr_ports,
                      uint64_t deadline_ns, uint32_t *first)
{
    uint64_t now_ns = 0;
    int rc = schedop_poll(ports, nr_ports, deadline_ns);

    if (rc < 0) {
        return rc;
    }
    if (deadline_ns != SCHEDOP_NO_DEADLINE) {
        now_ns = schedop_now_ns(poller->time);
    }
    return (int)schedop_poll_outcome(&poller->events, ports, nr_ports,
                                     deadline_ns, now_ns, first);
}
