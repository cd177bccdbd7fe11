/* SPDX-License-Identifier: MIT */
/*
 * checkpoint: suspends itself. The system controller takes its checkpoint and
 * resumes the domain in place, which the guest sees as result 1: everything it
 * had is still there, which it tries on an event channel.
 */
#include <schedop/kit.h>

static volatile bool arrived;

static void on_event(void *context, evtchn_port_t port)
{
    (void)context;
    (void)port;
    arrived = true;
}

int main(void)
{
    evtchn_port_t port;
    int rc = schedop_evtchn_bind_ipi(0, &port);

    if (rc != 0) {
        kit_printf("bind_ipi: %s\n", schedop_error_text(rc));
        return rc;
    }
    kit_on_event(port, on_event, NULL);
    kit_printf("suspending\n");
    rc = kit_suspend();
    if (rc != SCHEDOP_CANCELLED) {
        kit_printf("suspend gave %d, not %d\n", rc, SCHEDOP_CANCELLED);
        return 1;
    }
    schedop_evtchn_send(port);
    kit_printf("back with result %d, event channel %s\n", rc,
               arrived ? "still works" : "is dead");
    return arrived ? 0 : 1;
}
