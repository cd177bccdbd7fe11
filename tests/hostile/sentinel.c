/* SPDX-License-Identifier: MIT */
/*
 * The sentinel: an honest guest that checks all it owns, over and over.
 *
 *   memory  4 MiB of a pattern; another domain's write would show
 *   clock   never steps back; runstates sum to it
 *   timers  never early, and late by less than a second
 *   events  each one sent arrives once, on its port and on no other
 *   calls   give the results they should, whatever others do meanwhile
 *
 * Two vCPUs check at once. After `seconds` of system time it powers off; if
 * anything was wrong it crashes.
 */
#include "hostile.h"

#define WORDS (4u << 20 >> 3)
#define LATE_MAX (1000 * MS)

static uint64_t memory[WORDS];
static uint64_t end_ns;
static volatile uint32_t rounds[2];

static void check(bool good, const char *what)
{
    if (!good) {
        kit_panic("sentinel vCPU %u: %s", kit_cpu(), what);
    }
}

/* ---- memory: each vCPU has half ---- */

static uint64_t pattern(uint64_t i, uint64_t round)
{
    return (i + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ round << 32;
}

static void write_memory(unsigned int half, uint64_t round)
{
    for (uint64_t i = half * WORDS / 2; i < (half + 1) * WORDS / 2; i++) {
        memory[i] = pattern(i, round);
    }
}

static void check_memory(unsigned int half, uint64_t round)
{
    const volatile uint64_t *m = memory;

    for (uint64_t i = half * WORDS / 2; i < (half + 1) * WORDS / 2; i++) {
        if (m[i] != pattern(i, round)) {
            kit_panic("sentinel: word %lu is %lx, not %lx", i, m[i],
                      pattern(i, round));
        }
    }
}

/* ---- clock ---- */

static void check_clock(void)
{
    static volatile uint64_t latest;
    struct vcpu_runstate_info info;
    uint64_t seen = latest, mine = kit_now_ns(), sum = 0;

    check(mine >= seen, "time steps back");
    latest = mine; /* of either vCPU: a race makes it older, never newer */
    check(schedop_vcpu_runstate(kit_cpu(), &info) == 0, "no runstate");
    for (unsigned int i = 0; i < 4; i++) {
        sum += info.time[i];
    }
    check(sum <= kit_now_ns(), "runstates sum to more than there was time");
}

/* ---- timers and events ---- */

static evtchn_port_t echo[2]; /* ipi of each vCPU */
static evtchn_port_t keep;    /* ours, unbound; nobody may take it */
static evtchn_port_t pair[2]; /* interdomain with ourselves */
static volatile uint32_t heard[256];

static void hear(void *context, evtchn_port_t port)
{
    (void)context;
    check(kit_cpu() == (port == echo[1] ? 1 : 0), "an event of the other's");
    __atomic_fetch_add(&heard[port], 1, __ATOMIC_SEQ_CST);
}

struct want {
    evtchn_port_t port;
    uint32_t count;
};

static bool is_heard(void *context)
{
    const struct want *want = context;

    return heard[want->port] == want->count;
}

static bool is_late(void *context)
{
    return kit_now_ns() >= *(const uint64_t *)context;
}

static void check_timer(void)
{
    uint64_t deadline = kit_now_ns() + 3 * MS;

    check(kit_timer(deadline) == 0, "no timer");
    check(kit_wait(is_late, &deadline) == 0, "no wait");
    check(kit_now_ns() - deadline < LATE_MAX, "timer late");
    deadline = kit_now_ns() + 2 * MS;
    check(schedop_poll(NULL, 0, deadline) == 0, "poll fails");
    while (kit_now_ns() < deadline) {
        check(schedop_poll(NULL, 0, deadline) == 0, "poll fails");
    }
    check(kit_now_ns() - deadline < LATE_MAX, "poll late");
}

static void check_events(void)
{
    unsigned int me = kit_cpu();
    struct want want = {echo[me], heard[echo[me]] + 1};

    check(schedop_evtchn_send(echo[me]) == 0, "send fails");
    check(kit_wait(is_heard, &want) == 0, "no wait");
    if (me == 0) {
        want = (struct want){pair[1], heard[pair[1]] + 1};
        check(schedop_evtchn_send(pair[0]) == 0, "send fails");
        check(kit_wait(is_heard, &want) == 0, "no wait");
    }
}

static void check_ports(void)
{
    struct evtchn_status status = {.dom = DOMID_SELF, .port = keep};

    check(schedop_evtchn_status(&status) == 0, "no status");
    check(status.status == EVTCHNSTAT_unbound, "somebody took our port");
    for (unsigned int i = 0; i < 256; i++) {
        check(heard[i] == 0 || i == echo[0] || i == echo[1] || i == pair[0] ||
                  i == pair[1],
              "an event from nowhere");
    }
}

/* ---- calls ---- */

static void check_calls(void)
{
    struct schedop_watchdog dog;

    check(schedop_yield() == 0, "yield");
    if (kit_cpu() == 0) {
        check(schedop_watchdog_start(&dog, 100) > 0, "watchdog start");
        check(schedop_watchdog_poke(&dog, 100) == 0, "watchdog poke");
        check(schedop_watchdog_stop(&dog) == 0, "watchdog stop");
    }
    check(schedop_hypercall3(99, 0, 0, 0) == -XEN_ENOSYS, "call 99");
}

static void watch(void *context)
{
    unsigned int me = kit_cpu();

    (void)context;
    write_memory(me, 0);
    for (uint64_t round = 0; kit_now_ns() < end_ns; round++) {
        check_clock();
        check_timer();
        check_events();
        check_calls();
        if (round % 16 == 15) {
            check_memory(me, round / 16);
            write_memory(me, round / 16 + 1);
        }
        rounds[me]++;
    }
    check_ports();
}

void sentinel(void)
{
    end_ns = kit_now_ns() + kit_arg_u64("seconds", 5) * 1000 * MS;
    check(schedop_evtchn_alloc_unbound(DOMID_SELF, &keep) == 0, "alloc");
    check(schedop_evtchn_alloc_unbound(DOMID_SELF, &pair[0]) == 0, "alloc");
    check(schedop_evtchn_bind_interdomain(DOMID_SELF, pair[0], &pair[1]) == 0,
          "bind");
    check(!schedop_event_clear(kit_events(), pair[0]), "peer pending");
    check(schedop_event_clear(kit_events(), pair[1]), "new port not pending");
    check(kit_on_event(pair[1], hear, NULL) == 0, "on_event");
    for (unsigned int i = 0; i < 2; i++) {
        check(schedop_evtchn_bind_ipi(i, &echo[i]) == 0, "bind_ipi");
        check(kit_on_event(echo[i], hear, NULL) == 0, "on_event");
    }
    check(kit_start_vcpu(1, watch, NULL) == 0, "second vCPU");
    watch(NULL);
    while (schedop_vcpu_is_up(1) == 1) {
        kit_sleep_ns(MS);
    }
    check(rounds[0] > 10 && rounds[1] > 10, "hardly ran");
    kit_printf("sentinel: all is well\n");
}
