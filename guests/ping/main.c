/* SPDX-License-Identifier: MIT */
/*
 * ping: one half of a ping-pong over an inter-domain event channel. Opens a
 * port for its peer, then answers every event with one, asleep in block
 * between them. The peer (pong) connects and serves.
 *
 * Command line: peer=DOMID (default 2), rounds=N (default 100).
 */
#include <schedop/kit.h>

#define PATIENCE_NS UINT64_C(2000000)

static volatile uint64_t arrived;
static volatile bool playing;

static void on_ball(void *context, evtchn_port_t port)
{
    (void)context;
    (void)port;
    arrived++;
}

static void rearm(void)
{
    schedop_set_timer(schedop_deadline_ns(kit_now_ns(), PATIENCE_NS));
}

/*
 * Block in a PVH guest sleeps through an event whose handler has run already
 * (spec 3.2), and that can happen between the test in wait_for() and the call.
 * So a timer that goes on ticking bounds how long such a sleep lasts. A guest
 * with less to show would use sti;hlt, as kit_wait() does.
 */
static void on_tick(void *context, evtchn_port_t port)
{
    (void)context;
    (void)port;
    if (playing) {
        rearm();
    }
}

static bool has_arrived(void *context)
{
    return arrived >= *(const uint64_t *)context;
}

static int wait_for(uint64_t count)
{
    if (kit_info()->pv) {
        return kit_wait(has_arrived, &count); /* is block, and loses nothing */
    }
    while (arrived < count) {
        int rc = schedop_block();

        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int play(evtchn_port_t port, uint64_t rounds)
{
    uint64_t start;
    int rc = rounds == 0 ? -XEN_EINVAL : wait_for(1); /* the peer serves */

    start = kit_now_ns();
    for (uint64_t round = 1; rc == 0 && round <= rounds; round++) {
        rc = schedop_evtchn_send(port);
        if (rc == 0) {
            rc = wait_for(round + 1);
        }
    }
    if (rc == 0) {
        kit_printf("%lu rounds, %lu us each, asleep in block\n",
                   (unsigned long)rounds,
                   (unsigned long)((kit_now_ns() - start) / 1000 / rounds));
    }
    return rc;
}

int main(void)
{
    domid_t peer = (domid_t)kit_arg_u64("peer", 2);
    evtchn_port_t port, timer;
    int rc = schedop_evtchn_alloc_unbound(peer, &port);

    if (rc == 0) {
        rc = schedop_evtchn_bind_virq(VIRQ_TIMER, 0, &timer);
    }
    if (rc == 0) {
        playing = true;
        kit_on_event(timer, on_tick, NULL);
        kit_on_event(port, on_ball, NULL);
        rearm();
        kit_printf("port %u is open for domain %u\n", port, peer);
        rc = play(port, kit_arg_u64("rounds", 100));
        playing = false;
    }
    if (rc != 0) {
        kit_printf("failed: %s\n", schedop_error_text(rc));
    }
    return rc;
}
