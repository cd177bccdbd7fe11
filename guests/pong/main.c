/* SPDX-License-Identifier: MIT */
/*
 * pong: the other half of the ping-pong. Looks for the port that ping has
 * opened for it, serves, and returns every event, waiting in poll with a
 * deadline. Its port stays masked: poll needs no upcall and no handler.
 *
 * Command line: peer=DOMID (default 1), rounds=N (default 100).
 */
#include <schedop/kit.h>

#define MS UINT64_C(1000000)
#define PORTS_TO_TRY 32u
#define LATE_MAX 50u

/*
 * Only a port that ping keeps open for us can be bound, so trying them all
 * finds it, whatever else ping has open; until then ping has not come up.
 */
static int connect(domid_t peer, evtchn_port_t *port)
{
    int rc = -XEN_ESRCH;

    for (unsigned int attempt = 0; attempt < 1000; attempt++) {
        for (evtchn_port_t remote = 1; remote < PORTS_TO_TRY; remote++) {
            rc = schedop_evtchn_bind_interdomain(peer, remote, port);
            if (rc == 0) {
                return 0;
            }
        }
        kit_sleep_ns(5 * MS);
    }
    return rc;
}

/* Waits for one event; reports the times nothing came before the deadline. */
static int receive(evtchn_port_t port, unsigned int *late)
{
    while (*late < LATE_MAX) {
        uint64_t deadline_ns = schedop_deadline_ns(kit_now_ns(), 100 * MS);
        int wake = kit_poll(port, deadline_ns);

        if (wake == SCHEDOP_WAKE_EVENT) {
            schedop_event_clear(kit_events(), port);
            return 0;
        }
        if (wake < 0) {
            return wake;
        }
        *late += wake == SCHEDOP_WAKE_TIMEOUT ? 1 : 0;
    }
    return -XEN_ETIMEDOUT;
}

static int play(evtchn_port_t port, uint64_t rounds)
{
    unsigned int late = 0;
    int rc = schedop_evtchn_send(port);

    for (uint64_t round = 0; rc == 0 && round < rounds; round++) {
        rc = receive(port, &late);
        if (rc == 0) {
            rc = schedop_evtchn_send(port);
        }
    }
    if (rc == 0) {
        kit_printf("%lu rounds, waited by poll, %u deadlines passed\n",
                   (unsigned long)rounds, late);
    }
    return rc;
}

int main(void)
{
    domid_t peer = (domid_t)kit_arg_u64("peer", 1);
    evtchn_port_t port;
    int rc = connect(peer, &port);

    if (rc == 0) {
        /* A port bound to another domain starts pending: nothing was sent. */
        schedop_event_clear(kit_events(), port);
        kit_printf("port %u leads to domain %u\n", port, peer);
        rc = play(port, kit_arg_u64("rounds", 100));
    }
    if (rc != 0) {
        kit_printf("failed: %s\n", schedop_error_text(rc));
    }
    return rc;
}
