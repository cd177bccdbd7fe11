/* SPDX-License-Identifier: MIT */
/* Events, time and waiting for a guest that boots with the kit. */
#include "private.h"

#define PORTS_MAX 256u

static struct {
    void (*handler)(void *context, evtchn_port_t port);
    void *context;
} handlers[PORTS_MAX];

/*
 * What a vCPU takes in its upcalls, a bit for each port of the widest layout:
 * what is bound to it, and anything that is bound to none that we know.
 */
static volatile uint32_t own[KIT_VCPUS_MAX][64 * 64 / 32];

static struct schedop_events events;
static uint32_t upcalls[KIT_VCPUS_MAX], upcalls_pending[KIT_VCPUS_MAX];
static evtchn_port_t timer_ports[KIT_VCPUS_MAX];

unsigned int kit_cpu(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    return *(const volatile uint32_t *)(here &
                                        ~(uintptr_t)(KIT_STACK_SIZE - 1));
}

const struct schedop_events *kit_events(void)
{
    return &events;
}

volatile struct vcpu_info *kit_vcpu_info(void)
{
    struct shared_info *shared = (struct shared_info *)(void *)kit_shared_info;

    return &shared->vcpu_info[kit_cpu()];
}

uint32_t kit_upcalls(void)
{
    return upcalls[kit_cpu()];
}

uint32_t kit_upcalls_pending(void)
{
    return upcalls_pending[kit_cpu()];
}

void kit_events_attach(void)
{
    schedop_events_init(&events, kit_shared_info, SCHEDOP_LAYOUT_NATIVE);
    schedop_events_mask_all(&events);
    for (unsigned int cpu = 0; cpu < KIT_VCPUS_MAX; cpu++) {
        for (unsigned int i = 0; i < events.nr_ports / 32; i++) {
            own[cpu][i] = UINT32_MAX;
        }
    }
}

static void dispatch(void *context, evtchn_port_t port)
{
    (void)context;
    if (port < PORTS_MAX && handlers[port].handler) {
        handlers[port].handler(handlers[port].context, port);
    }
}

void kit_upcall(void)
{
    unsigned int cpu = kit_cpu();

    upcalls[cpu]++;
    /* QEMU can deliver an interrupt twice: then the first has the byte. */
    upcalls_pending[cpu] += kit_vcpu_info()->evtchn_upcall_pending != 0;
    schedop_events_drain_own(&events, kit_vcpu_info(), own[cpu], dispatch,
                             NULL);
}

/* From now on `port` is for the vCPU it is bound to, if it is open. */
static void give(evtchn_port_t port)
{
    struct evtchn_status status = {.dom = DOMID_SELF, .port = port};
    uint32_t bit = UINT32_C(1) << port % 32;
    bool open = schedop_evtchn_status(&status) == 0 &&
                status.status != EVTCHNSTAT_closed;

    for (unsigned int cpu = 0; cpu < KIT_VCPUS_MAX; cpu++) {
        if (!open || status.vcpu == cpu) {
            __atomic_fetch_or(&own[cpu][port / 32], bit, __ATOMIC_SEQ_CST);
        } else {
            __atomic_fetch_and(&own[cpu][port / 32], ~bit, __ATOMIC_SEQ_CST);
        }
    }
}

int kit_on_event(evtchn_port_t port,
                 void (*handler)(void *context, evtchn_port_t port),
                 void *context)
{
    bool on;

    if (port >= PORTS_MAX) {
        return -XEN_ENOSPC;
    }
    schedop_event_mask(&events, port);
    give(port);
    on = kit_events_off();
    handlers[port].context = context;
    handlers[port].handler = handler;
    kit_events_restore(on);
    return handler ? schedop_event_unmask(port) : 0;
}

bool kit_events_off(void)
{
    return kit_platform->events_off();
}

void kit_events_restore(bool on)
{
    if (on) {
        kit_platform->events_on();
    }
}

/* ---- time ---- */

uint64_t kit_now_ns(void)
{
    return schedop_now_ns(&kit_vcpu_info()->time);
}

void kit_sleep_ns(uint64_t delta_ns)
{
    uint64_t deadline_ns = schedop_deadline_ns(kit_now_ns(), delta_ns);

    while (kit_now_ns() < deadline_ns) {
        schedop_poll(NULL, 0, deadline_ns);
    }
}

void kit_spin_ns(uint64_t delta_ns)
{
    uint64_t deadline_ns = schedop_deadline_ns(kit_now_ns(), delta_ns);

    while (kit_now_ns() < deadline_ns) {
        __builtin_ia32_pause();
    }
}

/* The event only has to wake the vCPU. */
static void on_timer(void *context, evtchn_port_t port)
{
    (void)context;
    (void)port;
}

int kit_timer(uint64_t deadline_ns)
{
    evtchn_port_t *port = &timer_ports[kit_cpu()];
    int rc = 0;

    if (*port == 0) {
        rc = schedop_evtchn_bind_virq(VIRQ_TIMER, kit_cpu(), port);
        if (rc == 0) {
            rc = kit_on_event(*port, on_timer, NULL);
        }
    }
    return rc != 0 ? rc : schedop_set_timer(deadline_ns);
}

int kit_wait(bool (*ready)(void *context), void *context)
{
    return kit_platform->wait(ready, context);
}

int kit_poll(evtchn_port_t port, uint64_t deadline_ns)
{
    const struct schedop_poller poller = {events, &kit_vcpu_info()->time};

    return schedop_poll_wait(&poller, &port, 1, deadline_ns, NULL);
}
