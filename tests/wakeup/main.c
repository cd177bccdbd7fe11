/* SPDX-License-Identifier: MIT */
/*
 * No wake-up is lost, whichever instruction it meets.
 *
 * A timer is set for a little later and the guest goes to sleep until then, by
 * HLT and by poll. Each time the timer is due 2 ns later than the time before,
 * which with counted instructions is one instruction: so it comes before,
 * between and after all the steps of going to sleep, the two of "sti; hlt"
 * as well, where an event must not be taken before the halt.
 *
 * A guest that slept through its timer never wakes, and its watchdog ends it.
 */
#include <schedop/kit.h>

#define FIRST_NS 400u
#define STEP_NS 2u
#define STEPS 4000u
#define LIMIT_S 5u

static evtchn_port_t port;

static void by_halt(void)
{
    __asm__ volatile("sti; hlt" : : : "memory");
}

/* The port stays masked: only its pending bit tells. */
static void by_poll(void)
{
    schedop_poll(&port, 1, SCHEDOP_NO_DEADLINE);
    schedop_event_clear(kit_events(), port);
    kit_events_restore(true);
}

static void sweep(const char *name, void (*sleep)(void))
{
    struct schedop_watchdog dog;

    if (schedop_watchdog_start(&dog, LIMIT_S) < 0) {
        kit_panic("no watchdog");
    }
    for (unsigned int i = 0; i < STEPS; i++) {
        kit_events_off();
        if (schedop_set_timer(kit_now_ns() + FIRST_NS + i * STEP_NS) != 0) {
            kit_panic("no timer");
        }
        sleep();
    }
    schedop_watchdog_stop(&dog);
    kit_printf("%s: awake after each of %u timers\n", name, STEPS);
}

static void woken(void *context, evtchn_port_t ours)
{
    (void)context;
    (void)ours;
}

int main(void)
{
    if (schedop_evtchn_bind_virq(VIRQ_TIMER, 0, &port) != 0 ||
        kit_on_event(port, woken, NULL) != 0) {
        kit_panic("no timer events");
    }
    sweep("halt", by_halt);
    schedop_event_mask(kit_events(), port);
    sweep("poll", by_poll);
    return 0;
}
